/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading heketi's dump.  Old versions leave members out, Go writes null for
 * empty lists: both are as good as empty.  A member of the wrong type is an
 * error that names its object; reading goes on, so that all are told at once.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include <brickyard/executor.h>
#include <brickyard/volume-type.h>

#include "store/import-member.h"
#include "util/buf.h"
#include "util/xalloc.h"

#define FILE_MAX (INT64_C(1) << 30)
#define KIB_SHIFT 10
#define GIB_SHIFT 30
#define EXTENT_BYTES (4096u << KIB_SHIFT)	/* where old dumps have none */

/* ---- telling ---- */

static void
tell(struct strs *to, const char *fmt, va_list ap) PRINTF(2, 0);

static void
tell(struct strs *to, const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	strs_add(to, text);
}

void
import_error(struct import *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(&d->errors, fmt, ap);
	va_end(ap);
}

void
import_warn(struct import *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(&d->warnings, fmt, ap);
	va_end(ap);
}

static enum state
state_of(const struct reader *r, const json_t *j)
{
	const char *text = member_text(r, j, "State");
	enum state s = STATE_ONLINE;

	if (text[0] != '\0' && !state_parse(text, &s))
		member_wrong(r, "State", "online, offline or failed");
	return s;
}

static void
pending_of(const struct reader *r, const json_t *j, char ret[ID_SIZE])
{
	member_id(r, member_object(r, j, "Pending"), "Id", ret);
}

/* ---- objects ---- */

static void
keep(struct import *d, struct record *rec)
{
	*VEC_PUSH(&d->of[rec->kind]) = rec;
}

static void
read_cluster(const struct reader *r, const json_t *j)
{
	const json_t *info = member_object(r, j, "Info");
	struct cluster *c = cluster_new(r->id);

	c->file = member_flag(r, info, "file");
	c->block = member_flag(r, info, "block");
	keep(r->d, &c->r);
}

static void
read_node(const struct reader *r, const json_t *j)
{
	const json_t *info = member_object(r, j, "Info");
	const json_t *names = member_object(r, info, "hostnames");
	struct node *n = node_new(r->id);

	member_id(r, info, "cluster", n->cluster);
	n->zone = member_number(r, info, "zone");
	member_list(r, names, "manage", &n->manage);
	member_list(r, names, "storage", &n->storage);
	member_tags(r, info, &n->tags);
	n->state = state_of(r, j);
	if (n->manage.n == 0 || n->storage.n == 0)
		member_wrong(r, "hostnames", "complete");
	keep(r->d, &n->r);
}

static void
read_device(const struct reader *r, const json_t *j)
{
	const json_t *info = member_object(r, j, "Info");
	const json_t *storage = member_object(r, info, "storage");
	const char *uuid = member_text(r, info, "pv_uuid");
	struct device *d = device_new(r->id);

	member_id(r, j, "NodeId", d->node);
	d->name = xstrdup(member_text(r, info, "name"));
	d->kind = strcmp(member_text(r, j, "Kind"), "directory") == 0 ?
		  BRICKYARD_DEVICE_DIRECTORY : BRICKYARD_DEVICE_BLOCK;
	member_tags(r, info, &d->tags);
	d->state = state_of(r, j);
	d->total_bytes = member_bytes(r, storage, "total", KIB_SHIFT);
	d->used_bytes = member_bytes(r, storage, "used", KIB_SHIFT);
	d->extent_bytes = member_bytes(r, j, "ExtentSize", KIB_SHIFT);
	if (d->extent_bytes == 0)
		d->extent_bytes = EXTENT_BYTES;
	d->pv_uuid = uuid[0] != '\0' ? xstrdup(uuid) : NULL;
	member_list(r, info, "paths", &d->paths);
	if (d->total_bytes != d->used_bytes +
			      member_bytes(r, storage, "free", KIB_SHIFT))
		import_warn(r->d, "device %s (%s): its free and used space are "
			  "not its total: taking what is used", d->id, d->name);
	keep(r->d, &d->r);
}

