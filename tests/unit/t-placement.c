/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Placement against the numbers and rules of heketi (heketi-behaviour 3), and
 * what it does better: balance.
 */
#include <config.h>

#include <inttypes.h>
#include <math.h>

#include "tests/tap.h"
#include "tests/unit/placement-world.h"
#include "util/xalloc.h"

#define MIN_TEXT "Minimum brick size limit reached.  Out of space."
#define MAX_TEXT "Maximum number of bricks reached."

#define PLAN_SCOPE CLEANUP(placement_release) struct placement
#define STRS_SCOPE CLEANUP(strs_release) struct strs

static struct error err;

/* What a brick of so many KiB takes with 4 MiB extents, by hand. */
static uint64_t
taken_by(uint64_t kib)
{
	uint64_t pool = (kib + 4095) / 4096 * 4096;
	uint64_t meta = pool * 5 / 1000;

	return (pool + (meta + 4095) / 4096 * 4096) * KIB;
}

static enum err
plan(const struct topology *t, const struct placement_request *r,
     struct placement *p, struct strs *reasons)
{
	err = (struct error){ .code = ERR_OK };
	return placement_plan(world_cluster(t), r, p, reasons, &err);
}

/* Does it work out? */
static bool
fits(const struct topology *t, const struct placement_request *r)
{
	PLAN_SCOPE p = { 0 };

	return plan(t, r, &p, NULL) == ERR_OK;
}

static bool
on_node(const struct placement_brick *b, unsigned node)
{
	char id[ID_SIZE];

	world_id('a', node, id);
	return strcmp(b->node, id) == 0;
}

static bool
on_device(const struct placement_brick *b, unsigned device)
{
	char id[ID_SIZE];

	world_id('d', device, id);
	return strcmp(b->device, id) == 0;
}

/* The reason given for a device; NULL: none. */
static const char *
reason_of(const struct strs *reasons, unsigned device)
{
	char id[ID_SIZE];

	world_id('d', device, id);
	for (size_t i = 0; i < reasons->n; i++)
		if (strstr(reasons->v[i], id) != NULL)
			return reasons->v[i];
	return NULL;
}

/* A copy of what is there, to be changed and put back. */
static struct device *
edit_device(struct topology *t, unsigned n)
{
	char id[ID_SIZE];

	world_id('d', n, id);
	return device_copy(world_find(t, id));
}

static struct node *
edit_node(struct topology *t, unsigned n)
{
	const struct topology_cluster *c = world_cluster(t);
	char id[ID_SIZE];

	world_id('a', n, id);
	for (size_t i = 0; i < c->nodes.n; i++)
		if (strcmp(c->nodes.v[i]->id, id) == 0)
			return node_copy(c->nodes.v[i]->node);
	abort();
}

static void
tag_device(struct topology *t, unsigned n, const char *key, const char *value)
{
	struct device *d = edit_device(t, n);

	kvs_set(&d->tags, key, value);
	world_put_device(t, d);
}

static void
tag_node(struct topology *t, unsigned n, const char *key, const char *value)
{
	struct node *node = edit_node(t, n);

	kvs_set(&node->tags, key, value);
	world_put_node(t, node);
}

static void
use_device(struct topology *t, unsigned n, uint64_t used_bytes)
{
	struct device *d = edit_device(t, n);

	d->used_bytes = used_bytes;
	world_put_device(t, d);
}

/* ---- thin pools ---- */

static void
test_pool_sizes(void)
{
	static const struct {
		const char *what;
		uint64_t brick;
		double factor;
		uint64_t extent, pool, metadata;
	} cases[] = {
		{ "100 GiB", 100 * GIB, 1, 4 * MIB, 100 * GIB, 512 * MIB },
		{ "100 GiB, factor 1.5", 100 * GIB, 1.5, 4 * MIB, 150 * GIB,
		  768 * MIB },
		{ "1 GiB and 1 KiB: up to an extent", GIB + KIB, 1, 4 * MIB,
		  GIB + 4 * MIB, 8 * MIB },
		{ "1 GiB, factor 1.3: cut, then up", GIB, 1.3, 4 * MIB,
		  333 * 4 * MIB, 8 * MIB },
		{ "1 GiB, 64 MiB extents", GIB, 1, 64 * MIB, GIB, 64 * MIB },
		{ "3200 GiB: 16 GiB of metadata", 3200 * GIB, 1, 4 * MIB,
		  3200 * GIB, 16 * GIB },
		{ "4 TiB: no more metadata than that", 4 * TIB, 1, 4 * MIB,
		  4 * TIB, 16 * GIB },
		{ "4 TiB, factor 100", 4 * TIB, 100, 4 * MIB, 400 * TIB,
		  16 * GIB },
		{ "3 TiB, 3 GiB extents: the cap goes up to one", 3 * TIB * 2,
		  1, 3 * GIB, 6 * TIB, 18 * GIB },
		{ "16 MiB arbiter", 16 * MIB, 1, 4 * MIB, 16 * MIB, 4 * MIB },
		{ "100 KiB, 1 KiB extents", 100 * KIB, 1, KIB, 100 * KIB, 0 },
		{ "unknown extents are 4 MiB", KIB, 1, 0, 4 * MIB, 4 * MIB },
		{ "no factor", GIB, 0, 4 * MIB, GIB, 8 * MIB },
		{ "factor not a number", GIB, NAN, 4 * MIB, GIB, 8 * MIB },
		{ "2^64 bytes", UINT64_MAX, 100, 4 * MIB, UINT64_MAX,
		  16 * GIB },
		{ "infinite factor", GIB, INFINITY, 4 * MIB, UINT64_MAX,
		  16 * GIB },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t pool, metadata;

		placement_pool_bytes(cases[i].brick, cases[i].factor,
				     cases[i].extent, &pool, &metadata);
		is_int(pool, cases[i].pool, "pool of %s", cases[i].what);
		is_int(metadata, cases[i].metadata, "metadata of %s",
		       cases[i].what);
	}
}

