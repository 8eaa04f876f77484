/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a dump fit together?  heketi keeps most relations on both sides, and
 * neither brick sets nor the index of host names; what it can't be right about
 * is told, what can be put right is.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/codec.h"
#include "store/import.h"
#include "util/xalloc.h"

#define GIB_SHIFT 30

/* ---- strays ---- */

static void
complain(struct import *d, bool leave_out, const char *text)
{
	if (leave_out)
		import_warn(d, "%s", text);
	else
		import_error(d, "%s: repair it in heketi, or give --force to "
			   "go on without", text);
}

/* When it takes back a clone, heketi forgets to take back its bricks, which are
 * nowhere but in its database.
 */
static bool
is_of_failed_clone(const struct import *d, const struct import_brick *s)
{
	return s->b.path[0] != '\0' && !import_has_own_path(d, &s->b) &&
	       import_find(d, RECORD_VOLUME, s->volume) == NULL;
}

static void
check_stray(struct import *d, const struct import_brick *s, bool leave_out)
{
	const struct device *dev =
		(const void *)import_find(d, RECORD_DEVICE, s->b.device);
	CLEANUP_FREE char *text = xasprintf(
		"brick %s (%s:%s) is in no volume%s%s%s, its space on device "
		"%s stays taken until that is resynced", s->b.id, s->b.host,
		s->b.path, s->volume[0] != '\0' ? ", not in its own " : "",
		s->volume, leave_out ? ", left out" : "",
		dev != NULL ? dev->name : s->b.device);

	complain(d, leave_out, text);
}

/* heketi's "delete-bricks-with-empty-path": they were never made. */
static void
check_paths(struct import *d, struct volume *v, bool leave_out)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->nbricks; i++) {
		struct brick *b = &v->bricks[i];
		CLEANUP_FREE char *text = xasprintf(
			"brick %s of volume %s has no path%s", b->id, v->name,
			leave_out ? ": left out" : "");

		/* A clone that is to be cleaned up knows them not yet. */
		if (b->path[0] != '\0' || (v->doing == VOLUME_CREATING &&
					   b->pending[0] != '\0')) {
			v->bricks[kept++] = *b;
			continue;
		}
		complain(d, leave_out, text);
		if (leave_out)
			import_give_back(d, b);
		d->nbricks--;
		brick_release(b);
	}
	v->nbricks = kept;
}

static void
check_attribute(struct import *d, const char *key, bool leave_out)
{
	CLEANUP_FREE char *text = xasprintf(
		"attribute %s of the database is not known, it may be a newer "
		"heketi's%s", key, leave_out ? ": left out" : "");

	complain(d, leave_out, text);
}

void
import_check_strays(struct import *d, bool leave_out)
{
	for (size_t i = 0; i < d->attributes.n; i++)
		check_attribute(d, d->attributes.v[i], leave_out);
	for (size_t i = 0; i < d->strays.n; i++)
		if (is_of_failed_clone(d, &d->strays.v[i]))
			import_warn(d, "brick %s is of a clone (%s) that was "
				    "not made: left out", d->strays.v[i].b.id,
				    d->strays.v[i].volume);
		else
			check_stray(d, &d->strays.v[i], leave_out);
	d->nbricks -= d->strays.n;
	for (size_t i = 0; i < d->of[RECORD_VOLUME].n; i++)
		check_paths(d, (void *)d->of[RECORD_VOLUME].v[i], leave_out);
}

/* ---- references ---- */

static void
need(struct import *d, const char *what, const char *id, enum record_kind kind,
     const char *other, const char *other_id)
{
	if (import_find(d, kind, other_id) == NULL)
		import_error(d, "%s %s: its %s %s is not there", what, id, other,
			   other_id[0] != '\0' ? other_id : "(none)");
}

static void
check_node(struct import *d, const struct node *n)
{
	need(d, "node", n->id, RECORD_CLUSTER, "cluster", n->cluster);
}

static void
check_brick(struct import *d, const struct brick *b)
{
	const struct device *dev =
		(const void *)import_find(d, RECORD_DEVICE, b->device);

	need(d, "brick", b->id, RECORD_DEVICE, "device", b->device);
	need(d, "brick", b->id, RECORD_NODE, "node", b->node);
	if (dev != NULL && strcmp(dev->node, b->node) != 0)
		import_error(d, "brick %s: it is on node %s, its device %s on "
			   "node %s", b->id, b->node, dev->id, dev->node);
}

/* Without the one that an eviction was about to put in another's place. */
static size_t
settled_bricks(const struct volume *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->nbricks; i++)
		n += v->doing != VOLUME_EVICTING ||
		     v->bricks[i].pending[0] == '\0';
	return n;
}

