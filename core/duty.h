/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Duties: work that one replica should do at a time, again and again.  Whoever
 * puts the key duties/NAME on its lease has the duty; when that lease ends,
 * another one takes it over.  Two may think for a moment that they have it (a
 * lease that just ended): what a duty does must bear being done twice.
 */
#ifndef DUTY_H
#define DUTY_H

#include "engine.h"

struct duty;

struct duty_rules {
	const char *name;
	int64_t first_ms;	/* no sooner than so long after the start */
	int64_t every_ms;
	void (*run)(struct duty *, const struct engine_deps *);
};

/* A thread is started for it. */
struct duty *duty_start(const struct duty_rules *,
			const struct engine_deps *);
/* Tell it to stop soon, then wait for that.  Both accept NULL. */
void duty_cancel(struct duty *);
void duty_stop(struct duty *);
/* For run: is there no point in going on? */
bool duty_is_over(const struct duty *);

/* A node call on behalf of a duty. */
struct duty_call {
	struct brickyard_call call;	/* first: it is what executors see */
	const struct duty *duty;
};
void duty_call_init(struct duty_call *, const struct duty *, int timeout_s);

/* ---- what there is to do ---- */

/* health: ask the nodes whether glusterd is alive (health.c). */
void health_run(struct duty *, const struct engine_deps *);
/* recovery: ask those that were not (health.c). */
void recovery_run(struct duty *, const struct engine_deps *);
/* results: forget results that were kept long enough, and what was said about
 * the health of nodes too long ago (cleaner.c).
 */
void results_run(struct duty *, const struct engine_deps *);
/* cleaner: give back slots and names whose owners are gone (cleaner.c). */
void cleaner_run(struct duty *, const struct engine_deps *);
/* leftovers: take away bricks that could not be when they were replaced
 * (leftover.c).
 */
void leftovers_run(struct duty *, const struct engine_deps *);
/* The same for who cleans up: once, and whoever else may be at it. */
void leftovers_sweep(const struct engine_deps *, const struct brickyard_call *);

/* How long a word on a node's health counts, as in heketi. */
#define HEALTH_EXPIRY_MS (2 * 3600 * 1000)

#endif
