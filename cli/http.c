/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heketi's protocol over libcurl: a new token for each request, 202 followed by
 * polls of Location, 303 to where the result is, 429 waited out.
 *
 * A poll that fails to reach the server is asked again for a while: behind one
 * address there may be several replicas, and any of them answers for any
 * operation.
 */
#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include <curl/curl.h>

#include "cli/answer.h"
#include "cli/go-words.h"
#include "cli/http.h"
#include "cli/progress.h"
#include "cli/token.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/xalloc.h"

enum {
	CONNECT_TIMEOUT_S = 30,
	REQUEST_TIMEOUT_S = 15 * 60,
	NO_TIMEOUT = 0,			/* of polls: those may be held */
	POLL_DELAY_MS = 400,
	POLL_PATIENCE_MS = 60 * 1000,	/* without any answer */
	BUSY_RETRIES = 6,
	BUSY_MIN_MS = 10 * 1000, BUSY_MAX_MS = 30 * 1000,
	BUSY_JITTER_MS = 1000,
	BUSY_ASKED_MAX_MS = 5 * 60 * 1000,
	REDIRECTS_MAX = 10,
	BODY_MAX = 256 * 1024 * 1024,
	NEWS_TIMEOUT_S = 5,		/* of asking for the stage */
};

struct client {
	CURL *h;
	char *base;		/* URL without a slash at its end */
	char *user, *secret;
	struct buf pem;		/* all of --tls-cert, one after the other */
	bool insecure;
	struct progress progress;
	char curl_error[CURL_ERROR_SIZE];
	char dialled[80];	/* " 127.0.0.1:8080", the first; or "" */
};

/* ---- showing that one waits ---- */

static int
on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
	    curl_off_t ulnow)
{
	progress_show(&((struct client *)arg)->progress);
	return 0;
}

static void
pause_ms(struct client *c, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;

	for (;;) {
		int64_t left = end - clock_mono_ms();
		struct timespec ts;

		if (left <= 0)
			return;
		if (left > 500)
			left = 500;
		ts.tv_sec = 0;
		ts.tv_nsec = left * 1000 * 1000;
		nanosleep(&ts, NULL);
		progress_show(&c->progress);
	}
}

/* ---- one transaction ---- */

/* curl does not tell afterwards where it failed to connect to. */
static curl_socket_t
on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct client *c = arg;
	char host[64], port[16];
	bool is_v6 = a->family == AF_INET6;

	if (purpose == CURLSOCKTYPE_IPCXN && c->dialled[0] == '\0' &&
	    getnameinfo(&a->addr, a->addrlen, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(c->dialled, sizeof(c->dialled),
			 is_v6 ? " [%s]:%s" : " %s:%s", host, port);
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;

	if (a->body.len + size * n > BODY_MAX)
		return 0;	/* curl fails the transfer */
	buf_add(&a->body, p, size * n);
	return size * n;
}

/* Is the line "name: …"?  A copy of the value without blanks, or NULL. */
static char *
header_value(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	for (n++; n < len && isspace((unsigned char)line[n]);)
		n++;
	while (len > n && isspace((unsigned char)line[len - 1]))
		len--;
	return xstrndup(line + n, len - n);
}

static void
take_retry_after(struct answer *a, const char *value)
{
	char *end = NULL;
	long s = strtol(value, &end, 10);

	/* The other form, a date, is not worth reading: wait as if unsaid. */
	if (end != value && *end == '\0' && s >= 0)
		a->retry_after_s = s < BUSY_ASKED_MAX_MS / 1000
			? (int)s : BUSY_ASKED_MAX_MS / 1000;
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	CLEANUP_FREE char *location = header_value(p, n, "Location");
	CLEANUP_FREE char *pending = header_value(p, n, "X-Pending");
	CLEANUP_FREE char *retry = header_value(p, n, "Retry-After");
	struct answer *a = arg;

	if (location != NULL) {
		free(a->location);
		a->location = STEAL(location);
	}
	if (pending != NULL)
		a->pending = strcmp(pending, "true") == 0;
	if (retry != NULL)
		take_retry_after(a, retry);
	return size * n;
}

/* A part of the URL, decoded; NULL: not a URL. */
static char *
url_part(const char *url, CURLUPart part)
{
	CURLU *u = curl_url();
	char *s = NULL, *copy = NULL;

	if (u != NULL &&
	    curl_url_set(u, CURLUPART_URL, url, CURLU_PATH_AS_IS) == 0 &&
	    curl_url_get(u, part, &s, CURLU_URLDECODE) == 0)
		copy = xstrdup(s);
	curl_free(s);
	curl_url_cleanup(u);
	return copy;
}

/* What the token speaks of. */
static char *
url_path(const char *url)
{
	return url_part(url, CURLUPART_PATH);
}

/* Location, resolved against the URL that was asked; NULL: makes no sense. */
static char *
url_resolve(const char *url, const char *location)
{
	CURLU *u = curl_url();
	char *to = NULL, *copy = NULL;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_URL, &to, 0) == CURLUE_OK)
		copy = xstrdup(to);
	curl_free(to);
	curl_url_cleanup(u);
	return copy;
}

