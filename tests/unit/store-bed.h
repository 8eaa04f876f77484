/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of stores stand on: a place of its own in a store for each,
 * words for the common steps, and a watcher that writes everything down.
 */
#ifndef STORE_BED_H
#define STORE_BED_H

#include <stdatomic.h>
#include <stdbool.h>

#include "store/store.h"
#include "util/clock.h"
#include "util/id.h"
#include "util/strs.h"
#include "util/xalloc.h"

#include "tests/tap.h"

#define REACH_MS 10000

static const char *given_spec;	/* NULL: SQLite files in dir */
static char *dir;

/* ---- a place of its own for each test ---- */

struct bed {
	char *spec;
	char *prefix;
	const char *options[3];
};

static void
bed_make(struct bed *b)
{
	char id[ID_SIZE];

	id_new(id);
	b->spec = given_spec != NULL ? xstrdup(given_spec)
				     : xasprintf("sqlite:%s/%s", dir, id);
	b->prefix = xasprintf("/brickyard-test/%s/", id);
	b->options[0] = "prefix";
	b->options[1] = b->prefix;
	b->options[2] = NULL;
}

static struct store *
bed_open(const struct bed *b)
{
	struct store *s = NULL;
	struct error err;

	if (store_open(b->spec, b->options, &s, &err) != ERR_OK) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	return s;
}

static int
add_key(void *arg, const struct store_kv *kv)
{
	strs_add(arg, kv->key);
	return 0;
}

/* Nothing is left in a store that others use. */
static void
bed_end(struct bed *b)
{
	struct store *s = bed_open(b);
	CLEANUP(strs_release) struct strs keys = { 0 };
	size_t bad = 0;

	bad += store_load(s, "", add_key, &keys, NULL, NULL) != ERR_OK;
	for (size_t i = 0; i < keys.n; i++) {
		struct store_write w = { .key = keys.v[i] };

		bad += store_commit(s, NULL, 0, &w, 1, NULL, NULL) != ERR_OK;
	}
	if (bad > 0)
		printf("# %zu keys were left in %s\n", bad, b->prefix);
	store_close(s);
	free(b->spec);
	free(b->prefix);
}

/* ---- words for the common steps ---- */

static enum err
put(struct store *s, const char *key, const char *value, int64_t *ret_revision)
{
	struct store_write w = { .key = key, .value = value };

	w.len = value != NULL ? strlen(value) : 0;
	return store_commit(s, NULL, 0, &w, 1, ret_revision, NULL);
}

static enum err
put_if(struct store *s, const char *guard, int64_t revision, const char *key,
       const char *value)
{
	struct store_guard g = { guard, revision };
	struct store_write w = { .key = key, .value = value };

	w.len = value != NULL ? strlen(value) : 0;
	return store_commit(s, &g, 1, &w, 1, NULL, NULL);
}

static enum err
put_leased(struct store *s, const char *key, const char *value, int leased)
{
	struct store_write w = { key, value, strlen(value), leased };

	return store_commit(s, NULL, 0, &w, 1, NULL, NULL);
}

struct found {
	const char *key;
	char *value;
	size_t len;
	int64_t revision;
	int n;
};

static int
take_found(void *arg, const struct store_kv *kv)
{
	struct found *f = arg;

	if (strcmp(kv->key, f->key) != 0)
		return 0;
	free(f->value);
	f->value = xmemdup(kv->value, kv->len);
	f->len = kv->len;
	f->revision = kv->revision;
	f->n++;
	return 1;
}

static void
found_release(struct found *f)
{
	free(f->value);
}
#define FOUND CLEANUP(found_release) struct found

static struct found
get(struct store *s, const char *key)
{
	struct found f = { .key = key };

	if (store_load(s, key, take_found, &f, NULL, NULL) != ERR_OK)
		f.n = -1;
	return f;
}

static bool
holds(struct store *s, const char *key, const char *value)
{
	FOUND f = get(s, key);

	return f.n == 1 && f.len == strlen(value) &&
	       memcmp(f.value, value, f.len) == 0;
}

