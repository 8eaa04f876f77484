/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commits: one transaction each, and certainty about its outcome.
 *
 * THE PROBLEM.  A connection may break, or etcd may run into a timeout, after a
 * transaction was sent: it was done, or wasn't, or (worse) may still be done
 * when the copy of it that lingers in a proxy, a socket or a Raft proposal
 * arrives.  Sending again may do it twice; looking at the documents proves
 * nothing, since other replicas may have changed them meanwhile.
 *
 * THE SCHEME.  Every wire has a key of its own, ~outcome/CLIENT/N, which nobody
 * else writes, and knows its mod_revision, the *fence*.  All that a wire sends
 * is conditional on the fence:
 *
 *	commit	if  outcome is at FENCE and all guards hold
 *		    then the writes, put commit, put outcome = SEQUENCE
 *	settle	if  outcome is at FENCE
 *		    then put outcome = ""
 *		    else read outcome
 *
 * What etcd executes first of all that carries a FENCE moves the outcome key to
 * a new revision.  Revisions never come back, so all other copies (there may be
 * any number, from whatever time) find the fence gone and change nothing.
 * Hence each FENCE is consumed once, by one copy; and what the outcome key
 * holds then says by which: SEQUENCE means that the commit was done, at the
 * key's mod_revision; "" means that it was not done and never will be.
 *
 * So after an unknown outcome the same commit is simply sent again, to whatever
 * endpoint answers, until there is an answer.  Only a success speaks for
 * itself.  After any other answer (a compare failed, which may be the fence's,
 * as a copy was done before; or a refusal, which tells nothing of other copies)
 * the wire settles, and knows.  That goes for a plain conflict, too: copies are
 * made behind our back, by curl when a kept connection turns out dead, or by
 * proxies, and one that lingers must not be done after a conflict was reported.
 *
 * If etcd stays away for longer than RESOLVE_FACTOR times the timeout, the
 * commit ends as ERR_TIMEOUT, never as ERR_STORE, which promises that nothing
 * happened; and the wire settles before its next commit, so that what lingers
 * of this one is either seen done or made impossible.
 *
 * A fence of 0 (no outcome key yet) could come back, when somebody deletes the
 * key; so a commit never carries it: settling makes the key first.
 *
 * Outcome keys hang on a lease of their own of one hour, so that those of
 * crashed replicas go away.  It is renewed by commits, so it outlives each of
 * them by far.  Should an outcome key vanish all the same (somebody deletes the
 * whole prefix), a commit in doubt is ERR_TIMEOUT, and any other starts anew.
 *
 * One transaction has at most STORE_COMMIT_MAX + 2 operations; etcd allows 128.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/etcd/etcd.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define RESOLVE_FACTOR	4
#define FIRST_WAIT_MS(timeout_ms)	((timeout_ms) * 2 / 5)	/* of several endpoints */
#define RETRY_MIN_MS	20
#define RETRY_MAX_MS	500
#define ANEW_MAX	4	/* starts after the outcome key was interfered with */
#define OUTCOME_TTL_S	3600
#define OUTCOME_KEY_MAX	80

struct commit {
	struct etcd *self;
	struct wire *wire;
	const struct store_guard *guards;
	size_t nguards;
	const struct store_write *writes;
	size_t nwrites;
	int64_t lease;		/* of leased writes */
	int64_t outcome_lease;
	char outcome[OUTCOME_KEY_MAX];
	char sequence[24];
	bool doubt;		/* a copy may have been done, or may yet be */
	bool lease_checked;
	int starts;
};

enum verdict {
	DONE,		/* at *ret_revision */
	NOT_DONE,	/* and never will be; err says why */
	UNKNOWABLE,	/* err says why */
	START_ANEW,	/* not done, and the fence has moved */
};

/* ---- the lease of outcome keys ---- */

static enum err
new_outcome_lease(struct etcd *self, struct error *err)
{
	int64_t id = 0, ttl_ms = 0, sent_ms = 0;
	enum err e = lease_request_grant(self, OUTCOME_TTL_S, &id, &ttl_ms,
					 &sent_ms, err);

	if (e != ERR_OK)
		return e;
	self->outcome_lease = id;
	self->outcome_renewed_ms = sent_ms;
	/* The keys went with the old lease; each wire makes its own again. */
	atomic_fetch_add(&self->outcome_number, 1);
	return ERR_OK;
}

