/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pure functions on the caller's buffer; any thread. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/metrics.h"

void
metric_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void
metric_one(struct buf *b, const char *name, const char *type, const char *help,
	   uint64_t value)
{
	metric_head(b, name, type, help);
	buf_addf(b, "%s %" PRIu64 "\n", name, value);
}

void
metric_float(struct buf *b, const char *name, const char *type,
	     const char *help, double value)
{
	metric_head(b, name, type, help);
	buf_addf(b, "%s %.6g\n", name, value);
}

void
metric_number(struct buf *b, uint64_t value)
{
	double x = (double)value;
	int precision = 0;
	char text[32];

	if (value < 1000000) {
		buf_addf(b, "%" PRIu64, value);
		return;
	}
	do
		snprintf(text, sizeof(text), "%.*e", precision, x);
	while (strtod(text, NULL) != x && precision++ < 16);
	buf_adds(b, text);
}

void
metric_label(struct buf *b, const char *key, const char *value)
{
	if (b->len > 0)
		buf_adds(b, ",");
	buf_adds(b, key);
	buf_adds(b, "=\"");
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			buf_adds(b, "\\n");
		else if (*value == '"' || *value == '\\')
			buf_addf(b, "\\%c", *value);
		else
			buf_add(b, value, 1);
	}
	buf_adds(b, "\"");
}

void
metric_histogram(struct buf *b, const char *name, const char *labels,
		 const struct histogram *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		char le[32] = "+Inf";

		n += atomic_load(&h->v[i]);
		if (i < HISTOGRAM_BOUNDS)
			snprintf(le, sizeof(le), "%.6g",
				 (double)histogram_bounds_us[i] / 1e6);
		buf_addf(b, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", name,
			 labels, *labels != '\0' ? "," : "", le, n);
	}
	/* What is counted meanwhile must not make the sum of buckets wrong. */
	buf_addf(b, "%s_sum{%s} %.6f\n%s_count{%s} %" PRIu64 "\n", name, labels,
		 (double)atomic_load(&h->sum_us) / 1e6, name, labels, n);
}
