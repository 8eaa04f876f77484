/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The topology index against a naive model, through random changes; and the
 * orders of arrival that matter.  TOPOLOGY_SEED repeats a run.
 */
#include <config.h>

#include <inttypes.h>

#include "tests/tap.h"
#include "tests/unit/placement-world.h"
#include "util/xalloc.h"

#define NODES 10
#define DEVICES 40
#define CLUSTERS 3
#define STEPS 6000

/* What was told last; NULL: nothing, or that it is gone. */
static struct {
	struct node *node[NODES];
	struct device *device[DEVICES];
	bool unhealthy[NODES];
} model;

static uint64_t state;

static unsigned
rnd(unsigned n)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)((state >> 33) % n);
}

/* ---- the naive view ---- */

static const char *
naive_arbiter(const struct device *d, const struct node *n)
{
	const char *v = kvs_get(&d->tags, "arbiter");

	return v != NULL ? v : kvs_get(&n->tags, "arbiter");
}

static enum arbiter_tag
naive_pool(const struct device *d, const struct node *n)
{
	const char *v = naive_arbiter(d, n);

	if (v != NULL && strcmp(v, "required") == 0)
		return ARBITER_REQUIRED;
	if (v != NULL && strcmp(v, "disabled") == 0)
		return ARBITER_DISABLED;
	return ARBITER_SUPPORTED;
}

/* The number of a node record's id. */
static unsigned
number(const char *id)
{
	return (unsigned)strtoul(id + 1, NULL, 10);
}

static bool
naive_eligible(const struct device *d)
{
	unsigned n = number(d->node);
	const struct node *node = model.node[n];

	return node != NULL && !model.unhealthy[n] && !node->adding &&
	       node->pending[0] == '\0' && node->state == STATE_ONLINE &&
	       d->state == STATE_ONLINE && !d->adding && d->pending[0] == '\0';
}

static size_t
naive_count(const char *cluster, const struct node *of_node, int64_t *zone)
{
	size_t n = 0;

	for (int i = 0; i < DEVICES; i++) {
		const struct device *d = model.device[i];
		const struct node *node;

		if (d == NULL || !naive_eligible(d))
			continue;
		node = model.node[number(d->node)];
		n += strcmp(node->cluster, cluster) == 0 &&
		     (of_node == NULL || node == of_node) &&
		     (zone == NULL || node->zone == *zone);
	}
	return n;
}

/* ---- the comparison: NULL, or what is wrong ---- */

static const char *
check_class(const struct topology_cluster *c, unsigned p, unsigned k,
	    size_t *total)
{
	const struct topology_devices *class = &c->pools[p].class[k];

	if ((class->n > 0) != (c->pools[p].filled >> k & 1))
		return "bit of class";
	for (size_t i = 0; i < class->n; i++) {
		const struct topology_device *d = class->v[i];
		const struct device *want = model.device[number(d->id)];
		uint64_t kib;

		if (d->device != want || !d->eligible || d->at_class != i ||
		    d->class != k || d->arbiter != p)
			return "device in class";
		if (!naive_eligible(want) ||
		    naive_pool(want, d->on->node) != p)
			return "eligible, pool";
		kib = (want->total_bytes - want->used_bytes) / 1024;
		if (kib >> k > 1 && k < TOPOLOGY_CLASSES - 1)
			return "class too low";
		if (kib >> k == 0 && k > 0)
			return "class too high";
	}
	*total += class->n;
	return NULL;
}

static const char *
check_pools(const struct topology_cluster *c)
{
	size_t total = 0;

	for (unsigned p = 0; p < ARBITER_TAGS; p++)
		for (unsigned k = 0; k < TOPOLOGY_CLASSES; k++) {
			const char *bad = check_class(c, p, k, &total);

			if (bad != NULL)
				return bad;
		}
	return total == c->neligible &&
	       total == naive_count(c->id, NULL, NULL) ? NULL : "eligible";
}

