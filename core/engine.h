/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations engine: carries durable operations through their stages.
 *
 * An operation is admitted by a commit (service-*.c) and then given here.  A
 * worker thread takes it through the stages of its kind; between stages the
 * record is advanced, so that whoever comes next goes on from there.  A stage
 * that fails for good turns the operation round: the stages that were begun
 * are undone in reverse, then it is tried again elsewhere or ends failed.
 *
 * Nothing here is remembered but what the record says: kill the process after
 * any line, and the next one that adopts the operation (epoch + 1) finishes it.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "counters.h"
#include "executor.h"
#include "model.h"
#include "configuration.h"
#include "plugin.h"
#include "store/txn.h"

#define CONFLICT_TEXT "The target exists, contains other items, or is in use."

struct engine;

struct engine_deps {
	const struct config *config;
	struct mirror *mirror;
	struct model *model;
	struct plugin_host *plugins;
	struct executor *executor;
	const char *replica_id;
};

/* What a stage sees.  op is the engine's private copy, its record as last
 * committed; a stage may change it (args, avoid) and it is saved with the next
 * commit.
 */
struct op_run {
	struct engine *engine;
	const struct engine_deps *deps;
	struct operation *op;
	struct kvs found;	/* what a stage leaves for finish; not durable */
	bool again;		/* a stage that succeeds asks for the first one */
	bool open;		/* a node may still be at work on one that failed */
};

struct op_stage {
	const char *name;
	int timeout_s;
	enum err (*run)(struct op_run *, const struct brickyard_call *,
			struct error *);
	/* NULL: nothing to undo.  Called also when run failed half-way. */
	enum err (*undo)(struct op_run *, const struct brickyard_call *,
			 struct error *);
};

struct op_rules {
	enum op_kind kind;
	bool throttled;		/* counts against the running limit */
	const struct op_stage *stages;
	size_t nstages;
	/* Put what the end of the operation changes into the transaction; the
	 * engine adds the operation's own record and commits.  Called again on
	 * conflict, so it reads the records anew.
	 */
	enum err (*finish)(struct op_run *, struct txn *, struct error *);
	enum err (*undone)(struct op_run *, struct txn *, struct error *);
	/* After a complete undo: plan again elsewhere (the same way as
	 * undone, but leaving the operation to start over); ERR_REFUSED: no
	 * more attempts, take undone.  NULL: never.
	 */
	enum err (*replan)(struct op_run *, struct txn *, struct error *);
};

extern const struct op_rules op_rules_volume_create, op_rules_volume_delete,
	op_rules_volume_expand, op_rules_node_add, op_rules_node_delete,
	op_rules_device_add, op_rules_device_delete, op_rules_device_resync,
	op_rules_block_create, op_rules_block_delete, op_rules_block_expand,
	op_rules_block_restrict,
	op_rules_brick_evict, op_rules_device_remove, op_rules_node_remove,
	op_rules_volume_clone;
extern const struct op_rules op_rules_clean;
const struct op_rules *op_rules_of(enum op_kind);	/* NULL: it has no stages */

/* Where a limit is configured, take one of the places of throttled operations for
 * op, or ERR_BUSY with heketi's text.  It is given back by op's end.
 */
enum err MUST_CHECK slot_take(const struct engine_deps *, struct operation *op,
			      struct txn *, struct error *);
/* Would one be had at this moment? */
bool slot_is_left(const struct engine_deps *);

struct engine *engine_new(const struct engine_deps *);
/* Start workers and housekeeping: adoption, stuck undos. */
void engine_start(struct engine *);
/* Look again soon at who is alive.  Under any lock. */
void engine_wake(struct engine *);
/* What began under the lease that we had must end, even if there is a new one
 * at once: others may have taken over in between.
 */
void engine_lease_lost(struct engine *);
/* Carry on with an operation of ours that was just admitted. */
void engine_submit(struct engine *, const char *op_id);
/* Take nothing new; running stages may end within grace_ms, then they are
 * cancelled; what is not over stays in the store for the next owner.
 */
void engine_stop(struct engine *, int grace_ms);
void engine_free(struct engine *);

/* Try the undo of a stuck operation again now, on this thread, whoever owned it;
 * how that went is in its record.
 */
enum err MUST_CHECK engine_clean(struct engine *, const char *op_id,
				 const struct brickyard_call *limits,
				 struct error *);

struct counters *engine_counters(struct engine *);
/* Operations that workers have in hand, and that wait for one. */
void engine_load(struct engine *, size_t *ret_running, size_t *ret_waiting);

/* ---- for those who change the model ---- */

/* One placement or release at a time in this process, so that replicas
 * conflict with each other only, and never with themselves.
 */
pthread_mutex_t *engine_turn(struct engine *);

/* Build and commit until it is not a conflict any more (bounded, jittered).
 * build is called with an empty transaction each time and reads records anew.
 */
typedef enum err txn_build_fn(void *arg, struct txn *, struct error *);
enum err MUST_CHECK engine_commit(struct engine *, txn_build_fn *, void *arg,
				  struct error *);

/* ---- for stages ---- */

/* The same on behalf of an operation: nothing is committed unless it is still
 * ours (ERR_FENCED).  ERR_STORE also when the outcome is not known.
 */
enum err MUST_CHECK engine_commit_op(struct op_run *, txn_build_fn *, void *arg,
				     struct error *);

/* Run fn for each of n items at the same time (threads), until all returned.
 * The first error in order of items is reported: prefixed by nothing when it is
 * the only one, joined as heketi joins errors of several hosts otherwise.
 */
typedef enum err fan_out_fn(void *arg, size_t i, struct error *);
enum err MUST_CHECK fan_out(size_t n, fan_out_fn *fn, void *arg,
			    const char *const *hosts, struct error *);

/* Wait a moment unless the call is over; false when it is. */
bool call_sleep(const struct brickyard_call *, int ms);

#endif
