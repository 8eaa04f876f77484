/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call, past the gate: the pod is found, the script run; and again where it is
 * certain that nothing was started, and another try may do.
 */
#include <stdio.h>
#include <string.h>

#include "kubernetes.h"

#define TRIES_MAX 4
#define PAUSE_MS 300		/* times the number of tries */
#define PAUSE_MAX_MS 5000	/* that a server may ask for */
#define HEAR_MS 4000		/* for the words of a refusal that takes long */

struct attempt {
	struct brickyard_executor_instance *in;
	struct node *node;
	const struct limit *limit;
	struct access *access;
	struct target target;
	int tries;
	int64_t pause_ms;		/* before the next */
	long refused;			/* with that status the last time, */
	bool was_asked;			/* and asked at length for */
	char words[1024];		/* these words; "": none */
};

static int
pause_for(const struct attempt *t, struct fault *f)
{
	int64_t end = now_ms() + t->pause_ms;
	struct fault over = { 0 };

	while (now_ms() < end) {
		if (limit_check(t->limit, t->node->where, "while waiting for "
				"the API server; no script was started",
				&over) == 0) {
			nap_ms(20);
			continue;
		}
		/* What kept it from running says more than that time is up. */
		if (over.err_class == BRICKYARD_ERR_CANCELLED)
			*f = over;
		return -1;
	}
	return 0;
}

/* libwebsockets keeps the status of a refusal, but not its words: the same
 * without the upgrade is refused in the same way, before anything is run.
 */
static int
hear_why(struct attempt *t, const struct question *q, const struct limit *l,
	 struct fault *f)
{
	CLEANUP(answer_free) struct answer answer = { 0 };

	if (rest_get(t->in, t->access, q, l, &answer, f) < 0)
		return -1;
	/* Refusals by the way pass; that it needs an upgrade is no reason. */
	if (answer.status == t->refused) {
		reply_message(&answer.body, t->words, sizeof(t->words));
		if (answer.retry_after_s > 0)
			t->pause_ms = answer.retry_after_s * 1000;
	}
	return 0;
}

/* A server that does not get through to the kubelet tries that for upgrades only,
 * and takes its time: it is asked once, and not for long.
 */
static void
hear_at_length(struct attempt *t, const struct question *plain)
{
	struct question q = { .path = plain->path, .is_upgrade = true };
	struct limit l = *t->limit;
	struct fault ignored = { 0 };

	if (t->words[0] != '\0' || t->was_asked)
		return;
	t->was_asked = true;
	if (l.deadline_ms > now_ms() + HEAR_MS)
		l.deadline_ms = now_ms() + HEAR_MS;
	(void)hear_why(t, &q, &l, &ignored);
}

static int
unknown_container(const struct attempt *t, const char *words, struct fault *f)
{
	return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: container '%s' of "
			 "pod %s in namespace %s can't run anything: %s",
			 t->node->where, t->target.container, t->target.pod,
			 t->target.namespace, words);
}

/* "error dialing backend": the kubelet, and with it the node, does not answer.
 * As transient it would be waited for, while other nodes are at hand.
 */
static bool
is_unreached(long status)
{
	return status == 500 || status == 502 || status == 504;
}

/* What its pod is like now, that can't be got at. */
static void
add_state(struct attempt *t, struct text *ret)
{
	pod_ask_state(t->in, t->access, t->node, t->limit, ret);
	if (ret->len == 0)
		text_addf(ret, "not to be asked for now");
}

static void
unreached(struct attempt *t, long status, struct fault *f)
{
	CLEANUP_TEXT struct text state = { 0 };

	add_state(t, &state);
	fault_set(f, BRICKYARD_ERR_UNREACHABLE, "%s: the API server does not "
		  "get through to the kubelet of pod %s in namespace %s (HTTP "
		  "%ld): is its Kubernetes node up? The pod is %s; the API "
		  "server says: %s", t->node->where, t->target.pod,
		  t->target.namespace, status, text_str(&state),
		  t->words[0] != '\0' ? t->words : "nothing more, in the time "
		  "there was");
}

