/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the executor `simulated`: nodes that exist in a database only.
 *
 *	sim_STEP()             a callback of brickyard/executor.h
 *	  └ step_perform()     faults, latency, deadline; says why it failed
 *	      └ step_txn()     a sub-step: one transaction, fenced
 *	          └ q_*()      SQL
 *
 * A sub-step is what one command does on a real node, so that a process that
 * dies between two of them leaves what a real node would be left with.
 *
 * Any thread may call; all share one connection.  Order of locks: none is
 * taken while another is held.
 */
#ifndef SIMULATED_H
#define SIMULATED_H

#include <pthread.h>
#include <stdbool.h>
#include <sqlite3.h>

#include <brickyard/executor.h>

#define SIM_CLEANUP(fn) __attribute__((__cleanup__(fn)))
#define SIM_PRINTF(f, a) __attribute__((__format__(__printf__, f, a)))

enum step_id {
	STEP_NODE_CHECK,
	STEP_PEER_PROBE,
	STEP_PEER_DETACH,
	STEP_DEVICE_PREPARE,
	STEP_DEVICE_INFO,
	STEP_DEVICE_TEARDOWN,
	STEP_BRICKS_CREATE,
	STEP_BRICKS_DESTROY,
	STEP_VOLUME_CREATE,
	STEP_VOLUME_EXPAND,
	STEP_VOLUME_DESTROY,
	STEP_VOLUME_INFO,
	STEP_BLOCK_CREATE,
	STEP_BLOCK_INFO,
	STEP_BLOCK_EXPAND,
	STEP_BLOCK_DESTROY,
	STEP_HEAL_INFO,
	STEP_BRICK_REPLACE,
	STEP_DEVICE_FORGET,
	STEP_NODE_EXAMINE,
	STEP_VOLUME_CLONE,
	STEP_MAX,
	/* In the configuration of faults only: */
	STEP_ANY,			/* "*" */
	STEP_GLUSTERD,			/* "glusterd", with the action "down" */
	STEP_BRICK,			/* "brick", with "offline" */
	STEP_HEAL,			/* "heal", with "pending" */
};

/* A list of "KEY[=VALUE]" from the configuration. */
struct sim_list {
	struct sim_item {
		const char *key;
		const char *value;	/* "" if there is none */
	} *v;
	size_t n;
	char *text;			/* what they point into */
};

int sim_list_parse(struct sim_list *, const char *text);
void sim_list_release(struct sim_list *);
/* The value for a key, where "HOST:KEY" counts for one host only; or NULL. */
const char *sim_list_get(const struct sim_list *, const char *host,
			 const char *key);

enum fault_phase { PHASE_BEFORE, PHASE_MID, PHASE_AFTER };
enum fault_kind {
	FAULT_NONE, FAULT_FAIL, FAULT_HANG, FAULT_EXIT,
	FAULT_DOWN, FAULT_OFFLINE, FAULT_PENDING,	/* states, not events */
};

struct fault {
	enum fault_kind kind;
	enum fault_phase phase;
	int err_class;
	unsigned substeps;		/* mid: after so many; 0: half; pending:
					 * so many entries */
	char text[512];			/* "": its usual words */
};

struct fault_rules {
	struct fault_rule *v;
	size_t n;
};

struct sim_faults {
	pthread_mutex_t lock;		/* guards all below but path */
	char *path;			/* NULL: no file */
	struct fault_rules config, file;
	bool file_seen;
	int64_t mtime_s, mtime_ns, size, inode;
};

struct step;

void faults_init(struct sim_faults *);
int faults_open(struct sim_faults *, const char *rules, const char *path,
		struct brickyard_error *);
void faults_close(struct sim_faults *);
/* What this call of a step is to suffer: ret->kind FAULT_NONE mostly. */
void faults_match(struct sim_faults *, const struct step *, struct fault *ret);
/* Is there a rule that puts the host (NULL: any at all) into this state?  0 if
 * not; of FAULT_PENDING, how many entries.
 */
