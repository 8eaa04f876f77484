/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this executor share.  `local` means: the machine that runs
 * brickyardd is the storage node.  Calls come from any number of host threads
 * at once; what must not run side by side on the node is kept apart by the
 * node lock, LVM by its one owning thread (lvm.h).
 *
 * Inside, a function answers 0, or -1 after step_fail(); the fault becomes the
 * host's error in one place, local.c.
 */
#ifndef LOCAL_H
#define LOCAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include <brickyard/executor.h>

#include "../common/options.h"
#include "../script/text.h"
#include "../script/words.h"

#define CLEANUP_CLOSE CLEANUP(cleanup_close)

#define MIB		(UINT64_C(1) << 20)
#define EXTENT_BYTES	(4 * MIB)	/* of a directory; heketi's default */

extern const struct brickyard_host *local_host;

static inline void
cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* ---- options (the table is in options.c) ---- */

enum opt {
	OPT_ANY_HOST,
	OPT_BACKUP_LVM_METADATA,
	OPT_DIRECTORY_RESERVE_MB,
	OPT_FSTAB,
	OPT_GLUSTER_CLI_TIMEOUT,
	OPT_LOCK_DIR,
	OPT_LV_CHUNKSIZE,
	OPT_LVM_CONFIG,
	OPT_LVM_SYSTEM_DIR,
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

extern const struct brickyard_option local_options[];

struct brickyard_executor_instance {
	char *opt[OPT_COUNT];		/* never NULL after open */
	pthread_mutex_t lock;		/* guards the two below */
	char known_host[256];		/* last manage host found to be ours */
	int64_t known_until_ms;
};

/* 0, or -1 with the reason in why. */
int options_read(struct brickyard_executor_instance *,
		 const struct brickyard_kv *, size_t n, struct text *why);
void options_free(struct brickyard_executor_instance *);

/* ---- one call ---- */

struct fault {
	int err_class;			/* BRICKYARD_ERR_*; 0: none */
	char text[3072];
};

struct step {
	struct brickyard_executor_instance *in;
	const struct brickyard_call *call;
	struct fault fault;		/* the last one */
};

/* Remember why, answer -1.  step_prefix puts words before the fault. */
int step_fail(struct step *, int err_class, const char *fmt, ...)
	__attribute__((__cold__)) BRICKYARD_PRINTF(3, 4);
int step_prefix(struct step *, const char *fmt, ...)
	__attribute__((__cold__)) BRICKYARD_PRINTF(2, 3);
int step_nomem(struct step *) __attribute__((__cold__));
/* Is there time left, and does the host still want it? */
int step_check(struct step *) MUST_CHECK;
bool step_cancelled(const struct step *);
int64_t step_left_ms(const struct step *);
/* Sleep, but no longer than the call may; -1 when it is over. */
int step_sleep(struct step *, int64_t ms) MUST_CHECK;
int64_t now_ms(void);			/* CLOCK_MONOTONIC */

/* ---- node-lock.c ---- */

/* The node lock.  It is released when the last descriptor that shares it is
 * closed: a child that runs a tool, or an LVM command that outlives its call,
 * holds on to it, so that nobody starts while the work of a dead or late call
 * is still under way.
 */
struct node_lock {
	int fd;
};
#define NODE_LOCK_INIT { -1 }

/* Take the lock, then compare the epoch with the fence. */
int node_enter(struct step *, struct node_lock *) MUST_CHECK;
void node_leave(struct node_lock *);	/* accepts one that is not held */
/* The comparison alone, for work that glusterd or a script serialises. */
int node_fence(struct step *) MUST_CHECK;
/* Forget fences that nobody touched for a week. */
void node_prune_fences(const char *state_dir);
#define CLEANUP_NODE_LOCK CLEANUP(node_leave)

/* ---- files.c ---- */

/* Whole file; -1 and errno. */
int read_file(const char *path, size_t max, struct text *ret);
/* Write and sync; -1 and errno.  The atomic one writes beside it and renames
 * over it.  Temporary names are fixed, so that a crash leaves one file at most:
 * hold the node lock.
 */
int write_file(const char *path, const char *s, size_t len, mode_t mode);
int write_file_atomic(const char *path, const char *s, size_t len,
		      mode_t mode);
int make_dirs(const char *path, mode_t mode);	/* mkdir -p; -1 and errno */
/* ---- mounts.c ---- */

struct mount_info {
	dev_t dev;
	char source[512];
	char fstype[64];
	char at[512];
};

/* What is mounted at exactly this path (the topmost)?  1 found, 0 nothing,
 * -1.
 */
int mount_find(struct step *, const char *at, struct mount_info *ret)
	MUST_CHECK;
/* Where is this block device mounted?  1 found, 0 nowhere, -1. */
int mount_find_dev(struct step *, dev_t dev, struct mount_info *ret)
	MUST_CHECK;
/* Unmount all that is mounted there; nothing there is success. */
int mount_remove(struct step *, const char *at) MUST_CHECK;
/* Is the loop device dev backed by this file?  (dev may be no loop device.) */
bool loop_is_backed_by(dev_t dev, const char *image);
/* Detach every loop device that is backed by the file and not mounted. */
int loop_detach_all(struct step *, const char *image) MUST_CHECK;

/* ---- fstab.c (call with the node lock held) ---- */

int fstab_add(struct step *, const char *source, const char *at,
	      const char *options) MUST_CHECK;
/* Take out the lines of the mount point, or that name brick_ID. */
/* 1: the mount point has a line, 0: not, -1 */
int fstab_has(struct step *, const char *at);
int fstab_remove(struct step *, const char *at, const char *brick_id)
	MUST_CHECK;

/* ---- device.c, dir-device.c, block-device.c ---- */

/* Which kind is it?  Looks at the node when the host doesn't know. */
uint32_t device_kind(const struct brickyard_device *);
int device_check_words(struct step *, const struct brickyard_device *)
	MUST_CHECK;

struct device_facts {
	uint32_t kind;
	uint64_t total_bytes, free_bytes, extent_bytes;
	char pv_uuid[64];
	struct text paths;		/* each ended by '\n' */
	/* Of one that is refused; "": none. */
	char holds_pv_uuid[64], holds_device[64];
};

int dir_prepare(struct step *, const struct brickyard_device *,
		struct device_facts *) MUST_CHECK;
int dir_info(struct step *, const struct brickyard_device *,
	     struct device_facts *) MUST_CHECK;
int dir_teardown(struct step *, const struct brickyard_device *) MUST_CHECK;
/* Is the directory ours?  Reads the marker. */
int dir_check_ours(struct step *, const struct brickyard_device *) MUST_CHECK;
/* Bytes that may still be given to images. */
int dir_room(struct step *, const char *dir, uint64_t *ret) MUST_CHECK;

int block_prepare(struct step *, struct node_lock *,
		  const struct brickyard_device *, struct device_facts *)
	MUST_CHECK;
int block_info(struct step *, const struct brickyard_device *,
	       struct device_facts *) MUST_CHECK;
int block_teardown(struct step *, struct node_lock *,
		   const struct brickyard_device *) MUST_CHECK;

/* ---- brick.c, image-brick.c, lv-brick.c ---- */

int bricks_create(struct step *, const struct brickyard_brick *const *,
		  size_t n) MUST_CHECK;
int bricks_destroy(struct step *, const struct brickyard_brick *const *,
		   size_t n) MUST_CHECK;

/* Where the brick's filesystem is: an image or a logical volume. */
int brick_source(struct step *, const struct brickyard_brick *,
		 struct text *ret) MUST_CHECK;
/* XFS on path; never over anything that is there already. */
int brick_mkfs(struct step *, struct node_lock *,
	       const struct brickyard_brick *, const char *path) MUST_CHECK;

int image_create(struct step *, struct node_lock *,
		 const struct brickyard_brick *) MUST_CHECK;
int image_destroy(struct step *, const struct brickyard_brick *) MUST_CHECK;
int lv_create(struct step *, struct node_lock *,
	      const struct brickyard_brick *) MUST_CHECK;
int lv_destroy(struct step *, struct node_lock *,
	       const struct brickyard_brick *) MUST_CHECK;

/* ---- node-check.c, gluster.c ---- */

/* Is this node this machine? */
int node_is_here(struct step *, const struct brickyard_node *) MUST_CHECK;

int gluster_alive(struct step *) MUST_CHECK;
int gluster_peer_probe(struct step *, const char *host) MUST_CHECK;
int gluster_peer_detach(struct step *, const char *host) MUST_CHECK;
int gluster_create(struct step *, const struct brickyard_gluster_volume *)
	MUST_CHECK;
int gluster_expand(struct step *, const struct brickyard_gluster_volume *,
		   bool rebalance) MUST_CHECK;
int gluster_destroy(struct step *, const char *name) MUST_CHECK;
int gluster_info(struct step *, const char *name, struct brickyard_result *)
	MUST_CHECK;

#endif
