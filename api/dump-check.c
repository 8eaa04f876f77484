/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /db/check: does what is in the database fit together?  heketi's report and
 * its texts; links that we keep on one side only can't be lacking on the other,
 * so what is left are objects that nobody knows, sizes that don't add up, and
 * what heketi does not look at: names that are not reserved, and documents that
 * can't be read.  Any thread.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/dump.h"
#include "api/dump-view.h"
#include "api/jsonout.h"
#include <brickyard/executor.h>
#include "pending.h"
#include "util/xalloc.h"

#define KIB_SHIFT 10
#define GIB_SHIFT 30

enum bucket {
	CLUSTERS, VOLUMES, BRICKS, NODES, DEVICES, BLOCKVOLUMES, ATTRIBUTES,
	OPERATIONS, BUCKETS
};

static const struct {
	const char *name;
	enum record_kind kind;
	const char *object;	/* in texts */
} buckets[BUCKETS] = {
	[CLUSTERS] = { "clusters", RECORD_CLUSTER, "Cluster" },
	[VOLUMES] = { "volumes", RECORD_VOLUME, "Volume" },
	[BRICKS] = { "bricks", RECORD_KINDS, "Brick" },
	[NODES] = { "nodes", RECORD_NODE, "Node" },
	[DEVICES] = { "devices", RECORD_DEVICE, "Device" },
	[BLOCKVOLUMES] = { "blockvolumes", RECORD_BLOCKVOLUME, "BlockVolume" },
	/* whatever is none of the others */
	[ATTRIBUTES] = { "dbattributes", RECORD_KINDS, "Document" },
	[OPERATIONS] = { "pendingoperations", RECORD_OPERATION, "pending op" },
};

struct report {
	struct dump_view *w;
	struct tally {
		size_t total, pending, ok, notok;
		struct strs faults;
	} of[BUCKETS];
	enum bucket now;	/* of the object that is looked at */
};

static void PRINTF(2, 3)
say(struct report *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	*VEC_PUSH(&r->of[r->now].faults) = xvasprintf(fmt, ap);
	va_end(ap);
}

static bool
is_there(const struct report *r, enum record_kind kind, const char *id)
{
	const struct record *rec = dump_find(r->w, kind, id);

	if (rec == NULL)
		return false;
	if (kind == RECORD_NODE)
		return !dump_hides_node((const void *)rec);
	if (kind == RECORD_DEVICE)
		return !dump_hides_device((const void *)rec);
	return true;
}

/* One in the store, or a child made of such a one. */
static bool
has_operation(const struct report *r, const char *id)
{
	for (size_t i = 0; i < r->w->nops; i++)
		if (strcmp(r->w->ops[i]->id, id) == 0)
			return true;
	return is_there(r, RECORD_OPERATION, id);
}

static void
check_pending(struct report *r, const char *id, const char *op)
{
	if (op[0] == '\0')
		return;
	r->of[r->now].pending++;
	if (!has_operation(r, op))
		say(r, "%s %s marked pending but no pending op %s",
		    buckets[r->now].object, id, op);
}

static void
check_reference(struct report *r, const char *id, enum record_kind kind,
		const char *what, const char *other)
{
	if (!is_there(r, kind, other))
		say(r, "%s %s unknown %s %s", buckets[r->now].object, id, what,
		    other);
}

/* Is the name kept for the object, so that nobody else can take it? */
static void
check_name(struct report *r, const char *id, const char *what,
	   const char *key, const char *name)
{
	const struct index_entry *e = dump_find(r->w, RECORD_INDEX, key);

	if (e == NULL)
		say(r, "%s %s %s %s is not reserved", buckets[r->now].object,
		    id, what, name);
	else if (e->value == NULL || strcmp(e->value, id) != 0)
		say(r, "%s %s %s %s is reserved for %s", buckets[r->now].object,
		    id, what, name, e->value != NULL ? e->value : "nobody");
}