unsigned faults_state(struct sim_faults *, enum fault_kind, const char *host,
		      const char *manage_host);

#define STATEMENTS 256			/* a power of 2, above what there are */

struct sim_db {
	sqlite3 *handle;
	char *file;			/* NULL: in memory */
	/* The gate: who has passed it may use the connection. */
	pthread_mutex_t lock;		/* guards taken */
	pthread_cond_t left;
	bool taken;
	struct step *user;		/* of the gate, below which this is */
	struct statement {
		const char *sql;	/* by address: all are literals */
		sqlite3_stmt *stmt;
	} statements[STATEMENTS];
};

int db_open(struct sim_db *, const char *file, struct brickyard_error *);
void db_close(struct sim_db *);
/* Both give -1 when the step ran out of time, or the database failed. */
int db_begin(struct step *, bool write);
int db_end(struct step *, bool keep);

/* types has a letter per argument: i (int64_t), s (const char *; NULL is
 * NULL).  The sql must be a literal.
 */
sqlite3_stmt *q_start(struct step *, const char *sql, const char *types, ...);
int q_next(struct step *, sqlite3_stmt *);	/* 1: a row, 0: no more, -1 */
int q_run(struct step *, const char *sql, const char *types, ...);
/* One number: 1 and *ret, 0 if there is no row, -1. */
int q_number(struct step *, int64_t *ret, const char *sql, const char *types,
	     ...);
const char *q_text(sqlite3_stmt *, int column);	/* never NULL */
int64_t q_int(sqlite3_stmt *, int column);

void q_release(sqlite3_stmt **);
#define Q_SCOPE SIM_CLEANUP(q_release)

/* Refusing gluster commands that overlap. */
struct sim_busy {
	char *path;			/* NULL: they may */
	int fd;
};

int busy_open(struct sim_busy *, const char *state_file,
	      struct brickyard_error *);
void busy_close(struct sim_busy *);
/* -1: another one is at work; busy_end must follow in any case. */
int busy_begin(struct step *, int *ret_fd);
void busy_end(int fd);

struct brickyard_executor_instance {
	struct sim_db db;
	struct sim_busy busy;
	struct sim_faults faults;
	struct sim_list disks;		/* [HOST:]PATH[=GIB] */
	struct sim_list foreign;	/* [HOST:]PATH=WHAT */
	struct sim_list down;		/* hosts */
	uint64_t device_size_gib;
	uint64_t heal_ms;
	bool pv_uuid;
	bool any_option;
	bool adopt;
	uint64_t latency_ms[STEP_MAX];
};

/* One call of a step, on the stack of the thread that runs it. */
struct step {
	struct brickyard_executor_instance *sim;
	const struct brickyard_call *call;
	struct brickyard_error *error;
	enum step_id id;
	const char *host, *manage_host;	/* of the node */

	struct fault fault;
	bool suffered;			/* the fault's time has come */
	int64_t started_ms;
	unsigned total, done;		/* sub-steps */

	/* Of the node, in a transaction. */
	int64_t node;
	int64_t pool;

	int err_class;			/* why it fails */
	char text[2048];
};

#define STEP(id_, sim_, call_, node_, error_) {				\
	.sim = (sim_), .call = (call_), .error = (error_), .id = (id_),	\
	.host = step_host(node_), .manage_host = (node_)->manage_host,	\
}

typedef int step_fn(struct step *, void *arg);

const char *step_name(enum step_id);
enum step_id step_by_name(const char *, size_t len);	/* or STEP_MAX */
const char *step_host(const struct brickyard_node *);

/* Do all of a step that has about so many sub-steps; what the callback of
 * brickyard/executor.h returns.
 */
