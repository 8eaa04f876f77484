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

#include "store/import.h"
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

/* ---- members ---- */

/* What is being read, for those who are told of faults. */
struct reader {
	struct import *d;
	const char *what, *id;
};

static void
wrong(const struct reader *r, const char *name, const char *expected)
{
	import_error(r->d, "%s %s: '%s' is not %s", r->what, r->id, name,
		   expected);
}

/* NULL: it is not there, or null, or of another type (and that was told). */
static const json_t *
member(const struct reader *r, const json_t *j, const char *name, json_type type,
       const char *expected)
{
	const json_t *m = json_object_get(j, name);

	if (m == NULL || json_is_null(m))
		return NULL;
	if (json_typeof(m) == type)
		return m;
	wrong(r, name, expected);
	return NULL;
}

static const json_t *
object_of(const struct reader *r, const json_t *j, const char *name)
{
	return member(r, j, name, JSON_OBJECT, "an object");
}

static const char *
text_of(const struct reader *r, const json_t *j, const char *name)
{
	const json_t *m = member(r, j, name, JSON_STRING, "a string");

	return m != NULL ? json_string_value(m) : "";
}

static void
id_of(const struct reader *r, const json_t *j, const char *name,
      char ret[ID_SIZE])
{
	const char *text = text_of(r, j, name);

	if (text[0] != '\0' && !id_is_valid(text))
		wrong(r, name, "an id (32 hexadecimal digits)");
	else
		snprintf(ret, ID_SIZE, "%s", text);
}

static bool
flag_of(const struct reader *r, const json_t *j, const char *name)
{
	const json_t *m = json_object_get(j, name);

	if (m != NULL && !json_is_boolean(m) && !json_is_null(m))
		wrong(r, name, "true or false");
	return json_is_true(m);
}

/* A dump that went through heketi's own import has some as 5.0. */
static int64_t
number_of(const struct reader *r, const json_t *j, const char *name)
{
	const json_t *m = json_object_get(j, name);

	if (m == NULL || json_is_null(m))
		return 0;
	if (json_is_integer(m))
		return json_integer_value(m);
	if (json_is_real(m) && json_real_value(m) > -1e15 &&
	    json_real_value(m) < 1e15 &&
	    (double)(int64_t)json_real_value(m) == json_real_value(m))
		return (int64_t)json_real_value(m);
	wrong(r, name, "a whole number");
	return 0;
}

/* A size in units of 1 << shift bytes. */
static uint64_t
bytes_of(const struct reader *r, const json_t *j, const char *name,
	 unsigned shift)
{
	int64_t n = number_of(r, j, name);

	if (n >= 0 && n <= INT64_MAX >> shift)
		return (uint64_t)n << shift;
	wrong(r, name, "a size");
	return 0;
}

static void
list_of(const struct reader *r, const json_t *j, const char *name,
	struct strs *ret)
{
	const json_t *list = member(r, j, name, JSON_ARRAY, "a list");
	const json_t *m;
	size_t i;

	json_array_foreach(list, i, m) {
		if (json_is_string(m))
			strs_add(ret, json_string_value(m));
		else
			wrong(r, name, "a list of strings");
	}
}

static void
tags_of(const struct reader *r, const json_t *j, struct kvs *ret)
{
	const json_t *tags = object_of(r, j, "tags");
	const char *key;
	json_t *m;

	json_object_foreach((json_t *)tags, key, m) {
		if (json_is_string(m))
			kvs_set(ret, key, json_string_value(m));
		else
			wrong(r, "tags", "strings");
	}
}

static enum state
state_of(const struct reader *r, const json_t *j)
{
	const char *text = text_of(r, j, "State");
	enum state s = STATE_ONLINE;

	if (text[0] != '\0' && !state_parse(text, &s))
		wrong(r, "State", "online, offline or failed");
	return s;
}

static void
pending_of(const struct reader *r, const json_t *j, char ret[ID_SIZE])
{
	id_of(r, object_of(r, j, "Pending"), "Id", ret);
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
	const json_t *info = object_of(r, j, "Info");
	struct cluster *c = cluster_new(r->id);

	c->file = flag_of(r, info, "file");
	c->block = flag_of(r, info, "block");
	keep(r->d, &c->r);
}

static void
read_node(const struct reader *r, const json_t *j)
{
	const json_t *info = object_of(r, j, "Info");
	const json_t *names = object_of(r, info, "hostnames");
	struct node *n = node_new(r->id);

	id_of(r, info, "cluster", n->cluster);
	n->zone = number_of(r, info, "zone");
	list_of(r, names, "manage", &n->manage);
	list_of(r, names, "storage", &n->storage);
	tags_of(r, info, &n->tags);
	n->state = state_of(r, j);
	if (n->manage.n == 0 || n->storage.n == 0)
		wrong(r, "hostnames", "complete");
	keep(r->d, &n->r);
}

