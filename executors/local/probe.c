/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is on a block device, and who uses it?  See probe.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <blkid/blkid.h>

#include "probe.h"

#define DEVICE_MIN	(256 * MIB)	/* LVM's metadata takes 128 of them */
#define WIPE_MAX	64		/* signatures on one device */

static inline void
cleanup_probe(blkid_probe *pr)
{
	if (*pr != NULL)
		blkid_free_probe(*pr);
}

static inline void
cleanup_dir(DIR **d)
{
	if (*d != NULL)
		closedir(*d);
}

/* ---- users ---- */

static int
mounted(struct step *st, dev_t dev, const char *what, struct probe *p)
{
	struct mount_info m;
	int r = mount_find_dev(st, dev, &m);

	if (r > 0)
		snprintf(p->busy, sizeof(p->busy), "%sis mounted at %.500s",
			 what, m.at);
	return r;
}

static bool
is_swap(dev_t dev, const char *what, struct probe *p)
{
	CLEANUP_TEXT struct text t = {0};
	char *save = NULL, name[256];
	struct stat sb;

	if (read_file("/proc/swaps", MIB, &t) < 0)
		return false;
	for (char *l = strtok_r(t.s, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save)) {
		if (sscanf(l, "%255s", name) != 1 || stat(name, &sb) < 0 ||
		    !S_ISBLK(sb.st_mode) || sb.st_rdev != dev)
			continue;
		snprintf(p->busy, sizeof(p->busy), "%sis used as swap", what);
		return true;
	}
	return false;
}

static bool
has_holder(const char *sysdir, const char *what, struct probe *p)
{
	CLEANUP_TEXT struct text path = {0}, name = {0};
	CLEANUP(cleanup_dir) DIR *d = NULL;
	struct dirent *e;

	text_addf(&path, "%s/holders", sysdir);
	d = opendir(text_str(&path));
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		text_addf(&path, "/%s/dm/name", e->d_name);
		if (read_file(text_str(&path), 4096, &name) == 0)
			text_trim(&name);
		snprintf(p->busy, sizeof(p->busy),
			 "%sis in use by %.200s%s%.200s", what, e->d_name,
			 name.len > 0 ? ", " : "", text_str(&name));
		return true;
	}
	return false;
}

/* 1 in use, 0 not, -1 */
static int
used(struct step *st, dev_t dev, const char *what, struct probe *p)
{
	char sysdir[64];
	int r = mounted(st, dev, what, p);

	snprintf(sysdir, sizeof(sysdir), "/sys/dev/block/%u:%u", major(dev),
		 minor(dev));
	if (r != 0)
		return r;
	return is_swap(dev, what, p) || has_holder(sysdir, what, p);
}

static int
partition_used(struct step *st, const char *sysdir, const char *name,
	       struct probe *p)
{
	CLEANUP_TEXT struct text path = {0}, dev = {0};
	unsigned ma, mi;
	char what[300];

	text_addf(&path, "%s/%s/partition", sysdir, name);
	if (path.failed || access(path.s, F_OK) < 0)
		return 0;
	text_clear(&path);
	text_addf(&path, "%s/%s/dev", sysdir, name);
	if (read_file(text_str(&path), 64, &dev) < 0 ||
	    sscanf(text_str(&dev), "%u:%u", &ma, &mi) != 2)
		return 0;
	snprintf(what, sizeof(what), "has a partition %s that ", name);
	return used(st, makedev(ma, mi), what, p);
}

