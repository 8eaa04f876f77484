/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records to JSON and back, driven by the tables of members.h.  No json_t
 * leaves this file.  What is empty is not written; unknown members are ignored
 * on reading, so that an older replica can live beside a newer one.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "store/codec.h"
#include "store/members.h"
#include "util/buf.h"
#include "util/utf8.h"
#include "util/xalloc.h"

#define BRICKS_MAX 100000	/* far beyond what fits into a document */

const char *
record_prefix(enum record_kind kind)
{
	assert((size_t)kind < RECORD_KINDS);
	return record_types[kind].prefix;
}

/* A kind with ids has nothing below the id. */
static bool
is_id(const char *rest)
{
	size_t n = strlen(rest);

	return n < ID_SIZE && strchr(rest, '/') == NULL;
}

enum record_kind
record_kind_of(const char *key)
{
	for (int i = 0; i < RECORD_KINDS; i++) {
		const struct record_type *t = &record_types[i];
		size_t n = strlen(t->prefix);

		if (strncmp(key, t->prefix, n) != 0 || key[n] == '\0')
			continue;
		if (t->id_offset != 0 && !is_id(key + n))
			break;
		return (enum record_kind)i;
	}
	return RECORD_KINDS;
}

/* ---- encoding ---- */

/* Building a value fails for want of memory only. */
static json_t *
xjson(json_t *j)
{
	if (j == NULL) {
		fputs("brickyard: out of memory in a JSON document\n", stderr);
		abort();
	}
	return j;
}

static void
put(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, xjson(value)) != 0)
		xjson(NULL);
}

static void
append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, xjson(value)) != 0)
		xjson(NULL);
}

/* Some strings are what a program on a node said, cut at some byte: they must
 * not make the record unwritable.
 */
static json_t *
text_to_json(const char *s)
{
	json_t *j = json_string(s);
	CLEANUP(buf_release) struct buf b = { 0 };

	if (j != NULL)
		return j;
	while (*s != '\0') {
		size_t n = utf8_length(s, SIZE_MAX);

		if (n > 0)
			buf_add(&b, s, n);
		else
			buf_adds(&b, UTF8_REPLACEMENT);
		s += n > 0 ? n : 1;
	}
	return json_string(buf_str(&b));
}

static json_t *
strs_to_json(const struct strs *l)
{
	json_t *a = xjson(json_array());

	for (size_t i = 0; i < l->n; i++)
		append(a, text_to_json(l->v[i]));
	return a;
}

/* Pairs in an array and not an object: their order counts, and a key may come
 * twice.
 */
static json_t *
kvs_to_json(const struct kvs *l)
{
	json_t *a = xjson(json_array());

	for (size_t i = 0; i < l->n; i++) {
		json_t *pair = xjson(json_array());

		append(pair, text_to_json(l->v[i].key));
		append(pair, text_to_json(l->v[i].value));
		append(a, pair);
	}
	return a;
}

/* JSON integers have 63 bits in many programs; larger numbers are text. */
static json_t *
u64_to_json(uint64_t u)
{
	char text[24];

	if (u <= INT64_MAX)
		return json_integer((json_int_t)u);
	snprintf(text, sizeof(text), "%" PRIu64, u);
	return json_string(text);
}

static json_t *members_to_json(const void *p, const struct member *m);

static json_t *
bricks_to_json(const struct volume *v)
{
	json_t *a = xjson(json_array());

	for (size_t i = 0; i < v->nbricks; i++)
		append(a, members_to_json(&v->bricks[i], brick_members));
	return a;
}

static json_t *
str_to_json(const char *s, const struct member *m)
{
	if (s == NULL && m->required)
		s = "";
	return s != NULL ? text_to_json(s) : NULL;
}

static json_t *
id_to_json(const char *id, const struct member *m)
{
	return id[0] != '\0' || m->required ? text_to_json(id) : NULL;
}

static json_t *
word_to_json(int i, const struct member *m)
{
	assert(i >= 0 && (size_t)i < m->nwords);
	return json_string(m->words[i]);
}

static json_t *
double_to_json(double d)
{
	return json_real(isfinite(d) ? d : 1);
}

/* NULL: not to be written. */
static json_t *
member_to_json(const void *p, const struct member *m)
{
	const struct volume *v = p;
	const struct strs *l;
	const struct kvs *pairs;

	switch (m->type) {
	case MEMBER_ID:
		return id_to_json(CONST_MEMBER_AT(p, m, char), m);
	case MEMBER_STR:
		return str_to_json(*CONST_MEMBER_AT(p, m, char *), m);
	case MEMBER_BOOL:
		return json_boolean(*CONST_MEMBER_AT(p, m, bool));
	case MEMBER_I64:
		return json_integer(*CONST_MEMBER_AT(p, m, int64_t));
	case MEMBER_U64:
		return u64_to_json(*CONST_MEMBER_AT(p, m, uint64_t));
	case MEMBER_U32:
		return json_integer(*CONST_MEMBER_AT(p, m, uint32_t));
	case MEMBER_DOUBLE:
		return double_to_json(*CONST_MEMBER_AT(p, m, double));
	case MEMBER_WORD:
		return word_to_json(*CONST_MEMBER_AT(p, m, int), m);
	case MEMBER_ERR:
		return json_string(err_code(*CONST_MEMBER_AT(p, m, enum err)));
	case MEMBER_STRS:
		l = CONST_MEMBER_AT(p, m, struct strs);
		return l->n > 0 ? strs_to_json(l) : NULL;
	case MEMBER_KVS:
		pairs = CONST_MEMBER_AT(p, m, struct kvs);
		return pairs->n > 0 ? kvs_to_json(pairs) : NULL;
	case MEMBER_BRICKS:
		return v->nbricks > 0 ? bricks_to_json(v) : NULL;
	}
	return NULL;
}

