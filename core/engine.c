/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads: up to running_operations workers, made when there is work; one
 * housekeeper.  Lock: engine->lock guards the queue and the set of operations
 * in hand; nothing else is locked while it is held.  The turn (engine_turn) is
 * the one lock under which the store is written; it is taken first of all.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine-private.h"
#include "service.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define CONFLICT_TRIES	 64
#define STAGE_TRIES	 3	/* of a stage, for transient errors */
#define UNDO_TRIES	 3
#define TURN_TRIES	 10	/* then another gets its turn */
#define TURN_SLEEP_MS	 50
#define HOUSEKEEPING_MS	 1000
#define PRUNE_BATCH	 100

static const struct op_rules *const all_rules[] = {
	&op_rules_volume_create, &op_rules_volume_delete,
	&op_rules_volume_expand, &op_rules_node_add, &op_rules_node_delete,
	&op_rules_device_add, &op_rules_device_delete, &op_rules_device_resync,
	&op_rules_block_create, &op_rules_block_delete, &op_rules_block_expand,
	&op_rules_block_restrict,
	&op_rules_brick_evict, &op_rules_device_remove, &op_rules_node_remove,
	&op_rules_clean,
	&op_rules_volume_clone,
};

const struct op_rules *
op_rules_of(enum op_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_rules); i++)
		if (all_rules[i]->kind == kind)
			return all_rules[i];
	return NULL;
}

/* ---- calls to nodes ---- */

struct engine_call {
	struct brickyard_call call;	/* first: it is what executors see */
	struct engine *engine;
	unsigned leases_lost;		/* when it began */
};

/* Node work ends when the service does, and no later than our lease: whoever
 * adopts the operation must not meet us on the node.
 */
static int
call_cancelled(const struct brickyard_call *call)
{
	const struct engine_call *c = (const void *)call;
	struct store *s = mirror_store(c->engine->deps.mirror);

	return c->engine->cancelled ||
	       c->engine->leases_lost != c->leases_lost ||
	       clock_mono_ms() >= store_lease_deadline_ms(s);
}

static void
call_init(struct engine_call *c, struct engine *e, const struct operation *op,
	  int timeout_s)
{
	*c = (struct engine_call){
		.call = {
			.size = sizeof(c->call),
			.operation_id = op->id,
			.epoch = op->epoch,
			.deadline_ms = clock_mono_ms() + timeout_s * 1000LL,
			.cancelled = call_cancelled,
		},
		.engine = e,
		.leases_lost = e->leases_lost,
	};
}

void
engine_lease_lost(struct engine *e)
{
	e->leases_lost++;
}

/* ---- commits ---- */

/* Something between half of it and all, so that those who collided once don't
 * do it again.
 */
static int
jitter(int ms)
{
	static _Atomic uint32_t state;
	uint32_t x = atomic_fetch_add(&state, 0x9e3779b9u) ^
		     (uint32_t)clock_mono_ms() ^ (uint32_t)getpid() << 8;

	x = (x ^ x >> 16) * 0x85ebca6bu;
	x = (x ^ x >> 13) * 0xc2b2ae35u;
	return ms - (int)((x ^ x >> 16) % (uint32_t)(ms / 2 + 1));
}

static void
nap(int attempt)
{
	int ms = jitter((attempt < 6 ? 2 << attempt : 100) + 8);
	struct timespec ts = { .tv_nsec = ms * 1000000L };

	nanosleep(&ts, NULL);
}

/* A store that does not answer in time is a store that is away: it says nothing
 * of the operation.
 */
static enum err
store_error(enum err r, struct error *err)
{
	CLEANUP_FREE char *text = NULL;

	if (r != ERR_TIMEOUT)
		return r;
	text = xstrdup(err->text);
	return fail(err, ERR_STORE, "%s", text);
}

/* Somebody was faster: see what they did. */
static enum err
catch_up(struct engine *e, int attempt, struct error *err)
{
	nap(attempt);
	return store_error(mirror_sync(e->deps.mirror, 5000, err), err);
}

enum err
engine_commit(struct engine *e, txn_build_fn *build, void *arg,
	      struct error *err)
{
	for (int attempt = 0;; attempt++) {
		TXN_SCOPE struct txn t = { 0 };
		enum err r = build(arg, &t, err);

		if (r == ERR_OK) {
			count(&e->counters, COUNTER_COMMITS);
			r = txn_commit(&t, e->deps.mirror, err);
		}
		if (r == ERR_CONFLICT)
			count(&e->counters, COUNTER_CONFLICTS);
		if (r != ERR_CONFLICT || attempt == CONFLICT_TRIES)
			return r;
		r = catch_up(e, attempt, err);
		if (r != ERR_OK)
			return r;
	}
}

