/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cleaning up on demand: the undo of stuck operations is tried again now, and what
 * a replica that died has left is carried on, one after another, the oldest first.
 * What fails again is logged and goes on being stuck; the operation itself ends
 * well, as heketi's does.  So it is with bricks that are left over.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "duty.h"
#include "engine.h"
#include "util/log.h"
#include "util/xalloc.h"

#define CLEAN_TIMEOUT_S (24 * 3600)	/* of all; each stage has its own */

struct place {
	struct op_run *run;
};

static enum err
build_place(void *arg, struct txn *t, struct error *err)
{
	struct op_run *run = ((struct place *)arg)->run;

	run->op->slot = -1;
	return slot_take(run->deps, run->op, t, err);
}

/* As heketi, one place for the one that is being cleaned.  It goes with our own
 * record; should we die before that names it, the cleaner gives it back.
 */
static enum err
find_place(struct op_run *run, struct error *err)
{
	struct place a = { run };
	enum err r;

	if (run->op->slot >= 0)
		return ERR_OK;
	LOCK_FOR_SCOPE(engine_turn(run->engine));
	r = engine_commit_op(run, build_place, &a, err);
	if (r != ERR_OK)
		run->op->slot = -1;
	return r;
}

/* heketi's failed and stale ones; also those that we have inherited meanwhile, and
 * are at work on, so that they are over when the client hears of us.  (An epoch
 * grows for other reasons, too: waiting for such a one does no harm.)  Under the
 * mirror's lock.
 */
static bool
is_to_be_cleaned(struct op_run *run, const struct operation *op)
{
	if (op->status == OP_STUCK)
		return true;
	if (op->kind == OP_CLEAN)
		return false;
	if (strcmp(op->owner, run->deps->replica_id) == 0)
		return op->epoch > 1;
	return mirror_peek(run->deps->mirror, RECORD_REPLICA, op->owner) == NULL;
}

/* "CREATED ID", the oldest first. */
static void
list_unclean(struct op_run *run, const struct strs *wanted, struct strs *ret)
{
	const struct strs *ids;

	mirror_rdlock(run->deps->mirror);
	ids = relation_of(run->deps->model->open_ops, "");
	for (size_t i = 0; i < ids->n; i++) {
		const struct operation *op = (const void *)mirror_peek(
			run->deps->mirror, RECORD_OPERATION, ids->v[i]);

		if (op != NULL && is_to_be_cleaned(run, op) &&
		    (wanted->n == 0 || strs_has(wanted, op->id)))
			*VEC_PUSH(ret) = xasprintf("%020" PRId64 " %s",
						   op->created_ms, op->id);
	}
	mirror_unlock(run->deps->mirror);
	strs_sort(ret);
}

/* What is carried on has its place, or needs none. */
static bool
needs_place(struct op_run *run, const char *id)
{
	RECORD_SCOPE struct operation *op = (void *)mirror_get(
		run->deps->mirror, RECORD_OPERATION, id);

	return op != NULL && op->status == OP_STUCK;
}

static enum err
clean_one(struct op_run *run, const char *id, const struct brickyard_call *call,
	  struct error *err)
{
	enum err r = needs_place(run, id) ? find_place(run, err) : ERR_OK;

	if (r == ERR_OK)
		r = engine_clean(run->engine, id, call, err);
	log_set_context(run->op->id);
	if (r == ERR_OK || r == ERR_FENCED || r == ERR_CANCELLED ||
	    r == ERR_STORE)
		return r;
	log_warning("operation %s: not cleaned up: %s", id, err->text);
	return ERR_OK;
}

static enum err
clean(struct op_run *run, const struct brickyard_call *call, struct error *err)
{
	CLEANUP(strs_release) struct strs wanted = { 0 };
	CLEANUP(strs_release) struct strs ids = { 0 };
	const char *arg = kvs_get(&run->op->args, "operations");
	enum err r = ERR_OK;

	if (arg != NULL)
		strs_split(&wanted, arg, ' ');
	list_unclean(run, &wanted, &ids);
	for (size_t i = 0; r == ERR_OK && i < ids.n; i++)
		r = clean_one(run, strchr(ids.v[i], ' ') + 1, call, err);
	/* What is no operation any more, but may still be on a node. */
	if (r == ERR_OK && wanted.n == 0)
		leftovers_sweep(run->deps, call);
	return r;
}

static enum err
nothing(struct op_run *run, struct txn *t, struct error *err)
{
	return ERR_OK;
}

static const struct op_stage clean_stages[] = {
	{ "clean", CLEAN_TIMEOUT_S, clean, NULL },
};

const struct op_rules op_rules_clean = {
	.kind = OP_CLEAN,
	.stages = clean_stages,
	.nstages = ARRAY_SIZE(clean_stages),
	.finish = nothing,
	.undone = nothing,
};
