/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pure functions over records; any thread. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pending.h"
#include "util/xalloc.h"

#define GIB_SHIFT 30

static const int types[OP_KINDS] = {
	[OP_VOLUME_CREATE] = 1,
	[OP_VOLUME_DELETE] = 2,
	[OP_VOLUME_EXPAND] = 3,
	[OP_BLOCK_CREATE] = 4,
	[OP_BLOCK_DELETE] = 5,
	[OP_DEVICE_REMOVE] = 6,
	[OP_NODE_REMOVE] = 6,
	[OP_VOLUME_CLONE] = 7,
	[OP_BRICK_EVICT] = 8,
	[OP_BLOCK_EXPAND] = 9,
};

int
pending_type(enum op_kind kind)
{
	return (unsigned)kind < OP_KINDS ? types[kind] : 0;
}

bool
pending_is_shown(const struct operation *op)
{
	if (op->status == OP_DONE || op->status == OP_FAILED)
		return false;
	return pending_type(op->kind) != 0 || op->status == OP_STUCK;
}

enum pending_status
pending_status(const struct operation *op, bool owner_is_alive)
{
	if (op->status == OP_STUCK)
		return PENDING_FAILED;
	return owner_is_alive ? PENDING_NEW : PENDING_STALE;
}

const char *
pending_status_name(enum pending_status status)
{
	switch (status) {
	case PENDING_STALE:
		return "stale";
	case PENDING_FAILED:
		return "failed";
	case PENDING_NEW:
		break;
	}
	return "";
}

const char *
pending_change_text(int number)
{
	static const char *const texts[] = {
		[CHANGE_ADD_BRICK] = "Add brick",
		[CHANGE_ADD_VOLUME] = "Add volume",
		[CHANGE_DELETE_BRICK] = "Delete brick",
		[CHANGE_DELETE_VOLUME] = "Delete volume",
		[CHANGE_EXPAND_VOLUME] = "Expand volume",
		[CHANGE_ADD_BLOCKVOLUME] = "Add block volume",
		[CHANGE_DELETE_BLOCKVOLUME] = "Delete block volume",
		[CHANGE_REMOVE_DEVICE] = "Remove device",
		[CHANGE_CLONE_VOLUME] = "Clone volume from",
		[CHANGE_SNAPSHOT_VOLUME] = "Snapshot volume",
		/* heketi's slip, which its clients show */
		[CHANGE_ADD_CLONE] = "Expand volume to",
		[CHANGE_CHILD] = "Performing child operation",
		[CHANGE_PARENT] = "Belongs to parent operation",
		[CHANGE_EXPAND_BLOCKVOLUME] = "Expand block volume",
	};

	return number > 0 && (size_t)number < ARRAY_SIZE(texts) ?
	       texts[number] : "Unknown";
}

/* ---- what is pending ---- */

bool
pending_volume(const struct volume *v)
{
	return v->pending[0] != '\0' &&
	       (v->doing == VOLUME_CREATING || v->doing == VOLUME_DELETING ||
		v->doing == VOLUME_CLONING);
}

const char *
pending_brick(const struct volume *v, const struct brick *b)
{
	if (b->pending[0] != '\0')
		return b->pending;
	return v->doing == VOLUME_CREATING || v->doing == VOLUME_DELETING ?
	       v->pending : "";
}

/* ---- children ---- */

/* Of the two that make it what it is, so that all replicas say the same. */
static void
child_id(const char *parent, const char *brick, char ret[ID_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < ID_SIZE - 1; i++) {
		const char *a = strchr(digits, parent[i]);
		const char *b = strchr(digits, brick[i]);

		ret[i] = digits[((a - digits) ^ (b - digits)) & 15];
	}
	ret[ID_SIZE - 1] = '\0';
}

