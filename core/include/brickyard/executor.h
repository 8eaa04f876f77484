/* SPDX-License-Identifier: BSD-2-Clause */
/* brickyard/executor.h - all that an executor plug-in may know.
 *
 * An executor reaches storage nodes.  It does not know what a volume is for
 * and decides nothing: it is told to make exactly these bricks, this volume.
 *
 * Only .open, .close and .run are required.  The members below .run are
 * semantic steps; one that is NULL is lowered by the host to a shell script
 * which is given to .run.  An executor that can do a step better overrides it.
 *
 * Every step is idempotent: it looks before it does.  Running it twice, or
 * again after the process died in its middle, equals running it once.  A
 * create step that finds the object whole answers success; one that finds it
 * half made finishes it.  A remove step that finds nothing answers success.
 *
 * Every call carries a fence: on the node, compare call->epoch with the
 * highest epoch seen there for call->operation_id (and remember it).  If a
 * higher one was seen, do nothing and fail with BRICKYARD_ERR_FENCED.
 *
 * A call returns by its deadline, or soon after it was cancelled.
 */
#ifndef BRICKYARD_EXECUTOR_H
#define BRICKYARD_EXECUTOR_H

#include <brickyard/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One configured executor, the plug-in's own; made by .open. */
struct brickyard_executor_instance;

struct brickyard_node {
	size_t size;
	const char *id;			/* 32 hex digits; "" if not yet known */
	const char *manage_host;	/* where the node is reached */
	const char *storage_host;	/* where gluster reaches it */
};

struct brickyard_call {
	size_t size;
	const char *operation_id;	/* 32 hex digits; NULL: a mere look */
	uint64_t epoch;			/* the fence; see above */
	int64_t deadline_ms;		/* CLOCK_MONOTONIC, milliseconds */
	/* Non-zero as soon as the host wants the call to stop. */
	int (*cancelled)(const struct brickyard_call *);
};

#define BRICKYARD_DEVICE_BLOCK		1u	/* LVM-thin bricks in a VG */
#define BRICKYARD_DEVICE_DIRECTORY	2u	/* XFS images on loop devices */

struct brickyard_device {
	size_t size;
	const char *id;			/* 32 hex digits */
	const char *name;		/* as registered: /dev/sdb, or a directory */
	const char *pv_uuid;		/* "" if not known */
	const char *vg;			/* vg_ID */
	size_t npaths;
	const char *const *paths;	/* other names, as device_prepare gave them */
	uint32_t kind;			/* BRICKYARD_DEVICE_*; 0: not yet known */
	uint32_t destroy_data;		/* 1: the client said destroydata and the
					 * host found nothing of its own there */
	/* Since ABI 1.2: with destroy_data, the UUID of an LVM physical volume
	 * that may go although its volume group has a name of ours: the host
	 * asked its records, and no device of them is there.  "": none may.
	 */
	const char *destroy_pv;
};

/* One brick.  For a block device: thin LV lv of size_bytes in pool thin_pool
 * (thin_pool_bytes data, metadata_bytes metadata) in device->vg.  For a
 * directory: the image file DIR/VG/LV.img of size_bytes, all of it allocated,
 * on a loop device.  XFS on it, mounted at mount, entered in fstab; path (a
 * directory in it) is what gluster is given.
 */
struct brickyard_brick {
	size_t size;
	const char *id;			/* 32 hex digits */
	const char *volume_id;
	const struct brickyard_device *device;
	const char *lv;			/* brick_ID */
	const char *thin_pool;		/* tp_ID */
	const char *mount;		/* /var/lib/heketi/mounts/VG/brick_ID */
	const char *path;		/* mount + "/brick" */
	uint64_t size_bytes;
	uint64_t thin_pool_bytes;
	uint64_t metadata_bytes;
	uint64_t gid;			/* 0: leave the group alone; else chown
					 * :gid and chmod 2775 the path */
	uint32_t role;			/* 1 data, 2 arbiter (volume-type.h) */
};

/* host:path of a brick in the order gluster gets it. */
struct brickyard_brick_ref {
	size_t size;
	const char *host;		/* storage host */
	const char *path;
};

struct brickyard_gluster_volume {
	size_t size;
	const char *name;
	const char *id;			/* ours, 32 hex digits */
	size_t nwords;
	const char *const *words;	/* after the name: replica 3 arbiter 1 … */
	size_t nbricks;			/* whole sets, in order */
	const struct brickyard_brick_ref *const *bricks;
	uint32_t bricks_per_set;
	uint32_t sets_per_command;	/* at most this many sets per create or
					 * add-brick command; never 0 */
	size_t noptions;
	const char *const *options;	/* "key value"; set before the start */
};

/* A block volume: since ABI 1.1. */
struct brickyard_block {
	size_t size;
	const char *volume;		/* gluster volume that hosts it */
	const char *name;
	uint64_t size_bytes;		/* whole GiB */
	uint32_t hacount;		/* portals; 0: as many as hosts */
	uint32_t auth;			/* 1: CHAP */
	const char *prealloc;		/* "full", "no"; "" or NULL: as configured */
	size_t nhosts;
	const char *const *hosts;	/* storage hosts that export it */
};

