/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Placement: the search for a brick size, as heketi does it.
 *
 * A pure function: it reads the topology (whose owner keeps it still
 * meanwhile), keeps all else in the attempt on its own stack, and draws its
 * random numbers from the request's seed.  Any number of threads may plan at
 * the same time.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "placement-set.h"
#include "util/xalloc.h"

#define KIB UINT64_C(1024)
#define METADATA_MAX_KIB (16 * KIB * KIB)	/* 16 GiB */
#define EXTENT_KIB 4096				/* LVM's default */
/* More KiB than 2^64 bytes are, yet far enough from overflowing. */
#define ABSURD_KIB (UINT64_C(1) << 56)

static uint64_t
round_up(uint64_t n, uint64_t unit)
{
	return n % unit == 0 ? n : n + (unit - n % unit);
}

static uint64_t
kib_to_bytes(uint64_t kib)
{
	return kib <= UINT64_MAX / KIB ? kib * KIB : UINT64_MAX;
}

void
placement_pool_bytes(uint64_t brick_bytes, double factor,
		     uint64_t extent_bytes, uint64_t *ret_pool_bytes,
		     uint64_t *ret_metadata_bytes)
{
	uint64_t brick_kib = brick_bytes / KIB + (brick_bytes % KIB != 0);
	uint64_t extent_kib = extent_bytes / KIB;
	uint64_t pool_kib, metadata_kib;
	double pool;

	if (extent_kib == 0)
		extent_kib = EXTENT_KIB;
	/* Also when it is not a number. */
	if (!(factor >= 1))
		factor = 1;
	/* In floating point, and cut: heketi's arithmetic. */
	pool = (double)brick_kib * factor;
	pool_kib = pool < (double)ABSURD_KIB ? (uint64_t)pool : ABSURD_KIB;
	pool_kib = round_up(pool_kib, extent_kib);
	metadata_kib = (uint64_t)((double)pool_kib * 0.005);
	if (metadata_kib > METADATA_MAX_KIB)
		metadata_kib = METADATA_MAX_KIB;
	*ret_pool_bytes = kib_to_bytes(pool_kib);
	*ret_metadata_bytes = kib_to_bytes(round_up(metadata_kib, extent_kib));
}

bool
placement_tag_rule_is_valid(const char *rule)
{
	CLEANUP(tag_rule_release) struct tag_rule r = { 0 };

	return tag_rule_parse(rule, &r);
}

/* ---- the sizes to try ---- */

/* Sets of bricks of ever smaller size: 1, 2, 4, … of them. */
struct sizes {
	uint64_t size_kib, min_kib, max_kib;
	uint32_t data_bricks;
	uint64_t sets;		/* to try next */
};

static void
sizes_init(struct sizes *s, const struct placement_request *r)
{
	s->size_kib = r->size_bytes / KIB;
	s->min_kib = r->limits.brick_min_bytes / KIB;
	s->max_kib = r->limits.brick_max_bytes / KIB;
	s->data_bricks = r->data_bricks;
	s->sets = 1;
	if (s->min_kib == 0)
		s->min_kib = 1;		/* or the search would not end */
}

/* The order of the checks is heketi's, and so is which error wins: bricks that
 * are too large are skipped, then first of all the too small end the search
 * (here), then too many do, and only then is the cluster looked at (below).
 * size_kib is below 2^54, so the search ends long before sets overflows.
 */
static bool
sizes_next(struct sizes *s, uint64_t *ret_sets, uint64_t *ret_brick_kib)
{
	for (;;) {
		uint64_t sets = s->sets;
		uint64_t brick_kib = s->size_kib / sets / s->data_bricks;

		s->sets *= 2;
		if (brick_kib < s->min_kib)
			return false;
		if (brick_kib <= s->max_kib) {
			*ret_sets = sets;
			*ret_brick_kib = brick_kib;
			return true;
		}
	}
}

static bool
too_many_bricks(const struct placement_request *r, uint64_t sets)
{
	/* No overflow: sets < 2^54, bricks_per_set <= 64. */
	uint64_t bricks = sets * r->bricks_per_set;

	return bricks + r->existing_bricks > r->limits.max_bricks;
}

/* ---- one attempt ---- */

