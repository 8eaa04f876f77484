/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service thread: it owns libwebsockets, makes a connection for each exec that
 * it is given, feeds it, listens to it, and gives the exec back.  A connection
 * outlives its exec until the server has closed its end, too.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <libwebsockets.h>

#include "kubernetes.h"

#define STACK_BYTES (1024 * 1024)
#define CHUNK 32768
#define HEAD_MAX 65536		/* of a request, with its token */
#define CLOSE_S 5		/* for the server to close its end */
#define ASK_MS 50		/* how often a call asks whether to stop */
#define SPARE_SOCKETS 64	/* that are still being closed */

static const char v5[] = "v5.channel.k8s.io";
static const char v4[] = "v4.channel.k8s.io";

/* One vhost per access: its TLS context belongs to it. */
struct door {
	struct door *next;
	struct service *service;
	struct access *access;
	struct lws_vhost *vhost;
	size_t nconns;
};

struct conn {
	struct conn *next;
	struct door *door;
	struct exec *exec;		/* NULL: given back */
	struct lws *wsi;
	bool is_open, is_v5;
	bool is_connecting;		/* in lws_client_connect_via_info */
	bool is_gone;
	bool has_channel;		/* of the message that is coming in */
	unsigned char channel;
	bool has_shut_stdin;
	struct lws_sorted_usec_list timer;
};

struct service {
	struct brickyard_executor_instance *in;
	pthread_t thread;
	struct lws_context *context;
	lws_retry_bo_t keepalive;

	pthread_mutex_t lock;		/* guards these */
	struct exec *queue, **queue_end;
	bool must_stop;

	/* the thread's */
	struct door *doors;
	struct conn *conns;
	unsigned char buffer[LWS_PRE + 1 + CHUNK];
};

/* ---- giving back ---- */

static void
conn_close(struct conn *c)
{
	if (c->wsi == NULL || c->is_gone)
		return;
	if (c->is_open) {
		lws_callback_on_writable(c->wsi);
		lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, CLOSE_S);
	} else {
		lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK,
				LWS_TO_KILL_ASYNC);
	}
}

static void
conn_give_back(struct conn *c)
{
	struct service *s = c->door->service;
	struct exec *e = c->exec;
	bool is_mine;

	c->exec = NULL;
	lws_sul_cancel(&c->timer);
	pthread_mutex_lock(&s->lock);
	is_mine = e->is_abandoned;
	e->state = EXEC_DONE;
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&s->lock);
	if (is_mine)
		exec_free(e);
}

static void
on_timer(lws_sorted_usec_list_t *timer);

/* After each news: is that all?  Else, when to look again? */
static void
conn_look(struct conn *c)
{
	int64_t due, now = now_ms();

	if (c->exec == NULL)
		return;
	if (exec_is_over(c->exec)) {
		exec_finish(c->exec);
		conn_give_back(c);
		conn_close(c);
		return;
	}
	due = exec_due_ms(c->exec);
	if (due != INT64_MAX)
		lws_sul_schedule(c->door->service->context, 0, &c->timer,
				 on_timer, (due > now ? due - now : 1) *
				 LWS_US_PER_MS);
}

static void
on_timer(lws_sorted_usec_list_t *timer)
{
	conn_look(lws_container_of(timer, struct conn, timer));
}

/* ---- one connection's events ---- */

static int
write_channel(struct conn *c, unsigned char channel, const char *p, size_t n)
{
	unsigned char *b = c->door->service->buffer + LWS_PRE;

	b[0] = channel;
	memcpy(b + 1, p, n);
	return lws_write(c->wsi, b, n + 1, LWS_WRITE_BINARY) < 0 ? -1 : 0;
}

