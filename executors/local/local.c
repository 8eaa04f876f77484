/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The executor `local`: the machine that runs brickyardd is the storage node.
 * libblkid tells what is on a disk, liblvm2cmd does LVM on its own thread,
 * gluster is driven through its CLI, all programs with argv arrays.  This file
 * is the boundary: the host's calls in, faults out, and the table.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lvm.h"
#include "spawn.h"

#define RUN_OUTPUT_MAX (256 * 1024)	/* of each stream; executor.h says so */

const struct brickyard_host *local_host;

/* ---- open, close ---- */

static void
local_close(struct brickyard_executor_instance *in)
{
	if (in == NULL)
		return;
	pthread_mutex_destroy(&in->lock);
	options_free(in);
	free(in);
}

static int
local_open(const struct brickyard_kv *config, size_t nconfig,
	   struct brickyard_executor_instance **ret,
	   struct brickyard_error *err)
{
	CLEANUP_TEXT struct text why = {0};
	struct brickyard_executor_instance *in = calloc(1, sizeof(*in));

	if (in == NULL) {
		local_host->fail(err, BRICKYARD_ERR_TRANSIENT, "out of memory");
		return -1;
	}
	pthread_mutex_init(&in->lock, NULL);
	if (options_read(in, config, nconfig, &why) == 0 &&
	    lvm_configure(opt_str(in, OPT_LVM_SYSTEM_DIR),
			  opt_str(in, OPT_LVM_CONFIG)) < 0)
		text_addf(&why, "options lvm_system_dir and lvm_config hold "
			  "for the whole process: another instance has others");
	if (why.len > 0) {
		local_host->fail(err, BRICKYARD_ERR_INVALID, "%s", why.s);
		local_close(in);
		return -1;
	}
	node_prune_fences(opt_str(in, OPT_STATE_DIR));
	*ret = in;
	return 0;
}

/* ---- the shape of every call ---- */

static int
begin(struct step *st, struct brickyard_executor_instance *in,
      const struct brickyard_call *call, const struct brickyard_node *node)
{
	memset(st, 0, sizeof(*st));
	st->in = in;
	st->call = call;
	return step_check(st) < 0 ? -1 : node_is_here(st, node);
}

static int
end(struct step *st, int r, struct brickyard_error *err)
{
	if (r < 0)
		local_host->fail(err, st->fault.err_class, "%s",
				 st->fault.text);
	return r < 0 ? -1 : 0;
}

/* ---- run ---- */

static int
run_script(struct step *st, const char *script, struct brickyard_result *res)
{
	static const char *const argv[] = { "sh", "-s", NULL };
	const struct spawn sp = { .argv = argv, .input = script,
		.input_len = strlen(script), .out_max = RUN_OUTPUT_MAX,
		.err_max = RUN_OUTPUT_MAX };
	CLEANUP_SPAWN struct spawn_result r = {0};

	/* The script may take the node lock itself, so it is not held here. */
	if (node_fence(st) < 0 || spawn_run(st, &sp, &r) < 0)
		return -1;
	text_make_utf8(&r.out);
	text_make_utf8(&r.err);
	local_host->result_u64(res, "exit_status", (uint64_t)r.status);
	local_host->result_str(res, "stdout", text_str(&r.out));
	local_host->result_str(res, "stderr", text_str(&r.err));
	return 0;
}

static int
local_run(struct brickyard_executor_instance *in,
	  const struct brickyard_call *call, const struct brickyard_node *node,
	  const char *script, struct brickyard_result *res,
	  struct brickyard_error *err)
{
	struct step st;
	int r = begin(&st, in, call, node);

	return end(&st, r < 0 ? r : run_script(&st, script, res), err);
}

/* ---- nodes ---- */

static int
local_node_check(struct brickyard_executor_instance *in,
		 const struct brickyard_call *call,
		 const struct brickyard_node *node, struct brickyard_error *err)
{
	struct step st;
	int r = begin(&st, in, call, node);

	return end(&st, r < 0 ? r : gluster_alive(&st), err);
}

static int
local_peer_probe(struct brickyard_executor_instance *in,
		 const struct brickyard_call *call,
		 const struct brickyard_node *from, const char *host,
		 struct brickyard_error *err)
{
	struct step st;
	int r = begin(&st, in, call, from);

