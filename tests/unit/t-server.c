/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The HTTP server over a core whose operations the test controls. */
#include <config.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "tests/unit/fake-service.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#include "tests/tap.h"

#define QUEUE "/queue/" FAKE_OPERATION

static struct api *api;
static struct config *const no_config = NULL;

static int
dial(void)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)api_port(api)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(fd >= 0 && connect(fd, (void *)&a, sizeof(a)) == 0);
	return fd;
}

static void
send_text(int fd, const char *text)
{
	size_t len = strlen(text);

	assert(send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len);
}

static void
send_request(int fd, const char *method, const char *target,
	     const char *headers, const char *body)
{
	CLEANUP_FREE char *text =
		xasprintf("%s %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu"
			  "\r\n\r\n%s", method, target, headers, strlen(body),
			  body);

	send_text(fd, text);
}

/* All until the server hangs up; caller frees. */
static char *
read_all(int fd)
{
	struct buf b = { 0 };
	char part[4096];
	ssize_t n;

	while ((n = recv(fd, part, sizeof(part), 0)) > 0)
		buf_add(&b, part, (size_t)n);
	close(fd);
	return buf_steal(&b);
}

#define CLOSE "Connection: close\r\n"

/* A request on a connection of its own. */
static char *
ask(const char *method, const char *target, const char *headers,
    const char *body)
{
	CLEANUP_FREE char *all = xasprintf(CLOSE "%s", headers);
	int fd = dial();

	send_request(fd, method, target, all, body);
	return read_all(fd);
}

static int
status_of(const char *reply)
{
	return strncmp(reply, "HTTP/1.1 ", 9) == 0 ? atoi(reply + 9) : 0;
}

static const char *
body_of(const char *reply)
{
	const char *end = strstr(reply, "\r\n\r\n");

	return end != NULL ? end + 4 : "";
}

static void
expect(const char *method, const char *target, const char *body, int status,
       const char *text)
{
	CLEANUP_FREE char *reply = ask(method, target, "", body);

	is_int(status_of(reply), status, "%s %s", method, target);
	is_str(body_of(reply), text, "and its body");
}

static void
test_starting(void)
{
	expect("GET", "/hello", "", 503, "Service is starting\n");
	expect("GET", "/healthz", "", 200, "ok\n");
	expect("GET", "/readyz", "", 503, "starting\n");
	expect("GET", "/clusters", "", 503, "Service is starting\n");
	expect("GET", "/v1//plugins", "", 301, "");
	api_attach(api, fake_service());
	expect("GET", "/hello", "", 200, "Hello from Heketi");
	expect("GET", "/readyz", "", 200, "ok\n");
	expect("GET", "/clusters", "", 200,
	       "{\"clusters\":[\"" FAKE_CLUSTER "\"]}\n");
}

static void
test_store_down(void)
{
	CLEANUP_FREE char *own = NULL, *method = NULL;

	fake_store_is_down(true);
	expect("GET", "/clusters", "", 503, "Unable to access db\n");
	expect("POST", "/clusters", "{}", 503, "Unable to access db\n");
	expect("POST", "/clusters", "", 422, "request unable to be parsed\n");
	expect("GET", "/readyz", "", 503, "etcd: no answer\n");
	expect("GET", "/healthz", "", 200, "ok\n");
	own = ask("GET", "/v1/operations", "X-Request-Id: me-1\r\n", "");
	is_int(status_of(own), 503, "ours too");
	is_str(body_of(own), "{\"error\":{\"code\":\"store\",\"message\":"
	       "\"etcd: no answer\",\"reasons\":[],\"request_id\":\"me-1\"}}\n",
	       "with our object");
	method = ask("PUT", "/v1/plugins", "", "");
	is_int(status_of(method), 405, "a method that is not ours");
	has_str(body_of(method), "{\"error\":{\"code\":\"bad-method\",",
		"has our object, too");
	has_str(own, "X-Request-Id: me-1\r\n", "the client's id comes back");
	fake_store_is_down(false);
}

static void
test_unattached_errors(void)
{
	CLEANUP_FREE char *busy = ask("POST", "/volumes", "", "{\"size\":1}");
	CLEANUP_FREE char *bad_id =
		ask("GET", "/hello", "X-Request-Id: a b\r\n", "");

	is_int(status_of(busy), 429, "a throttled request");
	is_str(body_of(busy), "Server busy. Retry operation later.\n",
	       "heketi's words for it");
	has_str(busy, "Content-Type: text/plain; charset=utf-8\r\n", "as text");
	has_str(busy, "Retry-After: ", "and when to come again");
	has_str(busy, "X-Content-Type-Options: nosniff\r\n", "as Go sends it");
	ok(strstr(bad_id, "a b") == NULL, "a bad request id is not repeated");
}

