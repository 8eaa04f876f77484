/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The topology index, kept up to date change by change.
 *
 * It owns its entries and one reference to every record it was given.  An
 * entry for a node exists as soon as its record, one of its devices, or a bad
 * health verdict is known, and goes when none of the three is left; a cluster
 * exists while it has nodes.  A change takes the entry out of everything that
 * depends on what changes, applies it, and puts the entry back in: there is one
 * way in and one way out, and both take constant time per device.
 *
 * Not locked; runs on whichever thread holds the owner's lock.
 */
#include <config.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "topology-index.h"
#include "util/xalloc.h"

struct topology {
	struct topology_cluster *clusters;
	struct topology_node *nodes;
	struct topology_device *devices;
};

const char *
topology_tag(const struct topology_device *d, const char *key)
{
	const char *value = kvs_get(&d->device->tags, key);

	if (value == NULL && d->on->node != NULL)
		value = kvs_get(&d->on->node->tags, key);
	return value != NULL ? value : "";
}

static enum arbiter_tag
arbiter_tag(const struct topology_device *d)
{
	const char *value = topology_tag(d, "arbiter");

	if (strcmp(value, "required") == 0)
		return ARBITER_REQUIRED;
	if (strcmp(value, "disabled") == 0)
		return ARBITER_DISABLED;
	return ARBITER_SUPPORTED;
}

static bool
node_is_eligible(const struct topology_node *n)
{
	return n->node != NULL && !n->unhealthy && !n->node->adding &&
	       n->node->pending[0] == '\0' && n->node->state == STATE_ONLINE;
}

static bool
device_is_eligible(const struct topology_device *d)
{
	return node_is_eligible(d->on) && !d->device->adding &&
	       d->device->pending[0] == '\0' &&
	       d->device->state == STATE_ONLINE;
}

static void
copy_id(char to[ID_SIZE], const char *id)
{
	size_t len = strlen(id);

	assert(len <= ID_LEN);
	memcpy(to, id, len + 1);
}

/* ---- the pools of eligible devices ---- */

static void
pool_add(struct topology_cluster *c, struct topology_device *d)
{
	struct topology_pool *pool;
	struct topology_devices *class;

	d->arbiter = arbiter_tag(d);
	d->class = topology_class(topology_free_bytes(d->device));
	pool = &c->pools[d->arbiter];
	class = &pool->class[d->class];
	d->at_class = class->n;
	*VEC_PUSH(class) = d;
	pool->filled |= UINT64_C(1) << d->class;
}

static void
pool_remove(struct topology_cluster *c, struct topology_device *d)
{
	struct topology_pool *pool = &c->pools[d->arbiter];
	struct topology_devices *class = &pool->class[d->class];
	struct topology_device *last = class->v[--class->n];

	class->v[d->at_class] = last;
	last->at_class = d->at_class;
	if (class->n == 0)
		pool->filled &= ~(UINT64_C(1) << d->class);
}

/* To be called whenever the device or its node got what it takes. */
static void
device_enlist(struct topology_device *d)
{
	struct topology_node *n = d->on;

	assert(!d->eligible);
	if (!device_is_eligible(d))
		return;
	d->eligible = true;
	pool_add(n->cluster, d);
	n->cluster->neligible++;
	if (n->zone->neligible++ == 0)
		n->cluster->live_zones++;
}

/* To be called before anything that device_enlist looks at changes. */
static void
device_delist(struct topology_device *d)
{
	struct topology_node *n = d->on;

	if (!d->eligible)
		return;
	d->eligible = false;
	pool_remove(n->cluster, d);
	n->cluster->neligible--;
	if (--n->zone->neligible == 0)
		n->cluster->live_zones--;
}

static void
node_enlist(struct topology_node *n)
{
	for (size_t i = 0; i < n->devices.n; i++)
		device_enlist(n->devices.v[i]);
}

