/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzzers share.  Each reads bytes from libFuzzer, hands them to one
 * parser, and aborts when that breaks a promise of its header.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Unlike assert(3), always there. */
#define HOLDS(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, \
				__LINE__, #cond); \
			abort(); \
		} \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file with these bytes: its name, good until fuzz_file_end(). */
static inline int
fuzz_file(const uint8_t *data, size_t size, char path[32])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	HOLDS(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static inline void
fuzz_file_end(int fd)
{
	close(fd);
}

#endif
