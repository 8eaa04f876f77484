/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /internal/state/examine/gluster: what the database has, what the nodes have, and
 * where they differ.  Runs on the slow workers of the API, and waits for nodes.
 */
#include <config.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/dump.h"
#include "api/dump-view.h"
#include "api/examine.h"
#include "api/request.h"
#include "util/xalloc.h"

#define DIFFERENCES_MAX 1000	/* lines of the report */

struct examination {
	struct dump_view w;
	struct examined *nodes;		/* in order of node id */
	size_t n;
	struct strs report;
};

static void PRINTF(2, 3)
report(struct examination *x, const char *fmt, ...)
{
	va_list ap;

	if (x->report.n > DIFFERENCES_MAX)
		return;
	va_start(ap, fmt);
	*VEC_PUSH(&x->report) = xvasprintf(fmt, ap);
	va_end(ap);
}

/* ---- comparing ---- */

static bool
node_has(const struct examined *e, const char *volume)
{
	for (size_t i = 0; i < e->records.n; i++) {
		const char *name = kvs_get(&e->records.v[i], "volume");

		if (name != NULL && strcmp(name, volume) == 0)
			return true;
	}
	return false;
}

/* Those that we know and the node does not; the names of all are added. */
static size_t
compare_ours(struct examination *x, const struct examined *e,
	     struct relation *known)
{
	const struct strs *ids = relation_of(x->w.volumes, e->node->cluster);
	size_t missing = 0;

	for (size_t i = 0; i < ids->n; i++) {
		const struct volume *v = dump_find(&x->w, RECORD_VOLUME,
						   ids->v[i]);

		relation_add(known, "", v->name);
		if (v->doing == VOLUME_CREATING || node_has(e, v->name))
			continue;
		missing++;
		report(x, "volume %s (%s) is not there on node %s", v->name,
		       v->id, e->node->id);
	}
	return missing;
}

static size_t
compare_theirs(struct examination *x, const struct examined *e,
	       const struct relation *known)
{
	size_t strange = 0;

	for (size_t i = 0; i < e->records.n; i++) {
		const char *name = kvs_get(&e->records.v[i], "volume");

		if (name == NULL || relation_has(known, "", name) ||
		    kvs_get(&e->records.v[i], "block") != NULL)
			continue;
		strange++;
		report(x, "volume %s on node %s is not known here", name,
		       e->node->id);
	}
	return strange;
}

/* true: they have the same volumes. */
static bool
compare(struct examination *x, const struct examined *e)
{
	struct relation *known;
	size_t differences;

	if (e->error != NULL) {
		report(x, "could not fetch data from node %s : %s",
		       e->node->manage.n > 0 ? e->node->manage.v[0] : "",
		       e->error);
		report(x, "heketi volume list could not be compared with volume "
		       "list of node %s due to missing info", e->node->id);
		return false;
	}
	known = relation_new();
	differences = compare_ours(x, e, known);
	differences += compare_theirs(x, e, known);
	relation_free(known);
	if (differences > 0)
		report(x, "heketi volume list does not match with volume list of "
		       "node %s", e->node->id);
	return differences == 0;
}

static void
compare_all(struct examination *x)
{
	const struct mirror_list *l = &x->w.snapshot->of[RECORD_CLUSTER];

	for (size_t c = 0; c < l->n; c++) {
		const struct cluster *cl = (const void *)l->v[c];
		bool same = true;
		size_t n = 0;

		for (size_t i = 0; i < x->n; i++) {
			if (strcmp(x->nodes[i].node->cluster, cl->id) != 0)
				continue;
			n++;
			same &= compare(x, &x->nodes[i]);
		}
		if (n == 0)
			report(x, "not able to fetch any data from cluster %s",
			       cl->id);
		if (same)
			report(x, "heketi volume list matches with volume list "
			       "of all nodes");
	}
}

/* ---- what the nodes say ---- */

static void
encode_json(struct jsonout *j, const char *key, json_t *v)
{
	const char *name;
	json_t *item;
	size_t i;

	if (json_is_object(v)) {
		jsonout_open(j, key, '{');
		json_object_foreach(v, name, item)
			encode_json(j, name, item);
		jsonout_close(j, '}');
	} else if (json_is_array(v)) {
		jsonout_open(j, key, '[');
		json_array_foreach(v, i, item)
			encode_json(j, NULL, item);
		jsonout_close(j, ']');
	} else if (json_is_string(v)) {
		jsonout_str(j, key, json_string_value(v));
	} else if (json_is_integer(v)) {
		jsonout_int(j, key, json_integer_value(v));
	} else if (json_is_boolean(v)) {
		jsonout_bool(j, key, json_is_true(v));
	} else {
		jsonout_null(j, key);
	}
}

/* One of LVM's own reports; null when it is none. */
static void
encode_report(struct jsonout *j, const char *key, const char *text)
{
	json_t *v = text != NULL ? json_loads(text, 0, NULL) : NULL;

	if (v != NULL)
		encode_json(j, key, v);
	else
		jsonout_null(j, key);
	json_decref(v);
}

/* ---- mounts, block volumes ---- */

/* Is the device the first word of a line? */
static bool
is_mounted(const char *mounts, const char *device)
{
	size_t len = strlen(device);

	for (const char *s = mounts; s != NULL && *s != '\0';) {
		if (strncmp(s, device, len) == 0 &&
		    (s[len] == ' ' || s[len] == '\t'))
			return true;
		s = strchr(s, '\n');
		if (s != NULL)
			s++;
	}
	return false;
}

