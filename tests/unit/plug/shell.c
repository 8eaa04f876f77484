/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An executor with nothing but .run: every node is a shell on this machine.
 * For tests of executors/script, which see and change what goes in and out:
 *   shell      the interpreter
 *   replace    FROM=TO,...: put in the place of words of the script
 *   save       a file that gets the script
 *   answer     a file whose text is given instead of running it, with the
 *              call's nonce for NONCE
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <brickyard/executor.h>

#define OUT_MAX (256 * 1024)

static const struct brickyard_host *host;

static const struct brickyard_option options[] = {
	{ "shell", BRICKYARD_OPT_STRING, 0, "sh", "the interpreter" },
	{ "replace", BRICKYARD_OPT_STRING, 0, "", "FROM=TO,..." },
	{ "save", BRICKYARD_OPT_STRING, 0, "", "where the script goes" },
	{ "answer", BRICKYARD_OPT_STRING, 0, "", "what it is said to print" },
	{ NULL, 0, 0, NULL, NULL },
};

struct brickyard_executor_instance {
	char *value[4];
};

static int
shell_open(const struct brickyard_kv *config, size_t n,
	   struct brickyard_executor_instance **ret, struct brickyard_error *err)
{
	struct brickyard_executor_instance *in = calloc(1, sizeof(*in));

	for (size_t i = 0; i < n; i++)
		for (int o = 0; o < 4; o++)
			if (strcmp(config[i].key, options[o].key) == 0) {
				free(in->value[o]);
				in->value[o] = strdup(config[i].value);
			}
	*ret = in;
	return 0;
}

static void
shell_close(struct brickyard_executor_instance *in)
{
	for (int o = 0; o < 4; o++)
		free(in->value[o]);
	free(in);
}

/* Every `from` in s becomes `to`; frees s. */
static char *
replace(char *s, const char *from, const char *to)
{
	char *ret = NULL, *at;
	size_t n;
	FILE *f = open_memstream(&ret, &n);
	const char *rest = s;

	while ((at = strstr(rest, from)) != NULL) {
		fwrite(rest, 1, (size_t)(at - rest), f);
		fputs(to, f);
		rest = at + strlen(from);
	}
	fputs(rest, f);
	fclose(f);
	free(s);
	return ret;
}

static char *
edited(const struct brickyard_executor_instance *in, const char *script)
{
	char *s = strdup(script), *pairs = strdup(in->value[1]), *save = NULL;

	for (char *p = strtok_r(pairs, ",", &save); p != NULL;
	     p = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(p, '=');

		*eq = '\0';
		s = replace(s, p, eq + 1);
	}
	free(pairs);
	return s;
}

static char *
read_file(const char *path)
{
	char *ret = NULL, part[4096];
	size_t n, got;
	FILE *to = open_memstream(&ret, &n), *f = fopen(path, "r");

	while (f != NULL && (got = fread(part, 1, sizeof(part), f)) > 0)
		fwrite(part, 1, got, to);
	if (f != NULL)
		fclose(f);
	fclose(to);
	return ret;
}

static void
give(struct brickyard_result *res, int status, const char *out, const char *err)
{
	host->result_u64(res, "exit_status", (uint64_t)status);
	host->result_str(res, "stdout", out);
	host->result_str(res, "stderr", err);
}

/* From a file, so that no pipe can fill up; 0 at the start of the next line. */
static pid_t
start(const char *shell, FILE *script, FILE *out, FILE *err)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	setsid();
	dup2(fileno(script), 0);
	dup2(fileno(out), 1);
	dup2(fileno(err), 2);
	execlp(shell, shell, "-s", (char *)NULL);
	_exit(127);
}

static char *
slurp(FILE *f)
{
	char *s = calloc(1, OUT_MAX + 1);
	long size;

	fseek(f, 0, SEEK_END);
	size = ftell(f);
	fseek(f, size > OUT_MAX ? size - OUT_MAX : 0, SEEK_SET);
	s[fread(s, 1, OUT_MAX, f)] = '\0';
	fclose(f);
	return s;
}

static void
run_script(const struct brickyard_executor_instance *in, const char *script,
	   struct brickyard_result *res)
{
	FILE *f = tmpfile(), *out = tmpfile(), *err = tmpfile();
	int status = 0;
	char *o, *e;
	pid_t pid;

	fputs(script, f);
	rewind(f);
	pid = start(in->value[0], f, out, err);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	fclose(f);
	o = slurp(out);
	e = slurp(err);
	give(res, WIFEXITED(status) ? WEXITSTATUS(status) :
	     128 + WTERMSIG(status), o, e);
	free(o);
	free(e);
}

static int
shell_run(struct brickyard_executor_instance *in,
	  const struct brickyard_call *call, const struct brickyard_node *node,
	  const char *script, struct brickyard_result *res,
	  struct brickyard_error *err)
{
	char *s = edited(in, script);
	FILE *f;

	if (in->value[2][0] != '\0' && (f = fopen(in->value[2], "w")) != NULL) {
		fputs(s, f);
		fclose(f);
	}
	if (in->value[3][0] != '\0') {
		const char *at = strstr(script, "BY_NONCE='");
		char nonce[33] = "";
		char *answer;

		if (at != NULL)
			snprintf(nonce, sizeof(nonce), "%.32s", at + 10);
		answer = replace(read_file(in->value[3]), "NONCE", nonce);
		give(res, 0, answer, "");
		free(answer);
	} else {
		run_script(in, s, res);
	}
	free(s);
	return 0;
}

static struct brickyard_executor shell = {
	.head = {
		.name = "shell",
		.version = "0",
		.description = "a shell on this machine",
		.license = "GPL-2.0-or-later",
		.options = options,
		.thread_model = BRICKYARD_THREADS_PARALLEL,
	},
	.open = shell_open,
	.close = shell_close,
	.run = shell_run,
};

BRICKYARD_EXECUTOR_REGISTER(shell, host)
