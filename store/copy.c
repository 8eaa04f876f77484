/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copying a store.  Runs on the main thread of a process that does nothing else.
 *
 *	read the source ─► mark the target ─► write, in batches ─► read the
 *	target, compare ─► read the source again, compare ─► unmark
 *
 * Whoever stops it in between leaves the mark, and a store with the mark serves
 * nobody.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/codec.h"
#include "store/copy.h"
#include "util/xalloc.h"

#define MARKER_KEY "admin/" RECORD_COPYING
/* Well below what etcd takes in one request (1.5 MiB). */
#define BATCH_BYTES (512 * 1024)

struct doc {
	char *key, *value;
	size_t len;
};

struct docs {
	struct doc *v;
	size_t n, cap;
};

struct copy {
	struct store *from, *to;
	struct docs docs;
	struct copy_report *report;
	size_t replicas;		/* at work on the source */
	/* while comparing */
	size_t at;
	char *differs;			/* the first key that does */
	int64_t marker_revision;
};

static void
copy_release(struct copy *c)
{
	for (size_t i = 0; i < c->docs.n; i++) {
		free(c->docs.v[i].key);
		free(c->docs.v[i].value);
	}
	free(c->docs.v);
	free(c->differs);
	store_close(c->to);
	store_close(c->from);
}

void
copy_report_release(struct copy_report *r)
{
	free(r->from);
	free(r->to);
	memset(r, 0, sizeof(*r));
}

static bool
is_leased(const char *key)
{
	enum record_kind kind = record_kind_of(key);

	return kind == RECORD_REPLICA || kind == RECORD_DUTY;
}

/* ---- reading the source ---- */

static int
take(void *arg, const struct store_kv *kv)
{
	struct copy *c = arg;

	if (is_leased(kv->key)) {
		c->report->left_out++;
		c->replicas += record_kind_of(kv->key) == RECORD_REPLICA;
		return 0;
	}
	*VEC_PUSH(&c->docs) = (struct doc){
		.key = xstrdup(kv->key),
		.value = xmemdup(kv->value, kv->len),
		.len = kv->len,
	};
	c->report->keys++;
	c->report->bytes += kv->len;
	c->report->of_kind[record_kind_of(kv->key)]++;
	return 0;
}

static bool
has_marker(const struct copy *c)
{
	for (size_t i = 0; i < c->docs.n; i++)
		if (strcmp(c->docs.v[i].key, MARKER_KEY) == 0)
			return true;
	return false;
}

/* A file that is not there would be made by opening it. */
static enum err
check_file(const char *spec, struct error *err)
{
	const char *path = spec + strlen("sqlite:");

	if (strncmp(spec, "sqlite:", strlen("sqlite:")) != 0 ||
	    access(path, F_OK) == 0)
		return ERR_OK;
	return fail(err, ERR_NOTFOUND, "store '%s': %m", spec);
}

static enum err
read_source(struct copy *c, struct error *err)
{
	const char *name = store_describe(c->from);
	enum err e = store_load(c->from, "", take, c, NULL, err);

	if (e != ERR_OK)
		return e;
	/* Of an embedded store that we could open, nobody is the owner. */
	if (store_is_shared(c->from) && c->replicas > 0)
		return fail(err, ERR_INUSE, "%s: %zu replicas are at work on "
			    "it: stop them first; those that died count until "
			    "their lease has ended", name, c->replicas);
	if (has_marker(c))
		return fail(err, ERR_REFUSED, "%s: it holds an unfinished copy "
			    "itself", name);
	if (c->docs.n == 0)
		return fail(err, ERR_NOTFOUND, "%s: there is nothing in it",
			    name);
	return ERR_OK;
}

/* ---- the target ---- */

struct census {
	size_t n;
	bool marked;
};

static int
count_key(void *arg, const struct store_kv *kv)
{
	struct census *census = arg;

	census->n++;
	if (strcmp(kv->key, MARKER_KEY) == 0)
		census->marked = true;
	return 0;
}

static enum err
check_empty(struct copy *c, size_t expected, struct error *err)
{
	struct census census = { 0 };
	const char *name = store_describe(c->to);
	enum err e = store_load(c->to, "", count_key, &census, NULL, err);

	if (e != ERR_OK || census.n == expected)
		return e;
	if (census.marked && expected == 0)
		return fail(err, ERR_EXISTS, "%s: a copy into it did not come "
			    "to its end: empty it (remove the file, or all keys "
			    "below the prefix), then copy again", name);
	return fail(err, ERR_EXISTS, "%s: it is not empty: %zu keys", name,
		    census.n - expected);
}

