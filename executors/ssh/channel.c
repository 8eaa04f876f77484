/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One script on one channel: opened, told what to run, fed, listened to,
 * closed.  All of it on the session's thread, step by step; what comes in is
 * taken by callbacks that only note it.  A channel outlives its job until the
 * node has closed its end, too.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <libssh/callbacks.h>

#include "ssh.h"

#define WRITE_MAX 32768
#define AGAIN_MS 5		/* libssh may have got the answer elsewhere */
#define QUIET_MS 300		/* after the end, for the rest of the output */
#define CLOSE_MS 5000		/* for the node to close its end */

enum state { OPENING, ASKING, SENDING, RUNNING, CLOSING };

struct channel {
	struct channel *next;
	struct session *s;
	struct job *job;		/* NULL: given up */
	ssh_channel ch;
	struct ssh_channel_callbacks_struct callbacks;
	enum state state;
	int64_t since_ms;		/* that the state lasts */
	struct command command;
	int64_t asked_ms;
	size_t sent;
	bool has_status, is_at_end, is_closed;
	unsigned status;
	int64_t heard_ms;		/* output, or the status */
	struct text out, err;
	bool has_started;		/* the marker was there */
	bool err_started;
};

struct channel **
chan_next(struct channel *c)
{
	return &c->next;
}

/* ---- what comes in ---- */

static void
news(struct channel *c)
{
	c->heard_ms = now_ms();
	c->s->has_news = true;
}

/* What came before the marker is not the script's. */
static bool
cut_before_marker(struct text *t, const char *marker)
{
	char *at = t->len > 0 ? memmem(t->s, t->len, marker, strlen(marker)) :
		NULL;
	char *nl = at != NULL ? strchr(at, '\n') : NULL;

	if (nl == NULL)
		return false;
	text_keep_tail(t, t->len - (size_t)(nl + 1 - t->s));
	return true;
}

static int
on_data(ssh_session ssh, ssh_channel ch, void *data, uint32_t len, int is_err,
	void *arg)
{
	struct channel *c = arg;

	stream_add(is_err ? &c->err : &c->out, data, len);
	if (is_err && !c->err_started)
		c->err_started = cut_before_marker(&c->err, c->command.marker);
	if (!is_err && !c->has_started)
		c->has_started = cut_before_marker(&c->out, c->command.marker);
	news(c);
	return (int)len;
}

static void
on_eof(ssh_session ssh, ssh_channel ch, void *arg)
{
	struct channel *c = arg;

	c->is_at_end = true;
	news(c);
}

static void
on_close(ssh_session ssh, ssh_channel ch, void *arg)
{
	struct channel *c = arg;

	c->is_closed = true;
	news(c);
}

static void
on_status(ssh_session ssh, ssh_channel ch, int status, void *arg)
{
	struct channel *c = arg;

	c->has_status = true;
	c->status = (unsigned)status;
	news(c);
}

/* As a shell says it: 128 and the signal's number. */
static void
on_signal(ssh_session ssh, ssh_channel ch, const char *name, int core,
	  const char *message, const char *lang, void *arg)
{
	static const struct {
		const char *name;
		int number;
	} names[] = {
		{ "ABRT", SIGABRT }, { "ALRM", SIGALRM }, { "BUS", SIGBUS },
		{ "FPE", SIGFPE }, { "HUP", SIGHUP }, { "ILL", SIGILL },
		{ "INT", SIGINT }, { "KILL", SIGKILL }, { "PIPE", SIGPIPE },
		{ "QUIT", SIGQUIT }, { "SEGV", SIGSEGV }, { "TERM", SIGTERM },
		{ "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
	};
	struct channel *c = arg;

	c->has_status = true;
	c->status = 255;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i].name, name) == 0)
			c->status = 128u + (unsigned)names[i].number;
	news(c);
}

/* ---- life ---- */

struct channel *
chan_new(struct session *s, struct job *job)
{
	struct channel *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->s = s;
	c->job = job;
	c->since_ms = now_ms();
	c->ch = ssh_channel_new(s->ssh);
	c->callbacks.userdata = c;
	c->callbacks.channel_data_function = on_data;
	c->callbacks.channel_eof_function = on_eof;
	c->callbacks.channel_close_function = on_close;
	c->callbacks.channel_exit_status_function = on_status;
	c->callbacks.channel_exit_signal_function = on_signal;
	ssh_callbacks_init(&c->callbacks);
	if (c->ch == NULL ||
	    ssh_set_channel_callbacks(c->ch, &c->callbacks) != SSH_OK ||
	    command_make(s->node->in, job, &c->command) < 0) {
		c->job = NULL;
		chan_free(c);
		return NULL;
	}
	return c;
}

