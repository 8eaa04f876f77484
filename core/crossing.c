/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See crossing.h.  The lock of a trip guards who of the two, the one that waits
 * or the one that calls, lets it go; under it a call is asked whether it is
 * cancelled, which may take a leaf.
 */
#include <config.h>

#include <string.h>

#include "crossing.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define LOOK_MS 200			/* how often it is asked for cancelling */

/* What the plug-in is lent it may have written into, so nothing of that is read
 * again: what is needed afterwards is there twice.
 */
struct trip {
	struct brickyard_call call;	/* first: it is what plug-ins see */
	int64_t deadline_ms;
	const char *operation, *host;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct brickyard_call *original;	/* NULL: nobody waits any more */
	bool is_back;
	struct crossing c;
	struct brickyard_node node;
	struct step_args args;
	struct arena arena;
	struct brickyard_result result;
	struct brickyard_error why;
	int ret;
};

static bool
is_cancelled(const struct brickyard_call *original)
{
	return original->cancelled != NULL && original->cancelled(original) != 0;
}

/* Also for whoever is no longer waited for. */
static int
trip_cancelled(const struct brickyard_call *call)
{
	struct trip *t = (void *)call;

	LOCK_FOR_SCOPE(&t->lock);
	return t->original == NULL || is_cancelled(t->original);
}

static void
trip_free(struct trip *t)
{
	arena_release(&t->arena);
	result_release(&t->result);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->changed);
	free(t);
}

static struct trip *
trip_new(const struct crossing *c)
{
	struct trip *t = XNEW(struct trip);

	t->c = *c;
	t->original = c->call;
	t->call = *c->call;
	t->call.cancelled = trip_cancelled;
	t->call.operation_id = arena_strdup(&t->arena, c->call->operation_id);
	t->deadline_ms = c->call->deadline_ms;
	t->operation = arena_strdup(&t->arena, c->call->operation_id);
	t->host = arena_strdup(&t->arena, c->node->manage_host);
	node_arg_copy(&t->arena, c->node, &t->node);
	step_args_copy(&t->arena, c->args, &t->args);
	t->c.ticket.key = arena_strdup(&t->arena, c->ticket.key);
	result_init(&t->result);
	pthread_mutex_init(&t->lock, NULL);
	cond_init_mono(&t->changed);
	return t;
}

static void
come_back(struct trip *t)
{
	_Atomic unsigned *lost = t->c.lost;

	gate_leave(t->c.gate, &t->c.ticket);
	{
		LOCK_FOR_SCOPE(&t->lock);
		t->is_back = true;
		pthread_cond_signal(&t->changed);
		/* Whoever waits frees it as soon as the lock is free. */
		if (t->original != NULL)
			return;
	}
	log_warning("plug-in '%s': %s on node '%s' came back at last",
		    t->c.plugin->name, t->c.step->name, t->host);
	trip_free(t);
	(*lost)--;
}

static void *
go(void *arg)
{
	struct trip *t = arg;

	pthread_setname_np(pthread_self(), "step");
	log_set_context(t->operation);
	PLUGIN_SCOPE(t->c.plugin);
	t->ret = t->c.step->call(t->c.ops, t->c.instance, &t->call, &t->node,
				 &t->args, &t->result, &t->why);
	come_back(t);
	return NULL;
}

/* Under the lock: until when to wait, which comes nearer when it is cancelled. */
static int64_t
patience(const struct trip *t, int64_t *cancelled_at)
{
	int64_t until = t->deadline_ms + t->c.grace_ms;

	if (*cancelled_at == 0 && is_cancelled(t->original))
		*cancelled_at = clock_mono_ms();
	if (*cancelled_at != 0 && *cancelled_at + t->c.grace_ms < until)
		until = *cancelled_at + t->c.grace_ms;
	return until;
}

/* True: it is back, and ours to free. */
static bool
wait_for(struct trip *t)
{
	int64_t cancelled_at = 0;

	LOCK_FOR_SCOPE(&t->lock);
	while (!t->is_back) {
		int64_t now = clock_mono_ms();
		int64_t until = patience(t, &cancelled_at);

		if (now >= until) {
			t->original = NULL;
			(*t->c.lost)++;
			return false;
		}
		cond_wait_until(&t->changed, &t->lock,
				until < now + LOOK_MS ? until : now + LOOK_MS);
	}
	return true;
}

/* What it waited for at the gate is not its own fault. */
static void
set_limit(struct trip *t)
{
	int64_t limit = clock_mono_ms() + t->c.limit_ms;

	if (t->c.limit_ms > 0 && limit < t->deadline_ms)
		t->call.deadline_ms = t->deadline_ms = limit;
}

static bool
start(struct trip *t)
{
	pthread_attr_t detached;
	pthread_t thread;
	int r;

	set_limit(t);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &detached, go, t);
	pthread_attr_destroy(&detached);
	return r == 0;
}

static void
take_result(struct trip *t, struct brickyard_result *result,
	    struct brickyard_error *why)
{
	*why = t->why;
	if (result == NULL)
		return;
	result_release(result);
	*result = t->result;
	result_init(&t->result);
}

static enum err
lose(const struct crossing *c, struct error *err)
{
	enum err r = fail(err, ERR_TIMEOUT, "plug-in '%s': %s on node '%s' did "
			  "not come back within %d s of its end",
			  c->plugin->name, c->step->name, c->node->manage_host,
			  c->grace_ms / 1000);

	log_warning("%s; going on without it, its place stays taken", err->text);
	return r;
}

enum err
crossing_make(const struct crossing *c, int *ret,
	      struct brickyard_result *result, struct brickyard_error *why,
	      struct error *err)
{
	struct trip *t = trip_new(c);
	enum err e = gate_enter(c->gate, &t->c.ticket, c->call, c->step->name,
				err);

	if (e != ERR_OK) {
		trip_free(t);
		return e;
	}
	if (!start(t)) {
		gate_leave(c->gate, &t->c.ticket);
		trip_free(t);
		return fail(err, ERR_TRANSIENT, "%s: no thread: %m",
			    c->step->name);
	}
	if (!wait_for(t))
		return lose(c, err);
	*ret = t->ret;
	take_result(t, result, why);
	trip_free(t);
	return ERR_OK;
}