/* The brick that it moves at the moment, of which volume. */
static const char *
moved_brick(const struct operation *op, const char **ret_volume)
{
	const char *brick = kvs_get(&op->args, "brick");

	*ret_volume = kvs_get(&op->args, "volume");
	return (op->kind == OP_DEVICE_REMOVE || op->kind == OP_NODE_REMOVE) &&
	       brick != NULL && id_is_valid(brick) && id_is_valid(op->id) &&
	       *ret_volume != NULL && id_is_valid(*ret_volume) ? brick : NULL;
}

struct operation *
pending_child(const struct operation *parent)
{
	const char *volume, *brick = moved_brick(parent, &volume);
	struct operation *child;
	char id[ID_SIZE];

	if (brick == NULL)
		return NULL;
	child_id(parent->id, brick, id);
	child = operation_new(id);
	child->kind = OP_BRICK_EVICT;
	child->status = parent->status;
	child->created_ms = parent->created_ms;
	memcpy(child->owner, parent->owner, sizeof(child->owner));
	memcpy(child->cluster, parent->cluster, sizeof(child->cluster));
	snprintf(child->target, sizeof(child->target), "%s", volume);
	kvs_set(&child->args, "brick", brick);
	kvs_set(&child->args, "parent", parent->id);
	return child;
}

/* That of the old brick is known by the volume only. */
static bool
is_moved(const struct volume *v, const struct brick *b,
	 const struct operation *op)
{
	const char *brick = kvs_get(&op->args, "brick");

	return v->doing == VOLUME_EVICTING && brick != NULL &&
	       strcmp(brick, b->id) == 0;
}

void
pending_brick_operation(const struct volume *v, const struct brick *b,
			pending_find_fn *find, void *arg, char ret[ID_SIZE])
{
	const char *id = pending_brick(v, b);
	bool marked = id[0] != '\0';
	const struct operation *op = NULL;
	RECORD_SCOPE struct operation *child = NULL;

	snprintf(ret, ID_SIZE, "%s", id);
	if (marked || v->pending[0] != '\0')
		op = (const void *)find(arg, RECORD_OPERATION,
					marked ? id : v->pending);
	if (op == NULL || (!marked && !is_moved(v, b, op)))
		return;
	child = pending_child(op);
	snprintf(ret, ID_SIZE, "%s", child != NULL ? child->id : op->id);
}

/* ---- changes ---- */

struct making {
	const struct operation *op;
	pending_find_fn *find;
	void *arg;
	struct pending_changes *ret;
};

static void
add_sized(struct making *m, int number, const char *id, int64_t delta_gib)
{
	struct pending_change *c;

	for (size_t i = 0; i < m->ret->n; i++)
		if (strcmp(m->ret->v[i].id, id) == 0 &&
		    m->ret->v[i].number == number)
			return;
	c = VEC_PUSH(m->ret);
	*c = (struct pending_change){ number, "", delta_gib };
	snprintf(c->id, sizeof(c->id), "%s", id);
}

static void
add(struct making *m, int number, const char *id)
{
	add_sized(m, number, id, -1);
}

static const struct volume *
volume_of(const struct making *m, const char *id)
{
	return (const void *)m->find(m->arg, RECORD_VOLUME, id);
}

static void
add_bricks(struct making *m, const struct volume *v, int number)
{
	for (size_t i = 0; v != NULL && i < v->nbricks; i++)
		if (strcmp(pending_brick(v, &v->bricks[i]), m->op->id) == 0)
			add(m, number, v->bricks[i].id);
}

static int64_t
arg_gib(const struct operation *op, const char *key)
{
	const char *bytes = kvs_get(&op->args, key);

	return bytes != NULL ?
	       (int64_t)(strtoull(bytes, NULL, 10) >> GIB_SHIFT) : 0;
}

/* The volume among what the operation names (its target, its arguments) that
 * it is at work on in this way.
 */
static const struct volume *
named_volume(const struct making *m, enum volume_pending doing)
{
	const struct operation *op = m->op;

	for (size_t i = 0; i <= op->args.n; i++) {
		const char *id = i == 0 ? op->target : op->args.v[i - 1].value;
		const struct volume *v = id_is_valid(id) ? volume_of(m, id) :
							   NULL;

		if (v != NULL && v->doing == doing &&
		    strcmp(v->pending, op->id) == 0)
			return v;
	}
	return NULL;
}

