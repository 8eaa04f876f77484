/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records: their tables, names, references and copies.  A record that is shared
 * is immutable, so only its count of references needs to be atomic.
 */
#include <config.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/members.h"
#include "store/record.h"
#include "util/xalloc.h"

/* ---- names ---- */

static const char *const state_names[] = {
	[STATE_ONLINE] = "online",
	[STATE_OFFLINE] = "offline",
	[STATE_FAILED] = "failed",
};

static const char *const op_kind_names[OP_KINDS] = {
	[OP_VOLUME_CREATE] = "create-volume",
	[OP_VOLUME_DELETE] = "delete-volume",
	[OP_VOLUME_EXPAND] = "expand-volume",
	[OP_NODE_ADD] = "add-node",
	[OP_NODE_DELETE] = "delete-node",
	[OP_NODE_STATE] = "node-state",
	[OP_DEVICE_ADD] = "add-device",
	[OP_DEVICE_DELETE] = "delete-device",
	[OP_DEVICE_STATE] = "device-state",
	[OP_DEVICE_RESYNC] = "resync-device",
	[OP_VOLUME_CLONE] = "clone-volume",
	[OP_BRICK_EVICT] = "evict-brick",
	[OP_DEVICE_REMOVE] = "remove-device",
	[OP_NODE_REMOVE] = "remove-node",
	[OP_BLOCK_CREATE] = "create-block-volume",
	[OP_BLOCK_DELETE] = "delete-block-volume",
	[OP_BLOCK_EXPAND] = "expand-block-volume",
	[OP_BLOCK_RESTRICT] = "block-restriction",
	[OP_CLEAN] = "clean-operations",
};

static const char *const op_status_names[] = {
	[OP_RUNNING] = "running",
	[OP_UNDOING] = "undoing",
	[OP_DONE] = "done",
	[OP_FAILED] = "failed",
	[OP_STUCK] = "stuck",
};

static const char *const volume_pending_names[] = {
	[VOLUME_SETTLED] = "settled",
	[VOLUME_CREATING] = "creating",
	[VOLUME_DELETING] = "deleting",
	[VOLUME_EXPANDING] = "expanding",
	[VOLUME_CLONING] = "cloning",
	[VOLUME_EVICTING] = "evicting",
	[VOLUME_RESTRICTING] = "restricting",
};

static const char *const restriction_names[] = {
	[RESTRICTION_NONE] = "",
	[RESTRICTION_LOCKED] = "locked",
	[RESTRICTION_LOCKED_BY_UPDATE] = "locked-by-update",
};

const char *
restriction_name(enum restriction r)
{
	assert((size_t)r < ARRAY_SIZE(restriction_names));
	return restriction_names[r];
}

bool
restriction_parse(const char *name, enum restriction *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(restriction_names); i++) {
		if (strcmp(restriction_names[i], name) == 0) {
			*ret = (enum restriction)i;
			return true;
		}
	}
	return false;
}

const char *
state_name(enum state s)
{
	assert((size_t)s < ARRAY_SIZE(state_names));
	return state_names[s];
}

bool
state_parse(const char *name, enum state *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(state_names); i++) {
		if (strcmp(state_names[i], name) == 0) {
			*ret = (enum state)i;
			return true;
		}
	}
	return false;
}

const char *
op_kind_name(enum op_kind k)
{
	assert((size_t)k < ARRAY_SIZE(op_kind_names));
	return op_kind_names[k];
}

const char *
op_status_name(enum op_status s)
{
	assert((size_t)s < ARRAY_SIZE(op_status_names));
	return op_status_names[s];
}

/* ---- tables ---- */

