/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hub's lock guards everything; watchers run under it, in order. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/xalloc.h"

#include "hub-store.h"

struct entry {
	char *key, *value;
	int64_t revision;
	int front;		/* whose lease it hangs on, -1: none */
};

struct front {
	struct store base;	/* first */
	struct hub *hub;
	int number;
	const struct store_watcher *watcher;
	void *watcher_arg;
	bool leased, late, lose_next;
	int fail_grants, fail_leased;
	int64_t deadline_ms;	/* 0: of a lease that is renewed */
	void (*lost)(void *);
	void *lost_arg;
};

struct hub {
	pthread_mutex_t lock;
	struct entries { struct entry *v; size_t n, cap; } entries;
	struct front *fronts[HUB_FRONTS];
	int64_t revision;
	bool away;
	void (*_Atomic before)(const struct store_write *, size_t);
};

static struct front *
front_of(struct store *s)
{
	return (struct front *)s;
}

static struct entry *
find(struct hub *h, const char *key)
{
	for (size_t i = 0; i < h->entries.n; i++)
		if (strcmp(h->entries.v[i].key, key) == 0)
			return &h->entries.v[i];
	return NULL;
}

static void
drop(struct hub *h, struct entry *e)
{
	free(e->key);
	free(e->value);
	*e = h->entries.v[--h->entries.n];
}

static void
set(struct hub *h, const char *key, const char *value, size_t len, int front)
{
	struct entry *e = find(h, key);

	if (value == NULL) {
		if (e != NULL)
			drop(h, e);
		return;
	}
	if (e == NULL) {
		e = VEC_PUSH(&h->entries);
		*e = (struct entry){ .key = xstrdup(key) };
	}
	free(e->value);
	e->value = xstrndup(value, len);
	e->revision = h->revision;
	e->front = front;
}

static void
tell(struct hub *h, const struct store_kv *kvs, size_t n)
{
	for (int i = 0; i < HUB_FRONTS; i++) {
		struct front *f = h->fronts[i];

		if (f != NULL && f->watcher != NULL)
			f->watcher->changes(f->watcher_arg, kvs, n, h->revision);
	}
}

/* ---- the store's functions ---- */

static enum err
away(const struct hub *h, struct error *err)
{
	return h->away ? fail(err, ERR_STORE, "the hub is away") : ERR_OK;
}

static bool
has_leased(const struct store_write *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (w[i].leased)
			return true;
	return false;
}

static enum err
check(struct front *f, const struct store_guard *g, size_t ng,
      const struct store_write *w, size_t nw, struct error *err)
{
	struct hub *h = f->hub;
	enum err r = away(h, err);

	if (r != ERR_OK)
		return r;
	if (has_leased(w, nw) && !f->leased)
		return fail(err, ERR_STORE, "the hub has no lease of it");
	if (has_leased(w, nw) && f->fail_leased > 0) {
		f->fail_leased--;
		return fail(err, ERR_STORE, "the hub fails as told");
	}
	for (size_t i = 0; i < ng; i++) {
		const struct entry *e = find(h, g[i].key);

		if ((e != NULL ? e->revision : 0) != g[i].revision)
			return fail(err, ERR_CONFLICT, "key '%s' has changed",
				    g[i].key);
	}
	return ERR_OK;
}

static void
apply(struct front *f, const struct store_write *w, size_t n)
{
	CLEANUP_FREE struct store_kv *kvs = xcalloc(n, sizeof(*kvs));
	struct hub *h = f->hub;

	h->revision++;
	for (size_t i = 0; i < n; i++) {
		set(h, w[i].key, w[i].value, w[i].len,
		    w[i].leased ? f->number : -1);
		kvs[i] = (struct store_kv){ w[i].key, w[i].value, w[i].len,
					    h->revision };
	}
	tell(h, kvs, n);
}

static enum err
hub_commit(struct store *s, const struct store_guard *g, size_t ng,
	   const struct store_write *w, size_t nw, int64_t *ret,
	   struct error *err)
{
	struct front *f = front_of(s);
	enum err r;

	if (f->hub->before != NULL)
		f->hub->before(w, nw);
	LOCK_FOR_SCOPE(&f->hub->lock);
	r = check(f, g, ng, w, nw, err);
	if (r != ERR_OK)
		return r;
	if (nw > 0)
		apply(f, w, nw);
	*ret = f->hub->revision;
	return ERR_OK;
}

static enum err
hub_load(struct store *s, const char *prefix, store_load_fn *fn, void *arg,
	 int64_t *ret, struct error *err)
{
	return fail(err, ERR_NOTSUP, "the hub does not load");
}

static enum err
hub_follow(struct store *s, const struct store_watcher *w, void *arg,
	   struct error *err)
{
	struct front *f = front_of(s);
	struct hub *h = f->hub;
	LOCK_FOR_SCOPE(&h->lock);
	CLEANUP_FREE struct store_kv *kvs = xcalloc(h->entries.n, sizeof(*kvs));

	for (size_t i = 0; i < h->entries.n; i++) {
		const struct entry *e = &h->entries.v[i];

		kvs[i] = (struct store_kv){ e->key, e->value, strlen(e->value),
					    e->revision };
	}
	f->watcher = w;
	f->watcher_arg = arg;
	w->snapshot(arg, kvs, h->entries.n, h->revision);
	return ERR_OK;
}

static enum err
hub_barrier(struct store *s, int64_t *ret, struct error *err)
{
	struct front *f = front_of(s);
	LOCK_FOR_SCOPE(&f->hub->lock);

	*ret = f->hub->revision + (f->late ? 1000000 : 0);
	return away(f->hub, err);
}

