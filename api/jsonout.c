/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON text, byte for byte as Go's encoding/json makes it.  Pure functions on
 * the caller's buffer; any thread.
 */
#include <config.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/jsonout.h"
#include "util/utf8.h"
#include "util/xalloc.h"

/* How what is at s is written, or NULL: as it is.  *ret_len: its bytes. */
static const char *
escape_of(const char *s, char hex[8], size_t *ret_len)
{
	unsigned char c = (unsigned char)*s;

	*ret_len = 1;
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	}
	if (c < 0x20 || c == '<' || c == '>' || c == '&') {
		snprintf(hex, 8, "\\u%04x", c);
		return hex;
	}
	if (c < 0x80)
		return NULL;
	*ret_len = utf8_length(s, SIZE_MAX);
	if (*ret_len == 0) {
		*ret_len = 1;
		return "\\ufffd";
	}
	/* These two end lines in JavaScript. */
	if (strncmp(s, "\xe2\x80\xa8", 3) == 0)
		return "\\u2028";
	if (strncmp(s, "\xe2\x80\xa9", 3) == 0)
		return "\\u2029";
	return NULL;
}

static void
add_quoted(struct buf *b, const char *s)
{
	const char *plain = s, *esc;
	char hex[8];
	size_t len;

	buf_adds(b, "\"");
	while (*s != '\0') {
		esc = escape_of(s, hex, &len);
		if (esc != NULL) {
			buf_add(b, plain, (size_t)(s - plain));
			buf_adds(b, esc);
			plain = s + len;
		}
		s += len;
	}
	buf_add(b, plain, (size_t)(s - plain));
	buf_adds(b, "\"");
}

/* To the beginning of the next line, if there are lines. */
static void
new_line(struct jsonout *j)
{
	static const char spaces[] = "                                ";
	size_t n = (size_t)j->indent * j->depth;

	if (j->indent == 0)
		return;
	buf_add(j->out, "\n", 1);
	for (; n > sizeof(spaces) - 1; n -= sizeof(spaces) - 1)
		buf_add(j->out, spaces, sizeof(spaces) - 1);
	buf_add(j->out, spaces, n);
}

/* Comma and key; the caller adds the value. */
static void
start(struct jsonout *j, const char *key)
{
	if (j->comma)
		buf_adds(j->out, ",");
	if (j->depth > 0)
		new_line(j);
	if (key != NULL) {
		add_quoted(j->out, key);
		buf_adds(j->out, j->indent > 0 ? ": " : ":");
	}
	j->comma = true;
}

void
jsonout_open(struct jsonout *j, const char *key, char bracket)
{
	start(j, key);
	buf_add(j->out, &bracket, 1);
	j->comma = false;
	j->depth++;
}

void
jsonout_close(struct jsonout *j, char bracket)
{
	j->depth--;
	if (j->comma)
		new_line(j);
	buf_add(j->out, &bracket, 1);
	j->comma = true;
}

void
jsonout_str(struct jsonout *j, const char *key, const char *value)
{
	start(j, key);
	add_quoted(j->out, value != NULL ? value : "");
}

void
jsonout_int(struct jsonout *j, const char *key, int64_t value)
{
	start(j, key);
	buf_addf(j->out, "%" PRId64, value);
}

void
jsonout_uint(struct jsonout *j, const char *key, uint64_t value)
{
	start(j, key);
	buf_addf(j->out, "%" PRIu64, value);
}

void
jsonout_bool(struct jsonout *j, const char *key, bool value)
{
	start(j, key);
	buf_adds(j->out, value ? "true" : "false");
}

void
jsonout_null(struct jsonout *j, const char *key)
{
	start(j, key);
	buf_adds(j->out, "null");
}

/* Go writes 1e+21 and 1e-7, where printf has at least two exponent digits. */
static void
trim_exponent(char *s)
{
	char *e = strchr(s, 'e');

	if (e != NULL && e[1] == '-' && e[2] == '0')
		memmove(e + 2, e + 3, strlen(e + 3) + 1);
}

void
jsonout_float32(struct jsonout *j, const char *key, double value)
{
	float f = (float)value;
	float size = fabsf(f);
	char s[64];
	int digits;

	/* Shortest scientific form that reads back as the same number. */
	for (digits = 0; digits < 9; digits++) {
		snprintf(s, sizeof(s), "%.*e", digits, (double)f);
		if (strtof(s, NULL) == f)
			break;
	}
	if (size == 0 || (size >= 1e-6f && size < 1e21f)) {
		/* So many digits after the point as that form needs. */
		int exponent = atoi(strchr(s, 'e') + 1);
		int after = digits - exponent;

		/* Go pads a long integer with zeros, not with the binary
		 * value's own digits.
		 */
		snprintf(s, sizeof(s), "%.*f", after > 0 ? after : 0,
			 after < 0 ? strtod(s, NULL) : (double)f);
	} else {
		trim_exponent(s);
	}
	start(j, key);
	buf_adds(j->out, s);
}

void
jsonout_strs(struct jsonout *j, const char *key, const struct strs *l)
{
	jsonout_open(j, key, '[');
	for (size_t i = 0; i < l->n; i++)
		jsonout_str(j, NULL, l->v[i]);
	jsonout_close(j, ']');
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(((const struct kv *)a)->key, ((const struct kv *)b)->key);
}

void
jsonout_map(struct jsonout *j, const char *key, const struct kvs *m)
{
	CLEANUP_FREE struct kv *sorted = xmemdup(m->v, m->n * sizeof(m->v[0]));

	if (m->n > 1)
		qsort(sorted, m->n, sizeof(sorted[0]), compare_keys);
	jsonout_open(j, key, '{');
	for (size_t i = 0; i < m->n; i++)
		jsonout_str(j, sorted[i].key, sorted[i].value);
	jsonout_close(j, '}');
}
