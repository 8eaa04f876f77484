/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes, devices and requests for the tests of topology and placement.  Ids
 * are made of numbers, so that tests can speak of node 3.
 */
#ifndef PLACEMENT_WORLD_H
#define PLACEMENT_WORLD_H

#include <brickyard/volume-type.h>

#include "placement.h"
#include "topology-index.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)
#define GIB (MIB * KIB)
#define TIB (GIB * KIB)

#define WORLD_CLUSTER 1

void world_id(char kind, unsigned n, char ret_id[ID_SIZE]);
/* New records, online, not pending, in WORLD_CLUSTER; the device is empty. */
struct node *world_node(unsigned n, int64_t zone);
struct device *world_device(unsigned n, unsigned node, uint64_t total_bytes);
/* Hand a record to the topology, which keeps the only reference. */
void world_put_node(struct topology *, struct node *);
void world_put_device(struct topology *, struct device *);
/* nodes (in as many zones) with so many devices each.  Device d of node n has
 * number n * 100 + d; both count from 1.
 */
struct topology *world_new(unsigned nodes, unsigned devices_per_node,
			   unsigned zones, uint64_t total_bytes);
const struct topology_cluster *world_cluster(const struct topology *);
/* The device of a brick as the topology has it. */
const struct device *world_find(const struct topology *, const char *id);
/* Change the used space of the plan's devices: take, or give back. */
void world_apply(struct topology *, const struct placement *, bool take);

/* A request with heketi's limits, snapshots off, for replicas. */
struct placement_request world_request(uint64_t size_bytes, uint32_t replicas);

DEFINE_CLEANUP(struct topology, topology_free)
#define WORLD_SCOPE CLEANUP(cleanup_topology_free) struct topology

#endif
