/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The embedded store: one SQLite file, owned by one process.
 *
 * Commits are grouped.  A thread that wants to commit puts its request into a
 * queue; the one at the head becomes the leader, takes all that wait, runs
 * them in one SQLite transaction (each with its guards and a revision of its
 * own), tells the watcher and wakes the others.  So the disk is flushed once
 * per group, which is what a commit costs, and a lone thread waits for nobody.
 *
 * Two locks, never held together: queue_lock guards the queue; db_lock guards
 * the connection and everything that follows from it.  The watcher runs under
 * db_lock.  The published revision is atomic, so a barrier takes no lock.
 *
 * When the flush of a commit fails, nobody knows whether the commit is in the
 * file.  The connection is then thrown away and a new one asked: see heal().
 */
#include <config.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "store/sqlite/claim.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define APPLICATION_ID	0x42724b79	/* "BrKy" */
#define FORMAT_VERSION	1
#define GROUP_MAX	64
#define BUSY_MS		1000

enum stmt {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_REVISION_OF,
	STMT_PUT,
	STMT_DELETE,
	STMT_RANGE,
	STMT_GET_COUNTER,
	STMT_SET_COUNTER,
	STMT_DROP_LEASED,
	STMTS
};

static const char *const sql[STMTS] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",
	[STMT_REVISION_OF] = "SELECT revision FROM kv WHERE key = ?1",
	[STMT_PUT] = "INSERT INTO kv (key, value, revision, leased) "
		     "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO UPDATE SET "
		     "value = excluded.value, revision = excluded.revision, "
		     "leased = excluded.leased",
	[STMT_DELETE] = "DELETE FROM kv WHERE key = ?1",
	[STMT_RANGE] = "SELECT key, value, revision FROM kv "
		       "WHERE key >= ?1 AND key < ?2 ORDER BY key",
	[STMT_GET_COUNTER] = "SELECT revision FROM counter",
	[STMT_SET_COUNTER] = "UPDATE counter SET revision = ?1",
	[STMT_DROP_LEASED] = "DELETE FROM kv WHERE leased <> 0",
};

/* Keys are blobs, so that they sort as bytes.  The partial index makes dropping
 * the leased keys cheap, and costs the others nothing.
 */
static const char schema[] =
	"BEGIN;"
	"CREATE TABLE kv (key BLOB NOT NULL UNIQUE, value BLOB NOT NULL,"
	" revision INTEGER NOT NULL, leased INTEGER NOT NULL);"
	"CREATE INDEX kv_leased ON kv (leased) WHERE leased <> 0;"
	"CREATE TABLE counter (revision INTEGER NOT NULL);"
	"INSERT INTO counter VALUES (0);"
	"PRAGMA application_id = 1114786681;"
	"PRAGMA user_version = 1;"
	"COMMIT";
_Static_assert(APPLICATION_ID == 1114786681 && FORMAT_VERSION == 1, "schema");

/* One thread's commit.  Lives on that thread's stack until it is done; the
 * leader fills it in.
 */
struct request {
	const struct store_guard *guards;
	size_t nguards;
	const struct store_write *writes;
	size_t nwrites;
	struct error *err;
	enum err result;
	int64_t revision;
	size_t nchanged;
	bool changed[STORE_COMMIT_MAX];	/* a delete of nothing is no change */
	bool done;
	pthread_cond_t wake;	/* done, or head of the queue */
	struct request *next;
};

struct sqlite_store {
	struct store base;

	pthread_mutex_t queue_lock;	/* the next three */
	struct request *head, **tail;
	bool leading;

	pthread_mutex_t db_lock;	/* the rest, but for the atomics */
	struct sqlite_claim claim;	/* its path may be ":memory:" */
	long max_pages;
	sqlite3 *db;
	sqlite3_stmt *stmts[STMTS];
	int64_t revision;		/* last committed */
	bool in_doubt;			/* .db is of no use until healed */
	const struct store_watcher *watcher;
	void *watcher_arg;

