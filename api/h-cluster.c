/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /clusters.  Runs on the workers of the API. */
#include <config.h>

#include "api/encode.h"
#include "api/request.h"

struct flags_body {
	bool block, file;
};

static const struct gojson_field flags_fields[] = {
	{ "block", GOJSON_BOOL, offsetof(struct flags_body, block), NULL },
	{ "file", GOJSON_BOOL, offsetof(struct flags_body, file), NULL },
	GOJSON_END
};

static void
answer_cluster(struct request *r, unsigned status, const struct cluster *c)
{
	CLEANUP(strs_release) struct strs nodes = { 0 };
	CLEANUP(strs_release) struct strs volumes = { 0 };
	CLEANUP(strs_release) struct strs blockvolumes = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };

	service_cluster_nodes(r->service, c->id, &nodes);
	service_cluster_volumes(r->service, c->id, &volumes);
	service_cluster_blockvolumes(r->service, c->id, &blockvolumes);
	encode_cluster(&j, c, &nodes, &volumes, &blockvolumes);
	reply_json(r, status, &b);
}

void
h_cluster_create(struct request *r)
{
	struct flags_body body = { .block = false };
	RECORD_SCOPE struct cluster *c = NULL;
	struct error err = { .code = ERR_OK };

	if (!request_decode(r, "ClusterCreateRequest", flags_fields, &body) ||
	    !request_sync(r))
		return;
	if (service_cluster_create(r->service, body.file, body.block, &c,
				   &err) != ERR_OK)
		reply_error(r, &err);
	else
		answer_cluster(r, 201, c);
}

void
h_cluster_list(struct request *r)
{
	CLEANUP(strs_release) struct strs ids = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };

	if (!request_sync(r))
		return;
	service_list_clusters(r->service, &ids);
	encode_list(&j, "clusters", &ids);
	reply_json(r, 200, &b);
}

void
h_cluster_info(struct request *r)
{
	RECORD_SCOPE struct cluster *c = NULL;

	if (!request_sync(r))
		return;
	c = service_cluster(r->service, r->id);
	if (c == NULL)
		reply_not_found(r);
	else
		answer_cluster(r, 200, c);
}

void
h_cluster_set_flags(struct request *r)
{
	struct flags_body body = { .block = false };
	struct error err = { .code = ERR_OK };

	if (!request_decode(r, "ClusterSetFlagsRequest", flags_fields, &body) ||
	    !request_sync(r))
		return;
	if (service_cluster_set_flags(r->service, r->id, body.file, body.block,
				      &err) != ERR_OK) {
		reply_error(r, &err);
		return;
	}
	reply_empty(r, 200);
	r->reply.type = "application/json; charset=UTF-8";
}

void
h_cluster_delete(struct request *r)
{
	struct error err = { .code = ERR_OK };

	if (!request_sync(r))
		return;
	if (service_cluster_delete(r->service, r->id, &err) != ERR_OK)
		reply_error(r, &err);
	else
		reply_empty(r, 200);
}
