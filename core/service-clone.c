/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cloning a volume: what is checked and committed before the operation starts. */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "allocate.h"
#include "service-private.h"
#include "util/xalloc.h"

struct clone_request {
	struct service *service;
	const char *source, *name;
	char id[ID_SIZE];		/* of the clone */
	struct operation *op;
};

static enum err
check_limit(struct service *s, const char *cluster, struct error *err)
{
	int64_t limit = config_int(s->deps.config,
				   "glusterfs.max_volumes_per_cluster");
	size_t n;

	mirror_rdlock(s->mirror);
	n = relation_count(s->model->volumes, cluster);
	mirror_unlock(s->mirror);
	if (limit == 0)
		limit = 1000;
	if (limit > 0 && n >= (size_t)limit)
		return fail(err, ERR_REFUSED, "Cluster has %zu volumes and limit "
			    "is %" PRId64, n, limit);
	return ERR_OK;
}

/* heketi does not ask whether the name is free; gluster would refuse it. */
static enum err
check(struct service *s, const struct volume *source, const char *name,
      const char *name_key, struct error *err)
{
	RECORD_SCOPE struct record *taken = NULL;

	if (source->block)
		return fail(err, ERR_REFUSED, "Cloning of block hosting volumes "
			    "is not supported");
	if (service_check_type(s, source, err) != ERR_OK)
		return ERR_REFUSED;
	if (source->pending[0] != '\0')
		return fail(err, ERR_REFUSED, CONFLICT_TEXT);
	taken = mirror_get(s->mirror, RECORD_INDEX,
			   name_key + strlen(record_prefix(RECORD_INDEX)));
	if (taken != NULL)
		return fail(err, ERR_REFUSED, "Volume name '%s' already in use",
			    name);
	return check_limit(s, source->cluster, err);
}

/* In the thin pool of its source, which keeps its space for both. */
static void
copy_brick(struct brick *to, const struct brick *from, const char *op_id)
{
	id_new(to->id);
	memcpy(to->device, from->device, ID_SIZE);
	memcpy(to->node, from->node, ID_SIZE);
	memcpy(to->pending, op_id, ID_SIZE);
	to->host = xstrdup(from->host);
	to->path = xstrdup("");
	to->lv = xstrdup("");
	to->thin_pool = xstrdup(from->thin_pool);
	to->size_bytes = from->size_bytes;
	to->thin_pool_bytes = from->thin_pool_bytes;
	to->metadata_bytes = from->metadata_bytes;
	to->role = from->role;
}

static struct volume *
make_clone(const struct clone_request *a, const struct volume *source,
	   const char *name)
{
	struct volume *v = volume_new_like(source, a->id, name);
	struct brick *b = volume_grow(v, source->nbricks);

	v->doing = VOLUME_CREATING;
	memcpy(v->pending, a->op->id, ID_SIZE);
	for (size_t i = 0; i < source->nbricks; i++)
		copy_brick(&b[i], &source->bricks[i], a->op->id);
	return v;
}

/* The devices are put without a change, so that who gives back the space of a
 * pool at this moment sees that it has one brick more.
 */
static void
touch_devices(struct service *s, const struct volume *v, struct txn *t)
{
	struct ledger l = { 0 };

	mirror_rdlock(s->mirror);
	for (size_t i = 0; i < v->nbricks; i++)
		(void)ledger_device(&l, s->mirror, v->bricks[i].device);
	mirror_unlock(s->mirror);
	ledger_close(&l, t);
}

static enum err
build_clone(void *arg, struct txn *t, struct error *err)
{
	const struct clone_request *a = arg;
	RECORD_SCOPE struct volume *found = service_volume(a->service, a->source);
	RECORD_SCOPE struct volume *source = NULL;
	RECORD_SCOPE struct volume *clone = NULL;
	CLEANUP_FREE char *name = NULL;
	CLEANUP_FREE char *key = NULL;
	enum err r;

	if (found == NULL)
		return fail(err, ERR_NOTFOUND, "Id not found");
	r = service_admit(a->service, a->op, t, err);
	if (r != ERR_OK)
		return r;
	name = a->name != NULL && a->name[0] != '\0' ? xstrdup(a->name) :
						       xasprintf("vol_%s", a->id);
	key = volume_name_key(found->cluster, name);
	r = check(a->service, found, name, key, err);
	if (r != ERR_OK)
		return fail_prefix(err, "Failed clone volume %s", a->source);
	source = volume_copy(found);
	clone = make_clone(a, source, name);
	memcpy(source->pending, a->op->id, ID_SIZE);
	source->doing = VOLUME_CLONING;
	memcpy(a->op->cluster, source->cluster, ID_SIZE);
	txn_claim(t, key, clone->id);
	txn_put(t, &source->r);
	txn_put(t, &clone->r);
	txn_put(t, &a->op->r);
	touch_devices(a->service, clone, t);
	return ERR_OK;
}

enum err
service_volume_clone(struct service *s, const char *id, const char *name,
		     char ret_op[ID_SIZE], struct error *err)
{
	struct clone_request a = { .service = s, .source = id, .name = name };
	RECORD_SCOPE struct operation *op = NULL;
	enum err r;

	id_new(a.id);
	a.op = op = service_new_operation(s, OP_VOLUME_CLONE, a.id, "");
	kvs_set(&op->args, "source", id);
	r = service_commit_op(s, build_clone, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}