static enum err
outcome_lease(struct etcd *self, bool check, int64_t *ret, struct error *err)
{
	LOCK_FOR_SCOPE(&self->outcome_lock);
	int64_t age_ms = clock_mono_ms() - self->outcome_renewed_ms;
	int64_t ttl_ms = 0, sent_ms = 0;
	struct call limits = { .hasty = true, .strict = true };
	enum err e = ERR_OK;

	if (self->outcome_lease == 0)
		e = new_outcome_lease(self, err);
	else if (check || age_ms > OUTCOME_TTL_S * 1000 / 4) {
		e = lease_request_renew(self, self->outcome_lease, &limits,
					&ttl_ms, &sent_ms, err);
		if (e == ERR_OK && ttl_ms > 0)
			self->outcome_renewed_ms = sent_ms;
		else if (e == ERR_OK)
			e = new_outcome_lease(self, err);
		else if (!check && age_ms < OUTCOME_TTL_S * 1000 / 2)
			e = ERR_OK;	/* good for long enough */
	}
	*ret = self->outcome_lease;
	return e;
}

/* ---- what is sent ---- */

static void
put_outcome(struct buf *b, const struct commit *c, const char *value)
{
	gateway_put(b, c->self->prefix, c->outcome, value, strlen(value),
		    c->outcome_lease);
}

static void
compare_fence(struct buf *b, const struct commit *c)
{
	gateway_compare_revision(b, c->self->prefix, c->outcome,
				 c->wire->fence);
}

static void
write_guards(struct buf *b, const char *prefix, const struct store_guard *g,
	     size_t n)
{
	for (size_t i = 0; i < n; i++)
		gateway_compare_revision(b, prefix, g[i].key, g[i].revision);
}

static void
commit_body(struct buf *b, const struct commit *c)
{
	const char *prefix = c->self->prefix;

	gateway_raw(b, "{\"compare\":[");
	compare_fence(b, c);
	write_guards(b, prefix, c->guards, c->nguards);
	gateway_raw(b, "],\"success\":[");
	gateway_put(b, prefix, ETCD_COMMIT_KEY, "", 0, 0);
	for (size_t i = 0; i < c->nwrites; i++) {
		const struct store_write *w = &c->writes[i];

		if (w->value != NULL)
			gateway_put(b, prefix, w->key, w->value, w->len,
				    w->leased ? c->lease : 0);
		else
			gateway_delete(b, prefix, w->key);
	}
	put_outcome(b, c, c->sequence);
	gateway_raw(b, "]}");
}

static void
settle_body(struct buf *b, const struct commit *c)
{
	gateway_raw(b, "{\"compare\":[");
	compare_fence(b, c);
	gateway_raw(b, "],\"success\":[");
	put_outcome(b, c, "");
	gateway_raw(b, "],\"failure\":[");
	gateway_range(b, c->self->prefix, c->outcome);
	gateway_raw(b, "]}");
}

/* ---- what is answered ---- */

static const json_t *
response(const json_t *txn, size_t i, const char *kind)
{
	return gateway_at(gateway_nth(txn, "responses", i), kind, NULL);
}

static bool
succeeded(const json_t *txn)
{
	return json_is_true(gateway_at(txn, "succeeded", NULL));
}

/* What the outcome key holds after settling. */
struct outcome {
	int64_t revision;	/* 0: there is no such key */
	bool ours;		/* the commit was done */
	bool empty;		/* it was not, and never will be */
};

static bool
read_outcome(const struct commit *c, const json_t *doc, struct outcome *ret)
{
	CLEANUP(kvlist_release) struct kvlist kvs = { 0 };
	const json_t *range = response(doc, 0, "response_range");
	const json_t *kv = gateway_nth(range, "kvs", 0);

	memset(ret, 0, sizeof(*ret));
	if (succeeded(doc)) {
		ret->revision = gateway_revision(doc);
		ret->empty = true;
		return true;
	}
	if (kv == NULL)
		return range != NULL;
	if (!gateway_kv(&kvs, kv, c->self->prefix))
		return false;
	ret->revision = kvs.v[0].revision;
	ret->ours = strcmp(kvs.v[0].value, c->sequence) == 0;
	ret->empty = kvs.v[0].len == 0;
	return true;
}

