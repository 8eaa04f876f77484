/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One call of the host: its deadline, its cancel flag, its fault. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "local.h"

int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
step_fail(struct step *st, int err_class, const char *fmt, ...)
{
	struct fault f = { .err_class = err_class };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f.text, sizeof(f.text), fmt, ap);
	va_end(ap);
	st->fault = f;		/* fmt may have read the old one */
	return -1;
}

int
step_prefix(struct step *st, const char *fmt, ...)
{
	struct fault f = { .err_class = st->fault.err_class };
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(f.text, sizeof(f.text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(f.text))
		snprintf(f.text + n, sizeof(f.text) - (size_t)n, "%s",
			 st->fault.text);
	st->fault = f;
	return -1;
}

int
step_nomem(struct step *st)
{
	return step_fail(st, BRICKYARD_ERR_TRANSIENT, "out of memory");
}

bool
step_cancelled(const struct step *st)
{
	return st->call->cancelled != NULL && st->call->cancelled(st->call);
}

int64_t
step_left_ms(const struct step *st)
{
	int64_t left = st->call->deadline_ms - now_ms();

	return left > 0 ? left : 0;
}

int
step_check(struct step *st)
{
	if (step_cancelled(st))
		return step_fail(st, BRICKYARD_ERR_CANCELLED,
				 "the call was cancelled");
	if (step_left_ms(st) == 0)
		return step_fail(st, BRICKYARD_ERR_TIMEOUT,
				 "the time for this step is over");
	return 0;
}

int
step_sleep(struct step *st, int64_t ms)
{
	int64_t until = now_ms() + ms;

	for (;;) {
		int64_t left = until - now_ms();
		struct timespec ts;

		if (step_check(st) < 0)
			return -1;
		if (left <= 0)
			return 0;
		if (left > 50)
			left = 50;
		if (left > step_left_ms(st))
			left = step_left_ms(st);
		ts.tv_sec = 0;
		ts.tv_nsec = (long)left * 1000000;
		nanosleep(&ts, NULL);
	}
}
