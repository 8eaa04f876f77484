/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /blockvolumes, and what is asked of volumes that host them.  Runs on the
 * workers of the API.
 */
#include <config.h>

#include "api/bodies.h"
#include "api/encode.h"

/* As of volumes: whoever asks for more asks for this. */
#define SIZE_GIB_MAX ((int64_t)1 << 32)

struct block_body {
	int64_t size, hacount;
	struct strs clusters;
	char *name;
	bool auth;
};

#define BLOCK(member) offsetof(struct block_body, member)

static const struct gojson_field block_fields[] = {
	{ "size", GOJSON_INT, BLOCK(size), NULL },
	{ "clusters", GOJSON_STRINGS, BLOCK(clusters), NULL },
	{ "name", GOJSON_STRING, BLOCK(name), NULL },
	{ "hacount", GOJSON_INT, BLOCK(hacount), NULL },
	{ "auth", GOJSON_BOOL, BLOCK(auth), NULL },
	GOJSON_END
};

static void
block_body_release(struct block_body *b)
{
	gojson_release(block_fields, b);
}

static uint64_t
capped_gib(int64_t gib)
{
	return (uint64_t)(gib < SIZE_GIB_MAX ? gib : SIZE_GIB_MAX);
}

static bool
check_body(struct request *r, const struct block_body *b)
{
	CLEANUP(faults_release) struct faults f = { .v = { 0 } };

	check_positive(&f, "size", b->size);
	check_volume_name(&f, "name", b->name);
	if (b->hacount != 0)
		check_positive(&f, "hacount", b->hacount);
	return request_check(r, &f);
}

void
h_blockvolume_create(struct request *r)
{
	CLEANUP(block_body_release) struct block_body b = { .size = 0 };
	struct error err = { .code = ERR_OK };
	struct blockvolume_request q;
	char op[ID_SIZE] = "";

	if (!request_decode(r, "BlockVolumeCreateRequest", block_fields, &b) ||
	    !check_body(r, &b) || !request_sync(r))
		return;
	q = (struct blockvolume_request){
		.size_gib = capped_gib(b.size),
		.name = b.name != NULL ? b.name : "",
		.clusters = b.clusters,
		.hacount = b.hacount,
		.auth = b.auth,
	};
	reply_async(r, service_blockvolume_create(r->service, &q, op, &err), op,
		    &err);
}

void
h_blockvolume_list(struct request *r)
{
	CLEANUP(strs_release) struct strs ids = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };

	if (!request_sync(r))
		return;
	service_list_blockvolumes(r->service, &ids);
	encode_list(&j, "blockvolumes", &ids);
	reply_json(r, 200, &b);
}

void
h_blockvolume_info(struct request *r)
{
	RECORD_SCOPE struct blockvolume *block = NULL;
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };

	if (!request_sync(r))
		return;
	block = service_blockvolume(r->service, r->id);
	if (block == NULL) {
		reply_not_found(r);
		return;
	}
	encode_blockvolume(&j, block);
	reply_json(r, 200, &b);
}

void
h_blockvolume_delete(struct request *r)
{
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_sync(r))
		return;
	reply_async(r, service_blockvolume_delete(r->service, r->id, op, &err),
		    op, &err);
}

struct new_size_body {
	int64_t size;
};

static const struct gojson_field new_size_fields[] = {
	{ "new_size", GOJSON_INT, offsetof(struct new_size_body, size), NULL },
	GOJSON_END
};

void
h_blockvolume_expand(struct request *r)
{
	struct new_size_body b = { .size = 0 };
	CLEANUP(faults_release) struct faults f = { .v = { 0 } };
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_decode(r, "BlockVolumeExpandRequest", new_size_fields, &b))
		return;
	check_positive(&f, "new_size", b.size);
	if (!request_check(r, &f) || !request_sync(r))
		return;
	reply_async(r, service_blockvolume_expand(r->service, r->id,
						  capped_gib(b.size), op, &err),
		    op, &err);
}

struct restriction_body {
	char *restriction;
};

static const struct gojson_field restriction_fields[] = {
	{ "restriction", GOJSON_STRING,
	  offsetof(struct restriction_body, restriction), NULL },
	GOJSON_END
};

static void
restriction_body_release(struct restriction_body *b)
{
	gojson_release(restriction_fields, b);
}

void
h_volume_restrict(struct request *r)
{
	CLEANUP(restriction_body_release) struct restriction_body b = { NULL };
	CLEANUP(faults_release) struct faults f = { .v = { 0 } };
	enum restriction to = RESTRICTION_NONE;
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_decode(r, "VolumeBlockRestrictionRequest",
			    restriction_fields, &b))
		return;
	check_restriction(&f, "restriction", b.restriction);
	if (!request_check(r, &f) || !request_sync(r))
		return;
	if (b.restriction != NULL)
		(void)restriction_parse(b.restriction, &to);
	reply_async(r, service_volume_restrict(r->service, r->id, to, op, &err),
		    op, &err);
}
