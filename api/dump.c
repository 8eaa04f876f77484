/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dump of the database.  Names, order and presence of members are those of
 * heketi's structs (heketi-behaviour, section 11), some of which have Go's
 * capitals; KiB for bricks and devices, GiB for volumes.  Any thread.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <brickyard/executor.h>

#include "api/dump.h"
#include "api/dump-view.h"
#include "api/encode.h"
#include "pending.h"
#include "util/xalloc.h"

#define KIB_SHIFT 10
#define GIB_SHIFT 30

struct dumping {
	const struct dump_view *w;
	struct jsonout j;
	/* storage hosts of the cluster that was looked at last */
	const char *cluster;
	struct strs hosts;
};

/* ---- parts ---- */

static void
encode_pending(struct jsonout *j, const char *op)
{
	jsonout_open(j, "Pending", '{');
	jsonout_str(j, "Id", op);
	jsonout_close(j, '}');
}

/* As a Go slice that nobody made: null. */
static void
encode_strs_or_null(struct jsonout *j, const char *key, const struct strs *l)
{
	if (l->n == 0)
		jsonout_null(j, key);
	else
		jsonout_strs(j, key, l);
}

static bool
is_full(const struct dumping *d)
{
	return d->j.out->len > DUMP_BYTES_MAX;
}

/* Calls fn for each of a kind; members are named by it. */
static void
encode_all(struct dumping *d, const char *key, enum record_kind kind,
	   void (*fn)(struct dumping *, const struct record *))
{
	const struct mirror_list *l = &d->w->snapshot->of[kind];

	jsonout_open(&d->j, key, '{');
	for (size_t i = 0; i < l->n && !is_full(d); i++)
		fn(d, l->v[i]);
	jsonout_close(&d->j, '}');
}

/* ---- entries ---- */

static void
encode_cluster_entry(struct dumping *d, const struct record *r)
{
	const struct cluster *c = (const void *)r;
	struct jsonout *j = &d->j;

	jsonout_open(j, c->id, '{');
	jsonout_open(j, "Info", '{');
	jsonout_str(j, "id", c->id);
	jsonout_strs(j, "nodes", relation_of(d->w->nodes, c->id));
	jsonout_strs(j, "volumes", relation_of(d->w->volumes, c->id));
	jsonout_bool(j, "block", c->block);
	jsonout_bool(j, "file", c->file);
	jsonout_strs(j, "blockvolumes", relation_of(d->w->blockvolumes, c->id));
	jsonout_close(j, '}');
	jsonout_close(j, '}');
}

static const struct strs *
hosts_of(struct dumping *d, const char *cluster)
{
	if (d->cluster == NULL || strcmp(d->cluster, cluster) != 0) {
		strs_release(&d->hosts);
		dump_hosts(d->w, cluster, &d->hosts);
		d->cluster = cluster;
	}
	return &d->hosts;
}

static void
encode_blockinfo(struct dumping *d, const struct volume *v)
{
	const struct strs *hosted = relation_of(d->w->hosted, v->id);
	struct jsonout *j = &d->j;

	jsonout_open(j, "blockinfo", '{');
	if (v->block_free_bytes >> GIB_SHIFT > 0)
		jsonout_uint(j, "freesize", v->block_free_bytes >> GIB_SHIFT);
	if (v->block_reserved_bytes >> GIB_SHIFT > 0)
		jsonout_uint(j, "reservedsize",
			     v->block_reserved_bytes >> GIB_SHIFT);
	if (hosted->n > 0)
		jsonout_strs(j, "blockvolume", hosted);
	if (v->restriction != RESTRICTION_NONE)
		jsonout_str(j, "restriction", restriction_name(v->restriction));
	jsonout_close(j, '}');
}

static void
encode_volume_info(struct dumping *d, const struct volume *v)
{
	struct jsonout *j = &d->j;

	jsonout_open(j, "Info", '{');
	jsonout_uint(j, "size", v->size_bytes >> GIB_SHIFT);
	if (v->clusters.n > 0)
		jsonout_strs(j, "clusters", &v->clusters);
	jsonout_str(j, "name", v->name);
	encode_durability(j, v);
	if (v->gid != 0)
		jsonout_int(j, "gid", v->gid);
	if (v->block)
		jsonout_bool(j, "block", true);
	encode_snapshot(j, v);
	jsonout_str(j, "id", v->id);
	jsonout_str(j, "cluster", v->cluster);
	encode_mount(j, v, hosts_of(d, v->cluster));
	encode_blockinfo(d, v);
	jsonout_close(j, '}');
}

static void
encode_volume_entry(struct dumping *d, const struct record *r)
{
	const struct volume *v = (const void *)r;
	CLEANUP(strs_release) struct strs bricks = { 0 };
	struct jsonout *j = &d->j;

	for (size_t i = 0; i < v->nbricks; i++)
		if (brick_is_listed(v, &v->bricks[i]))
			strs_add(&bricks, v->bricks[i].id);
	strs_sort(&bricks);
	jsonout_open(j, v->id, '{');
	encode_volume_info(d, v);
	jsonout_strs(j, "Bricks", &bricks);
	encode_strs_or_null(j, "GlusterVolumeOptions", &v->options);
	encode_pending(j, pending_volume(v) ? v->pending : "");
	jsonout_close(j, '}');
}

