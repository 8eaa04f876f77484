/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks a volume type for the shape of one volume, gives the defaults of what
 * the plug-in leaves out, and believes no answer that makes no sense.  Volume
 * types are pure, so all this may run on any thread, several at a time.  In the
 * daemon each question is an errand: whoever asks may hold locks, and one that
 * is never answered must not keep them.
 */
#include <config.h>

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "errand.h"
#include "util/log.h"
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

/* Shared with questions that were never answered. */
struct shape_question {
	_Atomic unsigned refs;
	struct brickyard_volume_request request;	/* points into the rest */
	struct kvs params;
	struct strs options;
	struct brickyard_kv *kv;
	const char *_Atomic at;		/* what the plug-in was called for last */
};

/* Its own parameters, those called "NAME.…", without that prefix. */
static void
take_params(struct shape_question *q, const char *name, const struct kvs *params)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < params->n; i++) {
		const char *key = params->v[i].key;

		if (strncmp(key, name, n) == 0 && key[n] == '.')
			kvs_set(&q->params, key + n + 1, params->v[i].value);
	}
	q->kv = xcalloc(q->params.n, sizeof(*q->kv));
	for (size_t i = 0; i < q->params.n; i++) {
		q->kv[i].key = q->params.v[i].key;
		q->kv[i].value = q->params.v[i].value;
	}
}

static struct shape_question *
question_new(const char *name, const struct kvs *params,
	     const struct strs *options)
{
	struct shape_question *q = XNEW(struct shape_question);

	q->refs = 1;
	take_params(q, name, params);
	strs_copy(&q->options, options);
	q->request = (struct brickyard_volume_request) {
		.size = sizeof(q->request),
		.nparams = q->params.n,
		.params = q->kv,
		.noptions = q->options.n,
		.options = (const char *const *)q->options.v,
	};
	return q;
}

static void
question_unref(struct shape_question *q)
{
	if (q == NULL || --q->refs > 0)
		return;
	kvs_release(&q->params);
	strs_release(&q->options);
	free(q->kv);
	free(q);
}

/* Of all bricks of a set: they are asked for one after the other. */
struct shape_sizes {
	uint64_t data_brick_bytes, average_file_bytes;
	uint64_t bytes[64];
};

/* ---- asking, with patience ---- */

/* One question, and all that its answer needs: lost with it. */
struct ask {
	enum err (*fn)(struct ask *);
	struct shape shape;
	struct shape_sizes sizes;	/* brick_bytes */
	struct strs words;		/* create_words */
	struct error err;
	enum err ret;
};

static int patience_ms;
/* Questions that are not answered.  One that is answered late may be counted as
 * that before it is counted as lost.
 */
static struct {
	pthread_mutex_t lock;		/* a leaf */
	struct lost_vec {
		struct lost_count {
			const struct plugin *plugin;
			int questions;
		} *v;
		size_t n, cap;
	} of;
} lost = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
shape_set_patience(int ms)
{
	patience_ms = ms;
}

/* Add to its count; returns that. */
static int
count_lost(const struct plugin *p, int more)
{
	LOCK_FOR_SCOPE(&lost.lock);
	for (size_t i = 0; i < lost.of.n; i++)
		if (lost.of.v[i].plugin == p)
			return lost.of.v[i].questions += more;
	if (more != 0)
		*VEC_PUSH(&lost.of) = (struct lost_count){ p, more };
	return more;
}

static struct ask *
ask_new(const struct shape *s, enum err (*fn)(struct ask *))
{
	struct ask *a = XNEW(struct ask);

	a->fn = fn;
	a->shape = *s;
	a->shape.question->refs++;
	return a;
}

static void
ask_free(struct ask *a)
{
	question_unref(a->shape.question);
	strs_release(&a->words);
	free(a);
}

static void
go(void *arg)
{
	struct ask *a = arg;

	PLUGIN_SCOPE(a->shape.plugin);
	a->ret = a->fn(a);
}

static void
back_late(void *arg)
{
	struct ask *a = arg;

	(void)count_lost(a->shape.plugin, -1);
	log_warning("volume type '%s': %s came back at last",
		    a->shape.plugin->name, a->shape.question->at);
	ask_free(a);
}

/* False: it belongs to a thread that is lost, and err says so. */
static bool
send(struct ask *a, struct error *err)
{
	const struct plugin *p = a->shape.plugin;
	struct shape_question *q = a->shape.question;
	bool good;

	q->refs++;
	good = errand_run(go, back_late, a, patience_ms);
	if (!good) {
		(void)count_lost(p, 1);
		(void)fail(err, ERR_INTERNAL, "volume type '%s': %s did not come "
			   "back within %d ms", p->name, q->at, patience_ms);
		log_warning("%s; it is asked nothing more until it does",
			    err->text);
	}
	question_unref(q);
	return good;
}