static void
encode_mount_line(struct jsonout *j, char *line, const char *mounts)
{
	char *save = NULL, *word[4];

	for (int i = 0; i < 4; i++) {
		word[i] = strtok_r(i == 0 ? line : NULL, " \t", &save);
		if (word[i] == NULL || word[0][0] == '#')
			return;
	}
	jsonout_open(j, NULL, '{');
	jsonout_str(j, "Device", word[0]);
	jsonout_str(j, "MountPoint", word[1]);
	jsonout_str(j, "Type", word[2]);
	jsonout_str(j, "MountOptions", word[3]);
	jsonout_bool(j, "Mounted", is_mounted(mounts, word[0]));
	jsonout_close(j, '}');
}

static void
encode_mounts(struct jsonout *j, const struct kvs *first)
{
	const char *fstab = kvs_get(first, "fstab");
	CLEANUP_FREE char *copy = xstrdup(fstab != NULL ? fstab : "");
	char *save = NULL;

	jsonout_open(j, "BricksMountStatus", '{');
	if (copy[0] == '\0') {
		jsonout_null(j, "Statuses");
		jsonout_close(j, '}');
		return;
	}
	jsonout_open(j, "Statuses", '[');
	for (char *line = strtok_r(copy, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		encode_mount_line(j, line, kvs_get(first, "mounts"));
	jsonout_close(j, ']');
	jsonout_close(j, '}');
}

static void
encode_blocks(struct jsonout *j, const struct examined *e)
{
	CLEANUP(strs_release) struct strs names = { 0 };

	for (size_t i = 0; i < e->records.n; i++) {
		const char *volume = kvs_get(&e->records.v[i], "volume");
		const char *block = kvs_get(&e->records.v[i], "block");

		if (volume != NULL && block != NULL)
			*VEC_PUSH(&names) = xasprintf("%s/%s", volume, block);
	}
	if (names.n > 0)
		jsonout_strs(j, "BlockVolumeNames", &names);
	else
		jsonout_null(j, "BlockVolumeNames");
}

static void
encode_node_data(struct jsonout *j, const struct examined *e)
{
	static const char *const members[] = {
		"VolumeInfo", "LVMPVInfo", "LVMVGInfo", "LVMLVInfo",
		"BricksMountStatus", "BlockVolumeNames"
	};
	const struct kvs *first = e->records.n > 0 ? &e->records.v[0] : NULL;

	jsonout_open(j, NULL, '{');
	jsonout_str(j, "NodeHeketiID", e->node->id);
	for (size_t i = 0; first == NULL && i < ARRAY_SIZE(members); i++)
		jsonout_null(j, members[i]);
	if (first != NULL) {
		examine_encode_volumes(j, e);
		encode_report(j, "LVMPVInfo", kvs_get(first, "pvs"));
		encode_report(j, "LVMVGInfo", kvs_get(first, "vgs"));
		encode_report(j, "LVMLVInfo", kvs_get(first, "lvs"));
		encode_mounts(j, first);
		encode_blocks(j, e);
	}
	jsonout_close(j, '}');
}

static void
encode_clusters(struct jsonout *j, const struct examination *x)
{
	const struct mirror_list *l = &x->w.snapshot->of[RECORD_CLUSTER];

	if (l->n == 0) {
		jsonout_null(j, "clusters");
		return;
	}
	jsonout_open(j, "clusters", '[');
	for (size_t c = 0; c < l->n; c++) {
		const struct cluster *cl = (const void *)l->v[c];

		jsonout_open(j, NULL, '{');
		jsonout_str(j, "ClusterHeketiID", cl->id);
		jsonout_open(j, "NodesData", '[');
		for (size_t i = 0; i < x->n; i++)
			if (strcmp(x->nodes[i].node->cluster, cl->id) == 0)
				encode_node_data(j, &x->nodes[i]);
		jsonout_close(j, ']');
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

enum err
examine_encode(const struct mirror_snapshot *s, struct examined *nodes, size_t n,
	       const char *note, struct buf *out, struct error *err)
{
	struct jsonout j = { .out = out, .indent = 4 };
	struct examination x = { .nodes = nodes, .n = n };
	enum err e;

	dump_view_init(&x.w, s);
	if (note != NULL)
		report(&x, "%s", note);
	compare_all(&x);
	jsonout_open(&j, NULL, '{');
	e = dump_encode_member(s, &j, "heketidb", err);
	if (x.report.n > 0)
		jsonout_strs(&j, "report", &x.report);
	else
		jsonout_null(&j, "report");
	encode_clusters(&j, &x);
	jsonout_close(&j, '}');
	dump_view_release(&x.w);
	strs_release(&x.report);
	return e;
}

void
h_examine(struct request *r)
{
	CLEANUP(mirror_snapshot_release) struct mirror_snapshot s = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	CLEANUP_FREE char *note = NULL;
	struct operation_counts counts = { 0 };
	struct error err = { .code = ERR_OK };
	struct examined *nodes;
	size_t n = 0;

	if (!request_sync(r))
		return;
	service_operation_counts(r->service, &counts);
	service_snapshot(r->service, &s);
	nodes = service_examine(r->service, &s, &n);
	note = xasprintf("OnDemand Examiner invoked while %zu ops are in "
			 "flight", counts.in_flight);
	if (examine_encode(&s, nodes, n, note, &b, &err) == ERR_OK)
		reply_json(r, 200, &b);
	else
		reply_text(r, 500, err.text);
	service_examine_free(nodes, n);
}
