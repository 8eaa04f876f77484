/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking leftovers away when their nodes are back: a duty, and whoever cleans up. */
#include <config.h>

#include <string.h>

#include "allocate.h"
#include "duty.h"
#include "leftover.h"
#include "live-node.h"
#include "node-args.h"
#include "util/log.h"
#include "util/xalloc.h"

#define DESTROY_TIMEOUT_S 600
#define CHECK_TIMEOUT_S	  60
#define SWEEP_TIMEOUT_S	  (24 * 3600)

struct sweep {
	const struct brickyard_call *call;	/* of the whole */
	const struct engine_deps *deps;
	const struct index_entry *entry;
	struct strs *dead;		/* nodes that did not answer this time */
	struct leftover l;
};

/* A volume of one brick, for what takes volumes. */
static struct volume *
as_volume(const struct leftover *l)
{
	struct volume *v = volume_new(l->volume);
	struct brick *b = volume_grow(v, 1);

	*b = l->brick;
	b->host = xstrdup(l->brick.host);
	b->path = xstrdup(l->brick.path);
	b->lv = xstrdup(l->brick.lv);
	b->thin_pool = xstrdup(l->brick.thin_pool);
	return v;
}

static enum err
destroy_as(struct sweep *s, const struct brick_args *a, const char *operation,
	   uint64_t epoch, struct error *err)
{
	const struct brick_group *g = &a->groups[0];
	struct sub_call c;

	sub_call_init(&c, s->call, DESTROY_TIMEOUT_S);
	c.call.operation_id = operation;
	c.call.epoch = epoch;
	return executor_bricks_destroy(s->deps->executor, &c.call, &g->arg,
				       g->bricks, g->n, err);
}

/* As the operation that could not: that stops what is left of it on the node.
 * Once the node has seen a higher epoch of it, that is stopped already.
 */
static enum err
destroy(struct sweep *s, struct error *err)
{
	RECORD_SCOPE struct volume *v = as_volume(&s->l);
	struct brick_args a;
	struct sub_call c;
	enum err r = brick_args_init(&a, s->deps->mirror, v, NULL, err);

	if (r != ERR_OK)
		return r;
	sub_call_init(&c, s->call, CHECK_TIMEOUT_S);
	r = executor_node_check(s->deps->executor, &c.call, &a.groups[0].arg, err);
	if (node_was_lost(r))
		strs_add(s->dead, s->l.brick.node);
	if (r == ERR_OK)
		r = s->l.operation[0] == '\0' ? ERR_FENCED :
		    destroy_as(s, &a, s->l.operation, s->l.epoch, err);
	if (r == ERR_FENCED)
		r = destroy_as(s, &a, s->l.brick.id, 1, err);
	brick_args_release(&a);
	return r;
}

/* It is gone, or there is nothing any more that it could be on. */
static void
forget(struct sweep *s)
{
	RECORD_SCOPE struct volume *v = as_volume(&s->l);
	struct ledger ledger = { 0 };
	TXN_SCOPE struct txn t = { 0 };
	struct error err;
	enum err r;

	mirror_rdlock(s->deps->mirror);
	release_brick(s->deps, v, &v->bricks[0], NULL, &ledger);
	mirror_unlock(s->deps->mirror);
	ledger_close(&ledger, &t);
	txn_delete(&t, &s->entry->r);
	r = txn_commit(&t, s->deps->mirror, &err);
	if (r == ERR_OK)
		log_notice("brick %s, left over on device %s, is gone",
			   s->l.brick.id, s->l.brick.device);
	else if (r != ERR_CONFLICT)
		log_warning("brick %s, left over: %s, retrying", s->l.brick.id,
			    err.text);
}

static void
sweep(struct sweep *s)
{
	struct error err;
	enum err r;

	/* Or each of its bricks would keep the others waiting. */
	if (strs_has(s->dead, s->l.brick.node))
		return;
	r = destroy(s, &err);
	if (r == ERR_OK || r == ERR_NOTFOUND)
		forget(s);
	else if (!s->call->cancelled(s->call))
		log_info("brick %s, left over on device %s: %s, retrying",
			 s->l.brick.id, s->l.brick.device, err.text);
}

void
leftovers_sweep(const struct engine_deps *deps,
		const struct brickyard_call *call)
{
	CLEANUP(strs_release) struct strs dead = { 0 };
	size_t n;
	struct record **l = mirror_list(deps->mirror, RECORD_ADMIN, &n);

	for (size_t i = 0; i < n && !call->cancelled(call); i++) {
		struct sweep s = { .call = call, .deps = deps,
				   .entry = (const void *)l[i],
				   .dead = &dead };

		if (!leftover_parse(s.entry, &s.l))
			continue;
		sweep(&s);
		leftover_release(&s.l);
	}
	mirror_list_free(l, n);
}

void
leftovers_run(struct duty *duty, const struct engine_deps *deps)
{
	struct duty_call c;

	duty_call_init(&c, duty, SWEEP_TIMEOUT_S);
	leftovers_sweep(deps, &c.call);
}