/* ERR_OK: a has the answer, and stays the caller's; else it is gone. */
static enum err
ask(struct ask *a, struct error *err)
{
	enum err e;

	a->shape.question->at = "a question";
	if (patience_ms == 0) {
		go(a);
	} else if (count_lost(a->shape.plugin, 0) > 0) {
		e = fail(err, ERR_INTERNAL, "volume type '%s' did not come back "
			 "from an earlier question", a->shape.plugin->name);
		ask_free(a);
		return e;
	} else if (!send(a, err)) {
		return ERR_INTERNAL;
	}
	if (a->ret == ERR_OK)
		return ERR_OK;
	e = fail(err, a->ret, "%s", a->err.text);
	ask_free(a);
	return e;
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

	s->question->at = "validate";
	if (ops_of(s)->validate(&s->question->request, &why) != 0)
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
	s->question->at = "geometry";
	if (ops_of(s)->geometry(&s->question->request, g, &why) != 0)
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

	s->question->at = "role";
	for (uint32_t i = 0; i < s->geometry.bricks_per_set; i++) {
		role = BRICKYARD_ROLE_DATA;
		if (ops_of(s)->role != NULL)
			role = ops_of(s)->role(&s->question->request, i);
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

static enum err
ask_shape(struct ask *a)
{
	enum err e = validate(&a->shape, &a->err);

	if (e == ERR_OK)
		e = ask_geometry(&a->shape, &a->err);
	if (e == ERR_OK)
		e = ask_roles(&a->shape, &a->err);
	return e;
}

enum err
shape_init(struct shape *ret, const struct plugin_host *h, const char *type,
	   const struct kvs *params, const struct strs *options,
	   struct error *err)
{
	struct shape s = { .plugin = plugin_for_request(h, type) };
	struct ask *a;
	enum err e;

	if (s.plugin == NULL)
		return fail(err, ERR_BADREQ, "Unknown durability type");
	s.question = question_new(s.plugin->name, params, options);
	a = ask_new(&s, ask_shape);
	e = ask(a, err);
	if (e == ERR_OK) {
		*ret = a->shape;
		ret->question->refs++;
		ret->sizes = XNEW(struct shape_sizes);
		ask_free(a);
	}
	question_unref(s.question);
	return e;
}

void
shape_release(struct shape *s)
{
	question_unref(s->question);
	free(s->sizes);
	memset(s, 0, sizeof(*s));
}

static enum err
ask_bytes(struct ask *a)
{
	const struct shape *s = &a->shape;
	struct shape_sizes *z = &a->sizes;

	s->question->at = "brick_bytes";
	for (uint32_t i = 0; i < s->geometry.bricks_per_set; i++) {
		struct brickyard_error why = { 0 };

		if (ops_of(s)->brick_bytes(&s->question->request, i,
					   z->data_brick_bytes,
					   z->average_file_bytes, &z->bytes[i],
					   &why) != 0)
			return refuse(s, ERR_REFUSED, &why, "brick_bytes",
				      &a->err);
		if (z->bytes[i] == 0 || z->bytes[i] > INT64_MAX)
			return fail(&a->err, ERR_INTERNAL, "volume type '%s': "
				    "brick %" PRIu32 " of %" PRIu64 " bytes",
				    s->plugin->name, i, z->bytes[i]);
	}
	return ERR_OK;
}

enum err
shape_brick_bytes(const struct shape *s, uint32_t i, uint64_t data_brick_bytes,
		  uint64_t average_file_bytes, uint64_t *ret, struct error *err)
{
	struct ask *a;
	enum err e;

	if (ops_of(s)->brick_bytes == NULL) {
		*ret = data_brick_bytes;
		return ERR_OK;
	}
	assert(i < s->geometry.bricks_per_set);
	if (s->sizes->bytes[0] == 0 ||
	    s->sizes->data_brick_bytes != data_brick_bytes ||
	    s->sizes->average_file_bytes != average_file_bytes) {
		a = ask_new(s, ask_bytes);
		a->sizes.data_brick_bytes = data_brick_bytes;
		a->sizes.average_file_bytes = average_file_bytes;
		e = ask(a, err);
		if (e != ERR_OK)
			return e;
		*s->sizes = a->sizes;
		ask_free(a);
	}
	*ret = s->sizes->bytes[i];
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

static enum err
ask_words(struct ask *a)
{
	CLEANUP(result_release) struct brickyard_result r;
	const struct shape *s = &a->shape;
	struct brickyard_error why = { 0 };

	result_init(&r);
	s->question->at = "create_words";
	if (ops_of(s)->create_words(&s->question->request, &r, &why) != 0)
		return refuse(s, ERR_INTERNAL, &why, "create_words", &a->err);
	return take_words(s, &r, &a->words, &a->err);
}

enum err
shape_create_words(const struct shape *s, struct strs *ret, struct error *err)
{
	struct ask *a;
	enum err e;

	if (ops_of(s)->create_words == NULL)
		return ERR_OK;
	a = ask_new(s, ask_words);
	e = ask(a, err);
	if (e == ERR_OK) {
		strs_copy(ret, &a->words);
		ask_free(a);
	}
	return e;
}
