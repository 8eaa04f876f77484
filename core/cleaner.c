/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left over: results of operations after a while, words on the health of
 * nodes that nobody renews, slots and names whose owners are gone.  (What an
 * operation that failed leaves on nodes is undone by the engine.)
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "duty.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define PRUNE_BATCH 100		/* in one commit */

/* Somebody else's change in between: the next round looks again. */
static bool
commit(const struct engine_deps *deps, struct txn *t, const char *what)
{
	struct error err;
	enum err r = txn_commit(t, deps->mirror, &err);

	if (r != ERR_OK && r != ERR_CONFLICT)
		log_warning("%s: %s, retrying", what, err.text);
	return r == ERR_OK;
}

/* ---- results ---- */

/* Oldest first, by wall time, but as old as the revision says: no clock that is
 * wrong, here or where the operation ended, may make us forget what the client
 * has not asked for yet.
 */
static void
list_old_results(const struct engine_deps *deps, struct strs *keys)
{
	int64_t keep_ms = config_int(deps->config, "result_retention_s") * 1000;
	int64_t old = ages_note(&deps->model->ages, clock_mono_ms(),
				mirror_revision(deps->mirror), keep_ms);
	const struct strs *l;

	mirror_rdlock(deps->mirror);
	l = relation_of(deps->model->ended_ops, "");
	for (size_t i = 0; i < l->n && keys->n < PRUNE_BATCH; i++) {
		const char *id = strchr(l->v[i], ' ') + 1;
		const struct record *op =
			mirror_peek(deps->mirror, RECORD_OPERATION, id);

		if (op == NULL || op->revision > old)
			break;
		*VEC_PUSH(keys) = xasprintf("operations/%s", id);
	}
	mirror_unlock(deps->mirror);
}

/* true: there may be more. */
static bool
drop_results(const struct engine_deps *deps)
{
	CLEANUP(strs_release) struct strs keys = { 0 };
	TXN_SCOPE struct txn t = { 0 };

	list_old_results(deps, &keys);
	if (keys.n == 0)
		return false;
	for (size_t i = 0; i < keys.n; i++)
		txn_drop(&t, keys.v[i]);
	return commit(deps, &t, "old results") && keys.n == PRUNE_BATCH;
}

/* Of nodes that are gone or not asked any more, or by a monitor that is. */
static bool
health_is_void(const struct engine_deps *deps, const struct health *h)
{
	RECORD_SCOPE struct node *n =
		(void *)mirror_get(deps->mirror, RECORD_NODE, h->id);

	return n == NULL || n->state != STATE_ONLINE ||
	       clock_wall_ms() - h->seen_ms >= HEALTH_EXPIRY_MS;
}

static void
drop_health(const struct engine_deps *deps)
{
	size_t n;
	struct record **l = mirror_list(deps->mirror, RECORD_HEALTH, &n);

	for (size_t i = 0; i < n; i++) {
		TXN_SCOPE struct txn t = { 0 };

		if (!health_is_void(deps, (const void *)l[i]))
			continue;
		txn_delete(&t, l[i]);
		(void)commit(deps, &t, l[i]->key);
	}
	mirror_list_free(l, n);
}

void
results_run(struct duty *duty, const struct engine_deps *deps)
{
	while (drop_results(deps) && !duty_is_over(duty))
		;
	drop_health(deps);
}

/* ---- slots and names ---- */

static const struct {
	const char *prefix;
	enum record_kind owner;
} owners[] = {
	{ "slots/", RECORD_OPERATION },
	{ "index/hosts/", RECORD_NODE },
	{ "index/volume-names/", RECORD_VOLUME },
	{ "index/block-names/", RECORD_BLOCKVOLUME },
	{ BLOCK_MAKING_KEY, RECORD_OPERATION },
};

static enum record_kind
owner_kind(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(owners); i++)
		if (strncmp(key, owners[i].prefix,
			    strlen(owners[i].prefix)) == 0)
			return owners[i].owner;
	return RECORD_KINDS;
}

/* What is taken is taken together with the record of its owner, and given back
 * so; one without the other means that somebody wrote to the store by hand.  An
 * owner that can't be read (a newer version's) is in no mirror, but it is there:
 * the guard says so.
 */
static void
look_at(const struct engine_deps *deps, const struct index_entry *e)
{
	enum record_kind kind = owner_kind(e->r.key);
	CLEANUP_FREE char *key = NULL;
	TXN_SCOPE struct txn t = { 0 };
	RECORD_SCOPE struct record *owner = NULL;

	if (kind == RECORD_KINDS || e->value == NULL || e->value[0] == '\0')
		return;
	owner = mirror_get(deps->mirror, kind, e->value);
	if (owner != NULL && (kind != RECORD_OPERATION ||
			      !operation_is_over((const void *)owner)))
		return;
	key = xasprintf("%s%s", record_prefix(kind), e->value);
	if (owner == NULL)
		txn_absent(&t, key);
	txn_delete(&t, &e->r);
	if (commit(deps, &t, e->r.key))
		log_warning("%s: its owner %s is gone: given back, ignoring",
			    e->r.key, key);
}

static void
look_at_all(struct duty *duty, const struct engine_deps *deps,
	    enum record_kind kind)
{
	size_t n;
	struct record **l = mirror_list(deps->mirror, kind, &n);

	for (size_t i = 0; i < n && !duty_is_over(duty); i++)
		look_at(deps, (const void *)l[i]);
	mirror_list_free(l, n);
}

void
cleaner_run(struct duty *duty, const struct engine_deps *deps)
{
	look_at_all(duty, deps, RECORD_SLOT);
	look_at_all(duty, deps, RECORD_INDEX);
}
