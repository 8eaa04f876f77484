/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boundary: attaching to an executor, and the table of the steps. */
#include <string.h>

#include "lower.h"

void
script_detach(struct brickyard_executor_instance *in)
{
	if (in == NULL)
		return;
	options_free(in);
	free(in);
}

int
script_attach(const struct brickyard_host *host, script_run_fn *run,
	      void *below, const struct brickyard_kv *config, size_t nconfig,
	      struct brickyard_executor_instance **ret,
	      struct brickyard_error *err)
{
	CLEANUP_TEXT struct text why = {0};
	struct brickyard_executor_instance *in = calloc(1, sizeof(*in));

	if (in == NULL) {
		host->fail(err, BRICKYARD_ERR_TRANSIENT, "out of memory");
		return -1;
	}
	in->host = host;
	in->run = run;
	in->below = below;
	if (options_read(in, config, nconfig, &why) < 0) {
		host->fail(err, BRICKYARD_ERR_INVALID, "%s", text_str(&why));
		script_detach(in);
		return -1;
	}
	*ret = in;
	return 0;
}

const struct brickyard_executor script_steps = {
	.node_check = lower_node_check,
	.peer_probe = lower_peer_probe,
	.peer_detach = lower_peer_detach,
	.device_prepare = lower_device_prepare,
	.device_info = lower_device_info,
	.device_teardown = lower_device_teardown,
	.device_forget = lower_device_forget,
	.bricks_create = lower_bricks_create,
	.bricks_destroy = lower_bricks_destroy,
	.volume_create = lower_volume_create,
	.volume_expand = lower_volume_expand,
	.volume_destroy = lower_volume_destroy,
	.volume_info = lower_volume_info,
	.node_probe = lower_node_probe,
	.heal_info = lower_heal_info,
	.brick_replace = lower_brick_replace,
	.volume_clone = lower_volume_clone,
	.block_create = lower_block_create,
	.block_info = lower_block_info,
	.block_expand = lower_block_expand,
	.block_destroy = lower_block_destroy,
	.node_examine = lower_node_examine,
};
