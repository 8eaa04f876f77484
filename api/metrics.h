/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prometheus' text format, version 0.0.4. */
#ifndef METRICS_H
#define METRICS_H

#include <stdint.h>

#include "util/buf.h"
#include "util/histogram.h"

/* The lines before the samples. */
void metric_head(struct buf *, const char *name, const char *type,
		 const char *help);
/* A name and its one sample, without labels. */
void metric_one(struct buf *, const char *name, const char *type,
		const char *help, uint64_t value);
void metric_float(struct buf *, const char *name, const char *type,
		  const char *help, double value);
/* Digits below a million, then 1.5e+06, with no more digits than tell it from its
 * neighbours: heketi's way, which scripts look for.
 */
void metric_number(struct buf *, uint64_t value);
/* KEY="VALUE", quoted; with a comma before it if there is something in b. */
void metric_label(struct buf *, const char *key, const char *value);
/* Samples of a histogram, in seconds.  labels: as metric_label adds them. */
void metric_histogram(struct buf *, const char *name, const char *labels,
		      const struct histogram *);

#endif
