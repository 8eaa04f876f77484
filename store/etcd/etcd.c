/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The etcd store: opening, closing, loading, barriers.  The rest is in
 * commit.c, watch.c and lease.c, over link.c (requests) and gateway.c (JSON).
 *
 * Threads: callers' for everything but the watch (two threads, from
 * store_follow on) and the lease (one, from the first grant on).
 */
#include <config.h>

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "store/etcd/etcd.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define PREFIX_DEFAULT	"/brickyard/v1/"
#define PAGE_KEYS	1000
#define LOAD_TRIES	5
#define LAST_WORDS_MS	700

void
etcd_thread(pthread_t *t, void *(*run)(void *), void *arg)
{
	sigset_t all, was;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	r = pthread_create(t, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (r != 0)
		abort();	/* out of memory, or of processes */
}

void
etcd_sighted(struct etcd *self, int64_t revision)
{
	int64_t seen = atomic_load(&self->sighted);

	while (revision > seen &&
	       !atomic_compare_exchange_weak(&self->sighted, &seen, revision))
		;
}

/* What a close has to say: as long as it takes a healthy etcd, no longer. */
void
etcd_last_words(struct etcd *self, const char *path, const struct buf *body)
{
	CLEANUP(answer_release) struct answer ans = { 0 };
	struct call call = {
		.path = path, .body = body, .strict = true,
		.until_ms = clock_mono_ms() + LAST_WORDS_MS,
	};
	struct wire *w;
	struct error unused;
	enum fate fate;

	if (self->deaf)
		return;
	w = link_take(self->link);
	w->last_words = true;
	fate = link_request(w, &call, &ans, &unused);
	link_give(w);
	self->deaf = fate != FATE_ANSWERED && fate != FATE_REFUSED;
}

/* ---- barrier ---- */

enum err
etcd_last_commit(struct etcd *self, int timeout_ms, int64_t *ret_commit,
		 int64_t *ret_revision, struct error *err)
{
	CLEANUP(answer_release) struct answer ans = { 0 };
	CLEANUP(buf_release) struct buf body = { 0 };
	int link_ms = self->link->timeout_ms;
	struct call call = {
		.path = "/v3/kv/range", .body = &body,
		.hasty = true, .strict = true,
		.until_ms = clock_mono_ms() +
			    (timeout_ms < link_ms ? timeout_ms : link_ms),
	};
	enum err e;

	gateway_raw(&body, "{");
	gateway_key(&body, "key", self->prefix, ETCD_COMMIT_KEY);
	gateway_raw(&body, "}");
	e = link_ask(self->link, &call, &ans, err);
	if (e != ERR_OK)
		return e;
	*ret_commit = gateway_i64(gateway_nth(ans.doc, "kvs", 0),
				  "mod_revision");
	if (ret_revision != NULL)
		*ret_revision = gateway_revision(ans.doc);
	etcd_sighted(self, *ret_commit);
	return ERR_OK;
}

static enum err
etcd_barrier(struct store *s, int64_t *ret_revision, struct error *err)
{
	return etcd_last_commit(etcd_of(s), INT_MAX, ret_revision, NULL, err);
}

static enum err
etcd_barrier_within(struct store *s, int timeout_ms, int64_t *ret_revision,
		    struct error *err)
{
	return etcd_last_commit(etcd_of(s), timeout_ms, ret_revision, NULL,
				err);
}

/* ---- load ---- */

/* Where the keys that start with prefix end. */
void
etcd_range_end(struct etcd *self, struct buf *b, const char *prefix)
{
	CLEANUP(buf_release) struct buf end = { 0 };

	buf_adds(&end, self->prefix);
	if (prefix[0] == '\0') {
		buf_adds(&end, ETCD_HIDDEN);
	} else {
		buf_adds(&end, prefix);
		end.s[end.len - 1]++;	/* never 0xff, which UTF-8 lacks */
	}
	gateway_bytes(b, "range_end", end.s, end.len);
}

struct page {
	int64_t revision;	/* 0: the first */
	int64_t limit;
	bool more;
	bool compacted;		/* the revision is gone: start again */
};

static void
page_body(struct etcd *self, struct buf *b, const char *prefix,
	  const struct kvlist *have, const struct page *p)
{
	CLEANUP(buf_release) struct buf from = { 0 };

	buf_adds(&from, self->prefix);
	if (have->n == 0) {
		buf_adds(&from, prefix);
	} else {	/* right behind the last one: its key and a NUL */
		buf_adds(&from, have->v[have->n - 1].key);
		buf_add(&from, "", 1);
	}
	gateway_raw(b, "{");
	gateway_bytes(b, "key", from.s, from.len);
	etcd_range_end(self, b, prefix);
	gateway_i64_member(b, "limit", p->limit);
	if (p->revision != 0)
		gateway_i64_member(b, "revision", p->revision);
	gateway_raw(b, "}");
}

static enum err
read_page(struct etcd *self, const json_t *doc, struct kvlist *ret,
	  struct page *p, struct error *err)
{
	const json_t *kvs = gateway_at(doc, "kvs", NULL), *kv;
	size_t i;

	json_array_foreach(kvs, i, kv) {
		if (!gateway_kv(ret, kv, self->prefix))
			return fail(err, ERR_STORE,
				    "%s: it sent a key that can't be read",
				    self->base.description);
	}
	if (p->revision == 0)
		p->revision = gateway_revision(doc);
	p->more = json_is_true(gateway_at(doc, "more", NULL)) &&
		  json_array_size(kvs) > 0;
	return ERR_OK;
}

static enum err
load_page(struct etcd *self, const char *prefix, struct kvlist *ret,
	  struct page *p, struct error *err)
{
	CLEANUP(answer_release) struct answer ans = { 0 };
	CLEANUP(buf_release) struct buf body = { 0 };
	struct call call = { .path = "/v3/kv/range", .body = &body };
	enum err e;

	page_body(self, &body, prefix, ret, p);
	e = link_ask(self->link, &call, &ans, err);
	p->compacted = e != ERR_OK && ans.grpc == GRPC_OUT_OF_RANGE;
	if (e == ERR_OK)
		return read_page(self, ans.doc, ret, p, err);
	/* Big documents: fewer at a time. */
	if ((ans.too_big || ans.grpc == GRPC_RESOURCE_EXHAUSTED) &&
	    p->limit > 1) {
		p->limit /= 8;
		if (p->limit == 0)
			p->limit = 1;
		p->more = true;
		return ERR_OK;
	}
	return e;
}

static enum err
load_pages(struct etcd *self, const char *prefix, struct kvlist *ret,
	   struct page *p, struct error *err)
{
	enum err e = ERR_OK;

	do
		e = load_page(self, prefix, ret, p, err);
	while (e == ERR_OK && p->more);
	return e;
}

static void
drop_own(struct kvlist *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct store_kv kv = l->v[i];

		if (strcmp(kv.key, ETCD_COMMIT_KEY) != 0) {
			l->v[n++] = kv;
			continue;
		}
		free((char *)kv.key);
		free((char *)kv.value);
	}
	l->n = n;
}

