/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only the embedded store does: one process owns the file, and whatever
 * happens to process, file or disk, no acknowledged commit is lost.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/store.h"
#include "util/clock.h"
#include "util/id.h"
#include "util/xalloc.h"

#include "tests/tap.h"

static char dir[] = "/tmp/t-sqlite.XXXXXX";

static char *
new_path(void)
{
	char id[ID_SIZE];

	id_new(id);
	return xasprintf("%s/%s", dir, id);
}

static enum err
try_open(const char *path, const char *const *options, struct store **ret,
	 struct error *err)
{
	CLEANUP_FREE char *spec = xasprintf("sqlite:%s", path);

	*ret = NULL;
	err->text[0] = '\0';
	return store_open(spec, options, ret, err);
}

static struct store *
must_open(const char *path, const char *const *options)
{
	struct store *s;
	struct error err;

	if (try_open(path, options, &s, &err) != ERR_OK) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	return s;
}

static enum err
put_bytes(struct store *s, const char *key, const char *value, size_t len,
	  struct error *err)
{
	struct store_write w = { key, value, len, 0 };

	return store_commit(s, NULL, 0, &w, 1, NULL, err);
}

static enum err
put(struct store *s, const char *key, const char *value)
{
	return put_bytes(s, key, value, strlen(value), NULL);
}

struct found {
	const char *key, *value;
	bool same;
};

static int
compare_value(void *arg, const struct store_kv *kv)
{
	struct found *f = arg;

	f->same |= strcmp(kv->key, f->key) == 0 &&
		kv->len == strlen(f->value) &&
		memcmp(kv->value, f->value, kv->len) == 0;
	return f->same;
}

static bool
holds(struct store *s, const char *key, const char *value)
{
	struct found f = { key, value, false };

	return store_load(s, key, compare_value, &f, NULL, NULL) == ERR_OK &&
		f.same;
}

static int
count_one(void *arg, const struct store_kv *kv)
{
	++*(int *)arg;
	return 0;
}

static int
count(struct store *s, const char *prefix)
{
	int n = 0;

	if (store_load(s, prefix, count_one, &n, NULL, NULL) != ERR_OK)
		return -1;
	return n;
}

static void
is_refused(const char *path, const char *text, const char *what)
{
	struct store *s;
	struct error err;

	is_int(try_open(path, NULL, &s, &err), ERR_STORE, "%s is refused", what);
	has_str(err.text, text, "and the text says why");
	has_str(err.text, path, "and names the file: %s", err.text);
	store_close(s);
}

static void
write_file(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
}

/* ---- one owner ---- */

static void
test_second_open(void)
{
	CLEANUP_FREE char *path = new_path();
	CLEANUP_FREE char *alias = new_path();
	CLEANUP_FREE char *who = xasprintf("process %ld (", (long)getpid());
	CLEANUP_FREE char *long_way = NULL;
	struct store *s = must_open(path, NULL);
	struct stat st;

	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600,
	   "the file is for its owner only");
	is_refused(path, who, "a second open");
	ok(symlink(path, alias) == 0, "under another name");
	is_refused(alias, who, "a second open through a link");
	long_way = xasprintf("%s/../%s", dir, path + 5);
	is_refused(long_way, who, "a second open by a longer way");
	ok(put(s, "a", "1") == ERR_OK && holds(s, "a", "1"),
	   "the first is not disturbed");
	store_close(s);
	s = must_open(path, NULL);
	ok(holds(s, "a", "1"), "after the close, the next may open");
	store_close(s);
}

