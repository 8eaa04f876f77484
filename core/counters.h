/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine counts since the process began, for people, tests and
 * benchmarks.  Any thread; never a lock.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

enum counter {
	COUNTER_COMMITS,	/* tried, of plans, placements and ends */
	COUNTER_CONFLICTS,	/* of these, those that somebody was faster at */
	COUNTER_ADOPTIONS,	/* operations taken over from the dead */
	COUNTER_FENCES,		/* stopped: the operation is another's */
	COUNTER_RETRIES,	/* stages tried again */
	COUNTER_TRANSIENTS,	/* of these, for what passes by itself */
	COUNTER_DONE,		/* operations that ended well here */
	COUNTER_FAILED,		/* ... and those that did not */
	COUNTER_STARTED,	/* operations that a worker took up */
	COUNTER_RUNNING_PEAK,	/* most of them at a time */
	COUNTERS
};

struct counters {
	_Atomic uint64_t v[COUNTERS];
};

static inline void
count(struct counters *c, enum counter which)
{
	atomic_fetch_add_explicit(&c->v[which], 1, memory_order_relaxed);
}

static inline void
count_peak(struct counters *c, enum counter which, uint64_t n)
{
	uint64_t was = atomic_load(&c->v[which]);

	while (n > was && !atomic_compare_exchange_weak(&c->v[which], &was, n))
		;
}

const char *counter_name(enum counter);		/* "conflicts" */

#endif
