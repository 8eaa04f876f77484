/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stages of cloning a volume.  The source may not change meanwhile (it is marked
 * pending).  The clone's record has a brick for each of the source's from the
 * start, in the same thin pools; where gluster puts them is known when it has.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "brick-order.h"
#include "engine.h"
#include "live-node.h"
#include "node-args.h"
#include "op-volume.h"
#include "util/xalloc.h"

#define BRICKS_TIMEOUT_S  600
#define GLUSTER_TIMEOUT_S 660
#define CLONE_TIMEOUT_S	  1800	/* snapshots and clones of many bricks */

/* Both volumes as they are now; private copies. */
struct pair {
	struct volume *source, *clone;
	struct brickyard_result result;
};

static void
pair_release(struct pair *p)
{
	record_unref(p->source != NULL ? &p->source->r : NULL);
	record_unref(p->clone != NULL ? &p->clone->r : NULL);
	result_release(&p->result);
}

static enum err
copy_of(struct op_run *run, const char *id, struct volume **ret,
	struct error *err)
{
	RECORD_SCOPE struct volume *v =
		(void *)mirror_get(run->deps->mirror, RECORD_VOLUME, id);

	if (v == NULL)
		return fail(err, ERR_INTERNAL, "volume %s: record is gone", id);
	*ret = volume_copy(v);
	return ERR_OK;
}

static enum err
pair_init(struct pair *p, struct op_run *run, struct error *err)
{
	const char *source = kvs_get(&run->op->args, "source");
	enum err r = copy_of(run, run->op->target, &p->clone, err);

	result_init(&p->result);
	return r != ERR_OK ? r :
	       copy_of(run, source != NULL ? source : "", &p->source, err);
}

/* ---- stage: look ---- */

struct clone_arg {
	struct op_run *run;
	struct pair *pair;
};

static enum err
info_on(void *arg, const struct brickyard_call *call,
	const struct brickyard_node *node, struct error *err)
{
	struct clone_arg *a = arg;

	return executor_volume_info(a->run->deps->executor, call, node,
				    a->pair->clone->name, &a->pair->result, err);
}

static enum err
look(struct op_run *run, const struct brickyard_call *call, struct pair *p,
     struct error *err)
{
	struct clone_arg a = { run, p };

	return on_live_node(run->deps, call, p->source, NULL, GLUSTER_TIMEOUT_S,
			    info_on, &a, err);
}

/* Records of heketi's need not be in gluster's order.  A clone's bricks are in its
 * source's, whatever that turns out to be.
 */
static enum err
take_order(struct op_run *run, const struct brickyard_call *call,
	   const struct pair *p, struct error *err)
{
	bool changed = false;

	return brick_order_learn(run, call, p->source, &changed, err);
}

/* What has the clone's name from the next stage on is ours. */
static enum err
look_free(struct op_run *run, const struct brickyard_call *call,
	  struct error *err)
{
	CLEANUP(pair_release) struct pair p = { 0 };
	enum err r = pair_init(&p, run, err);

	if (r == ERR_OK)
		r = look(run, call, &p, err);
	if (r == ERR_OK)
		return fail(err, ERR_EXISTS, "Volume %s already exists in gluster",
			    p.clone->name);
	return r == ERR_NOTFOUND ? take_order(run, call, &p, err) : r;
}

/* ---- stage: clone ---- */

/* glusterd counts the bricks of a volume on each node for itself. */
static size_t
index_on_node(const struct volume *v, size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < i; k++)
		n += strcmp(v->bricks[k].node, v->bricks[i].node) == 0;
	return n;
}

/* The LV has gluster's id of the volume without its dashes. */
static char *
lv_name(const char *uuid, size_t index)
{
	CLEANUP_FREE char *plain = xstrdup(uuid);
	char *to = plain;

	for (const char *c = plain; *c != '\0'; c++)
		if (*c != '-')
			*to++ = *c;
	*to = '\0';
	return xasprintf("%s_%zu", plain, index);
}

