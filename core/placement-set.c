/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Placing one brick set: bricks on distinct nodes, or distinct zones.
 *
 * First brick by brick from a random draw: devices come up in proportion to
 * their free space; of a handful that keep the rules the one that stays the
 * emptiest is taken.  That balances almost as well as looking at all devices
 * (the power of several choices), costs the same in a cluster of any size, and
 * planners that run at the same time seldom meet on a device.
 *
 * The draw may miss, or paint itself into a corner.  Then a complete search
 * looks at all devices: the best one of each node (zone) for each kind of
 * brick, and a maximum bipartite matching of bricks with nodes (zones).  It
 * fails only when the set can't be placed.
 *
 * Zones that the set does not use yet are preferred when they needn't be
 * distinct, for what heketi's interleaved ring gives: replicas that survive a
 * zone.  Arbiter bricks prefer devices that take nothing else.
 */
#include <config.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "placement-set.h"
#include "util/xalloc.h"

#define DRAW_CHOICES 6		/* devices to choose among */
#define DRAW_TRIES 24		/* draws to find them */

/* Devices chosen for the bricks of the set so far; NULL: not yet. */
struct set {
	const struct topology_device *of[PLACEMENT_SET_MAX];
	uint32_t order[PLACEMENT_SET_MAX];	/* of choosing */
	uint32_t nchosen;
};