	_Atomic int64_t published;	/* last told to the watcher */
	_Atomic int lease_ms;		/* 0: no lease */
};

static struct sqlite_store *
self_of(struct store *s)
{
	return (struct sqlite_store *)s;
}

/* ---- the connection ---- */

static enum err
db_fail(const struct sqlite_store *self, const char *what, struct error *err)
{
	int code = sqlite3_errcode(self->db);
	int sys = sqlite3_system_errno(self->db);

	switch (code & 0xff) {
	case SQLITE_FULL:
		return fail(err, ERR_STORE, "%s: %s: the disk is full",
			    self->base.description, what);
	case SQLITE_NOTADB:
		return fail(err, ERR_STORE,
			    "%s: %s: the file is no Brickyard store, or it "
			    "is damaged", self->base.description, what);
	case SQLITE_CORRUPT:
		return fail(err, ERR_STORE,
			    "%s: %s: the file is damaged: %s",
			    self->base.description, what,
			    sqlite3_errmsg(self->db));
	case SQLITE_BUSY:
		return fail(err, ERR_STORE,
			    "%s: %s: another program has the file open",
			    self->base.description, what);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return fail(err, ERR_STORE, "%s: %s: %s%s%s",
			    self->base.description, what,
			    sqlite3_errmsg(self->db), sys != 0 ? ": " : "",
			    sys != 0 ? strerror(sys) : "");
	default:
		return fail(err, ERR_STORE, "%s: %s: %s",
			    self->base.description, what,
			    sqlite3_errmsg(self->db));
	}
}

/* A kept statement, given back to its start at the end of the scope. */
static void
cleanup_stmt(sqlite3_stmt **s)
{
	sqlite3_reset(*s);
	sqlite3_clear_bindings(*s);
}
#define STMT_SCOPE CLEANUP(cleanup_stmt)

static enum err
run_simple(struct sqlite_store *self, enum stmt which, const char *what,
	   struct error *err)
{
	STMT_SCOPE sqlite3_stmt *s = self->stmts[which];

	if (sqlite3_step(s) != SQLITE_DONE)
		return db_fail(self, what, err);
	return ERR_OK;
}

static void
bind_bytes(sqlite3_stmt *s, int i, const void *p, size_t n)
{
	/* Can fail on a misuse or beyond SQLite's 1 GB only. */
	int r = sqlite3_bind_blob64(s, i, n > 0 ? p : "", n, SQLITE_STATIC);

	assert(r == SQLITE_OK);
	(void)r;
}

static void
bind_int(sqlite3_stmt *s, int i, int64_t v)
{
	int r = sqlite3_bind_int64(s, i, v);

	assert(r == SQLITE_OK);
	(void)r;
}

static enum err
read_int(struct sqlite_store *self, const char *query, int64_t *ret,
	 struct error *err)
{
	sqlite3_stmt *s = NULL;
	enum err e = ERR_OK;