/* ---- objects ---- */

static void
check_block_space(struct report *r, const struct volume *v)
{
	const struct strs *ids = relation_of(r->w->hosted, v->id);
	int64_t size = (int64_t)(v->size_bytes >> GIB_SHIFT);
	int64_t free_ = (int64_t)(v->block_free_bytes >> GIB_SHIFT);
	int64_t reserved = (int64_t)(v->block_reserved_bytes >> GIB_SHIFT);
	int64_t sum = 0;

	for (size_t i = 0; i < ids->n; i++) {
		const struct blockvolume *b =
			dump_find(r->w, RECORD_BLOCKVOLUME, ids->v[i]);

		sum += (int64_t)(b->size_bytes >> GIB_SHIFT);
	}
	if (v->block && sum != size - free_ - reserved)
		say(r, "Volume %s blocksize differs aggregateSize %" PRId64
		    " != volumeSize %" PRId64 " - freeSize %" PRId64
		    " - reservedSize %" PRId64, v->id, sum, size, free_,
		    reserved);
	else if (!v->block && sum != 0)
		say(r, "Volume %s has blockvolumes but not block flag", v->id);
}

static void
check_volume(struct report *r, const struct record *rec)
{
	const struct volume *v = (const void *)rec;
	CLEANUP_FREE char *key = xasprintf("volume-names/%s/%s", v->cluster,
					   v->name);

	check_pending(r, v->id, pending_volume(v) ? v->pending : "");
	check_reference(r, v->id, RECORD_CLUSTER, "cluster", v->cluster);
	check_name(r, v->id, "name", key, v->name);
	check_block_space(r, v);
}

static void
check_brick(struct report *r, const struct dump_brick *b)
{
	const struct brick *brick = b->brick;
	char pending[ID_SIZE];
	const struct device *d = dump_find(r->w, RECORD_DEVICE, brick->device);

	dump_brick_operation(r->w, b, pending);
	check_pending(r, brick->id, pending);
	check_reference(r, brick->id, RECORD_NODE, "node", brick->node);
	check_reference(r, brick->id, RECORD_DEVICE, "device", brick->device);
	if (d != NULL && strcmp(d->node, brick->node) != 0)
		say(r, "Brick %s is on node %s, but its device %s on node %s",
		    brick->id, brick->node, d->id, d->node);
}

static void
check_hosts(struct report *r, const struct node *n, const char *space,
	    const struct strs *hosts)
{
	for (size_t i = 0; i < hosts->n; i++) {
		CLEANUP_FREE char *key = xasprintf("hosts/%s/%s", space,
						   hosts->v[i]);

		check_name(r, n->id, "hostname", key, hosts->v[i]);
	}
}

static void
check_node(struct report *r, const struct record *rec)
{
	const struct node *n = (const void *)rec;

	check_reference(r, n->id, RECORD_CLUSTER, "cluster", n->cluster);
	check_hosts(r, n, "manage", &n->manage);
	check_hosts(r, n, "storage", &n->storage);
}

/* What a directory holds besides is counted as used, too. */
static void
check_space(struct report *r, const struct device *d)
{
	uint64_t total = d->total_bytes >> KIB_SHIFT;
	uint64_t used = d->used_bytes >> KIB_SHIFT;
	uint64_t sum = dump_bricks_kib(r->w, d->id);

	if (used > total)
		say(r, "Device %s size values differ Total(%" PRIu64
		    ") != Free(0) + Used(%" PRIu64 ")", d->id, total, used);
	if (sum > used ||
	    (sum < used && d->kind != BRICKYARD_DEVICE_DIRECTORY))
		say(r, "Device %s size values differ Used(%" PRIu64
		    ") != aggregateBricksSize(%" PRIu64 ")", d->id, used, sum);
}

static void
check_device(struct report *r, const struct record *rec)
{
	const struct device *d = (const void *)rec;

	check_reference(r, d->id, RECORD_NODE, "node", d->node);
	check_space(r, d);
}

