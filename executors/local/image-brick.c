/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bricks on directory devices: the image DIR/VG/LV.img.  It is allocated and
 * formatted under another name and renamed when it is whole, so that an image
 * with its final name always holds a filesystem.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "local.h"

struct image_paths {
	struct text dir, image, tmp;
};

static void
paths_free(struct image_paths *p)
{
	text_free(&p->dir);
	text_free(&p->image);
	text_free(&p->tmp);
}

static int
paths_init(struct step *st, const struct brickyard_brick *b,
	   struct image_paths *p)
{
	text_addf(&p->dir, "%s/%s", b->device->name, b->device->vg);
	text_addf(&p->image, "%s/%s.img", text_str(&p->dir), b->lv);
	text_addf(&p->tmp, "%s.tmp", text_str(&p->image));
	if (p->dir.failed || p->image.failed || p->tmp.failed)
		return step_nomem(st);
	return 0;
}

static int
image_fail(struct step *st, const char *path)
{
	return step_fail(st, errno == ENOSPC || errno == EDQUOT ?
			 BRICKYARD_ERR_NOSPACE : BRICKYARD_ERR_PERMANENT,
			 "%s: %s", path, strerror(errno));
}

static int
check_room(struct step *st, const struct brickyard_brick *b)
{
	uint64_t reserve = opt_u64(st->in, OPT_DIRECTORY_RESERVE_MB) * MIB;
	uint64_t room;

	/* Half the reserve is for the filesystem's own records about images. */
	if (dir_room(st, b->device->name, &room) < 0)
		return -1;
	if (b->size_bytes <= room + reserve / 2)
		return 0;
	return step_fail(st, BRICKYARD_ERR_NOSPACE,
			 "directory %s: %llu MiB are free for bricks, %llu are "
			 "needed", b->device->name,
			 (unsigned long long)(room / MIB),
			 (unsigned long long)(b->size_bytes / MIB));
}

static int
allocate(struct step *st, const struct brickyard_brick *b, const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_EXCL |
				    O_CLOEXEC, 0600);
	off_t size = (off_t)b->size_bytes;

	if (fd < 0)
		return image_fail(st, path);
	if (fallocate(fd, 0, 0, size) == 0)
		return 0;
	if (errno == EOPNOTSUPP && opt_bool(st->in, OPT_SPARSE) &&
	    ftruncate(fd, size) == 0)
		return 0;
	return image_fail(st, path);
}

static int
sync_file(struct step *st, const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0 ? 0 : image_fail(st, path);
}

static int
build(struct step *st, struct node_lock *l, const struct brickyard_brick *b,
      const struct image_paths *p)
{
	if (allocate(st, b, p->tmp.s) < 0 ||
	    brick_mkfs(st, l, b, p->tmp.s) < 0 || sync_file(st, p->tmp.s) < 0)
		return -1;
	return rename(p->tmp.s, p->image.s) == 0 ? 0 :
		image_fail(st, p->image.s);
}

/* 1 whole, 0 not there, -1 */
static int
look(struct step *st, const struct brickyard_brick *b, const char *image)
{
	struct stat sb;

	if (lstat(image, &sb) < 0)
		return errno == ENOENT ? 0 : image_fail(st, image);
	if (S_ISREG(sb.st_mode) && (uint64_t)sb.st_size == b->size_bytes)
		return 1;
	return step_fail(st, BRICKYARD_ERR_EXISTS,
			 "%s is in the way: it has %lld bytes, not %llu", image,
			 (long long)sb.st_size,
			 (unsigned long long)b->size_bytes);
}

static int
image_create_at(struct step *st, struct node_lock *l,
		const struct brickyard_brick *b, const struct image_paths *p)
{
	int r = look(st, b, p->image.s);

	if (r != 0)
		return r < 0 ? -1 : 0;
	if (make_dirs(p->dir.s, 0700) < 0)
		return image_fail(st, p->dir.s);
	/* Half made by somebody who died; mkfs of it died with him. */
	if (unlink(p->tmp.s) < 0 && errno != ENOENT)
		return image_fail(st, p->tmp.s);
	if (check_room(st, b) < 0)
		return -1;
	if (build(st, l, b, p) == 0)
		return 0;
	unlink(p->tmp.s);
	return -1;
}

int
image_create(struct step *st, struct node_lock *l,
	     const struct brickyard_brick *b)
{
	CLEANUP(paths_free) struct image_paths p = {0};

	if (paths_init(st, b, &p) < 0 || dir_check_ours(st, b->device) < 0)
		return -1;
	return image_create_at(st, l, b, &p);
}

int
image_destroy(struct step *st, const struct brickyard_brick *b)
{
	CLEANUP(paths_free) struct image_paths p = {0};

	if (paths_init(st, b, &p) < 0)
		return -1;
	if (unlink(p.tmp.s) < 0 && errno != ENOENT && errno != ENOTDIR)
		return image_fail(st, p.tmp.s);
	if (access(p.image.s, F_OK) < 0)
		return 0;
	if (loop_detach_all(st, p.image.s) < 0)
		return -1;
	if (unlink(p.image.s) < 0 && errno != ENOENT)
		return image_fail(st, p.image.s);
	return 0;
}
