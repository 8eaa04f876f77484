/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block volumes of the simulated nodes: accounts, refusals, and that each step
 * can be run twice, or again after half of it.
 */
#include <config.h>

#include "tests/unit/simulated-host.h"

static struct brickyard_executor_instance *inst;
static struct dev d1, d2, d3;
static struct bri b1, b2, b3;
static struct vol vol;

static const char *const three[] = { "n1", "n2", "n3" };
static const char *const far[] = { "n1", "n9" };

static struct brickyard_block
block(const char *name, unsigned gib, size_t nhosts)
{
	return (struct brickyard_block){
		.size = sizeof(struct brickyard_block), .volume = vol.name,
		.name = name, .size_bytes = gib * GIB,
		.hacount = (uint32_t)nhosts, .prealloc = "", .nhosts = nhosts,
		.hosts = three,
	};
}

#define BCREATE(b)							\
	(FRESH, sim->block_create(inst, &forever, &n1, (b), &result, &error))
#define BINFO(which)							\
	(FRESH, sim->block_info(inst, &forever, &n1, vol.name, (which),	\
				&result, &error))
#define BEXPAND(b)							\
	(FRESH, sim->block_expand(inst, &forever, &n2, (b), &error))
#define BDESTROY(volume, name)						\
	(FRESH, sim->block_destroy(inst, &forever, &n3, (volume), (name), \
				   &error))

static bool
add_brick(unsigned n, const struct brickyard_node *node, struct dev *d,
	  struct bri *b)
{
	dev_init(d, n, "/dev/sdb");
	bri_init(b, n, d, node->storage_host, 10 * GIB);
	vol_add(&vol, b);
	return PREPARE(inst, &forever, node, d) == 0 &&
	       MAKE(inst, &forever, node, b) == 0;
}

/* Three peers with a volume of 10 GiB. */
static void
start(const char *key, const char *value)
{
	bool good;

	inst = open_sim(key, value, NULL);
	good = inst != NULL && PROBE(inst, &forever, &n1, "n2") == 0 &&
	       PROBE(inst, &forever, &n1, "n3") == 0;
	vol_init(&vol, 1, 3);
	good = good && add_brick(1, &n1, &d1, &b1) &&
	       add_brick(2, &n2, &d2, &b2) && add_brick(3, &n3, &d3, &b3);
	if (!good || CREATE(inst, &forever, &n1, &vol) != 0)
		ok(0, "start with %s=%s: %s", key, value, error.text);
}

static void
tells(const char *name, const char *want)
{
	works(BINFO(name), "it can be looked at");
	is_str(result.text, want, "and is as it should be");
}

static void
test_life(void)
{
	struct brickyard_block b = block("b", 4, 2);

	start(NULL, NULL);
	refused(BINFO("b"), BRICKYARD_ERR_NOTFOUND, "doesn't exist",
		"there is none");
	works(BCREATE(&b), "it is made");
	is_str(result.text, "iqn=fakeIQN\nsize_bytes=4294967296\n"
	       "usable_bytes=4294967296\n", "without auth no password");
	works(BCREATE(&b), "twice is once");
	b.auth = 1;
	refused(BCREATE(&b), BRICKYARD_ERR_EXISTS, "already EXIST",
		"another one can't have its name");
	b = block("c", 4, 3);
	b.auth = 1;
	works(BCREATE(&b), "one with auth");
	is_str(result.text, "iqn=fakeIQN\nusername=heketi-user\n"
	       "password=secret\nsize_bytes=4294967296\n"
	       "usable_bytes=4294967296\n", "has a password");
	b = block("d", 3, 3);
	refused(BCREATE(&b), BRICKYARD_ERR_PERMANENT, "no space left",
		"more than the volume holds");
	b = block("b", 7, 2);
	refused(BEXPAND(&b), BRICKYARD_ERR_PERMANENT, "no space left",
		"nor can one grow beyond that");
	b = block("b", 6, 2);
	works(BEXPAND(&b), "it grows");
	works(BEXPAND(&b), "twice is once");
	tells("b", "iqn=fakeIQN\nsize_bytes=6442450944\n"
	      "usable_bytes=6442450944\n");
	b = block("b", 5, 2);
	refused(BEXPAND(&b), BRICKYARD_ERR_INVALID, "shrink", "and never shrinks");
	works(BDESTROY(vol.name, "b"), "it is destroyed");
	works(BDESTROY(vol.name, "b"), "twice is once");
	works(BDESTROY("nowhere", "b"), "without its volume it is gone, too");
	refused(BINFO("b"), BRICKYARD_ERR_NOTFOUND, "doesn't exist", "gone");
	works(DESTROY(inst, &forever, &n1, vol.name), "the volume goes, and c");
	works(BDESTROY(vol.name, "c"), "with it");
	sim->close(inst);
}

