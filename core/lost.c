/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "health.h"
#include "leftover.h"
#include "live-node.h"
#include "lost.h"
#include "util/log.h"
#include "util/xalloc.h"

#define NODES_ARG     "lost_nodes"
#define ELSEWHERE_ARG "elsewhere"
/* Bricks a commit; their devices come on top (STORE_COMMIT_MAX). */
#define LEAVE_BATCH   50
#define LEFT	      "left"		/* no operation's id */

/* ---- which ---- */

static void
list_nodes(const struct op_run *run, struct strs *ret)
{
	const char *ids = kvs_get(&run->op->args, NODES_ARG);

	if (ids != NULL)
		strs_split(ret, ids, ' ');
}

bool
lost_has(const struct op_run *run, const char *node)
{
	CLEANUP(strs_release) struct strs ids = { 0 };

	list_nodes(run, &ids);
	return strs_has(&ids, node);
}

static void
add_devices(const struct op_run *run, const char *node, struct strs *ret)
{
	const struct strs *ids;

	mirror_rdlock(run->deps->mirror);
	ids = relation_of(run->deps->model->devices, node);
	for (size_t i = 0; i < ids->n; i++)
		if (!strs_has(ret, ids->v[i]))
			strs_add(ret, ids->v[i]);
	mirror_unlock(run->deps->mirror);
}

void
lost_add(struct op_run *run, const char *node)
{
	CLEANUP(strs_release) struct strs ids = { 0 };
	CLEANUP_FREE char *all = NULL;

	add_devices(run, node, &run->op->avoid);
	list_nodes(run, &ids);
	if (strs_has(&ids, node))
		return;
	strs_add(&ids, node);
	all = strs_join(&ids, " ");
	kvs_set(&run->op->args, NODES_ARG, all);
}

/* ---- what stays on them ---- */

struct leave {
	struct op_run *run;
	const char *volume, *pending;
	const struct kvs *nodes;
	bool more;
};

static const char *
why_left(const struct leave *a, const struct brick *b)
{
	if (a->pending != NULL && strcmp(b->pending, a->pending) != 0)
		return NULL;
	return kvs_get(a->nodes, b->node);
}

/* Under the mirror's lock.  The device is put although its space stays as it is:
 * who gives back space of the same pool at this moment has to look again.
 */
static void
leave_some(struct leave *a, struct volume *v, struct ledger *l, struct txn *t)
{
	struct mirror *m = a->run->deps->mirror;
	size_t n = 0;

	a->more = false;
	for (size_t i = 0; i < v->nbricks; i++) {
		struct brick *b = &v->bricks[i];
		const char *why = why_left(a, b);

		if (why == NULL)
			continue;
		if (n++ == LEAVE_BATCH) {
			a->more = true;
			return;
		}
		if (ledger_device(l, m, b->device) != NULL)
			leftover_put(t, v, b, a->run->op, why);
		snprintf(b->pending, sizeof(b->pending), LEFT);
	}
}

static enum err
leave_build(void *arg, struct txn *t, struct error *err)
{
	struct leave *a = arg;
	struct mirror *m = a->run->deps->mirror;
	RECORD_SCOPE struct volume *was =
		(void *)mirror_get(m, RECORD_VOLUME, a->volume);
	RECORD_SCOPE struct volume *v = NULL;
	struct ledger l = { 0 };
	size_t n;

	if (was == NULL)
		return fail(err, ERR_INTERNAL, "volume %s: record is gone",
			    a->volume);
	v = volume_copy(was);
	n = v->nbricks;
	mirror_rdlock(m);
	leave_some(a, v, &l, t);
	mirror_unlock(m);
	ledger_close(&l, t);
	volume_remove_bricks(v, LEFT);
	if (v->nbricks < n)
		txn_put(t, &v->r);
	return ERR_OK;
}

enum err
lost_leave(struct op_run *run, const char *volume, const char *pending,
	   const struct kvs *nodes, struct error *err)
{
	struct leave a = { run, volume, pending, nodes, true };
	enum err r = ERR_OK;

	LOCK_FOR_SCOPE(engine_turn(run->engine));
	while (r == ERR_OK && a.more)
		r = engine_commit_op(run, leave_build, &a, err);
	for (size_t i = 0; r == ERR_OK && i < nodes->n; i++)
		log_warning("volume %s: its bricks on node %s could not be "
			    "removed, it does not answer: %s, ignoring; it is "
			    "tried again later", volume, nodes->v[i].key,
			    nodes->v[i].value);
	return r;
}

/* ---- placing ---- */

static void
note_found(const struct op_run *run, const char *node)
{
	RECORD_SCOPE struct node *n =
		(void *)mirror_get(run->deps->mirror, RECORD_NODE, node);

	if (n != NULL)
		health_note_found(run->deps, n);
}

/* The devices of those that are lost still; the others may be used at once. */
static enum err
list_lost_devices(struct op_run *run, const struct brickyard_call *call,
		  struct strs *ret, struct error *err)
{
	CLEANUP(strs_release) struct strs ids = { 0 };

	list_nodes(run, &ids);
	for (size_t i = 0; i < ids.n; i++) {
		bool live = false;
		enum err r = node_is_live(run->deps, call, ids.v[i], &live, err);

		if (r != ERR_OK)
			return r;
		if (live)
			note_found(run, ids.v[i]);
		else
			add_devices(run, ids.v[i], ret);
	}
	return ERR_OK;
}

static enum err
place(struct op_run *run, txn_build_fn *build, const struct strs *avoid,
      struct error *err)
{
	struct place_arg a = { run, avoid };
	LOCK_FOR_SCOPE(engine_turn(run->engine));

	return engine_commit_op(run, build, &a, err);
}

static bool
is_no_room(enum err r)
{
	return r == ERR_NOSPACE || r == ERR_REFUSED;
}

enum err
place_around(struct op_run *run, const struct brickyard_call *call,
	     txn_build_fn *build, struct error *err)
{
	CLEANUP(strs_release) struct strs lost = { 0 };
	const struct operation *op = run->op;
	enum err r = place(run, build, &op->avoid, err);

	if (is_no_room(r) && op->avoid.n > 0) {
		CLEANUP_FREE struct error *why = XNEW(struct error);
		enum err e = list_lost_devices(run, call, &lost, why);

		if (e != ERR_OK)
			return fail(err, e, "%s", why->text);
		r = place(run, build, &lost, err);
	}
	/* What matters to the client is why the attempt before failed. */
	if (is_no_room(r) && op->error != NULL)
		return fail(err, op->error_code, "%s", op->error);
	return r;
}

/* It holds for the attempt that it was noted in. */
void
lost_note_elsewhere(struct op_run *run, bool wanted)
{
	char attempt[16];

	snprintf(attempt, sizeof(attempt), "%" PRIu32, run->op->attempt);
	if (wanted)
		kvs_set(&run->op->args, ELSEWHERE_ARG, attempt);
	else
		kvs_del(&run->op->args, ELSEWHERE_ARG);
}

enum err
lost_elsewhere(struct op_run *run, struct error *err)
{
	int64_t limit = config_int(run->deps->config,
				   "glusterfs.operation_retry_limits.volume_create");
	const char *noted = kvs_get(&run->op->args, ELSEWHERE_ARG);

	/* The one that begins is counted already. */
	if (noted == NULL || strtoul(noted, NULL, 10) + 1 != run->op->attempt ||
	    run->op->attempt > limit)
		return fail(err, ERR_REFUSED, "no attempt left");
	return ERR_OK;
}
