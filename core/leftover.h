/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bricks that are nobody's any more but could not be taken away: their node did not
 * answer, or could not do it.  Each is remembered under admin/leftovers/BRICK, its
 * space stays counted on its device, and a duty tries again until it is gone.
 */
#ifndef LEFTOVER_H
#define LEFTOVER_H

#include "model.h"
#include "store/txn.h"

#define LEFTOVER_PREFIX "leftovers/"	/* below admin/ */

struct leftover {
	struct brick brick;
	char volume[ID_SIZE];		/* that it was part of */
	/* Who was to take it away.  What it, or whoever it followed, may still be
	 * doing on the node must not make the brick once more.
	 */
	char operation[ID_SIZE];	/* "": not known */
	uint64_t epoch;
	int64_t since_ms;
	char *why;
};

void leftover_release(struct leftover *);
/* false: it is not one, or can't be read. */
bool leftover_parse(const struct index_entry *, struct leftover *ret);
/* Remember b, a brick of v, that op could not take away. */
void leftover_put(struct txn *, const struct volume *v, const struct brick *b,
		  const struct operation *op, const char *why);
/* Is any of them on this device?  Under the mirror's lock. */
bool leftover_is_on(const struct model *, const char *device);
/* Is one of them, other than b, in b's thin pool?  Under the mirror's lock. */
bool leftover_keeps_pool(const struct model *, const struct brick *b);

#endif
