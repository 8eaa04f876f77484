/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The HTTP server: libmicrohttpd's threads read requests and send replies, the
 * lanes' threads run the handlers in between while the connection is suspended,
 * and polls on running operations are held without any thread.
 *
 *	HTTP thread          worker                hold's thread
 *	headers: route, auth
 *	body
 *	suspend ───────────► handler
 *	                       ├─ reply: resume
 *	                       └─ wait for ───────► park … due
 *	                     handler again ◄──────────┘
 *	send the reply ◄──── resume
 *
 * A request belongs to one of them at a time; handing over goes through a lock
 * (lane, hold, libmicrohttpd's), which also makes its memory visible.
 */
#include <config.h>

#include <assert.h>
#include <ctype.h>
#include <netinet/in.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#include <microhttpd.h>

#include "api/api.h"
#include "api/api-private.h"
#include "api/auth.h"
#include "api/framing.h"
#include "api/hold.h"
#include "api/lane.h"
#include "api/listen.h"
#include "api/path.h"
#include "api/request.h"
#include "api/tls.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define REQUEST_MAGIC	0x52657175u	/* "Requ" */

#define SLOW_THREADS	4
#define PROBE_THREADS	4
#define WAITING_MAX	4096		/* requests before a lane */
#define HELD_MAX	10000
#define CONNECTIONS_MAX	16384
#define IDLE_S		60
#define BODY_TIME_MS	60000		/* from first line to last byte */
#define HEADERS_MAX	(32 * 1024)
#define TARGET_MAX	8192
#define BODY_MAX	(1024 * 1024)
#define BODIES_MAX	(256 * 1024 * 1024)	/* all together */
#define SWALLOW_MAX	(16 * 1024 * 1024)	/* of what we refuse anyway */
#define FDS_SPARED	256		/* for everything but connections */

struct api {
	struct MHD_Daemon *daemon;
	struct lane *quick, *slow, *probe;
	struct hold *hold;
	struct meter *meter;
	int64_t started_s;
	_Atomic(struct service *) service;
	struct auth auth;
	bool disable_auth;
	bool profiling;
	bool tls;
	char *cert_file, *key_file;	/* of TLS */
	int64_t queue_hold_ms;
	unsigned port;
	int listen_fd;

	atomic_bool draining, stopping;
	atomic_size_t body_bytes;

	pthread_mutex_t lock;	/* guards what follows */
	pthread_cond_t fewer;
	size_t busy;		/* requests read, but not yet answered */
};

static struct request *
request_of(void *p)
{
	struct request *r = p;

	assert(r != NULL && r->magic == REQUEST_MAGIC);
	return r;
}

/* ---- counting, for the end ---- */

static void
count_busy(struct request *r)
{
	LOCK_FOR_SCOPE(&r->api->lock);

	assert(!r->counted);
	r->counted = true;
	r->api->busy++;
}

static void
count_done(struct request *r)
{
	LOCK_FOR_SCOPE(&r->api->lock);

	if (r->counted && --r->api->busy == 0)
		pthread_cond_broadcast(&r->api->fewer);
	r->counted = false;
}

/* ---- making and freeing ---- */

/* libmicrohttpd calls this with the target as it was sent, before it takes it
 * apart; what is returned becomes the request's context.
 */
static void *
on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct request *r = XNEW(struct request);

	r->magic = REQUEST_MAGIC;
	r->api = cls;
	r->connection = connection;
	r->target = xstrndup(target, TARGET_MAX + 1);
	r->content_length = -1;
	r->prefer_wait_ms = -1;
	r->started_ms = clock_mono_ms();
	return r;
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **context,
	     enum MHD_RequestTerminationCode why)
{
	struct request *r;

	if (*context == NULL)
		return;
	r = request_of(*context);
	*context = NULL;
	assert(r->state != REQUEST_RUNNING);
	count_done(r);
	atomic_fetch_sub(&r->api->body_bytes, r->charged);
	reply_clear(r);
	buf_release(&r->body);
	free(r->id);
	free(r->path);
	free(r->target);
	r->magic = 0;
	free(r);
}

/* ---- reading the headers ---- */

static const char *
header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND,
					   name);
}

