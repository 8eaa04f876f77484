/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How old a change of the store is, by our monotonic clock alone: which revision
 * was the last one when.  What records say of wall time was written by other
 * machines, any clock of which may be wrong or jump.
 */
#ifndef AGES_H
#define AGES_H

#include <stddef.h>
#include <stdint.h>

#define AGES_PARTS 16		/* of the age that is asked for */

/* Zeroed: nothing is known to be old. */
struct ages {
	struct {
		int64_t mono_ms, revision;
	} v[AGES_PARTS + 2];	/* oldest first */
	size_t n;
};

/* The store is at this revision now.  Then: up to which revision is all older
 * than age_ms?  It is at most age_ms / AGES_PARTS older than that, if it is told
 * often.  0: nothing is.
 */
int64_t ages_note(struct ages *, int64_t now_ms, int64_t revision,
		  int64_t age_ms);

#endif
