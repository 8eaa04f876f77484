/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules that a device must keep to get a brick.  Private to placement. */
#ifndef PLACEMENT_RULE_H
#define PLACEMENT_RULE_H

#include <brickyard/volume-type.h>

#include "placement.h"
#include "topology-index.h"

#define PLACEMENT_SET_MAX 64	/* bricks of a set: the plug-ins' cap */

/* "key=value" or "key!=value"; key NULL: everything matches. */
struct tag_rule {
	char *key;
	const char *value;	/* points into key's memory */
	bool differs;		/* != */
};
bool tag_rule_parse(const char *rule, struct tag_rule *ret);
void tag_rule_release(struct tag_rule *);

/* What earlier bricks of the same plan take from a device. */
struct taken {
	const struct topology_device *device;
	uint64_t bytes;
	UT_hash_handle hh;
};

/* One try of a plan: so many sets of such bricks. */
struct attempt {
	const struct topology_cluster *cluster;
	const struct placement_request *request;
	struct tag_rule tag;
	bool has_arbiter;	/* some brick of a set is an arbiter */
	uint64_t rng;		/* splitmix64 */

	uint64_t brick_bytes[PLACEMENT_SET_MAX];
	struct taken *taken;
	struct {
		struct placement_brick *v;
		size_t n, cap;
	} bricks;
	/* When there was no space: the brick of the set that found none. */
	uint32_t failed_brick;
	const char *replaced;	/* the device that is not to be used again, or NULL */
};

struct need {
	uint64_t pool_bytes;
	uint64_t metadata_bytes;
	uint64_t total_bytes;
};

enum refusal {
	REFUSAL_NONE,
	REFUSAL_ARBITER_TAG,
	REFUSAL_TAG,
	REFUSAL_AVOIDED,
	REFUSAL_REPLACED,
	REFUSAL_SPACE,
};

enum err MUST_CHECK attempt_init(struct attempt *,
				 const struct topology_cluster *,
				 const struct placement_request *,
				 struct error *);
void attempt_release(struct attempt *);
/* Is there anything to place on? */
enum err MUST_CHECK attempt_check_cluster(const struct topology_cluster *,
					  struct error *);
uint32_t attempt_role(const struct attempt *, uint32_t brick);
/* The pools (bits of enum arbiter_tag) whose devices may take this brick. */
unsigned attempt_pools(const struct attempt *, uint32_t brick);
/* What brick i takes from this device. */
struct need attempt_need(const struct attempt *, uint32_t brick,
			 uint64_t extent_bytes);
/* Free on an eligible device after what this attempt already took. */
uint64_t attempt_free(const struct attempt *, const struct topology_device *);
void attempt_take(struct attempt *, const struct topology_device *,
		  uint64_t bytes);
void attempt_forget(struct attempt *);	/* give all bricks back */

/* May brick i go to this eligible device, as far as the device is concerned
 * (not its neighbours in the set)?  ret_left: the part of it that would stay
 * free, 0 to 1.
 */
enum refusal attempt_refusal(const struct attempt *, uint32_t brick,
			     const struct topology_device *, double *ret_left);
/* Says for each device of the cluster why the failed brick isn't there. */
void attempt_reasons(const struct attempt *, struct strs *);

#endif
