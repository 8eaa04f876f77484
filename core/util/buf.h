/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing byte buffer, always NUL-terminated once written to.
 * struct buf b = {0}; … buf_release(&b), or CLEANUP(buf_release) struct buf b = {0};
 */
#ifndef BUF_H
#define BUF_H

#include <stddef.h>

#include "util/cleanup.h"

struct buf {
	char *s;		/* NULL while empty; use buf_str() to read */
	size_t len;
	size_t cap;
};

void buf_add(struct buf *, const void *p, size_t n);
void buf_adds(struct buf *, const char *s);
void buf_addf(struct buf *, const char *fmt, ...) PRINTF(2, 3);
void buf_clear(struct buf *);			/* empty, keep the memory */
void buf_release(struct buf *);
const char *buf_str(const struct buf *);	/* "" when empty, never NULL */
char *buf_steal(struct buf *);			/* caller frees; never NULL */

#endif
