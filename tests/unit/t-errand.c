/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errands: done in time, given up, and come back from late; many at a time. */
#include <config.h>

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "errand.h"
#include "util/clock.h"

#include "tests/tap.h"

static _Atomic int done, late;

static void
quick(void *arg)
{
	(*(int *)arg)++;
	done++;
}

static void
slow(void *arg)
{
	usleep(400 * 1000);
	done++;
}

static void
come_late(void *arg)
{
	late++;
}

static void *
many(void *arg)
{
	for (int i = 0; i < 200; i++) {
		int n = i;

		if (!errand_run(quick, come_late, &n, 10000) || n != i + 1)
			return arg;
	}
	return NULL;
}

static void
test_many(void)
{
	pthread_t threads[8];
	int wrong = 0;

	done = 0;
	for (size_t i = 0; i < 8; i++)
		if (pthread_create(&threads[i], NULL, many, threads) != 0)
			abort();
	for (size_t i = 0; i < 8; i++) {
		void *ret;

		pthread_join(threads[i], &ret);
		wrong += ret != NULL;
	}
	is_int(wrong, 0, "many at a time are all done");
	is_int(done, 1600, "once each");
}

static void
test_lost(void)
{
	int64_t began = clock_mono_ms();
	int n = 0;

	done = 0;
	ok(!errand_run(slow, come_late, NULL, 50), "one that takes long is lost");
	ok(clock_mono_ms() - began < 350, "when it has taken long");
	is_int(late, 0, "nobody has its argument yet");
	ok(errand_run(quick, come_late, &n, 10000) && n == 1,
	   "others are done meanwhile");
	for (int i = 0; i < 1000 && late == 0; i++)
		usleep(10 * 1000);
	is_int(late, 1, "it came back late");
	is_int(done, 2, "and was done");
}

int
main(void)
{
	test_many();
	test_lost();
	return tap_done();
}
