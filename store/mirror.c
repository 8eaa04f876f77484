/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mirror: one tree of records per kind, in order of keys.
 *
 * The store's watch thread (or whichever thread commits to an embedded store)
 * decodes what changed, then swaps records under the write lock and tells the
 * observers.  Readers take references and leave; a record that was replaced
 * lives on until its last reader gives it back.
 *
 * Locks: lock guards the trees, the observers and the quarantine; wait_lock
 * guards the revision and the barriers.  They are never held together, and the
 * store is never called under either.
 */
#include <config.h>

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/codec.h"
#include "store/mirror.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define QUARANTINE_MAX	1000
#define COMMIT_WAIT_MS	30000

struct tree {
	void *root;		/* tsearch(3); nodes are struct record * */
	size_t n;
};

struct observer {
	const struct mirror_observer *ops;
	void *arg;
};

/* One question to the store, shared by all who asked for it before it began. */
struct barrier {
	int refs;
	bool done;
	int64_t deadline_ms;	/* of who runs it */
	enum err result;
	int64_t revision;
	struct error err;
};

struct mirror {
	struct store *store;

	pthread_rwlock_t lock;
	struct tree trees[RECORD_KINDS];
	struct { struct observer *v; size_t n, cap; } observers;
	struct kvs quarantine;		/* key, reason */
	bool quarantine_full;

	pthread_mutex_t wait_lock;
	pthread_cond_t reached;		/* the revision grew */
	pthread_cond_t answered;	/* a barrier is done */
	_Atomic int64_t revision;	/* written under wait_lock */
	struct barrier *queued;		/* the one to begin next */
	bool asking;			/* one is at the store */

	struct mirror_stats stats;
};

/* What became of one key. */
struct change {
	const char *key;		/* lent by the store */
	enum record_kind kind;
	struct record *was, *now;
	char *reason;			/* it could not be read */
};

struct changes {
	struct change *v;
	size_t n, cap;
};

/* Does this thread hold the lock of a mirror? */
static __thread bool holds_lock;

static void
changes_release(struct changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		record_unref(c->v[i].was);
		record_unref(c->v[i].now);
		free(c->v[i].reason);
	}
	free(c->v);
}

/* ---- locking ---- */

void
mirror_rdlock(struct mirror *m)
{
	int r;

	assert(!holds_lock);
	r = pthread_rwlock_rdlock(&m->lock);
	assert(r == 0);
	(void)r;
	holds_lock = true;
}

static void
wrlock(struct mirror *m)
{
	int r;

	assert(!holds_lock);
	r = pthread_rwlock_wrlock(&m->lock);
	assert(r == 0);
	(void)r;
	holds_lock = true;
}

void
mirror_unlock(struct mirror *m)
{
	int r;

	assert(holds_lock);
	holds_lock = false;
	r = pthread_rwlock_unlock(&m->lock);
	assert(r == 0);
	(void)r;
}

/* ---- trees ---- */

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct record *)a)->key,
		      ((const struct record *)b)->key);
}

static struct record *
tree_find(const struct tree *t, const char *key)
{
	const struct record wanted = { .key = (char *)key };
	struct record *const *found = tfind(&wanted, &t->root, compare);

	return found != NULL ? *found : NULL;
}

/* Takes over the reference r, gives the one it replaces to the caller. */
static struct record *
tree_set(struct tree *t, struct record *r)
{
	struct record **at = tsearch(r, &t->root, compare);
	struct record *was;

	if (at == NULL)
		abort();	/* as xalloc.h does */
	if (*at == r) {
		t->n++;
		return NULL;
	}
	was = *at;
	*at = r;
	return was;
}

static struct record *
tree_remove(struct tree *t, const char *key)
{
	struct record *r = tree_find(t, key);

	if (r != NULL) {
		tdelete(r, &t->root, compare);
		t->n--;
	}
	return r;
}

static void
unref_node(void *r)
{
	record_unref(r);
}

static void
tree_release(struct tree *t)
{
	tdestroy(t->root, unref_node);
	t->root = NULL;
	t->n = 0;
}

struct collect {
	struct record **v;
	size_t n;
};

