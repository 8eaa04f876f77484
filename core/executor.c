/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One opened executor.  This file stands between the core and a plug-in that
 * may misbehave: it lets in as many calls at a time as the plug-in's thread
 * model and the limit of a node allow, doesn't start a call that is too late or
 * cancelled, goes on without one that does not come back, and turns whatever does
 * into the core's errors.  Any worker thread.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crossing.h"
#include "executor.h"
#include "executor-inject.h"
#include "gate.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define GRACE_MS 10000

struct executor {
	struct executor *next;	/* of those that could not be closed */
	struct inject *inject;	/* NULL: the executor itself, else around it */
	struct executor *within;
	const struct plugin *plugin;
	const struct brickyard_executor *ops;
	struct brickyard_executor_instance *instance;	/* may be NULL */
	bool is_open;
	const struct lowering *lowering;		/* may be NULL */
	struct brickyard_executor_instance *lowered;	/* of that, NULL: none */
	size_t node_limit;	/* calls at a time on a node; 0: any number */
	int grace_ms;		/* that a call may take after its end */
	int limit_ms;		/* that a call may take; 0: its deadline's */
	_Atomic unsigned lost;	/* calls that did not come back */
	struct gate gate;
	struct step_stats stats;
};

/* ---- the thread model ---- */

static const char *
node_key(const struct brickyard_node *node)
{
	/* While a node is being added it may have no id yet. */
	if (node->id != NULL && node->id[0] != '\0')
		return node->id;
	return node->manage_host != NULL ? node->manage_host : "";
}

/* What a node is asked on the side (is glusterd alive?) must not wait behind
 * the work there, or a busy node would look like a dead one.
 */
static struct gate_ticket
make_ticket(const struct executor *ex, const struct brickyard_node *node,
	    bool aside)
{
	switch (ex->ops->head.thread_model) {
	case BRICKYARD_THREADS_PARALLEL:
		return (struct gate_ticket){
			.key = node_key(node),
			.limit = aside ? 0 : ex->node_limit,
		};
	case BRICKYARD_THREADS_PER_NODE:
		return (struct gate_ticket){ .key = node_key(node), .limit = 1 };
	default:
		return (struct gate_ticket){ .key = "", .limit = 1 };
	}
}

/* ---- around every call ---- */

/* The plug-in says that it failed; it should also have said why. */
static enum err
explain(const struct executor *ex, const char *step,
	struct brickyard_error *why, struct error *err)
{
	if (why->text[0] == '\0')
		snprintf(why->text, sizeof(why->text), "executor '%s': %s "
			 "failed without saying why", ex->plugin->name, step);
	return plugin_fail(err, why);
}

static enum err
verdict(const struct executor *ex, const struct executor_step *s, int r,
	struct brickyard_error *why, struct brickyard_result *result,
	struct error *err)
{
	if (r != 0)
		return explain(ex, s->name, why, err);
	/* A success after the deadline is one: what is done, is done. */
	if (result != NULL && result->overflow)
		return fail(err, ERR_EXEC, "executor '%s': %s gave more "
			    "results than fit", ex->plugin->name, s->name);
	return ERR_OK;
}

/* What a step is called on: the plug-in's own, or the lowering's. */
struct side {
	const struct brickyard_executor *ops;
	struct brickyard_executor_instance *instance;
};

static enum err
visit(struct executor *ex, const struct side *side,
      const struct executor_step *s, const struct brickyard_call *call,
      const struct brickyard_node *node, const struct step_args *args,
      struct brickyard_result *result, bool *ret_unsupported,
      struct error *err)
{
	struct crossing c = {
		.plugin = ex->plugin, .step = s, .ops = side->ops,
		.instance = side->instance, .call = call, .node = node,
		.args = args, .gate = &ex->gate,
		.ticket = make_ticket(ex, node,
				      s == &executor_steps[X_NODE_CHECK] ||
				      s == &executor_steps[X_NODE_PROBE]),
		.grace_ms = ex->grace_ms, .limit_ms = ex->limit_ms,
		.lost = &ex->lost,
	};
	struct brickyard_error why = { 0 };
	int64_t began_us = clock_mono_us();
	int r = -1;
	enum err e = crossing_make(&c, &r, result, &why, err);

