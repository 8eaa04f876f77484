/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET from the API server, on the caller's thread.  Handles of libcurl are kept
 * with their connections; a call takes one for itself, so none is shared.
 */
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "kubernetes.h"

#define BODY_MAX (16 * 1024 * 1024)
#define ASK_MS 50		/* how often a call asks whether to stop */
#define IDLE_MAX 16		/* handles kept */

struct handle {
	struct handle *next;
	CURLM *multi;
	CURL *easy;
	struct access *access;	/* whose connections it has */
};

/* ---- handles ---- */

static void
handle_free(struct handle *h)
{
	if (h->easy != NULL)
		curl_easy_cleanup(h->easy);
	if (h->multi != NULL)
		(void)curl_multi_cleanup(h->multi);
	if (h->access != NULL)
		access_put(h->access);
	free(h);
}

static struct handle *
handle_new(const struct access *a)
{
	struct handle *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->access = access_use((struct access *)a);
	h->multi = curl_multi_init();
	h->easy = curl_easy_init();
	if (h->multi != NULL && h->easy != NULL)
		return h;
	handle_free(h);
	return NULL;
}

/* One that has spoken to this server in this way, or a new one. */
static struct handle *
handle_take(struct brickyard_executor_instance *in, const struct access *a)
{
	struct handle *h;

	for (;;) {
		pthread_mutex_lock(&in->pool_lock);
		h = in->idle;
		if (h != NULL)
			in->idle = h->next;
		pthread_mutex_unlock(&in->pool_lock);
		if (h == NULL)
			return handle_new(a);
		if (h->access == a)
			return h;
		handle_free(h);
	}
}

static void
handle_give(struct brickyard_executor_instance *in, struct handle *h)
{
	size_t n = 0;

	pthread_mutex_lock(&in->pool_lock);
	for (struct handle *i = in->idle; i != NULL; i = i->next)
		n++;
	if (n < IDLE_MAX) {
		h->next = in->idle;
		in->idle = h;
		h = NULL;
	}
	pthread_mutex_unlock(&in->pool_lock);
	if (h != NULL)
		handle_free(h);
}

void
rest_close(struct brickyard_executor_instance *in)
{
	struct handle *h;

	while ((h = in->idle) != NULL) {
		in->idle = h->next;
		handle_free(h);
	}
}

/* ---- one request ---- */

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct answer *r = arg;

	if (r->body.len + n > BODY_MAX)
		return 0;
	text_add(&r->body, p, n);
	return r->body.failed ? 0 : n;
}

static void
set_blob(CURL *c, CURLoption o, const struct text *t)
{
	struct curl_blob b = { t->s, t->len, CURL_BLOB_NOCOPY };

	if (t->len > 0)
		curl_easy_setopt(c, o, &b);
}

static void
set_tls(CURL *c, const struct access *a)
{
	set_blob(c, CURLOPT_CAINFO_BLOB, &a->ca);
	set_blob(c, CURLOPT_SSLCERT_BLOB, &a->cert);
	set_blob(c, CURLOPT_SSLKEY_BLOB, &a->key);
	/* Never ask a terminal for it. */
	curl_easy_setopt(c, CURLOPT_KEYPASSWD, "");
	if (a->is_insecure) {
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

struct lists {
	struct curl_slist *head, *to;
};

static void
lists_free(struct lists *l)
{
	curl_slist_free_all(l->head);
	curl_slist_free_all(l->to);
}

/* What a server needs to take it for a WebSocket: for the words of a refusal,
 * nothing is ever sent on it.
 */
static int
add_upgrade(struct lists *l)
{
	static const char *const words[] = {
		"Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: YnJpY2t5YXJkIGlzIGhlcg==",
		"Sec-WebSocket-Protocol: v4.channel.k8s.io",
	};
	struct curl_slist *s;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		s = curl_slist_append(l->head, words[i]);
		if (s == NULL)
			return -1;
		l->head = s;
	}
	return 0;
}

static struct curl_slist *
slist_of(const struct text *t)
{
	return t->failed || t->len == 0 ? NULL : curl_slist_append(NULL, t->s);
}

/* Where to, by which name: with tls-server-name that is not the same. */
static int
set_target(CURL *c, const struct access *a, const char *path,
	   struct lists *l)
{
	const char *name = a->server_name != NULL ? a->server_name : a->host;
	CLEANUP_TEXT struct text url = { 0 }, to = { 0 };
	bool is_ipv6 = strchr(name, ':') != NULL;

	text_addf(&url, is_ipv6 ? "%s://[%s]:%u%s" : "%s://%s:%u%s",
		  a->is_tls ? "https" : "http", name, a->port, path);
	if (a->server_name != NULL) {
		is_ipv6 = strchr(a->host, ':') != NULL;
		text_addf(&to, is_ipv6 ? "::[%s]:%u" : "::%s:%u", a->host,
			  a->port);
		l->to = slist_of(&to);
		if (l->to == NULL)
			return -1;
		curl_easy_setopt(c, CURLOPT_CONNECT_TO, l->to);
	}
	return url.failed ||
		curl_easy_setopt(c, CURLOPT_URL, url.s) != CURLE_OK ? -1 : 0;
}

static int
set_up(const struct brickyard_executor_instance *in, struct handle *h,
       const struct question *q, struct answer *r, struct lists *l, struct fault *f)
{
	CLEANUP_TEXT struct text head = { 0 }, authorization = { 0 };
	CURL *c = h->easy;

	curl_easy_reset(c);
	if (access_authorization(h->access, &authorization, f) < 0)
		return -1;
	if (authorization.len > 0) {
		text_addf(&head, "Authorization: %s", authorization.s);
		l->head = slist_of(&head);
		explicit_bzero(authorization.s, authorization.len);
		if (l->head == NULL)
			return fault_nomem(f);
		explicit_bzero(head.s, head.len);
	}
	if ((q->is_upgrade && add_upgrade(l) < 0) ||
	    set_target(c, h->access, q->path, l) < 0)
		return fault_nomem(f);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, l->head);
	if (h->access->is_tls)
		set_tls(c, h->access);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "brickyard");
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT,
			 (long)opt_u64(in, OPT_CONNECT_TIMEOUT_S));
	/* One that says nothing for that long is away. */
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME,
			 (long)opt_u64(in, OPT_CONNECT_TIMEOUT_S));
