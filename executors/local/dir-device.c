/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories as devices.  DIR/.brickyard-device marks one and remembers how
 * much was there to give when it was registered; DIR/vg_ID/ holds the images.
 * Other files in the directory are left alone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "local.h"

#define MARKER		".brickyard-device"
#define MARKER_MAX	4096
#define BIG_FILE	(INT64_C(1) << 40)	/* no smaller file size limit */

struct marker {
	char id[64];
	uint64_t total_bytes;
};

static int
dir_fail(struct step *st, const char *dir, const char *what)
{
	int err_class = errno == ENOSPC || errno == EDQUOT ?
		BRICKYARD_ERR_NOSPACE : BRICKYARD_ERR_PERMANENT;

	if (errno == EROFS)
		return step_fail(st, err_class, "directory %s is on a "
				 "read-only filesystem; remount it writable or "
				 "use another directory", dir);
	return step_fail(st, err_class, "directory %s: %s: %s", dir, what,
			 strerror(errno));
}

/* 1 read, 0 there is none, -1 */
static int
marker_read(struct step *st, const char *dir, struct marker *m)
{
	CLEANUP_TEXT struct text path = {0}, t = {0};
	unsigned long long total;

	text_addf(&path, "%s/" MARKER, dir);
	if (read_file(text_str(&path), MARKER_MAX, &t) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return dir_fail(st, dir, MARKER);
	}
	if (sscanf(text_str(&t), "brickyard-device 1\nid %63s\n"
		   "total_bytes %llu\n", m->id, &total) != 2)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "%s is damaged; if no brick is in this "
				 "directory, remove the file", path.s);
	m->total_bytes = total;
	return 1;
}

static int
marker_check(struct step *st, const struct brickyard_device *dev,
	     const struct marker *m)
{
	if (strcmp(m->id, dev->id) == 0)
		return 0;
	return step_fail(st, BRICKYARD_ERR_EXISTS,
			 "directory %s is already the device %s; use another "
			 "directory, or remove that device first", dev->name,
			 m->id);
}

int
dir_check_ours(struct step *st, const struct brickyard_device *dev)
{
	struct marker m;
	int r = marker_read(st, dev->name, &m);

	if (r == 0)
		return step_fail(st, BRICKYARD_ERR_NOTFOUND,
				 "directory %s is not a device (there is no "
				 MARKER " in it: is its filesystem mounted?)",
				 dev->name);
	return r < 0 ? -1 : marker_check(st, dev, &m);
}

/* Written beside it and linked, so that a marker is whole or not there, and
 * never replaces another.
 */
static int
marker_write(struct step *st, const struct brickyard_device *dev,
	     uint64_t total)
{
	CLEANUP_TEXT struct text path = {0}, tmp = {0}, t = {0};
	struct marker m;

	text_addf(&path, "%s/" MARKER, dev->name);
	text_addf(&tmp, "%s/" MARKER ".new", dev->name);
	text_addf(&t, "brickyard-device 1\nid %s\ntotal_bytes %llu\n", dev->id,
		  (unsigned long long)total);
	if (path.failed || tmp.failed || t.failed)
		return step_nomem(st);
	if (write_file(tmp.s, t.s, t.len, 0600) < 0) {
		(void)dir_fail(st, dev->name, "can't be written to");
		unlink(tmp.s);
		return -1;
	}
	if (link(tmp.s, path.s) == 0) {
		unlink(tmp.s);
		return 0;
	}
	if (errno != EEXIST) {
		(void)dir_fail(st, dev->name, "can't be written to");
		unlink(tmp.s);
		return -1;
	}
	unlink(tmp.s);
	if (marker_read(st, dev->name, &m) < 0)
		return -1;
	return marker_check(st, dev, &m);
}

/* ---- room ---- */

int
dir_room(struct step *st, const char *dir, uint64_t *ret)
{
	uint64_t reserve = opt_u64(st->in, OPT_DIRECTORY_RESERVE_MB) * MIB;
	struct statvfs v;
	uint64_t avail;

	if (statvfs(dir, &v) < 0)
		return dir_fail(st, dir, "can't be looked at");
	avail = (uint64_t)v.f_bavail * v.f_frsize;
	*ret = avail > reserve ? avail - reserve : 0;
	*ret -= *ret % EXTENT_BYTES;
	return 0;
}

/* What the images are meant to take; sparse ones take less now. */
static int
images_bytes(struct step *st, const struct brickyard_device *dev,
	     uint64_t *ret)
{
	CLEANUP_TEXT struct text path = {0};
	struct dirent *e;
	struct stat sb;
	DIR *d;

	*ret = 0;
	text_addf(&path, "%s/%s", dev->name, dev->vg);
	d = opendir(text_str(&path));
	if (d == NULL && errno == ENOENT)
		return 0;
	if (d == NULL)
		return dir_fail(st, dev->name, dev->vg);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' &&
		    fstatat(dirfd(d), e->d_name, &sb, AT_SYMLINK_NOFOLLOW) ==
		    0 && S_ISREG(sb.st_mode))
			*ret += (uint64_t)sb.st_size;
	closedir(d);
	return 0;
}

