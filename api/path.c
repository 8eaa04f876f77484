/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of URLs.  Pure functions; any thread. */
#include <config.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "api/path.h"
#include "util/strs.h"
#include "util/xalloc.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte at s, and how far to go on; -1: no good. */
static int
decode_byte(const char *s, size_t left, size_t *ret_len)
{
	int high, low;

	*ret_len = 1;
	if (*s != '%')
		return (unsigned char)*s;
	if (left < 3)
		return -1;
	high = hex_digit(s[1]);
	low = hex_digit(s[2]);
	*ret_len = 3;
	if (high < 0 || low < 0 || (high == 0 && low == 0))
		return -1;
	return high << 4 | low;
}

/* "http://host/path": some proxies send it. */
static const char *
skip_authority(const char *target)
{
	const char *rest = NULL;

	if (strncasecmp(target, "http://", 7) == 0)
		rest = target + 7;
	else if (strncasecmp(target, "https://", 8) == 0)
		rest = target + 8;
	return rest == NULL ? target : rest + strcspn(rest, "/?");
}

static bool
has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

char *
path_of_target(const char *target, const char **ret_query)
{
	const char *s = skip_authority(target);
	size_t len = strcspn(s, "?"), step;
	CLEANUP(buf_release) struct buf b = { 0 };

	if (has_control(s))
		return NULL;
	for (size_t i = 0; i < len; i += step) {
		int c = decode_byte(s + i, len - i, &step);
		char byte = (char)c;

		if (c < 0)
			return NULL;
		buf_add(&b, &byte, 1);
	}
	*ret_query = s[len] == '?' ? s + len + 1 : NULL;
	return buf_steal(&b);
}

char *
path_clean(const char *path)
{
	CLEANUP(strs_release) struct strs parts = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	size_t *starts, depth = 0;

	strs_split(&parts, path, '/');
	starts = xcalloc(parts.n, sizeof(*starts));
	for (size_t i = 0; i < parts.n; i++) {
		const char *part = parts.v[i];

		if (*part == '\0' || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") != 0) {
			starts[depth++] = b.len;
			buf_addf(&b, "/%s", part);
		} else if (depth > 0) {
			b.len = starts[--depth];
			b.s[b.len] = '\0';
		}
	}
	free(starts);
	if (b.len == 0 || (*path != '\0' && path[strlen(path) - 1] == '/'))
		buf_adds(&b, "/");
	return buf_steal(&b);
}

void
path_escape(struct buf *b, const char *path, const char *query)
{
	for (; *path != '\0'; path++) {
		unsigned char c = (unsigned char)*path;

		if (c < 0x80 && (isalnum(c) || strchr("-_.~$&+,/:;=@", c)))
			buf_add(b, path, 1);
		else
			buf_addf(b, "%%%02X", c);
	}
	if (query != NULL)
		buf_addf(b, "?%s", query);
}