/* The client's, if it is harmless; else a new one. */
static void
read_request_id(struct request *r)
{
	const char *given = header(r, "X-Request-Id");
	size_t n = given != NULL ? strlen(given) : 0;

	if (n >= 1 && n <= REQUEST_ID_MAX &&
	    strspn(given, "abcdefghijklmnopqrstuvwxyz"
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n)
		memcpy(r->request_id, given, n + 1);
	else
		id_new(r->request_id);
}

static void
read_content_length(struct request *r)
{
	const char *s = header(r, "Content-Length");

	/* libmicrohttpd has refused what is no number. */
	if (s != NULL && header(r, "Transfer-Encoding") == NULL)
		r->content_length = strtoll(s, NULL, 10);
}

/* "Prefer: respond-async, wait=2" (RFC 7240) */
static void
read_prefer(struct request *r)
{
	const char *s = header(r, "Prefer");

	while (s != NULL && *s != '\0') {
		s += strspn(s, " \t,;");
		if (strncasecmp(s, "wait=", 5) == 0 && isdigit((uint8_t)s[5]))
			r->prefer_wait_ms = strnlen(s + 5, 7) >= 7 ? 3600000 :
					    atoi(s + 5) * INT64_C(1000);
		s += strcspn(s, ",;");
	}
}

/* As heketi: what comes through a proxy on this machine counts as local, too. */
static bool
peer_is_local(struct request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection,
					MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = info != NULL ? info->client_addr : NULL;
	const struct in6_addr *v6;
	struct in_addr v4 = { 0 };

	if (a == NULL)
		return false;
	if (a->sa_family == AF_INET) {
		v4 = ((const struct sockaddr_in *)(const void *)a)->sin_addr;
	} else if (a->sa_family == AF_INET6) {
		v6 = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
		if (IN6_IS_ADDR_LOOPBACK(v6))
			return true;
		if (IN6_IS_ADDR_V4MAPPED(v6))
			memcpy(&v4, &v6->s6_addr[12], sizeof(v4));
	}
	return v4.s_addr == htonl(INADDR_LOOPBACK);
}

static void
read_headers(struct request *r, const char *method)
{
	snprintf(r->method, sizeof(r->method), "%s", method);
	r->path = path_of_target(r->target, &r->query);
	r->own = r->path != NULL && strncmp(r->path, "/v1/", 4) == 0;
	r->service = atomic_load(&r->api->service);
	r->stopping = atomic_load(&r->api->stopping);
	r->draining = atomic_load(&r->api->draining);
	r->local = peer_is_local(r);
	read_request_id(r);
	read_content_length(r);
	read_prefer(r);
}

/* ---- deciding who answers ---- */

/* Go's router: the location alone, no body. */
static void
redirect_clean(struct request *r, const char *clean)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	path_escape(&b, clean, r->query);
	reply_empty(r, 301);
	r->reply.location = xstrdup(buf_str(&b));
}

static void
redirect_slash(struct request *r)
{
	CLEANUP_FREE char *path = xstrndup(r->path, strlen(r->path) - 1);
	CLEANUP(buf_release) struct buf b = { 0 };

	path_escape(&b, path, r->query);
	reply_redirect(r, 301, buf_str(&b));
}

/* Answered when the target can't be one of ours. */
static bool
target_is_bad(struct request *r)
{
	CLEANUP_FREE char *clean = NULL;

	if (strlen(r->target) > TARGET_MAX) {
		reply_text(r, 414, "request target too long");
		return true;
	}
	if (r->path == NULL) {
		reply_text(r, 400, "400 Bad Request");
		return true;
	}
	clean = path_clean(r->path);
	if (strcmp(clean, r->path) == 0)
		return false;
	redirect_clean(r, clean);
	return true;
}

/* Answered when nobody is to be served now. */
static bool
is_out_of_service(struct request *r)
{
	struct error err = { .code = ERR_OK };

	if (r->stopping)
		(void)fail(&err, ERR_CANCELLED, "Service is stopping");
	else if (r->service == NULL)
		(void)fail(&err, ERR_CANCELLED, "Service is starting");
	else
		return false;
	reply_error(r, &err);
	return true;
}

