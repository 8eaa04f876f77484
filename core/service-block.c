/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing block volumes: heketi's checks in heketi's order, then the space of
 * the hosting volume is taken, guarded by its revision, and the operation
 * committed, all in one transaction.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "service-block.h"
#include "util/xalloc.h"

/* ---- create: on a volume that is there ---- */

struct id_list {
	const char **v;
	size_t n, cap;
};

/* Under the mirror's lock. */
static bool
has_name(struct mirror *m, const char *hosting, const char *name)
{
	CLEANUP_FREE char *key = block_name_key(hosting, name);

	return mirror_peek(m, RECORD_INDEX, key +
			   strlen(record_prefix(RECORD_INDEX))) != NULL;
}

static void
add_hosts_of(const struct block_create *a, const char *cluster,
	     struct id_list *ret)
{
	struct service *s = a->service;
	const struct strs *ids = relation_of(s->model->hosting, cluster);

	for (size_t i = 0; i < ids->n; i++) {
		const struct volume *v = (const void *)mirror_peek(
			s->mirror, RECORD_VOLUME, ids->v[i]);

		if (v != NULL && block_can_host(v, a->proto->size_bytes) &&
		    !has_name(s->mirror, v->id, a->proto->name))
			*VEC_PUSH(ret) = v->id;
	}
}

/* One of the volumes that can host it, each as probable as the others; NULL if
 * there is none.
 */
static struct volume *
choose_hosting(const struct block_create *a, const struct strs *clusters)
{
	struct service *s = a->service;
	struct id_list l = { 0 };
	struct volume *ret = NULL;
	uint64_t seed = strtoull(a->op->id + 16, NULL, 16);

	mirror_rdlock(s->mirror);
	for (size_t i = 0; i < clusters->n; i++)
		add_hosts_of(a, clusters->v[i], &l);
	if (l.n > 0)
		ret = volume_copy((const void *)mirror_peek(
			s->mirror, RECORD_VOLUME,
			l.v[block_choose(l.n, seed)]));
	mirror_unlock(s->mirror);
	free(l.v);
	return ret;
}

/* ---- create ---- */

static enum err
find_room(const struct block_create *a, struct volume **ret, struct txn *t,
	  struct error *err)
{
	const struct volume_request any = {
		.clusters = a->req->clusters,
		.block = true,
	};
	const struct volume_create c = { a->service, &any, a->op, NULL };
	CLEANUP(strs_release) struct strs clusters = { 0 };
	enum err r = service_eligible_clusters(&c, &clusters, err);

	if (r != ERR_OK)
		return r;
	kvs_release(&a->op->args);	/* of an attempt that was too slow */
	*ret = choose_hosting(a, &clusters);
	return *ret != NULL ? ERR_OK :
	       service_make_hosting(a, &clusters, ret, t, err);
}

static enum err
build_create(void *arg, struct txn *t, struct error *err)
{
	const struct block_create *a = arg;
	RECORD_SCOPE struct volume *v = NULL;
	RECORD_SCOPE struct blockvolume *b = NULL;
	CLEANUP_FREE char *name_key = NULL;
	enum err r = service_admit(a->service, a->op, t, err);

	if (r != ERR_OK)
		return r;
	r = find_room(a, &v, t, err);
	if (r == ERR_BADREQ)		/* ours, of what is configured */
		r = err->code = ERR_REFUSED;
	if (r != ERR_OK) {
		if (r != ERR_STORE && r != ERR_INTERNAL && r != ERR_BUSY)
			fail_prefix(err, "Failed to allocate new block volume");
		return r;
	}
	b = blockvolume_copy(a->proto);
	memcpy(b->cluster, v->cluster, ID_SIZE);
	memcpy(b->hosting, v->id, ID_SIZE);
	memcpy(a->op->cluster, v->cluster, ID_SIZE);
	v->block_free_bytes -= b->size_bytes;
	name_key = block_name_key(v->id, b->name);
	txn_claim(t, name_key, b->id);
	txn_put(t, &v->r);
	txn_put(t, &b->r);
	txn_put(t, &a->op->r);
	return ERR_OK;
}

