/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small helpers: files, naps, what is left of a call's time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kubernetes.h"

void
nap_ms(int64_t ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&ts, NULL);
}

int
slurp(const char *path, size_t max, struct text *ret)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char b[4096];
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, b, sizeof(b))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (ret->len + (size_t)n > max) {
			errno = EFBIG;
			return -1;
		}
		text_add(ret, b, (size_t)n);
	}
	if (ret->failed) {
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

const char *
last_words(struct text *t, size_t max)
{
	text_keep_tail(t, max);
	text_make_utf8(t);
	text_trim(t);
	return t->len > 0 ? t->s : "it said nothing";
}

void
copy_words(char *ret, size_t size, const char *s)
{
	CLEANUP_TEXT struct text t = { 0 };
	size_t n = strlen(s);

	text_add(&t, s, n < size ? n : size - 1);
	text_make_utf8(&t);
	text_trim(&t);
	snprintf(ret, size, "%s", text_str(&t));
	for (char *p = ret; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
}

/* ---- the time of a call ---- */

bool
limit_cancelled(const struct limit *l)
{
	return l->call->cancelled != NULL && l->call->cancelled(l->call);
}

int
limit_check(const struct limit *l, const char *where, const char *doing,
	    struct fault *f)
{
	if (limit_cancelled(l))
		return fault_set(f, BRICKYARD_ERR_CANCELLED,
				 "%s: cancelled %s", where, doing);
	if (now_ms() >= l->deadline_ms)
		return fault_set(f, BRICKYARD_ERR_TIMEOUT,
				 "%s: the time for it was over %s", where,
				 doing);
	return 0;
}
