/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard-plugin-check: what its parts share.  Groups of checks run in child
 * processes, one after the other; a child tells each verdict to its parent as
 * soon as it has one, so that a crash costs only what came after it.
 */
#ifndef CHECK_H
#define CHECK_H

#include "plugin.h"

/* What the command line said. */
struct check_args {
	const char *file;
	struct kvs options;		/* of the plug-in */
	struct kvs params;		/* of a volume type's request */
	struct strs volume_options;
	const char *node;		/* NULL: none to try on */
	const char *peer;		/* NULL: none to replicate to */
	const char *device;		/* NULL: none to destroy */
	bool volumes;			/* glusterd runs there, too */
	uint64_t brick_bytes;
	bool valgrind;
};

struct subject {
	const struct check_args *args;
	struct plugin_host *host;
	const struct plugin *plugin;	/* loaded, or refused */
	const char *scratch_dir;	/* for what it writes */
};

/* ---- verdicts, in a child ---- */

void check_begin(const char *name);
/* why: what was seen, when it is not ok. */
bool check_ok(bool ok, const char *name, const char *why, ...) PRINTF(3, 4);
void check_skip(const char *name, const char *why, ...) PRINTF(2, 3);

/* ---- the groups ---- */

typedef void check_group_fn(struct subject *);
check_group_fn check_object, check_options;			/* check-object.c */
check_group_fn check_type_laws, check_type_input, check_type_threads;
check_group_fn check_life, check_config, check_run, check_run_limits,	/* check-run.c */
	check_run_threads;
check_group_fn check_steps, check_cancelled_steps, check_killed_steps,
	check_volume_steps;				/* check-steps.c */
check_group_fn check_offers;				/* check-offers.c */
check_group_fn check_faults, check_deaths;		/* check-faults.c */

/* ---- what a process has, to see what a plug-in left behind ---- */

struct belongings {
	size_t fds, threads;
	unsigned umask;
	char cwd[4096];
	unsigned long long ignored, caught, blocked;	/* signals, as in proc(5) */
};
void belongings_look(struct belongings *);
void belongings_compare(const struct belongings *before, const char *name);

/* ---- an executor at work ---- */

struct bench {
	const struct brickyard_executor *ops;
	struct brickyard_executor_instance *x;
	struct brickyard_node node;
};
/* false: said why, as a verdict or a skip. */
bool bench_open(struct bench *, struct subject *);
void bench_close(struct bench *);
/* What open is given: --option and the defaults. */
bool bench_config(struct subject *, struct kvs *ret);
int bench_open_once(struct subject *, const struct kvs *config,
		    struct brickyard_executor_instance **ret,
		    struct brickyard_error *);

struct trial {
	struct brickyard_call call;
	struct brickyard_error error;
	int64_t cancel_at_ms;		/* CLOCK_MONOTONIC; 0: never */
	_Atomic int asked;		/* how often, whether it is cancelled */
	int cancel_at;			/* from which asking on; 0: never */
};
void trial_init(struct trial *, const char *operation, uint64_t epoch,
		int timeout_ms);

#endif