static int
partitions_used(struct step *st, struct probe *p)
{
	CLEANUP(cleanup_dir) DIR *d = NULL;
	struct dirent *e;
	char sysdir[64];
	int r = 0;

	snprintf(sysdir, sizeof(sysdir), "/sys/dev/block/%u:%u", major(p->dev),
		 minor(p->dev));
	d = opendir(sysdir);
	while (r == 0 && d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			r = partition_used(st, sysdir, e->d_name, p);
	return r;
}

/* The kernel's own word, for users that the lists above don't know. */
static void
claimed(struct probe *p)
{
	CLEANUP_CLOSE int fd = open(p->path, O_RDONLY | O_EXCL | O_CLOEXEC);

	if (fd < 0 && errno == EBUSY)
		snprintf(p->busy, sizeof(p->busy),
			 "is in use (the kernel says it is busy)");
}

static int
find_users(struct step *st, struct probe *p)
{
	int r = used(st, p->dev, "", p);

	if (r == 0)
		r = partitions_used(st, p);
	if (r == 0)
		claimed(p);
	return r < 0 ? -1 : 0;
}

/* ---- contents ---- */

static const char *
value(blkid_probe pr, const char *name)
{
	const char *s = NULL;

	return blkid_probe_lookup_value(pr, name, &s, NULL) == 0 ? s : NULL;
}

static blkid_probe
probe_new(int fd)
{
	blkid_probe pr = blkid_new_probe();

	if (pr == NULL)
		return NULL;
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_MAGIC |
		BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE | BLKID_SUBLKS_UUID |
		BLKID_SUBLKS_LABEL | BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(pr, 1);
	blkid_probe_set_partitions_flags(pr, BLKID_PARTS_MAGIC |
					 BLKID_PARTS_FORCE_GPT);
	if (blkid_probe_set_device(pr, fd, 0, 0) != 0) {
		blkid_free_probe(pr);
		return NULL;
	}
	return pr;
}

static void
describe(blkid_probe pr, struct probe *p)
{
	const char *type = value(pr, "TYPE"), *uuid = value(pr, "UUID");
	const char *pt = value(pr, "PTTYPE"), *usage = value(pr, "USAGE");

	if (type != NULL && strcmp(type, "LVM2_member") == 0) {
		snprintf(p->pv_uuid, sizeof(p->pv_uuid), "%s",
			 uuid != NULL ? uuid : "unknown");
		snprintf(p->holds, sizeof(p->holds),
			 "an LVM physical volume (UUID %.60s)", p->pv_uuid);
	} else if (type != NULL) {
		bool fs = usage != NULL && strcmp(usage, "filesystem") == 0;

		snprintf(p->holds, sizeof(p->holds), "%s %.60s %s%s%.60s%s",
			 strchr("aeioux", type[0]) != NULL ? "an" : "a", type,
			 fs ? "filesystem" : "signature",
			 uuid != NULL ? " (UUID " : "",
			 uuid != NULL ? uuid : "", uuid != NULL ? ")" : "");
	} else if (pt != NULL) {
		snprintf(p->holds, sizeof(p->holds),
			 "a partition table (%.60s)", pt);
	} else {
		snprintf(p->holds, sizeof(p->holds), "an unknown signature");
	}
}

static int
find_contents(struct step *st, struct probe *p)
{
	CLEANUP_CLOSE int fd = open(p->path, O_RDONLY | O_CLOEXEC);
	CLEANUP(cleanup_probe) blkid_probe pr = NULL;
	int r;

	if (fd < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT, "%s: %s", p->path,
				 strerror(errno));
	pr = probe_new(fd);
	if (pr == NULL)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "%s: libblkid can't read it: %s", p->path,
				 strerror(errno));
	r = blkid_do_safeprobe(pr);
	if (r == 0)
		describe(pr, p);
	else if (r == -2)
		snprintf(p->holds, sizeof(p->holds),
			 "signatures of several kinds");
	else if (r < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "%s: libblkid can't read it: %s", p->path,
				 strerror(errno));
	return 0;
}

/* ---- the device itself ---- */