static bool
is_unauthorized(struct request *r)
{
	struct error err = { .code = ERR_OK };
	struct auth_request q = {
		.header = header(r, "Authorization"),
		.method = r->method,
		.path = r->path,
		.now_s = clock_wall_ms() / 1000,
	};

	if (r->api->disable_auth ||
	    auth_check(&r->api->auth, &q, &err) == ERR_OK)
		return false;
	reply_error(r, &err);
	return true;
}

static bool
finds_open_route(struct request *r)
{
	if (route_find(routes, nroutes, 1, r->method, r->path, &r->route,
		       &r->id) != ROUTE_FOUND)
		return false;
	if ((r->route->flags & ROUTE_PROFILING) && !r->api->profiling)
		r->route = NULL;
	return r->route != NULL;
}

/* heketi's order: clean path, open routes, authorization, admin mode, the other
 * routes.
 * Afterwards there is a route, or a reply.
 */
static void
decide(struct request *r)
{
	if (target_is_bad(r) || finds_open_route(r))
		return;
	if (is_out_of_service(r) || is_unauthorized(r) || !request_admit(r))
		return;
	switch (route_find(routes, nroutes, 0, r->method, r->path, &r->route,
			   &r->id)) {
	case ROUTE_FOUND:
		return;
	case ROUTE_SLASH:
		r->route = NULL;
		redirect_slash(r);
		return;
	case ROUTE_BAD_METHOD:
		if (r->own)
			reply_text(r, 405, "Method not allowed");
		else
			reply_empty(r, 405);
		return;
	case ROUTE_NOT_FOUND:
		reply_text(r, 404, "Invalid path or request");
		return;
	}
}

/* ---- reading the body ---- */

static void
refuse_body(struct request *r, unsigned status, const char *text)
{
	r->route = NULL;
	reply_text(r, status, text);
}

/* Nobody reads it, but the client must get to send it, or it would not see the
 * reply: closing on unread bytes resets the connection.
 */
static bool
swallow(struct request *r, size_t n)
{
	r->swallowed += n;
	return r->swallowed <= SWALLOW_MAX;
}

/* false: hang up. */
static bool
take_body(struct request *r, const char *data, size_t n)
{
	if (clock_mono_ms() - r->started_ms > BODY_TIME_MS)
		return false;
	if (r->route != NULL && r->body.len + n > BODY_MAX)
		refuse_body(r, 413, "request body too large");
	if (r->route == NULL)
		return swallow(r, n);
	r->charged += n;
	if (atomic_fetch_add(&r->api->body_bytes, n) + n > BODIES_MAX) {
		refuse_body(r, 503, "Server busy. Retry operation later.");
		return swallow(r, n);
	}
	buf_add(&r->body, data, n);
	return true;
}

/* ---- replying ---- */

static struct MHD_Response *
make_response(struct request *r)
{
	struct reply *p = &r->reply;
	size_t len = p->body.len;

	return len == 0 ?
		MHD_create_response_from_buffer(0, (void *)(uintptr_t)"",
						MHD_RESPMEM_PERSISTENT) :
		MHD_create_response_from_buffer(len, buf_steal(&p->body),
						MHD_RESPMEM_MUST_FREE);
}

static void
add_headers(struct request *r, struct MHD_Response *response)
{
	const struct reply *p = &r->reply;
	char seconds[16];

	MHD_add_response_header(response, "X-Request-Id", r->request_id);
	if (p->type != NULL)
		MHD_add_response_header(response, "Content-Type", p->type);
	if (p->nosniff)
		MHD_add_response_header(response, "X-Content-Type-Options",
					"nosniff");
	if (p->pending)
		MHD_add_response_header(response, "X-Pending", "true");
	if (p->retry_after_s > 0) {
		snprintf(seconds, sizeof(seconds), "%u", p->retry_after_s);
		MHD_add_response_header(response, "Retry-After", seconds);
	}
	if (p->disposition != NULL)
		MHD_add_response_header(response, "Content-Disposition",
					p->disposition);
	if (p->location != NULL)
		MHD_add_response_header(response, "Location", p->location);
	if (atomic_load(&r->api->draining))
		MHD_add_response_header(response, "Connection", "close");
}

