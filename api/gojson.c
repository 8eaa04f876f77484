/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lenient decoder of requests: jansson parses, tables say what goes where.
 * Pure functions; any thread.
 */
#include <config.h>

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/gojson.h"
#include "api/gosyntax.h"
#include "api/gotext.h"
#include "util/strs.h"
#include "util/xalloc.h"

/* Where we are, for error texts: TYPE.member.member */
struct place {
	const struct place *up;
	const char *name;
};

static void *
at(void *to, const struct gojson_field *f)
{
	return (char *)to + f->offset;
}

static void
describe_place(const struct place *p, bool member, char *text, size_t size)
{
	const char *dot = p->up == NULL && member ? strchr(p->name, '.') : NULL;
	const char *name = dot != NULL ? dot + 1 : p->name;
	size_t n;

	if (p->up != NULL)
		describe_place(p->up, member, text, size);
	n = strlen(text);
	/* A member is named without the package of its struct. */
	snprintf(text + n, size - n, "%s%s", n > 0 ? "." : "", name);
}

/* The fewest digits that read back as the same: most likely those that came. */
static void
real_text(double d, char *text, size_t size)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, size, "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			return;
	}
}

/* Go tells a number only to whom asked for one. */
static void
describe_value(const json_t *v, bool number_wanted, char *text, size_t size)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "object", [JSON_ARRAY] = "array",
		[JSON_STRING] = "string", [JSON_TRUE] = "bool",
		[JSON_FALSE] = "bool",
		[JSON_INTEGER] = "number", [JSON_REAL] = "number",
	};
	char real[32];

	if (json_is_integer(v) && number_wanted) {
		snprintf(text, size, "number %" JSON_INTEGER_FORMAT,
			 json_integer_value(v));
	} else if (json_is_real(v) && number_wanted) {
		real_text(json_real_value(v), real, sizeof(real));
		snprintf(text, size, "number %s%s", real,
			 strpbrk(real, ".e") == NULL ? ".0" : "");
	} else {
		snprintf(text, size, "%s", names[json_typeof(v)]);
	}
}

static enum err
mismatch(const struct place *p, const json_t *v, const char *go_type,
	 struct error *err)
{
	char where[256] = "", what[64];

	describe_place(p, p->up != NULL, where, sizeof(where));
	describe_value(v, strcmp(go_type, "int64") == 0 ||
		       strcmp(go_type, "float32") == 0, what, sizeof(what));
	if (p->up == NULL)
		return fail(err, ERR_PARSE, "json: cannot unmarshal %s into Go "
			    "value of type %s", what, where);
	return fail(err, ERR_PARSE, "json: cannot unmarshal %s into Go struct "
		    "field %s of type %s", what, where, go_type);
}

static enum err
decode_float32(const struct place *p, const json_t *v, double *ret,
	       struct error *err)
{
	float f;

	if (!json_is_number(v))
		return mismatch(p, v, "float32", err);
	f = (float)json_number_value(v);
	if (!isfinite(f))
		return mismatch(p, v, "float32", err);
	*ret = (double)f;
	return ERR_OK;
}

static void
replace_string(char **s, const char *value)
{
	free(*s);
	*s = xstrdup(value);
}

static enum err
decode_strings(const struct place *p, json_t *v, struct strs *ret,
	       struct error *err)
{
	json_t *e;
	size_t i;

	if (!json_is_array(v))
		return mismatch(p, v, "[]string", err);
	strs_release(ret);
	json_array_foreach(v, i, e) {
		if (json_is_null(e))
			strs_add(ret, "");
		else if (json_is_string(e))
			strs_add(ret, json_string_value(e));
		else
			return mismatch(p, e, "string", err);
	}
	return ERR_OK;
}

/* The body's length bounds the number of pairs, and jansson has made the keys
 * unique, unless two members differ in case only: then later ones win.
 */
static enum err
decode_map(const struct place *p, json_t *v, struct kvs *ret, struct error *err)
{
	const char *key;
	json_t *e;

	if (!json_is_object(v))
		return mismatch(p, v, "map[string]string", err);
	kvs_release(ret);
	json_object_foreach(v, key, e) {
		if (json_is_null(e))
			kvs_add(ret, key, "");
		else if (json_is_string(e))
			kvs_add(ret, key, json_string_value(e));
		else
			return mismatch(p, e, "string", err);
	}
	return ERR_OK;
}

/* Text of a scalar; false: it is none. */
static bool
scalar_text(const json_t *v, char number[32], const char **ret)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		*ret = json_string_value(v);
		return true;
	case JSON_TRUE:
		*ret = "true";
		return true;
	case JSON_FALSE:
		*ret = "false";
		return true;
	case JSON_INTEGER:
		snprintf(number, 32, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(v));
		*ret = number;
		return true;
	case JSON_REAL:
		real_text(json_real_value(v), number, 32);
		*ret = number;
		return true;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return false;
}

static enum err
decode_others(const char *member, json_t *v, struct kvs *ret, struct error *err)
{
	const char *key, *text;
	char number[32];
	json_t *e;

	json_object_foreach(v, key, e) {
		CLEANUP_FREE char *full = NULL;

		if (!scalar_text(e, number, &text))
			continue;
		if (ret->n >= GOJSON_OTHERS_MAX)
			return fail(err, ERR_PARSE,
				    "json: more than %d members of unknown objects",
				    GOJSON_OTHERS_MAX);
		full = xasprintf("%s.%s", member, key);
		kvs_set(ret, full, text);
	}
	return ERR_OK;
}

