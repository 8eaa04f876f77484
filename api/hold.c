/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Held requests.
 *
 *	parked ──► due list ──► due(), on the table's thread
 *	   └─────► taken back
 *
 * A parked request is in two hashes (by ticket, by operation) and in a list by
 * deadline.  Whoever takes it out of those, under the lock, decides what
 * becomes of it.  Clients that hang up are seen through an epoll set of our own: the
 * HTTP library does not look at a suspended connection.
 *
 * The lock is the innermost of all: hold_operation_ended comes under the
 * mirror's lock.  Nothing is called under it but eventfd and epoll_ctl.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>

#include "api/hold.h"
#include "util/clock.h"
#include "util/id.h"
#include "util/xalloc.h"

struct held {
	uint64_t ticket;
	struct request *request;
	char op[ID_SIZE];
	int fd;
	int64_t deadline_ms;
	UT_hash_handle hh;		/* by ticket */
	struct held *prev, *next;	/* by deadline, or due */
	struct held *op_prev, *op_next;	/* the others of its operation */
};

struct held_op {
	char op[ID_SIZE];
	struct held *first;
	UT_hash_handle hh;
};

struct hold {
	void (*due)(struct request *);
	size_t max;
	int epoll, wake;
	pthread_t thread;

	pthread_mutex_t lock;		/* guards what follows */
	uint64_t last_ticket;
	struct held *by_ticket;
	struct held_op *by_op;
	struct held *by_deadline;	/* the earliest first */
	struct held *ended;		/* to be given back, oldest first */
	bool closed, quit;
};

static void
wake(struct hold *h)
{
	uint64_t one = 1;
	ssize_t n = write(h->wake, &one, sizeof(one));

	(void)n;	/* full means that it is awake anyway */
}

static void
leave_op(struct hold *h, struct held *e)
{
	struct held_op *o = NULL;

	HASH_FIND_STR(h->by_op, e->op, o);
	assert(o != NULL);
	DL_DELETE2(o->first, e, op_prev, op_next);
	if (o->first == NULL) {
		HASH_DEL(h->by_op, o);
		free(o);
	}
}

/* Out of the table. */
static void
unpark(struct hold *h, struct held *e)
{
	HASH_DEL(h->by_ticket, e);
	DL_DELETE(h->by_deadline, e);
	leave_op(h, e);
	epoll_ctl(h->epoll, EPOLL_CTL_DEL, e->fd, NULL);
}

static void
make_due(struct hold *h, struct held *e)
{
	unpark(h, e);
	DL_APPEND(h->ended, e);
}

static struct held *
find_ticket(struct hold *h, uint64_t ticket)
{
	struct held *e = NULL;

	HASH_FIND(hh, h->by_ticket, &ticket, sizeof(ticket), e);
	return e;
}

static void
join_op(struct hold *h, struct held *e)
{
	struct held_op *o = NULL;

	HASH_FIND_STR(h->by_op, e->op, o);
	if (o == NULL) {
		o = XNEW(struct held_op);
		memcpy(o->op, e->op, sizeof(o->op));
		HASH_ADD_STR(h->by_op, op, o);
	}
	DL_APPEND2(o->first, e, op_prev, op_next);
}

/* Nearly always the latest deadline, so look from the end. */
static void
join_deadlines(struct hold *h, struct held *e)
{
	struct held *after = h->by_deadline != NULL ? h->by_deadline->prev :
						      NULL;

	while (after != NULL && after->deadline_ms > e->deadline_ms)
		after = after == h->by_deadline ? NULL : after->prev;
	if (after == NULL)
		DL_PREPEND(h->by_deadline, e);
	else
		DL_APPEND_ELEM(h->by_deadline, after, e);
}

uint64_t
hold_park(struct hold *h, struct request *r, const char *op, int fd,
	  int64_t deadline_ms)
{
	struct epoll_event ev = { .events = EPOLLRDHUP };
	LOCK_FOR_SCOPE(&h->lock);
	struct held *e;

	if (h->closed || HASH_COUNT(h->by_ticket) >= h->max)
		return 0;
	e = XNEW(struct held);
	e->ticket = ++h->last_ticket;
	e->request = r;
	e->fd = fd;
	e->deadline_ms = deadline_ms;
	snprintf(e->op, sizeof(e->op), "%s", op);
	HASH_ADD(hh, h->by_ticket, ticket, sizeof(e->ticket), e);
	join_op(h, e);
	join_deadlines(h, e);
	/* Should this fail, a client that hangs up costs the rest of its time. */
	ev.data.u64 = e->ticket;
	epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &ev);
	if (h->by_deadline == e)
		wake(h);
	return e->ticket;
}

