/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heketi's picture of the database: the JSON of GET /db/dump, of "db export" and of
 * what "db import" reads, and the answer of GET /db/check.  Both are made from
 * one snapshot of the mirror; no service is needed.
 */
#ifndef DUMP_H
#define DUMP_H

#include "api/jsonout.h"
#include "store/mirror.h"
#include "util/buf.h"

/* More than this is refused with ERR_TOOLARGE: it is all in memory. */
#define DUMP_BYTES_MAX ((size_t)1 << 30)

/* Adds the object, indented by 4 spaces, without a newline at the end. */
enum err MUST_CHECK dump_encode(const struct mirror_snapshot *, struct buf *,
				struct error *);
/* The same as a member of an object that is open. */
enum err MUST_CHECK dump_encode_member(const struct mirror_snapshot *,
				       struct jsonout *, const char *key,
				       struct error *);
/* Looks for what does not fit together; adds the report, likewise.  *ret_faults
 * (may be NULL): how many were found.
 */
enum err MUST_CHECK dump_check(const struct mirror_snapshot *, struct buf *,
			       size_t *ret_faults, struct error *);

#endif
