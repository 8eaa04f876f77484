/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heketi's operations as operations of ours, at the stage from which our own would
 * be undone (what makes something) or carried on (what deletes): whoever serves
 * from the store adopts them, and cleans up on the nodes.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/import.h"
#include "util/xalloc.h"

/* Beyond every limit: not to be tried elsewhere once it is undone. */
#define NO_MORE_ATTEMPTS 1000000
/* The stages of our own operations (core/op-volume.c, core/op-block.c, core/
 * op-clone.c), and the one in which core/op-evict.c tells gluster.
 */
#define CREATE_STAGES	3
#define EXPAND_STAGES	2
#define CLONE_STAGES	3
#define BLOCK_CREATE_STAGES 4
#define BLOCK_EXPAND_STAGES 1
#define EVICT_LOOKED	1
#define EVICT_REPLACED	4
#define GIB_SHIFT	30

static const struct import_action *
action_of(const struct import_op *op, enum import_change change)
{
	for (size_t i = 0; i < op->n; i++)
		if (op->v[i].change == change)
			return &op->v[i];
	return NULL;
}

struct cleaning;
typedef bool cleaning_fn(struct import *, const struct import_op *,
			 const struct cleaning *, const struct import_action *);

struct cleaning {
	enum import_op_type type;
	enum import_change change;	/* whose id is the target's */
	enum op_kind kind;
	enum op_status status;
	uint32_t stage;
	enum volume_pending doing;
	cleaning_fn *fn;
};


static void
set_bytes(struct operation *op, const char *key, int64_t gib)
{
	CLEANUP_FREE char *bytes = xasprintf("%" PRIu64,
					     (uint64_t)gib << GIB_SHIFT);

	kvs_set(&op->args, key, bytes);
}

static struct operation *
operation_for(const struct cleaning *c, const struct import_op *from,
	      const struct import_action *a, const char *cluster)
{
	struct operation *op = operation_new(from->id);

	op->kind = c->kind;
	op->status = c->status;
	op->stage = c->stage;
	op->attempt = NO_MORE_ATTEMPTS;
	memcpy(op->target, a->id, ID_SIZE);
	memcpy(op->cluster, cluster, ID_SIZE);
	op->created_ms = op->updated_ms = from->started_s * 1000;
	if (c->status == OP_UNDOING) {
		op->error_code = ERR_CANCELLED;
		op->error = xstrdup("heketi did not finish it");
	}
	if (c->kind == OP_VOLUME_EXPAND)
		set_bytes(op, "add_bytes", a->delta);
	else if (c->kind == OP_BLOCK_EXPAND)
		set_bytes(op, "new_bytes", a->delta);
	return op;
}

/* Bricks that were marked by it stay so: they are what is undone. */
static void
mark_volume(struct volume *v, const struct cleaning *c, const char *op_id)
{
	v->doing = c->doing;
	snprintf(v->pending, sizeof(v->pending), "%s", op_id);
	for (size_t i = 0; i < v->nbricks; i++)
		if (c->doing == VOLUME_CREATING)
			snprintf(v->bricks[i].pending, ID_SIZE, "%s", op_id);
		else if (c->doing == VOLUME_DELETING)
			v->bricks[i].pending[0] = '\0';
}

static bool
clean_volume(struct import *d, const struct import_op *op,
	     const struct cleaning *c, const struct import_action *a)
{
	struct volume *v = (void *)import_find(d, RECORD_VOLUME, a->id);

	if (v == NULL || v->nbricks == 0)
		return false;
	mark_volume(v, c, op->id);
	*VEC_PUSH(&d->of[RECORD_OPERATION]) =
		&operation_for(c, op, a, v->cluster)->r;
	return true;
}

/* Creating may have been making the hosting volume, too. */
static bool
clean_block(struct import *d, const struct import_op *from,
	    const struct cleaning *c, const struct import_action *a)
{
	const struct import_action *made = action_of(from, IMPORT_ADD_VOLUME);
	struct blockvolume *b =
		(void *)import_find(d, RECORD_BLOCKVOLUME, a->id);
	struct volume *v = b == NULL ? NULL :
			   (void *)import_find(d, RECORD_VOLUME, b->hosting);
	struct operation *op;

	if (v == NULL || v->nbricks == 0 ||
	    (made != NULL && strcmp(made->id, v->id) != 0))
		return false;
	op = operation_for(c, from, a, v->cluster);
	b->doing = c->doing;
	snprintf(b->pending, sizeof(b->pending), "%s", from->id);
	if (made != NULL) {
		mark_volume(v, c, from->id);
		kvs_set(&op->args, "volume", v->id);
	}
	*VEC_PUSH(&d->of[RECORD_OPERATION]) = &op->r;
	return true;
}