bool
hold_take_back(struct hold *h, uint64_t ticket)
{
	LOCK_FOR_SCOPE(&h->lock);
	struct held *e = find_ticket(h, ticket);

	if (e == NULL)
		return false;
	unpark(h, e);
	free(e);
	return true;
}

static void
all_due(struct hold *h)
{
	while (h->by_deadline != NULL)
		make_due(h, h->by_deadline);
	wake(h);
}

void
hold_operation_ended(void *arg, const char *id)
{
	struct hold *h = arg;
	LOCK_FOR_SCOPE(&h->lock);
	struct held_op *o = NULL;
	struct held *e, *next;

	if (id == NULL) {
		all_due(h);
		return;
	}
	HASH_FIND_STR(h->by_op, id, o);
	if (o == NULL)
		return;
	/* The last one frees o. */
	for (e = o->first; e != NULL; e = next) {
		next = e->op_next;
		make_due(h, e);
	}
	wake(h);
}

void
hold_close(struct hold *h)
{
	LOCK_FOR_SCOPE(&h->lock);

	h->closed = true;
	all_due(h);
}

size_t
hold_count(struct hold *h)
{
	LOCK_FOR_SCOPE(&h->lock);

	return HASH_COUNT(h->by_ticket);
}

/* What is due now; *ret_wait_ms: until when there may be more, -1: never. */
static struct held *
take_due(struct hold *h, int *ret_wait_ms, bool *ret_quit)
{
	LOCK_FOR_SCOPE(&h->lock);
	int64_t now = clock_mono_ms();
	struct held *list;

	while (h->by_deadline != NULL && h->by_deadline->deadline_ms <= now)
		make_due(h, h->by_deadline);
	*ret_wait_ms = h->by_deadline == NULL ? -1 :
		       (int)(h->by_deadline->deadline_ms - now);
	*ret_quit = h->quit;
	list = h->ended;
	h->ended = NULL;
	return list;
}

static void
give_back(struct hold *h, struct held *list)
{
	struct held *e, *next;

	for (e = list; e != NULL; e = next) {
		next = e->next;
		h->due(e->request);
		free(e);
	}
}

static void
client_gone(struct hold *h, uint64_t ticket)
{
	LOCK_FOR_SCOPE(&h->lock);
	struct held *e = find_ticket(h, ticket);

	if (e != NULL)
		make_due(h, e);
}

static void
look_at_events(struct hold *h, int wait_ms)
{
	struct epoll_event ev[64];
	int n = epoll_wait(h->epoll, ev, ARRAY_SIZE(ev), wait_ms);
	uint64_t count;
	ssize_t got;

	for (int i = 0; i < n; i++) {
		if (ev[i].data.u64 != 0) {
			client_gone(h, ev[i].data.u64);
			continue;
		}
		got = read(h->wake, &count, sizeof(count));
		(void)got;
	}
}

static void *
hold_work(void *arg)
{
	struct hold *h = arg;
	bool quit = false;
	int wait_ms;

	pthread_setname_np(pthread_self(), "api-hold");
	for (;;) {
		give_back(h, take_due(h, &wait_ms, &quit));
		if (quit)
			return NULL;
		look_at_events(h, wait_ms);
	}
}

static enum err
open_files(struct hold *h, struct error *err)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 0 };

	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->epoll < 0 || h->wake < 0 ||
	    epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->wake, &ev) < 0)
		return fail(err, ERR_INTERNAL, "files for held requests: %m");
	return ERR_OK;
}

static void
release(struct hold *h)
{
	if (h->epoll >= 0)
		close(h->epoll);
	if (h->wake >= 0)
		close(h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

enum err
hold_new(void (*due)(struct request *), size_t max, struct hold **ret,
	 struct error *err)
{
	struct hold *h = XNEW(struct hold);
	int e;

	h->due = due;
	h->max = max;
	pthread_mutex_init(&h->lock, NULL);
	if (open_files(h, err) != ERR_OK) {
		release(h);
		return ERR_INTERNAL;
	}
	e = pthread_create(&h->thread, NULL, hold_work, h);
	if (e != 0) {
		release(h);
		return fail(err, ERR_INTERNAL, "thread for held requests: %s",
			    strerror(e));
	}
	*ret = h;
	return ERR_OK;
}

static void
ask_to_quit(struct hold *h)
{
	LOCK_FOR_SCOPE(&h->lock);

	h->closed = h->quit = true;
	all_due(h);
}

void
hold_free(struct hold *h)
{
	if (h == NULL)
		return;
	ask_to_quit(h);
	pthread_join(h->thread, NULL);
	release(h);
}
