/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stages of the operations on volumes: create, expand, delete. */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "engine.h"
#include "block.h"
#include "live-node.h"
#include "lost.h"
#include "node-args.h"
#include "op-volume.h"
#include "util/log.h"
#include "util/xalloc.h"
#include "volume-type.h"

/* The volume of the operation as it is now; a private copy. */
static enum err
target(struct op_run *run, struct volume **ret, struct error *err)
{
	/* That of an operation on a block volume is the one it makes first. */
	const char *other = kvs_get(&run->op->args, "volume");
	const char *id = other != NULL ? other : run->op->target;
	RECORD_SCOPE struct volume *v =
		(void *)mirror_get(run->deps->mirror, RECORD_VOLUME, id);

	if (v == NULL)
		return fail(err, ERR_INTERNAL, "volume %s: record is gone", id);
	*ret = volume_copy(v);
	return ERR_OK;
}

enum err
volume_target(struct op_run *run, struct volume **ret, struct error *err)
{
	return target(run, ret, err);
}

void
volume_settle(struct volume *v)
{
	v->pending[0] = '\0';
	v->doing = VOLUME_SETTLED;
	for (size_t i = 0; i < v->nbricks; i++)
		v->bricks[i].pending[0] = '\0';
}

/* ---- stage: place ---- */

static enum err
place_build(void *arg, struct txn *t, struct error *err)
{
	const struct place_arg *a = arg;
	struct operation *op = a->run->op;
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = target(a->run, &v, err);

	if (r != ERR_OK || v->nbricks > 0)
		return r;
	r = allocate_bricks(a->run->deps, v, v->size_bytes, a->avoid, op->id,
			    op->attempt, t, err);
	if (r == ERR_OK)
		txn_put(t, &v->r);
	return r;
}

/* Of a first attempt this was done in the transaction that admitted it.  Later
 * ones avoid the devices that failed, unless there is nothing else.
 */
static enum err
place(struct op_run *run, const struct brickyard_call *call, struct error *err)
{
	return place_around(run, call, place_build, err);
}

/* The first time they were placed in the transaction that admitted it. */
static enum err
make_anew(struct op_run *run, const struct brickyard_call *call,
	  txn_build_fn *build, struct error *err)
{
	enum err r = run->op->attempt > 0 ?
		     place_around(run, call, build, err) : ERR_OK;

	if (r != ERR_OK)
		return r;
	run->open = false;
	r = volume_make_bricks(run, call, err);
	lost_note_elsewhere(run, r != ERR_OK && run->open);
	return r;
}

enum err
volume_make_bricks_anew(struct op_run *run, const struct brickyard_call *call,
			struct error *err)
{
	return make_anew(run, call, place_build, err);
}

enum err
volume_replan_bricks(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = lost_elsewhere(run, err);

	if (r == ERR_OK)
		r = target(run, &v, err);
	if (r != ERR_OK)
		return r;
	release_bricks(run->deps, v, run->op->id, t);
	volume_remove_bricks(v, run->op->id);
	txn_put(t, &v->r);
	run->op->stage = 0;
	return ERR_OK;
}

static enum err
unplace_build(void *arg, struct txn *t, struct error *err)
{
	struct op_run *run = arg;
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = target(run, &v, err);

	if (r != ERR_OK || v->nbricks == 0)
		return r;
	release_bricks(run->deps, v, run->op->id, t);
	volume_remove_bricks(v, run->op->id);
	txn_put(t, &v->r);
	return ERR_OK;
}

static enum err
unplace(struct op_run *run, const struct brickyard_call *call, struct error *err)
{
	LOCK_FOR_SCOPE(engine_turn(run->engine));

	return engine_commit_op(run, unplace_build, run, err);
}

/* ---- stage: the gluster volume ---- */

/* A volume as an executor is given it, and the memory behind. */
struct gluster_arg {
	struct brickyard_gluster_volume g;
	struct volume *v;
	struct strs words;
	struct brickyard_brick_ref *refs;
	const struct brickyard_brick_ref **bricks;
	const char **options;
};