static uint64_t
random_u64(struct attempt *a)
{
	uint64_t z = (a->rng += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Arbiters first: they have the fewest places to go. */
static void
set_init(struct set *s, const struct attempt *a)
{
	uint32_t n = a->request->bricks_per_set, k = 0;

	memset(s, 0, sizeof(*s));
	for (uint32_t i = 0; i < n; i++)
		if (attempt_role(a, i) == BRICKYARD_ROLE_ARBITER)
			s->order[k++] = i;
	for (uint32_t i = 0; i < n; i++)
		if (attempt_role(a, i) != BRICKYARD_ROLE_ARBITER)
			s->order[k++] = i;
}

/* ---- the draw ---- */

/* The classes of some pools that are large enough to bother. */
struct urn {
	const struct topology_cluster *cluster;
	unsigned pools;
	uint64_t classes;	/* bits */
	uint64_t weight;	/* of all: a device of class c weighs 2^c */
};

/* No device of a lower class has room for the brick: it needs the least with
 * the smallest extents.
 */
static unsigned
brick_class(const struct attempt *a, uint32_t brick)
{
	return topology_class(attempt_need(a, brick, 1024).total_bytes);
}

static void
urn_init(struct urn *u, const struct attempt *a, uint32_t brick,
	 unsigned pools)
{
	u->cluster = a->cluster;
	u->pools = pools;
	u->classes = ~UINT64_C(0) << brick_class(a, brick);
	u->weight = 0;
	for (unsigned p = 0; p < ARBITER_TAGS; p++) {
		const struct topology_pool *pool = &a->cluster->pools[p];
		uint64_t bits = (pools & 1u << p) ?
					pool->filled & u->classes : 0;

		for (; bits != 0; bits &= bits - 1) {
			unsigned c = (unsigned)__builtin_ctzll(bits);

			u->weight += (uint64_t)pool->class[c].n << c;
		}
	}
}

static const struct topology_device *
urn_draw(const struct urn *u, struct attempt *a)
{
	uint64_t x = random_u64(a) % u->weight;

	for (unsigned p = 0; p < ARBITER_TAGS; p++) {
		const struct topology_pool *pool = &u->cluster->pools[p];
		uint64_t bits = (u->pools & 1u << p) ?
					pool->filled & u->classes : 0;

		for (; bits != 0; bits &= bits - 1) {
			unsigned c = (unsigned)__builtin_ctzll(bits);
			uint64_t weight = (uint64_t)pool->class[c].n << c;

			if (x < weight)
				return pool->class[c].v[x >> c];
			x -= weight;
		}
	}
	abort();	/* the weights add up to more than x */
}

static bool
node_is_used(const struct set *s, const struct topology_device *d)
{
	for (uint32_t k = 0; k < s->nchosen; k++)
		if (s->of[s->order[k]]->on == d->on)
			return true;
	return false;
}

static bool
zone_is_used(const struct set *s, const struct topology_device *d)
{
	for (uint32_t k = 0; k < s->nchosen; k++)
		if (s->of[s->order[k]]->on->zone == d->on->zone)
			return true;
	return false;
}

/* The best of a few random devices of these pools for a brick; NULL: none of
 * them will do.
 */
static const struct topology_device *
draw_from(struct attempt *a, const struct set *s, uint32_t brick,
	  unsigned pools)
{
	const struct topology_device *best = NULL;
	/* Is there a zone to be found that the set does not use? */
	bool spread = a->cluster->live_zones > s->nchosen;
	double best_left = -1;
	struct urn urn;

	urn_init(&urn, a, brick, pools);
	if (urn.weight == 0)
		return NULL;
	for (int tries = 0, found = 0;
	     tries < DRAW_TRIES && found < DRAW_CHOICES; tries++) {
		const struct topology_device *d = urn_draw(&urn, a);
		bool fresh = spread && !zone_is_used(s, d);
		double left;

		if (node_is_used(s, d) ||
		    (a->request->strict_zones && !fresh) ||
		    attempt_refusal(a, brick, d, &left) != REFUSAL_NONE)
			continue;
		found += fresh == spread;
		left += fresh;		/* more than any free space */
		if (left > best_left) {
			best_left = left;
			best = d;
		}
	}
	return best;
}

static const struct topology_device *
draw(struct attempt *a, const struct set *s, uint32_t brick)
{
	unsigned pools = attempt_pools(a, brick);
	unsigned special = 1u << ARBITER_REQUIRED;
	const struct topology_device *d = NULL;

	if (a->has_arbiter && (pools & special) != 0)
		d = draw_from(a, s, brick, special);
	if (d == NULL)
		d = draw_from(a, s, brick, pools);
	return d;
}

static bool
set_draw(struct attempt *a, struct set *s)
{
	while (s->nchosen < a->request->bricks_per_set) {
		uint32_t brick = s->order[s->nchosen];

		s->of[brick] = draw(a, s, brick);
		if (s->of[brick] == NULL)
			return false;
		s->nchosen++;
	}
	return true;
}

/* ---- the complete search ---- */

struct candidate {
	const struct topology_device *device;	/* NULL: none here */
	double score;
	size_t group;
	size_t seen;		/* when: decides between equals */
};

/* Bricks of a set that differ neither in role nor in size are of one kind.
 * Groups are nodes or zones, numbered as in the cluster.
 */
struct search {
	struct attempt *attempt;
	bool by_zone;
	size_t ngroups;
	unsigned nkinds;
	unsigned kind_of[PLACEMENT_SET_MAX];	/* brick */
	uint32_t example[PLACEMENT_SET_MAX];	/* a brick of the kind */
	/* For each kind: the best device of every group; then sorted, the best
	 * first, and cut to those that have one.
	 */
	struct candidate *rows;
	size_t row_len[PLACEMENT_SET_MAX];
	int *holder;		/* the brick that has the group, or -1 */
	bool *visited;		/* group, in this augmentation */
	const struct candidate *chosen[PLACEMENT_SET_MAX];
};

static void
search_release(struct search *s)
{
	free(s->rows);
	free(s->holder);
	free(s->visited);
}

static void
search_kinds(struct search *s)
{
	const struct attempt *a = s->attempt;

	for (uint32_t i = 0; i < a->request->bricks_per_set; i++) {
		unsigned k = 0;

		for (; k < s->nkinds; k++) {
			uint32_t e = s->example[k];

			if (a->brick_bytes[e] == a->brick_bytes[i] &&
			    attempt_role(a, e) == attempt_role(a, i))
				break;
		}
		if (k == s->nkinds)
			s->example[s->nkinds++] = i;
		s->kind_of[i] = k;
	}
}

static void
search_init(struct search *s, struct attempt *a, bool by_zone)
{
	const struct topology_cluster *c = a->cluster;

	memset(s, 0, sizeof(*s));
	s->attempt = a;
	s->by_zone = by_zone;
	s->ngroups = by_zone ? c->zones.n : c->nodes.n;
	search_kinds(s);
	s->rows = xcalloc(s->nkinds * s->ngroups, sizeof(*s->rows));
	s->visited = xcalloc(s->ngroups, sizeof(*s->visited));
	s->holder = xcalloc(s->ngroups, sizeof(*s->holder));
	for (size_t g = 0; g < s->ngroups; g++)
		s->holder[g] = -1;
}

/* Is it the best of its group for some kind of brick? */
static void
consider(struct search *s, const struct topology_device *d, size_t seen)
{
	const struct attempt *a = s->attempt;
	size_t group = s->by_zone ? d->on->zone->at : d->on->at;

	for (unsigned k = 0; k < s->nkinds; k++) {
		struct candidate *best = &s->rows[k * s->ngroups + group];
		double score;

		if (attempt_refusal(a, s->example[k], d, &score) !=
		    REFUSAL_NONE)
			continue;
		/* Only an arbiter may be here; it counts more than space. */
		if (a->has_arbiter && d->arbiter == ARBITER_REQUIRED)
			score += 1;
		if (best->device == NULL || score > best->score)
			*best = (struct candidate){ d, score, group, seen };
	}
}

/* The lowest class where some brick may fit: a full cluster is not walked. */
static unsigned
least_class(const struct search *s)
{
	unsigned least = TOPOLOGY_CLASSES - 1;

	for (unsigned k = 0; k < s->nkinds; k++) {
		unsigned c = brick_class(s->attempt, s->example[k]);

		least = c < least ? c : least;
	}
	return least;
}

/* From a random device of each class on, lest planners that run at the same
 * time agree on one among equals.
 */
static void
consider_all(struct search *s)
{
	uint64_t start = random_u64(s->attempt);
	unsigned least = least_class(s);
	size_t seen = 0;

	for (unsigned p = 0; p < ARBITER_TAGS; p++) {
		const struct topology_pool *pool =
			&s->attempt->cluster->pools[p];

		for (unsigned c = least; c < TOPOLOGY_CLASSES; c++) {
			const struct topology_devices *class = &pool->class[c];
			size_t n = class->n;

			for (size_t i = 0; i < n; i++)
				consider(s, class->v[(start % n + i) % n],
					 seen++);
		}
	}
}

static int
by_score(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;

	if ((a->device == NULL) != (b->device == NULL))
		return a->device == NULL ? 1 : -1;
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	return (a->seen > b->seen) - (a->seen < b->seen);
}

static void
sort_rows(struct search *s)
{
	for (unsigned k = 0; k < s->nkinds; k++) {
		struct candidate *row = &s->rows[k * s->ngroups];

		qsort(row, s->ngroups, sizeof(*row), by_score);
		while (s->row_len[k] < s->ngroups &&
		       row[s->row_len[k]].device != NULL)
			s->row_len[k]++;
	}
}

/* Give a brick a group: a free one, or one whose holder can move elsewhere. */
static bool
augment(struct search *s, uint32_t brick)
{
	unsigned k = s->kind_of[brick];
	const struct candidate *row = &s->rows[k * s->ngroups];
	const struct candidate *end = row + s->row_len[k];
	const struct candidate *c;

	for (c = row; c < end; c++)
		if (s->holder[c->group] < 0)
			break;
	if (c == end)
		for (c = row; c < end; c++) {
			if (s->visited[c->group])
				continue;
			s->visited[c->group] = true;
			if (augment(s, (uint32_t)s->holder[c->group]))
				break;
		}
	if (c == end)
		return false;
	s->holder[c->group] = (int)brick;
	s->chosen[brick] = c;
	return true;
}

static bool
search_run(struct attempt *a, struct set *set, bool by_zone)
{
	CLEANUP(search_release) struct search s;
	uint32_t n = a->request->bricks_per_set;

	search_init(&s, a, by_zone);
	consider_all(&s);
	sort_rows(&s);
	for (uint32_t i = 0; i < n; i++) {
		memset(s.visited, 0, s.ngroups * sizeof(*s.visited));
		if (!augment(&s, set->order[i])) {
			a->failed_brick = set->order[i];
			return false;
		}
	}
	for (uint32_t i = 0; i < n; i++)
		set->of[i] = s.chosen[i]->device;
	set->nchosen = n;
	return true;
}

static bool
set_search(struct attempt *a, struct set *s)
{
	if (a->request->strict_zones)
		return search_run(a, s, true);
	if (a->cluster->live_zones >= a->request->bricks_per_set &&
	    search_run(a, s, true))
		return true;
	return search_run(a, s, false);
}

/* ---- one set ---- */

static void
add_brick(struct attempt *a, uint32_t i, const struct topology_device *d)
{
	struct need need = attempt_need(a, i, d->device->extent_bytes);
	struct placement_brick *b = VEC_PUSH(&a->bricks);

	memcpy(b->device, d->id, sizeof(b->device));
	memcpy(b->node, d->on->id, sizeof(b->node));
	b->size_bytes = a->brick_bytes[i];
	b->thin_pool_bytes = need.pool_bytes;
	b->metadata_bytes = need.metadata_bytes;
	b->role = attempt_role(a, i);
	attempt_take(a, d, need.total_bytes);
}

bool
attempt_add_set(struct attempt *a)
{
	struct set s;

	assert(a->request->bricks_per_set <= PLACEMENT_SET_MAX);
	set_init(&s, a);
	if (!set_draw(a, &s) && !set_search(a, &s))
		return false;
	for (uint32_t i = 0; i < a->request->bricks_per_set; i++)
		add_brick(a, i, s.of[i]);
	return true;
}
