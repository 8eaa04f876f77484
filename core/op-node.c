/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stages of the operations on nodes: add, delete. */
#include <config.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "node-args.h"
#include "op-block.h"
#include "peers.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define NODE_TIMEOUT_S 660
#define PATIENCE_MS 1000

static enum err
target(struct op_run *run, struct node **ret, struct error *err)
{
	RECORD_SCOPE struct node *n = (void *)mirror_get(
		run->deps->mirror, RECORD_NODE, run->op->target);

	if (n == NULL)
		return fail(err, ERR_INTERNAL, "node %s: record is gone",
			    run->op->target);
	*ret = node_copy(n);
	return ERR_OK;
}

/* ---- choosing a peer ---- */

struct node_list {
	struct node **v;
	size_t n, cap;
};

struct peer_list {
	struct node_list good;	/* whom to ask */
	struct node_list poor;	/* offline, or going away themselves */
	bool stays;		/* one of the poor remains a peer */
	bool others_coming;	/* earlier ones that are still being added */
};

static void
node_list_release(struct node_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		record_unref(&l->v[i]->r);
	free(l->v);
}

static void
peer_list_release(struct peer_list *l)
{
	node_list_release(&l->good);
	node_list_release(&l->poor);
}

/* The place of a node among those that are being added to its cluster: the
 * revision of the cluster's record when it was admitted, which each admission
 * moves on.  One that is going back will be nobody's peer.
 */
static int64_t
order_of(struct mirror *m, const struct node *n)
{
	const struct operation *op =
		(const void *)mirror_peek(m, RECORD_OPERATION, n->pending);
	const char *order = op != NULL ? kvs_get(&op->args, "order") : NULL;

	return order != NULL && op->status == OP_RUNNING ?
	       strtoll(order, NULL, 10) : INT64_MAX;
}

static bool
is_good(const struct node *n)
{
	return n->state == STATE_ONLINE && n->pending[0] == '\0';
}

/* Those that are deleted are nobody's peers soon; those that are offline, or being
 * freed of their bricks, are.
 */
static bool
is_staying(struct mirror *m, const struct node *n)
{
	const struct operation *op =
		(const void *)mirror_peek(m, RECORD_OPERATION, n->pending);

	return n->pending[0] == '\0' ||
	       (op != NULL && op->kind == OP_NODE_REMOVE);
}

static void
list_peers(struct mirror *m, struct model *model, const char *cluster,
	   const struct node *except, struct peer_list *ret)
{
	const struct strs *ids;

	mirror_rdlock(m);
	ids = relation_of(model->nodes, cluster);
	for (size_t i = 0; i < ids->n; i++) {
		const struct node *n =
			(const void *)mirror_peek(m, RECORD_NODE, ids->v[i]);

		if (n == NULL || (except && strcmp(n->id, except->id) == 0))
			continue;
		if (n->adding)
			ret->others_coming |= except != NULL &&
				order_of(m, n) < order_of(m, except);
		if (n->adding)
			continue;
		*VEC_PUSH(is_good(n) ? &ret->good : &ret->poor) =
			(void *)record_ref(&n->r);
		ret->stays |= !is_good(n) && is_staying(m, n);
	}
	mirror_unlock(m);
}

enum err
peer_find(const struct engine_deps *deps, const struct brickyard_call *call,
	  const char *cluster, const struct node *except, struct node **ret,
	  struct error *err)
{
	CLEANUP(peer_list_release) struct peer_list l = { 0 };

	list_peers(deps->mirror, deps->model, cluster, except, &l);
	for (size_t i = 0; i < l.good.n; i++) {
		struct brickyard_node arg = node_arg(l.good.v[i]);
		enum err r = executor_node_check(deps->executor, call, &arg, err);

		if (r == ERR_OK)
			*ret = (void *)record_ref(&l.good.v[i]->r);
		if (r == ERR_OK || r == ERR_FENCED || call->cancelled(call))
			return r;
		log_info("node %s: %s", l.good.v[i]->id, err->text);
	}
	return fail(err, ERR_NOTFOUND, "None of the nodes in cluster has "
		    "glusterd running");
}