/* ---- bricks that no volume lists yet ---- */

/* Into the volume, behind its others; NULL: there is no such brick. */
static struct brick *
adopt_stray(struct import *d, const char *id, const char *op_id,
	    struct volume *v)
{
	for (size_t i = 0; i < d->strays.n; i++) {
		struct import_brick *stray = &d->strays.v[i];
		struct brick *b;

		if (strcmp(stray->b.id, id) != 0)
			continue;
		b = volume_grow(v, 1);
		*b = stray->b;
		snprintf(b->pending, sizeof(b->pending), "%s", op_id);
		memmove(stray, stray + 1,
			(d->strays.n - i - 1) * sizeof(*stray));
		d->strays.n--;
		return b;
	}
	return NULL;
}

static bool
adopt_all(struct import *d, const struct import_op *from, struct volume *v)
{
	for (size_t i = 0; i < from->n; i++)
		if (from->v[i].change == IMPORT_ADD_BRICK &&
		    adopt_stray(d, from->v[i].id, from->id, v) == NULL)
			return false;
	return true;
}

/* ---- clones ---- */

static void
insert_volume(struct import *d, struct volume *v)
{
	struct records *all = &d->of[RECORD_VOLUME];
	size_t i;

	*VEC_PUSH(all) = &v->r;
	for (i = all->n - 1; i > 0 && strcmp(all->v[i - 1]->key, v->r.key) > 0;
	     i--)
		all->v[i] = all->v[i - 1];
	all->v[i] = &v->r;
}

/* heketi writes a clone's volume down when it is there, and until then its name
 * nowhere.
 */
static struct volume *
clone_for(struct import *d, const struct import_op *from, const char *id,
	  const struct volume *source)
{
	const char *told = d->clone_names != NULL ?
			   kvs_get(d->clone_names, from->id) : NULL;
	CLEANUP_FREE char *name = told != NULL ? xstrdup(told) :
						 xasprintf("vol_%s", id);
	struct volume *v = volume_new_like(source, id, name);

	insert_volume(d, v);
	if (told == NULL)
		import_warn(d, "operation %s: if its clone was to have another "
			    "name than %s, heketi has not written that down: "
			    "see 'gluster volume list', and give --clone-name "
			    "%s=NAME; and 'gluster snapshot list %s' for "
			    "snapshots tmpsnap_*", from->id, name, from->id,
			    source->name);
	return adopt_all(d, from, v) ? v : NULL;
}

/* Until it is made, heketi has the source's path there. */
static void
forget_place(struct brick *b, const struct brick *source)
{
	if (b->role == 0)
		b->role = source->role;
	if (b->path[0] != '\0' && strcmp(b->path, source->path) != 0)
		return;
	free(b->path);
	free(b->lv);
	b->path = xstrdup("");
	b->lv = xstrdup("");
}

static bool
clean_clone(struct import *d, const struct import_op *from,
	    const struct cleaning *c, const struct import_action *a)
{
	const struct import_action *of = action_of(from, IMPORT_CLONE_FROM);
	struct volume *source = of == NULL ? NULL :
				(void *)import_find(d, RECORD_VOLUME, of->id);
	struct volume *v = (void *)import_find(d, RECORD_VOLUME, a->id);
	struct operation *op;

	if (source != NULL && v == NULL)
		v = clone_for(d, from, a->id, source);
	if (source == NULL || v == NULL || !volume_order_like(v, source))
		return false;
	for (size_t i = 0; i < v->nbricks; i++)
		forget_place(&v->bricks[i], &source->bricks[i]);
	mark_volume(v, c, from->id);
	snprintf(source->pending, sizeof(source->pending), "%s", from->id);
	source->doing = VOLUME_CLONING;
	op = operation_for(c, from, a, v->cluster);
	kvs_set(&op->args, "source", source->id);
	*VEC_PUSH(&d->of[RECORD_OPERATION]) = &op->r;
	return true;
}

/* ---- evictions ---- */

static struct brick *
brick_of(struct volume *v, const char *id)
{
	for (size_t i = 0; i < v->nbricks; i++)
		if (strcmp(v->bricks[i].id, id) == 0)
			return &v->bricks[i];
	return NULL;
}

