/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For h-examine.c: what a node told, as heketi shows it. */
#ifndef EXAMINE_H
#define EXAMINE_H

#include "api/jsonout.h"
#include "service.h"

/* The whole answer: the dump, what differs, and what the nodes told.  note: the first
 * line of the report; NULL: none.
 */
enum err MUST_CHECK examine_encode(const struct mirror_snapshot *,
				   struct examined *, size_t n,
				   const char *note, struct buf *out,
				   struct error *);
/* The member VolumeInfo. */
void examine_encode_volumes(struct jsonout *, const struct examined *);

#endif
