/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run a program and wait for it; see spawn.h.  Runs on the caller's thread.
 * Everything is prepared before fork(): in the child of a process with threads
 * only async-signal-safe calls are allowed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "spawn.h"

#define GRACE_MS 2000		/* between TERM and KILL */
#define POLL_MS	 50		/* how often cancelled() is asked */

struct child {
	char *path;		/* argv[0] looked up */
	char *tunables;
	char *env[5 + SPAWN_ENV_MAX];
	pid_t parent, pid;
	int in, out[2], err[2], exec_err[2], lock, pidfd;
};

static void
child_free(struct child *c)
{
	int *fds[] = { &c->in, &c->out[0], &c->out[1], &c->err[0], &c->err[1],
		       &c->exec_err[0], &c->exec_err[1], &c->pidfd };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		cleanup_close(fds[i]);
	free(c->path);
	free(c->env[0]);
	free(c->tunables);
}

void
spawn_result_free(struct spawn_result *r)
{
	text_free(&r->out);
	text_free(&r->err);
}

/* Find name in the configured path; the caller frees. */
static char *
find_program(const char *name, const char *path)
{
	if (strchr(name, '/') != NULL)
		return strdup(name);
	while (*path != '\0') {
		size_t n = strcspn(path, ":");
		char *s = NULL;

		if (asprintf(&s, "%.*s/%s", (int)n, path, name) < 0)
			return NULL;
		if (access(s, X_OK) == 0)
			return s;
		free(s);
		path += n + (path[n] == ':');
	}
	return NULL;
}

/* stdin as a file: no writer that has to be served, and no SIGPIPE. */
static int
open_input(const struct spawn *sp)
{
	size_t done = 0;
	int fd;

	if (sp->input == NULL)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = memfd_create("stdin", MFD_CLOEXEC);
	while (fd >= 0 && done < sp->input_len) {
		ssize_t n = write(fd, sp->input + done, sp->input_len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close(fd);
			return -1;
		}
		done += (size_t)n;
	}
	if (fd >= 0)
		(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

/* The daemon's environment stays with it, but for what its administrator told
 * the C library about this machine.
 */
static int
child_environment(struct step *st, const struct spawn *sp, struct child *c)
{
	const char *tunables = getenv("GLIBC_TUNABLES");
	size_t n = 3;

	if (asprintf(&c->env[0], "PATH=%s", opt_str(st->in,
						    OPT_SEARCH_PATH)) < 0)
		return step_nomem(st);
	c->env[1] = (char *)(uintptr_t)"LC_ALL=C";
	c->env[2] = (char *)(uintptr_t)"HOME=/";
	if (tunables != NULL &&
	    asprintf(&c->tunables, "GLIBC_TUNABLES=%s", tunables) < 0)
		return step_nomem(st);
	if (c->tunables != NULL)
		c->env[n++] = c->tunables;
	for (size_t i = 0; sp->env != NULL && sp->env[i] != NULL &&
	     i < SPAWN_ENV_MAX; i++)
		c->env[n++] = (char *)(uintptr_t)sp->env[i];
	return 0;
}

static int
child_prepare(struct step *st, const struct spawn *sp, struct child *c)
{
	const char *path = opt_str(st->in, OPT_SEARCH_PATH);

	c->path = find_program(sp->argv[0], path);
	if (c->path == NULL)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "%s: no such program in %s", sp->argv[0],
				 path);
	if (child_environment(st, sp, c) < 0)
		return -1;
	c->parent = getpid();
	c->lock = sp->lock != NULL ? sp->lock->fd : -1;
	c->in = open_input(sp);
	if (c->in < 0 || pipe2(c->out, O_CLOEXEC) < 0 ||
	    pipe2(c->err, O_CLOEXEC) < 0 || pipe2(c->exec_err, O_CLOEXEC) < 0)
		return step_fail(st, BRICKYARD_ERR_TRANSIENT,
				 "%s: can't be started: %s", sp->argv[0],
				 strerror(errno));
	(void)fcntl(c->out[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(c->err[0], F_SETFL, O_NONBLOCK);
	return 0;
}

/* In the child: async-signal-safe calls only, and it never returns.  All
 * signals are blocked here since before the fork, so no handler of the daemon
 * can run.
 */
static void __attribute__((__noreturn__))
child_exec(const struct child *c, char *const *argv)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	int err;

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != c->parent)
		_exit(127);		/* it died before we asked */
	for (int s = 1; s < NSIG; s++)
		(void)sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(c->in, 0) == 0 && dup2(c->out[1], 1) == 1 &&
	    dup2(c->err[1], 2) == 2) {
#ifdef SYS_close_range
		/* 4: CLOSE_RANGE_CLOEXEC; for what libraries forgot */
		(void)syscall(SYS_close_range, 3U, ~0U, 4U);
#endif
		if (c->lock >= 0)
			(void)fcntl(c->lock, F_SETFD, 0);
		execve(c->path, argv, c->env);
	}
	err = errno;
	(void)!write(c->exec_err[1], &err, sizeof(err));
	_exit(127);
}

