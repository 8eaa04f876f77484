/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes, and the jobs that wait for a channel there.  Connections are opened
 * one after the other, when those that are there have no room: sshd drops
 * connections when too many are logging in at once (MaxStartups).
 *
 * Whoever tries again what failed for want of a node does so at once: where the
 * wait for its answer was that try's time already, the next ones are told the same
 * without another wait.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ssh.h"

#define NODES_MAX 4096		/* remembered without being in use */
#define ASK_MS 50		/* how often a call asks whether to stop */
#define ALONE_MS 5000		/* before trying for another connection again */
#define SILENT_MS 5000		/* before one that was waited for is asked again */

/* ---- jobs ---- */

struct job *
job_new(const char *script, int64_t deadline_ms)
{
	struct job *j = calloc(1, sizeof(*j));
	pthread_condattr_t a;

	if (j == NULL)
		return NULL;
	j->script_len = strlen(script);
	j->script = malloc(j->script_len + 1);
	if (j->script == NULL) {
		free(j);
		return NULL;
	}
	memcpy(j->script, script, j->script_len + 1);
	j->deadline_ms = deadline_ms;
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&j->wake, &a);
	pthread_condattr_destroy(&a);
	return j;
}

void
job_free(struct job *j)
{
	if (j == NULL)
		return;
	pthread_cond_destroy(&j->wake);
	text_free(&j->out);
	text_free(&j->err);
	free(j->script);
	free(j);
}

/* ---- nodes ---- */

static bool
host_is_valid(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > 255 || s[0] == '-' || s[0] == '%')
		return false;
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ_.:%-")] == '\0';
}

static void
node_free(struct node *n)
{
	pthread_mutex_destroy(&n->lock);
	free(n->host);
	free(n->name);
	free(n->target);
	free(n);
}

static struct node *
node_new(struct brickyard_executor_instance *in, const char *host)
{
	unsigned port = (unsigned)opt_u64(in, OPT_PORT);
	bool is_ipv6 = strchr(host, ':') != NULL;
	struct node *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	pthread_mutex_init(&n->lock, NULL);
	n->in = in;
	n->queue_end = &n->queue;
	n->host = strdup(host);
	if (port == 22)
		n->name = strdup(host);
	else if (asprintf(&n->name, "[%s]:%u", host, port) < 0)
		n->name = NULL;
	if (asprintf(&n->target, is_ipv6 ? "ssh [%s]:%u" : "ssh %s:%u", host,
		     port) < 0)
		n->target = NULL;
	if (n->host == NULL || n->name == NULL || n->target == NULL) {
		node_free(n);
		return NULL;
	}
	return n;
}

/* With the instance's lock held; true: some are in use. */
static bool
forget_unused_nodes(struct brickyard_executor_instance *in)
{
	struct node **p = &in->nodes, *n;

	while ((n = *p) != NULL) {
		if (atomic_load(&n->users) > 0) {
			p = &n->next;
			continue;
		}
		*p = n->next;
		in->nnodes--;
		node_free(n);
	}
	return in->nodes != NULL;
}

/* With the instance's lock held. */
static struct node *
node_find(struct brickyard_executor_instance *in, const char *host)
{
	struct node *n;

	for (n = in->nodes; n != NULL; n = n->next)
		if (strcmp(n->host, host) == 0)
			return n;
	if (in->nnodes >= NODES_MAX)
		(void)forget_unused_nodes(in);
	n = node_new(in, host);
	if (n == NULL)
		return NULL;
	n->next = in->nodes;
	in->nodes = n;
	in->nnodes++;
	return n;
}

void
node_use(struct node *n)
{
	atomic_fetch_add(&n->users, 1);
}

struct node *
node_get(struct brickyard_executor_instance *in, const char *host,
	 struct fault *f)
{
	char lower[256];
	struct node *n;