/* A poll on a thread of its own. */
struct poll {
	pthread_t thread;
	const char *headers;
	char *reply;
	int64_t took_ms;
};

static void *
poll_thread(void *arg)
{
	struct poll *p = arg;
	int64_t before = clock_mono_ms();

	p->reply = ask("GET", QUEUE, p->headers, "");
	p->took_ms = clock_mono_ms() - before;
	return NULL;
}

static void
poll_start(struct poll *p, const char *headers)
{
	*p = (struct poll){ .headers = headers };
	pthread_create(&p->thread, NULL, poll_thread, p);
}

static void
poll_expect(struct poll *p, int status, const char *part, const char *name)
{
	pthread_join(p->thread, NULL);
	is_int(status_of(p->reply), status, "%s", name);
	has_str(p->reply, part, "and says so");
	free(p->reply);
}

static void
pause_ms(int ms)
{
	usleep((unsigned)ms * 1000);
}

/* Whether a poll is parked yet can't be seen from outside; both orders of
 * things must do, so a short pause makes the usual one likely, not certain.
 */
static void
test_held_polls(void)
{
	struct poll many[50], one;
	size_t good = 0;

	fake_operation_start();
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		poll_start(&many[i], "");
	pause_ms(100);
	fake_tell_all();
	pause_ms(50);
	fake_operation_end("/volumes/abc", NULL, true);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		pthread_join(many[i].thread, NULL);
		good += status_of(many[i].reply) == 303 &&
			strstr(many[i].reply, "Location: /volumes/abc\r\n") &&
			strstr(many[i].reply, "<a href=\"/volumes/abc\">See "
			       "Other</a>.\n\n") != NULL;
		free(many[i].reply);
	}
	is_int(good, ARRAY_SIZE(many), "all held polls see the end at once");
	expect("GET", QUEUE, "", 303,
	       "<a href=\"/volumes/abc\">See Other</a>.\n\n");

	fake_operation_start();
	poll_start(&one, "");
	pause_ms(50);
	fake_operation_end(NULL, "it \"failed\"", true);
	poll_expect(&one, 500, "\r\n\r\nit \"failed\"\n", "a failed one");

	fake_operation_start();
	fake_operation_end_after_next_look();
	poll_start(&one, "");
	poll_expect(&one, 204, "HTTP/1.1 204", "an end that nobody tells of, "
		    "between the look and the parking, is seen");
}

static void
test_polls_not_held(void)
{
	CLEANUP_FREE char *now = NULL, *soon = NULL;
	int64_t before;

	fake_operation_start();
	now = ask("GET", QUEUE, "Prefer: wait=0\r\n", "");
	is_int(status_of(now), 200, "Prefer: wait=0 is answered at once");
	has_str(now, "X-Pending: true\r\n", "with the header");
	is_str(body_of(now), "", "and nothing else");
	before = clock_mono_ms();
	soon = ask("GET", QUEUE, "Prefer: foo; bar, wait=1\r\n", "");
	is_int(status_of(soon), 200, "Prefer: wait=1 is held for a second");
	ok(clock_mono_ms() - before >= 999, "no less");
	expect("GET", "/queue/abc", "", 404, "Id not found\n");
	expect("GET", "/queue/xyz", "", 404, "Invalid path or request\n");
	expect("POST", QUEUE, "", 405, "");
}

/* A client that hangs up while it is held must not stay with us: were it to,
 * the rest of its ten minutes would go by before the end of this test.
 */
static void
test_hang_up(void)
{
	int fd = dial();

	fake_operation_start();
	send_request(fd, "GET", QUEUE, "", "");
	pause_ms(50);
	close(fd);
	expect("GET", "/clusters", "", 200,
	       "{\"clusters\":[\"" FAKE_CLUSTER "\"]}\n");
}

static void
test_pipelining(void)
{
	int fd = dial();
	CLEANUP_FREE char *all = NULL;
	const char *p;
	int n = 0;

	send_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
		  "GET /clusters HTTP/1.1\r\nHost: x\r\n\r\n"
		  "POST /clusters HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
		  "\r\n{}"
		  "GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	all = read_all(fd);
	for (p = all; (p = strstr(p, "HTTP/1.1 ")) != NULL; p++)
		n++;
	is_int(n, 4, "four requests at once get four replies");
	has_str(all, "Hello from HeketiHTTP/1.1 200", "the first comes first");
	has_str(all, "]}\nHTTP/1.1 201", "the third comes third");
	has_str(all, "Invalid path or request\n", "the last one, too");
}

