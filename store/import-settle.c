/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of the operations that heketi had under way when it was dumped.
 *
 * Cleaning makes operations of ours of them (import-clean.c).  Dropping forgets
 * them: what was to come is left out, what was to go stays.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/import.h"
#include "util/buf.h"
#include "util/xalloc.h"

static const char *
type_name(int64_t type)
{
	static const char *const names[] = {
		[IMPORT_OP_CREATE_VOLUME] = "create-volume",
		[IMPORT_OP_DELETE_VOLUME] = "delete-volume",
		[IMPORT_OP_EXPAND_VOLUME] = "expand-volume",
		[IMPORT_OP_CREATE_BLOCK] = "create-block-volume",
		[IMPORT_OP_DELETE_BLOCK] = "delete-block-volume",
		[IMPORT_OP_REMOVE_DEVICE] = "remove-device",
		[IMPORT_OP_CLONE_VOLUME] = "clone-volume",
		[IMPORT_OP_EVICT_BRICK] = "evict-brick",
		[IMPORT_OP_EXPAND_BLOCK] = "expand-block-volume",
	};

	return type > 0 && type < (int64_t)ARRAY_SIZE(names) ? names[type] :
							       "unknown";
}

/* "operation ID (create-volume, failed, of 2020-01-02)"; caller frees. */
static char *
describe(const struct import_op *op)
{
	time_t t = (time_t)op->started_s;
	char day[32] = "an unknown day";
	struct tm tm;

	if (op->started_s > 0 && gmtime_r(&t, &tm) != NULL)
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	return xasprintf("operation %s (%s, %s, of %s)", op->id,
			 type_name(op->type), op->status[0] != '\0' ?
			 op->status : "new", day);
}

/* ---- dropping ---- */

/* Does another brick, a clone's say, live in the same thin pool? */
static bool
shares_pool(const struct import *d, const struct brick *b)
{
	const struct records *all = &d->of[RECORD_VOLUME];

	for (size_t i = 0; i < all->n; i++) {
		const struct volume *v = (const void *)all->v[i];

		for (size_t k = 0; k < v->nbricks; k++)
			if (strcmp(v->bricks[k].id, b->id) != 0 &&
			    strcmp(v->bricks[k].device, b->device) == 0 &&
			    strcmp(v->bricks[k].thin_pool, b->thin_pool) == 0)
				return true;
	}
	return false;
}

void
import_give_back(struct import *d, const struct brick *b)
{
	struct device *dev = (void *)import_find(d, RECORD_DEVICE, b->device);
	uint64_t bytes = b->thin_pool_bytes + b->metadata_bytes;

	if (dev != NULL && !shares_pool(d, b))
		dev->used_bytes -= bytes < dev->used_bytes ? bytes :
							     dev->used_bytes;
}

bool
import_has_own_path(const struct import *d, const struct brick *b)
{
	const struct records *all = &d->of[RECORD_VOLUME];
	bool own = b->path[0] != '\0';

	for (size_t i = 0; i < all->n; i++) {
		const struct volume *v = (const void *)all->v[i];

		for (size_t k = 0; own && k < v->nbricks; k++)
			own = strcmp(v->bricks[k].id, b->id) == 0 ||
			      strcmp(v->bricks[k].node, b->node) != 0 ||
			      strcmp(v->bricks[k].path, b->path) != 0;
	}
	return own;
}

static void
list_brick(const struct import *d, struct buf *to, const struct brick *b)
{
	/* Nobody may be told to remove what stays. */
	if (import_has_own_path(d, b))
		buf_addf(to, "%s%s:%s", to->len > 0 ? ", " : "", b->host,
			 b->path);
}

static void
remove_record(struct import *d, struct record *r)
{
	struct records *all = &d->of[r->kind];
	size_t i = 0;

	while (all->v[i] != r)
		i++;
	memmove(&all->v[i], &all->v[i + 1],
		(all->n - i - 1) * sizeof(all->v[0]));
	all->n--;
	record_unref(r);
}

static void
leave_out_volume(struct import *d, const char *what, const char *id)
{
	struct volume *v = (void *)import_find(d, RECORD_VOLUME, id);
	CLEANUP(buf_release) struct buf left = { 0 };

	if (v == NULL)
		return;
	for (size_t i = 0; i < v->nbricks; i++) {
		import_give_back(d, &v->bricks[i]);
		list_brick(d, &left, &v->bricks[i]);
	}
	import_warn(d, "%s: volume %s (%s) is left out; remove by hand what "
		    "there is of it in gluster, and of its bricks: %s", what,
		    v->name, v->id, left.len > 0 ? buf_str(&left) : "(none)");
	d->nbricks -= v->nbricks;
	remove_record(d, &v->r);
}

static void
leave_out_block(struct import *d, const char *what, const char *id)
{
	struct blockvolume *b = (void *)import_find(d, RECORD_BLOCKVOLUME, id);
	struct volume *host;

	if (b == NULL)
		return;
	host = (void *)import_find(d, RECORD_VOLUME, b->hosting);
	if (host != NULL)
		host->block_free_bytes += b->size_bytes;
	import_warn(d, "%s: block volume %s (%s) is left out; remove by hand what "
		  "there is of it (gluster-block list %s)", what, b->name,
		  b->id, host != NULL ? host->name : "?");
	remove_record(d, &b->r);
}

