/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading topology files with the leniency that they are used to (Go's):
 * members in any case, unknown ones ignored, null as if absent, and whatever
 * follows the document.  Wrong types are errors, before anything is done.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/topology-file.h"
#include "util/cleanup.h"
#include "util/xalloc.h"

/* NULL when absent or null. */
static json_t *
member(const json_t *object, const char *name)
{
	json_t *v = json_object_get(object, name), *each;
	const char *key;

	if (v == NULL)
		json_object_foreach((json_t *)object, key, each)
			if (strcasecmp(key, name) == 0)
				v = each;
	return json_is_null(v) ? NULL : v;
}

static enum err
typed(const json_t *object, const char *name, json_type type,
      const char *type_name, json_t **ret, struct error *why)
{
	json_t *v = member(object, name);

	if (v != NULL && json_typeof(v) != type)
		return fail(why, ERR_PARSE, "\"%s\" is not %s", name,
			    type_name);
	*ret = v;
	return ERR_OK;
}

static enum err
get_object(const json_t *o, const char *name, json_t **ret, struct error *why)
{
	return typed(o, name, JSON_OBJECT, "an object", ret, why);
}

static enum err
get_array(const json_t *o, const char *name, json_t **ret, struct error *why)
{
	return typed(o, name, JSON_ARRAY, "a list", ret, why);
}

static enum err
get_bool(const json_t *o, const char *name, bool *ret, struct error *why)
{
	json_t *v = member(o, name);

	if (v == NULL)
		return ERR_OK;	/* as it was: the default */
	if (!json_is_boolean(v))
		return fail(why, ERR_PARSE, "\"%s\" is not true or false",
			    name);
	*ret = json_is_true(v);
	return ERR_OK;
}

static enum err
check_strings(const json_t *v, const char *name, struct error *why)
{
	const char *key;
	json_t *each;
	size_t i;

	json_array_foreach(v, i, each)
		if (!json_is_string(each))
			return fail(why, ERR_PARSE,
				    "\"%s\" holds what is no string", name);
	json_object_foreach((json_t *)v, key, each)
		if (!json_is_string(each))
			return fail(why, ERR_PARSE, "\"%s\" of \"%s\" is not"
				    " a string", key, name);
	return ERR_OK;
}

static enum err
read_device(const json_t *j, struct file_device *d, struct error *why)
{
	json_t *name = NULL, *tags = NULL;
	enum err e;

	if (json_is_string(j)) {
		d->name = xstrdup(json_string_value(j));
		return ERR_OK;
	}
	if (!json_is_object(j))
		return fail(why, ERR_PARSE,
			    "a device is neither a string nor an object");
	e = typed(j, "name", JSON_STRING, "a string", &name, why);
	if (e == ERR_OK)
		e = get_object(j, "tags", &tags, why);
	if (e == ERR_OK)
		e = check_strings(tags, "tags", why);
	if (e == ERR_OK)
		e = get_bool(j, "destroydata", &d->destroy_data, why);
	if (e != ERR_OK)
		return e;
	d->name = xstrdup(name != NULL ? json_string_value(name) : "");
	d->tags = json_incref(tags);
	return ERR_OK;
}

static enum err
read_hosts(const json_t *hostnames, const char *name, json_t **ret,
	   struct error *why)
{
	enum err e = get_array(hostnames, name, ret, why);

	if (e == ERR_OK && json_array_size(*ret) == 0)
		e = fail(why, ERR_PARSE, "no \"%s\" host name", name);
	if (e == ERR_OK)
		e = check_strings(*ret, name, why);
	return e;
}

static enum err
read_identity(const json_t *j, struct file_node *n, struct error *why)
{
	json_t *hostnames = NULL, *manage = NULL, *storage = NULL;
	json_t *zone = NULL, *tags = NULL;
	enum err e = get_object(j, "hostnames", &hostnames, why);

	if (e == ERR_OK)
		e = read_hosts(hostnames, "manage", &manage, why);
	if (e == ERR_OK)
		e = read_hosts(hostnames, "storage", &storage, why);
	if (e == ERR_OK)
		e = typed(j, "zone", JSON_INTEGER, "a whole number", &zone,
			  why);
	if (e == ERR_OK)
		e = get_object(j, "tags", &tags, why);
	if (e == ERR_OK)
		e = check_strings(tags, "tags", why);
	if (e != ERR_OK)
		return e;
	n->manage = xstrdup(json_string_value(json_array_get(manage, 0)));
	n->request = json_pack("{s:I, s:{s:O, s:O}, s:O*}", "zone",
			       (json_int_t)json_integer_value(zone),
			       "hostnames", "manage", manage, "storage",
			       storage, "tags", tags);
	return ERR_OK;
}

static enum err
read_node(const json_t *j, struct file_node *n, struct error *why)
{
	json_t *node = NULL, *devices = NULL, *d;
	enum err e;
	size_t i;

	if (!json_is_object(j))
		return fail(why, ERR_PARSE, "not an object");
	e = get_object(j, "node", &node, why);
	if (e == ERR_OK)
		e = read_identity(node, n, why);
	if (e == ERR_OK)
		e = get_array(j, "devices", &devices, why);
	if (e != ERR_OK)
		return e;
	n->ndevices = json_array_size(devices);
	n->devices = xcalloc(n->ndevices, sizeof(*n->devices));
	json_array_foreach(devices, i, d) {
		e = read_device(d, &n->devices[i], why);
		if (e != ERR_OK)
			return fail_prefix(why, "device %zu", i + 1);
	}
	return ERR_OK;
}

static enum err
read_cluster(const json_t *j, struct file_cluster *c, struct error *why)
{
	json_t *nodes = NULL, *n;
	enum err e;
	size_t i;

	c->file = c->block = true;
	if (!json_is_object(j))
		return fail(why, ERR_PARSE, "not an object");
	c->file_given = member(j, "file") != NULL;
	c->block_given = member(j, "block") != NULL;
	e = get_bool(j, "file", &c->file, why);
	if (e == ERR_OK)
		e = get_bool(j, "block", &c->block, why);
	if (e == ERR_OK)
		e = get_array(j, "nodes", &nodes, why);
	if (e != ERR_OK)
		return e;
	c->nnodes = json_array_size(nodes);
	c->nodes = xcalloc(c->nnodes, sizeof(*c->nodes));
	json_array_foreach(nodes, i, n) {
		e = read_node(n, &c->nodes[i], why);
		if (e != ERR_OK)
			return fail_prefix(why, "node %zu", i + 1);
	}
	return ERR_OK;
}

static enum err
read_all(const json_t *j, struct topology_file *t, struct error *why)
{
	json_t *clusters = NULL, *c;
	enum err e;
	size_t i;

	if (!json_is_object(j))
		return fail(why, ERR_PARSE, "not an object");
	e = get_array(j, "clusters", &clusters, why);
	if (e != ERR_OK)
		return e;
	t->nclusters = json_array_size(clusters);
	t->clusters = xcalloc(t->nclusters, sizeof(*t->clusters));
	json_array_foreach(clusters, i, c) {
		e = read_cluster(c, &t->clusters[i], why);
		if (e != ERR_OK)
			return fail_prefix(why, "cluster %zu", i + 1);
	}
	return ERR_OK;
}

enum err
topology_file_read(const char *path, struct topology_file *ret,
		   struct error *why, struct error *err)
{
	CLEANUP(topology_file_release) struct topology_file t = { 0 };
	CLEANUP_FCLOSE FILE *f = fopen(path, "re");
	json_auto_t *j = NULL;
	json_error_t je;

	if (f == NULL) {
		fail(why, ERR_NOTFOUND, "%s: %m", path);
		return fail(err, ERR_NOTFOUND, "Unable to open config file");
	}
	j = json_loadf(f, JSON_DISABLE_EOF_CHECK, &je);
	if (j == NULL)
		fail(why, ERR_PARSE, "%s: line %d, column %d: %s", path,
		     je.line, je.column, je.text);
	else if (read_all(j, &t, why) != ERR_OK)
		fail_prefix(why, "%s", path);
	else {
		t.doc = STEAL(j);
		*ret = t;
		memset(&t, 0, sizeof(t));
		return ERR_OK;
	}
	return fail(err, ERR_PARSE, "Unable to parse config file");
}

static void
file_node_release(struct file_node *n)
{
	for (size_t i = 0; i < n->ndevices; i++) {
		free(n->devices[i].name);
		json_decref(n->devices[i].tags);
	}
	free(n->devices);
	free(n->manage);
	json_decref(n->request);
}

void
topology_file_release(struct topology_file *t)
{
	for (size_t i = 0; i < t->nclusters; i++) {
		for (size_t k = 0; k < t->clusters[i].nnodes; k++)
			file_node_release(&t->clusters[i].nodes[k]);
		free(t->clusters[i].nodes);
	}
	free(t->clusters);
	json_decref(t->doc);
	memset(t, 0, sizeof(*t));
}