static void
check_blockvolume(struct report *r, const struct record *rec)
{
	const struct blockvolume *b = (const void *)rec;
	CLEANUP_FREE char *key = xasprintf("block-names/%s/%s", b->hosting,
					   b->name);

	check_pending(r, b->id, b->doing == VOLUME_EXPANDING ? "" : b->pending);
	check_reference(r, b->id, RECORD_CLUSTER, "cluster", b->cluster);
	check_reference(r, b->id, RECORD_VOLUME, "volume", b->hosting);
	check_name(r, b->id, "name", key, b->name);
}

/* ---- operations ---- */

static const char *
volume_pending(const struct report *r, const char *id)
{
	const struct volume *v = dump_find(r->w, RECORD_VOLUME, id);

	return v != NULL && pending_volume(v) ? v->pending : "";
}

static const char *
blockvolume_pending(const struct report *r, const char *id)
{
	const struct blockvolume *b = dump_find(r->w, RECORD_BLOCKVOLUME, id);

	return b != NULL ? b->pending : "";
}

static void
check_link(struct report *r, const struct operation *op,
	   const struct pending_change *c, const char *pending,
	   const char *where)
{
	if (strcmp(pending, op->id) != 0)
		say(r, "pending op %s id in change missing %s not found in %s",
		    op->id, c->id, where);
}

static void
check_brick_link(struct report *r, const struct operation *op,
		 const struct pending_change *c)
{
	const struct dump_brick *b = dump_brick(r->w, c->id);
	char pending[ID_SIZE] = "";

	if (b != NULL)
		dump_brick_operation(r->w, b, pending);
	check_link(r, op, c, pending, "bricks");
}

static void
check_target(struct report *r, const struct operation *op,
	     const struct pending_change *c, enum record_kind kind,
	     const char *where)
{
	if (!is_there(r, kind, c->id))
		say(r, "pending op %s: change id missing %s not found in %s",
		    op->id, c->id, where);
}

static void
check_change(struct report *r, const struct operation *op,
	     const struct pending_change *c)
{
	switch (c->number) {
	case CHANGE_ADD_BRICK:
	case CHANGE_DELETE_BRICK:
		check_brick_link(r, op, c);
		break;
	case CHANGE_ADD_VOLUME:
	case CHANGE_DELETE_VOLUME:
	case CHANGE_CLONE_VOLUME:
	case CHANGE_ADD_CLONE:
		check_link(r, op, c, volume_pending(r, c->id), "volumes");
		break;
	case CHANGE_ADD_BLOCKVOLUME:
	case CHANGE_DELETE_BLOCKVOLUME:
		check_link(r, op, c, blockvolume_pending(r, c->id),
			   "blockvolumes");
		break;
	case CHANGE_EXPAND_VOLUME:
		check_target(r, op, c, RECORD_VOLUME, "volumes");
		break;
	case CHANGE_EXPAND_BLOCKVOLUME:
		check_target(r, op, c, RECORD_BLOCKVOLUME, "blockvolumes");
		break;
	default:
		break;
	}
}

static void
check_operation(struct report *r, const struct operation *op)
{
	CLEANUP(pending_changes_release) struct pending_changes l = { 0 };

	pending_changes(op, dump_find_record, r->w, &l);
	for (size_t i = 0; i < l.n; i++)
		check_change(r, op, &l.v[i]);
}

/* ---- all ---- */

static void
count(struct report *r, size_t faults_before)
{
	struct tally *t = &r->of[r->now];

	t->total++;
	if (t->faults.n > faults_before)
		t->notok++;
	else
		t->ok++;
}

static bool
is_counted(const struct record *rec)
{
	switch (rec->kind) {
	case RECORD_NODE:
		return !dump_hides_node((const void *)rec);
	case RECORD_DEVICE:
		return !dump_hides_device((const void *)rec);
	default:
		return true;
	}
}

