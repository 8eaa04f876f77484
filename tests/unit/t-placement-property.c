/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random topologies and requests against an independent reading of the rules,
 * written here a second time and as plainly as possible, and against brute
 * force.  PLACEMENT_SEED=n repeats case n alone; PLACEMENT_CASES sets how many.
 */
#include <config.h>

#include <inttypes.h>

#include "tests/tap.h"
#include "tests/unit/placement-world.h"
#include "util/xalloc.h"

#define PLAN_SCOPE CLEANUP(placement_release) struct placement

#define NODES_MAX 6
#define DEVICES_MAX (NODES_MAX * 3)
#define SET_MAX 6

/* A case: the records as they are, and the topology made of them. */
struct world {
	struct topology *t;
	struct node *node[NODES_MAX];
	bool unhealthy[NODES_MAX];
	size_t nnodes;
	struct device *device[DEVICES_MAX];
	size_t on[DEVICES_MAX];		/* which node */
	size_t ndevices;

	struct placement_request r;
	uint32_t roles[SET_MAX];
	uint32_t arbiter_divisor;
	struct strs avoid;
};

static uint64_t state;

static uint64_t
rnd(uint64_t n)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (state >> 33) % n;
}

/* ---- making a case ---- */

static void
make_tags(struct kvs *tags)
{
	static const char *const arbiter[] = {
		"required", "disabled", "supported", "odd"
	};
	static const char *const tier[] = { "fast", "slow", "" };

	if (rnd(3) == 0)
		kvs_set(tags, "arbiter", arbiter[rnd(ARRAY_SIZE(arbiter))]);
	if (rnd(2) == 0)
		kvs_set(tags, "tier", tier[rnd(ARRAY_SIZE(tier))]);
}

static struct node *
make_node(unsigned number, unsigned zones)
{
	struct node *n = world_node(number, (int64_t)rnd(zones));

	make_tags(&n->tags);
	if (rnd(25) == 0)
		n->state = STATE_OFFLINE;
	if (rnd(40) == 0)
		id_new(n->pending);
	return n;
}

static struct device *
make_device(unsigned number, unsigned node)
{
	static const uint64_t extents[] = { 4 * MIB, 4 * MIB, MIB, 32 * MIB };
	struct device *d = world_device(number, node, (1 + rnd(60)) * GIB);

	make_tags(&d->tags);
	d->extent_bytes = extents[rnd(ARRAY_SIZE(extents))];
	d->used_bytes = rnd(3) == 0 ? rnd(d->total_bytes / KIB + 1) * KIB : 0;
	if (rnd(12) == 0)
		d->state = rnd(2) ? STATE_OFFLINE : STATE_FAILED;
	if (rnd(20) == 0)
		d->adding = true;
	return d;
}

static void
make_topology(struct world *w)
{
	unsigned zones = 1 + (unsigned)rnd(4);

	w->nnodes = 1 + rnd(NODES_MAX);
	for (unsigned n = 0; n < w->nnodes; n++) {
		w->node[n] = make_node(n, zones);
		w->unhealthy[n] = rnd(25) == 0;
		for (unsigned k = (unsigned)(rnd(3) + rnd(2)); k > 0; k--) {
			w->on[w->ndevices] = n;
			w->device[w->ndevices] =
				make_device((unsigned)w->ndevices, n);
			w->ndevices++;
		}
	}
}

static void
tell_topology(struct world *w)
{
	w->t = topology_new();
	for (size_t d = 0; d < w->ndevices; d++)
		topology_set_device(w->t, w->device[d]);
	for (size_t n = 0; n < w->nnodes; n++) {
		topology_set_node(w->t, w->node[n]);
		topology_set_healthy(w->t, w->node[n]->id, !w->unhealthy[n]);
	}
}

static enum err
arbiter_size(void *arg, uint32_t i, uint64_t data, uint64_t *ret,
	     struct error *e)
{
	const struct world *w = arg;

