/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bricks: from the storage (image-brick.c, lv-brick.c) to the directory that
 * gluster is given.  Each sub-step looks first.  The node lock is held for one
 * brick at a time, so that bricks of several calls take turns.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "spawn.h"

#define GID_MAX UINT64_C(2147483647)

static int
check_words(struct step *st, const struct brickyard_brick *b)
{
	size_t n = b->mount != NULL ? strlen(b->mount) : 0;

	if (device_check_words(st, b->device) < 0)
		return -1;
	if (!is_plain_name(b->id) || !is_plain_name(b->lv) ||
	    !is_plain_name(b->thin_pool) || !is_plain_name(b->volume_id) ||
	    !is_plain_path(b->mount) || !is_plain_path(b->path) ||
	    strncmp(b->path, b->mount, n) != 0 || b->path[n] != '/')
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "brick %s: its names or paths are not proper "
				 "ones", b->id);
	if (b->gid >= GID_MAX)
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "brick %s: group id %llu is too big", b->id,
				 (unsigned long long)b->gid);
	return 0;
}

static bool
is_image(const struct brickyard_brick *b)
{
	return device_kind(b->device) == BRICKYARD_DEVICE_DIRECTORY;
}

int
brick_source(struct step *st, const struct brickyard_brick *b,
	     struct text *ret)
{
	if (is_image(b)) {
		text_addf(ret, "%s/%s/%s.img", b->device->name, b->device->vg,
			  b->lv);
	} else {
		/* device-mapper writes '-' in a name as '--' */
		text_addf(ret, "/dev/mapper/");
		for (const char *p = b->device->vg; *p != '\0'; p++)
			text_addf(ret, *p == '-' ? "--" : "%c", *p);
		text_addf(ret, "-");
		for (const char *p = b->lv; *p != '\0'; p++)
			text_addf(ret, *p == '-' ? "--" : "%c", *p);
	}
	return ret->failed ? step_nomem(st) : 0;
}

/* ---- mkfs ---- */

#define XFS_MAGIC	"XFSB"
#define XFS_INPROGRESS	126	/* 1 in the superblock until mkfs is done */

enum content { CONTENT_NONE, CONTENT_XFS, CONTENT_HALF_XFS, CONTENT_OTHER };

static int
look_at(struct step *st, const char *path, enum content *ret)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char sb[4096];

	if (fd < 0 || pread(fd, sb, sizeof(sb), 0) != sizeof(sb))
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "%s can't be read: %s", path, strerror(errno));
	*ret = CONTENT_NONE;
	for (size_t i = 0; i < sizeof(sb); i++)
		if (sb[i] != 0)
			*ret = CONTENT_OTHER;
	if (memcmp(sb, XFS_MAGIC, 4) == 0)
		*ret = sb[XFS_INPROGRESS] != 0 ? CONTENT_HALF_XFS : CONTENT_XFS;
	return 0;
}

/* mkfs.xfs refuses less since xfsprogs 5.19, but for xfsprogs' own tests: an
 * arbiter's brick needs no more than 16 MiB (heketi's sizes), and XFS itself
 * has no such limit.  Older ones ignore the words.
 */
#define XFS_SMALL_BYTES (300 * UINT64_C(1048576))
static const char *const small_env[] = { "QA_CHECK_FS=1", "TEST_DIR=/",
	"TEST_DEV=/", NULL };

static int
run_mkfs(struct step *st, struct node_lock *l,
	 const struct brickyard_brick *b, const char *path, bool force)
{
	uint64_t su = opt_u64(st->in, OPT_XFS_SU);
	uint64_t sw = opt_u64(st->in, OPT_XFS_SW);
	bool arbiter = b->role == 2;
	const char *argv[16];
	char stripe[80];
	size_t n = 0;

	argv[n++] = "mkfs.xfs";
	argv[n++] = "-i";
	argv[n++] = arbiter ? "maxpct=100" : "size=512";
	if (su != 0 && sw != 0 && !arbiter) {
		snprintf(stripe, sizeof(stripe), "su=%llu,sw=%llu",
			 (unsigned long long)su, (unsigned long long)sw);
		argv[n++] = "-d";
		argv[n++] = stripe;
	}
	argv[n++] = "-n";
	argv[n++] = "size=8192";
	if (force)
		argv[n++] = "-f";
	argv[n++] = path;
	argv[n] = NULL;
	return spawn_tool_env(st, l, argv, b->size_bytes < XFS_SMALL_BYTES ?
			      small_env : NULL);
}

int
brick_mkfs(struct step *st, struct node_lock *l,
	   const struct brickyard_brick *b, const char *path)
{
	enum content c;

	if (look_at(st, path, &c) < 0)
		return -1;
	if (c == CONTENT_XFS)
		return 0;		/* whose data it may hold */
	if (c == CONTENT_OTHER)
		return step_fail(st, BRICKYARD_ERR_EXISTS,
				 "%s holds something that is no XFS; it is not "
				 "overwritten", path);
	return run_mkfs(st, l, b, path, c == CONTENT_HALF_XFS);
}

/* ---- mount ---- */

