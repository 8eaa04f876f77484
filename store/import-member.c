/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/import-member.h"

void
member_wrong(const struct reader *r, const char *name, const char *expected)
{
	import_error(r->d, "%s %s: '%s' is not %s", r->what, r->id, name,
		   expected);
}

const json_t *
member_of(const struct reader *r, const json_t *j, const char *name,
	  json_type type, const char *expected)
{
	const json_t *m = json_object_get(j, name);

	if (m == NULL || json_is_null(m))
		return NULL;
	if (json_typeof(m) == type)
		return m;
	member_wrong(r, name, expected);
	return NULL;
}

const json_t *
member_object(const struct reader *r, const json_t *j, const char *name)
{
	return member_of(r, j, name, JSON_OBJECT, "an object");
}

const char *
member_text(const struct reader *r, const json_t *j, const char *name)
{
	const json_t *m = member_of(r, j, name, JSON_STRING, "a string");

	return m != NULL ? json_string_value(m) : "";
}

void
member_id(const struct reader *r, const json_t *j, const char *name,
	  char ret[ID_SIZE])
{
	const char *text = member_text(r, j, name);

	if (text[0] != '\0' && !id_is_valid(text))
		member_wrong(r, name, "an id (32 hexadecimal digits)");
	else
		snprintf(ret, ID_SIZE, "%s", text);
}

bool
member_flag(const struct reader *r, const json_t *j, const char *name)
{
	const json_t *m = json_object_get(j, name);

	if (m != NULL && !json_is_boolean(m) && !json_is_null(m))
		member_wrong(r, name, "true or false");
	return json_is_true(m);
}

/* A string in a list or map; null is Go's empty one. */
static const char *
text_of(const struct reader *r, const json_t *m, const char *name,
	const char *expected)
{
	if (!json_is_string(m) && !json_is_null(m))
		member_wrong(r, name, expected);
	return json_is_string(m) ? json_string_value(m) : "";
}

/* A dump that went through heketi's own import has some as 5.0. */
int64_t
member_number(const struct reader *r, const json_t *j, const char *name)
{
	const json_t *m = json_object_get(j, name);

	if (m == NULL || json_is_null(m))
		return 0;
	if (json_is_integer(m))
		return json_integer_value(m);
	if (json_is_real(m) && json_real_value(m) > -1e15 &&
	    json_real_value(m) < 1e15 &&
	    (double)(int64_t)json_real_value(m) == json_real_value(m))
		return (int64_t)json_real_value(m);
	member_wrong(r, name, "a whole number");
	return 0;
}

uint64_t
member_bytes(const struct reader *r, const json_t *j, const char *name,
	     unsigned shift)
{
	int64_t n = member_number(r, j, name);

	if (n >= 0 && n <= INT64_MAX >> shift)
		return (uint64_t)n << shift;
	member_wrong(r, name, "a size");
	return 0;
}

void
member_list(const struct reader *r, const json_t *j, const char *name,
	    struct strs *ret)
{
	const json_t *list = member_of(r, j, name, JSON_ARRAY, "a list");
	const json_t *m;
	size_t i;

	json_array_foreach(list, i, m)
		strs_add(ret, text_of(r, m, name, "a list of strings"));
}

void
member_tags(const struct reader *r, const json_t *j, struct kvs *ret)
{
	const json_t *tags = member_object(r, j, "tags");
	const char *key;
	json_t *m;

	json_object_foreach((json_t *)tags, key, m)
		kvs_set(ret, key, text_of(r, m, "tags", "strings"));
}
