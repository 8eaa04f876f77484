/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stage that makes a volume's bricks, or takes them away, on all their nodes
 * at the same time; and what becomes of those on nodes that don't answer.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "health.h"
#include "live-node.h"
#include "lost.h"
#include "node-args.h"
#include "op-volume.h"
#include "util/log.h"
#include "util/xalloc.h"

struct bricks_arg {
	struct op_run *run;
	const struct brickyard_call *call;
	struct brick_args args;
	bool destroy;
	struct outcome {
		enum err r;
		char *why;
	} *of;			/* each group */
};

/* Who was lost already is not waited for as long as the others. */
#define LOST_TIMEOUT_S 60

static enum err
bricks_on_node(void *arg, size_t i, struct error *err)
{
	struct bricks_arg *a = arg;
	const struct brick_group *g = &a->args.groups[i];
	struct executor *x = a->run->deps->executor;
	struct sub_call sub;
	enum err r;

	log_set_context(a->run->op->id);
	sub_call_init(&sub, a->call, a->destroy && lost_has(a->run, g->node->id) ?
		      LOST_TIMEOUT_S : VOLUME_BRICKS_TIMEOUT_S);
	r = a->destroy ?
	    executor_bricks_destroy(x, &sub.call, &g->arg, g->bricks, g->n, err) :
	    executor_bricks_create(x, &sub.call, &g->arg, g->bricks, g->n, err);
	a->of[i].r = r;
	a->of[i].why = r != ERR_OK ? xstrdup(err->text) : NULL;
	return r;
}

static void
avoid_devices(struct op_run *run, const struct brick_group *g)
{
	for (size_t k = 0; k < g->n; k++)
		if (!strs_has(&run->op->avoid, g->bricks[k]->device->id))
			strs_add(&run->op->avoid, g->bricks[k]->device->id);
}

/* Next time without them.  Of several nodes' errors one is told; what another may
 * still be doing is not to be forgotten for that.
 */
static void
remember_failed(struct bricks_arg *a)
{
	for (size_t i = 0; i < a->args.ngroups; i++) {
		const struct brick_group *g = &a->args.groups[i];

		if (a->of[i].r == ERR_OK)
			continue;
		avoid_devices(a->run, g);
		if (node_was_lost(a->of[i].r)) {
			lost_add(a->run, g->node->id);
			a->run->open = true;
		}
	}
}

/* Is that only for want of the node?  One that answers is asked once more; what
 * has taken all its time has had its chance.
 */
static enum err
is_lost(const struct bricks_arg *a, size_t i, bool *ret, struct error *err)
{
	bool live = false;
	enum err r = ERR_OK;

	*ret = node_was_lost(a->of[i].r);
	if (a->of[i].r == ERR_UNREACHABLE)
		r = node_is_live(a->run->deps, a->call,
				 a->args.groups[i].node->id, &live, err);
	*ret &= !live;
	return r;
}

/* Bricks on nodes that are lost are left there, if nothing else went wrong. */
static enum err
leave_lost(struct bricks_arg *a, const char *pending, enum err failed,
	   struct error *err)
{
	CLEANUP_FREE struct error *why = XNEW(struct error);
	CLEANUP(kvs_release) struct kvs nodes = { 0 };

	for (size_t i = 0; i < a->args.ngroups; i++) {
		const char *node = a->args.groups[i].node->id;
		bool lost = false;

		if (a->of[i].r == ERR_OK)
			continue;
		if (a->call->cancelled(a->call) ||
		    is_lost(a, i, &lost, why) != ERR_OK || !lost)
			return failed;
		lost_add(a->run, node);
		if (a->of[i].r == ERR_UNREACHABLE)
			health_note_lost(a->run->deps, a->args.groups[i].node,
					 a->of[i].why);
		kvs_set(&nodes, node, a->of[i].why);
	}
	return lost_leave(a->run, a->args.volume->id, pending, &nodes, err);
}

static void
bricks_arg_release(struct bricks_arg *a)
{
	for (size_t i = 0; a->of != NULL && i < a->args.ngroups; i++)
		free(a->of[i].why);
	free(a->of);
	brick_args_release(&a->args);
}

static enum err
bricks(struct op_run *run, const struct brickyard_call *call, bool destroy,
       const char *pending, struct error *err)
{
	CLEANUP(bricks_arg_release) struct bricks_arg a = {
		.run = run, .call = call, .destroy = destroy,
	};
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = volume_target(run, &v, err);

	if (r != ERR_OK)
		return r;
	r = brick_args_init(&a.args, run->deps->mirror, v, pending, err);
	if (r != ERR_OK)
		return r;
	a.of = xcalloc(a.args.ngroups, sizeof(*a.of));
	r = fan_out(a.args.ngroups, bricks_on_node, &a, a.args.hosts, err);
	if (r != ERR_OK && !destroy)
		remember_failed(&a);
	return r == ERR_OK || !destroy ? r : leave_lost(&a, pending, r, err);
}

enum err
volume_make_bricks(struct op_run *run, const struct brickyard_call *call,
		   struct error *err)
{
	return bricks(run, call, false, run->op->id, err);
}

enum err
volume_unmake_bricks(struct op_run *run, const struct brickyard_call *call,
		     struct error *err)
{
	return bricks(run, call, true, run->op->id, err);
}

enum err
volume_unmake_all_bricks(struct op_run *run, const struct brickyard_call *call,
			 struct error *err)
{
	return bricks(run, call, true, NULL, err);
}