/* ---- tag rules ---- */

static void
test_tag_rules(void)
{
	static const char *const good[] = {
		"a=b", "a!=b", "tier=SSD", "a.b=c_d", "a==b", "a=b=c", "a!=b=c",
		"x/y:z=1", "a=b!=c", "[]=\\", "==="
	};
	static const char *const bad[] = {
		"", "a", "=", "a=", "=b", "!=b", "a!=", "a!b", "a-b=c", "a=b c",
		"a=b\n", "a!=b!=c", "a=b!", "a!!=b", "==", "ä=b", "a=b-c"
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ok(placement_tag_rule_is_valid(good[i]), "rule '%s'", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ok(!placement_tag_rule_is_valid(bad[i]),
		   "no rule: number %zu", i);
}

/* Node 1 has fast disks by its own tag, but for device 102. */
static void
test_tag_match(void)
{
	static const struct {
		const char *rule, *where;
	} cases[] = {
		{ "tier=fast", "101" }, { "tier=slow", "102" },
		{ "tier!=fast", "102 201 202" },
		{ "tier!=slow", "101 201 202" },
		{ "none!=x", "101 102 201 202" }, { "a==b", "202" },
		{ "tier=none", "" },
	};
	WORLD_SCOPE *t = world_new(2, 2, 1, TIB);

	tag_node(t, 1, "tier", "fast");
	tag_device(t, 102, "tier", "slow");
	tag_device(t, 202, "a=", "b");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct placement_request r = world_request(GIB, 1);
		char seen[40] = "", *end = seen;

		r.tag_match = cases[i].rule;
		for (unsigned d = 101; d <= 202; d++) {
			bool hit = false;

			for (r.seed = 0; r.seed < 64 && !hit; r.seed++) {
				PLAN_SCOPE p = { 0 };

				hit = plan(t, &r, &p, NULL) == ERR_OK &&
				      on_device(p.bricks, d);
			}
			if (hit)
				end += sprintf(end, "%s%u",
					       end > seen ? " " : "", d);
		}
		is_str(seen, cases[i].where, "devices of %s", cases[i].rule);
	}
}

static void
test_bad_tag_rule(void)
{
	WORLD_SCOPE *t = world_new(1, 1, 1, TIB);
	struct placement_request r = world_request(GIB, 1);
	PLAN_SCOPE p = { 0 };

	r.tag_match = "a-b";
	is_int(plan(t, &r, &p, NULL), ERR_REFUSED, "a bad rule is refused");
	is_str(err.text, "Invalid tag matching rule: "
	       "Invalid tag match rule: a-b", "with heketi's words");
}

/* ---- sizes ---- */

static void
test_100_tib(void)
{
	WORLD_SCOPE *t = world_new(3, 32, 3, 3300 * GIB);
	struct placement_request r = world_request(100 * TIB, 3);
	PLAN_SCOPE p = { 0 };
	bool same = true;

	is_int(plan(t, &r, &p, NULL), ERR_NOSPACE, "100 TiB in 32 bricks");
	is_str(err.text, MAX_TEXT, "are too many bricks");
	r.limits.max_bricks = 96;
	is_int(plan(t, &r, &p, NULL), ERR_OK, "in 96 it goes");
	is_int(p.nbricks, 96, "as 32 sets of 3 on the first attempt");
	for (size_t i = 0; i < p.nbricks; i++)
		same &= p.bricks[i].size_bytes == 3200 * GIB &&
			p.bricks[i].metadata_bytes == 16 * GIB;
	ok(same, "of 3200 GiB each");
	placement_release(&p);
	r.existing_bricks = 1;
	is_int(plan(t, &r, &p, NULL), ERR_NOSPACE, "existing bricks count");
	is_str(err.text, MAX_TEXT, "against the limit");
}

struct spy {
	char seen[200];
};

static enum err
spy_size(void *arg, uint32_t i, uint64_t data, uint64_t *ret,
	 struct error *e)
{
	struct spy *spy = arg;
	size_t len = strlen(spy->seen);

	if (i == 0)
		snprintf(spy->seen + len, sizeof(spy->seen) - len, "%g ",
			 (double)data / (double)GIB);
	*ret = data;
	return ERR_OK;
}

static void
test_100_gib_sequence(void)
{
	WORLD_SCOPE *t = world_new(3, 1, 1, GIB);
	struct placement_request r = world_request(100 * GIB, 3);
	struct spy spy = { "" };
	PLAN_SCOPE p = { 0 };

	r.brick_bytes = spy_size;
	r.arg = &spy;
	r.limits.max_bricks = 1000;
	is_int(plan(t, &r, &p, NULL), ERR_NOSPACE, "no room for 100 GiB");
	is_str(err.text, MIN_TEXT, "ends at the smallest brick");
	is_str(spy.seen, "100 50 25 12.5 6.25 3.125 1.5625 ",
	       "after these sizes");
}

static void
test_each_attempt_can_win(void)
{
	for (unsigned k = 0; k <= 6; k++) {
		uint64_t kib = 100 * GIB / KIB >> k;
		WORLD_SCOPE *t = world_new(3, 64, 1, taken_by(kib) + KIB);
		struct placement_request r = world_request(100 * GIB, 3);
		PLAN_SCOPE p = { 0 };

		r.limits.max_bricks = 192;
		is_int(plan(t, &r, &p, NULL), ERR_OK,
		       "devices of %g GiB do", (double)kib / (double)MIB);
		is_int(p.nbricks, 3u << k, "in %u sets", 1u << k);
		is_int(p.bricks[0].size_bytes, kib * KIB, "of that size");
	}
}

static void
test_sizes_table(void)
{
	static const struct {
		const char *what;
		uint64_t size;
		uint32_t set, data, limit, existing;
		const char *text;	/* or NULL and these: */
		uint32_t nbricks;
		uint64_t brick;
	} cases[] = {
		{ "1 GiB replica", GIB, 3, 1, 32, 0, NULL, 3, GIB },
		{ "less than 1 GiB", GIB - KIB, 3, 1, 32, 0, MIN_TEXT, 0, 0 },
		{ "nothing", 0, 1, 1, 32, 0, MIN_TEXT, 0, 0 },
		{ "a bit more than brick max", 4 * TIB + KIB, 3, 1, 32, 0,
		  NULL, 6, 2 * TIB },
		{ "exactly brick max", 4 * TIB, 3, 1, 32, 0, NULL, 3, 4 * TIB },
		{ "disperse 4+2", 12 * GIB, 6, 4, 32, 0, NULL, 6, 3 * GIB },
		{ "disperse 2+1, cut to KiB", 4 * GIB + KIB, 3, 2, 32, 0, NULL,
		  3, 2 * GIB },
		{ "disperse 8+4 below the least", 8 * GIB - KIB, 12, 8, 32, 0,
		  MIN_TEXT, 0, 0 },
		{ "distribute", 10 * GIB, 1, 1, 32, 0, NULL, 1, 10 * GIB },
		{ "expand to the limit", GIB, 3, 1, 32, 29, NULL, 3, GIB },
		{ "expand beyond it", GIB, 3, 1, 32, 30, MAX_TEXT, 0, 0 },
		{ "limit 0", GIB, 3, 1, 0, 0, MAX_TEXT, 0, 0 },
		{ "too small and too many: small first", MIB, 3, 1, 0, 9,
		  MIN_TEXT, 0, 0 },
		{ "2^64 bytes", UINT64_MAX, 3, 1, 32, 0, MAX_TEXT, 0, 0 },
		{ "2^64 bytes, no limit", UINT64_MAX, 64, 1, UINT32_MAX,
		  UINT32_MAX, MAX_TEXT, 0, 0 },
	};
	WORLD_SCOPE *t = world_new(12, 2, 1, 10 * TIB);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct placement_request r =
			world_request(cases[i].size, cases[i].set);
		PLAN_SCOPE p = { 0 };

		r.data_bricks = cases[i].data;
		r.limits.max_bricks = cases[i].limit;
		r.existing_bricks = cases[i].existing;
		if (plan(t, &r, &p, NULL) != ERR_OK) {
			is_str(err.text, cases[i].text, "%s", cases[i].what);
			is_int(err.code, ERR_NOSPACE, "is lack of space");
			continue;
		}
		ok(cases[i].text == NULL, "%s", cases[i].what);
		is_int(p.nbricks, cases[i].nbricks, "number of bricks");
		is_int(p.bricks[0].size_bytes, cases[i].brick, "brick size");
	}
}

