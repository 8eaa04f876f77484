/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From records to what executors are given: names as heketi lays a node out
 * (heketi-behaviour 9), and the structs of brickyard/executor.h with the memory
 * behind them.
 */
#ifndef NODE_ARGS_H
#define NODE_ARGS_H

#include <brickyard/executor.h>

#include "store/mirror.h"

#define MOUNT_ROOT "/var/lib/heketi/mounts"

/* Fill in b's path, lv and thin_pool from its id and device. */
void brick_set_names(struct brick *b);
/* vg_ID; caller frees. */
char *device_vg(const char *device_id);

/* The node as an executor sees it; points into the record. */
struct brickyard_node node_arg(const struct node *);

struct device_arg {
	struct brickyard_device d;
	char *vg;
	const char **paths;
	struct device *record;		/* a reference */
};
/* Takes a reference of its own. */
void device_arg_init(struct device_arg *, const struct device *);
void device_arg_release(struct device_arg *);

/* Bricks of one volume, arranged by node. */
struct brick_group {
	struct node *node;		/* a reference */
	struct brickyard_node arg;
	const struct brickyard_brick **bricks;
	size_t n;
};

struct brick_args {
	struct volume *volume;		/* a reference */
	struct brickyard_brick *bricks;
	struct device_arg *devices;	/* one a brick */
	char **mounts;
	size_t n;
	struct brick_group *groups;
	const char **hosts;		/* manage host of each group */
	size_t ngroups;
};

/* Those bricks of v whose .pending is `pending` (NULL: all).  A node or device
 * that is not there any more is ERR_NOTFOUND.
 */
enum err MUST_CHECK brick_args_init(struct brick_args *, struct mirror *,
				    const struct volume *v, const char *pending,
				    struct error *);
void brick_args_release(struct brick_args *);

#endif