	if (sqlite3_prepare_v2(self->db, query, -1, &s, NULL) != SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		e = db_fail(self, "read", err);
	else
		*ret = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return e;
}

static enum err
exec(struct sqlite_store *self, const char *text, const char *what,
     struct error *err)
{
	if (sqlite3_exec(self->db, text, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(self, what, err);
	return ERR_OK;
}

static enum err
set_pragmas(struct sqlite_store *self, struct error *err)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	/* EXCLUSIVE comes first: then the WAL's index is in our memory, and
	 * no other program can write behind the mirror's back.
	 */
	buf_adds(&b, "PRAGMA locking_mode = EXCLUSIVE;"
		     "PRAGMA cell_size_check = ON;"
		     "PRAGMA trusted_schema = OFF;"
		     "PRAGMA journal_mode = WAL;"
		     "PRAGMA synchronous = FULL;"
		     "PRAGMA wal_autocheckpoint = 4000;"
		     "PRAGMA journal_size_limit = 67108864;");
	if (self->max_pages > 0)
		buf_addf(&b, "PRAGMA max_page_count = %ld;", self->max_pages);
	return exec(self, buf_str(&b), "open", err);
}

static enum err
check_format(struct sqlite_store *self, struct error *err)
{
	int64_t application = 0, version = 0, objects = 0;
	enum err e;

	e = read_int(self, "PRAGMA application_id", &application, err);
	if (e == ERR_OK)
		e = read_int(self, "PRAGMA user_version", &version, err);
	if (e == ERR_OK)
		e = read_int(self, "SELECT count(*) FROM sqlite_master",
			     &objects, err);
	if (e != ERR_OK)
		return e;
	if (application == 0 && objects == 0)
		return exec(self, schema, "make the tables", err);
	if (application != APPLICATION_ID)
		return fail(err, ERR_STORE,
			    "%s: an SQLite database, but no Brickyard store",
			    self->base.description);
	if (version > FORMAT_VERSION)
		return fail(err, ERR_STORE, "%s: written by a newer Brickyard "
			    "(format %lld, this one reads %d)",
			    self->base.description, (long long)version,
			    FORMAT_VERSION);
	return ERR_OK;
}

static enum err
prepare_all(struct sqlite_store *self, struct error *err)
{
	for (int i = 0; i < STMTS; i++)
		if (sqlite3_prepare_v3(self->db, sql[i], -1,
				       SQLITE_PREPARE_PERSISTENT,
				       &self->stmts[i], NULL) != SQLITE_OK)
			return db_fail(self, "open", err);
	return ERR_OK;
}

static void
db_close(struct sqlite_store *self)
{
	for (int i = 0; i < STMTS; i++) {
		sqlite3_finalize(self->stmts[i]);
		self->stmts[i] = NULL;
	}
	sqlite3_close(self->db);
	self->db = NULL;
}

static enum err
db_open(struct sqlite_store *self, struct error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	enum err e;

	if (sqlite3_open_v2(self->claim.path, &self->db, flags, NULL) != SQLITE_OK)
		return db_fail(self, "open", err);
	sqlite3_extended_result_codes(self->db, 1);
	sqlite3_busy_timeout(self->db, BUSY_MS);
	e = set_pragmas(self, err);
	if (e == ERR_OK)
		e = check_format(self, err);
	if (e == ERR_OK)
		e = prepare_all(self, err);
	if (e == ERR_OK)
		e = read_int(self, sql[STMT_GET_COUNTER], &self->revision, err);
	return e;
}

/* ---- transactions (all under db_lock) ---- */

static enum err tell_all(struct sqlite_store *, const struct store_watcher *,
			 void *arg, struct error *);

/* After a commit whose flush failed: what does the file hold?  The checkpoint
 * writes and flushes it all anew, since the kernel forgets about pages that it
 * failed to write once it has said so.
 */
static enum err
heal(struct sqlite_store *self, struct error *err)
{
	enum err e;

	self->in_doubt = true;
	db_close(self);
	e = db_open(self, err);
	if (e == ERR_OK)
		e = exec(self, "PRAGMA wal_checkpoint(TRUNCATE)", "recover",
			 err);
	if (e != ERR_OK) {
		db_close(self);
		return e;
	}
	self->in_doubt = false;
	return ERR_OK;
}

/* A commit that was reported as failed may turn up after all, so the watcher
 * gets everything anew.
 */
static enum err
ensure_healthy(struct sqlite_store *self, struct error *err)
{
	enum err e;

	if (!self->in_doubt)
		return ERR_OK;
	e = heal(self, err);
	if (e == ERR_OK && self->watcher != NULL &&
	    self->revision != atomic_load(&self->published)) {
		e = tell_all(self, self->watcher, self->watcher_arg, err);
		if (e != ERR_OK)
			self->in_doubt = true;
	}
	if (e == ERR_OK)
		atomic_store(&self->published, self->revision);
	return e;
}

static void
rollback(struct sqlite_store *self)
{
	/* Some errors have rolled back already. */
	if (!self->in_doubt && !sqlite3_get_autocommit(self->db))
		(void)run_simple(self, STMT_ROLLBACK, "roll back", NULL);
}

static enum err
check_guard(struct sqlite_store *self, const struct store_guard *g,
	    struct error *err)
{
	STMT_SCOPE sqlite3_stmt *s = self->stmts[STMT_REVISION_OF];
	int64_t found = 0;

