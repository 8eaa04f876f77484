/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/fmt.h"
#include "cli/progress.h"
#include "util/clock.h"

enum { SHOW_AFTER_MS = 2000 };

static int64_t
waited_ms(const struct progress *p)
{
	return p->since_ms != 0 ? clock_mono_ms() - p->since_ms : 0;
}

void
progress_begin(struct progress *p)
{
	p->since_ms = clock_mono_ms();
	p->asks = true;
	p->what[0] = '\0';
}

bool
progress_wants_news(const struct progress *p)
{
	return p->on && p->asks && waited_ms(p) >= SHOW_AFTER_MS;
}

void
progress_show(struct progress *p)
{
	int64_t ms = waited_ms(p);

	if (!p->on || ms < SHOW_AFTER_MS)
		return;
	fprintf(stderr, "\rwaiting for the server, %lld s%s%s\033[K",
		(long long)(ms / 1000), p->what[0] != '\0' ? ": " : "",
		p->what);
	p->shown = true;
}

/* Control characters of a server are not for a terminal. */
static void
make_printable(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

void
progress_tell(struct progress *p, const json_t *op)
{
	const char *status = json_str_at(op, "status");
	int64_t attempt = json_int_at(op, "attempt");
	size_t size = sizeof(p->what), n;

	snprintf(p->what, size, "%.24s, stage %" PRId64,
		 json_str_at(op, "kind"), json_int_at(op, "stage"));
	n = strlen(p->what);
	if (status[0] != '\0' && strcmp(status, "running") != 0)
		snprintf(p->what + n, size - n, ", %s", status);
	else if (attempt > 0)	/* placements that came to nothing */
		snprintf(p->what + n, size - n, ", try %" PRId64, attempt + 1);
	make_printable(p->what);
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
	p->since_ms = 0;
}