static void
test_bodies(void)
{
	CLEANUP_FREE char *big = xcalloc(1, 2 * 1024 * 1024);
	CLEANUP_FREE char *reply = NULL, *told = NULL, *chunked = NULL;
	int fd = dial();

	memset(big, ' ', 2 * 1024 * 1024 - 1);
	memcpy(big, "{}", 2);
	reply = ask("POST", "/clusters", "", big);
	is_int(status_of(reply), 413, "two megabytes are refused");
	is_str(body_of(reply), "request body too large\n", "in words");
	big[1024 * 1024] = '\0';
	expect("POST", "/clusters", big, 201, "{\"id\":\"" FAKE_CLUSTER "\","
	       "\"nodes\":[],\"volumes\":[],\"block\":false,\"file\":false,"
	       "\"blockvolumes\":[]}\n");
	send_text(fd, "POST /clusters HTTP/1.1\r\nHost: x\r\nContent-Length: "
		  "99999999999\r\n\r\n");
	told = read_all(fd);
	is_int(status_of(told), 413, "a length beyond reason is refused");
	fd = dial();
	send_text(fd, "POST /clusters HTTP/1.1\r\nHost: x\r\n" CLOSE
		  "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n");
	pause_ms(20);
	send_text(fd, "1\r\n}\r\n0\r\n\r\n");
	chunked = read_all(fd);
	is_int(status_of(chunked), 201, "a body may come in chunks");
}

static void
test_targets(void)
{
	CLEANUP_FREE char *clean = ask("GET", "//clusters/../volumes/%3C?a=b&c",
				       "", "");
	CLEANUP_FREE char *slash = ask("GET", "/clusters/?a=b&c", "", "");
	CLEANUP_FREE char *post = ask("POST", "/clusters/", "", "{}");
	CLEANUP_FREE char *head = ask("HEAD", "/clusters", "", "");
	CLEANUP_FREE char *target = xcalloc(1, 10001);
	CLEANUP_FREE char *big = NULL;

	is_int(status_of(clean), 301, "a path that is not clean");
	has_str(clean, "Location: /volumes/%3C?a=b&c\r\n",
		"goes to one that is");
	is_str(body_of(clean), "", "without a body");
	is_int(status_of(slash), 301, "a slash too many");
	has_str(slash, "Location: /clusters?a=b&c\r\n", "goes away");
	is_str(body_of(slash), "<a href=\"/clusters?a=b&amp;c\">Moved "
	       "Permanently</a>.\n\n", "with a body");
	is_int(status_of(post), 301, "for POST as well");
	is_str(body_of(post), "", "without one");
	is_int(status_of(head), 405, "HEAD is routed nowhere");
	expect("GET", "/cl%zzusters", "", 400, "400 Bad Request\n");
	expect("GET", "/%63lusters", "", 200,
	       "{\"clusters\":[\"" FAKE_CLUSTER "\"]}\n");
	memset(target, 'a', 10000);
	target[0] = '/';
	big = ask("GET", target, "", "");
	is_int(status_of(big), 414, "a target that is too long");
}

struct node_thread {
	pthread_t thread;
	int status;
};

static void *
add_node(void *arg)
{
	struct node_thread *t = arg;
	CLEANUP_FREE char *reply = ask("POST", "/nodes", "",
		"{\"zone\":1,\"cluster\":\"" FAKE_CLUSTER "\",\"hostnames\":"
		"{\"manage\":[\"m\"],\"storage\":[\"s\"]}}");

	t->status = status_of(reply);
	return NULL;
}

/* The store comes back in any case, so that a bug is a failure and no hang. */
static void *
come_back(void *arg)
{
	atomic_bool *done = arg;

	for (int i = 0; i < 5000 && !atomic_load(done); i++)
		pause_ms(1);
	fake_store_hangs(false);
	return NULL;
}

static void
test_readiness_passes_requests_that_wait(void)
{
	enum { THREADS = 2, MORE = 10 };
	int fds[MORE], served = 0;
	atomic_bool done = false;
	pthread_t t;

	fake_store_hangs(true);
	pthread_create(&t, NULL, come_back, &done);
	for (int i = 0; i < MORE; i++) {
		fds[i] = dial();
		send_request(fds[i], "GET", "/clusters", CLOSE, "");
	}
	for (int i = 0; i < 5000 && fake_syncs_inside() < THREADS; i++)
		pause_ms(1);
	is_int(fake_syncs_inside(), THREADS, "all threads wait for the store");
	expect("GET", "/readyz", "", 503, "etcd: no answer yet\n");
	atomic_store(&done, true);
	pthread_join(t, NULL);
	for (int i = 0; i < MORE; i++) {
		CLEANUP_FREE char *reply = read_all(fds[i]);

		served += status_of(reply) == 200;
	}
	is_int(served, MORE, "when it answers, they are served");
}