static void
test_absurd(void)
{
	WORLD_SCOPE *t = world_new(3, 1, 1, 10 * GIB);
	struct placement_request r = world_request(UINT64_MAX, 3);

	r.limits.max_bricks = UINT32_MAX;
	r.limits.brick_max_bytes = UINT64_MAX;
	r.snapshot_factor = 100;
	ok(!fits(t, &r), "2^64 bytes without limits come to an end");
	is_str(err.text, MAX_TEXT, "at the number of bricks");
	r = world_request(GIB, 3);
	r.limits = (struct placement_limits){ 0, 0, UINT32_MAX };
	ok(!fits(t, &r), "so does a search without a brick size");
	r = world_request(GIB, 0);
	is_int(fits(t, &r), 0, "a set without bricks");
	is_int(err.code, ERR_INTERNAL, "is a bug");
	r = world_request(GIB, 65);
	is_int(fits(t, &r), 0, "so is one of more than 64");
	is_int(err.code, ERR_INTERNAL, "and no crash");
}

static void
test_strictly_more(void)
{
	uint64_t needs = taken_by(GIB / KIB);
	WORLD_SCOPE *t = world_new(1, 1, 1, needs);
	struct placement_request r = world_request(GIB, 1);

	ok(!fits(t, &r), "just enough is not enough");
	world_put_device(t, world_device(101, 1, needs + KIB - 1));
	ok(!fits(t, &r), "nor is less than a KiB more");
	world_put_device(t, world_device(101, 1, needs + KIB));
	ok(fits(t, &r), "a KiB more is");
	world_put_device(t, world_device(101, 1, 2 * needs));
	use_device(t, 101, needs - KIB);
	ok(fits(t, &r), "used space counts");
	use_device(t, 101, needs);
	ok(!fits(t, &r), "to the byte");
	use_device(t, 101, 3 * needs);
	ok(!fits(t, &r), "more used than there is: nothing is free");
}