static void
gluster_arg_release(struct gluster_arg *a)
{
	strs_release(&a->words);
	free(a->refs);
	free(a->bricks);
	free(a->options);
	record_unref(a->v != NULL ? &a->v->r : NULL);
}

static void
fill_bricks(struct gluster_arg *a)
{
	const struct volume *v = a->v;

	a->refs = xcalloc(v->nbricks, sizeof(*a->refs));
	a->bricks = xcalloc(v->nbricks, sizeof(*a->bricks));
	for (size_t i = 0; i < v->nbricks; i++) {
		a->refs[i] = (struct brickyard_brick_ref){
			.size = sizeof(a->refs[i]),
			.host = v->bricks[i].host,
			.path = v->bricks[i].path,
		};
		a->bricks[i] = &a->refs[i];
	}
	a->options = xcalloc(v->options.n, sizeof(*a->options));
	for (size_t i = 0; i < v->options.n; i++)
		if (v->options.v[i][0] != '\0')
			a->options[a->g.noptions++] = v->options.v[i];
}

static enum err
gluster_arg_init(struct gluster_arg *a, struct op_run *run, struct error *err)
{
	CLEANUP(shape_release) struct shape shape = { 0 };
	enum err r = target(run, &a->v, err);

	if (r == ERR_OK)
		r = shape_init(&shape, run->deps->plugins, a->v->type,
			       &a->v->params, &a->v->options, err);
	if (r == ERR_OK)
		r = shape_create_words(&shape, &a->words, err);
	if (r != ERR_OK)
		return r;
	fill_bricks(a);
	a->g = (struct brickyard_gluster_volume){
		.size = sizeof(a->g),
		.name = a->v->name,
		.id = a->v->id,
		.nwords = a->words.n,
		.words = (const char *const *)a->words.v,
		.nbricks = a->v->nbricks,
		.bricks = a->bricks,
		.bricks_per_set = a->v->bricks_per_set,
		.sets_per_command = shape.geometry.sets_per_command,
		.noptions = a->g.noptions,
		.options = a->options,
	};
	if (a->g.sets_per_command == 0)
		a->g.sets_per_command = 5;
	return ERR_OK;
}

/* The node of a brick, or NULL. */
static struct node *
brick_node(struct op_run *run, const struct brick *b)
{
	return (void *)mirror_get(run->deps->mirror, RECORD_NODE, b->node);
}

enum err
volume_make(struct op_run *run, const struct brickyard_call *call,
	    struct error *err)
{
	CLEANUP(gluster_arg_release) struct gluster_arg a = { 0 };
	RECORD_SCOPE struct node *n = NULL;
	struct brickyard_node arg;
	enum err r = gluster_arg_init(&a, run, err);

	if (r != ERR_OK)
		return r;
	n = brick_node(run, &a.v->bricks[0]);
	if (n == NULL)
		return fail(err, ERR_INTERNAL, "node %s: record is gone",
			    a.v->bricks[0].node);
	arg = node_arg(n);
	return executor_volume_create(run->deps->executor, call, &arg, &a.g, err);
}

typedef enum err node_fn(struct op_run *, const struct brickyard_call *,
			 const struct brickyard_node *, const struct volume *,
			 struct error *);

/* Try on the nodes that hold its bricks until one succeeds; what one says that
 * answers is told rather than that another does not.  A fence on one is one for
 * all: the others may not have seen our successor yet.
 */
static enum err
on_some_node(struct op_run *run, const struct brickyard_call *call,
	     const struct volume *v, node_fn *fn, struct error *err)
{
	CLEANUP(strs_release) struct strs tried = { 0 };
	CLEANUP_FREE struct error *said = NULL;
	enum err r = fail(err, ERR_EXEC, "no hosts available (0 total)");

	for (size_t i = 0; i < v->nbricks; i++) {
		RECORD_SCOPE struct node *n = NULL;
		struct brickyard_node arg;

		if (strs_has(&tried, v->bricks[i].node))
			continue;
		strs_add(&tried, v->bricks[i].node);
		n = brick_node(run, &v->bricks[i]);
		if (n == NULL)
			continue;
		arg = node_arg(n);
		r = fn(run, call, &arg, v, err);
		if (r == ERR_OK || r == ERR_FENCED || call->cancelled(call))
			return r;
		if (!node_was_lost(r)) {
			free(said);
			said = xmemdup(err, sizeof(*err));
		}
	}
	return node_was_lost(r) && said != NULL ?
	       fail(err, said->code, "%s", said->text) : r;
}