static const char *
check_nodes(const struct topology_cluster *c)
{
	for (size_t i = 0; i < c->nodes.n; i++) {
		const struct topology_node *n = c->nodes.v[i];
		size_t eligible = 0;

		if (n->at != i || n->cluster != c ||
		    n->node != model.node[number(n->id)])
			return "node";
		for (size_t j = 0; j < n->devices.n; j++) {
			if (n->devices.v[j]->on != n ||
			    n->devices.v[j]->at_node != j)
				return "device of node";
			eligible += n->devices.v[j]->eligible;
		}
		if (eligible != naive_count(c->id, n->node, NULL))
			return "eligible of node";
	}
	return NULL;
}

static const char *
check_zones(const struct topology_cluster *c)
{
	size_t nodes = 0, live = 0;

	for (size_t i = 0; i < c->zones.n; i++) {
		const struct topology_zone *z = c->zones.v[i];
		int64_t number_ = z->zone;

		if (z->at != i || z->nnodes == 0)
			return "zone";
		if (z->neligible != naive_count(c->id, NULL, &number_))
			return "eligible of zone";
		nodes += z->nnodes;
		live += z->neligible > 0;
	}
	return nodes == c->nodes.n && live == c->live_zones ? NULL : "zones";
}

static const char *
check_cluster(const struct topology *t, unsigned number_)
{
	const struct topology_cluster *c;
	const char *bad;
	char id[ID_SIZE];
	size_t n = 0;

	world_id('c', number_, id);
	c = topology_cluster(t, id);
	for (int i = 0; i < NODES; i++)
		n += model.node[i] != NULL &&
		     strcmp(model.node[i]->cluster, id) == 0;
	if (c == NULL)
		return n == 0 ? NULL : "cluster missing";
	if (n != c->nodes.n)
		return "number of nodes";
	bad = check_pools(c);
	if (bad == NULL)
		bad = check_nodes(c);
	return bad != NULL ? bad : check_zones(c);
}

/* ---- random changes ---- */

static void
random_tags(struct kvs *tags)
{
	static const char *const values[] = {
		"required", "disabled", "supported", "", "what"
	};

	if (rnd(3) == 0)
		kvs_set(tags, "arbiter", values[rnd(ARRAY_SIZE(values))]);
}

static void
change_node(struct topology *t)
{
	unsigned i = rnd(NODES);
	struct node *n = world_node(i, rnd(4));

	world_id('c', rnd(CLUSTERS), n->cluster);
	n->state = rnd(4) == 0 ? STATE_OFFLINE : STATE_ONLINE;
	n->adding = rnd(10) == 0;
	if (rnd(10) == 0)
		id_new(n->pending);
	random_tags(&n->tags);
	topology_set_node(t, n);
	if (model.node[i] != NULL)
		record_unref(&model.node[i]->r);
	model.node[i] = n;
}

static void
change_device(struct topology *t)
{
	unsigned i = rnd(DEVICES);
	struct device *d = world_device(i, rnd(NODES), UINT64_C(1) << rnd(60));

	if (model.device[i] != NULL && rnd(4) != 0)
		memcpy(d->node, model.device[i]->node, ID_SIZE);
	d->used_bytes = d->total_bytes / (1 + rnd(100));
	d->state = rnd(6) == 0 ? STATE_FAILED : STATE_ONLINE;
	d->adding = rnd(10) == 0;
	if (rnd(10) == 0)
		id_new(d->pending);
	random_tags(&d->tags);
	topology_set_device(t, d);
	if (model.device[i] != NULL)
		record_unref(&model.device[i]->r);
	model.device[i] = d;
}

static void
remove_node(struct topology *t)
{
	unsigned i = rnd(NODES);
	char id[ID_SIZE];

	world_id('a', i, id);
	topology_remove_node(t, id);
	model.unhealthy[i] = false;
	if (model.node[i] != NULL)
		record_unref(&model.node[i]->r);
	model.node[i] = NULL;
}

static void
remove_device(struct topology *t)
{
	unsigned i = rnd(DEVICES);
	char id[ID_SIZE];

	world_id('d', i, id);
	topology_remove_device(t, id);
	if (model.device[i] != NULL)
		record_unref(&model.device[i]->r);
	model.device[i] = NULL;
}

static void
change_health(struct topology *t)
{
	unsigned i = rnd(NODES);
	char id[ID_SIZE];

	world_id('a', i, id);
	model.unhealthy[i] = rnd(3) == 0;
	topology_set_healthy(t, id, !model.unhealthy[i]);
}