/* stdin stays open behind the script: its end means to stop (command.c). */
static int
on_writable(struct conn *c)
{
	static const char stdin_channel = 0;
	struct exec *e = c->exec;
	size_t n;

	if (e == NULL) {
		if (c->is_v5 && !c->has_shut_stdin) {
			c->has_shut_stdin = true;
			if (write_channel(c, 255, &stdin_channel, 1) < 0)
				return -1;
			lws_callback_on_writable(c->wsi);
			return 0;
		}
		lws_close_reason(c->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
		return -1;
	}
	n = e->payload.len - e->sent;
	if (n == 0)
		return 0;
	if (n > CHUNK)
		n = CHUNK;
	if (write_channel(c, 0, e->payload.s + e->sent, n) < 0)
		return -1;
	e->sent += n;
	if (e->sent < e->payload.len)
		lws_callback_on_writable(c->wsi);
	return 0;
}

/* A message may come in any number of pieces; its first byte is the channel. */
static int
on_receive(struct conn *c, const unsigned char *p, size_t n)
{
	lws_validity_confirmed(c->wsi);
	if (lws_is_first_fragment(c->wsi))
		c->has_channel = false;
	if (!c->has_channel && n > 0) {
		c->has_channel = true;
		c->channel = *p++;
		n--;
	}
	if (c->exec != NULL && c->has_channel) {
		exec_data(c->exec, c->channel, p, n);
		conn_look(c);
	}
	return 0;
}

static int
add_authorization(struct conn *c, unsigned char **p, size_t room)
{
	const struct text *t = &c->exec->authorization;

	if (t->len == 0)
		return 0;
	return lws_add_http_header_by_name(c->wsi,
		(const unsigned char *)"Authorization:",
		(const unsigned char *)t->s, (int)t->len, p, *p + room);
}

/* The head of the answer is there: what does it speak? */
static int
on_head(struct conn *c)
{
	char name[64] = "";

	(void)lws_hdr_copy(c->wsi, name, sizeof(name), WSI_TOKEN_PROTOCOL);
	c->is_v5 = strcmp(name, v5) == 0;
	if (c->is_v5 || strcmp(name, v4) == 0)
		return 0;
	if (c->exec != NULL) {
		exec_not_connected(c->exec, 101, name[0] != '\0' ? name :
				   "it has chosen none");
		conn_give_back(c);
	}
	return -1;
}

static void
on_open(struct conn *c)
{
	struct service *s = c->door->service;

	c->is_open = true;
	pthread_mutex_lock(&s->lock);
	if (c->exec != NULL)
		c->exec->is_open = true;
	pthread_mutex_unlock(&s->lock);
	lws_callback_on_writable(c->wsi);
}

static void
on_not_connected(struct conn *c, const char *why)
{
	struct exec *e = c->exec;
	long status = (long)lws_http_client_http_response(c->wsi);

	c->is_gone = true;
	if (e == NULL)
		return;
	exec_not_connected(e, status, why);
	conn_give_back(c);
}

static void
on_closed(struct conn *c)
{
	c->is_gone = true;
	if (c->exec == NULL)
		return;
	c->exec->is_closed = true;
	conn_look(c);
}

static void
conn_free(struct conn *c)
{
	struct conn **p = &c->door->service->conns;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	c->door->nconns--;
	lws_sul_cancel(&c->timer);
	free(c);
}

static void
on_destroy(struct conn *c)
{
	c->is_gone = true;
	if (c->exec != NULL)
		on_closed(c);
	c->wsi = NULL;
	if (!c->is_connecting)
		conn_free(c);
}

static int
on_conn_event(struct conn *c, enum lws_callback_reasons reason, void *in,
	      size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return c->exec == NULL ? -1 : add_authorization(c, in, len);
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
		return on_head(c);
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		on_open(c);
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return on_writable(c);
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return on_receive(c, in, len);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		on_not_connected(c, in != NULL ? in : "it was closed");
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		on_closed(c);
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		on_destroy(c);
		return 0;
	default:
		return 0;
	}
}

/* Whether the certificate is good, OpenSSL has found out (tls.c). */
static int
check_certificate(X509_STORE_CTX *x, SSL *ssl)
{
	struct door *d = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (d->access->is_insecure)
		X509_STORE_CTX_set_error(x, X509_V_OK);
	return 0;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user,
	 void *in, size_t len)
{
	struct conn *c;

	if (reason == LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION)
		return check_certificate(user, in);
	c = wsi != NULL ? lws_get_opaque_user_data(wsi) : NULL;
	if (c == NULL)
		return 0;
	c->wsi = wsi;
	return on_conn_event(c, reason, in, len);
}

static const struct lws_protocols protocols[] = {
	{ .name = "brickyard-exec", .callback = on_event,
	  .rx_buffer_size = HEAD_MAX },
	{ .name = NULL },
};

/* ---- doors ---- */

static struct lws_vhost *
vhost_new(struct service *s, struct door *d)
{
	struct lws_context_creation_info info = {
		.vhost_name = "brickyard",
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
		/* None: said, so that no variable is asked for one. */
		.http_proxy_address = ":0",
		.provided_client_ssl_ctx = d->access->ssl,
	};

	if (d->access->ssl != NULL)
		SSL_CTX_set_app_data(d->access->ssl, d);
	return lws_create_vhost(s->context, &info);
}

static struct door *
door_to(struct service *s, struct access *a)
{
	struct door *d;

	for (d = s->doors; d != NULL; d = d->next)
		if (d->access == a)
			return d;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	d->service = s;
	d->access = a;
	d->vhost = vhost_new(s, d);
	if (d->vhost == NULL) {
		free(d);
		return NULL;
	}
	(void)access_use(a);
	d->next = s->doors;
	s->doors = d;
	return d;
}

