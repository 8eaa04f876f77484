/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Laws of volume types: the same question gets the same answer, sizes add up,
 * more bricks never lose capacity, quorum fits, words are gluster's grammar; and
 * no request, however odd, does harm.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "plugin-check/check.h"
#include "util/xalloc.h"
#include "volume-type.h"

#define GIB ((uint64_t)1 << 30)
#define THREADS 8
#define ROUNDS 200

/* ---- one request ---- */

static enum err
ask(struct subject *s, const struct kvs *params, const struct strs *options,
    struct shape *ret, struct error *err)
{
	CLEANUP(kvs_release) struct kvs own = { 0 };

	for (size_t i = 0; i < params->n; i++) {
		CLEANUP_FREE char *key = xasprintf("%s.%s", s->plugin->name,
						   params->v[i].key);

		kvs_add(&own, key, params->v[i].value);
	}
	return shape_init(ret, s->host, s->plugin->name, &own, options, err);
}

static bool
same_shape(const struct shape *a, const struct shape *b)
{
	return memcmp(&a->geometry, &b->geometry, sizeof(a->geometry)) == 0 &&
	       memcmp(a->roles, b->roles, sizeof(a->roles)) == 0;
}

/* ---- words ---- */

/* What may stand between the name of a volume and its bricks, each with how
 * many numbers follow it.
 */
static const struct grammar {
	const char *word;
	bool number;
} grammar[] = {
	{ "stripe", true }, { "replica", true }, { "arbiter", true },
	{ "thin-arbiter", true }, { "disperse", true },
	{ "disperse-data", true }, { "redundancy", true },
	{ "transport", false }, { "tcp", false }, { "rdma", false },
};

static const struct grammar *
grammar_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(grammar); i++)
		if (strcmp(grammar[i].word, word) == 0)
			return &grammar[i];
	return NULL;
}

static bool
is_number(const char *s)
{
	return s[0] >= '1' && s[0] <= '9' &&
	       s[strspn(s, "0123456789")] == '\0' && strlen(s) < 4;
}

static void
check_words(const struct shape *shape)
{
	CLEANUP(strs_release) struct strs words = { 0 };
	CLEANUP_FREE char *list = NULL;
	struct error err = { 0 };
	bool good = true;

	if (!check_ok(shape_create_words(shape, &words, &err) == ERR_OK,
		      "create_words answers", "%s", err.text))
		return;
	for (size_t i = 0; i < words.n; i++) {
		const struct grammar *g = grammar_of(words.v[i]);

		if (g == NULL || (g->number && (i + 1 == words.n ||
						!is_number(words.v[i + 1]))))
			good = false;
		else if (g->number)
			i++;
	}
	list = strs_join(&words, " ");
	check_ok(good, "create_words are words of gluster's volume create",
		 "'%s'", list);
}

/* ---- sizes ---- */

static uint64_t
brick_bytes(const struct shape *s, uint32_t i, uint64_t data_bytes)
{
	struct error err;
	uint64_t bytes = 0;

	if (shape_brick_bytes(s, i, data_bytes, 64 << 10, &bytes, &err) != ERR_OK)
		return 0;
	return bytes;
}

/* Of the bricks that hold data, as many as the geometry says must be whole. */
static void
check_set(const struct shape *s, uint64_t data_bytes)
{
	uint32_t whole = 0, larger = 0, none = 0;

	for (uint32_t i = 0; i < s->geometry.bricks_per_set; i++) {
		uint64_t bytes = brick_bytes(s, i, data_bytes);

		whole += s->roles[i] == BRICKYARD_ROLE_DATA && bytes >= data_bytes;
		larger += bytes > 2 * data_bytes;
		none += bytes == 0;
	}
	check_ok(whole >= s->geometry.data_bricks,
		 "enough bricks of a set hold what its data need",
		 "%" PRIu32 " of %" PRIu32 " at %" PRIu64 " bytes", whole,
		 s->geometry.data_bricks, data_bytes);
	check_ok(larger == 0, "no brick is far larger than the data ask for",
		 "%" PRIu32 " are, at %" PRIu64 " bytes", larger, data_bytes);
	check_ok(none == 0, "each brick has a size", "%" PRIu32 " have none at %"
		 PRIu64 " bytes", none, data_bytes);
}

static void
check_growth(const struct shape *s)
{
	uint64_t was = 0;
	bool grows = true;

	for (uint32_t i = 0; i < s->geometry.bricks_per_set; i++, was = 0) {
		for (uint64_t size = GIB; size <= 4096 * GIB; size *= 2) {
			uint64_t now = brick_bytes(s, i, size);

			grows = grows && now >= was;
			was = now;
		}
	}
	check_ok(grows, "larger data never make a brick smaller", "they do");
}

static void
check_quorum(const struct shape *s)
{
	const struct brickyard_geometry *g = &s->geometry;
	uint32_t n = g->bricks_per_set;

	check_ok(n - g->max_missing >= g->data_bricks ||
		 g->data_bricks == 1, "what may be missing leaves the data whole",
		 "%" PRIu32 " of %" PRIu32 " may be missing of %" PRIu32
		 " with data", g->max_missing, n, g->data_bricks);
	check_ok(g->write_quorum >= n - g->max_missing,
		 "writing needs no fewer bricks than reading does",
		 "write quorum %" PRIu32 ", readable with %" PRIu32,
		 g->write_quorum, n - g->max_missing);
	/* Two halves of a set that can't see each other must not both write. */
	check_ok(n == 1 || g->data_bricks > 1 || g->max_missing == 0 ||
		 2 * g->write_quorum > n || n == 2,
		 "two parts of a set can't both have the write quorum",
		 "%" PRIu32 " of %" PRIu32, g->write_quorum, n);
}