struct paths_arg {
	struct op_run *run;
	const struct brickyard_result *info;
};

static enum err
check_info(const struct volume *v, const struct brickyard_result *info,
	   struct error *err)
{
	const char *uuid = result_get(info, 0, "id");

	if (uuid == NULL || uuid[0] == '\0')
		return fail(err, ERR_EXEC, "volume %s: gluster told no id of it",
			    v->name);
	if (info->records.n != v->nbricks + 1)
		return fail(err, ERR_EXEC, "volume %s: gluster made %zu bricks of "
			    "%zu", v->name, info->records.n - 1, v->nbricks);
	for (size_t i = 0; i < v->nbricks; i++) {
		const char *host = result_get(info, i + 1, "host");

		if (host == NULL || result_get(info, i + 1, "path") == NULL ||
		    strcmp(host, v->bricks[i].host) != 0)
			return fail(err, ERR_EXEC, "volume %s: gluster has brick "
				    "%zu on %s, not on %s", v->name, i + 1,
				    host != NULL ? host : "", v->bricks[i].host);
	}
	return ERR_OK;
}

static enum err
note_paths_build(void *arg, struct txn *t, struct error *err)
{
	const struct paths_arg *a = arg;
	CLEANUP(pair_release) struct pair p = { 0 };
	struct volume *v;
	enum err r = pair_init(&p, a->run, err);

	v = p.clone;
	/* Only where the source was heketi's was it ever another. */
	if (r == ERR_OK && volume_order_like(v, p.source))
		r = check_info(v, a->info, err);
	else if (r == ERR_OK)
		r = fail(err, ERR_INTERNAL, "volume %s: its bricks are not in the "
			 "pools of those of %s", v->name, p.source->name);
	if (r != ERR_OK)
		return r;
	for (size_t i = 0; i < v->nbricks; i++) {
		struct brick *b = &v->bricks[i];

		free(b->path);
		free(b->lv);
		b->path = xstrdup(result_get(a->info, i + 1, "path"));
		b->lv = lv_name(result_get(a->info, 0, "id"),
				index_on_node(v, i));
	}
	txn_put(t, &v->r);
	return ERR_OK;
}

static enum err
note_paths(struct op_run *run, const struct brickyard_result *info,
	   struct error *err)
{
	struct paths_arg a = { run, info };
	LOCK_FOR_SCOPE(engine_turn(run->engine));

	return engine_commit_op(run, note_paths_build, &a, err);
}

static enum err
clone_on(void *arg, const struct brickyard_call *call,
	 const struct brickyard_node *node, struct error *err)
{
	struct clone_arg *a = arg;
	CLEANUP_FREE char *snapshot = xasprintf("tmpsnap_%s", a->run->op->id);

	return executor_volume_clone(a->run->deps->executor, call, node,
				     a->pair->source->name,
				     a->pair->clone->name, snapshot,
				     &a->pair->result, err);
}

static enum err
make_clone(struct op_run *run, const struct brickyard_call *call,
	   struct error *err)
{
	CLEANUP(pair_release) struct pair p = { 0 };
	struct clone_arg a = { run, &p };
	enum err r = pair_init(&p, run, err);

	if (r == ERR_OK)
		r = on_live_node(run->deps, call, p.source, NULL,
				 CLONE_TIMEOUT_S, clone_on, &a, err);
	return r == ERR_OK ? note_paths(run, &p.result, err) : r;
}

static enum err
destroy_on(void *arg, const struct brickyard_call *call,
	   const struct brickyard_node *node, struct error *err)
{
	struct clone_arg *a = arg;

	return executor_volume_destroy(a->run->deps->executor, call, node,
				       a->pair->clone->name, err);
}

/* Gluster mounts snapshots, and nothing else, there.  The name may be an admin's
 * guess (db import --clone-name).
 */
static enum err
check_is_clone(const struct volume *v, const struct brickyard_result *info,
	       struct error *err)
{
	static const char *const roots[] = { "/run/gluster/snaps/",
					     "/var/run/gluster/snaps/" };

