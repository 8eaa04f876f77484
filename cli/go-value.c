/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fmt.h"
#include "cli/go-value.h"
#include "util/xalloc.h"

enum { WIDTH_MAX = 1000 };

/* The fields of the structs in Go, and the members that they are in JSON. */
static const struct field {
	const char *name, *key;
	const char *empty;	/* JSON when it is left out; NULL: it never is */
	enum value_type type;
	bool is_float;		/* in Go, whatever the JSON has */
} fields[] = {
	{ "ClusterList", "clusters", NULL, VALUE_PLAIN, false },
	{ "Volumes", "volumes", NULL, VALUE_PLAIN, false },
	{ "Nodes", "nodes", NULL, VALUE_PLAIN, false },
	{ "Id", "id", NULL, VALUE_PLAIN, false },
	{ "File", "file", NULL, VALUE_PLAIN, false },
	{ "Block", "block", "false", VALUE_PLAIN, false },
	{ "Size", "size", NULL, VALUE_PLAIN, false },
	{ "Name", "name", NULL, VALUE_PLAIN, false },
	{ "Clusters", "clusters", "[]", VALUE_PLAIN, false },
	{ "Durability", "durability", NULL, VALUE_PLAIN, false },
	{ "Type", "type", "\"\"", VALUE_PLAIN, false },
	{ "Replicate", "replicate", NULL, VALUE_PLAIN, false },
	{ "Replica", "replica", "0", VALUE_PLAIN, false },
	{ "Disperse", "disperse", NULL, VALUE_PLAIN, false },
	{ "Data", "data", "0", VALUE_PLAIN, false },
	{ "Redundancy", "redundancy", "0", VALUE_PLAIN, false },
	{ "Gid", "gid", "0", VALUE_PLAIN, false },
	{ "GlusterVolumeOptions", "glustervolumeoptions", "[]", VALUE_PLAIN, false },
	{ "Snapshot", "snapshot", NULL, VALUE_PLAIN, false },
	{ "Enable", "enable", NULL, VALUE_PLAIN, false },
	{ "Factor", "factor", NULL, VALUE_PLAIN, true },
	{ "Cluster", "cluster", NULL, VALUE_PLAIN, false },
	{ "Mount", "mount", NULL, VALUE_PLAIN, false },
	{ "GlusterFS", "glusterfs", NULL, VALUE_PLAIN, false },
	{ "Hosts", "hosts", NULL, VALUE_PLAIN, false },
	{ "MountPoint", "device", NULL, VALUE_PLAIN, false },
	{ "Options", "options", NULL, VALUE_MAP, false },
	{ "BlockInfo", "blockinfo", NULL, VALUE_PLAIN, false },
	{ "FreeSize", "freesize", "0", VALUE_PLAIN, false },
	{ "ReservedSize", "reservedsize", "0", VALUE_PLAIN, false },
	{ "BlockVolumes", "blockvolume", "[]", VALUE_PLAIN, false },
	{ "Restriction", "restriction", "\"\"", VALUE_RESTRICTION, false },
	{ "Bricks", "bricks", NULL, VALUE_PLAIN, false },
	{ "Path", "path", NULL, VALUE_PLAIN, false },
	{ "DeviceId", "device", NULL, VALUE_PLAIN, false },
	{ "NodeId", "node", NULL, VALUE_PLAIN, false },
	{ "VolumeId", "volume", NULL, VALUE_PLAIN, false },
	{ "Zone", "zone", NULL, VALUE_PLAIN, false },
	{ "Hostnames", "hostnames", NULL, VALUE_PLAIN, false },
	{ "Manage", "manage", NULL, VALUE_PLAIN, false },
	{ "Storage", "storage", NULL, VALUE_PLAIN, false },
	{ "ClusterId", "cluster", NULL, VALUE_PLAIN, false },
	{ "State", "state", NULL, VALUE_PLAIN, false },
	{ "DevicesInfo", "devices", NULL, VALUE_PLAIN, false },
	{ "Tags", "tags", "{}", VALUE_MAP, false },
	{ "Total", "total", NULL, VALUE_PLAIN, false },
	{ "Free", "free", NULL, VALUE_PLAIN, false },
	{ "Used", "used", NULL, VALUE_PLAIN, false },
	{ "Paths", "paths", "[]", VALUE_PLAIN, false },
	{ "PvUUID", "pv_uuid", "\"\"", VALUE_PLAIN, false },
};

struct value
value_ref(struct value v)
{
	json_incref(v.j);
	return v;
}

void
value_release(struct value *v)
{
	json_decref(v->j);
	v->j = NULL;
}

static struct value
plain(json_t *j)
{
	return (struct value){ j, VALUE_PLAIN };
}

