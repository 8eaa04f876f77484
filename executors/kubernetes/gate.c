/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many scripts at a time, on a node and on all: who finds it full waits for
 * its turn, in the order of arrival among those whose node has room.
 */
#include <stdio.h>
#include <time.h>

#include "kubernetes.h"

#define ASK_MS 50		/* how often a call asks whether to stop */

struct turn {
	struct turn *next;
	struct node *node;
	bool has_come;
	pthread_cond_t wake;
};

/* With the lock held, as what follows. */
static void
give_turns(struct brickyard_executor_instance *in)
{
	struct turn **p = &in->turns, *t;

	while ((t = *p) != NULL && in->running < in->max_connections) {
		if (t->node->running >= opt_u64(in, OPT_EXECS_PER_NODE)) {
			p = &t->next;
			continue;
		}
		*p = t->next;
		if (in->turns_end == &t->next)
			in->turns_end = p;
		t->node->running++;
		in->running++;
		t->has_come = true;
		pthread_cond_signal(&t->wake);
	}
}

static void
turn_remove(struct brickyard_executor_instance *in, struct turn *t)
{
	struct turn **p = &in->turns;

	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	if (in->turns_end == &t->next)
		in->turns_end = p;
}

static void
wait_a_moment(struct brickyard_executor_instance *in, struct turn *t)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ASK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_mutex_lock(&in->lock);
	if (!t->has_come)
		(void)pthread_cond_timedwait(&t->wake, &in->lock, &until);
	pthread_mutex_unlock(&in->lock);
}

/* True: its turn had come in the meantime. */
static bool
turn_give_up(struct brickyard_executor_instance *in, struct turn *t)
{
	bool has_come;

	pthread_mutex_lock(&in->lock);
	has_come = t->has_come;
	if (!has_come)
		turn_remove(in, t);
	pthread_mutex_unlock(&in->lock);
	return has_come;
}

static bool
turn_ask(struct brickyard_executor_instance *in, struct turn *t, bool is_new)
{
	bool has_come;

	pthread_mutex_lock(&in->lock);
	if (is_new) {
		*in->turns_end = t;
		in->turns_end = &t->next;
		give_turns(in);
	}
	has_come = t->has_come;
	pthread_mutex_unlock(&in->lock);
	return has_come;
}

static int
turn_wait(struct brickyard_executor_instance *in, struct turn *t,
	  const struct limit *l, struct fault *f)
{
	bool has_come = turn_ask(in, t, true);

	while (!has_come) {
		wait_a_moment(in, t);
		has_come = turn_ask(in, t, false);
		if (has_come ||
		    limit_check(l, t->node->where, "while other scripts had all "
				"turns (execs_per_node, max_connections); it "
				"was not started", f) == 0)
			continue;
		if (turn_give_up(in, t))
			gate_leave(in, t->node);
		return -1;
	}
	return 0;
}

int
gate_enter(struct brickyard_executor_instance *in, struct node *n,
	   const struct limit *l, struct fault *f)
{
	struct turn t = { .node = n };
	pthread_condattr_t a;
	int r;

	if (limit_check(l, n->where, "before anything was done", f) < 0)
		return -1;
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&t.wake, &a);
	pthread_condattr_destroy(&a);
	r = turn_wait(in, &t, l, f);
	pthread_cond_destroy(&t.wake);
	return r;
}

void
gate_leave(struct brickyard_executor_instance *in, struct node *n)
{
	pthread_mutex_lock(&in->lock);
	n->running--;
	in->running--;
	give_turns(in);
	pthread_mutex_unlock(&in->lock);
}
