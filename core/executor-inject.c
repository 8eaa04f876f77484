/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include "executor-inject.h"

/* The end of every step: what the rules have for its commands, and the step
 * itself in between.
 */
#define AROUND(step_) do {						\
	enum err e_ = inject_before(i, call, &l, err);			\
									\
	if (e_ == ERR_OK)						\
		e_ = (step_);						\
	return e_ == ERR_OK ? inject_after(i, call, &l, err) : e_;	\
} while (0)

#define BEGIN								\
	CLEANUP(heketi_commands_release) struct heketi_commands l = { 0 }; \
	const struct heketi_words *w = inject_words(i)

enum err
inject_node_check(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node, struct error *err)
{
	BEGIN;

	heketi_node_check(w, &l);
	AROUND(executor_node_check(x, call, node, err));
}

enum err
inject_peer_probe(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *from, const char *host,
		struct error *err)
{
	BEGIN;

	heketi_peer_probe(w, host, &l);
	AROUND(executor_peer_probe(x, call, from, host, err));
}

enum err
inject_peer_detach(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *from, const char *host,
		struct error *err)
{
	BEGIN;

	heketi_peer_detach(w, host, &l);
	AROUND(executor_peer_detach(x, call, from, host, err));
}

enum err
inject_device_prepare(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node,
		const struct brickyard_device *device,
		struct brickyard_result *result, struct error *err)
{
	BEGIN;

	heketi_device_prepare(w, device, &l);
	AROUND(executor_device_prepare(x, call, node, device, result, err));
}

enum err
inject_device_info(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node,
		const struct brickyard_device *device,
		struct brickyard_result *result, struct error *err)
{
	BEGIN;

	heketi_device_info(w, device, &l);
	AROUND(executor_device_info(x, call, node, device, result, err));
}

enum err
inject_device_teardown(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node,
		const struct brickyard_device *device, struct error *err)
{
	BEGIN;

	heketi_device_teardown(w, device, false, &l);
	AROUND(executor_device_teardown(x, call, node, device, err));
}

enum err
inject_bricks_create(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node,
		const struct brickyard_brick *const *bricks, size_t n,
		struct error *err)
{
	BEGIN;

	for (size_t k = 0; k < n; k++)
		heketi_brick_create(w, bricks[k], &l);
	AROUND(executor_bricks_create(x, call, node, bricks, n, err));
}

enum err
inject_bricks_destroy(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node,
		const struct brickyard_brick *const *bricks, size_t n,
		struct error *err)
{
	BEGIN;

	for (size_t k = 0; k < n; k++)
		heketi_brick_destroy(w, bricks[k], &l);
	AROUND(executor_bricks_destroy(x, call, node, bricks, n, err));
}

enum err
inject_volume_create(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node,
		const struct brickyard_gluster_volume *volume,
		struct error *err)
{
	BEGIN;

	heketi_volume_create(w, volume, &l);
	AROUND(executor_volume_create(x, call, node, volume, err));
}

enum err
inject_volume_expand(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node,
		const struct brickyard_gluster_volume *volume,
		uint32_t rebalance, struct error *err)
{
	BEGIN;

	heketi_volume_expand(w, volume, rebalance != 0, &l);
	AROUND(executor_volume_expand(x, call, node, volume, rebalance, err));
}

enum err
inject_volume_destroy(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node, const char *name,
		struct error *err)
{
	BEGIN;

	heketi_volume_destroy(w, name, &l);
	AROUND(executor_volume_destroy(x, call, node, name, err));
}

enum err
inject_volume_info(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node, const char *name,
		struct brickyard_result *result, struct error *err)
{
	BEGIN;

	heketi_volume_info(w, name, &l);
	AROUND(executor_volume_info(x, call, node, name, result, err));
}

enum err
inject_heal_info(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node, const char *name,
		struct brickyard_result *result, struct error *err)
{
	BEGIN;

	heketi_heal_info(w, name, &l);
	AROUND(executor_heal_info(x, call, node, name, result, err));
}

enum err
inject_brick_replace(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node, const char *name,
		const struct brickyard_brick_ref *old_brick,
		const struct brickyard_brick_ref *new_brick, struct error *err)
{
	BEGIN;

	heketi_brick_replace(w, name, old_brick, new_brick, &l);
	AROUND(executor_brick_replace(x, call, node, name, old_brick,
		new_brick, err));
}

enum err
inject_volume_clone(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node, const char *name,
		const char *clone, const char *snapshot,
		struct brickyard_result *result, struct error *err)
{
	BEGIN;

	heketi_volume_clone(w, name, clone, snapshot, &l);
	AROUND(executor_volume_clone(x, call, node, name, clone, snapshot,
		result, err));
}

enum err
inject_block_create(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node,
		const struct brickyard_block *block,
		struct brickyard_result *result, struct error *err)
{
	BEGIN;

	heketi_block_create(w, block, &l);
	AROUND(executor_block_create(x, call, node, block, result, err));
}

enum err
inject_block_info(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node, const char *volume,
		const char *name, struct brickyard_result *result,
		struct error *err)
{
	BEGIN;

	heketi_block(w, "info", volume, name, &l);
	AROUND(executor_block_info(x, call, node, volume, name, result, err));
}

enum err
inject_block_expand(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node,
		const struct brickyard_block *block, struct error *err)
{
	BEGIN;

	heketi_block_expand(w, block, &l);
	AROUND(executor_block_expand(x, call, node, block, err));
}

enum err
inject_block_destroy(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node, const char *volume,
		const char *name, struct error *err)
{
	BEGIN;

	heketi_block(w, "delete", volume, name, &l);
	AROUND(executor_block_destroy(x, call, node, volume, name, err));
}

enum err
inject_node_examine(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node,
		struct brickyard_result *result, struct error *err)
{
	BEGIN;

	heketi_node_examine(w, &l);
	AROUND(executor_node_examine(x, call, node, result, err));
}

enum err
inject_device_forget(struct inject *i, struct executor *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node,
		const struct brickyard_device *device, struct error *err)
{
	BEGIN;

	heketi_device_teardown(w, device, true, &l);
	AROUND(executor_device_forget(x, call, node, device, err));
}

enum err
inject_node_probe(struct inject *i, struct executor *x,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node,
		  struct brickyard_result *result, struct error *err)
{
	return executor_node_probe(x, call, node, result, err);
}
