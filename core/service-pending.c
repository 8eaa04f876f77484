/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations as heketi's clients ask for them, and cleaning them up. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "service-private.h"
#include "util/xalloc.h"

/* ---- reading; under the mirror's lock ---- */

static bool
owner_is_alive(struct service *s, const struct operation *op)
{
	return mirror_peek(s->mirror, RECORD_REPLICA, op->owner) != NULL;
}

static const struct operation *
peek(struct service *s, const char *id)
{
	return (const void *)mirror_peek(s->mirror, RECORD_OPERATION, id);
}

static bool
is_throttled(const struct operation *op)
{
	const struct op_rules *rules = op_rules_of(op->kind);

	return op->kind == OP_CLEAN || (rules != NULL && rules->throttled);
}

/* Does somebody work on it, or is about to? */
static bool
is_in_flight(const struct operation *op, enum pending_status status)
{
	return status == PENDING_NEW && is_throttled(op);
}

static void
count_shown(struct operation_counts *c, enum pending_status status)
{
	c->total++;
	c->new_ += status == PENDING_NEW;
	c->stale += status == PENDING_STALE;
	c->failed += status == PENDING_FAILED;
}

static void
count_one(struct operation_counts *c, const struct operation *op,
	  enum pending_status status)
{
	RECORD_SCOPE struct operation *child = pending_child(op);

	c->in_flight += is_in_flight(op, status);
	if (!pending_is_shown(op))
		return;
	count_shown(c, status);
	if (child != NULL)
		count_shown(c, status);
}

void
service_operation_counts(struct service *s, struct operation_counts *ret)
{
	const struct strs *ids;

	memset(ret, 0, sizeof(*ret));
	mirror_rdlock(s->mirror);
	ids = relation_of(s->model->open_ops, "");
	for (size_t i = 0; i < ids->n; i++) {
		const struct operation *op = peek(s, ids->v[i]);

		if (op != NULL)
			count_one(ret, op, pending_status(
					op, owner_is_alive(s, op)));
	}
	mirror_unlock(s->mirror);
}

static const struct record *
find(void *arg, enum record_kind kind, const char *id)
{
	return mirror_peek(((struct service *)arg)->mirror, kind, id);
}

static bool
is_removal(const struct operation *op)
{
	return op->kind == OP_DEVICE_REMOVE || op->kind == OP_NODE_REMOVE;
}

static void
view(struct service *s, const struct operation *op, bool changes,
     struct pending_view *ret)
{
	*ret = (struct pending_view){ .type_name = op_kind_name(op->kind) };
	memcpy(ret->id, op->id, ID_SIZE);
	if (op->kind == OP_NODE_REMOVE)
		ret->type_name = op_kind_name(OP_DEVICE_REMOVE);
	ret->status = pending_status(op, owner_is_alive(s, op));
	/* A removal takes its place under another id in heketi, and a child takes
	 * none: neither is shown as in flight there, though it is counted.
	 */
	ret->in_flight = is_in_flight(op, ret->status) && !is_removal(op) &&
			 kvs_get(&op->args, "parent") == NULL;
	if (changes)
		pending_changes(op, find, s, &ret->changes);
}

static int
compare_views(const void *a, const void *b)
{
	return strcmp(((const struct pending_view *)a)->id,
		      ((const struct pending_view *)b)->id);
}

struct pending_view *
service_pending_list(struct service *s, size_t *ret_n)
{
	struct pending_view *l;
	const struct strs *ids;
	size_t n = 0;

	mirror_rdlock(s->mirror);
	ids = relation_of(s->model->open_ops, "");
	l = xcalloc(2 * ids->n, sizeof(*l));
	for (size_t i = 0; i < ids->n; i++) {
		const struct operation *op = peek(s, ids->v[i]);
		RECORD_SCOPE struct operation *child = NULL;

		if (op == NULL || !pending_is_shown(op))
			continue;
		view(s, op, false, &l[n++]);
		child = pending_child(op);
		if (child != NULL)
			view(s, child, false, &l[n++]);
	}
	mirror_unlock(s->mirror);
	if (n > 1)
		qsort(l, n, sizeof(*l), compare_views);
	*ret_n = n;
	return l;
}

/* Under the mirror's lock; a reference, or NULL. */
static struct operation *
find_child(struct service *s, const char *id)
{
	const struct strs *ids = relation_of(s->model->open_ops, "");

	for (size_t i = 0; i < ids->n; i++) {
		const struct operation *op = peek(s, ids->v[i]);
		RECORD_SCOPE struct operation *child =
			op != NULL && pending_is_shown(op) ?
			pending_child(op) : NULL;

		if (child != NULL && strcmp(child->id, id) == 0)
			return STEAL(child);
	}
	return NULL;
}

bool
service_pending(struct service *s, const char *id, struct pending_view *ret)
{
	RECORD_SCOPE struct operation *child = NULL;
	const struct operation *op;
	bool found;

	mirror_rdlock(s->mirror);
	op = peek(s, id);
	if (op == NULL)
		op = child = find_child(s, id);
	found = op != NULL && pending_is_shown(op);
	if (found)
		view(s, op, true, ret);
	mirror_unlock(s->mirror);
	return found;
}

/* ---- cleaning ---- */

static enum err
build_clean(void *arg, struct txn *t, struct error *err)
{
	txn_put(t, &((struct operation *)arg)->r);
	return ERR_OK;
}

enum err
service_clean_operations(struct service *s, const struct strs *ids,
			 char ret_op[ID_SIZE], struct error *err)
{
	RECORD_SCOPE struct operation *op =
		service_new_operation(s, OP_CLEAN, "", "");
	CLEANUP_FREE char *list = strs_join(ids, " ");
	enum err r;

	if (ids->n > 0)
		kvs_set(&op->args, "operations", list);
	r = service_commit_op(s, build_clean, op, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}
