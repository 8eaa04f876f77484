/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /debug/pprof/: what can be told of this process from inside, by the names that
 * Go's profiles have.  Only with "profiling" in the configuration; runs on the
 * workers for probes, so that it tells something also where all others hang.
 * What we have no answer to says which tool has.
 */
#include <config.h>

#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "api/request.h"
#include "util/xalloc.h"

#define PREFIX "/debug/pprof/"
#define PLAIN "text/plain; charset=utf-8"

static void
answer(struct request *r, const char *type, struct buf *text)
{
	reply_bytes(r, 200, type, text);
	r->reply.nosniff = true;
}

/* ---- threads ---- */

struct thread {
	char name[32];
	char state;
	unsigned long user, kernel;	/* ticks */
};

/* false: it has ended meanwhile. */
static bool
read_thread(const char *tid, struct thread *ret)
{
	CLEANUP_FREE char *path = xasprintf("/proc/self/task/%s/stat", tid);
	CLEANUP_FCLOSE FILE *f = fopen(path, "re");
	char line[512], *name, *end;

	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		return false;
	/* A name may have anything in it. */
	name = strchr(line, '(');
	end = strrchr(line, ')');
	if (name == NULL || end == NULL)
		return false;
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(end - name - 1),
		 name + 1);
	return sscanf(end + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
		      " %lu %lu", &ret->state, &ret->user, &ret->kernel) == 3;
}

static void
answer_threads(struct request *r)
{
	CLEANUP(buf_release) struct buf lines = { 0 }, b = { 0 };
	double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	size_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		struct thread t;

		if (e->d_name[0] == '.' || !read_thread(e->d_name, &t))
			continue;
		n++;
		buf_addf(&lines, "%10s %5c %10.2f %10.2f  %s\n", e->d_name,
			 t.state, (double)t.user * tick_s,
			 (double)t.kernel * tick_s, t.name);
	}
	if (d != NULL)
		closedir(d);
	buf_addf(&b, "threads: %zu\n\n%10s %5s %10s %10s  %s\n%s", n, "tid",
		 "state", "user s", "kernel s", "name", buf_str(&lines));
	answer(r, PLAIN, &b);
}

/* ---- memory, command line ---- */

static void
answer_heap(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f != NULL) {
		(void)malloc_info(0, f);
		fclose(f);
		buf_add(&b, text, len);
	}
	free(text);
	answer(r, "text/xml; charset=utf-8", &b);
}

/* Its words, with NULs between, as Go does. */
static void
answer_command_line(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	CLEANUP_FCLOSE FILE *f = fopen("/proc/self/cmdline", "re");
	char piece[4096];
	size_t n;

	while (f != NULL && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&b, piece, n);
	if (b.len > 0 && b.s[b.len - 1] == '\0')
		b.len--;
	answer(r, PLAIN, &b);
}

/* ---- all of them ---- */

static const struct profile {
	const char *name;
	void (*answer)(struct request *);
	const char *help;	/* without answer: what to use, % is the process */
} profiles[] = {
	{ "goroutine", answer_threads, "threads, and the time they have used" },
	{ "threadcreate", answer_threads, "the same" },
	{ "heap", answer_heap, "what the allocator has, malloc_info(3)" },
	{ "allocs", answer_heap, "the same" },
	{ "cmdline", answer_command_line, "the command line" },
	{ "profile", NULL,
	  "perf record -g -p % -- sleep 30, and then perf report" },
	{ "trace", NULL, "perf trace -p %, or strace -f -p %" },
	{ "symbol", NULL, "gdb -p %, and there info symbol ADDRESS" },
	{ "block", NULL, "gdb -p % -batch -ex 'thread apply all backtrace'" },
	{ "mutex", NULL, "gdb -p % -batch -ex 'thread apply all backtrace'" },
};

static char *
with_pid(const char *help)
{
	struct buf b = { 0 };

	for (;;) {
		size_t n = strcspn(help, "%");

		buf_add(&b, help, n);
		if (help[n] == '\0')
			return buf_steal(&b);
		buf_addf(&b, "%d", (int)getpid());
		help += n + 1;
	}
}

static void
answer_index(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	buf_adds(&b, "<html><head><title>" PREFIX "</title></head><body>"
		 "<table>\n");
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		CLEANUP_FREE char *help = with_pid(profiles[i].help);

		buf_addf(&b, "<tr><td><a href=\"%s\">%s</a></td><td>%s%s</td>"
			 "</tr>\n", profiles[i].name, profiles[i].name,
			 profiles[i].answer == NULL ? "not here: " : "", help);
	}
	buf_adds(&b, "</table></body></html>\n");
	answer(r, "text/html; charset=utf-8", &b);
}

static void
refuse(struct request *r, const struct profile *p)
{
	CLEANUP_FREE char *help = with_pid(p->help);
	CLEANUP_FREE char *text = xasprintf("%s: there is no profiler inside; "
					    "use %s", p->name, help);

	reply_text(r, 501, text);
}

void
h_profile(struct request *r)
{
	const char *name = r->path + strlen(PREFIX);

	if (*name == '\0') {
		answer_index(r);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		const struct profile *p = &profiles[i];

		if (strcmp(p->name, name) != 0)
			continue;
		if (p->answer != NULL)
			p->answer(r);
		else
			refuse(r, p);
		return;
	}
	reply_text(r, 404, "Invalid path or request");
}
