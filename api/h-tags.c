/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tags of nodes and devices.  Runs on the workers of the API. */
#include <config.h>

#include <string.h>

#include "api/bodies.h"

struct tags_body {
	char *change;
	struct kvs tags;
};

static const struct gojson_field tags_fields[] = {
	{ "tags", GOJSON_MAP, offsetof(struct tags_body, tags), NULL },
	{ "change_type", GOJSON_STRING, offsetof(struct tags_body, change),
	  NULL },
	GOJSON_END
};

static void
tags_body_release(struct tags_body *b)
{
	gojson_release(tags_fields, b);
}

static enum tags_change
change_of(const char *word)
{
	return strcmp(word, "set") == 0 ? TAGS_SET :
	       strcmp(word, "update") == 0 ? TAGS_UPDATE : TAGS_DELETE;
}

typedef enum err retag_fn(struct service *, const char *id, enum tags_change,
			  const struct kvs *, struct kvs *ret, struct error *);

static void
retag(struct request *r, retag_fn *fn)
{
	CLEANUP(tags_body_release) struct tags_body b = { .change = NULL };
	CLEANUP(faults_release) struct faults f = { .v = { 0 } };
	CLEANUP(kvs_release) struct kvs now = { 0 };
	CLEANUP(buf_release) struct buf out = { 0 };
	struct jsonout j = { .out = &out };
	struct error err = { .code = ERR_OK };

	if (!request_decode(r, "TagsChangeRequest", tags_fields, &b))
		return;
	check_tags(&f, "tags", &b.tags);
	check_tags_change(&f, "change_type", b.change);
	if (!request_check(r, &f) || !request_sync(r))
		return;
	if (fn(r->service, r->id, change_of(b.change), &b.tags, &now,
	       &err) != ERR_OK) {
		reply_error(r, &err);
		return;
	}
	jsonout_map(&j, NULL, &now);
	reply_json(r, 200, &out);
}

void
h_node_tags(struct request *r)
{
	retag(r, service_node_tags);
}

void
h_device_tags(struct request *r)
{
	retag(r, service_device_tags);
}
