/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copying one store into another, all of it but the keys that hang on leases
 * (replicas, duties).  Nobody may be at work on either.
 */
#ifndef COPY_H
#define COPY_H

#include "store/record.h"
#include "store/store.h"

struct copy_report {
	size_t keys, left_out;
	uint64_t bytes;			/* of documents */
	size_t of_kind[RECORD_KINDS + 1];	/* the last: of no known kind */
	char *from, *to;		/* for people; owned */
};

/* What was written is read back and compared; what was read is read again, in
 * case it changed.  options: as for store_open, for both.
 */
enum err MUST_CHECK store_copy(const char *from, const char *to,
			       const char *const *options,
			       struct copy_report *ret, struct error *);
void copy_report_release(struct copy_report *);

#endif