/* One line a request.  The target is the client's: printable parts only. */
static void
log_request(const struct request *r)
{
	char target[201];
	size_t i;

	for (i = 0; i < sizeof(target) - 1 && r->target[i] != '\0'; i++)
		target[i] = isprint((uint8_t)r->target[i]) ? r->target[i] : '?';
	target[i] = '\0';
	log_set_context(r->request_id);
	log_info("%s %s %u %" PRId64 " ms", r->method, target, r->reply.status,
		 clock_mono_ms() - r->started_ms);
	log_set_context(NULL);
}

static enum MHD_Result
send_reply(struct request *r)
{
	struct MHD_Response *response = make_response(r);
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	add_headers(r, response);
	log_request(r);
	meter_count(r->api->meter, r->route, r->reply.status,
		    clock_mono_ms() - r->started_ms);
	result = MHD_queue_response(r->connection, r->reply.status, response);
	MHD_destroy_response(response);
	return result;
}

/* ---- running the handlers ---- */

/* From here on the request is the HTTP thread's again. */
static void
finish(struct request *r)
{
	log_set_context(NULL);
	if (r->reply.status == 0)
		reply_text(r, 500, "PANIC: no reply");
	r->state = REQUEST_READY;
	MHD_resume_connection(r->connection);
}

static int
socket_of(const struct request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection,
					MHD_CONNECTION_INFO_CONNECTION_FD);

	return info != NULL ? info->connect_fd : -1;
}

static bool
may_be_held(struct request *r)
{
	int64_t now = clock_mono_ms(), hold_ms = r->api->queue_hold_ms;

	if (r->hold_until_ms == 0) {
		if (r->prefer_wait_ms >= 0 && r->prefer_wait_ms < hold_ms)
			hold_ms = r->prefer_wait_ms;
		r->hold_until_ms = now + hold_ms;
	}
	return now < r->hold_until_ms && !atomic_load(&r->api->stopping);
}

enum hold_result { HOLD_NOT, HOLD_HELD, HOLD_ENDED };

/* After HOLD_HELD, r belongs to somebody else. */
static enum hold_result
hold_request(struct request *r)
{
	struct hold *hold = r->api->hold;
	struct service *service = r->service;
	RECORD_SCOPE struct operation *op = NULL;
	char id[ID_SIZE];
	uint64_t ticket;

	if (!may_be_held(r))
		return HOLD_NOT;
	memcpy(id, r->wait_for, sizeof(id));
	ticket = hold_park(hold, r, id, socket_of(r), r->hold_until_ms);
	if (ticket == 0)
		return HOLD_NOT;
	/* It may have ended between the handler's look and the parking, and
	 * nobody would tell us any more.
	 */
	op = service_operation(service, id);
	if (op != NULL && !operation_is_ended(op))
		return HOLD_HELD;
	return hold_take_back(hold, ticket) ? HOLD_ENDED : HOLD_HELD;
}

/* On a worker. */
static void
run_request(struct request *r)
{
	for (;;) {
		log_set_context(r->request_id);
		r->wait_for[0] = '\0';
		r->route->handler(r);
		if (r->wait_for[0] == '\0')
			break;
		switch (hold_request(r)) {
		case HOLD_HELD:
			log_set_context(NULL);
			return;
		case HOLD_ENDED:
			continue;
		case HOLD_NOT:
			break;
		}
		break;
	}
	finish(r);
}

/* A held request has become due: it has been let in before, so it may pass. */
static void
run_due(struct request *r)
{
	(void)lane_push(r->api->quick, r, true);
}

/* Probes don't queue behind requests that wait for the store. */
static struct lane *
lane_of(const struct request *r)
{
	if (r->route->flags & ROUTE_PROBE)
		return r->api->probe;
	return r->route->flags & ROUTE_SLOW ? r->api->slow : r->api->quick;
}

static enum MHD_Result
submit(struct request *r)
{
	struct lane *lane = lane_of(r);

	r->state = REQUEST_RUNNING;
	MHD_suspend_connection(r->connection);
	if (!lane_push(lane, r, false)) {
		reply_text(r, 503, "Server busy. Retry operation later.");
		finish(r);
	}
	return MHD_YES;
}

/* The request is complete. */
static enum MHD_Result
answer(struct request *r)
{
	count_busy(r);
	if (r->route != NULL && !(r->route->flags & ROUTE_INLINE))
		return submit(r);
	if (r->route != NULL)
		r->route->handler(r);
	r->state = REQUEST_READY;
	return send_reply(r);
}