static void
collect_one(const void *node, VISIT which, void *arg)
{
	struct collect *c = arg;

	if (which == postorder || which == leaf)
		c->v[c->n++] = record_ref(*(struct record *const *)node);
}

/* New references to all, in order. */
static struct record **
tree_list(const struct tree *t, size_t *ret_n)
{
	struct collect c = { .v = xcalloc(t->n, sizeof(*c.v)) };

	twalk_r(t->root, collect_one, &c);
	assert(c.n == t->n);
	*ret_n = c.n;
	return c.v;
}

/* ---- the quarantine (under the write lock) ---- */

static void
quarantine(struct mirror *m, const struct change *c)
{
	if (m->quarantine.n >= QUARANTINE_MAX &&
	    kvs_get(&m->quarantine, c->key) == NULL)
		m->quarantine_full = true;
	else
		kvs_set(&m->quarantine, c->key, c->reason);
}

/* ---- what the store tells ---- */

/* Fills in everything but .was; false: nothing that we keep. */
static bool
decode(const struct store_kv *kv, struct change *ret)
{
	struct error err;
	enum err e;

	*ret = (struct change){
		.key = kv->key,
		.kind = record_kind_of(kv->key),
	};
	if (ret->kind == RECORD_KINDS)
		return false;
	if (kv->value == NULL)
		return true;
	e = record_decode(kv->key, kv->value, kv->len, kv->revision, &ret->now,
			  &err);
	if (e != ERR_OK)
		ret->reason = xstrdup(err.text);
	return true;
}

static void
decode_all(const struct store_kv *kvs, size_t n, struct changes *ret)
{
	for (size_t i = 0; i < n; i++) {
		struct change c;

		if (decode(&kvs[i], &c))
			*VEC_PUSH(ret) = c;
	}
}

static void
tell(const struct mirror *m, const struct record *was, const struct record *now)
{
	if (was == NULL && now == NULL)
		return;
	for (size_t i = 0; i < m->observers.n; i++)
		m->observers.v[i].ops->changed(m->observers.v[i].arg, was, now);
}

static void
tell_reset(const struct mirror *m)
{
	for (size_t i = 0; i < m->observers.n; i++)
		if (m->observers.v[i].ops->reset != NULL)
			m->observers.v[i].ops->reset(m->observers.v[i].arg);
}

static void
set_revision(struct mirror *m, int64_t revision)
{
	LOCK_FOR_SCOPE(&m->wait_lock);

	atomic_store(&m->revision, revision);
	pthread_cond_broadcast(&m->reached);
}

static void
apply(struct mirror *m, struct change *c)
{
	struct tree *t = &m->trees[c->kind];

	if (c->now != NULL)
		c->was = tree_set(t, record_ref(c->now));
	else
		c->was = tree_remove(t, c->key);
	if (c->reason != NULL)
		quarantine(m, c);
	else
		kvs_del(&m->quarantine, c->key);
}

/* The whole commit first, so that an observer that looks around sees what it
 * left, not something in between.
 */
static void
on_changes(void *arg, const struct store_kv *kvs, size_t n, int64_t revision)
{
	CLEANUP(changes_release) struct changes c = { 0 };
	struct mirror *m = arg;

	decode_all(kvs, n, &c);
	if (c.n > 0) {
		wrlock(m);
		for (size_t i = 0; i < c.n; i++)
			apply(m, &c.v[i]);
		for (size_t i = 0; i < c.n; i++)
			tell(m, c.v[i].was, c.v[i].now);
		mirror_unlock(m);
	}
	set_revision(m, revision);
}

/* What was there and is no more. */
static void
tell_gone(const struct mirror *m, const struct tree *old, enum record_kind kind)
{
	size_t n;
	struct record **v = tree_list(old, &n);

	for (size_t i = 0; i < n; i++)
		if (tree_find(&m->trees[kind], v[i]->key) == NULL)
			tell(m, v[i], NULL);
	mirror_list_free(v, n);
}

static void
tell_difference(const struct mirror *m, const struct tree *old,
		enum record_kind kind)
{
	size_t n;
	struct record **v = tree_list(&m->trees[kind], &n);

