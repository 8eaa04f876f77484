/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Held requests are given back exactly once, whatever happens to them. */
#include <config.h>

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/hold.h"
#include "api/request.h"
#include "util/clock.h"
#include "util/xalloc.h"

#include "tests/tap.h"

#define SOON_MS	 30
#define LONG_MS	 600000
#define REQUESTS 500

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static size_t ndue;
static int pair[2];

/* .swallowed counts how often a request was given back. */
static void
due(struct request *r)
{
	LOCK_FOR_SCOPE(&lock);

	r->swallowed++;
	ndue++;
	pthread_cond_broadcast(&changed);
}

static void
await(size_t n)
{
	LOCK_FOR_SCOPE(&lock);

	while (ndue < n)
		pthread_cond_wait(&changed, &lock);
	ndue = 0;
}

static struct hold *
fresh(size_t max)
{
	struct hold *h = NULL;
	enum err r = hold_new(due, max, &h, NULL);

	assert(r == ERR_OK);
	ndue = 0;
	return h;
}

static uint64_t
park(struct hold *h, struct request *r, const char *op, int64_t ms)
{
	return hold_park(h, r, op, pair[0], clock_mono_ms() + ms);
}

static void
test_ends(void)
{
	struct hold *h = fresh(10);
	struct request a = { 0 }, b = { 0 }, c = { 0 };

	ok(park(h, &a, "1", LONG_MS) != 0 && park(h, &b, "2", LONG_MS) != 0 &&
	   park(h, &c, "1", LONG_MS) != 0, "three are held");
	is_int(hold_count(h), 3, "and counted");
	hold_operation_ended(h, "3");
	is_int(hold_count(h), 3, "another operation's end is nothing to them");
	hold_operation_ended(h, "1");
	await(2);
	ok(a.swallowed == 1 && b.swallowed == 0 && c.swallowed == 1,
	   "the end of an operation gives back its own");
	hold_operation_ended(h, "1");
	hold_operation_ended(h, NULL);
	await(1);
	ok(a.swallowed == 1 && b.swallowed == 1, "NULL gives back the rest");
	hold_free(h);
}

static void
test_deadlines(void)
{
	struct hold *h = fresh(10);
	struct request r[3] = { 0 };
	int64_t before = clock_mono_ms();

	park(h, &r[0], "1", LONG_MS);
	park(h, &r[1], "2", SOON_MS);
	park(h, &r[2], "3", LONG_MS / 2);
	await(1);
	ok(r[1].swallowed == 1 && clock_mono_ms() - before >= SOON_MS,
	   "one with an earlier deadline comes back first, not too early");
	hold_close(h);
	await(2);
	ok(r[0].swallowed == 1 && r[2].swallowed == 1,
	   "closing gives back all");
	is_int(park(h, &r[0], "1", LONG_MS), 0, "and takes none any more");
	hold_free(h);
}

static void
test_taking_back(void)
{
	struct hold *h = fresh(2);
	struct request a = { 0 }, b = { 0 }, c = { 0 };
	uint64_t ta = park(h, &a, "1", LONG_MS), tb = park(h, &b, "1", LONG_MS);

	is_int(park(h, &c, "1", LONG_MS), 0, "no more than there is room for");
	ok(hold_take_back(h, ta), "one can be taken back");
	ok(!hold_take_back(h, ta), "once");
	hold_operation_ended(h, "1");
	await(1);
	ok(a.swallowed == 0 && b.swallowed == 1,
	   "what was taken back is not given back");
	ok(!hold_take_back(h, tb), "and the other way round");
	hold_free(h);
}

static void
test_hang_up(void)
{
	struct hold *h = fresh(10);
	struct request r = { 0 };
	int mine[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, mine) == 0);
	hold_park(h, &r, "1", mine[0], clock_mono_ms() + LONG_MS);
	close(mine[1]);
	await(1);
	is_int(r.swallowed, 1, "a client that hangs up is let go");
	close(mine[0]);
	hold_free(h);
}

struct storm {
	struct hold *hold;
	struct request *requests;
	size_t taken;
};

static void *
end_all(void *arg)
{
	struct storm *s = arg;
	char op[8];

	for (int i = 0; i < REQUESTS; i++) {
		snprintf(op, sizeof(op), "%d", i % 7);
		hold_operation_ended(s->hold, op);
	}
	return NULL;
}

static void *
park_all(void *arg)
{
	struct storm *s = arg;
	char op[8];

	for (int i = 0; i < REQUESTS; i++) {
		uint64_t ticket;

		snprintf(op, sizeof(op), "%d", i % 7);
		ticket = park(s->hold, &s->requests[i], op, i % 3);
		if (i % 5 == 0 && hold_take_back(s->hold, ticket)) {
			s->requests[i].swallowed++;
			s->taken++;
		}
	}
	return NULL;
}

static void
test_storm(void)
{
	struct hold *h = fresh(2 * REQUESTS);
	struct storm s[2] = { { .hold = h }, { .hold = h } };
	pthread_t t[3];
	size_t once = 0;

	for (int i = 0; i < 2; i++) {
		s[i].requests = xcalloc(REQUESTS, sizeof(struct request));
		pthread_create(&t[i], NULL, park_all, &s[i]);
	}
	pthread_create(&t[2], NULL, end_all, &s[0]);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	hold_free(h);
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < REQUESTS; k++)
			once += s[i].requests[k].swallowed == 1;
		free(s[i].requests);
	}
	is_int(once, 2 * REQUESTS, "each of many is given back exactly once");
}

int
main(void)
{
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	test_ends();
	test_deadlines();
	test_taking_back();
	test_hang_up();
	test_storm();
	return tap_done();
}