static void
node_delist(struct topology_node *n)
{
	for (size_t i = 0; i < n->devices.n; i++)
		device_delist(n->devices.v[i]);
}

/* ---- clusters and zones, which live while they have nodes ---- */

static struct topology_cluster *
cluster_obtain(struct topology *t, const char *id)
{
	struct topology_cluster *c = NULL;

	HASH_FIND_STR(t->clusters, id, c);
	if (c != NULL)
		return c;
	c = XNEW(struct topology_cluster);
	copy_id(c->id, id);
	HASH_ADD_STR(t->clusters, id, c);
	return c;
}

static void
cluster_free(struct topology *t, struct topology_cluster *c)
{
	HASH_DEL(t->clusters, c);
	for (int p = 0; p < ARBITER_TAGS; p++)
		for (int i = 0; i < TOPOLOGY_CLASSES; i++)
			free(c->pools[p].class[i].v);
	free(c->nodes.v);
	free(c->zones.v);
	free(c);
}

static struct topology_zone *
zone_obtain(struct topology_cluster *c, int64_t number)
{
	struct topology_zone *z = NULL;

	HASH_FIND(hh, c->zone_by_number, &number, sizeof(number), z);
	if (z != NULL)
		return z;
	z = XNEW(struct topology_zone);
	z->zone = number;
	z->at = c->zones.n;
	*VEC_PUSH(&c->zones) = z;
	HASH_ADD(hh, c->zone_by_number, zone, sizeof(z->zone), z);
	return z;
}

static void
zone_leave(struct topology_cluster *c, struct topology_zone *z)
{
	struct topology_zone *last;

	if (--z->nnodes > 0)
		return;
	last = c->zones.v[--c->zones.n];
	c->zones.v[z->at] = last;
	last->at = z->at;
	HASH_DEL(c->zone_by_number, z);
	free(z);
}

static void
node_join(struct topology *t, struct topology_node *n)
{
	struct topology_cluster *c = cluster_obtain(t, n->node->cluster);

	n->cluster = c;
	n->at = c->nodes.n;
	*VEC_PUSH(&c->nodes) = n;
	n->zone = zone_obtain(c, n->node->zone);
	n->zone->nnodes++;
}

static void
node_leave(struct topology *t, struct topology_node *n)
{
	struct topology_cluster *c = n->cluster;
	struct topology_node *last;

	if (c == NULL)
		return;
	last = c->nodes.v[--c->nodes.n];
	c->nodes.v[n->at] = last;
	last->at = n->at;
	zone_leave(c, n->zone);
	n->cluster = NULL;
	n->zone = NULL;
	if (c->nodes.n == 0)
		cluster_free(t, c);
}

/* ---- entries ---- */

static struct topology_node *
node_find(const struct topology *t, const char *id)
{
	struct topology_node *n = NULL;

	HASH_FIND_STR(t->nodes, id, n);
	return n;
}

static struct topology_node *
node_obtain(struct topology *t, const char *id)
{
	struct topology_node *n = node_find(t, id);

	if (n != NULL)
		return n;
	n = XNEW(struct topology_node);
	copy_id(n->id, id);
	HASH_ADD_STR(t->nodes, id, n);
	return n;
}

/* Its record has changed or is gone: forget the old one. */
static void
node_drop_record(struct topology *t, struct topology_node *n)
{
	if (n->node == NULL)
		return;
	node_delist(n);
	node_leave(t, n);
	record_unref((struct record *)&n->node->r);
	n->node = NULL;
}

static void
node_free_unused(struct topology *t, struct topology_node *n)
{
	if (n->node != NULL || n->unhealthy || n->devices.n > 0)
		return;
	HASH_DEL(t->nodes, n);
	free(n->devices.v);
	free(n);
}

static struct topology_device *
device_find(const struct topology *t, const char *id)
{
	struct topology_device *d = NULL;

	HASH_FIND_STR(t->devices, id, d);
	return d;
}