static enum err
conflict(const struct commit *c, struct error *err)
{
	return fail(err, ERR_CONFLICT, "%s: a key of the commit has changed "
		    "meanwhile", c->self->base.description);
}

static enum verdict
unknowable(struct commit *c, const char *why, struct error *err)
{
	CLEANUP_FREE char *own = xstrdup(why);

	c->wire->settled = false;
	fail(err, ERR_TIMEOUT, "%s: whether the commit was done can't be "
	     "known now: %s", c->self->base.description, own);
	return UNKNOWABLE;
}

/* ---- settling ---- */

/* "requested lease not found" is said of either lease. */
static bool
lease_mended(struct commit *c, const struct answer *ans)
{
	if (ans->grpc != GRPC_NOT_FOUND || c->lease_checked)
		return false;
	c->lease_checked = true;
	return outcome_lease(c->self, true, &c->outcome_lease, NULL) == ERR_OK;
}

static enum err
keys_vanish(const struct commit *c, struct error *err)
{
	return fail(err, ERR_STORE, "%s: not committed: our keys below '%s"
		    ETCD_HIDDEN "', or their lease, keep going away",
		    c->self->base.description, c->self->prefix);
}

/* Consume the fence, unless that has happened; make: and have an outcome key
 * in the end.
 */
static enum err
settle(struct commit *c, bool make, int64_t until_ms, struct outcome *ret,
       struct error *err)
{
	for (int i = 0; i < ANEW_MAX; i++) {
		CLEANUP(answer_release) struct answer ans = { 0 };
		CLEANUP(buf_release) struct buf body = { 0 };
		struct call call = {
			.path = "/v3/kv/txn", .body = &body,
			.until_ms = until_ms, .hasty = true, .strict = true,
		};

		settle_body(&body, c);
		if (link_request(c->wire, &call, &ans, err) != FATE_ANSWERED) {
			if (lease_mended(c, &ans))
				continue;
			return err->code;
		}
		if (!read_outcome(c, ans.doc, ret))
			break;
		c->wire->fence = ret->revision;
		c->wire->settled = ret->revision != 0;
		if (c->wire->settled || !make)
			return ERR_OK;
	}
	return keys_vanish(c, err);
}

/* Learn what a commit came to whose answer was no success.  NOT_DONE leaves the
 * reason in err that is there, unless there is a better one.  doubt: there may
 * have been other copies of it.
 */
static enum verdict
resolve(struct commit *c, bool doubt, int64_t until_ms, int64_t *ret_revision,
	struct error *err)
{
	struct error why;
	struct outcome o;

	if (settle(c, false, until_ms, &o, &why) != ERR_OK) {
		if (doubt)
			return unknowable(c, why.text, err);
		c->wire->settled = false;
		fail(err, why.code, "%s", why.text);
		return NOT_DONE;
	}
	if (o.ours) {
		*ret_revision = o.revision;
		return DONE;
	}
	if (o.empty && o.revision != 0)
		return NOT_DONE;
	if (doubt)
		return unknowable(c, "somebody deleted or changed keys below "
				  "the prefix", err);
	return START_ANEW;
}

/* ---- a commit ---- */

/* The wire belongs to this lease's outcome keys, and has a fence. */
static enum err
make_ready(struct commit *c, struct error *err)
{
	struct etcd *self = c->self;
	struct wire *w = c->wire;
	struct outcome unused;
	unsigned number;
	enum err e;

	e = outcome_lease(self, false, &c->outcome_lease, err);
	if (e != ERR_OK)
		return e;
	number = atomic_load(&self->outcome_number);
	if (w->fence_lease != number) {
		w->fence_lease = number;
		w->settled = false;
	}
	return w->settled ? ERR_OK : settle(c, true, 0, &unused, err);
}

static enum verdict
answered(struct commit *c, const struct answer *ans, int64_t until_ms,
	 int64_t *ret_revision, struct error *err)
{
	if (succeeded(ans->doc)) {
		c->wire->fence = gateway_revision(ans->doc);
		*ret_revision = c->wire->fence;
		return DONE;
	}
	(void)conflict(c, err);
	return resolve(c, c->doubt || ans->reconnected, until_ms,
		       ret_revision, err);
}

