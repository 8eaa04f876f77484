/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stages of the operations on block volumes: create (with the hosting volume, if
 * there was no room on any), delete, expand.
 *
 * The password that gluster-block thinks out goes from the node's answer into
 * the record, and nowhere else.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "block.h"
#include "engine.h"
#include "node-args.h"
#include "op-block.h"
#include "op-volume.h"
#include "peers.h"
#include "util/log.h"
#include "util/xalloc.h"

#define BLOCK_TIMEOUT_S 600		/* heketi's */

/* The block volume of the operation as it is now; a private copy. */
static enum err
target(struct op_run *run, struct blockvolume **ret, struct error *err)
{
	RECORD_SCOPE struct blockvolume *b = (void *)mirror_get(
		run->deps->mirror, RECORD_BLOCKVOLUME, run->op->target);

	if (b == NULL)
		return fail(err, ERR_INTERNAL, "block volume %s: record is gone",
			    run->op->target);
	*ret = blockvolume_copy(b);
	return ERR_OK;
}

static enum err
hosting_of(struct op_run *run, const struct blockvolume *b, struct volume **ret,
	   struct error *err)
{
	RECORD_SCOPE struct volume *v = (void *)mirror_get(
		run->deps->mirror, RECORD_VOLUME, b->hosting);

	if (v == NULL)
		return fail(err, ERR_INTERNAL, "block volume %s: its hosting "
			    "volume %s is gone", b->id, b->hosting);
	*ret = volume_copy(v);
	return ERR_OK;
}

static enum err
both(struct op_run *run, struct blockvolume **b, struct volume **v,
     struct error *err)
{
	enum err r = target(run, b, err);

	return r == ERR_OK ? hosting_of(run, *b, v, err) : r;
}

static void
settle(struct blockvolume *b)
{
	b->doing = VOLUME_SETTLED;
	b->pending[0] = '\0';
}

/* Does this operation make the hosting volume, too? */
static bool
makes_hosting(const struct op_run *run)
{
	return kvs_get(&run->op->args, "volume") != NULL;
}

/* ---- asking gluster-block ---- */

/* All that a stage tells a node of a block volume. */
struct block_arg {
	struct brickyard_block b;
	struct blockvolume *record;
	struct volume *hosting;
	struct node *node;		/* who is asked */
	struct brickyard_node node_arg;
};

static void
block_arg_release(struct block_arg *a)
{
	record_unref(a->record != NULL ? &a->record->r : NULL);
	record_unref(a->hosting != NULL ? &a->hosting->r : NULL);
	record_unref(a->node != NULL ? &a->node->r : NULL);
}

static size_t
count_nodes(struct op_run *run, const char *cluster)
{
	struct mirror *m = run->deps->mirror;
	size_t n;

	mirror_rdlock(m);
	n = relation_count(run->deps->model->nodes, cluster);
	mirror_unlock(m);
	return n;
}

/* Of heketi's two texts: creating looks for a verified node, the others try
 * the hosts of the cluster.
 */
static enum err
find_node(struct op_run *run, const struct brickyard_call *call,
	  struct block_arg *a, struct error *err)
{
	const char *cluster = a->record->cluster;
	enum err r = peer_find(run->deps, call, cluster, NULL, &a->node, err);

	if (r == ERR_OK)
		a->node_arg = node_arg(a->node);
	if (r != ERR_NOTFOUND)
		return r;
	if (run->op->kind == OP_BLOCK_CREATE && run->op->status == OP_RUNNING)
		return fail(err, ERR_EXEC, "Id not found");
	return fail(err, ERR_EXEC, "no hosts available (%zu total)",
		    count_nodes(run, cluster));
}

