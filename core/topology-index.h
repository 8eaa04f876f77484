/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the topology index, for topology.c, which keeps it, and the
 * placement files, which read it; nobody else includes this.
 *
 * Devices that may take bricks ("eligible": online, on a node that is online
 * and healthy, neither of them pending) stand in pools by how they feel about
 * arbiter bricks, and in each pool in classes by free space: class c has those
 * with 2^c to 2^(c+1) KiB free.  So the placer draws a random device, weighted
 * by free space and large enough, in constant time, whatever the number of
 * devices; and a change moves one pointer.
 */
#ifndef TOPOLOGY_INDEX_H
#define TOPOLOGY_INDEX_H

#include <uthash.h>

#include "topology.h"

/* What the tag "arbiter" allows; the device's own overrides its node's. */
enum arbiter_tag {
	ARBITER_SUPPORTED,	/* both kinds of brick; also unset, unknown */
	ARBITER_REQUIRED,	/* arbiter bricks only */
	ARBITER_DISABLED,	/* data bricks only */
	ARBITER_TAGS
};

/* The highest class is open-ended: 2^40 KiB is 1 PiB. */
#define TOPOLOGY_CLASSES 41

struct topology_devices {
	struct topology_device **v;
	size_t n, cap;
};

struct topology_pool {
	struct topology_devices class[TOPOLOGY_CLASSES];
	uint64_t filled;	/* bit c: class c has devices */
};

struct topology_zone {
	int64_t zone;
	size_t at;		/* in cluster->zones */
	size_t nnodes;
	size_t neligible;	/* devices */
	UT_hash_handle hh;
};

struct topology_zones {
	struct topology_zone **v;
	size_t n, cap;
};

struct topology_nodes {
	struct topology_node **v;
	size_t n, cap;
};

struct topology_cluster {
	char id[ID_SIZE];
	struct topology_nodes nodes;	/* all, in no order */
	struct topology_zones zones;	/* of these nodes */
	struct topology_zone *zone_by_number;
	size_t live_zones;		/* zones with eligible devices */
	size_t neligible;		/* devices */
	struct topology_pool pools[ARBITER_TAGS];
	UT_hash_handle hh;
};

/* node NULL: only its devices or its health are known so far; then it is in
 * no cluster.
 */
struct topology_node {
	char id[ID_SIZE];
	const struct node *node;
	bool unhealthy;
	struct topology_cluster *cluster;
	struct topology_zone *zone;
	size_t at;			/* in cluster->nodes */
	struct topology_devices devices;	/* all, in no order */
	UT_hash_handle hh;
};

struct topology_device {
	char id[ID_SIZE];
	const struct device *device;
	struct topology_node *on;
	size_t at_node;			/* in on->devices */
	bool eligible;
	enum arbiter_tag arbiter;	/* the pool it is in */
	unsigned class;			/* and its class there */
	size_t at_class;		/* and its place there */
	UT_hash_handle hh;
};

static inline uint64_t
topology_free_bytes(const struct device *d)
{
	return d->used_bytes < d->total_bytes ?
		       d->total_bytes - d->used_bytes : 0;
}

static inline unsigned
topology_class(uint64_t free_bytes)
{
	uint64_t kib = free_bytes / 1024;
	unsigned c = kib == 0 ? 0 : 63 - (unsigned)__builtin_clzll(kib);

	return c < TOPOLOGY_CLASSES ? c : TOPOLOGY_CLASSES - 1;
}

/* The tag as heketi merges it: the device's, else the node's, else "". */
const char *topology_tag(const struct topology_device *, const char *key);

#endif