	for (size_t i = 0; i < n; i++) {
		const struct record *was = tree_find(old, v[i]->key);

		if (was != v[i])
			tell(m, was, v[i]);
	}
	mirror_list_free(v, n);
}

/* Puts the record of a snapshot in; where the old tree has the same revision
 * of it, that one goes on, so that nobody is told of what did not change.
 */
static void
install(struct mirror *m, const struct tree *old, const struct change *c)
{
	const struct record *was = tree_find(&old[c->kind], c->key);
	struct record *r = c->now;

	if (c->reason != NULL)
		quarantine(m, c);
	if (r == NULL)
		return;
	if (was != NULL && was->revision == r->revision)
		r = (struct record *)was;
	record_unref(tree_set(&m->trees[c->kind], record_ref(r)));
}

/* A snapshot that is older than what we hold comes from another history (the
 * store was restored from a backup): equal revisions mean nothing then.
 */
static void
on_snapshot(void *arg, const struct store_kv *kvs, size_t n, int64_t revision)
{
	CLEANUP(changes_release) struct changes c = { 0 };
	struct mirror *m = arg;
	bool anew = revision < atomic_load(&m->revision);
	struct tree old[RECORD_KINDS];

	decode_all(kvs, n, &c);
	wrlock(m);
	memcpy(old, m->trees, sizeof(old));
	memset(m->trees, 0, sizeof(m->trees));
	kvs_release(&m->quarantine);
	m->quarantine_full = false;
	if (anew) {
		for (int i = 0; i < RECORD_KINDS; i++)
			tree_release(&old[i]);
		tell_reset(m);
	}
	for (size_t i = 0; i < c.n; i++)
		install(m, old, &c.v[i]);
	for (int i = 0; i < RECORD_KINDS; i++)
		tell_gone(m, &old[i], (enum record_kind)i);
	for (int i = 0; i < RECORD_KINDS; i++)
		tell_difference(m, &old[i], (enum record_kind)i);
	mirror_unlock(m);
	for (int i = 0; i < RECORD_KINDS; i++)
		tree_release(&old[i]);
	set_revision(m, revision);
}

static const struct store_watcher watcher = {
	.snapshot = on_snapshot,
	.changes = on_changes,
};

/* ---- life ---- */

struct mirror *
mirror_new(struct store *store)
{
	struct mirror *m = XNEW(struct mirror);
	pthread_rwlockattr_t a;

	m->store = store;
	pthread_rwlockattr_init(&a);
	/* Or the watch would starve under a steady load of reads. */
	pthread_rwlockattr_setkind_np(
		&a, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&m->lock, &a);
	pthread_rwlockattr_destroy(&a);
	pthread_mutex_init(&m->wait_lock, NULL);
	cond_init_mono(&m->reached);
	cond_init_mono(&m->answered);
	return m;
}

void
mirror_observe(struct mirror *m, const struct mirror_observer *ops, void *arg)
{
	wrlock(m);
	*VEC_PUSH(&m->observers) = (struct observer){ .ops = ops, .arg = arg };
	mirror_unlock(m);
}

enum err
mirror_start(struct mirror *m, struct error *err)
{
	return store_follow(m->store, &watcher, m, err);
}

void
mirror_free(struct mirror *m)
{
	if (m == NULL)
		return;
	for (int i = 0; i < RECORD_KINDS; i++)
		tree_release(&m->trees[i]);
	kvs_release(&m->quarantine);
	free(m->observers.v);
	pthread_rwlock_destroy(&m->lock);
	pthread_mutex_destroy(&m->wait_lock);
	pthread_cond_destroy(&m->reached);
	pthread_cond_destroy(&m->answered);
	free(m);
}

struct store *
mirror_store(struct mirror *m)
{
	return m->store;
}

/* ---- waiting ---- */

int64_t
mirror_revision(struct mirror *m)
{
	return atomic_load(&m->revision);
}