/* It was let in, but the container could not be got at. */
static void
not_started(struct attempt *t, const struct exec *e, struct fault *f)
{
	CLEANUP_TEXT struct text state = { 0 };

	add_state(t, &state);
	fault_set(f, e->fault.err_class, "%s; the pod is %s", e->fault.text,
		  text_str(&state));
}

static int
hear(struct attempt *t, long status, struct fault *f)
{
	static const char *const nothing[] = { "true", NULL };
	CLEANUP_TEXT struct text path = { 0 };
	struct question q = { 0 };

	command_path(t->access, &t->target, nothing, &path);
	if (path.failed)
		return fault_nomem(f);
	q.path = path.s;
	if (status != t->refused) {
		t->refused = status;
		t->was_asked = false;
		t->words[0] = '\0';
	}
	if (hear_why(t, &q, t->limit, f) < 0)
		return -1;
	if (is_unreached(status))
		hear_at_length(t, &q);
	return 0;
}

/* 1: try again; -1: that is it. */
static int
refused(struct attempt *t, long status, struct fault *f)
{
	struct request r = { t->node->where, "exec in a pod",
		/* "get" is what a WebSocket upgrade needs; newer ones want
		 * "create", too. */
		"\"create\", \"get\"", "\"pods/exec\"", t->target.namespace };
	bool may_pass = refusal_may_pass(status) ||
		(status == 404 && t->target.is_cached) ||
		(status == 401 && t->tries == 1);

	t->pause_ms = PAUSE_MS * t->tries;
	pod_forget(t->in, t->node);
	if (hear(t, status, f) < 0)
		return -1;
	if (t->pause_ms > PAUSE_MAX_MS)
		t->pause_ms = PAUSE_MAX_MS;
	if (status == 400 && strstr(t->words, "container") != NULL)
		return unknown_container(t, t->words, f);
	if (is_unreached(status))
		unreached(t, status, f);
	else
		(void)refusal(t->access, &r, status, t->words[0] != '\0' ?
			      t->words : "nothing more", f);
	return may_pass ? 1 : -1;
}

/* 0: it ran; 1: try again; -1: that is it. */
static int
judge(struct attempt *t, struct exec *e, struct fault *f)
{
	switch (e->outcome) {
	case OUTCOME_RAN:
		return 0;
	case OUTCOME_REFUSED:
		return refused(t, e->http_status, f);
	case OUTCOME_NOT_STARTED:
		pod_forget(t->in, t->node);
		*f = e->fault;
		t->pause_ms = 0;
		return t->tries < 3 ? 1 : -1;
	case OUTCOME_FAILED:
	default:
		pod_forget(t->in, t->node);
		*f = e->fault;
		if (e->is_unreached)
			not_started(t, e, f);
		return -1;
	}
}

static int
try_once(struct attempt *t, const char *script, struct exec **ret,
	 struct fault *f)
{
	struct exec *e;
	int r;

	if (pod_find(t->in, t->access, t->node, t->limit, &t->target, f) < 0)
		return -1;
	e = exec_new(t->in, t->access, t->node->host, &t->target, script,
		     t->limit, f);
	if (e == NULL)
		return -1;
	if (service_run(t->in->service, e, t->limit, f) < 0) {
		pod_forget(t->in, t->node);
		return -1;
	}
	r = judge(t, e, f);
	if (r == 0)
		*ret = e;
	else
		exec_free(e);
	return r;
}

int
run_script(struct brickyard_executor_instance *in, struct node *n,
	   const char *script, const struct limit *limit, struct exec **ret,
	   struct fault *f)
{
	struct attempt t = { .in = in, .node = n, .limit = limit };
	int r = 1;

	for (t.tries = 1; r > 0; t.tries++) {
		t.access = access_get(in, f);
		if (t.access == NULL)
			return -1;
		r = try_once(&t, script, ret, f);
		access_put(t.access);
		if (r > 0 && (t.tries == TRIES_MAX || pause_for(&t, f) < 0))
			r = -1;
	}
	return r;
}
