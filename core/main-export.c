/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyardd db export, db consistency-check, offline state examine: what is in a
 * store, in heketi's words, without serving it.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/dump.h"
#include "api/examine.h"
#include "main-offline.h"
#include "util/clock.h"
#include "util/xalloc.h"

/* A store that is followed just long enough to look at it. */
struct look {
	struct store *store;
	struct mirror *mirror;
	struct mirror_snapshot snapshot;
};

static void
look_release(struct look *l)
{
	mirror_snapshot_release(&l->snapshot);
	store_close(l->store);
	mirror_free(l->mirror);
}

/* A file that is not there would be made by opening it. */
static enum err
check_file(struct daemon *d, struct error *err)
{
	CLEANUP_FREE char *spec = store_spec(d->config);

	if (strncmp(spec, "sqlite:", 7) != 0 || access(spec + 7, F_OK) == 0)
		return ERR_OK;
	return fail(err, ERR_NOTFOUND, "store '%s': %m", spec);
}

static enum err
look_at(struct daemon *d, struct look *l, struct error *err)
{
	enum err r = check_file(d, err);

	if (r == ERR_OK)
		r = open_store(d, &l->store, err);
	if (r != ERR_OK)
		return r;
	l->mirror = mirror_new(l->store);
	r = mirror_start(l->mirror, err);
	if (r != ERR_OK)
		return r;
	mirror_snapshot_take(l->mirror, &l->snapshot);
	if (mirror_snapshot_find(&l->snapshot, RECORD_ADMIN, RECORD_COPYING) !=
	    NULL)
		return fail(err, ERR_REFUSED, "%s: a copy into it did not come "
			    "to its end", store_describe(l->store));
	return ERR_OK;
}

/* It holds the passwords of block volumes: for the owner only. */
static enum err
write_file(const char *path, const struct buf *b, struct error *err)
{
	CLEANUP_CLOSE int fd = -1;
	const char *at = buf_str(b);
	size_t left = b->len;

	fd = strcmp(path, "-") == 0 ? dup(STDOUT_FILENO) :
	     open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(err, ERR_BADREQ, "file '%s': %m", path);
	while (left > 0) {
		ssize_t n = write(fd, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, ERR_BADREQ, "file '%s': %m", path);
		at += n;
		left -= (size_t)n;
	}
	if (fsync(fd) < 0 && errno != EINVAL && errno != EROFS)
		return fail(err, ERR_BADREQ, "file '%s': %m", path);
	return ERR_OK;
}

static int
end(enum err r, const struct error *err)
{
	if (r == ERR_OK)
		return EXIT_SUCCESS;
	fprintf(stderr, "ERROR: %s\n", err->text);
	return EXIT_FAILURE;
}

int
db_export(struct daemon *d, const struct offline_options *o)
{
	CLEANUP(look_release) struct look l = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	struct error err;
	enum err r;

	if (o->jsonfile == NULL)
		return end(fail(&err, ERR_BADREQ, "--jsonfile: export to which "
				"file? (-: to stdout)"), &err);
	r = look_at(d, &l, &err);
	if (r == ERR_OK)
		r = dump_encode(&l.snapshot, &b, &err);
	buf_adds(&b, "\n");
	if (r == ERR_OK)
		r = write_file(o->jsonfile, &b, &err);
	if (r == ERR_OK)
		fprintf(stderr, "DB exported to %s\n", o->jsonfile);
	return end(r, &err);
}

int
db_check(struct daemon *d, const struct offline_options *o)
{
	CLEANUP(look_release) struct look l = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	struct error err;
	enum err r = look_at(d, &l, &err);

	if (r == ERR_OK)
		r = dump_check(&l.snapshot, &b, NULL, &err);
	if (r == ERR_OK)
		puts(buf_str(&b));
	return end(r, &err);
}

/* ---- offline state examine gluster ---- */

#define EXAMINE_TIMEOUT_MS 60000

static int
never_cancelled(const struct brickyard_call *call)
{
	return 0;
}

static enum err
open_nodes(struct daemon *d, struct error *err)
{
	enum err r;

	load_plugins(d);
	r = open_executor(d, err);
	return r == ERR_OK ? inject_errors(d, err) : r;
}

/* Nothing is changed, and no operation is carried on. */
int
offline_examine(struct daemon *d, const struct offline_options *o)
{
	CLEANUP(look_release) struct look l = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	struct brickyard_call call = {
		.size = sizeof(call),
		.cancelled = never_cancelled,
	};
	struct examined *nodes;
	struct error err;
	size_t n = 0;
	enum err r = open_nodes(d, &err);

	if (r == ERR_OK)
		r = look_at(d, &l, &err);
	if (r != ERR_OK)
		return end(r, &err);
	puts("OFFLINE COMMAND: Examine state of Gluster\n"
	     "Starting examiner now...");
	fflush(stdout);
	call.deadline_ms = clock_mono_ms() + EXAMINE_TIMEOUT_MS;
	nodes = examine_nodes(d->executor, &call, &l.snapshot, &n);
	r = examine_encode(&l.snapshot, nodes, n, NULL, &b, &err);
	service_examine_free(nodes, n);
	if (r == ERR_OK)
		printf("EXAMINER_OUTPUT_STARTS\n%s\nEXAMINER_OUTPUT_ENDS\n",
		       buf_str(&b));
	return end(r, &err);
}
