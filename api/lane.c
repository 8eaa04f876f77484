/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that run requests.  The lane's lock guards its queue only; nothing
 * else is locked under it.
 */
#include <config.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "api/lane.h"
#include "api/request.h"
#include "util/xalloc.h"

struct lane {
	void (*run)(struct request *);
	size_t max_waiting;
	pthread_t *threads;
	int nthreads;
	char name[16];

	pthread_mutex_t lock;	/* guards what follows */
	pthread_cond_t more;
	struct request *first, **last;
	size_t waiting;
	bool closed;
};

/* NULL: closed and empty. */
static struct request *
take(struct lane *l)
{
	LOCK_FOR_SCOPE(&l->lock);
	struct request *r;

	while (l->first == NULL && !l->closed)
		pthread_cond_wait(&l->more, &l->lock);
	r = l->first;
	if (r == NULL)
		return NULL;
	l->first = r->next;
	if (l->first == NULL)
		l->last = &l->first;
	l->waiting--;
	r->next = NULL;
	return r;
}

static void *
work(void *arg)
{
	struct lane *l = arg;
	struct request *r;

	pthread_setname_np(pthread_self(), l->name);
	while ((r = take(l)) != NULL)
		l->run(r);
	return NULL;
}

enum err
lane_new(const char *name, int threads, size_t max_waiting,
	 void (*run)(struct request *), struct lane **ret, struct error *err)
{
	struct lane *l = XNEW(struct lane);

	l->run = run;
	l->max_waiting = max_waiting;
	l->last = &l->first;
	l->threads = xcalloc((size_t)threads, sizeof(*l->threads));
	snprintf(l->name, sizeof(l->name), "%s", name);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->more, NULL);
	for (; l->nthreads < threads; l->nthreads++) {
		int e = pthread_create(&l->threads[l->nthreads], NULL, work, l);

		if (e != 0) {
			lane_free(l);
			return fail(err, ERR_INTERNAL,
				    "thread of lane '%s': %s", name,
				    strerror(e));
		}
	}
	*ret = l;
	return ERR_OK;
}

bool
lane_push(struct lane *l, struct request *r, bool force)
{
	LOCK_FOR_SCOPE(&l->lock);

	if (l->waiting >= l->max_waiting && !force)
		return false;
	r->next = NULL;
	*l->last = r;
	l->last = &r->next;
	l->waiting++;
	pthread_cond_signal(&l->more);
	return true;
}

size_t
lane_waiting(struct lane *l)
{
	LOCK_FOR_SCOPE(&l->lock);

	return l->waiting;
}

static void
lane_close(struct lane *l)
{
	LOCK_FOR_SCOPE(&l->lock);

	l->closed = true;
	pthread_cond_broadcast(&l->more);
}

void
lane_free(struct lane *l)
{
	if (l == NULL)
		return;
	lane_close(l);
	for (int i = 0; i < l->nthreads; i++)
		pthread_join(l->threads[i], NULL);
	pthread_cond_destroy(&l->more);
	pthread_mutex_destroy(&l->lock);
	free(l->threads);
	free(l);
}