/* heketi writes down the name of a logical volume only where it does not follow
 * from the brick's: for clones.
 */
static const char *
lv_of(const struct brick *b)
{
	static const char prefix[] = "brick_";
	size_t n = sizeof(prefix) - 1;

	return strncmp(b->lv, prefix, n) == 0 && strcmp(b->lv + n, b->id) == 0 ?
	       "" : b->lv;
}

static void
encode_brick_entry(struct jsonout *j, const struct dump_view *w,
		   const struct dump_brick *b)
{
	char pending[ID_SIZE];

	jsonout_open(j, b->brick->id, '{');
	encode_brick(j, "Info", b->brick, b->volume->id);
	jsonout_uint(j, "TpSize", b->brick->thin_pool_bytes >> KIB_SHIFT);
	jsonout_uint(j, "PoolMetadataSize",
		     b->brick->metadata_bytes >> KIB_SHIFT);
	dump_brick_operation(w, b, pending);
	encode_pending(j, pending);
	jsonout_str(j, "LvmThinPool", b->brick->thin_pool);
	jsonout_str(j, "LvmLv", lv_of(b->brick));
	jsonout_uint(j, "SubType", b->brick->role);
	jsonout_close(j, '}');
}

static void
encode_brick_entries(struct dumping *d)
{
	jsonout_open(&d->j, "brickentries", '{');
	for (size_t i = 0; i < d->w->n && !is_full(d); i++)
		encode_brick_entry(&d->j, d->w, &d->w->v[i]);
	jsonout_close(&d->j, '}');
}

static void
encode_node_entry(struct dumping *d, const struct record *r)
{
	const struct node *n = (const void *)r;
	struct jsonout *j = &d->j;

	if (dump_hides_node(n))
		return;
	jsonout_open(j, n->id, '{');
	jsonout_str(j, "State", state_name(n->state));
	jsonout_open(j, "Info", '{');
	jsonout_int(j, "zone", n->zone);
	encode_hostnames(j, n);
	jsonout_str(j, "cluster", n->cluster);
	if (n->tags.n > 0)
		jsonout_map(j, "tags", &n->tags);
	jsonout_str(j, "id", n->id);
	jsonout_close(j, '}');
	jsonout_strs(j, "Devices", relation_of(d->w->devices, n->id));
	jsonout_close(j, '}');
}

static void
encode_device_bricks(struct dumping *d, const struct device *dev)
{
	const struct strs *ids = relation_of(d->w->bricks, dev->id);
	CLEANUP(strs_release) struct strs listed = { 0 };

	for (size_t i = 0; i < ids->n; i++) {
		const struct dump_brick *b = dump_brick(d->w, ids->v[i]);

		if (brick_is_listed(b->volume, b->brick))
			strs_add(&listed, ids->v[i]);
	}
	jsonout_strs(&d->j, "Bricks", &listed);
}

static void
encode_device_entry(struct dumping *d, const struct record *r)
{
	const struct device *dev = (const void *)r;
	struct jsonout *j = &d->j;

	if (dump_hides_device(dev))
		return;
	jsonout_open(j, dev->id, '{');
	jsonout_str(j, "State", state_name(dev->state));
	jsonout_open(j, "Info", '{');
	jsonout_str(j, "name", dev->name);
	if (dev->tags.n > 0)
		jsonout_map(j, "tags", &dev->tags);
	encode_storage(j, dev);
	jsonout_str(j, "id", dev->id);
	if (dev->paths.n > 0)
		jsonout_strs(j, "paths", &dev->paths);
	if (dev->pv_uuid != NULL && *dev->pv_uuid != '\0')
		jsonout_str(j, "pv_uuid", dev->pv_uuid);
	jsonout_close(j, '}');
	encode_device_bricks(d, dev);
	jsonout_str(j, "NodeId", dev->node);
	jsonout_uint(j, "ExtentSize", dev->extent_bytes >> KIB_SHIFT);
	/* heketi has block devices only, and would not look at it. */
	if (dev->kind == BRICKYARD_DEVICE_DIRECTORY)
		jsonout_str(j, "Kind", "directory");
	jsonout_close(j, '}');
}

static void
encode_blockvolume_info(struct jsonout *j, const struct blockvolume *b)
{
	jsonout_open(j, "Info", '{');
	jsonout_uint(j, "size", b->size_bytes >> GIB_SHIFT);
	if (b->clusters.n > 0)
		jsonout_strs(j, "clusters", &b->clusters);
	jsonout_str(j, "name", b->name);
	if (b->hacount != 0)
		jsonout_int(j, "hacount", b->hacount);
	if (b->auth)
		jsonout_bool(j, "auth", true);
	jsonout_str(j, "id", b->id);
	jsonout_open(j, "blockvolume", '{');
	encode_strs_or_null(j, "hosts", &b->hosts);
	jsonout_str(j, "iqn", b->iqn);
	jsonout_int(j, "lun", b->lun);
	jsonout_str(j, "username", b->username);
	jsonout_str(j, "password", b->password);
	jsonout_close(j, '}');
	if (b->cluster[0] != '\0')
		jsonout_str(j, "cluster", b->cluster);
	if (b->hosting[0] != '\0')
		jsonout_str(j, "blockhostingvolume", b->hosting);
	if (b->usable_bytes >> GIB_SHIFT > 0)
		jsonout_uint(j, "usablesize", b->usable_bytes >> GIB_SHIFT);
	jsonout_close(j, '}');
}

