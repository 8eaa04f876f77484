/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks a volume type for the shape of one volume, gives the defaults of what
 * the plug-in leaves out, and believes no answer that makes no sense.  Volume
 * types are pure, so all this may run on any thread, several at a time.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "util/xalloc.h"
#include "volume-type.h"

/* Sets that go into one gluster command where the type doesn't care. */
#define SETS_PER_COMMAND 5
/* The smallest volume is at most this many times the smallest brick. */
#define MIN_SET_FACTOR_MAX 64
#define WORDS_MAX 32
#define WORD_LEN_MAX 64

static const struct brickyard_volume_type *
ops_of(const struct shape *s)
{
	return &s->plugin->volume_type;
}

/* ---- the request as the plug-in sees it ---- */

/* Its own parameters, those called "NAME.…", without that prefix. */
static void
take_params(struct shape *s, const struct kvs *params)
{
	size_t n = strlen(s->plugin->name);

	for (size_t i = 0; i < params->n; i++) {
		const char *key = params->v[i].key;

		if (strncmp(key, s->plugin->name, n) == 0 && key[n] == '.')
			kvs_set(&s->params, key + n + 1, params->v[i].value);
	}
	s->kv = xcalloc(s->params.n, sizeof(*s->kv));
	for (size_t i = 0; i < s->params.n; i++) {
		s->kv[i].key = s->params.v[i].key;
		s->kv[i].value = s->params.v[i].value;
	}
}

static void
make_request(struct shape *s, const struct kvs *params,
	     const struct strs *options)
{
	take_params(s, params);
	strs_copy(&s->options, options);
	s->request = (struct brickyard_volume_request) {
		.size = sizeof(s->request),
		.nparams = s->params.n,
		.params = s->kv,
		.noptions = s->options.n,
		.options = (const char *const *)s->options.v,
	};
}

/* ---- what it answers ---- */

/* It refuses, in its own words; code says what that means to the client. */
static enum err
refuse(const struct shape *s, enum err code, const struct brickyard_error *why,
       const char *step, struct error *err)
{
	if (why->text[0] == '\0')
		return fail(err, ERR_INTERNAL, "volume type '%s': %s failed "
			    "without saying why", s->plugin->name, step);
	return fail(err, code, "%s", why->text);
}

static enum err
validate(const struct shape *s, struct error *err)
{
	struct brickyard_error why = { 0 };

	PLUGIN_SCOPE(s->plugin);
	if (ops_of(s)->validate(&s->request, &why) != 0)
		return refuse(s, ERR_BADREQ, &why, "validate", err);
	return ERR_OK;
}

