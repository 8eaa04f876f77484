/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the engine share among themselves: engine.c carries
 * operations on, engine-stuck.c those whose undo failed.
 */
#ifndef ENGINE_PRIVATE_H
#define ENGINE_PRIVATE_H

#include <uthash.h>

#include "engine.h"
#include "gate.h"

struct job {
	char id[ID_SIZE];
	int64_t not_before_ms;
	bool running, queued;
	struct job *next;		/* in the queue */
	UT_hash_handle hh;		/* in the set of those in hand */
};

struct engine {
	struct engine_deps deps;
	pthread_mutex_t turn;
	pthread_mutex_t lock;
	pthread_cond_t work;		/* the queue grew, or the end is near */
	pthread_cond_t wake;		/* housekeeping is wanted */
	struct job *in_hand;		/* all jobs, queued or running */
	struct job *head, **tail;	/* the queue */
	size_t nqueued, nrunning, nthreads, idle, max_threads;
	pthread_t *threads;
	pthread_t housekeeper;
	bool started, wanted;
	_Atomic bool trying;		/* a stuck undo */
	_Atomic bool stopping;		/* take nothing new */
	_Atomic bool cancelled;		/* stop node work */
	struct counters counters;
	struct gate retry_gate;		/* by cluster: those who try again */
	_Atomic unsigned leases_lost;
	int64_t started_ms;		/* monotonic */
};

/* Take the operation as far as it goes, on this thread.  Its job is running. */
void engine_do_job(struct engine *, const char *id);
/* Under the lock. */
struct job *engine_find_job(struct engine *, const char *id);
/* Under the lock: leave the job in hand for a while when it is not over. */
void engine_put_job(struct engine *, struct job *, bool over);
/* Have it carried on if that is for us, or has become so. */
void engine_look_after(struct engine *, const char *id);
/* Is there no more to do for us?  *ret_stuck_ms: when it is stuck, so long until
 * it is tried again; else 0.
 */
bool engine_job_is_over(struct engine *, const char *id, int64_t *ret_stuck_ms);

/* ---- stuck undos ---- */

/* Does time alone bring on another try? */
bool stuck_are_retried(const struct engine *);
/* ... and has it come for this replica, while it tries no other? */
bool stuck_may_be_tried(const struct engine *);
int64_t stuck_pause_ms(const struct engine *, const struct operation *);

#endif