/* heketi's names where an old dump has none. */
static char *
lv_name(const struct reader *r, const json_t *j, const char *name,
	const char *prefix)
{
	const char *text = member_text(r, j, name);

	return text[0] != '\0' ? xstrdup(text) :
				 xasprintf("%s_%s", prefix, r->id);
}

static void
read_brick(const struct reader *r, const json_t *j)
{
	const json_t *info = member_object(r, j, "Info");
	struct import_brick *stray = VEC_PUSH(&r->d->strays);
	struct brick *b = &stray->b;
	const struct node *n;

	memset(stray, 0, sizeof(*stray));
	snprintf(b->id, sizeof(b->id), "%s", r->id);
	member_id(r, info, "device", b->device);
	member_id(r, info, "node", b->node);
	member_id(r, info, "volume", stray->volume);
	n = (void *)import_find(r->d, RECORD_NODE, b->node);
	b->host = xstrdup(n != NULL && n->storage.n > 0 ? n->storage.v[0] : "");
	b->path = xstrdup(member_text(r, info, "path"));
	b->lv = lv_name(r, j, "LvmLv", "brick");
	b->thin_pool = lv_name(r, j, "LvmThinPool", "tp");
	b->size_bytes = member_bytes(r, info, "size", KIB_SHIFT);
	b->thin_pool_bytes = member_bytes(r, j, "TpSize", KIB_SHIFT);
	b->metadata_bytes = member_bytes(r, j, "PoolMetadataSize", KIB_SHIFT);
	b->role = (uint32_t)member_number(r, j, "SubType");
	if (b->role > BRICKYARD_ROLE_ARBITER)
		member_wrong(r, "SubType", "0, 1 or 2");
	pending_of(r, j, b->pending);
	r->d->nbricks++;
}

/* ---- volumes ---- */

static void
param_of(const struct reader *r, const json_t *durability, const char *type,
	 const char *name, struct kvs *ret)
{
	const json_t *j = member_object(r, durability, type);
	CLEANUP_FREE char *key = NULL, *value = NULL;

	if (json_object_get(j, name) == NULL)
		return;
	key = xasprintf("%s.%s", type, name);
	value = xasprintf("%" PRId64, member_number(r, j, name));
	kvs_set(ret, key, value);
}

static char *
param_text(const struct reader *r, const json_t *j, const char *name)
{
	if (json_is_boolean(json_object_get(j, name)))
		return xstrdup(member_flag(r, j, name) ? "true" : "false");
	if (json_is_number(json_object_get(j, name)))
		return xasprintf("%" PRId64, member_number(r, j, name));
	return xstrdup(member_text(r, j, name));
}

/* Of a volume type that heketi has not; our own dumps have such. */
static void
params_of(const struct reader *r, const json_t *durability, const char *type,
	  struct kvs *ret)
{
	const json_t *j = member_object(r, durability, type);
	const char *name;
	json_t *m;

	json_object_foreach((json_t *)j, name, m) {
		CLEANUP_FREE char *key = xasprintf("%s.%s", type, name);
		CLEANUP_FREE char *value = param_text(r, j, name);

		kvs_set(ret, key, value);
	}
}

/* What heketi takes where a volume has nothing; its API refuses that by now. */
static void
default_param(struct kvs *params, const char *key, const char *dflt)
{
	const char *value = kvs_get(params, key);

	if (value == NULL || strcmp(value, "0") == 0)
		kvs_set(params, key, dflt);
}

/* As requested: what was left out is left to the volume type. */
static void
read_durability(const struct reader *r, const json_t *info, struct volume *v)
{
	const json_t *j = member_object(r, info, "durability");
	const char *type;
	json_t *m;

	v->type = xstrdup(member_text(r, j, "type"));
	param_of(r, j, "replicate", "replica", &v->params);
	param_of(r, j, "disperse", "data", &v->params);
	param_of(r, j, "disperse", "redundancy", &v->params);
	json_object_foreach((json_t *)j, type, m)
		if (json_is_object(m) && strcmp(type, "replicate") != 0 &&
		    strcmp(type, "disperse") != 0)
			params_of(r, j, type, &v->params);
	if (strcmp(v->type, "disperse") == 0) {
		default_param(&v->params, "disperse.data", "4");
		default_param(&v->params, "disperse.redundancy", "2");
	}
}