static void
add_clone(struct making *m)
{
	const struct volume *from = named_volume(m, VOLUME_CLONING);
	const struct volume *to = named_volume(m, VOLUME_CREATING);

	add(m, CHANGE_CLONE_VOLUME, from != NULL ? from->id : m->op->target);
	if (to == NULL)
		return;
	add(m, CHANGE_ADD_CLONE, to->id);
	add_bricks(m, to, CHANGE_ADD_BRICK);
}

/* The old brick first, as heketi does. */
static void
add_eviction(struct making *m)
{
	const struct volume *v = volume_of(m, m->op->target);
	const char *old = kvs_get(&m->op->args, "brick");
	const char *parent = kvs_get(&m->op->args, "parent");
	const char *id = parent != NULL ? parent : m->op->id;

	if (old != NULL)
		add(m, CHANGE_DELETE_BRICK, old);
	if (parent != NULL)
		add(m, CHANGE_PARENT, parent);
	for (size_t i = 0; v != NULL && i < v->nbricks; i++)
		if (strcmp(v->bricks[i].pending, id) == 0 &&
		    (old == NULL || strcmp(v->bricks[i].id, old) != 0))
			add(m, CHANGE_ADD_BRICK, v->bricks[i].id);
}

/* heketi removes a node's devices one by one, each by an operation. */
static void
add_removal(struct making *m)
{
	const char *device = kvs_get(&m->op->args, "device");
	RECORD_SCOPE struct operation *child = pending_child(m->op);

	add(m, CHANGE_REMOVE_DEVICE, device != NULL ? device : m->op->target);
	if (child != NULL)
		add(m, CHANGE_CHILD, child->id);
}

static void
add_block(struct making *m)
{
	const struct volume *hosting = named_volume(m, VOLUME_CREATING);

	if (hosting != NULL) {
		add_bricks(m, hosting, CHANGE_ADD_BRICK);
		add(m, CHANGE_ADD_VOLUME, hosting->id);
	}
	add(m, CHANGE_ADD_BLOCKVOLUME, m->op->target);
}

static void
add_volume(struct making *m, int brick_number, int number)
{
	add_bricks(m, volume_of(m, m->op->target), brick_number);
	add(m, number, m->op->target);
}

void
pending_changes(const struct operation *op, pending_find_fn *find, void *arg,
		struct pending_changes *ret)
{
	struct making m = { op, find, arg, ret };

	switch (op->kind) {
	case OP_VOLUME_CREATE:
		add_volume(&m, CHANGE_ADD_BRICK, CHANGE_ADD_VOLUME);
		break;
	case OP_VOLUME_DELETE:
		add_volume(&m, CHANGE_DELETE_BRICK, CHANGE_DELETE_VOLUME);
		break;
	case OP_VOLUME_EXPAND:
		add_bricks(&m, volume_of(&m, op->target), CHANGE_ADD_BRICK);
		add_sized(&m, CHANGE_EXPAND_VOLUME, op->target,
			  arg_gib(op, "add_bytes"));
		break;
	case OP_VOLUME_CLONE:
		add_clone(&m);
		break;
	case OP_BRICK_EVICT:
		add_eviction(&m);
		break;
	case OP_DEVICE_REMOVE:
	case OP_NODE_REMOVE:
		add_removal(&m);
		break;
	case OP_BLOCK_CREATE:
		add_block(&m);
		break;
	case OP_BLOCK_DELETE:
		add(&m, CHANGE_DELETE_BLOCKVOLUME, op->target);
		break;
	case OP_BLOCK_EXPAND:
		add_sized(&m, CHANGE_EXPAND_BLOCKVOLUME, op->target,
			  arg_gib(op, "new_bytes"));
		break;
	default:
		break;
	}
}

void
pending_changes_release(struct pending_changes *c)
{
	free(c->v);
	memset(c, 0, sizeof(*c));
}