/* etcd applies a transaction first and tests its quota afterwards: "database
 * space exceeded" may be the answer to one that was done.  Nothing can be put
 * now, so the wire can't settle; but that was the last word on the only copy,
 * and the outcome key tells.
 */
static enum verdict
look(struct commit *c, int64_t until_ms, int64_t *ret_revision,
     struct error *err)
{
	CLEANUP(answer_release) struct answer ans = { 0 };
	CLEANUP(kvlist_release) struct kvlist kvs = { 0 };
	CLEANUP(buf_release) struct buf body = { 0 };
	struct call call = {
		.path = "/v3/kv/range", .body = &body, .until_ms = until_ms,
	};
	struct error why;

	c->wire->settled = false;
	gateway_raw(&body, "{");
	gateway_key(&body, "key", c->self->prefix, c->outcome);
	gateway_raw(&body, "}");
	if (link_request(c->wire, &call, &ans, &why) != FATE_ANSWERED)
		return unknowable(c, why.text, err);
	if (!gateway_kv(&kvs, gateway_nth(ans.doc, "kvs", 0), c->self->prefix))
		return unknowable(c, "its outcome key is gone", err);
	if (strcmp(kvs.v[0].value, c->sequence) != 0)
		return NOT_DONE;
	c->wire->fence = *ret_revision = kvs.v[0].revision;
	c->wire->settled = true;
	return DONE;
}

static enum verdict
refused(struct commit *c, const struct answer *ans, int64_t until_ms,
	int64_t *ret_revision, struct error *err)
{
	bool lease = ans->grpc == GRPC_NOT_FOUND && !c->lease_checked;

	if (ans->grpc == GRPC_RESOURCE_EXHAUSTED && !c->doubt &&
	    !ans->reconnected)
		return look(c, until_ms, ret_revision, err);

	if (c->doubt || ans->reconnected) {
		enum verdict v = resolve(c, true, until_ms, ret_revision, err);

		if (v != NOT_DONE)
			return v;
		c->doubt = false;
	}
	/* Settling may have mended what it was refused for. */
	if (ans->token || (lease && c->lease_checked) || lease_mended(c, ans))
		return START_ANEW;
	return NOT_DONE;
}

/* Send it until its fate is known.  A member that the network lost says nothing,
 * and perhaps nobody else is asking it, who would tell: so the first copy is not
 * waited for as long as the others.
 */
static enum verdict
drive(struct commit *c, int64_t *ret_revision, struct error *err)
{
	struct link *l = c->self->link;
	CLEANUP(buf_release) struct buf body = { 0 };
	struct call call = {
		.path = "/v3/kv/txn", .body = &body, .once = true,
		.attempt_ms = l->urls.n > 1 ? FIRST_WAIT_MS(l->timeout_ms) : 0,
	};
	int pause_ms = RETRY_MIN_MS;

	commit_body(&body, c);
	for (;;) {
		CLEANUP(answer_release) struct answer ans = { 0 };

		switch (link_request(c->wire, &call, &ans, err)) {
		case FATE_ANSWERED:
			return answered(c, &ans, call.until_ms, ret_revision,
					err);
		case FATE_REFUSED:
			return refused(c, &ans, call.until_ms, ret_revision,
				       err);
		case FATE_UNSENT:
			if (!c->doubt)
				return NOT_DONE;
			break;
		case FATE_UNKNOWN:
			if (!c->doubt)
				call.until_ms = clock_mono_ms() +
					(int64_t)RESOLVE_FACTOR * l->timeout_ms;
			c->doubt = call.strict = true;
			call.attempt_ms = 0;
			break;
		}
		if (atomic_load(&l->stopping) ||
		    clock_mono_ms() >= call.until_ms - pause_ms)
			return unknowable(c, err->text, err);
		link_pause(l, pause_ms);
		if (pause_ms < RETRY_MAX_MS)
			pause_ms *= 2;
	}
}

