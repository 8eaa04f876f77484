/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bricks take on a device, those that are left over there included.  Bricks
 * that share a thin pool, as clones do, take its space once.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/dump-view.h"
#include "util/xalloc.h"

#define KIB_SHIFT 10

static int
compare_id(const void *id, const void *b)
{
	return strcmp(id, ((const struct dump_brick *)b)->brick->id);
}

const struct dump_brick *
dump_brick(const struct dump_view *w, const char *id)
{
	return w->n == 0 ? NULL :
	       bsearch(id, w->v, w->n, sizeof(*w->v), compare_id);
}

static bool
has_its_name(const struct brick *b)
{
	return strncmp(b->thin_pool, "tp_", 3) == 0 &&
	       strcmp(b->thin_pool + 3, b->id) == 0;
}

/* Is the brick there that the pool is named after? */
static bool
has_owner(const struct dump_view *w, const struct brick *b)
{
	const struct dump_brick *o = strncmp(b->thin_pool, "tp_", 3) == 0 ?
				     dump_brick(w, b->thin_pool + 3) : NULL;

	return o != NULL && strcmp(o->brick->device, b->device) == 0 &&
	       strcmp(o->brick->thin_pool, b->thin_pool) == 0;
}

static uint64_t
kib(const struct brick *b)
{
	return (b->thin_pool_bytes >> KIB_SHIFT) +
	       (b->metadata_bytes >> KIB_SHIFT);
}

/* Of a pool whose owner is elsewhere, or gone; seen: such pools. */
static uint64_t
shared_kib(const struct dump_view *w, const struct brick *b, struct strs *seen)
{
	if (has_owner(w, b) || strs_has(seen, b->thin_pool))
		return 0;
	strs_add(seen, b->thin_pool);
	return kib(b);
}

static bool
has_pool(const struct brick *b)
{
	return b->thin_pool != NULL && b->thin_pool[0] != '\0';
}

uint64_t
dump_bricks_kib(const struct dump_view *w, const char *device)
{
	const struct strs *ids = relation_of(w->bricks, device);
	CLEANUP(strs_release) struct strs seen = { 0 };
	uint64_t sum = 0;

	for (size_t i = 0; i < ids->n; i++) {
		const struct brick *b = dump_brick(w, ids->v[i])->brick;

		sum += !has_pool(b) || has_its_name(b) ? kib(b) :
		       shared_kib(w, b, &seen);
	}
	for (size_t i = 0; i < w->nleft; i++) {
		const struct brick *b = &w->left[i].brick;

		if (strcmp(b->device, device) == 0)
			sum += has_pool(b) ? shared_kib(w, b, &seen) : kib(b);
	}
	return sum;
}
