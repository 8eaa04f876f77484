/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pool of curl handles, the choice of endpoints, authentication, and the
 * one function that performs a request; see link.h.
 *
 * What decides between "certainly not done" and "may have been done" is only
 * whether a byte of the request was written to a socket, as counted by curl
 * over all its own silent repetitions (a kept connection that turns out dead
 * makes it send again on a new one).  The kind of error says nothing: a refused
 * connection may be the second half of such a repetition.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "store/etcd/link.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define CONNECT_MS	2000
#define BAD_MS		5000	/* an endpoint that failed is tried last */
#define PAUSE_MIN_MS	20
#define PAUSE_MAX_MS	500
#define TOKENS_MAX	4	/* in one attempt */
#define HASTE		5	/* the fraction of the hasty */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void
init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

void
answer_release(struct answer *a)
{
	json_decref(a->doc);
	memset(a, 0, sizeof(*a));
}

/* ---- wires ---- */

static size_t
on_write(char *data, size_t size, size_t n, void *arg)
{
	struct wire *w = arg;
	size_t len = size * n;

	if (w->on_data != NULL)
		return w->on_data(w->on_data_arg, data, len) == 0 ? len : 0;
	if (len > LINK_ANSWER_MAX - w->in.len) {
		w->too_big = true;
		return 0;
	}
	buf_add(&w->in, data, len);
	return len;
}

/* Has the endpoint failed somebody lately, and another one answered after that
 * and since sent_ms?
 */
static bool
is_lost(struct link *l, size_t endpoint, int64_t sent_ms)
{
	LOCK_FOR_SCOPE(&l->lock);
	int64_t since_ms = l->bad_until_ms[endpoint] - BAD_MS;

	if (l->bad_until_ms[endpoint] <= clock_mono_ms())
		return false;
	if (since_ms < sent_ms)
		since_ms = sent_ms;
	for (size_t i = 0; i < l->urls.n; i++)
		if (i != endpoint && l->worked_ms[i] > since_ms)
			return true;
	return false;
}

/* curl calls it once a second, at least. */
static int
on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow,
	    curl_off_t ultotal, curl_off_t ulnow)
{
	struct wire *w = arg;

	/* A stream is looked after by those who run it. */
	if (w->on_data == NULL)
		w->left = is_lost(w->link, w->endpoint, w->sent_ms);
	return w->left || (atomic_load(&w->link->stopping) && !w->last_words);
}

/* curl's own sockets would be inherited by the commands that executors run. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
	return socket(addr->family, addr->socktype | SOCK_CLOEXEC,
		      addr->protocol);
}

static void
set_protocols(CURL *c)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(c, CURLOPT_PROTOCOLS,
			 (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static void
set_tls(CURL *c, const struct link *l)
{
	if (l->ca_file != NULL)
		curl_easy_setopt(c, CURLOPT_CAINFO, l->ca_file);
	if (l->cert_file != NULL)
		curl_easy_setopt(c, CURLOPT_SSLCERT, l->cert_file);
	if (l->key_file != NULL)
		curl_easy_setopt(c, CURLOPT_SSLKEY, l->key_file);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static struct wire *
wire_new(struct link *l)
{
	struct wire *w = XNEW(struct wire);
	CURL *c = curl_easy_init();

	if (c == NULL)
		abort();	/* out of memory */
	w->link = l;
	w->easy = c;
	set_protocols(c);
	set_tls(c, l);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, w->words);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPIDLE, 5L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPINTVL, 2L);
	curl_easy_setopt(c, CURLOPT_MAXCONNECTS, (long)LINK_URLS_MAX);
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	/* The state of a storage service doesn't travel through the proxy that
	 * an environment variable names.
	 */
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, w);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, w);
	return w;
}

static void
wire_free(struct wire *w)
{
	if (w == NULL)
		return;
	curl_easy_cleanup(w->easy);
	curl_slist_free_all(w->headers);
	buf_release(&w->in);
	free(w);
}

struct wire *
link_take(struct link *l)
{
	LOCK_FOR_SCOPE(&l->lock);
	struct wire *w;

	while (l->idle == NULL && l->nwires == LINK_WIRES_MAX)
		pthread_cond_wait(&l->given, &l->lock);
	w = l->idle;
	if (w != NULL) {
		l->idle = w->next;
	} else {
		w = wire_new(l);
		w->number = l->nwires++;
	}
	w->next = NULL;
	return w;
}

