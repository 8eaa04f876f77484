/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another device for one brick of a set: the rules that hold for the set hold for
 * it, too, and if any device keeps them one is found.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "tests/tap.h"
#include "tests/unit/placement-world.h"
#include "util/xalloc.h"

#define STRS_SCOPE CLEANUP(strs_release) struct strs
#define PLAN_SCOPE CLEANUP(placement_release) struct placement

static struct error err;

/* The brick number i of the plan's only set, somewhere else. */
static enum err
replace(const struct topology *t, const struct placement_request *r,
	const struct placement *set, uint32_t i, struct placement_brick *ret,
	struct strs *reasons)
{
	const char *nodes[64];
	struct placement_replacement what = {
		.index = i,
		.size_bytes = set->bricks[i].size_bytes,
		.device = set->bricks[i].device,
		.nodes = nodes,
	};

	for (size_t k = 0; k < set->nbricks; k++)
		if (k != i)
			nodes[what.nnodes++] = set->bricks[k].node;
	err = (struct error){ .code = ERR_OK };
	return placement_replace(world_cluster(t), r, &what, ret, reasons, &err);
}

static bool
plan(struct topology *t, const struct placement_request *r, struct placement *p)
{
	if (placement_plan(world_cluster(t), r, p, NULL, &err) != ERR_OK)
		return false;
	world_apply(t, p, true);
	return true;
}

static bool
is_on(const char *id, char kind, unsigned n)
{
	char want[ID_SIZE];

	world_id(kind, n, want);
	return strcmp(id, want) == 0;
}

static int64_t
zone_of(const struct topology *t, const char *node)
{
	const struct topology_cluster *c = world_cluster(t);

	for (size_t i = 0; i < c->nodes.n; i++)
		if (strcmp(c->nodes.v[i]->id, node) == 0)
			return c->nodes.v[i]->zone->zone;
	return -1;
}

static void
change_node(struct topology *t, unsigned n, enum state state)
{
	char id[ID_SIZE];
	const struct topology_cluster *c = world_cluster(t);

	world_id('a', n, id);
	for (size_t i = 0; i < c->nodes.n; i++) {
		struct node *copy;

		if (strcmp(c->nodes.v[i]->id, id) != 0)
			continue;
		copy = node_copy(c->nodes.v[i]->node);
		copy->state = state;
		world_put_node(t, copy);
		return;
	}
}

static void
test_moves(void)
{
	WORLD_SCOPE *t = world_new(4, 1, 1, 100 * GIB);
	struct placement_request r = world_request(10 * GIB, 3);
	PLAN_SCOPE p = { 0 };
	struct placement_brick b;

	ok(plan(t, &r, &p), "a set on three of four nodes");
	is_int(replace(t, &r, &p, 1, &b, NULL), ERR_OK, "a brick goes");
	ok(strcmp(b.node, p.bricks[0].node) != 0 &&
	   strcmp(b.node, p.bricks[1].node) != 0 &&
	   strcmp(b.node, p.bricks[2].node) != 0, "to the fourth");
	ok(b.size_bytes == p.bricks[1].size_bytes &&
	   b.thin_pool_bytes == p.bricks[1].thin_pool_bytes &&
	   b.metadata_bytes == p.bricks[1].metadata_bytes, "as large as it was");
	change_node(t, 1, STATE_OFFLINE);
	change_node(t, 2, STATE_OFFLINE);
	change_node(t, 3, STATE_OFFLINE);
	change_node(t, 4, STATE_OFFLINE);
	is_int(replace(t, &r, &p, 1, &b, NULL), ERR_REFUSED, "not to the offline");
	is_str(err.text, "No online storage devices in cluster", "it says so");
}

static void
test_same_node(void)
{
	WORLD_SCOPE *t = world_new(3, 2, 1, 100 * GIB);
	struct placement_request r = world_request(10 * GIB, 3);
	PLAN_SCOPE p = { 0 };
	struct placement_brick b;

	ok(plan(t, &r, &p), "three nodes with two devices");
	is_int(replace(t, &r, &p, 2, &b, NULL), ERR_OK, "a brick stays");
	ok(strcmp(b.node, p.bricks[2].node) == 0, "on its node");
	ok(strcmp(b.device, p.bricks[2].device) != 0, "on the other device");
}

static void
test_reasons(void)
{
	WORLD_SCOPE *t = world_new(3, 1, 1, 100 * GIB);
	struct placement_request r = world_request(10 * GIB, 3);
	STRS_SCOPE reasons = { 0 };
	PLAN_SCOPE p = { 0 };
	struct placement_brick b;
	int own = 0, peers = 0;

	ok(plan(t, &r, &p), "three nodes with one device");
	is_int(replace(t, &r, &p, 0, &b, &reasons), ERR_NOSPACE, "nowhere to go");
	is_str(err.text, "No space", "it says so");
	for (size_t i = 0; i < reasons.n; i++) {
		own += strstr(reasons.v[i], ": the brick is to leave it") != NULL;
		peers += strstr(reasons.v[i],
				": node already used in the brick set") != NULL;
	}
	is_int(own, 1, "a reason for its own device");
	is_int(peers, 2, "and for those of the others");
}