static enum err
block_arg_init(struct block_arg *a, struct op_run *run,
	       const struct brickyard_call *call, struct error *err)
{
	enum err r = both(run, &a->record, &a->hosting, err);

	if (r == ERR_OK)
		r = find_node(run, call, a, err);
	if (r != ERR_OK)
		return r;
	a->b = (struct brickyard_block){
		.size = sizeof(a->b),
		.volume = a->hosting->name,
		.name = a->record->name,
		.size_bytes = a->record->size_bytes,
		.hacount = (uint32_t)a->record->hosts.n,
		.auth = a->record->auth,
		.prealloc = "",
		.nhosts = a->record->hosts.n,
		.hosts = (const char *const *)a->record->hosts.v,
	};
	return ERR_OK;
}

static enum err
destroy_block(struct op_run *run, const struct brickyard_call *call,
	      struct error *err)
{
	CLEANUP(block_arg_release) struct block_arg a = { .record = NULL };
	enum err r = block_arg_init(&a, run, call, err);

	if (r != ERR_OK)
		return r;
	return executor_block_destroy(run->deps->executor, call, &a.node_arg,
				      a.b.volume, a.b.name, err);
}

/* ---- create, stages: the hosting volume ---- */

static enum err
make_hosting_bricks(struct op_run *run, const struct brickyard_call *call,
		    struct error *err)
{
	return makes_hosting(run) ? volume_make_bricks_anew(run, call, err) :
				    ERR_OK;
}

static enum err
unmake_hosting_bricks(struct op_run *run, const struct brickyard_call *call,
		      struct error *err)
{
	return makes_hosting(run) ? volume_unmake_bricks(run, call, err) : ERR_OK;
}

static enum err
make_hosting(struct op_run *run, const struct brickyard_call *call,
	     struct error *err)
{
	return makes_hosting(run) ? volume_make(run, call, err) : ERR_OK;
}

static enum err
unmake_hosting(struct op_run *run, const struct brickyard_call *call,
	       struct error *err)
{
	return makes_hosting(run) ? volume_unmake(run, call, err) : ERR_OK;
}

/* ---- create, stage: hosts ---- */

/* We have made none yet: one of that name is somebody else's.  Undoing what
 * follows would destroy it.
 */
static enum err
check_absent(struct op_run *run, const struct brickyard_call *call,
	     const struct block_arg *a, struct error *err)
{
	bool is_there = false;
	enum err r = executor_block_find(run->deps->executor, call, &a->node_arg,
					 a->b.volume, a->b.name, &is_there,
					 err);

	if (r != ERR_OK || !is_there)
		return r;
	return fail(err, ERR_EXISTS, "Failed to create block volume: %s/%s is "
		    "there already, and not known here", a->b.volume, a->b.name);
}

/* Once, so that all who come after ask for the same. */
static enum err
fix_hosts(struct op_run *run, const struct brickyard_call *call,
	  struct error *err)
{
	CLEANUP(block_arg_release) struct block_arg a = { .record = NULL };
	RECORD_SCOPE struct blockvolume *b = NULL;
	enum err r = target(run, &b, err);

	if (r == ERR_OK && b->hosts.n == 0)
		r = block_choose_hosts(run, call, b, err);
	if (r == ERR_OK)
		r = block_arg_init(&a, run, call, err);
	return r == ERR_OK ? check_absent(run, call, &a, err) : r;
}

/* ---- create, stage: the block volume ---- */

static void
keep(struct op_run *run, const struct brickyard_result *res, const char *key)
{
	const char *value = result_get(res, 0, key);

	if (value != NULL && value[0] != '\0')
		kvs_set(&run->found, key, value);
}

static enum err
make_block(struct op_run *run, const struct brickyard_call *call,
	   struct error *err)
{
	CLEANUP(block_arg_release) struct block_arg a = { .record = NULL };
	struct brickyard_result res;
	enum err r = block_arg_init(&a, run, call, err);

	if (r != ERR_OK)
		return r;
	result_init(&res);
	r = executor_block_create(run->deps->executor, call, &a.node_arg, &a.b,
				  &res, err);
	if (r == ERR_OK) {
		keep(run, &res, "iqn");
		keep(run, &res, "username");
		keep(run, &res, "password");
	}
	result_release(&res);
	return r;
}