void
link_give(struct wire *w)
{
	struct link *l = w->link;
	LOCK_FOR_SCOPE(&l->lock);

	/* A big answer's memory isn't kept. */
	if (w->in.cap > (1 << 20))
		buf_release(&w->in);
	w->last_words = false;
	w->next = l->idle;
	l->idle = w;
	pthread_cond_signal(&l->given);
}

static void
cleanup_give(struct wire **w)
{
	if (*w != NULL)
		link_give(*w);
}

/* ---- endpoints ---- */

/* The next to try: the one that worked last, then those that didn't fail
 * lately, then the one that failed first.  Under the lock.
 */
static size_t
choose(const struct link *l, const bool *tried)
{
	int64_t now = clock_mono_ms();
	size_t best = LINK_URLS_MAX;

	for (size_t k = 0; k < l->urls.n; k++) {
		size_t i = (l->current + k) % l->urls.n;

		if (tried[i])
			continue;
		if (l->bad_until_ms[i] <= now)
			return i;
		if (best == LINK_URLS_MAX ||
		    l->bad_until_ms[i] < l->bad_until_ms[best])
			best = i;
	}
	return best;
}

static size_t
next_endpoint(struct link *l, const bool *tried)
{
	LOCK_FOR_SCOPE(&l->lock);

	return choose(l, tried);
}

size_t
link_endpoint(struct link *l)
{
	static const bool none[LINK_URLS_MAX];

	return next_endpoint(l, none);
}

void
link_endpoint_failed(struct link *l, size_t i)
{
	LOCK_FOR_SCOPE(&l->lock);
	static const bool none[LINK_URLS_MAX];

	l->bad_until_ms[i] = clock_mono_ms() + BAD_MS;
	if (l->current == i)
		l->current = choose(l, none);
}

bool
link_endpoint_failed_since(struct link *l, size_t i, int64_t ms)
{
	LOCK_FOR_SCOPE(&l->lock);

	return l->bad_until_ms[i] - BAD_MS > ms;
}

void
link_endpoint_worked(struct link *l, size_t i)
{
	LOCK_FOR_SCOPE(&l->lock);

	/* Not current = i: a slow answer of another endpoint mustn't undo what
	 * has been learned since.
	 */
	l->bad_until_ms[i] = 0;
	l->worked_ms[i] = clock_mono_ms();
	if (l->bad_until_ms[l->current] > clock_mono_ms())
		l->current = i;
}

bool
link_same_cluster(struct link *l, const json_t *answer)
{
	const char *id = gateway_str(gateway_at(answer, "header", NULL),
				     "cluster_id");
	LOCK_FOR_SCOPE(&l->lock);

	if (id[0] == '\0')
		return true;
	if (l->cluster[0] == '\0')
		snprintf(l->cluster, sizeof(l->cluster), "%s", id);
	return strcmp(l->cluster, id) == 0;
}

void
link_pause(struct link *l, int ms)
{
	int64_t until = clock_mono_ms() + ms;

	for (;;) {
		int64_t left = until - clock_mono_ms();
		struct timespec ts = { 0 };

		if (left <= 0 || atomic_load(&l->stopping))
			return;
		ts.tv_nsec = (left < 50 ? left : 50) * 1000000;
		nanosleep(&ts, NULL);
	}
}

/* ---- what etcd says ---- */

/* What an operator can do about it, where etcd's own words don't say. */
static const struct {
	const char *words;
	enum err err;
	const char *hint;
} hints[] = {
	{ "database space exceeded", ERR_STORE,
	  "its quota is used up and the alarm NOSPACE is on: compact, "
	  "defragment, then 'etcdctl alarm disarm'" },
	{ "authentication failed", ERR_STORE,
	  "the store's user or password is wrong" },
	{ "user name is empty", ERR_STORE,
	  "etcd wants a user and password, and none is configured" },
	{ "permission denied", ERR_STORE,
	  "the store's user needs a role with readwrite on the whole prefix" },
	{ "too many operations", ERR_STORE,
	  "start etcd with --max-txn-ops=128 (its default) or more" },
	{ "request is too large", ERR_TOOLARGE,
	  "more than etcd's --max-request-bytes" },
	{ "received message larger than max", ERR_TOOLARGE,
	  "more than etcd's --max-request-bytes" },
	{ "requested lease not found", ERR_STORE,
	  "this replica's lease has ended" },
	{ "HTTP status 404", ERR_STORE,
	  "no etcd 3.4 or later with its JSON gateway answers there" },
};