struct brickyard_executor {
	struct brickyard_plugin_head head;

	/* config holds every option of the schema that has a value, checked. */
	int (*open)(const struct brickyard_kv *config, size_t nconfig,
		    struct brickyard_executor_instance **ret,
		    struct brickyard_error *);
	/* No call is running any more. Accepts NULL. */
	void (*close)(struct brickyard_executor_instance *);

	/* Run a POSIX shell script on the node.  Results: exit_status (u64),
	 * stdout, stderr (str; each at most 256 KiB, the tail is kept).  An
	 * exit status other than 0 is not a failure of the call.
	 */
	int (*run)(struct brickyard_executor_instance *,
		   const struct brickyard_call *, const struct brickyard_node *,
		   const char *script, struct brickyard_result *,
		   struct brickyard_error *);

	/* ---- semantic steps: NULL means "lower to .run" ---- */

	/* Is the node reachable and is glusterd running?  Not running:
	 * BRICKYARD_ERR_PERMANENT.  No results.
	 */
	int (*node_check)(struct brickyard_executor_instance *,
			  const struct brickyard_call *,
			  const struct brickyard_node *,
			  struct brickyard_error *);

	/* From `from`, make `host` (a storage host) a peer; and undo that.
	 * Probing a peer that is there, or detaching one that is not, is
	 * success.
	 */
	int (*peer_probe)(struct brickyard_executor_instance *,
			  const struct brickyard_call *,
			  const struct brickyard_node *from, const char *host,
			  struct brickyard_error *);
	int (*peer_detach)(struct brickyard_executor_instance *,
			   const struct brickyard_call *,
			   const struct brickyard_node *from, const char *host,
			   struct brickyard_error *);

	/* Make the device ours: PV and VG vg_ID, or the directory's marker.
	 * Results: kind ("block" or "directory"), total_bytes, free_bytes,
	 * extent_bytes (u64), pv_uuid (str, may be absent), path (str, any
	 * number of times).  A device that holds anything is refused with
	 * BRICKYARD_ERR_EXISTS and what was found, unless destroy_data; one that
	 * is mounted, in use or another Brickyard device is always refused, but
	 * for the physical volume destroy_pv, which is then not in use.
	 * Results with BRICKYARD_ERR_EXISTS, since ABI 1.2, each absent where
	 * there is none: holds_pv_uuid (str, of the physical volume on the
	 * device) and holds_device (str, the id of the device that it is already:
	 * of its volume group vg_ID, or of the directory's marker).
	 */
	int (*device_prepare)(struct brickyard_executor_instance *,
			      const struct brickyard_call *,
			      const struct brickyard_node *,
			      const struct brickyard_device *,
			      struct brickyard_result *,
			      struct brickyard_error *);
	/* The same results, changing nothing. */
	int (*device_info)(struct brickyard_executor_instance *,
			   const struct brickyard_call *,
			   const struct brickyard_node *,
			   const struct brickyard_device *,
			   struct brickyard_result *, struct brickyard_error *);
	/* Undo device_prepare.  Fails while bricks are on it. */
	int (*device_teardown)(struct brickyard_executor_instance *,
			       const struct brickyard_call *,
			       const struct brickyard_node *,
			       const struct brickyard_device *,
			       struct brickyard_error *);

	/* Make, or remove, all these bricks of one node; in any order, in
	 * parallel if that is quicker.  bricks_create that fails may leave some
	 * made: the host calls bricks_destroy.  bricks_destroy unmounts, takes
	 * the fstab line out, removes the LV (and the pool when it was its last)
	 * or the image, and goes on with the others when one fails.
	 */
	int (*bricks_create)(struct brickyard_executor_instance *,
			     const struct brickyard_call *,
			     const struct brickyard_node *,
			     const struct brickyard_brick *const *bricks,
			     size_t nbricks, struct brickyard_error *);
	int (*bricks_destroy)(struct brickyard_executor_instance *,
			      const struct brickyard_call *,
			      const struct brickyard_node *,
			      const struct brickyard_brick *const *bricks,
			      size_t nbricks, struct brickyard_error *);

	/* Create the gluster volume (in as many commands as sets_per_command
	 * asks for), set the options and user.heketi.id, start it.
	 */
	int (*volume_create)(struct brickyard_executor_instance *,
			     const struct brickyard_call *,
			     const struct brickyard_node *,
			     const struct brickyard_gluster_volume *,
			     struct brickyard_error *);
	/* Add those of volume->bricks that it does not have yet (whole sets),
	 * then, if rebalance is not 0, start a rebalance, whose failure is only
	 * logged.
	 */
	int (*volume_expand)(struct brickyard_executor_instance *,
			     const struct brickyard_call *,
			     const struct brickyard_node *,
			     const struct brickyard_gluster_volume *,
			     uint32_t rebalance, struct brickyard_error *);
	/* Stop and delete. */
	int (*volume_destroy)(struct brickyard_executor_instance *,
			      const struct brickyard_call *,
			      const struct brickyard_node *, const char *name,
			      struct brickyard_error *);
	/* First record: status ("started", "stopped", "created"), type (as
	 * gluster says), id (gluster's).  Then one record a brick, in order:
	 * host, path.  BRICKYARD_ERR_NOTFOUND if there is none.
	 */
	int (*volume_info)(struct brickyard_executor_instance *,
			   const struct brickyard_call *,
			   const struct brickyard_node *, const char *name,
			   struct brickyard_result *, struct brickyard_error *);

