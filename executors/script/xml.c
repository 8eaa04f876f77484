/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scanner for the gluster CLI's XML; see xml.h. */
#include <stdio.h>
#include <string.h>

#include "xml.h"

struct scan {
	char path[XML_PATH_MAX];
	size_t ends[XML_DEPTH_MAX];	/* length of path before each level */
	unsigned depth;
};

static size_t
put_utf8(unsigned long c, char *to)
{
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = '?';
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* The character of an entity at s ("&…;"), never longer than the entity;
 * *used is 0 when it is none.
 */
static size_t
entity(const char *s, char to[4], size_t *used)
{
	static const struct { const char *name; char c; } known[] = {
		{ "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' },
		{ "&quot;", '"' }, { "&apos;", '\'' },
	};
	size_t len = strcspn(s, ";<");
	bool hex;

	*used = 0;
	if (s[len] != ';' || len > 10)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strncmp(s, known[i].name, len + 1) == 0) {
			*used = len + 1;
			to[0] = known[i].c;
			return 1;
		}
	if (s[1] != '#')
		return 0;
	hex = s[2] == 'x';
	if (strspn(s + 2 + hex, hex ? "0123456789abcdefABCDEF" :
		   "0123456789") != len - 2 - hex || len < 3u + hex)
		return 0;
	*used = len + 1;
	return put_utf8(strtoul(s + 2 + hex, NULL, hex ? 16 : 10), to);
}

static void
decode(char *s)
{
	char *to = s, c[4];

	while (*s != '\0') {
		size_t used = 0, n = *s == '&' ? entity(s, c, &used) : 0;

		if (used > 0) {
			memcpy(to, c, n);
			to += n;
			s += used;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

static int
open_tag(struct scan *sc, const char *name, size_t len)
{
	size_t at = strlen(sc->path);

	if (sc->depth >= XML_DEPTH_MAX || len == 0 ||
	    at + len + 2 > sizeof(sc->path))
		return -1;
	sc->ends[sc->depth++] = at;
	snprintf(sc->path + at, sizeof(sc->path) - at, "%s%.*s",
		 at > 0 ? "/" : "", (int)len, name);
	return 0;
}

static int
close_tag(struct scan *sc, const char *name, size_t len)
{
	const char *last;
	size_t at;

	if (sc->depth == 0)
		return -1;
	at = sc->ends[sc->depth - 1];
	last = sc->path + at + (at > 0);
	return strlen(last) == len && memcmp(last, name, len) == 0 ? 0 : -1;
}

static void
pop(struct scan *sc)
{
	sc->path[sc->ends[--sc->depth]] = '\0';
}

/* tag: what stands between '<' and '>'; text: what stood before it. */
static int
element(struct scan *sc, char *tag, char *text, xml_element_fn *fn, void *arg)
{
	size_t n, len = strlen(tag);
	bool empty = len > 0 && tag[len - 1] == '/';

	if (tag[0] == '?' || tag[0] == '!')
		return 0;
	if (tag[0] == '/') {
		n = strcspn(tag + 1, " \t\r\n");
		if (close_tag(sc, tag + 1, n) < 0)
			return -1;
		decode(text);
		if (fn(arg, sc->path, text) != 0)
			return -1;
		pop(sc);
		return 0;
	}
	n = strcspn(tag, " \t\r\n/");
	if (open_tag(sc, tag, n) < 0)
		return -1;
	if (empty) {
		if (fn(arg, sc->path, "") != 0)
			return -1;
		pop(sc);
	}
	return 0;
}

int
xml_scan(char *s, xml_element_fn *fn, void *arg)
{
	struct scan sc = {0};
	unsigned seen = 0;

	for (;;) {
		char *lt = strchr(s, '<'), *gt;

		if (lt == NULL)
			break;
		gt = strchr(lt, '>');
		if (gt == NULL)
			return -1;
		*lt = *gt = '\0';
		if (element(&sc, lt + 1, s, fn, arg) < 0)
			return -1;
		s = gt + 1;
		seen++;
	}
	return sc.depth == 0 && seen > 0 ? 0 : -1;
}
