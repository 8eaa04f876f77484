/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One process owns the file of an embedded store. */
#ifndef SQLITE_CLAIM_H
#define SQLITE_CLAIM_H

#include "util/error.h"

struct sqlite_claim {
	const char *who;	/* the store, for error texts; lent */
	char *path;		/* canonical */
	int fd;			/* of PATH.lock, -1: none */
};

/* Make the file if there is none, and lock it, or say who has it.  On failure,
 * too, the caller releases.
 */
enum err MUST_CHECK sqlite_claim_file(struct sqlite_claim *, const char *path,
				      struct error *);
void sqlite_claim_release(struct sqlite_claim *);

#endif