static int
check_device(struct step *st, const char *name, struct probe *p)
{
	CLEANUP_CLOSE int fd = -1;
	char real[PATH_MAX];
	struct stat sb;
	int ro = 0;

	if (realpath(name, real) == NULL || strlen(real) >= sizeof(p->path))
		return step_fail(st, errno == ENOENT || errno == ENOTDIR ?
				 BRICKYARD_ERR_NOTFOUND :
				 BRICKYARD_ERR_PERMANENT,
				 "there is no device %s on this node", name);
	strcpy(p->path, real);
	if (stat(real, &sb) < 0 || !S_ISBLK(sb.st_mode))
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "%s is neither a block device nor a directory",
				 name);
	p->dev = sb.st_rdev;
	fd = open(real, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, BLKROGET, &ro) < 0 ||
	    ioctl(fd, BLKGETSIZE64, &p->size_bytes) < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "%s can't be read: %s", name, strerror(errno));
	if (ro)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "%s is read-only", name);
	if (p->size_bytes < DEVICE_MIN)
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "%s is too small: %llu MiB, at least %llu are "
				 "needed", name,
				 (unsigned long long)(p->size_bytes / MIB),
				 (unsigned long long)(DEVICE_MIN / MIB));
	return 0;
}

int
probe_device(struct step *st, const char *name, struct probe *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (check_device(st, name, ret) < 0 || find_users(st, ret) < 0)
		return -1;
	return find_contents(st, ret);
}

int
probe_wipe(struct step *st, const struct probe *p)
{
	/* O_EXCL: the kernel refuses if anybody uses it by now. */
	CLEANUP_CLOSE int fd = open(p->path, O_RDWR | O_EXCL | O_CLOEXEC);
	CLEANUP(cleanup_probe) blkid_probe pr = NULL;

	if (fd < 0)
		return step_fail(st, BRICKYARD_ERR_EXISTS,
				 "%s can't be wiped: %s", p->path,
				 strerror(errno));
	pr = probe_new(fd);
	if (pr == NULL)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "%s: libblkid can't read it", p->path);
	for (int i = 0; i < WIPE_MAX && blkid_do_probe(pr) == 0; i++)
		if (blkid_do_wipe(pr, 0) != 0)
			return step_fail(st, BRICKYARD_ERR_PERMANENT,
					 "%s can't be wiped: %s", p->path,
					 strerror(errno));
	if (fsync(fd) < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "%s can't be wiped: %s", p->path,
				 strerror(errno));
	/* Let the kernel forget the partitions; devices without any fail. */
	(void)ioctl(fd, BLKRRPART);
	return 0;
}

static void
add_path(struct text *t, const char *path)
{
	CLEANUP_TEXT struct text line = {0};
	const char *at;

	text_addf(&line, "%s\n", path);
	at = line.failed ? NULL : strstr(text_str(t), line.s);
	if (at == NULL || (at != t->s && at[-1] != '\n'))
		text_addf(t, "%s\n", path);
}

static void
add_links(const struct probe *p, const char *dir, struct text *ret)
{
	CLEANUP(cleanup_dir) DIR *d = opendir(dir);
	struct dirent *e;
	struct stat sb;

	while (d != NULL && (e = readdir(d)) != NULL) {
		CLEANUP_TEXT struct text path = {0};

		if (e->d_name[0] == '.' ||
		    strncmp(e->d_name, "lvm-pv-uuid-", 12) == 0 ||
		    fstatat(dirfd(d), e->d_name, &sb, 0) < 0 ||
		    !S_ISBLK(sb.st_mode) || sb.st_rdev != p->dev)
			continue;
		text_addf(&path, "%s/%s", dir, e->d_name);
		if (is_plain_path(text_str(&path)))
			add_path(ret, text_str(&path));
	}
}

void
probe_paths(const struct probe *p, const char *given, struct text *ret)
{
	CLEANUP(cleanup_dir) DIR *d = opendir("/dev/disk");
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		CLEANUP_TEXT struct text dir = {0};

		if (e->d_name[0] == '.')
			continue;
		text_addf(&dir, "/dev/disk/%s", e->d_name);
		add_links(p, text_str(&dir), ret);
	}
	add_path(ret, given);
}
