/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The value of an entry is lines of "NAME VALUE". */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "leftover.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/xalloc.h"

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