	if (host == NULL || !host_is_valid(host)) {
		fault_set(f, BRICKYARD_ERR_INVALID, "ssh: '%.300s' is not the "
			  "name or address of a host", host != NULL ? host : "");
		return NULL;
	}
	snprintf(lower, sizeof(lower), "%s", host);
	for (char *p = lower; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	pthread_mutex_lock(&in->lock);
	n = node_find(in, lower);
	if (n != NULL)
		node_use(n);
	pthread_mutex_unlock(&in->lock);
	if (n == NULL)
		fault_nomem(f);
	return n;
}

void
node_put(struct node *n)
{
	atomic_fetch_sub(&n->users, 1);
}

/* ---- the queue; with the node's lock held ---- */

static void
queue_append(struct node *n, struct job *j)
{
	j->next = NULL;
	*n->queue_end = j;
	n->queue_end = &j->next;
}

static void
queue_prepend(struct node *n, struct job *j)
{
	j->next = n->queue;
	if (n->queue == NULL)
		n->queue_end = &j->next;
	n->queue = j;
}

static void
queue_remove(struct node *n, struct job *j)
{
	struct job **p = &n->queue;

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
	if (n->queue_end == &j->next)
		n->queue_end = p;
}

static void
job_end(struct job *j)
{
	j->state = JOB_DONE;
	pthread_cond_signal(&j->wake);
}

static void
fail_queue(struct node *n, const struct fault *f)
{
	struct job *j;

	while ((j = n->queue) != NULL) {
		queue_remove(n, j);
		j->fault = *f;
		job_end(j);
	}
}

/* ---- connections; with the node's lock held ---- */

static bool
has_room(const struct session *s)
{
	return s->is_ready && !s->is_retired && s->njobs < s->limit;
}

/* See that somebody takes what waits: one with room, or one more of them. */
static void
balance(struct node *n)
{
	bool is_connecting = false, is_alive = false;
	struct fault f = { 0 };

	if (n->queue == NULL ||
	    n->taken >= opt_u64(n->in, OPT_CHANNELS_PER_NODE))
		return;
	for (struct session *s = n->sessions; s != NULL; s = s->next) {
		if (has_room(s)) {
			session_wake(s);
			return;
		}
		is_alive = is_alive || !s->is_retired;
		is_connecting = is_connecting || (!s->is_ready && !s->is_retired);
		/* libssh waits for an agent without end. */
		if (s->agent_fd >= 0 && now_ms() > s->agent_until_ms)
			(void)shutdown(s->agent_fd, SHUT_RDWR);
	}
	if (is_connecting ||
	    (n->sessions != NULL && now_ms() < n->alone_until_ms))
		return;
	if (!is_alive && now_ms() < n->silent_until_ms)
		fail_queue(n, &n->silence);
	else if (session_start(n, &f) < 0 && n->sessions == NULL)
		fail_queue(n, &f);
}

struct job *
pool_take(struct session *s)
{
	struct node *n = s->node;
	struct job *j = NULL;

	pthread_mutex_lock(&n->lock);
	if (has_room(s) && !s->must_stop &&
	    n->taken < opt_u64(n->in, OPT_CHANNELS_PER_NODE))
		j = n->queue;
	if (j != NULL) {
		queue_remove(n, j);
		j->state = JOB_TAKEN;
		j->session = s;
		s->njobs++;
		n->taken++;
		balance(n);	/* the rest may be for others */
	}
	pthread_mutex_unlock(&n->lock);
	return j;
}

static bool
give_up(struct node *n, struct job *j)
{
	n->taken--;
	j->session->njobs--;
	j->session = NULL;
	return j->abandoned;
}

void
pool_done(struct node *n, struct job *j)
{
	bool is_mine;

	pthread_mutex_lock(&n->lock);
	is_mine = give_up(n, j);
	if (!is_mine)
		job_end(j);
	balance(n);
	pthread_mutex_unlock(&n->lock);
	if (is_mine)
		job_free(j);
}

void
pool_again(struct node *n, struct job *j)
{
	bool is_mine;

	pthread_mutex_lock(&n->lock);
	is_mine = give_up(n, j);
	if (!is_mine) {
		j->state = JOB_QUEUED;
		queue_prepend(n, j);
	}
	balance(n);
	pthread_mutex_unlock(&n->lock);
	if (is_mine)
		job_free(j);
}

bool
pool_abandoned(struct node *n, const struct job *j)
{
	bool yes;

	pthread_mutex_lock(&n->lock);
	yes = j->abandoned;
	pthread_mutex_unlock(&n->lock);
	return yes;
}

void
pool_session_ready(struct session *s)
{
	struct node *n = s->node;

	pthread_mutex_lock(&n->lock);
	s->is_ready = true;
	balance(n);
	pthread_mutex_unlock(&n->lock);
}

void
pool_session_failed(struct session *s, const struct fault *f)
{
	struct node *n = s->node;
	bool is_alone = true;

	pthread_mutex_lock(&n->lock);
	for (struct session *o = n->sessions; o != NULL; o = o->next)
		is_alone = is_alone && (o == s || o->is_retired);
	s->is_retired = true;
	if (is_alone && s->was_silent) {
		n->silence = *f;
		n->silent_until_ms = now_ms() + SILENT_MS;
	}
	if (is_alone)
		fail_queue(n, f);
	else
		n->alone_until_ms = now_ms() + ALONE_MS;
	pthread_mutex_unlock(&n->lock);
}

void
pool_session_limit(struct session *s, bool is_lost)
{
	struct node *n = s->node;

	pthread_mutex_lock(&n->lock);
	s->limit = s->njobs > 0 ? s->njobs - 1 : 0;
	if (is_lost || s->limit == 0)
		s->is_retired = true;
	pthread_mutex_unlock(&n->lock);
}

bool
pool_session_retire(struct session *s, bool force)
{
	struct node *n = s->node;
	struct session **p = &n->sessions;

	pthread_mutex_lock(&n->lock);
	if (!force && !s->must_stop && n->queue != NULL && has_room(s)) {
		pthread_mutex_unlock(&n->lock);
		return false;
	}
	s->is_retired = true;
	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	balance(n);		/* others have to care for the queue now */
	pthread_mutex_unlock(&n->lock);
	pthread_mutex_lock(&n->in->lock);
	s->next = n->in->ended;
	n->in->ended = s;
	pthread_mutex_unlock(&n->in->lock);
	return true;
}

/* ---- calls ---- */

/* Not with a lock held: it waits for threads that have nothing left to do. */
static void
reap(struct brickyard_executor_instance *in)
{
	struct session *s, *next;

	pthread_mutex_lock(&in->lock);
	s = in->ended;
	in->ended = NULL;
	pthread_mutex_unlock(&in->lock);
	for (; s != NULL; s = next) {
		next = s->next;
		session_free(s);
	}
}

/* Until it is done, or for a moment; true: done. */
static bool
wait_a_moment(struct node *n, struct job *j)
{
	struct timespec until;
	bool done;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ASK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_mutex_lock(&n->lock);
	if (j->state == JOB_QUEUED)
		balance(n);
	if (j->state != JOB_DONE)
		(void)pthread_cond_timedwait(&j->wake, &n->lock, &until);
	done = j->state == JOB_DONE;
	pthread_mutex_unlock(&n->lock);
	return done;
}

enum left_in { LEFT_DONE, LEFT_RUNNING, LEFT_CONNECTING, LEFT_WAITING };

/* Give a job up, unless it is done by now. In all cases but LEFT_DONE it is
 * no longer the caller's.
 */
static enum left_in
leave(struct node *n, struct job *j)
{
	enum left_in r = LEFT_CONNECTING;
	bool is_mine = false;

	pthread_mutex_lock(&n->lock);
	if (j->state == JOB_DONE) {
		r = LEFT_DONE;
	} else if (j->state == JOB_TAKEN) {
		r = LEFT_RUNNING;
		j->abandoned = true;
		session_wake(j->session);
	} else {
		queue_remove(n, j);
		is_mine = true;
		for (struct session *s = n->sessions; s != NULL; s = s->next)
			if (s->is_ready && !s->is_retired)
				r = LEFT_WAITING;
	}
	pthread_mutex_unlock(&n->lock);
	if (is_mine)
		job_free(j);
	return r;
}

static int
left(const struct node *n, enum left_in in, bool cancelled, struct fault *f)
{
	static const char *const doing[] = {
		[LEFT_RUNNING] = "while the script ran; what it started there "
				 "is being killed",
		[LEFT_CONNECTING] = "while connecting; no script was started",
		[LEFT_WAITING] = "while other scripts had all channels to the "
				 "node (channels_per_node); it was not started",
	};

	if (cancelled)
		return fault_set(f, BRICKYARD_ERR_CANCELLED, "%s: cancelled %s",
				 n->target, doing[in]);
	return fault_set(f, in == LEFT_CONNECTING ? BRICKYARD_ERR_UNREACHABLE :
			 BRICKYARD_ERR_TIMEOUT, "%s: the time for it was over "
			 "%s", n->target, doing[in]);
}

static int
wait_for(struct node *n, const struct brickyard_call *call, struct job *j,
	 struct fault *f)
{
	int64_t deadline_ms = j->deadline_ms;
	bool cancelled = false;
	enum left_in in;