static void
encode_blockvolume_entry(struct dumping *d, const struct record *r)
{
	const struct blockvolume *b = (const void *)r;
	bool expanding = b->doing == VOLUME_EXPANDING;

	jsonout_open(&d->j, b->id, '{');
	encode_blockvolume_info(&d->j, b);
	encode_pending(&d->j, expanding ? "" : b->pending);
	jsonout_close(&d->j, '}');
}

/* ---- what is about the database itself ---- */

static void
encode_attribute(struct jsonout *j, const char *key, const char *value)
{
	jsonout_open(j, key, '{');
	jsonout_str(j, "Key", key);
	jsonout_str(j, "Value", value);
	jsonout_close(j, '}');
}

static void
encode_attributes(struct dumping *d)
{
	const struct index_entry *generation =
		dump_find(d->w, RECORD_ADMIN, RECORD_GENERATION);
	struct jsonout *j = &d->j;

	jsonout_open(j, "dbattributeentries", '{');
	encode_attribute(j, "DB_BRICK_HAS_SUBTYPE_FIELD", "yes");
	encode_attribute(j, "DB_CLUSTER_HAS_FILE_BLOCK_FLAG", "yes");
	encode_attribute(j, "DB_DEVICE_HAS_ID_META", "yes");
	if (generation != NULL)
		encode_attribute(j, "DB_GENERATION_ID", generation->value);
	encode_attribute(j, "DB_HAS_PENDING_OPS_BUCKET", "yes");
	jsonout_close(j, '}');
}

static void
encode_actions(struct dumping *d, const struct operation *op)
{
	CLEANUP(pending_changes_release) struct pending_changes l = { 0 };
	struct jsonout *j = &d->j;

	pending_changes(op, dump_find_record, (void *)(uintptr_t)d->w, &l);
	if (l.n == 0) {
		jsonout_null(j, "Actions");
		return;
	}
	jsonout_open(j, "Actions", '[');
	for (size_t i = 0; i < l.n; i++) {
		jsonout_open(j, NULL, '{');
		jsonout_int(j, "Change", l.v[i].number);
		jsonout_str(j, "Id", l.v[i].id);
		if (l.v[i].delta_gib >= 0)
			jsonout_int(j, "Delta", l.v[i].delta_gib);
		else
			jsonout_null(j, "Delta");
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

static void
encode_operation_entry(struct dumping *d, const struct operation *op)
{
	bool alive = dump_find(d->w, RECORD_REPLICA, op->owner) != NULL;
	struct jsonout *j = &d->j;

	jsonout_open(j, op->id, '{');
	jsonout_str(j, "Id", op->id);
	jsonout_int(j, "Timestamp", op->created_ms / 1000);
	jsonout_int(j, "Type", pending_type(op->kind));
	encode_actions(d, op);
	jsonout_str(j, "Status", pending_status_name(pending_status(op, alive)));
	jsonout_close(j, '}');
}

enum err
dump_encode_member(const struct mirror_snapshot *s, struct jsonout *j,
		   const char *key, struct error *err)
{
	CLEANUP(dump_view_release) struct dump_view w = { 0 };
	struct dumping d = { .w = &w, .j = *j };

	dump_view_init(&w, s);
	jsonout_open(&d.j, key, '{');
	encode_all(&d, "clusterentries", RECORD_CLUSTER, encode_cluster_entry);
	encode_all(&d, "volumeentries", RECORD_VOLUME, encode_volume_entry);
	encode_brick_entries(&d);
	encode_all(&d, "nodeentries", RECORD_NODE, encode_node_entry);
	encode_all(&d, "deviceentries", RECORD_DEVICE, encode_device_entry);
	encode_all(&d, "blockvolumeentries", RECORD_BLOCKVOLUME,
		   encode_blockvolume_entry);
	encode_attributes(&d);
	jsonout_open(&d.j, "pendingoperations", '{');
	for (size_t i = 0; i < w.nops && !is_full(&d); i++)
		encode_operation_entry(&d, w.ops[i]);
	jsonout_close(&d.j, '}');
	jsonout_close(&d.j, '}');
	strs_release(&d.hosts);
	*j = d.j;
	if (j->out->len > DUMP_BYTES_MAX)
		return fail(err, ERR_TOOLARGE, "the dump of the database is "
			    "larger than %zu MiB", DUMP_BYTES_MAX >> 20);
	return ERR_OK;
}

enum err
dump_encode(const struct mirror_snapshot *s, struct buf *out,
	    struct error *err)
{
	struct jsonout j = { .out = out, .indent = 4 };

	return dump_encode_member(s, &j, NULL, err);
}
