/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lease of this process.
 *
 * A thread renews it at a third of its time to live.  What counts for the
 * deadline is the moment BEFORE the request that renewed it was sent: etcd
 * counts from a later one, so the lease is alive for at least as long.  lost()
 * is called with no lock held, so it may grant a new lease.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "store/etcd/etcd.h"
#include "util/clock.h"

#define RETRY_MS	100
/* Of the time to live, for one attempt at one endpoint: when the leader is gone
 * there must be time for it, for a member that waits for it in vain, and for
 * one that knows the next leader.
 */
#define ATTEMPTS	6
#define ATTEMPTS_ALONE	4

/* ---- requests ---- */

enum err
lease_request_grant(struct etcd *self, int64_t ttl_s, int64_t *ret_id,
		    int64_t *ret_ttl_ms, int64_t *ret_sent_ms,
		    struct error *err)
{
	CLEANUP(answer_release) struct answer ans = { 0 };
	CLEANUP(buf_release) struct buf body = { 0 };
	/* Sent twice, it makes a second lease, which ends by itself. */
	struct call call = {
		.path = "/v3/lease/grant", .body = &body,
		.hasty = true, .strict = true,
	};
	enum err e;

	gateway_raw(&body, "{");
	gateway_i64_member(&body, "TTL", ttl_s);
	gateway_raw(&body, "}");
	e = link_ask(self->link, &call, &ans, err);
	if (e != ERR_OK)
		return e;
	*ret_id = gateway_i64(ans.doc, "ID");
	*ret_ttl_ms = gateway_i64(ans.doc, "TTL") * 1000;
	*ret_sent_ms = ans.sent_ms;
	if (*ret_id == 0 || *ret_ttl_ms <= 0)
		return fail(err, ERR_STORE, "%s: it granted no lease: %s",
			    self->base.description,
			    gateway_str(ans.doc, "error"));
	return ERR_OK;
}

enum err
lease_request_renew(struct etcd *self, int64_t id, const struct call *limits,
		    int64_t *ret_ttl_ms, int64_t *ret_sent_ms,
		    struct error *err)
{
	CLEANUP(answer_release) struct answer ans = { 0 };
	CLEANUP(buf_release) struct buf body = { 0 };
	struct call call = *limits;
	enum err e;

	gateway_raw(&body, "{");
	gateway_i64_member(&body, "ID", id);
	gateway_raw(&body, "}");
	call.path = "/v3/lease/keepalive";
	call.body = &body;
	call.proves_nothing = true;
	e = link_ask(self->link, &call, &ans, err);
	if (e != ERR_OK && ans.grpc != GRPC_NOT_FOUND)
		return e;
	*ret_ttl_ms = gateway_i64(ans.doc, "TTL") * 1000;
	*ret_sent_ms = ans.sent_ms;
	return ERR_OK;
}

/* Not done, the lease ends by itself. */
void
lease_request_revoke(struct etcd *self, int64_t id)
{
	CLEANUP(buf_release) struct buf body = { 0 };

	gateway_raw(&body, "{");
	gateway_i64_member(&body, "ID", id);
	gateway_raw(&body, "}");
	etcd_last_words(self, "/v3/lease/revoke", &body);
}

/* ---- the thread ---- */

/* Until it has been renewed (true), or is gone, or its time is up. */
static bool
renew(struct etcd *self, int64_t id, int64_t deadline, int64_t ttl_ms)
{
	struct lease *l = &self->lease;
	int64_t got_ms = 0, sent_ms = 0;
	int attempts = self->link->urls.n > 1 ? ATTEMPTS : ATTEMPTS_ALONE;

	while (clock_mono_ms() < deadline) {
		struct call limits = {
			.attempt_ms = (int)(ttl_ms / attempts),
			.until_ms = deadline,
			.strict = true,
		};
		enum err e;

		if (limits.attempt_ms > self->link->timeout_ms)
			limits.attempt_ms = self->link->timeout_ms;
		e = lease_request_renew(self, id, &limits, &got_ms, &sent_ms,
					NULL);
		if (e == ERR_OK)
			break;
		if (atomic_load(&self->link->stopping))
			return true;
		/* Refused: permissions and tokens can be mended in time. */
		link_pause(self->link, RETRY_MS);
	}
	if (got_ms <= 0)
		return false;
	pthread_mutex_lock(&l->lock);
	l->renewed_ms = sent_ms;
	l->ttl_ms = got_ms;
	l->deadline_ms = sent_ms + got_ms;
	pthread_mutex_unlock(&l->lock);
	return true;
}