static json_t *
members_to_json(const void *p, const struct member *m)
{
	json_t *o = xjson(json_object());

	for (; m->name != NULL; m++) {
		json_t *j = member_to_json(p, m);

		if (j != NULL)
			put(o, m->name, j);
	}
	return o;
}

char *
record_encode(const struct record *r)
{
	json_auto_t *doc = members_to_json(r, record_types[r->kind].members);
	char *text;

	put(doc, "v", json_integer(RECORD_SCHEMA));
	text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	if (text == NULL)
		xjson(NULL);
	return text;
}

/* ---- decoding: each takes a borrowed value and fills one member ---- */

static enum err
wrong(const struct member *m, const char *what, struct error *err)
{
	return fail(err, ERR_PARSE, "member '%s': not %s", m->name, what);
}

static enum err
id_from_json(const json_t *j, char *to, const struct member *m,
	     struct error *err)
{
	if (!json_is_string(j) || json_string_length(j) >= ID_SIZE)
		return wrong(m, "an id", err);
	strcpy(to, json_string_value(j));
	return ERR_OK;
}

static enum err
str_from_json(const json_t *j, char **to, const struct member *m,
	      struct error *err)
{
	if (!json_is_string(j))
		return wrong(m, "a string", err);
	free(*to);
	*to = xstrdup(json_string_value(j));
	return ERR_OK;
}

static enum err
u64_from_json(const json_t *j, uint64_t *to, const struct member *m,
	      struct error *err)
{
	const char *s = json_string_value(j);
	char *end;

	if (json_is_integer(j) && json_integer_value(j) >= 0) {
		*to = (uint64_t)json_integer_value(j);
		return ERR_OK;
	}
	if (s == NULL || s[0] < '0' || s[0] > '9')
		return wrong(m, "a number from 0 on", err);
	errno = 0;
	*to = strtoull(s, &end, 10);
	if (errno != 0 || *end != '\0')
		return wrong(m, "a number from 0 on", err);
	return ERR_OK;
}

static enum err
u32_from_json(const json_t *j, uint32_t *to, const struct member *m,
	      struct error *err)
{
	if (!json_is_integer(j) || json_integer_value(j) < 0 ||
	    json_integer_value(j) > UINT32_MAX)
		return wrong(m, "a number from 0 to 4294967295", err);
	*to = (uint32_t)json_integer_value(j);
	return ERR_OK;
}

static enum err
word_from_json(const json_t *j, int *to, const struct member *m,
	       struct error *err)
{
	const char *s = json_string_value(j);

	if (s == NULL)
		return wrong(m, "a string", err);
	for (size_t i = 0; i < m->nwords; i++) {
		if (strcmp(m->words[i], s) == 0) {
			*to = (int)i;
			return ERR_OK;
		}
	}
	return fail(err, ERR_PARSE, "member '%s': unknown word '%.100s'",
		    m->name, s);
}

static enum err
strs_from_json(const json_t *j, struct strs *to, const struct member *m,
	       struct error *err)
{
	size_t i;
	json_t *v;

	if (!json_is_array(j))
		return wrong(m, "an array of strings", err);
	strs_release(to);
	json_array_foreach(j, i, v) {
		if (!json_is_string(v))
			return wrong(m, "an array of strings", err);
		strs_add(to, json_string_value(v));
	}
	return ERR_OK;
}

static enum err
kvs_from_json(const json_t *j, struct kvs *to, const struct member *m,
	      struct error *err)
{
	size_t i;
	json_t *v;

	if (!json_is_array(j))
		return wrong(m, "an array of pairs of strings", err);
	kvs_release(to);
	json_array_foreach(j, i, v) {
		const char *key = json_string_value(json_array_get(v, 0));
		const char *value = json_string_value(json_array_get(v, 1));

		if (json_array_size(v) != 2 || key == NULL || value == NULL)
			return wrong(m, "an array of pairs of strings", err);
		kvs_add(to, key, value);
	}
	return ERR_OK;
}

static enum err members_from_json(const json_t *, void *p,
				  const struct member *, struct error *);

static enum err
bricks_from_json(const json_t *j, struct volume *v, const struct member *m,
		 struct error *err)
{
	size_t n = json_array_size(j);