static void
read_device(const struct reader *r, const json_t *j)
{
	const json_t *info = object_of(r, j, "Info");
	const json_t *storage = object_of(r, info, "storage");
	const char *uuid = text_of(r, info, "pv_uuid");
	struct device *d = device_new(r->id);

	id_of(r, j, "NodeId", d->node);
	d->name = xstrdup(text_of(r, info, "name"));
	d->kind = BRICKYARD_DEVICE_BLOCK;
	tags_of(r, info, &d->tags);
	d->state = state_of(r, j);
	d->total_bytes = bytes_of(r, storage, "total", KIB_SHIFT);
	d->used_bytes = bytes_of(r, storage, "used", KIB_SHIFT);
	d->extent_bytes = bytes_of(r, j, "ExtentSize", KIB_SHIFT);
	if (d->extent_bytes == 0)
		d->extent_bytes = EXTENT_BYTES;
	d->pv_uuid = uuid[0] != '\0' ? xstrdup(uuid) : NULL;
	list_of(r, info, "paths", &d->paths);
	if (d->total_bytes != d->used_bytes +
			      bytes_of(r, storage, "free", KIB_SHIFT))
		import_warn(r->d, "device %s (%s): its free and used space are "
			  "not its total: taking what is used", d->id, d->name);
	keep(r->d, &d->r);
}

/* heketi's names where an old dump has none. */
static char *
lv_name(const struct reader *r, const json_t *j, const char *name,
	const char *prefix)
{
	const char *text = text_of(r, j, name);

	return text[0] != '\0' ? xstrdup(text) :
				 xasprintf("%s_%s", prefix, r->id);
}

static void
read_brick(const struct reader *r, const json_t *j)
{
	const json_t *info = object_of(r, j, "Info");
	struct import_brick *stray = VEC_PUSH(&r->d->strays);
	struct brick *b = &stray->b;
	const struct node *n;

	memset(stray, 0, sizeof(*stray));
	snprintf(b->id, sizeof(b->id), "%s", r->id);
	id_of(r, info, "device", b->device);
	id_of(r, info, "node", b->node);
	id_of(r, info, "volume", stray->volume);
	n = (void *)import_find(r->d, RECORD_NODE, b->node);
	b->host = xstrdup(n != NULL && n->storage.n > 0 ? n->storage.v[0] : "");
	b->path = xstrdup(text_of(r, info, "path"));
	b->lv = lv_name(r, j, "LvmLv", "brick");
	b->thin_pool = lv_name(r, j, "LvmThinPool", "tp");
	b->size_bytes = bytes_of(r, info, "size", KIB_SHIFT);
	b->thin_pool_bytes = bytes_of(r, j, "TpSize", KIB_SHIFT);
	b->metadata_bytes = bytes_of(r, j, "PoolMetadataSize", KIB_SHIFT);
	b->role = (uint32_t)number_of(r, j, "SubType");
	if (b->role > BRICKYARD_ROLE_ARBITER)
		wrong(r, "SubType", "0, 1 or 2");
	pending_of(r, j, b->pending);
	r->d->nbricks++;
}

/* ---- volumes ---- */

static void
param_of(const struct reader *r, const json_t *durability, const char *type,
	 const char *name, struct kvs *ret)
{
	const json_t *j = object_of(r, durability, type);
	CLEANUP_FREE char *key = NULL, *value = NULL;

	if (json_object_get(j, name) == NULL)
		return;
	key = xasprintf("%s.%s", type, name);
	value = xasprintf("%" PRId64, number_of(r, j, name));
	kvs_set(ret, key, value);
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
	const json_t *j = object_of(r, info, "durability");

	v->type = xstrdup(text_of(r, j, "type"));
	param_of(r, j, "replicate", "replica", &v->params);
	param_of(r, j, "disperse", "data", &v->params);
	param_of(r, j, "disperse", "redundancy", &v->params);
	if (strcmp(v->type, "disperse") == 0) {
		default_param(&v->params, "disperse.data", "4");
		default_param(&v->params, "disperse.redundancy", "2");
	}
}

static void
read_snapshot(const struct reader *r, const json_t *info, struct volume *v)
{
	const json_t *j = object_of(r, info, "snapshot");
	const json_t *factor = json_object_get(j, "factor");

	v->snapshot_enable = flag_of(r, j, "enable");
	v->snapshot_factor = json_is_number(factor) ?
			     json_number_value(factor) : 1;
	if (factor != NULL && !json_is_number(factor))
		wrong(r, "factor", "a number");
	/* Never set: Go's zero. */
	if (v->snapshot_factor < 1)
		v->snapshot_factor = 1;
}

