/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Executors as the core uses them: one opened instance, thread model enforced,
 * errors turned into ours.  A step that a plug-in does not have falls back to a
 * lowering (lowering.h) that was given, else ERR_NOTSUP.
 */
#ifndef EXECUTOR_H
#define EXECUTOR_H

#include "lowering.h"
#include "step-stats.h"

struct executor;

enum err MUST_CHECK executor_open(const struct plugin *, const struct kvs *config,
				  struct executor **ret, struct error *);
/* With scripts for the steps that the plug-in does not have; config may hold
 * options of either.  Before the end of the executor, l stays where it is.
 */
enum err MUST_CHECK executor_open_lowered(const struct plugin *,
					  const struct lowering *l,
					  const struct kvs *config,
					  struct executor **ret, struct error *);
/* At most so many calls at a time on one node, in order of arrival; 0 (at
 * first): any number.  Checks of a node don't count.  Before the first call.
 */
void executor_set_node_limit(struct executor *, size_t limit);
/* How long after its deadline, or after it was cancelled, a call may take before
 * it is given up (10 s at first).  Before the first call.
 */
void executor_set_grace(struct executor *, int grace_ms);
/* How long a call may take at most, whatever its deadline (0, at first: no more
 * than that).  Before the first call.
 */
void executor_set_step_limit(struct executor *, int limit_ms);
/* Accepts NULL.  While calls that were given up are in the plug-in it stays open. */
void executor_close(struct executor *);
const char *executor_name(const struct executor *);
const struct step_stats *executor_stats(const struct executor *);

/* The calls of brickyard/executor.h, in the core's error convention.  They
 * block; never call them from an HTTP thread or under a lock.
 */
enum err MUST_CHECK executor_node_check(struct executor *, const struct brickyard_call *,
	const struct brickyard_node *, struct error *);
enum err MUST_CHECK executor_peer_probe(struct executor *, const struct brickyard_call *,
	const struct brickyard_node *from, const char *host, struct error *);
enum err MUST_CHECK executor_peer_detach(struct executor *, const struct brickyard_call *,
	const struct brickyard_node *from, const char *host, struct error *);
enum err MUST_CHECK executor_device_prepare(struct executor *, const struct brickyard_call *,
	const struct brickyard_node *, const struct brickyard_device *,
	struct brickyard_result *, struct error *);
enum err MUST_CHECK executor_device_info(struct executor *, const struct brickyard_call *,
	const struct brickyard_node *, const struct brickyard_device *,
	struct brickyard_result *, struct error *);
enum err MUST_CHECK executor_device_teardown(struct executor *, const struct brickyard_call *,
	const struct brickyard_node *, const struct brickyard_device *, struct error *);
enum err MUST_CHECK executor_bricks_create(struct executor *, const struct brickyard_call *,
	const struct brickyard_node *, const struct brickyard_brick *const *,
	size_t n, struct error *);
enum err MUST_CHECK executor_bricks_destroy(struct executor *, const struct brickyard_call *,
	const struct brickyard_node *, const struct brickyard_brick *const *,
	size_t n, struct error *);
enum err MUST_CHECK executor_volume_create(struct executor *, const struct brickyard_call *,
	const struct brickyard_node *, const struct brickyard_gluster_volume *,
	struct error *);
enum err MUST_CHECK executor_volume_expand(struct executor *, const struct brickyard_call *,
	const struct brickyard_node *, const struct brickyard_gluster_volume *,
	uint32_t rebalance, struct error *);
enum err MUST_CHECK executor_volume_destroy(struct executor *, const struct brickyard_call *,
	const struct brickyard_node *, const char *name, struct error *);
enum err MUST_CHECK executor_volume_info(struct executor *, const struct brickyard_call *,
	const struct brickyard_node *, const char *name,
	struct brickyard_result *, struct error *);
enum err MUST_CHECK executor_node_probe(struct executor *,
	const struct brickyard_call *, const struct brickyard_node *,
	struct brickyard_result *, struct error *);
enum err MUST_CHECK executor_heal_info(struct executor *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *name, struct brickyard_result *, struct error *);
enum err MUST_CHECK executor_brick_replace(struct executor *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *name, const struct brickyard_brick_ref *old_brick,
	const struct brickyard_brick_ref *new_brick, struct error *);
enum err MUST_CHECK executor_volume_clone(struct executor *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *name, const char *clone, const char *snapshot,
	struct brickyard_result *, struct error *);
enum err MUST_CHECK executor_block_create(struct executor *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_block *block, struct brickyard_result *,
	struct error *);
enum err MUST_CHECK executor_block_info(struct executor *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *volume, const char *name, struct brickyard_result *,
	struct error *);
enum err MUST_CHECK executor_block_expand(struct executor *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_block *block, struct error *);
enum err MUST_CHECK executor_block_destroy(struct executor *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *volume, const char *name, struct error *);
/* Is there such a block volume?  That is a block_info which heketi would not ask
 * for: no error is injected into it.
 */
enum err MUST_CHECK executor_block_find(struct executor *,
	const struct brickyard_call *, const struct brickyard_node *,
	const char *volume, const char *name, bool *ret, struct error *);
enum err MUST_CHECK executor_node_examine(struct executor *,
	const struct brickyard_call *, const struct brickyard_node *,
	struct brickyard_result *, struct error *);
enum err MUST_CHECK executor_device_forget(struct executor *,
	const struct brickyard_call *, const struct brickyard_node *,
	const struct brickyard_device *device, struct error *);

/* The scalars of a JSON object by dotted keys.  Lent to us: core knows no JSON. */
struct kvs;
typedef enum err json_reader_fn(const char *text, struct kvs *ret,
				struct error *);

/* Make it fail on purpose, as glusterfs.injectexec of the configuration says, if
 * glusterfs.executor asks for that.  After executor_set_node_limit.
 */
struct config;
enum err MUST_CHECK executor_inject(const struct config *, json_reader_fn *json,
				    struct executor **ex, struct error *);

#endif