static struct topology_device *
device_obtain(struct topology *t, const char *id)
{
	struct topology_device *d = device_find(t, id);

	if (d != NULL)
		return d;
	d = XNEW(struct topology_device);
	copy_id(d->id, id);
	HASH_ADD_STR(t->devices, id, d);
	return d;
}

static void
device_leave(struct topology *t, struct topology_device *d)
{
	struct topology_node *n = d->on;
	struct topology_device *last = n->devices.v[--n->devices.n];

	n->devices.v[d->at_node] = last;
	last->at_node = d->at_node;
	d->on = NULL;
	node_free_unused(t, n);
}

static void
device_join(struct topology *t, struct topology_device *d, const char *node)
{
	d->on = node_obtain(t, node);
	d->at_node = d->on->devices.n;
	*VEC_PUSH(&d->on->devices) = d;
}

static void
device_free(struct topology *t, struct topology_device *d)
{
	device_delist(d);
	device_leave(t, d);
	HASH_DEL(t->devices, d);
	record_unref((struct record *)&d->device->r);
	free(d);
}

/* ---- the interface ---- */

struct topology *
topology_new(void)
{
	return XNEW(struct topology);
}

void
topology_clear(struct topology *t)
{
	struct topology_device *d, *next_device;
	struct topology_node *n, *next_node;

	HASH_ITER(hh, t->devices, d, next_device)
		device_free(t, d);
	HASH_ITER(hh, t->nodes, n, next_node) {
		node_drop_record(t, n);
		node_free_unused(t, n);
	}
	assert(t->clusters == NULL);
}

void
topology_forget_health(struct topology *t)
{
	struct topology_node *n, *next;

	HASH_ITER(hh, t->nodes, n, next) {
		node_delist(n);
		n->unhealthy = false;
		node_enlist(n);
		node_free_unused(t, n);
	}
}

void
topology_free(struct topology *t)
{
	if (t == NULL)
		return;
	topology_clear(t);
	topology_forget_health(t);
	free(t);
}

void
topology_set_node(struct topology *t, const struct node *node)
{
	struct topology_node *n = node_obtain(t, node->id);

	/* First the new reference: it may be the record that is there. */
	(void)record_ref(&node->r);
	node_drop_record(t, n);
	n->node = node;
	node_join(t, n);
	node_enlist(n);
}

void
topology_remove_node(struct topology *t, const char *id)
{
	struct topology_node *n = node_find(t, id);

	if (n == NULL)
		return;
	node_drop_record(t, n);
	n->unhealthy = false;
	node_free_unused(t, n);
}

void
topology_set_device(struct topology *t, const struct device *device)
{
	struct topology_device *d = device_obtain(t, device->id);

	(void)record_ref(&device->r);
	if (d->on != NULL) {
		device_delist(d);
		if (strcmp(d->on->id, device->node) != 0)
			device_leave(t, d);
	}
	if (d->device != NULL)
		record_unref((struct record *)&d->device->r);
	d->device = device;
	if (d->on == NULL)
		device_join(t, d, device->node);
	device_enlist(d);
}

void
topology_remove_device(struct topology *t, const char *id)
{
	struct topology_device *d = device_find(t, id);

	if (d != NULL)
		device_free(t, d);
}

void
topology_set_healthy(struct topology *t, const char *node_id, bool healthy)
{
	struct topology_node *n = node_find(t, node_id);

	if (n == NULL && healthy)
		return;
	n = node_obtain(t, node_id);
	if (n->unhealthy == !healthy)
		return;
	node_delist(n);
	n->unhealthy = !healthy;
	node_enlist(n);
	node_free_unused(t, n);
}

const struct topology_cluster *
topology_cluster(const struct topology *t, const char *cluster_id)
{
	struct topology_cluster *c = NULL;

	HASH_FIND_STR(t->clusters, cluster_id, c);
	return c;
}
