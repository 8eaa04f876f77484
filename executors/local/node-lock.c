/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The node lock and the fences.  The lock is flock(2) on lock_dir/node.lock:
 * it works between threads (each call opens the file anew), between processes,
 * and goes away with its holder.  A fence is a file state_dir/fences/OPERATION
 * holding the highest epoch that was seen for the operation.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "local.h"

#define FENCE_DAYS 7

static int
lock_open(struct step *st)
{
	const char *dir = opt_str(st->in, OPT_LOCK_DIR);
	CLEANUP_TEXT struct text path = {0};
	int fd;

	text_addf(&path, "%s/node.lock", dir);
	if (make_dirs(dir, 0755) < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "node lock: directory %s: %s", dir,
				 strerror(errno));
	fd = open(text_str(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "node lock %s: %s", text_str(&path),
				 strerror(errno));
	return fd;
}

static int
lock_take(struct step *st, struct node_lock *l)
{
	int64_t ms = 2;

	l->fd = lock_open(st);
	if (l->fd < 0)
		return -1;
	for (;;) {
		if (step_check(st) < 0)
			return step_prefix(st, "waiting for the node lock: ");
		if (flock(l->fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return step_fail(st, BRICKYARD_ERR_PERMANENT,
					 "node lock: %s", strerror(errno));
		/* Spread those who wait, or the same one would always win. */
		if (step_sleep(st, ms + (now_ms() + l->fd) % 5) < 0)
			return step_prefix(st, "waiting for the node lock: ");
		if (ms < 40)
			ms *= 2;
	}
}

void
node_leave(struct node_lock *l)
{
	cleanup_close(&l->fd);
	l->fd = -1;
}

/* An absent or unreadable fence is epoch 0. */
static uint64_t
fence_read(const char *path)
{
	CLEANUP_TEXT struct text t = {0};

	if (read_file(path, 64, &t) < 0)
		return 0;
	return strtoull(text_str(&t), NULL, 10);
}

static int
fence_write(struct step *st, const char *path, uint64_t epoch)
{
	char s[32];
	int n = snprintf(s, sizeof(s), "%llu\n", (unsigned long long)epoch);

	if (write_file_atomic(path, s, (size_t)n, 0600) < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT, "fence %s: %s",
				 path, strerror(errno));
	return 0;
}

/* With the lock held. */
static int
fence_check(struct step *st)
{
	const char *id = st->call->operation_id;
	CLEANUP_TEXT struct text path = {0};
	uint64_t seen;

	if (id == NULL)
		return 0;
	if (!is_plain_name(id))
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "operation id '%s' is not one", id);
	text_addf(&path, "%s/fences", opt_str(st->in, OPT_STATE_DIR));
	if (make_dirs(text_str(&path), 0700) < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT, "%s: %s",
				 text_str(&path), strerror(errno));
	text_addf(&path, "/%s", id);
	if (path.failed)
		return step_nomem(st);
	seen = fence_read(path.s);
	if (seen > st->call->epoch)
		return step_fail(st, BRICKYARD_ERR_FENCED,
				 "operation %s: epoch %llu came after this "
				 "one's %llu: another replica owns it", id,
				 (unsigned long long)seen,
				 (unsigned long long)st->call->epoch);
	if (seen == st->call->epoch && access(path.s, F_OK) == 0)
		return 0;
	return fence_write(st, path.s, st->call->epoch);
}

int
node_enter(struct step *st, struct node_lock *l)
{
	if (lock_take(st, l) == 0 && fence_check(st) == 0)
		return 0;
	node_leave(l);
	return -1;
}

int
node_fence(struct step *st)
{
	CLEANUP_NODE_LOCK struct node_lock l = NODE_LOCK_INIT;

	if (st->call->operation_id == NULL)
		return 0;
	return node_enter(st, &l);
}

void
node_prune_fences(const char *state_dir)
{
	CLEANUP_TEXT struct text path = {0};
	time_t old = time(NULL) - (time_t)FENCE_DAYS * 24 * 3600;
	struct dirent *e;
	struct stat sb;
	DIR *d;

	text_addf(&path, "%s/fences", state_dir);
	d = opendir(text_str(&path));
	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (fstatat(dirfd(d), e->d_name, &sb, AT_SYMLINK_NOFOLLOW) ==
		    0 && S_ISREG(sb.st_mode) && sb.st_mtime < old)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}