	while (!wait_a_moment(n, j)) {
		cancelled = call->cancelled != NULL && call->cancelled(call);
		if (!cancelled && now_ms() < deadline_ms)
			continue;
		in = leave(n, j);
		if (in != LEFT_DONE)
			return left(n, in, cancelled, f);
		break;
	}
	if (j->fault.err_class != 0) {
		*f = j->fault;
		job_free(j);
		return -1;
	}
	return 0;
}

int
pool_run(struct node *n, const struct brickyard_call *call, struct job *j,
	 struct fault *f)
{
	reap(n->in);
	if (call->cancelled != NULL && call->cancelled(call)) {
		job_free(j);
		return fault_set(f, BRICKYARD_ERR_CANCELLED, "%s: cancelled "
				 "before anything was done", n->target);
	}
	if (j->deadline_ms <= now_ms()) {
		job_free(j);
		return fault_set(f, BRICKYARD_ERR_TIMEOUT, "%s: the time for "
				 "it was over before anything was done",
				 n->target);
	}
	pthread_mutex_lock(&n->lock);
	queue_append(n, j);
	balance(n);
	pthread_mutex_unlock(&n->lock);
	return wait_for(n, call, j, f);
}

static void
stop_sessions(struct node *n)
{
	pthread_mutex_lock(&n->lock);
	for (struct session *s = n->sessions; s != NULL; s = s->next) {
		s->must_stop = true;
		if (s->agent_fd >= 0)
			(void)shutdown(s->agent_fd, SHUT_RDWR);
		session_wake(s);
	}
	pthread_mutex_unlock(&n->lock);
}

/* No call runs any more, so the list of nodes stays as it is. */
void
pool_close(struct brickyard_executor_instance *in)
{
	bool in_use = true;

	while (in_use) {
		for (struct node *n = in->nodes; n != NULL; n = n->next)
			stop_sessions(n);
		reap(in);
		pthread_mutex_lock(&in->lock);
		in_use = forget_unused_nodes(in);
		pthread_mutex_unlock(&in->lock);
		if (in_use)
			(void)usleep(2000);
	}
}
