/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing JSON as Go's encoding/json writes it: members in the order of the
 * calls, no spaces, and <, >, &, U+2028 and U+2029 escaped.  jansson can't
 * escape like that, and clients compare bytes.
 *
 *	struct jsonout j = { .out = &buf };
 *	jsonout_open(&j, NULL, '{');
 *	jsonout_str(&j, "id", id);
 *	jsonout_close(&j, '}');
 *
 * key is NULL for the outermost value and for elements of an array.
 */
#ifndef JSONOUT_H
#define JSONOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/strs.h"

struct jsonout {
	struct buf *out;
	bool comma;		/* the next value needs one before it */
	unsigned indent;	/* spaces a level, as MarshalIndent; 0: one line */
	unsigned depth;		/* its own */
};

void jsonout_open(struct jsonout *, const char *key, char bracket);
void jsonout_close(struct jsonout *, char bracket);
void jsonout_str(struct jsonout *, const char *key, const char *value);
void jsonout_int(struct jsonout *, const char *key, int64_t value);
void jsonout_uint(struct jsonout *, const char *key, uint64_t value);
void jsonout_bool(struct jsonout *, const char *key, bool value);
void jsonout_null(struct jsonout *, const char *key);
/* The shortest text that reads back as the same float32. */
void jsonout_float32(struct jsonout *, const char *key, double value);
void jsonout_strs(struct jsonout *, const char *key, const struct strs *);
/* An object with its keys sorted, as Go writes maps. */
void jsonout_map(struct jsonout *, const char *key, const struct kvs *);

#endif
