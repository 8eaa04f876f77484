/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits of fstab.  The node lock is held, so that no other Brickyard edits at
 * the same time; people's lines are passed through byte for byte.  The file is
 * replaced in one step; where that can't be (a bind mount, as in containers),
 * it is rewritten in place.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "local.h"

#define FSTAB_MAX (4 * MIB)

static int
fstab_fail(struct step *st, const char *path)
{
	return step_fail(st, errno == ENOSPC ? BRICKYARD_ERR_NOSPACE :
			 BRICKYARD_ERR_PERMANENT, "%s: %s", path,
			 strerror(errno));
}

/* Is the line's mount point (the second field) this one? */
static bool
line_is_at(const char *line, size_t len, const char *at)
{
	const char *end = line + len, *p = line;
	size_t n;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p == '#')
		return false;
	while (p < end && *p != ' ' && *p != '\t')
		p++;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	for (n = 0; p + n < end && p[n] != ' ' && p[n] != '\t'; n++)
		continue;
	return n == strlen(at) && memcmp(p, at, n) == 0;
}

/* Does the line name brick_ID?  A longer id that starts alike is another. */
static bool
line_has_brick(const char *line, size_t len, const char *id)
{
	char want[160];
	int n = snprintf(want, sizeof(want), "brick_%s", id);
	const char *p = line;

	if (id[0] == '\0' || n >= (int)sizeof(want))
		return false;
	while ((p = memmem(p, len - (size_t)(p - line), want,
			   (size_t)n)) != NULL) {
		const char *after = p + n;

		if (after == line + len ||
		    strchr("0123456789abcdefABCDEF", *after) == NULL)
			return true;
		p++;
	}
	return false;
}

/* Copy the lines that are not the brick's.  id NULL: by mount point only. */
static size_t
keep_lines(const struct text *from, const char *at, const char *id,
	   struct text *to)
{
	const char *p = text_str(from), *end = p + from->len;
	size_t dropped = 0;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl != NULL ? nl : end) - p);

		if (line_is_at(p, len, at) ||
		    (id != NULL && line_has_brick(p, len, id))) {
			dropped++;
		} else {
			text_add(to, p, len);
			text_add(to, "\n", 1);
		}
		p += len + 1;
	}
	return dropped;
}

/* Is the mount point's one line this one already? */
static bool
has_line(const struct text *t, const char *at, const struct text *want)
{
	const char *p = text_str(t), *end = p + t->len;
	size_t same = 0, others = 0;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl != NULL ? nl : end) - p);

		if (line_is_at(p, len, at)) {
			if (len == want->len && memcmp(p, want->s, len) == 0)
				same++;
			else
				others++;
		}
		p += len + 1;
	}
	return same == 1 && others == 0;
}

/* The file is a mount of its own: it can't be renamed over.  What is written
 * first is the longer part, so a crash leaves old or new lines, not none.
 */
static int
rewrite_in_place(const char *path, const struct text *t)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return -1;
	while (done < t->len) {
		ssize_t n = pwrite(fd, t->s + done, t->len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	if (ftruncate(fd, (off_t)t->len) < 0)
		return -1;
	return fsync(fd);
}

static int
fstab_write(struct step *st, const char *path, const struct text *t)
{
	char real[PATH_MAX];
	struct stat sb;

	if (t->failed)
		return step_nomem(st);
	/* Replace what a symbolic link points to, not the link. */
	if (realpath(path, real) == NULL)
		snprintf(real, sizeof(real), "%s", path);
	if (stat(real, &sb) < 0)
		sb.st_mode = 0644;
	if (write_file_atomic(real, text_str(t), t->len,
			      sb.st_mode & 07777) == 0)
		return 0;
	if ((errno == EBUSY || errno == EXDEV || errno == EROFS ||
	     errno == EACCES) && rewrite_in_place(real, t) == 0)
		return 0;
	return fstab_fail(st, path);
}

static int
fstab_read(struct step *st, const char *path, struct text *t)
{
	if (read_file(path, FSTAB_MAX, t) < 0 && errno != ENOENT)
		return fstab_fail(st, path);
	return 0;
}

int
fstab_add(struct step *st, const char *source, const char *at,
	  const char *options)
{
	const char *path = opt_str(st->in, OPT_FSTAB);
	CLEANUP_TEXT struct text old = {0}, new = {0}, line = {0};

	text_addf(&line, "%s %s xfs %s 1 2", source, at, options);
	if (line.failed)
		return step_nomem(st);
	if (fstab_read(st, path, &old) < 0)
		return -1;
	if (has_line(&old, at, &line))
		return 0;
	keep_lines(&old, at, NULL, &new);
	text_addf(&new, "%s\n", line.s);
	return fstab_write(st, path, &new);
}

int
fstab_has(struct step *st, const char *at)
{
	CLEANUP_TEXT struct text t = {0}, rest = {0};

	if (fstab_read(st, opt_str(st->in, OPT_FSTAB), &t) < 0)
		return -1;
	return keep_lines(&t, at, NULL, &rest) > 0;
}

int
fstab_remove(struct step *st, const char *at, const char *brick_id)
{
	const char *path = opt_str(st->in, OPT_FSTAB);
	CLEANUP_TEXT struct text old = {0}, new = {0};

	if (fstab_read(st, path, &old) < 0)
		return -1;
	if (keep_lines(&old, at, brick_id, &new) == 0)
		return 0;
	return fstab_write(st, path, &new);
}