	/* ---- since ABI 1.1 ---- */

	/* What an operator should know of the node before it is used.  One
	 * record a check: check (a word: "login", "sudo", "lvm", "glusterd",
	 * "clock", ...), verdict ("ok", "warning" or "failed"), text (what was
	 * found), remedy (what to do; absent when ok).  A check that fails is
	 * not a failure of the call; that the node can't be asked at all is.
	 * (A first record that stays empty is passed over, also by heal_info.)
	 */
	int (*node_probe)(struct brickyard_executor_instance *,
			  const struct brickyard_call *,
			  const struct brickyard_node *,
			  struct brickyard_result *, struct brickyard_error *);

	/* How well each brick of a volume is: one record a brick, in gluster's
	 * order: host, path, online (u64, 1 or 0), entries (u64: files that
	 * wait to be healed from this brick; absent: not known).  Who asks is
	 * about to wait for that: gluster may be told to heal at once.
	 * BRICKYARD_ERR_NOTFOUND if there is no such volume.
	 */
	int (*heal_info)(struct brickyard_executor_instance *,
			 const struct brickyard_call *,
			 const struct brickyard_node *, const char *name,
			 struct brickyard_result *, struct brickyard_error *);

	/* Put the new brick in the old one's place ("replace-brick ... commit
	 * force").  Success if that has been done already (old is not there and
	 * new is); BRICKYARD_ERR_NOTFOUND if neither is there.
	 */
	int (*brick_replace)(struct brickyard_executor_instance *,
			     const struct brickyard_call *,
			     const struct brickyard_node *, const char *name,
			     const struct brickyard_brick_ref *old_brick,
			     const struct brickyard_brick_ref *new_brick,
			     struct brickyard_error *);

	/* Make a started volume `clone` out of a snapshot (called `snapshot`,
	 * which is gone afterwards, also after a failure) of `name`.  Results:
	 * those of volume_info, of the clone.
	 */
	int (*volume_clone)(struct brickyard_executor_instance *,
			    const struct brickyard_call *,
			    const struct brickyard_node *, const char *name,
			    const char *clone, const char *snapshot,
			    struct brickyard_result *, struct brickyard_error *);

	/* Results of block_create and block_info: iqn, username, password (absent
	 * without CHAP), size_bytes, usable_bytes (u64; less than size_bytes
	 * when a resize failed on some portal; absent: not known).  block_info
	 * of one that is not there is BRICKYARD_ERR_NOTFOUND.
	 */
	int (*block_create)(struct brickyard_executor_instance *,
			    const struct brickyard_call *,
			    const struct brickyard_node *,
			    const struct brickyard_block *,
			    struct brickyard_result *, struct brickyard_error *);
	int (*block_info)(struct brickyard_executor_instance *,
			  const struct brickyard_call *,
			  const struct brickyard_node *, const char *volume,
			  const char *name,
			  struct brickyard_result *, struct brickyard_error *);
	/* To size_bytes. */
	int (*block_expand)(struct brickyard_executor_instance *,
			    const struct brickyard_call *,
			    const struct brickyard_node *,
			    const struct brickyard_block *,
			    struct brickyard_error *);
	int (*block_destroy)(struct brickyard_executor_instance *,
			     const struct brickyard_call *,
			     const struct brickyard_node *, const char *volume,
			     const char *name, struct brickyard_error *);

	/* What is on the node, for comparing.  First record: pvs, vgs, lvs (LVM's
	 * JSON reports), mounts, fstab (text).  Then a record for each gluster
	 * volume: volume, status, type, id; and for each block volume: volume,
	 * block.  Since ABI 1.2 a volume may have more, by the names of gluster's
	 * XML: gluster.status, gluster.statusStr, gluster.brickCount and the
	 * other counts, gluster.type, gluster.transport; for each brick in
	 * order: gluster.brick (HOST:PATH), gluster.hostUuid,
	 * gluster.isArbiter; and for each option: gluster.option, gluster.value.
	 */
	int (*node_examine)(struct brickyard_executor_instance *,
			    const struct brickyard_call *,
			    const struct brickyard_node *,
			    struct brickyard_result *, struct brickyard_error *);

	/* Take away what was device_prepare's without asking the device, as far
	 * as that goes: it may be dead or gone. */
	int (*device_forget)(struct brickyard_executor_instance *,
			     const struct brickyard_call *,
			     const struct brickyard_node *,
			     const struct brickyard_device *,
			     struct brickyard_error *);
};

#define BRICKYARD_EXECUTOR_REGISTER(plugin, hostvar)			\
	BRICKYARD_REGISTER_(plugin, BRICKYARD_KIND_EXECUTOR, hostvar)

#ifdef __cplusplus
}
#endif

#endif /* BRICKYARD_EXECUTOR_H */
