/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include "executor-inject.h"

static void
of_nodes(const struct heketi_words *w, enum executor_step_id id,
	 const struct step_args *a, struct heketi_commands *ret)
{
	if (id == X_NODE_CHECK)
		heketi_node_check(w, ret);
	else if (id == X_NODE_EXAMINE)
		heketi_node_examine(w, ret);
	else if (id == X_PEER_PROBE)
		heketi_peer_probe(w, a->text[0], ret);
	else if (id == X_PEER_DETACH)
		heketi_peer_detach(w, a->text[0], ret);
	else if (id == X_DEVICE_PREPARE)
		heketi_device_prepare(w, a->device, ret);
	else if (id == X_DEVICE_INFO)
		heketi_device_info(w, a->device, ret);
	else if (id == X_DEVICE_TEARDOWN || id == X_DEVICE_FORGET)
		heketi_device_teardown(w, a->device, id == X_DEVICE_FORGET,
				       ret);
}

static void
of_bricks(const struct heketi_words *w, enum executor_step_id id,
	  const struct step_args *a, struct heketi_commands *ret)
{
	for (size_t i = 0; id == X_BRICKS_CREATE && i < a->nbricks; i++)
		heketi_brick_create(w, a->bricks[i], ret);
	for (size_t i = 0; id == X_BRICKS_DESTROY && i < a->nbricks; i++)
		heketi_brick_destroy(w, a->bricks[i], ret);
	if (id == X_BRICK_REPLACE)
		heketi_brick_replace(w, a->text[0], a->refs[0], a->refs[1],
				     ret);
}

static void
of_volumes(const struct heketi_words *w, enum executor_step_id id,
	   const struct step_args *a, struct heketi_commands *ret)
{
	if (id == X_VOLUME_CREATE)
		heketi_volume_create(w, a->volume, ret);
	else if (id == X_VOLUME_EXPAND)
		heketi_volume_expand(w, a->volume, a->rebalance != 0, ret);
	else if (id == X_VOLUME_DESTROY)
		heketi_volume_destroy(w, a->text[0], ret);
	else if (id == X_VOLUME_INFO)
		heketi_volume_info(w, a->text[0], ret);
	else if (id == X_VOLUME_CLONE)
		heketi_volume_clone(w, a->text[0], a->text[1], a->text[2], ret);
	else if (id == X_HEAL_INFO)
		heketi_heal_info(w, a->text[0], ret);
}

static void
of_blocks(const struct heketi_words *w, enum executor_step_id id,
	  const struct step_args *a, struct heketi_commands *ret)
{
	if (id == X_BLOCK_CREATE)
		heketi_block_create(w, a->block, ret);
	else if (id == X_BLOCK_EXPAND)
		heketi_block_expand(w, a->block, ret);
	else if (id == X_BLOCK_INFO)
		heketi_block(w, "info", a->text[0], a->text[1], ret);
	else if (id == X_BLOCK_DESTROY)
		heketi_block(w, "delete", a->text[0], a->text[1], ret);
}

/* heketi has no X_NODE_PROBE. */
void
inject_commands(const struct inject *i, enum executor_step_id id,
		const struct step_args *a, struct heketi_commands *ret)
{
	const struct heketi_words *w = inject_words(i);

	of_nodes(w, id, a, ret);
	of_bricks(w, id, a, ret);
	of_volumes(w, id, a, ret);
	of_blocks(w, id, a, ret);
}