static void
test_zones(void)
{
	/* Zones 1, 2, 3, 1: the fourth node is in the zone of the first. */
	WORLD_SCOPE *t = topology_new();
	struct placement_request r = world_request(10 * GIB, 3);
	PLAN_SCOPE p = { 0 };
	struct placement_brick b;

	for (unsigned n = 1; n <= 4; n++) {
		world_put_node(t, world_node(n, n == 4 ? 1 : n));
		world_put_device(t, world_device(n * 100, n, n == 4 ? 50 * GIB :
						 100 * GIB));
	}
	r.strict_zones = true;
	change_node(t, 4, STATE_OFFLINE);
	ok(plan(t, &r, &p), "a set in three zones");
	change_node(t, 4, STATE_ONLINE);
	for (uint32_t i = 0; i < 3; i++) {
		bool first = is_on(p.bricks[i].node, 'a', 1);

		is_int(replace(t, &r, &p, i, &b, NULL),
		       first ? ERR_OK : ERR_NOSPACE,
		       "strict: only %s may go to zone 1",
		       first ? "who is there" : "not another");
	}
	r.strict_zones = false;
	for (uint32_t i = 0; i < 3; i++)
		is_int(replace(t, &r, &p, i, &b, NULL), ERR_OK, "not strict: any");
}

static void
test_zones_are_preferred(void)
{
	WORLD_SCOPE *t = world_new(3, 1, 3, 100 * GIB);
	struct placement_request r = world_request(10 * GIB, 3);
	PLAN_SCOPE p = { 0 };
	struct placement_brick b;
	int good = 0;

	ok(plan(t, &r, &p), "a set in three zones");
	/* An empty one in a used zone, a fuller one in a fresh zone. */
	for (unsigned n = 0; n < 20; n++) {
		world_put_node(t, world_node(10 + n, 2));
		world_put_device(t, world_device(5000 + n, 10 + n, 900 * GIB));
	}
	world_put_node(t, world_node(40, 9));
	world_put_device(t, world_device(6000, 40, 20 * GIB));
	for (uint32_t i = 0; i < 3; i++) {
		int64_t zone = zone_of(t, p.bricks[i].node);

		good += replace(t, &r, &p, i, &b, NULL) == ERR_OK &&
			(is_on(b.node, 'a', 40) || zone_of(t, b.node) == zone);
	}
	is_int(good, 3, "a zone of its own counts more than space");
}

static void
tag(struct topology *t, unsigned n, const char *key, const char *value)
{
	char id[ID_SIZE];
	struct device *d;

	world_id('d', n, id);
	d = device_copy(world_find(t, id));
	kvs_set(&d->tags, key, value);
	world_put_device(t, d);
}

static void
test_tags(void)
{
	WORLD_SCOPE *t = world_new(6, 1, 1, 100 * GIB);
	struct placement_request r = world_request(10 * GIB, 3);
	PLAN_SCOPE p = { 0 };
	struct placement_brick b;

	for (unsigned n = 1; n <= 4; n++)
		tag(t, n * 100 + 1, "kind", "ssd");
	r.tag_match = "kind=ssd";
	ok(plan(t, &r, &p), "a set on devices with a tag");
	is_int(replace(t, &r, &p, 0, &b, NULL), ERR_OK, "a brick goes");
	is_str(kvs_get(&world_find(t, b.device)->tags, "kind"), "ssd",
	       "to one with the tag");
	r.tag_match = "kind!=ssd";
	is_int(replace(t, &r, &p, 0, &b, NULL), ERR_OK, "as the rule says");
	ok(kvs_get(&world_find(t, b.device)->tags, "kind") == NULL,
	   "to one without");
}

