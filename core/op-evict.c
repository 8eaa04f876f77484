/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stages of replacing a brick.  From the moment that gluster has taken the new
 * brick there is no way back: the undo looks whether that happened, and if so the
 * operation goes on.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "brick-order.h"
#include "heal.h"
#include "leftover.h"
#include "live-node.h"
#include "lost.h"
#include "node-args.h"
#include "op-evict.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define BRICKS_TIMEOUT_S  600	/* heketi's limits */
#define GLUSTER_TIMEOUT_S 660
#define HEAL_POLL_MS	  1000
#define MUTE_MS		  10000	/* that gluster may be unable to tell */
#define REMOVE_TRIES	  3

/* The volume and its two bricks, as they are now. */
struct evict {
	struct volume *v;	/* a private copy; NULL: nothing is to be done */
	struct brick *old, *new_;	/* in v, or NULL */
};

static void
evict_release(struct evict *e)
{
	record_unref(e->v != NULL ? &e->v->r : NULL);
}

static enum err
evict_init(struct evict *e, struct op_run *run, struct error *err)
{
	const struct operation *op = run->op;
	const char *brick = kvs_get(&op->args, "brick");
	const char *volume = kvs_get(&op->args, "volume");
	RECORD_SCOPE struct volume *v = NULL;

	if (brick == NULL || volume == NULL)
		return ERR_OK;
	v = (void *)mirror_get(run->deps->mirror, RECORD_VOLUME, volume);
	if (v == NULL)
		return fail(err, ERR_INTERNAL, "volume %s: record is gone", volume);
	e->v = volume_copy(v);
	for (size_t i = 0; i < e->v->nbricks; i++) {
		struct brick *b = &e->v->bricks[i];

		if (strcmp(b->pending, op->id) == 0)
			e->new_ = b;
		else if (strcmp(b->id, brick) == 0)
			e->old = b;
	}
	return ERR_OK;
}

/* For stages that have nothing to do without an old brick. */
static enum err
evict_need(struct evict *e, struct op_run *run, bool with_new, struct error *err)
{
	enum err r = evict_init(e, run, err);

	if (r != ERR_OK || e->v == NULL)
		return r;
	if (e->old == NULL || (with_new && e->new_ == NULL))
		return fail(err, ERR_INTERNAL, "volume %s: brick %s is not in its "
			    "record", e->v->id, kvs_get(&run->op->args, "brick"));
	return ERR_OK;
}

static bool
is_replaced(const struct op_run *run)
{
	return kvs_get(&run->op->args, "replaced") != NULL;
}

static bool
is_abandoning(enum err r)
{
	return r == ERR_FENCED || r == ERR_CANCELLED || r == ERR_STORE ||
	       r == ERR_CONFLICT;
}

/* ---- stage: check ---- */

/* heketi fails at once, and so does an eviction.  Who removes a device has just
 * caused the heal that is in the way himself.
 */
static int64_t
patience_ms(const struct op_run *run)
{
	if (run->op->kind == OP_BRICK_EVICT)
		return 0;
	return config_int(run->deps->config, "heal_wait_s") * 1000;
}

static enum err
wait_for_heal(struct op_run *run, const struct brickyard_call *call,
	      const struct evict *e, struct error *err)
{
	const char *heal = kvs_get(&run->op->args, "heal");
	int64_t patience = patience_ms(run), begun = clock_mono_ms();
	bool told = false;

	if (heal != NULL && strcmp(heal, "disable") == 0)
		return ERR_OK;
	for (;;) {
		enum err r = heal_check(run->deps, call, e->v, e->old, err);

		if (r != ERR_INUSE && r != ERR_EXEC)
			return r;
		if (r == ERR_EXEC && patience > MUTE_MS)
			patience = MUTE_MS;
		if (clock_mono_ms() - begun >= patience)
			break;
		if (!told)
			log_info("volume %s: %s, retrying", e->v->id, err->text);
		told = true;
		if (!call_sleep(call, HEAL_POLL_MS))
			break;
	}
	if (call->cancelled(call))
		return fail(err, ERR_CANCELLED, "cancelled");
	err->code = ERR_REFUSED;
	return ERR_REFUSED;
}

