/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filling a store.  Runs on the main thread of a process that does nothing else.
 *
 *	is it empty? ─► mark ─► write, in batches ─► read back, compare ─► unmark
 *
 * Whoever stops it in between leaves the mark.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "store/bulk.h"
#include "store/codec.h"
#include "util/xalloc.h"

/* Well below what etcd takes in one request (1.5 MiB). */
#define BATCH_BYTES (512 * 1024)

/* ---- documents ---- */

void
docs_add(struct docs *d, const char *key, const char *value, size_t len)
{
	*VEC_PUSH(d) = (struct doc){
		.key = xstrdup(key),
		.value = xmemdup(value, len),
		.len = len,
	};
}

static int
compare_keys(const void *a, const void *b)
{
	const struct doc *x = a, *y = b;

	return strcmp(x->key, y->key);
}

void
docs_sort(struct docs *d)
{
	if (d->n > 1)
		qsort(d->v, d->n, sizeof(*d->v), compare_keys);
}

void
docs_release(struct docs *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].key);
		free(d->v[i].value);
	}
	free(d->v);
	memset(d, 0, sizeof(*d));
}

/* ---- is it empty? ---- */

struct census {
	size_t n;
	bool marked;
};

static int
count_key(void *arg, const struct store_kv *kv)
{
	struct census *census = arg;

	census->n++;
	if (strcmp(kv->key, BULK_MARKER) == 0)
		census->marked = true;
	return 0;
}

static enum err
check_empty(struct bulk *b, size_t expected, struct error *err)
{
	struct census census = { 0 };
	const char *name = store_describe(b->to);
	enum err e = store_load(b->to, "", count_key, &census, NULL, err);

	if (e != ERR_OK || census.n == expected)
		return e;
	if (census.marked && expected == 0)
		return fail(err, ERR_EXISTS, "%s: a copy into it did not come "
			    "to its end: empty it (remove the file, or all keys "
			    "below the prefix), then copy again", name);
	return fail(err, ERR_EXISTS, "%s: it is not empty: %zu keys", name,
		    census.n - expected);
}

/* ---- the mark ---- */

static enum err
mark(struct bulk *b, const char *origin, struct error *err)
{
	struct index_entry *e = index_new(RECORD_ADMIN, RECORD_COPYING, origin);
	CLEANUP_FREE char *doc = record_encode(&e->r);
	struct store_guard guard = { BULK_MARKER, 0 };
	struct store_write write = {
		.key = BULK_MARKER, .value = doc, .len = strlen(doc),
	};

	record_unref(&e->r);
	return store_commit(b->to, &guard, 1, &write, 1, &b->marker_revision,
			    err);
}

enum err
bulk_finish(struct bulk *b, struct error *err)
{
	struct store_guard guard = { BULK_MARKER, b->marker_revision };
	struct store_write write = { .key = BULK_MARKER };

	return store_commit(b->to, &guard, 1, &write, 1, NULL, err);
}

/* ---- writing ---- */

/* From document `first` on as many as go into one commit; returns their number. */
static size_t
batch(const struct docs *docs, size_t first, struct store_guard *guards,
      struct store_write *writes)
{
	size_t n = 0, bytes = 0;

	while (n < STORE_COMMIT_MAX && first + n < docs->n) {
		const struct doc *d = &docs->v[first + n];

		bytes += d->len + strlen(d->key);
		if (n > 0 && bytes > BATCH_BYTES)
			break;
		guards[n] = (struct store_guard){ d->key, 0 };
		writes[n++] = (struct store_write){
			.key = d->key, .value = d->value, .len = d->len,
		};
	}
	return n;
}

static enum err
write_all(struct bulk *b, struct error *err)
{
	struct store_guard guards[STORE_COMMIT_MAX];
	struct store_write writes[STORE_COMMIT_MAX];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < b->docs->n;) {
		size_t n = batch(b->docs, i, guards, writes);

		e = store_commit(b->to, guards, n, writes, n, NULL, err);
		i += n;
	}
	return e;
}

/* ---- comparing ---- */

int
compare_doc(struct comparison *c, const struct store_kv *kv)
{
	const struct doc *d = c->at < c->docs->n ? &c->docs->v[c->at] : NULL;

	if (strcmp(kv->key, BULK_MARKER) == 0)
		return 0;
	if (d != NULL && strcmp(d->key, kv->key) == 0 && d->len == kv->len &&
	    memcmp(d->value, kv->value, d->len) == 0) {
		c->at++;
		return 0;
	}
	c->differs = xstrdup(kv->key);
	return 1;
}

enum err
comparison_end(struct comparison *c, struct store *s, const char *what,
	       struct error *err)
{
	CLEANUP_FREE char *differs = STEAL(c->differs);

	if (differs == NULL && c->at < c->docs->n)
		differs = xstrdup(c->docs->v[c->at].key);
	if (differs != NULL)
		return fail(err, ERR_CONFLICT, "%s: %s: key '%s' differs",
			    store_describe(s), what, differs);
	return ERR_OK;
}

static int
compare(void *arg, const struct store_kv *kv)
{
	return compare_doc(arg, kv);
}

static enum err
verify(struct bulk *b, struct error *err)
{
	struct comparison c = { .docs = b->docs };
	enum err e = store_load(b->to, "", compare, &c, NULL, err);

	if (e == ERR_OK)
		return comparison_end(&c, b->to,
				      "reading back what was written", err);
	free(c.differs);
	return e;
}

enum err
bulk_fill(struct bulk *b, const char *origin, struct error *err)
{
	enum err e = check_empty(b, 0, err);

	if (e == ERR_OK)
		e = mark(b, origin, err);
	/* Somebody may have begun to serve from it just before the mark. */
	if (e == ERR_OK)
		e = check_empty(b, 1, err);
	if (e == ERR_OK)
		e = write_all(b, err);
	return e == ERR_OK ? verify(b, err) : e;
}