static bool
brick_left(struct import *d, const char *what, struct brick *b)
{
	CLEANUP(buf_release) struct buf where = { 0 };

	list_brick(d, &where, b);
	import_give_back(d, b);
	import_warn(d, "%s: brick %s is left out%s%s", what, b->id,
		    where.len > 0 ? "; remove by hand what there is of it: " : "",
		    buf_str(&where));
	d->nbricks--;
	brick_release(b);
	return true;
}

static bool
leave_out_stray(struct import *d, const char *what, const char *id)
{
	for (size_t i = 0; i < d->strays.n; i++) {
		if (strcmp(d->strays.v[i].b.id, id) != 0)
			continue;
		(void)brick_left(d, what, &d->strays.v[i].b);
		memmove(&d->strays.v[i], &d->strays.v[i + 1],
			(d->strays.n - i - 1) * sizeof(d->strays.v[0]));
		d->strays.n--;
		return true;
	}
	return false;
}

static void
leave_out_brick(struct import *d, const char *what, const char *id)
{
	const struct records *all = &d->of[RECORD_VOLUME];

	if (leave_out_stray(d, what, id))
		return;
	for (size_t i = 0; i < all->n; i++) {
		struct volume *v = (void *)all->v[i];

		for (size_t k = 0; k < v->nbricks; k++) {
			if (strcmp(v->bricks[k].id, id) != 0)
				continue;
			(void)brick_left(d, what, &v->bricks[k]);
			memmove(&v->bricks[k], &v->bricks[k + 1],
				(v->nbricks - k - 1) * sizeof(v->bricks[0]));
			v->nbricks--;
			return;
		}
	}
}

/* It keeps the size that it has, and what was promised to it is free again. */
static void
stop_expanding(struct import *d, const char *id)
{
	const struct blockvolume *b =
		(const void *)import_find(d, RECORD_BLOCKVOLUME, id);
	struct volume *v = b == NULL ? NULL :
			   (void *)import_find(d, RECORD_VOLUME, b->hosting);

	if (v != NULL && v->block_reserved_bytes > 0)
		v->block_free_bytes = import_hosting_free(d, v);
}

static void
drop(struct import *d, const struct import_op *op, const char *what)
{
	import_warn(d, "%s: dropped", what);
	/* First what bricks go with. */
	for (size_t i = 0; i < op->n; i++) {
		const struct import_action *a = &op->v[i];

		if (a->change == IMPORT_ADD_BLOCK)
			leave_out_block(d, what, a->id);
		else if (a->change == IMPORT_ADD_VOLUME ||
			 a->change == IMPORT_ADD_CLONE)
			leave_out_volume(d, what, a->id);
	}
	for (size_t i = 0; i < op->n; i++) {
		if (op->v[i].change == IMPORT_ADD_BRICK)
			leave_out_brick(d, what, op->v[i].id);
		else if (op->v[i].change == IMPORT_EXPAND_BLOCK_TO)
			stop_expanding(d, op->v[i].id);
	}
}

/* ---- marks that are left ---- */

static bool
is_ours(const struct import *d, const char *op_id)
{
	for (size_t i = 0; i < d->of[RECORD_OPERATION].n; i++) {
		const struct operation *op =
			(const void *)d->of[RECORD_OPERATION].v[i];

		if (strcmp(op->id, op_id) == 0)
			return true;
	}
	return false;
}

static bool
is_heketis(const struct import *d, const char *op_id)
{
	for (size_t i = 0; i < d->ops.n; i++)
		if (strcmp(d->ops.v[i].id, op_id) == 0)
			return true;
	return false;
}

static void
unmark(struct import *d, char *pending, const char *what, const char *id,
       bool refuse)
{
	if (pending[0] == '\0' || is_ours(d, pending))
		return;
	if (!is_heketis(d, pending) && refuse)
		import_error(d, "%s %s is marked by operation %s, which is not "
			   "there: see to it in heketi, or give --pending drop "
			   "to take it as it is", what, id, pending);
	else if (!is_heketis(d, pending))
		import_warn(d, "%s %s was marked by operation %s, which is not "
			  "there: taken as it is", what, id, pending);
	pending[0] = '\0';
}

static void
unmark_all(struct import *d, bool refuse)
{
	for (size_t i = 0; i < d->of[RECORD_VOLUME].n; i++) {
		struct volume *v = (void *)d->of[RECORD_VOLUME].v[i];

		unmark(d, v->pending, "volume", v->id, refuse);
		for (size_t k = 0; k < v->nbricks; k++)
			unmark(d, v->bricks[k].pending, "brick",
			       v->bricks[k].id, refuse);
	}
	for (size_t i = 0; i < d->of[RECORD_BLOCKVOLUME].n; i++) {
		struct blockvolume *b = (void *)d->of[RECORD_BLOCKVOLUME].v[i];

		unmark(d, b->pending, "block volume", b->id, refuse);
	}
}

void
import_settle(struct import *d, enum import_pending how)
{
	for (size_t i = 0; i < d->ops.n; i++) {
		const struct import_op *op = &d->ops.v[i];
		CLEANUP_FREE char *what = describe(op);

		if (how == IMPORT_REFUSE)
			import_error(d, "%s was under way: let heketi finish it or "
				   "clean up after it first, or give --pending "
				   "clean or --pending drop", what);
		else if (how == IMPORT_DROP || op->type == IMPORT_OP_REMOVE_DEVICE)
			drop(d, op, what);
		else if (import_clean(d, op))
			import_warn(d, "%s: to be cleaned up", what);
		else
			import_error(d, "%s can't be cleaned up from here: let "
				   "heketi do that first, or give --pending "
				   "drop", what);
	}
	unmark_all(d, how == IMPORT_REFUSE);
}