static enum err
not_in_gluster(const struct evict *e, struct error *err)
{
	return fail(err, ERR_NOTFOUND, "brick %s (%s:%s) is not in gluster's "
		    "volume '%s'", e->old->id, e->old->host, e->old->path,
		    e->v->name);
}

/* heketi has three words where no glusterd lives, or gluster doesn't know the
 * bricks; the reason is for the log.
 */
static enum err
not_found(const struct evict *e, const struct presence *there, enum err r,
	  struct error *err)
{
	bool unknown = there->listed && (r == ERR_REFUSED || r == ERR_NOTFOUND);

	if (r == ERR_OK || is_abandoning(r) || (there->asked && !unknown))
		return r;
	log_warning("volume %s: brick %s can't be replaced: %s", e->v->id,
		    e->old->id, err->text);
	return fail(err, r, "Id not found");
}

/* A record that was imported may have its bricks in another order: then gluster's
 * is taken, and looked at once more.
 */
static enum err
look_in_order(struct op_run *run, const struct brickyard_call *call,
	      struct evict *e, struct presence *ret, struct error *err)
{
	enum err r = gluster_look(run->deps, call, e->v, e->old, e->new_, ret,
				  err);
	struct error why;
	bool changed = false;

	if (r != ERR_REFUSED || e->new_ != NULL)
		return r;
	r = brick_order_learn(run, call, e->v, &changed, &why);
	if (r != ERR_OK || !changed)
		return is_abandoning(r) ? fail(err, r, "%s", why.text) :
					  ERR_REFUSED;
	evict_release(e);
	*e = (struct evict){ 0 };
	r = evict_need(e, run, false, err);
	if (r != ERR_OK || e->v == NULL)
		return r;
	return gluster_look(run->deps, call, e->v, e->old, e->new_, ret, err);
}

enum err
evict_check(struct op_run *run, const struct brickyard_call *call,
	    struct error *err)
{
	CLEANUP(evict_release) struct evict e = { 0 };
	struct presence there;
	enum err r = evict_need(&e, run, false, err);

	if (r != ERR_OK || e.v == NULL)
		return r;
	r = look_in_order(run, call, &e, &there, err);
	if (e.v == NULL)
		return r;
	if (r == ERR_OK && !there.old && !there.new_)
		r = not_in_gluster(&e, err);
	return r == ERR_OK ? wait_for_heal(run, call, &e, err) :
	       not_found(&e, &there, r, err);
}

/* ---- stage: place ---- */

static enum err
place_build(void *arg, struct txn *t, struct error *err)
{
	const struct place_arg *a = arg;
	struct op_run *run = a->run;
	CLEANUP(evict_release) struct evict e = { 0 };
	struct ledger l = { 0 };
	enum err r = evict_need(&e, run, false, err);

	if (r != ERR_OK || e.new_ != NULL)
		return r;
	r = allocate_replacement(run->deps, e.v, (size_t)(e.old - e.v->bricks),
				 a->avoid, run->op->id, &l, err);
	if (r != ERR_OK) {
		ledger_drop(&l);
		return r;
	}
	ledger_close(&l, t);
	txn_put(t, &e.v->r);
	return ERR_OK;
}

/* heketi's words, which depend on what was asked for. */
static enum err
no_replacement(const struct op_run *run, struct error *err)
{
	const struct operation *op = run->op;
	const char *device = kvs_get(&op->args, "device");

	log_info("brick %s: %s", kvs_get(&op->args, "brick"), err->text);
	if (op->kind == OP_DEVICE_REMOVE)
		return fail(err, ERR_NOSPACE, "Unable to delete device [%s] as no "
			    "device was found to replace it: " NO_REPLACEMENT,
			    op->target);
	if (op->kind == OP_NODE_REMOVE)
		return fail(err, ERR_NOSPACE, "Unable to remove node [%s] as no "
			    "device was found to replace device [%s]",
			    op->target, device != NULL ? device : "");
	return fail(err, ERR_NOSPACE, NO_REPLACEMENT);
}

enum err
evict_place(struct op_run *run, const struct brickyard_call *call,
	    struct error *err)
{
	enum err r;

