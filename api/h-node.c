/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes.  Runs on the workers of the API; adding one waits for a node, and has
 * workers of its own.
 */
#include <config.h>

#include "api/bodies.h"
#include "api/views.h"

struct node_body {
	int64_t zone;
	struct strs manage, storage;
	char *cluster;
	struct kvs tags;
};

static const struct gojson_field hostname_fields[] = {
	{ "manage", GOJSON_STRINGS, offsetof(struct node_body, manage), NULL },
	{ "storage", GOJSON_STRINGS, offsetof(struct node_body, storage),
	  NULL },
	GOJSON_END
};

static const struct gojson_field node_fields[] = {
	{ "zone", GOJSON_INT, offsetof(struct node_body, zone), NULL },
	{ "hostnames", GOJSON_OBJECT, 0, hostname_fields },
	{ "cluster", GOJSON_STRING, offsetof(struct node_body, cluster), NULL },
	{ "tags", GOJSON_MAP, offsetof(struct node_body, tags), NULL },
	GOJSON_END
};

static void
node_body_release(struct node_body *b)
{
	gojson_release(node_fields, b);
}

static bool
check_body(struct request *r, const struct node_body *b)
{
	CLEANUP(faults_release) struct faults hosts = { .v = { 0 } };
	CLEANUP(faults_release) struct faults f = { .v = { 0 } };

	check_positive(&f, "zone", b->zone);
	check_hosts(&hosts, "manage", &b->manage);
	check_hosts(&hosts, "storage", &b->storage);
	check_nested(&f, "hostnames", &hosts);
	check_uuid(&f, "cluster", b->cluster);
	check_tags(&f, "tags", &b->tags);
	return request_check(r, &f);
}

void
h_node_add(struct request *r)
{
	CLEANUP(node_body_release) struct node_body b = { .zone = 0 };
	struct node_request q;
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_decode(r, "NodeAddRequest", node_fields, &b) ||
	    !check_body(r, &b) || !request_sync(r))
		return;
	q = (struct node_request){
		.cluster = b.cluster,
		.zone = b.zone,
		.manage = b.manage,
		.storage = b.storage,
		.tags = b.tags,
	};
	reply_async(r, service_node_add(r->service, &q, op, &err), op, &err);
}

void
h_node_info(struct request *r)
{
	CLEANUP(device_views_release) struct device_views v = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };
	RECORD_SCOPE struct node *n = NULL;

	if (!request_sync(r))
		return;
	n = service_node(r->service, r->id);
	if (n == NULL) {
		reply_not_found(r);
		return;
	}
	device_views_of_node(r->service, n->id, &v);
	encode_node(&j, n, v.v, v.n);
	reply_json(r, 200, &b);
}

void
h_node_delete(struct request *r)
{
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_sync(r))
		return;
	reply_async(r, service_node_delete(r->service, r->id, op, &err), op,
		    &err);
}

void
h_node_set_state(struct request *r)
{
	enum state state = STATE_ONLINE;
	bool heal = true;
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_decode_state(r, &state, &heal) || !request_sync(r))
		return;
	reply_async(r, service_node_set_state(r->service, r->id, state, heal,
					      op, &err), op, &err);
}