static void
test_extents_of_the_device(void)
{
	WORLD_SCOPE *t = world_new(1, 1, 1, TIB);
	struct placement_request r = world_request(GIB + KIB, 1);
	struct device *d = edit_device(t, 101);
	PLAN_SCOPE p = { 0 };

	d->extent_bytes = 32 * MIB;
	world_put_device(t, d);
	r.snapshot_factor = 2;
	is_int(plan(t, &r, &p, NULL), ERR_OK, "32 MiB extents, factor 2");
	is_int(p.bricks[0].size_bytes, GIB + KIB, "the brick");
	is_int(p.bricks[0].thin_pool_bytes, 2 * GIB + 32 * MIB, "its pool");
	is_int(p.bricks[0].metadata_bytes, 32 * MIB, "its metadata");
}

static void
test_sets_share_devices(void)
{
	uint64_t two = 2 * taken_by(50 * GIB / KIB);
	WORLD_SCOPE *t = world_new(3, 1, 1, two + KIB);
	struct placement_request r = world_request(100 * GIB, 3);
	PLAN_SCOPE p = { 0 };

	r.limits.brick_max_bytes = 50 * GIB;
	is_int(plan(t, &r, &p, NULL), ERR_OK, "two sets on three devices");
	is_int(p.nbricks, 6, "with room for two bricks each");
	for (unsigned n = 1; n <= 3; n++)
		world_put_device(t, world_device(n * 100 + 1, n, two));
	r.limits.brick_min_bytes = 50 * GIB;
	ok(!fits(t, &r), "what the first set takes the second has not");
}

/* ---- who is asked ---- */

static void
test_empty_clusters(void)
{
	WORLD_SCOPE *t = topology_new();
	struct placement_request r = world_request(GIB, 1);
	STRS_SCOPE reasons = { 0 };
	PLAN_SCOPE p = { 0 };
	struct node *n;

	is_int(plan(t, &r, &p, &reasons), ERR_REFUSED, "no cluster");
	is_str(err.text, "No nodes in cluster", "has no nodes");
	n = world_node(1, 1);
	n->adding = true;
	world_put_node(t, n);
	is_int(plan(t, &r, &p, &reasons), ERR_REFUSED,
	       "nor has one whose only node is being added");
	is_str(err.text, "No nodes in cluster", "as clients see it");
	world_put_node(t, world_node(1, 1));
	is_int(plan(t, &r, &p, &reasons), ERR_REFUSED, "no device");
	is_str(err.text, "No online storage devices in cluster", "says so");
	is_int(reasons.n, 0, "nothing to explain without devices");
	r.size_bytes = KIB;
	ok(plan(t, &r, &p, &reasons) == ERR_NOSPACE, "sizes come first");
	is_str(err.text, MIN_TEXT, "as in heketi");
}

enum trouble {
	NODE_OFFLINE, NODE_SICK, NODE_PENDING, NODE_ADDING,
	DEVICE_OFFLINE, DEVICE_FAILED, DEVICE_PENDING, DEVICE_ADDING, TROUBLES
};

static void
make_trouble(struct topology *t, enum trouble trouble)
{
	struct node *n = edit_node(t, 1);
	struct device *d = edit_device(t, 101);

	switch (trouble) {
	case NODE_OFFLINE: n->state = STATE_OFFLINE; break;
	case NODE_SICK: topology_set_healthy(t, n->id, false); break;
	case NODE_PENDING: id_new(n->pending); break;
	case NODE_ADDING: n->adding = true; break;
	case DEVICE_OFFLINE: d->state = STATE_OFFLINE; break;
	case DEVICE_FAILED: d->state = STATE_FAILED; break;
	case DEVICE_PENDING: id_new(d->pending); break;
	case DEVICE_ADDING: d->adding = true; break;
	case TROUBLES: abort();
	}
	world_put_node(t, n);
	world_put_device(t, d);
}

static void
test_not_eligible(void)
{
	static const char *const why[TROUBLES] = {
		[NODE_OFFLINE] = "node is offline",
		[NODE_SICK] = "node is not healthy",
		[NODE_PENDING] = "node is being added or deleted",
		[NODE_ADDING] = "node is being added or deleted",
		[DEVICE_OFFLINE] = "device is offline",
		[DEVICE_FAILED] = "device is failed",
		[DEVICE_PENDING] = "device is being added or deleted",
		[DEVICE_ADDING] = "device is being added or deleted",
	};

	for (int i = 0; i < TROUBLES; i++) {
		WORLD_SCOPE *t = world_new(2, 1, 1, TIB);
		struct placement_request r = world_request(GIB, 2);
		STRS_SCOPE reasons = { 0 };
		PLAN_SCOPE p = { 0 };

		ok(fits(t, &r), "two nodes do");
		make_trouble(t, (enum trouble)i);
		is_int(plan(t, &r, &p, &reasons), ERR_NOSPACE,
		       "not when one is out: %s", why[i]);
		is_int(reasons.n, 2, "a reason for each device");
		has_str(reason_of(&reasons, 101), why[i], "the right one");
		has_str(reason_of(&reasons, 201),
			"node already used in the brick set",
			"and for the other");
	}
}

