/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking and giving back space: what connects the pure planner with the
 * records.  All inside one transaction, guarded by every device it touches.
 */
#ifndef ALLOCATE_H
#define ALLOCATE_H

#include "engine.h"

/* What a volume's options ask of placement (heketi-behaviour 3.6); of equal
 * keys the later one wins.
 */
struct volume_wishes {
	bool strict_zones;
	uint64_t average_file_bytes;
	const char *tag_match;		/* points into the options, or NULL */
};
struct volume_wishes volume_wishes(const struct config *, const struct strs *options);

/* Place add_bytes for v in its cluster: append bricks (pending on op_id) to v
 * and put the devices, with the space taken, into the transaction.  The caller
 * puts v.  Errors are placement's.
 */
enum err MUST_CHECK allocate_bricks(const struct engine_deps *,
				    struct volume *v, uint64_t add_bytes,
				    const struct strs *avoid, const char *op_id,
				    uint32_t attempt, struct txn *,
				    struct error *);

/* Put the devices of those bricks whose .pending is `pending` (NULL: all) into
 * the transaction, with their space given back.
 */
void release_bricks(const struct engine_deps *, const struct volume *v,
		    const char *pending, struct txn *);

/* index/volume-names/CLUSTER/NAME; caller frees. */
char *volume_name_key(const char *cluster, const char *name);

/* A config value in GiB, as bytes. */
uint64_t config_gib(const struct config *, const char *key);

#endif
