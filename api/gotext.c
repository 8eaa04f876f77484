/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See gotext.h.  One pass, which knows strings from all else, and numbers. */
#include <config.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/gotext.h"
#include "util/cleanup.h"
#include "util/utf8.h"
#include "util/xalloc.h"

#define TOO_LARGE "1e308"		/* for a float32; a double takes it */

struct cursor {
	const char *s, *end;
	struct buf *out;
};

static size_t
left(const struct cursor *c)
{
	return (size_t)(c->end - c->s);
}

static void
copy(struct cursor *c, size_t n)
{
	buf_add(c->out, c->s, n);
	c->s += n;
}

/* ---- strings ---- */

/* The number in "\uXXXX" at s; -1: there is none. */
static int
unicode_escape(const char *s, size_t n)
{
	char digits[5] = "";

	if (n < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	memcpy(digits, s + 2, 4);
	if (strspn(digits, "0123456789abcdefABCDEF") != 4)
		return -1;
	return (int)strtol(digits, NULL, 16);
}

static void
tame_escape(struct cursor *c)
{
	int unit = unicode_escape(c->s, left(c)), next;

	if (unit < 0) {
		copy(c, left(c) < 2 ? 1 : 2);
		return;
	}
	next = unicode_escape(c->s + 6, left(c) - 6);
	if (unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 &&
	    next < 0xe000) {
		copy(c, 12);
	} else if (unit == 0 || (unit >= 0xd800 && unit < 0xe000)) {
		buf_adds(c->out, UTF8_REPLACEMENT);
		c->s += 6;
	} else {
		copy(c, 6);
	}
}

static void
tame_string(struct cursor *c)
{
	size_t n;

	copy(c, 1);
	while (c->s < c->end && *c->s != '"') {
		if (*c->s == '\\') {
			tame_escape(c);
			continue;
		}
		n = utf8_length(c->s, left(c));
		if (n > 0) {
			copy(c, n);
			continue;
		}
		buf_adds(c->out, UTF8_REPLACEMENT);
		c->s++;
	}
	if (c->s < c->end)
		copy(c, 1);
}

/* ---- numbers ---- */

static bool
fits_int64(const char *number)
{
	errno = 0;
	(void)strtoll(number, NULL, 10);
	return errno == 0;
}

static void
tame_number(struct cursor *c)
{
	static const char letters[] = "+-.0123456789eE";
	size_t n = 0;
	CLEANUP_FREE char *number = NULL;
	bool whole;

	while (n < left(c) && c->s[n] != '\0' && strchr(letters, c->s[n]))
		n++;
	number = xstrndup(c->s, n);
	whole = strpbrk(number, ".eE") == NULL;
	if (whole && fits_int64(number)) {
		copy(c, n);
		return;
	}
	c->s += n;
	if (isinf(strtod(number, NULL)))
		buf_addf(c->out, "%s" TOO_LARGE, number[0] == '-' ? "-" : "");
	else
		buf_addf(c->out, "%s%s", number, whole ? ".0" : "");
}

void
gotext_tame(const char *text, size_t len, struct buf *ret)
{
	struct cursor c = { .s = text, .end = text + len, .out = ret };

	while (c.s < c.end) {
		if (*c.s == '"')
			tame_string(&c);
		else if (*c.s == '-' || (*c.s >= '0' && *c.s <= '9'))
			tame_number(&c);
		else
			copy(&c, 1);
	}
}
