/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volume types: all of heketi's numbers and words, through the real plug-ins;
 * and plug-ins that answer nonsense.
 */
#include <config.h>

#include "util/log.h"
#include "volume-type.h"

#include "tests/tap.h"
#include "tests/unit/plug/plug.h"

#define KIB UINT64_C(1024)
#define GIB (KIB * KIB * KIB)

static struct plugin_host *host;

/* "a=1 b=2" to pairs, "" to none. */
static void
pairs(const char *text, struct kvs *ret)
{
	CLEANUP(strs_release) struct strs words = { 0 };

	strs_split(&words, text, ' ');
	for (size_t i = 0; i < words.n && text[0] != '\0'; i++) {
		char *eq = strchr(words.v[i], '=');

		*eq = '\0';
		kvs_set(ret, words.v[i], eq + 1);
	}
}

/* options: separated by "|". */
static enum err
init(struct shape *s, const char *type, const char *params,
     const char *options, struct error *err)
{
	CLEANUP(kvs_release) struct kvs p = { 0 };
	CLEANUP(strs_release) struct strs o = { 0 };

	memset(err, 0, sizeof(*err));
	pairs(params, &p);
	strs_split(&o, options, '|');
	return shape_init(s, host, type, &p, &o, err);
}

static const struct {
	const char *type, *params, *options;
	const char *words;
	uint32_t bricks, data, missing, quorum, sets, factor;
} shapes[] = {
	{ "", "", "", "", 1, 1, 0, 1, 15, 1 },
	{ "none", "", "", "", 1, 1, 0, 1, 15, 1 },
	{ "distribute", "", "", "", 1, 1, 0, 1, 15, 1 },
	/* The CLI sends all parameters with every type. */
	{ "none", "replicate.replica=3 disperse.data=4 disperse.redundancy=2",
	  "", "", 1, 1, 0, 1, 15, 1 },
	{ "replicate", "", "", "replica 2", 2, 1, 1, 1, 5, 1 },
	{ "replicate", "replicate.replica=0", "", "replica 2",
	  2, 1, 1, 1, 5, 1 },
	{ "replicate", "replicate.replica=1", "", "replica 1",
	  1, 1, 0, 1, 5, 1 },
	{ "replicate", "replicate.replica=2", "", "replica 2",
	  2, 1, 1, 1, 5, 1 },
	{ "replicate",
	  "replicate.replica=3 disperse.data=4 disperse.redundancy=2", "",
	  "replica 3", 3, 1, 1, 2, 5, 1 },
	{ "replicate", "replicate.replica=3", "user.heketi.arbiter true",
	  "replica 3 arbiter 1", 3, 1, 1, 2, 5, 1 },
	/* Both are two copies and an arbiter to gluster. */
	{ "replicate", "", "user.heketi.arbiter true",
	  "replica 2 arbiter 1", 3, 1, 1, 2, 5, 1 },
	{ "replicate", "replicate.replica=2", "user.heketi.arbiter 1",
	  "replica 2 arbiter 1", 3, 1, 1, 2, 5, 1 },
	{ "replicate", "replicate.replica=2", "user.heketi.arbiter 0",
	  "replica 2", 2, 1, 1, 1, 5, 1 },
	/* Nothing to gluster, which says so. */
	{ "replicate", "replicate.replica=1", "user.heketi.arbiter 1",
	  "replica 1 arbiter 1", 1, 1, 0, 1, 5, 1 },
	/* No arbiter where there are no copies. */
	{ "none", "", "user.heketi.arbiter true", "", 1, 1, 0, 1, 15, 1 },
	{ "disperse", "disperse.data=2 disperse.redundancy=1",
	  "user.heketi.arbiter true", "disperse-data 2 redundancy 1",
	  3, 2, 1, 2, 1, 2 },
	{ "disperse", "disperse.data=2 disperse.redundancy=1", "",
	  "disperse-data 2 redundancy 1", 3, 2, 1, 2, 1, 2 },
	{ "disperse", "disperse.data=4 disperse.redundancy=2", "",
	  "disperse-data 4 redundancy 2", 6, 4, 2, 4, 1, 4 },
	{ "disperse", "disperse.data=8 disperse.redundancy=3", "",
	  "disperse-data 8 redundancy 3", 11, 8, 3, 8, 1, 8 },
	{ "disperse",
	  "disperse.data=8 disperse.redundancy=4 replicate.replica=9", "",
	  "disperse-data 8 redundancy 4", 12, 8, 4, 8, 1, 8 },
};