static void
test_nothing_eligible(void)
{
	WORLD_SCOPE *t = world_new(1, 1, 1, TIB);
	struct placement_request r = world_request(GIB, 1);
	STRS_SCOPE reasons = { 0 };
	PLAN_SCOPE p = { 0 };

	make_trouble(t, DEVICE_OFFLINE);
	is_int(plan(t, &r, &p, &reasons), ERR_REFUSED, "all devices offline");
	is_str(err.text, "No online storage devices in cluster", "says so");
	is_int(reasons.n, 1, "with a reason for each");
	is_str(reasons.v[0], "device d0000000000000000000000000000101 "
	       "(/dev/d101) on node a0000000000000000000000000000001: "
	       "device is offline", "naming device and node");
}

/* ---- zones ---- */

static unsigned
zones_of(const struct topology *t, const struct placement_brick *b, size_t n)
{
	const struct topology_cluster *c = world_cluster(t);
	uint64_t seen = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < c->nodes.n; j++)
			if (strcmp(c->nodes.v[j]->id, b[i].node) == 0)
				seen |= UINT64_C(1)
					<< c->nodes.v[j]->node->zone;
	return (unsigned)__builtin_popcountll(seen);
}

static void
test_strict_zones(void)
{
	WORLD_SCOPE *two = world_new(6, 2, 2, TIB);
	WORLD_SCOPE *three = world_new(6, 2, 3, TIB);
	struct placement_request r = world_request(GIB, 3);
	STRS_SCOPE reasons = { 0 };
	PLAN_SCOPE p = { 0 };

	ok(fits(two, &r), "three replicas on two zones");
	r.strict_zones = true;
	is_int(plan(two, &r, &p, &reasons), ERR_NOSPACE, "but not strictly");
	is_int(reasons.n, 12, "a reason for each device");
	has_str(reasons.v[0], ": zone already used in the brick set",
		"which is the zone");
	for (r.seed = 0; r.seed < 50; r.seed++) {
		PLAN_SCOPE q = { 0 };

		if (plan(three, &r, &q, NULL) != ERR_OK ||
		    zones_of(three, q.bricks, 3) != 3)
			break;
	}
	is_int(r.seed, 50, "three zones always do");
}

static void
test_zones_are_preferred(void)
{
	WORLD_SCOPE *t = world_new(30, 4, 3, TIB);
	struct placement_request r = world_request(GIB, 3);
	int spread = 0;

	for (r.seed = 0; r.seed < 100; r.seed++) {
		PLAN_SCOPE p = { 0 };

		if (plan(t, &r, &p, NULL) == ERR_OK)
			spread += zones_of(t, p.bricks, 3) == 3;
	}
	ok(spread >= 99, "unasked, replicas are in different zones (%d%%)",
	   spread);
}

/* Zone 1 has room on one node, which only zone-blind search would give away. */
static void
test_last_place_in_zone(void)
{
	WORLD_SCOPE *t = world_new(9, 12, 3, TIB);
	struct placement_request r = world_request(100 * GIB, 3);

	for (unsigned n = 1; n <= 9; n++)
		for (unsigned d = 1; d <= 12; d++)
			if (n % 3 == 0 && n * 100 + d != 305)
				use_device(t, n * 100 + d, TIB - GIB);
	r.strict_zones = true;
	for (r.seed = 0; r.seed < 200; r.seed++) {
		PLAN_SCOPE p = { 0 };
		bool hit = false;

		if (plan(t, &r, &p, NULL) == ERR_OK)
			for (size_t i = 0; i < p.nbricks; i++)
				hit |= on_device(&p.bricks[i], 305);
		if (!hit || zones_of(t, p.bricks, 3) != 3)
			break;
	}
	is_int(r.seed, 200, "the only device with room in a zone is found");
}

/* ---- arbiter ---- */

static const uint32_t arbiter_roles[] = {
	BRICKYARD_ROLE_DATA, BRICKYARD_ROLE_DATA, BRICKYARD_ROLE_ARBITER
};

static enum err
arbiter_size(void *arg, uint32_t i, uint64_t data, uint64_t *ret,
	     struct error *e)
{
	const uint64_t *average = arg;

	if (data < *average)
		return fail(e, ERR_REFUSED, "Average file size (%" PRIu64 ") "
			    "is greater than Brick size (%" PRIu64 ")",
			    *average / KIB, data / KIB);
	*ret = i == 2 ? data / (*average / KIB) : data;
	return ERR_OK;
}

static struct placement_request
arbiter_request(uint64_t size, uint64_t *average)
{
	struct placement_request r = world_request(size, 3);

	r.roles = arbiter_roles;
	r.brick_bytes = arbiter_size;
	r.arg = average;
	return r;
}