/* The headers are there.  A body that is much too large is not waited for. */
static enum MHD_Result
begin_request(struct request *r, const char *method)
{
	unsigned status = 0;
	const char *text = NULL;
	bool bad = framing_is_bad(r->connection, &status, &text);

	read_headers(r, method);
	if (bad)
		refuse_body(r, status, text);
	else
		decide(r);
	if (r->route != NULL && r->content_length > BODY_MAX)
		refuse_body(r, 413, "request body too large");
	r->state = REQUEST_BODY;
	if (bad || r->content_length > SWALLOW_MAX) {
		count_busy(r);
		r->state = REQUEST_READY;
		return send_reply(r);
	}
	return MHD_YES;
}

/* Called by libmicrohttpd when the headers are there, for each piece of the
 * body, when all is there, and when a suspended connection is resumed.
 */
static enum MHD_Result
on_access(void *cls, struct MHD_Connection *connection, const char *url,
	  const char *method, const char *version, const char *upload_data,
	  size_t *upload_data_size, void **context)
{
	struct request *r = request_of(*context);
	size_t n = *upload_data_size;

	switch (r->state) {
	case REQUEST_NEW:
		return begin_request(r, method);
	case REQUEST_BODY:
		if (n == 0)
			return answer(r);
		*upload_data_size = 0;
		return take_body(r, upload_data, n) ? MHD_YES : MHD_NO;
	case REQUEST_READY:
		return send_reply(r);
	case REQUEST_RUNNING:
		break;
	}
	return MHD_NO;
}

static void PRINTF(2, 0)
on_log(void *cls, const char *fmt, va_list ap)
{
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);

	text[strcspn(text, "\r\n")] = '\0';
	log_debug("microhttpd: %s", text);
}

/* ---- start and stop ---- */

/* A held poll costs a file; the usual soft limit would stop us at a thousand.
 * What we start (the executors' commands) inherits close-on-exec files only.
 */
static unsigned
connection_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return 512;
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) < 0 &&
	    getrlimit(RLIMIT_NOFILE, &l) < 0)
		return 512;
	if (l.rlim_cur >= CONNECTIONS_MAX + FDS_SPARED)
		return CONNECTIONS_MAX;
	return l.rlim_cur > 2 * FDS_SPARED ?
	       (unsigned)l.rlim_cur - FDS_SPARED : FDS_SPARED;
}

static unsigned
http_threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 2 ? 2 : n > 8 ? 8 : (unsigned)n;
}

static enum err
start_daemon(struct api *api, struct error *err)
{
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };

	api->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
		MHD_USE_ITC | MHD_USE_ERROR_LOG |
		(api->tls ? MHD_USE_TLS : MHD_NO_FLAG),
		0, NULL, NULL, on_access, api,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, api->listen_fd,
		MHD_OPTION_THREAD_POOL_SIZE, http_threads(),
		MHD_OPTION_CONNECTION_LIMIT, connection_limit(),
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, api,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, api,
		MHD_OPTION_ARRAY, api->tls ? tls_options() : none,
		MHD_OPTION_END);
	if (api->daemon == NULL)
		return fail(err, ERR_INTERNAL, "HTTP server: can't be started");
	return ERR_OK;
}

static void
api_free(struct api *api)
{
	if (api->daemon != NULL)
		MHD_stop_daemon(api->daemon);
	else if (api->listen_fd >= 0)
		close(api->listen_fd);
	hold_free(api->hold);
	meter_free(api->meter);
	lane_free(api->quick);
	lane_free(api->slow);
	lane_free(api->probe);
	auth_release(&api->auth);
	if (api->tls)
		tls_unload();
	free(api->cert_file);
	free(api->key_file);
	pthread_cond_destroy(&api->fewer);
	pthread_mutex_destroy(&api->lock);
	free(api);
}