static void
read_snapshot(const struct reader *r, const json_t *info, struct volume *v)
{
	const json_t *j = member_object(r, info, "snapshot");
	const json_t *factor = json_object_get(j, "factor");

	v->snapshot_enable = member_flag(r, j, "enable");
	/* heketi has no more digits, and makes thin pools with those it has. */
	v->snapshot_factor = json_is_number(factor) ?
			     (double)(float)json_number_value(factor) : 1;
	if (factor != NULL && !json_is_number(factor) && !json_is_null(factor))
		member_wrong(r, "factor", "a number");
	/* Never set: Go's zero. */
	if (v->snapshot_factor < 1)
		v->snapshot_factor = 1;
}

static void
read_blockinfo(const struct reader *r, const json_t *info, struct volume *v)
{
	const json_t *j = member_object(r, info, "blockinfo");

	v->block_free_bytes = member_bytes(r, j, "freesize", GIB_SHIFT);
	v->block_reserved_bytes = member_bytes(r, j, "reservedsize", GIB_SHIFT);
	if (!restriction_parse(member_text(r, j, "restriction"), &v->restriction))
		member_wrong(r, "restriction", "one of locked, locked-by-update");
}

static int
compare_strays(const void *a, const void *b)
{
	const struct import_brick *x = a, *y = b;

	return strcmp(x->b.id, y->b.id);
}

static void
take_brick(const struct reader *r, const char *id, struct volume *v)
{
	struct import_brick wanted = { 0 }, *b = NULL;

	snprintf(wanted.b.id, sizeof(wanted.b.id), "%s", id);
	if (r->d->strays.n > 0)
		b = bsearch(&wanted, r->d->strays.v, r->d->strays.n,
			    sizeof(wanted), compare_strays);
	if (b == NULL)
		import_error(r->d, "volume %s: its brick %s is not there", v->id,
			   id);
	else if (b->linked)
		import_error(r->d, "volume %s: its brick %s is in another volume "
			   "already", v->id, id);
	else if (b->volume[0] != '\0' && strcmp(b->volume, v->id) != 0)
		import_error(r->d, "volume %s: its brick %s says it is of volume "
			   "%s", v->id, id, b->volume);
	else {
		*volume_grow(v, 1) = b->b;
		b->linked = true;
	}
}

static void
read_volume(const struct reader *r, const json_t *j)
{
	const json_t *info = member_object(r, j, "Info");
	CLEANUP(strs_release) struct strs bricks = { 0 };
	struct volume *v = volume_new(r->id);

	member_id(r, info, "cluster", v->cluster);
	v->name = xstrdup(member_text(r, info, "name"));
	v->size_bytes = member_bytes(r, info, "size", GIB_SHIFT);
	read_durability(r, info, v);
	v->gid = member_number(r, info, "gid");
	member_list(r, j, "GlusterVolumeOptions", &v->options);
	member_list(r, info, "clusters", &v->clusters);
	v->block = member_flag(r, info, "block");
	read_blockinfo(r, info, v);
	read_snapshot(r, info, v);
	member_list(r, j, "Bricks", &bricks);
	for (size_t i = 0; i < bricks.n; i++)
		take_brick(r, bricks.v[i], v);
	pending_of(r, j, v->pending);
	if (v->name[0] == '\0')
		member_wrong(r, "name", "there");
	keep(r->d, &v->r);
}

static char *
text_or_null(const struct reader *r, const json_t *j, const char *name)
{
	const char *text = member_text(r, j, name);

	return text[0] != '\0' ? xstrdup(text) : NULL;
}