pthread_mutex_t *
engine_turn(struct engine *e)
{
	return &e->turn;
}

/* Save the operation; a conflict here means that it is not ours any more. */
static enum err
save(struct op_run *run, struct txn *t, struct error *err)
{
	struct operation *op = run->op;
	struct operation *now;
	enum err r;

	op->updated_ms = clock_wall_ms();
	txn_put(t, &op->r);
	r = store_error(txn_commit(t, run->deps->mirror, err), err);
	if (r != ERR_OK)
		return r;
	now = (void *)mirror_get(run->deps->mirror, RECORD_OPERATION, op->id);
	if (now == NULL || now->epoch != op->epoch) {
		record_unref(now ? &now->r : NULL);
		return fail(err, ERR_FENCED, "operation %s: taken over", op->id);
	}
	op->r.revision = now->r.revision;
	record_unref(&now->r);
	return ERR_OK;
}

static enum err
save_alone(struct op_run *run, struct error *err)
{
	TXN_SCOPE struct txn t = { 0 };

	return save(run, &t, err);
}

static bool
still_ours(struct op_run *run)
{
	struct operation *now = (void *)mirror_get(run->deps->mirror,
						   RECORD_OPERATION,
						   run->op->id);
	bool ours = now != NULL && now->epoch == run->op->epoch &&
		    strcmp(now->owner, run->op->owner) == 0;

	record_unref(now ? &now->r : NULL);
	return ours;
}

struct op_commit {
	struct op_run *run;
	txn_build_fn *build;
	void *arg;
};

static enum err
build_for_op(void *arg, struct txn *t, struct error *err)
{
	const struct op_commit *c = arg;
	const struct operation *op = c->run->op;

	if (!still_ours(c->run))
		return fail(err, ERR_FENCED, "operation %s: taken over", op->id);
	txn_guard(t, op->r.key, op->r.revision);
	return c->build(c->arg, t, err);
}

enum err
engine_commit_op(struct op_run *run, txn_build_fn *build, void *arg,
		 struct error *err)
{
	struct op_commit c = { run, build, arg };

	return store_error(engine_commit(run->engine, build_for_op, &c, err),
			   err);
}

static void
end_operation(struct operation *op, enum op_status status)
{
	op->status = status;
	op->ended_ms = clock_wall_ms();
}

typedef enum err op_build_fn(struct op_run *, struct txn *, struct error *);

static enum err
save_end_with(struct op_run *run, op_build_fn *build, const char *slot,
	      struct error *err)
{
	for (int attempt = 0;; attempt++) {
		TXN_SCOPE struct txn t = { 0 };
		enum err r = build != NULL ? build(run, &t, err) : ERR_OK;

		if (r != ERR_OK)
			return r;
		if (slot[0] != '\0')
			txn_drop(&t, slot);
		count(&run->engine->counters, COUNTER_COMMITS);
		r = save(run, &t, err);
		if (r == ERR_CONFLICT)
			count(&run->engine->counters, COUNTER_CONFLICTS);
		if (r != ERR_CONFLICT || attempt == CONFLICT_TRIES ||
		    !still_ours(run))
			return r;
		r = catch_up(run->engine, attempt, err);
		if (r != ERR_OK)
			return r;
	}
}

/* Commit the end, one way or another: what `build` changes and the record. */
static enum err
save_end(struct op_run *run, op_build_fn *build, struct error *err)
{
	LOCK_FOR_SCOPE(&run->engine->turn);
	struct operation *op = run->op;
	int64_t held = op->slot;
	char slot[64] = "";
	enum err r;

	if (held >= 0 && operation_is_ended(op)) {
		snprintf(slot, sizeof(slot), "slots/%" PRId64, held);
		op->slot = -1;
	}
	r = save_end_with(run, build, slot, err);
	if (r != ERR_OK)
		op->slot = held;
	return r;
}

/* ---- stages ---- */

/* Errors after which the operation is left as it is, for its next owner. */
static bool
is_abandoning(enum err r)
{
	return r == ERR_FENCED || r == ERR_CANCELLED || r == ERR_STORE ||
	       r == ERR_CONFLICT;
}