static void
test_arbiter(void)
{
	static const uint32_t roles[] = {
		BRICKYARD_ROLE_DATA, BRICKYARD_ROLE_DATA, BRICKYARD_ROLE_ARBITER,
	};
	WORLD_SCOPE *t = world_new(6, 1, 1, 100 * GIB);
	struct placement_request r = world_request(10 * GIB, 3);
	PLAN_SCOPE p = { 0 };
	struct placement_brick b;

	r.roles = roles;
	tag(t, 501, "arbiter", "required");
	tag(t, 601, "arbiter", "disabled");
	ok(plan(t, &r, &p), "a set with an arbiter");
	ok(is_on(p.bricks[2].device, 'd', 501), "which is where it must be");
	is_int(replace(t, &r, &p, 2, &b, NULL), ERR_OK, "the arbiter goes");
	ok(!is_on(b.device, 'd', 601) && b.role == BRICKYARD_ROLE_ARBITER,
	   "not where none may be");
	p.bricks[2].size_bytes = 16 * MIB;
	is_int(replace(t, &r, &p, 2, &b, NULL), ERR_OK, "a small one");
	ok(b.size_bytes == 16 * MIB && b.thin_pool_bytes == 16 * MIB,
	   "stays small");
	tag(t, 501, "arbiter", "");
	tag(t, 101, "arbiter", "required");
	tag(t, 201, "arbiter", "required");
	tag(t, 301, "arbiter", "required");
	tag(t, 401, "arbiter", "required");
	for (int i = 0; i < 2; i++)
		if (replace(t, &r, &p, 0, &b, NULL) == ERR_OK)
			ok(is_on(b.device, 'd', 501) || is_on(b.device, 'd', 601),
			   "data never goes where only arbiters may be");
}

/* ---- against looking at every device ---- */

static bool
may_be_on(const struct placement *set, uint32_t i, const struct topology_device *d)
{
	uint64_t needs = set->bricks[i].thin_pool_bytes +
			 set->bricks[i].metadata_bytes;

	for (size_t k = 0; k < set->nbricks; k++)
		if (k != i && strcmp(set->bricks[k].node, d->on->id) == 0)
			return false;
	return d->eligible && strcmp(d->id, set->bricks[i].device) != 0 &&
	       topology_free_bytes(d->device) > needs;
}

static size_t
count_places(const struct topology *t, const struct placement *set, uint32_t i)
{
	const struct topology_nodes *nodes = &world_cluster(t)->nodes;
	size_t n = 0;

	for (size_t k = 0; k < nodes->n; k++)
		for (size_t j = 0; j < nodes->v[k]->devices.n; j++)
			n += may_be_on(set, i, nodes->v[k]->devices.v[j]);
	return n;
}

static int
check_one(struct topology *t, const struct placement_request *r,
	  const struct placement *set, uint32_t i)
{
	struct placement_brick b, again;
	size_t places = count_places(t, set, i);
	enum err e = replace(t, r, set, i, &b, NULL);

	if (places == 0)
		return e != ERR_NOSPACE;
	if (e != ERR_OK || replace(t, r, set, i, &again, NULL) != ERR_OK)
		return 1;
	for (size_t k = 0; k < set->nbricks; k++)
		if (k != i && strcmp(set->bricks[k].node, b.node) == 0)
			return 1;
	return strcmp(b.device, set->bricks[i].device) == 0 ||
	       strcmp(b.device, again.device) != 0 ||
	       topology_free_bytes(world_find(t, b.device)) <=
		       b.thin_pool_bytes + b.metadata_bytes;
}

static void
test_property(void)
{
	uint64_t x = 88172645463325252;
	int bad = 0, moved = 0;

	for (int round = 0; round < 400; round++) {
		unsigned nodes, per_node;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		nodes = 2 + (unsigned)(x % 6);
		per_node = 1 + (unsigned)(x >> 8) % 3;
		WORLD_SCOPE *t = world_new(nodes, per_node, 1 + x % 3, 25 * GIB);
		struct placement_request r = world_request(
			(1 + (x >> 16) % 20) * GIB, 2 + (uint32_t)(x >> 24) % 2);

		r.seed = x;
		for (int k = 0; k < 6; k++) {
			PLAN_SCOPE p = { 0 };

			r.seed++;
			if (!plan(t, &r, &p) || p.nbricks != r.bricks_per_set)
				continue;
			for (uint32_t i = 0; i < p.nbricks; i++, moved++)
				bad += check_one(t, &r, &p, i);
		}
	}
	is_int(bad, 0, "%d bricks of random sets: moved if that is possible, by the "
	       "rules, and the same way twice", moved);
	ok(moved > 500, "enough of them");
}

static void
test_spread(void)
{
	WORLD_SCOPE *t = world_new(30, 4, 1, 1000 * GIB);
	struct placement_request r = world_request(10 * GIB, 3);
	PLAN_SCOPE p = { 0 };
	STRS_SCOPE seen = { 0 };
	struct placement_brick b;

	ok(plan(t, &r, &p), "a set among 120 devices");
	for (int i = 0; i < 50; i++) {
		r.seed = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
		if (replace(t, &r, &p, 0, &b, NULL) == ERR_OK &&
		    !strs_has(&seen, b.device))
			strs_add(&seen, b.device);
	}
	ok(seen.n > 10, "50 planners choose %zu devices", seen.n);
}

int
main(void)
{
	test_moves();
	test_same_node();
	test_reasons();
	test_zones();
	test_zones_are_preferred();
	test_tags();
	test_arbiter();
	test_property();
	test_spread();
	return tap_done();
}