void
chan_free(struct channel *c)
{
	if (c->ch != NULL) {
		ssh_remove_channel_callbacks(c->ch, &c->callbacks);
		ssh_channel_free(c->ch);
	}
	free(c->command.line);
	text_free(&c->out);
	text_free(&c->err);
	free(c);
}

static void
enter(struct channel *c, enum state state)
{
	c->state = state;
	c->since_ms = now_ms();
}

static void
job_over(struct channel *c)
{
	struct job *j = c->job;

	c->job = NULL;
	pool_done(c->s->node, j);
}

static enum verdict
begin_close(struct channel *c)
{
	if (c->is_closed)
		return CHANNEL_OVER;
	(void)ssh_channel_close(c->ch);
	enter(c, CLOSING);
	return CHANNEL_BUSY;
}

/* ---- how it ended ---- */

static int
explain_sudo(struct channel *c, struct fault *f)
{
	const struct brickyard_executor_instance *in = c->s->node->in;
	const char *host = c->s->node->host, *user = opt_str(in, OPT_USER);
	const char *said = last_words(&c->err, 500);

	if (strstr(said, "No such file") != NULL)
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: there is no "
				 "sudo on %s: install it, or log in as root "
				 "and switch the option sudo off: %s",
				 c->s->node->target, host, said);
	return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: user %s may not run "
			 "sudo without a password on %s: add '%s ALL=(ALL) "
			 "NOPASSWD: ALL' to sudoers there (sudo said: %s)",
			 c->s->node->target, user, host, user, said);
}

static int
explain_no_start(struct channel *c, struct fault *f)
{
	const struct node *n = c->s->node;
	struct text *t = c->err.len > 0 ? &c->err : &c->out;

	if (opt_bool(n->in, OPT_SUDO) && c->err.len > 0 &&
	    strstr(c->err.s, "sudo") != NULL &&
	    strstr(c->err.s, "command not found") == NULL)
		return explain_sudo(c, f);
	return fault_set(f, c->has_status ? BRICKYARD_ERR_PERMANENT :
			 BRICKYARD_ERR_TRANSIENT, "%s: the script was not "
			 "started: the login shell of %s ended with status "
			 "%u: %s", n->target, opt_str(n->in, OPT_USER),
			 c->status, last_words(t, 1000));
}

static int
explain(struct channel *c, struct fault *f)
{
	const struct node *n = c->s->node;
	bool late = now_ms() >= c->asked_ms + c->command.seconds * 1000;

	if (late && (!c->has_status || c->status == 124 || c->status == 137 ||
		     c->status == 143))
		return fault_set(f, BRICKYARD_ERR_TIMEOUT, "%s: the script was "
				 "killed: it took longer than %lld seconds",
				 n->target, (long long)c->command.seconds);
	if (!c->has_started)
		return explain_no_start(c, f);
	if (!c->has_status)
		return fault_set(f, BRICKYARD_ERR_TRANSIENT, "%s: the script "
				 "ended without an exit status: %s", n->target,
				 last_words(&c->err, 1000));
	if (c->out.failed || c->err.failed)
		return fault_nomem(f);
	return 0;
}

static enum verdict
deliver(struct channel *c)
{
	struct job *j = c->job;

	(void)explain(c, &j->fault);
	j->exit_status = c->status;
	j->out = c->out;
	j->err = c->err;
	memset(&c->out, 0, sizeof(c->out));
	memset(&c->err, 0, sizeof(c->err));
	job_over(c);
	return begin_close(c);
}

void
chan_refused(struct channel *c)
{
	fault_set(&c->job->fault, BRICKYARD_ERR_PERMANENT, "%s: the login "
		  "works, but sshd opens no session to run a command "
		  "(MaxSessions 0?): %s", c->s->node->target,
		  ssh_get_error(c->s->ssh));
	job_over(c);
}

void
chan_requeue(struct channel *c)
{
	struct job *j = c->job;

	c->job = NULL;
	if (j != NULL)
		pool_again(c->s->node, j);
}

void
chan_lost(struct channel *c)
{
	struct job *j = c->job;

	if (j == NULL)
		return;
	if (c->sent == j->script_len && c->state > ASKING) {
		fault_set(&j->fault, BRICKYARD_ERR_TRANSIENT, "%s: the "
			  "connection was lost while the script ran, so its "
			  "outcome is not known: %s", c->s->node->target,
			  c->s->why_lost.text);
	} else if (j->was_reopened) {
		fault_set(&j->fault, BRICKYARD_ERR_UNREACHABLE, "%s: the "
			  "connection was lost twice before the script was "
			  "sent: %s", c->s->node->target, c->s->why_lost.text);
	} else {
		j->was_reopened = true;
		chan_requeue(c);
		return;
	}
	job_over(c);
}