static void
set_found(struct op_run *run, const char *key, char **to)
{
	const char *value = kvs_get(&run->found, key);

	free(*to);
	*to = value != NULL ? xstrdup(value) : NULL;
}

/* Nobody makes a hosting volume any more, if it was us. */
static void
drop_making(struct op_run *run, struct txn *t)
{
	RECORD_SCOPE struct index_entry *e = (void *)mirror_get(
		run->deps->mirror, RECORD_INDEX,
		BLOCK_MAKING_KEY + strlen(record_prefix(RECORD_INDEX)));

	if (e != NULL && strcmp(e->value, run->op->id) == 0)
		txn_delete(t, &e->r);
}

static void
set_location(struct op_run *run)
{
	free(run->op->location);
	run->op->location = xasprintf("/blockvolumes/%s", run->op->target);
}

static enum err
create_finish(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct blockvolume *b = NULL;
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = both(run, &b, &v, err);

	if (r != ERR_OK)
		return r;
	set_found(run, "iqn", &b->iqn);
	set_found(run, "username", &b->username);
	set_found(run, "password", &b->password);
	b->usable_bytes = b->size_bytes;
	settle(b);
	txn_put(t, &b->r);
	if (makes_hosting(run)) {
		volume_settle(v);
		txn_put(t, &v->r);
		drop_making(run, t);
	}
	set_location(run);
	return ERR_OK;
}

/* The block volume is no more: its space is free again. */
static void
forget(const struct blockvolume *b, struct volume *v, struct txn *t)
{
	CLEANUP_FREE char *name_key = block_name_key(v->id, b->name);

	v->block_free_bytes += b->size_bytes;
	txn_delete(t, &b->r);
	txn_drop(t, name_key);
}

static enum err
create_undone(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct blockvolume *b = NULL;
	RECORD_SCOPE struct volume *v = NULL;
	CLEANUP_FREE char *name_key = NULL;
	enum err r = both(run, &b, &v, err);

	if (r != ERR_OK)
		return r;
	forget(b, v, t);
	if (!makes_hosting(run)) {
		txn_put(t, &v->r);
		return ERR_OK;
	}
	name_key = volume_name_key(v->cluster, v->name);
	release_bricks(run->deps, v, run->op->id, t);
	txn_delete(t, &v->r);
	txn_drop(t, name_key);
	drop_making(run, t);
	return ERR_OK;
}

static const struct op_stage create_stages[] = {
	{ "bricks", VOLUME_BRICKS_TIMEOUT_S, make_hosting_bricks,
	  unmake_hosting_bricks },
	{ "volume", VOLUME_TIMEOUT_S, make_hosting, unmake_hosting },
	{ "hosts", BLOCK_TIMEOUT_S, fix_hosts, NULL },
	{ "block", BLOCK_TIMEOUT_S, make_block, destroy_block },
};

const struct op_rules op_rules_block_create = {
	.kind = OP_BLOCK_CREATE,
	.throttled = true,
	.stages = create_stages,
	.nstages = ARRAY_SIZE(create_stages),
	.finish = create_finish,
	.undone = create_undone,
	.replan = volume_replan_bricks,
};

/* ---- delete ---- */

static enum err
delete_finish(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct blockvolume *b = NULL;
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = both(run, &b, &v, err);

	if (r != ERR_OK)
		return r;
	forget(b, v, t);
	txn_put(t, &v->r);
	return ERR_OK;
}

/* As heketi does: it is there again, deleting it can be tried again. */
static enum err
delete_undone(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct blockvolume *b = NULL;
	enum err r = target(run, &b, err);

	if (r != ERR_OK)
		return r;
	settle(b);
	txn_put(t, &b->r);
	return ERR_OK;
}

static const struct op_stage delete_stages[] = {
	{ "block", BLOCK_TIMEOUT_S, destroy_block, NULL },
};

const struct op_rules op_rules_block_delete = {
	.kind = OP_BLOCK_DELETE,
	.throttled = true,
	.stages = delete_stages,
	.nstages = ARRAY_SIZE(delete_stages),
	.finish = delete_finish,
	.undone = delete_undone,
};

