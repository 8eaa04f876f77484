/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options that a plug-in declares: is its table sound, and do the values
 * that somebody configured fit it?  Pure; any thread.
 */
#include <config.h>

#include <string.h>

#include "plugin.h"
#include "util/xalloc.h"

/* More is taken for a table without an end. */
#define OPTIONS_MAX 256

static bool
is_uint(const char *s)
{
	static const char max[] = "18446744073709551615";
	size_t n;

	if (s[0] == '\0' || s[strspn(s, "0123456789")] != '\0')
		return false;
	s += strspn(s, "0");
	n = strlen(s);
	return n < sizeof(max) - 1 ||
	       (n == sizeof(max) - 1 && strcmp(s, max) <= 0);
}

/* What the type asks for when the value is not of it, or NULL. */
static const char *
value_fault(const struct brickyard_option *o, const char *value)
{
	if (o->type == BRICKYARD_OPT_UINT && !is_uint(value))
		return "a whole number from 0 to 18446744073709551615";
	if (o->type == BRICKYARD_OPT_BOOL && strcmp(value, "true") != 0 &&
	    strcmp(value, "false") != 0)
		return "true or false";
	return NULL;
}

static bool
key_is_valid(const char *key)
{
	return key[0] != '\0' &&
	       key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-.")] == '\0';
}

static const struct brickyard_option *
find_option(const struct brickyard_option *from,
	    const struct brickyard_option *to, const char *key)
{
	for (; from != to && from->key != NULL; from++)
		if (strcmp(from->key, key) == 0)
			return from;
	return NULL;
}

static char *
option_fault(const struct brickyard_option *all,
	     const struct brickyard_option *o)
{
	const char *want;

	if (!key_is_valid(o->key))
		return xasprintf("options: key '%.64s' is not [A-Za-z0-9_.-]+",
				 o->key);
	if (find_option(all, o, o->key) != NULL)
		return xasprintf("options: '%s' is there twice", o->key);
	if (o->type < BRICKYARD_OPT_STRING || o->type > BRICKYARD_OPT_BOOL)
		return xasprintf("options: '%s' has unknown type %u", o->key,
				 o->type);
	if (o->default_value == NULL)
		return NULL;
	if ((o->flags & BRICKYARD_OPT_REQUIRED) != 0)
		return xasprintf("options: '%s' is required and has a default",
				 o->key);
	want = value_fault(o, o->default_value);
	if (want == NULL)
		return NULL;
	return xasprintf("options: the default of '%s' is not %s", o->key,
			 want);
}

char *
plugin_schema_fault(const struct brickyard_option *all)
{
	char *why;

	if (all == NULL)
		return NULL;
	for (size_t i = 0; i < OPTIONS_MAX; i++) {
		if (all[i].key == NULL)
			return NULL;
		why = option_fault(all, &all[i]);
		if (why != NULL)
			return why;
	}
	return xasprintf("options: no end after %d of them", OPTIONS_MAX);
}

/* "a, b, c", for the message about a key that is not among them. */
static char *
option_names(const struct brickyard_option *o)
{
	CLEANUP(strs_release) struct strs names = { 0 };

	for (; o != NULL && o->key != NULL; o++)
		strs_add(&names, o->key);
	if (names.n == 0)
		strs_add(&names, "none");
	return strs_join(&names, ", ");
}

static enum err
check_given(const char *name, const struct brickyard_option *options,
	    const struct kv *kv, struct error *err)
{
	const struct brickyard_option *o = NULL;
	const char *want;

	if (options != NULL)
		o = find_option(options, NULL, kv->key);
	if (o == NULL) {
		CLEANUP_FREE char *names = option_names(options);

		return fail(err, ERR_BADREQ, "plug-in '%s': unknown option "
			    "'%s', it has: %s", name, kv->key, names);
	}
	want = value_fault(o, kv->value);
	if (want == NULL)
		return ERR_OK;
	/* The value itself is not repeated: it may be a misplaced secret. */
	return fail(err, ERR_BADREQ, "plug-in '%s': option '%s' must be %s",
		    name, kv->key, want);
}

enum err
plugin_check_options(const char *name, const struct brickyard_option *options,
		     const struct kvs *given, struct kvs *ret,
		     struct error *err)
{
	CLEANUP(kvs_release) struct kvs all = { 0 };
	enum err e;

	for (size_t i = 0; i < given->n; i++) {
		e = check_given(name, options, &given->v[i], err);
		if (e != ERR_OK)
			return e;
		kvs_set(&all, given->v[i].key, given->v[i].value);
	}
	for (const struct brickyard_option *o = options;
	     o != NULL && o->key != NULL; o++) {
		if (kvs_get(&all, o->key) != NULL)
			continue;
		if ((o->flags & BRICKYARD_OPT_REQUIRED) != 0)
			return fail(err, ERR_BADREQ, "plug-in '%s': option "
				    "'%s' is required", name, o->key);
		if (o->default_value != NULL)
			kvs_set(&all, o->key, o->default_value);
	}
	kvs_copy(ret, &all);
	return ERR_OK;
}

enum err
plugin_check_config(const struct plugin *p, const struct kvs *given,
		    struct kvs *ret, struct error *err)
{
	return plugin_check_options(p->name,
		p->kind == BRICKYARD_KIND_EXECUTOR ?
			p->executor.head.options : p->volume_type.head.options,
		given, ret, err);
}
