/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One opened executor.  This file stands between the core and a plug-in that
 * may misbehave: it lets in as many calls at a time as the plug-in's thread
 * model and the limit of a node allow, doesn't start a call that is too late or cancelled, and turns
 * whatever comes back into the core's errors.  Any worker thread.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "executor.h"
#include "executor-inject.h"
#include "gate.h"
#include "util/clock.h"
#include "util/xalloc.h"

struct executor {
	struct inject *inject;	/* NULL: the executor itself, else around it */
	struct executor *within;
	const struct plugin *plugin;
	const struct brickyard_executor *ops;
	struct brickyard_executor_instance *instance;	/* may be NULL */
	bool is_open;
	const struct lowering *lowering;		/* may be NULL */
	struct brickyard_executor_instance *lowered;	/* of that, NULL: none */
	size_t node_limit;	/* calls at a time on a node; 0: any number */
	struct gate gate;
	struct step_stats stats;
};

/* What one call needs besides its own arguments. */
struct visit {
	struct executor *ex;
	const struct brickyard_call *call;
	const char *step;
	const struct plugin *was;
	struct gate_ticket ticket;
	int64_t began_us;
	struct brickyard_error error;
	struct brickyard_result *result;	/* NULL: gives none */
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

/* OK: the plug-in may be called, and visit_end must follow. */
static enum err
visit_begin(struct visit *v, bool has_step, const struct brickyard_node *node,
	    struct error *err)
{
	enum err e;

	if (!has_step)
		return fail(err, ERR_NOTSUP, "executor '%s' can't do %s",
			    v->ex->plugin->name, v->step);
	v->ticket = make_ticket(v->ex, node,
				strcmp(v->step, "node_check") == 0);
	e = gate_enter(&v->ex->gate, &v->ticket, v->call, v->step, err);
	if (e != ERR_OK)
		return e;
	if (v->result != NULL) {
		result_release(v->result);
		result_init(v->result);
	}
	v->began_us = clock_mono_us();
	v->was = plugin_enter(v->ex->plugin);
	return ERR_OK;
}

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
verdict(struct visit *v, int r, struct error *err)
{
	const char *name = v->ex->plugin->name;

	if (r != 0)
		return explain(v->ex, v->step, &v->error, err);
	/* A success after the deadline is one: what is done, is done. */
	if (v->result != NULL && v->result->overflow)
		return fail(err, ERR_EXEC, "executor '%s': %s gave more "
			    "results than fit", name, v->step);
	return ERR_OK;
}

static enum err
visit_end(struct visit *v, int r, struct error *err)
{
	enum err e;

	(void)plugin_enter(v->was);
	gate_leave(&v->ex->gate, &v->ticket);

	e = verdict(v, r, err);
	step_stats_add(&v->ex->stats, v->step, clock_mono_us() - v->began_us, e);
	if (e != ERR_OK && v->result != NULL) {
		/* Half a result is none. */
		result_release(v->result);
		result_init(v->result);
	}
	return e;
}

static bool
is_lowered(const struct executor *ex)
{
	return ex->lowered != NULL;
}

/* Body of every step: call the plug-in's, or else the lowering's, with the
 * arguments after the node.
 */
#define STEP(ex_, call_, node_, result_, member, err_, ...) do {	\
	struct visit v_ = {						\
		.ex = (ex_), .call = (call_), .step = #member,		\
		.result = (result_),					\
	};								\
	bool own_ = v_.ex->ops->member != NULL;				\
	const struct brickyard_executor *ops_ = own_ ||			\
		!is_lowered(v_.ex) ? v_.ex->ops : v_.ex->lowering->steps; \
	enum err e_ = visit_begin(&v_, ops_->member != NULL,		\
				  (node_), (err_));			\
									\
	if (e_ != ERR_OK)						\
		return e_;						\
	return visit_end(&v_, ops_->member(own_ ? v_.ex->instance :	\
			 v_.ex->lowered, v_.call, (node_),		\
			 ##__VA_ARGS__, &v_.error), (err_));		\
} while (0)

/* Before it: errors may be injected around it. */
#define INJECT(ex_, member, ...) do {					\
	if ((ex_)->inject != NULL)					\
		return inject_##member((ex_)->inject, (ex_)->within,	\
				       __VA_ARGS__);			\
} while (0)

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