static bool
lacks(struct store *s, const char *key)
{
	FOUND f = get(s, key);

	return f.n == 0;
}

static int64_t
revision_of(struct store *s, const char *key)
{
	FOUND f = get(s, key);

	return f.n == 1 ? f.revision : 0;
}

/* ---- a watcher that writes everything down ---- */

struct event {
	int64_t revision;
	char *key, *value;	/* value NULL: deleted */
};

struct watch {
	pthread_mutex_t lock;
	pthread_cond_t grew;
	struct { struct event *v; size_t n, cap; } log;
	int64_t revision;	/* reached */
	int snapshots;
	int disorder;		/* calls that came out of order or overlapped */
	atomic_int inside;
};

static void
note(struct watch *w, const struct store_kv *kvs, size_t n, int64_t revision)
{
	for (size_t i = 0; i < n; i++)
		*VEC_PUSH(&w->log) = (struct event){
			.revision = revision,
			.key = xstrdup(kvs[i].key),
			.value = kvs[i].value != NULL ?
				xstrndup(kvs[i].value, kvs[i].len) : NULL,
		};
	w->revision = revision;
	pthread_cond_broadcast(&w->grew);
}

static void
on_snapshot(void *arg, const struct store_kv *kvs, size_t n, int64_t revision)
{
	struct watch *w = arg;
	LOCK_FOR_SCOPE(&w->lock);

	w->snapshots++;
	for (size_t i = 0; i < n; i++)
		if (kvs[i].revision > revision || kvs[i].value == NULL)
			w->disorder++;
	note(w, kvs, n, revision);
}

static void
on_changes(void *arg, const struct store_kv *kvs, size_t n, int64_t revision)
{
	struct watch *w = arg;
	int others = atomic_fetch_add(&w->inside, 1);

	pthread_mutex_lock(&w->lock);
	if (others != 0 || revision < w->revision ||
	    (n > 0 && revision == w->revision))
		w->disorder++;
	for (size_t i = 0; i < n; i++)
		if (kvs[i].revision != revision)
			w->disorder++;
	note(w, kvs, n, revision);
	pthread_mutex_unlock(&w->lock);
	atomic_fetch_sub(&w->inside, 1);
}

static const struct store_watcher watcher = { on_snapshot, on_changes };

static void
watch_init(struct watch *w)
{
	memset(w, 0, sizeof(*w));
	pthread_mutex_init(&w->lock, NULL);
	cond_init_mono(&w->grew);
}

static void
watch_release(struct watch *w)
{
	for (size_t i = 0; i < w->log.n; i++) {
		free(w->log.v[i].key);
		free(w->log.v[i].value);
	}
	free(w->log.v);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->grew);
}

static bool
watch_reaches(struct watch *w, int64_t revision)
{
	int64_t deadline = clock_mono_ms() + REACH_MS;
	LOCK_FOR_SCOPE(&w->lock);

	while (w->revision < revision)
		if (cond_wait_until(&w->grew, &w->lock, deadline) != 0)
			break;
	return w->revision >= revision;
}

/* The state that the watcher was told, as of a revision. */
static void
watch_state(struct watch *w, int64_t revision, struct kvs *ret)
{
	LOCK_FOR_SCOPE(&w->lock);

	for (size_t i = 0; i < w->log.n; i++) {
		const struct event *e = &w->log.v[i];

		if (e->revision > revision)
			break;
		if (e->value != NULL)
			kvs_set(ret, e->key, e->value);
		else
			kvs_del(ret, e->key);
	}
}

static int
count_events(struct watch *w, const char *key, const char *value,
	     int64_t revision)
{
	LOCK_FOR_SCOPE(&w->lock);
	int n = 0;

	for (size_t i = 0; i < w->log.n; i++) {
		const struct event *e = &w->log.v[i];

		n += e->revision == revision && strcmp(e->key, key) == 0 &&
		     (value == NULL ? e->value == NULL :
		      e->value != NULL && strcmp(e->value, value) == 0);
	}
	return n;
}

#endif