/* More than the lane takes: 4 run and 4096 wait. */
static void
test_overload(void)
{
	enum { ROOM = 4 + 4096, MORE = 20 };
	static const char body[] = "{\"zone\":1,\"cluster\":\"" FAKE_CLUSTER
		"\",\"hostnames\":{\"manage\":[\"m\"],\"storage\":[\"s\"]}}";
	int *fds = xcalloc(ROOM + MORE, sizeof(*fds));
	int refused = 0, accepted = 0;
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < 3 * (ROOM + MORE)) {
		skip("too few files", "an overload");
		free(fds);
		return;
	}
	for (int i = 0; i < ROOM + MORE; i++) {
		fds[i] = dial();
		send_request(fds[i], "POST", "/nodes", CLOSE, body);
	}
	/* Which are refused is a matter of threads: wait until so many are. */
	for (int tries = 0; refused < MORE && tries < 20000; tries++) {
		char byte;

		refused = 0;
		for (int i = 0; i < ROOM + MORE; i++)
			refused += recv(fds[i], &byte, 1,
					MSG_PEEK | MSG_DONTWAIT) == 1;
		pause_ms(1);
	}
	is_int(refused, MORE, "beyond 4096 that wait, requests are refused");
	expect("GET", "/clusters", "", 200,
	       "{\"clusters\":[\"" FAKE_CLUSTER "\"]}\n");
	fake_nodes_release(true);
	refused = 0;
	for (int i = 0; i < ROOM + MORE; i++) {
		CLEANUP_FREE char *reply = read_all(fds[i]);

		accepted += status_of(reply) == 202;
		refused += status_of(reply) == 503;
	}
	ok(accepted == ROOM && refused == MORE,
	   "those with 503, the others are served: %d and %d", refused,
	   accepted);
	fake_nodes_release(false);
	free(fds);
}

/* Ends with the stop: that answers what runs and lets go what is held. */
static void
test_slow_lane_and_stop(void)
{
	struct node_thread nodes[6];
	struct poll held;
	size_t accepted = 0;

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		pthread_create(&nodes[i].thread, NULL, add_node, &nodes[i]);
	for (int i = 0; i < 5000 && fake_nodes_inside() < 4; i++)
		pause_ms(1);
	expect("GET", "/clusters", "", 200,
	       "{\"clusters\":[\"" FAKE_CLUSTER "\"]}\n");
	fake_operation_start();
	poll_start(&held, "");
	pause_ms(50);
	fake_nodes_release(true);
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		pthread_join(nodes[i].thread, NULL);
		accepted += nodes[i].status == 202;
	}
	is_int(accepted, ARRAY_SIZE(nodes), "nodes that are waited for");
	is_int(fake_max_inside(), 4, "have four threads of their own");
	api_stop(api, 10000);
	poll_expect(&held, 200, "X-Pending: true\r\n",
		    "a poll held at the stop is answered");
}

static bool
has_ipv6(void)
{
	CLEANUP_CLOSE int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0;
}

static void
test_addresses(void)
{
	static const char *const good[] = {
		"127.0.0.1:0", ":0", "0", "[::]:0",
	};
	static const char *const bad[] = {
		"", "x", "127.0.0.1", "127.0.0.1:", ":99999", "::1:0", ":1x",
		"300.1.1.1:0",
	};
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		enum err r;

		if (good[i][0] == '[' && !has_ipv6()) {
			skip("no IPv6 here", "listens on '%s'", good[i]);
			continue;
		}
		r = api_start(no_config, good[i], true, &api, &err);
		ok(r == ERR_OK && api_port(api) > 0, "listens on '%s'",
		   good[i]);
		if (r == ERR_OK)
			expect("GET", "/healthz", "", 200, "ok\n");
		if (r == ERR_OK)
			api_stop(api, 1000);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		enum err r = api_start(no_config, bad[i], true, &api, &err);

		ok(r != ERR_OK && err.text[0] != '\0', "not on '%s'", bad[i]);
	}
}

int
main(void)
{
	struct error err;

	log_set_level(LOG_LVL_ERR);
	if (api_start(no_config, "127.0.0.1:0", true, &api, &err) != ERR_OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	test_starting();
	test_store_down();
	test_unattached_errors();
	test_held_polls();
	test_polls_not_held();
	test_hang_up();
	test_pipelining();
	test_bodies();
	test_targets();
	test_readiness_passes_requests_that_wait();
	test_overload();
	test_slow_lane_and_stop();
	test_addresses();
	return tap_done();
}
