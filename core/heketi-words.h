/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that heketi runs for what is a step of ours: its errors are
 * injected by matching their text (heketi-behaviour 4.2 to 4.5).  Nothing here
 * is ever run.  Pure functions.
 */
#ifndef HEKETI_WORDS_H
#define HEKETI_WORDS_H

#include <brickyard/executor.h>

#include "configuration.h"
#include "util/buf.h"

/* One command and whether heketi goes on when it fails. */
struct heketi_command {
	char *text;
	bool ignored;
};

struct heketi_commands {
	struct heketi_command *v;
	size_t n, cap;
};

void heketi_commands_release(struct heketi_commands *);

/* What its commands depend on; owns its strings. */
struct heketi_words {
	char *lvm, *udevadm, *gluster;
	char *fstab, *mountopts, *alignment, *extent, *chunk;
	int64_t xfs_su, xfs_sw, snapshot_limit;
	bool backup;
};

/* section: "glusterfs.sshexec." or "glusterfs.kubeexec." */
void heketi_words_init(struct heketi_words *, const struct config *,
		       const char *section);
void heketi_words_release(struct heketi_words *);

void heketi_node_check(const struct heketi_words *, struct heketi_commands *);
void heketi_peer_probe(const struct heketi_words *, const char *host,
		       struct heketi_commands *);
void heketi_peer_detach(const struct heketi_words *, const char *host,
			struct heketi_commands *);
void heketi_device_prepare(const struct heketi_words *,
			   const struct brickyard_device *,
			   struct heketi_commands *);
void heketi_device_info(const struct heketi_words *,
			const struct brickyard_device *,
			struct heketi_commands *);
/* forget: whatever fails is ignored. */
void heketi_device_teardown(const struct heketi_words *,
			    const struct brickyard_device *, bool forget,
			    struct heketi_commands *);
void heketi_brick_create(const struct heketi_words *,
			 const struct brickyard_brick *,
			 struct heketi_commands *);
void heketi_brick_destroy(const struct heketi_words *,
			  const struct brickyard_brick *,
			  struct heketi_commands *);
void heketi_volume_create(const struct heketi_words *,
			  const struct brickyard_gluster_volume *,
			  struct heketi_commands *);
/* heketi names the new bricks; which these are is found out on the node only, so
 * here are all.
 */
void heketi_volume_expand(const struct heketi_words *,
			  const struct brickyard_gluster_volume *,
			  bool rebalance, struct heketi_commands *);
void heketi_volume_destroy(const struct heketi_words *, const char *name,
			   struct heketi_commands *);
void heketi_volume_info(const struct heketi_words *, const char *name,
			struct heketi_commands *);
void heketi_heal_info(const struct heketi_words *, const char *name,
		      struct heketi_commands *);
void heketi_brick_replace(const struct heketi_words *, const char *name,
			  const struct brickyard_brick_ref *was,
			  const struct brickyard_brick_ref *now,
			  struct heketi_commands *);
void heketi_volume_clone(const struct heketi_words *, const char *name,
			 const char *clone, const char *snapshot,
			 struct heketi_commands *);
void heketi_block_create(const struct heketi_words *,
			 const struct brickyard_block *,
			 struct heketi_commands *);
void heketi_block_expand(const struct heketi_words *,
			 const struct brickyard_block *,
			 struct heketi_commands *);
/* verb: "info", "delete" */
void heketi_block(const struct heketi_words *, const char *verb,
		  const char *volume, const char *name,
		  struct heketi_commands *);
void heketi_node_examine(const struct heketi_words *, struct heketi_commands *);

#endif
