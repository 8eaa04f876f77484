/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The link to etcd: a pool of curl handles over any number of endpoints, and
 * the one function that performs a request.
 *
 * A wire is one easy handle with its connections, exclusive while held.  Any
 * thread may take one.  The endpoint that worked last is tried first; one that
 * failed is tried last for some seconds.
 *
 * A member that the network lost says nothing, and whoever asked it would wait
 * for the whole timeout.  So the small questions that are asked all the time, and
 * can be asked twice, are hasty: where there are other endpoints they don't wait
 * long for one.  What they find out counts for all: a request under way, of
 * whatever kind, leaves an endpoint that failed lately, once another one has been
 * seen to work.
 */
#ifndef ETCD_LINK_H
#define ETCD_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>
#include <jansson.h>

#include "store/etcd/gateway.h"
#include "util/strs.h"

/* As many requests can be under way at the same time. */
#define LINK_WIRES_MAX	64
#define LINK_URLS_MAX	16
/* A longer answer is refused (and then read in smaller pages). */
#define LINK_ANSWER_MAX	((size_t)32 << 20)

/* What is known about a request when it ended without an answer to it. */
enum fate {
	FATE_ANSWERED,	/* etcd did it and said so */
	FATE_REFUSED,	/* etcd said no: this copy of it did nothing */
	FATE_UNSENT,	/* no endpoint got a byte of it */
	FATE_UNKNOWN,	/* it may have been done, or may yet be */
};

struct link {
	char *description;	/* for people: "etcd:URL,URL" */
	struct strs urls;
	char *ca_file, *cert_file, *key_file;	/* NULL: none */
	char *user, *password;			/* NULL: none */
	int timeout_ms;
	_Atomic bool stopping;	/* requests end soon, and none starts */

	/* Guards what follows; nothing is sent while it is held. */
	pthread_mutex_t lock;
	pthread_cond_t given;
	struct wire *idle;
	unsigned nwires;
	size_t current;				/* worked last */
	int64_t bad_until_ms[LINK_URLS_MAX];	/* monotonic */
	int64_t worked_ms[LINK_URLS_MAX];	/* last answered */
	char cluster[24];	/* id of the cluster; "": not known yet */
	char *token;		/* NULL: none needed, or none yet */
	unsigned token_number;	/* of the token; grows when it is renewed */
	bool token_asked;	/* etcd was asked for one since the last failure */

	/* Held through an authentication, so that the others wait for its
	 * result instead of asking, too.  Taken before lock.
	 */
	pthread_mutex_t auth_lock;
	struct wire *auth_wire;
};

struct wire {
	struct link *link;
	CURL *easy;
	struct curl_slist *headers;
	unsigned headers_token;		/* token_number that is in headers */
	struct buf in;			/* the answer */
	bool too_big;
	/* A stream's data goes here instead; not 0 ends the stream. */
	int (*on_data)(void *arg, const char *data, size_t len);
	void *on_data_arg;
	bool last_words;		/* goes on though the link is stopping */
	size_t endpoint;		/* of the attempt under way */
	int64_t sent_ms;		/* when that began */
	bool left;			/* it was left, see above */
	char words[CURL_ERROR_SIZE];
	struct wire *next;

	/* The state of this wire's commits; see commit.c. */
	unsigned number;
	bool settled;
	int64_t fence;
	int64_t sequence;
	unsigned fence_lease;
};

struct call {
	const char *path;
	const struct buf *body;
	int attempt_ms;		/* for one attempt; 0: the link's timeout */
	int64_t until_ms;	/* monotonic: no new round of attempts after it;
				 * 0: the link's timeout from now */
	bool strict;		/* until_ms also ends an attempt */
	bool hasty;		/* in the first round, wait for each endpoint
				 * just a fraction of attempt_ms */
	bool proves_nothing;	/* a leader that has lost the others, and doesn't
				 * know it yet, may answer, too */
	bool once;		/* must not be sent again after FATE_UNKNOWN */
};

struct answer {
	json_t *doc;		/* FATE_ANSWERED only; release it */
	int grpc;		/* FATE_REFUSED: GRPC_* or 0 */
	int64_t sent_ms;	/* before the last attempt began */
	bool reconnected;	/* the last attempt made a connection: then curl
				 * may have sent the request before, on one that
				 * was dead */
	bool too_big;		/* FATE_REFUSED since longer than the cap */
	bool token;		/* FATE_REFUSED since the token was invalid; a
				 * new one will be fetched */
};
void answer_release(struct answer *);

/* options as in store_open */
enum err MUST_CHECK link_new(const char *urls, const char *const *options,
			     struct link **ret, struct error *);
/* All wires must have been given back.  Accepts NULL. */
void link_free(struct link *);

struct wire *link_take(struct link *);	/* waits for one if all are taken */
void link_give(struct wire *);

/* Perform a request: fail over between endpoints, and go round again until
 * call->until_ms while there is hope.  err is filled unless it was answered.
 */
enum fate link_request(struct wire *, const struct call *, struct answer *,
		       struct error *);
/* The same for what may be done any number of times, on a wire of its own. */
enum err MUST_CHECK link_ask(struct link *, const struct call *,
			     struct answer *, struct error *);

/* For streams, which curl's multi interface runs. */
size_t link_endpoint(struct link *);		/* the one to try now */
void link_endpoint_failed(struct link *, size_t endpoint);
void link_endpoint_worked(struct link *, size_t endpoint);
/* Has anybody seen it fail after this moment? */
bool link_endpoint_failed_since(struct link *, size_t endpoint, int64_t ms);
enum err MUST_CHECK link_prepare(struct wire *, size_t endpoint,
				 const char *path, const struct buf *body,
				 struct error *);	/* no time limit */
void link_token_failed(struct link *, unsigned number);
/* Does this answer come from the cluster that all others came from? */
bool link_same_cluster(struct link *, const json_t *answer);

/* A pause before the next try; shorter when the link is stopping. */
void link_pause(struct link *, int ms);

#endif
