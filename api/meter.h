/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests as GET /metrics counts them: by route (its pattern, so that there are
 * as many as in the table), and status.  Any thread, no lock.
 */
#ifndef METER_H
#define METER_H

#include "api/route.h"
#include "util/buf.h"

struct meter;

struct meter *meter_new(void);
void meter_free(struct meter *);
/* One more was answered; route NULL: none was found. */
void meter_count(struct meter *, const struct route *, unsigned status,
		 int64_t ms);
/* Adds the metrics on requests. */
void meter_print(const struct meter *, struct buf *);

#endif