static enum err
read_settings(struct api *api, const struct config *c, bool disable_auth,
	      struct error *err)
{
	api->disable_auth = disable_auth;
	api->queue_hold_ms = config_int(c, "queue_hold_ms");
	api->profiling = config_bool(c, "profiling");
	api->tls = config_bool(c, "enable_tls");
	api->cert_file = xstrdup(config_str(c, "cert_file"));
	api->key_file = xstrdup(config_str(c, "key_file"));
	if (api->tls &&
	    tls_load(api->cert_file, api->key_file, err) != ERR_OK)
		return err->code;
	if (disable_auth)
		return ERR_OK;
	return auth_init(&api->auth, config_str(c, "jwt.admin.key"),
			 config_str(c, "jwt.user.key"),
			 config_int(c, "jwt.iat_leeway_seconds"), err);
}

static enum err
start(struct api *api, const struct config *c, const char *where,
      bool disable_auth, struct error *err)
{
	int threads = (int)config_int(c, "request_threads");
	enum err e;

	e = read_settings(api, c, disable_auth, err);
	if (e == ERR_OK)
		e = hold_new(run_due, HELD_MAX, &api->hold, err);
	if (e == ERR_OK)
		e = lane_new("api", threads, WAITING_MAX, run_request,
			     &api->quick, err);
	if (e == ERR_OK)
		e = lane_new("api-slow", SLOW_THREADS, WAITING_MAX, run_request,
			     &api->slow, err);
	if (e == ERR_OK)
		e = lane_new("api-probe", PROBE_THREADS, WAITING_MAX,
			     run_request, &api->probe, err);
	if (e == ERR_OK)
		e = listen_on(where, &api->listen_fd, &api->port, err);
	if (e == ERR_OK)
		e = start_daemon(api, err);
	return e;
}

enum err
api_start(const struct config *c, const char *where, bool disable_auth,
	  struct api **ret, struct error *err)
{
	struct api *api = XNEW(struct api);
	enum err e;

	api->listen_fd = -1;
	api->meter = meter_new();
	api->started_s = clock_wall_ms() / 1000;
	pthread_mutex_init(&api->lock, NULL);
	cond_init_mono(&api->fewer);
	e = start(api, c, where, disable_auth, err);
	if (e != ERR_OK) {
		api_free(api);
		return e;
	}
	*ret = api;
	return ERR_OK;
}

void
api_attach(struct api *api, struct service *service)
{
	service_on_operation_end(service, hold_operation_ended, api->hold);
	atomic_store(&api->service, service);
}

unsigned
api_port(const struct api *api)
{
	return api->port;
}

bool
api_has_tls(const struct api *api)
{
	return api->tls;
}

enum err
api_reload(struct api *api, struct error *err)
{
	return api->tls ? tls_load(api->cert_file, api->key_file, err) : ERR_OK;
}

void
api_measure(struct api *api, struct api_measures *ret)
{
	ret->meter = api->meter;
	ret->started_s = api->started_s;
	ret->held = hold_count(api->hold);
	ret->waiting = lane_waiting(api->quick) + lane_waiting(api->slow);
	LOCK_FOR_SCOPE(&api->lock);
	ret->busy = api->busy;
}

/* false: there are still some at the deadline. */
static bool
wait_idle(struct api *api, int64_t deadline_ms)
{
	LOCK_FOR_SCOPE(&api->lock);

	while (api->busy > 0)
		if (cond_wait_until(&api->fewer, &api->lock, deadline_ms) &&
		    clock_mono_ms() >= deadline_ms)
			return false;
	return true;
}

void
api_drain(struct api *api)
{
	atomic_store(&api->draining, true);
}

void
api_stop(struct api *api, int grace_ms)
{
	struct service *service = atomic_load(&api->service);
	int fd;

	api_drain(api);
	atomic_store(&api->stopping, true);
	fd = MHD_quiesce_daemon(api->daemon);
	if (fd >= 0)
		close(fd);
	hold_close(api->hold);
	if (!wait_idle(api, clock_mono_ms() + grace_ms))
		log_warning("requests are still running after %d ms, waiting "
			    "for the calls they are in", grace_ms);
	if (service != NULL)
		service_on_operation_end(service, NULL, NULL);
	/* Handlers end by their calls' own deadlines.  Only then may the
	 * connections go, and the service after us.
	 */
	lane_free(STEAL(api->slow));
	lane_free(STEAL(api->quick));
	lane_free(STEAL(api->probe));
	api_free(api);
}