static enum err
mark(struct copy *c, struct error *err)
{
	struct index_entry *e = index_new(RECORD_ADMIN, RECORD_COPYING,
					  store_describe(c->from));
	CLEANUP_FREE char *doc = record_encode(&e->r);
	struct store_guard guard = { MARKER_KEY, 0 };
	struct store_write write = {
		.key = MARKER_KEY, .value = doc, .len = strlen(doc),
	};

	record_unref(&e->r);
	return store_commit(c->to, &guard, 1, &write, 1, &c->marker_revision,
			    err);
}

static enum err
unmark(struct copy *c, struct error *err)
{
	struct store_guard guard = { MARKER_KEY, c->marker_revision };
	struct store_write write = { .key = MARKER_KEY };

	return store_commit(c->to, &guard, 1, &write, 1, NULL, err);
}

/* From document `first` on as many as go into one commit; returns their number. */
static size_t
batch(const struct copy *c, size_t first, struct store_guard *guards,
      struct store_write *writes)
{
	size_t n = 0, bytes = 0;

	while (n < STORE_COMMIT_MAX && first + n < c->docs.n) {
		const struct doc *d = &c->docs.v[first + n];

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
write_all(struct copy *c, struct error *err)
{
	struct store_guard guards[STORE_COMMIT_MAX];
	struct store_write writes[STORE_COMMIT_MAX];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < c->docs.n;) {
		size_t n = batch(c, i, guards, writes);

		e = store_commit(c->to, guards, n, writes, n, NULL, err);
		i += n;
	}
	return e;
}

/* ---- comparing ---- */

static int
compare(void *arg, const struct store_kv *kv)
{
	struct copy *c = arg;
	const struct doc *d = c->at < c->docs.n ? &c->docs.v[c->at] : NULL;

	if (strcmp(kv->key, MARKER_KEY) == 0)
		return 0;
	if (d != NULL && strcmp(d->key, kv->key) == 0 && d->len == kv->len &&
	    memcmp(d->value, kv->value, d->len) == 0) {
		c->at++;
		return 0;
	}
	c->differs = xstrdup(kv->key);
	return 1;
}

/* Both stores give keys in the same order. */
static enum err
verify(struct copy *c, struct store *s, const char *what, struct error *err)
{
	enum err e;

	c->at = 0;
	e = store_load(s, "", compare, c, NULL, err);
	if (e != ERR_OK)
		return e;
	if (c->differs == NULL && c->at < c->docs.n)
		c->differs = xstrdup(c->docs.v[c->at].key);
	if (c->differs != NULL)
		return fail(err, ERR_CONFLICT, "%s: %s: key '%s' differs",
			    store_describe(s), what, c->differs);
	return ERR_OK;
}

/* Leased keys that were left out at first are no difference. */
static int
compare_source(void *arg, const struct store_kv *kv)
{
	struct copy *c = arg;

	if (!is_leased(kv->key))
		return compare(arg, kv);
	c->replicas += record_kind_of(kv->key) == RECORD_REPLICA;
	return 0;
}

static enum err
verify_source(struct copy *c, struct error *err)
{
	enum err e;

	c->at = c->replicas = 0;
	e = store_load(c->from, "", compare_source, c, NULL, err);
	if (e != ERR_OK)
		return e;
	if (c->differs != NULL || c->at < c->docs.n ||
	    (store_is_shared(c->from) && c->replicas > 0))
		return fail(err, ERR_CONFLICT, "%s: somebody changed it while "
			    "it was copied", store_describe(c->from));
	return ERR_OK;
}

/* ---- all together ---- */

static enum err
open_both(struct copy *c, const char *from, const char *to,
	  const char *const *options, struct error *err)
{
	enum err e = check_file(from, err);

	if (e == ERR_OK)
		e = store_open(from, options, &c->from, err);
	if (e == ERR_OK)
		e = read_source(c, err);
	if (e == ERR_OK)
		e = store_open(to, options, &c->to, err);
	if (e != ERR_OK)
		return e;
	c->report->from = xstrdup(store_describe(c->from));
	c->report->to = xstrdup(store_describe(c->to));
	return ERR_OK;
}

enum err
store_copy(const char *from, const char *to, const char *const *options,
	   struct copy_report *ret, struct error *err)
{
	CLEANUP(copy_release) struct copy c = { .report = ret };
	enum err e = open_both(&c, from, to, options, err);

	if (e == ERR_OK)
		e = check_empty(&c, 0, err);
	if (e == ERR_OK)
		e = mark(&c, err);
	/* Somebody may have begun to serve from it just before the mark. */
	if (e == ERR_OK)
		e = check_empty(&c, 1, err);
	if (e == ERR_OK)
		e = write_all(&c, err);
	if (e == ERR_OK)
		e = verify(&c, c.to, "reading back what was written", err);
	if (e == ERR_OK)
		e = verify_source(&c, err);
	return e == ERR_OK ? unmark(&c, err) : e;
}
