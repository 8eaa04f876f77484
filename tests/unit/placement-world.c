/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <string.h>

#include "tests/unit/placement-world.h"
#include "util/xalloc.h"

void
world_id(char kind, unsigned n, char ret_id[ID_SIZE])
{
	snprintf(ret_id, ID_SIZE, "%c%031u", kind, n);
}

struct node *
world_node(unsigned n, int64_t zone)
{
	char id[ID_SIZE];
	struct node *node;

	world_id('a', n, id);
	node = node_new(id);
	world_id('c', WORLD_CLUSTER, node->cluster);
	node->zone = zone;
	return node;
}

struct device *
world_device(unsigned n, unsigned node, uint64_t total_bytes)
{
	char id[ID_SIZE];
	struct device *d;

	world_id('d', n, id);
	d = device_new(id);
	world_id('a', node, d->node);
	d->name = xasprintf("/dev/d%u", n);
	d->total_bytes = total_bytes;
	d->extent_bytes = 4 * MIB;
	return d;
}

void
world_put_node(struct topology *t, struct node *n)
{
	topology_set_node(t, n);
	record_unref(&n->r);
}

void
world_put_device(struct topology *t, struct device *d)
{
	topology_set_device(t, d);
	record_unref(&d->r);
}

struct topology *
world_new(unsigned nodes, unsigned devices_per_node, unsigned zones,
	  uint64_t total_bytes)
{
	struct topology *t = topology_new();

	for (unsigned n = 1; n <= nodes; n++) {
		world_put_node(t, world_node(n, 1 + n % zones));
		for (unsigned d = 1; d <= devices_per_node; d++)
			world_put_device(t, world_device(n * 100 + d, n,
							 total_bytes));
	}
	return t;
}

const struct topology_cluster *
world_cluster(const struct topology *t)
{
	char id[ID_SIZE];

	world_id('c', WORLD_CLUSTER, id);
	return topology_cluster(t, id);
}

/* By walking: the tests' own way, not the index's. */
const struct device *
world_find(const struct topology *t, const char *id)
{
	const struct topology_cluster *c = world_cluster(t);

	for (size_t i = 0; i < c->nodes.n; i++)
		for (size_t j = 0; j < c->nodes.v[i]->devices.n; j++) {
			const struct topology_device *d =
				c->nodes.v[i]->devices.v[j];

			if (strcmp(d->device->id, id) == 0)
				return d->device;
		}
	return NULL;
}

void
world_apply(struct topology *t, const struct placement *p, bool take)
{
	for (size_t i = 0; i < p->nbricks; i++) {
		const struct placement_brick *b = &p->bricks[i];
		struct device *d = device_copy(world_find(t, b->device));
		uint64_t bytes = b->thin_pool_bytes + b->metadata_bytes;

		d->used_bytes = take ? d->used_bytes + bytes :
				       d->used_bytes - bytes;
		world_put_device(t, d);
	}
}

struct placement_request
world_request(uint64_t size_bytes, uint32_t replicas)
{
	return (struct placement_request){
		.size_bytes = size_bytes,
		.bricks_per_set = replicas,
		.data_bricks = 1,
		.snapshot_factor = 1,
		.limits = {
			.brick_min_bytes = GIB,
			.brick_max_bytes = 4 * TIB,
			.max_bricks = 32,
		},
		.seed = 1,
	};
}