static enum err
run(struct commit *c, int64_t *ret_revision, struct error *err)
{
	while (c->starts++ < ANEW_MAX) {
		enum err e = make_ready(c, err);

		if (e != ERR_OK)
			return e;
		snprintf(c->sequence, sizeof(c->sequence), "%" PRId64,
			 ++c->wire->sequence);
		switch (drive(c, ret_revision, err)) {
		case DONE:
			etcd_sighted(c->self, *ret_revision);
			return ERR_OK;
		case NOT_DONE:
		case UNKNOWABLE:
			return err->code;
		case START_ANEW:
			break;
		}
	}
	return keys_vanish(c, err);
}

/* Would the commit change nothing, as it has no writes, or deletes what is
 * absent?  Then it has no revision of its own, and must not touch the commit
 * key.  This is asked first; it can be asked any number of times.
 */
static enum err
check_idle(const struct commit *c, bool *ret_idle, int64_t *ret_revision,
	   struct error *err)
{
	CLEANUP(answer_release) struct answer ans = { 0 };
	CLEANUP(buf_release) struct buf body = { 0 };
	const char *prefix = c->self->prefix;
	struct call call = {
		.path = "/v3/kv/txn", .body = &body,
		.hasty = true, .strict = true,
	};
	enum err e;

	gateway_raw(&body, "{\"compare\":[");
	write_guards(&body, prefix, c->guards, c->nguards);
	gateway_raw(&body, "],\"success\":[");
	gateway_range(&body, prefix, ETCD_COMMIT_KEY);
	for (size_t i = 0; i < c->nwrites; i++)
		gateway_range(&body, prefix, c->writes[i].key);
	gateway_raw(&body, "]}");
	e = link_ask(c->self->link, &call, &ans, err);
	if (e != ERR_OK)
		return e;
	if (!succeeded(ans.doc))
		return conflict(c, err);
	*ret_idle = true;
	for (size_t i = 0; i <= c->nwrites; i++) {
		const json_t *kv = gateway_nth(response(ans.doc, i,
							"response_range"),
					       "kvs", 0);

		if (i == 0)
			*ret_revision = gateway_i64(kv, "mod_revision");
		else if (kv != NULL)
			*ret_idle = false;
	}
	return ERR_OK;
}

static enum err
check_writes(const struct commit *c, bool *ret_puts, struct error *err)
{
	const char *who = c->self->base.description;

	*ret_puts = false;
	for (size_t i = 0; i < c->nwrites; i++) {
		const struct store_write *w = &c->writes[i];

		if (strcmp(w->key, ETCD_COMMIT_KEY) == 0)
			return fail(err, ERR_INTERNAL, "%s: key '%s' is the "
				    "store's own", who, w->key);
		if (w->value == NULL)
			continue;
		*ret_puts = true;
		if (w->leased && c->lease == 0)
			return fail(err, ERR_STORE, "%s: key '%s' is to hang "
				    "on the lease, but there is none", who,
				    w->key);
	}
	return ERR_OK;
}

enum err
etcd_commit(struct store *s, const struct store_guard *guards, size_t nguards,
	    const struct store_write *writes, size_t nwrites,
	    int64_t *ret_revision, struct error *err)
{
	struct etcd *self = etcd_of(s);
	struct error local = { 0 };
	struct commit c = {
		.self = self, .lease = etcd_lease_id(self),
		.guards = guards, .nguards = nguards,
		.writes = writes, .nwrites = nwrites,
	};
	bool puts = false, idle = false;
	enum err e;

	if (err == NULL)
		err = &local;
	e = check_writes(&c, &puts, err);
	if (e == ERR_OK && !puts)
		e = check_idle(&c, &idle, ret_revision, err);
	if (e != ERR_OK || idle)
		return e;
	c.wire = link_take(self->link);
	snprintf(c.outcome, sizeof(c.outcome), ETCD_HIDDEN "outcome/%s/%u",
		 self->client, c.wire->number);
	e = run(&c, ret_revision, err);
	link_give(c.wire);
	return e;
}

void
etcd_commit_mark(struct etcd *self)
{
	CLEANUP(buf_release) struct buf body = { 0 };

	gateway_raw(&body, "{");
	gateway_key(&body, "key", self->prefix, ETCD_COMMIT_KEY);
	gateway_raw(&body, "}");
	etcd_last_words(self, "/v3/kv/put", &body);
}

void
etcd_commit_close(struct etcd *self)
{
	if (self->outcome_lease != 0)
		lease_request_revoke(self, self->outcome_lease);
}