	if (kvs_get(&run->op->args, "brick") == NULL)
		return ERR_OK;
	r = place_around(run, call, place_build, err);
	return r == ERR_NOSPACE || r == ERR_REFUSED ? no_replacement(run, err) : r;
}

/* What could not be taken from a dead node keeps its space. */
static void
give_back(struct op_run *run, const struct evict *e, const struct brick *b,
	  const char *why, struct ledger *l, struct txn *t)
{
	mirror_rdlock(run->deps->mirror);
	if (why == NULL)
		release_brick(run->deps, e->v, b, NULL, l);
	else
		(void)ledger_device(l, run->deps->mirror, b->device);
	mirror_unlock(run->deps->mirror);
	if (why != NULL)
		leftover_put(t, e->v, b, run->op, why);
}

static enum err
unplace_build(void *arg, struct txn *t, struct error *err)
{
	struct op_run *run = arg;
	CLEANUP(evict_release) struct evict e = { 0 };
	struct ledger l = { 0 };
	enum err r = evict_init(&e, run, err);

	if (r != ERR_OK || e.new_ == NULL)
		return r;
	give_back(run, &e, e.new_, kvs_get(&run->op->args, "lost"), &l, t);
	ledger_close(&l, t);
	volume_remove_bricks(e.v, run->op->id);
	txn_put(t, &e.v->r);
	return ERR_OK;
}

enum err
evict_unplace(struct op_run *run, const struct brickyard_call *call,
	      struct error *err)
{
	LOCK_FOR_SCOPE(engine_turn(run->engine));

	return is_replaced(run) ? ERR_OK :
	       engine_commit_op(run, unplace_build, run, err);
}

/* ---- stage: brick ---- */

static enum err
on_its_node(struct op_run *run, const struct brickyard_call *call,
	    struct evict *e, const struct brick *b, bool destroy,
	    struct error *err)
{
	struct executor *x = run->deps->executor;
	struct brick_args a;
	struct sub_call sub;
	const struct brick_group *g;
	enum err r;

	/* In our private copy only this one is marked. */
	for (size_t i = 0; i < e->v->nbricks; i++)
		e->v->bricks[i].pending[0] = '\0';
	memcpy(e->v->bricks[b - e->v->bricks].pending, run->op->id, ID_SIZE);
	r = brick_args_init(&a, run->deps->mirror, e->v, run->op->id, err);
	if (r != ERR_OK)
		return r;
	g = &a.groups[0];
	sub_call_init(&sub, call, BRICKS_TIMEOUT_S);
	r = destroy ?
	    executor_bricks_destroy(x, &sub.call, &g->arg, g->bricks, g->n, err) :
	    executor_bricks_create(x, &sub.call, &g->arg, g->bricks, g->n, err);
	brick_args_release(&a);
	return r;
}

enum err
evict_make_brick(struct op_run *run, const struct brickyard_call *call,
		 struct error *err)
{
	CLEANUP(evict_release) struct evict e = { 0 };
	enum err r = evict_need(&e, run, true, err);

	if (r != ERR_OK || e.v == NULL)
		return r;
	r = on_its_node(run, call, &e, e.new_, false, err);
	if (node_was_lost(r))
		lost_add(run, e.new_->node);
	lost_note_elsewhere(run, node_was_lost(r));
	return r;
}

/* A brick that could not be destroyed: if its node is dead, that is remembered
 * (args `what`) and no error.
 */
static enum err
forgive_the_dead(struct op_run *run, const struct brickyard_call *call,
		 const struct brick *b, const char *what, enum err r,
		 struct error *err)
{
	CLEANUP_FREE struct error *why = xmemdup(err, sizeof(*err));
	bool live = false;
	enum err e;

	if (is_abandoning(r) || call->cancelled(call))
		return r;
	e = node_is_live(run->deps, call, b->node, &live, err);
	if (e != ERR_OK || live)
		return e != ERR_OK ? e : fail(err, r, "%s", why->text);
	log_warning("brick %s (%s:%s) could not be removed, its node does not "
		    "answer: %s, ignoring; it is tried again later", b->id,
		    b->host, b->path, why->text);
	kvs_set(&run->op->args, what, why->text);
	return ERR_OK;
}