	*ret = data;
	if (w->roles[i] == BRICKYARD_ROLE_ARBITER)
		*ret = data / KIB / w->arbiter_divisor * KIB;
	return ERR_OK;
}

static void
make_rules(struct world *w)
{
	static const char *const rules[] = {
		"tier=fast", "tier!=fast", "tier!=slow", "none!=x"
	};

	w->r.strict_zones = rnd(3) == 0;
	if (rnd(4) == 0)
		w->r.tag_match = rules[rnd(ARRAY_SIZE(rules))];
	for (size_t d = 0; d < w->ndevices; d++)
		if (rnd(10) == 0)
			strs_add(&w->avoid, w->device[d]->id);
	if (w->avoid.n > 0)
		w->r.avoid = &w->avoid;
}

static void
make_request(struct world *w)
{
	uint32_t set = 1 + (uint32_t)rnd(1 + rnd(SET_MAX));

	w->r = world_request(GIB + rnd(1 + rnd(200)) * GIB + rnd(GIB), set);
	w->r.data_bricks = 1 + (uint32_t)rnd(set);
	w->r.snapshot_factor = rnd(3) == 0 ? 1 + (double)rnd(100) / 64 : 1;
	w->r.seed = rnd(UINT64_C(1) << 31);
	w->r.limits.brick_max_bytes = (8 + rnd(100)) * GIB;
	w->r.limits.max_bricks = 8 + (uint32_t)rnd(60);
	w->r.existing_bricks = (uint32_t)rnd(8);
	for (uint32_t i = 0; i < set; i++)
		w->roles[i] = BRICKYARD_ROLE_DATA;
	if (rnd(2) == 0) {
		w->roles[rnd(set)] = BRICKYARD_ROLE_ARBITER;
		w->arbiter_divisor = 2 + (uint32_t)rnd(100);
		w->r.brick_bytes = arbiter_size;
		w->r.arg = w;
	}
	w->r.roles = w->roles;
	make_rules(w);
}

static void
world_make(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	state = seed * UINT64_C(0x9e3779b97f4a7c15);
	make_topology(w);
	tell_topology(w);
	make_request(w);
}

static void
world_release(struct world *w)
{
	topology_free(w->t);
	for (size_t n = 0; n < w->nnodes; n++)
		record_unref(&w->node[n]->r);
	for (size_t d = 0; d < w->ndevices; d++)
		record_unref(&w->device[d]->r);
	strs_release(&w->avoid);
}

/* ---- the rules, once more ---- */

static const char *
tag_of(const struct world *w, size_t d, const char *key)
{
	const char *v = kvs_get(&w->device[d]->tags, key);

	if (v == NULL)
		v = kvs_get(&w->node[w->on[d]]->tags, key);
	return v != NULL ? v : "";
}

static bool
is_eligible(const struct world *w, size_t d)
{
	const struct node *n = w->node[w->on[d]];

	return n->state == STATE_ONLINE && n->pending[0] == '\0' &&
	       !n->adding && !w->unhealthy[w->on[d]] &&
	       w->device[d]->state == STATE_ONLINE && !w->device[d]->adding &&
	       w->device[d]->pending[0] == '\0';
}

static bool
has_arbiter(const struct world *w)
{
	for (uint32_t i = 0; i < w->r.bricks_per_set; i++)
		if (w->roles[i] == BRICKYARD_ROLE_ARBITER)
			return true;
	return false;
}

static bool
tags_allow(const struct world *w, size_t d, uint32_t brick)
{
	const char *arbiter = tag_of(w, d, "arbiter");
	const char *tier = tag_of(w, d, "tier");
	const char *rule = w->r.tag_match != NULL ? w->r.tag_match : "";
	bool for_arbiter = w->roles[brick] == BRICKYARD_ROLE_ARBITER;

	if (has_arbiter(w) &&
	    strcmp(arbiter, for_arbiter ? "disabled" : "required") == 0)
		return false;
	if (strcmp(rule, "tier=fast") == 0)
		return strcmp(tier, "fast") == 0;
	if (strcmp(rule, "tier!=fast") == 0)
		return strcmp(tier, "fast") != 0;
	if (strcmp(rule, "tier!=slow") == 0)
		return strcmp(tier, "slow") != 0;
	return true;
}