static enum err
explain(const struct link *l, size_t endpoint, const char *words,
	struct error *err)
{
	const char *url = l->urls.v[endpoint];

	for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
		if (strstr(words, hints[i].words) != NULL)
			return fail(err, hints[i].err, "etcd '%s': %s (%s)",
				    url, words, hints[i].hint);
	return fail(err, ERR_STORE, "etcd '%s': %s", url, words);
}

/* These say that etcd looked at the request and left it.  All others (no
 * leader, timed out, stopped, cancelled, …) may come while it is being done.
 */
static bool
is_refusal(int grpc)
{
	switch (grpc) {
	case GRPC_INVALID_ARGUMENT:
	case GRPC_NOT_FOUND:
	case GRPC_PERMISSION_DENIED:
	case GRPC_RESOURCE_EXHAUSTED:
	case GRPC_FAILED_PRECONDITION:
	case GRPC_OUT_OF_RANGE:
	case GRPC_UNIMPLEMENTED:
	case GRPC_UNAUTHENTICATED:
		return true;
	default:
		return false;
	}
}

static bool
is_token_trouble(const struct gateway_error *e)
{
	return e->code == GRPC_UNAUTHENTICATED ||
	       strstr(e->text, "invalid auth token") != NULL ||
	       strstr(e->text, "revision in header is old") != NULL ||
	       strstr(e->text, "revision of auth store is old") != NULL ||
	       strstr(e->text, "user name is empty") != NULL;
}

/* ---- one attempt ---- */

static void
set_headers(struct wire *w, const char *token, unsigned number)
{
	struct curl_slist *h = NULL;

	if (w->headers != NULL && w->headers_token == number)
		return;
	h = curl_slist_append(h, "Content-Type: application/json");
	/* curl would wait for a "100 Continue" before a longer body. */
	h = curl_slist_append(h, "Expect:");
	/* A member without a leader says so at once, or ends the stream,
	 * instead of keeping us waiting.
	 */
	h = curl_slist_append(h, "Grpc-Metadata-Hasleader: true");
	if (token != NULL) {
		CLEANUP_FREE char *auth =
			xasprintf("Authorization: %s", token);

		h = curl_slist_append(h, auth);
	}
	curl_slist_free_all(w->headers);
	w->headers = h;
	w->headers_token = number;
	curl_easy_setopt(w->easy, CURLOPT_HTTPHEADER, h);
}

