/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing string that remembers that memory ran out, and the few macros that
 * this room's shared files need.  Compiled into each plug-in that wants it.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <brickyard/common.h>

#define CLEANUP(fn) __attribute__((__cleanup__(fn)))
#define CLEANUP_FREE CLEANUP(cleanup_free)
#define MUST_CHECK __attribute__((__warn_unused_result__))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void
cleanup_free(void *p)
{
	free(*(void **)p);
}

struct text {
	char *s;
	size_t len, cap;
	bool failed;
};

void text_add(struct text *, const void *p, size_t n);
void text_addf(struct text *, const char *fmt, ...) BRICKYARD_PRINTF(2, 3);
void text_clear(struct text *);
void text_free(struct text *);
const char *text_str(const struct text *);	/* "" when empty, never NULL */
/* Keep only the last max bytes. */
void text_keep_tail(struct text *, size_t max);
/* Make it valid UTF-8 without NUL; what is not becomes '?'. */
void text_make_utf8(struct text *);
/* Cut blanks and line ends off both ends. */
void text_trim(struct text *);
#define CLEANUP_TEXT CLEANUP(text_free)

#endif
