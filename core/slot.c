/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places among the running operations: slots/0, slots/1, … of the store. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"
#include "util/xalloc.h"

#define LIMIT "glusterfs.max_inflight_operations"

static int64_t
slot_limit(const struct engine_deps *deps)
{
	int64_t limit = config_int(deps->config, LIMIT);

	return limit > 0 ? limit : 8;
}

bool
slot_is_left(const struct engine_deps *deps)
{
	return !config_is_set(deps->config, LIMIT) ||
	       mirror_count(deps->mirror, RECORD_SLOT) <
	       (size_t)slot_limit(deps);
}

/* heketi's exact throttle, for all replicas together: one key a place. */
enum err
slot_take(const struct engine_deps *deps, struct operation *op, struct txn *t,
	  struct error *err)
{
	int64_t limit = slot_limit(deps);
	int64_t first;
	char n[32];

	if (!config_is_set(deps->config, LIMIT))
		return ERR_OK;
	/* Each begins elsewhere, or all replicas would want the same one. */
	first = (int64_t)(strtoull(op->id + 24, NULL, 16) % (uint64_t)limit);
	for (int64_t k = 0; k < limit; k++) {
		int64_t i = (first + k) % limit;
		struct record *r;

		snprintf(n, sizeof(n), "%" PRId64, i);
		r = mirror_get(deps->mirror, RECORD_SLOT, n);
		if (r == NULL) {
			CLEANUP_FREE char *key = xasprintf("slots/%s", n);

			op->slot = i;
			txn_claim(t, key, op->id);
			return ERR_OK;
		}
		record_unref(r);
	}
	return fail(err, ERR_BUSY, "Server busy. Retry operation later.");
}