#define OF(st, type_, m) \
	{ .name = #m, .type = MEMBER_##type_, .offset = offsetof(struct st, m) }
#define NEED(st, type_, m) \
	{ .name = #m, .type = MEMBER_##type_, \
	  .offset = offsetof(struct st, m), .required = true }
#define WORD(st, m, table, need)					\
	{ .name = #m, .type = MEMBER_WORD, .offset = offsetof(struct st, m), \
	  .required = (need), .words = (table), .nwords = ARRAY_SIZE(table) }
#define END { .name = NULL }

static const struct member cluster_members[] = {
	OF(cluster, BOOL, file),
	OF(cluster, BOOL, block),
	END
};

static const struct member node_members[] = {
	NEED(node, ID, cluster),
	OF(node, I64, zone),
	OF(node, STRS, manage),
	OF(node, STRS, storage),
	OF(node, KVS, tags),
	WORD(node, state, state_names, false),
	OF(node, ID, pending),
	OF(node, BOOL, adding),
	END
};

static const struct member device_members[] = {
	NEED(device, ID, node),
	NEED(device, STR, name),
	OF(device, U32, kind),
	OF(device, KVS, tags),
	WORD(device, state, state_names, false),
	OF(device, U64, total_bytes),
	OF(device, U64, used_bytes),
	OF(device, U64, extent_bytes),
	OF(device, STR, pv_uuid),
	OF(device, STRS, paths),
	OF(device, ID, pending),
	OF(device, BOOL, adding),
	OF(device, BOOL, destroy_data),
	END
};

const struct member brick_members[] = {
	NEED(brick, ID, id),
	NEED(brick, ID, device),
	NEED(brick, ID, node),
	OF(brick, STR, host),
	OF(brick, STR, path),
	OF(brick, STR, lv),
	OF(brick, STR, thin_pool),
	NEED(brick, U64, size_bytes),
	OF(brick, U64, thin_pool_bytes),
	OF(brick, U64, metadata_bytes),
	OF(brick, U32, role),
	OF(brick, ID, pending),
	END
};

static const struct member volume_members[] = {
	NEED(volume, ID, cluster),
	NEED(volume, STR, name),
	NEED(volume, U64, size_bytes),
	NEED(volume, STR, type),
	OF(volume, KVS, params),
	OF(volume, I64, gid),
	OF(volume, STRS, options),
	OF(volume, BOOL, block),
	OF(volume, U64, block_free_bytes),
	OF(volume, U64, block_reserved_bytes),
	WORD(volume, restriction, restriction_names, false),
	OF(volume, BOOL, snapshot_enable),
	OF(volume, DOUBLE, snapshot_factor),
	OF(volume, U32, bricks_per_set),
	OF(volume, BRICKS, bricks),
	WORD(volume, doing, volume_pending_names, false),
	OF(volume, ID, pending),
	OF(volume, STRS, clusters),
	END
};

static const struct member blockvolume_members[] = {
	NEED(blockvolume, ID, cluster),
	NEED(blockvolume, ID, hosting),
	NEED(blockvolume, STR, name),
	NEED(blockvolume, U64, size_bytes),
	OF(blockvolume, U64, usable_bytes),
	OF(blockvolume, I64, hacount),
	OF(blockvolume, BOOL, auth),
	OF(blockvolume, STRS, hosts),
	OF(blockvolume, STR, iqn),
	OF(blockvolume, STR, username),
	OF(blockvolume, STR, password),
	OF(blockvolume, I64, lun),
	WORD(blockvolume, doing, volume_pending_names, false),
	OF(blockvolume, ID, pending),
	OF(blockvolume, STRS, clusters),
	END
};

static const struct member operation_members[] = {
	WORD(operation, kind, op_kind_names, true),
	WORD(operation, status, op_status_names, true),
	OF(operation, U32, stage),
	OF(operation, U32, attempt),
	OF(operation, ID, target),
	OF(operation, ID, cluster),
	OF(operation, ID, owner),
	OF(operation, U64, epoch),
	OF(operation, KVS, args),
	OF(operation, STRS, bricks),
	OF(operation, STRS, avoid),
	OF(operation, I64, slot),
	OF(operation, STR, location),
	OF(operation, ERR, error_code),
	OF(operation, STR, error),
	OF(operation, I64, created_ms),
	OF(operation, I64, updated_ms),
	OF(operation, I64, ended_ms),
	END
};

static const struct member replica_members[] = {
	OF(replica, STR, host),
	OF(replica, STR, listen),
	OF(replica, STR, version),
	OF(replica, I64, pid),
	OF(replica, I64, started_ms),
	END
};

static const struct member health_members[] = {
	OF(health, I64, since_ms),
	OF(health, I64, seen_ms),
	OF(health, STR, why),
	END
};

static const struct member index_members[] = {
	NEED(index_entry, STR, value),
	END
};

#define TYPE(st, prefix_)						\
	{ .prefix = (prefix_), .size = sizeof(struct st),		\
	  .id_offset = offsetof(struct st, id), .members = st##_members }
#define NO_ID(prefix_)							\
	{ .prefix = (prefix_), .size = sizeof(struct index_entry),	\
	  .members = index_members }

const struct record_type record_types[RECORD_KINDS] = {
	[RECORD_CLUSTER] = TYPE(cluster, "clusters/"),
	[RECORD_NODE] = TYPE(node, "nodes/"),
	[RECORD_DEVICE] = TYPE(device, "devices/"),
	[RECORD_VOLUME] = TYPE(volume, "volumes/"),
	[RECORD_OPERATION] = TYPE(operation, "operations/"),
	[RECORD_REPLICA] = TYPE(replica, "replicas/"),
	[RECORD_INDEX] = NO_ID("index/"),
	[RECORD_SLOT] = NO_ID("slots/"),
	[RECORD_ADMIN] = NO_ID("admin/"),
	[RECORD_DUTY] = NO_ID("duties/"),
	[RECORD_HEALTH] = TYPE(health, "health/"),
	[RECORD_BLOCKVOLUME] = TYPE(blockvolume, "blockvolumes/"),
};

/* The tables reach these through a pointer to int. */
_Static_assert(sizeof(enum state) == sizeof(int) &&
	       sizeof(enum op_kind) == sizeof(int) &&
	       sizeof(enum op_status) == sizeof(int) &&
	       sizeof(enum restriction) == sizeof(int) &&
	       sizeof(enum volume_pending) == sizeof(int), "MEMBER_WORD");

/* ---- releasing ---- */

static void release_members(void *p, const struct member *m);

static void
release_bricks(struct volume *v)
{
	for (size_t i = 0; i < v->nbricks; i++)
		brick_release(&v->bricks[i]);
	free(v->bricks);
	v->bricks = NULL;
	v->nbricks = 0;
}

static void
release_members(void *p, const struct member *m)
{
	for (; m->name != NULL; m++) {
		switch (m->type) {
		case MEMBER_STR:
			free(*MEMBER_AT(p, m, char *));
			break;
		case MEMBER_STRS:
			strs_release(MEMBER_AT(p, m, struct strs));
			break;
		case MEMBER_KVS:
			kvs_release(MEMBER_AT(p, m, struct kvs));
			break;
		case MEMBER_BRICKS:
			release_bricks(p);
			break;
		case MEMBER_ID:
		case MEMBER_BOOL:
		case MEMBER_I64:
		case MEMBER_U64:
		case MEMBER_U32:
		case MEMBER_DOUBLE:
		case MEMBER_WORD:
		case MEMBER_ERR:
			break;
		}
	}
}

void
brick_release(struct brick *b)
{
	release_members(b, brick_members);
	memset(b, 0, sizeof(*b));
}

struct record *
record_ref(const struct record *shared)
{
	struct record *r = (struct record *)shared;
	int was = atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);

	assert(was > 0);
	(void)was;
	return r;
}

void
record_unref(struct record *r)
{
	int was;

	if (r == NULL)
		return;
	was = atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel);
	assert(was > 0);
	if (was != 1)
		return;
	release_members(r, record_types[r->kind].members);
	free(r->key);
	free(r);
}

