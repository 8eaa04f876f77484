/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another device for one brick of a set that stays where it is otherwise.
 *
 * Bricks are replaced seldom, so all devices are looked at.  Of those that keep
 * the rules a few are drawn, and the one that stays the emptiest is taken:
 * planners that run at the same time seldom meet, and space stays balanced.
 * Zones that the rest of the set does not use are preferred.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "placement-rule.h"
#include "util/xalloc.h"

#define CHOICES 6

struct candidate {
	const struct topology_device *device;
	double left;			/* the part of it that stays free */
	bool fresh;			/* in a zone of its own */
};

struct replacing {
	struct attempt a;
	const struct placement_replacement *what;
	struct { const struct topology_node **v; size_t n, cap; } peers;
	struct { struct candidate *v; size_t n, cap; } found;
};

static void
replacing_release(struct replacing *r)
{
	attempt_release(&r->a);
	free(r->peers.v);
	free(r->found.v);
}

/* A node that is not there any more is in nobody's way. */
static void
find_peers(struct replacing *r)
{
	const struct topology_nodes *nodes = &r->a.cluster->nodes;

	for (size_t i = 0; i < nodes->n; i++)
		for (size_t k = 0; k < r->what->nnodes; k++)
			if (strcmp(nodes->v[i]->id, r->what->nodes[k]) == 0) {
				*VEC_PUSH(&r->peers) = nodes->v[i];
				break;
			}
}

static bool
is_on_peer(const struct replacing *r, const struct topology_device *d)
{
	for (size_t i = 0; i < r->peers.n; i++)
		if (r->peers.v[i] == d->on)
			return true;
	return false;
}

static bool
is_fresh(const struct replacing *r, const struct topology_device *d)
{
	for (size_t i = 0; i < r->peers.n; i++)
		if (r->peers.v[i]->zone == d->on->zone)
			return false;
	return true;
}

static void
consider(struct replacing *r, const struct topology_device *d)
{
	struct candidate c = { .device = d, .fresh = is_fresh(r, d) };

	if (!d->eligible || is_on_peer(r, d) ||
	    (r->a.request->strict_zones && !c.fresh) ||
	    attempt_refusal(&r->a, r->what->index, d, &c.left) != REFUSAL_NONE)
		return;
	*VEC_PUSH(&r->found) = c;
}

static void
consider_all(struct replacing *r)
{
	const struct topology_nodes *nodes = &r->a.cluster->nodes;

	for (size_t i = 0; i < nodes->n; i++)
		for (size_t k = 0; k < nodes->v[i]->devices.n; k++)
			consider(r, nodes->v[i]->devices.v[k]);
}

/* Does a device that takes nothing but arbiters go before one that also takes
 * data?  As for new sets.
 */
static double
score(const struct replacing *r, const struct candidate *c)
{
	bool special = r->a.has_arbiter &&
		       c->device->arbiter == ARBITER_REQUIRED;

	return c->left + (c->fresh ? 1 : 0) + (special ? 2 : 0);
}

static size_t
count_score(const struct replacing *r, double least)
{
	size_t n = 0;

	for (size_t i = 0; i < r->found.n; i++)
		n += score(r, &r->found.v[i]) >= least;
	return n;
}

/* Of the best kind there is (special, in a fresh zone, any), CHOICES at random,
 * of which the emptiest.
 */
static const struct topology_device *
choose(struct replacing *r)
{
	const struct candidate *best = NULL;
	uint64_t state = r->a.rng * UINT64_C(6364136223846793005) + 1;
	size_t n = 0, tries = 0;
	double least = 3;

	while (n == 0)
		n = count_score(r, least--);
	least++;
	while (tries < CHOICES || best == NULL) {
		const struct candidate *c;

		state = state * UINT64_C(6364136223846793005) +
			UINT64_C(1442695040888963407);
		c = &r->found.v[(state >> 33) % r->found.n];
		if (score(r, c) < least)
			continue;
		tries++;
		if (best == NULL || score(r, c) > score(r, best))
			best = c;
	}
	return best->device;
}

static void
give(struct replacing *r, const struct topology_device *d,
     struct placement_brick *ret)
{
	uint32_t i = r->what->index;
	struct need need = attempt_need(&r->a, i, d->device->extent_bytes);

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->device, d->id, sizeof(ret->device));
	memcpy(ret->node, d->on->id, sizeof(ret->node));
	ret->size_bytes = r->what->size_bytes;
	ret->thin_pool_bytes = need.pool_bytes;
	ret->metadata_bytes = need.metadata_bytes;
	ret->role = attempt_role(&r->a, i);
}

static enum err
search(struct replacing *r, struct placement_brick *ret, struct error *err)
{
	enum err e = attempt_check_cluster(r->a.cluster, err);

	if (e != ERR_OK)
		return e;
	for (uint32_t i = 0; i < r->a.request->bricks_per_set; i++)
		r->a.brick_bytes[i] = r->what->size_bytes;
	r->a.failed_brick = r->what->index;
	r->a.replaced = r->what->device;
	find_peers(r);
	consider_all(r);
	if (r->found.n == 0)
		return fail(err, ERR_NOSPACE, "No space");
	give(r, choose(r), ret);
	return ERR_OK;
}

enum err
placement_replace(const struct topology_cluster *c,
		  const struct placement_request *req,
		  const struct placement_replacement *what,
		  struct placement_brick *ret, struct strs *reasons,
		  struct error *err)
{
	CLEANUP(replacing_release) struct replacing r = { .what = what };
	enum err e = attempt_init(&r.a, c, req, err);

	if (e == ERR_OK && what->index >= req->bricks_per_set)
		e = fail(err, ERR_INTERNAL, "placement: brick %u of a set of "
			 "%u", what->index, req->bricks_per_set);
	if (e == ERR_OK)
		e = search(&r, ret, err);
	if (e != ERR_OK && reasons != NULL && c != NULL)
		attempt_reasons(&r.a, reasons);
	return e;
}
