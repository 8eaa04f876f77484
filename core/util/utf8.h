/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is UTF-8, and what is not. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd"	/* U+FFFD, for what is not */

/* Bytes of the well-formed sequence (RFC 3629: no overlong form, no surrogate,
 * nothing past U+10FFFF) at s, of which there are n > 0; 0: there is none.  In a
 * string that ends in NUL n may be SIZE_MAX.
 */
size_t utf8_length(const char *s, size_t n);

#endif
