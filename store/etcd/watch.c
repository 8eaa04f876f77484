/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Following the store: a snapshot, then etcd's watch stream.
 *
 * The watch thread owns the stream and calls the watcher; only it does, from
 * the moment that store_follow has delivered the first snapshot.  etcd sends
 * one JSON object per line; without fragments (which we don't ask for) an
 * object holds all events of each of its revisions.  When the stream ends, for
 * whatever reason, it is asked for again, from behind the last revision that
 * was delivered, at the next endpoint; when etcd has compacted that revision
 * away, a new snapshot is delivered instead.
 *
 * A stream that is silent may be one where nothing happens, or one that is dead
 * (half-open connection, stopped or partitioned member).  Commits and barriers
 * of this process tell which revision the stream must reach, and the pulse
 * thread asks for it every few seconds; a stream that lags behind and says
 * nothing for LAG_MS is given up, and so is a silent one whose endpoint failed
 * somebody else.
 */
#include <config.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "store/etcd/etcd.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define LINE_MAX_BYTES	((size_t)512 << 20)
#define KEEP_BYTES	((size_t)1 << 20)
#define LAG_MS		2000
#define TICK_MS		500
#define USEFUL_MS	1000	/* a shorter stream is like none */
#define PULSE_MS	2000
#define PAUSE_MIN_MS	20
#define PAUSE_MAX_MS	1000

static bool
stopping(const struct etcd *self)
{
	return atomic_load(&self->link->stopping);
}

/* ---- delivery ---- */

static void
deliver_snapshot(struct etcd *self, const struct kvlist *all, int64_t revision)
{
	struct watch *w = &self->watch;

	w->watcher->snapshot(w->arg, all->v, all->n, revision);
	atomic_store(&w->delivered, revision);
}

/* What one revision changed.  Our own key is left out, but a revision that has
 * nothing else is told all the same: a barrier may name it.
 */
static void
deliver_revision(struct etcd *self, struct store_kv *kvs, size_t n)
{
	struct watch *w = &self->watch;
	int64_t revision = kvs[0].revision;
	size_t kept = 0;

	if (revision <= atomic_load(&w->delivered))
		return;
	for (size_t i = 0; i < n; i++) {
		struct store_kv kv = kvs[i];

		if (strcmp(kv.key, ETCD_COMMIT_KEY) == 0)
			continue;
		/* Swapped, so that the list still owns each once. */
		kvs[i] = kvs[kept];
		kvs[kept++] = kv;
	}
	w->watcher->changes(w->arg, kvs, kept, revision);
	atomic_store(&w->delivered, revision);
}

static void
deliver_events(struct etcd *self, const json_t *events)
{
	CLEANUP(kvlist_release) struct kvlist l = { 0 };
	const json_t *event;
	size_t i, from;

	json_array_foreach(events, i, event) {
		if (!gateway_event(&l, event, self->prefix)) {
			/* Something is missing now: look at everything. */
			atomic_store(&self->watch.reload, true);
			self->watch.broken = true;
			return;
		}
	}
	for (i = 0; i < l.n; i = from) {
		for (from = i + 1; from < l.n &&
		     l.v[from].revision == l.v[i].revision; from++)
			;
		deliver_revision(self, l.v + i, from - i);
	}
}

/* ---- the stream ---- */

static void
read_result(struct etcd *self, const json_t *result)
{
	struct watch *w = &self->watch;
	const char *why = gateway_str(result, "cancel_reason");

	if (!link_same_cluster(self->link, result)) {
		w->broken = true;
		return;
	}
	if (json_is_true(gateway_at(result, "canceled", NULL))) {
		if (gateway_i64(result, "compact_revision") > 0)
			atomic_store(&w->reload, true);
		else if (strstr(why, "auth") != NULL ||
			 strstr(why, "ermission") != NULL)
			link_token_failed(self->link, w->wire->headers_token);
		w->broken = true;
		return;
	}
	if (json_is_true(gateway_at(result, "created", NULL)))
		w->created = true;
	deliver_events(self, gateway_at(result, "events", NULL));
}

static void
read_line(struct etcd *self, const char *line, size_t len)
{
	json_auto_t *doc = json_loadb(line, len, 0, NULL);
	struct watch *w = &self->watch;
	struct gateway_error said;

	if (doc == NULL || gateway_error(doc, &said)) {
		if (doc != NULL && (said.code == GRPC_UNAUTHENTICATED ||
				    said.code == GRPC_INVALID_ARGUMENT))
			link_token_failed(self->link, w->wire->headers_token);
		w->broken = true;
		return;
	}
	read_result(self, gateway_at(doc, "result", NULL));
}

/* Whole lines of what came so far. */
static void
read_lines(struct etcd *self)
{
	struct watch *w = &self->watch;
	size_t start = 0;

	while (!w->broken && !stopping(self)) {
		char *end = memchr(w->in.s + w->scanned, '\n',
				   w->in.len - w->scanned);
		size_t at;

		if (end == NULL) {
			w->scanned = w->in.len;
			break;
		}
		at = (size_t)(end - w->in.s);
		if (at > start)
			read_line(self, w->in.s + start, at - start);
		start = w->scanned = at + 1;
	}
	if (start == 0)
		return;
	memmove(w->in.s, w->in.s + start, w->in.len - start);
	w->in.len -= start;
	w->scanned -= start;
	if (w->in.len == 0 && w->in.cap > KEEP_BYTES)
		buf_release(&w->in);
}

static int
on_data(void *arg, const char *data, size_t len)
{
	struct etcd *self = arg;
	struct watch *w = &self->watch;

	if (len == 0)
		return 0;
	if (len > LINE_MAX_BYTES - w->in.len) {
		/* Too much to hear of at once; a snapshot comes in pages. */
		atomic_store(&w->reload, true);
		return -1;
	}
	buf_add(&w->in, data, len);
	read_lines(self);
	w->heard_ms = clock_mono_ms();
	return w->broken;
}

static void
watch_body(struct etcd *self, struct buf *b)
{
	gateway_raw(b, "{\"create_request\":{");
	gateway_key(b, "key", self->prefix, "");
	etcd_range_end(self, b, "");
	gateway_i64_member(b, "start_revision",
			   atomic_load(&self->watch.delivered) + 1);
	gateway_raw(b, "}}");
}

/* Has the stream died without saying so?  *behind_ms is since when it has been
 * behind what is known to be committed.
 */
static bool
is_dead(struct etcd *self, int64_t started_ms, int64_t *behind_ms)
{
	struct watch *w = &self->watch;
	int64_t now = clock_mono_ms();

	if (link_endpoint_failed_since(self->link, w->endpoint, w->heard_ms))
		return true;
	if (!w->created)
		return now - started_ms > self->link->timeout_ms;
	if (atomic_load(&w->delivered) >= atomic_load(&self->sighted)) {
		*behind_ms = 0;
		return false;
	}
	if (*behind_ms == 0)
		*behind_ms = now;
	return now - *behind_ms > LAG_MS && now - w->heard_ms > LAG_MS;
}

/* Until the stream ends, or is of no use. */
static void
run_stream(struct etcd *self)
{
	struct watch *w = &self->watch;
	int64_t started_ms = clock_mono_ms(), behind_ms = 0;
	int running = 1;

	while (!stopping(self) && !w->broken && !atomic_load(&w->reload)) {
		if (curl_multi_perform(w->multi, &running) != CURLM_OK ||
		    running == 0)
			return;
		if (is_dead(self, started_ms, &behind_ms))
			return;
		(void)curl_multi_poll(w->multi, NULL, 0, TICK_MS, NULL);
	}
}

/* One stream at one endpoint; true: it was of some use, so that there is no
 * need to wait before the next.
 */
static bool
follow_once(struct etcd *self)
{
	struct watch *w = &self->watch;
	CLEANUP(buf_release) struct buf body = { 0 };
	int64_t started_ms = clock_mono_ms();

	w->endpoint = link_endpoint(self->link);
	buf_clear(&w->in);
	w->scanned = 0;
	w->created = w->broken = false;
	watch_body(self, &body);
	if (link_prepare(w->wire, w->endpoint, "/v3/watch", &body, NULL) !=
	    ERR_OK) {
		link_endpoint_failed(self->link, w->endpoint);
		return false;
	}
	w->heard_ms = clock_mono_ms();
	curl_multi_add_handle(w->multi, w->wire->easy);
	run_stream(self);
	curl_multi_remove_handle(w->multi, w->wire->easy);
	/* An error instead of a stream has no newline. */
	if (!w->created && !w->broken && w->in.len > 0)
		read_line(self, w->in.s, w->in.len);
	if (!stopping(self) && !atomic_load(&w->reload))
		link_endpoint_failed(self->link, w->endpoint);
	return w->created && clock_mono_ms() - started_ms > USEFUL_MS;
}

static bool
reload(struct etcd *self)
{
	CLEANUP(kvlist_release) struct kvlist all = { 0 };
	int64_t revision = 0;

	/* Before loading: what is missed from now on shall be noticed. */
	atomic_store(&self->watch.reload, false);
	if (etcd_load(self, "", &all, &revision, NULL) != ERR_OK) {
		atomic_store(&self->watch.reload, true);
		return false;
	}
	deliver_snapshot(self, &all, revision);
	return true;
}

static void *
run_watch(void *arg)
{
	struct etcd *self = arg;
	struct watch *w = &self->watch;
	int pause_ms = PAUSE_MIN_MS;

	while (!stopping(self)) {
		bool good = atomic_load(&w->reload) ? reload(self) :
			    follow_once(self);

		if (good) {
			pause_ms = PAUSE_MIN_MS;
			continue;
		}
		link_pause(self->link, pause_ms);
		if (pause_ms < PAUSE_MAX_MS)
			pause_ms *= 2;
	}
	return NULL;
}

/* ---- the pulse ---- */

static bool
sleep_pulse(struct etcd *self)
{
	struct watch *w = &self->watch;
	LOCK_FOR_SCOPE(&w->lock);
	int64_t until = clock_mono_ms() + PULSE_MS;

	while (!stopping(self) && clock_mono_ms() < until)
		cond_wait_until(&w->stop, &w->lock, until);
	return !stopping(self);
}

static void *
run_pulse(void *arg)
{
	struct etcd *self = arg;
	struct watch *w = &self->watch;

	while (sleep_pulse(self)) {
		int64_t delivered = atomic_load(&w->delivered);
		int64_t commit = 0, revision = 0;

		if (etcd_last_commit(self, INT_MAX, &commit, &revision, NULL) !=
		    ERR_OK)
			continue;
		/* etcd was put back to an older state, from a backup: what we
		 * were told of isn't so any more.
		 */
		if (revision < delivered) {
			atomic_store(&self->sighted, commit);
			atomic_store(&w->reload, true);
			curl_multi_wakeup(w->multi);
		}
	}
	return NULL;
}

/* ---- the store's functions ---- */

enum err
etcd_follow(struct store *s, const struct store_watcher *watcher, void *arg,
	    struct error *err)
{
	CLEANUP(kvlist_release) struct kvlist all = { 0 };
	struct etcd *self = etcd_of(s);
	struct watch *w = &self->watch;
	int64_t revision = 0;
	enum err e;

	if (w->started)
		return fail(err, ERR_INTERNAL, "%s: followed already",
			    s->description);
	e = etcd_load(self, "", &all, &revision, err);
	if (e != ERR_OK)
		return e;
	w->watcher = watcher;
	w->arg = arg;
	deliver_snapshot(self, &all, revision);
	w->multi = curl_multi_init();
	if (w->multi == NULL)
		abort();	/* out of memory */
	w->wire = link_take(self->link);
	w->wire->on_data = on_data;
	w->wire->on_data_arg = self;
	w->started = true;
	etcd_thread(&w->thread, run_watch, self);
	etcd_thread(&w->pulse, run_pulse, self);
	return ERR_OK;
}

void
etcd_watch_close(struct etcd *self)
{
	struct watch *w = &self->watch;

	if (!w->started)
		return;
	pthread_mutex_lock(&w->lock);
	pthread_cond_signal(&w->stop);
	pthread_mutex_unlock(&w->lock);
	curl_multi_wakeup(w->multi);
	pthread_join(w->thread, NULL);
	pthread_join(w->pulse, NULL);
	w->wire->on_data = NULL;
	link_give(w->wire);
	curl_multi_cleanup(w->multi);
	buf_release(&w->in);
}