	bind_bytes(s, 1, g->key, strlen(g->key));
	switch (sqlite3_step(s)) {
	case SQLITE_DONE:
		break;
	case SQLITE_ROW:
		found = sqlite3_column_int64(s, 0);
		break;
	default:
		return db_fail(self, "read", err);
	}
	if (found != g->revision)
		return fail(err, ERR_CONFLICT, "key '%s' is at revision %lld, "
			    "not %lld", g->key, (long long)found,
			    (long long)g->revision);
	return ERR_OK;
}

static enum err
write_one(struct sqlite_store *self, const struct store_write *w,
	  int64_t revision, bool *ret_changed, struct error *err)
{
	STMT_SCOPE sqlite3_stmt *s =
		self->stmts[w->value != NULL ? STMT_PUT : STMT_DELETE];

	bind_bytes(s, 1, w->key, strlen(w->key));
	if (w->value != NULL) {
		bind_bytes(s, 2, w->value, w->len);
		bind_int(s, 3, revision);
		bind_int(s, 4, w->leased != 0);
	}
	if (sqlite3_step(s) != SQLITE_DONE)
		return db_fail(self, "write", err);
	*ret_changed = sqlite3_changes(self->db) > 0;
	return ERR_OK;
}

static enum err
set_counter(struct sqlite_store *self, int64_t revision, struct error *err)
{
	STMT_SCOPE sqlite3_stmt *s = self->stmts[STMT_SET_COUNTER];

	bind_int(s, 1, revision);
	if (sqlite3_step(s) != SQLITE_DONE)
		return db_fail(self, "write", err);
	return ERR_OK;
}

/* Guards first, so a conflict needs no undoing.  What it returns is a failure
 * of the whole transaction; a conflict is in r->result.
 */
static enum err
apply(struct sqlite_store *self, struct request *r, int64_t *revision,
      struct error *err)
{
	enum err e;

	r->nchanged = 0;
	for (size_t i = 0; i < r->nguards; i++) {
		r->result = check_guard(self, &r->guards[i], r->err);
		if (r->result == ERR_CONFLICT)
			return ERR_OK;
		if (r->result != ERR_OK)
			return db_fail(self, "read", err);
	}
	for (size_t i = 0; i < r->nwrites; i++) {
		e = write_one(self, &r->writes[i], *revision + 1,
			      &r->changed[i], err);
		if (e != ERR_OK)
			return e;
		r->nchanged += r->changed[i];
	}
	if (r->nchanged > 0)
		++*revision;
	r->revision = *revision;
	return ERR_OK;
}

static void
publish(struct sqlite_store *self, const struct request *r)
{
	struct store_kv kvs[STORE_COMMIT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < r->nwrites; i++) {
		const struct store_write *w = &r->writes[i];

		if (r->changed[i])
			kvs[n++] = (struct store_kv){
				.key = w->key,
				.value = w->value,
				.len = w->value != NULL ? w->len : 0,
				.revision = r->revision,
			};
	}
	self->watcher->changes(self->watcher_arg, kvs, n, r->revision);
}

/* An error that came before the last page was written means that nothing
 * happened; after one of the disk itself, only the file knows.
 */
static enum err
commit_to(struct sqlite_store *self, int64_t revision, struct error *err)
{
	enum err e = run_simple(self, STMT_COMMIT, "commit", err);

	if (e == ERR_OK)
		return ERR_OK;
	if ((sqlite3_errcode(self->db) & 0xff) != SQLITE_IOERR)
		return e;
	if (heal(self, NULL) == ERR_OK)
		return self->revision == revision ? ERR_OK : e;
	if (err != NULL)
		(void)fail_prefix(err, "it is not known whether a commit was "
				  "made");
	return e;
}

/* All of them in one transaction; or none, and then every one has failed. */
static enum err
run_group(struct sqlite_store *self, struct request **v, size_t n,
	  struct error *err)
{
	int64_t revision = self->revision;
	enum err e = run_simple(self, STMT_BEGIN, "begin", err);

