/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory of one's own to put plug-ins into; gone when the test ends.
 * (The build tree may belong to somebody else, and then the host would rightly
 * refuse what is in it.)
 */
#ifndef PLUG_H
#define PLUG_H

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/xalloc.h"

static char plug_dir[256];

static inline int
plug_remove_one(const char *path, const struct stat *st, int type,
		struct FTW *ftw)
{
	return remove(path);
}

static inline void
plug_cleanup(void)
{
	nftw(plug_dir, plug_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void
plug_setup(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(plug_dir, sizeof(plug_dir), "%s/brickyard-plug-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	assert(mkdtemp(plug_dir) != NULL);
	atexit(plug_cleanup);
}

/* "DIR/a/b", all but the last part made, with mode 0755 whatever the umask. */
static inline char *
plug_path(const char *below)
{
	char *path = xasprintf("%s/%s", plug_dir, below);

	for (char *p = path + strlen(plug_dir) + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) == 0)
			assert(chmod(path, 0755) == 0);
		*p = '/';
	}
	return path;
}

/* Copy an object of the build tree ("tests/unit/plug", "fake"). */
static inline void
plug_copy(const char *dir, const char *name, const char *to, unsigned mode)
{
	const char *build = getenv("BUILDDIR");
	CLEANUP_FREE char *src = xasprintf("%s/%s/.libs/%s.so",
					   build != NULL ? build : ".", dir,
					   name);
	CLEANUP_FREE char *dst = plug_path(to);
	CLEANUP_CLOSE int in = open(src, O_RDONLY | O_CLOEXEC);
	CLEANUP_CLOSE int out = open(dst, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char block[65536];
	ssize_t n;

	if (in < 0 || out < 0) {
		printf("Bail out! can't copy %s to %s\n", src, dst);
		exit(1);
	}
	while ((n = read(in, block, sizeof(block))) > 0)
		assert(write(out, block, (size_t)n) == n);
	assert(n == 0 && fchmod(out, (mode_t)mode) == 0);
}

static inline void
plug_fake(const char *to)
{
	plug_copy("tests/unit/plug", "fake", to, 0644);
}

#endif
