/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes as the nodes have them: gluster's XML, in the JSON that Go makes of what
 * heketi reads of it.  Pure.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/examine.h"
#include "util/xalloc.h"

static void
encode_element(struct jsonout *j, const char *name)
{
	jsonout_open(j, "XMLName", '{');
	jsonout_str(j, "Space", "");
	jsonout_str(j, "Local", name);
	jsonout_close(j, '}');
}

static void
encode_number(struct jsonout *j, const char *key, const char *value)
{
	jsonout_int(j, key, value != NULL ? strtoll(value, NULL, 10) : 0);
}

static void
encode_text(struct jsonout *j, const char *key, const char *value)
{
	jsonout_str(j, key, value != NULL ? value : "");
}

/* The value of the next pair with that key before the next one with `until`. */
static const char *
value_of(const struct kvs *r, size_t i, const char *key, const char *until)
{
	for (i++; i < r->n && strcmp(r->v[i].key, until) != 0; i++)
		if (strcmp(r->v[i].key, key) == 0)
			return r->v[i].value;
	return NULL;
}

static void
encode_brick(struct jsonout *j, const struct kvs *r, size_t i)
{
	static const char key[] = "gluster.brick";
	const char *host = value_of(r, i, "gluster.hostUuid", key);

	jsonout_open(j, NULL, '{');
	encode_text(j, "UUID", host);	/* gluster prints it twice */
	encode_text(j, "Name", r->v[i].value);
	encode_text(j, "HostUUID", host);
	encode_number(j, "IsArbiter",
		      value_of(r, i, "gluster.isArbiter", key));
	jsonout_close(j, '}');
}

static void
encode_option(struct jsonout *j, const struct kvs *r, size_t i)
{
	jsonout_open(j, NULL, '{');
	encode_text(j, "Name", r->v[i].value);
	encode_text(j, "Value",
		    value_of(r, i, "gluster.value", "gluster.option"));
	jsonout_close(j, '}');
}

static void
encode_each(struct jsonout *j, const char *list, const struct kvs *r,
	    const char *key, void (*encode)(struct jsonout *, const struct kvs *,
					    size_t))
{
	if (kvs_get(r, key) == NULL) {
		jsonout_null(j, list);
		return;
	}
	jsonout_open(j, list, '[');
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->v[i].key, key) == 0)
			encode(j, r, i);
	jsonout_close(j, ']');
}

static void
encode_counts(struct jsonout *j, const struct kvs *r)
{
	static const char *const counts[][2] = {
		{ "BrickCount", "gluster.brickCount" },
		{ "DistCount", "gluster.distCount" },
		{ "StripeCount", "gluster.stripeCount" },
		{ "ReplicaCount", "gluster.replicaCount" },
		{ "ArbiterCount", "gluster.arbiterCount" },
		{ "DisperseCount", "gluster.disperseCount" },
		{ "RedundancyCount", "gluster.redundancyCount" },
		{ "Type", "gluster.type" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		encode_number(j, counts[i][0], kvs_get(r, counts[i][1]));
}

/* "Started"; of an executor that tells it in small letters only, these. */
static void
encode_status(struct jsonout *j, const struct kvs *r)
{
	const char *status = kvs_get(r, "gluster.statusStr");
	CLEANUP_FREE char *made = NULL;

	if (status == NULL) {
		status = kvs_get(r, "status");
		made = xstrdup(status != NULL ? status : "");
		if (made[0] >= 'a' && made[0] <= 'z')
			made[0] = (char)(made[0] - 'a' + 'A');
		status = made;
	}
	encode_number(j, "Status", kvs_get(r, "gluster.status"));
	jsonout_str(j, "StatusStr", status);
}

static void
encode_volume(struct jsonout *j, const struct kvs *r)
{
	jsonout_open(j, NULL, '{');
	encode_element(j, "volume");
	encode_text(j, "VolumeName", kvs_get(r, "volume"));
	encode_text(j, "ID", kvs_get(r, "id"));
	encode_status(j, r);
	encode_counts(j, r);
	encode_text(j, "TypeStr", kvs_get(r, "type"));
	encode_number(j, "Transport", kvs_get(r, "gluster.transport"));
	jsonout_open(j, "Bricks", '{');
	encode_element(j, "bricks");
	encode_each(j, "BrickList", r, "gluster.brick", encode_brick);
	jsonout_close(j, '}');
	encode_number(j, "OptCount", kvs_get(r, "gluster.optCount"));
	jsonout_open(j, "Options", '{');
	encode_element(j, "options");
	encode_each(j, "OptionList", r, "gluster.option", encode_option);
	jsonout_close(j, '}');
	jsonout_close(j, '}');
}

static bool
is_volume(const struct kvs *r)
{
	return kvs_get(r, "volume") != NULL && kvs_get(r, "block") == NULL;
}

void
examine_encode_volumes(struct jsonout *j, const struct examined *e)
{
	uint64_t n = 0;

	for (size_t i = 0; i < e->records.n; i++)
		n += is_volume(&e->records.v[i]);
	jsonout_open(j, "VolumeInfo", '{');
	encode_element(j, "volInfo");
	jsonout_open(j, "Volumes", '{');
	encode_element(j, "volumes");
	jsonout_uint(j, "Count", n);
	if (n > 0)
		jsonout_open(j, "VolumeList", '[');
	else
		jsonout_null(j, "VolumeList");
	for (size_t i = 0; i < e->records.n; i++)
		if (is_volume(&e->records.v[i]))
			encode_volume(j, &e->records.v[i]);
	if (n > 0)
		jsonout_close(j, ']');
	jsonout_close(j, '}');
	jsonout_close(j, '}');
}