static struct volume *
volume_with(const struct import *d, const char *brick)
{
	const struct records *all = &d->of[RECORD_VOLUME];

	for (size_t i = 0; i < all->n; i++)
		if (brick_of((void *)all->v[i], brick) != NULL)
			return (void *)all->v[i];
	return NULL;
}

/* The new brick, behind the others; heketi lists it when all is over, we do at
 * once.
 */
static struct brick *
new_brick(struct import *d, const struct import_op *from, const char *id,
	  struct volume *v)
{
	struct brick b;
	struct brick *last = &v->bricks[v->nbricks - 1];
	struct brick *at = brick_of(v, id);

	if (at == NULL)
		return adopt_stray(d, id, from->id, v);
	b = *at;
	memmove(at, at + 1, (size_t)(last - at) * sizeof(b));
	*last = b;
	return last;
}

/* Gluster is asked: if it has taken the new brick, that stays; if not, it goes. */
static bool
clean_evict(struct import *d, const struct import_op *from,
	    const struct cleaning *c, const struct import_action *a)
{
	const struct import_action *made = action_of(from, IMPORT_ADD_BRICK);
	struct volume *v = volume_with(d, a->id);
	struct brick *b = NULL, *old;
	struct operation *op;

	if (v != NULL && made != NULL)
		b = new_brick(d, from, made->id, v);
	if (v == NULL || (made != NULL && b == NULL))
		return false;
	old = brick_of(v, a->id);
	if (b != NULL && b->role == 0)
		b->role = old->role;
	old->pending[0] = '\0';
	mark_volume(v, c, from->id);
	op = operation_for(c, from, a, v->cluster);
	memcpy(op->target, v->id, ID_SIZE);
	if (b == NULL)
		op->stage = EVICT_LOOKED;
	kvs_set(&op->args, "brick", a->id);
	kvs_set(&op->args, "volume", v->id);
	kvs_set(&op->args, "device", old->device);
	*VEC_PUSH(&d->of[RECORD_OPERATION]) = &op->r;
	return true;
}

/* ---- all of them ---- */

static const struct cleaning cleanings[] = {
	{ IMPORT_OP_CREATE_VOLUME, IMPORT_ADD_VOLUME, OP_VOLUME_CREATE,
	  OP_UNDOING, CREATE_STAGES, VOLUME_CREATING, clean_volume },
	{ IMPORT_OP_DELETE_VOLUME, IMPORT_DELETE_VOLUME, OP_VOLUME_DELETE,
	  OP_RUNNING, 0, VOLUME_DELETING, clean_volume },
	{ IMPORT_OP_EXPAND_VOLUME, IMPORT_EXPAND_VOLUME, OP_VOLUME_EXPAND,
	  OP_UNDOING, EXPAND_STAGES, VOLUME_EXPANDING, clean_volume },
	{ IMPORT_OP_CREATE_BLOCK, IMPORT_ADD_BLOCK, OP_BLOCK_CREATE,
	  OP_UNDOING, BLOCK_CREATE_STAGES, VOLUME_CREATING, clean_block },
	{ IMPORT_OP_DELETE_BLOCK, IMPORT_DELETE_BLOCK, OP_BLOCK_DELETE,
	  OP_RUNNING, 0, VOLUME_DELETING, clean_block },
	{ IMPORT_OP_EXPAND_BLOCK, IMPORT_EXPAND_BLOCK_TO, OP_BLOCK_EXPAND,
	  OP_UNDOING, BLOCK_EXPAND_STAGES, VOLUME_EXPANDING, clean_block },
	{ IMPORT_OP_CLONE_VOLUME, IMPORT_ADD_CLONE, OP_VOLUME_CLONE,
	  OP_UNDOING, CLONE_STAGES, VOLUME_CREATING, clean_clone },
	{ IMPORT_OP_EVICT_BRICK, IMPORT_DELETE_BRICK, OP_BRICK_EVICT,
	  OP_UNDOING, EVICT_REPLACED, VOLUME_EVICTING, clean_evict },
};

bool
import_clean(struct import *d, const struct import_op *op)
{
	for (size_t i = 0; i < ARRAY_SIZE(cleanings); i++) {
		const struct cleaning *c = &cleanings[i];
		const struct import_action *a = action_of(op, c->change);

		if (c->type == op->type && a != NULL && a->delta >= 0)
			return c->fn(d, op, c, a);
	}
	return false;
}