static void
check_all(struct report *r, enum bucket bucket,
	  void (*fn)(struct report *, const struct record *))
{
	const struct mirror_list *l = &r->w->snapshot->of[buckets[bucket].kind];

	r->now = bucket;
	for (size_t i = 0; i < l->n; i++) {
		size_t before = r->of[bucket].faults.n;

		if (!is_counted(l->v[i]))
			continue;
		if (fn != NULL)
			fn(r, l->v[i]);
		count(r, before);
	}
}

static void
check_operations(struct report *r)
{
	r->now = OPERATIONS;
	for (size_t i = 0; i < r->w->nops; i++) {
		size_t before = r->of[OPERATIONS].faults.n;

		check_operation(r, r->w->ops[i]);
		count(r, before);
	}
}

static void
check_bricks(struct report *r)
{
	r->now = BRICKS;
	for (size_t i = 0; i < r->w->n; i++) {
		size_t before = r->of[BRICKS].faults.n;

		check_brick(r, &r->w->v[i]);
		count(r, before);
	}
}

/* Of "KEY: REASON". */
static enum bucket
bucket_of(const char *text)
{
	CLEANUP_FREE char *key = xstrndup(text, strcspn(text, ":"));
	enum record_kind kind = record_kind_of(key);

	for (int i = 0; i < BUCKETS; i++)
		if (kind != RECORD_KINDS && buckets[i].kind == kind)
			return (enum bucket)i;
	return ATTRIBUTES;
}

/* Each is "KEY: REASON". */
static void
check_unreadable(struct report *r)
{
	const struct strs *l = &r->w->snapshot->quarantined;

	for (size_t i = 0; i < l->n; i++) {
		r->now = bucket_of(l->v[i]);
		say(r, "%s can't be read: %s", buckets[r->now].object, l->v[i]);
		r->of[r->now].total++;
		r->of[r->now].notok++;
	}
}

static void
encode_tally(struct jsonout *j, const char *name, const struct tally *t)
{
	jsonout_open(j, name, '{');
	jsonout_uint(j, "total", t->total);
	jsonout_uint(j, "pending", t->pending);
	jsonout_uint(j, "ok", t->ok);
	jsonout_uint(j, "notok", t->notok);
	if (t->faults.n > 0)
		jsonout_strs(j, "inconsistencies", &t->faults);
	else
		jsonout_null(j, "inconsistencies");
	jsonout_close(j, '}');
}

enum err
dump_check(const struct mirror_snapshot *s, struct buf *out,
	   size_t *ret_faults, struct error *err)
{
	CLEANUP(dump_view_release) struct dump_view w = { 0 };
	struct jsonout j = { .out = out, .indent = 4 };
	struct report r = { .w = &w };
	size_t faults = 0;

	dump_view_init(&w, s);
	check_all(&r, CLUSTERS, NULL);
	check_all(&r, VOLUMES, check_volume);
	check_bricks(&r);
	check_all(&r, NODES, check_node);
	check_all(&r, DEVICES, check_device);
	check_all(&r, BLOCKVOLUMES, check_blockvolume);
	check_operations(&r);
	check_unreadable(&r);
	jsonout_open(&j, NULL, '{');
	for (int i = 0; i < BUCKETS; i++) {
		encode_tally(&j, buckets[i].name, &r.of[i]);
		faults += r.of[i].faults.n;
		strs_release(&r.of[i].faults);
	}
	jsonout_uint(&j, "totalinconsistencies", faults);
	jsonout_close(&j, '}');
	if (ret_faults != NULL)
		*ret_faults = faults;
	if (out->len > DUMP_BYTES_MAX)
		return fail(err, ERR_TOOLARGE, "the report on the database is "
			    "larger than %zu MiB", DUMP_BYTES_MAX >> 20);
	return ERR_OK;
}
