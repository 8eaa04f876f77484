/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run a program and wait for it: argv array, no shell; own process group; a
 * clean environment (PATH, LC_ALL=C, HOME=/, and GLIBC_TUNABLES as the daemon
 * has it); bounded output; TERM and then KILL to the group at the deadline or
 * when the host cancels; always reaped.  A program does not outlive this
 * process: the kernel kills it.
 */
#ifndef SPAWN_H
#define SPAWN_H

#include "local.h"

#define SPAWN_ENV_MAX 3

struct spawn {
	const char *const *argv;	/* argv[0]: found in search_path */
	const char *input;		/* stdin; NULL: /dev/null */
	size_t input_len;
	size_t out_max;			/* bytes kept of stdout, the tail */
	size_t err_max;
	const char *const *env;		/* NULL, or up to SPAWN_ENV_MAX */
	const struct node_lock *lock;	/* shared with it; may be NULL */
};

struct spawn_result {
	int status;			/* exit status, or 128 + signal */
	bool out_cut;			/* stdout was longer than out_max */
	struct text out, err;
};

/* 0: it ran and ended by itself, whatever its status.  Release the result. */
int spawn_run(struct step *, const struct spawn *, struct spawn_result *)
	MUST_CHECK;
void spawn_result_free(struct spawn_result *);
#define CLEANUP_SPAWN CLEANUP(spawn_result_free)

/* Run a tool whose failure is the step's: a status other than 0 becomes
 * "NAME failed: its own words".
 */
int spawn_tool(struct step *, const struct node_lock *,
	       const char *const *argv) MUST_CHECK;
/* The same with env (NULL-terminated) added to the environment. */
int spawn_tool_env(struct step *, const struct node_lock *,
		   const char *const *argv, const char *const *env) MUST_CHECK;
/* What the program had to say about its failure: stderr, else stdout. */
const char *spawn_words(struct spawn_result *);

#endif
