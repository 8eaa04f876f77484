/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share: options, one script under way. */
#ifndef LOWER_H
#define LOWER_H

#include "../common/options.h"
#include "script.h"
#include "text.h"

#define MIB (UINT64_C(1) << 20)

enum opt {
	OPT_BACKUP_LVM_METADATA,
	OPT_BLOCK_PREALLOC,
	OPT_DEBUG_UMOUNT_FAILURES,
	OPT_DIRECTORY_RESERVE_MB,
	OPT_FSTAB,
	OPT_GLUSTER_CLI_TIMEOUT,
	OPT_LOCK_DIR,
	OPT_LV_CHUNKSIZE,
	OPT_LVM_CONFIG,
	OPT_LVM_SYSTEM_DIR,
	OPT_LVM_WRAPPER,
	OPT_MOUNTOPTS,
	OPT_PV_DATA_ALIGNMENT,
	OPT_SEARCH_PATH,
	OPT_SNAPSHOT_LIMIT,
	OPT_SPARSE,
	OPT_STATE_DIR,
	OPT_VG_PHYSICALEXTENTSIZE,
	OPT_XFS_SU,
	OPT_XFS_SW,
	OPT_COUNT
};

struct brickyard_executor_instance {
	const struct brickyard_host *host;
	script_run_fn *run;
	void *below;			/* for run */
	char *opt[OPT_COUNT];		/* never NULL after attach */
};

/* 0, or -1 with the reason in why. */
int options_read(struct brickyard_executor_instance *,
		 const struct brickyard_kv *, size_t n, struct text *why);
void options_free(struct brickyard_executor_instance *);

/* ---- parts.c, made from the *.sh files ---- */

struct chunk {
	const char *name;	/* of a function; "": what is outside of one */
	const char *text;
};

/* Each ended by a name that is NULL. */
extern const struct chunk part_prologue[], part_lvm[], part_mount[],
	part_directory[], part_brick[], part_device[], part_gluster[],
	part_heal[], part_block[], part_node[];

/* ---- trim.c ---- */

/* Of n parts, what the body can reach. */
void add_parts(struct text *, const struct chunk *const *parts, size_t n,
	       const char *body);

/* ---- call.c: one script, from its making to its answer ---- */

struct step;
/* A block of several lines that a script gave; text may be changed.  0 or -1
 * after step_fail().
 */
typedef int step_data_fn(struct step *, const char *key, char *text);

struct step {
	struct brickyard_executor_instance *in;
	const struct brickyard_call *call;
	const struct brickyard_node *node;
	struct brickyard_error *error;
	struct brickyard_result *result;	/* NULL: gives none */
	step_data_fn *data;			/* NULL: not expected */
	void *arg;				/* for data */
	struct text values;	/* assignments and functions, before the parts */
	struct text body;	/* of by_main */
	const struct chunk *parts[8];	/* the first is part_prologue */
	size_t nparts;
	char nonce[33];
};

void step_init(struct step *, struct brickyard_executor_instance *,
	       const struct brickyard_call *, const struct brickyard_node *,
	       struct brickyard_error *);
void step_release(struct step *);
#define CLEANUP_STEP CLEANUP(step_release)

int step_fail(struct step *, int err_class, const char *fmt, ...)
	__attribute__((__cold__)) BRICKYARD_PRINTF(3, 4);
int64_t step_left_ms(const struct step *);

/* The one way for a string into a script: in single quotes. */
void quote(struct text *, const char *s);
/* NAME='value' */
void step_set(struct step *, const char *name, const char *value);
void step_setf(struct step *, const char *name, const char *fmt, ...)
	BRICKYARD_PRINTF(3, 4);
void step_part(struct step *, const struct chunk *part);
/* A command of by_main: a function of the parts and its arguments, quoted. */
void step_do(struct step *, const char *function, ...)
	__attribute__((__sentinel__));
/* The same, without the line end and more: for long argument lists. */
void step_word(struct step *, const char *s);
/* Everything that LVM, or gluster, needs. */
void step_use_lvm(struct step *);
void step_use_gluster(struct step *);
/* Run it, and take its answer. */
int step_run(struct step *) MUST_CHECK;

/* ---- the steps, by topic ---- */

int lower_node_check(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	struct brickyard_error *);
int lower_peer_probe(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *from,
	const char *host, struct brickyard_error *);
int lower_peer_detach(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *from,
	const char *host, struct brickyard_error *);
int lower_device_prepare(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_device *, struct brickyard_result *,
	struct brickyard_error *);
int lower_device_info(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_device *, struct brickyard_result *,
	struct brickyard_error *);
int lower_device_teardown(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_device *, struct brickyard_error *);
int lower_device_forget(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_device *, struct brickyard_error *);
int lower_bricks_create(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_brick *const *, size_t n,
	struct brickyard_error *);
int lower_bricks_destroy(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_brick *const *, size_t n,
	struct brickyard_error *);
int lower_volume_create(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_gluster_volume *, struct brickyard_error *);
int lower_volume_expand(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_gluster_volume *, uint32_t rebalance,
	struct brickyard_error *);
int lower_volume_destroy(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *name, struct brickyard_error *);
int lower_volume_info(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *name, struct brickyard_result *, struct brickyard_error *);

int lower_node_probe(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	struct brickyard_result *, struct brickyard_error *);
int lower_node_examine(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	struct brickyard_result *, struct brickyard_error *);
int lower_heal_info(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *name, struct brickyard_result *, struct brickyard_error *);
int lower_brick_replace(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *name, const struct brickyard_brick_ref *old_brick,
	const struct brickyard_brick_ref *new_brick, struct brickyard_error *);
int lower_volume_clone(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *name, const char *clone, const char *snapshot,
	struct brickyard_result *, struct brickyard_error *);
int lower_block_create(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_block *, struct brickyard_result *,
	struct brickyard_error *);
int lower_block_info(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *volume, const char *name, struct brickyard_result *,
	struct brickyard_error *);
int lower_block_expand(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_block *, struct brickyard_error *);
int lower_block_destroy(struct brickyard_executor_instance *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *volume, const char *name, struct brickyard_error *);

/* Takes the answer of gl_info, for steps that end in it; st->arg: the name. */
step_data_fn take_volume;

/* ---- check-args.c: words from outside, before they go into a script ---- */

int check_gluster_word(struct step *, const char *) MUST_CHECK;
int check_gluster_volume(struct step *, const char *) MUST_CHECK;
int check_device(struct step *, const struct brickyard_device *) MUST_CHECK;

/* Set D_*, for device.sh and directory.sh. */
void device_values(struct step *, const struct brickyard_device *);

#endif
