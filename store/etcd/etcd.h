/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of store/etcd share.
 *
 * In etcd, below the prefix:
 *	KEY			the documents
 *	commit			put by every commit: its mod_revision is that of
 *				the last one anywhere, which is what a barrier
 *				reads, and what every watcher sees
 *	~outcome/CLIENT/N	the outcome of the commits of wire N; commit.c
 * Documents are followed and loaded in the range [PREFIX, PREFIX~), so nobody
 * sees outcomes, and "commit" is left out where kvs are handed on.
 *
 * Order of locks: a lock here is never held while another is taken, except
 * that outcome_lock (held through a request every quarter of an hour) is taken
 * before the link's.
 */
#ifndef ETCD_H
#define ETCD_H

#include <stdatomic.h>

#include <curl/curl.h>

#include "store/etcd/link.h"
#include "store/store.h"
#include "util/id.h"

#define ETCD_COMMIT_KEY	"commit"
#define ETCD_HIDDEN	"~"	/* first byte of keys that nobody sees */

struct lease {
	pthread_mutex_t lock;	/* guards what follows */
	pthread_cond_t changed;
	pthread_t thread;
	bool running;
	bool granting;
	int64_t id;		/* 0: none */
	int64_t ttl_ms;
	int64_t renewed_ms;
	int64_t deadline_ms;
	void (*lost)(void *arg);
	void *lost_arg;
};

struct watch {
	bool started;
	pthread_t thread, pulse;
	const struct store_watcher *watcher;
	void *arg;

	/* The thread's alone. */
	CURLM *multi;
	struct wire *wire;
	size_t endpoint;	/* where the stream comes from */
	struct buf in;
	size_t scanned;		/* of in: no newline before */
	bool created;		/* etcd has confirmed the watch */
	bool broken;		/* this stream is of no use any more */
	int64_t heard_ms;	/* when etcd last said anything */

	_Atomic int64_t delivered;	/* revision */
	_Atomic bool reload;		/* changes were missed */

	pthread_mutex_t lock;	/* for pulse's sleep */
	pthread_cond_t stop;
};

struct etcd {
	struct store base;
	struct link *link;
	char *prefix;
	char client[ID_SIZE];
	_Atomic int64_t sighted;	/* highest revision of a commit known */
	bool deaf;		/* closing: etcd has not heard the last words */
	struct lease lease;
	struct watch watch;

	pthread_mutex_t outcome_lock;	/* guards what follows */
	int64_t outcome_lease;		/* 0: none yet */
	int64_t outcome_renewed_ms;
	_Atomic unsigned outcome_number;	/* grows with each new lease */
};

static inline struct etcd *
etcd_of(struct store *s)
{
	return (struct etcd *)s;
}

/* etcd.c */
void etcd_sighted(struct etcd *, int64_t revision);
/* All keys below the prefix that start with this one, as of one revision. */
enum err MUST_CHECK etcd_load(struct etcd *, const char *prefix,
			      struct kvlist *ret, int64_t *ret_revision,
			      struct error *);
/* Revision of the last commit, and etcd's own at that moment; timeout_ms: of
 * the link, if that is shorter.
 */
enum err MUST_CHECK etcd_last_commit(struct etcd *, int timeout_ms,
				     int64_t *ret_commit, int64_t *ret_revision,
				     struct error *);
/* A request while the store is being closed; nobody hears of its failure. */
void etcd_last_words(struct etcd *, const char *path, const struct buf *body);
/* A thread that gets no signals. */
void etcd_thread(pthread_t *, void *(*run)(void *), void *arg);
/* The member "range_end" of a request for the documents below prefix. */
void etcd_range_end(struct etcd *, struct buf *, const char *prefix);

/* commit.c */
enum err etcd_commit(struct store *, const struct store_guard *, size_t,
		     const struct store_write *, size_t, int64_t *,
		     struct error *);
/* Make the disappearance of leased keys a part of the next barrier. */
void etcd_commit_mark(struct etcd *);
void etcd_commit_close(struct etcd *);

/* watch.c */
enum err etcd_follow(struct store *, const struct store_watcher *, void *,
		     struct error *);
void etcd_watch_close(struct etcd *);	/* after link->stopping was set */

/* lease.c */
enum err etcd_lease_grant(struct store *, int, void (*)(void *), void *,
			  struct error *);
int64_t etcd_lease_deadline_ms(struct store *);
int64_t etcd_lease_id(struct etcd *);
void etcd_lease_close(struct etcd *);	/* ends the thread and revokes */
/* The requests; ret_ttl_ms is 0 if there is no such lease. */
enum err MUST_CHECK lease_request_grant(struct etcd *, int64_t ttl_s,
					int64_t *ret_id, int64_t *ret_ttl_ms,
					int64_t *ret_sent_ms, struct error *);
enum err MUST_CHECK lease_request_renew(struct etcd *, int64_t id,
					const struct call *limits,
					int64_t *ret_ttl_ms,
					int64_t *ret_sent_ms, struct error *);
void lease_request_revoke(struct etcd *, int64_t id);

#endif
