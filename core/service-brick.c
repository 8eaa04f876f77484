/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Evicting bricks: what is checked and committed before the operation starts;
 * and those that are left over.
 */
#include <config.h>

#include <string.h>

#include "leftover.h"
#include "service-private.h"
#include "util/xalloc.h"

struct evict_request {
	struct service *service;
	const char *brick;
	struct operation *op;
};

static const struct brick *
brick_of(const struct volume *v, const char *id)
{
	for (size_t i = 0; i < v->nbricks; i++)
		if (strcmp(v->bricks[i].id, id) == 0)
			return &v->bricks[i];
	return NULL;
}

/* Bricks live in their volumes, and are asked for by id so seldom that there is
 * no index.
 */
static struct volume *
volume_with(struct service *s, const char *brick)
{
	size_t n;
	struct record **l = mirror_list(s->mirror, RECORD_VOLUME, &n);
	struct volume *found = NULL;

	for (size_t i = 0; i < n && found == NULL; i++)
		if (brick_of((const void *)l[i], brick) != NULL)
			found = volume_copy((const void *)l[i]);
	mirror_list_free(l, n);
	return found;
}

/* heketi marks the brick; here the operation knows it. */
static bool
is_being_moved(struct service *s, const struct volume *v, const struct brick *b)
{
	RECORD_SCOPE struct operation *op = NULL;
	const char *moved = NULL;

	if (v->doing != VOLUME_EVICTING)
		return false;
	op = (void *)mirror_get(s->mirror, RECORD_OPERATION, v->pending);
	if (op != NULL)
		moved = kvs_get(&op->args, "brick");
	return moved != NULL && strcmp(moved, b->id) == 0;
}

/* heketi marks the bricks of a volume that comes or goes, too. */
static bool
is_brick_pending(struct service *s, const struct volume *v,
		 const struct brick *b)
{
	return b->pending[0] != '\0' || v->doing == VOLUME_CREATING ||
	       v->doing == VOLUME_DELETING || is_being_moved(s, v, b);
}

static enum err
check_volume(struct service *s, const struct volume *v, const struct brick *b,
	     struct error *err)
{
	if (is_brick_pending(s, v, b))
		return fail(err, ERR_REFUSED, "Failed to set up brick eviction: Can "
			    "not evict brick %s: brick is pending", b->id);
	if (v->pending[0] != '\0')
		return fail(err, ERR_REFUSED, "Failed to set up brick eviction: Can "
			    "not evict brick %s from volume %s: volume has pending "
			    "bricks", b->id, v->id);
	return ERR_OK;
}

static enum err
build_evict(void *arg, struct txn *t, struct error *err)
{
	const struct evict_request *a = arg;
	RECORD_SCOPE struct volume *v = volume_with(a->service, a->brick);
	enum err r;

	if (v == NULL)
		return fail(err, ERR_NOTFOUND, "Id not found");
	r = service_admit(a->service, a->op, t, err);
	if (r == ERR_OK)
		r = check_volume(a->service, v, brick_of(v, a->brick), err);
	if (r == ERR_OK)
		r = service_check_type(a->service, v, err);
	if (r != ERR_OK)
		return r;
	memcpy(a->op->target, v->id, ID_SIZE);
	memcpy(a->op->cluster, v->cluster, ID_SIZE);
	kvs_set(&a->op->args, "volume", v->id);
	kvs_set(&a->op->args, "device", brick_of(v, a->brick)->device);
	memcpy(v->pending, a->op->id, ID_SIZE);
	v->doing = VOLUME_EVICTING;
	txn_put(t, &a->op->r);
	txn_put(t, &v->r);
	return ERR_OK;
}

enum err
service_brick_evict(struct service *s, const char *id, bool heal_check,
		    char ret_op[ID_SIZE], struct error *err)
{
	struct evict_request a = { .service = s, .brick = id };
	RECORD_SCOPE struct operation *op =
		service_new_operation(s, OP_BRICK_EVICT, "", "");
	enum err r;

	a.op = op;
	kvs_set(&op->args, "brick", id);
	if (!heal_check)
		kvs_set(&op->args, "heal", "disable");
	r = service_commit_op(s, build_evict, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}

/* ---- left over ---- */

struct leftover_view *
service_leftovers(struct service *s, size_t *ret_n)
{
	size_t n, kept = 0;
	struct record **l = mirror_list(s->mirror, RECORD_ADMIN, &n);
	struct leftover_view *v = xcalloc(n, sizeof(*v));

	for (size_t i = 0; i < n; i++) {
		struct leftover left;

		if (!leftover_parse((const void *)l[i], &left))
			continue;
		v[kept].brick = left.brick;
		memcpy(v[kept].volume, left.volume, ID_SIZE);
		v[kept].since_ms = left.since_ms;
		v[kept++].why = left.why;
	}
	mirror_list_free(l, n);
	*ret_n = kept;
	return v;
}

void
service_leftovers_free(struct leftover_view *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		brick_release(&v[i].brick);
		free(v[i].why);
	}
	free(v);
}