static void
test_refusals(void)
{
	struct brickyard_block b = block("b", 1, 2);

	start(NULL, NULL);
	b.volume = "nowhere";
	refused(BCREATE(&b), BRICKYARD_ERR_NOTFOUND, "does not exist",
		"no such volume");
	b = block("b", 1, 2);
	b.hacount = 3;
	refused(BCREATE(&b), BRICKYARD_ERR_INVALID, "doesn't match",
		"portals are as many as hosts");
	b = block("b", 1, 2);
	b.hosts = far;
	refused(BCREATE(&b), BRICKYARD_ERR_INVALID, "n9 is not in the pool",
		"and are peers");
	b = block("b", 1, 0);
	refused(BCREATE(&b), BRICKYARD_ERR_INVALID, "0 hosts", "there are some");
	b = block("b", 0, 2);
	refused(BCREATE(&b), BRICKYARD_ERR_INVALID, "no size", "of some size");
	refused(BEXPAND(&b), BRICKYARD_ERR_NOTFOUND, "doesn't exist",
		"what is not there does not grow");
	sim->close(inst);
}

/* Half done, then done again. */
static void
test_halves(void)
{
	struct brickyard_block b = block("b", 2, 2);

	start("faults", "block_create#1=mid:half;block_expand#1=mid:half;"
	      "block_destroy#1=mid:half");
	refused(BCREATE(&b), BRICKYARD_ERR_PERMANENT, "half", "half made");
	works(BINFO("b"), "it is there");
	works(BCREATE(&b), "and is finished");
	b = block("b", 3, 2);
	refused(BEXPAND(&b), BRICKYARD_ERR_PERMANENT, "half", "half grown");
	tells("b", "iqn=fakeIQN\nsize_bytes=3221225472\n"
	      "usable_bytes=2147483648\n");
	works(BEXPAND(&b), "and wholly");
	tells("b", "iqn=fakeIQN\nsize_bytes=3221225472\n"
	      "usable_bytes=3221225472\n");
	refused(BDESTROY(vol.name, "b"), BRICKYARD_ERR_PERMANENT, "half",
		"half destroyed");
	works(BDESTROY(vol.name, "b"), "and wholly");
	refused(BINFO("b"), BRICKYARD_ERR_NOTFOUND, "doesn't exist", "gone");
	sim->close(inst);
}

static void
test_fence(void)
{
	struct brickyard_call old = forever, new_ = forever;
	struct brickyard_block b = block("b", 1, 2);

	start(NULL, NULL);
	old.operation_id = new_.operation_id = "0000000000000000000000000000000a";
	old.epoch = 1;
	new_.epoch = 2;
	FRESH;
	works(sim->block_create(inst, &new_, &n1, &b, &result, &error),
	      "an operation's new owner makes it");
	FRESH;
	refused(sim->block_destroy(inst, &old, &n1, vol.name, "b", &error),
		BRICKYARD_ERR_FENCED, "fenced", "its old one can't undo that");
	works(BINFO("b"), "it is there");
	sim->close(inst);
}

int
main(void)
{
	load_plugin();
	test_life();
	test_refusals();
	test_halves();
	test_fence();
	return tap_done();
}