void
executor_close(struct executor *ex)
{
	if (ex == NULL)
		return;
	executor_close(ex->within);
	inject_free(ex->inject);
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
executor_inject(const struct config *c, struct executor **ex, struct error *err)
{
	struct executor *around;
	struct inject *inject;
	enum err e = inject_new(c, &inject, err);

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
	INJECT(ex, node_check, call, node, err);
	STEP(ex, call, node, NULL, node_check, err);
}

enum err
executor_peer_probe(struct executor *ex, const struct brickyard_call *call,
		    const struct brickyard_node *from, const char *host,
		    struct error *err)
{
	INJECT(ex, peer_probe, call, from, host, err);
	STEP(ex, call, from, NULL, peer_probe, err, host);
}

enum err
executor_peer_detach(struct executor *ex, const struct brickyard_call *call,
		     const struct brickyard_node *from, const char *host,
		     struct error *err)
{
	INJECT(ex, peer_detach, call, from, host, err);
	STEP(ex, call, from, NULL, peer_detach, err, host);
}

enum err
executor_device_prepare(struct executor *ex, const struct brickyard_call *call,
			const struct brickyard_node *node,
			const struct brickyard_device *device,
			struct brickyard_result *result, struct error *err)
{
	INJECT(ex, device_prepare, call, node, device, result, err);
	STEP(ex, call, node, result, device_prepare, err, device, result);
}

enum err
executor_device_info(struct executor *ex, const struct brickyard_call *call,
		     const struct brickyard_node *node,
		     const struct brickyard_device *device,
		     struct brickyard_result *result, struct error *err)
{
	INJECT(ex, device_info, call, node, device, result, err);
	STEP(ex, call, node, result, device_info, err, device, result);
}

enum err
executor_device_teardown(struct executor *ex,
			 const struct brickyard_call *call,
			 const struct brickyard_node *node,
			 const struct brickyard_device *device,
			 struct error *err)
{
	INJECT(ex, device_teardown, call, node, device, err);
	STEP(ex, call, node, NULL, device_teardown, err, device);
}

enum err
executor_bricks_create(struct executor *ex, const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_brick *const *bricks, size_t n,
		       struct error *err)
{
	INJECT(ex, bricks_create, call, node, bricks, n, err);
	STEP(ex, call, node, NULL, bricks_create, err, bricks, n);
}

enum err
executor_bricks_destroy(struct executor *ex, const struct brickyard_call *call,
			const struct brickyard_node *node,
			const struct brickyard_brick *const *bricks, size_t n,
			struct error *err)
{
	INJECT(ex, bricks_destroy, call, node, bricks, n, err);
	STEP(ex, call, node, NULL, bricks_destroy, err, bricks, n);
}

enum err
executor_volume_create(struct executor *ex, const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_gluster_volume *volume,
		       struct error *err)
{
	INJECT(ex, volume_create, call, node, volume, err);
	STEP(ex, call, node, NULL, volume_create, err, volume);
}

enum err
executor_volume_expand(struct executor *ex, const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_gluster_volume *volume,
		       uint32_t rebalance, struct error *err)
{
	INJECT(ex, volume_expand, call, node, volume, rebalance, err);
	STEP(ex, call, node, NULL, volume_expand, err, volume, rebalance);
}

enum err
executor_volume_destroy(struct executor *ex, const struct brickyard_call *call,
			const struct brickyard_node *node, const char *name,
			struct error *err)
{
	INJECT(ex, volume_destroy, call, node, name, err);
	STEP(ex, call, node, NULL, volume_destroy, err, name);
}

enum err
executor_volume_info(struct executor *ex, const struct brickyard_call *call,
		     const struct brickyard_node *node, const char *name,
		     struct brickyard_result *result, struct error *err)
{
	INJECT(ex, volume_info, call, node, name, result, err);
	STEP(ex, call, node, result, volume_info, err, name, result);
}

/* ---- since ABI 1.1 ---- */

enum err
executor_node_probe(struct executor *ex, const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    struct brickyard_result *result, struct error *err)
{
	INJECT(ex, node_probe, call, node, result, err);
	STEP(ex, call, node, result, node_probe, err, result);
}

enum err
executor_heal_info(struct executor *ex, const struct brickyard_call *call,
		   const struct brickyard_node *node, const char *name,
		   struct brickyard_result *result, struct error *err)
{
	INJECT(ex, heal_info, call, node, name, result, err);
	STEP(ex, call, node, result, heal_info, err, name, result);
}

enum err
executor_brick_replace(struct executor *ex, const struct brickyard_call *call,
		       const struct brickyard_node *node, const char *name,
		       const struct brickyard_brick_ref *old_brick,
		       const struct brickyard_brick_ref *new_brick,
		       struct error *err)
{
	INJECT(ex, brick_replace, call, node, name, old_brick, new_brick, err);
	STEP(ex, call, node, NULL, brick_replace, err,
	     name, old_brick, new_brick);
}

enum err
executor_volume_clone(struct executor *ex, const struct brickyard_call *call,
		      const struct brickyard_node *node, const char *name,
		      const char *clone, const char *snapshot,
		      struct brickyard_result *result, struct error *err)
{
	INJECT(ex, volume_clone, call, node, name, clone, snapshot, result,
	       err);
	STEP(ex, call, node, result, volume_clone, err,
	     name, clone, snapshot, result);
}

enum err
executor_block_create(struct executor *ex, const struct brickyard_call *call,
		      const struct brickyard_node *node,
		      const struct brickyard_block *block,
		      struct brickyard_result *result, struct error *err)
{
	INJECT(ex, block_create, call, node, block, result, err);
	STEP(ex, call, node, result, block_create, err, block, result);
}

enum err
executor_block_info(struct executor *ex, const struct brickyard_call *call,
		    const struct brickyard_node *node, const char *volume,
		    const char *name, struct brickyard_result *result,
		    struct error *err)
{
	INJECT(ex, block_info, call, node, volume, name, result, err);
	STEP(ex, call, node, result, block_info, err, volume, name, result);
}

enum err
executor_block_expand(struct executor *ex, const struct brickyard_call *call,
		      const struct brickyard_node *node,
		      const struct brickyard_block *block, struct error *err)
{
	INJECT(ex, block_expand, call, node, block, err);
	STEP(ex, call, node, NULL, block_expand, err, block);
}

enum err
executor_block_destroy(struct executor *ex, const struct brickyard_call *call,
		       const struct brickyard_node *node, const char *volume,
		       const char *name, struct error *err)
{
	INJECT(ex, block_destroy, call, node, volume, name, err);
	STEP(ex, call, node, NULL, block_destroy, err, volume, name);
}

enum err
executor_node_examine(struct executor *ex, const struct brickyard_call *call,
		      const struct brickyard_node *node,
		      struct brickyard_result *result, struct error *err)
{
	INJECT(ex, node_examine, call, node, result, err);
	STEP(ex, call, node, result, node_examine, err, result);
}

enum err
executor_device_forget(struct executor *ex, const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_device *device, struct error *err)
{
	INJECT(ex, device_forget, call, node, device, err);
	STEP(ex, call, node, NULL, device_forget, err, device);
}
