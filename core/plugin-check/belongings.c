/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process has that a plug-in must leave alone: descriptors, threads,
 * umask, directory, signals.  Read from proc(5).
 */
#include <config.h>

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "plugin-check/check.h"
#include "util/clock.h"
#include "util/xalloc.h"

static size_t
count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	if (d == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
read_signals(struct belongings *b)
{
	CLEANUP_FCLOSE FILE *f = fopen("/proc/self/status", "re");
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		(void)sscanf(line, "SigIgn: %llx", &b->ignored);
		(void)sscanf(line, "SigCgt: %llx", &b->caught);
		(void)sscanf(line, "SigBlk: %llx", &b->blocked);
	}
}

void
belongings_look(struct belongings *b)
{
	memset(b, 0, sizeof(*b));
	b->fds = count_entries("/proc/self/fd");
	b->threads = count_entries("/proc/self/task");
	b->umask = (unsigned)umask(0);
	umask(b->umask);
	if (getcwd(b->cwd, sizeof(b->cwd)) == NULL)
		b->cwd[0] = '\0';
	read_signals(b);
}

void
belongings_compare(const struct belongings *before, const char *what)
{
	CLEANUP_FREE char *name = NULL;
	struct belongings now;

	/* Threads that were joined may be seen a moment longer. */
	for (int i = 0; i < 50; i++) {
		belongings_look(&now);
		if (now.threads <= before->threads && now.fds <= before->fds)
			break;
		usleep(20000);
	}
	name = xasprintf("%s: no descriptor stays open", what);
	check_ok(now.fds <= before->fds, name, "%zu more", now.fds - before->fds);
	free(name);
	name = xasprintf("%s: no thread stays", what);
	check_ok(now.threads <= before->threads, name, "%zu more",
		 now.threads - before->threads);
	free(name);
	name = xasprintf("%s: umask, directory and signals are as before", what);
	check_ok(now.umask == before->umask && strcmp(now.cwd, before->cwd) == 0 &&
		 now.ignored == before->ignored && now.caught == before->caught &&
		 now.blocked == before->blocked, name, "umask %03o to %03o, '%s' "
		 "to '%s', signals ignored %llx to %llx, caught %llx to %llx",
		 before->umask, now.umask, before->cwd, now.cwd, before->ignored,
		 now.ignored, before->caught, now.caught);
}