static enum err
grant(struct front *f, void (*lost)(void *), void *arg, bool *ret_lose,
      struct error *err)
{
	LOCK_FOR_SCOPE(&f->hub->lock);
	enum err r = away(f->hub, err);

	if (r != ERR_OK)
		return r;
	if (f->leased)
		return fail(err, ERR_EXISTS, "there is a lease already");
	if (f->fail_grants > 0) {
		f->fail_grants--;
		return fail(err, ERR_STORE, "the hub grants no lease, as told");
	}
	f->leased = true;
	f->lost = lost;
	f->lost_arg = arg;
	*ret_lose = STEAL(f->lose_next);
	return ERR_OK;
}

static enum err
hub_grant(struct store *s, int ttl_ms, void (*lost)(void *), void *arg,
	  struct error *err)
{
	bool lose = false;
	enum err r = grant(front_of(s), lost, arg, &lose, err);

	if (lose)
		hub_lose_lease(s, true);
	return r;
}

static int64_t
hub_deadline(struct store *s)
{
	struct front *f = front_of(s);
	LOCK_FOR_SCOPE(&f->hub->lock);

	if (f->leased && f->deadline_ms != 0)
		return f->deadline_ms;
	return f->leased ? clock_mono_ms() + 10000 : 0;
}

/* Its keys go, as they would with a lease; the watchers are told. */
static void
end_lease(struct front *f)
{
	struct hub *h = f->hub;

	f->leased = false;
	for (size_t i = 0; i < h->entries.n;) {
		CLEANUP_FREE char *key = NULL;
		struct store_kv kv = { 0 };

		if (h->entries.v[i].front != f->number) {
			i++;
			continue;
		}
		key = xstrdup(h->entries.v[i].key);
		h->revision++;
		set(h, key, NULL, 0, -1);
		kv.key = key;
		kv.revision = h->revision;
		tell(h, &kv, 1);
	}
}

static void
hub_close(struct store *s)
{
	struct front *f = front_of(s);

	{
		LOCK_FOR_SCOPE(&f->hub->lock);
		f->hub->fronts[f->number] = NULL;
		end_lease(f);
	}
	free(f);
}

static const struct store_ops ops = {
	.close = hub_close,
	.commit = hub_commit,
	.load = hub_load,
	.follow = hub_follow,
	.barrier = hub_barrier,
	.lease_grant = hub_grant,
	.lease_deadline_ms = hub_deadline,
	.shared = 1,
};

/* ---- for the test ---- */

struct hub *
hub_new(void)
{
	struct hub *h = XNEW(struct hub);

	pthread_mutex_init(&h->lock, NULL);
	return h;
}

void
hub_free(struct hub *h)
{
	while (h->entries.n > 0)
		drop(h, &h->entries.v[0]);
	free(h->entries.v);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

struct store *
hub_open(struct hub *h)
{
	struct front *f = XNEW(struct front);
	LOCK_FOR_SCOPE(&h->lock);

	f->base.ops = &ops;
	f->base.description = (char *)(uintptr_t)"hub";
	f->hub = h;
	while (h->fronts[f->number] != NULL)
		f->number++;
	assert(f->number < HUB_FRONTS);
	h->fronts[f->number] = f;
	return &f->base;
}

void
hub_set_away(struct hub *h, bool is_away)
{
	LOCK_FOR_SCOPE(&h->lock);

	h->away = is_away;
}

void
hub_set_late(struct store *s, bool late)
{
	LOCK_FOR_SCOPE(&front_of(s)->hub->lock);

	front_of(s)->late = late;
}

void
hub_set_lease_left(struct store *s, int ms)
{
	LOCK_FOR_SCOPE(&front_of(s)->hub->lock);

	front_of(s)->deadline_ms = ms != 0 ? clock_mono_ms() + ms : 0;
}

void
hub_lose_lease(struct store *s, bool told)
{
	struct front *f = front_of(s);
	void (*lost)(void *);
	void *arg;

	{
		LOCK_FOR_SCOPE(&f->hub->lock);
		end_lease(f);
		lost = f->lost;
		arg = f->lost_arg;
	}
	if (told)
		lost(arg);
}

void
hub_fail_grants(struct store *s, int n)
{
	LOCK_FOR_SCOPE(&front_of(s)->hub->lock);

	front_of(s)->fail_grants = n;
}

void
hub_fail_leased(struct store *s, int n)
{
	LOCK_FOR_SCOPE(&front_of(s)->hub->lock);

	front_of(s)->fail_leased = n;
}

void
hub_lose_next_grant(struct store *s)
{
	LOCK_FOR_SCOPE(&front_of(s)->hub->lock);

	front_of(s)->lose_next = true;
}

void
hub_before_commit(struct hub *h,
		  void (*fn)(const struct store_write *, size_t n))
{
	h->before = fn;
}

char *
hub_get(struct hub *h, const char *key)
{
	LOCK_FOR_SCOPE(&h->lock);
	const struct entry *e = find(h, key);

	return e != NULL ? xstrdup(e->value) : NULL;
}

size_t
hub_count(struct hub *h, const char *prefix)
{
	LOCK_FOR_SCOPE(&h->lock);
	size_t n = 0;

	for (size_t i = 0; i < h->entries.n; i++)
		n += strncmp(h->entries.v[i].key, prefix, strlen(prefix)) == 0;
	return n;
}

void
hub_put(struct hub *h, const char *key, const char *value)
{
	LOCK_FOR_SCOPE(&h->lock);
	size_t len = value != NULL ? strlen(value) : 0;
	struct store_kv kv = { key, value, len, 0 };

	kv.revision = ++h->revision;
	set(h, key, value, len, -1);
	tell(h, &kv, 1);
}
