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

/* Devices that a transaction changes, each once. */
struct ledger {
	struct device **v;
	size_t n, cap;
};
/* The transaction's own copy, or NULL if there is no such device.  Under the
 * mirror's lock.
 */
struct device *ledger_device(struct ledger *, struct mirror *, const char *id);
/* Put all of them; or forget them. */
void ledger_close(struct ledger *, struct txn *);
void ledger_drop(struct ledger *);

/* Place the brick at index i of v on another device: append the new brick
 * (pending on op_id) to v, and take its space in the ledger.  Errors are
 * placement's.
 */
enum err MUST_CHECK allocate_replacement(const struct engine_deps *,
					 struct volume *v, size_t i,
					 const struct strs *avoid,
					 const char *op_id, struct ledger *,
					 struct error *);

/* Bricks on one thin pool share its space: it is given back with the last of
 * them, be that a clone or what was cloned, but the device is always put, so that
 * two that go at the same time don't each take the other for the last.
 *
 * One brick of v goes; those of v whose .pending is `pending` go, too (NULL:
 * only itself; "": all), each in its turn.  Under the mirror's lock.
 */
void release_brick(const struct engine_deps *, const struct volume *v,
		   const struct brick *, const char *pending, struct ledger *);

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