/* Those of credentials that are in force no more, when nobody is in them. */
static void
close_doors(struct service *s, bool all)
{
	struct door **p = &s->doors, *d;
	struct access *current;

	pthread_mutex_lock(&s->in->access_lock);
	current = s->in->access;
	pthread_mutex_unlock(&s->in->access_lock);
	while ((d = *p) != NULL) {
		if (!all && (d->access == current || d->nconns > 0)) {
			p = &d->next;
			continue;
		}
		*p = d->next;
		if (!all)
			lws_vhost_destroy(d->vhost);
		access_put(d->access);
		free(d);
	}
}

/* ---- connecting ---- */

static struct lws *
dial(struct service *s, struct conn *c, const struct exec *e)
{
	struct access *a = e->access;
	struct lws_client_connect_info i = {
		.context = s->context,
		.vhost = c->door->vhost,
		.address = e->address[0] != '\0' ? e->address : a->host,
		.port = (int)a->port,
		.path = e->path.s,
		.host = a->server_name != NULL ? a->server_name : a->host,
		.protocol = "v5.channel.k8s.io,v4.channel.k8s.io",
		.local_protocol_name = protocols[0].name,
		.alpn = "http/1.1",
		.retry_and_idle_policy = &s->keepalive,
		.opaque_user_data = c,
		/* The name is checked by its TLS context. */
		.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT |
			(a->is_tls ? LCCSCF_USE_SSL |
			 LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK : 0),
	};

	return lws_client_connect_via_info(&i);
}

static void
connect_exec(struct service *s, struct exec *e)
{
	struct door *d = door_to(s, e->access);
	struct conn *c = d != NULL ? calloc(1, sizeof(*c)) : NULL;
	struct door nowhere = { .service = s };
	struct conn none = { .door = &nowhere, .exec = e };
	struct lws *wsi;

	e->asked_ms = e->heard_ms = now_ms();
	if (c == NULL) {
		exec_not_connected(e, 0, "out of memory");
		conn_give_back(&none);
		return;
	}
	c->door = d;
	d->nconns++;
	c->exec = e;
	c->next = s->conns;
	s->conns = c;
	c->is_connecting = true;
	wsi = dial(s, c, e);
	c->is_connecting = false;
	if (wsi != NULL && !c->is_gone) {
		c->wsi = wsi;
		return;
	}
	if (c->exec != NULL) {
		exec_not_connected(e, 0, "no connection could be begun");
		conn_give_back(c);
	}
	if (wsi == NULL || c->wsi == NULL)
		conn_free(c);
}

/* ---- the loop ---- */

static void
take_queue(struct service *s)
{
	struct exec *e, *next;

	pthread_mutex_lock(&s->lock);
	e = s->queue;
	s->queue = NULL;
	s->queue_end = &s->queue;
	for (struct exec *i = e; i != NULL; i = i->next)
		i->state = EXEC_TAKEN;
	pthread_mutex_unlock(&s->lock);
	for (; e != NULL; e = next) {
		next = e->next;
		connect_exec(s, e);
	}
}

static bool
is_abandoned(struct service *s, const struct exec *e)
{
	bool r;

	pthread_mutex_lock(&s->lock);
	r = e->is_abandoned;
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* Their callers are gone: what runs there is killed by the end of its stdin. */
static void
drop_abandoned(struct service *s)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next) {
		if (c->exec == NULL || !is_abandoned(s, c->exec))
			continue;
		conn_give_back(c);
		conn_close(c);
	}
}

static bool
must_stop(struct service *s)
{
	bool r;

	pthread_mutex_lock(&s->lock);
	r = s->must_stop;
	pthread_mutex_unlock(&s->lock);
	return r;
}

static void *
service_main(void *arg)
{
	struct service *s = arg;

	while (!must_stop(s)) {
		take_queue(s);
		drop_abandoned(s);
		close_doors(s, false);
		if (lws_service(s->context, 0) < 0)
			nap_ms(ASK_MS);
	}
	lws_context_destroy(s->context);
	close_doors(s, true);
	return NULL;
}

/* ---- life ---- */

static void
on_log(int level, const char *line)
{
	size_t n = strcspn(line, "\r\n");

	kube_host->log(BRICKYARD_LOG_DEBUG, "libwebsockets: %.*s", (int)n,
		       line);
}

