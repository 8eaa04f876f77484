/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "leftover.h"
#include "model.h"
#include "service.h"
#include "util/xalloc.h"

bool
operation_is_over(const struct operation *op)
{
	return op->status == OP_DONE || op->status == OP_FAILED;
}

bool
operation_is_ended(const struct operation *op)
{
	return operation_is_over(op) || op->status == OP_STUCK;
}

static void
node_changed(struct model *m, const struct node *was, const struct node *now)
{
	if (was != NULL && (now == NULL || strcmp(was->cluster, now->cluster) != 0))
		relation_remove(m->nodes, was->cluster, was->id);
	if (now != NULL) {
		relation_add(m->nodes, now->cluster, now->id);
		topology_set_node(m->topology, now);
	} else {
		topology_remove_node(m->topology, was->id);
	}
}

static void
device_changed(struct model *m, const struct device *was,
	       const struct device *now)
{
	if (was != NULL && (now == NULL || strcmp(was->node, now->node) != 0))
		relation_remove(m->devices, was->node, was->id);
	if (now != NULL) {
		relation_add(m->devices, now->node, now->id);
		topology_set_device(m->topology, now);
	} else {
		topology_remove_device(m->topology, was->id);
	}
}

static void
brick_key(const struct volume *v, const struct brick *b, char *ret, size_t size)
{
	snprintf(ret, size, "%s %s", b->id, v->id);
}

static bool
same_bricks(const struct volume *a, const struct volume *b)
{
	if (a->nbricks != b->nbricks)
		return false;
	for (size_t i = 0; i < a->nbricks; i++)
		if (strcmp(a->bricks[i].id, b->bricks[i].id) != 0 ||
		    strcmp(a->bricks[i].device, b->bricks[i].device) != 0)
			return false;
	return true;
}

void
model_pool_key(const char *device, const char *pool, char ret[POOL_KEY_SIZE])
{
	snprintf(ret, POOL_KEY_SIZE, "%s %s", device, pool);
}

/* A pool that has the brick's name is the brick's own. */
static bool
is_pool_mate(const struct brick *b)
{
	return b->thin_pool != NULL && b->thin_pool[0] != '\0' &&
	       (strncmp(b->thin_pool, "tp_", 3) != 0 ||
		strcmp(b->thin_pool + 3, b->id) != 0);
}

static void
note_pool(struct model *m, const struct brick *b, const char *key, bool there)
{
	char pool[POOL_KEY_SIZE];

	if (!is_pool_mate(b))
		return;
	model_pool_key(b->device, b->thin_pool, pool);
	if (there)
		relation_add(m->pool_mates, pool, key);
	else
		relation_remove(m->pool_mates, pool, key);
}

/* Clients see none that is on its way, in either direction. */
static bool
is_hidden(enum volume_pending doing)
{
	return doing == VOLUME_CREATING || doing == VOLUME_DELETING;
}

static void
count_type(struct model *m, const char *type, int change)
{
	struct type_count *c = NULL;

	for (size_t i = 0; i < m->types.n && c == NULL; i++)
		if (strcmp(m->types.v[i].type, type) == 0)
			c = &m->types.v[i];
	if (c == NULL) {
		c = VEC_PUSH(&m->types);
		c->type = xstrdup(type);
		c->volumes = 0;
	}
	c->volumes += (size_t)change;
}

static void
forget_types(struct model *m)
{
	for (size_t i = 0; i < m->types.n; i++)
		free(m->types.v[i].type);
	m->types.n = 0;
}

static void
volume_changed(struct model *m, const struct volume *was,
	       const struct volume *now)
{
	char key[2 * ID_SIZE];

	if (was != NULL)
		count_type(m, was->type, -1);
	if (now != NULL)
		count_type(m, now->type, 1);
	if (was != NULL && is_hidden(was->doing))
		relation_remove(m->hidden_volumes, was->cluster, was->id);
	if (now != NULL && is_hidden(now->doing))
		relation_add(m->hidden_volumes, now->cluster, now->id);
	if (was != NULL && now != NULL && same_bricks(was, now) &&
	    was->block == now->block)
		return;
	for (size_t i = 0; was != NULL && i < was->nbricks; i++) {
		brick_key(was, &was->bricks[i], key, sizeof(key));
		relation_remove(m->bricks, was->bricks[i].device, key);
		note_pool(m, &was->bricks[i], key, false);
	}
	if (was != NULL) {
		relation_remove(m->volumes, was->cluster, was->id);
		relation_remove(m->hosting, was->cluster, was->id);
	}
	for (size_t i = 0; now != NULL && i < now->nbricks; i++) {
		brick_key(now, &now->bricks[i], key, sizeof(key));
		relation_add(m->bricks, now->bricks[i].device, key);
		note_pool(m, &now->bricks[i], key, true);
	}
	if (now != NULL)
		relation_add(m->volumes, now->cluster, now->id);
	if (now != NULL && now->block)
		relation_add(m->hosting, now->cluster, now->id);
}