static void
check_repeats(struct subject *s, const struct shape *first)
{
	struct error err = { 0 };
	bool same = true;

	for (int i = 0; i < ROUNDS && same; i++) {
		struct shape again;

		if (ask(s, &s->args->params, &s->args->volume_options, &again,
			&err) != ERR_OK) {
			same = false;
			break;
		}
		same = same_shape(first, &again);
		shape_release(&again);
	}
	check_ok(same, "the same question gets the same answer", "%s",
		 err.text[0] != '\0' ? err.text : "it changed");
}

void
check_type_laws(struct subject *s)
{
	struct error err = { 0 };
	struct shape shape;

	check_begin("the default request");
	if (!check_ok(ask(s, &s->args->params, &s->args->volume_options, &shape,
			  &err) == ERR_OK, "the request has a shape", "%s; if "
		      "it needs parameters, give them with --param", err.text))
		return;
	check_repeats(s, &shape);
	check_quorum(&shape);
	for (uint64_t size = GIB; size <= 4096 * GIB; size *= 16)
		check_set(&shape, size);
	check_growth(&shape);
	check_words(&shape);
	shape_release(&shape);
}

/* ---- odd requests ---- */

static const char *const odd_values[] = {
	"", "0", "-1", "1", "2", "3", "4", "5", "64", "65", "1000000",
	"99999999999999999999999999", "3.5", "0x3", " 3", "3 ", "three", "NaN",
	"true", "\303\251", "%s%n", "3\n", "--",
};

/* Refused, or a shape that the host can believe; its own words if refused. */
static void
try_odd(struct subject *s, const char *key, const char *value)
{
	CLEANUP(kvs_release) struct kvs params = { 0 };
	CLEANUP_FREE char *name = xasprintf("%s=%s is refused in words or has a "
					    "sound shape", key, value);
	struct error err = { 0 };
	struct shape shape;
	enum err e;

	kvs_copy(&params, &s->args->params);
	kvs_set(&params, key, value);
	check_begin(name);
	e = ask(s, &params, &s->args->volume_options, &shape, &err);
	check_ok(e == ERR_OK || e == ERR_BADREQ, name, "%s", err.text);
	if (e == ERR_OK)
		shape_release(&shape);
}

static void
try_options(struct subject *s)
{
	CLEANUP(strs_release) struct strs options = { 0 };
	CLEANUP_FREE char *big = xcalloc(1, 100001);
	struct error err = { 0 };
	struct shape shape;
	enum err e;

	memset(big, 'o', 100000);
	strs_add(&options, "");
	strs_add(&options, " ");
	strs_add(&options, "user.heketi.arbiter");
	strs_add(&options, big);
	check_begin("odd volume options");
	e = ask(s, &s->args->params, &options, &shape, &err);
	check_ok(e == ERR_OK || e == ERR_BADREQ,
		 "odd volume options do no harm", "%s", err.text);
	if (e == ERR_OK)
		shape_release(&shape);
}

void
check_type_input(struct subject *s)
{
	CLEANUP(strs_release) struct strs keys = { 0 };

	strs_add(&keys, "no-such-parameter");
	for (size_t i = 0; i < s->args->params.n; i++)
		strs_add(&keys, s->args->params.v[i].key);
	/* The names that gluster's own types go by. */
	strs_add(&keys, "replica");
	strs_add(&keys, "data");
	strs_add(&keys, "redundancy");
	for (size_t k = 0; k < keys.n; k++)
		for (size_t i = 0; i < ARRAY_SIZE(odd_values); i++)
			try_odd(s, keys.v[k], odd_values[i]);
	try_options(s);
}

/* ---- threads ---- */

struct asker {
	struct subject *s;
	const struct shape *want;
	bool same;
	pthread_t thread;
};

static void *
keep_asking(void *arg)
{
	struct asker *a = arg;

	a->same = true;
	for (int i = 0; i < ROUNDS; i++) {
		struct error err;
		struct shape got;

		if (ask(a->s, &a->s->args->params, &a->s->args->volume_options,
			&got, &err) != ERR_OK) {
			a->same = false;
			break;
		}
		a->same = a->same && same_shape(a->want, &got);
		shape_release(&got);
	}
	return NULL;
}

void
check_type_threads(struct subject *s)
{
	struct asker askers[THREADS];
	struct shape want;
	struct error err;
	bool same = true;

	if (ask(s, &s->args->params, &s->args->volume_options, &want,
		&err) != ERR_OK)
		return;
	check_begin("many threads");
	for (size_t i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){ .s = s, .want = &want };
		if (pthread_create(&askers[i].thread, NULL, keep_asking,
				   &askers[i]) != 0)
			abort();
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(askers[i].thread, NULL);
		same = same && askers[i].same;
	}
	check_ok(same, "many threads at a time get the same answers",
		 "some got another");
	shape_release(&want);
}
