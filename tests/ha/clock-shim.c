/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded into a program, makes its clocks jump: the file that CLOCK_SHIM
 * names holds two offsets in ms, for CLOCK_REALTIME and for CLOCK_MONOTONIC,
 * which may be changed at any time.  A monotonic clock that goes back is what a
 * virtual machine sees that was suspended, whose clock stood still meanwhile.
 * Timed waits for conditions are shifted as well, all of which use the monotonic
 * clock in our programs (util/clock.h).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

typedef int timedwait_fn(pthread_cond_t *, pthread_mutex_t *,
			 const struct timespec *);

static const volatile int64_t *offsets;
static timedwait_fn *real_timedwait;

__attribute__((constructor)) static void
map_offsets(void)
{
	const char *path = getenv("CLOCK_SHIM");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *p = MAP_FAILED;

	if (fd >= 0) {
		p = mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, fd,
			 0);
		close(fd);
	}
	if (p == MAP_FAILED)
		abort();	/* the test would not test anything */
	/* There is an older one, too, of another kind of condition. */
	real_timedwait = (timedwait_fn *)(uintptr_t)dlvsym(
		RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
	if (real_timedwait == NULL)
		real_timedwait = (timedwait_fn *)(uintptr_t)dlsym(
			RTLD_NEXT, "pthread_cond_timedwait");
	if (real_timedwait == NULL)
		abort();
	offsets = p;
}

static void
shift(struct timespec *ts, int64_t ms)
{
	int64_t ns = ts->tv_nsec + ms % 1000 * 1000000;

	ts->tv_sec += ms / 1000;
	if (ns < 0) {
		ns += 1000000000;
		ts->tv_sec--;
	} else if (ns >= 1000000000) {
		ns -= 1000000000;
		ts->tv_sec++;
	}
	ts->tv_nsec = ns;
}

EXPORTED int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, clock, ts);

	if (r != 0 || offsets == NULL)
		return r;
	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		shift(ts, offsets[0]);
	else if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE)
		shift(ts, offsets[1]);
	return 0;
}

EXPORTED int
pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
		       const struct timespec *until)
{
	struct timespec ts = *until;

	shift(&ts, -offsets[1]);
	return real_timedwait(cond, mutex, &ts);
}

EXPORTED int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec ts;

	(void)tz;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

EXPORTED time_t
time(time_t *ret)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ret != NULL)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}