static enum err decode_object(const struct place *, json_t *,
			      const struct gojson_field *, void *,
			      struct error *);

static enum err
decode_field(const struct place *p, json_t *v, const struct gojson_field *f,
	     void *to, struct error *err)
{
	if (json_is_null(v))
		return ERR_OK;
	switch (f->type) {
	case GOJSON_BOOL:
		if (!json_is_boolean(v))
			return mismatch(p, v, "bool", err);
		*(bool *)at(to, f) = json_is_true(v);
		return ERR_OK;
	case GOJSON_INT:
		if (!json_is_integer(v))
			return mismatch(p, v, "int64", err);
		*(int64_t *)at(to, f) = json_integer_value(v);
		return ERR_OK;
	case GOJSON_FLOAT32:
		return decode_float32(p, v, at(to, f), err);
	case GOJSON_STRING:
	case GOJSON_ADMIN_STATE:
		if (!json_is_string(v))
			return mismatch(p, v, f->type == GOJSON_STRING ?
					"string" : "api.AdminState", err);
		replace_string(at(to, f), json_string_value(v));
		return ERR_OK;
	case GOJSON_STRINGS:
		return decode_strings(p, v, at(to, f), err);
	case GOJSON_MAP:
		return decode_map(p, v, at(to, f), err);
	case GOJSON_OBJECT:
		return decode_object(p, v, f->members, to, err);
	case GOJSON_OTHERS:
		break;		/* found by find_field only as a catch-all */
	}
	return ERR_OK;
}

/* Letters of either case are the same, and two beyond ASCII that fold to one of
 * its letters: U+017F to s, U+212A (kelvin) to k.
 */
static bool
same_name(const char *field, const char *name)
{
	for (; *field != '\0' && *name != '\0'; field++) {
		char c = *name++;

		if (strncmp(name - 1, "\xc5\xbf", 2) == 0) {
			c = 's';
			name += 1;
		} else if (strncmp(name - 1, "\xe2\x84\xaa", 3) == 0) {
			c = 'k';
			name += 2;
		}
		if (tolower((unsigned char)*field) != tolower((unsigned char)c))
			return false;
	}
	return *field == *name;
}

/* The line for a member; its GOJSON_OTHERS line if it has none; or NULL. */
static const struct gojson_field *
find_field(const struct gojson_field *fields, const char *name)
{
	const struct gojson_field *folded = NULL, *others = NULL;

	for (const struct gojson_field *f = fields; f->name != NULL; f++) {
		if (f->type == GOJSON_OTHERS)
			others = f;
		else if (strcmp(f->name, name) == 0)
			return f;
		else if (folded == NULL && same_name(f->name, name))
			folded = f;
	}
	return folded != NULL ? folded : others;
}

static enum err
decode_object(const struct place *p, json_t *v,
	      const struct gojson_field *fields, void *to, struct error *err)
{
	const char *name;
	json_t *e;
	enum err r;

	if (!json_is_object(v))
		return mismatch(p, v, "struct", err);
	json_object_foreach(v, name, e) {
		const struct gojson_field *f = find_field(fields, name);
		struct place here = { .up = p, .name = name };

		if (f == NULL)
			continue;
		here.name = f->name;
		if (f->type != GOJSON_OTHERS)
			r = decode_field(&here, e, f, to, err);
		else if (json_is_object(e))
			r = decode_others(name, e, at(to, f), err);
		else
			continue;
		if (r != ERR_OK)
			return r;
	}
	return ERR_OK;
}

enum err
gojson_decode_value(json_t *v, const char *go_type,
		    const struct gojson_field *fields, void *to,
		    struct error *err)
{
	struct place top = { .up = NULL, .name = go_type };

	if (json_is_null(v))
		return ERR_OK;
	return decode_object(&top, v, fields, to, err);
}

static json_t *
load(const void *body, size_t len, json_error_t *ret)
{
	/* jansson passes over a NUL that follows a number. */
	if (len > 0 && memchr(body, '\0', len) != NULL)
		return NULL;
	return json_loadb(len > 0 ? body : "", len, JSON_DECODE_ANY, ret);
}

enum err
gojson_decode(const void *body, size_t len, const char *go_type,
	      const struct gojson_field *fields, void *to, struct error *err)
{
	CLEANUP(buf_release) struct buf why = { 0 };
	CLEANUP(buf_release) struct buf tame = { 0 };
	json_error_t je = { .text = "a NUL" };
	json_auto_t *v = load(body, len, &je);

	if (v == NULL && gosyntax_fault(body, len, &why))
		return fail(err, ERR_PARSE, "%s", buf_str(&why));
	if (v == NULL) {
		gotext_tame(body, len, &tame);
		v = load(tame.s, tame.len, &je);
	}
	if (v == NULL)
		return fail(err, ERR_PARSE, "%s", je.text);
	return gojson_decode_value(v, go_type, fields, to, err);
}

void
gojson_release(const struct gojson_field *fields, void *to)
{
	for (const struct gojson_field *f = fields; f->name != NULL; f++) {
		switch (f->type) {
		case GOJSON_STRING:
		case GOJSON_ADMIN_STATE:
			free(*(char **)at(to, f));
			*(char **)at(to, f) = NULL;
			break;
		case GOJSON_STRINGS:
			strs_release(at(to, f));
			break;
		case GOJSON_MAP:
		case GOJSON_OTHERS:
			kvs_release(at(to, f));
			break;
		case GOJSON_OBJECT:
			gojson_release(f->members, to);
			break;
		case GOJSON_BOOL:
		case GOJSON_INT:
		case GOJSON_FLOAT32:
			break;
		}
	}
}
