/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing string.  Running out of memory is remembered, not fatal: a plug-in
 * must not end the daemon; who needs the whole text looks at .failed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

static bool
text_room(struct text *t, size_t n)
{
	size_t cap = t->cap != 0 ? t->cap : 256;
	char *s;

	if (t->failed || n >= SIZE_MAX / 4)
		return false;
	while (cap - t->len <= n)
		cap *= 2;
	if (cap == t->cap)
		return true;
	s = realloc(t->s, cap);
	if (s == NULL) {
		t->failed = true;
		return false;
	}
	t->s = s;
	t->cap = cap;
	return true;
}

void
text_add(struct text *t, const void *p, size_t n)
{
	if (!text_room(t, n))
		return;
	if (n > 0)
		memcpy(t->s + t->len, p, n);
	t->len += n;
	t->s[t->len] = '\0';
}

void
text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap, ap2;
	int n;

	va_start(ap, fmt);
	va_copy(ap2, ap);
	n = vsnprintf(NULL, 0, fmt, ap2);
	va_end(ap2);
	if (n < 0) {
		t->failed = true;
	} else if (text_room(t, (size_t)n)) {
		vsnprintf(t->s + t->len, (size_t)n + 1, fmt, ap);
		t->len += (size_t)n;
	}
	va_end(ap);
}

void
text_clear(struct text *t)
{
	t->len = 0;
	if (t->s != NULL)
		t->s[0] = '\0';
}

void
text_free(struct text *t)
{
	free(t->s);
	memset(t, 0, sizeof(*t));
}

const char *
text_str(const struct text *t)
{
	return t->s != NULL ? t->s : "";
}

void
text_keep_tail(struct text *t, size_t max)
{
	if (t->len <= max)
		return;
	memmove(t->s, t->s + t->len - max, max);
	t->len = max;
	t->s[max] = '\0';
}

/* Bytes of the valid UTF-8 character at s (at most n), or 0. */
static size_t
utf8_len(const unsigned char *s, size_t n)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 :
		(s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

void
text_make_utf8(struct text *t)
{
	for (size_t i = 0; i < t->len;) {
		size_t n = utf8_len((unsigned char *)t->s + i, t->len - i);

		if (n == 0 || t->s[i] == '\0') {
			t->s[i] = '?';
			n = 1;
		}
		i += n;
	}
}

void
text_trim(struct text *t)
{
	static const char blanks[] = " \t\r\n";
	size_t from;

	if (t->len == 0)
		return;
	while (t->len > 0 && strchr(blanks, t->s[t->len - 1]) != NULL)
		t->len--;
	t->s[t->len] = '\0';
	from = strspn(t->s, blanks);
	memmove(t->s, t->s + from, t->len - from + 1);
	t->len -= from;
}
