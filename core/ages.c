/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing is locked: an ages belongs to one thread. */
#include <config.h>

#include <string.h>

#include "ages.h"

static void
drop_oldest(struct ages *a)
{
	memmove(&a->v[0], &a->v[1], (a->n - 1) * sizeof(a->v[0]));
	a->n--;
}

int64_t
ages_note(struct ages *a, int64_t now_ms, int64_t revision, int64_t age_ms)
{
	const size_t max = sizeof(a->v) / sizeof(a->v[0]);

	if (a->n == 0 ||
	    now_ms - a->v[a->n - 1].mono_ms >= age_ms / AGES_PARTS) {
		if (a->n == max)
			drop_oldest(a);
		a->v[a->n].mono_ms = now_ms;
		a->v[a->n++].revision = revision;
	}
	while (a->n > 1 && a->v[1].mono_ms <= now_ms - age_ms)
		drop_oldest(a);
	return a->v[0].mono_ms <= now_ms - age_ms ? a->v[0].revision : 0;
}