	for (size_t i = 0; i < n && e == ERR_OK; i++)
		e = apply(self, v[i], &revision, err);
	if (e == ERR_OK && revision != self->revision)
		e = set_counter(self, revision, err);
	if (e == ERR_OK)
		e = commit_to(self, revision, err);
	if (e != ERR_OK) {
		rollback(self);
		return e;
	}
	self->revision = revision;
	for (size_t i = 0; i < n; i++)
		if (self->watcher != NULL && v[i]->result == ERR_OK &&
		    v[i]->nchanged > 0)
			publish(self, v[i]);
	atomic_store(&self->published, revision);
	return ERR_OK;
}

static void
run_alone(struct sqlite_store *self, struct request *r)
{
	enum err e = ensure_healthy(self, r->err);

	r->result = ERR_OK;
	if (e == ERR_OK)
		e = run_group(self, &r, 1, r->err);
	if (e != ERR_OK)
		r->result = e;
}

/* One request that the disk has no room for must not take its neighbours with
 * it: after a failure, each is tried alone.  Not so when it is not known what
 * the failure did, or a commit might be made twice.
 */
static void
run_requests(struct sqlite_store *self, struct request **v, size_t n)
{
	LOCK_FOR_SCOPE(&self->db_lock);
	struct error err;
	enum err e = ERR_OK;
	bool unknown;

	if (n > 1) {
		e = ensure_healthy(self, &err);
		if (e == ERR_OK)
			e = run_group(self, v, n, &err);
		if (e == ERR_OK)
			return;
	}
	unknown = e != ERR_OK && self->in_doubt;
	for (size_t i = 0; i < n; i++) {
		if (unknown)
			v[i]->result = fail(v[i]->err, e, "%s", err.text);
		else
			run_alone(self, v[i]);
	}
}

/* ---- the queue ---- */

static size_t
take_group(struct sqlite_store *self, struct request *v[GROUP_MAX])
{
	size_t n = 0;

	while (self->head != NULL && n < GROUP_MAX) {
		v[n++] = self->head;
		self->head = self->head->next;
	}
	if (self->head == NULL)
		self->tail = &self->head;
	return n;
}

static void
lead(struct sqlite_store *self, struct request *own)
{
	struct request *v[GROUP_MAX];
	size_t n;

	self->leading = true;
	n = take_group(self, v);
	pthread_mutex_unlock(&self->queue_lock);
	run_requests(self, v, n);
	pthread_mutex_lock(&self->queue_lock);
	self->leading = false;
	for (size_t i = 0; i < n; i++) {
		v[i]->done = true;
		if (v[i] != own)
			pthread_cond_signal(&v[i]->wake);
	}
	if (self->head != NULL)
		pthread_cond_signal(&self->head->wake);
}

static void
enqueue(struct sqlite_store *self, struct request *r)
{
	LOCK_FOR_SCOPE(&self->queue_lock);

	*self->tail = r;
	self->tail = &r->next;
	/* Whoever leads takes from the head, so the leader is always in its own
	 * group.
	 */
	while (!r->done) {
		if (!self->leading && self->head == r)
			lead(self, r);
		else
			pthread_cond_wait(&r->wake, &self->queue_lock);
	}
}

static enum err
sqlite_commit(struct store *s, const struct store_guard *guards, size_t nguards,
	      const struct store_write *writes, size_t nwrites,
	      int64_t *ret_revision, struct error *err)
{
	struct sqlite_store *self = self_of(s);
	struct request r = {
		.guards = guards, .nguards = nguards,
		.writes = writes, .nwrites = nwrites,
		.err = err,
	};

	for (size_t i = 0; i < nwrites; i++)
		if (writes[i].leased && writes[i].value != NULL &&
		    atomic_load(&self->lease_ms) == 0)
			return fail(err, ERR_STORE, "%s: key '%s' is to hang "
				    "on the lease, but there is none",
				    s->description, writes[i].key);
	pthread_cond_init(&r.wake, NULL);
	enqueue(self, &r);
	pthread_cond_destroy(&r.wake);
	if (r.result == ERR_OK)
		*ret_revision = r.revision;
	return r.result;
}

/* ---- reading ---- */

/* The first bytes after which no key with this prefix can come. */
static void
end_of_prefix(const char *prefix, struct buf *ret)
{
	char ff[STORE_KEY_MAX + 1];

	memset(ff, 0xff, sizeof(ff));
	buf_adds(ret, prefix);
	buf_add(ret, ff, sizeof(ff));
}

static enum err
walk(struct sqlite_store *self, const char *prefix, store_load_fn *fn,
     void *arg, struct error *err)
{
	STMT_SCOPE sqlite3_stmt *s = self->stmts[STMT_RANGE];
	CLEANUP(buf_release) struct buf end = { 0 };
	CLEANUP(buf_release) struct buf key = { 0 };
	int r;

	end_of_prefix(prefix, &end);
	bind_bytes(s, 1, prefix, strlen(prefix));
	bind_bytes(s, 2, end.s, end.len);
	while ((r = sqlite3_step(s)) == SQLITE_ROW) {
		struct store_kv kv = {
			.value = sqlite3_column_blob(s, 1),
			.len = (size_t)sqlite3_column_bytes(s, 1),
			.revision = sqlite3_column_int64(s, 2),
		};

		buf_clear(&key);
		buf_add(&key, sqlite3_column_blob(s, 0),
			(size_t)sqlite3_column_bytes(s, 0));
		kv.key = buf_str(&key);
		if (kv.value == NULL)	/* how SQLite gives an empty blob */
			kv.value = "";
		if (fn(arg, &kv) != 0)
			return ERR_OK;
	}
	return r == SQLITE_DONE ? ERR_OK : db_fail(self, "read", err);
}

static enum err
sqlite_load(struct store *s, const char *prefix, store_load_fn *fn, void *arg,
	    int64_t *ret_revision, struct error *err)
{
	struct sqlite_store *self = self_of(s);
	LOCK_FOR_SCOPE(&self->db_lock);
	enum err e = ensure_healthy(self, err);

	if (e == ERR_OK)
		e = walk(self, prefix, fn, arg, err);
	if (e == ERR_OK)
		*ret_revision = self->revision;
	return e;
}

struct everything {
	struct store_kv *v;
	size_t n, cap;
};

static void
everything_release(struct everything *all)
{
	for (size_t i = 0; i < all->n; i++) {
		free((char *)all->v[i].key);
		free((char *)all->v[i].value);
	}
	free(all->v);
}

static int
keep(void *arg, const struct store_kv *kv)
{
	struct store_kv *to = VEC_PUSH((struct everything *)arg);

	*to = *kv;
	to->key = xstrdup(kv->key);
	to->value = xmemdup(kv->value, kv->len);
	return 0;
}

static enum err
tell_all(struct sqlite_store *self, const struct store_watcher *w, void *arg,
	 struct error *err)
{
	CLEANUP(everything_release) struct everything all = { 0 };
	enum err e = walk(self, "", keep, &all, err);