/* A child that does as fn says, until it is killed or done. */
static pid_t
start_child(void (*fn)(const char *path, int fd), const char *path, int *ret_fd)
{
	int fds[2];
	pid_t pid;

	assert(pipe2(fds, O_CLOEXEC) == 0);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		fn(path, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	*ret_fd = fds[0];
	return pid;
}

static void
tell(int fd, const void *p, size_t n)
{
	if (write(fd, p, n) != (ssize_t)n)
		_exit(2);
}

static bool
hear(int fd, void *p, size_t n)
{
	return read(fd, p, n) == (ssize_t)n;
}

static void
hold_a_moment(const char *path, int fd)
{
	struct store *s = must_open(path, NULL);

	if (put(s, "a", "last") != ERR_OK)
		_exit(1);
	tell(fd, "r", 1);
	usleep(100000);
	store_close(s);
}

/* As when a service is stopped and the next thing is done at once. */
static void
test_open_while_the_owner_goes(void)
{
	CLEANUP_FREE char *path = new_path();
	CLEANUP_CLOSE int fd = -1;
	pid_t pid = start_child(hold_a_moment, path, &fd);
	struct store *s;
	char c;
	int status = 0;

	assert(hear(fd, &c, 1));
	s = must_open(path, NULL);
	ok(holds(s, "a", "last"), "an open waits for an owner that is going");
	store_close(s);
	ok(waitpid(pid, &status, 0) == pid && status == 0, "which ended well");
}

static void
no_loss(void *arg)
{
}

static void
hold_with_lease(const char *path, int fd)
{
	struct store_write w[2] = {
		{ "replicas/1", "x", 1, 1 }, { "kept", "y", 1, 0 },
	};
	struct store *s = must_open(path, NULL);

	if (store_lease_grant(s, 1000, no_loss, NULL, NULL) != ERR_OK ||
	    store_commit(s, NULL, 0, w, 2, NULL, NULL) != ERR_OK)
		_exit(1);
	tell(fd, "r", 1);
	pause();
}

static void
test_killed_owner(void)
{
	CLEANUP_FREE char *path = new_path();
	CLEANUP_FREE char *who = NULL;
	struct store *s;
	int64_t before;
	char c;
	int fd;
	pid_t pid = start_child(hold_with_lease, path, &fd);

	ok(hear(fd, &c, 1), "another process owns the file");
	who = xasprintf("process %ld", (long)pid);
	before = clock_mono_ms();
	is_refused(path, who, "its open by us");
	ok(clock_mono_ms() >= before + 2900, "after it was given time to go");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
	s = must_open(path, NULL);
	is_int(count(s, "replicas/"), 0,
	       "after kill -9 it opens, and leased keys are gone");
	ok(holds(s, "kept", "y"), "the others are not");
	store_close(s);
}

/* ---- kill -9 among commits ---- */

#define WRITERS 3

static struct store *shared;
static int ack_fd;

static void *
commit_for_ever(void *arg)
{
	int number = (int)(intptr_t)arg;

	for (int i = 0;; i++) {
		char key[32] = "";

		snprintf(key, sizeof(key), "%d/%06d", number, i);
		if (put(shared, key, key) != ERR_OK)
			_exit(1);
		/* One write per acknowledgement: less than PIPE_BUF is whole. */
		tell(ack_fd, key, sizeof(key));
	}
	return NULL;
}

static void
commit_until_killed(const char *path, int fd)
{
	pthread_t t;

	shared = must_open(path, NULL);
	ack_fd = fd;
	for (int i = 0; i < WRITERS; i++)
		pthread_create(&t, NULL, commit_for_ever, (void *)(intptr_t)i);
	pause();
}

static int
missing_after_kill(const char *path, int acks, int *ret_acked)
{
	char key[32], last[WRITERS][32] = { { 0 } };
	struct store *s;
	int fd, missing = 0;
	pid_t pid = start_child(commit_until_killed, path, &fd);

	*ret_acked = 0;
	while (hear(fd, key, sizeof(key))) {
		strcpy(last[key[0] - '0'], key);
		if (++*ret_acked == acks)
			kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
	close(fd);
	s = must_open(path, NULL);
	for (int i = 0; i < WRITERS; i++) {
		char prefix[4] = { (char)('0' + i), '/', '\0' };
		int n = last[i][0] ? atoi(last[i] + 2) + 1 : 0;

		missing += count(s, prefix) < n;
		missing += n > 0 && !holds(s, last[i], last[i]);
	}
	store_close(s);
	return missing;
}

static void
test_killed_in_commit(void)
{
	for (int i = 0; i < 4; i++) {
		CLEANUP_FREE char *path = new_path();
		int acked = 0;

		is_int(missing_after_kill(path, 20 + 61 * i, &acked), 0,
		       "kill -9 after %d commits: none is lost", 20 + 61 * i);
		ok(acked >= 20 + 61 * i, "which were acknowledged");
	}
}

/* ---- files that are not what they should be ---- */

static void
run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert(sqlite3_open(path, &db) == SQLITE_OK);
	assert(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
}

static void
test_places(void)
{
	CLEANUP_FREE char *nowhere = xasprintf("%s/no/such", dir);
	CLEANUP_FREE char *file = new_path();
	CLEANUP_FREE char *below = xasprintf("%s/x", file);

	is_refused(nowhere, "its directory does not exist",
		   "a file in no directory");
	is_refused(dir, "not a regular file", "a directory");
	write_file(file, "", 0);
	is_refused(below, "Not a directory", "a file below a file");
}

static void
test_foreign_files(void)
{
	CLEANUP_FREE char *text = new_path(), *bolt = new_path();
	CLEANUP_FREE char *other = new_path(), *newer = new_path();
	char page[4096];
	struct store *s;

	memset(page, 'x', sizeof(page));
	write_file(text, page, sizeof(page));
	is_refused(text, "no Brickyard store", "any file");
	memset(page, 0, sizeof(page));
	memcpy(page + 16, "\xed\xda\x0c\xed", 4);
	write_file(bolt, page, sizeof(page));
	is_refused(bolt, "heketi database", "a heketi database");
	run_sql(other, "CREATE TABLE t (x)");
	is_refused(other, "no Brickyard store", "a foreign SQLite database");
	s = must_open(newer, NULL);
	store_close(s);
	run_sql(newer, "PRAGMA user_version = 2");
	is_refused(newer, "newer Brickyard", "a store of the future");
}

static void
fill(struct store *s, int n)
{
	CLEANUP_FREE char *v = xcalloc(3000, 1);
	char key[32];
	int bad = 0;

	memset(v, 'v', 3000);
	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "k/%05d", i);
		bad += put_bytes(s, key, v, 3000, NULL) != ERR_OK;
	}
	is_int(bad, 0, "%d values are written", n);
}

