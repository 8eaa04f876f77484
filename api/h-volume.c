/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /volumes.  Runs on the workers of the API. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "api/bodies.h"
#include "api/encode.h"

/* 4 EiB: more than there is anywhere, and twice as much still fits 64 bits when
 * counted in bytes.  Whoever asks for more asks for this.
 */
#define SIZE_GIB_MAX ((int64_t)1 << 32)

/* heketi's bound, which its text puts at 2**32 */
#define GID_END 2147483647

struct volume_body {
	int64_t size, gid;
	struct strs clusters, options;
	char *name, *type;
	int64_t replica, data, redundancy;
	struct kvs other_params;
	bool block, snapshot_enable;
	double snapshot_factor;
};

#define VOLUME(member) offsetof(struct volume_body, member)

static const struct gojson_field replicate_fields[] = {
	{ "replica", GOJSON_INT, VOLUME(replica), NULL },
	GOJSON_END
};

static const struct gojson_field disperse_fields[] = {
	{ "data", GOJSON_INT, VOLUME(data), NULL },
	{ "redundancy", GOJSON_INT, VOLUME(redundancy), NULL },
	GOJSON_END
};

static const struct gojson_field durability_fields[] = {
	{ "type", GOJSON_STRING, VOLUME(type), NULL },
	{ "replicate", GOJSON_OBJECT, 0, replicate_fields },
	{ "disperse", GOJSON_OBJECT, 0, disperse_fields },
	{ "*", GOJSON_OTHERS, VOLUME(other_params), NULL },
	GOJSON_END
};

static const struct gojson_field snapshot_fields[] = {
	{ "enable", GOJSON_BOOL, VOLUME(snapshot_enable), NULL },
	{ "factor", GOJSON_FLOAT32, VOLUME(snapshot_factor), NULL },
	GOJSON_END
};

static const struct gojson_field volume_fields[] = {
	{ "size", GOJSON_INT, VOLUME(size), NULL },
	{ "clusters", GOJSON_STRINGS, VOLUME(clusters), NULL },
	{ "name", GOJSON_STRING, VOLUME(name), NULL },
	{ "durability", GOJSON_OBJECT, 0, durability_fields },
	{ "gid", GOJSON_INT, VOLUME(gid), NULL },
	{ "glustervolumeoptions", GOJSON_STRINGS, VOLUME(options), NULL },
	{ "block", GOJSON_BOOL, VOLUME(block), NULL },
	{ "snapshot", GOJSON_OBJECT, 0, snapshot_fields },
	GOJSON_END
};

static void
volume_body_release(struct volume_body *b)
{
	gojson_release(volume_fields, b);
}

static uint64_t
capped_gib(int64_t gib)
{
	return (uint64_t)(gib < SIZE_GIB_MAX ? gib : SIZE_GIB_MAX);
}

/* Zero is the same as absent to clients, and is not echoed to them. */
static void
set_int_param(struct kvs *params, const char *key, int64_t value)
{
	char text[32];

	if (value == 0)
		return;
	snprintf(text, sizeof(text), "%" PRId64, value);
	kvs_set(params, key, text);
}

static void
collect_params(const struct volume_body *b, struct kvs *params)
{
	set_int_param(params, "replicate.replica", b->replica);
	set_int_param(params, "disperse.data", b->data);
	set_int_param(params, "disperse.redundancy", b->redundancy);
	for (size_t i = 0; i < b->other_params.n; i++)
		kvs_set(params, b->other_params.v[i].key,
			b->other_params.v[i].value);
}

static bool
check_body(struct request *r, const struct volume_body *b)
{
	CLEANUP(faults_release) struct faults f = { .v = { 0 } };

	check_positive(&f, "size", b->size);
	check_volume_name(&f, "name", b->name);
	if (!request_check(r, &f))
		return false;
	if (b->gid < 0) {
		reply_text(r, 400, "Bad group id less than zero");
		return false;
	}
	if (b->gid >= GID_END) {
		reply_text(r, 400, "Bad group id equal or greater than 2**32");
		return false;
	}
	return true;
}

void
h_volume_create(struct request *r)
{
	CLEANUP(volume_body_release) struct volume_body b = { .size = 0 };
	CLEANUP(kvs_release) struct kvs params = { 0 };
	struct volume_request q;
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_decode(r, "VolumeCreateRequest", volume_fields, &b) ||
	    !check_body(r, &b) || !request_sync(r))
		return;
	collect_params(&b, &params);
	q = (struct volume_request){
		.size_gib = capped_gib(b.size),
		.name = b.name != NULL ? b.name : "",
		.clusters = b.clusters,
		.type = b.type != NULL ? b.type : "",
		.params = params,
		.gid = b.gid,
		.options = b.options,
		.block = b.block,
		.snapshot_enable = b.snapshot_enable,
		.snapshot_factor = b.snapshot_factor,
	};
	reply_async(r, service_volume_create(r->service, &q, op, &err), op,
		    &err);
}

void
h_volume_list(struct request *r)
{
	CLEANUP(strs_release) struct strs ids = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };

	if (!request_sync(r))
		return;
	service_list_volumes(r->service, &ids);
	encode_list(&j, "volumes", &ids);
	reply_json(r, 200, &b);
}

void
h_volume_info(struct request *r)
{
	CLEANUP(strs_release) struct strs hosts = { 0 };
	CLEANUP(strs_release) struct strs hosted = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };
	RECORD_SCOPE struct volume *v = NULL;

	if (!request_sync(r))
		return;
	v = service_volume(r->service, r->id);
	if (v == NULL) {
		reply_not_found(r);
		return;
	}
	service_cluster_hosts(r->service, v->cluster, &hosts);
	service_hosted_blockvolumes(r->service, v->id, &hosted);
	encode_volume(&j, v, &hosts, &hosted);
	reply_json(r, 200, &b);
}

struct expand_body {
	int64_t size;
};

static const struct gojson_field expand_fields[] = {
	{ "expand_size", GOJSON_INT, offsetof(struct expand_body, size), NULL },
	GOJSON_END
};

void
h_volume_expand(struct request *r)
{
	struct expand_body b = { .size = 0 };
	CLEANUP(faults_release) struct faults f = { .v = { 0 } };
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_decode(r, "VolumeExpandRequest", expand_fields, &b))
		return;
	check_positive(&f, "expand_size", b.size);
	if (!request_check(r, &f) || !request_sync(r))
		return;
	reply_async(r, service_volume_expand(r->service, r->id,
					     capped_gib(b.size), op, &err),
		    op, &err);
}

void
h_volume_delete(struct request *r)
{
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_sync(r))
		return;
	reply_async(r, service_volume_delete(r->service, r->id, op, &err), op,
		    &err);
}

struct clone_body {
	char *name;
};

static const struct gojson_field clone_fields[] = {
	{ "name", GOJSON_STRING, offsetof(struct clone_body, name), NULL },
	GOJSON_END
};

static void
clone_body_release(struct clone_body *b)
{
	gojson_release(clone_fields, b);
}

void
h_volume_clone(struct request *r)
{
	CLEANUP(clone_body_release) struct clone_body b = { .name = NULL };
	CLEANUP(faults_release) struct faults f = { .v = { 0 } };
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_decode(r, "VolumeCloneRequest", clone_fields, &b))
		return;
	check_volume_name(&f, "name", b.name);
	if (!request_check(r, &f) || !request_sync(r))
		return;
	reply_async(r, service_volume_clone(r->service, r->id, b.name, op, &err),
		    op, &err);
}
