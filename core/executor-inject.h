/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of an executor whose errors are injected: each asks the injector,
 * then the executor within.  For core/executor.c only.
 */
#ifndef EXECUTOR_INJECT_H
#define EXECUTOR_INJECT_H

#include "inject.h"

enum err inject_node_check(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	struct error *err);
enum err inject_peer_probe(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *from,
	const char *host, struct error *err);
enum err inject_peer_detach(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *from,
	const char *host, struct error *err);
enum err inject_device_prepare(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const struct brickyard_device *device, struct brickyard_result *result,
	struct error *err);
enum err inject_device_info(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const struct brickyard_device *device, struct brickyard_result *result,
	struct error *err);
enum err inject_device_teardown(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const struct brickyard_device *device, struct error *err);
enum err inject_bricks_create(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const struct brickyard_brick *const *bricks, size_t n,
	struct error *err);
enum err inject_bricks_destroy(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const struct brickyard_brick *const *bricks, size_t n,
	struct error *err);
enum err inject_volume_create(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const struct brickyard_gluster_volume *volume, struct error *err);
enum err inject_volume_expand(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const struct brickyard_gluster_volume *volume, uint32_t rebalance,
	struct error *err);
enum err inject_volume_destroy(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const char *name, struct error *err);
enum err inject_volume_info(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const char *name, struct brickyard_result *result, struct error *err);
enum err inject_heal_info(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const char *name, struct brickyard_result *result, struct error *err);
enum err inject_brick_replace(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const char *name, const struct brickyard_brick_ref *old_brick,
	const struct brickyard_brick_ref *new_brick, struct error *err);
enum err inject_volume_clone(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const char *name, const char *clone, const char *snapshot,
	struct brickyard_result *result, struct error *err);
enum err inject_block_create(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const struct brickyard_block *block, struct brickyard_result *result,
	struct error *err);
enum err inject_block_info(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const char *volume, const char *name, struct brickyard_result *result,
	struct error *err);
enum err inject_block_expand(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const struct brickyard_block *block, struct error *err);
enum err inject_block_destroy(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const char *volume, const char *name, struct error *err);
enum err inject_node_examine(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	struct brickyard_result *result, struct error *err);
enum err inject_device_forget(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const struct brickyard_device *device, struct error *err);
/* heketi has no such thing. */
enum err inject_node_probe(struct inject *i, struct executor *x,
	const struct brickyard_call *call, const struct brickyard_node *node,
	struct brickyard_result *result, struct error *err);

#endif