static struct curl_slist *
headers_new(struct client *c, const char *method, const char *path,
	    bool has_body)
{
	CLEANUP_FREE char *token = token_new(c->user, c->secret, method, path,
					     clock_wall_ms() / 1000);
	CLEANUP_FREE char *auth = xasprintf("Authorization: bearer %s", token);
	struct curl_slist *l = curl_slist_append(NULL, auth);

	l = curl_slist_append(l, "Expect:");
	return curl_slist_append(l, has_body ? "Content-Type: application/json"
					     : "Content-Type:");
}

/* What is the same for all requests. */
static void
set_common(struct client *c)
{
	CURL *h = c->h;

	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->curl_error);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(h, CURLOPT_USERAGENT, "brickyard/" PACKAGE_VERSION);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(h, CURLOPT_XFERINFODATA, c);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, c);
	if (c->insecure) {
		curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L);
	}
#if LIBCURL_VERSION_NUM >= 0x074d00
	if (c->pem.len > 0) {
		struct curl_blob blob = { c->pem.s, c->pem.len,
					  CURL_BLOB_NOCOPY };

		curl_easy_setopt(h, CURLOPT_CAINFO_BLOB, &blob);
		/* these only, as heketi-cli does */
		curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	}
#endif
}

static long
info_of(const struct client *c, CURLINFO what)
{
	long n = 0;

	curl_easy_getinfo(c->h, what, &n);
	return n;
}

static bool
is_connected(const struct client *c)
{
	double s = 0;

	curl_easy_getinfo(c->h, CURLINFO_CONNECT_TIME, &s);
	return s > 0;
}

/* In the words of Go's library, as far as it has some for what curl says. */
static char *
why_not(struct client *c, CURLcode r, const char *url)
{
	CLEANUP_FREE char *host = url_part(url, CURLUPART_HOST);
	CLEANUP_FREE char *reason = NULL;
	long os_errno = info_of(c, CURLINFO_OS_ERRNO);

	if (r == CURLE_COULDNT_RESOLVE_HOST)
		return xasprintf("dial tcp: lookup %s: no such host", host);
	if (r == CURLE_COULDNT_CONNECT && os_errno != 0) {
		reason = go_strerror((int)os_errno);
		return xasprintf("dial tcp%s: connect: %s", c->dialled, reason);
	}
	if (r == CURLE_OPERATION_TIMEDOUT && !is_connected(c))
		return xasprintf("dial tcp%s: i/o timeout", c->dialled);
	if (r == CURLE_GOT_NOTHING)
		return xstrdup("EOF");
	return xstrdup(c->curl_error[0] != '\0' ? c->curl_error
						: curl_easy_strerror(r));
}

