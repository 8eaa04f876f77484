/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that are held until an operation ends: a table and one small thread,
 * however many they are.  A held request belongs to the table; it is given back
 * through due(), called on the table's thread, when the operation has ended,
 * its time is over, its client has gone, or the table is closed.
 */
#ifndef HOLD_H
#define HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

struct hold;
struct request;

enum err MUST_CHECK hold_new(void (*due)(struct request *), size_t max,
			     struct hold **ret, struct error *);
/* Hold r until operation op ends, at the latest until deadline_ms (monotonic).
 * fd is the client's socket.  From the return on r may be with another thread
 * already.  Returns a ticket, or 0 if there is no room (r stays the caller's).
 */
uint64_t hold_park(struct hold *, struct request *r, const char *op, int fd,
		   int64_t deadline_ms);
/* Take it back before it is due; false: too late, it has been given away. */
bool hold_take_back(struct hold *, uint64_t ticket);
/* For service_on_operation_end: marks and wakes, no more.  id NULL: all. */
void hold_operation_ended(void *hold, const char *id);
/* Give all back and take none any more. */
void hold_close(struct hold *);
size_t hold_count(struct hold *);
/* Closed and empty, or nobody asks for the rest.  Accepts NULL. */
void hold_free(struct hold *);

#endif