/* ---- expand ---- */

static uint64_t
arg_bytes(const struct op_run *run, const char *key, uint64_t otherwise)
{
	const char *text = kvs_get(&run->op->args, key);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static enum err
expand_block(struct op_run *run, const struct brickyard_call *call,
	     struct error *err)
{
	CLEANUP(block_arg_release) struct block_arg a = { .record = NULL };
	enum err r = block_arg_init(&a, run, call, err);

	if (r != ERR_OK)
		return r;
	a.b.size_bytes = arg_bytes(run, "new_bytes", a.b.size_bytes);
	return executor_block_expand(run->deps->executor, call, &a.node_arg,
				     &a.b, err);
}

static void
note(struct op_run *run, const struct brickyard_result *info, const char *key)
{
	const char *value = result_get(info, 0, key);

	if (value != NULL)
		kvs_set(&run->op->args, key, value);
}

/* It can't be made smaller again: see what it has become. */
static enum err
look_at_block(struct op_run *run, const struct brickyard_call *call,
	      struct error *err)
{
	CLEANUP(block_arg_release) struct block_arg a = { .record = NULL };
	struct brickyard_result info;
	enum err r = block_arg_init(&a, run, call, err);

	if (r != ERR_OK)
		return r;
	result_init(&info);
	r = executor_block_info(run->deps->executor, call, &a.node_arg,
				a.b.volume, a.b.name, &info, err);
	if (r == ERR_OK) {
		note(run, &info, "size_bytes");
		note(run, &info, "usable_bytes");
	} else if (r == ERR_NOTFOUND) {
		log_warning("block volume %s (%s/%s): it is not there, its size "
			    "is left as it was", a.record->id, a.b.volume,
			    a.b.name);
		r = ERR_OK;
	}
	result_release(&info);
	return r;
}

static enum err
expand_finish(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct blockvolume *b = NULL;
	enum err r = target(run, &b, err);

	if (r != ERR_OK)
		return r;
	b->size_bytes = arg_bytes(run, "new_bytes", b->size_bytes);
	b->usable_bytes = b->size_bytes;
	settle(b);
	txn_put(t, &b->r);
	set_location(run);
	return ERR_OK;
}

static uint64_t
within(uint64_t bytes, uint64_t low, uint64_t high)
{
	return bytes < low ? low : bytes > high ? high : bytes;
}

/* Of what was taken for it, the hosting volume gets back what it did not
 * become, in whole GiB.
 */
static enum err
expand_undone(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct blockvolume *b = NULL;
	RECORD_SCOPE struct volume *v = NULL;
	uint64_t wanted, is, gib = UINT64_C(1) << 30;
	enum err r = both(run, &b, &v, err);

	if (r != ERR_OK)
		return r;
	wanted = arg_bytes(run, "new_bytes", b->size_bytes);
	is = within(arg_bytes(run, "size_bytes", b->size_bytes), b->size_bytes,
		    wanted);
	is = within((is + gib - 1) / gib * gib, b->size_bytes, wanted);
	v->block_free_bytes += wanted - is;
	b->size_bytes = is;
	b->usable_bytes = within(arg_bytes(run, "usable_bytes", b->usable_bytes),
				 0, is);
	settle(b);
	txn_put(t, &b->r);
	txn_put(t, &v->r);
	return ERR_OK;
}

static const struct op_stage expand_stages[] = {
	{ "block", BLOCK_TIMEOUT_S, expand_block, look_at_block },
};

const struct op_rules op_rules_block_expand = {
	.kind = OP_BLOCK_EXPAND,
	.throttled = true,
	.stages = expand_stages,
	.nstages = ARRAY_SIZE(expand_stages),
	.finish = expand_finish,
	.undone = expand_undone,
};

/* It is over when it is admitted; only that it is throttled counts. */
const struct op_rules op_rules_block_restrict = {
	.kind = OP_BLOCK_RESTRICT,
	.throttled = true,
};
