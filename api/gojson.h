/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading request bodies as leniently as Go's encoding/json fills a struct:
 * names of members in any case, unknown members ignored, null leaves the zero
 * value, the last of equal members counts; a wrong type, a fraction or an
 * overflow for an integer, an empty body or garbage after it are errors.
 *
 * A struct is described by a table of its members.  Strings and lists in it are
 * owned by it; gojson_release gives them back.
 *
 * Other than Go: of members that come twice the first is as if it were not there
 * (Go reads both into the same struct, and minds both types).  On purpose: \u0000
 * is read as U+FFFD, like what is no UTF-8 and lone surrogates, since it would end
 * a string here; and nesting deeper than jansson's 2048 is refused.
 */
#ifndef GOJSON_H
#define GOJSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

enum gojson_type {
	GOJSON_BOOL,		/* bool */
	GOJSON_INT,		/* int64_t */
	GOJSON_FLOAT32,		/* double, rounded to a float32 */
	GOJSON_STRING,		/* char *; NULL: absent */
	GOJSON_ADMIN_STATE,	/* the same, of a type of its own in Go */
	GOJSON_STRINGS,		/* struct strs */
	GOJSON_MAP,		/* struct kvs: strings to strings */
	GOJSON_OBJECT,		/* members, kept in the same struct */
	GOJSON_OTHERS,		/* struct kvs: the scalars of every member that
				 * is an object and has no line of its own, as
				 * "MEMBER.key" and text */
};

struct gojson_field {
	const char *name;
	enum gojson_type type;
	size_t offset;
	const struct gojson_field *members;	/* GOJSON_OBJECT */
};

/* Ended by { NULL }. */
#define GOJSON_END { NULL, GOJSON_BOOL, 0, NULL }
/* At most so many pairs in one GOJSON_OTHERS. */
#define GOJSON_OTHERS_MAX 64

/* go_type names the struct in Go's words ("api.AdminStatus") for errors.  *to must be zeroed; on
 * failure (ERR_PARSE) it may be half filled, release it all the same.
 */
enum err MUST_CHECK gojson_decode(const void *body, size_t len,
				  const char *go_type,
				  const struct gojson_field *, void *to,
				  struct error *);
enum err MUST_CHECK gojson_decode_value(json_t *value, const char *go_type,
					const struct gojson_field *, void *to,
					struct error *);
void gojson_release(const struct gojson_field *, void *to);

#endif