enum err
etcd_load(struct etcd *self, const char *prefix, struct kvlist *ret,
	  int64_t *ret_revision, struct error *err)
{
	enum err e = ERR_OK;

	/* A compaction between two pages takes the revision away that the
	 * first one fixed.
	 */
	for (int i = 0; i < LOAD_TRIES; i++) {
		struct page p = { .limit = PAGE_KEYS };

		kvlist_clear(ret);
		e = load_pages(self, prefix, ret, &p, err);
		if (e == ERR_OK) {
			drop_own(ret);
			*ret_revision = p.revision;
			return ERR_OK;
		}
		if (!p.compacted)
			break;
	}
	return e;
}

static enum err
etcd_load_each(struct store *s, const char *prefix, store_load_fn *fn,
	       void *arg, int64_t *ret_revision, struct error *err)
{
	CLEANUP(kvlist_release) struct kvlist all = { 0 };
	enum err e = etcd_load(etcd_of(s), prefix, &all, ret_revision, err);

	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < all.n; i++)
		if (fn(arg, &all.v[i]) != 0)
			break;
	return ERR_OK;
}

/* ---- opening and closing ---- */

static void
etcd_free(struct etcd *self)
{
	if (self == NULL)
		return;
	link_free(self->link);
	pthread_mutex_destroy(&self->lease.lock);
	pthread_cond_destroy(&self->lease.changed);
	pthread_mutex_destroy(&self->watch.lock);
	pthread_cond_destroy(&self->watch.stop);
	pthread_mutex_destroy(&self->outcome_lock);
	free(self->prefix);
	free(self->base.description);
	free(self);
}
DEFINE_CLEANUP(struct etcd, etcd_free)

static void
etcd_close(struct store *s)
{
	struct etcd *self = etcd_of(s);

	atomic_store(&self->link->stopping, true);
	etcd_watch_close(self);
	etcd_lease_close(self);
	etcd_commit_close(self);
	etcd_free(self);
}

static const struct store_ops etcd_ops = {
	.close = etcd_close,
	.commit = etcd_commit,
	.load = etcd_load_each,
	.follow = etcd_follow,
	.barrier = etcd_barrier,
	.lease_grant = etcd_lease_grant,
	.lease_deadline_ms = etcd_lease_deadline_ms,
	.shared = 1,
	.barrier_within = etcd_barrier_within,
};

static enum err
read_prefix(struct etcd *self, const char *const *options, struct error *err)
{
	const char *p = store_option(options, "prefix", PREFIX_DEFAULT);
	size_t n = strlen(p);

	if (n == 0 || n > 256)
		return fail(err, ERR_BADREQ,
			    "store: prefix '%s' must have 1 to 256 bytes", p);
	/* So that one store's range can't hold another's, "/a" and "/ab". */
	self->prefix = xasprintf("%s%s", p, p[n - 1] == '/' ? "" : "/");
	return ERR_OK;
}

enum err
etcd_store_open(const char *urls, const char *const *options,
		struct store **ret, struct error *err)
{
	CLEANUP(cleanup_etcd_free) struct etcd *self = XNEW(struct etcd);
	int64_t revision;
	enum err e;

	self->base.ops = &etcd_ops;
	pthread_mutex_init(&self->lease.lock, NULL);
	cond_init_mono(&self->lease.changed);
	pthread_mutex_init(&self->watch.lock, NULL);
	cond_init_mono(&self->watch.stop);
	pthread_mutex_init(&self->outcome_lock, NULL);
	id_new(self->client);
	e = read_prefix(self, options, err);
	if (e == ERR_OK)
		e = link_new(urls, options, &self->link, err);
	if (e != ERR_OK)
		return e;
	self->base.description = xstrdup(self->link->description);
	e = etcd_last_commit(self, INT_MAX, &revision, NULL, err);
	if (e != ERR_OK)
		return e;
	*ret = &STEAL(self)->base;
	return ERR_OK;
}
