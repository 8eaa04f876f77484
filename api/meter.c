/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "api/meter.h"
#include "api/metrics.h"
#include "util/histogram.h"
#include "util/xalloc.h"

/* What we answer; whatever else there may be is the last one's. */
static const unsigned statuses[] = {
	200, 201, 202, 204, 301, 303, 400, 401, 404, 405, 409, 413, 414, 422,
	429, 500, 501, 503, 504, 0
};

struct meter {
	struct route_meter {
		_Atomic uint64_t by_status[ARRAY_SIZE(statuses)];
		struct histogram took;
	} *v;			/* as the table of routes; the last: no route */
};

struct meter *
meter_new(void)
{
	struct meter *m = XNEW(struct meter);

	m->v = xcalloc(nroutes + 1, sizeof(*m->v));
	return m;
}

void
meter_free(struct meter *m)
{
	if (m == NULL)
		return;
	free(m->v);
	free(m);
}

void
meter_count(struct meter *m, const struct route *route, unsigned status,
	    int64_t ms)
{
	size_t i = route != NULL ? (size_t)(route - routes) : nroutes;
	size_t k = 0;

	while (statuses[k] != 0 && statuses[k] != status)
		k++;
	atomic_fetch_add_explicit(&m->v[i].by_status[k], 1,
				  memory_order_relaxed);
	histogram_add(&m->v[i].took, ms * 1000);
}

/* method="GET",route="/volumes" */
static char *
labels_of(size_t i)
{
	return i < nroutes ? xasprintf("method=\"%s\",route=\"%s\"",
				       routes[i].method, routes[i].path) :
			     xstrdup("method=\"\",route=\"\"");
}

void
meter_print(const struct meter *m, struct buf *b)
{
	metric_head(b, "brickyard_http_requests_total", "counter",
		    "Requests answered, by route and status.");
	for (size_t i = 0; i <= nroutes; i++) {
		CLEANUP_FREE char *labels = labels_of(i);

		for (size_t k = 0; k < ARRAY_SIZE(statuses); k++) {
			uint64_t n = atomic_load(&m->v[i].by_status[k]);

			if (n > 0)
				buf_addf(b, "brickyard_http_requests_total{%s,"
					 "code=\"%u\"} %" PRIu64 "\n", labels,
					 statuses[k], n);
		}
	}
	metric_head(b, "brickyard_http_request_duration_seconds", "histogram",
		    "Time from first line to reply; polls may be held.");
	for (size_t i = 0; i <= nroutes; i++) {
		CLEANUP_FREE char *labels = labels_of(i);

		if (histogram_count(&m->v[i].took) > 0)
			metric_histogram(b, "brickyard_http_request_duration_"
					 "seconds", labels, &m->v[i].took);
	}
}