#if LIBCURL_VERSION_NUM >= 0x075700
	curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
#endif
	return 0;
}

/* CURLE_OK, or why not; -1: the call is over. */
static int
perform(struct handle *h, const struct limit *limit, const char *where,
	CURLcode *ret, struct fault *f)
{
	int running = 1, left = 0;
	CURLMsg *m;

	while (running > 0) {
		if (curl_multi_perform(h->multi, &running) != CURLM_OK)
			return fault_nomem(f);
		if (running == 0)
			break;
		(void)curl_multi_poll(h->multi, NULL, 0, ASK_MS, NULL);
		if (limit_cancelled(limit))
			return fault_set(f, BRICKYARD_ERR_CANCELLED, "%s: "
					 "cancelled while asking; no script "
					 "was started", where);
		if (now_ms() >= limit->deadline_ms)
			return fault_set(f, BRICKYARD_ERR_UNREACHABLE, "%s: "
					 "no answer in the time there was for "
					 "it; no script was started", where);
	}
	m = curl_multi_info_read(h->multi, &left);
	*ret = m != NULL ? m->data.result : CURLE_OUT_OF_MEMORY;
	return 0;
}

static int
explain(const struct access *a, const char *where, CURLcode code,
	const char *words, struct fault *f)
{
	if (words[0] == '\0')
		words = curl_easy_strerror(code);
	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		return fault_nomem(f);
	case CURLE_PEER_FAILED_VERIFICATION:
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: its "
				 "certificate is not trusted (%s has the CA): "
				 "%s", where, a->origin, words);
	case CURLE_SSL_CERTPROBLEM:
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: our client "
				 "certificate (of %s) is of no use: %s", where,
				 a->origin, words);
	case CURLE_WRITE_ERROR:
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: its answer "
				 "is longer than %d MiB", where,
				 BODY_MAX / 1024 / 1024);
	default:
		return fault_set(f, BRICKYARD_ERR_UNREACHABLE, "%s: it can't "
				 "be reached: %s", where, words);
	}
}

static void
take_answer(CURL *c, struct answer *r)
{
	curl_off_t after = 0;
	char *ip = NULL;

	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &r->status);
	curl_easy_getinfo(c, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &after);
	r->retry_after_s = (long)after;
	if (ip != NULL)
		snprintf(r->address, sizeof(r->address), "%s", ip);
}

static int
ask(const struct brickyard_executor_instance *in, struct handle *h,
    const struct question *q, const struct limit *limit, struct answer *r,
    struct fault *f)
{
	CLEANUP(lists_free) struct lists lists = { 0 };
	char words[CURL_ERROR_SIZE] = "", where[512];
	CURLcode code = CURLE_OK;
	int e;

	snprintf(where, sizeof(where), "API server %s", h->access->server);
	if (set_up(in, h, q, r, &lists, f) < 0)
		return -1;
	curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, words);
	if (curl_multi_add_handle(h->multi, h->easy) != CURLM_OK)
		return fault_nomem(f);
	e = perform(h, limit, where, &code, f);
	if (e == 0 && code == CURLE_OK)
		take_answer(h->easy, r);
	else if (e == 0)
		e = explain(h->access, where, code, words, f);
	(void)curl_multi_remove_handle(h->multi, h->easy);
	curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, NULL);
	return e;
}

int
rest_get(struct brickyard_executor_instance *in, const struct access *a,
	 const struct question *q, const struct limit *limit, struct answer *ret,
	 struct fault *f)
{
	struct handle *h = handle_take(in, a);
	int e;

	if (h == NULL)
		return fault_nomem(f);
	e = ask(in, h, q, limit, ret, f);
	/* What a WebSocket was begun on, carries nothing else any more. */
	if (e < 0 || q->is_upgrade)
		handle_free(h);
	else
		handle_give(in, h);
	return e;
}

void
answer_free(struct answer *r)
{
	text_free(&r->body);
}

void
text_add_encoded(struct text *t, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	for (; *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL)
			text_add(t, s, 1);
		else
			text_addf(t, "%%%02X", (unsigned char)*s);
	}
}