static enum err
fail_unreachable(struct client *c, CURLcode r, const char *method,
		 const char *url, struct error *err)
{
	CLEANUP_FREE char *why = why_not(c, r, url);
	CLEANUP_FREE char *verb = xstrdup(method);

	for (char *p = verb; *p != '\0' && *++p != '\0';)
		*p = (char)tolower((unsigned char)*p);
	return fail(err, ERR_UNREACHABLE, "%s \"%s\": %s", verb, url, why);
}

/* One request, one answer, whatever its status. */
static enum err
perform(struct client *c, const char *method, const char *url, const char *body,
	long timeout_s, struct answer *ret, struct error *err)
{
	CLEANUP_FREE char *path = url_path(url);
	struct curl_slist *headers;
	CURLcode r;

	if (path == NULL)
		return fail(err, ERR_BADREQ, "not a URL: '%s'", url);
	answer_release(ret);
	ret->retry_after_s = -1;
	headers = headers_new(c, method, path, body != NULL);
	curl_easy_reset(c->h);	/* keeps connections */
	set_common(c);
	curl_easy_setopt(c->h, CURLOPT_URL, url);
	curl_easy_setopt(c->h, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c->h, CURLOPT_WRITEDATA, ret);
	curl_easy_setopt(c->h, CURLOPT_HEADERDATA, ret);
	curl_easy_setopt(c->h, CURLOPT_TIMEOUT, timeout_s);
	if (body != NULL)
		curl_easy_setopt(c->h, CURLOPT_POSTFIELDS, body);
	if (body != NULL || strcmp(method, "GET") != 0)
		curl_easy_setopt(c->h, CURLOPT_CUSTOMREQUEST, method);
	c->curl_error[0] = c->dialled[0] = '\0';
	r = curl_easy_perform(c->h);
	curl_slist_free_all(headers);
	curl_easy_getinfo(c->h, CURLINFO_RESPONSE_CODE, &ret->status);
	if (r == CURLE_OK)
		return ERR_OK;
	return fail_unreachable(c, r, method, url, err);
}

static unsigned
random_below(unsigned n)
{
	unsigned r = 0;

	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		r = (unsigned)clock_mono_ms();
	return r % n;
}

static int64_t
busy_delay_ms(const struct answer *a)
{
	if (a->retry_after_s >= 0)
		return a->retry_after_s * 1000LL + random_below(BUSY_JITTER_MS);
	return BUSY_MIN_MS + random_below(BUSY_MAX_MS - BUSY_MIN_MS);
}

/* perform, and again as long as the server is busy and we have tries left. */
static enum err
perform_when_free(struct client *c, const char *method, const char *url,
		  const char *body, struct answer *ret, struct error *err)
{
	for (int i = 0;; i++) {
		enum err e = perform(c, method, url, body,
				     REQUEST_TIMEOUT_S, ret, err);

		if (e != ERR_OK || ret->status != 429 || i == BUSY_RETRIES)
			return e;
		pause_ms(c, busy_delay_ms(ret));
	}
}

static bool
is_gateway_error(long status)
{
	return status == 502 || status == 503 || status == 504;
}

/* GET what only needs to be asked again when a replica goes away under us. */
static enum err
get_patiently(struct client *c, const char *url, struct answer *ret,
	      struct error *err)
{
	int64_t deadline = clock_mono_ms() + POLL_PATIENCE_MS;

	for (;;) {
		enum err e = perform(c, "GET", url, NULL, NO_TIMEOUT,
				     ret, err);

		if (e == ERR_OK && !is_gateway_error(ret->status))
			return ERR_OK;
		if (e != ERR_OK && e != ERR_UNREACHABLE)
			return e;
		if (clock_mono_ms() >= deadline) {
			if (e != ERR_OK)
				fail_prefix(err, "the operation may still be"
						 " going on");
			return e;
		}
		pause_ms(c, 1000);
	}
}

