/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small helpers: the ends of streams, files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ssh.h"

void
stream_add(struct text *t, const void *p, size_t n)
{
	/* Twice the room, so that bytes are moved once in a while only. */
	text_add(t, p, n);
	if (t->len > 2 * OUTPUT_MAX)
		text_keep_tail(t, OUTPUT_MAX);
}

const char *
stream_end(struct text *t, size_t max)
{
	text_keep_tail(t, max);
	text_make_utf8(t);
	return text_str(t);
}

const char *
last_words(struct text *t, size_t max)
{
	const char *nl;

	text_trim(t);
	if (t->len == 0)
		return "it said nothing";
	(void)stream_end(t, max);
	nl = strrchr(t->s, '\n');
	return nl != NULL ? nl + 1 : t->s;
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