static void
ignore_snapshot(void *arg, const struct store_kv *kvs, size_t n, int64_t r)
{
}

static void
test_damaged_file(void)
{
	static const struct store_watcher w = { ignore_snapshot, NULL };
	CLEANUP_FREE char *path = new_path();
	struct store *s = must_open(path, NULL);
	struct error err = { .text = "" };
	struct stat before, after;
	char junk[4096];
	int fd;

	fill(s, 50);
	store_close(s);
	memset(junk, 0xa5, sizeof(junk));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	for (int page = 4; page < 40; page++)
		assert(pwrite(fd, junk, sizeof(junk), page * 4096L) ==
		       (ssize_t)sizeof(junk));
	close(fd);
	assert(stat(path, &before) == 0);
	if (try_open(path, NULL, &s, &err) == ERR_OK)
		is_int(store_follow(s, &w, NULL, &err), ERR_STORE,
		       "a damaged file can't be followed");
	else
		ok(1, "a damaged file can't be opened");
	has_str(err.text, "the file is damaged", "the text says so");
	has_str(err.text, path, "and names it: %s", err.text);
	store_close(s);
	assert(stat(path, &after) == 0);
	ok(before.st_size == after.st_size, "and it is left as it is");
}

static void
open_as_nobody(const char *path, int fd)
{
	struct store *s;
	struct error err;

	if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0))
		_exit(1);
	if (try_open(path, NULL, &s, &err) == ERR_OK)
		strcpy(err.text, "it was opened");
	tell(fd, err.text, sizeof(err.text));
}

