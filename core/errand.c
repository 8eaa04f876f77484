/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See errand.h.  One lock, a leaf, guards the idle threads and who of the two, the
 * one that waits or the one that works, has an errand's argument.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include "errand.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define IDLE_MAX 16

struct errand {
	errand_fn *fn, *late;
	void *arg;
	bool is_done, is_lost;
	pthread_cond_t done;
};

struct helper {
	struct helper *next;		/* of the idle ones */
	struct errand *errand;		/* NULL: none to do */
	pthread_cond_t wake;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct helper *idle;
static size_t nidle;

static void
come_back(struct errand *e)
{
	{
		LOCK_FOR_SCOPE(&lock);
		e->is_done = true;
		/* Whoever waits frees it as soon as the lock is free. */
		if (!e->is_lost) {
			pthread_cond_signal(&e->done);
			return;
		}
	}
	e->late(e->arg);
	pthread_cond_destroy(&e->done);
	free(e);
}

/* Under the lock; false: there are enough idle ones. */
static bool
wait_for_errand(struct helper *h)
{
	if (nidle >= IDLE_MAX)
		return false;
	h->errand = NULL;
	h->next = idle;
	idle = h;
	nidle++;
	while (h->errand == NULL)
		pthread_cond_wait(&h->wake, &lock);
	return true;
}

static void *
help(void *arg)
{
	struct helper *h = arg;
	bool more = true;

	pthread_setname_np(pthread_self(), "volume-types");
	while (more) {
		struct errand *e = h->errand;

		e->fn(e->arg);
		come_back(e);
		LOCK_FOR_SCOPE(&lock);
		more = wait_for_errand(h);
	}
	pthread_cond_destroy(&h->wake);
	free(h);
	return NULL;
}

static bool
new_helper(struct errand *e)
{
	struct helper *h = XNEW(struct helper);
	pthread_attr_t detached;
	pthread_t thread;
	int r;

	h->errand = e;
	pthread_cond_init(&h->wake, NULL);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &detached, help, h);
	pthread_attr_destroy(&detached);
	if (r == 0)
		return true;
	pthread_cond_destroy(&h->wake);
	free(h);
	return false;
}

/* To one that is idle, or a new one; false: there is no thread to be had. */
static bool
give(struct errand *e)
{
	{
		LOCK_FOR_SCOPE(&lock);
		struct helper *h = idle;

		if (h != NULL) {
			idle = h->next;
			nidle--;
			h->errand = e;
			pthread_cond_signal(&h->wake);
			return true;
		}
	}
	return new_helper(e);
}

bool
errand_run(errand_fn *fn, errand_fn *late, void *arg, int ms)
{
	struct errand *e = XNEW(struct errand);
	int64_t until = clock_mono_ms() + ms;
	bool given;

	e->fn = fn;
	e->late = late;
	e->arg = arg;
	cond_init_mono(&e->done);
	given = give(e);
	/* Better on this thread than not at all. */
	if (!given)
		fn(arg);
	LOCK_FOR_SCOPE(&lock);
	while (given && !e->is_done && clock_mono_ms() < until)
		(void)cond_wait_until(&e->done, &lock, until);
	if (given && !e->is_done) {
		e->is_lost = true;
		return false;
	}
	pthread_cond_destroy(&e->done);
	free(e);
	return true;
}
