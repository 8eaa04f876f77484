/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list that only grows: who reads it needs no lock, up to the n that it saw. */
#include <config.h>

#include <string.h>

#include "step-stats.h"
#include "util/cleanup.h"

void
step_stats_init(struct step_stats *s)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
}

void
step_stats_release(struct step_stats *s)
{
	pthread_mutex_destroy(&s->lock);
}

static struct step_stat *
find(struct step_stats *s, const char *step)
{
	size_t n = atomic_load(&s->n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(s->v[i].step, step) == 0)
			return &s->v[i];
	return NULL;
}

static struct step_stat *
add(struct step_stats *s, const char *step)
{
	LOCK_FOR_SCOPE(&s->lock);
	struct step_stat *st = find(s, step);
	size_t n = atomic_load(&s->n);

	if (st != NULL || n == STEPS_MAX)
		return st;
	s->v[n].step = step;
	atomic_store(&s->n, n + 1);
	return &s->v[n];
}

void
step_stats_add(struct step_stats *s, const char *step, int64_t us, enum err e)
{
	struct step_stat *st = find(s, step);

	if (st == NULL)
		st = add(s, step);
	if (st == NULL)
		return;
	histogram_add(&st->took, us);
	if (e != ERR_OK)
		atomic_fetch_add(&st->failed, 1);
}
