/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small helpers: the ends of streams, files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ssh.h"

/* ---- the end of a stream ---- */

static bool
tail_room(struct tail *t, size_t n)
{
	size_t cap = t->cap != 0 ? t->cap : 512;
	char *s;

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
tail_drop(struct tail *t, size_t n)
{
	if (n == 0)
		return;
	memmove(t->s, t->s + n, t->len - n + 1);
	t->len -= n;
}

void
tail_add(struct tail *t, const void *p, size_t n)
{
	/* Twice the room, so that bytes are moved once in a while only. */
	if (n > OUTPUT_MAX) {
		p = (const char *)p + (n - OUTPUT_MAX);
		n = OUTPUT_MAX;
	}
	if (t->len + n > 2 * OUTPUT_MAX)
		tail_drop(t, t->len + n - OUTPUT_MAX);
	if (!tail_room(t, n))
		return;
	memcpy(t->s + t->len, p, n);
	t->len += n;
	t->s[t->len] = '\0';
}

/* Length of the well-formed UTF-8 sequence at s, or 0. */
static size_t
utf8_length(const unsigned char *s, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t c = s[0] & (0x7fu >> len);

	if (len == 1)
		return s[0] != '\0';
	if (s[0] < 0xc2 || s[0] > 0xf4 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c < least[len] || c > 0x10ffff || (c >> 11) == 0x1b ? 0 : len;
}

const char *
tail_finish(struct tail *t, size_t max)
{
	size_t i = 0;

	if (t->len == 0)
		return "";
	if (t->len > max)
		tail_drop(t, t->len - max);
	while (i < t->len) {
		size_t n = utf8_length((unsigned char *)t->s + i, t->len - i);

		if (n == 0)
			t->s[i] = '?';
		i += n != 0 ? n : 1;
	}
	return t->s;
}

void
tail_free(struct tail *t)
{
	free(t->s);
	memset(t, 0, sizeof(*t));
}

const char *
last_words(struct tail *t, size_t max)
{
	char *s, *nl;

	while (t->len > 0 && strchr(" \t\r\n", t->s[t->len - 1]) != NULL)
		t->s[--t->len] = '\0';
	if (t->len == 0)
		return "it said nothing";
	(void)tail_finish(t, max);
	nl = strrchr(t->s, '\n');
	s = nl != NULL ? nl + 1 : t->s;
	return s;
}

/* ---- files ---- */

char *
slurp(const char *path, size_t max, size_t *ret_len)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	char *s;

	if (fd < 0)
		return NULL;
	s = malloc(max + 1);
	while (s != NULL && len < max) {
		ssize_t n = read(fd, s + len, max - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(s);
			return NULL;
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (s == NULL)
		return NULL;
	s[len] = '\0';
	*ret_len = len;
	return s;
}