	if (e == ERR_OK)
		e = verdict(ex, s, r, &why, result, err);
	step_stats_add(&ex->stats, s->name, clock_mono_us() - began_us, e);
	*ret_unsupported = r != 0 && why.err_class == BRICKYARD_ERR_UNSUPPORTED;
	/* Half a result is none; but what is in the way may be told. */
	if (e != ERR_OK && e != ERR_EXISTS && result != NULL) {
		result_release(result);
		result_init(result);
	}
	return e;
}

/* The plug-in's own step; the lowering's when it has none, or says that it
 * can't.
 */
static enum err
plain_step(struct executor *ex, enum executor_step_id id,
     const struct brickyard_call *call, const struct brickyard_node *node,
     const struct step_args *args, struct brickyard_result *result,
     struct error *err)
{
	const struct executor_step *s = &executor_steps[id];
	const struct side own = { ex->ops, ex->instance };
	bool is_lowered = ex->lowered != NULL &&
			  executor_has_step(ex->lowering->steps, s);
	bool unsupported = true;
	enum err e = ERR_OK;

	if (executor_has_step(ex->ops, s))
		e = visit(ex, &own, s, call, node, args, result, &unsupported,
			  err);
	else if (!is_lowered)
		return fail(err, ERR_NOTSUP, "executor '%s' can't do %s",
			    ex->plugin->name, s->name);
	if (unsupported && is_lowered) {
		const struct side lowered = { ex->lowering->steps, ex->lowered };

		e = visit(ex, &lowered, s, call, node, args, result,
			  &unsupported, err);
	}
	return e;
}

/* The step, with the errors that are injected before and after it. */
static enum err
step(struct executor *ex, enum executor_step_id id,
     const struct brickyard_call *call, const struct brickyard_node *node,
     const struct step_args *args, struct brickyard_result *result,
     struct error *err)
{
	CLEANUP(heketi_commands_release) struct heketi_commands l = { 0 };
	const struct inject_step s = { id, args, call, &l, result };
	bool answered = false;
	enum err e;

	if (ex->inject == NULL)
		return plain_step(ex, id, call, node, args, result, err);
	inject_commands(ex->inject, id, args, &l);
	e = inject_before(ex->inject, &s, &answered, err);
	if (e != ERR_OK || answered)
		return e;
	e = step(ex->within, id, call, node, args, result, err);
	return e == ERR_OK ? inject_after(ex->inject, &s, err) : e;
}

/* ---- life ---- */

static void
to_pairs(const struct kvs *from, struct brickyard_kv *to)
{
	for (size_t i = 0; i < from->n; i++) {
		to[i].key = from->v[i].key;
		to[i].value = from->v[i].value;
	}
}

static enum err
open_instance(struct executor *ex, const struct kvs *config, struct error *err)
{
	CLEANUP_FREE struct brickyard_kv *pairs =
		xcalloc(config->n, sizeof(*pairs));
	struct brickyard_error why = { 0 };
	struct brickyard_executor_instance *instance = NULL;

	to_pairs(config, pairs);
	PLUGIN_SCOPE(ex->plugin);
	if (ex->ops->open(pairs, config->n, &instance, &why) != 0)
		return explain(ex, "open", &why, err);
	ex->instance = instance;
	ex->is_open = true;
	return ERR_OK;
}

enum err
executor_open(const struct plugin *p, const struct kvs *given,
	      struct executor **ret, struct error *err)
{
	CLEANUP(kvs_release) struct kvs config = { 0 };
	struct executor *ex;
	enum err e;

	if (p->kind != BRICKYARD_KIND_EXECUTOR || p->refused != NULL)
		return fail(err, ERR_INTERNAL, "plug-in '%s' is not a usable "
			    "executor", p->name);
	e = plugin_check_config(p, given, &config, err);
	if (e != ERR_OK)
		return e;
	ex = XNEW(struct executor);
	ex->plugin = p;
	ex->ops = &p->executor;
	ex->grace_ms = GRACE_MS;
	gate_init(&ex->gate);
	step_stats_init(&ex->stats);
	e = open_instance(ex, &config, err);
	if (e != ERR_OK) {
		executor_close(ex);
		return e;
	}
	*ret = ex;
	return ERR_OK;
}

