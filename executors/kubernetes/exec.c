/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One script in one container, as its channels tell it: what came in, when that
 * is all, and what it means.  On the service thread, which knows the sockets.
 */
#include <stdio.h>
#include <string.h>

#include "kubernetes.h"

#define QUIET_MS 300		/* after the end, for the rest of the output */
#define END_MAX 48		/* a mark, its status and the line end */
#define STATUS_MAX (64 * 1024)

enum { CHANNEL_STDOUT = 1, CHANNEL_STDERR = 2, CHANNEL_STATUS = 3 };

/* ---- life ---- */

static int
exec_fill(const struct brickyard_executor_instance *in, struct exec *e,
	  const char *host, const struct target *target, const char *script,
	  const struct limit *l, struct fault *f)
{
	if (asprintf(&e->where, "kubernetes %s (pod %s/%s)", host,
		     target->namespace, target->pod) < 0) {
		e->where = NULL;
		return fault_nomem(f);
	}
	memcpy(e->address, target->address, sizeof(e->address));
	if (access_authorization(e->access, &e->authorization, f) < 0)
		return -1;
	if (command_make(in, e, target, script, l->deadline_ms) == 0)
		return 0;
	if (e->fault.err_class == 0)
		return fault_nomem(f);
	*f = e->fault;
	return -1;
}

struct exec *
exec_new(const struct brickyard_executor_instance *in, struct access *a,
	 const char *host, const struct target *target, const char *script,
	 const struct limit *l, struct fault *f)
{
	struct exec *e = calloc(1, sizeof(*e));
	pthread_condattr_t attr;

	if (e == NULL) {
		fault_nomem(f);
		return NULL;
	}
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&e->wake, &attr);
	pthread_condattr_destroy(&attr);
	e->access = access_use(a);
	if (exec_fill(in, e, host, target, script, l, f) == 0)
		return e;
	exec_free(e);
	return NULL;
}

void
exec_free(struct exec *e)
{
	pthread_cond_destroy(&e->wake);
	access_put(e->access);
	if (e->authorization.len > 0)
		explicit_bzero(e->authorization.s, e->authorization.len);
	text_free(&e->authorization);
	text_free(&e->path);
	text_free(&e->payload);
	text_free(&e->out.t);
	text_free(&e->err.t);
	text_free(&e->status_json);
	free(e->where);
	free(e);
}

/* ---- what comes in ---- */

/* What came before the first mark is not the script's. */
static bool
find_start(struct stream *s, const char *marker)
{
	char *at = s->t.len > 0 ?
		memmem(s->t.s, s->t.len, marker, strlen(marker)) : NULL;
	char *nl = at != NULL ?
		memchr(at, '\n', s->t.len - (size_t)(at - s->t.s)) : NULL;

	if (nl == NULL)
		return false;
	text_keep_tail(&s->t, s->t.len - (size_t)(nl + 1 - s->t.s));
	return true;
}

/* "MARK STATUS\n", at or behind from: what comes then is not the script's. */
static bool
find_end(struct stream *s, const char *marker, size_t from)
{
	size_t n = strlen(marker);
	char *at = s->t.len > from ?
		memmem(s->t.s + from, s->t.len - from, marker, n) : NULL;
	unsigned status;
	char nl;

	if (at == NULL || sscanf(at + n, " %3u%c", &status, &nl) != 2 ||
	    nl != '\n')
		return false;
	s->status = status;
	s->t.len = (size_t)(at - s->t.s);
	s->t.s[s->t.len] = '\0';
	return true;
}

static void
stream_add(struct stream *s, const char *marker, const char *p, size_t n)
{
	size_t from = s->t.len > END_MAX ? s->t.len - END_MAX : 0;

	if (s->has_ended)
		return;
	text_add(&s->t, p, n);
	if (!s->has_started) {
		s->has_started = find_start(s, marker);
		from = 0;
	}
	if (s->has_started)
		s->has_ended = find_end(s, marker, from);
	/* Twice the room, so that bytes are moved once in a while only. */
	if (s->t.len > 2 * OUTPUT_MAX)
		text_keep_tail(&s->t, OUTPUT_MAX + END_MAX);
}

void
exec_data(struct exec *e, unsigned channel, const void *p, size_t n)
{
	e->heard_ms = now_ms();
	switch (channel) {
	case CHANNEL_STDOUT:
		stream_add(&e->out, e->marker, p, n);
		break;
	case CHANNEL_STDERR:
		stream_add(&e->err, e->marker, p, n);
		break;
	case CHANNEL_STATUS:
		if (e->status_json.len + n <= STATUS_MAX)
			text_add(&e->status_json, p, n);
		/* Some servers begin with a message that is empty. */
		e->has_status = e->status_json.len > 0;
		break;
	default:
		break;
	}
}

/* The server's status comes when all output has come: from what a script left
 * in the background that may be much later, so the marks count, too.
 */
bool
exec_is_over(const struct exec *e)
{
	bool has_both = e->out.has_ended && e->err.has_ended;

	if (e->is_closed || (has_both && e->has_status))
		return true;
	return (has_both || e->has_status) &&
		now_ms() >= e->heard_ms + QUIET_MS;
}