static void
test_shapes(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		CLEANUP(shape_release) struct shape s = { 0 };
		CLEANUP(strs_release) struct strs words = { 0 };
		CLEANUP_FREE char *joined = NULL;
		const struct brickyard_geometry *g = &s.geometry;
		struct error err;

		if (!ok(init(&s, shapes[i].type, shapes[i].params,
			     shapes[i].options, &err) == ERR_OK,
			"'%s' with %s %s", shapes[i].type, shapes[i].params,
			shapes[i].options))
			continue;
		ok(g->bricks_per_set == shapes[i].bricks &&
		   g->data_bricks == shapes[i].data, "has the right bricks");
		ok(g->max_missing == shapes[i].missing &&
		   g->write_quorum == shapes[i].quorum,
		   "bears the right losses");
		ok(g->sets_per_command == shapes[i].sets &&
		   g->min_set_factor == shapes[i].factor,
		   "is made in the right pieces");
		is_int(shape_create_words(&s, &words, &err), ERR_OK,
		       "and has words for gluster");
		joined = strs_join(&words, " ");
		is_str(joined, shapes[i].words, "the right ones");
	}
}

static const struct {
	const char *type, *params, *options, *text;
} refusals[] = {
	{ "mirror", "", "", "Unknown durability type" },
	{ "good", "", "", "Unknown durability type" },
	{ "Replicate", "", "", "Unknown durability type" },
	{ "replicate", "replicate.replica=4", "", "Invalid replica value" },
	{ "replicate", "replicate.replica=-1", "", "Invalid replica value" },
	{ "replicate", "replicate.replica=99999999999999999999", "",
	  "Invalid replica value" },
	{ "replicate", "replicate.replica=4", "user.heketi.arbiter true",
	  "Invalid replica value" },
	{ "disperse", "", "", "Invalid dispersion combination: 0+0" },
	{ "disperse", "disperse.data=4", "",
	  "Invalid dispersion combination: 4+0" },
	{ "disperse", "disperse.redundancy=2", "",
	  "Invalid dispersion combination: 0+2" },
	{ "disperse", "disperse.data=4 disperse.redundancy=3", "",
	  "Invalid dispersion combination: 4+3" },
	{ "disperse", "disperse.data=-2 disperse.redundancy=1", "",
	  "Invalid dispersion combination: -2+1" },
	{ "disperse", "disperse.data=3 disperse.redundancy=8", "",
	  "Invalid dispersion combination: 3+8" },
};

static void
test_refusals(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct shape s;
		struct error err;

		is_int(init(&s, refusals[i].type, refusals[i].params,
			    refusals[i].options, &err), ERR_BADREQ,
		       "'%s' with %s %s is refused", refusals[i].type,
		       refusals[i].params, refusals[i].options);
		is_str(err.text, refusals[i].text, "in heketi's words");
	}
}

/* ---- arbiter ---- */

static const struct {
	const char *options;
	int arbiter;
} arbiters[] = {
	{ "user.heketi.arbiter 1", 1 },
	{ "user.heketi.arbiter t", 1 },
	{ "user.heketi.arbiter T", 1 },
	{ "user.heketi.arbiter TRUE", 1 },
	{ "user.heketi.arbiter True", 1 },
	{ "user.heketi.arbiter tRUE", 0 },
	{ "user.heketi.arbiter yes", 0 },
	{ "user.heketi.arbiter false", 0 },
	{ "user.heketi.arbiter", 0 },
	{ "user.heketi.arbiter ", 0 },
	{ "user.heketi.arbiters true", 0 },
	{ "xuser.heketi.arbiter true", 0 },
	{ "|user.heketi.arbiter false|a b|user.heketi.arbiter true", 1 },
	{ "user.heketi.arbiter true|a b|user.heketi.arbiter false", 0 },
	{ "user.heketi.arbiter true|user.heketi.arbiter maybe", 0 },
};

