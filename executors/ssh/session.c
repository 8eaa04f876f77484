/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection and its thread: connects, then serves its channels until it
 * is lost, was unused for long, or is told to stop.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "ssh.h"

#define STACK_BYTES (1024 * 1024)
#define LOOK_MS 1000		/* the longest wait */

void
session_wake(struct session *s)
{
	const uint64_t one = 1;

	(void)!write(s->wake_fd, &one, sizeof(one));
}

static int
on_wake(socket_t fd, int revents, void *arg)
{
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
	return 0;
}

/* ---- channels ---- */

static void
take_jobs(struct session *s)
{
	struct job *j;

	while ((j = pool_take(s)) != NULL) {
		struct channel *c = chan_new(s, j);

		if (c == NULL) {
			(void)fault_nomem(&j->fault);
			pool_done(s->node, j);
			continue;
		}
		*chan_next(c) = s->channels;
		s->channels = c;
	}
}

static void
refused(struct session *s, struct channel *c)
{
	/* Of several that were asked for at once, another may be the one. */
	if (s->nopened == 0 && c == s->channels && *chan_next(c) == NULL) {
		chan_refused(c);
		return;
	}
	pool_session_limit(s, false);
	chan_requeue(c);
}

/* When to look again. */
static int64_t
step_channels(struct session *s)
{
	int64_t due = INT64_MAX, ms;
	struct channel **p = &s->channels, *c;
	enum verdict v;

	while ((c = *p) != NULL) {
		v = chan_step(c);
		if (v == CHANNEL_REFUSED)
			refused(s, c);
		if (v == CHANNEL_REFUSED || v == CHANNEL_OVER) {
			*p = *chan_next(c);
			chan_free(c);
			continue;
		}
		ms = chan_due_ms(c);
		due = ms < due ? ms : due;
		p = chan_next(c);
	}
	return due;
}

/* ---- is it alive? ---- */

/* OpenSSH's clients ask for something that the server can't have, and take its
 * refusal for a sign of life.  So do we: a forwarding is cancelled that was
 * never asked for.
 */
static int64_t
ping(struct session *s)
{
	int64_t every_ms = (int64_t)opt_u64(s->node->in,
					    OPT_KEEPALIVE_S) * 1000;
	int64_t now = now_ms();

	if (every_ms == 0)
		return INT64_MAX;
	if (s->ping_sent_ms == 0) {
		if (now < s->next_ping_ms)
			return s->next_ping_ms;
		s->ping_sent_ms = now;
	}
	if (ssh_channel_cancel_forward(s->ssh, "", 1) != SSH_AGAIN) {
		s->ping_sent_ms = 0;
		s->next_ping_ms = now + every_ms;
		return s->next_ping_ms;
	}
	if (now >= s->ping_sent_ms + 3 * every_ms) {
		s->is_lost = true;
		fault_set(&s->why_lost, BRICKYARD_ERR_UNREACHABLE, "keep-alive "
			  "messages were not answered for %lld seconds",
			  (long long)(now - s->ping_sent_ms) / 1000);
	}
	return s->ping_sent_ms + 3 * every_ms;
}

static bool
is_lost(struct session *s)
{
	if (s->is_lost)
		return true;
	if (ssh_is_connected(s->ssh))
		return false;
	s->is_lost = true;
	fault_set(&s->why_lost, BRICKYARD_ERR_UNREACHABLE, "%s",
		  ssh_get_error_code(s->ssh) == SSH_FATAL ?
		  ssh_get_error(s->ssh) : "it was closed by the node");
	return true;
}

/* ---- the loop ---- */

static bool
is_unused(struct session *s)
{
	int64_t idle_ms = (int64_t)opt_u64(s->node->in, OPT_IDLE_S) * 1000;
	bool retired;

	if (s->channels != NULL) {
		s->idle_since_ms = now_ms();
		return false;
	}
	pthread_mutex_lock(&s->node->lock);
	retired = s->is_retired;
	pthread_mutex_unlock(&s->node->lock);
	return retired || now_ms() - s->idle_since_ms >= idle_ms;
}

