/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long things took: a few buckets, counted without a lock.  All histograms
 * have the same bounds, from a millisecond to a minute.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS 11
extern const int64_t histogram_bounds_us[HISTOGRAM_BOUNDS];

struct histogram {
	_Atomic uint64_t v[HISTOGRAM_BOUNDS + 1];	/* the last: longer */
	_Atomic uint64_t sum_us;
};

void histogram_add(struct histogram *, int64_t us);
uint64_t histogram_count(const struct histogram *);

#endif
