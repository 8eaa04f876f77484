/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tickets stand in one list in order of arrival, whether their owners wait or
 * are inside: inside are the first of each key.  Any thread.
 */
#include <config.h>

#include <stdbool.h>
#include <string.h>

#include "gate.h"
#include "util/clock.h"

/* How often a waiting call looks whether it was cancelled. */
#define CANCEL_POLL_MS 50

void
gate_init(struct gate *g)
{
	pthread_mutex_init(&g->lock, NULL);
	cond_init_mono(&g->changed);
	g->tickets = NULL;
}

void
gate_release(struct gate *g)
{
	assert(g->tickets == NULL);
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
}

/* Are as many of the same key before it as may be inside? */
static bool
must_wait(const struct gate *g, const struct gate_ticket *t)
{
	size_t before = 0;

	if (t->limit == 0)
		return false;
	for (const struct gate_ticket *o = g->tickets; o != t; o = o->next)
		before += o->limit != 0 && strcmp(o->key, t->key) == 0;
	return before >= t->limit;
}

static void
queue_up(struct gate *g, struct gate_ticket *t)
{
	struct gate_ticket **end = &g->tickets;

	while (*end != NULL)
		end = &(*end)->next;
	t->next = NULL;
	*end = t;
}

static void
step_out(struct gate *g, const struct gate_ticket *t)
{
	struct gate_ticket **at = &g->tickets;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	pthread_cond_broadcast(&g->changed);
}

/* Is there still any point in starting?  A step that begins after its deadline
 * may run on a node that another replica already works on.
 */
static enum err
check_time(const struct brickyard_call *call, const char *what, bool waited,
	   struct error *err)
{
	if (call->cancelled != NULL && call->cancelled(call) != 0)
		return fail(err, ERR_CANCELLED, "%s: cancelled before it "
			    "started", what);
	if (clock_mono_ms() >= call->deadline_ms)
		return fail(err, waited ? ERR_BUSY : ERR_TIMEOUT, "%s: its "
			    "time was over before it could start", what);
	return ERR_OK;
}

enum err
gate_enter(struct gate *g, struct gate_ticket *t,
	   const struct brickyard_call *call, const char *what,
	   struct error *err)
{
	bool waited = false;
	enum err e;

	LOCK_FOR_SCOPE(&g->lock);
	queue_up(g, t);
	while ((e = check_time(call, what, waited, err)) == ERR_OK &&
	       must_wait(g, t)) {
		int64_t until = clock_mono_ms() + CANCEL_POLL_MS;

		if (until > call->deadline_ms)
			until = call->deadline_ms;
		cond_wait_until(&g->changed, &g->lock, until);
		waited = true;
	}
	if (e != ERR_OK)
		step_out(g, t);
	return e;
}

void
gate_leave(struct gate *g, struct gate_ticket *t)
{
	LOCK_FOR_SCOPE(&g->lock);

	step_out(g, t);
}
