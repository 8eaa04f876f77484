/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Placement: a pure function from a request, the topology and a seed to bricks
 * on devices, or to a reason.  The rules are heketi's (heketi-behaviour 3:
 * brick size search, thin pool sizes, zones, tags, arbiter, limits); the choice
 * among the devices that the rules allow is better: balanced by free space.
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include "topology.h"
#include "util/error.h"

struct placement_limits {
	uint64_t brick_min_bytes;	/* 1 GiB */
	uint64_t brick_max_bytes;	/* 4 TiB */
	uint32_t max_bricks;		/* per volume: existing and new, 32 */
};

struct placement_request {
	uint64_t size_bytes;		/* to be placed: all, or what is added */
	uint32_t bricks_per_set;
	uint32_t data_bricks;
	const uint32_t *roles;		/* bricks_per_set of BRICKYARD_ROLE_* */
	/* Size of brick i of a set from that of its data bricks; NULL: equal. */
	enum err (*brick_bytes)(void *arg, uint32_t i, uint64_t data_brick_bytes,
				uint64_t *ret, struct error *);
	void *arg;
	double snapshot_factor;		/* 1: none */
	uint32_t existing_bricks;
	bool strict_zones;
	/* device-tag-match rule "key=value" or "key!=value", or NULL */
	const char *tag_match;
	const struct strs *avoid;	/* ids of devices not to use, or NULL */
	struct placement_limits limits;
	uint64_t seed;
};

struct placement_brick {
	char device[ID_SIZE];
	char node[ID_SIZE];
	uint64_t size_bytes;
	uint64_t thin_pool_bytes;
	uint64_t metadata_bytes;
	uint32_t role;
};

struct placement {
	struct placement_brick *bricks;	/* set by set */
	size_t nbricks;
};

/* Error texts are heketi's: ERR_NOSPACE "No space", "Minimum brick size limit
 * reached.  Out of space.", "Maximum number of bricks reached."; ERR_REFUSED
 * "No nodes in cluster", "No online storage devices in cluster", "Average file
 * size (…) is greater than Brick size (…)", "Invalid tag matching rule: …".
 * reasons (may be NULL) gets a line per device that was looked at and refused,
 * "device ID (NAME) on node ID: why", on failure only, at most 1000 lines.
 */
enum err MUST_CHECK placement_plan(const struct topology_cluster *,
				   const struct placement_request *,
				   struct placement *ret, struct strs *reasons,
				   struct error *);
void placement_release(struct placement *);

/* A brick of a set that is to be somewhere else. */
struct placement_replacement {
	uint32_t index;			/* in its set */
	uint64_t size_bytes;		/* as large as it was */
	const char *device;		/* where it is */
	const char *const *nodes;	/* ids, of the other bricks of the set */
	size_t nnodes;
};
/* Another device for it, by the rules that hold for the whole set (of the
 * request: bricks_per_set, data_bricks, roles, snapshot_factor, strict_zones,
 * tag_match, avoid, seed); the same node will do.  Every error is ERR_NOSPACE
 * or ERR_REFUSED, as above, and reasons are told as above.
 */
enum err MUST_CHECK placement_replace(const struct topology_cluster *,
				      const struct placement_request *,
				      const struct placement_replacement *,
				      struct placement_brick *ret,
				      struct strs *reasons, struct error *);

/* Thin pool and metadata sizes of a brick (heketi-behaviour 3.4), in bytes:
 * pool = floor(size * factor) up to a whole extent; metadata = floor(pool *
 * 0.005), at most 16 GiB, up to a whole extent.  Counted in KiB, as heketi does.
 */
void placement_pool_bytes(uint64_t brick_bytes, double factor,
			  uint64_t extent_bytes, uint64_t *ret_pool_bytes,
			  uint64_t *ret_metadata_bytes);
/* Is the tag rule well formed? */
bool placement_tag_rule_is_valid(const char *rule);

#endif
