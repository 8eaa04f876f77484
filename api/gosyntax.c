/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar of JSON, followed only to find out where a text leaves it, and to
 * say so in Go's words.  Pure functions; any thread.  Like Go's, the scanner
 * sees one space behind the end.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "api/gosyntax.h"

#define DEPTH_MAX 10000

struct scan {
	const char *s, *end;
	struct buf *out;
	struct buf open;	/* '{' and '[' that are not closed yet */
};

/* The byte to look at; behind the end, a space. */
static int
look(const struct scan *c)
{
	return c->s < c->end ? (unsigned char)*c->s : ' ';
}

static bool
is_digit(int byte)
{
	return byte >= '0' && byte <= '9';
}

static void
skip_spaces(struct scan *c)
{
	while (c->s < c->end && strchr(" \t\r\n", *c->s) != NULL &&
	       *c->s != '\0')
		c->s++;
}

/* As strconv.Quote, in single quotes; a byte counts as a character. */
static void
quote(struct buf *b, int byte)
{
	static const char plain[] = "\a\b\f\n\r\t\v\\'";
	static const char names[] = "abfnrtv\\'";
	const char *p = byte != 0 ? strchr(plain, byte) : NULL;

	if (p != NULL)
		buf_addf(b, "'\\%c'", names[p - plain]);
	else if (byte < ' ' || byte == 0x7f)
		buf_addf(b, "'\\x%02x'", byte);
	else if (byte < 0x80)
		buf_addf(b, "'%c'", byte);
	else if (byte <= 0xa0 || byte == 0xad)
		buf_addf(b, "'\\u%04x'", byte);
	else
		buf_addf(b, "'%c%c'", 0xc0 | byte >> 6, 0x80 | (byte & 0x3f));
}

/* false, always: the scan ends here. */
static bool
wrong(struct scan *c, const char *where)
{
	buf_adds(c->out, "invalid character ");
	quote(c->out, look(c));
	buf_addf(c->out, " %s", where);
	return false;
}

static bool
too_short(struct scan *c)
{
	buf_adds(c->out, "unexpected end of JSON input");
	return false;
}

static bool
scan_literal(struct scan *c, const char *word)
{
	for (size_t i = 1; word[i] != '\0'; i++) {
		char where[64];

		c->s++;
		if (look(c) == word[i])
			continue;
		snprintf(where, sizeof(where), "in literal %s (expecting '%c')",
			 word, word[i]);
		return wrong(c, where);
	}
	c->s++;
	return true;
}

static bool
scan_digits(struct scan *c, const char *where)
{
	if (!is_digit(look(c)))
		return wrong(c, where);
	while (is_digit(look(c)))
		c->s++;
	return true;
}

static bool
scan_number(struct scan *c)
{
	if (look(c) == '-')
		c->s++;
	if (look(c) == '0')
		c->s++;
	else if (!scan_digits(c, "in numeric literal"))
		return false;
	if (look(c) == '.') {
		c->s++;
		if (!scan_digits(c, "after decimal point in numeric literal"))
			return false;
	}
	if (look(c) != 'e' && look(c) != 'E')
		return true;
	c->s++;
	if (look(c) == '+' || look(c) == '-')
		c->s++;
	return scan_digits(c, "in exponent of numeric literal");
}

static bool
scan_escape(struct scan *c)
{
	int byte = look(c);

	if (byte == 0 || strchr("bfnrt\\/\"u", byte) == NULL)
		return wrong(c, "in string escape code");
	c->s++;
	for (int i = 0; byte == 'u' && i < 4; i++, c->s++)
		if (look(c) == 0 ||
		    strchr("0123456789abcdefABCDEF", look(c)) == NULL)
			return wrong(c, "in \\u hexadecimal character escape");
	return true;
}

static bool
scan_string(struct scan *c)
{
	c->s++;
	while (c->s < c->end && *c->s != '"') {
		int byte = look(c);

		if (byte < ' ')
			return wrong(c, "in string literal");
		c->s++;
		if (byte == '\\' && !scan_escape(c))
			return false;
	}
	if (c->s >= c->end)
		return too_short(c);
	c->s++;
	return true;
}

/* Up to the colon. */
static bool
scan_key(struct scan *c)
{
	if (c->s >= c->end)
		return too_short(c);
	if (look(c) != '"')
		return wrong(c, "looking for beginning of object key string");
	if (!scan_string(c))
		return false;
	skip_spaces(c);
	if (c->s >= c->end)
		return too_short(c);
	if (look(c) != ':')
		return wrong(c, "after object key");
	c->s++;
	return true;
}

static bool
scan_scalar(struct scan *c)
{
	switch (look(c)) {
	case '"':
		return scan_string(c);
	case 't':
		return scan_literal(c, "true");
	case 'f':
		return scan_literal(c, "false");
	case 'n':
		return scan_literal(c, "null");
	default:
		if (look(c) == '-' || is_digit(look(c)))
			return scan_number(c);
		return wrong(c, "looking for beginning of value");
	}
}

/* *ret_inside: an object or array was opened that is not empty. */
static bool
scan_value(struct scan *c, bool *ret_inside)
{
	char open = *c->s;

	*ret_inside = false;
	if (open != '{' && open != '[')
		return scan_scalar(c);
	c->s++;
	skip_spaces(c);
	if (c->s < c->end && *c->s == open + 2) {
		c->s++;
		return true;
	}
	if (c->open.len == DEPTH_MAX) {
		buf_adds(c->out, "exceeded max depth");
		return false;
	}
	buf_add(&c->open, &open, 1);
	*ret_inside = true;
	return open == '[' || scan_key(c);
}

/* What follows a value, up to the next one.  *ret_done: there is none. */
static bool
scan_after(struct scan *c, bool *ret_done)
{
	for (;; c->s++) {
		char open = c->open.len > 0 ? c->open.s[c->open.len - 1] : 0;

		skip_spaces(c);
		*ret_done = open == 0 && c->s >= c->end;
		if (*ret_done)
			return true;
		if (open == 0)
			return wrong(c, "after top-level value");
		if (c->s >= c->end)
			return too_short(c);
		if (*c->s == ',')
			break;
		if (*c->s != open + 2)
			return wrong(c, open == '{' ?
				     "after object key:value pair" :
				     "after array element");
		c->open.len--;
	}
	c->s++;
	skip_spaces(c);
	return c->open.s[c->open.len - 1] == '[' || scan_key(c);
}

static bool
scan_all(struct scan *c)
{
	bool inside, done = false;

	while (!done) {
		skip_spaces(c);
		if (c->s >= c->end)
			return too_short(c);
		if (!scan_value(c, &inside) ||
		    (!inside && !scan_after(c, &done)))
			return false;
	}
	return true;
}

bool
gosyntax_fault(const char *text, size_t len, struct buf *b)
{
	struct scan c = { .s = text, .end = text + len, .out = b };
	bool good = scan_all(&c);

	buf_release(&c.open);
	return !good;
}
