/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /devices.  Runs on the workers of the API. */
#include <config.h>

#include "api/bodies.h"
#include "api/views.h"

struct device_body {
	char *node, *name;
	struct kvs tags;
	bool destroy_data;
};

static const struct gojson_field device_fields[] = {
	{ "node", GOJSON_STRING, offsetof(struct device_body, node), NULL },
	{ "name", GOJSON_STRING, offsetof(struct device_body, name), NULL },
	{ "tags", GOJSON_MAP, offsetof(struct device_body, tags), NULL },
	{ "destroydata", GOJSON_BOOL,
	  offsetof(struct device_body, destroy_data), NULL },
	GOJSON_END
};

static void
device_body_release(struct device_body *b)
{
	gojson_release(device_fields, b);
}

static bool
check_body(struct request *r, const struct device_body *b)
{
	CLEANUP(faults_release) struct faults f = { .v = { 0 } };

	check_uuid(&f, "node", b->node);
	check_device_name(&f, "name", b->name);
	check_tags(&f, "tags", &b->tags);
	return request_check(r, &f);
}

void
h_device_add(struct request *r)
{
	CLEANUP(device_body_release) struct device_body b = { .node = NULL };
	struct device_request q;
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_decode(r, "DeviceAddRequest", device_fields, &b) ||
	    !check_body(r, &b) || !request_sync(r))
		return;
	q = (struct device_request){
		.node = b.node,
		.name = b.name,
		.tags = b.tags,
		.destroy_data = b.destroy_data,
	};
	reply_async(r, service_device_add(r->service, &q, op, &err), op, &err);
}

void
h_device_info(struct request *r)
{
	CLEANUP(device_views_release) struct device_views v = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };
	struct device *d;

	if (!request_sync(r))
		return;
	d = service_device(r->service, r->id);
	if (d == NULL) {
		reply_not_found(r);
		return;
	}
	device_views_add(r->service, d, &v);
	encode_device(&j, &v.v[0]);
	reply_json(r, 200, &b);
}

struct delete_body {
	bool force_forget;
};

static const struct gojson_field delete_fields[] = {
	{ "forceforget", GOJSON_BOOL,
	  offsetof(struct delete_body, force_forget), NULL },
	GOJSON_END
};

void
h_device_delete(struct request *r)
{
	struct delete_body b = { .force_forget = false };
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	/* heketi looks at a body only if its length was told. */
	if (r->content_length > 0 &&
	    !request_decode(r, "DeviceDeleteOptions", delete_fields, &b))
		return;
	if (!request_sync(r))
		return;
	reply_async(r, service_device_delete(r->service, r->id, b.force_forget,
					     op, &err), op, &err);
}

void
h_device_set_state(struct request *r)
{
	enum state state = STATE_ONLINE;
	bool heal = true;
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_decode_state(r, &state, &heal) || !request_sync(r))
		return;
	reply_async(r, service_device_set_state(r->service, r->id, state, heal,
						op, &err), op, &err);
}

void
h_device_resync(struct request *r)
{
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_sync(r))
		return;
	reply_async(r, service_device_resync(r->service, r->id, op, &err), op,
		    &err);
}