int step_perform(struct step *, size_t substeps, step_fn *body, void *arg);
/* A sub-step that changes the node; and one that only looks. */
int step_txn(struct step *, step_fn *, void *arg);
int step_look(struct step *, step_fn *, void *arg);
/* Say why the step fails; always -1. */
int step_refuse(struct step *, int err_class, const char *fmt, ...)
	SIM_PRINTF(3, 4);
/* -1 when the deadline has passed or the host wants it to stop. */
int step_check_time(struct step *);
/* Fill in the node and its pool. */
int step_learn_pool(struct step *);
int64_t sim_now_ms(void);
bool sim_is_down(struct step *, const char *host, const char *manage_host);
/* Refuse if glusterd on the step's node does not run. */
int step_need_glusterd(struct step *);

extern const struct brickyard_host *sim_host;

/* The callbacks, by file. */
int sim_node_check(struct brickyard_executor_instance *,
		   const struct brickyard_call *, const struct brickyard_node *,
		   struct brickyard_error *);
int sim_peer_probe(struct brickyard_executor_instance *,
		   const struct brickyard_call *, const struct brickyard_node *,
		   const char *host, struct brickyard_error *);
int sim_peer_detach(struct brickyard_executor_instance *,
		    const struct brickyard_call *,
		    const struct brickyard_node *, const char *host,
		    struct brickyard_error *);
int sim_device_prepare(struct brickyard_executor_instance *,
		       const struct brickyard_call *,
		       const struct brickyard_node *,
		       const struct brickyard_device *,
		       struct brickyard_result *, struct brickyard_error *);
int sim_device_info(struct brickyard_executor_instance *,
		    const struct brickyard_call *,
		    const struct brickyard_node *,
		    const struct brickyard_device *, struct brickyard_result *,
		    struct brickyard_error *);
int sim_device_teardown(struct brickyard_executor_instance *,
			const struct brickyard_call *,
			const struct brickyard_node *,
			const struct brickyard_device *,
			struct brickyard_error *);
int sim_device_forget(struct brickyard_executor_instance *,
		      const struct brickyard_call *,
		      const struct brickyard_node *,
		      const struct brickyard_device *,
		      struct brickyard_error *);
int sim_node_examine(struct brickyard_executor_instance *,
		     const struct brickyard_call *,
		     const struct brickyard_node *, struct brickyard_result *,
		     struct brickyard_error *);
int sim_bricks_create(struct brickyard_executor_instance *,
		      const struct brickyard_call *,
		      const struct brickyard_node *,
		      const struct brickyard_brick *const *, size_t n,
		      struct brickyard_error *);
int sim_bricks_destroy(struct brickyard_executor_instance *,
		       const struct brickyard_call *,
		       const struct brickyard_node *,
		       const struct brickyard_brick *const *, size_t n,
		       struct brickyard_error *);
int sim_volume_create(struct brickyard_executor_instance *,
		      const struct brickyard_call *,
		      const struct brickyard_node *,
		      const struct brickyard_gluster_volume *,
		      struct brickyard_error *);
int sim_volume_expand(struct brickyard_executor_instance *,
		      const struct brickyard_call *,
		      const struct brickyard_node *,
		      const struct brickyard_gluster_volume *,
		      uint32_t rebalance, struct brickyard_error *);
int sim_volume_destroy(struct brickyard_executor_instance *,
		       const struct brickyard_call *,
		       const struct brickyard_node *, const char *name,
		       struct brickyard_error *);
int sim_volume_info(struct brickyard_executor_instance *,
		    const struct brickyard_call *,
		    const struct brickyard_node *, const char *name,
		    struct brickyard_result *, struct brickyard_error *);
int sim_heal_info(struct brickyard_executor_instance *,
		  const struct brickyard_call *, const struct brickyard_node *,
		  const char *name, struct brickyard_result *,
		  struct brickyard_error *);