static bool
is_listed(const struct brickyard_result *info, const struct brick *b)
{
	for (size_t i = 1; i < info->records.n; i++) {
		const char *path = result_get(info, i, "path");
		const char *host = result_get(info, i, "host");

		if (path != NULL && host != NULL && strcmp(path, b->path) == 0 &&
		    strcmp(host, b->host) == 0)
			return true;
	}
	return false;
}

static bool
is_any_listed(const struct brickyard_result *info, const struct volume *v)
{
	for (size_t i = 0; i < v->nbricks; i++)
		if (is_listed(info, &v->bricks[i]))
			return true;
	return false;
}

static enum err
destroy_on(struct op_run *run, const struct brickyard_call *call,
	   const struct brickyard_node *node, const struct volume *v,
	   struct error *err)
{
	return executor_volume_destroy(run->deps->executor, call, node, v->name,
				       err);
}

/* A create may have failed because there is a volume of that name already,
 * which is somebody else's: it has none of our bricks.
 */
static enum err
destroy_ours_on(struct op_run *run, const struct brickyard_call *call,
		const struct brickyard_node *node, const struct volume *v,
		struct error *err)
{
	struct brickyard_result info;
	bool ours;
	enum err r;

	result_init(&info);
	r = executor_volume_info(run->deps->executor, call, node, v->name,
				 &info, err);
	ours = r == ERR_OK && is_any_listed(&info, v);
	result_release(&info);
	if (r == ERR_NOTFOUND || (r == ERR_OK && !ours))
		return ERR_OK;
	return r == ERR_OK ? destroy_on(run, call, node, v, err) : r;
}

enum err
volume_unmake(struct op_run *run, const struct brickyard_call *call,
	      struct error *err)
{
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = target(run, &v, err);

	if (r != ERR_OK || v->nbricks == 0)
		return r;
	return on_some_node(run, call, v, destroy_ours_on, err);
}

/* ---- create ---- */

static enum err
create_finish(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = target(run, &v, err);

	if (r != ERR_OK)
		return r;
	volume_settle(v);
	txn_put(t, &v->r);
	free(run->op->location);
	run->op->location = xasprintf("/volumes/%s", v->id);
	return ERR_OK;
}

static enum err
create_undone(struct op_run *run, struct txn *t, struct error *err)
{
	CLEANUP_FREE char *name_key = NULL;
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = target(run, &v, err);

	if (r != ERR_OK)
		return r;
	name_key = volume_name_key(v->cluster, v->name);
	txn_delete(t, &v->r);
	txn_drop(t, name_key);
	return ERR_OK;
}

static enum err
create_replan(struct op_run *run, struct txn *t, struct error *err)
{
	int64_t limit = config_int(run->deps->config,
				   "glusterfs.operation_retry_limits.volume_create");

	if (run->op->attempt > limit)
		return fail(err, ERR_REFUSED, "no attempt left");
	run->op->stage = 0;
	return ERR_OK;
}

static const struct op_stage create_stages[] = {
	{ "place", 60, place, unplace },
	{ "bricks", VOLUME_BRICKS_TIMEOUT_S, volume_make_bricks, volume_unmake_bricks },
	{ "volume", VOLUME_TIMEOUT_S, volume_make, volume_unmake },
};

const struct op_rules op_rules_volume_create = {
	.kind = OP_VOLUME_CREATE,
	.throttled = true,
	.stages = create_stages,
	.nstages = ARRAY_SIZE(create_stages),
	.finish = create_finish,
	.undone = create_undone,
	.replan = create_replan,
};

/* ---- delete ---- */