static bool
is_our_mount(const struct brickyard_brick *b, const struct mount_info *m,
	     const char *source)
{
	struct stat sb;

	if (is_image(b))
		return loop_is_backed_by(m->dev, source);
	return stat(source, &sb) == 0 && S_ISBLK(sb.st_mode) &&
	       sb.st_rdev == m->dev;
}

static void
mount_options(struct step *st, const struct brickyard_brick *b, char *s,
	      size_t n)
{
	snprintf(s, n, "%s%s", opt_str(st->in, OPT_MOUNTOPTS),
		 is_image(b) ? ",loop" : "");
}

static int
mount_brick(struct step *st, struct node_lock *l,
	    const struct brickyard_brick *b, const char *source,
	    const char *options)
{
	const char *argv[] = { "mount", "-t", "xfs", "-o", options, source,
		b->mount, NULL };
	struct mount_info m;
	int r = mount_find(st, b->mount, &m);

	if (r < 0)
		return -1;
	if (r > 0 && is_our_mount(b, &m, source))
		return 0;
	if (r > 0)
		return step_fail(st, BRICKYARD_ERR_EXISTS,
				 "%s is in the way: %s is mounted there",
				 b->mount, m.source);
	return spawn_tool(st, l, argv);
}

/* The directory inside, with the volume's group. */
static int
make_path(struct step *st, const struct brickyard_brick *b)
{
	struct stat sb;

	if (mkdir(b->path, 0755) == 0) {
		(void)chmod(b->path, 0755);	/* whatever the umask is */
	} else if (errno != EEXIST) {
		return step_fail(st, BRICKYARD_ERR_PERMANENT, "mkdir %s: %s",
				 b->path, strerror(errno));
	}
	if (b->gid == 0)
		return 0;
	/* chown clears the set-group-id bit, so chmod comes second */
	if (stat(b->path, &sb) < 0 ||
	    (sb.st_gid != (gid_t)b->gid &&
	     chown(b->path, (uid_t)-1, (gid_t)b->gid) < 0) ||
	    chmod(b->path, 02775) < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "%s: group %llu: %s", b->path,
				 (unsigned long long)b->gid, strerror(errno));
	return 0;
}

static int
make_visible(struct step *st, struct node_lock *l,
	     const struct brickyard_brick *b)
{
	CLEANUP_TEXT struct text source = {0};
	char options[600];

	mount_options(st, b, options, sizeof(options));
	if (brick_source(st, b, &source) < 0)
		return -1;
	if (make_dirs(b->mount, 0755) < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT, "mkdir %s: %s",
				 b->mount, strerror(errno));
	if (fstab_add(st, source.s, b->mount, options) < 0 ||
	    mount_brick(st, l, b, source.s, options) < 0)
		return -1;
	return make_path(st, b);
}

static int
brick_create(struct step *st, const struct brickyard_brick *b)
{
	CLEANUP_NODE_LOCK struct node_lock l = NODE_LOCK_INIT;
	int r;

	if (check_words(st, b) < 0 || node_enter(st, &l) < 0)
		return -1;
	r = is_image(b) ? image_create(st, &l, b) : lv_create(st, &l, b);
	return r < 0 ? -1 : make_visible(st, &l, b);
}

int
bricks_create(struct step *st, const struct brickyard_brick *const *bricks,
	      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (brick_create(st, bricks[i]) < 0)
			return step_prefix(st, "brick %s on %s: ",
					   bricks[i]->id,
					   bricks[i]->device->name);
	return 0;
}

/* ---- destroy ---- */

static void
remove_dirs(const struct brickyard_brick *b)
{
	CLEANUP_FREE char *parent = strdup(b->mount);
	char *slash = parent != NULL ? strrchr(parent, '/') : NULL;

	if (rmdir(b->mount) < 0 && errno != ENOENT)
		return;
	if (slash != NULL && slash != parent) {
		*slash = '\0';
		(void)rmdir(parent);	/* of the device: only when empty */
	}
}

static int
brick_destroy(struct step *st, const struct brickyard_brick *b)
{
	CLEANUP_NODE_LOCK struct node_lock l = NODE_LOCK_INIT;
	struct fault why = {0};

	if (check_words(st, b) < 0 || node_enter(st, &l) < 0)
		return -1;
	/* The fstab line goes even if the mount won't, as heketi does it. */
	if (mount_remove(st, b->mount) < 0)
		why = st->fault;
	if (fstab_remove(st, b->mount, b->id) < 0)
		return -1;
	if (why.err_class != 0) {
		st->fault = why;
		return -1;
	}
	if ((is_image(b) ? image_destroy(st, b) : lv_destroy(st, &l, b)) < 0)
		return -1;
	remove_dirs(b);
	return 0;
}

int
bricks_destroy(struct step *st, const struct brickyard_brick *const *bricks,
	       size_t n)
{
	struct fault first = {0};

	for (size_t i = 0; i < n; i++) {
		if (brick_destroy(st, bricks[i]) == 0)
			continue;
		step_prefix(st, "brick %s on %s: ", bricks[i]->id,
			    bricks[i]->device->name);
		if (first.err_class == 0)
			first = st->fault;
		/* One brick's trouble is its own; these are the call's. */
		if (st->fault.err_class == BRICKYARD_ERR_FENCED ||
		    step_check(st) < 0)
			break;
	}
	st->fault = first;
	return first.err_class != 0 ? -1 : 0;
}