static void
test_arbiter_option(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(arbiters); i++) {
		CLEANUP(shape_release) struct shape s = { 0 };
		struct error err;

		assert(init(&s, "replicate", "replicate.replica=3",
			    arbiters[i].options, &err) == ERR_OK);
		ok(s.roles[0] == BRICKYARD_ROLE_DATA &&
		   s.roles[1] == BRICKYARD_ROLE_DATA &&
		   (s.roles[2] == BRICKYARD_ROLE_ARBITER) ==
			   arbiters[i].arbiter,
		   "options '%s': arbiter %d", arbiters[i].options,
		   arbiters[i].arbiter);
	}
}

static void
test_arbiter_size(void)
{
	static const struct {
		uint64_t data_kib, file_kib, want_kib;
	} sizes[] = {
		{ 100 * KIB * KIB, 64, 1638400 },
		{ 100 * KIB * KIB, 0, 1638400 },
		{ KIB * KIB, 64, 16 * KIB },
		{ 2 * KIB * KIB - 1, 64, 32 * KIB - 1 },
		{ 4 * KIB * KIB, 1, 4 * KIB * KIB },
		{ 100, 100, 16 * KIB },
	};
	CLEANUP(shape_release) struct shape s = { 0 };
	struct error err;
	uint64_t got;

	assert(init(&s, "replicate", "replicate.replica=3",
		    "user.heketi.arbiter true", &err) == ERR_OK);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		got = 0;
		ok(shape_brick_bytes(&s, 2, sizes[i].data_kib * KIB,
				     sizes[i].file_kib * KIB, &got, &err) ==
		   ERR_OK, "an arbiter of %llu KiB, files of %llu",
		   (unsigned long long)sizes[i].data_kib,
		   (unsigned long long)sizes[i].file_kib);
		is_int(got, sizes[i].want_kib * KIB, "has the right size");
		ok(shape_brick_bytes(&s, 1, sizes[i].data_kib * KIB,
				     sizes[i].file_kib * KIB, &got, &err) ==
		   ERR_OK && got == sizes[i].data_kib * KIB,
		   "and its data bricks theirs");
	}
	is_int(shape_brick_bytes(&s, 2, 99 * KIB, 100 * KIB, &got, &err),
	       ERR_REFUSED, "files larger than a brick can't be");
	is_str(err.text, "Average file size (100) is greater than Brick size "
	       "(99)", "in heketi's words");
}