static enum err
delete_finish(struct op_run *run, struct txn *t, struct error *err)
{
	CLEANUP_FREE char *name_key = NULL;
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = target(run, &v, err);

	if (r != ERR_OK)
		return r;
	name_key = volume_name_key(v->cluster, v->name);
	release_bricks(run->deps, v, NULL, t);
	txn_delete(t, &v->r);
	txn_drop(t, name_key);
	return ERR_OK;
}

/* As heketi does: the volume is there again, deleting it can be tried again. */
static enum err
delete_undone(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = target(run, &v, err);

	if (r != ERR_OK)
		return r;
	volume_settle(v);
	txn_put(t, &v->r);
	return ERR_OK;
}

#define UNABLE "Unable to delete volume "

static enum err
destroy_volume(struct op_run *run, const struct brickyard_call *call,
	       struct error *err)
{
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = target(run, &v, err);

	if (r != ERR_OK || v->nbricks == 0)
		return r;
	r = on_some_node(run, call, v, destroy_on, err);
	/* Executors that talk to gluster say so themselves. */
	if (r != ERR_OK && strncmp(err->text, UNABLE, strlen(UNABLE)) != 0)
		(void)fail_prefix(err, UNABLE "%s", v->name);
	return r;
}

static const struct op_stage delete_stages[] = {
	{ "volume", VOLUME_TIMEOUT_S, destroy_volume, NULL },
	{ "bricks", VOLUME_BRICKS_TIMEOUT_S, volume_unmake_all_bricks, NULL },
};

const struct op_rules op_rules_volume_delete = {
	.kind = OP_VOLUME_DELETE,
	.throttled = true,
	.stages = delete_stages,
	.nstages = ARRAY_SIZE(delete_stages),
	.finish = delete_finish,
	.undone = delete_undone,
};

/* ---- expand ---- */

static uint64_t
added_bytes(const struct op_run *run)
{
	const char *add = kvs_get(&run->op->args, "add_bytes");

	return add != NULL ? strtoull(add, NULL, 10) : 0;
}

static enum err
place_more_build(void *arg, struct txn *t, struct error *err)
{
	const struct place_arg *a = arg;
	const struct operation *op = a->run->op;
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = target(a->run, &v, err);

	if (r != ERR_OK)
		return r;
	for (size_t i = 0; i < v->nbricks; i++)
		if (strcmp(v->bricks[i].pending, op->id) == 0)
			return ERR_OK;
	r = allocate_bricks(a->run->deps, v, added_bytes(a->run), a->avoid,
			    op->id, op->attempt, t, err);
	if (r == ERR_OK)
		txn_put(t, &v->r);
	return r;
}

static enum err
add_bricks(struct op_run *run, const struct brickyard_call *call,
	   struct error *err)
{
	return make_anew(run, call, place_more_build, err);
}

struct expand_arg {
	struct op_run *run;
	struct gluster_arg g;
};

static enum err
expand_on(void *arg, const struct brickyard_call *call,
	  const struct brickyard_node *node, struct error *err)
{
	const struct expand_arg *a = arg;
	const struct engine_deps *deps = a->run->deps;

	return executor_volume_expand(
		deps->executor, call, node, &a->g.g,
		(uint32_t)config_bool(deps->config, "rebalance_on_expansion"),
		err);
}

static void
expand_arg_release(struct expand_arg *a)
{
	gluster_arg_release(&a->g);
}

static enum err
expand_on_first(struct expand_arg *a, const struct brickyard_call *call,
		struct error *err)
{
	const struct brick *b = &a->g.v->bricks[0];
	RECORD_SCOPE struct node *n = brick_node(a->run, b);
	struct brickyard_node arg;

	if (n == NULL)
		return fail(err, ERR_INTERNAL, "node %s: record is gone",
			    b->node);
	if (lost_has(a->run, n->id))
		return fail(err, ERR_UNREACHABLE, "node %s: lost", n->id);
	arg = node_arg(n);
	return expand_on(a, call, &arg, err);
}

