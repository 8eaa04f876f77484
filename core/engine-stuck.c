/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations whose undo failed: when they are tried again by themselves, and how
 * they are on demand.  heketi's keys of its background cleaner rule the first:
 * not before the start time, never when that is disabled; after half a minute at
 * first, then after as long as it has been stuck, but no longer than the
 * refresh time.  One at a time, and none while no slot is left: what clients
 * want now comes first.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine-private.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define PAUSE_MS	30000		/* the first */
#define TAKE_TRIES	8
#define LOOK_MS		20

bool
stuck_are_retried(const struct engine *e)
{
	return !config_bool(e->deps.config,
			    "glusterfs.disable_background_cleaner");
}

bool
stuck_may_be_tried(const struct engine *e)
{
	int64_t start_s = config_int(e->deps.config,
				     "glusterfs.start_time_background_cleaner");

	return stuck_are_retried(e) && !e->trying && slot_is_left(&e->deps) &&
	       clock_mono_ms() - e->started_ms >= start_s * 1000;
}

int64_t
stuck_pause_ms(const struct engine *e, const struct operation *op)
{
	int64_t most = 1000 * config_int(e->deps.config,
				"glusterfs.refresh_time_background_cleaner");
	int64_t since = clock_wall_ms() - op->ended_ms;
	int64_t pause = since > PAUSE_MS ? since : PAUSE_MS;

	if (most < 1000)
		most = 1000;
	return pause < most ? pause : most;
}

/* ---- on demand ---- */

/* Make it ours.  Whoever had it may be at work on it at this moment: the epoch
 * stops that, as if it had died.  ret: untouched when there is nothing to do.
 */
static enum err
take_over(struct engine *e, const char *id, bool *ret, struct error *err)
{
	RECORD_SCOPE struct operation *rec =
		(void *)mirror_get(e->deps.mirror, RECORD_OPERATION, id);
	RECORD_SCOPE struct operation *op = NULL;
	TXN_SCOPE struct txn t = { 0 };
	enum err r;

	if (rec == NULL || rec->status != OP_STUCK)
		return ERR_OK;
	*ret = true;
	if (strcmp(rec->owner, e->deps.replica_id) == 0)
		return ERR_OK;
	op = operation_copy(rec);
	snprintf(op->owner, sizeof(op->owner), "%s", e->deps.replica_id);
	op->epoch++;
	op->updated_ms = clock_wall_ms();
	txn_put(&t, &op->r);
	r = txn_commit(&t, e->deps.mirror, err);
	if (r == ERR_OK)
		count(&e->counters, COUNTER_ADOPTIONS);
	else
		*ret = false;
	return r;
}

/* Under the lock. */
static void
leave_queue(struct engine *e, struct job *j)
{
	struct job **at = &e->head;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	if (e->tail == &j->next)
		e->tail = at;
	e->nqueued--;
	j->queued = false;
}

/* Its job, marked as running on our thread; NULL: a worker runs it. */
static struct job *
seize(struct engine *e, const char *id)
{
	LOCK_FOR_SCOPE(&e->lock);
	struct job *j = engine_find_job(e, id);

	if (j != NULL && j->running)
		return NULL;
	if (j != NULL && j->queued)
		leave_queue(e, j);
	if (j == NULL) {
		j = XNEW(struct job);
		snprintf(j->id, sizeof(j->id), "%s", id);
		HASH_ADD_STR(e->in_hand, id, j);
	}
	j->running = true;
	count_peak(&e->counters, COUNTER_RUNNING_PEAK, ++e->nrunning);
	return j;
}

static void
run_here(struct engine *e, struct job *j)
{
	int64_t pause_ms;
	bool over;

	engine_do_job(e, j->id);
	over = engine_job_is_over(e, j->id, &pause_ms);
	LOCK_FOR_SCOPE(&e->lock);
	engine_put_job(e, j, over);
	if (!over && pause_ms > 0)
		j->not_before_ms = clock_mono_ms() + pause_ms;
}

static enum err
take_over_surely(struct engine *e, const char *id, bool *ret, struct error *err)
{
	enum err r = ERR_CONFLICT;

	for (int i = 0; r == ERR_CONFLICT && i < TAKE_TRIES; i++)
		r = take_over(e, id, ret, err);
	return r;
}

enum err
engine_clean(struct engine *e, const char *id,
	     const struct brickyard_call *limits, struct error *err)
{
	struct job *j;
	bool wanted = false;
	enum err r = take_over_surely(e, id, &wanted, err);

	if (r != ERR_OK || !wanted)
		return r;
	/* That is a try as good as ours; it began after the client asked, or
	 * ends before ours begins.
	 */
	while ((j = seize(e, id)) == NULL)
		if (!call_sleep(limits, LOOK_MS))
			return fail(err, ERR_CANCELLED, "cancelled");
	run_here(e, j);
	return ERR_OK;
}