/* ---- copying ---- */

/* Makes to's members its own; they are a bitwise copy of from's. */
static void own_members(void *to, const void *from, const struct member *m);

static void
own_bricks(struct volume *to, const struct volume *from)
{
	to->bricks = NULL;
	if (from->nbricks == 0)
		return;
	to->bricks = xmemdup(from->bricks,
			     from->nbricks * sizeof(*from->bricks));
	for (size_t i = 0; i < from->nbricks; i++)
		own_members(&to->bricks[i], &from->bricks[i], brick_members);
}

static void
own_strs(struct strs *to, const struct strs *from)
{
	memset(to, 0, sizeof(*to));
	strs_copy(to, from);
}

static void
own_kvs(struct kvs *to, const struct kvs *from)
{
	memset(to, 0, sizeof(*to));
	kvs_copy(to, from);
}

static void
own_members(void *to, const void *from, const struct member *m)
{
	for (; m->name != NULL; m++) {
		switch (m->type) {
		case MEMBER_STR:
			*MEMBER_AT(to, m, char *) =
				xstrdup(*CONST_MEMBER_AT(from, m, char *));
			break;
		case MEMBER_STRS:
			own_strs(MEMBER_AT(to, m, struct strs),
				 CONST_MEMBER_AT(from, m, struct strs));
			break;
		case MEMBER_KVS:
			own_kvs(MEMBER_AT(to, m, struct kvs),
				CONST_MEMBER_AT(from, m, struct kvs));
			break;
		case MEMBER_BRICKS:
			own_bricks(to, from);
			break;
		case MEMBER_ID:
		case MEMBER_BOOL:
		case MEMBER_I64:
		case MEMBER_U64:
		case MEMBER_U32:
		case MEMBER_DOUBLE:
		case MEMBER_WORD:
		case MEMBER_ERR:
			break;
		}
	}
}

struct record *
record_copy(const struct record *from)
{
	const struct record_type *t = &record_types[from->kind];
	struct record *to = xcalloc(1, t->size);

	/* All but the head, whose count others may be changing right now. */
	memcpy((char *)to + sizeof(*to), (const char *)from + sizeof(*from),
	       t->size - sizeof(*to));
	own_members(to, from, t->members);
	to->kind = from->kind;
	to->key = xstrdup(from->key);
	to->revision = from->revision;
	atomic_init(&to->refs, 1);
	return to;
}

struct cluster *
cluster_copy(const struct cluster *c)
{
	return (struct cluster *)record_copy(&c->r);
}

