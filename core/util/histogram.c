/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include "util/histogram.h"

const int64_t histogram_bounds_us[HISTOGRAM_BOUNDS] = {
	1000, 2500, 10000, 25000, 100000, 250000, 1000000, 2500000, 10000000,
	30000000, 60000000,
};

void
histogram_add(struct histogram *h, int64_t us)
{
	size_t i = 0;

	if (us < 0)
		us = 0;
	while (i < HISTOGRAM_BOUNDS && us > histogram_bounds_us[i])
		i++;
	atomic_fetch_add_explicit(&h->v[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum_us, (uint64_t)us,
				  memory_order_relaxed);
}

uint64_t
histogram_count(const struct histogram *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
		n += atomic_load_explicit(&h->v[i], memory_order_relaxed);
	return n;
}
