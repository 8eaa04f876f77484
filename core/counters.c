/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <assert.h>

#include "counters.h"

static const char *const names[COUNTERS] = {
	[COUNTER_COMMITS] = "commits",
	[COUNTER_CONFLICTS] = "conflicts",
	[COUNTER_ADOPTIONS] = "adoptions",
	[COUNTER_FENCES] = "fences",
	[COUNTER_RETRIES] = "retries",
	[COUNTER_TRANSIENTS] = "transients",
	[COUNTER_DONE] = "done",
	[COUNTER_FAILED] = "failed",
	[COUNTER_STARTED] = "started",
	[COUNTER_RUNNING_PEAK] = "running_peak",
};

const char *
counter_name(enum counter which)
{
	assert((unsigned)which < COUNTERS);
	return names[which];
}