enum err
evict_unmake_brick(struct op_run *run, const struct brickyard_call *call,
		   struct error *err)
{
	CLEANUP(evict_release) struct evict e = { 0 };
	enum err r = evict_init(&e, run, err);

	if (r != ERR_OK || e.new_ == NULL || is_replaced(run))
		return r;
	r = on_its_node(run, call, &e, e.new_, true, err);
	if (r == ERR_OK) {
		kvs_del(&run->op->args, "lost");
		return r;
	}
	return forgive_the_dead(run, call, e.new_, "lost", r, err);
}

/* ---- stage: replace ---- */

struct replace_arg {
	struct op_run *run;
	const struct evict *e;
};

static struct brickyard_brick_ref
ref_of(const struct brick *b)
{
	return (struct brickyard_brick_ref){
		.size = sizeof(struct brickyard_brick_ref),
		.host = b->host,
		.path = b->path,
	};
}

static enum err
replace_on(void *arg, const struct brickyard_call *call,
	   const struct brickyard_node *node, struct error *err)
{
	const struct replace_arg *a = arg;
	struct brickyard_brick_ref old = ref_of(a->e->old);
	struct brickyard_brick_ref new_ = ref_of(a->e->new_);
	enum err r;

	r = executor_brick_replace(a->run->deps->executor, call, node,
				   a->e->v->name, &old, &new_, err);
	return r == ERR_OK ? r :
	       fail_prefix(err, "Unable to replace brick %s:%s with %s:%s for "
			   "volume %s", old.host, old.path, new_.host,
			   new_.path, a->e->v->name);
}

/* Time has passed since it was checked, and a replica may have died in here. */
enum err
evict_replace(struct op_run *run, const struct brickyard_call *call,
	      struct error *err)
{
	CLEANUP(evict_release) struct evict e = { 0 };
	struct replace_arg arg = { run, &e };
	struct presence there;
	enum err r = evict_need(&e, run, true, err);

	if (r != ERR_OK || e.v == NULL)
		return r;
	r = gluster_look(run->deps, call, e.v, e.old, e.new_, &there, err);
	if (r == ERR_OK && there.new_ && !there.old)
		return r;
	if (r == ERR_OK && !there.old)
		r = not_in_gluster(&e, err);
	if (r != ERR_OK)
		return not_found(&e, &there, r, err);
	r = wait_for_heal(run, call, &e, err);
	return r != ERR_OK ? r :
	       on_live_node(run->deps, call, e.v, e.new_->node,
			    GLUSTER_TIMEOUT_S, replace_on, &arg, err);
}

/* The client who was told of an error already is told the same for ever; what was
 * done counts nevertheless.
 */
static void
go_forward(struct op_run *run)
{
	struct operation *op = run->op;

	if (op->status != OP_UNDOING) {
		kvs_set(&op->args, "replaced", "true");
		return;
	}
	op->status = OP_RUNNING;
	op->error_code = ERR_OK;
	free(op->error);
	op->error = NULL;
}

enum err
evict_reconsider(struct op_run *run, const struct brickyard_call *call,
		 struct error *err)
{
	CLEANUP(evict_release) struct evict e = { 0 };
	struct presence there = { .old = false };
	enum err r = evict_init(&e, run, err);

	if (r != ERR_OK || e.old == NULL || e.new_ == NULL || is_replaced(run))
		return r;
	r = gluster_look(run->deps, call, e.v, e.old, e.new_, &there, err);
	if (r != ERR_OK && r != ERR_REFUSED && r != ERR_NOTFOUND)
		return r;
	if (there.new_) {
		log_info("brick %s: gluster has %s in its place, going on",
			 e.old->id, e.new_->id);
		go_forward(run);
	}
	return ERR_OK;
}

/* ---- stage: old brick ---- */

enum err
evict_remove_old(struct op_run *run, const struct brickyard_call *call,
		 struct error *err)
{
	CLEANUP(evict_release) struct evict e = { 0 };
	enum err r = evict_need(&e, run, false, err);

