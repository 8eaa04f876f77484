/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of block volumes, on records alone. */
#include <config.h>

#include <string.h>

#include "block.h"
#include "tests/tap.h"

#define GIB (UINT64_C(1) << 30)

static void
expect_usable(uint64_t gib, uint64_t want)
{
	ok(block_usable_bytes(gib * GIB) == want * GIB, "%llu of %llu GiB",
	   (unsigned long long)want, (unsigned long long)gib);
}

static void
test_usable(void)
{
	expect_usable(0, 0);
	expect_usable(1, 0);
	expect_usable(2, 1);
	expect_usable(49, 48);
	expect_usable(50, 49);
	expect_usable(51, 49);
	expect_usable(99, 97);
	expect_usable(100, 98);
	expect_usable(101, 98);
	expect_usable(500, 490);
	expect_usable(1024, 1003);
	expect_usable(1100, 1078);
	/* the most that can be asked for: nothing overflows */
	expect_usable(UINT64_C(1) << 32, (UINT64_C(1) << 32) / 100 * 98 +
		      (UINT64_C(1) << 32) % 100 * 98 / 100);
}

static void
expect_accounts(const struct volume *v, uint64_t free_gib,
		uint64_t reserved_gib, enum restriction restriction,
		const char *what)
{
	ok(v->block_free_bytes == free_gib * GIB &&
	   v->block_reserved_bytes == reserved_gib * GIB &&
	   v->restriction == restriction, "%s: %llu free, %llu reserved, '%s'",
	   what, (unsigned long long)(v->block_free_bytes / GIB),
	   (unsigned long long)(v->block_reserved_bytes / GIB),
	   restriction_name(v->restriction));
}

static struct volume *
host(uint64_t gib, uint64_t free_gib, uint64_t reserved_gib)
{
	struct volume *v = volume_new("00000000000000000000000000000001");

	v->block = true;
	v->size_bytes = gib * GIB;
	v->block_free_bytes = free_gib * GIB;
	v->block_reserved_bytes = reserved_gib * GIB;
	return v;
}

static void
test_grow(void)
{
	RECORD_SCOPE struct volume *v = host(0, 0, 0);

	block_grow(v, 100 * GIB);
	expect_accounts(v, 98, 2, RESTRICTION_NONE, "made of 100 GiB");
	block_grow(v, 1 * GIB);
	expect_accounts(v, 98, 3, RESTRICTION_NONE, "1 GiB more is reserved");
	block_grow(v, 50 * GIB);
	expect_accounts(v, 147, 4, RESTRICTION_NONE, "50 GiB more");
}

static void
test_can_host(void)
{
	RECORD_SCOPE struct volume *v = host(100, 10, 2);

	ok(block_can_host(v, 10 * GIB), "all that is free can be had");
	ok(!block_can_host(v, 11 * GIB), "no more than that");
	v->doing = VOLUME_EXPANDING;
	ok(block_can_host(v, 10 * GIB), "also while it is expanded");
	v->doing = VOLUME_CREATING;
	ok(!block_can_host(v, 1 * GIB), "not while it is created");
	v->doing = VOLUME_DELETING;
	ok(!block_can_host(v, 1 * GIB), "nor deleted");
	v->doing = VOLUME_SETTLED;
	v->restriction = RESTRICTION_LOCKED;
	ok(!block_can_host(v, 1 * GIB), "not when it is locked");
	v->restriction = RESTRICTION_LOCKED_BY_UPDATE;
	ok(!block_can_host(v, 1 * GIB), "by whomever");
	v->restriction = RESTRICTION_NONE;
	v->block = false;
	ok(!block_can_host(v, 1 * GIB), "not when it is an ordinary one");
}

static void
test_choose(void)
{
	size_t counts[7] = { 0 };
	bool even = true;

	for (uint64_t seed = 0; seed < 70000; seed++) {
		size_t i = block_choose(7, seed);

		if (i < 7)
			counts[i]++;
	}
	/* 10000 each; 400 is more than four standard deviations */
	for (size_t i = 0; i < 7; i++)
		even = even && counts[i] > 9600 && counts[i] < 10400;
	ok(even, "each is chosen as often as the others");
	ok(block_choose(7, 42) == block_choose(7, 42), "a seed is a choice");
	ok(block_choose(1, 42) == 0, "of one, that one");
}

static void
expect_refused(const struct volume *v, enum restriction to, const char *text)
{
	struct error err = { .text = "" };

	ok(block_check_restriction(v, to, &err) == ERR_REFUSED, "refused");
	is_str(err.text, text, "and why");
}

static void
test_restriction(void)
{
	RECORD_SCOPE struct volume *v = host(100, 1, 0);
	struct error err;

	v->restriction = RESTRICTION_LOCKED_BY_UPDATE;
	expect_refused(v, RESTRICTION_NONE, "Can not unlock volume. 2GiB free "
		       "space is required, but found 1GiB");
	v->block_free_bytes = 2 * GIB;
	ok(block_check_restriction(v, RESTRICTION_NONE, &err) == ERR_OK,
	   "it has what has to be reserved");
	block_restrict(v, RESTRICTION_NONE);
	expect_accounts(v, 0, 2, RESTRICTION_NONE, "unlocked");
	block_restrict(v, RESTRICTION_LOCKED);
	expect_accounts(v, 0, 2, RESTRICTION_LOCKED, "locked");
	ok(block_check_restriction(v, RESTRICTION_NONE, &err) == ERR_OK,
	   "what an admin locked can be unlocked");
	v->block = false;
	expect_refused(v, RESTRICTION_LOCKED, "Block restrictions can only be "
		       "set on block hosting volumes");
}

static void
expect_repair(uint64_t free_gib, uint64_t reserved_gib, uint64_t hosted_gib,
	      uint64_t want_free, uint64_t want_reserved, enum restriction r,
	      const char *what)
{
	RECORD_SCOPE struct volume *v = host(100, free_gib, reserved_gib);
	bool same = free_gib == want_free && reserved_gib == want_reserved &&
		    r == RESTRICTION_NONE;

	ok(block_repair(v, hosted_gib * GIB) == !same, "%s: %s", what,
	   same ? "nothing to do" : "changed");
	expect_accounts(v, want_free, want_reserved, r, what);
	ok(!block_repair(v, hosted_gib * GIB), "%s: once", what);
}

static void
test_repair(void)
{
	expect_repair(98, 2, 0, 98, 2, RESTRICTION_NONE, "in order");
	expect_repair(38, 2, 60, 38, 2, RESTRICTION_NONE, "with block volumes");
	expect_repair(0, 0, 0, 98, 2, RESTRICTION_NONE, "never had accounts");
	expect_repair(40, 0, 60, 38, 2, RESTRICTION_NONE, "without a reserve");
	expect_repair(1, 0, 99, 1, 0, RESTRICTION_LOCKED_BY_UPDATE,
		      "no room for a reserve");
	expect_repair(98, 2, 60, 38, 2, RESTRICTION_LOCKED_BY_UPDATE,
		      "too much said to be free");
	expect_repair(90, 0, 60, 40, 0, RESTRICTION_LOCKED_BY_UPDATE,
		      "too much said to be free, and no reserve");
	expect_repair(5, 2, 120, 0, 2, RESTRICTION_LOCKED_BY_UPDATE,
		      "more on it than it is large");
}

int
main(void)
{
	test_usable();
	test_grow();
	test_can_host();
	test_choose();
	test_restriction();
	test_repair();
	return tap_done();
}
