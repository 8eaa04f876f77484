/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "fault.h"

int
fault_set(struct fault *f, int err_class, const char *fmt, ...)
{
	va_list ap;

	f->err_class = err_class;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
fault_nomem(struct fault *f)
{
	return fault_set(f, BRICKYARD_ERR_TRANSIENT, "out of memory");
}

int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
