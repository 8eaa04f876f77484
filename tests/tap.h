/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TAP in one header: ok(), is_int(), is_str(), has_str(), skip(), tap_done(). */
#ifndef TAP_H
#define TAP_H

#undef NDEBUG
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_n, tap_bad;

#define ok(cond, ...) \
	tap_ok(!!(cond), #cond, __FILE__, __LINE__, __VA_ARGS__)

__attribute__((__format__(__printf__, 5, 6), __unused__)) static int
tap_ok(int pass, const char *expr, const char *file, int line,
       const char *fmt, ...)
{
	va_list ap;

	printf("%s %d - ", pass ? "ok" : "not ok", ++tap_n);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!pass) {
		tap_bad++;
		printf("# %s:%d: %s\n", file, line, expr);
	}
	fflush(stdout);
	return pass;
}

#define is_int(got, want, ...) do {					\
	long long g_ = (long long)(got), w_ = (long long)(want);	\
	if (!ok(g_ == w_, __VA_ARGS__))					\
		printf("#  got %lld want %lld\n", g_, w_);		\
} while (0)

#define is_str(got, want, ...) do {					\
	const char *g_ = (got), *w_ = (want);				\
	if (!ok(g_ != NULL && strcmp(g_, w_) == 0, __VA_ARGS__))	\
		printf("#  got '%s' want '%s'\n", g_ ? g_ : "(null)", w_); \
} while (0)

/* Does got contain part? */
#define has_str(got, part, ...) do {					\
	const char *g_ = (got), *w_ = (part);				\
	if (!ok(g_ != NULL && strstr(g_, w_) != NULL, __VA_ARGS__))	\
		printf("#  got '%s' want …'%s'…\n", g_ ? g_ : "(null)", w_); \
} while (0)

#define skip(why, ...) do {						\
	printf("ok %d - ", ++tap_n);					\
	printf(__VA_ARGS__);						\
	printf(" # SKIP %s\n", why);					\
} while (0)

/* The plan comes last, so a crash shows; a test without a check fails. */
static inline int
tap_done(void)
{
	printf("1..%d\n", tap_n);
	if (tap_n == 0)
		puts("# BUG: test has no checks");
	return tap_bad != 0 || tap_n == 0;
}

#endif