	if (r != ERR_OK || e.v == NULL)
		return r;
	r = on_its_node(run, call, &e, e.old, true, err);
	if (r == ERR_OK) {
		kvs_del(&run->op->args, "leftover");
		return r;
	}
	return forgive_the_dead(run, call, e.old, "leftover", r, err);
}

/* Its node is there and can't do it.  The volume is whole without it, so the
 * client is told, and the brick is left to be removed later.
 */
enum err
evict_remove_old_again(struct op_run *run, const struct brickyard_call *call,
		       struct error *err)
{
	enum err r = ERR_OK;

	if (is_replaced(run))
		return ERR_OK;
	for (int i = 0; i < REMOVE_TRIES; i++) {
		r = evict_remove_old(run, call, err);
		if (is_abandoning(r))
			return r;
		if (r == ERR_OK) {
			go_forward(run);
			return r;
		}
		if (!call_sleep(call, 200 << i))
			break;
	}
	if (call->cancelled(call))
		return fail(err, ERR_CANCELLED, "cancelled");
	log_warning("brick %s was replaced, but can't be removed: %s, ignoring; "
		    "it is tried again later",
		    kvs_get(&run->op->args, "brick"), err->text);
	kvs_set(&run->op->args, "replaced", "true");
	kvs_set(&run->op->args, "leftover", err->text);
	return ERR_OK;
}

/* ---- the end ---- */

/* From the start, which is soon through: the volume, and with it the brick, is
 * ours still.
 */
enum err
evict_replan(struct op_run *run, struct txn *t, struct error *err)
{
	enum err r = is_replaced(run) ? fail(err, ERR_REFUSED, "replaced") :
		     lost_elsewhere(run, err);

	if (r == ERR_OK)
		run->op->stage = 0;
	return r;
}

static void
swap_bricks(struct volume *v, struct brick *old, struct brick *new_)
{
	size_t at = (size_t)(new_ - v->bricks);
	struct brick b = *new_;

	memmove(new_, new_ + 1, (v->nbricks - at - 1) * sizeof(*new_));
	v->nbricks--;
	brick_release(old);
	*old = b;
}

static void
let_go(struct volume *v)
{
	v->pending[0] = '\0';
	v->doing = VOLUME_SETTLED;
	for (size_t i = 0; i < v->nbricks; i++)
		v->bricks[i].pending[0] = '\0';
}

enum err
evict_settle(struct op_run *run, struct txn *t, struct ledger *l, bool swap,
	     struct error *err)
{
	const struct operation *op = run->op;
	CLEANUP(evict_release) struct evict e = { 0 };
	enum err r = evict_init(&e, run, err);

	if (r != ERR_OK || e.v == NULL || strcmp(e.v->pending, op->id) != 0)
		return r;
	if (swap && (e.old == NULL || e.new_ == NULL))
		return fail(err, ERR_INTERNAL, "volume %s: no brick to replace",
			    e.v->id);
	if (swap) {
		give_back(run, &e, e.old, kvs_get(&op->args, "leftover"), l, t);
		swap_bricks(e.v, e.old, e.new_);
	}
	let_go(e.v);
	txn_put(t, &e.v->r);
	return ERR_OK;
}

enum err
evict_settle_failed(struct op_run *run, struct txn *t, struct ledger *l,
		    struct error *err)
{
	return evict_settle(run, t, l, is_replaced(run), err);
}

static enum err
finish(struct op_run *run, struct txn *t, struct error *err)
{
	struct ledger l = { 0 };
	enum err r = evict_settle(run, t, &l, true, err);

	ledger_close(&l, t);
	return r;
}

static enum err
undone(struct op_run *run, struct txn *t, struct error *err)
{
	struct ledger l = { 0 };
	enum err r = evict_settle_failed(run, t, &l, err);

	ledger_close(&l, t);
	return r;
}

static const struct op_stage stages[] = { EVICT_STAGES };

const struct op_rules op_rules_brick_evict = {
	.kind = OP_BRICK_EVICT,
	.throttled = true,
	.stages = stages,
	.nstages = ARRAY_SIZE(stages),
	.finish = finish,
	.undone = undone,
	.replan = evict_replan,
};