/* ---- step by step ---- */

/* How long the node may take to answer a request about a channel: half of the
 * time that is left, so that it is not too late for another connection.
 */
static void
check_answered(struct channel *c)
{
	int64_t limit_ms = (int64_t)opt_u64(c->s->node->in,
					    OPT_CONNECT_TIMEOUT_S) * 1000;
	int64_t now = now_ms();

	if (c->job != NULL && (c->job->deadline_ms - c->since_ms) / 2 < limit_ms)
		limit_ms = (c->job->deadline_ms - c->since_ms) / 2;
	if (now - c->since_ms < limit_ms)
		return;
	c->s->is_lost = true;
	fault_set(&c->s->why_lost, BRICKYARD_ERR_UNREACHABLE, "no answer for "
		  "%lld seconds", (long long)(now - c->since_ms) / 1000);
}

static enum verdict
step_opening(struct channel *c)
{
	switch (ssh_channel_open_session(c->ch)) {
	case SSH_OK:
		c->s->nopened++;
		if (c->job == NULL)
			return begin_close(c);
		enter(c, ASKING);
		return chan_step(c);
	case SSH_AGAIN:
		check_answered(c);
		return CHANNEL_BUSY;
	default:
		if (!ssh_is_connected(c->s->ssh))
			return CHANNEL_BUSY;	/* the session sees it */
		return c->job != NULL ? CHANNEL_REFUSED : CHANNEL_OVER;
	}
}

static enum verdict
step_asking(struct channel *c)
{
	if (c->asked_ms == 0)
		c->asked_ms = now_ms();
	switch (ssh_channel_request_exec(c->ch, c->command.line)) {
	case SSH_OK:
		enter(c, SENDING);
		return chan_step(c);
	case SSH_AGAIN:
		check_answered(c);
		return CHANNEL_BUSY;
	default:
		if (!ssh_is_connected(c->s->ssh))
			return CHANNEL_BUSY;
		fault_set(&c->job->fault, BRICKYARD_ERR_PERMANENT, "%s: sshd "
			  "refuses to run commands for %s: %s",
			  c->s->node->target,
			  opt_str(c->s->node->in, OPT_USER),
			  ssh_get_error(c->s->ssh));
		job_over(c);
		return begin_close(c);
	}
}

static bool
has_ended(const struct channel *c)
{
	return c->is_closed || (c->has_status && (c->is_at_end ||
		now_ms() >= c->heard_ms + QUIET_MS));
}

/* stdin stays open behind the script: its end means to stop (command.c). */
static enum verdict
step_sending(struct channel *c)
{
	while (c->sent < c->job->script_len && !has_ended(c)) {
		size_t n = c->job->script_len - c->sent;
		uint32_t room = ssh_channel_window_size(c->ch);
		int written;

		if (n > WRITE_MAX)
			n = WRITE_MAX;
		if (n > room)
			n = room;
		if (n == 0)
			return CHANNEL_BUSY;
		written = ssh_channel_write(c->ch, c->job->script + c->sent,
					    (uint32_t)n);
		if (written <= 0)
			return CHANNEL_BUSY;
		c->sent += (size_t)written;
	}
	enter(c, RUNNING);
	return chan_step(c);
}

/* Its caller is gone: what runs there is killed by the end of its stdin. */
static enum verdict
drop_job(struct channel *c)
{
	job_over(c);
	return c->state == OPENING ? chan_step(c) : begin_close(c);
}

enum verdict
chan_step(struct channel *c)
{
	if (c->job != NULL && pool_abandoned(c->s->node, c->job))
		return drop_job(c);
	switch (c->state) {
	case OPENING:
		return step_opening(c);
	case ASKING:
		return step_asking(c);
	case SENDING:
		return step_sending(c);
	case RUNNING:
		return has_ended(c) ? deliver(c) : CHANNEL_BUSY;
	case CLOSING:
		break;
	}
	return c->is_closed || now_ms() >= c->since_ms + CLOSE_MS ?
		CHANNEL_OVER : CHANNEL_BUSY;
}

int64_t
chan_due_ms(const struct channel *c)
{
	if (c->state < RUNNING)
		return now_ms() + AGAIN_MS;
	if (c->state == CLOSING)
		return c->since_ms + CLOSE_MS;
	return c->has_status ? c->heard_ms + QUIET_MS : INT64_MAX;
}