static void
lose(struct etcd *self)
{
	struct lease *l = &self->lease;
	void (*lost)(void *);
	void *arg;

	pthread_mutex_lock(&l->lock);
	l->id = 0;
	l->deadline_ms = 0;
	lost = l->lost;
	arg = l->lost_arg;
	pthread_mutex_unlock(&l->lock);
	if (lost != NULL)
		lost(arg);
}

/* Sleep until it is time to renew; false: stop. */
static bool
await(struct etcd *self, int64_t *ret_id, int64_t *ret_deadline,
      int64_t *ret_ttl)
{
	struct lease *l = &self->lease;
	LOCK_FOR_SCOPE(&l->lock);

	for (;;) {
		int64_t due = l->renewed_ms + l->ttl_ms / 3;

		if (atomic_load(&self->link->stopping))
			return false;
		if (l->id == 0)
			pthread_cond_wait(&l->changed, &l->lock);
		else if (clock_mono_ms() < due)
			cond_wait_until(&l->changed, &l->lock, due);
		else
			break;
	}
	*ret_id = l->id;
	*ret_deadline = l->deadline_ms;
	*ret_ttl = l->ttl_ms;
	return true;
}

static void *
run(void *arg)
{
	struct etcd *self = arg;
	int64_t id, deadline, ttl;

	while (await(self, &id, &deadline, &ttl))
		if (!renew(self, id, deadline, ttl))
			lose(self);
	return NULL;
}

/* ---- the store's functions ---- */

static enum err
begin_grant(struct etcd *self, struct error *err)
{
	struct lease *l = &self->lease;
	LOCK_FOR_SCOPE(&l->lock);

	if (l->id != 0 || l->granting)
		return fail(err, ERR_EXISTS, "%s: there is a lease already",
			    self->base.description);
	l->granting = true;
	return ERR_OK;
}

enum err
etcd_lease_grant(struct store *s, int ttl_ms, void (*lost)(void *), void *arg,
		 struct error *err)
{
	struct etcd *self = etcd_of(s);
	struct lease *l = &self->lease;
	int64_t id = 0, got_ms = 0, sent_ms = 0;
	enum err e;

	if (ttl_ms <= 0)
		return fail(err, ERR_INTERNAL, "%s: a lease of %d ms",
			    s->description, ttl_ms);
	e = begin_grant(self, err);
	if (e != ERR_OK)
		return e;
	e = lease_request_grant(self, (ttl_ms - 1) / 1000 + 1, &id, &got_ms,
				&sent_ms, err);
	LOCK_FOR_SCOPE(&l->lock);
	l->granting = false;
	if (e != ERR_OK)
		return e;
	l->id = id;
	l->ttl_ms = got_ms;
	l->renewed_ms = sent_ms;
	l->deadline_ms = sent_ms + got_ms;
	l->lost = lost;
	l->lost_arg = arg;
	if (!l->running)
		etcd_thread(&l->thread, run, self);
	l->running = true;
	pthread_cond_signal(&l->changed);
	return ERR_OK;
}

int64_t
etcd_lease_deadline_ms(struct store *s)
{
	struct lease *l = &etcd_of(s)->lease;
	LOCK_FOR_SCOPE(&l->lock);

	return l->deadline_ms;
}

int64_t
etcd_lease_id(struct etcd *self)
{
	LOCK_FOR_SCOPE(&self->lease.lock);

	return self->lease.id;
}

void
etcd_lease_close(struct etcd *self)
{
	struct lease *l = &self->lease;
	bool running;

	pthread_mutex_lock(&l->lock);
	running = l->running;
	pthread_cond_signal(&l->changed);
	pthread_mutex_unlock(&l->lock);
	if (!running)
		return;
	pthread_join(l->thread, NULL);
	if (l->id == 0)
		return;
	lease_request_revoke(self, l->id);
	etcd_commit_mark(self);
}