static uint64_t
size_of(const struct world *w, uint32_t brick, uint64_t sets)
{
	uint64_t kib = w->r.size_bytes / KIB / sets / w->r.data_bricks;

	if (w->roles[brick] == BRICKYARD_ROLE_ARBITER)
		kib /= w->arbiter_divisor;
	return kib * KIB;
}

static uint64_t
extents(uint64_t bytes, uint64_t extent)
{
	return (bytes + extent - 1) / extent * extent;
}

static uint64_t
needs(const struct world *w, size_t d, uint64_t brick_bytes)
{
	uint64_t extent = w->device[d]->extent_bytes;
	uint64_t pool = extents((uint64_t)((double)(brick_bytes / KIB) *
					   w->r.snapshot_factor) * KIB,
				extent);
	uint64_t meta = (uint64_t)((double)(pool / KIB) * 0.005) * KIB;

	return pool + extents(meta, extent);
}

static bool
allows(const struct world *w, size_t d, uint32_t brick, uint64_t sets,
       const uint64_t *used)
{
	uint64_t free_bytes = w->device[d]->total_bytes - used[d];

	return is_eligible(w, d) && tags_allow(w, d, brick) &&
	       !strs_has(&w->avoid, w->device[d]->id) &&
	       free_bytes > needs(w, d, size_of(w, brick, sets));
}

/* May two bricks of a set be there? */
static bool
apart(const struct world *w, size_t d, size_t e)
{
	if (w->r.strict_zones)
		return w->node[w->on[d]]->zone != w->node[w->on[e]]->zone;
	return w->on[d] != w->on[e];
}

/* Is there any way to place bricks from this one on in one set? */
static bool
brute_force(const struct world *w, const uint64_t *used, size_t *where,
	    uint32_t brick)
{
	if (brick == w->r.bricks_per_set)
		return true;
	for (size_t d = 0; d < w->ndevices; d++) {
		bool good = allows(w, d, brick, 1, used);

		for (uint32_t k = 0; k < brick && good; k++)
			good = apart(w, d, where[k]);
		where[brick] = d;
		if (good && brute_force(w, used, where, brick + 1))
			return true;
	}
	return false;
}

static bool
one_set_is_possible(const struct world *w)
{
	uint64_t used[DEVICES_MAX];
	size_t where[SET_MAX];
	uint64_t brick = w->r.size_bytes / KIB / w->r.data_bricks * KIB;

	for (size_t d = 0; d < w->ndevices; d++)
		used[d] = w->device[d]->used_bytes;
	return brick >= w->r.limits.brick_min_bytes &&
	       brick <= w->r.limits.brick_max_bytes &&
	       w->r.existing_bricks + w->r.bricks_per_set <=
		       w->r.limits.max_bricks &&
	       brute_force(w, used, where, 0);
}

/* ---- judging a plan: NULL, or what is wrong ---- */

static size_t
device_of(const struct world *w, const struct placement_brick *b)
{
	size_t d = 0;

	while (d < w->ndevices && strcmp(w->device[d]->id, b->device) != 0)
		d++;
	return d;
}

static const char *
judge_brick(const struct world *w, const struct placement_brick *b, size_t d,
	    uint32_t i, uint64_t sets, uint64_t *used)
{
	uint64_t takes;

	if (d == w->ndevices || strcmp(w->node[w->on[d]]->id, b->node) != 0)
		return "unknown device or not its node";
	if (b->role != w->roles[i] || b->size_bytes != size_of(w, i, sets))
		return "role or size";
	takes = b->thin_pool_bytes + b->metadata_bytes;
	if (takes != needs(w, d, b->size_bytes))
		return "sum of pool and metadata";
	if (!allows(w, d, i, sets, used))
		return "device not allowed, or too full";
	used[d] += takes;
	return NULL;
}

