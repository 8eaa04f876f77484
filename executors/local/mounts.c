/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is mounted (/proc/self/mountinfo), unmounting, and loop devices as the
 * kernel lists them in /sys/block.  Mounting itself is mount(8)'s work: it
 * knows how to set up a loop device that goes away with the mount.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "local.h"

#define MOUNTINFO_MAX	(64 * MIB)
#define UMOUNT_WAIT_MS	10000	/* brick processes need a moment to go */

/* Undo the \040 escapes of mountinfo, in place. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' &&
		    s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
				       (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* ID PARENT MAJ:MIN ROOT AT OPTIONS [FIELDS…] - TYPE SOURCE SUPER */
static bool
parse_line(char *line, struct mount_info *m)
{
	unsigned major, minor;
	char *dash = strstr(line, " - ");

	memset(m, 0, sizeof(*m));
	if (dash == NULL ||
	    sscanf(line, "%*u %*u %u:%u %*s %511s", &major, &minor,
		   m->at) != 3 ||
	    sscanf(dash + 3, "%63s %511s", m->fstype, m->source) < 1)
		return false;
	m->dev = makedev(major, minor);
	unescape(m->at);
	unescape(m->source);
	return true;
}

/* The last match counts: it lies on top. */
static int
find_mount(struct step *st, const char *at, dev_t dev, struct mount_info *ret)
{
	CLEANUP_TEXT struct text t = {0};
	struct mount_info m;
	char *save = NULL;
	int found = 0;

	if (read_file("/proc/self/mountinfo", MOUNTINFO_MAX, &t) < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "/proc/self/mountinfo: %s", strerror(errno));
	for (char *l = strtok_r(t.s, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save)) {
		if (!parse_line(l, &m))
			continue;
		if (at != NULL ? strcmp(m.at, at) == 0 : m.dev == dev) {
			*ret = m;
			found = 1;
		}
	}
	return found;
}

int
mount_find(struct step *st, const char *at, struct mount_info *ret)
{
	return find_mount(st, at, 0, ret);
}

int
mount_find_dev(struct step *st, dev_t dev, struct mount_info *ret)
{
	return find_mount(st, NULL, dev, ret);
}

static int
umount_once(struct step *st, const char *at)
{
	int64_t until = now_ms() + UMOUNT_WAIT_MS;

	while (umount2(at, UMOUNT_NOFOLLOW) < 0) {
		if (errno == EINVAL || errno == ENOENT)
			return 0;	/* it went away meanwhile */
		if (errno != EBUSY || now_ms() >= until)
			return step_fail(st, errno == EBUSY ?
					 BRICKYARD_ERR_TRANSIENT :
					 BRICKYARD_ERR_PERMANENT,
					 "umount %s: %s", at, strerror(errno));
		if (step_sleep(st, 100) < 0)
			return step_prefix(st, "umount %s: target is busy: ",
					   at);
	}
	return 0;
}

int
mount_remove(struct step *st, const char *at)
{
	struct mount_info m;
	int r;

	while ((r = mount_find(st, at, &m)) > 0)
		if (umount_once(st, at) < 0)
			return -1;
	return r;
}

/* ---- loop devices ---- */

static bool
same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return stat(a, &sa) == 0 && stat(b, &sb) == 0 &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static bool
backed_by(const char *sysdir, const char *image)
{
	CLEANUP_TEXT struct text path = {0}, file = {0};

	text_addf(&path, "%s/loop/backing_file", sysdir);
	if (read_file(text_str(&path), 8192, &file) < 0)
		return false;
	text_trim(&file);
	return same_file(text_str(&file), image);
}

bool
loop_is_backed_by(dev_t dev, const char *image)
{
	char dir[64];

	snprintf(dir, sizeof(dir), "/sys/dev/block/%u:%u", major(dev),
		 minor(dev));
	return backed_by(dir, image);
}

static int
loop_detach(struct step *st, const char *name)
{
	char dev[300];
	CLEANUP_CLOSE int fd = -1;

	snprintf(dev, sizeof(dev), "/dev/%s", name);
	fd = open(dev, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || (ioctl(fd, LOOP_CLR_FD, 0) < 0 && errno != ENXIO))
		return step_fail(st, BRICKYARD_ERR_TRANSIENT,
				 "%s: can't be detached: %s", dev,
				 strerror(errno));
	return 0;
}

static int
loop_detach_unused(struct step *st, const char *name, const char *image)
{
	char dev[300];
	struct mount_info m;
	struct stat sb;
	int r;

	snprintf(dev, sizeof(dev), "/dev/%s", name);
	if (stat(dev, &sb) < 0)
		return 0;
	r = mount_find_dev(st, sb.st_rdev, &m);
	if (r > 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "%s: still mounted at %s through %s", image,
				 m.at, dev);
	return r < 0 ? -1 : loop_detach(st, name);
}

int
loop_detach_all(struct step *st, const char *image)
{
	DIR *d = opendir("/sys/block");
	struct dirent *e;
	int r = 0;

	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		char sys[320];

		if (strncmp(e->d_name, "loop", 4) != 0)
			continue;
		snprintf(sys, sizeof(sys), "/sys/block/%s", e->d_name);
		if (backed_by(sys, image) &&
		    loop_detach_unused(st, e->d_name, image) < 0)
			r = -1;
	}
	closedir(d);
	return r;
}
