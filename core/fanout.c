/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doing the same on several nodes at once.  Threads live only as long as the
 * call: a stage is a matter of seconds, a thread one of microseconds.
 */
#include <config.h>

#include <string.h>
#include <time.h>

#include "engine.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define FAN_OUT_MAX 32		/* threads of one call */

struct fan {
	pthread_mutex_t lock;
	size_t next, n;
	fan_out_fn *fn;
	void *arg;
	enum err *results;
	struct error *errors;
};

static void *
work(void *arg)
{
	struct fan *f = arg;

	for (;;) {
		size_t i;

		{
			LOCK_FOR_SCOPE(&f->lock);
			if (f->next == f->n)
				return NULL;
			i = f->next++;
		}
		f->results[i] = f->fn(f->arg, i, &f->errors[i]);
	}
}

/* heketi's way of telling errors of several hosts. */
static enum err
join(const struct fan *f, const char *const *hosts, struct error *err)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	size_t bad = 0, first = 0;
	bool same = true;

	for (size_t i = f->n; i-- > 0;) {
		if (f->results[i] == ERR_OK)
			continue;
		bad++;
		if (bad > 1 && strcmp(f->errors[i].text, f->errors[first].text) != 0)
			same = false;
		first = i;
	}
	if (bad == 0)
		return ERR_OK;
	if (bad == 1)
		return fail(err, f->results[first], "%s", f->errors[first].text);
	if (same)
		return fail(err, f->results[first], "All %zu hosts: %s", bad,
			    f->errors[first].text);
	for (size_t i = 0; i < f->n; i++)
		if (f->results[i] != ERR_OK)
			buf_addf(&b, "%sHost %s: %s", b.len ? "\n" : "",
				 hosts[i], f->errors[i].text);
	return fail(err, f->results[first], "%s", buf_str(&b));
}

enum err
fan_out(size_t n, fan_out_fn *fn, void *arg, const char *const *hosts,
	struct error *err)
{
	struct fan f = { .n = n, .fn = fn, .arg = arg };
	CLEANUP_FREE enum err *results = xcalloc(n, sizeof(*results));
	CLEANUP_FREE struct error *errors = xcalloc(n, sizeof(*errors));
	pthread_t threads[FAN_OUT_MAX];
	size_t nthreads = 0;

	f.results = results;
	f.errors = errors;
	pthread_mutex_init(&f.lock, NULL);
	/* This thread works, too; that a thread can't be had only costs time. */
	while (nthreads + 1 < n && nthreads < FAN_OUT_MAX &&
	       pthread_create(&threads[nthreads], NULL, work, &f) == 0)
		nthreads++;
	work(&f);
	for (size_t i = 0; i < nthreads; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&f.lock);
	return join(&f, hosts, err);
}

bool
call_sleep(const struct brickyard_call *call, int ms)
{
	int64_t until = clock_mono_ms() + ms;
	struct timespec nap = { .tv_nsec = 10 * 1000000 };

	while (clock_mono_ms() < until) {
		if (call->cancelled(call) || clock_mono_ms() >= call->deadline_ms)
			return false;
		nanosleep(&nap, NULL);
	}
	return !call->cancelled(call) && clock_mono_ms() < call->deadline_ms;
}