	if (r == 0)
		r = node_fence(&st);
	return end(&st, r < 0 ? r : gluster_peer_probe(&st, host), err);
}

static int
local_peer_detach(struct brickyard_executor_instance *in,
		  const struct brickyard_call *call,
		  const struct brickyard_node *from, const char *host,
		  struct brickyard_error *err)
{
	struct step st;
	int r = begin(&st, in, call, from);

	if (r == 0)
		r = node_fence(&st);
	return end(&st, r < 0 ? r : gluster_peer_detach(&st, host), err);
}

/* ---- devices ---- */

static void
report(const struct device_facts *f, struct brickyard_result *res)
{
	CLEANUP_FREE char *paths = strdup(text_str(&f->paths));
	char *save = NULL;

	local_host->result_str(res, "kind", f->kind ==
			       BRICKYARD_DEVICE_DIRECTORY ? "directory" :
			       "block");
	local_host->result_u64(res, "total_bytes", f->total_bytes);
	local_host->result_u64(res, "free_bytes", f->free_bytes);
	local_host->result_u64(res, "extent_bytes", f->extent_bytes);
	if (f->pv_uuid[0] != '\0')
		local_host->result_str(res, "pv_uuid", f->pv_uuid);
	for (char *p = paths != NULL ? strtok_r(paths, "\n", &save) : NULL;
	     p != NULL; p = strtok_r(NULL, "\n", &save))
		local_host->result_str(res, "path", p);
}

static int
device_prepare(struct step *st, const struct brickyard_device *dev,
	       struct device_facts *f)
{
	CLEANUP_NODE_LOCK struct node_lock l = NODE_LOCK_INIT;

	if (device_check_words(st, dev) < 0 || node_enter(st, &l) < 0)
		return -1;
	return device_kind(dev) == BRICKYARD_DEVICE_DIRECTORY ?
		dir_prepare(st, dev, f) : block_prepare(st, &l, dev, f);
}

static int
device_info(struct step *st, const struct brickyard_device *dev,
	    struct device_facts *f)
{
	if (device_check_words(st, dev) < 0)
		return -1;
	return device_kind(dev) == BRICKYARD_DEVICE_DIRECTORY ?
		dir_info(st, dev, f) : block_info(st, dev, f);
}

static int
device_teardown(struct step *st, const struct brickyard_device *dev)
{
	CLEANUP_NODE_LOCK struct node_lock l = NODE_LOCK_INIT;

	if (device_check_words(st, dev) < 0 || node_enter(st, &l) < 0)
		return -1;
	return device_kind(dev) == BRICKYARD_DEVICE_DIRECTORY ?
		dir_teardown(st, dev) : block_teardown(st, &l, dev);
}

/* What can't be taken away, because the device is dead or gone, stays. */
static int
device_forget(struct step *st, const struct brickyard_device *dev)
{
	struct fault none = {0};

	if (device_teardown(st, dev) == 0)
		return 0;
	if (st->fault.err_class == BRICKYARD_ERR_FENCED ||
	    st->fault.err_class == BRICKYARD_ERR_CANCELLED)
		return -1;
	local_host->log(BRICKYARD_LOG_WARNING, "%s, forgetting the device",
			st->fault.text);
	st->fault = none;
	return 0;
}

static void
report_in_the_way(const struct device_facts *f, struct brickyard_result *res)
{
	if (f->holds_pv_uuid[0] != '\0')
		local_host->result_str(res, "holds_pv_uuid", f->holds_pv_uuid);
	if (f->holds_device[0] != '\0')
		local_host->result_str(res, "holds_device", f->holds_device);
}

typedef int device_fn(struct step *, const struct brickyard_device *,
		      struct device_facts *);

static int
device_call(device_fn *fn, struct brickyard_executor_instance *in,
	    const struct brickyard_call *call,
	    const struct brickyard_node *node,
	    const struct brickyard_device *dev, struct brickyard_result *res,
	    struct brickyard_error *err)
{
	struct device_facts f = {0};
	struct step st;
	int r = begin(&st, in, call, node);

	if (r == 0)
		r = fn(&st, dev, &f);
	if (r == 0)
		report(&f, res);
	else
		report_in_the_way(&f, res);
	text_free(&f.paths);
	return end(&st, r, err);
}

