/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The value of an entry is lines of "NAME VALUE". */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "duty.h"
#include "leftover.h"
#include "live-node.h"
#include "node-args.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define DESTROY_TIMEOUT_S 600
#define CHECK_TIMEOUT_S	  60

void
leftover_release(struct leftover *l)
{
	brick_release(&l->brick);
	free(l->why);
}

/* ---- as text ---- */

static void
parse_lines(const char *text, struct kvs *ret)
{
	CLEANUP(strs_release) struct strs lines = { 0 };

	strs_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *space = strchr(lines.v[i], ' ');

		if (space == NULL)
			continue;
		*space = '\0';
		kvs_set(ret, lines.v[i], space + 1);
	}
}

static const char *
word(const struct kvs *l, const char *name)
{
	const char *v = kvs_get(l, name);

	return v != NULL ? v : "";
}

static uint64_t
number(const struct kvs *l, const char *name)
{
	return strtoull(word(l, name), NULL, 10);
}

static void
parse_brick(const struct kvs *l, const char *id, struct brick *ret)
{
	snprintf(ret->id, sizeof(ret->id), "%s", id);
	snprintf(ret->device, sizeof(ret->device), "%s", word(l, "device"));
	snprintf(ret->node, sizeof(ret->node), "%s", word(l, "node"));
	ret->host = xstrdup(word(l, "host"));
	ret->path = xstrdup(word(l, "path"));
	ret->lv = xstrdup(word(l, "lv"));
	ret->thin_pool = xstrdup(word(l, "pool"));
	ret->size_bytes = number(l, "size_bytes");
	ret->thin_pool_bytes = number(l, "pool_bytes");
	ret->metadata_bytes = number(l, "metadata_bytes");
	ret->role = (uint32_t)number(l, "role");
}

bool
leftover_parse(const struct index_entry *e, struct leftover *ret)
{
	const char *prefix = "admin/" LEFTOVER_PREFIX;
	CLEANUP(kvs_release) struct kvs l = { 0 };

	if (strncmp(e->r.key, prefix, strlen(prefix)) != 0 || e->value == NULL)
		return false;
	parse_lines(e->value, &l);
	if (word(&l, "device")[0] == '\0' || word(&l, "lv")[0] == '\0')
		return false;
	memset(ret, 0, sizeof(*ret));
	parse_brick(&l, e->r.key + strlen(prefix), &ret->brick);
	snprintf(ret->volume, sizeof(ret->volume), "%s", word(&l, "volume"));
	snprintf(ret->operation, sizeof(ret->operation), "%s",
		 word(&l, "operation"));
	ret->epoch = number(&l, "epoch");
	ret->since_ms = (int64_t)number(&l, "since_ms");
	ret->why = xstrdup(word(&l, "why"));
	return true;
}

static void
add_line(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "%s ", name);
	for (; *value != '\0'; value++)
		buf_addf(b, "%c", *value == '\n' ? ' ' : *value);
	buf_adds(b, "\n");
}

static void
add_number(struct buf *b, const char *name, uint64_t value)
{
	buf_addf(b, "%s %" PRIu64 "\n", name, value);
}

void
leftover_put(struct txn *t, const struct volume *v, const struct brick *k,
	     const struct operation *op, const char *why)
{
	CLEANUP_FREE char *key = xasprintf("admin/" LEFTOVER_PREFIX "%s", k->id);
	CLEANUP(buf_release) struct buf b = { 0 };

	add_line(&b, "volume", v->id);
	add_line(&b, "operation", op->id);
	add_number(&b, "epoch", op->epoch);
	add_line(&b, "node", k->node);
	add_line(&b, "device", k->device);
	add_line(&b, "host", k->host);
	add_line(&b, "path", k->path);
	add_line(&b, "lv", k->lv);
	add_line(&b, "pool", k->thin_pool != NULL ? k->thin_pool : "");
	add_number(&b, "size_bytes", k->size_bytes);
	add_number(&b, "pool_bytes", k->thin_pool_bytes);
	add_number(&b, "metadata_bytes", k->metadata_bytes);
	add_number(&b, "role", k->role);
	add_number(&b, "since_ms", (uint64_t)clock_wall_ms());
	add_line(&b, "why", why);
	txn_claim(t, key, buf_str(&b));
}

bool
leftover_keeps_pool(const struct model *m, const struct brick *b)
{
	const struct strs *keys = relation_of(m->leftovers, "");
	bool keeps = false;

	for (size_t i = 0; i < keys->n && !keeps; i++) {
		const struct record *r =
			mirror_peek(m->mirror, RECORD_ADMIN, keys->v[i]);
		struct leftover l;

		if (r == NULL || !leftover_parse((const void *)r, &l))
			continue;
		keeps = strcmp(l.brick.id, b->id) != 0 &&
			strcmp(l.brick.device, b->device) == 0 &&
			strcmp(l.brick.thin_pool, b->thin_pool) == 0;
		leftover_release(&l);
	}
	return keeps;
}

bool
leftover_is_on(const struct model *m, const char *device)
{
	const struct strs *keys = relation_of(m->leftovers, "");
	bool found = false;

	for (size_t i = 0; i < keys->n && !found; i++) {
		const struct record *r =
			mirror_peek(m->mirror, RECORD_ADMIN, keys->v[i]);
		struct leftover l;

		if (r == NULL || !leftover_parse((const void *)r, &l))
			continue;
		found = strcmp(l.brick.device, device) == 0;
		leftover_release(&l);
	}
	return found;
}

/* ---- the duty ---- */

struct sweep {
	struct duty *duty;
	const struct engine_deps *deps;
	const struct index_entry *entry;
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
	struct duty_call c;

	duty_call_init(&c, s->duty, DESTROY_TIMEOUT_S);
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
	struct duty_call c;
	enum err r = brick_args_init(&a, s->deps->mirror, v, NULL, err);

	if (r != ERR_OK)
		return r;
	duty_call_init(&c, s->duty, CHECK_TIMEOUT_S);
	r = executor_node_check(s->deps->executor, &c.call, &a.groups[0].arg, err);
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
	enum err r = destroy(s, &err);

	if (r == ERR_OK || r == ERR_NOTFOUND)
		forget(s);
	else if (!duty_is_over(s->duty))
		log_info("brick %s, left over on device %s: %s, retrying",
			 s->l.brick.id, s->l.brick.device, err.text);
}

void
leftovers_run(struct duty *duty, const struct engine_deps *deps)
{
	size_t n;
	struct record **l = mirror_list(deps->mirror, RECORD_ADMIN, &n);

	for (size_t i = 0; i < n && !duty_is_over(duty); i++) {
		struct sweep s = { .duty = duty, .deps = deps,
				   .entry = (const void *)l[i] };

		if (!leftover_parse(s.entry, &s.l))
			continue;
		sweep(&s);
		leftover_release(&s.l);
	}
	mirror_list_free(l, n);
}