/* True: it has left the pool, end it. */
static bool
look_around(struct session *s, int64_t *due_ms)
{
	int64_t ms;

	s->has_news = false;
	take_jobs(s);
	*due_ms = step_channels(s);
	ms = ping(s);
	*due_ms = ms < *due_ms ? ms : *due_ms;
	if (is_lost(s)) {
		/* Before its jobs go back, or it would take them again. */
		pool_session_limit(s, true);
		for (struct channel *c = s->channels; c != NULL;
		     c = *chan_next(c))
			chan_lost(c);
		return pool_session_retire(s, true);
	}
	if (session_must_stop(s))
		return pool_session_retire(s, true);
	return is_unused(s) && pool_session_retire(s, false);
}

static void
serve(struct session *s, ssh_event event)
{
	int64_t due_ms, ms;

	while (!look_around(s, &due_ms)) {
		ms = due_ms - now_ms();
		if (s->has_news || ms < 0)
			ms = 0;
		(void)ssh_event_dopoll(event, ms < LOOK_MS ? (int)ms : LOOK_MS);
	}
}

static void
serve_with_event(struct session *s)
{
	ssh_event event = ssh_event_new();
	struct fault f = { 0 };

	if (event == NULL ||
	    ssh_event_add_fd(event, s->wake_fd, POLLIN, on_wake, s) != SSH_OK ||
	    ssh_event_add_session(event, s->ssh) != SSH_OK) {
		(void)fault_nomem(&f);
		pool_session_failed(s, &f);
		(void)pool_session_retire(s, true);
	} else {
		s->idle_since_ms = now_ms();
		s->next_ping_ms = now_ms() +
			(int64_t)opt_u64(s->node->in, OPT_KEEPALIVE_S) * 1000;
		pool_session_ready(s);
		serve(s, event);
	}
	while (s->channels != NULL) {
		struct channel *c = s->channels;

		s->channels = *chan_next(c);
		chan_free(c);
	}
	if (event != NULL) {
		(void)ssh_event_remove_fd(event, s->wake_fd);
		(void)ssh_event_remove_session(event, s->ssh);
		ssh_event_free(event);
	}
}

static void *
session_main(void *arg)
{
	struct session *s = arg;
	struct fault f = { 0 };

	if (session_connect(s, &f) == 0) {
		serve_with_event(s);
	} else {
		pool_session_failed(s, &f);
		(void)pool_session_retire(s, true);
	}
	if (s->ssh != NULL) {
		if (ssh_is_connected(s->ssh))
			ssh_disconnect(s->ssh);
		ssh_free(s->ssh);
	}
	return NULL;
}

/* ---- life ---- */

void
session_free(struct session *s)
{
	pthread_join(s->thread, NULL);
	close(s->wake_fd);
	if (s->agent_fd >= 0)
		close(s->agent_fd);
	node_put(s->node);
	free(s);
}

/* Signals are for the daemon's main thread; SIGPIPE is for nobody. */
static int
start_thread(struct session *s)
{
	pthread_attr_t a;
	sigset_t all, old;
	int e;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&s->thread, &a, session_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&a);
	return e;
}

int
session_start(struct node *n, struct fault *f)
{
	struct session *s = calloc(1, sizeof(*s));
	int e = ENOMEM;

	if (s != NULL) {
		s->node = n;
		s->agent_fd = -1;
		s->limit = (size_t)opt_u64(n->in, OPT_CHANNELS_PER_SESSION);
		s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		e = s->wake_fd < 0 ? errno : start_thread(s);
	}
	if (e == 0) {
		s->next = n->sessions;
		n->sessions = s;
		node_use(n);
		return 0;
	}
	if (s != NULL && s->wake_fd >= 0)
		close(s->wake_fd);
	free(s);
	return fault_set(f, BRICKYARD_ERR_TRANSIENT, "%s: no thread for its "
			 "connection: %s", n->target, strerror(e));
}