static void
read_blockvolume(const struct reader *r, const json_t *j)
{
	const json_t *info = member_object(r, j, "Info");
	const json_t *access = member_object(r, info, "blockvolume");
	struct blockvolume *b = blockvolume_new(r->id);

	member_id(r, info, "cluster", b->cluster);
	member_id(r, info, "blockhostingvolume", b->hosting);
	b->name = xstrdup(member_text(r, info, "name"));
	b->size_bytes = member_bytes(r, info, "size", GIB_SHIFT);
	b->usable_bytes = member_bytes(r, info, "usablesize", GIB_SHIFT);
	b->hacount = member_number(r, info, "hacount");
	b->auth = member_flag(r, info, "auth");
	member_list(r, info, "clusters", &b->clusters);
	member_list(r, access, "hosts", &b->hosts);
	b->iqn = text_or_null(r, access, "iqn");
	b->username = text_or_null(r, access, "username");
	b->password = text_or_null(r, access, "password");
	b->lun = member_number(r, access, "lun");
	pending_of(r, j, b->pending);
	keep(r->d, &b->r);
}

/* ---- operations ---- */

static void
read_op(const struct reader *r, const json_t *j)
{
	const json_t *list = member_of(r, j, "Actions", JSON_ARRAY, "a list");
	struct import_op *op = VEC_PUSH(&r->d->ops);
	const json_t *m;
	size_t i;

	memset(op, 0, sizeof(*op));
	snprintf(op->id, sizeof(op->id), "%s", r->id);
	op->type = member_number(r, j, "Type");
	op->started_s = member_number(r, j, "Timestamp");
	op->status = xstrdup(member_text(r, j, "Status"));
	json_array_foreach(list, i, m) {
		struct import_action *a = VEC_PUSH(op);

		memset(a, 0, sizeof(*a));
		a->change = member_number(r, m, "Change");
		member_id(r, m, "Id", a->id);
		a->delta = member_number(r, m, "Delta");
	}
}

/* ---- all of it ---- */

typedef void read_fn(const struct reader *, const json_t *);

/* What is referred to comes before what refers to it. */
static const struct bucket {
	const char *name, *what;
	read_fn *read;
} buckets[] = {
	{ "clusterentries", "cluster", read_cluster },
	{ "nodeentries", "node", read_node },
	{ "deviceentries", "device", read_device },
	{ "brickentries", "brick", read_brick },
	{ "volumeentries", "volume", read_volume },
	{ "blockvolumeentries", "block volume", read_blockvolume },
	{ "pendingoperations", "operation", read_op },
};

static int
compare_records(const void *a, const void *b)
{
	struct record *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

static void
sort_all(struct import *d)
{
	for (int k = 0; k < RECORD_KINDS; k++)
		if (d->of[k].n > 1)
			qsort(d->of[k].v, d->of[k].n, sizeof(*d->of[k].v),
			      compare_records);
	if (d->strays.n > 1)
		qsort(d->strays.v, d->strays.n, sizeof(*d->strays.v),
		      compare_strays);
}

static bool
id_agrees(const struct reader *r, const json_t *entry)
{
	const json_t *info = member_object(r, entry, "Info");
	const char *id = member_text(r, info != NULL ? info : entry,
				     info != NULL ? "id" : "Id");

	return id[0] == '\0' || strcmp(id, r->id) == 0;
}

static void
read_bucket(struct import *d, const json_t *root, const struct bucket *b)
{
	struct reader r = { .d = d, .what = "dump", .id = "itself" };
	const json_t *entries = member_object(&r, root, b->name);
	const char *key;
	json_t *entry;

	r.what = b->what;
	json_object_foreach((json_t *)entries, key, entry) {
		r.id = key;
		if (!id_is_valid(key))
			import_error(d, "%s '%.80s': that is no id (32 "
				   "hexadecimal digits)", b->what, key);
		else if (!json_is_object(entry))
			import_error(d, "%s %s: not an object", b->what, key);
		else if (!id_agrees(&r, entry))
			member_wrong(&r, "id", "that of its entry");
		else
			b->read(&r, entry);
	}
	sort_all(d);
}

/* What changes the meaning of the rest: heketi does not start with one that it
 * does not know.
 */
static void
list_unknown(struct import *d, const json_t *all)
{
	static const char *const known[] = {
		"DB_CLUSTER_HAS_FILE_BLOCK_FLAG", "DB_BRICK_HAS_SUBTYPE_FIELD",
		"DB_HAS_PENDING_OPS_BUCKET", "DB_DEVICE_HAS_ID_META",
		"DB_GENERATION_ID",
	};
	const char *key;
	json_t *entry;

	json_object_foreach((json_t *)all, key, entry) {
		bool found = false;

		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			found = found || strcmp(key, known[i]) == 0;
		if (!found)
			*VEC_PUSH(&d->attributes) = xasprintf("%.80s", key);
	}
}

static void
read_attributes(struct import *d, const json_t *root)
{
	struct reader r = { .d = d, .what = "dump", .id = "itself" };
	const json_t *all = member_object(&r, root, "dbattributeentries");

	list_unknown(d, all);
	if (json_object_get(all, "DB_CLUSTER_HAS_FILE_BLOCK_FLAG") != NULL)
		return;
	/* Clusters of before there were flags are for all. */
	for (size_t i = 0; i < d->of[RECORD_CLUSTER].n; i++) {
		struct cluster *c = (void *)d->of[RECORD_CLUSTER].v[i];

		if (!c->file && !c->block)
			c->file = c->block = true;
	}
}

/* Those that a volume took over are not ours to release. */
static void
drop_linked(struct import *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->strays.n; i++)
		if (!d->strays.v[i].linked)
			d->strays.v[kept++] = d->strays.v[i];
	d->strays.n = kept;
}