static int
child_start(struct step *st, const struct spawn *sp, struct child *c)
{
	char *const *argv = (char *const *)(uintptr_t)sp->argv;
	sigset_t all, old;
	int err = 0, fork_err;
	ssize_t n;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	c->pid = fork();
	if (c->pid == 0)
		child_exec(c, argv);
	fork_err = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (c->pid < 0)
		return step_fail(st, BRICKYARD_ERR_TRANSIENT,
				 "%s: can't be started: %s", sp->argv[0],
				 strerror(fork_err));
	(void)setpgid(c->pid, c->pid);
	close(c->exec_err[1]);
	c->exec_err[1] = -1;
	do {
		n = read(c->exec_err[0], &err, sizeof(err));
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(err)) {
		c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
		return 0;
	}
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return step_fail(st, BRICKYARD_ERR_PERMANENT,
			 "%s: can't be started: %s", c->path, strerror(err));
}

/* Read what is there; false at the end of the stream. */
static bool
drain(int fd, struct text *t, size_t max, bool *cut)
{
	char part[16384];

	for (;;) {
		ssize_t n = read(fd, part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		text_add(t, part, (size_t)n);
		if (t->len > max)
			*cut = true;
		if (t->len > 2 * max)
			text_keep_tail(t, max);
	}
}

struct watch {
	struct child *c;
	const struct spawn *sp;
	struct spawn_result *r;
	bool out_open, err_open;
};

static void
watch_output(struct watch *w)
{
	bool err_cut;

	if (w->out_open)
		w->out_open = drain(w->c->out[0], &w->r->out, w->sp->out_max,
				    &w->r->out_cut);
	if (w->err_open)
		w->err_open = drain(w->c->err[0], &w->r->err, w->sp->err_max,
				    &err_cut);
}

/* Wait at most ms for output or the end; true once the child is reaped.  What
 * it left running may hold the pipes open: its own end is what counts.
 */
static bool
watch_once(struct watch *w, int64_t ms)
{
	struct pollfd p[3] = {
		{ .fd = w->c->pidfd, .events = POLLIN },
		{ .fd = w->out_open ? w->c->out[0] : -1, .events = POLLIN },
		{ .fd = w->err_open ? w->c->err[0] : -1, .events = POLLIN },
	};
	int status;
	pid_t pid;

	/* No pidfd (an old kernel): then poll only paces the loop. */
	if (w->c->pidfd < 0 && ms > 10)
		ms = 10;
	(void)poll(p, 3, (int)ms);
	pid = waitpid(w->c->pid, &status, WNOHANG);
	watch_output(w);
	if (pid == 0 || (pid < 0 && errno == EINTR))
		return false;
	if (pid < 0)			/* somebody else reaped it */
		status = 127 << 8;
	w->r->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
		WEXITSTATUS(status);
	return true;
}

static void
watch_kill(struct watch *w)
{
	int64_t until = now_ms() + GRACE_MS;

	(void)kill(-w->c->pid, SIGTERM);
	while (now_ms() < until)
		if (watch_once(w, POLL_MS)) {
			(void)kill(-w->c->pid, SIGKILL);
			return;
		}
	(void)kill(-w->c->pid, SIGKILL);
	while (!watch_once(w, POLL_MS))
		continue;
}

static int
watch_to_end(struct step *st, struct watch *w)
{
	for (;;) {
		int64_t ms = step_left_ms(st);

		if (step_cancelled(st)) {
			watch_kill(w);
			return step_fail(st, BRICKYARD_ERR_CANCELLED,
					 "%s: stopped: the call was cancelled",
					 w->sp->argv[0]);
		}
		if (ms == 0) {
			watch_kill(w);
			return step_fail(st, BRICKYARD_ERR_TIMEOUT,
					 "%s: stopped: it took too long",
					 w->sp->argv[0]);
		}
		if (watch_once(w, ms < POLL_MS ? ms : POLL_MS))
			return 0;
	}
}

int
spawn_run(struct step *st, const struct spawn *sp, struct spawn_result *r)
{
	CLEANUP(child_free) struct child c = { .in = -1, .out = { -1, -1 },
		.err = { -1, -1 }, .exec_err = { -1, -1 }, .lock = -1,
		.pidfd = -1 };
	struct watch w = { &c, sp, r, true, true };

	memset(r, 0, sizeof(*r));
	if (step_check(st) < 0 || child_prepare(st, sp, &c) < 0 ||
	    child_start(st, sp, &c) < 0)
		return -1;
	close(c.out[1]);
	close(c.err[1]);
	c.out[1] = c.err[1] = -1;
	if (watch_to_end(st, &w) < 0)
		return -1;
	text_keep_tail(&r->out, sp->out_max);
	text_keep_tail(&r->err, sp->err_max);
	if (r->out.failed || r->err.failed)
		return step_nomem(st);
	return 0;
}

const char *
spawn_words(struct spawn_result *r)
{
	text_trim(&r->err);
	text_trim(&r->out);
	text_make_utf8(&r->err);
	text_make_utf8(&r->out);
	return r->err.len > 0 ? r->err.s : r->out.len > 0 ? r->out.s :
		"it said nothing";
}

int
spawn_tool_env(struct step *st, const struct node_lock *lock,
	       const char *const *argv, const char *const *env)
{
	const struct spawn sp = { .argv = argv, .out_max = 4096,
		.err_max = 2048, .lock = lock, .env = env };
	CLEANUP_SPAWN struct spawn_result r = {0};

	if (spawn_run(st, &sp, &r) < 0)
		return -1;
	if (r.status == 0)
		return 0;
	return step_fail(st, BRICKYARD_ERR_PERMANENT,
			 "%s failed (status %d): %s", argv[0], r.status,
			 spawn_words(&r));
}

int
spawn_tool(struct step *st, const struct node_lock *lock,
	   const char *const *argv)
{
	return spawn_tool_env(st, lock, argv, NULL);
}