static void
check_volume(struct import *d, const struct volume *v)
{
	size_t n = settled_bricks(v);

	need(d, "volume", v->id, RECORD_CLUSTER, "cluster", v->cluster);
	if (v->nbricks == 0)
		import_error(d, "volume %s (%s): it has no bricks", v->id,
			   v->name);
	else if (v->bricks_per_set > 0 && n % v->bricks_per_set != 0)
		import_error(d, "volume %s (%s): %zu bricks are no whole sets of "
			   "%" PRIu32, v->id, v->name, n,
			   v->bricks_per_set);
	for (size_t i = 0; i < v->nbricks; i++)
		check_brick(d, &v->bricks[i]);
}

/* ---- space on devices ---- */

struct pool {
	const char *device, *name;
	uint64_t bytes;
};

struct pools {
	struct pool *v;
	size_t n, cap;
};

static int
compare_pools(const void *a, const void *b)
{
	const struct pool *x = a, *y = b;
	int r = strcmp(x->device, y->device);

	return r != 0 ? r : strcmp(x->name, y->name);
}

static void
list_pools(const struct import *d, struct pools *ret)
{
	for (size_t i = 0; i < d->of[RECORD_VOLUME].n; i++) {
		const struct volume *v =
			(const void *)d->of[RECORD_VOLUME].v[i];

		for (size_t k = 0; k < v->nbricks; k++)
			*VEC_PUSH(ret) = (struct pool){
				v->bricks[k].device, v->bricks[k].thin_pool,
				v->bricks[k].thin_pool_bytes +
					v->bricks[k].metadata_bytes,
			};
	}
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_pools);
}

static void
check_space(struct import *d, const struct device *dev, uint64_t bricks)
{
	if (dev->used_bytes > dev->total_bytes)
		import_warn(d, "device %s (%s): more is used than there is",
			  dev->id, dev->name);
	if (dev->used_bytes != bricks)
		import_warn(d, "device %s (%s): %" PRIu64 " KiB are said to be "
			  "used, its bricks take %" PRIu64 " KiB: resync it",
			  dev->id, dev->name, dev->used_bytes >> 10,
			  bricks >> 10);
}

/* A clone's brick is in the pool of another, which counts once. */
static void
check_devices(struct import *d)
{
	struct pools pools = { 0 };
	size_t at = 0;

	list_pools(d, &pools);
	for (size_t i = 0; i < d->of[RECORD_DEVICE].n; i++) {
		const struct device *dev =
			(const void *)d->of[RECORD_DEVICE].v[i];
		uint64_t bytes = 0;

		need(d, "device", dev->id, RECORD_NODE, "node", dev->node);
		while (at < pools.n && strcmp(pools.v[at].device, dev->id) < 0)
			at++;
		for (; at < pools.n &&
		       strcmp(pools.v[at].device, dev->id) == 0; at++)
			if (at == 0 || compare_pools(&pools.v[at],
						     &pools.v[at - 1]) != 0)
				bytes += pools.v[at].bytes;
		check_space(d, dev, bytes);
	}
	free(pools.v);
}

/* ---- block-hosting volumes ---- */

/* A block volume that is being expanded has what it is to have, until that is
 * undone.
 */
static uint64_t
promised_bytes(const struct import *d, const struct blockvolume *b)
{
	for (size_t i = 0; i < d->of[RECORD_OPERATION].n; i++) {
		const struct operation *op =
			(const void *)d->of[RECORD_OPERATION].v[i];
		const char *bytes = kvs_get(&op->args, "new_bytes");
		uint64_t wanted = bytes != NULL ? strtoull(bytes, NULL, 10) : 0;

		if (strcmp(op->target, b->id) == 0 && wanted > b->size_bytes)
			return wanted;
	}
	return b->size_bytes;
}

static uint64_t
hosted_bytes(const struct import *d, const char *volume)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < d->of[RECORD_BLOCKVOLUME].n; i++) {
		const struct blockvolume *b =
			(const void *)d->of[RECORD_BLOCKVOLUME].v[i];

		if (strcmp(b->hosting, volume) == 0)
			sum += promised_bytes(d, b);
	}
	return sum;
}

uint64_t
import_hosting_free(const struct import *d, const struct volume *v)
{
	uint64_t taken = hosted_bytes(d, v->id) + v->block_reserved_bytes;

	return taken < v->size_bytes ? v->size_bytes - taken : 0;
}

/* Of one that is locked it is kept back when that is unlocked. */
static void
keep_back(struct import *d, struct volume *v)
{
	uint64_t gib = v->size_bytes >> GIB_SHIFT;
	uint64_t reserve = (gib - gib * 98 / 100) << GIB_SHIFT;

	if (v->block_reserved_bytes > 0 ||
	    v->restriction == RESTRICTION_LOCKED_BY_UPDATE)
		return;
	if (v->block_free_bytes >= reserve) {
		v->block_reserved_bytes = reserve;
		v->block_free_bytes -= reserve;
		return;
	}
	import_warn(d, "volume %s (%s): too full for the 2%% that hosting "
		    "volumes keep back: no more block volumes on it", v->id,
		    v->name);
	v->restriction = RESTRICTION_LOCKED_BY_UPDATE;
}

