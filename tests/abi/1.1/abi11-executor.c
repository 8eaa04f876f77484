/* SPDX-License-Identifier: BSD-2-Clause */
/* An executor as it was written against the headers of ABI 1.1: as that of 1.0, and
 * some of the steps that came with it.  A disk called /dev/held holds data of others.
 * Built with tests/abi/1.1 and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <brickyard/executor.h>

static const struct brickyard_host *host;

struct brickyard_executor_instance {
	uint64_t device_bytes;
};

static const struct brickyard_option options[] = {
	{ "device_gib", BRICKYARD_OPT_UINT, 0, "100", "size of every device" },
	{ NULL, 0, 0, NULL, NULL },
};

static int
old_open(const struct brickyard_kv *config, size_t nconfig,
	 struct brickyard_executor_instance **ret, struct brickyard_error *err)
{
	struct brickyard_executor_instance *x = calloc(1, sizeof(*x));

	if (x == NULL) {
		host->fail(err, BRICKYARD_ERR_TRANSIENT, "out of memory");
		return -1;
	}
	for (size_t i = 0; i < nconfig; i++)
		if (strcmp(config[i].key, "device_gib") == 0)
			x->device_bytes = strtoull(config[i].value, NULL, 10)
					  << 30;
	*ret = x;
	return 0;
}

static void
old_close(struct brickyard_executor_instance *x)
{
	free(x);
}

static int
old_run(struct brickyard_executor_instance *x, const struct brickyard_call *call,
	const struct brickyard_node *node, const char *script,
	struct brickyard_result *res, struct brickyard_error *err)
{
	(void)x, (void)call, (void)node, (void)script, (void)err;
	host->result_u64(res, "exit_status", 0);
	host->result_str(res, "stdout", "");
	host->result_str(res, "stderr", "");
	return 0;
}

static int
old_node_check(struct brickyard_executor_instance *x,
	       const struct brickyard_call *call,
	       const struct brickyard_node *node, struct brickyard_error *err)
{
	(void)x, (void)call, (void)node, (void)err;
	return 0;
}

static int
old_peer(struct brickyard_executor_instance *x, const struct brickyard_call *call,
	 const struct brickyard_node *from, const char *other,
	 struct brickyard_error *err)
{
	(void)x, (void)call, (void)from, (void)other, (void)err;
	return 0;
}

static int
old_device(struct brickyard_executor_instance *x,
	   const struct brickyard_call *call, const struct brickyard_node *node,
	   const struct brickyard_device *device, struct brickyard_result *res,
	   struct brickyard_error *err)
{
	(void)call, (void)node;
	if (strcmp(device->name, "/dev/held") == 0 && device->destroy_data == 0) {
		host->fail(err, BRICKYARD_ERR_EXISTS, "%s holds data",
			   device->name);
		return -1;
	}
	host->result_str(res, "kind", "block");
	host->result_u64(res, "total_bytes", x->device_bytes);
	host->result_u64(res, "free_bytes", x->device_bytes);
	host->result_u64(res, "extent_bytes", 4u << 20);
	return 0;
}

static int
old_teardown(struct brickyard_executor_instance *x,
	     const struct brickyard_call *call, const struct brickyard_node *node,
	     const struct brickyard_device *device, struct brickyard_error *err)
{
	(void)x, (void)call, (void)node, (void)device, (void)err;
	return 0;
}

static int
old_bricks(struct brickyard_executor_instance *x,
	   const struct brickyard_call *call, const struct brickyard_node *node,
	   const struct brickyard_brick *const *bricks, size_t n,
	   struct brickyard_error *err)
{
	(void)x, (void)call, (void)node;
	for (size_t i = 0; i < n; i++) {
		/* What a plug-in of 1.1 reads must be where it was in 1.1. */
		if (bricks[i]->size_bytes == 0 || bricks[i]->path == NULL ||
		    bricks[i]->device == NULL || bricks[i]->role == 0) {
			host->fail(err, BRICKYARD_ERR_INVALID, "brick %zu: "
				   "members are not where they were", i);
			return -1;
		}
	}
	return 0;
}

static int
old_create(struct brickyard_executor_instance *x,
	   const struct brickyard_call *call, const struct brickyard_node *node,
	   const struct brickyard_gluster_volume *volume,
	   struct brickyard_error *err)
{
	(void)x, (void)call, (void)node;
	if (volume->nbricks == 0 || volume->bricks[0]->host == NULL ||
	    volume->sets_per_command == 0) {
		host->fail(err, BRICKYARD_ERR_INVALID,
			   "volume: members are not where they were");
		return -1;
	}
	return 0;
}

static int
old_expand(struct brickyard_executor_instance *x,
	   const struct brickyard_call *call, const struct brickyard_node *node,
	   const struct brickyard_gluster_volume *volume, uint32_t rebalance,
	   struct brickyard_error *err)
{
	(void)rebalance;
	return old_create(x, call, node, volume, err);
}

static int
old_destroy(struct brickyard_executor_instance *x,
	    const struct brickyard_call *call, const struct brickyard_node *node,
	    const char *name, struct brickyard_error *err)
{
	(void)x, (void)call, (void)node, (void)name, (void)err;
	return 0;
}

static int
old_info(struct brickyard_executor_instance *x, const struct brickyard_call *call,
	 const struct brickyard_node *node, const char *name,
	 struct brickyard_result *res, struct brickyard_error *err)
{
	(void)x, (void)call, (void)node, (void)res;
	host->fail(err, BRICKYARD_ERR_NOTFOUND, "volume %s: not there", name);
	return -1;
}

static int
old_heal(struct brickyard_executor_instance *x, const struct brickyard_call *call,
	 const struct brickyard_node *node, const char *name,
	 struct brickyard_result *res, struct brickyard_error *err)
{
	return old_info(x, call, node, name, res, err);
}

static int
old_examine(struct brickyard_executor_instance *x,
	    const struct brickyard_call *call, const struct brickyard_node *node,
	    struct brickyard_result *res, struct brickyard_error *err)
{
	(void)x, (void)call, (void)node, (void)err;
	host->result_str(res, "mounts", "");
	host->result_str(res, "fstab", "");
	host->result_next(res);
	host->result_str(res, "volume", "data");
	host->result_str(res, "status", "started");
	return 0;
}

static struct brickyard_executor plugin = {
	.head = {
		.name = "abi11-executor",
		.version = "1",
		.description = "an executor of ABI 1.1",
		.license = "BSD-2-Clause",
		.options = options,
		.thread_model = BRICKYARD_THREADS_PARALLEL,
	},
	.open = old_open,
	.close = old_close,
	.run = old_run,
	.node_check = old_node_check,
	.peer_probe = old_peer,
	.peer_detach = old_peer,
	.device_prepare = old_device,
	.device_info = old_device,
	.device_teardown = old_teardown,
	.bricks_create = old_bricks,
	.bricks_destroy = old_bricks,
	.volume_create = old_create,
	.volume_expand = old_expand,
	.volume_destroy = old_destroy,
	.volume_info = old_info,
	.heal_info = old_heal,
	.node_examine = old_examine,
	.device_forget = old_teardown,
};

BRICKYARD_EXECUTOR_REGISTER(plugin, host)
