/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of a plug-in and of the lowering below it; see lowering.h.  Pure. */
#include <config.h>

#include <string.h>

#include "lowering.h"
#include "util/xalloc.h"

static bool
has_option(const struct brickyard_option *o, const char *key)
{
	for (; o != NULL && o->key != NULL; o++)
		if (strcmp(o->key, key) == 0)
			return true;
	return false;
}

bool
lowering_has_option(const struct lowering *l, const struct plugin *p,
		    const char *key)
{
	return has_option(p->executor.head.options, key) ||
	       (l != NULL && has_option(l->options, key));
}

static void
add_names(const struct brickyard_option *o, struct strs *names)
{
	for (; o != NULL && o->key != NULL; o++)
		if (!strs_has(names, o->key))
			strs_add(names, o->key);
}

static enum err
unknown_option(const struct lowering *l, const struct plugin *p,
	       const char *key, struct error *err)
{
	CLEANUP(strs_release) struct strs names = { 0 };
	CLEANUP_FREE char *list = NULL;

	add_names(p->executor.head.options, &names);
	add_names(l->options, &names);
	list = strs_join(&names, ", ");
	return fail(err, ERR_BADREQ, "plug-in '%s': unknown option '%s', it "
		    "has: %s", p->name, key, list);
}

enum err
lowering_split(const struct lowering *l, const struct plugin *p,
	       const struct kvs *given, struct kvs *ret_plugin,
	       struct kvs *ret_lowering, struct error *err)
{
	const struct brickyard_option *options = p->executor.head.options;
	CLEANUP(kvs_release) struct kvs mine = { 0 };
	CLEANUP(kvs_release) struct kvs lowered = { 0 };
	CLEANUP(kvs_release) struct kvs checked = { 0 };
	enum err e;

	for (size_t i = 0; i < given->n; i++) {
		const char *key = given->v[i].key, *value = given->v[i].value;

		if (!lowering_has_option(l, p, key))
			return unknown_option(l, p, key, err);
		if (has_option(options, key))
			kvs_set(&mine, key, value);
		if (has_option(l->options, key))
			kvs_set(&lowered, key, value);
	}
	for (; options != NULL && options->key != NULL; options++)
		if (options->default_value != NULL &&
		    has_option(l->options, options->key) &&
		    kvs_get(&lowered, options->key) == NULL)
			kvs_set(&lowered, options->key, options->default_value);
	e = plugin_check_options(p->name, l->options, &lowered, &checked, err);
	if (e != ERR_OK)
		return e;
	kvs_copy(ret_plugin, &mine);
	kvs_copy(ret_lowering, &checked);
	return ERR_OK;
}

void
lowering_print(const struct lowering *l, const struct plugin *p, struct buf *b)
{
	if (p->kind != BRICKYARD_KIND_EXECUTOR || p->refused != NULL)
		return;
	for (const struct brickyard_option *o = l->options; o->key != NULL; o++)
		if (!has_option(p->executor.head.options, o->key))
			plugin_print_option(o, b);
}
