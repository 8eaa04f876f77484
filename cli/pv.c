/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The document heketi-cli writes, in the order in which Kubernetes does. */
#include <config.h>

#include <stdio.h>

#include "cli/fmt.h"
#include "cli/pv.h"
#include "util/cleanup.h"
#include "util/xalloc.h"

static char *
pv_text(const json_t *v, const char *endpoint)
{
	CLEANUP_FREE char *name = xasprintf("glusterfs-%.8s",
					    json_str_at(v, "id"));
	CLEANUP_FREE char *size = xasprintf("%lldGi",
					    (long long)json_int_at(v, "size"));
	CLEANUP_FREE char *gid = xasprintf("%lld",
					   (long long)json_int_at(v, "gid"));
	json_auto_t *pv = json_pack(
		"{s:s, s:s, s:{s:s, s:n, s:{s:s}},"
		" s:{s:{s:s}, s:{s:s, s:s}, s:[s], s:s}, s:{}}",
		"kind", "PersistentVolume", "apiVersion", "v1",
		"metadata", "name", name, "creationTimestamp",
		"annotations", "pv.beta.kubernetes.io/gid", gid,
		"spec", "capacity", "storage", size, "glusterfs",
		"endpoints",
		endpoint[0] != '\0' ? endpoint : "TYPE ENDPOINT HERE",
		"path", json_str_at(v, "name"),
		"accessModes", "ReadWriteMany",
		"persistentVolumeReclaimPolicy", "Retain", "status");

	return json_dumps(pv, JSON_INDENT(2));
}

void
pv_print(const json_t *volume, const char *endpoint)
{
	CLEANUP_FREE char *text = pv_text(volume, endpoint);

	puts(text);
}

enum err
pv_write(const char *file, const json_t *volume, const char *endpoint,
	 struct error *err)
{
	CLEANUP_FREE char *text = pv_text(volume, endpoint);
	FILE *f = fopen(file, "we");
	int bad;

	if (f == NULL)
		return fail(err, ERR_INTERNAL, "open %s: %m", file);
	bad = fputs(text, f) < 0;
	bad |= fclose(f) != 0;
	if (bad)
		return fail(err, ERR_INTERNAL, "write %s: %m", file);
	return ERR_OK;
}