static enum err
wait_until(struct mirror *m, int64_t revision, int64_t deadline_ms,
	   struct error *err)
{
	assert(!holds_lock);
	if (atomic_load(&m->revision) >= revision)
		return ERR_OK;
	LOCK_FOR_SCOPE(&m->wait_lock);
	while (atomic_load(&m->revision) < revision)
		if (cond_wait_until(&m->reached, &m->wait_lock,
				    deadline_ms) == ETIMEDOUT &&
		    atomic_load(&m->revision) < revision)
			return fail(err, ERR_TIMEOUT, "mirror: at revision "
				    "%lld, %lld did not come in time",
				    (long long)mirror_revision(m),
				    (long long)revision);
	return ERR_OK;
}

enum err
mirror_wait(struct mirror *m, int64_t revision, int timeout_ms,
	    struct error *err)
{
	return wait_until(m, revision, clock_mono_ms() + timeout_ms, err);
}

/* Between join and leave the caller holds wait_lock. */
static struct barrier *
join_barrier(struct mirror *m)
{
	if (m->queued == NULL)
		m->queued = XNEW(struct barrier);
	m->queued->refs++;
	return m->queued;
}

static void
leave_barrier(struct mirror *m, struct barrier *b)
{
	if (--b->refs > 0)
		return;
	/* All who waited for it gave up before it began. */
	if (m->queued == b)
		m->queued = NULL;
	free(b);
}

/* From here on, newcomers make a barrier of their own: ours may be answered
 * from before they came.
 */
static void
run_barrier(struct mirror *m, struct barrier *b, int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - clock_mono_ms();

	m->asking = true;
	m->queued = NULL;
	b->deadline_ms = deadline_ms;
	pthread_mutex_unlock(&m->wait_lock);
	b->result = store_barrier_within(m->store, left_ms > 1 ? (int)left_ms :
					 1, &b->revision, &b->err);
	pthread_mutex_lock(&m->wait_lock);
	b->done = true;
	m->asking = false;
	pthread_cond_broadcast(&m->answered);
}

static enum err
one_barrier(struct mirror *m, int64_t deadline_ms, int64_t *ret,
	    int64_t *ret_given_up_ms, struct error *err)
{
	struct barrier *b = join_barrier(m);
	enum err e = ERR_OK;

	while (!b->done && e == ERR_OK) {
		if (!m->asking)
			run_barrier(m, b, deadline_ms);
		else if (cond_wait_until(&m->answered, &m->wait_lock,
					 deadline_ms) == ETIMEDOUT && !b->done)
			e = fail(err, ERR_TIMEOUT,
				 "store: no answer to a barrier in time");
	}
	if (e == ERR_OK && b->result != ERR_OK)
		e = fail(err, b->result, "%s", b->err.text);
	if (e == ERR_OK)
		*ret = b->revision;
	*ret_given_up_ms = b->done ? b->deadline_ms : deadline_ms;
	leave_barrier(m, b);
	return e;
}

/* Whoever asked for all may have had less time than we have. */
static enum err
shared_barrier(struct mirror *m, int64_t deadline_ms, int64_t *ret,
	       struct error *err)
{
	LOCK_FOR_SCOPE(&m->wait_lock);
	int64_t given_up_ms = 0;
	enum err e;

	do
		e = one_barrier(m, deadline_ms, ret, &given_up_ms, err);
	while (e != ERR_OK && given_up_ms < deadline_ms);
	return e;
}

enum err
mirror_sync(struct mirror *m, int timeout_ms, struct error *err)
{
	int64_t deadline_ms = clock_mono_ms() + timeout_ms;
	int64_t began_us = clock_mono_us();
	int64_t revision = 0;
	enum err e;

	assert(!holds_lock);
	e = shared_barrier(m, deadline_ms, &revision, err);
	if (e == ERR_OK)
		e = wait_until(m, revision, deadline_ms, err);
	histogram_add(&m->stats.syncs, clock_mono_us() - began_us);
	if (e != ERR_OK)
		atomic_fetch_add(&m->stats.sync_failures, 1);
	return e;
}

static enum err
count_commit(struct mirror *m, enum err e, int64_t began_us)
{
	histogram_add(&m->stats.commits, clock_mono_us() - began_us);
	if (e == ERR_CONFLICT)
		atomic_fetch_add(&m->stats.conflicts, 1);
	else if (e != ERR_OK)
		atomic_fetch_add(&m->stats.failures, 1);
	return e;
}

