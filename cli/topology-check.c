/* SPDX-License-Identifier: GPL-2.0-or-later */
/* topology_file_check(): the file as a person wrote it, before a server sees
 * it.  Types are right already: topology_file_read() took it.  A member whose
 * name begins with '_' is a comment.
 */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "cli/fmt.h"
#include "cli/topology-file.h"
#include "util/buf.h"
#include "util/xalloc.h"

enum { TAGS_MAX = 32, TAG_NAME_MAX = 32, TAG_VALUE_MAX = 64, HOST_MAX = 255 };

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

struct check {
	struct strs *problems;
	struct strs manage, storage;	/* host names seen so far */
	struct buf where;		/* "cluster 1, node 2 (m2)" */
};

static void PRINTF(2, 3)
problem(struct check *k, const char *fmt, ...)
{
	CLEANUP_FREE char *line = NULL, *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	line = xasprintf("%s: %s", buf_str(&k->where), text);
	strs_add(k->problems, line);
}

/* known: names with blanks between. */
static void
check_members(struct check *k, const json_t *object, const char *known)
{
	CLEANUP(strs_release) struct strs names = { 0 };
	const char *key;
	json_t *v;

	strs_split(&names, known, ' ');
	json_object_foreach((json_t *)object, key, v) {
		bool found = key[0] == '_';

		for (size_t i = 0; i < names.n; i++)
			found = found || strcasecmp(names.v[i], key) == 0;
		if (!found)
			problem(k, "\"%s\" has no meaning here (known are:"
				   " %s)", key, known);
	}
}

static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void
check_tags(struct check *k, const json_t *tags)
{
	const char *key;
	json_t *v;

	if (json_object_size(tags) > TAGS_MAX)
		problem(k, "%zu tags, %d are the most",
			json_object_size(tags), TAGS_MAX);
	json_object_foreach((json_t *)tags, key, v) {
		size_t n = strlen(key);

		if (n == 0 || n > TAG_NAME_MAX ||
		    strspn(key, ALNUM "_.-") != n)
			problem(k, "tag \"%s\": a name has 1 to %d of the"
				   " characters A-Z a-z 0-9 _ . -", key,
				TAG_NAME_MAX);
		if (characters(json_string_value(v)) > TAG_VALUE_MAX)
			problem(k, "tag \"%s\": a value has at most %d"
				   " characters", key, TAG_VALUE_MAX);
	}
}

static void
check_host(struct check *k, const json_t *list, const char *what,
	   struct strs *seen)
{
	const char *host = json_str_nth(list, 0);
	size_t n = strlen(host);

	if (n == 0 || n > HOST_MAX || strspn(host, ALNUM "_.:-") != n)
		problem(k, "%s: \"%s\" is neither a host name nor an address",
			what, host);
	else if (strs_has(seen, host))
		problem(k, "%s: another node has the name %s, too", what, host);
	if (json_array_size(list) > 1)
		problem(k, "%s: only the first of %zu names would be used",
			what, json_array_size(list));
	strs_add(seen, host);
}

static void
check_device(struct check *k, const struct file_node *n, size_t i)
{
	const struct file_device *d = &n->devices[i];
	size_t len = strlen(d->name);
	size_t before = k->where.len;

	buf_addf(&k->where, ", device %zu (%s)", i + 1, d->name);
	if (len < 2 || d->name[0] != '/' ||
	    strspn(d->name, ALNUM "_.:/-") != len)
		problem(k, "a name is a path of the characters A-Z a-z 0-9"
			   " _ . : / -");
	for (size_t o = 0; o < i; o++)
		if (strcmp(n->devices[o].name, d->name) == 0)
			problem(k, "device %zu has the same name", o + 1);
	check_tags(k, d->tags);
	k->where.s[k->where.len = before] = '\0';
}

static void
check_node(struct check *k, const struct file_node *n)
{
	if (json_int_at(n->request, "zone") < 1)
		problem(k, "zone: must be 1 or more");
	check_host(k, json_at(n->request, "hostnames.manage"),
		   "management host", &k->manage);
	check_host(k, json_at(n->request, "hostnames.storage"), "storage host",
		   &k->storage);
	check_tags(k, json_at(n->request, "tags"));
	for (size_t i = 0; i < n->ndevices; i++)
		check_device(k, n, i);
}

static json_t *
member(const json_t *object, const char *name)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)object, key, v)
		if (strcasecmp(key, name) == 0)
			return v;
	return NULL;
}

/* Names that mean nothing: looked for in the document, for nobody else has
 * kept them.
 */
static void
check_node_members(struct check *k, const json_t *j)
{
	const json_t *node = member(j, "node"), *devices = member(j, "devices");
	json_t *d;
	size_t i;

	check_members(k, j, "node devices");
	check_members(k, node, "hostnames zone tags cluster");
	check_members(k, member(node, "hostnames"), "manage storage");
	json_array_foreach(devices, i, d)
		if (json_is_object(d))
			check_members(k, d, "name tags destroydata");
}

static void
check_cluster(struct check *k, const struct file_cluster *c, const json_t *j)
{
	size_t before = k->where.len;

	check_members(k, j, "nodes file block");
	for (size_t i = 0; i < c->nnodes; i++) {
		buf_addf(&k->where, ", node %zu (%s)", i + 1,
			 c->nodes[i].manage);
		check_node(k, &c->nodes[i]);
		check_node_members(k, json_array_get(member(j, "nodes"), i));
		k->where.s[k->where.len = before] = '\0';
	}
	if (c->nnodes == 0)
		problem(k, "no nodes: nothing would be made of it");
}

void
topology_file_check(const struct topology_file *t, struct strs *problems)
{
	struct check k = { .problems = problems };

	buf_adds(&k.where, "file");
	check_members(&k, t->doc, "clusters");
	if (t->nclusters == 0)
		problem(&k, "no clusters");
	for (size_t i = 0; i < t->nclusters; i++) {
		buf_clear(&k.where);
		buf_addf(&k.where, "cluster %zu", i + 1);
		check_cluster(&k, &t->clusters[i],
			      json_array_get(member(t->doc, "clusters"), i));
	}
	strs_release(&k.manage);
	strs_release(&k.storage);
	buf_release(&k.where);
}