bool
value_is_true(struct value v)
{
	if (v.type == VALUE_MAP)
		return json_object_size(v.j) > 0;
	switch (v.j != NULL ? json_typeof(v.j) : JSON_NULL) {
	case JSON_OBJECT:
	case JSON_TRUE:
		return true;
	case JSON_ARRAY:
		return json_array_size(v.j) > 0;
	case JSON_STRING:
		return json_string_length(v.j) > 0;
	case JSON_INTEGER:
	case JSON_REAL:
		return json_number_value(v.j) != 0;
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	return false;
}

static enum err
print_list(struct value v, struct buf *b, struct error *err)
{
	json_t *each;
	size_t i;

	buf_adds(b, "[");
	json_array_foreach(v.j, i, each) {
		enum err e;

		buf_adds(b, i > 0 ? " " : "");
		e = value_print(plain(each), b, err);
		if (e != ERR_OK)
			return e;
	}
	buf_adds(b, "]");
	return ERR_OK;
}

static void
print_map(struct value v, struct buf *b)
{
	CLEANUP(strs_release) struct strs keys = { 0 };

	json_sorted_keys(v.j, &keys);
	buf_adds(b, "map[");
	for (size_t i = 0; i < keys.n; i++)
		buf_addf(b, "%s%s:%s", i > 0 ? " " : "", keys.v[i],
			 json_string_value(json_object_get(v.j, keys.v[i])));
	buf_adds(b, "]");
}

static const char *
text_of(struct value v)
{
	const char *s = json_string_value(v.j);

	return v.type == VALUE_RESTRICTION && s[0] == '\0' ? "(none)" : s;
}

enum err
value_print(struct value v, struct buf *b, struct error *err)
{
	if (v.type == VALUE_MAP) {
		print_map(v, b);
		return ERR_OK;
	}
	switch (v.j != NULL ? json_typeof(v.j) : JSON_NULL) {
	case JSON_OBJECT:
		return fail(err, ERR_NOTSUP, "can't print an object: name the"
			    " fields that you want");
	case JSON_ARRAY:
		return print_list(v, b, err);
	case JSON_STRING:
		buf_adds(b, text_of(v));
		break;
	case JSON_INTEGER:
		buf_addf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(v.j));
		break;
	case JSON_REAL:
		buf_addf(b, "%.7g", json_real_value(v.j));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_adds(b, yes_no(json_is_true(v.j)));
		break;
	case JSON_NULL:
		buf_adds(b, "<no value>");
		break;
	}
	return ERR_OK;
}

enum err
value_field(struct value v, const char *name, struct value *ret,
	    struct error *err)
{
	if (v.type == VALUE_MAP) {
		*ret = plain(json_incref(json_object_get(v.j, name)));
		return ERR_OK;
	}
	for (size_t i = 0; json_is_object(v.j) && i < ARRAY_SIZE(fields); i++) {
		const struct field *f = &fields[i];
		json_t *j = json_object_get(v.j, f->key);

		if (strcmp(f->name, name) != 0)
			continue;
		if (j == NULL && f->empty == NULL)
			break;
		if (f->is_float) {
			*ret = plain(json_real(json_number_value(j)));
			return ERR_OK;
		}
		*ret = (struct value){
			j != NULL ? json_incref(j)
				  : json_loads(f->empty, JSON_DECODE_ANY, NULL),
			f->type };
		return ERR_OK;
	}
	return fail(err, ERR_BADREQ, "can't evaluate field %s", name);
}

/* ---- functions ---- */

struct call {
	const char *name;
	const struct value *args;
	size_t n;
	struct value *ret;
	struct error *err;
};

static enum err
bad_argument(const struct call *c)
{
	return fail(c->err, ERR_BADREQ, "%s: wrong type of argument", c->name);
}

static enum err
give_text(const struct call *c, const char *s)
{
	*c->ret = plain(json_string(s));
	return ERR_OK;
}

static enum err
give_bool(const struct call *c, bool b)
{
	*c->ret = plain(json_boolean(b));
	return ERR_OK;
}

static enum err
call_and_or(const struct call *c)
{
	bool stop_at = strcmp(c->name, "or") == 0;
	size_t i = 0;

	while (i + 1 < c->n && value_is_true(c->args[i]) != stop_at)
		i++;
	*c->ret = value_ref(c->args[i]);
	return ERR_OK;
}

static enum err
call_not(const struct call *c)
{
	return give_bool(c, !value_is_true(c->args[0]));
}