static enum err
try_stage(struct op_run *run, const struct op_stage *s, bool undo,
	  struct error *err)
{
	struct engine_call c;
	enum err r;

	call_init(&c, run->engine, run->op, s->timeout_s);
	r = (undo ? s->undo : s->run)(run, &c.call, err);
	if (r != ERR_OK && call_cancelled(&c.call))
		return fail(err, ERR_CANCELLED, "cancelled");
	return r;
}

static void
note_retry(struct op_run *run, const struct op_stage *s, bool undo,
	   const struct error *err)
{
	count(&run->engine->counters, COUNTER_RETRIES);
	log_info("%s%s: %s, retrying", undo ? "undo of " : "", s->name,
		 err->text);
}

/* A few tries inside the gate.  Who tries again sleeps in there, too: that
 * keeps the others of this cluster from getting into each other's way.
 */
static enum err
take_turn(struct op_run *run, const struct op_stage *s, bool undo,
	  const struct brickyard_call *limits, struct error *err)
{
	enum err r = ERR_TRANSIENT;

	for (int i = 0; r == ERR_TRANSIENT && i < TURN_TRIES; i++) {
		note_retry(run, s, undo, err);
		count(&run->engine->counters, COUNTER_TRANSIENTS);
		if (!call_sleep(limits, jitter(TURN_SLEEP_MS << (i < 5 ? i : 5))))
			return call_cancelled(limits) ?
			       fail(err, ERR_CANCELLED, "cancelled") : r;
		r = try_stage(run, s, undo, err);
	}
	return r;
}

/* What passes by itself ("Another transaction is in progress") is tried until
 * the stage's time is over.  Of each cluster one operation of ours tries at a
 * time, the others wait for it, so that however many there are, glusterd meets
 * one contender a replica.
 */
static enum err
outlast(struct op_run *run, const struct op_stage *s, bool undo,
	struct error *err)
{
	struct gate *gate = &run->engine->retry_gate;
	struct gate_ticket t = { .key = run->op->cluster, .limit = 1 };
	struct engine_call limits;
	enum err r = ERR_TRANSIENT;

	call_init(&limits, run->engine, run->op, s->timeout_s);
	while (r == ERR_TRANSIENT &&
	       clock_mono_ms() < limits.call.deadline_ms) {
		struct error why;

		if (gate_enter(gate, &t, &limits.call, s->name, &why) != ERR_OK)
			return call_cancelled(&limits.call) ?
			       fail(err, ERR_CANCELLED, "cancelled") : r;
		r = take_turn(run, s, undo, &limits.call, err);
		gate_leave(gate, &t);
	}
	return r;
}

static enum err
run_stage(struct op_run *run, const struct op_stage *s, bool undo,
	  struct error *err)
{
	int tries = undo ? UNDO_TRIES : STAGE_TRIES;

	for (int i = 1;; i++) {
		struct engine_call c;
		enum err r = try_stage(run, s, undo, err);

		if (r == ERR_TRANSIENT)
			r = outlast(run, s, undo, err);
		if (r == ERR_OK || is_abandoning(r) || i == tries ||
		    (!undo && r != ERR_UNREACHABLE))
			return r;
		note_retry(run, s, undo, err);
		call_init(&c, run->engine, run->op, s->timeout_s);
		if (!call_sleep(&c.call, 100 * i * i))
			return call_cancelled(&c.call) ?
			       fail(err, ERR_CANCELLED, "cancelled") : r;
	}
}

/* Turn round: from here on the operation goes back. */
static enum err
turn_round(struct op_run *run, const struct error *why, struct error *err)
{
	struct operation *op = run->op;

	log_info("%s %s: %s: %s", op_kind_name(op->kind), op->target,
		 op_rules_of(op->kind)->stages[op->stage].name, why->text);
	op->status = OP_UNDOING;
	op->error_code = why->code;
	free(op->error);
	op->error = xstrdup(why->text);
	op->stage++;			/* the failed stage is undone, too */
	/* What may still be at work on a node is not to meet the undo there. */
	if (run->open || why->code == ERR_TIMEOUT || why->code == ERR_UNREACHABLE)
		op->epoch++;
	run->open = false;
	return save_alone(run, err);
}

