/* SPDX-License-Identifier: BSD-2-Clause */
/* container-exec - an executor for nodes that are containers or namespaces.
 *
 * It reaches a node by a command that starts a shell in it, with the node's
 * manage host as the name:
 *
 *	docker exec -i NAME		(the default)
 *	ip netns exec NAME
 *	lxc-attach -n NAME --
 *	kubectl exec -i NAME --
 *
 * All steps are left to the host, which makes scripts of them; so this file is
 * a command line, and an answer; ../lib/program.c runs the program.
 *
 * Threads: no state but the options, so any number of calls at a time.
 */
#define _DEFAULT_SOURCE		/* strsep */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

#define WORDS_MAX	32

static const struct brickyard_host *host;

struct brickyard_executor_instance {
	char *command;			/* cut into words, each NUL-terminated */
	const char *words[WORDS_MAX];
	size_t nwords;
};

static const struct brickyard_option options[] = {
	{ "command", BRICKYARD_OPT_STRING, 0, "docker exec -i %h",
	  "words that start a program in a node; %h is the node's name" },
	{ NULL, 0, 0, NULL, NULL },
};

/* ---- open and close ---- */

static void
container_close(struct brickyard_executor_instance *x)
{
	if (x == NULL)
		return;
	free(x->command);
	free(x);
}

/* Words are separated by spaces; there is no quoting. */
static int
split_command(struct brickyard_executor_instance *x)
{
	char *word, *rest = x->command;

	while ((word = strsep(&rest, " ")) != NULL) {
		if (*word == '\0')
			continue;
		if (x->nwords == WORDS_MAX)
			return -1;
		x->words[x->nwords++] = word;
	}
	return x->nwords > 0 ? 0 : -1;
}

static int
container_open(const struct brickyard_kv *config, size_t nconfig,
	       struct brickyard_executor_instance **ret,
	       struct brickyard_error *err)
{
	struct brickyard_executor_instance *x = calloc(1, sizeof(*x));

	for (size_t i = 0; x != NULL && i < nconfig; i++)
		if (strcmp(config[i].key, "command") == 0)
			x->command = strdup(config[i].value);
	if (x == NULL || x->command == NULL) {
		host->fail(err, BRICKYARD_ERR_TRANSIENT, "out of memory");
		container_close(x);
		return -1;
	}
	if (split_command(x) != 0) {
		host->fail(err, BRICKYARD_ERR_INVALID, "option 'command': must "
			   "have 1 to %d words", WORDS_MAX);
		container_close(x);
		return -1;
	}
	*ret = x;
	return 0;
}

/* ---- run ---- */

/* The far side has the deadline, too: killing a client of docker or kubectl
 * does not end what runs in the container, so timeout(1) in there does.
 */
static void
make_argv(const struct brickyard_executor_instance *x,
	  const struct brickyard_node *node, char *seconds, char **argv)
{
	static const char *const shell[] = {
		"timeout", "-s", "KILL", NULL, "/bin/sh", "-s", NULL,
	};
	size_t n = 0;

	for (size_t i = 0; i < x->nwords; i++)
		argv[n++] = (char *)(strcmp(x->words[i], "%h") == 0 ?
				     node->manage_host : x->words[i]);
	for (size_t i = 0; i < sizeof(shell) / sizeof(shell[0]); i++)
		argv[n++] = i == 3 ? seconds : (char *)shell[i];
}

static int
container_fails(const struct brickyard_node *node, int why,
		struct brickyard_error *err)
{
	const char *what = why == BRICKYARD_ERR_TIMEOUT ?
			   "the script did not end in time" :
			   why == BRICKYARD_ERR_CANCELLED ?
			   "the script was cancelled" : strerror(errno);

	host->fail(err, why, "node '%s': %s", node->manage_host, what);
	return -1;
}

static int
container_run(struct brickyard_executor_instance *x,
	      const struct brickyard_call *call,
	      const struct brickyard_node *node, const char *script,
	      struct brickyard_result *res, struct brickyard_error *err)
{
	int64_t left_ms = call->deadline_ms - program_now_ms();
	char *argv[WORDS_MAX + 8], seconds[24];
	struct program_result *r;
	int why;

	/* "-x" for a name would be an option of the command. */
	if (node->manage_host[0] == '-' || node->manage_host[0] == '\0') {
		host->fail(err, BRICKYARD_ERR_INVALID, "node '%s': no name of a "
			   "container", node->manage_host);
		return -1;
	}
	r = malloc(sizeof(*r));
	if (r == NULL)
		return container_fails(node, BRICKYARD_ERR_TRANSIENT, err);
	/* A second more than we wait: it is for when we can't kill it any more. */
	snprintf(seconds, sizeof(seconds), "%lld",
		 left_ms > 0 ? (long long)(left_ms + 1999) / 1000 : 1LL);
	make_argv(x, node, seconds, argv);
	why = program_run(argv, NULL, script, call, r);
	if (why == 0) {
		host->result_u64(res, "exit_status", r->status);
		host->result_str(res, "stdout", r->out.bytes + r->out.from);
		host->result_str(res, "stderr", r->err.bytes + r->err.from);
	}
	free(r);
	return why == 0 ? 0 : container_fails(node, why, err);
}

static struct brickyard_executor plugin = {
	.head = {
		.name = "container-exec",
		.version = "1.0",
		.description = "runs scripts in containers or namespaces by name",
		.license = "BSD-2-Clause",
		.options = options,
		.thread_model = BRICKYARD_THREADS_PARALLEL,
	},
	.open = container_open,
	.close = container_close,
	.run = container_run,
};

BRICKYARD_EXECUTOR_REGISTER(plugin, host)
