/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pure functions on a snapshot; any thread. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/dump-view.h"
#include "pending.h"
#include "util/xalloc.h"

bool
dump_hides_node(const struct node *n)
{
	return n->adding;
}

bool
dump_hides_device(const struct device *d)
{
	return d->adding;
}

const void *
dump_find(const struct dump_view *w, enum record_kind kind, const char *id)
{
	return mirror_snapshot_find(w->snapshot, kind, id);
}

const struct record *
dump_find_record(void *arg, enum record_kind kind, const char *id)
{
	return dump_find(arg, kind, id);
}

void
dump_brick_operation(const struct dump_view *w, const struct dump_brick *b,
		     char ret[ID_SIZE])
{
	pending_brick_operation(b->volume, b->brick, dump_find_record,
				(void *)(uintptr_t)w, ret);
}

static void
link_nodes(struct dump_view *w)
{
	const struct mirror_list *l = &w->snapshot->of[RECORD_NODE];

	for (size_t i = 0; i < l->n; i++) {
		const struct node *n = (const void *)l->v[i];

		if (!dump_hides_node(n))
			relation_add(w->nodes, n->cluster, n->id);
	}
}

static void
link_devices(struct dump_view *w)
{
	const struct mirror_list *l = &w->snapshot->of[RECORD_DEVICE];

	for (size_t i = 0; i < l->n; i++) {
		const struct device *d = (const void *)l->v[i];

		if (!dump_hides_device(d))
			relation_add(w->devices, d->node, d->id);
	}
}

static int
compare_bricks(const void *a, const void *b)
{
	return strcmp(((const struct dump_brick *)a)->brick->id,
		      ((const struct dump_brick *)b)->brick->id);
}

static void
link_volumes(struct dump_view *w)
{
	const struct mirror_list *l = &w->snapshot->of[RECORD_VOLUME];
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += ((const struct volume *)(const void *)l->v[i])->nbricks;
	w->v = xcalloc(n, sizeof(*w->v));
	for (size_t i = 0; i < l->n; i++) {
		const struct volume *v = (const void *)l->v[i];

		relation_add(w->volumes, v->cluster, v->id);
		for (size_t k = 0; k < v->nbricks; k++)
			w->v[w->n++] = (struct dump_brick){ &v->bricks[k], v };
	}
	qsort(w->v, w->n, sizeof(*w->v), compare_bricks);
	/* In order, so that each is the last of its device. */
	for (size_t i = 0; i < w->n; i++)
		relation_add(w->bricks, w->v[i].brick->device,
			     w->v[i].brick->id);
}

static void
link_blockvolumes(struct dump_view *w)
{
	const struct mirror_list *l = &w->snapshot->of[RECORD_BLOCKVOLUME];

	for (size_t i = 0; i < l->n; i++) {
		const struct blockvolume *b = (const void *)l->v[i];

		relation_add(w->blockvolumes, b->cluster, b->id);
		relation_add(w->hosted, b->hosting, b->id);
	}
}

static void
list_leftovers(struct dump_view *w)
{
	const struct mirror_list *l = &w->snapshot->of[RECORD_ADMIN];

	w->left = xcalloc(l->n, sizeof(*w->left));
	for (size_t i = 0; i < l->n; i++)
		if (leftover_parse((const void *)l->v[i], &w->left[w->nleft]))
			w->nleft++;
}

static int
compare_operations(const void *a, const void *b)
{
	return strcmp((*(struct operation *const *)a)->id,
		      (*(struct operation *const *)b)->id);
}

static void
link_operations(struct dump_view *w)
{
	const struct mirror_list *l = &w->snapshot->of[RECORD_OPERATION];

	w->ops = xcalloc(2 * l->n, sizeof(*w->ops));
	for (size_t i = 0; i < l->n; i++) {
		struct operation *op = (void *)l->v[i], *child;

		if (!pending_is_shown(op) || pending_type(op->kind) == 0)
			continue;
		w->ops[w->nops++] = (void *)record_ref(&op->r);
		child = pending_child(op);
		if (child != NULL)
			w->ops[w->nops++] = child;
	}
	if (w->nops > 1)
		qsort(w->ops, w->nops, sizeof(*w->ops), compare_operations);
}

void
dump_view_init(struct dump_view *w, const struct mirror_snapshot *s)
{
	*w = (struct dump_view){
		.snapshot = s,
		.nodes = relation_new(),
		.volumes = relation_new(),
		.blockvolumes = relation_new(),
		.devices = relation_new(),
		.bricks = relation_new(),
		.hosted = relation_new(),
	};
	link_nodes(w);
	link_devices(w);
	link_volumes(w);
	link_blockvolumes(w);
	list_leftovers(w);
	link_operations(w);
}

void
dump_view_release(struct dump_view *w)
{
	relation_free(w->nodes);
	relation_free(w->volumes);
	relation_free(w->blockvolumes);
	relation_free(w->devices);
	relation_free(w->bricks);
	relation_free(w->hosted);
	for (size_t i = 0; i < w->nops; i++)
		record_unref(&w->ops[i]->r);
	free(w->ops);
	free(w->v);
	for (size_t i = 0; i < w->nleft; i++)
		leftover_release(&w->left[i]);
	free(w->left);
	memset(w, 0, sizeof(*w));
}

void
dump_hosts(const struct dump_view *w, const char *cluster, struct strs *ret)
{
	const struct strs *ids = relation_of(w->nodes, cluster);

	for (size_t i = 0; i < ids->n; i++) {
		const struct node *n = dump_find(w, RECORD_NODE, ids->v[i]);

		if (n != NULL && n->storage.n > 0)
			strs_add(ret, n->storage.v[0]);
	}
}