/* A script of the lowering, inside the visit of its step. */
static int
run_below(void *below, const struct brickyard_call *call,
	  const struct brickyard_node *node, const char *script,
	  lowering_give_fn *give, void *to, struct brickyard_error *err)
{
	const struct executor *ex = below;
	struct brickyard_result res;
	const char *out, *errs;
	int r;

	result_init(&res);
	r = ex->ops->run(ex->instance, call, node, script, &res, err);
	out = result_get(&res, 0, "stdout");
	errs = result_get(&res, 0, "stderr");
	if (r == 0 && res.overflow) {
		plugin_host_services.fail(err, BRICKYARD_ERR_PERMANENT,
					  "executor '%s': run gave more than "
					  "fits", ex->plugin->name);
		r = -1;
	}
	if (r == 0)
		give(to, result_get_u64(&res, 0, "exit_status", 255),
		     out != NULL ? out : "", errs != NULL ? errs : "");
	result_release(&res);
	return r;
}

static enum err
attach(struct executor *ex, const struct lowering *l, const struct kvs *config,
       struct error *err)
{
	CLEANUP_FREE struct brickyard_kv *pairs =
		xcalloc(config->n, sizeof(*pairs));
	struct brickyard_error why = { 0 };

	to_pairs(config, pairs);
	ex->lowering = l;
	if (l->attach(&plugin_host_services, run_below, ex, pairs, config->n,
		      &ex->lowered, &why) == 0)
		return ERR_OK;
	ex->lowered = NULL;
	return explain(ex, "lowering", &why, err);
}

enum err
executor_open_lowered(const struct plugin *p, const struct lowering *l,
		      const struct kvs *given, struct executor **ret,
		      struct error *err)
{
	CLEANUP(kvs_release) struct kvs mine = { 0 };
	CLEANUP(kvs_release) struct kvs lowered = { 0 };
	struct executor *ex = NULL;
	enum err e;

	e = lowering_split(l, p, given, &mine, &lowered, err);
	if (e == ERR_OK)
		e = executor_open(p, &mine, &ex, err);
	if (e == ERR_OK)
		e = attach(ex, l, &lowered, err);
	if (e != ERR_OK) {
		executor_close(ex);
		return e;
	}
	*ret = ex;
	return ERR_OK;
}

/* Calls that were given up may end yet: a plug-in must not be closed under them. */
static bool
all_are_back(struct executor *ex)
{
	struct timespec ts = { .tv_nsec = 10 * 1000000 };

	for (int i = 0; i < 100 && ex->lost > 0; i++)
		nanosleep(&ts, NULL);
	return ex->lost == 0;
}

/* Those that calls are still in: kept, and seen to be kept. */
static struct executor *unclosed;

void
executor_close(struct executor *ex)
{
	if (ex == NULL)
		return;
	executor_close(ex->within);
	inject_free(ex->inject);
	ex->within = NULL;
	ex->inject = NULL;
	if (!all_are_back(ex)) {
		log_warning("plug-in '%s': %u calls did not come back, it is not "
			    "closed", ex->plugin->name, ex->lost);
		ex->next = unclosed;
		unclosed = ex;
		return;
	}
	if (ex->lowered != NULL)
		ex->lowering->detach(ex->lowered);
	if (ex->is_open) {
		PLUGIN_SCOPE(ex->plugin);
		ex->ops->close(ex->instance);
	}
	gate_release(&ex->gate);
	step_stats_release(&ex->stats);
	free(ex);
}

void
executor_set_grace(struct executor *ex, int grace_ms)
{
	ex->grace_ms = grace_ms;
}

void
executor_set_step_limit(struct executor *ex, int limit_ms)
{
	ex->limit_ms = limit_ms;
}

void
executor_set_node_limit(struct executor *ex, size_t limit)
{
	ex->node_limit = limit;
}

const struct step_stats *
executor_stats(const struct executor *ex)
{
	return &ex->stats;
}

