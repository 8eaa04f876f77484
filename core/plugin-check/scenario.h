/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard-plugin-check: a walk through all steps of an executor, in an order in
 * which each finds what it needs: a device is prepared, bricks and volumes are made
 * on it, looked at, changed, and taken away again.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "executor-step.h"
#include "plugin-check/scratch.h"

struct world {
	struct scratch k;
	struct subject *subject;
	struct brickyard_node peer;
	bool has_device;
	struct brickyard_gluster_volume plain, replicated;
	struct brickyard_brick_ref refs[SCRATCH_BRICKS];
	const struct brickyard_brick_ref *ref_list[SCRATCH_BRICKS];
	struct brickyard_brick_ref peer_ref;
	const struct brickyard_brick_ref *replica[2];	/* here and there */
	const char *hosts[1];
	struct brickyard_block block;
	char plain_name[64], replicated_name[64], clone[64], snapshot[64],
		block_name[64];
	/* Of the clone, named by gluster: the host takes them away. */
	struct brickyard_brick clone_bricks[SCRATCH_BRICKS];
	const struct brickyard_brick *clone_list[SCRATCH_BRICKS];
	size_t nclone_bricks;
	char clone_lvs[SCRATCH_BRICKS][64], clone_mounts[SCRATCH_BRICKS][256],
		clone_paths[SCRATCH_BRICKS][264];
};

/* What a node must have for a step to be tried. */
enum need { NEEDS_NODE, NEEDS_DEVICE, NEEDS_VOLUMES, NEEDS_PEER };

/* What a step does when what it is told of is not there, or can't be. */
enum nature {
	LOOKS,			/* fails */
	MAKES,			/* fails */
	REMOVES,		/* may succeed: there is nothing to do */
};

typedef void args_fn(struct world *, struct step_args *);
/* NULL, or what is wrong with a result; the caller frees. */
typedef char *law_fn(const struct world *, const struct brickyard_result *);

struct stop {
	enum executor_step_id id;
	enum need need;
	enum nature nature;
	args_fn *args;
	law_fn *law;			/* of its result; NULL: none */
	bool on_the_way;		/* not looked at: others need it */
	bool on_peer;			/* done there */
	/* What takes back what it did, so that it can be done again. */
	struct undo {
		enum executor_step_id id;
		args_fn *args;
	} undo[3];
};

/* X_STEPS is .run. */
#define STEP_RUN X_STEPS
const char *stop_name(const struct stop *);

struct answer {
	int r;
	struct brickyard_error why;
	struct brickyard_result result;
	int64_t took_ms;
};
void answer_release(struct answer *);

/* One call; args NULL: the stop's own. */
void stop_ask(struct world *, const struct stop *, const struct step_args *args,
	      struct trial *, struct answer *);
/* As the host would: epoch 2, all the time it needs. */
void stop_do(struct world *, const struct stop *, struct answer *);
bool stop_has_undo(const struct stop *);
/* True: it can be done again from the start. */
bool stop_undo(struct world *, const struct stop *);

/* Go the whole way; visit is called where a step is offered and can be tried, and
 * leaves it done.  untried, if not NULL, is told of those that can't be.
 */
typedef void visit_fn(struct world *, const struct stop *);
typedef void untried_fn(const char *step, const char *why);
void scenario_walk(struct subject *, visit_fn *, untried_fn *);

/* Do a step, and say so if it fails: false, and nothing more can be learnt. */
bool stop_is_provable(struct world *, const struct stop *);
/* Verdict: a failure is one with words and a class that it may have. */
bool check_failure(const char *name, const struct answer *);
/* Verdict: nothing was done to a service that must not be. */
bool check_misuse(const char *name);

/* In a world of another process: with an executor of its own. */
bool world_reopen(struct world *);

#endif
