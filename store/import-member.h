/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of the JSON objects of a dump, read leniently: what is not there, or
 * null, is empty; what has another type is an error that names its object.  For
 * import-read.c.
 */
#ifndef IMPORT_MEMBER_H
#define IMPORT_MEMBER_H

#include <jansson.h>

#include "store/import.h"

/* What is being read, for those who are told of faults. */
struct reader {
	struct import *d;
	const char *what, *id;
};

void member_wrong(const struct reader *, const char *name,
		  const char *expected);
/* NULL: it is not there, or null, or of another type (and that was told). */
const json_t *member_of(const struct reader *, const json_t *, const char *name,
			json_type, const char *expected);
const json_t *member_object(const struct reader *, const json_t *,
			    const char *name);
/* "", false, 0 when there is none. */
const char *member_text(const struct reader *, const json_t *,
			const char *name);
void member_id(const struct reader *, const json_t *, const char *name,
	       char ret[ID_SIZE]);
bool member_flag(const struct reader *, const json_t *, const char *name);
int64_t member_number(const struct reader *, const json_t *, const char *name);
/* A size in units of 1 << shift bytes. */
uint64_t member_bytes(const struct reader *, const json_t *, const char *name,
		      unsigned shift);
void member_list(const struct reader *, const json_t *, const char *name,
		 struct strs *ret);
void member_tags(const struct reader *, const json_t *, struct kvs *ret);

/* What one side of a relation says and the other does not (import-links.c); when
 * all is read, and bricks are where they were read.
 */
void import_check_links(struct import *, const json_t *root);

#endif