static enum err
finish(struct op_run *run, const struct op_rules *rules, struct error *err)
{
	CLEANUP_FREE struct error *why = NULL;
	struct operation *op = run->op;
	enum err r;

	end_operation(op, OP_DONE);
	r = save_end(run, rules->finish, err);
	if (r == ERR_OK) {
		count(&run->engine->counters, COUNTER_DONE);
		log_notice("%s %s: done", op_kind_name(op->kind), op->target);
		return r;
	}
	op->status = OP_RUNNING;
	op->ended_ms = 0;
	if (is_abandoning(r))
		return r;
	/* What was done can't be used, and would not be the next time. */
	op->stage = (uint32_t)rules->nstages - 1;
	why = xmemdup(err, sizeof(*err));
	return turn_round(run, why, err);
}

static enum err
forward(struct op_run *run, const struct op_rules *rules, struct error *err)
{
	struct operation *op = run->op;

	while (op->stage < rules->nstages) {
		enum err r = run_stage(run, &rules->stages[op->stage], false, err);

		if (is_abandoning(r))
			return r;
		if (r != ERR_OK) {
			CLEANUP_FREE struct error *why = xmemdup(err, sizeof(*err));

			return turn_round(run, why, err);
		}
		op->stage = run->again ? 0 : op->stage + 1;
		run->again = false;
		/* The last stage is followed at once by the final commit. */
		if (op->stage < rules->nstages) {
			r = save_alone(run, err);
			if (r != ERR_OK)
				return r;
		}
	}
	return finish(run, rules, err);
}

/* The undo failed: tell the client its error now, go on trying. */
static enum err
get_stuck(struct op_run *run, const struct error *why, struct error *err)
{
	struct operation *op = run->op;

	log_warning("%s %s: undo failed: %s, %s", op_kind_name(op->kind),
		    op->target, why->text, stuck_are_retried(run->engine) ?
		    "retrying" : "to be cleaned up by hand");
	if (op->status == OP_STUCK)
		return fail(err, ERR_CANCELLED, "%s", why->text);
	end_operation(op, OP_STUCK);
	return save_end(run, NULL, err);
}

static enum err
give_up(struct op_run *run, const struct op_rules *rules, struct error *err)
{
	CLEANUP_FREE struct error *why = NULL;
	enum op_status was = run->op->status;
	enum err r;

	end_operation(run->op, OP_FAILED);
	r = save_end(run, rules->undone, err);
	if (r == ERR_OK) {
		count(&run->engine->counters, COUNTER_FAILED);
		log_notice("%s %s: failed: %s", op_kind_name(run->op->kind),
			   run->op->target, run->op->error);
		return r;
	}
	run->op->status = was;
	if (is_abandoning(r))
		return r;
	why = xmemdup(err, sizeof(*err));
	return get_stuck(run, why, err);
}

/* All is undone: start over elsewhere if the kind can, else end. */
static enum err
try_again(struct op_run *run, const struct op_rules *rules, struct error *err)
{
	struct operation *op = run->op;
	struct error why;
	enum err r;

	if (rules->replan == NULL || op->status == OP_STUCK)
		return give_up(run, rules, err);
	op->status = OP_RUNNING;
	op->attempt++;
	r = save_end(run, rules->replan, &why);
	if (r == ERR_OK)
		log_info("%s %s: attempt %" PRIu32 " after: %s",
			 op_kind_name(op->kind), op->target, op->attempt + 1,
			 op->error);
	if (r == ERR_OK || is_abandoning(r))
		return r == ERR_OK ? r : fail(err, r, "%s", why.text);
	op->status = OP_UNDOING;
	return give_up(run, rules, err);
}

static enum err
backward(struct op_run *run, const struct op_rules *rules, struct error *err)
{
	struct operation *op = run->op;

	while (op->stage > 0) {
		const struct op_stage *s = &rules->stages[op->stage - 1];
		enum err r = ERR_OK;

		if (s->undo != NULL)
			r = run_stage(run, s, true, err);
		if (is_abandoning(r))
			return r;
		if (r != ERR_OK) {
			CLEANUP_FREE struct error *why = xmemdup(err, sizeof(*err));

			return get_stuck(run, why, err);
		}
		/* An undo may find that it must go forward after all. */
		if (op->status == OP_RUNNING)
			return save_alone(run, err);
		op->stage--;
		if (op->stage > 0) {
			r = save_alone(run, err);
			if (r != ERR_OK)
				return r;
		}
	}
	return try_again(run, rules, err);
}