static void
is_denied(const char *path, const char *what)
{
	struct error err = { .text = "" };
	int fd;
	pid_t pid = start_child(open_as_nobody, path, &fd);

	ok(hear(fd, err.text, sizeof(err.text)), "somebody opens %s", what);
	waitpid(pid, NULL, 0);
	close(fd);
	has_str(err.text, "Permission denied", "and hears why not: %s",
		err.text);
}

static void
test_permissions(void)
{
	CLEANUP_FREE char *closed = new_path(), *readable = new_path();
	CLEANUP_FREE char *in_closed = xasprintf("%s/x", closed);
	CLEANUP_FREE char *in_readable = xasprintf("%s/x", readable);

	ok(chmod(dir, 0755) == 0 && mkdir(closed, 0700) == 0 &&
	   chmod(closed, 0) == 0 && mkdir(readable, 0755) == 0,
	   "directories");
	write_file(in_readable, "", 0);
	ok(chmod(in_readable, 0444) == 0 && chmod(readable, 0555) == 0,
	   "and a file to be read only");
	is_denied(in_closed, "a file in a closed directory");
	is_denied(in_readable, "a read-only file");
	ok(chmod(readable, 0755) == 0 && chmod(closed, 0700) == 0, "again");
}

/* ---- a full disk ---- */

static void
test_full_disk(void)
{
	static const char *const options[] = { "max_pages", "40", NULL };
	CLEANUP_FREE char *path = new_path();
	CLEANUP_FREE char *v = xcalloc(3000, 1);
	struct store *s = must_open(path, options);
	struct error err = { .text = "" };
	enum err e = ERR_OK;
	char key[32];
	int n = 0;

	for (; e == ERR_OK && n < 1000; n++) {
		snprintf(key, sizeof(key), "k/%05d", n);
		e = put_bytes(s, key, v, 3000, &err);
	}
	is_int(e, ERR_STORE, "a disk gets full at the commit of %d", n);
	has_str(err.text, "the disk is full", "the text says so");
	ok(n > 5 && count(s, "k/") == n - 1, "nothing is lost");
	is_int(put_bytes(s, "k/00001", NULL, 0, &err), ERR_OK,
	       "deleting goes on");
	is_int(put_bytes(s, "k/00001", v, 3000, NULL), ERR_OK,
	       "and makes room");
	store_close(s);
	s = must_open(path, NULL);
	is_int(count(s, "k/"), n - 1, "all is there after a restart");
	ok(put_bytes(s, key, v, 3000, NULL) == ERR_OK, "on a larger disk");
	store_close(s);
}

struct user {
	pthread_t thread;
	struct store *s;
	bool greedy;
	int number, good, bad;
};

static void *
use_full_disk(void *arg)
{
	struct user *u = arg;
	size_t len = u->greedy ? STORE_VALUE_MAX : 10;
	CLEANUP_FREE char *v = xcalloc(len, 1);
	char key[16];

	snprintf(key, sizeof(key), "u/%d", u->number);
	for (int i = 0; i < 60; i++)
		if (put_bytes(u->s, key, v, len, NULL) == ERR_OK)
			u->good++;
		else
			u->bad++;
	return NULL;
}

static void
test_neighbours_of_a_failure(void)
{
	static const char *const options[] = { "max_pages", "100", NULL };
	CLEANUP_FREE char *path = new_path();
	struct store *s = must_open(path, options);
	struct user u[4];
	int refused = 0, failed = 0;

	for (int i = 0; i < 4; i++) {
		u[i] = (struct user){ .s = s, .number = i, .greedy = i == 0 };
		pthread_create(&u[i].thread, NULL, use_full_disk, &u[i]);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(u[i].thread, NULL);
		if (u[i].greedy)
			refused += u[i].bad;
		else
			failed += u[i].bad;
	}
	is_int(refused, 60, "what has no room is refused");
	is_int(failed, 0, "and takes none of its neighbours with it");
	store_close(s);
}

/* ---- a disk that fails: a VFS that does so when told ---- */

enum fault { NO_FAULT, FAIL_SYNC, DIE_AT_SYNC, FAIL_WRITE, FAIL_ALL };
static _Atomic enum fault fault;
static atomic_int faults;