/* Is it the first of its cluster?  Waits for those that are being added before
 * it: one of them may become its peer.  Not for long, since they may be waiting
 * for this thread: then the operation is left, and taken up again in a second.
 */
static enum err
is_first(struct op_run *run, const struct brickyard_call *call,
	 const struct node *n, bool *ret, struct error *err)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	for (;;) {
		CLEANUP(peer_list_release) struct peer_list l = { 0 };

		list_peers(run->deps->mirror, run->deps->model, n->cluster, n,
			   &l);
		*ret = l.good.n == 0 && !l.stays;
		if (l.good.n > 0 || !l.others_coming)
			return ERR_OK;
		if (!call_sleep(call, 50) || clock_mono_ms() > until)
			return fail(err, ERR_CANCELLED, "node %s: other nodes of "
				    "its cluster are being added", n->id);
	}
}

/* Was the peer one all the time?  One that was being deleted may have left the
 * pool before it did what it was asked, which was of no use then, or worse.
 */
static enum err
was_good(struct op_run *run, const struct node *peer, bool *ret,
	 struct error *err)
{
	RECORD_SCOPE struct node *now = NULL;

	if (mirror_sync(run->deps->mirror, 5000, err) != ERR_OK) {
		err->code = ERR_STORE;
		return ERR_STORE;
	}
	now = (void *)mirror_get(run->deps->mirror, RECORD_NODE, peer->id);
	*ret = now != NULL && now->pending[0] == '\0';
	return ERR_OK;
}

/* ---- add ---- */

static enum err
probe_from(struct op_run *run, const struct brickyard_call *call,
	   const struct node *peer, const struct node *n, struct error *err)
{
	struct brickyard_node from = node_arg(peer);
	bool good = false;
	enum err r = executor_peer_probe(run->deps->executor, call, &from,
					 n->storage.v[0], err);

	if (r == ERR_OK)
		r = was_good(run, peer, &good, err);
	if (r != ERR_OK || good)
		return r;
	r = executor_peer_detach(run->deps->executor, call, &from,
				 n->storage.v[0], err);
	return r != ERR_OK ? r :
	       fail(err, ERR_UNREACHABLE, "node %s: its peer %s was deleted",
		    n->id, peer->id);
}

static enum err
join_cluster(struct op_run *run, const struct brickyard_call *call,
	     struct error *err)
{
	RECORD_SCOPE struct node *n = NULL;
	RECORD_SCOPE struct node *peer = NULL;
	bool first = false;
	enum err r = target(run, &n, err);

	if (r == ERR_OK) {
		struct brickyard_node arg = node_arg(n);

		node_log_probe(run->deps->executor, call, &arg);
		r = is_first(run, call, n, &first, err);
	}
	if (r != ERR_OK || first)
		return r;
	r = peer_find(run->deps, call, n->cluster, n, &peer, err);
	return r == ERR_OK ? probe_from(run, call, peer, n, err) : r;
}

static enum err
detach_from(struct op_run *run, const struct brickyard_call *call,
	    const struct node *peer, const struct node *n, bool *ret_good,
	    struct error *err)
{
	struct brickyard_node from = node_arg(peer);
	enum err r = executor_node_check(run->deps->executor, call, &from, err);

	if (r == ERR_OK)
		r = executor_peer_detach(run->deps->executor, call, &from,
					 n->storage.v[0], err);
	return r == ERR_OK ? was_good(run, peer, ret_good, err) : r;
}

/* From the first of them who can; of those that go away themselves, from each:
 * one may have left before.
 */
static enum err
detach_from_any(struct op_run *run, const struct brickyard_call *call,
		const struct node_list *l, const struct node *n, bool *ret_done,
		struct error *err)
{
	enum err r = ERR_OK;

	for (size_t i = 0; i < l->n && !*ret_done; i++) {
		enum err e = detach_from(run, call, l->v[i], n, ret_done, err);

		if (e == ERR_FENCED || e == ERR_STORE || call->cancelled(call))
			return e != ERR_OK ? e :
			       fail(err, ERR_CANCELLED, "cancelled");
		if (e != ERR_OK)
			r = e;
	}
	return *ret_done ? ERR_OK : r;
}

