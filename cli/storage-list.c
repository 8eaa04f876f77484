/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members in the order in which heketi-cli writes them, which is that of the
 * structs of Kubernetes.
 */
#include <config.h>

#include <string.h>

#include <openssl/evp.h>

#include "cli/fmt.h"
#include "cli/storage-list.h"
#include "util/xalloc.h"

#define JOB	  "heketi-storage-copy-job"
#define ENDPOINTS "heketi-storage-endpoints"
#define SECRET	  "heketi-storage-secret"
#define TAG	  "heketi-storage"

json_t *
endpoint_subsets(const json_t *volume)
{
	const json_t *hosts = json_at(volume, "mount.glusterfs.hosts");
	json_t *list = json_array(), *host;
	size_t i;

	json_array_foreach(hosts, i, host)
		json_array_append_new(
			list, json_pack("{s:[{s:s}], s:[{s:i}]}", "addresses",
					"ip", json_str_nth(hosts, i), "ports",
					"port", 1));
	return list;
}

static json_t *
labelled(const char *name)
{
	return json_pack("{s:s, s:n, s:{s:s}}", "name", name,
			 "creationTimestamp", "labels", "deploy-heketi",
			 "support");
}

static json_t *
named(const char *name)
{
	return json_pack("{s:s, s:n}", "name", name, "creationTimestamp");
}

static json_t *
secret(const struct buf *db)
{
	CLEANUP_FREE char *text = xcalloc(db->len / 3 + 1, 4 + 1);

	EVP_EncodeBlock((unsigned char *)text,
			(const unsigned char *)buf_str(db), (int)db->len);
	return json_pack("{s:s, s:s, s:o, s:{s:s}}", "kind", "Secret",
			 "apiVersion", "v1", "metadata", labelled(SECRET),
			 "data", "heketi.db", text);
}

static json_t *
endpoints(const json_t *volume)
{
	json_t *subsets = endpoint_subsets(volume);

	if (json_array_size(subsets) == 0) {
		json_decref(subsets);
		subsets = NULL;
	}
	return json_pack("{s:s, s:s, s:o, s:o*}", "kind", "Endpoints",
			 "apiVersion", "v1", "metadata", named(ENDPOINTS),
			 "subsets", subsets);
}

static json_t *
service(void)
{
	return json_pack("{s:s, s:s, s:o, s:{s:[{s:i, s:i}]}, s:{s:{}}}",
			 "kind", "Service", "apiVersion", "v1", "metadata",
			 named(ENDPOINTS), "spec", "ports", "port", 1,
			 "targetPort", 0, "status", "loadBalancer");
}

static json_t *
volumes(const json_t *volume)
{
	return json_pack("[{s:s, s:{s:s, s:s}}, {s:s, s:{s:s}}]", "name", TAG,
			 "glusterfs", "endpoints", ENDPOINTS, "path",
			 json_str_at(volume, "name"), "name", SECRET, "secret",
			 "secretName", SECRET);
}

static json_t *
containers(const char *image)
{
	return json_pack("[{s:s, s:s, s:[s, s, s], s:{},"
			 " s:[{s:s, s:s}, {s:s, s:s}]}]",
			 "name", "heketi", "image", image, "command", "cp",
			 "/db/heketi.db", "/heketi", "resources",
			 "volumeMounts", "name", TAG, "mountPath", "/heketi",
			 "name", SECRET, "mountPath", "/db");
}

/* NULL unless there is exactly one '='. */
static json_t *
node_selector(const char *s)
{
	CLEANUP(strs_release) struct strs parts = { 0 };

	strs_split(&parts, s, '=');
	if (parts.n != 2)
		return NULL;
	return json_pack("{s:s}", parts.v[0], parts.v[1]);
}

static json_t *
pod(const json_t *volume, const struct storage_job *job)
{
	return json_pack("{s:o, s:o, s:s, s:o*}", "volumes", volumes(volume),
			 "containers", containers(job->image), "restartPolicy",
			 "Never", "nodeSelector", node_selector(job->selector));
}

static json_t *
copy_job(const json_t *volume, const struct storage_job *job)
{
	return json_pack("{s:s, s:s, s:o, s:{s:i, s:i, s:{s:o, s:o}}, s:{}}",
			 "kind", "Job", "apiVersion", "batch/v1", "metadata",
			 labelled(JOB), "spec", "parallelism", 1, "completions",
			 1, "template", "metadata", named(JOB), "spec",
			 pod(volume, job), "status");
}

json_t *
storage_list(const json_t *volume, const struct buf *db,
	     const struct storage_job *job)
{
	return json_pack("{s:s, s:s, s:[o, o, o, o]}", "apiVersion", "v1",
			 "kind", "List", "items", secret(db),
			 endpoints(volume), service(), copy_job(volume, job));
}