int sim_brick_replace(struct brickyard_executor_instance *,
		      const struct brickyard_call *,
		      const struct brickyard_node *, const char *name,
		      const struct brickyard_brick_ref *old_brick,
		      const struct brickyard_brick_ref *new_brick,
		      struct brickyard_error *);
int sim_volume_clone(struct brickyard_executor_instance *,
		     const struct brickyard_call *,
		     const struct brickyard_node *, const char *name,
		     const char *clone, const char *snapshot,
		     struct brickyard_result *, struct brickyard_error *);

int sim_block_create(struct brickyard_executor_instance *,
		     const struct brickyard_call *,
		     const struct brickyard_node *,
		     const struct brickyard_block *,
		     struct brickyard_result *, struct brickyard_error *);
int sim_block_info(struct brickyard_executor_instance *,
		   const struct brickyard_call *,
		   const struct brickyard_node *, const char *volume,
		   const char *name, struct brickyard_result *,
		   struct brickyard_error *);
int sim_block_expand(struct brickyard_executor_instance *,
		     const struct brickyard_call *,
		     const struct brickyard_node *,
		     const struct brickyard_block *, struct brickyard_error *);
int sim_block_destroy(struct brickyard_executor_instance *,
		      const struct brickyard_call *,
		      const struct brickyard_node *, const char *volume,
		      const char *name, struct brickyard_error *);

/* ---- what several of them look up; 1: found, 0: not, -1: failed ---- */

#define KIND_BLOCK	1
#define KIND_DIRECTORY	2

/* A device that is prepared, by its VG. */
struct device_row {
	int64_t id;
	int kind;
	int64_t extent_bytes, extents, free_extents;
	char name[512];
};

int sim_find_device(struct step *, const char *vg, struct device_row *ret);
/* Take (or with n < 0 give back) extents of a VG. */
int sim_take_extents(struct step *, int64_t device, int64_t n);

struct volume_row {
	int64_t id;
	int64_t set_size, nbricks;
	char uuid[40], status[16], kind[16], words[256];
};

/* What gluster's XML counts of a volume, in the order of its elements. */
#define SIM_COUNTS 10
extern const char *const sim_count_names[SIM_COUNTS];
struct sim_counts {
	int64_t set_size, arbiter;
	int64_t of[SIM_COUNTS];
};
void sim_count_bricks(const struct volume_row *, struct sim_counts *ret);
/* As "Distributed-Replicate". */
const char *sim_type_words(const struct volume_row *);

#define VOLUME_NAME_MAX	255

/* What the words of the type come to. */
struct volume_shape {
	char words[256];		/* themselves, joined */
	const char *kind;		/* distribute, replicate, disperse */
	int64_t set_size;
};

int sim_check_volume_name(struct step *, const char *name);
int sim_read_shape(struct step *, const struct brickyard_gluster_volume *,
		   struct volume_shape *ret);
/* Of the trusted pool that the step's node is in. */
int sim_find_volume(struct step *, const char *name, struct volume_row *ret);
/* Or refuse. */
int sim_need_volume(struct step *, const char *cmd, const char *name,
		    struct volume_row *ret);
/* The results of volume_info. */
int sim_give_info(struct step *, const char *name, struct brickyard_result *);
/* With the option adopt: make it, if it is not there. */
int sim_adopt_volume(struct step *, const char *name, int64_t set_size);
int sim_adopt_block(struct step *, int64_t volume, const char *name,
		    int64_t hacount);
int sim_adopt_peer(struct step *, const char *host);
int sim_adopt_device(struct step *, const struct brickyard_device *);
/* The row of a connected peer. */
int sim_find_peer(struct step *, const char *cmd, const char *host,
		  int64_t *ret);
/* May a brick of the volume be there, on a peer?  Marks its directory as such; the
 * row of the peer.
 */
int sim_claim_brick(struct step *, const char *cmd, const struct volume_row *,
		    const struct brickyard_brick_ref *, int64_t *ret_node);

#endif
