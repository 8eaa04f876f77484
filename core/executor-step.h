/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of executors as data: their names, where they are in a descriptor,
 * their arguments in one struct that can be copied, and how they are called.
 */
#ifndef EXECUTOR_STEP_H
#define EXECUTOR_STEP_H

#include <stdbool.h>

#include <brickyard/executor.h>

/* What steps are given besides call and node; each uses some of it. */
struct step_args {
	const char *text[3];
	const struct brickyard_device *device;
	const struct brickyard_brick *const *bricks;
	size_t nbricks;
	const struct brickyard_gluster_volume *volume;
	const struct brickyard_brick_ref *refs[2];
	const struct brickyard_block *block;
	uint32_t rebalance;
};

struct executor_step {
	const char *name;
	bool gives_result;
	size_t offset;			/* of its member in the descriptor */
	int (*call)(const struct brickyard_executor *,
		    struct brickyard_executor_instance *,
		    const struct brickyard_call *, const struct brickyard_node *,
		    const struct step_args *, struct brickyard_result *,
		    struct brickyard_error *);
};

enum executor_step_id {
	X_NODE_CHECK, X_PEER_PROBE, X_PEER_DETACH,
	X_DEVICE_PREPARE, X_DEVICE_INFO, X_DEVICE_TEARDOWN,
	X_BRICKS_CREATE, X_BRICKS_DESTROY,
	X_VOLUME_CREATE, X_VOLUME_EXPAND, X_VOLUME_DESTROY, X_VOLUME_INFO,
	X_NODE_PROBE, X_HEAL_INFO, X_BRICK_REPLACE, X_VOLUME_CLONE,
	X_BLOCK_CREATE, X_BLOCK_INFO, X_BLOCK_EXPAND, X_BLOCK_DESTROY,
	X_NODE_EXAMINE, X_DEVICE_FORGET,
	X_STEPS
};
extern const struct executor_step executor_steps[X_STEPS];

bool executor_has_step(const struct brickyard_executor *,
		       const struct executor_step *);

/* Memory that goes all at once. */
struct arena {
	struct arena_block *blocks;
};
void arena_release(struct arena *);

/* Deep copies, all of whose memory is the arena's. */
void step_args_copy(struct arena *, const struct step_args *from,
		    struct step_args *to);
void node_arg_copy(struct arena *, const struct brickyard_node *from,
		   struct brickyard_node *to);
char *arena_strdup(struct arena *, const char *);	/* NULL gives NULL */

#endif
