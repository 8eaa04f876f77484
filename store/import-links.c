/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heketi keeps who belongs to whom on both sides.  What is said below is what counts
 * (a node's cluster, a brick's device); what is said above is compared with it.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "store/import-member.h"
#include "util/xalloc.h"

static const char *
node_owner(const void *o)
{
	return ((const struct node *)o)->cluster;
}

static const char *
volume_owner(const void *o)
{
	return ((const struct volume *)o)->cluster;
}

static const char *
block_owner(const void *o)
{
	return ((const struct blockvolume *)o)->cluster;
}

static const char *
block_host(const void *o)
{
	return ((const struct blockvolume *)o)->hosting;
}

static const char *
device_owner(const void *o)
{
	return ((const struct device *)o)->node;
}

static const char *
brick_owner(const void *o)
{
	return ((const struct import_brick *)o)->b.device;
}

/* Lists of what belongs to an entry. */
static const struct link {
	const char *bucket, *what;
	const char *path[2];		/* to the object that has the list */
	const char *list;
	enum record_kind kind;		/* of what is listed; RECORD_KINDS: bricks */
	const char *other;
	const char *(*owner)(const void *);
} links[] = {
	{ "clusterentries", "cluster", { "Info" }, "nodes", RECORD_NODE, "node",
	  node_owner },
	{ "clusterentries", "cluster", { "Info" }, "volumes", RECORD_VOLUME,
	  "volume", volume_owner },
	{ "clusterentries", "cluster", { "Info" }, "blockvolumes",
	  RECORD_BLOCKVOLUME, "block volume", block_owner },
	{ "nodeentries", "node", { NULL }, "Devices", RECORD_DEVICE, "device",
	  device_owner },
	{ "deviceentries", "device", { NULL }, "Bricks", RECORD_KINDS, "brick",
	  brick_owner },
	{ "volumeentries", "volume", { "Info", "blockinfo" }, "blockvolume",
	  RECORD_BLOCKVOLUME, "block volume", block_host },
};

/* "OWNER CHILD" of all that both sides agree about. */
struct agreed {
	struct import *d;
	const struct link *link;
	struct strs pairs;
};

static int
compare_bricks(const void *id, const void *b)
{
	return strcmp(id, ((const struct import_brick *)b)->b.id);
}

static const void *
find(const struct import *d, enum record_kind kind, const char *id)
{
	if (kind != RECORD_KINDS)
		return import_find(d, kind, id);
	return d->strays.n == 0 ? NULL :
	       bsearch(id, d->strays.v, d->strays.n, sizeof(d->strays.v[0]),
		       compare_bricks);
}

/* What is under way is on one side only for a while. */
static bool
is_under_way(const struct import *d, const char *id)
{
	for (size_t i = 0; i < d->ops.n; i++)
		for (size_t k = 0; k < d->ops.v[i].n; k++)
			if (strcmp(d->ops.v[i].v[k].id, id) == 0)
				return true;
	return false;
}

static void
check_listed(struct agreed *a, const struct reader *r, const char *id)
{
	const void *o = find(a->d, a->link->kind, id);
	const char *owner = o != NULL ? a->link->owner(o) : "";

	if (o == NULL && !is_under_way(a->d, id))
		import_warn(a->d, "%s %s: it lists the %s %.80s, which is not "
			    "there: ignored", r->what, r->id, a->link->other,
			    id);
	else if (owner[0] != '\0' && strcmp(owner, r->id) != 0)
		import_warn(a->d, "%s %s: it lists the %s %s, which says it is "
			    "of %s: taken so", r->what, r->id, a->link->other,
			    id, owner);
	else if (o != NULL)
		*VEC_PUSH(&a->pairs) = xasprintf("%s %s", r->id, id);
}

static void
check_entry(struct agreed *a, const struct reader *r, const json_t *entry)
{
	CLEANUP(strs_release) struct strs ids = { 0 };
	const json_t *at = entry;

	for (size_t i = 0; i < ARRAY_SIZE(a->link->path); i++)
		if (a->link->path[i] != NULL)
			at = json_object_get(at, a->link->path[i]);
	member_list(r, at, a->link->list, &ids);
	for (size_t i = 0; i < ids.n; i++)
		check_listed(a, r, ids.v[i]);
}

static int
compare_texts(const void *key, const void *p)
{
	return strcmp(key, *(const char *const *)p);
}

static void
check_back(struct agreed *a, const char *id, const void *o)
{
	const char *owner = a->link->owner(o);
	CLEANUP_FREE char *pair = xasprintf("%s %s", owner, id);

	if (owner[0] == '\0' ||
	    (a->pairs.n > 0 && bsearch(pair, a->pairs.v, a->pairs.n,
				       sizeof(a->pairs.v[0]), compare_texts)) ||
	    is_under_way(a->d, id))
		return;
	import_warn(a->d, "%s %s: it says it is of %s %s, which does not list "
		    "it: taken so", a->link->other, id, a->link->what, owner);
}

static void
check_all_back(struct agreed *a)
{
	const struct import *d = a->d;
	enum record_kind kind = a->link->kind;

	strs_sort(&a->pairs);
	if (kind == RECORD_KINDS)
		for (size_t i = 0; i < d->strays.n; i++)
			check_back(a, d->strays.v[i].b.id, &d->strays.v[i]);
	else
		for (size_t i = 0; i < d->of[kind].n; i++)
			check_back(a, d->of[kind].v[i]->key +
				   strlen(record_prefix(kind)), d->of[kind].v[i]);
}

void
import_check_links(struct import *d, const json_t *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		struct reader r = { .d = d, .what = "dump", .id = "itself" };
		struct agreed a = { .d = d, .link = &links[i] };
		const json_t *all = member_object(&r, root, a.link->bucket);
		const char *key;
		json_t *entry;

		r.what = a.link->what;
		json_object_foreach((json_t *)all, key, entry) {
			r.id = key;
			check_entry(&a, &r, entry);
		}
		check_all_back(&a);
		strs_release(&a.pairs);
	}
}