static void
aim(struct wire *w, size_t endpoint, const char *path, const struct buf *body,
    long attempt_ms)
{
	CLEANUP_FREE char *url =
		xasprintf("%s%s", w->link->urls.v[endpoint], path);
	long connect_ms = attempt_ms > 0 && attempt_ms < CONNECT_MS ?
			  attempt_ms : CONNECT_MS;

	curl_easy_setopt(w->easy, CURLOPT_URL, url);
	curl_easy_setopt(w->easy, CURLOPT_POSTFIELDS, buf_str(body));
	curl_easy_setopt(w->easy, CURLOPT_POSTFIELDSIZE_LARGE,
			 (curl_off_t)body->len);
	curl_easy_setopt(w->easy, CURLOPT_TIMEOUT_MS, attempt_ms);
	curl_easy_setopt(w->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	buf_clear(&w->in);
	w->too_big = false;
	w->words[0] = '\0';
}

static enum fate
lost(struct wire *w, size_t endpoint, CURLcode rc, struct error *err)
{
	long sent = 0;

	if (w->too_big) {
		fail(err, ERR_TOOLARGE, "etcd '%s': answered more than %zu MB",
		     w->link->urls.v[endpoint], LINK_ANSWER_MAX >> 20);
		return FATE_REFUSED;
	}
	if (w->left)
		fail(err, ERR_STORE, "etcd '%s': no answer, as others get none "
		     "from there", w->link->urls.v[endpoint]);
	else if (rc == CURLE_ABORTED_BY_CALLBACK)
		fail(err, ERR_STORE, "etcd '%s': the store is being closed",
		     w->link->urls.v[endpoint]);
	else
		explain(w->link, endpoint, w->words[0] != '\0' ? w->words :
			curl_easy_strerror(rc), err);
	curl_easy_getinfo(w->easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent == 0 ? FATE_UNSENT : FATE_UNKNOWN;
}

/* Words that are not etcd's: a proxy's, or another server's. */
static enum fate
foreign(struct wire *w, size_t endpoint, long status, struct error *err)
{
	CLEANUP_FREE char *words = NULL;
	size_t n = strcspn(buf_str(&w->in), "\r\n");

	words = xasprintf("HTTP status %ld: %.*s", status,
			  (int)(n < 200 ? n : 200), buf_str(&w->in));
	explain(w->link, endpoint, words, err);
	return status >= 300 && status < 500 && status != 408 &&
	       status != 429 ? FATE_REFUSED : FATE_UNKNOWN;
}

static enum fate
judge(struct wire *w, size_t endpoint, struct answer *ans,
      struct gateway_error *said, struct error *err)
{
	json_auto_t *doc = json_loadb(buf_str(&w->in), w->in.len, 0, NULL);
	const json_t *result;
	long status = 0;

	curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
	if (gateway_error(doc, said)) {
		ans->grpc = said->code;
		explain(w->link, endpoint, said->text, err);
		/* Before it is proposed to the cluster. */
		if (strstr(said->text, "too many requests") != NULL)
			return ans->reconnected ? FATE_UNKNOWN : FATE_UNSENT;
		return is_refusal(said->code) ? FATE_REFUSED : FATE_UNKNOWN;
	}
	if (doc == NULL || status != 200)
		return foreign(w, endpoint, status, err);
	/* The one message of a stream comes wrapped. */
	result = json_object_get(doc, "result");
	ans->doc = result != NULL ? json_incref((json_t *)result) : STEAL(doc);
	if (!link_same_cluster(w->link, ans->doc)) {
		json_decref(STEAL(ans->doc));
		fail(err, ERR_STORE, "etcd '%s': it belongs to another cluster "
		     "than before: list endpoints of one cluster only, and "
		     "restart the service after a restore from backup",
		     w->link->urls.v[endpoint]);
		return FATE_UNKNOWN;
	}
	return FATE_ANSWERED;
}

static enum fate
perform(struct wire *w, size_t endpoint, struct answer *ans,
	struct gateway_error *said, struct error *err)
{
	long connects = 0;
	CURLcode rc;

	memset(said, 0, sizeof(*said));
	ans->grpc = 0;
	ans->sent_ms = clock_mono_ms();
	w->endpoint = endpoint;
	w->sent_ms = ans->sent_ms;
	w->left = false;
	rc = curl_easy_perform(w->easy);
	curl_easy_getinfo(w->easy, CURLINFO_NUM_CONNECTS, &connects);
	ans->reconnected = connects > 0;
	ans->too_big = w->too_big;
	if (rc != CURLE_OK)
		return lost(w, endpoint, rc, err);
	return judge(w, endpoint, ans, said, err);
}

/* ---- authentication ---- */

static void
keep_token(struct link *l, const char *token)
{
	LOCK_FOR_SCOPE(&l->lock);

	free(l->token);
	l->token = xstrdup(token);
	l->token_number++;
	l->token_asked = true;
}

/* Under auth_lock. */
static enum fate
fetch_token(struct link *l, size_t endpoint, long ms, struct error *err)
{
	json_auto_t *ask = json_pack("{s:s, s:s}", "name", l->user, "password",
				     l->password);
	CLEANUP_FREE char *text = json_dumps(ask, JSON_COMPACT);
	CLEANUP(answer_release) struct answer ans = { 0 };
	CLEANUP(buf_release) struct buf body = { 0 };
	struct gateway_error said;
	enum fate fate;

	if (text == NULL) {
		fail(err, ERR_STORE, "etcd '%s': user or password is not UTF-8",
		     l->urls.v[endpoint]);
		return FATE_REFUSED;
	}
	buf_adds(&body, text);
	set_headers(l->auth_wire, NULL, 0);
	aim(l->auth_wire, endpoint, "/v3/auth/authenticate", &body, ms);
	fate = perform(l->auth_wire, endpoint, &ans, &said, err);
	if (fate == FATE_ANSWERED) {
		keep_token(l, gateway_str(ans.doc, "token"));
	} else if (strstr(said.text, "authentication is not enabled") != NULL) {
		keep_token(l, NULL);
		fate = FATE_ANSWERED;
	}
	return fate == FATE_UNKNOWN ? FATE_UNSENT : fate;
}

static bool
copy_headers(struct wire *w)
{
	struct link *l = w->link;
	LOCK_FOR_SCOPE(&l->lock);

	if (l->user != NULL && !l->token_asked)
		return false;
	set_headers(w, l->token, l->token_number);
	return true;
}

/* FATE_ANSWERED: the wire has its headers. */
static enum fate
authorize(struct wire *w, size_t endpoint, long ms, struct error *err)
{
	struct link *l = w->link;

	if (!copy_headers(w)) {
		LOCK_FOR_SCOPE(&l->auth_lock);
		enum fate fate;

		/* Somebody else may have asked while we waited. */
		if (copy_headers(w))
			return FATE_ANSWERED;
		fate = fetch_token(l, endpoint, ms, err);
		if (fate != FATE_ANSWERED)
			return fate;
		(void)copy_headers(w);
	}
	return FATE_ANSWERED;
}

void
link_token_failed(struct link *l, unsigned number)
{
	LOCK_FOR_SCOPE(&l->lock);

	if (l->token_number == number)
		l->token_asked = false;
}

enum err
link_prepare(struct wire *w, size_t endpoint, const char *path,
	     const struct buf *body, struct error *err)
{
	if (authorize(w, endpoint, w->link->timeout_ms, err) != FATE_ANSWERED)
		return ERR_STORE;
	aim(w, endpoint, path, body, 0);
	return ERR_OK;
}

/* ---- requests ---- */

static long
attempt_ms(const struct link *l, const struct call *call)
{
	int64_t left = call->until_ms - clock_mono_ms();
	int64_t ms = call->attempt_ms > 0 ? call->attempt_ms : l->timeout_ms;

	if (call->hasty && l->urls.n > 1)
		ms /= HASTE;
	if (call->strict && left < ms)
		ms = left;
	return ms > 1 ? (long)ms : 1;
}

/* At one endpoint, with a new token when the old one has become invalid. */
static enum fate
attempt(struct wire *w, size_t endpoint, const struct call *call,
	struct answer *ans, struct error *err)
{
	struct gateway_error said;
	enum fate fate = FATE_UNSENT;

	for (int i = 0; i < TOKENS_MAX; i++) {
		fate = authorize(w, endpoint, attempt_ms(w->link, call), err);
		if (fate != FATE_ANSWERED)
			return fate;
		aim(w, endpoint, call->path, call->body,
		    attempt_ms(w->link, call));
		fate = perform(w, endpoint, ans, &said, err);
		ans->token = w->link->user != NULL && fate == FATE_REFUSED &&
			     is_token_trouble(&said);
		if (!ans->token)
			break;
		link_token_failed(w->link, w->headers_token);
		/* curl may have sent it twice, the first time with success. */
		if (call->once && ans->reconnected)
			break;
	}
	return fate;
}

/* Each endpoint once. */
static enum fate
once_round(struct wire *w, const struct call *call, struct answer *ans,
	   struct error *err)
{
	struct link *l = w->link;
	bool tried[LINK_URLS_MAX] = { false };
	enum fate fate = FATE_UNSENT;

	for (size_t n = 0; n < l->urls.n; n++) {
		size_t i = next_endpoint(l, tried);

		if (n > 0 && call->strict && clock_mono_ms() >= call->until_ms)
			break;
		fate = attempt(w, i, call, ans, err);
		if (fate == FATE_ANSWERED || fate == FATE_REFUSED) {
			if (!call->proves_nothing)
				link_endpoint_worked(l, i);
			return fate;
		}
		tried[i] = true;
		if (atomic_load(&l->stopping) && !w->last_words)
			return fate;
		link_endpoint_failed(l, i);
		if (call->once && fate == FATE_UNKNOWN)
			return fate;
	}
	return fate;
}

enum fate
link_request(struct wire *w, const struct call *asked, struct answer *ans,
	     struct error *err)
{
	struct link *l = w->link;
	struct call call = *asked;
	int pause_ms = PAUSE_MIN_MS;
	enum fate fate;

	if (call.until_ms == 0)
		call.until_ms = clock_mono_ms() + l->timeout_ms;
	for (;;) {
		fate = once_round(w, &call, ans, err);
		if (fate == FATE_ANSWERED || fate == FATE_REFUSED ||
		    (call.once && fate == FATE_UNKNOWN))
			return fate;
		if ((atomic_load(&l->stopping) && !w->last_words) ||
		    clock_mono_ms() + pause_ms >= call.until_ms)
			return fate;
		call.hasty = false;
		link_pause(l, pause_ms);
		if (pause_ms < PAUSE_MAX_MS)
			pause_ms *= 2;
	}
}

enum err
link_ask(struct link *l, const struct call *call, struct answer *ans,
	 struct error *err)
{
	CLEANUP(cleanup_give) struct wire *w = link_take(l);
	struct error local = { 0 };

	if (err == NULL)
		err = &local;
	return link_request(w, call, ans, err) == FATE_ANSWERED ? ERR_OK :
	       err->code;
}

/* ---- making one ---- */

static enum err
add_url(struct link *l, const char *url, struct error *err)
{
	CLEANUP_FREE char *own = xstrdup(url);
	size_t n = strlen(own);

	while (n > 0 && own[n - 1] == '/')
		own[--n] = '\0';
	if (strncmp(own, "http://", 7) != 0 && strncmp(own, "https://", 8) != 0)
		return fail(err, ERR_BADREQ,
			    "store: etcd endpoint '%s' is no URL: it must "
			    "start with http:// or https://", url);
	if (strchr(own, '@') != NULL)
		return fail(err, ERR_BADREQ, "store: an etcd endpoint contains "
			    "'@': give user and password as options");
	if (strpbrk(own, " ?#") != NULL)
		return fail(err, ERR_BADREQ,
			    "store: etcd endpoint '%s' contains ' ', '?' or "
			    "'#'", url);
	if (l->urls.n == LINK_URLS_MAX)
		return fail(err, ERR_BADREQ,
			    "store: more than %d etcd endpoints",
			    LINK_URLS_MAX);
	strs_add(&l->urls, own);
	return ERR_OK;
}

static enum err
read_urls(struct link *l, const char *text, struct error *err)
{
	CLEANUP(strs_release) struct strs parts = { 0 };
	CLEANUP_FREE char *all = NULL;
	enum err e = ERR_OK;

	strs_split(&parts, text, ',');
	for (size_t i = 0; i < parts.n && e == ERR_OK; i++)
		e = add_url(l, parts.v[i], err);
	all = strs_join(&l->urls, ",");
	l->description = xasprintf("etcd:%s", all);
	return e;
}

static char *
text_option(const char *const *options, const char *key)
{
	const char *v = store_option(options, key, "");

	return v[0] != '\0' ? xstrdup(v) : NULL;
}

static enum err
read_options(struct link *l, const char *const *options, struct error *err)
{
	const char *timeout = store_option(options, "timeout_ms", "5000");
	char *end;
	long ms = strtol(timeout, &end, 10);

	l->ca_file = text_option(options, "ca_file");
	l->cert_file = text_option(options, "cert_file");
	l->key_file = text_option(options, "key_file");
	l->user = text_option(options, "user");
	l->password = text_option(options, "password");
	if (*end != '\0' || ms < 50 || ms > 600000)
		return fail(err, ERR_BADREQ, "store: timeout_ms '%s' is no "
			    "number from 50 to 600000", timeout);
	l->timeout_ms = (int)ms;
	if ((l->cert_file == NULL) != (l->key_file == NULL))
		return fail(err, ERR_BADREQ, "store: cert_file and key_file "
			    "only make sense together");
	if ((l->user == NULL) != (l->password == NULL))
		return fail(err, ERR_BADREQ, "store: user and password "
			    "only make sense together");
	return ERR_OK;
}

DEFINE_CLEANUP(struct link, link_free)

enum err
link_new(const char *urls, const char *const *options, struct link **ret,
	 struct error *err)
{
	CLEANUP(cleanup_link_free) struct link *l = XNEW(struct link);
	enum err e;

	pthread_once(&curl_once, init_curl);
	pthread_mutex_init(&l->lock, NULL);
	pthread_mutex_init(&l->auth_lock, NULL);
	pthread_cond_init(&l->given, NULL);
	e = read_urls(l, urls, err);
	if (e == ERR_OK)
		e = read_options(l, options, err);
	if (e != ERR_OK)
		return e;
	l->auth_wire = wire_new(l);
	*ret = STEAL(l);
	return ERR_OK;
}

void
link_free(struct link *l)
{
	if (l == NULL)
		return;
	while (l->idle != NULL) {
		struct wire *w = l->idle;

		l->idle = w->next;
		wire_free(w);
	}
	wire_free(l->auth_wire);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->auth_lock);
	pthread_cond_destroy(&l->given);
	strs_release(&l->urls);
	free(l->description);
	free(l->ca_file);
	free(l->cert_file);
	free(l->key_file);
	free(l->user);
	free(l->password);
	free(l->token);
	free(l);
}
