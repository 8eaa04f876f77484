/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hosts that export a block volume: choosing them, and when one of them is
 * deleted.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "node-args.h"
#include "op-block.h"
#include "util/log.h"
#include "util/xalloc.h"

#define HOSTS_PER_COMMIT 50

/* ---- choosing ---- */

struct node_list {
	struct node **v;
	size_t n, cap;
};

static void
node_list_release(struct node_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		record_unref(&l->v[i]->r);
	free(l->v);
}

/* Those that mount hosts are taken from, in order of id. */
static void
list_nodes(struct op_run *run, const char *cluster, struct node_list *ret)
{
	struct mirror *m = run->deps->mirror;
	const struct strs *ids;

	mirror_rdlock(m);
	ids = relation_of(run->deps->model->nodes, cluster);
	for (size_t i = 0; i < ids->n; i++) {
		const struct node *n =
			(const void *)mirror_peek(m, RECORD_NODE, ids->v[i]);

		if (n != NULL && n->pending[0] == '\0' && n->storage.n > 0)
			*VEC_PUSH(ret) = (void *)record_ref(&n->r);
	}
	mirror_unlock(m);
}

static void
shuffle(struct node_list *l, uint64_t seed)
{
	for (size_t i = l->n; i > 1; i--) {
		size_t k = block_choose(i, seed + i);
		struct node *n = l->v[i - 1];

		l->v[i - 1] = l->v[k];
		l->v[k] = n;
	}
}

/* So many of them whose glusterd runs; the others leave the list. */
static enum err
keep_running(struct op_run *run, const struct brickyard_call *call,
	     struct node_list *l, size_t wanted, struct error *err)
{
	size_t kept = 0, i;

	for (i = 0; i < l->n && kept < wanted; i++) {
		struct brickyard_node arg = node_arg(l->v[i]);
		struct node *n = l->v[i];
		enum err r = executor_node_check(run->deps->executor, call,
						 &arg, err);

		if (r == ERR_FENCED || call->cancelled(call))
			return r == ERR_OK ? fail(err, ERR_CANCELLED, "cancelled")
					   : r;
		if (r != ERR_OK) {
			log_info("node %s: %s", n->id, err->text);
			continue;
		}
		l->v[i] = l->v[kept];
		l->v[kept++] = n;
	}
	if (kept < wanted)
		return fail(err, ERR_EXEC, "insufficient block hosts online");
	for (i = kept; i < l->n; i++)
		record_unref(&l->v[i]->r);
	l->n = kept;
	return ERR_OK;
}

static enum err
choose(struct op_run *run, const struct brickyard_call *call,
       const struct blockvolume *b, struct node_list *l, struct error *err)
{
	uint64_t seed = strtoull(run->op->id + 16, NULL, 16);

	list_nodes(run, b->cluster, l);
	if (l->n == 0)
		return fail(err, ERR_EXEC, "insufficient block hosts online");
	if (b->hacount <= 0 || (uint64_t)b->hacount > l->n)
		return ERR_OK;
	shuffle(l, seed);
	return keep_running(run, call, l, (size_t)b->hacount, err);
}

struct hosts_arg {
	struct op_run *run;
	const struct node_list *nodes;
};

/* Guarded by the nodes: one that is deleted from now on finds itself in the
 * record and takes itself out.
 */
static enum err
hosts_build(void *arg, struct txn *t, struct error *err)
{
	const struct hosts_arg *a = arg;
	RECORD_SCOPE struct record *was = mirror_get(
		a->run->deps->mirror, RECORD_BLOCKVOLUME, a->run->op->target);
	RECORD_SCOPE struct blockvolume *b = NULL;

	if (was == NULL)
		return fail(err, ERR_INTERNAL, "block volume %s: record is gone",
			    a->run->op->target);
	b = blockvolume_copy((const void *)was);
	strs_release(&b->hosts);
	for (size_t i = 0; i < a->nodes->n; i++) {
		const struct node *n = a->nodes->v[i];
		RECORD_SCOPE struct record *now = mirror_get(
			a->run->deps->mirror, RECORD_NODE, n->id);

		if (now == NULL || now->revision != n->r.revision)
			return fail(err, ERR_UNREACHABLE, "node %s: it changed "
				    "while hosts were chosen", n->id);
		strs_add(&b->hosts, n->storage.v[0]);
		txn_guard(t, n->r.key, n->r.revision);
	}
	b->hacount = (int64_t)a->nodes->n;
	txn_put(t, &b->r);
	return ERR_OK;
}

enum err
block_choose_hosts(struct op_run *run, const struct brickyard_call *call,
		   const struct blockvolume *b, struct error *err)
{
	CLEANUP(node_list_release) struct node_list l = { 0 };
	struct hosts_arg a = { run, &l };
	enum err r = choose(run, call, b, &l, err);

	if (r != ERR_OK)
		return r;
	LOCK_FOR_SCOPE(engine_turn(run->engine));
	return engine_commit_op(run, hosts_build, &a, err);
}

/* ---- a host goes away ---- */

struct forget_arg {
	struct op_run *run;
	const char *host;
	const struct strs *ids;
	size_t from;
};

static void
list_on_host(struct op_run *run, const char *cluster, const char *host,
	     struct strs *ret)
{
	struct mirror *m = run->deps->mirror;
	const struct strs *ids;

	mirror_rdlock(m);
	ids = relation_of(run->deps->model->blockvolumes, cluster);
	for (size_t i = 0; i < ids->n; i++) {
		const struct blockvolume *b = (const void *)mirror_peek(
			m, RECORD_BLOCKVOLUME, ids->v[i]);

		if (b != NULL && strs_has(&b->hosts, host))
			strs_add(ret, b->id);
	}
	mirror_unlock(m);
}

static void
remove_host(struct blockvolume *b, const char *host)
{
	struct strs left = { 0 };

	for (size_t i = 0; i < b->hosts.n; i++)
		if (strcmp(b->hosts.v[i], host) != 0)
			strs_add(&left, b->hosts.v[i]);
	strs_release(&b->hosts);
	b->hosts = left;
}

static enum err
forget_build(void *arg, struct txn *t, struct error *err)
{
	const struct forget_arg *a = arg;

	for (size_t i = a->from;
	     i < a->ids->n && i < a->from + HOSTS_PER_COMMIT; i++) {
		RECORD_SCOPE struct blockvolume *now = (void *)mirror_get(
			a->run->deps->mirror, RECORD_BLOCKVOLUME, a->ids->v[i]);
		RECORD_SCOPE struct blockvolume *b = NULL;

		if (now == NULL || !strs_has(&now->hosts, a->host))
			continue;
		b = blockvolume_copy(now);
		remove_host(b, a->host);
		txn_put(t, &b->r);
	}
	return ERR_OK;
}

enum err
block_forget_host(struct op_run *run, const char *cluster, const char *host,
		  struct error *err)
{
	CLEANUP(strs_release) struct strs ids = { 0 };
	struct forget_arg a = { .run = run, .host = host, .ids = &ids };
	enum err r = ERR_OK;

	list_on_host(run, cluster, host, &ids);
	for (; r == ERR_OK && a.from < ids.n; a.from += HOSTS_PER_COMMIT) {
		LOCK_FOR_SCOPE(engine_turn(run->engine));

		r = engine_commit_op(run, forget_build, &a, err);
	}
	return r;
}
