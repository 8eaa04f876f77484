/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a plan takes, by size of the cluster:
 *	make tests/bench/bench-placement && tests/bench/bench-placement
 * Prints microseconds per plan; not a test, for the machine decides.
 */
#include <config.h>

#include <time.h>

#include "tests/unit/placement-world.h"

#define DEVICES 12

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Microseconds per plan; fails when they end otherwise than wanted. */
static double
measure(const struct topology *t, struct placement_request r, int n,
	bool wanted)
{
	const struct topology_cluster *c = world_cluster(t);
	double start = now();

	for (r.seed = 0; r.seed < (uint64_t)n; r.seed++) {
		struct placement p = { 0 };
		enum err e = placement_plan(c, &r, &p, NULL, NULL);

		placement_release(&p);
		if ((e == ERR_OK) != wanted)
			exit(1);
	}
	return (now() - start) / n * 1e6;
}

/* One change of a device, as each brick of a commit makes. */
static double
measure_change(struct topology *t, int n)
{
	struct device *d = world_device(102, 1, TIB);
	double start = now();

	for (int i = 0; i < n; i++)
		topology_set_device(t, d);
	start = (now() - start) / n * 1e6;
	record_unref(&d->r);
	return start;
}

static void
bench(unsigned nodes)
{
	WORLD_SCOPE *t = world_new(nodes, DEVICES, 3, TIB);
	struct placement_request r = world_request(100 * GIB, 3);
	struct placement_request sets = world_request(4 * TIB, 3);
	struct placement_request zones = r, full = r, rare = r;

	sets.limits.brick_max_bytes = 256 * GIB;
	sets.limits.max_bricks = 48;
	zones.strict_zones = true;
	full.size_bytes = 2 * TIB;
	full.limits.brick_min_bytes = TIB;
	for (unsigned n = 1; n <= 3; n++) {
		struct device *d = world_device(n * 100 + 1, n, TIB);

		kvs_set(&d->tags, "tier", "rare");
		world_put_device(t, d);
	}
	rare.tag_match = "tier=rare";
	printf("%5u nodes %6u devices: %7.2f %7.2f %9.2f %9.2f %9.2f %7.2f\n",
	       nodes, nodes * DEVICES, measure(t, r, 20000, true),
	       measure(t, zones, 20000, true), measure(t, sets, 2000, true),
	       measure(t, rare, 300, true), measure(t, full, 300, false),
	       measure_change(t, 100000));
}

int
main(void)
{
	static const unsigned nodes[] = { 3, 12, 100, 1000 };

	puts("us:                        replica3 strict  16 sets  rare tag"
	     "   no room  change");
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		bench(nodes[i]);
	return 0;
}