/* One operation, as far as it goes.  ERR_OK: it is over. */
static enum err
carry(struct engine *e, struct operation *op, struct error *err)
{
	struct op_run run = { .engine = e, .deps = &e->deps, .op = op };
	const struct op_rules *rules = op_rules_of(op->kind);
	enum err r = ERR_OK;

	assert(rules != NULL);
	while (r == ERR_OK && !operation_is_over(op)) {
		bool was_stuck = op->status == OP_STUCK;

		r = op->status == OP_RUNNING ? forward(&run, rules, err) :
					       backward(&run, rules, err);
		if (r == ERR_OK && !was_stuck && op->status == OP_STUCK)
			r = fail(err, ERR_CANCELLED, "stuck");
	}
	kvs_release(&run.found);
	return r;
}

/* ---- workers ---- */

static struct job *
next_job(struct engine *e)
{
	for (;;) {
		struct job *j = e->head;

		if (e->stopping)
			return NULL;
		if (j != NULL) {
			e->head = j->next;
			if (e->head == NULL)
				e->tail = &e->head;
			e->nqueued--;
			j->queued = false;
			j->running = true;
			count_peak(&e->counters, COUNTER_RUNNING_PEAK,
				   ++e->nrunning);
			return j;
		}
		e->idle++;
		pthread_cond_wait(&e->work, &e->lock);
		e->idle--;
	}
}

void
engine_do_job(struct engine *e, const char *id)
{
	CLEANUP_FREE struct error *err = XNEW(struct error);
	RECORD_SCOPE struct operation *rec =
		(void *)mirror_get(e->deps.mirror, RECORD_OPERATION, id);
	RECORD_SCOPE struct operation *op = NULL;
	enum err r;

	if (rec == NULL || operation_is_over(rec) ||
	    strcmp(rec->owner, e->deps.replica_id) != 0)
		return;
	op = operation_copy(rec);
	log_set_context(id);
	count(&e->counters, COUNTER_STARTED);
	r = carry(e, op, err);
	if (r == ERR_FENCED || r == ERR_CONFLICT)
		count(&e->counters, COUNTER_FENCES);
	if (r != ERR_OK && op->status != OP_STUCK)
		log_info("%s %s: left at stage %" PRIu32 ": %s",
			 op_kind_name(op->kind), op->target, op->stage,
			 err->text);
	log_set_context(NULL);
}

/* Leave the job in hand for a while when it is not over, so that housekeeping
 * does not give it out again at once.
 */
void
engine_put_job(struct engine *e, struct job *j, bool over)
{
	j->running = false;
	e->nrunning--;
	if (over) {
		HASH_DEL(e->in_hand, j);
		free(j);
		return;
	}
	j->not_before_ms = clock_mono_ms() + HOUSEKEEPING_MS;
}

/* Is there no more to do for us?  What was taken over must leave our hands, or
 * we could not take it back when its new owner dies.
 */
bool
engine_job_is_over(struct engine *e, const char *id, int64_t *ret_stuck_ms)
{
	RECORD_SCOPE struct operation *op =
		(void *)mirror_get(e->deps.mirror, RECORD_OPERATION, id);

	*ret_stuck_ms = op != NULL && op->status == OP_STUCK ?
			stuck_pause_ms(e, op) : 0;
	return op == NULL || operation_is_over(op) ||
	       strcmp(op->owner, e->deps.replica_id) != 0;
}