static void
test_arbiter_tags(void)
{
	static const struct {
		const char *what;
		const char *tags[4];	/* of nodes 1 to 4 */
		/* for each node: may it have 'd'ata, 'a'rbiter, 'b'oth, '-' */
		const char *want;	/* NULL: impossible */
	} cases[] = {
		{ "no tags", { 0 }, "bbbb" },
		{ "unknown and supported", { "supported", "x", "" }, "bbbb" },
		{ "a node for arbiters", { 0, "required" }, "dadd" },
		{ "two nodes for arbiters", { "required", 0, "required" },
		  "adad" },
		{ "all arbiters but two", { "required", "required" }, "aadd" },
		{ "only one for data", { "required", "required", "required" },
		  NULL },
		{ "none but one for arbiters",
		  { "disabled", "disabled", "disabled" }, "ddda" },
		{ "none for arbiters",
		  { "disabled", "disabled", "disabled", "disabled" }, NULL },
		{ "both", { "required", "disabled", "disabled", "disabled" },
		  "addd" },
	};
	uint64_t average = 64 * KIB;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		WORLD_SCOPE *t = world_new(4, 2, 1, TIB);
		struct placement_request r = arbiter_request(GIB, &average);
		char got[] = "----";
		bool all = true;

		for (unsigned n = 0; n < 4; n++)
			if (cases[i].tags[n] != NULL)
				tag_node(t, n + 1, "arbiter",
					 cases[i].tags[n]);
		for (r.seed = 0; r.seed < 100; r.seed++) {
			PLAN_SCOPE p = { 0 };

			all &= plan(t, &r, &p, NULL) == ERR_OK;
			for (size_t b = 0; b < p.nbricks; b++) {
				size_t n = (size_t)(p.bricks[b].node[31] - '1');
				char c = b == 2 ? 'a' : 'd';

				got[n] = got[n] == '-' || got[n] == c ? c : 'b';
			}
		}
		is_str(got, cases[i].want != NULL ? cases[i].want : "----",
		       "arbiter tags: %s", cases[i].what);
		is_int(all, cases[i].want != NULL, "each time");
	}
}

static void
test_arbiter_device_overrides(void)
{
	WORLD_SCOPE *t = world_new(3, 2, 1, TIB);
	uint64_t average = 64 * KIB;
	struct placement_request r = arbiter_request(64 * GIB, &average);
	STRS_SCOPE reasons = { 0 };
	PLAN_SCOPE p = { 0 };

	for (unsigned n = 1; n <= 3; n++)
		tag_node(t, n, "arbiter", "disabled");
	tag_device(t, 202, "arbiter", "required");
	is_int(plan(t, &r, &p, NULL), ERR_OK, "one device for arbiters");
	ok(on_device(&p.bricks[2], 202), "gets the arbiter");
	is_int(p.bricks[2].role, BRICKYARD_ROLE_ARBITER, "by that name");
	is_int(p.bricks[2].size_bytes, GIB, "of its own size");
	is_int(p.bricks[2].thin_pool_bytes, GIB, "and pool");
	is_int(p.bricks[0].size_bytes, 64 * GIB, "beside data bricks");
	ok(!on_node(&p.bricks[0], 2) && !on_node(&p.bricks[1], 2),
	   "that keep off its node");
	placement_release(&p);
	tag_device(t, 202, "arbiter", "disabled");
	is_int(plan(t, &r, &p, &reasons), ERR_NOSPACE, "none for arbiters");
	is_int(reasons.n, 6, "a reason for each device");
	has_str(reason_of(&reasons, 302),
		": tag arbiter=disabled allows no arbiter brick", "its tag");
}

/* Only node 1 takes arbiters, so data bricks must leave it alone. */
static void
test_arbiter_needs_matching(void)
{
	WORLD_SCOPE *t = world_new(3, 1, 1, TIB);
	uint64_t average = 64 * KIB;
	struct placement_request r = arbiter_request(64 * GIB, &average);

	tag_node(t, 2, "arbiter", "disabled");
	tag_node(t, 3, "arbiter", "disabled");
	for (r.seed = 0; r.seed < 100; r.seed++) {
		PLAN_SCOPE p = { 0 };

		if (plan(t, &r, &p, NULL) != ERR_OK ||
		    !on_node(&p.bricks[2], 1))
			break;
	}
	is_int(r.seed, 100, "the arbiter goes to the only node for it");
}

/* Only node 1 has room for data besides node 2, and all have for arbiters: an
 * arbiter drawn onto node 1 or 2 must move.
 */
static void
test_arbiter_moves_away(void)
{
	WORLD_SCOPE *t = world_new(4, 2, 1, TIB);
	uint64_t average = 64 * KIB;
	struct placement_request r = arbiter_request(64 * GIB, &average);

	for (unsigned n = 3; n <= 4; n++)
		for (unsigned d = 1; d <= 2; d++)
			use_device(t, n * 100 + d, TIB - 2 * GIB);
	r.limits.brick_min_bytes = 64 * GIB;
	for (r.seed = 0; r.seed < 200; r.seed++) {
		PLAN_SCOPE p = { 0 };

		if (plan(t, &r, &p, NULL) != ERR_OK ||
		    on_node(&p.bricks[2], 1) || on_node(&p.bricks[2], 2))
			break;
	}
	is_int(r.seed, 200, "the arbiter makes room for data");
}