static void
test_plain_size(void)
{
	static const char *const types[][2] = {
		{ "none", "" },
		{ "replicate", "replicate.replica=3" },
		{ "disperse", "disperse.data=4 disperse.redundancy=2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		CLEANUP(shape_release) struct shape s = { 0 };
		struct error err;
		uint64_t got = 0;

		assert(init(&s, types[i][0], types[i][1], "", &err) == ERR_OK);
		ok(shape_brick_bytes(&s, s.geometry.bricks_per_set - 1,
				     100 * GIB, 64 * KIB, &got, &err) ==
		   ERR_OK && got == 100 * GIB,
		   "all bricks of '%s' are of one size", types[i][0]);
		for (uint32_t j = 0; j < s.geometry.bricks_per_set; j++)
			ok(s.roles[j] == BRICKYARD_ROLE_DATA,
			   "brick %u is for data", j);
	}
}

/* ---- plug-ins that are wrong ---- */

static const struct {
	const char *name;
	enum err code;
	const char *text;
} nonsense[] = {
	{ "vt-none", ERR_INTERNAL,
	  "volume type 'vt-none': bricks_per_set is 0, not 1 to 64" },
	{ "vt-crowd", ERR_INTERNAL,
	  "volume type 'vt-crowd': bricks_per_set is 65, not 1 to 64" },
	{ "vt-data", ERR_INTERNAL,
	  "volume type 'vt-data': data_bricks is 4, not 1 to 3" },
	{ "vt-missing", ERR_INTERNAL,
	  "volume type 'vt-missing': max_missing is 3, not 0 to 2" },
	{ "vt-quorum", ERR_INTERNAL,
	  "volume type 'vt-quorum': write_quorum is 4, not 1 to 3" },
	{ "vt-factor", ERR_INTERNAL,
	  "volume type 'vt-factor': min_set_factor is 1000, not 1 to 64" },
	{ "vt-role", ERR_INTERNAL,
	  "volume type 'vt-role': role 77 of brick 0 is unknown" },
	{ "vt-thin", ERR_INTERNAL, "volume type 'vt-thin': only 1 bricks of a "
	  "set hold the data of 2" },
	{ "vt-silent", ERR_INTERNAL,
	  "volume type 'vt-silent': validate failed without saying why" },
	{ "vt-refuses", ERR_BADREQ, "not ? today" },
};

static void
test_nonsense(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		struct error err;
		struct shape s;

		is_int(init(&s, nonsense[i].name, "", "", &err),
		       nonsense[i].code, "%s is not believed",
		       nonsense[i].name);
		is_str(err.text, nonsense[i].text, "and is named");
	}
}

static void
test_more_nonsense(void)
{
	static const char *const words[][2] = {
		{ "vt-shell", "'x; reboot' is no word for gluster" },
		{ "vt-dash", "'--mode=script' is no word for gluster" },
		{ "vt-chatty", "more than 32 create words" },
	};
	struct error err;
	uint64_t got = 1;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		CLEANUP(shape_release) struct shape s = { 0 };
		CLEANUP(strs_release) struct strs ret = { 0 };

		assert(init(&s, words[i][0], "", "", &err) == ERR_OK);
		is_int(shape_create_words(&s, &ret, &err), ERR_INTERNAL,
		       "%s's words are not taken", words[i][0]);
		has_str(err.text, words[i][1], "the reason is given");
		is_int(ret.n, 0, "and none comes back");
	}

	CLEANUP(shape_release) struct shape s = { 0 };

	assert(init(&s, "vt-nothing", "", "", &err) == ERR_OK);
	is_int(shape_brick_bytes(&s, 0, GIB, KIB, &got, &err), ERR_INTERNAL,
	       "bricks without size are not believed");
	is_int(got, 1, "and the result is left alone");
	ok(s.geometry.sets_per_command == 5 && s.geometry.min_set_factor == 1 &&
	   s.geometry.size == sizeof(s.geometry),
	   "what a type leaves at 0 gets a default");
}

static void
install(void)
{
	static const char *const types[] = {
		"replicate", "disperse", "distribute",
	};
	static const char *const fakes[] = {
		"good", "vt-shell", "vt-dash", "vt-chatty", "vt-nothing",
	};
	char to[256];

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		CLEANUP_FREE char *from = xasprintf("plugins/%s", types[i]);

		snprintf(to, sizeof(to), "a/%s.so", types[i]);
		plug_copy(from, types[i], to, 0644);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++) {
		snprintf(to, sizeof(to), "b/%s.so", fakes[i]);
		plug_fake(to);
	}
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		snprintf(to, sizeof(to), "b/%s.so", nonsense[i].name);
		plug_fake(to);
	}
}

int
main(void)
{
	char path[2 * sizeof(plug_dir) + 8];

	plug_setup();
	log_set_level(LOG_LVL_NONE);
	install();
	snprintf(path, sizeof(path), "%s/a:%s/b", plug_dir, plug_dir);
	host = plugin_host_new(path);
	test_shapes();
	test_refusals();
	test_arbiter_option();
	test_arbiter_size();
	test_plain_size();
	test_nonsense();
	test_more_nonsense();
	plugin_host_free(host);
	return tap_done();
}