static void
blockvolume_changed(struct model *m, const struct blockvolume *was,
		    const struct blockvolume *now)
{
	if (was != NULL && is_hidden(was->doing))
		relation_remove(m->hidden_blockvolumes, was->cluster, was->id);
	if (now != NULL && is_hidden(now->doing))
		relation_add(m->hidden_blockvolumes, now->cluster, now->id);
	if (was != NULL) {
		relation_remove(m->blockvolumes, was->cluster, was->id);
		relation_remove(m->hosted, was->hosting, was->id);
	}
	if (now != NULL) {
		relation_add(m->blockvolumes, now->cluster, now->id);
		relation_add(m->hosted, now->hosting, now->id);
	}
}

static void
ended_key(const struct operation *op, char *ret, size_t size)
{
	snprintf(ret, size, "%020" PRId64 " %s", op->ended_ms, op->id);
}

static void
operation_changed(struct model *m, const struct operation *was,
		  const struct operation *now)
{
	char key[64];

	if (was != NULL && operation_is_over(was)) {
		ended_key(was, key, sizeof(key));
		relation_remove(m->ended_ops, "", key);
	}
	if (now != NULL && operation_is_over(now)) {
		ended_key(now, key, sizeof(key));
		relation_add(m->ended_ops, "", key);
	}
	if (now == NULL || operation_is_over(now))
		relation_remove(m->open_ops, "", now ? now->id : was->id);
	else
		relation_add(m->open_ops, "", now->id);
	if (m->on_ended != NULL && (now == NULL || operation_is_ended(now)))
		m->on_ended(m->on_ended_arg, now ? now->id : was->id);
}

static void
admin_changed(struct model *m, const struct record *was,
	      const struct record *now)
{
	const char *key = (now != NULL ? now : was)->key + strlen("admin/");

	if (strncmp(key, LEFTOVER_PREFIX, strlen(LEFTOVER_PREFIX)) != 0)
		return;
	if (now != NULL)
		relation_add(m->leftovers, "", key);
	else
		relation_remove(m->leftovers, "", key);
}

static void
changed(void *arg, const struct record *was, const struct record *now)
{
	struct model *m = arg;

	switch (now != NULL ? now->kind : was->kind) {
	case RECORD_NODE:
		node_changed(m, (const void *)was, (const void *)now);
		break;
	case RECORD_DEVICE:
		device_changed(m, (const void *)was, (const void *)now);
		break;
	case RECORD_VOLUME:
		volume_changed(m, (const void *)was, (const void *)now);
		break;
	case RECORD_BLOCKVOLUME:
		blockvolume_changed(m, (const void *)was, (const void *)now);
		break;
	case RECORD_OPERATION:
		operation_changed(m, (const void *)was, (const void *)now);
		break;
	case RECORD_REPLICA:
		if (m->on_replicas != NULL)
			m->on_replicas(m->on_replicas_arg);
		break;
	case RECORD_HEALTH:
		topology_set_healthy(m->topology,
				     ((const struct health *)
				      (now != NULL ? now : was))->id,
				     now == NULL);
		break;
	case RECORD_ADMIN:
		admin_changed(m, was, now);
		break;
	case RECORD_DUTY:
	case RECORD_CLUSTER:
	case RECORD_INDEX:
	case RECORD_SLOT:
	case RECORD_KINDS:
		break;
	}
}

static void
reset(void *arg)
{
	struct model *m = arg;

	topology_clear(m->topology);
	topology_forget_health(m->topology);
	relation_clear(m->nodes);
	relation_clear(m->volumes);
	relation_clear(m->hidden_volumes);
	forget_types(m);
	relation_clear(m->devices);
	relation_clear(m->bricks);
	relation_clear(m->pool_mates);
	relation_clear(m->leftovers);
	relation_clear(m->blockvolumes);
	relation_clear(m->hidden_blockvolumes);
	relation_clear(m->hosting);
	relation_clear(m->hosted);
	relation_clear(m->open_ops);
	relation_clear(m->ended_ops);
	if (m->on_ended != NULL)
		m->on_ended(m->on_ended_arg, NULL);
	if (m->on_replicas != NULL)
		m->on_replicas(m->on_replicas_arg);
}

struct model *
model_new(struct mirror *mirror)
{
	static const struct mirror_observer observer = {
		.reset = reset,
		.changed = changed,
	};
	struct model *m = XNEW(struct model);

	m->mirror = mirror;
	m->topology = topology_new();
	m->nodes = relation_new();
	m->volumes = relation_new();
	m->hidden_volumes = relation_new();
	m->devices = relation_new();
	m->bricks = relation_new();
	m->pool_mates = relation_new();
	m->leftovers = relation_new();
	m->blockvolumes = relation_new();
	m->hidden_blockvolumes = relation_new();
	m->hosting = relation_new();
	m->hosted = relation_new();
	m->open_ops = relation_new();
	m->ended_ops = relation_new();
	mirror_observe(mirror, &observer, m);
	return m;
}

void
model_free(struct model *m)
{
	if (m == NULL)
		return;
	topology_free(m->topology);
	relation_free(m->nodes);
	relation_free(m->volumes);
	relation_free(m->hidden_volumes);
	forget_types(m);
	free(m->types.v);
	relation_free(m->devices);
	relation_free(m->bricks);
	relation_free(m->pool_mates);
	relation_free(m->leftovers);
	relation_free(m->blockvolumes);
	relation_free(m->hidden_blockvolumes);
	relation_free(m->hosting);
	relation_free(m->hosted);
	relation_free(m->open_ops);
	relation_free(m->ended_ops);
	free(m);
}
