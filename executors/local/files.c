/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small work with files: read one, replace one in a single step, make a path.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "local.h"

int
read_file(const char *path, size_t max, struct text *ret)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char part[8192];
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text_add(ret, part, (size_t)n);
		if (ret->failed || ret->len > max) {
			errno = ret->failed ? ENOMEM : EFBIG;
			return -1;
		}
	}
	return 0;
}

static int
write_all(int fd, const char *s, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, s, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		s += n;
		len -= (size_t)n;
	}
	return 0;
}

static void
sync_dir_of(const char *path)
{
	CLEANUP_FREE char *dir = strdup(path);
	CLEANUP_CLOSE int fd = -1;
	char *slash;

	if (dir == NULL)
		return;
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return;
	slash[slash == dir ? 1 : 0] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)fsync(fd);
}

int
write_file(const char *path, const char *s, size_t len, mode_t mode)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC |
				    O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return -1;
	if (write_all(fd, s, len) < 0 || fchmod(fd, mode) < 0)
		return -1;
	return fsync(fd);
}

int
write_file_atomic(const char *path, const char *s, size_t len, mode_t mode)
{
	CLEANUP_TEXT struct text tmp = {0};
	int err;

	text_addf(&tmp, "%s.brickyard-new", path);
	if (tmp.failed) {
		errno = ENOMEM;
		return -1;
	}
	if (write_file(tmp.s, s, len, mode) == 0 &&
	    rename(tmp.s, path) == 0) {
		sync_dir_of(path);
		return 0;
	}
	err = errno;
	unlink(tmp.s);
	errno = err;
	return -1;
}

int
make_dirs(const char *path, mode_t mode)
{
	CLEANUP_FREE char *p = strdup(path);
	struct stat sb;

	if (p == NULL)
		return -1;
	for (char *s = p + 1; *s != '\0'; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (mkdir(p, mode) == 0)
			(void)chmod(p, mode);	/* whatever the umask is */
		else if (errno != EEXIST)
			return -1;
		*s = '/';
	}
	if (mkdir(p, mode) == 0)
		return chmod(p, mode);
	if (errno != EEXIST)
		return -1;
	if (stat(p, &sb) < 0)
		return -1;
	if (!S_ISDIR(sb.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	return 0;
}