static const char *
judge_set(const struct world *w, const struct placement_brick *b,
	  uint64_t sets, uint64_t *used)
{
	size_t where[SET_MAX];

	for (uint32_t i = 0; i < w->r.bricks_per_set; i++) {
		const char *bad;

		where[i] = device_of(w, &b[i]);
		bad = judge_brick(w, &b[i], where[i], i, sets, used);
		if (bad != NULL)
			return bad;
		for (uint32_t k = 0; k < i; k++)
			if (!apart(w, where[i], where[k]))
				return "two bricks on a node or in a zone";
	}
	return NULL;
}

static const char *
judge(const struct world *w, const struct placement *p)
{
	uint64_t sets = p->nbricks / w->r.bricks_per_set;
	uint64_t used[DEVICES_MAX];
	uint64_t brick = w->r.size_bytes / KIB / (sets ? sets : 1) /
			 w->r.data_bricks * KIB;

	for (size_t d = 0; d < w->ndevices; d++)
		used[d] = w->device[d]->used_bytes;
	if (p->nbricks % w->r.bricks_per_set != 0 || sets == 0 ||
	    (sets & (sets - 1)) != 0)
		return "number of sets";
	if (brick < w->r.limits.brick_min_bytes ||
	    brick > w->r.limits.brick_max_bytes ||
	    p->nbricks + w->r.existing_bricks > w->r.limits.max_bricks)
		return "limits";
	for (uint64_t s = 0; s < sets; s++) {
		const char *bad = judge_set(w, &p->bricks[s *
					    w->r.bricks_per_set], sets, used);

		if (bad != NULL)
			return bad;
	}
	return NULL;
}

static bool
same_plan(const struct placement *a, const struct placement *b)
{
	if (a->nbricks != b->nbricks)
		return false;
	for (size_t i = 0; i < a->nbricks; i++)
		if (strcmp(a->bricks[i].device, b->bricks[i].device) != 0 ||
		    a->bricks[i].size_bytes != b->bricks[i].size_bytes)
			return false;
	return true;
}

static enum err
plan(const struct world *w, struct placement *p, struct strs *reasons)
{
	return placement_plan(world_cluster(w->t), &w->r, p, reasons, NULL);
}

/* Plan again, in the same topology and in an equal one elsewhere in memory. */
static const char *
judge_purity(struct world *w, enum err e, const struct placement *p)
{
	struct topology *was = w->t;
	PLAN_SCOPE again = { 0 };
	PLAN_SCOPE elsewhere = { 0 };
	enum err e2 = plan(w, &again, NULL), e3;

	tell_topology(w);
	e3 = plan(w, &elsewhere, NULL);
	topology_free(was);
	if (e2 != e || e3 != e || !same_plan(p, &again) ||
	    !same_plan(p, &elsewhere))
		return "not the same plan for the same seed";
	return NULL;
}

static struct {
	int placed, several_sets, refused;
} seen;

static const char *
run_case(uint64_t seed)
{
	CLEANUP(world_release) struct world w;
	CLEANUP(strs_release) struct strs reasons = { 0 };
	PLAN_SCOPE p = { 0 };
	const char *bad = NULL;
	bool one;
	enum err e;

	world_make(&w, seed);
	one = one_set_is_possible(&w);
	e = plan(&w, &p, &reasons);
	if (e == ERR_OK) {
		bad = judge(&w, &p);
		seen.placed++;
		seen.several_sets += p.nbricks > w.r.bricks_per_set;
		if (bad == NULL && one != (p.nbricks == w.r.bricks_per_set))
			bad = "one set is possible, or not, and the plan errs";
		if (bad == NULL && reasons.n > 0)
			bad = "reasons for a success";
	} else {
		seen.refused++;
		if (one)
			bad = "there was a way to place it";
		if (reasons.n != 0 && reasons.n != w.ndevices)
			bad = "a reason for some devices only";
	}
	return bad != NULL ? bad : judge_purity(&w, e, &p);
}