static void *
worker(void *arg)
{
	struct engine *e = arg;

	pthread_setname_np(pthread_self(), "worker");
	pthread_mutex_lock(&e->lock);
	for (;;) {
		struct job *j = next_job(e);
		int64_t pause_ms;
		bool over;

		if (j == NULL)
			break;
		pthread_mutex_unlock(&e->lock);
		engine_do_job(e, j->id);
		over = engine_job_is_over(e, j->id, &pause_ms);
		pthread_mutex_lock(&e->lock);
		engine_put_job(e, j, over);
		if (!over && pause_ms > 0)
			j->not_before_ms = clock_mono_ms() + pause_ms;
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

/* Under the lock. */
static void
enqueue(struct engine *e, struct job *j)
{
	j->next = NULL;
	*e->tail = j;
	e->tail = &j->next;
	j->queued = true;
	e->nqueued++;
	if (e->nqueued > e->idle && e->nthreads < e->max_threads &&
	    pthread_create(&e->threads[e->nthreads], NULL, worker, e) == 0)
		e->nthreads++;
	pthread_cond_signal(&e->work);
}

struct job *
engine_find_job(struct engine *e, const char *id)
{
	struct job *j = NULL;

	HASH_FIND_STR(e->in_hand, id, j);
	return j;
}

/* Queue it, unless it is in hand. */
void
engine_submit(struct engine *e, const char *id)
{
	LOCK_FOR_SCOPE(&e->lock);
	struct job *j = engine_find_job(e, id);

	if (e->stopping || j != NULL)
		return;
	j = XNEW(struct job);
	memcpy(j->id, id, ID_SIZE);
	HASH_ADD_STR(e->in_hand, id, j);
	enqueue(e, j);
}

/* Jobs that nobody works on, and whose time to be tried again has come: if they
 * are still ours, they are submitted anew.
 */
static void
forget_idle(struct engine *e)
{
	LOCK_FOR_SCOPE(&e->lock);
	int64_t now = clock_mono_ms();
	struct job *j, *next;

	HASH_ITER(hh, e->in_hand, j, next) {
		if (j->running || j->queued || now < j->not_before_ms)
			continue;
		HASH_DEL(e->in_hand, j);
		free(j);
	}
}

/* ---- housekeeping ---- */

static bool
is_alive(struct engine *e, const char *replica)
{
	RECORD_SCOPE struct record *r =
		mirror_get(e->deps.mirror, RECORD_REPLICA, replica);

	return r != NULL;
}

/* Does a worker of ours still have it, from when it was ours? */
static bool
is_at_work(struct engine *e, const char *id)
{
	LOCK_FOR_SCOPE(&e->lock);
	const struct job *j = engine_find_job(e, id);

	return j != NULL && (j->running || j->queued);
}

/* Take over an operation whose owner is gone: owner = we, epoch + 1, guarded by
 * the record's revision, so one replica only gets it, and by the absence of the
 * owner, who may be back.
 */
static void
adopt(struct engine *e, const struct operation *rec)
{
	CLEANUP_FREE struct error *err = XNEW(struct error);
	CLEANUP_FREE char *owner = xasprintf("replicas/%s", rec->owner);
	RECORD_SCOPE struct operation *op = operation_copy(rec);
	TXN_SCOPE struct txn t = { 0 };
	enum err r;

	txn_guard(&t, owner, 0);
	snprintf(op->owner, sizeof(op->owner), "%s", e->deps.replica_id);
	op->epoch++;
	op->updated_ms = clock_wall_ms();
	txn_put(&t, &op->r);
	r = txn_commit(&t, e->deps.mirror, err);
	if (r == ERR_OK) {
		log_notice("%s %s: operation %s adopted at stage %" PRIu32
			   ", epoch %" PRIu64, op_kind_name(op->kind),
			   op->target, op->id, op->stage, op->epoch);
		count(&e->counters, COUNTER_ADOPTIONS);
		engine_submit(e, op->id);
	} else if (r != ERR_CONFLICT) {
		log_warning("operation %s: can't be adopted: %s, retrying",
			    op->id, err->text);
	}
}

static void
look_after(struct engine *e, const char *id)
{
	RECORD_SCOPE struct operation *op =
		(void *)mirror_get(e->deps.mirror, RECORD_OPERATION, id);

	if (op == NULL || operation_is_over(op) ||
	    op_rules_of(op->kind) == NULL ||
	    (op->status == OP_STUCK && !stuck_may_be_tried(e)))
		return;
	if (strcmp(op->owner, e->deps.replica_id) == 0)
		engine_submit(e, id);
	/* Who is dead to the others inherits nothing: they would take it away
	 * again.
	 */
	else if (!is_alive(e, op->owner) && is_alive(e, e->deps.replica_id) &&
		 !is_at_work(e, id))
		adopt(e, op);
	e->trying |= op->status == OP_STUCK && is_at_work(e, id);
}

/* Is a worker of ours at a stuck undo?  open: as list_open makes it. */
static bool
tries_stuck(struct engine *e, const struct strs *open)
{
	bool trying = false;

	for (size_t i = 0; i < open->n && !trying; i++) {
		const char *id = strchr(open->v[i], ' ') + 1;
		RECORD_SCOPE struct operation *op = (void *)mirror_get(
			e->deps.mirror, RECORD_OPERATION, id);

		trying = op != NULL && op->status == OP_STUCK &&
			 is_at_work(e, id);
	}
	return trying;
}

/* Open operations, the oldest first: what waited longest in the queue of a dead
 * replica is the first in ours.
 */
static void
list_open(struct engine *e, struct strs *ret)
{
	const struct strs *ids;

	mirror_rdlock(e->deps.mirror);
	ids = relation_of(e->deps.model->open_ops, "");
	for (size_t i = 0; i < ids->n; i++) {
		const struct operation *op = (const void *)mirror_peek(
			e->deps.mirror, RECORD_OPERATION, ids->v[i]);

		if (op != NULL)
			*VEC_PUSH(ret) = xasprintf("%020" PRId64 " %s",
						   op->created_ms, op->id);
	}
	mirror_unlock(e->deps.mirror);
	strs_sort(ret);
}

static void
look_after_all(struct engine *e)
{
	CLEANUP(strs_release) struct strs open = { 0 };

	forget_idle(e);
	list_open(e, &open);
	e->trying = tries_stuck(e, &open);
	for (size_t i = 0; i < open.n && !e->stopping; i++)
		look_after(e, strchr(open.v[i], ' ') + 1);
}

static void *
housekeeping(void *arg)
{
	struct engine *e = arg;

	pthread_setname_np(pthread_self(), "housekeeper");
	while (!e->stopping) {
		look_after_all(e);
		LOCK_FOR_SCOPE(&e->lock);
		if (!e->wanted && !e->stopping)
			cond_wait_until(&e->wake, &e->lock,
					clock_mono_ms() + HOUSEKEEPING_MS);
		e->wanted = false;
	}
	return NULL;
}

void
engine_wake(struct engine *e)
{
	LOCK_FOR_SCOPE(&e->lock);

	e->wanted = true;
	pthread_cond_signal(&e->wake);
}

/* ---- life cycle ---- */

struct engine *
engine_new(const struct engine_deps *deps)
{
	struct engine *e = XNEW(struct engine);

	e->deps = *deps;
	e->tail = &e->head;
	e->max_threads = (size_t)config_int(deps->config, "running_operations");
	e->threads = xcalloc(e->max_threads, sizeof(e->threads[0]));
	gate_init(&e->retry_gate);
	pthread_mutex_init(&e->turn, NULL);
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->work, NULL);
	cond_init_mono(&e->wake);
	return e;
}

void
engine_start(struct engine *e)
{
	int r;

	e->started_ms = clock_mono_ms();
	r = pthread_create(&e->housekeeper, NULL, housekeeping, e);
	assert(r == 0);
	(void)r;
	e->started = true;
}

struct counters *
engine_counters(struct engine *e)
{
	return &e->counters;
}

void
engine_load(struct engine *e, size_t *ret_running, size_t *ret_waiting)
{
	LOCK_FOR_SCOPE(&e->lock);

	*ret_running = e->nrunning;
	*ret_waiting = e->nqueued;
}

static size_t
count_running(struct engine *e)
{
	LOCK_FOR_SCOPE(&e->lock);

	return e->nrunning;
}

void
engine_stop(struct engine *e, int grace_ms)
{
	int64_t until = clock_mono_ms() + grace_ms;
	struct timespec ts = { .tv_nsec = 5 * 1000000 };

	{
		LOCK_FOR_SCOPE(&e->lock);
		e->stopping = true;
		pthread_cond_broadcast(&e->work);
		pthread_cond_signal(&e->wake);
	}
	while (count_running(e) > 0 && clock_mono_ms() < until)
		nanosleep(&ts, NULL);
	e->cancelled = true;
	if (e->started)
		pthread_join(e->housekeeper, NULL);
	e->started = false;
	for (size_t i = 0; i < e->nthreads; i++)
		pthread_join(e->threads[i], NULL);
	e->nthreads = 0;
}

void
engine_free(struct engine *e)
{
	struct job *j, *next;

	if (e == NULL)
		return;
	HASH_ITER(hh, e->in_hand, j, next) {
		HASH_DEL(e->in_hand, j);
		free(j);
	}
	gate_release(&e->retry_gate);
	pthread_mutex_destroy(&e->turn);
	pthread_mutex_destroy(&e->lock);
	pthread_cond_destroy(&e->work);
	pthread_cond_destroy(&e->wake);
	free(e->threads);
	free(e);
}
