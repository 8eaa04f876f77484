/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "live-node.h"
#include "node-args.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define CHECK_TIMEOUT_S 60

static int
sub_cancelled(const struct brickyard_call *call)
{
	const struct sub_call *c = (const void *)call;

	return c->outer->cancelled(c->outer);
}

void
sub_call_init(struct sub_call *c, const struct brickyard_call *outer,
	      int timeout_s)
{
	int64_t ours = clock_mono_ms() + timeout_s * 1000LL;

	c->call = *outer;
	c->outer = outer;
	c->call.cancelled = sub_cancelled;
	if (ours < c->call.deadline_ms)
		c->call.deadline_ms = ours;
}

/* After these it makes no sense to ask anybody else. */
static bool
is_final(enum err r, const struct brickyard_call *call)
{
	return r == ERR_FENCED || r == ERR_STORE || r == ERR_CANCELLED ||
	       call->cancelled(call) || clock_mono_ms() >= call->deadline_ms;
}

static enum err
check(const struct engine_deps *deps, const struct brickyard_call *call,
      const struct brickyard_node *node, struct error *err)
{
	struct sub_call sub;

	sub_call_init(&sub, call, CHECK_TIMEOUT_S);
	return executor_node_check(deps->executor, &sub.call, node, err);
}

enum err
node_is_live(const struct engine_deps *deps, const struct brickyard_call *call,
	     const char *node_id, bool *ret, struct error *err)
{
	RECORD_SCOPE struct node *n =
		(void *)mirror_get(deps->mirror, RECORD_NODE, node_id);
	struct brickyard_node arg;
	enum err r;

	*ret = false;
	if (n == NULL)
		return ERR_OK;
	arg = node_arg(n);
	r = check(deps, call, &arg, err);
	if (is_final(r, call))
		return r != ERR_OK ? r : fail(err, ERR_CANCELLED, "cancelled");
	*ret = r == ERR_OK;
	return ERR_OK;
}

/* ---- in which order they are asked ---- */

struct candidate {
	struct node *node;
	int rank;
};

struct candidates {
	struct candidate *v;
	size_t n, cap;
};

static void
candidates_release(struct candidates *l)
{
	for (size_t i = 0; i < l->n; i++)
		record_unref(&l->v[i].node->r);
	free(l->v);
}

static bool
holds_brick(const struct volume *v, const char *node)
{
	for (size_t i = 0; i < v->nbricks; i++)
		if (strcmp(v->bricks[i].node, node) == 0)
			return true;
	return false;
}

static int
rank_of(struct mirror *m, const struct volume *v, const char *first,
	const struct node *n)
{
	bool poor = n->state != STATE_ONLINE || n->pending[0] != '\0' ||
		    mirror_peek(m, RECORD_HEALTH, n->id) != NULL;

	if (first != NULL && strcmp(first, n->id) == 0 && !poor)
		return 0;
	return 1 + (holds_brick(v, n->id) ? 0 : 1) + (poor ? 2 : 0);
}

static int
by_rank(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;

	return a->rank != b->rank ? a->rank - b->rank :
	       strcmp(a->node->id, b->node->id);
}

static void
list_candidates(const struct engine_deps *deps, const struct volume *v,
		const char *first, struct candidates *ret)
{
	const struct strs *ids;

	mirror_rdlock(deps->mirror);
	ids = relation_of(deps->model->nodes, v->cluster);
	for (size_t i = 0; i < ids->n; i++) {
		const struct node *n = (const void *)mirror_peek(
			deps->mirror, RECORD_NODE, ids->v[i]);

		if (n == NULL || n->adding)
			continue;
		*VEC_PUSH(ret) = (struct candidate){
			(void *)record_ref(&n->r),
			rank_of(deps->mirror, v, first, n),
		};
	}
	mirror_unlock(deps->mirror);
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(ret->v[0]), by_rank);
}

bool
node_was_lost(enum err r)
{
	return r == ERR_UNREACHABLE || r == ERR_TIMEOUT;
}

enum err
on_live_node(const struct engine_deps *deps, const struct brickyard_call *call,
	     const struct volume *v, const char *first, int timeout_s,
	     live_fn *fn, void *arg, struct error *err)
{
	CLEANUP(candidates_release) struct candidates l = { 0 };
	enum err r = ERR_OK;

	list_candidates(deps, v, first, &l);
	r = fail(err, ERR_EXEC, "no hosts available (%zu total)", l.n);
	for (size_t i = 0; i < l.n; i++) {
		struct brickyard_node node = node_arg(l.v[i].node);
		struct sub_call sub;

		r = check(deps, call, &node, err);
		if (r == ERR_OK) {
			sub_call_init(&sub, call, timeout_s);
			r = fn(arg, &sub.call, &node, err);
			if (!node_was_lost(r) || is_final(r, call))
				return r;
		}
		if (is_final(r, call))
			return r;
		log_info("node %s: %s, asking another", node.id, err->text);
	}
	return r;
}