const char *
executor_name(const struct executor *ex)
{
	return ex->plugin->name;
}

enum err
executor_inject(const struct config *c, json_reader_fn *json,
		struct executor **ex, struct error *err)
{
	struct executor *around;
	struct inject *inject;
	enum err e = inject_new(c, json, &inject, err);

	if (e != ERR_OK || inject == NULL)
		return e;
	around = XNEW(struct executor);
	around->plugin = (*ex)->plugin;
	gate_init(&around->gate);
	around->inject = inject;
	around->within = *ex;
	*ex = around;
	return ERR_OK;
}

/* ---- the steps ---- */

enum err
executor_node_check(struct executor *ex, const struct brickyard_call *call,
		    const struct brickyard_node *node, struct error *err)
{
	const struct step_args a = { .nbricks = 0 };

	return step(ex, X_NODE_CHECK, call, node, &a, NULL, err);
}

enum err
executor_peer_probe(struct executor *ex, const struct brickyard_call *call,
		    const struct brickyard_node *from, const char *host,
		    struct error *err)
{
	const struct step_args a = { .text = { host } };

	return step(ex, X_PEER_PROBE, call, from, &a, NULL, err);
}

enum err
executor_peer_detach(struct executor *ex, const struct brickyard_call *call,
		     const struct brickyard_node *from, const char *host,
		     struct error *err)
{
	const struct step_args a = { .text = { host } };

	return step(ex, X_PEER_DETACH, call, from, &a, NULL, err);
}

enum err
executor_device_prepare(struct executor *ex, const struct brickyard_call *call,
			const struct brickyard_node *node,
			const struct brickyard_device *device,
			struct brickyard_result *result, struct error *err)
{
	const struct step_args a = { .device = device };

	return step(ex, X_DEVICE_PREPARE, call, node, &a, result, err);
}

enum err
executor_device_info(struct executor *ex, const struct brickyard_call *call,
		     const struct brickyard_node *node,
		     const struct brickyard_device *device,
		     struct brickyard_result *result, struct error *err)
{
	const struct step_args a = { .device = device };

	return step(ex, X_DEVICE_INFO, call, node, &a, result, err);
}

enum err
executor_device_teardown(struct executor *ex,
			 const struct brickyard_call *call,
			 const struct brickyard_node *node,
			 const struct brickyard_device *device,
			 struct error *err)
{
	const struct step_args a = { .device = device };

	return step(ex, X_DEVICE_TEARDOWN, call, node, &a, NULL, err);
}

enum err
executor_bricks_create(struct executor *ex, const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_brick *const *bricks, size_t n,
		       struct error *err)
{
	const struct step_args a = { .bricks = bricks, .nbricks = n };

	return step(ex, X_BRICKS_CREATE, call, node, &a, NULL, err);
}

enum err
executor_bricks_destroy(struct executor *ex, const struct brickyard_call *call,
			const struct brickyard_node *node,
			const struct brickyard_brick *const *bricks, size_t n,
			struct error *err)
{
	const struct step_args a = { .bricks = bricks, .nbricks = n };

	return step(ex, X_BRICKS_DESTROY, call, node, &a, NULL, err);
}

enum err
executor_volume_create(struct executor *ex, const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_gluster_volume *volume,
		       struct error *err)
{
	const struct step_args a = { .volume = volume };

	return step(ex, X_VOLUME_CREATE, call, node, &a, NULL, err);
}

enum err
executor_volume_expand(struct executor *ex, const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_gluster_volume *volume,
		       uint32_t rebalance, struct error *err)
{
	const struct step_args a = { .volume = volume, .rebalance = rebalance };

	return step(ex, X_VOLUME_EXPAND, call, node, &a, NULL, err);
}

enum err
executor_volume_destroy(struct executor *ex, const struct brickyard_call *call,
			const struct brickyard_node *node, const char *name,
			struct error *err)
{
	const struct step_args a = { .text = { name } };

	return step(ex, X_VOLUME_DESTROY, call, node, &a, NULL, err);
}

enum err
executor_volume_info(struct executor *ex, const struct brickyard_call *call,
		     const struct brickyard_node *node, const char *name,
		     struct brickyard_result *result, struct error *err)
{
	const struct step_args a = { .text = { name } };

