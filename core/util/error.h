/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one error type.  A function that can fail returns enum err, fills
 * struct error with the sentence (on failure only) and logs nothing; the layer
 * that ends the story logs or replies, once.
 */
#ifndef ERROR_H
#define ERROR_H

#include "util/cleanup.h"

enum err {
#define E(name, code, http, text) ERR_##name,
#include "util/error.def"
#undef E
	ERR_MAX
};

#define ERROR_TEXT_MAX 4096	/* executors' own words, capped */

/* Filled on failure only; err may be NULL when the caller wants the code alone. */
struct error {
	enum err code;
	char text[ERROR_TEXT_MAX];
};

/* Format the sentence ("subject: what happened: why", no full stop), keep
 * errno (so "%m" works), return the code:  return fail(err, ERR_NOTFOUND, …);
 */
enum err fail(struct error *err, enum err code, const char *fmt, ...)
	__attribute__((__cold__)) PRINTF(3, 4);
/* Put "prefix: " before the sentence that is there; returns err->code. */
enum err fail_prefix(struct error *err, const char *fmt, ...)
	__attribute__((__cold__)) PRINTF(2, 3);

const char *err_code(enum err);		/* wire code, never NULL */
unsigned err_http(enum err);		/* HTTP status */
enum err err_from_code(const char *code);	/* unknown: ERR_INTERNAL */

#endif