static struct lws_context *
context_new(struct service *s)
{
	const struct brickyard_executor_instance *in = s->in;
	unsigned connect_s = (unsigned)opt_u64(in, OPT_CONNECT_TIMEOUT_S);
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
			LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
			LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
		.timeout_secs = connect_s,
		.connect_timeout_secs = connect_s,
		.pt_serv_buf_size = HEAD_MAX,
		.max_http_header_data = 16384,
		.count_threads = 1,
		.fd_limit_per_thread = (unsigned)in->max_connections * 2 +
			SPARE_SOCKETS,
		.retry_and_idle_policy = &s->keepalive,
	};
	struct sigaction old;
	struct lws_context *c;

	lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
	/* It ignores SIGPIPE, for the whole process: our thread blocks it. */
	sigaction(SIGPIPE, NULL, &old);
	c = lws_create_context(&info);
	sigaction(SIGPIPE, &old, NULL);
	return c;
}

/* Signals are for the daemon's main thread; SIGPIPE is for nobody. */
static int
start_thread(struct service *s)
{
	pthread_attr_t a;
	sigset_t all, old;
	int e;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&s->thread, &a, service_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&a);
	return e;
}

int
service_start(struct brickyard_executor_instance *in, struct fault *f)
{
	uint64_t every_s = opt_u64(in, OPT_KEEPALIVE_S);
	struct service *s = calloc(1, sizeof(*s));
	int e = ENOMEM;

	if (s == NULL)
		return fault_nomem(f);
	s->in = in;
	s->queue_end = &s->queue;
	s->keepalive.secs_since_valid_ping = (uint16_t)
		(every_s != 0 ? every_s : 65534);
	s->keepalive.secs_since_valid_hangup = (uint16_t)
		(every_s != 0 ? 3 * every_s : 65535);
	pthread_mutex_init(&s->lock, NULL);
	s->context = context_new(s);
	if (s->context != NULL)
		e = start_thread(s);
	if (e == 0) {
		in->service = s;
		return 0;
	}
	if (s->context != NULL)
		lws_context_destroy(s->context);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return fault_set(f, BRICKYARD_ERR_TRANSIENT, "no thread for "
			 "WebSockets: %s", strerror(e));
}

void
service_stop(struct brickyard_executor_instance *in)
{
	struct service *s = in->service;

	pthread_mutex_lock(&s->lock);
	s->must_stop = true;
	/* Within the lock: when the thread knows, it frees the context. */
	lws_cancel_service(s->context);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_mutex_destroy(&s->lock);
	free(s);
	in->service = NULL;
}

/* ---- calls ---- */

static bool
wait_a_moment(struct service *s, struct exec *e)
{
	struct timespec until;
	bool is_done;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ASK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_mutex_lock(&s->lock);
	if (e->state != EXEC_DONE)
		(void)pthread_cond_timedwait(&e->wake, &s->lock, &until);
	is_done = e->state == EXEC_DONE;
	pthread_mutex_unlock(&s->lock);
	return is_done;
}

enum left_in { LEFT_DONE, LEFT_CONNECTING, LEFT_RUNNING };

/* Give it up, unless it is done by now: else it is no longer the caller's. */
static enum left_in
leave(struct service *s, struct exec *e)
{
	enum left_in r = LEFT_DONE;

	pthread_mutex_lock(&s->lock);
	if (e->state != EXEC_DONE) {
		e->is_abandoned = true;
		r = e->is_open ? LEFT_RUNNING : LEFT_CONNECTING;
	}
	pthread_mutex_unlock(&s->lock);
	if (r != LEFT_DONE)
		lws_cancel_service(s->context);
	return r;
}

static int
left(const char *where, enum left_in in, bool cancelled, struct fault *f)
{
	const char *doing = in == LEFT_RUNNING ?
		"while the script ran; what it started there is being killed" :
		"while connecting to the API server; no script was started";

	if (cancelled)
		return fault_set(f, BRICKYARD_ERR_CANCELLED,
				 "%s: cancelled %s", where, doing);
	return fault_set(f, in == LEFT_RUNNING ? BRICKYARD_ERR_TIMEOUT :
			 BRICKYARD_ERR_UNREACHABLE, "%s: the time for it was "
			 "over %s", where, doing);
}

int
service_run(struct service *s, struct exec *e, const struct limit *l,
	    struct fault *f)
{
	CLEANUP_FREE char *where = strdup(e->where);
	enum left_in in;
	bool cancelled;

	if (where == NULL) {
		exec_free(e);
		return fault_nomem(f);
	}
	pthread_mutex_lock(&s->lock);
	*s->queue_end = e;
	s->queue_end = &e->next;
	pthread_mutex_unlock(&s->lock);
	lws_cancel_service(s->context);
	while (!wait_a_moment(s, e)) {
		cancelled = limit_cancelled(l);
		if (!cancelled && now_ms() < l->deadline_ms)
			continue;
		in = leave(s, e);
		if (in != LEFT_DONE)
			return left(where, in, cancelled, f);
		break;
	}
	return 0;
}