/* Few devices match, so that the random draw misses them. */
static void
test_arbiter_place_is_searched_for(void)
{
	WORLD_SCOPE *t = world_new(40, 12, 1, TIB);
	uint64_t average = 64 * KIB;
	struct placement_request r = arbiter_request(GIB, &average);

	for (unsigned n = 1; n <= 4; n++)
		tag_device(t, n * 100 + 1, "tier", "rare");
	tag_node(t, 4, "arbiter", "required");
	r.tag_match = "tier=rare";
	for (r.seed = 0; r.seed < 100; r.seed++) {
		PLAN_SCOPE p = { 0 };

		if (plan(t, &r, &p, NULL) != ERR_OK ||
		    !on_device(&p.bricks[2], 401))
			break;
	}
	is_int(r.seed, 100, "where only arbiters may be goes the arbiter");
}

static void
test_arbiter_other(void)
{
	WORLD_SCOPE *t = world_new(3, 1, 1, TIB);
	uint64_t average = 4 * GIB;
	struct placement_request r = arbiter_request(GIB, &average);
	STRS_SCOPE reasons = { 0 };
	PLAN_SCOPE p = { 0 };

	is_int(plan(t, &r, &p, &reasons), ERR_REFUSED, "too large files");
	is_str(err.text, "Average file size (4194304) is greater than "
	       "Brick size (1048576)", "in the volume type's words");
	is_int(reasons.n, 0, "are no fault of the devices");
	for (unsigned n = 1; n <= 3; n++)
		tag_node(t, n, "arbiter", "required");
	r = world_request(GIB, 3);
	ok(fits(t, &r), "ordinary volumes ignore the tag");
}

/* ---- avoid, reasons ---- */

static void
test_avoid(void)
{
	WORLD_SCOPE *t = world_new(2, 2, 1, TIB);
	struct placement_request r = world_request(GIB, 2);
	STRS_SCOPE avoid = { 0 }, reasons = { 0 };
	PLAN_SCOPE p = { 0 };
	char id[ID_SIZE];

	world_id('d', 101, id);
	strs_add(&avoid, id);
	r.avoid = &avoid;
	for (r.seed = 0; r.seed < 50; r.seed++) {
		PLAN_SCOPE q = { 0 };

		if (plan(t, &r, &q, NULL) != ERR_OK ||
		    on_device(&q.bricks[0], 101) ||
		    on_device(&q.bricks[1], 101))
			break;
	}
	is_int(r.seed, 50, "a device to avoid is avoided");
	world_id('d', 102, id);
	strs_add(&avoid, id);
	is_int(plan(t, &r, &p, &reasons), ERR_NOSPACE, "if need be, fails");
	has_str(reason_of(&reasons, 102), ": avoided: ", "and says so");
}

static void
test_reasons(void)
{
	WORLD_SCOPE *t = world_new(3, 1, 1, TIB);
	struct placement_request r = world_request(3 * GIB, 2);
	STRS_SCOPE reasons = { 0 };
	PLAN_SCOPE p = { 0 };

	world_put_device(t, world_device(101, 1, GIB));
	tag_device(t, 201, "tier", "slow");
	tag_device(t, 101, "tier", "fast");
	tag_device(t, 301, "tier", "fast");
	r.tag_match = "tier=fast";
	is_int(plan(t, &r, &p, &reasons), ERR_NOSPACE, "no room");
	is_int(reasons.n, 3, "a reason for each device");
	has_str(reason_of(&reasons, 101), ": free 1073741824 bytes, needs more "
		"than 1619001344", "space, for the smallest brick tried");
	has_str(reason_of(&reasons, 201),
		": tag tier is 'slow', rule is tier=fast", "tag");
	has_str(reason_of(&reasons, 301),
		": node already used in the brick set", "node");
	ok(p.bricks == NULL && p.nbricks == 0, "and no plan");
}

static void
test_reason_of_own_bricks(void)
{
	WORLD_SCOPE *t = world_new(1, 1, 1, 3 * GIB);
	struct placement_request r = world_request(4 * GIB, 1);
	STRS_SCOPE reasons = { 0 };
	PLAN_SCOPE p = { 0 };

	is_int(plan(t, &r, &p, &reasons), ERR_NOSPACE, "no room");
	has_str(reasons.v[0], ": free 1056964608 bytes (3221225472 without "
		"earlier bricks of this volume), needs more than 1082130432",
		"what the plan itself took is told");
}

static void
test_reasons_are_capped(void)
{
	WORLD_SCOPE *t = world_new(60, 20, 1, MIB);
	struct placement_request r = world_request(GIB, 3);
	STRS_SCOPE reasons = { 0 };
	PLAN_SCOPE p = { 0 };

	is_int(plan(t, &r, &p, &reasons), ERR_NOSPACE, "1200 small devices");
	is_int(reasons.n, 1000, "1000 reasons");
}

/* ---- balance ---- */

static void
place_many(struct topology *t, int n, uint64_t size, const char *what)
{
	struct placement_request r = world_request(size, 3);
	int placed = 0;

	for (r.seed = 1; r.seed <= (uint64_t)n; r.seed++) {
		PLAN_SCOPE p = { 0 };

		if (plan(t, &r, &p, NULL) != ERR_OK)
			break;
		placed++;
		world_apply(t, &p, true);
	}
	is_int(placed, n, "%s: %d volumes placed", what, n);
}