static int
dir_facts(struct step *st, const struct brickyard_device *dev,
	  const struct marker *m, struct device_facts *f)
{
	char real[PATH_MAX];
	uint64_t images, room;

	if (images_bytes(st, dev, &images) < 0 ||
	    dir_room(st, dev->name, &room) < 0)
		return -1;
	f->kind = BRICKYARD_DEVICE_DIRECTORY;
	f->extent_bytes = EXTENT_BYTES;
	f->total_bytes = m->total_bytes;
	f->free_bytes = images < m->total_bytes ? m->total_bytes - images : 0;
	if (f->free_bytes > room)
		f->free_bytes = room;
	if (realpath(dev->name, real) != NULL && strcmp(real, dev->name) != 0)
		text_addf(&f->paths, "%s\n", real);
	text_addf(&f->paths, "%s\n", dev->name);
	return 0;
}

/* ---- prepare ---- */

/* Can images be made here?  Try with a file that goes away again. */
static int
try_file(struct step *st, const char *dir, int fd)
{
	int r;

	if (ftruncate(fd, BIG_FILE) < 0)
		return dir_fail(st, dir, "its filesystem can't hold big files");
	r = fallocate(fd, 0, 0, (off_t)EXTENT_BYTES);
	if (r < 0 && errno == EOPNOTSUPP && opt_bool(st->in, OPT_SPARSE))
		return 0;
	if (r < 0 && errno == EOPNOTSUPP)
		return step_fail(st, BRICKYARD_ERR_UNSUPPORTED,
				 "directory %s: its filesystem can't allocate "
				 "files ahead (fallocate), so bricks could run "
				 "out of space; use another, or set the option "
				 "sparse of the local executor", dir);
	return r < 0 ? dir_fail(st, dir, "can't be written to") : 0;
}

static int
check_usable(struct step *st, const char *dir)
{
	CLEANUP_TEXT struct text path = {0};
	CLEANUP_CLOSE int fd = -1;
	int r;

	text_addf(&path, "%s/.brickyard-try", dir);
	if (path.failed)
		return step_nomem(st);
	fd = open(path.s, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	if (fd < 0)
		return dir_fail(st, dir, "can't be written to");
	r = try_file(st, dir, fd);
	unlink(path.s);
	return r;
}

static int
check_directory(struct step *st, const char *dir)
{
	struct stat sb;

	if (stat(dir, &sb) < 0)
		return step_fail(st, BRICKYARD_ERR_NOTFOUND,
				 "there is no directory %s on this node", dir);
	if (!S_ISDIR(sb.st_mode))
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "%s is not a directory", dir);
	return 0;
}

static int
dir_mark(struct step *st, const struct brickyard_device *dev,
	 struct marker *m)
{
	if (check_usable(st, dev->name) < 0 ||
	    dir_room(st, dev->name, &m->total_bytes) < 0)
		return -1;
	if (m->total_bytes == 0)
		return step_fail(st, BRICKYARD_ERR_NOSPACE,
				 "directory %s: its filesystem is full (%llu "
				 "MiB are kept free)", dev->name,
				 (unsigned long long)opt_u64(st->in,
					OPT_DIRECTORY_RESERVE_MB));
	return marker_write(st, dev, m->total_bytes);
}

static int
prepare(struct step *st, const struct brickyard_device *dev,
	struct device_facts *f)
{
	struct marker m = {0};
	int r;

	if (check_directory(st, dev->name) < 0)
		return -1;
	r = marker_read(st, dev->name, &m);
	if (r > 0 && strcmp(m.id, dev->id) != 0)
		snprintf(f->holds_device, sizeof(f->holds_device), "%s", m.id);
	if (r < 0 || (r > 0 && marker_check(st, dev, &m) < 0) ||
	    (r == 0 && dir_mark(st, dev, &m) < 0))
		return -1;
	return dir_facts(st, dev, &m, f);
}

int
dir_prepare(struct step *st, const struct brickyard_device *dev,
	    struct device_facts *f)
{
	if (prepare(st, dev, f) < 0)
		return step_prefix(st, "Initializing device %s failed: ",
				   dev->name);
	return 0;
}

int
dir_info(struct step *st, const struct brickyard_device *dev,
	 struct device_facts *f)
{
	struct marker m;

	if (dir_check_ours(st, dev) < 0)
		return -1;
	if (marker_read(st, dev->name, &m) <= 0)
		return step_fail(st, BRICKYARD_ERR_NOTFOUND,
				 "directory %s is not a device any more",
				 dev->name);
	return dir_facts(st, dev, &m, f);
}

/* ---- teardown ---- */

int
dir_teardown(struct step *st, const struct brickyard_device *dev)
{
	CLEANUP_TEXT struct text vg = {0}, marker = {0};
	struct marker m;
	int r = marker_read(st, dev->name, &m);

	if (r <= 0)
		return r;
	if (strcmp(m.id, dev->id) != 0)
		return 0;		/* somebody else's by now */
	text_addf(&vg, "%s/%s", dev->name, dev->vg);
	text_addf(&marker, "%s/" MARKER, dev->name);
	if (vg.failed || marker.failed)
		return step_nomem(st);
	if (rmdir(vg.s) < 0 && errno != ENOENT)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "directory %s: %s: %s", dev->name, vg.s,
				 errno == ENOTEMPTY || errno == EEXIST ?
				 "bricks are still in it" : strerror(errno));
	if (unlink(marker.s) < 0 && errno != ENOENT)
		return dir_fail(st, dev->name, MARKER);
	return 0;
}