/* Members of the geometry and the values that make sense. */
static enum err
check_geometry(const struct shape *s, struct error *err)
{
	const struct brickyard_geometry *g = &s->geometry;
	uint32_t all = g->bricks_per_set;
	const struct {
		const char *name;
		uint32_t value, min, max;
	} members[] = {
		{ "bricks_per_set", all, 1, ARRAY_SIZE(s->roles) },
		{ "data_bricks", g->data_bricks, 1, all },
		{ "max_missing", g->max_missing, 0, all - 1 },
		{ "write_quorum", g->write_quorum, 1, all },
		{ "min_set_factor", g->min_set_factor, 1, MIN_SET_FACTOR_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (members[i].value < members[i].min ||
		    members[i].value > members[i].max)
			return fail(err, ERR_INTERNAL, "volume type '%s': %s "
				    "is %" PRIu32 ", not %" PRIu32 " to %"
				    PRIu32, s->plugin->name, members[i].name,
				    members[i].value, members[i].min,
				    members[i].max);
	return ERR_OK;
}

static enum err
ask_geometry(struct shape *s, struct error *err)
{
	struct brickyard_geometry *g = &s->geometry;
	struct brickyard_error why = { 0 };

	g->size = sizeof(*g);
	PLUGIN_SCOPE(s->plugin);
	if (ops_of(s)->geometry(&s->request, g, &why) != 0)
		return refuse(s, ERR_BADREQ, &why, "geometry", err);
	g->size = sizeof(*g);
	if (g->sets_per_command == 0)
		g->sets_per_command = SETS_PER_COMMAND;
	if (g->min_set_factor == 0)
		g->min_set_factor = 1;
	return check_geometry(s, err);
}

static enum err
ask_roles(struct shape *s, struct error *err)
{
	uint32_t data = 0, role;

	PLUGIN_SCOPE(s->plugin);
	for (uint32_t i = 0; i < s->geometry.bricks_per_set; i++) {
		role = BRICKYARD_ROLE_DATA;
		if (ops_of(s)->role != NULL)
			role = ops_of(s)->role(&s->request, i);
		if (role != BRICKYARD_ROLE_DATA && role != BRICKYARD_ROLE_ARBITER)
			return fail(err, ERR_INTERNAL, "volume type '%s': role "
				    "%" PRIu32 " of brick %" PRIu32 " is "
				    "unknown", s->plugin->name, role, i);
		data += role == BRICKYARD_ROLE_DATA;
		s->roles[i] = role;
	}
	if (data < s->geometry.data_bricks)
		return fail(err, ERR_INTERNAL, "volume type '%s': only %" PRIu32
			    " bricks of a set hold the data of %" PRIu32,
			    s->plugin->name, data, s->geometry.data_bricks);
	return ERR_OK;
}

/* ---- public ---- */

enum err
shape_init(struct shape *ret, const struct plugin_host *h, const char *type,
	   const struct kvs *params, const struct strs *options,
	   struct error *err)
{
	struct shape s = { .plugin = plugin_for_request(h, type) };
	enum err e;

	if (s.plugin == NULL)
		return fail(err, ERR_BADREQ, "Unknown durability type");
	make_request(&s, params, options);
	e = validate(&s, err);
	if (e == ERR_OK)
		e = ask_geometry(&s, err);
	if (e == ERR_OK)
		e = ask_roles(&s, err);
	if (e != ERR_OK) {
		shape_release(&s);
		return e;
	}
	/* All that request points to is on the heap, so it may be moved. */
	*ret = s;
	return ERR_OK;
}

void
shape_release(struct shape *s)
{
	kvs_release(&s->params);
	strs_release(&s->options);
	free(s->kv);
	memset(s, 0, sizeof(*s));
}

enum err
shape_brick_bytes(const struct shape *s, uint32_t i, uint64_t data_brick_bytes,
		  uint64_t average_file_bytes, uint64_t *ret, struct error *err)
{
	struct brickyard_error why = { 0 };
	uint64_t bytes = 0;

	if (ops_of(s)->brick_bytes == NULL) {
		*ret = data_brick_bytes;
		return ERR_OK;
	}
	PLUGIN_SCOPE(s->plugin);
	if (ops_of(s)->brick_bytes(&s->request, i, data_brick_bytes,
				   average_file_bytes, &bytes, &why) != 0)
		return refuse(s, ERR_REFUSED, &why, "brick_bytes", err);
	if (bytes == 0 || bytes > INT64_MAX)
		return fail(err, ERR_INTERNAL, "volume type '%s': brick %"
			    PRIu32 " of %" PRIu64 " bytes", s->plugin->name, i,
			    bytes);
	*ret = bytes;
	return ERR_OK;
}

/* Letters, digits and inner dots, dashes and underscores: what gluster's own
 * words are made of.  A brick or an option must not come in this way.
 */
static bool
word_is_sane(const char *w)
{
	size_t n = strlen(w);

	return n > 0 && n <= WORD_LEN_MAX && w[0] != '-' && w[0] != '.' &&
	       strspn(w, "abcdefghijklmnopqrstuvwxyz0123456789"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-") == n;
}

static enum err
take_words(const struct shape *s, const struct brickyard_result *r,
	   struct strs *ret, struct error *err)
{
	CLEANUP(strs_release) struct strs words = { 0 };

	result_get_all(r, 0, "word", &words);
	if (r->overflow || words.n > WORDS_MAX)
		return fail(err, ERR_INTERNAL, "volume type '%s': more than %d "
			    "create words", s->plugin->name, WORDS_MAX);
	for (size_t i = 0; i < words.n; i++)
		if (!word_is_sane(words.v[i]))
			return fail(err, ERR_INTERNAL, "volume type '%s': "
				    "'%.80s' is no word for gluster",
				    s->plugin->name, words.v[i]);
	strs_copy(ret, &words);
	return ERR_OK;
}

enum err
shape_create_words(const struct shape *s, struct strs *ret, struct error *err)
{
	CLEANUP(result_release) struct brickyard_result r;
	struct brickyard_error why = { 0 };

	result_init(&r);
	if (ops_of(s)->create_words == NULL)
		return ERR_OK;
	PLUGIN_SCOPE(s->plugin);
	if (ops_of(s)->create_words(&s->request, &r, &why) != 0)
		return refuse(s, ERR_INTERNAL, &why, "create_words", err);
	return take_words(s, &r, ret, err);
}