	for (size_t i = 1; i < info->records.n; i++) {
		const char *path = result_get(info, i, "path");
		bool good = false;

		for (size_t k = 0; path != NULL && k < ARRAY_SIZE(roots); k++)
			good |= strncmp(path, roots[k], strlen(roots[k])) == 0;
		if (!good)
			return fail(err, ERR_EXISTS, "volume %s: it is no clone: "
				    "its brick %zu is %s; left alone", v->name,
				    i, path != NULL ? path : "");
	}
	return ERR_OK;
}

/* Where its bricks are is written down before gluster forgets it. */
static enum err
unmake_clone(struct op_run *run, const struct brickyard_call *call,
	     struct error *err)
{
	CLEANUP(pair_release) struct pair p = { 0 };
	struct clone_arg a = { run, &p };
	enum err r = pair_init(&p, run, err);

	if (r == ERR_OK)
		r = look(run, call, &p, err);
	if (r == ERR_NOTFOUND)
		return ERR_OK;
	if (r == ERR_OK)
		r = check_is_clone(p.clone, &p.result, err);
	if (r == ERR_OK)
		r = take_order(run, call, &p, err);
	if (r == ERR_OK)
		r = note_paths(run, &p.result, err);
	return r != ERR_OK ? r :
	       on_live_node(run->deps, call, p.source, NULL, GLUSTER_TIMEOUT_S,
			    destroy_on, &a, err);
}

/* ---- stage: bricks ---- */

/* gluster makes them with the clone. */
static enum err
no_bricks(struct op_run *run, const struct brickyard_call *call,
	  struct error *err)
{
	return ERR_OK;
}

/* It has no paths if there was no clone. */
static enum err
unmake_bricks(struct op_run *run, const struct brickyard_call *call,
	      struct error *err)
{
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = copy_of(run, run->op->target, &v, err);

	if (r != ERR_OK || v->nbricks == 0 || v->bricks[0].path == NULL ||
	    v->bricks[0].path[0] == '\0')
		return r;
	return volume_unmake_bricks(run, call, err);
}

/* ---- the end ---- */

static void
let_go(struct volume *v)
{
	v->pending[0] = '\0';
	v->doing = VOLUME_SETTLED;
	for (size_t i = 0; i < v->nbricks; i++)
		v->bricks[i].pending[0] = '\0';
}

static enum err
finish(struct op_run *run, struct txn *t, struct error *err)
{
	CLEANUP(pair_release) struct pair p = { 0 };
	enum err r = pair_init(&p, run, err);

	if (r != ERR_OK)
		return r;
	let_go(p.source);
	let_go(p.clone);
	txn_put(t, &p.source->r);
	txn_put(t, &p.clone->r);
	free(run->op->location);
	run->op->location = xasprintf("/volumes/%s", p.clone->id);
	return ERR_OK;
}

static enum err
undone(struct op_run *run, struct txn *t, struct error *err)
{
	CLEANUP_FREE char *name_key = NULL;
	CLEANUP(pair_release) struct pair p = { 0 };
	enum err r = pair_init(&p, run, err);

	if (r != ERR_OK)
		return r;
	name_key = volume_name_key(p.clone->cluster, p.clone->name);
	release_bricks(run->deps, p.clone, NULL, t);
	let_go(p.source);
	txn_put(t, &p.source->r);
	txn_delete(t, &p.clone->r);
	txn_drop(t, name_key);
	return ERR_OK;
}

static const struct op_stage stages[] = {
	{ "look", GLUSTER_TIMEOUT_S, look_free, NULL },
	{ "bricks", BRICKS_TIMEOUT_S, no_bricks, unmake_bricks },
	{ "clone", CLONE_TIMEOUT_S, make_clone, unmake_clone },
};

const struct op_rules op_rules_volume_clone = {
	.kind = OP_VOLUME_CLONE,
	.throttled = true,
	.stages = stages,
	.nstages = ARRAY_SIZE(stages),
	.finish = finish,
	.undone = undone,
};