static enum err
follow_location(const struct answer *a, char **url, struct error *err)
{
	char *to = a->location != NULL ? url_resolve(*url, a->location) : NULL;

	if (to == NULL)
		return fail(err, ERR_INTERNAL, "server answered %ld without"
			    " a usable Location", a->status);
	free(*url);
	*url = to;
	return ERR_OK;
}

/* While a person waits: what is the operation of this /queue/ID at?  heketi
 * doesn't know, nor may each user ask; then never again.
 */
static void
ask_for_news(struct client *c, const char *queue_url)
{
	CLEANUP(answer_release) struct answer a = { 0 };
	CLEANUP_FREE char *url = NULL;
	json_auto_t *j = NULL;
	const char *id = strrchr(queue_url, '/');
	struct error ignored;

	if (!progress_wants_news(&c->progress) || id == NULL)
		return;
	url = xasprintf("%s/v1/operations%s", c->base, id);
	if (perform(c, "GET", url, NULL, NEWS_TIMEOUT_S, &a, &ignored) !=
		    ERR_OK ||
	    a.status != 200 || answer_read(&a, &j, &ignored) != ERR_OK)
		c->progress.asks = false;
	else
		progress_tell(&c->progress, j);
	progress_show(&c->progress);
}

/* 202 came: ask *url until it says how the operation ended. */
static enum err
poll_to_the_end(struct client *c, char **url, struct answer *a,
		struct error *err)
{
	enum err e = follow_location(a, url, err);

	while (e == ERR_OK) {
		int64_t start = clock_mono_ms();

		e = get_patiently(c, *url, a, err);
		if (e != ERR_OK || !a->pending || a->status != 200)
			return e;
		/* A server that holds polls has done the waiting already. */
		if (clock_mono_ms() - start < POLL_DELAY_MS)
			pause_ms(c, POLL_DELAY_MS);
		ask_for_news(c, *url);
	}
	return e;
}

static enum err
call(struct client *c, const char *method, char **url, const char *body,
     struct answer *a, struct error *err)
{
	enum err e = perform_when_free(c, method, *url, body, a, err);

	if (e == ERR_OK && a->status == 202)
		e = poll_to_the_end(c, url, a, err);
	else if (answer_is_redirection(a) && a->status != 303 &&
		 strcmp(method, "GET") != 0)
		return e;	/* the path is wrong: don't do it elsewhere */
	for (int i = 0; e == ERR_OK && answer_is_redirection(a); i++) {
		if (i == REDIRECTS_MAX)
			return fail(err, ERR_INTERNAL,
				    "stopped after %d redirects", i);
		e = follow_location(a, url, err);
		if (e == ERR_OK)
			e = get_patiently(c, *url, a, err);
	}
	return e;
}

enum err
client_call(struct client *c, const char *method, const char *path,
	    const json_t *body, json_t **ret, struct error *err)
{
	CLEANUP(answer_release) struct answer a = { 0 };
	CLEANUP_FREE char *url = xasprintf("%s%s", c->base, path);
	CLEANUP_FREE char *text = NULL;
	enum err e;

	if (body != NULL)
		text = json_dumps(body, JSON_COMPACT);
	progress_begin(&c->progress);
	e = call(c, method, &url, text, &a, err);
	progress_end(&c->progress);
	return e == ERR_OK ? answer_read(&a, ret, err) : e;
}

enum err
client_fetch(struct client *c, const char *path, struct buf *ret,
	     struct error *err)
{
	CLEANUP(answer_release) struct answer a = { 0 };
	CLEANUP_FREE char *url = xasprintf("%s%s", c->base, path);
	enum err e;

	progress_begin(&c->progress);
	e = call(c, "GET", &url, NULL, &a, err);
	progress_end(&c->progress);
	if (e == ERR_OK)
		e = answer_read(&a, NULL, err);
	if (e == ERR_OK)
		buf_add(ret, a.body.s, a.body.len);
	return e;
}

