/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of requests are checked with heketi's texts. */
#include <config.h>

#include "api/validate.h"
#include "util/xalloc.h"

#include "tests/tap.h"

static char *
text_of(struct faults *f)
{
	struct buf b = { 0 };

	if (!faults_none(f))
		faults_text(f, &b);
	faults_release(f);
	return buf_steal(&b);
}

static void
expect(struct faults *f, const char *want, const char *name)
{
	CLEANUP_FREE char *got = text_of(f);

	is_str(got, want, "%s", name);
}

static char *
repeat(const char *s, size_t n)
{
	struct buf b = { 0 };

	while (n-- > 0)
		buf_adds(&b, s);
	return buf_steal(&b);
}

static void
test_scalars(void)
{
	struct faults f = { .v = { 0 } };
	CLEANUP_FREE char *long_name = repeat("x", 300);

	check_positive(&f, "size", 0);
	expect(&f, "size: cannot be blank.", "zero is blank");
	check_positive(&f, "size", -1);
	expect(&f, "size: must be no less than 1.", "less than one");
	check_positive(&f, "size", INT64_MAX);
	expect(&f, "", "any positive number");
	check_uuid(&f, "cluster", NULL);
	expect(&f, "cluster: cannot be blank.", "no id");
	check_uuid(&f, "cluster", "abc");
	expect(&f, "cluster: abc is not a valid UUID.", "a short id");
	check_uuid(&f, "cluster", "0123456789abcdefABCDEF0123456789");
	expect(&f, "", "an id in either case");
	check_volume_name(&f, "name", "");
	check_volume_name(&f, "name", "a-B_9");
	check_volume_name(&f, "name", long_name);
	expect(&f, "", "names, even long ones");
	check_volume_name(&f, "name", "a;rm -rf /");
	expect(&f, "name: must be in a valid format.", "a name for a shell");
	check_volume_name(&f, "name", "a\n");
	expect(&f, "name: must be in a valid format.", "a newline at the end");
	check_device_name(&f, "name", "");
	expect(&f, "name: cannot be blank.", "no device");
	check_device_name(&f, "name", "/dev/disk/by-id/a.b:0_1");
	expect(&f, "", "a device path");
	check_device_name(&f, "name", "/");
	expect(&f, "name: must be in a valid format.", "the root directory");
	check_device_name(&f, "name", "dev/sdb");
	expect(&f, "name: must be in a valid format.", "a relative path");
	check_device_name(&f, "name", "/dev/$(id)");
	expect(&f, "name: must be in a valid format.", "a path for a shell");
	check_state(&f, "state", "on");
	expect(&f, "state: on is not valid state.", "an unknown state");
	check_state(&f, "state", "");
	expect(&f, "state: cannot be blank.", "no state");
	check_heal(&f, "healcheck", "");
	check_heal(&f, "healcheck", "disable");
	expect(&f, "", "words for the heal check");
	check_heal(&f, "healcheck", "maybe");
	expect(&f, "healcheck: maybe is not valid heal info check.",
	       "an unknown word for it");
}

static void
test_hosts(void)
{
	CLEANUP(strs_release) struct strs two = { 0 };
	CLEANUP(strs_release) struct strs none = { 0 };
	struct faults f = { .v = { 0 } }, outer = { .v = { 0 } };
	CLEANUP_FREE char *label63 = repeat("a", 63);
	CLEANUP_FREE char *label64 = repeat("a", 64);
	CLEANUP_FREE char *label65 = repeat("a", 65);
	CLEANUP_FREE char *good = repeat("abc.", 85);
	CLEANUP_FREE char *bad = xasprintf("%sa", good);
	CLEANUP_FREE char *odd = xasprintf("%s_", label63);

	ok(host_is_valid("node1") && host_is_valid("n-1.example.com.") &&
	   host_is_valid("_srv.x") && host_is_valid("10.0.0.1") &&
	   host_is_valid("fe80::1") && host_is_valid("::"), "hosts");
	ok(!host_is_valid("") && !host_is_valid("-a") &&
	   !host_is_valid("a..b") && !host_is_valid("a b") && !host_is_valid("a;b") &&
	   !host_is_valid(".") && !host_is_valid("[::1]") &&
	   !host_is_valid("fe80::1%eth0"), "and what is none");
	ok(host_is_valid(label63) && !host_is_valid(label65), "long labels");
	ok(host_is_valid(odd) && !host_is_valid(label64),
	   "a label of 64 may end in an underscore only");
	ok(host_is_valid(good) && !host_is_valid(bad), "long names");
	strs_add(&two, "good");
	strs_add(&two, "b@d");
	check_hosts(&f, "manage", &two);
	expect(&f, "manage: [good b@d] is not a valid manage hostname.",
	       "the whole list is named");
	check_hosts(&f, "storage", &none);
	check_hosts(&f, "manage", &none);
	check_nested(&outer, "hostnames", &f);
	faults_release(&f);
	expect(&outer, "hostnames: (manage: cannot be blank; storage: "
	       "cannot be blank.).", "an object inside has parentheses");
}

static void
expect_tag(const char *key, const char *value, const char *want)
{
	CLEANUP(kvs_release) struct kvs tags = { 0 };
	struct faults f = { .v = { 0 } };

	kvs_add(&tags, key, value);
	check_tags(&f, "tags", &tags);
	expect(&f, want, want[0] ? want : "a good tag");
}

static void
test_tags(void)
{
	CLEANUP(kvs_release) struct kvs many = { 0 };
	struct faults f = { .v = { 0 } };
	CLEANUP_FREE char *k32 = repeat("k", 32), *k33 = repeat("k", 33);
	CLEANUP_FREE char *v64 = repeat("\xc3\xa9", 64);
	CLEANUP_FREE char *v65 = repeat("v", 65);
	CLEANUP_FREE char *want =
		xasprintf("tags: tag name %s: the length must be between 1 "
			  "and 32.", k33);

	expect_tag("arbiter", "required", "");
	expect_tag(k32, v64, "");
	expect_tag("", "", "tags: tag names may not be empty.");
	expect_tag(k33, "", want);
	expect_tag("k", v65, "tags: value of tag k: the length must be no more "
		   "than 64.");
	expect_tag("a b", "", "tags: invalid characters in tag name a b.");
	for (int i = 0; i < 33; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%d", i);
		kvs_add(&many, key, "");
	}
	check_tags(&f, "tags", &many);
	expect(&f, "tags: too many tags specified (33), up to 32 supported.",
	       "33 tags");
}

static void
test_several(void)
{
	struct faults f = { .v = { 0 } };

	check_positive(&f, "zone", 0);
	check_uuid(&f, "cluster", "x");
	check_device_name(&f, "name", "y");
	expect(&f, "cluster: x is not a valid UUID; name: must be in a valid "
	       "format; zone: cannot be blank.", "all that fail, sorted");
}

int
main(void)
{
	test_scalars();
	test_hosts();
	test_tags();
	test_several();
	return tap_done();
}
