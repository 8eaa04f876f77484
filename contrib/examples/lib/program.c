/* SPDX-License-Identifier: BSD-2-Clause */
/* See program.h. */
#define _GNU_SOURCE		/* pipe2, execvpe */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "program.h"

#define TICK_MS 100		/* how often we look whether to stop */

struct program {
	pid_t pid;
	int in, out, err;		/* our ends; -1: closed */
	const char *input;
	size_t left;			/* of the input, to be written */
	struct program_result *result;
};

int64_t
program_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* In the child: only functions that are safe after fork. */
static void
become(char *const *argv, char *const *env, int in, int out, int err)
{
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(127);
	if (env != NULL)
		execvpe(argv[0], argv, env);
	else
		execvp(argv[0], argv);
	_exit(127);
}

static int
start(struct program *p, char *const *argv, char *const *env)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };

	p->pid = -1;
	if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
	    pipe2(err, O_CLOEXEC) == 0)
		p->pid = fork();
	if (p->pid == 0)
		become(argv, env, in[0], out[1], err[1]);
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&err[1]);
	p->in = in[1];
	p->out = out[0];
	p->err = err[0];
	if (p->pid > 0) {
		setpgid(p->pid, p->pid);
		fcntl(p->in, F_SETFL, O_NONBLOCK);
		return 0;
	}
	close_fd(&p->in);
	close_fd(&p->out);
	close_fd(&p->err);
	return -1;
}

static void
keep_tail(struct program_output *t, int *fd)
{
	ssize_t n = read(*fd, t->bytes + t->n, sizeof(t->bytes) - 1 - t->n);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close_fd(fd);
		return;
	}
	t->n += (size_t)n;
	if (t->n == sizeof(t->bytes) - 1) {
		memmove(t->bytes, t->bytes + t->n - PROGRAM_OUTPUT_MAX,
			PROGRAM_OUTPUT_MAX);
		t->n = PROGRAM_OUTPUT_MAX;
	}
}

/* A program that does not read all of it must not kill us. */
static void
feed(struct program *p)
{
	sigset_t pipe_signal, was;
	struct timespec none = { 0, 0 };
	ssize_t n;

	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &was);
	n = write(p->in, p->input, p->left);
	if (n < 0 && errno == EPIPE)
		while (sigtimedwait(&pipe_signal, NULL, &none) > 0)
			;
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (n > 0) {
		p->input += n;
		p->left -= (size_t)n;
	} else if (n < 0 && errno != EINTR && errno != EAGAIN) {
		p->left = 0;
	}
	if (p->left == 0)
		close_fd(&p->in);
}

/* Move bytes until both of its outputs are closed, or it has to stop. */
static int
converse(struct program *p, const struct brickyard_call *call)
{
	while (p->out >= 0 || p->err >= 0) {
		struct pollfd fds[] = {
			{ p->in, POLLOUT, 0 }, { p->out, POLLIN, 0 },
			{ p->err, POLLIN, 0 },
		};

		if (call->cancelled(call))
			return BRICKYARD_ERR_CANCELLED;
		if (program_now_ms() >= call->deadline_ms)
			return BRICKYARD_ERR_TIMEOUT;
		if (poll(fds, 3, TICK_MS) <= 0)
			continue;
		if (fds[0].revents != 0)
			feed(p);
		if (fds[1].revents != 0)
			keep_tail(&p->result->out, &p->out);
		if (fds[2].revents != 0)
			keep_tail(&p->result->err, &p->err);
	}
	return 0;
}

static void
finish(struct program *p, int why)
{
	int status = 0;

	close_fd(&p->in);
	close_fd(&p->out);
	close_fd(&p->err);
	if (why != 0)
		kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->result->status = WIFSIGNALED(status) ?
			    128u + (unsigned)WTERMSIG(status) :
			    (unsigned)WEXITSTATUS(status);
}

/* Text ends at the first zero byte: have none inside. */
static void
make_text(struct program_output *t)
{
	t->from = t->n > PROGRAM_OUTPUT_MAX ? t->n - PROGRAM_OUTPUT_MAX : 0;
	t->bytes[t->n] = '\0';
	for (size_t i = t->from; i < t->n; i++)
		if (t->bytes[i] == '\0')
			t->bytes[i] = '?';
}

int
program_run(char *const *argv, char *const *env, const char *input,
	    const struct brickyard_call *call, struct program_result *ret)
{
	struct program p = { .input = input, .result = ret };
	int why;

	memset(ret, 0, sizeof(*ret));
	p.left = input != NULL ? strlen(input) : 0;
	if (start(&p, argv, env) != 0)
		return BRICKYARD_ERR_TRANSIENT;
	why = converse(&p, call);
	finish(&p, why);
	make_text(&ret->out);
	make_text(&ret->err);
	return why;
}