/* What heketi does to old ones when it starts, in its order: one whose free size
 * was wrong is locked, so that nothing is kept back yet.
 */
static void
check_hosting(struct import *d, struct volume *v)
{
	uint64_t left = import_hosting_free(d, v);

	if (left != v->block_free_bytes) {
		import_warn(d, "volume %s (%s): %" PRIu64 " GiB are said to be "
			    "free for block volumes, %" PRIu64 " are: corrected, "
			    "and no more block volumes on it", v->id, v->name,
			    v->block_free_bytes >> GIB_SHIFT, left >> GIB_SHIFT);
		v->block_free_bytes = left;
		v->restriction = RESTRICTION_LOCKED_BY_UPDATE;
	}
	keep_back(d, v);
}

static void
check_blockvolume(struct import *d, struct blockvolume *b)
{
	const struct volume *v =
		(const void *)import_find(d, RECORD_VOLUME, b->hosting);

	need(d, "block volume", b->id, RECORD_VOLUME, "hosting volume",
	     b->hosting);
	if (v == NULL)
		return;
	if (!v->block)
		import_error(d, "block volume %s: volume %s (%s) hosts no block "
			   "volumes", b->id, v->id, v->name);
	if (b->cluster[0] == '\0')
		memcpy(b->cluster, v->cluster, ID_SIZE);
}

void
import_check(struct import *d)
{
	for (size_t i = 0; i < d->of[RECORD_NODE].n; i++)
		check_node(d, (const void *)d->of[RECORD_NODE].v[i]);
	for (size_t i = 0; i < d->of[RECORD_VOLUME].n; i++) {
		struct volume *v = (void *)d->of[RECORD_VOLUME].v[i];

		check_volume(d, v);
		if (v->block)
			check_hosting(d, v);
	}
	for (size_t i = 0; i < d->of[RECORD_BLOCKVOLUME].n; i++)
		check_blockvolume(d,
				  (void *)d->of[RECORD_BLOCKVOLUME].v[i]);
	check_devices(d);
}

/* ---- documents ---- */

static void
add_record(const struct record *r, struct docs *ret)
{
	CLEANUP_FREE char *doc = record_encode(r);

	docs_add(ret, r->key, doc, strlen(doc));
}

static void
add_index(const char *key, const char *id, struct docs *ret)
{
	RECORD_SCOPE struct index_entry *e = index_new(RECORD_INDEX, key, id);

	add_record(&e->r, ret);
}

static void
add_hosts(const char *space, const struct strs *hosts, const char *id,
	  struct docs *ret)
{
	for (size_t i = 0; i < hosts->n; i++) {
		CLEANUP_FREE char *key = xasprintf("hosts/%s/%s", space,
						   hosts->v[i]);
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again = again || strcmp(hosts->v[k], hosts->v[i]) == 0;
		if (!again)
			add_index(key, id, ret);
	}
}

static void
add_names(const struct import *d, struct docs *ret)
{
	for (size_t i = 0; i < d->of[RECORD_NODE].n; i++) {
		const struct node *n = (const void *)d->of[RECORD_NODE].v[i];

		add_hosts("manage", &n->manage, n->id, ret);
		add_hosts("storage", &n->storage, n->id, ret);
	}
	for (size_t i = 0; i < d->of[RECORD_VOLUME].n; i++) {
		const struct volume *v =
			(const void *)d->of[RECORD_VOLUME].v[i];
		CLEANUP_FREE char *key = xasprintf("volume-names/%s/%s",
						   v->cluster, v->name);

		add_index(key, v->id, ret);
	}
	for (size_t i = 0; i < d->of[RECORD_BLOCKVOLUME].n; i++) {
		const struct blockvolume *b =
			(const void *)d->of[RECORD_BLOCKVOLUME].v[i];
		CLEANUP_FREE char *key = xasprintf("block-names/%s/%s",
						   b->hosting, b->name);

		add_index(key, b->id, ret);
	}
}

/* A new one on every import, as heketi has it. */
static void
add_generation(struct docs *ret)
{
	RECORD_SCOPE struct index_entry *e = NULL;
	char id[ID_SIZE];

	id_new(id);
	e = index_new(RECORD_ADMIN, RECORD_GENERATION, id);
	add_record(&e->r, ret);
}

void
import_documents(struct import *d, struct docs *ret)
{
	for (int k = 0; k < RECORD_KINDS; k++)
		for (size_t i = 0; i < d->of[k].n; i++)
			add_record(d->of[k].v[i], ret);
	add_names(d, ret);
	add_generation(ret);
	docs_sort(ret);
	for (size_t i = 1; i < ret->n; i++)
		if (strcmp(ret->v[i - 1].key, ret->v[i].key) == 0)
			import_error(d, "'%s': two objects have that name",
				   ret->v[i].key + strlen("index/"));
}