const struct mirror_stats *
mirror_stats(const struct mirror *m)
{
	return &m->stats;
}

enum err
mirror_commit(struct mirror *m, const struct store_guard *guards,
	      size_t nguards, const struct store_write *writes, size_t nwrites,
	      struct error *err)
{
	int64_t began_us = clock_mono_us();
	int64_t revision = 0;
	enum err e;

	assert(!holds_lock);
	e = store_commit(m->store, guards, nguards, writes, nwrites, &revision,
			 err);
	if (e != ERR_OK)
		return count_commit(m, e, began_us);
	/* It is made, whether we see it in time or not. */
	e = mirror_wait(m, revision, COMMIT_WAIT_MS, NULL);
	return count_commit(m, e == ERR_TIMEOUT ? ERR_OK : e, began_us);
}

/* ---- reading ---- */

const struct record *
mirror_peek(struct mirror *m, enum record_kind kind, const char *id)
{
	char key[STORE_KEY_MAX + 1];
	int n = snprintf(key, sizeof(key), "%s%s", record_prefix(kind), id);

	assert(holds_lock);
	if (n < 0 || (size_t)n >= sizeof(key))
		return NULL;
	return tree_find(&m->trees[kind], key);
}

struct record *
mirror_get(struct mirror *m, enum record_kind kind, const char *id)
{
	const struct record *found;
	struct record *r;

	mirror_rdlock(m);
	found = mirror_peek(m, kind, id);
	r = found != NULL ? record_ref(found) : NULL;
	mirror_unlock(m);
	return r;
}

struct record **
mirror_list(struct mirror *m, enum record_kind kind, size_t *ret_n)
{
	struct record **v;

	mirror_rdlock(m);
	v = tree_list(&m->trees[kind], ret_n);
	mirror_unlock(m);
	return v;
}

void
mirror_list_free(struct record **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_unref(v[i]);
	free(v);
}

size_t
mirror_count(struct mirror *m, enum record_kind kind)
{
	size_t n;

	mirror_rdlock(m);
	n = m->trees[kind].n;
	mirror_unlock(m);
	return n;
}

/* Under the lock. */
static void
list_quarantined(const struct mirror *m, struct strs *ret)
{
	for (size_t i = 0; i < m->quarantine.n; i++)
		*VEC_PUSH(ret) = xasprintf("%s: %s", m->quarantine.v[i].key,
					   m->quarantine.v[i].value);
	if (m->quarantine_full)
		strs_add(ret, "and more: only the first are listed");
}

void
mirror_quarantined(struct mirror *m, struct strs *ret)
{
	mirror_rdlock(m);
	list_quarantined(m, ret);
	mirror_unlock(m);
}

/* ---- snapshots ---- */

void
mirror_snapshot_take(struct mirror *m, struct mirror_snapshot *ret)
{
	memset(ret, 0, sizeof(*ret));
	mirror_rdlock(m);
	for (int kind = 0; kind < RECORD_KINDS; kind++)
		ret->of[kind].v = tree_list(&m->trees[kind], &ret->of[kind].n);
	list_quarantined(m, &ret->quarantined);
	ret->revision = mirror_revision(m);
	mirror_unlock(m);
}

void
mirror_snapshot_release(struct mirror_snapshot *s)
{
	for (int kind = 0; kind < RECORD_KINDS; kind++)
		mirror_list_free(s->of[kind].v, s->of[kind].n);
	strs_release(&s->quarantined);
	memset(s, 0, sizeof(*s));
}

static int
compare_key(const void *id, const void *r)
{
	const struct record *const *to = r;

	return strcmp(id, (*to)->key + strlen(record_prefix((*to)->kind)));
}

const struct record *
mirror_snapshot_find(const struct mirror_snapshot *s, enum record_kind kind,
		     const char *id)
{
	const struct mirror_list *l = &s->of[kind];
	struct record **at = l->n == 0 ? NULL :
		bsearch(id, l->v, l->n, sizeof(*l->v), compare_key);

	return at != NULL ? *at : NULL;
}
