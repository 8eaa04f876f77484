/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Claiming the file of the embedded store for this process, before SQLite sees
 * it.  Any thread; keeps nothing but what is in struct sqlite_claim.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/claim.h"
#include "util/clock.h"
#include "util/xalloc.h"

/* Like heketi with its file: who was told to stop is gone by then. */
#define PATIENCE_MS 3000
#define NAP_MS 20
#define OWNER_SIZE 16

/* The name under which every process knows the file, so that two names of one
 * file have one lock.
 */
static char *
canonical(const char *path)
{
	CLEANUP_FREE char *dir_of = xstrdup(path);
	CLEANUP_FREE char *base_of = xstrdup(path);
	CLEANUP_FREE char *dir = NULL;
	char *whole = realpath(path, NULL);

	if (whole != NULL || errno != ENOENT)
		return whole;
	dir = realpath(dirname(dir_of), NULL);
	if (dir == NULL)
		return NULL;
	return xasprintf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir,
			 basename(base_of));
}

/* The number of the process that has it, "" when it did not write it yet. */
static void
read_owner(const struct sqlite_claim *c, char ret[OWNER_SIZE])
{
	ssize_t n = pread(c->fd, ret, OWNER_SIZE - 1, 0);

	ret[n > 0 ? n : 0] = '\0';
	ret[strspn(ret, "0123456789")] = '\0';
}

static enum err
locked_by_other(const struct sqlite_claim *c, struct error *err)
{
	CLEANUP_FREE char *comm_path = NULL;
	CLEANUP_FCLOSE FILE *f = NULL;
	char pid[OWNER_SIZE], comm[32] = "";

	read_owner(c, pid);
	if (pid[0] == '\0')
		return fail(err, ERR_STORE,
			    "%s: another process has the file open",
			    c->who);
	comm_path = xasprintf("/proc/%s/comm", pid);
	f = fopen(comm_path, "re");
	if (f != NULL && fgets(comm, sizeof(comm), f) != NULL)
		comm[strcspn(comm, "\n")] = '\0';
	return fail(err, ERR_STORE,
		    "%s: process %s%s%s%s has the file open; it serves one "
		    "process at a time, an etcd store serves many",
		    c->who, pid, comm[0] ? " (" : "", comm,
		    comm[0] ? ")" : "");
}

/* It fails with EWOULDBLOCK when the other one stays.  We ourselves would. */
static int
lock_patiently(const struct sqlite_claim *c)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	char pid[OWNER_SIZE];

	while (flock(c->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return -1;
		read_owner(c, pid);
		errno = EWOULDBLOCK;
		if (clock_mono_ms() > until || atol(pid) == getpid())
			return -1;
		usleep(NAP_MS * 1000);
	}
	return 0;
}

/* flock() belongs to the open file, so it also keeps out a second open in the
 * same process, and ends with the process however that ends.
 */
static enum err
lock_file(struct sqlite_claim *c, struct error *err)
{
	CLEANUP_FREE char *path = xasprintf("%s.lock", c->path);
	char pid[OWNER_SIZE];
	int n;

	c->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (c->fd < 0)
		return fail(err, ERR_STORE, "%s: open '%s': %m",
			    c->who, path);
	if (lock_patiently(c) != 0) {
		if (errno == EWOULDBLOCK)
			return locked_by_other(c, err);
		return fail(err, ERR_STORE, "%s: lock '%s': %m",
			    c->who, path);
	}
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(c->fd, 0) != 0 ||
	    pwrite(c->fd, pid, (size_t)n, 0) != n)
		return fail(err, ERR_STORE, "%s: write '%s': %m",
			    c->who, path);
	return ERR_OK;
}

/* Made by us and not by SQLite, which would give it to all to read, and which
 * quietly opens what it may not write.
 */
static enum err
make_file(const struct sqlite_claim *c, struct error *err)
{
	/* Bolt's mark in its first page; heketi.json's "db" names such a file. */
	static const unsigned char bolt[4] = { 0xed, 0xda, 0x0c, 0xed };
	CLEANUP_CLOSE int fd = open(c->path, O_RDWR | O_CREAT | O_CLOEXEC,
				    0600);
	unsigned char head[20] = { 0 };

	if (fd < 0)
		return fail(err, ERR_STORE, "%s: open: %m",
			    c->who);
	if (pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
	    memcmp(head + 16, bolt, sizeof(bolt)) == 0)
		return fail(err, ERR_STORE,
			    "%s: a heketi database (Bolt), which is not "
			    "a Brickyard store: name another file",
			    c->who);
	return ERR_OK;
}

enum err
sqlite_claim_file(struct sqlite_claim *c, const char *path, struct error *err)
{
	struct stat st;
	enum err e;

	c->path = canonical(path);
	if (c->path == NULL && errno == ENOENT)
		return fail(err, ERR_STORE, "%s: its directory does not exist",
			    c->who);
	if (c->path == NULL)
		return fail(err, ERR_STORE, "%s: open: %m",
			    c->who);
	if (stat(c->path, &st) == 0 && !S_ISREG(st.st_mode))
		return fail(err, ERR_STORE, "%s: not a regular file",
			    c->who);
	e = lock_file(c, err);
	return e == ERR_OK ? make_file(c, err) : e;
}

void
sqlite_claim_release(struct sqlite_claim *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	free(c->path);
	c->path = NULL;
}
