/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mirror: the whole model in memory, fed by the store's watch.
 *
 * Reads are linearizable: mirror_sync() takes a barrier from the store (one
 * tiny read, shared by all that wait at that moment) and waits until the mirror
 * has reached it; what is read after that includes every commit made anywhere
 * before the call.
 *
 * One rwlock guards the mirror.  Observers run under its write lock, so what
 * they keep (indexes) is guarded by it too: read such things between
 * mirror_rdlock() and mirror_unlock().  The lock does not nest, and nothing that
 * takes it or calls the store may be called while it is held: an assertion
 * catches that.  (A waiting writer goes before new readers; a nested read lock
 * would wait for it, and it for us.)
 */
#ifndef MIRROR_H
#define MIRROR_H

#include "store/record.h"
#include "store/store.h"
#include "util/histogram.h"

struct mirror;

/* Told of each change, in order, under the write lock; must be quick and must
 * not call the mirror's locking functions or the store.  was NULL: new; now
 * NULL: gone.  reset: everything is about to be told anew (all as new).
 */
struct mirror_observer {
	void (*reset)(void *arg);
	void (*changed)(void *arg, const struct record *was,
			const struct record *now);
};

/* Follows the store.  Observers that are added before mirror_start see
 * everything.  The store must outlive the mirror's use of it: close the store
 * first (that ends the watch), then free the mirror.
 */
struct mirror *mirror_new(struct store *);
void mirror_observe(struct mirror *, const struct mirror_observer *, void *arg);
enum err MUST_CHECK mirror_start(struct mirror *, struct error *);
void mirror_free(struct mirror *);

/* Wait until the mirror has reached a revision; ERR_TIMEOUT after timeout_ms. */
enum err MUST_CHECK mirror_wait(struct mirror *, int64_t revision,
				int timeout_ms, struct error *);
/* Barrier, then wait: after it, reads see all that was committed before. */
enum err MUST_CHECK mirror_sync(struct mirror *, int timeout_ms, struct error *);
int64_t mirror_revision(struct mirror *);

void mirror_rdlock(struct mirror *);
void mirror_unlock(struct mirror *);

/* A new reference, or NULL.  Takes the lock itself. */
struct record *mirror_get(struct mirror *, enum record_kind, const char *id);
/* The same between mirror_rdlock and mirror_unlock, and no new reference: the
 * record is good until the unlock.  For observers too.
 */
const struct record *mirror_peek(struct mirror *, enum record_kind,
				 const char *id);
/* All of a kind in order of id, each with a new reference; free with
 * mirror_list_free.
 */
struct record **mirror_list(struct mirror *, enum record_kind, size_t *ret_n);
void mirror_list_free(struct record **, size_t n);
size_t mirror_count(struct mirror *, enum record_kind);

/* All of all kinds as of one revision, each list in order of key, each record
 * with a new reference; and what could not be read, as mirror_quarantined.
 */
struct mirror_snapshot {
	struct mirror_list {
		struct record **v;
		size_t n;
	} of[RECORD_KINDS];
	struct strs quarantined;
	int64_t revision;
};
void mirror_snapshot_take(struct mirror *, struct mirror_snapshot *ret);
void mirror_snapshot_release(struct mirror_snapshot *);
/* By id (for kinds with ids; see the end); lent; NULL: none. */
const struct record *mirror_snapshot_find(const struct mirror_snapshot *,
					  enum record_kind, const char *id);

/* Documents that could not be read: their keys and why, each "KEY: reason". */
void mirror_quarantined(struct mirror *, struct strs *ret);

/* Commit and wait until the mirror shows it.  A commit that was made is never
 * reported as a failure: should the mirror not follow within half a minute, this
 * is ERR_OK nevertheless, and guards catch whoever works on the old state.
 */
enum err MUST_CHECK mirror_commit(struct mirror *,
				  const struct store_guard *, size_t nguards,
				  const struct store_write *, size_t nwrites,
				  struct error *);
struct store *mirror_store(struct mirror *);

/* Since the process began. */
struct mirror_stats {
	struct histogram commits;	/* until the mirror shows them */
	struct histogram syncs;
	_Atomic uint64_t conflicts, failures, sync_failures;
};
const struct mirror_stats *mirror_stats(const struct mirror *);

/* For kinds with ids, `id` is the id; for RECORD_INDEX, RECORD_SLOT,
 * RECORD_ADMIN and RECORD_DUTY it is the key after "index/", "slots/", ….
 */

#endif