static void
read_blockinfo(const struct reader *r, const json_t *info, struct volume *v)
{
	const json_t *j = object_of(r, info, "blockinfo");

	v->block_free_bytes = bytes_of(r, j, "freesize", GIB_SHIFT);
	v->block_reserved_bytes = bytes_of(r, j, "reservedsize", GIB_SHIFT);
	if (!restriction_parse(text_of(r, j, "restriction"), &v->restriction))
		wrong(r, "restriction", "one of locked, locked-by-update");
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
	const json_t *info = object_of(r, j, "Info");
	CLEANUP(strs_release) struct strs bricks = { 0 };
	struct volume *v = volume_new(r->id);

	id_of(r, info, "cluster", v->cluster);
	v->name = xstrdup(text_of(r, info, "name"));
	v->size_bytes = bytes_of(r, info, "size", GIB_SHIFT);
	read_durability(r, info, v);
	v->gid = number_of(r, info, "gid");
	list_of(r, j, "GlusterVolumeOptions", &v->options);
	list_of(r, info, "clusters", &v->clusters);
	v->block = flag_of(r, info, "block");
	read_blockinfo(r, info, v);
	read_snapshot(r, info, v);
	list_of(r, j, "Bricks", &bricks);
	for (size_t i = 0; i < bricks.n; i++)
		take_brick(r, bricks.v[i], v);
	pending_of(r, j, v->pending);
	if (v->name[0] == '\0')
		wrong(r, "name", "there");
	keep(r->d, &v->r);
}

static char *
text_or_null(const struct reader *r, const json_t *j, const char *name)
{
	const char *text = text_of(r, j, name);

	return text[0] != '\0' ? xstrdup(text) : NULL;
}

static void
read_blockvolume(const struct reader *r, const json_t *j)
{
	const json_t *info = object_of(r, j, "Info");
	const json_t *access = object_of(r, info, "blockvolume");
	struct blockvolume *b = blockvolume_new(r->id);

	id_of(r, info, "cluster", b->cluster);
	id_of(r, info, "blockhostingvolume", b->hosting);
	b->name = xstrdup(text_of(r, info, "name"));
	b->size_bytes = bytes_of(r, info, "size", GIB_SHIFT);
	b->usable_bytes = bytes_of(r, info, "usablesize", GIB_SHIFT);
	b->hacount = number_of(r, info, "hacount");
	b->auth = flag_of(r, info, "auth");
	list_of(r, info, "clusters", &b->clusters);
	list_of(r, access, "hosts", &b->hosts);
	b->iqn = text_or_null(r, access, "iqn");
	b->username = text_or_null(r, access, "username");
	b->password = text_or_null(r, access, "password");
	b->lun = number_of(r, access, "lun");
	pending_of(r, j, b->pending);
	keep(r->d, &b->r);
}

/* ---- operations ---- */

static void
read_op(const struct reader *r, const json_t *j)
{
	const json_t *list = member(r, j, "Actions", JSON_ARRAY, "a list");
	struct import_op *op = VEC_PUSH(&r->d->ops);
	const json_t *m;
	size_t i;

	memset(op, 0, sizeof(*op));
	snprintf(op->id, sizeof(op->id), "%s", r->id);
	op->type = number_of(r, j, "Type");
	op->started_s = number_of(r, j, "Timestamp");
	op->status = xstrdup(text_of(r, j, "Status"));
	json_array_foreach(list, i, m) {
		struct import_action *a = VEC_PUSH(op);

		memset(a, 0, sizeof(*a));
		a->change = number_of(r, m, "Change");
		id_of(r, m, "Id", a->id);
		a->delta = number_of(r, m, "Delta");
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
	const json_t *info = object_of(r, entry, "Info");
	const char *id = text_of(r, info != NULL ? info : entry,
				 info != NULL ? "id" : "Id");

	return id[0] == '\0' || strcmp(id, r->id) == 0;
}

static void
read_bucket(struct import *d, const json_t *root, const struct bucket *b)
{
	struct reader r = { .d = d, .what = "dump", .id = "itself" };
	const json_t *entries = object_of(&r, root, b->name);
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
			wrong(&r, "id", "that of its entry");
		else
			b->read(&r, entry);
	}
	sort_all(d);
}

static void
read_attributes(struct import *d, const json_t *root)
{
	struct reader r = { .d = d, .what = "dump", .id = "itself" };
	const json_t *all = object_of(&r, root, "dbattributeentries");

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