struct file {
	sqlite3_file base;
	sqlite3_file real;	/* and what belongs to it, behind */
};
#define REAL(f) (&((struct file *)(f))->real)

static int
f_close(sqlite3_file *f)
{
	return REAL(f)->pMethods->xClose(REAL(f));
}

static int
f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	if (fault == FAIL_ALL) {
		faults++;
		return SQLITE_IOERR_READ;
	}
	return REAL(f)->pMethods->xRead(REAL(f), p, n, at);
}

static int
f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	if (fault >= FAIL_WRITE) {
		faults++;
		return SQLITE_IOERR_WRITE;
	}
	return REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
}

static int
f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return REAL(f)->pMethods->xTruncate(REAL(f), n);
}

static int
f_sync(sqlite3_file *f, int flags)
{
	if (fault == NO_FAULT)
		return REAL(f)->pMethods->xSync(REAL(f), flags);
	/* The first failure only: the checkpoint that heals has to work. */
	if (fault == FAIL_SYNC)
		fault = NO_FAULT;
	else
		fault = FAIL_ALL;
	faults++;
	return SQLITE_IOERR_FSYNC;
}

static int
f_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return REAL(f)->pMethods->xFileSize(REAL(f), ret);
}

static int
f_lock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xLock(REAL(f), level);
}

static int
f_unlock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xUnlock(REAL(f), level);
}

static int
f_check(sqlite3_file *f, int *ret)
{
	return REAL(f)->pMethods->xCheckReservedLock(REAL(f), ret);
}

