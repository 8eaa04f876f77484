/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long an executor's steps took, and how often they failed. */
#ifndef STEP_STATS_H
#define STEP_STATS_H

#include <pthread.h>

#include "util/error.h"
#include "util/histogram.h"

#define STEPS_MAX 48		/* more than the ABI has */

struct step_stats {
	pthread_mutex_t lock;	/* of adding a name; a leaf */
	_Atomic size_t n;
	struct step_stat {
		const char *step;		/* a literal */
		struct histogram took;
		_Atomic uint64_t failed;
	} v[STEPS_MAX];
};

void step_stats_init(struct step_stats *);
void step_stats_release(struct step_stats *);
void step_stats_add(struct step_stats *, const char *step, int64_t us,
		    enum err);

#endif