static enum err
leave_cluster(struct op_run *run, const struct brickyard_call *call,
	      struct error *err)
{
	CLEANUP(peer_list_release) struct peer_list l = { 0 };
	RECORD_SCOPE struct node *n = NULL;
	bool done = false;
	enum err r = target(run, &n, err);

	if (r != ERR_OK)
		return r;
	list_peers(run->deps->mirror, run->deps->model, n->cluster, n, &l);
	r = detach_from_any(run, call, &l.good, n, &done, err);
	if (done || r == ERR_FENCED || r == ERR_STORE || call->cancelled(call))
		return r;
	r = detach_from_any(run, call, &l.poor, n, &done, err);
	return done ? ERR_OK : r;
}

/* As heketi: that a detach fails is no reason to keep the node. */
static enum err
leave_cluster_anyhow(struct op_run *run, const struct brickyard_call *call,
		     struct error *err)
{
	enum err r = leave_cluster(run, call, err);

	if (r == ERR_OK || r == ERR_FENCED || r == ERR_STORE ||
	    call->cancelled(call))
		return r;
	log_warning("node %s: peer detach: %s, ignoring", run->op->target,
		    err->text);
	return ERR_OK;
}

/* Each once, even if a host is named twice. */
static void
add_host_keys(const char *space, const struct strs *hosts, struct strs *ret)
{
	for (size_t i = 0; i < hosts->n; i++) {
		CLEANUP_FREE char *key =
			xasprintf("index/hosts/%s/%s", space, hosts->v[i]);

		if (!strs_has(ret, key))
			strs_add(ret, key);
	}
}

void
node_host_keys(const struct node *n, struct strs *ret)
{
	add_host_keys("manage", &n->manage, ret);
	add_host_keys("storage", &n->storage, ret);
}

static enum err
add_finish(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct node *n = NULL;
	enum err r = target(run, &n, err);

	if (r != ERR_OK)
		return r;
	n->adding = false;
	n->pending[0] = '\0';
	txn_put(t, &n->r);
	free(run->op->location);
	run->op->location = xasprintf("/nodes/%s", n->id);
	return ERR_OK;
}

static enum err
remove_record(struct op_run *run, struct txn *t, struct error *err)
{
	CLEANUP(strs_release) struct strs keys = { 0 };
	RECORD_SCOPE struct node *n = NULL;
	enum err r = target(run, &n, err);

	if (r != ERR_OK)
		return r;
	node_host_keys(n, &keys);
	txn_delete(t, &n->r);
	for (size_t i = 0; i < keys.n; i++)
		txn_drop(t, keys.v[i]);
	return ERR_OK;
}

static const struct op_stage add_stages[] = {
	{ "peer", NODE_TIMEOUT_S, join_cluster, leave_cluster },
};

const struct op_rules op_rules_node_add = {
	.kind = OP_NODE_ADD,
	.stages = add_stages,
	.nstages = ARRAY_SIZE(add_stages),
	.finish = add_finish,
	.undone = remove_record,
};

/* ---- delete ---- */

static enum err
delete_undone(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct node *n = NULL;
	enum err r = target(run, &n, err);

	if (r != ERR_OK)
		return r;
	n->pending[0] = '\0';
	txn_put(t, &n->r);
	return ERR_OK;
}

static enum err
leave_block_volumes(struct op_run *run, const struct brickyard_call *call,
		    struct error *err)
{
	RECORD_SCOPE struct node *n = NULL;
	enum err r = target(run, &n, err);

	if (r != ERR_OK || n->storage.n == 0)
		return r;
	return block_forget_host(run, n->cluster, n->storage.v[0], err);
}

static const struct op_stage delete_stages[] = {
	{ "peer", NODE_TIMEOUT_S, leave_cluster_anyhow, NULL },
	{ "block", NODE_TIMEOUT_S, leave_block_volumes, NULL },
};

const struct op_rules op_rules_node_delete = {
	.kind = OP_NODE_DELETE,
	.stages = delete_stages,
	.nstages = ARRAY_SIZE(delete_stages),
	.finish = remove_record,
	.undone = delete_undone,
};