/* Standard deviation of the used part of the devices, over its mean. */
static double
spread(const struct topology *t, double *ret_mean)
{
	const struct topology_cluster *c = world_cluster(t);
	double sum = 0, squares = 0, n = 0;

	for (size_t i = 0; i < c->nodes.n; i++)
		for (size_t j = 0; j < c->nodes.v[i]->devices.n; j++) {
			const struct device *d =
				c->nodes.v[i]->devices.v[j]->device;
			double x = (double)d->used_bytes /
				   (double)d->total_bytes;

			sum += x;
			squares += x * x;
			n++;
		}
	*ret_mean = sum / n;
	return sqrt(squares / n - sum / n * (sum / n)) / (sum / n);
}

static void
test_balance(void)
{
	WORLD_SCOPE *many = world_new(30, 12, 3, TIB);
	WORLD_SCOPE *few = world_new(3, 12, 1, TIB);
	WORLD_SCOPE *mixed = world_new(12, 10, 1, TIB);
	double mean, s;

	place_many(many, 2400, 10 * GIB, "360 devices");
	s = spread(many, &mean);
	ok(s < 0.1, "use %.3f, spread %.4f", mean, s);
	place_many(few, 300, 10 * GIB, "36 devices");
	s = spread(few, &mean);
	ok(s < 0.1, "use %.3f, spread %.4f", mean, s);
	for (unsigned n = 1; n <= 12; n++)
		for (unsigned d = 1; d <= 5; d++)
			world_put_device(mixed, world_device(n * 100 + d, n,
							     4 * TIB));
	place_many(mixed, 4000, 10 * GIB, "devices of 1 and 4 TiB");
	s = spread(mixed, &mean);
	ok(s < 0.15, "use %.3f, spread %.4f", mean, s);
}

/* Ten nodes nearly full, three new ones: these get the bricks. */
static void
test_new_nodes_fill_up(void)
{
	WORLD_SCOPE *t = world_new(13, 12, 1, TIB);
	int old = 0, all = 0;

	for (unsigned n = 1; n <= 10; n++)
		for (unsigned d = 1; d <= 12; d++)
			use_device(t, n * 100 + d, TIB / 10 * 9);
	for (int i = 0; i < 300; i++) {
		struct placement_request r = world_request(10 * GIB, 3);
		PLAN_SCOPE p = { 0 };

		r.seed = (uint64_t)i;
		if (plan(t, &r, &p, NULL) != ERR_OK)
			break;
		world_apply(t, &p, true);
		for (size_t b = 0; b < p.nbricks; b++, all++)
			old += !on_node(&p.bricks[b], 11) &&
			       !on_node(&p.bricks[b], 12) &&
			       !on_node(&p.bricks[b], 13);
	}
	is_int(all, 900, "300 volumes placed");
	ok(old < 90, "few of their bricks on nearly full devices (%d)", old);
}

/* ---- threads ---- */

/* A number that stands for the devices of 200 plans. */
static void *
plan_many(void *arg)
{
	const struct topology_cluster *c = arg;
	struct placement_request r = world_request(100 * GIB, 3);
	uint64_t sum = 0;

	for (r.seed = 0; r.seed < 200; r.seed++) {
		PLAN_SCOPE p = { 0 };

		if (placement_plan(c, &r, &p, NULL, NULL) != ERR_OK)
			return NULL;
		for (size_t i = 0; i < p.nbricks; i++)
			sum = sum * 31 +
			      strtoull(p.bricks[i].device + 1, NULL, 10);
	}
	return xmemdup(&sum, sizeof(sum));
}

static void
test_threads(void)
{
	WORLD_SCOPE *t = world_new(9, 4, 3, TIB);
	void *cluster = (void *)world_cluster(t);
	CLEANUP_FREE uint64_t *alone = plan_many(cluster);
	pthread_t threads[4];
	int same = 0;

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		if (pthread_create(&threads[i], NULL, plan_many, cluster) != 0)
			abort();
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *sum;

		pthread_join(threads[i], &sum);
		same += sum != NULL && *(uint64_t *)sum == *alone;
		free(sum);
	}
	is_int(same, 4, "threads may plan at the same time");
}

int
main(void)
{
	test_pool_sizes();
	test_tag_rules();
	test_tag_match();
	test_bad_tag_rule();
	test_100_tib();
	test_100_gib_sequence();
	test_each_attempt_can_win();
	test_sizes_table();
	test_absurd();
	test_strictly_more();
	test_extents_of_the_device();
	test_sets_share_devices();
	test_empty_clusters();
	test_not_eligible();
	test_nothing_eligible();
	test_strict_zones();
	test_zones_are_preferred();
	test_last_place_in_zone();
	test_arbiter_tags();
	test_arbiter_device_overrides();
	test_arbiter_needs_matching();
	test_arbiter_moves_away();
	test_arbiter_place_is_searched_for();
	test_arbiter_other();
	test_avoid();
	test_reasons();
	test_reason_of_own_bricks();
	test_reasons_are_capped();
	test_balance();
	test_new_nodes_fill_up();
	test_threads();
	return tap_done();
}