/* <0, 0, >0; only what is of one kind can be compared. */
static enum err
compare(const struct call *c, size_t other, int *ret)
{
	const json_t *a = c->args[0].j, *b = c->args[other].j;

	if (json_is_string(a) && json_is_string(b))
		*ret = strcmp(json_string_value(a), json_string_value(b));
	else if ((json_is_number(a) && json_is_number(b)) &&
		 json_is_integer(a) == json_is_integer(b))
		*ret = (json_number_value(a) > json_number_value(b)) -
		       (json_number_value(a) < json_number_value(b));
	else if (json_is_boolean(a) && json_is_boolean(b))
		*ret = json_is_true(a) - json_is_true(b);
	else
		return fail(c->err, ERR_BADREQ,
			    "%s: incompatible types for comparison", c->name);
	return ERR_OK;
}

static enum err
call_eq(const struct call *c)
{
	bool equal = false;

	for (size_t i = 1; !equal && i < c->n; i++) {
		int r = 0;
		enum err e = compare(c, i, &r);

		if (e != ERR_OK)
			return e;
		equal = r == 0;
	}
	return give_bool(c, equal);
}

static enum err
call_compare(const struct call *c)
{
	int r = 0;
	enum err e = compare(c, 1, &r);

	if (e != ERR_OK)
		return e;
	return give_bool(c, strcmp(c->name, "ne") == 0	 ? r != 0
			    : strcmp(c->name, "lt") == 0 ? r < 0
			    : strcmp(c->name, "le") == 0 ? r <= 0
			    : strcmp(c->name, "gt") == 0 ? r > 0 : r >= 0);
}

static enum err
call_len(const struct call *c)
{
	struct value v = c->args[0];
	size_t n;

	if (v.type == VALUE_MAP)
		n = json_object_size(v.j);
	else if (json_is_array(v.j))
		n = json_array_size(v.j);
	else if (json_is_string(v.j))
		n = json_string_length(v.j);
	else
		return bad_argument(c);
	*c->ret = plain(json_integer((json_int_t)n));
	return ERR_OK;
}

static enum err
call_index(const struct call *c)
{
	struct value v = c->args[0];
	const json_t *at = c->args[1].j;

	if (v.type == VALUE_MAP && json_is_string(at)) {
		const char *s = json_string_value(
			json_object_get(v.j, json_string_value(at)));

		return give_text(c, s != NULL ? s : "");
	}
	if (!json_is_array(v.j) || !json_is_integer(at))
		return bad_argument(c);
	if (json_integer_value(at) < 0 ||
	    (size_t)json_integer_value(at) >= json_array_size(v.j))
		return fail(c->err, ERR_BADREQ, "index out of range: %lld",
			    (long long)json_integer_value(at));
	*c->ret = plain(json_incref(json_array_get(
		v.j, (size_t)json_integer_value(at))));
	return ERR_OK;
}

static enum err
call_join(const struct call *c)
{
	const char *sep = json_string_value(c->args[1].j);
	CLEANUP(buf_release) struct buf b = { 0 };
	json_t *each;
	size_t i;

	if (!json_is_array(c->args[0].j) || sep == NULL)
		return bad_argument(c);
	json_array_foreach(c->args[0].j, i, each) {
		if (!json_is_string(each))
			return bad_argument(c);
		buf_addf(&b, "%s%s", i > 0 ? sep : "", json_string_value(each));
	}
	return give_text(c, buf_str(&b));
}

static enum err
call_kib_to_gib(const struct call *c)
{
	char text[32];

	if (!json_is_integer(c->args[0].j))
		return bad_argument(c);
	snprintf(text, sizeof(text), "%lld",
		 (long long)json_integer_value(c->args[0].j) / (1024 * 1024));
	return give_text(c, text);
}

static enum err
call_state(const struct call *c)
{
	const char *s = json_string_value(c->args[0].j);

	if (s == NULL)
		return bad_argument(c);
	return give_text(c, strcmp(s, "failed") == 0 ? "removed" : s);
}

/* Go's: print puts a blank between two that are no strings, println always. */
static enum err
call_print(const struct call *c)
{
	bool line = strcmp(c->name, "println") == 0;
	CLEANUP(buf_release) struct buf b = { 0 };

	for (size_t i = 0; i < c->n; i++) {
		bool strings = i > 0 && (json_is_string(c->args[i].j) ||
					 json_is_string(c->args[i - 1].j));
		enum err e;

		buf_adds(&b, i > 0 && (line || !strings) ? " " : "");
		e = value_print(c->args[i], &b, c->err);
		if (e != ERR_OK)
			return e;
	}
	buf_adds(&b, line ? "\n" : "");
	return give_text(c, buf_str(&b));
}

/* %[-0][width][.precision]verb */
struct verb {
	bool left, zero;
	unsigned width;
	int precision;		/* -1: none */
	char letter;
};