/* Its first node is asked, and if that does not answer, any other. */
static enum err
add_to_volume(struct op_run *run, const struct brickyard_call *call,
	      struct error *err)
{
	CLEANUP(expand_arg_release) struct expand_arg a = { .run = run };
	enum err r = gluster_arg_init(&a.g, run, err);

	if (r == ERR_OK)
		r = expand_on_first(&a, call, err);
	return r != ERR_UNREACHABLE ? r :
	       on_live_node(run->deps, call, a.g.v, NULL, VOLUME_TIMEOUT_S,
			    expand_on, &a, err);
}

static void
grow(struct volume *v, uint64_t bytes)
{
	v->size_bytes += bytes;
	if (v->block)
		block_grow(v, bytes);
}

struct keep_arg {
	struct op_run *run;
	struct volume *v;
	struct brickyard_result info;
};

/* Bricks that gluster took hold data: they stay, and the volume is larger by
 * their share of what was asked for.
 */
static enum err
keep_build(void *arg, struct txn *t, struct error *err)
{
	const struct keep_arg *a = arg;
	struct operation *op = a->run->op;
	RECORD_SCOPE struct volume *v = NULL;
	size_t wanted = 0, kept = 0;
	enum err r = target(a->run, &v, err);

	if (r != ERR_OK)
		return r;
	for (size_t i = 0; i < v->nbricks; i++) {
		if (strcmp(v->bricks[i].pending, op->id) != 0)
			continue;
		wanted++;
		if (!is_listed(&a->info, &v->bricks[i]))
			continue;
		v->bricks[i].pending[0] = '\0';
		kept++;
	}
	if (kept == 0)
		return ERR_OK;
	grow(v, (added_bytes(a->run) >> 30) * kept / wanted << 30);
	txn_put(t, &v->r);
	return ERR_OK;
}

static enum err
info_on(void *arg, const struct brickyard_call *call,
	const struct brickyard_node *node, struct error *err)
{
	struct keep_arg *a = arg;

	return executor_volume_info(a->run->deps->executor, call, node,
				    a->v->name, &a->info, err);
}

/* An add-brick that failed may have added some sets before.  Never destroy
 * those: they are part of the volume, and gluster may have put files there.
 */
static enum err
keep_what_was_added(struct op_run *run, const struct brickyard_call *call,
		    struct error *err)
{
	struct keep_arg a = { .run = run };
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = target(run, &v, err);

	if (r != ERR_OK)
		return r;
	a.v = v;
	result_init(&a.info);
	r = on_live_node(run->deps, call, v, v->bricks[0].node,
			 VOLUME_TIMEOUT_S, info_on, &a, err);
	if (r == ERR_OK) {
		LOCK_FOR_SCOPE(engine_turn(run->engine));

		r = engine_commit_op(run, keep_build, &a, err);
	} else if (r == ERR_NOTFOUND) {
		r = ERR_OK;
	}
	result_release(&a.info);
	return r;
}

static enum err
expand_finish(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = target(run, &v, err);

	if (r != ERR_OK)
		return r;
	volume_settle(v);
	grow(v, added_bytes(run));
	txn_put(t, &v->r);
	free(run->op->location);
	run->op->location = xasprintf("/volumes/%s", v->id);
	return ERR_OK;
}

static enum err
expand_undone(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = target(run, &v, err);

	if (r != ERR_OK)
		return r;
	release_bricks(run->deps, v, run->op->id, t);
	volume_remove_bricks(v, run->op->id);
	volume_settle(v);
	txn_put(t, &v->r);
	return ERR_OK;
}

static const struct op_stage expand_stages[] = {
	{ "bricks", VOLUME_BRICKS_TIMEOUT_S, add_bricks, volume_unmake_bricks },
	{ "expand", VOLUME_TIMEOUT_S, add_to_volume, keep_what_was_added },
};

const struct op_rules op_rules_volume_expand = {
	.kind = OP_VOLUME_EXPAND,
	.throttled = true,
	.stages = expand_stages,
	.nstages = ARRAY_SIZE(expand_stages),
	.finish = expand_finish,
	.undone = expand_undone,
	.replan = volume_replan_bricks,
};