enum err
attempt_init(struct attempt *a, const struct topology_cluster *c,
	     const struct placement_request *r, struct error *err)
{
	memset(a, 0, sizeof(*a));
	a->cluster = c;
	a->request = r;
	a->rng = r->seed;
	if (r->bricks_per_set == 0 || r->data_bricks == 0 ||
	    r->bricks_per_set > PLACEMENT_SET_MAX)
		return fail(err, ERR_INTERNAL,
			    "placement: brick sets of %u bricks, %u data",
			    r->bricks_per_set, r->data_bricks);
	if (r->tag_match != NULL && !tag_rule_parse(r->tag_match, &a->tag))
		return fail(err, ERR_REFUSED, "Invalid tag matching rule: "
			    "Invalid tag match rule: %s", r->tag_match);
	for (uint32_t i = 0; i < r->bricks_per_set; i++)
		a->has_arbiter |=
			attempt_role(a, i) == BRICKYARD_ROLE_ARBITER;
	return ERR_OK;
}

void
attempt_release(struct attempt *a)
{
	attempt_forget(a);
	free(a->bricks.v);
	tag_rule_release(&a->tag);
}

/* A node that clients don't see yet does not count. */
static bool
has_nodes(const struct topology_cluster *c)
{
	if (c == NULL)
		return false;
	for (size_t i = 0; i < c->nodes.n; i++)
		if (!c->nodes.v[i]->node->adding)
			return true;
	return false;
}

enum err
attempt_check_cluster(const struct topology_cluster *c, struct error *err)
{
	if (c != NULL && c->neligible > 0)
		return ERR_OK;
	if (!has_nodes(c))
		return fail(err, ERR_REFUSED, "No nodes in cluster");
	return fail(err, ERR_REFUSED, "No online storage devices in cluster");
}

static enum err
attempt_sizes(struct attempt *a, uint64_t data_brick_bytes, struct error *err)
{
	const struct placement_request *r = a->request;

	for (uint32_t i = 0; i < r->bricks_per_set; i++) {
		enum err e = ERR_OK;

		a->brick_bytes[i] = data_brick_bytes;
		if (r->brick_bytes != NULL)
			e = r->brick_bytes(r->arg, i, data_brick_bytes,
					   &a->brick_bytes[i], err);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static bool
attempt_run(struct attempt *a, uint64_t sets)
{
	attempt_forget(a);
	for (uint64_t i = 0; i < sets; i++)
		if (!attempt_add_set(a))
			return false;
	return true;
}

/* ret_explain: each device has a reason, as of where the attempt stopped. */
static enum err
search_size(struct attempt *a, bool *ret_explain, struct error *err)
{
	struct sizes sizes;
	uint64_t sets, brick_kib;
	enum err e;

	sizes_init(&sizes, a->request);
	while (sizes_next(&sizes, &sets, &brick_kib)) {
		if (too_many_bricks(a->request, sets))
			return fail(err, ERR_NOSPACE,
				    "Maximum number of bricks reached.");
		e = attempt_check_cluster(a->cluster, err);
		*ret_explain = e != ERR_OK;
		if (e == ERR_OK)
			e = attempt_sizes(a, brick_kib * KIB, err);
		if (e != ERR_OK)
			return e;
		if (attempt_run(a, sets))
			return ERR_OK;
		*ret_explain = true;
	}
	return fail(err, ERR_NOSPACE, "Minimum brick size limit reached.  "
		    "Out of space.");
}

enum err
placement_plan(const struct topology_cluster *c,
	       const struct placement_request *r, struct placement *ret,
	       struct strs *reasons, struct error *err)
{
	CLEANUP(attempt_release) struct attempt a;
	bool explain = false;
	enum err e = attempt_init(&a, c, r, err);

	if (e == ERR_OK)
		e = search_size(&a, &explain, err);
	if (e == ERR_OK) {
		ret->nbricks = a.bricks.n;
		ret->bricks = STEAL(a.bricks.v);
	} else if (explain && reasons != NULL && c != NULL) {
		attempt_reasons(&a, reasons);
	}
	return e;
}

void
placement_release(struct placement *p)
{
	free(p->bricks);
	memset(p, 0, sizeof(*p));
}