static enum err
load(const char *path, json_t **ret, struct error *err)
{
	json_error_t je;
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(err, errno == ENOENT ? ERR_NOTFOUND : ERR_BADREQ,
			    "file '%s': %m", path);
	if (st.st_size > FILE_MAX)
		return fail(err, ERR_TOOLARGE, "file '%s': longer than %" PRId64
			    " bytes", path, FILE_MAX);
	*ret = json_load_file(path, JSON_REJECT_DUPLICATES, &je);
	if (*ret == NULL)
		return fail(err, ERR_PARSE, "file '%s': line %d, column %d: %s",
			    path, je.line, je.column, je.text);
	return ERR_OK;
}

enum err
import_read(const char *path, struct import *d, struct error *err)
{
	json_auto_t *root = NULL;
	enum err e = load(path, &root, err);

	memset(d, 0, sizeof(*d));
	if (e != ERR_OK)
		return e;
	if (!json_is_object(json_object_get(root, "clusterentries")) &&
	    !json_is_object(json_object_get(root, "volumeentries")))
		return fail(err, ERR_PARSE, "file '%s': not a dump of heketi's "
			    "database: it has no 'clusterentries'", path);
	for (size_t i = 0; i < ARRAY_SIZE(buckets); i++)
		read_bucket(d, root, &buckets[i]);
	read_attributes(d, root);
	import_check_links(d, root);
	drop_linked(d);
	return ERR_OK;
}

void
import_release(struct import *d)
{
	for (int k = 0; k < RECORD_KINDS; k++) {
		for (size_t i = 0; i < d->of[k].n; i++)
			record_unref(d->of[k].v[i]);
		free(d->of[k].v);
	}
	for (size_t i = 0; i < d->strays.n; i++)
		brick_release(&d->strays.v[i].b);
	free(d->strays.v);
	for (size_t i = 0; i < d->ops.n; i++) {
		free(d->ops.v[i].status);
		free(d->ops.v[i].v);
	}
	free(d->ops.v);
	strs_release(&d->errors);
	strs_release(&d->warnings);
	strs_release(&d->attributes);
	memset(d, 0, sizeof(*d));
}

struct record *
import_find(const struct import *d, enum record_kind kind, const char *id)
{
	CLEANUP_FREE char *key = xasprintf("%s%s", record_prefix(kind), id);
	struct record wanted = { .key = key }, *p = &wanted, **at = NULL;

	if (d->of[kind].n > 0)
		at = bsearch(&p, d->of[kind].v, d->of[kind].n, sizeof(*at),
			     compare_records);
	return at != NULL ? *at : NULL;
}