static int
f_control(sqlite3_file *f, int op, void *arg)
{
	return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int
f_sector(sqlite3_file *f)
{
	return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int
f_traits(sqlite3_file *f)
{
	return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

/* Version 1: no shared memory, so it also shows that the store needs none. */
static const sqlite3_io_methods methods = {
	1, f_close, f_read, f_write, f_truncate, f_sync, f_size, f_lock,
	f_unlock, f_check, f_control, f_sector, f_traits, NULL, NULL, NULL,
	NULL, NULL, NULL,
};

static sqlite3_vfs *real_vfs;

static int
v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags,
       int *ret_flags)
{
	int r = real_vfs->xOpen(real_vfs, name, REAL(f), flags, ret_flags);

	f->pMethods = r == SQLITE_OK ? &methods : NULL;
	return r;
}

static sqlite3_vfs faulty;

static void
install_faulty_disk(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	faulty = *real_vfs;
	faulty.zName = "faulty";
	faulty.szOsFile += (int)sizeof(struct file);
	faulty.xOpen = v_open;
	assert(sqlite3_vfs_register(&faulty, 1) == SQLITE_OK);
}

struct told {
	int snapshots, changes;
	int64_t revision;
};

static void
told_snapshot(void *arg, const struct store_kv *kvs, size_t n, int64_t revision)
{
	((struct told *)arg)->snapshots++;
	((struct told *)arg)->revision = revision;
}

static void
told_changes(void *arg, const struct store_kv *kvs, size_t n, int64_t revision)
{
	((struct told *)arg)->changes++;
	((struct told *)arg)->revision = revision;
}

static const struct store_watcher telling = { told_snapshot, told_changes };

/* The data had reached the file when the flush of it failed. */
static void
test_failed_flush(void)
{
	CLEANUP_FREE char *path = new_path();
	struct told told = { 0 };
	struct store *s = must_open(path, NULL);
	int64_t barrier = 0;
	enum err e;
	bool there;

	ok(store_follow(s, &telling, &told, NULL) == ERR_OK &&
	   put(s, "a", "1") == ERR_OK, "a disk that works");
	fault = FAIL_SYNC;
	faults = 0;
	e = put(s, "a", "2");
	fault = NO_FAULT;
	is_int(faults, 1, "then fails to flush a commit");
	there = holds(s, "a", "2");
	is_int(e == ERR_OK, there, "whose answer is the truth");
	is_int(told.changes, 1 + there, "which the watcher was told");
	ok(put(s, "b", "3") == ERR_OK && store_barrier(s, &barrier, NULL) ==
	   ERR_OK && told.revision == barrier, "it goes on");
	store_close(s);
	s = must_open(path, NULL);
	ok(holds(s, "a", there ? "2" : "1") && holds(s, "b", "3"),
	   "and a restart finds the same");
	store_close(s);
}

static void
test_failed_write(void)
{
	CLEANUP_FREE char *path = new_path();
	struct told told = { 0 };
	struct store *s = must_open(path, NULL);
	struct error err = { .text = "" };

	ok(store_follow(s, &telling, &told, NULL) == ERR_OK &&
	   put(s, "a", "1") == ERR_OK, "a disk that works");
	fault = FAIL_WRITE;
	faults = 0;
	is_int(put_bytes(s, "a", "2", 1, &err), ERR_STORE, "then fails to write");
	ok(faults > 0 && strstr(err.text, path) != NULL, "said so: %s",
	   err.text);
	fault = NO_FAULT;
	ok(holds(s, "a", "1") && told.changes == 1, "nothing has happened");
	ok(put(s, "a", "3") == ERR_OK && holds(s, "a", "3"),
	   "and when it works again, so does the store");
	store_close(s);
	s = must_open(path, NULL);
	ok(holds(s, "a", "3"), "a restart finds it");
	store_close(s);
}

static void
test_dead_disk(void)
{
	CLEANUP_FREE char *path = new_path();
	struct told told = { 0 };
	struct store *s = must_open(path, NULL);
	int64_t barrier = 0;

	ok(store_follow(s, &telling, &told, NULL) == ERR_OK &&
	   put(s, "a", "1") == ERR_OK, "a disk that works");
	fault = FAIL_ALL;
	is_int(put(s, "a", "2"), ERR_STORE, "then is away");
	is_int(put(s, "a", "2"), ERR_STORE, "for more than one commit");
	is_int(count(s, ""), -1, "nothing can be loaded");
	is_int(told.changes, 1, "nothing is told");
	fault = NO_FAULT;
	is_int(put(s, "b", "3"), ERR_OK, "and comes back");
	ok(holds(s, "a", "1") && holds(s, "b", "3"), "with all there was");
	ok(store_barrier(s, &barrier, NULL) == ERR_OK &&
	   told.revision == barrier, "the watcher is up to date");
	store_close(s);
	s = must_open(path, NULL);
	ok(holds(s, "a", "1") && holds(s, "b", "3"), "so is a restart");
	store_close(s);
}

/* The commit that was reported as failed had reached the file. */
static void
test_commit_in_doubt(void)
{
	CLEANUP_FREE char *path = new_path();
	struct told told = { 0 };
	struct store *s = must_open(path, NULL);
	struct error err = { .text = "" };
	int64_t barrier = 0;

	ok(store_follow(s, &telling, &told, NULL) == ERR_OK &&
	   put(s, "a", "1") == ERR_OK, "a disk that works");
	fault = DIE_AT_SYNC;
	is_int(put_bytes(s, "a", "2", 1, &err), ERR_STORE,
	       "then dies in the flush of a commit");
	has_str(err.text, "not known whether", "which is in doubt: %s",
		err.text);
	is_int(told.changes, 1, "and not told");
	fault = NO_FAULT;
	ok(holds(s, "a", "2"), "it turns up when the disk is back");
	is_int(told.snapshots, 2, "and the watcher is told of all anew");
	ok(store_barrier(s, &barrier, NULL) == ERR_OK &&
	   told.revision == barrier && put(s, "b", "3") == ERR_OK &&
	   told.changes == 2, "and then of changes");
	store_close(s);
}

/* Every key is made once, if absent: a conflict would mean that a commit which
 * had failed in doubt was tried again after it had been made.
 */
struct maker {
	pthread_t thread;
	struct store *s;
	int number, made, failed, conflicts, other;
};
static atomic_int stop;

static void *
make_keys(void *arg)
{
	struct maker *m = arg;

	for (int i = 0; !atomic_load(&stop); i++) {
		char key[32];
		struct store_guard g = { key, 0 };
		struct store_write w = { key, "x", 1, 0 };
		enum err e;

		snprintf(key, sizeof(key), "m/%d/%06d", m->number, i);
		e = store_commit(m->s, &g, 1, &w, 1, NULL, NULL);
		m->made += e == ERR_OK;
		m->failed += e == ERR_STORE;
		m->conflicts += e == ERR_CONFLICT;
		m->other += e != ERR_OK && e != ERR_STORE && e != ERR_CONFLICT;
	}
	return NULL;
}

static void
test_flaky_disk(void)
{
	CLEANUP_FREE char *path = new_path();
	struct store *s = must_open(path, NULL);
	struct maker m[6], sum = { 0 };
	int there;

	atomic_store(&stop, 0);
	for (int i = 0; i < 6; i++) {
		m[i] = (struct maker){ .s = s, .number = i };
		pthread_create(&m[i].thread, NULL, make_keys, &m[i]);
	}
	for (int i = 0; i < 300; i++) {
		fault = i % 3 == 0 ? FAIL_SYNC : DIE_AT_SYNC;
		usleep(500);
		fault = NO_FAULT;
		usleep(500);
	}
	atomic_store(&stop, 1);
	for (int i = 0; i < 6; i++) {
		pthread_join(m[i].thread, NULL);
		sum.made += m[i].made;
		sum.failed += m[i].failed;
		sum.conflicts += m[i].conflicts;
		sum.other += m[i].other;
	}
	there = count(s, "m/");
	printf("# %d made, %d failed, %d there\n", sum.made, sum.failed, there);
	ok(sum.made > 0 && sum.failed > 0, "a disk that comes and goes");
	is_int(sum.conflicts, 0, "no commit is made twice");
	is_int(sum.other, 0, "what fails fails as the store's failure");
	ok(there >= sum.made, "what was acknowledged is there");
	store_close(s);
	s = must_open(path, NULL);
	is_int(count(s, "m/"), there, "after a restart, too");
	store_close(s);
}

/* ---- the rest ---- */

static void
test_one_lease(void)
{
	struct store *s = must_open(":memory:", NULL);
	struct store *other = must_open(":memory:", NULL);

	is_int(store_lease_grant(s, 0, no_loss, NULL, NULL), ERR_INTERNAL,
	       "a lease of no time");
	is_int(store_lease_grant(s, 1000, no_loss, NULL, NULL), ERR_OK, "one");
	is_int(store_lease_grant(s, 1000, no_loss, NULL, NULL), ERR_EXISTS,
	       "there is one at a time");
	ok(put(s, "a", "1") == ERR_OK && count(other, "") == 0,
	   "stores in memory are apart");
	store_close(s);
	store_close(other);
}

static void
test_one_watcher(void)
{
	struct told told = { 0 };
	struct store *s = must_open(":memory:", NULL);

	is_int(store_follow(s, &telling, &told, NULL), ERR_OK, "one watcher");
	is_int(store_follow(s, &telling, &told, NULL), ERR_INTERNAL, "no more");
	is_int(told.snapshots, 1, "the first has been told");
	store_close(s);
}

int
main(void)
{
	CLEANUP_FREE char *rm = NULL;

	signal(SIGPIPE, SIG_IGN);
	if (mkdtemp(dir) == NULL)
		return 1;
	/* Before there are threads: these fork. */
	test_killed_owner();
	test_killed_in_commit();
	test_permissions();
	test_second_open();
	test_open_while_the_owner_goes();
	test_places();
	test_foreign_files();
	test_damaged_file();
	test_full_disk();
	test_neighbours_of_a_failure();
	test_one_lease();
	test_one_watcher();
	install_faulty_disk();
	test_failed_flush();
	test_failed_write();
	test_dead_disk();
	test_commit_in_doubt();
	test_flaky_disk();
	rm = xasprintf("rm -rf '%s'", dir);
	if (system(rm) != 0)
		puts("# the temporary directory was left");
	return tap_done();
}