int64_t
exec_due_ms(const struct exec *e)
{
	if (e->has_status || (e->out.has_ended && e->err.has_ended))
		return e->heard_ms + QUIET_MS;
	return INT64_MAX;
}

/* ---- what it means ---- */

static int
not_started(struct exec *e, const struct exec_status *s)
{
	struct text *said = e->err.t.len > 0 ? &e->err.t : &e->out.t;

	if (s->has_code && (s->code == 126 || s->code == 127))
		return fault_set(&e->fault, BRICKYARD_ERR_PERMANENT, "%s: the "
				 "script was not started: the container lacks "
				 "env, /bin/sh or head%s: %s", e->where,
				 e->has_prefix ? ", or timeout (then set "
				 "disable_timeout_prefix)" : "",
				 said->len > 0 ? last_words(said, 1000) :
				 s->message);
	if (s->has_code)
		return fault_set(&e->fault, BRICKYARD_ERR_TRANSIENT, "%s: the "
				 "script was not started: exit status %u: %s",
				 e->where, s->code, last_words(said, 1000));
	e->is_unreached = strstr(s->message, "not found in $PATH") == NULL &&
		strstr(s->message, "no such file") == NULL;
	return fault_set(&e->fault, e->is_unreached ?
			 BRICKYARD_ERR_UNREACHABLE : BRICKYARD_ERR_PERMANENT,
			 "%s: the script was not started: %s", e->where,
			 s->message);
}

static bool
was_killed_late(const struct exec *e, const struct exec_status *s)
{
	return now_ms() >= e->asked_ms + e->seconds * 1000 &&
		(!s->has_code || s->code == 124 || s->code == 137 ||
		 s->code == 143);
}

/* No end mark: what the server says is believed if it says that it failed. */
static int
without_mark(struct exec *e, const struct exec_status *s)
{
	if (was_killed_late(e, s))
		return fault_set(&e->fault, BRICKYARD_ERR_TIMEOUT, "%s: the "
				 "script was killed: it took longer than %lld "
				 "seconds", e->where, (long long)e->seconds);
	if (!e->out.has_started && !e->err.has_started)
		return not_started(e, s);
	if (s->has_code && !s->is_success) {
		e->exit_status = s->code;
		return 0;
	}
	return fault_set(&e->fault, BRICKYARD_ERR_TRANSIENT, "%s: the script "
			 "has not said that it came to its end, so its outcome "
			 "is not known (the API server says: %s)", e->where,
			 s->is_success ? "Success" : s->message);
}

static int
without_status(struct exec *e)
{
	struct exec_status none = { 0 };

	if (was_killed_late(e, &none))
		return without_mark(e, &none);
	if (e->sent < e->payload.len) {
		e->outcome = OUTCOME_NOT_STARTED;
		return fault_set(&e->fault, BRICKYARD_ERR_UNREACHABLE, "%s: "
				 "the connection was lost before the script "
				 "was sent", e->where);
	}
	return fault_set(&e->fault, BRICKYARD_ERR_TRANSIENT, "%s: the "
			 "connection was lost while the script ran, so its "
			 "outcome is not known (nothing was heard for %lld "
			 "seconds)", e->where,
			 (long long)(now_ms() - e->heard_ms) / 1000);
}

static int
explain(struct exec *e)
{
	struct exec_status s = { 0 };
	bool has_status = e->has_status &&
		reply_exec_status(&e->status_json, &s) == 0;

	if (e->out.t.failed || e->err.t.failed)
		return fault_nomem(&e->fault);
	if (e->out.has_ended) {
		e->exit_status = e->out.status;
		if (has_status && s.has_code && s.code != e->out.status)
			kube_host->log(BRICKYARD_LOG_NOTICE, "%s: the API "
				       "server says that the script ended with "
				       "%u, but it says %u itself, which is "
				       "taken", e->where, s.code,
				       e->out.status);
		return 0;
	}
	return has_status ? without_mark(e, &s) : without_status(e);
}

void
exec_finish(struct exec *e)
{
	e->outcome = OUTCOME_FAILED;
	if (explain(e) == 0)
		e->outcome = OUTCOME_RAN;
}

void
exec_not_connected(struct exec *e, long http_status, const char *why)
{
	e->http_status = http_status;
	if (http_status != 0 && http_status != 101) {
		e->outcome = OUTCOME_REFUSED;
	} else if (http_status == 101) {
		e->outcome = OUTCOME_FAILED;
		fault_set(&e->fault, BRICKYARD_ERR_PERMANENT, "%s: the API "
			  "server %s speaks no WebSocket subprotocol "
			  "v5.channel.k8s.io or v4.channel.k8s.io: %s",
			  e->where, e->access->server, why);
	} else {
		e->outcome = OUTCOME_NOT_STARTED;
		fault_set(&e->fault, BRICKYARD_ERR_UNREACHABLE, "%s: no "
			  "WebSocket to the API server %s: %s", e->where,
			  e->access->server, why);
	}
}