char *
client_path(const char *collection, const char *id, const char *action)
{
	char *escaped = id != NULL ? curl_easy_escape(NULL, id, 0) : NULL;
	char *path = xasprintf("/%s%s%s%s%s", collection,
			       escaped != NULL ? "/" : "",
			       escaped != NULL ? escaped : "",
			       action != NULL ? "/" : "",
			       action != NULL ? action : "");

	curl_free(escaped);
	return path;
}

/* ---- making one ---- */

static enum err
fail_cert(const char *file, const char *call, struct error *err)
{
	CLEANUP_FREE char *why = go_strerror(errno);

	return fail(err, ERR_BADREQ, "failed to read cert file %s: %s %s: %s",
		    file, call, file, why);
}

static enum err
add_cert(struct client *c, const char *file, struct error *err)
{
	CLEANUP_FCLOSE FILE *f = fopen(file, "re");
	char chunk[4096];
	size_t n, from = c->pem.len;

	if (f == NULL)
		return fail_cert(file, "open", err);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&c->pem, chunk, n);
	if (ferror(f))
		return fail_cert(file, "read", err);
	if (strstr(buf_str(&c->pem) + from, "-----BEGIN CERTIFICATE-----") ==
	    NULL)
		return fail(err, ERR_BADREQ,
			    "failed to load PEM encoded cert from %s", file);
	buf_adds(&c->pem, "\n");
	return ERR_OK;
}

static enum err
add_certs(struct client *c, const struct strs *certs, struct error *err)
{
	for (size_t i = 0; certs != NULL && i < certs->n; i++) {
		enum err e = add_cert(c, certs->v[i], err);

		if (e != ERR_OK)
			return e;
	}
#if LIBCURL_VERSION_NUM < 0x074d00
	if (c->pem.len > 0)
		return fail(err, ERR_NOTSUP,
			    "--tls-cert needs a program built with libcurl"
			    " 7.77 or later");
#endif
	return ERR_OK;
}

/* Add a scheme, take slashes off the end, look whether it is a URL at all. */
static enum err
set_base(struct client *c, const char *server, struct error *err)
{
	size_t n = strlen(server);
	CLEANUP_FREE char *path = NULL;

	while (n > 0 && server[n - 1] == '/')
		n--;
	c->base = xasprintf("%s%.*s",
			    strstr(server, "://") != NULL ? "" : "http://",
			    (int)n, server);
	if (strncasecmp(c->base, "http://", 7) == 0 ||
	    strncasecmp(c->base, "https://", 8) == 0)
		path = url_path(c->base);
	if (path == NULL)
		return fail(err, ERR_BADREQ, "not a server's URL: '%s'",
			    server);
	return ERR_OK;
}

static enum err
set_user(struct client *c, const char *user, const char *secret,
	 struct error *err)
{
	json_auto_t *probe = json_string(user);

	if (probe == NULL)
		return fail(err, ERR_BADREQ, "the user's name is not UTF-8");
	c->user = xstrdup(user);
	c->secret = xstrdup(secret);
	return ERR_OK;
}

DEFINE_CLEANUP(struct client, client_free)

enum err
client_new(const struct client_options *o, struct client **ret,
	   struct error *err)
{
	CLEANUP(cleanup_client_free) struct client *c = XNEW(struct client);
	enum err e;

	c->insecure = o->insecure;
	c->progress.on = o->progress;
	e = set_base(c, o->server, err);
	if (e == ERR_OK)
		e = set_user(c, o->user, o->secret, err);
	if (e == ERR_OK)
		e = add_certs(c, o->certs, err);
	if (e != ERR_OK)
		return e;
	c->h = curl_easy_init();
	if (c->h == NULL)
		return fail(err, ERR_INTERNAL, "libcurl can't be initialised");
	*ret = STEAL(c);
	return ERR_OK;
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	if (c->h != NULL)
		curl_easy_cleanup(c->h);
	free(c->base);
	free(c->user);
	free(c->secret);
	buf_release(&c->pem);
	free(c);
}

void
client_set_progress(struct client *c, bool progress)
{
	c->progress.on = progress;
}