struct node *
node_copy(const struct node *n)
{
	return (struct node *)record_copy(&n->r);
}

struct device *
device_copy(const struct device *d)
{
	return (struct device *)record_copy(&d->r);
}

struct volume *
volume_copy(const struct volume *v)
{
	return (struct volume *)record_copy(&v->r);
}

struct blockvolume *
blockvolume_copy(const struct blockvolume *b)
{
	return (struct blockvolume *)record_copy(&b->r);
}

struct operation *
operation_copy(const struct operation *op)
{
	return (struct operation *)record_copy(&op->r);
}

/* ---- making ---- */

struct record *
record_new(enum record_kind kind, const char *rest)
{
	const struct record_type *t = &record_types[kind];
	struct record *r = xcalloc(1, t->size);

	r->kind = kind;
	r->key = xasprintf("%s%s", t->prefix, rest);
	atomic_init(&r->refs, 1);
	if (t->id_offset != 0) {
		assert(strlen(rest) < ID_SIZE);
		strcpy((char *)r + t->id_offset, rest);
	}
	if (kind == RECORD_VOLUME)
		((struct volume *)r)->snapshot_factor = 1;
	if (kind == RECORD_OPERATION)
		((struct operation *)r)->slot = -1;
	return r;
}

struct cluster *
cluster_new(const char *id)
{
	return (struct cluster *)record_new(RECORD_CLUSTER, id);
}

struct node *
node_new(const char *id)
{
	return (struct node *)record_new(RECORD_NODE, id);
}

struct device *
device_new(const char *id)
{
	return (struct device *)record_new(RECORD_DEVICE, id);
}

struct volume *
volume_new(const char *id)
{
	return (struct volume *)record_new(RECORD_VOLUME, id);
}

struct operation *
operation_new(const char *id)
{
	return (struct operation *)record_new(RECORD_OPERATION, id);
}

struct replica *
replica_new(const char *id)
{
	return (struct replica *)record_new(RECORD_REPLICA, id);
}

struct health *
health_new(const char *id)
{
	return (struct health *)record_new(RECORD_HEALTH, id);
}

struct blockvolume *
blockvolume_new(const char *id)
{
	return (struct blockvolume *)record_new(RECORD_BLOCKVOLUME, id);
}

struct index_entry *
index_new(enum record_kind kind, const char *key, const char *value)
{
	struct index_entry *e;

	assert(kind == RECORD_INDEX || kind == RECORD_SLOT ||
	       kind == RECORD_ADMIN || kind == RECORD_DUTY);
	e = (struct index_entry *)record_new(kind, key);
	e->value = xstrdup(value);
	return e;
}

/* ---- clones ---- */

struct volume *
volume_new_like(const struct volume *source, const char *id, const char *name)
{
	struct volume *v = volume_new(id);

	free(v->name);
	free(v->type);
	v->name = xstrdup(name);
	v->type = xstrdup(source->type);
	memcpy(v->cluster, source->cluster, ID_SIZE);
	v->size_bytes = source->size_bytes;
	kvs_copy(&v->params, &source->params);
	v->gid = source->gid;
	strs_copy(&v->options, &source->options);
	v->snapshot_enable = source->snapshot_enable;
	v->snapshot_factor = source->snapshot_factor;
	v->bricks_per_set = source->bricks_per_set;
	return v;
}

static bool
share_pool(const struct brick *a, const struct brick *b)
{
	return strcmp(a->device, b->device) == 0 &&
	       strcmp(a->thin_pool, b->thin_pool) == 0;
}

bool
volume_order_like(struct volume *v, const struct volume *as)
{
	if (v->nbricks != as->nbricks)
		return false;
	for (size_t i = 0; i < v->nbricks; i++) {
		struct brick b = v->bricks[i];
		size_t k = i;

		while (k < v->nbricks &&
		       !share_pool(&v->bricks[k], &as->bricks[i]))
			k++;
		if (k == v->nbricks)
			return false;
		v->bricks[i] = v->bricks[k];
		v->bricks[k] = b;
	}
	return true;
}

/* ---- bricks of a volume ---- */

struct brick *
volume_grow(struct volume *v, size_t n)
{
	struct brick *first;

	v->bricks = xreallocarray(v->bricks, v->nbricks + n,
				  sizeof(*v->bricks));
	first = v->bricks + v->nbricks;
	memset(first, 0, n * sizeof(*first));
	v->nbricks += n;
	return first;
}

void
volume_remove_bricks(struct volume *v, const char *pending)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->nbricks; i++) {
		if (strcmp(v->bricks[i].pending, pending) == 0)
			brick_release(&v->bricks[i]);
		else
			v->bricks[kept++] = v->bricks[i];
	}
	v->nbricks = kept;
}