static void
fill(struct blockvolume *b, const struct blockvolume_request *req,
     const char *op_id)
{
	bool named = req->name != NULL && req->name[0] != '\0';

	free(b->name);
	b->name = named ? xstrdup(req->name) : xasprintf("blockvol_%s", b->id);
	b->size_bytes = req->size_gib << 30;
	b->hacount = req->hacount;
	b->auth = req->auth;
	strs_copy(&b->clusters, &req->clusters);
	b->doing = VOLUME_CREATING;
	memcpy(b->pending, op_id, ID_SIZE);
}

enum err
service_blockvolume_create(struct service *s,
			   const struct blockvolume_request *req,
			   char ret_op[ID_SIZE], struct error *err)
{
	struct block_create a = { .service = s, .req = req };
	RECORD_SCOPE struct operation *op = NULL;
	RECORD_SCOPE struct blockvolume *proto = NULL;
	char id[ID_SIZE];
	enum err r = service_check_clusters(s, &req->clusters, err);

	if (r != ERR_OK)
		return r;
	id_new(id);
	a.op = op = service_new_operation(s, OP_BLOCK_CREATE, id, "");
	a.proto = proto = blockvolume_new(id);
	fill(proto, req, op->id);
	r = service_commit_op(s, build_create, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}

/* ---- expand and delete ---- */

struct block_change {
	struct service *service;
	const char *id;
	uint64_t new_bytes;
	enum restriction restriction;
	struct operation *op;
};

/* Also one that clients don't see: they are told that it is busy. */
static enum err
find(const struct block_change *a, struct blockvolume **ret, struct error *err)
{
	RECORD_SCOPE struct blockvolume *b = (void *)mirror_get(
		a->service->mirror, RECORD_BLOCKVOLUME, a->id);

	if (b == NULL)
		return fail(err, ERR_NOTFOUND, "Id not found");
	*ret = blockvolume_copy(b);
	return ERR_OK;
}

static enum err
find_hosting(const struct block_change *a, const char *id, struct volume **ret,
	     struct error *err)
{
	RECORD_SCOPE struct volume *v = (void *)mirror_get(
		a->service->mirror, RECORD_VOLUME, id);

	if (v == NULL)
		return fail(err, ERR_REFUSED, "Id not found");
	*ret = volume_copy(v);
	return ERR_OK;
}

static enum err
check_expand(const struct block_change *a, const struct blockvolume *b,
	     const struct volume *v, struct error *err)
{
	uint64_t usable = b->usable_bytes != 0 ? b->usable_bytes : b->size_bytes;
	uint64_t new_gib = a->new_bytes >> 30, old_gib = b->size_bytes >> 30;

	if (b->pending[0] != '\0' || v->doing == VOLUME_CREATING ||
	    v->doing == VOLUME_DELETING)
		return fail(err, ERR_REFUSED, CONFLICT_TEXT);
	if (a->new_bytes == b->size_bytes && usable >= b->size_bytes)
		return fail(err, ERR_REFUSED, "Requested new-size %" PRIu64
			    " is same as current block volume size %" PRIu64
			    ", nothing to be done.", new_gib, old_gib);
	if (a->new_bytes < b->size_bytes)
		return fail(err, ERR_REFUSED, "Requested new-size %" PRIu64
			    " is less than current block volume size %" PRIu64
			    ", shrinking is not allowed.", new_gib, old_gib);
	if (v->block_free_bytes < a->new_bytes - b->size_bytes)
		return fail(err, ERR_NOSPACE, "No space");
	return ERR_OK;
}

/* For the operation at work on it from now on. */
static void
occupy(struct blockvolume *b, enum volume_pending doing, struct operation *op)
{
	b->doing = doing;
	memcpy(b->pending, op->id, ID_SIZE);
	memcpy(op->cluster, b->cluster, ID_SIZE);
}

static enum err
build_expand(void *arg, struct txn *t, struct error *err)
{
	const struct block_change *a = arg;
	RECORD_SCOPE struct blockvolume *b = NULL;
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = find(a, &b, err);

	if (r == ERR_OK)
		r = service_admit(a->service, a->op, t, err);
	if (r != ERR_OK)
		return r;
	r = find_hosting(a, b->hosting, &v, err);
	if (r == ERR_OK)
		r = check_expand(a, b, v, err);
	if (r != ERR_OK)
		return fail_prefix(err, "Failed to allocate block volume "
				   "expansion");
	v->block_free_bytes -= a->new_bytes - b->size_bytes;
	occupy(b, VOLUME_EXPANDING, a->op);
	txn_put(t, &v->r);
	txn_put(t, &b->r);
	txn_put(t, &a->op->r);
	return ERR_OK;
}

enum err
service_blockvolume_expand(struct service *s, const char *id, uint64_t new_gib,
			   char ret_op[ID_SIZE], struct error *err)
{
	struct block_change a = { .service = s, .id = id };
	RECORD_SCOPE struct operation *op =
		service_new_operation(s, OP_BLOCK_EXPAND, id, "");
	char bytes[32];
	enum err r;

	a.op = op;
	a.new_bytes = new_gib << 30;
	snprintf(bytes, sizeof(bytes), "%" PRIu64, a.new_bytes);
	kvs_set(&op->args, "new_bytes", bytes);
	r = service_commit_op(s, build_expand, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}

static enum err
build_delete(void *arg, struct txn *t, struct error *err)
{
	const struct block_change *a = arg;
	RECORD_SCOPE struct blockvolume *b = NULL;
	enum err r = find(a, &b, err);

	if (r == ERR_OK)
		r = service_admit(a->service, a->op, t, err);
	if (r != ERR_OK)
		return r;
	if (b->pending[0] != '\0')
		return fail(err, ERR_REFUSED, "Failed to set up block volume "
			    "delete: " CONFLICT_TEXT);
	occupy(b, VOLUME_DELETING, a->op);
	txn_put(t, &b->r);
	txn_put(t, &a->op->r);
	return ERR_OK;
}

enum err
service_blockvolume_delete(struct service *s, const char *id,
			   char ret_op[ID_SIZE], struct error *err)
{
	struct block_change a = { .service = s, .id = id };
	RECORD_SCOPE struct operation *op =
		service_new_operation(s, OP_BLOCK_DELETE, id, "");
	enum err r;

	a.op = op;
	r = service_commit_op(s, build_delete, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}

/* ---- restriction: over at once ---- */

/* Is there a place for one more?  It is given back before anybody sees it. */
static enum err
check_throttle(const struct block_change *a, struct error *err)
{
	TXN_SCOPE struct txn never = { 0 };
	enum err r = service_admit(a->service, a->op, &never, err);

	a->op->slot = -1;
	return r;
}

static enum err
build_restrict(void *arg, struct txn *t, struct error *err)
{
	const struct block_change *a = arg;
	RECORD_SCOPE struct volume *now = service_volume(a->service, a->id);
	RECORD_SCOPE struct volume *v = NULL;
	enum err r;

	if (now == NULL)
		return fail(err, ERR_NOTFOUND, "Id not found");
	r = check_throttle(a, err);
	if (r != ERR_OK)
		return r;
	r = block_check_restriction(now, a->restriction, err);
	if (r != ERR_OK)
		return fail_prefix(err, "Failed to set block restriction");
	v = volume_copy(now);
	block_restrict(v, a->restriction);
	memcpy(a->op->cluster, v->cluster, ID_SIZE);
	operation_end_now(a->op, ERR_OK, NULL);
	free(a->op->location);
	a->op->location = xasprintf("/volumes/%s", v->id);
	txn_put(t, &a->op->r);
	txn_put(t, &v->r);
	return ERR_OK;
}

enum err
service_volume_restrict(struct service *s, const char *id, enum restriction to,
			char ret_op[ID_SIZE], struct error *err)
{
	struct block_change a = { .service = s, .id = id, .restriction = to };
	RECORD_SCOPE struct operation *op =
		service_new_operation(s, OP_BLOCK_RESTRICT, id, "");
	enum err r;

	a.op = op;
	LOCK_FOR_SCOPE(engine_turn(s->engine));
	r = engine_commit(s->engine, build_restrict, &a, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}