	if (e == ERR_OK)
		w->snapshot(arg, all.v, all.n, self->revision);
	return e;
}

static enum err
sqlite_follow(struct store *s, const struct store_watcher *w, void *arg,
	      struct error *err)
{
	struct sqlite_store *self = self_of(s);
	LOCK_FOR_SCOPE(&self->db_lock);
	enum err e;

	if (self->watcher != NULL)
		return fail(err, ERR_INTERNAL, "%s: followed already",
			    s->description);
	e = ensure_healthy(self, err);
	if (e == ERR_OK)
		e = tell_all(self, w, arg, err);
	if (e != ERR_OK)
		return e;
	self->watcher = w;
	self->watcher_arg = arg;
	return ERR_OK;
}

/* A commit is published before it returns, so nothing that was committed is
 * missing from this.
 */
static enum err
sqlite_barrier(struct store *s, int64_t *ret_revision, struct error *err)
{
	*ret_revision = atomic_load(&self_of(s)->published);
	return ERR_OK;
}

/* ---- the lease: as long as the process, which owns the file ---- */

static enum err
sqlite_lease_grant(struct store *s, int ttl_ms, void (*lost)(void *),
		   void *arg, struct error *err)
{
	int none = 0;

	if (ttl_ms <= 0)
		return fail(err, ERR_INTERNAL, "%s: a lease of %d ms",
			    s->description, ttl_ms);
	if (!atomic_compare_exchange_strong(&self_of(s)->lease_ms, &none,
					    ttl_ms))
		return fail(err, ERR_EXISTS, "%s: there is a lease already",
			    s->description);
	return ERR_OK;
}

static int64_t
sqlite_lease_deadline_ms(struct store *s)
{
	int ttl = atomic_load(&self_of(s)->lease_ms);

	return ttl != 0 ? clock_mono_ms() + ttl : 0;
}

static enum err
drop_leased(struct sqlite_store *self, struct error *err)
{
	int64_t revision = self->revision;
	enum err e = run_simple(self, STMT_BEGIN, "begin", err);

	if (e == ERR_OK)
		e = run_simple(self, STMT_DROP_LEASED, "drop leased keys", err);
	if (e == ERR_OK && sqlite3_changes(self->db) > 0)
		e = set_counter(self, ++revision, err);
	if (e == ERR_OK)
		e = run_simple(self, STMT_COMMIT, "commit", err);
	if (e == ERR_OK)
		self->revision = revision;
	else
		rollback(self);
	return e;
}

/* ---- opening and closing ---- */

static void
sqlite_free(struct sqlite_store *self)
{
	if (self == NULL)
		return;
	db_close(self);
	sqlite_claim_release(&self->claim);
	pthread_mutex_destroy(&self->queue_lock);
	pthread_mutex_destroy(&self->db_lock);
	free(self->base.description);
	free(self);
}
DEFINE_CLEANUP(struct sqlite_store, sqlite_free)

static void
sqlite_close(struct store *s)
{
	struct sqlite_store *self = self_of(s);

	/* Should it fail: the next open drops them, too. */
	if (atomic_load(&self->lease_ms) != 0 && !self->in_doubt)
		(void)drop_leased(self, NULL);
	sqlite_free(self);
}

static const struct store_ops sqlite_ops = {
	.close = sqlite_close,
	.commit = sqlite_commit,
	.load = sqlite_load,
	.follow = sqlite_follow,
	.barrier = sqlite_barrier,
	.lease_grant = sqlite_lease_grant,
	.lease_deadline_ms = sqlite_lease_deadline_ms,
	.shared = 0,
};

enum err
sqlite_store_open(const char *path, const char *const *options,
		  struct store **ret, struct error *err)
{
	CLEANUP(cleanup_sqlite_free) struct sqlite_store *self =
		XNEW(struct sqlite_store);
	enum err e = ERR_OK;

	self->base.ops = &sqlite_ops;
	self->base.description = xasprintf("sqlite:%s", path);
	self->claim.fd = -1;
	self->claim.who = self->base.description;
	self->tail = &self->head;
	pthread_mutex_init(&self->queue_lock, NULL);
	pthread_mutex_init(&self->db_lock, NULL);
	/* For tests: a disk that is full at so many pages. */
	self->max_pages = atol(store_option(options, "max_pages", "0"));
	if (strcmp(path, ":memory:") == 0)
		self->claim.path = xstrdup(path);
	else
		e = sqlite_claim_file(&self->claim, path, err);
	if (e == ERR_OK)
		e = db_open(self, err);
	if (e == ERR_OK)
		e = drop_leased(self, err);
	if (e != ERR_OK)
		return e;
	atomic_store(&self->published, self->revision);
	*ret = &STEAL(self)->base;
	return ERR_OK;
}