static const char *
read_verb(const char *s, struct verb *v)
{
	*v = (struct verb){ .precision = -1 };
	for (; *s == '-' || *s == '0'; s++) {
		v->left |= *s == '-';
		v->zero |= *s == '0';
	}
	for (; isdigit((unsigned char)*s) && v->width <= WIDTH_MAX; s++)
		v->width = v->width * 10 + (unsigned)(*s - '0');
	if (*s == '.')
		for (s++, v->precision = 0;
		     isdigit((unsigned char)*s) && v->precision <= WIDTH_MAX;
		     s++)
			v->precision = v->precision * 10 + (*s - '0');
	v->letter = *s;
	return *s != '\0' ? s + 1 : s;
}

static enum err
format_value(const struct call *c, const struct verb *v, struct value arg,
	     struct buf *b)
{
	switch (v->letter) {
	case 'v':
		return value_print(arg, b, c->err);
	case 's':
		if (!json_is_string(arg.j) && !json_is_array(arg.j))
			return bad_argument(c);
		return value_print(arg, b, c->err);
	case 'q':
		if (!json_is_string(arg.j))
			return bad_argument(c);
		buf_addf(b, "\"%s\"", text_of(arg));
		return ERR_OK;
	case 'd':
		if (!json_is_integer(arg.j))
			return bad_argument(c);
		return value_print(arg, b, c->err);
	case 't':
		if (!json_is_boolean(arg.j))
			return bad_argument(c);
		return value_print(arg, b, c->err);
	case 'f':
		/* Go has a float here even where JSON has a whole number. */
		if (!json_is_number(arg.j))
			return bad_argument(c);
		buf_addf(b, "%.*f", v->precision >= 0 ? v->precision : 6,
			 json_number_value(arg.j));
		return ERR_OK;
	default:
		return fail(c->err, ERR_NOTSUP,
			    "printf: %%%c is not supported", v->letter);
	}
}

static void
add_padded(struct buf *b, const struct verb *v, const char *s)
{
	unsigned n = 0;

	for (const char *p = s; *p != '\0'; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	if (v->left)
		buf_adds(b, s);
	for (; n < v->width; n++)
		buf_adds(b, v->zero && !v->left ? "0" : " ");
	if (!v->left)
		buf_adds(b, s);
}

static enum err
call_printf(const struct call *c)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	const char *s = json_string_value(c->args[0].j);
	size_t next = 1;

	if (s == NULL)
		return bad_argument(c);
	while (*s != '\0') {
		CLEANUP(buf_release) struct buf one = { 0 };
		size_t text = strcspn(s, "%");
		struct verb v;
		enum err e;

		buf_add(&b, s, text);
		s += text;
		if (*s == '\0')
			break;
		s = read_verb(s + 1, &v);
		if (v.letter == '%') {
			buf_adds(&b, "%");
			continue;
		}
		if (v.width > WIDTH_MAX || v.precision > WIDTH_MAX)
			return fail(c->err, ERR_BADREQ, "printf: wider than"
				    " %d", WIDTH_MAX);
		if (next >= c->n)
			return fail(c->err, ERR_BADREQ,
				    "printf: more verbs than arguments");
		e = format_value(c, &v, c->args[next++], &one);
		if (e != ERR_OK)
			return e;
		add_padded(&b, &v, buf_str(&one));
	}
	if (next < c->n)
		return fail(c->err, ERR_BADREQ,
			    "printf: more arguments than verbs");
	return give_text(c, buf_str(&b));
}

enum err
value_call(const char *function, const struct value *args, size_t n,
	   struct value *ret, struct error *err)
{
	static const struct {
		const char *name;
		size_t min, max;
		enum err (*call)(const struct call *);
	} tab[] = {
		{ "and", 1, SIZE_MAX, call_and_or },
		{ "or", 1, SIZE_MAX, call_and_or },
		{ "not", 1, 1, call_not },
		{ "eq", 2, SIZE_MAX, call_eq },
		{ "ne", 2, 2, call_compare },
		{ "lt", 2, 2, call_compare },
		{ "le", 2, 2, call_compare },
		{ "gt", 2, 2, call_compare },
		{ "ge", 2, 2, call_compare },
		{ "len", 1, 1, call_len },
		{ "index", 2, 2, call_index },
		{ "join", 2, 2, call_join },
		{ "print", 0, SIZE_MAX, call_print },
		{ "println", 0, SIZE_MAX, call_print },
		{ "printf", 1, SIZE_MAX, call_printf },
		{ "kibToGib", 1, 1, call_kib_to_gib },
		{ "entryStateString", 1, 1, call_state },
	};
	struct call c = { function, args, n, ret, err };

	for (size_t i = 0; i < ARRAY_SIZE(tab); i++)
		if (strcmp(tab[i].name, function) == 0) {
			if (n < tab[i].min || n > tab[i].max)
				return fail(err, ERR_BADREQ, "wrong number of"
					    " arguments for %s", function);
			return tab[i].call(&c);
		}
	return fail(err, ERR_BADREQ, "function \"%s\" not defined", function);
}
