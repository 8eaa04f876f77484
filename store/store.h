/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: the contract that store/etcd and store/sqlite both keep, tested
 * by one test-suite (tests/unit/t-store.c).
 *
 * A store is a sorted map from keys to documents, with one revision counter.
 * Keys are given without the store's prefix (default "/brickyard/v1/").  Every
 * commit gets one revision; a key remembers the revision of its last change.
 *
 * All functions may be called from any thread unless they say otherwise.
 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct store;

/* A guard holds if the key's last change was at this revision; 0: the key
 * must be absent.
 */
struct store_guard {
	const char *key;
	int64_t revision;
};

/* value NULL deletes (deleting what is absent is fine).  leased: the key goes
 * away with this process's lease.
 */
struct store_write {
	const char *key;
	const char *value;
	size_t len;
	int leased;
};

/* At most this many guards, and at most this many writes, in one commit. */
#define STORE_COMMIT_MAX 120
/* A document is at most this long. */
#define STORE_VALUE_MAX (1024 * 1024)
/* A key is at most this long, and never empty.  It starts with a byte below '~'
 * (what comes from there on belongs to the implementations) and is UTF-8 as far
 * as that it has no byte 0xff, so that a prefix has an end.
 */
#define STORE_KEY_MAX 1024

/* One key as the store has it.  In a change, value NULL means deleted. */
struct store_kv {
	const char *key;
	const char *value;
	size_t len;
	int64_t revision;
};

/* Told of everything that changes.  Calls come one at a time, in order of
 * revision, from any thread (also from within store_commit); they must not
 * call the store.  Arguments are lent for the call.
 */
struct store_watcher {
	/* Everything there is at revision: at the start, and again whenever
	 * changes were missed (compaction, long disconnection).
	 */
	void (*snapshot)(void *arg, const struct store_kv *kvs, size_t n,
			 int64_t revision);
	/* All changes of one commit. */
	void (*changes)(void *arg, const struct store_kv *kvs, size_t n,
			int64_t revision);
};

/* "sqlite:PATH" (sqlite::memory: for tests) or "etcd:URL[,URL…]".  options are
 * key/value pairs from the configuration: prefix, ca_file, cert_file,
 * key_file, user, password, timeout_ms; NULL-terminated array of pairs
 * (key, value, key, value, NULL), or NULL.  Opening makes the connection or
 * says why not: another process owns the file, no endpoint answers, ….
 */
enum err MUST_CHECK store_open(const char *spec, const char *const *options,
			       struct store **ret, struct error *);
/* Ends the watch and the lease (its keys go away now) and frees. Accepts NULL. */
void store_close(struct store *);

/* All guards hold, then all writes happen, atomically, at *ret_revision (may
 * be NULL); or nothing happens:
 *	ERR_CONFLICT	a guard failed
 *	ERR_STORE	the store can't be reached; certainly not committed
 *	ERR_TOOLARGE	too many writes, or a value too long
 * An unknown outcome (connection lost after sending) is resolved inside, by
 * re-reading.  A key may be written once in a commit.  A commit that changes
 * nothing (no writes, or deletes of absent keys only) succeeds at the current
 * revision and tells the watcher nothing.
 */
enum err MUST_CHECK store_commit(struct store *,
				 const struct store_guard *guards, size_t nguards,
				 const struct store_write *writes, size_t nwrites,
				 int64_t *ret_revision, struct error *);

/* Calls fn for every key that starts with prefix, in order of keys, all as of
 * one revision.  fn returning not 0 ends the walk (still success); it must not
 * call the store.
 */
typedef int store_load_fn(void *arg, const struct store_kv *);
enum err MUST_CHECK store_load(struct store *, const char *prefix,
			       store_load_fn *fn, void *arg,
			       int64_t *ret_revision, struct error *);

/* Follow the whole store: the snapshot is delivered before this returns.  One
 * watcher per store, until store_close.
 */
enum err MUST_CHECK store_follow(struct store *, const struct store_watcher *,
				 void *arg, struct error *);

/* A revision that includes everything committed anywhere before the call, and
 * that the watcher is certain to reach.
 */
enum err MUST_CHECK store_barrier(struct store *, int64_t *ret_revision,
				  struct error *);
/* The same, but give up after timeout_ms, however long the store itself would
 * wait.
 */
enum err MUST_CHECK store_barrier_within(struct store *, int timeout_ms,
					 int64_t *ret_revision, struct error *);

/* The lease of this process: granted once, kept alive by a thread of the
 * store, lost when that fails for ttl_ms.  lost() is called once, from that
 * thread, when it is (or may be) gone; a new one may then be granted.
 */
enum err MUST_CHECK store_lease_grant(struct store *, int ttl_ms,
				      void (*lost)(void *arg), void *arg,
				      struct error *);
/* Monotonic time in ms until which the lease is certainly alive; 0 when there
 * is none.  Work on nodes must end before it.
 */
int64_t store_lease_deadline_ms(struct store *);

/* Can it be shared by several processes (etcd), or is it ours alone? */
int store_is_shared(const struct store *);
const char *store_describe(const struct store *);	/* for people */

/* ---- for implementations only ---- */

/* store.c has checked the caps, the keys and that no key is written twice, and
 * never passes a NULL for ret_revision.  close frees all, description too.
 */
struct store_ops {
	void (*close)(struct store *);
	enum err (*commit)(struct store *, const struct store_guard *, size_t,
			   const struct store_write *, size_t, int64_t *,
			   struct error *);
	enum err (*load)(struct store *, const char *, store_load_fn *, void *,
			 int64_t *, struct error *);
	enum err (*follow)(struct store *, const struct store_watcher *, void *,
			   struct error *);
	enum err (*barrier)(struct store *, int64_t *, struct error *);
	enum err (*lease_grant)(struct store *, int, void (*)(void *), void *,
				struct error *);
	int64_t (*lease_deadline_ms)(struct store *);
	int shared;
	/* NULL where barriers don't take long. */
	enum err (*barrier_within)(struct store *, int, int64_t *,
				   struct error *);
};

struct store {
	const struct store_ops *ops;
	char *description;
};

enum err sqlite_store_open(const char *path, const char *const *options,
			   struct store **ret, struct error *);
enum err etcd_store_open(const char *urls, const char *const *options,
			 struct store **ret, struct error *);
/* The value of a key in an options array, or dflt. */
const char *store_option(const char *const *options, const char *key,
			 const char *dflt);

#endif