static void
forget_records(void)
{
	for (int i = 0; i < NODES; i++)
		if (model.node[i] != NULL)
			record_unref(&model.node[i]->r);
	for (int i = 0; i < DEVICES; i++)
		if (model.device[i] != NULL)
			record_unref(&model.device[i]->r);
	memset(model.node, 0, sizeof(model.node));
	memset(model.device, 0, sizeof(model.device));
}

static void
change(struct topology *t)
{
	unsigned what = rnd(1000);

	if (what < 250)
		change_node(t);
	else if (what < 800)
		change_device(t);
	else if (what < 850)
		remove_node(t);
	else if (what < 920)
		remove_device(t);
	else if (what < 998)
		change_health(t);
	else {
		topology_clear(t);
		forget_records();
	}
}

static void
test_random(void)
{
	const char *seed = getenv("TOPOLOGY_SEED");
	WORLD_SCOPE *t = topology_new();
	const char *bad = NULL;
	size_t most = 0;
	int step = 0;

	state = seed != NULL ? strtoull(seed, NULL, 0) : 1;
	printf("# TOPOLOGY_SEED=%" PRIu64 "\n", state);
	for (; step < STEPS && bad == NULL; step++) {
		change(t);
		for (unsigned c = 0; c < CLUSTERS && bad == NULL; c++)
			bad = check_cluster(t, c);
		if (world_cluster(t) != NULL &&
		    world_cluster(t)->neligible > most)
			most = world_cluster(t)->neligible;
	}
	ok(bad == NULL, "%d random changes: the index is what a walk finds",
	   step);
	if (bad != NULL)
		printf("#  wrong: %s\n", bad);
	ok(most >= 5, "and there was something to find (%zu devices)", most);
	forget_records();
}

/* ---- orders of arrival ---- */

static void
test_device_before_node(void)
{
	WORLD_SCOPE *t = topology_new();

	world_put_device(t, world_device(101, 1, TIB));
	ok(world_cluster(t) == NULL, "a device alone makes no cluster");
	world_put_node(t, world_node(1, 1));
	is_int(world_cluster(t)->neligible, 1,
	       "it counts as soon as its node comes");
}

static void
test_node_leaves_before_device(void)
{
	WORLD_SCOPE *t = world_new(2, 3, 1, TIB);
	char id[ID_SIZE];

	world_id('a', 1, id);
	topology_remove_node(t, id);
	is_int(world_cluster(t)->neligible, 3,
	       "the devices of a node that is gone don't count");
	world_put_node(t, world_node(1, 1));
	is_int(world_cluster(t)->neligible, 6, "and do when it comes back");
	world_id('a', 2, id);
	topology_remove_node(t, id);
	world_id('a', 1, id);
	topology_remove_node(t, id);
	ok(world_cluster(t) == NULL, "without nodes there is no cluster");
	topology_remove_node(t, id);
	topology_remove_device(t, id);
	ok(world_cluster(t) == NULL, "removing what is not there is fine");
}

static void
test_health(void)
{
	WORLD_SCOPE *t = topology_new();
	char id[ID_SIZE];

	world_id('a', 1, id);
	topology_set_healthy(t, id, false);
	world_put_node(t, world_node(1, 1));
	world_put_device(t, world_device(101, 1, TIB));
	is_int(world_cluster(t)->neligible, 0,
	       "a bad verdict that came before the node holds");
	topology_clear(t);
	world_put_node(t, world_node(1, 1));
	world_put_device(t, world_device(101, 1, TIB));
	is_int(world_cluster(t)->neligible, 0,
	       "and outlasts a reload of the records");
	topology_set_healthy(t, id, true);
	is_int(world_cluster(t)->neligible, 1, "until the node is well again");
}

static void
test_same_record_again(void)
{
	WORLD_SCOPE *t = world_new(1, 1, 1, TIB);
	const struct topology_node *n = world_cluster(t)->nodes.v[0];

	topology_set_device(t, n->devices.v[0]->device);
	topology_set_node(t, n->node);
	is_int(world_cluster(t)->neligible, 1,
	       "the same records may be told again");
}

int
main(void)
{
	test_random();
	test_device_before_node();
	test_node_leaves_before_device();
	test_health();
	test_same_record_again();
	return tap_done();
}