	if (!json_is_array(j) || n > BRICKS_MAX)
		return wrong(m, "an array of bricks", err);
	if (n > 0)
		volume_grow(v, n);
	for (size_t i = 0; i < n; i++) {
		if (members_from_json(json_array_get(j, i), &v->bricks[i],
				      brick_members, err) == ERR_OK)
			continue;
		if (err != NULL)
			(void)fail_prefix(err, "bricks[%zu]", i);
		return ERR_PARSE;
	}
	return ERR_OK;
}

static enum err
error_from_json(const json_t *j, enum err *to, const struct member *m,
		struct error *err)
{
	if (!json_is_string(j))
		return wrong(m, "a string", err);
	*to = err_from_code(json_string_value(j));
	return ERR_OK;
}

static enum err
plain_from_json(const json_t *j, void *p, const struct member *m,
		struct error *err)
{
	if (m->type == MEMBER_BOOL) {
		if (!json_is_boolean(j))
			return wrong(m, "true or false", err);
		*MEMBER_AT(p, m, bool) = json_is_true(j);
	} else if (m->type == MEMBER_I64) {
		if (!json_is_integer(j))
			return wrong(m, "an integer", err);
		*MEMBER_AT(p, m, int64_t) = json_integer_value(j);
	} else {
		if (!json_is_number(j))
			return wrong(m, "a number", err);
		*MEMBER_AT(p, m, double) = json_number_value(j);
	}
	return ERR_OK;
}

static enum err
member_from_json(const json_t *j, void *p, const struct member *m,
		 struct error *err)
{
	switch (m->type) {
	case MEMBER_ID:
		return id_from_json(j, MEMBER_AT(p, m, char), m, err);
	case MEMBER_STR:
		return str_from_json(j, MEMBER_AT(p, m, char *), m, err);
	case MEMBER_BOOL:
	case MEMBER_I64:
	case MEMBER_DOUBLE:
		return plain_from_json(j, p, m, err);
	case MEMBER_U64:
		return u64_from_json(j, MEMBER_AT(p, m, uint64_t), m, err);
	case MEMBER_U32:
		return u32_from_json(j, MEMBER_AT(p, m, uint32_t), m, err);
	case MEMBER_WORD:
		return word_from_json(j, MEMBER_AT(p, m, int), m, err);
	case MEMBER_ERR:
		return error_from_json(j, MEMBER_AT(p, m, enum err), m, err);
	case MEMBER_STRS:
		return strs_from_json(j, MEMBER_AT(p, m, struct strs), m, err);
	case MEMBER_KVS:
		return kvs_from_json(j, MEMBER_AT(p, m, struct kvs), m, err);
	case MEMBER_BRICKS:
		return bricks_from_json(j, p, m, err);
	}
	return ERR_OK;
}

static enum err
members_from_json(const json_t *o, void *p, const struct member *m,
		  struct error *err)
{
	if (!json_is_object(o))
		return fail(err, ERR_PARSE, "not an object");
	for (; m->name != NULL; m++) {
		const json_t *j = json_object_get(o, m->name);
		enum err e;

		if (j == NULL && m->required)
			return fail(err, ERR_PARSE, "member '%s' is missing",
				    m->name);
		if (j == NULL)
			continue;
		e = member_from_json(j, p, m, err);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err
check_version(const json_t *doc, struct error *err)
{
	const json_t *v = json_object_get(doc, "v");

	if (!json_is_object(doc))
		return fail(err, ERR_PARSE, "not an object");
	if (v == NULL)
		return fail(err, ERR_PARSE, "member 'v' is missing");
	if (!json_is_integer(v) || json_integer_value(v) < 1)
		return fail(err, ERR_PARSE, "member 'v': not a version");
	if (json_integer_value(v) > RECORD_SCHEMA)
		return fail(err, ERR_PARSE, "written by a newer Brickyard "
			    "(version %" JSON_INTEGER_FORMAT ", this one "
			    "reads up to %d)", json_integer_value(v),
			    RECORD_SCHEMA);
	return ERR_OK;
}

enum err
record_decode(const char *key, const char *doc, size_t len, int64_t revision,
	      struct record **ret, struct error *err)
{
	enum record_kind kind = record_kind_of(key);
	RECORD_SCOPE struct record *r = NULL;
	json_auto_t *j = NULL;
	json_error_t je;
	enum err e;

	if (kind == RECORD_KINDS)
		return fail(err, ERR_NOTSUP, "key '%s': no known kind of object",
			    key);
	j = json_loadb(doc, len, JSON_REJECT_DUPLICATES, &je);
	if (j == NULL)
		return fail(err, ERR_PARSE, "not JSON: line %d, column %d: %s",
			    je.line, je.column, je.text);
	e = check_version(j, err);
	if (e != ERR_OK)
		return e;
	r = record_new(kind, key + strlen(record_types[kind].prefix));
	e = members_from_json(j, r, record_types[kind].members, err);
	if (e != ERR_OK)
		return e;
	r->revision = revision;
	*ret = STEAL(r);
	return ERR_OK;
}
