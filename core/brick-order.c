/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <string.h>

#include "brick-order.h"
#include "live-node.h"
#include "util/log.h"

#define QUERY_TIMEOUT_S 660	/* heketi's, for gluster's commands */

static size_t
find_brick(const struct volume *v, size_t from, const char *host,
	   const char *path)
{
	size_t i = from;

	while (i < v->nbricks && (strcmp(v->bricks[i].path, path) != 0 ||
				  strcmp(v->bricks[i].host, host) != 0))
		i++;
	return i;
}

bool
brick_order_take(struct volume *v, const struct brickyard_result *info)
{
	if (info->records.n != v->nbricks + 1)
		return false;
	for (size_t i = 0; i < v->nbricks; i++) {
		const char *host = result_get(info, i + 1, "host");
		const char *path = result_get(info, i + 1, "path");
		struct brick b;
		size_t at;

		if (host == NULL || path == NULL)
			return false;
		at = find_brick(v, i, host, path);
		if (at == v->nbricks)
			return false;
		b = v->bricks[i];
		v->bricks[i] = v->bricks[at];
		v->bricks[at] = b;
	}
	return true;
}

struct learn {
	struct op_run *run;
	const struct volume *v;
	struct brickyard_result info;
	bool changed;
};

static void
learn_release(struct learn *l)
{
	result_release(&l->info);
}

static enum err
ask(void *arg, const struct brickyard_call *call,
    const struct brickyard_node *node, struct error *err)
{
	struct learn *l = arg;

	return executor_volume_info(l->run->deps->executor, call, node,
				    l->v->name, &l->info, err);
}

/* The volume as it is now: somebody may have been quicker. */
static enum err
build(void *arg, struct txn *t, struct error *err)
{
	struct learn *l = arg;
	RECORD_SCOPE struct volume *was = (void *)mirror_get(
		l->run->deps->mirror, RECORD_VOLUME, l->v->id);
	RECORD_SCOPE struct volume *now = NULL;

	l->changed = false;
	if (was == NULL)
		return ERR_OK;
	now = volume_copy(was);
	if (!brick_order_take(now, &l->info))
		return ERR_OK;
	for (size_t i = 0; i < now->nbricks; i++)
		l->changed |= strcmp(now->bricks[i].id,
				     was->bricks[i].id) != 0;
	if (l->changed)
		txn_put(t, &now->r);
	return ERR_OK;
}

enum err
brick_order_learn(struct op_run *run, const struct brickyard_call *call,
		  const struct volume *v, bool *ret_changed, struct error *err)
{
	CLEANUP(learn_release) struct learn l = { .run = run, .v = v };
	enum err r;

	result_init(&l.info);
	r = on_live_node(run->deps, call, v, NULL, QUERY_TIMEOUT_S, ask, &l,
			 err);
	if (r != ERR_OK)
		return r;
	{
		LOCK_FOR_SCOPE(engine_turn(run->engine));

		r = engine_commit_op(run, build, &l, err);
	}
	if (r == ERR_OK && l.changed)
		log_notice("volume %s: the order of its bricks is now gluster's",
			   v->id);
	if (r == ERR_OK)
		*ret_changed = l.changed;
	return r;
}