static int
local_device_prepare(struct brickyard_executor_instance *in,
		     const struct brickyard_call *call,
		     const struct brickyard_node *node,
		     const struct brickyard_device *dev,
		     struct brickyard_result *res, struct brickyard_error *err)
{
	return device_call(device_prepare, in, call, node, dev, res, err);
}

static int
local_device_info(struct brickyard_executor_instance *in,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node,
		  const struct brickyard_device *dev,
		  struct brickyard_result *res, struct brickyard_error *err)
{
	return device_call(device_info, in, call, node, dev, res, err);
}

static int
local_device_teardown(struct brickyard_executor_instance *in,
		      const struct brickyard_call *call,
		      const struct brickyard_node *node,
		      const struct brickyard_device *dev,
		      struct brickyard_error *err)
{
	struct step st;
	int r = begin(&st, in, call, node);

	return end(&st, r < 0 ? r : device_teardown(&st, dev), err);
}

static int
local_device_forget(struct brickyard_executor_instance *in,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    const struct brickyard_device *dev,
		    struct brickyard_error *err)
{
	struct step st;
	int r = begin(&st, in, call, node);

	return end(&st, r < 0 ? r : device_forget(&st, dev), err);
}

/* ---- bricks ---- */

static int
local_bricks_create(struct brickyard_executor_instance *in,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    const struct brickyard_brick *const *bricks, size_t n,
		    struct brickyard_error *err)
{
	struct step st;
	int r = begin(&st, in, call, node);

	return end(&st, r < 0 ? r : bricks_create(&st, bricks, n), err);
}

static int
local_bricks_destroy(struct brickyard_executor_instance *in,
		     const struct brickyard_call *call,
		     const struct brickyard_node *node,
		     const struct brickyard_brick *const *bricks, size_t n,
		     struct brickyard_error *err)
{
	struct step st;
	int r = begin(&st, in, call, node);

	return end(&st, r < 0 ? r : bricks_destroy(&st, bricks, n), err);
}

/* ---- volumes ---- */

static int
local_volume_create(struct brickyard_executor_instance *in,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    const struct brickyard_gluster_volume *gv,
		    struct brickyard_error *err)
{
	struct step st;
	int r = begin(&st, in, call, node);

	if (r == 0)
		r = node_fence(&st);
	return end(&st, r < 0 ? r : gluster_create(&st, gv), err);
}

static int
local_volume_expand(struct brickyard_executor_instance *in,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    const struct brickyard_gluster_volume *gv,
		    uint32_t rebalance, struct brickyard_error *err)
{
	struct step st;
	int r = begin(&st, in, call, node);

	if (r == 0)
		r = node_fence(&st);
	return end(&st, r < 0 ? r : gluster_expand(&st, gv, rebalance != 0),
		   err);
}

static int
local_volume_destroy(struct brickyard_executor_instance *in,
		     const struct brickyard_call *call,
		     const struct brickyard_node *node, const char *name,
		     struct brickyard_error *err)
{
	struct step st;
	int r = begin(&st, in, call, node);

	if (r == 0)
		r = node_fence(&st);
	return end(&st, r < 0 ? r : gluster_destroy(&st, name), err);
}

static int
local_volume_info(struct brickyard_executor_instance *in,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node, const char *name,
		  struct brickyard_result *res, struct brickyard_error *err)
{
	struct step st;
	int r = begin(&st, in, call, node);

	return end(&st, r < 0 ? r : gluster_info(&st, name, res), err);
}

static struct brickyard_executor local = {
	.head = {
		.name = "local",
		.version = "0.1.0",
		.description = "this machine is the storage node",
		.license = "GPL-2.0-or-later",
		.options = local_options,
		.thread_model = BRICKYARD_THREADS_PARALLEL,
	},
	.open = local_open,
	.close = local_close,
	.run = local_run,
	.node_check = local_node_check,
	.peer_probe = local_peer_probe,
	.peer_detach = local_peer_detach,
	.device_prepare = local_device_prepare,
	.device_info = local_device_info,
	.device_teardown = local_device_teardown,
	.bricks_create = local_bricks_create,
	.bricks_destroy = local_bricks_destroy,
	.volume_create = local_volume_create,
	.volume_expand = local_volume_expand,
	.volume_destroy = local_volume_destroy,
	.volume_info = local_volume_info,
	.device_forget = local_device_forget,
};

BRICKYARD_EXECUTOR_REGISTER(local, local_host)