static void
test_cases(void)
{
	const char *only = getenv("PLACEMENT_SEED");
	const char *cases = getenv("PLACEMENT_CASES");
	uint64_t first = only != NULL ? strtoull(only, NULL, 0) : 1;
	uint64_t n = cases != NULL ? strtoull(cases, NULL, 0) : 10000;
	const char *bad = NULL;
	uint64_t seed = first;

	if (only != NULL && cases == NULL)
		n = 1;
	for (; seed < first + n && bad == NULL; seed++)
		bad = run_case(seed);
	ok(bad == NULL, "%" PRIu64 " random requests: by the rules, pure, and "
	   "placed whenever brute force can", seed - first);
	if (bad != NULL)
		printf("#  PLACEMENT_SEED=%" PRIu64 ": %s\n", seed - 1, bad);
	printf("# %d placed, %d of them in several sets, %d refused\n",
	       seen.placed, seen.several_sets, seen.refused);
	ok(n < 1000 || (seen.placed > 300 && seen.refused > 300 &&
			seen.several_sets > 100),
	   "and the cases were not all alike");
}

/* ---- many volumes come and go ---- */

#define LIVE_MAX 40

struct churn {
	struct topology *t;
	struct placement live[LIVE_MAX];
	size_t nlive;
	int created, failed;
};

static void
churn_create(struct churn *c)
{
	struct placement_request r =
		world_request((1 + rnd(300)) * GIB, 1 + (uint32_t)rnd(4));
	struct placement p = { 0 };

	r.seed = rnd(1000000);
	r.snapshot_factor = 1 + (double)rnd(3) / 2;
	if (placement_plan(world_cluster(c->t), &r, &p, NULL, NULL) !=
	    ERR_OK) {
		c->failed++;
		return;
	}
	world_apply(c->t, &p, true);
	c->live[c->nlive++] = p;
	c->created++;
}

static void
churn_delete(struct churn *c)
{
	size_t i = rnd(c->nlive);

	world_apply(c->t, &c->live[i], false);
	placement_release(&c->live[i]);
	c->live[i] = c->live[--c->nlive];
}

/* Sum of used_bytes, or UINT64_MAX when a device is overfull. */
static uint64_t
used_in_all(const struct topology *t)
{
	const struct topology_cluster *c = world_cluster(t);
	uint64_t sum = 0;

	for (size_t i = 0; i < c->nodes.n; i++)
		for (size_t j = 0; j < c->nodes.v[i]->devices.n; j++) {
			const struct device *d =
				c->nodes.v[i]->devices.v[j]->device;

			if (d->used_bytes >= d->total_bytes)
				return UINT64_MAX;
			sum += d->used_bytes;
		}
	return sum;
}

static void
test_churn(void)
{
	WORLD_SCOPE *t = world_new(6, 3, 2, 500 * GIB);
	struct churn c = { .t = t };
	bool overfull = false;

	state = 42;
	for (int step = 0; step < 2000; step++) {
		if (c.nlive == LIVE_MAX || (c.nlive > 0 && rnd(5) < 2))
			churn_delete(&c);
		else
			churn_create(&c);
		overfull |= used_in_all(t) == UINT64_MAX;
	}
	ok(!overfull, "%d volumes come and go: no device is overfull",
	   c.created);
	ok(c.failed > 50 && c.created > 500, "though at times all were full");
	while (c.nlive > 0)
		churn_delete(&c);
	is_int(used_in_all(t), 0, "and in the end all is given back");
}

int
main(void)
{
	test_cases();
	test_churn();
	return tap_done();
}
