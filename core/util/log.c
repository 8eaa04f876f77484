/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line per event on stderr: with a <N> priority prefix when systemd reads
 * it (JOURNAL_STREAM), else with a time stamp.
 */
#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/log.h"

static _Atomic enum log_level level = LOG_LVL_INFO;
static _Thread_local char context[33];

static const struct {
	const char *name;
	int priority;		/* syslog's */
} names[] = {
	[LOG_LVL_NONE] = { "none", 0 },
	[LOG_LVL_CRITICAL] = { "critical", 2 },
	[LOG_LVL_ERR] = { "error", 3 },
	[LOG_LVL_WARNING] = { "warning", 4 },
	[LOG_LVL_NOTICE] = { "notice", 5 },
	[LOG_LVL_INFO] = { "info", 6 },
	[LOG_LVL_DEBUG] = { "debug", 7 },
};

void
log_set_level(enum log_level l)
{
	level = l;
}

enum log_level
log_get_level(void)
{
	return level;
}

bool
log_level_parse(const char *name, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i].name, name) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

const char *
log_level_name(enum log_level l)
{
	return names[l].name;
}

void
log_set_context(const char *id)
{
	snprintf(context, sizeof(context), "%s", id != NULL ? id : "");
}

static void
stamp(enum log_level l, char *to, size_t size)
{
	struct timespec ts;
	struct tm tm;
	char day[32];

	if (getenv("JOURNAL_STREAM") != NULL) {
		snprintf(to, size, "<%d>", names[l].priority);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(to, size, "%s.%03ldZ %-7s ", day, ts.tv_nsec / 1000000,
		 names[l].name);
}

void
log_at(enum log_level l, const char *fmt, ...)
{
	int saved = errno;
	char text[8192], when[64];
	va_list ap;

	if (l > level)
		return;
	stamp(l, when, sizeof(when));
	va_start(ap, fmt);
	errno = saved;
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* One line is one event, whatever a tool's own words contain. */
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	fprintf(stderr, "%s%s%s%s%s\n", when, context[0] ? "[" : "", context,
		context[0] ? "] " : "", text);
	errno = saved;
}