	return step(ex, X_VOLUME_INFO, call, node, &a, result, err);
}

/* ---- since ABI 1.1 ---- */

enum err
executor_node_probe(struct executor *ex, const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    struct brickyard_result *result, struct error *err)
{
	const struct step_args a = { .nbricks = 0 };

	return step(ex, X_NODE_PROBE, call, node, &a, result, err);
}

enum err
executor_heal_info(struct executor *ex, const struct brickyard_call *call,
		   const struct brickyard_node *node, const char *name,
		   struct brickyard_result *result, struct error *err)
{
	const struct step_args a = { .text = { name } };

	return step(ex, X_HEAL_INFO, call, node, &a, result, err);
}

enum err
executor_brick_replace(struct executor *ex, const struct brickyard_call *call,
		       const struct brickyard_node *node, const char *name,
		       const struct brickyard_brick_ref *old_brick,
		       const struct brickyard_brick_ref *new_brick,
		       struct error *err)
{
	const struct step_args a = {
		.text = { name }, .refs = { old_brick, new_brick },
	};

	return step(ex, X_BRICK_REPLACE, call, node, &a, NULL, err);
}

enum err
executor_volume_clone(struct executor *ex, const struct brickyard_call *call,
		      const struct brickyard_node *node, const char *name,
		      const char *clone, const char *snapshot,
		      struct brickyard_result *result, struct error *err)
{
	const struct step_args a = { .text = { name, clone, snapshot } };

	return step(ex, X_VOLUME_CLONE, call, node, &a, result, err);
}

enum err
executor_block_create(struct executor *ex, const struct brickyard_call *call,
		      const struct brickyard_node *node,
		      const struct brickyard_block *block,
		      struct brickyard_result *result, struct error *err)
{
	const struct step_args a = { .block = block };

	return step(ex, X_BLOCK_CREATE, call, node, &a, result, err);
}

enum err
executor_block_info(struct executor *ex, const struct brickyard_call *call,
		    const struct brickyard_node *node, const char *volume,
		    const char *name, struct brickyard_result *result,
		    struct error *err)
{
	const struct step_args a = { .text = { volume, name } };

	return step(ex, X_BLOCK_INFO, call, node, &a, result, err);
}

enum err
executor_block_find(struct executor *ex, const struct brickyard_call *call,
		    const struct brickyard_node *node, const char *volume,
		    const char *name, bool *ret, struct error *err)
{
	const struct step_args a = { .text = { volume, name } };
	struct executor *bare = ex->inject != NULL ? ex->within : ex;
	struct brickyard_result info;
	enum err e;

	result_init(&info);
	e = step(bare, X_BLOCK_INFO, call, node, &a, &info, err);
	result_release(&info);
	if (e != ERR_OK && e != ERR_NOTFOUND)
		return e;
	*ret = e == ERR_OK;
	return ERR_OK;
}

enum err
executor_block_expand(struct executor *ex, const struct brickyard_call *call,
		      const struct brickyard_node *node,
		      const struct brickyard_block *block, struct error *err)
{
	const struct step_args a = { .block = block };

	return step(ex, X_BLOCK_EXPAND, call, node, &a, NULL, err);
}

enum err
executor_block_destroy(struct executor *ex, const struct brickyard_call *call,
		       const struct brickyard_node *node, const char *volume,
		       const char *name, struct error *err)
{
	const struct step_args a = { .text = { volume, name } };

	return step(ex, X_BLOCK_DESTROY, call, node, &a, NULL, err);
}

enum err
executor_node_examine(struct executor *ex, const struct brickyard_call *call,
		      const struct brickyard_node *node,
		      struct brickyard_result *result, struct error *err)
{
	const struct step_args a = { .nbricks = 0 };

	return step(ex, X_NODE_EXAMINE, call, node, &a, result, err);
}

enum err
executor_device_forget(struct executor *ex, const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_device *device, struct error *err)
{
	const struct step_args a = { .device = device };

	return step(ex, X_DEVICE_FORGET, call, node, &a, NULL, err);
}
