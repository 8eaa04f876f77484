/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a node's name to a connection that is logged in.  Runs on the session's
 * thread, never blocks but in the resolver and for an agent's answer, and is
 * bounded by connect_timeout_s and auth_timeout_s.  The socket is ours, so that
 * it can be given up at any time and has our TCP options.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ssh.h"

#define SILENT_AFTER_MS 1000	/* a no comes sooner */

bool
session_must_stop(struct session *s)
{
	bool yes;

	pthread_mutex_lock(&s->node->lock);
	yes = s->must_stop;
	pthread_mutex_unlock(&s->node->lock);
	return yes;
}

/* 1: there is something; 0: the time is over; -1: we are to stop. */
static int
wait_for(struct session *s, int fd, short events, int64_t until_ms)
{
	struct pollfd p[2] = { { .fd = fd, .events = events },
		{ .fd = s->wake_fd, .events = POLLIN } };
	int64_t ms = until_ms - now_ms();
	uint64_t n;

	if (session_must_stop(s))
		return -1;
	if (ms <= 0)
		return 0;
	(void)poll(p, 2, ms < 1000 ? (int)ms : 1000);
	if (p[1].revents != 0)
		(void)!read(s->wake_fd, &n, sizeof(n));
	return 1;
}

static int
no_answer(const struct session *s, int r, const char *what, uint64_t seconds,
	  const char *option, struct fault *f)
{
	if (r < 0)
		return fault_set(f, BRICKYARD_ERR_CANCELLED, "%s: stopped",
				 s->node->target);
	return fault_set(f, BRICKYARD_ERR_UNREACHABLE, "%s: %s: no answer "
			 "within %llu seconds (%s)", s->node->target, what,
			 (unsigned long long)seconds, option);
}

/* ---- TCP ---- */

static void
set_tcp_options(const struct session *s, int fd)
{
	int keep = (int)opt_u64(s->node->in, OPT_KEEPALIVE_S);
	int on = 1, probes = 3, lost_ms = keep * 3000;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (keep == 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keep, sizeof(keep));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &keep, sizeof(keep));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost_ms,
			 sizeof(lost_ms));
}

/* A connected socket, or -1 and errno; 0 of it: the time is over. */
static int
connect_one(struct session *s, const struct addrinfo *a, int64_t until_ms)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
			SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int e = 0;

	if (fd < 0)
		return -1;
	set_tcp_options(s, fd);
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS)
		e = errno;
	while (e == 0 && poll(&p, 1, 0) <= 0) {
		int r = wait_for(s, fd, POLLOUT, until_ms);

		if (r <= 0)
			e = r < 0 ? ECANCELED : ETIMEDOUT;
	}
	if (e == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		e = errno;
	if (e == 0)
		return fd;
	close(fd);
	errno = e;
	return -1;
}

static void
free_addresses(struct addrinfo **list)
{
	if (*list != NULL)
		freeaddrinfo(*list);
}

static int
connect_tcp(struct session *s, int64_t until_ms, struct fault *f)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_ADDRCONFIG };
	const struct node *n = s->node;
	int64_t began = now_ms();
	CLEANUP(free_addresses) struct addrinfo *list = NULL;
	int r = getaddrinfo(n->host, opt_str(n->in, OPT_PORT), &hints, &list);
	int left = 0;

	if (r != 0)
		return fault_set(f, BRICKYARD_ERR_UNREACHABLE, "%s: its name "
				 "can't be resolved: %s", n->target,
				 r == EAI_SYSTEM ? strerror(errno) :
				 gai_strerror(r));
	for (struct addrinfo *a = list; a != NULL; a = a->ai_next)
		left++;
	for (struct addrinfo *a = list; a != NULL; a = a->ai_next, left--) {
		int64_t now = now_ms();
		int fd = connect_one(s, a, now + (until_ms - now) / left);

		if (fd >= 0)
			return fd;
	}
	s->was_silent = errno != ECANCELED && now_ms() - began >= SILENT_AFTER_MS;
	return fault_set(f, errno == ECANCELED ? BRICKYARD_ERR_CANCELLED :
			 BRICKYARD_ERR_UNREACHABLE, "%s: can't connect: %s",
			 n->target, strerror(errno));
}

/* ---- the handshake ---- */

static int
set_options(struct session *s, int fd, struct fault *f)
{
	const struct brickyard_executor_instance *in = s->node->in;
	CLEANUP_FREE char *keys = hosts_algorithms(in, s->node);
	bool no = false;

	s->ssh = ssh_new();
	if (s->ssh == NULL || keys == NULL) {
		close(fd);
		return fault_nomem(f);
	}
	/* From here on libssh closes the socket.  It needs some name of a host
	 * and should look neither at it, nor at the files of a user: host keys
	 * are our business (known-hosts.c).
	 */
	if (ssh_options_set(s->ssh, SSH_OPTIONS_PROCESS_CONFIG, &no) != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_HOST, "node") != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_FD, &fd) != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_USER,
			    opt_str(in, OPT_USER)) != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_GLOBAL_KNOWNHOSTS,
			    "/dev/null") != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_HOSTKEYS, keys) != 0)
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: libssh: %s",
				 s->node->target, ssh_get_error(s->ssh));
	ssh_set_blocking(s->ssh, 0);
	return 0;
}

static short
events_of(ssh_session ssh)
{
	return (short)(POLLIN | ((ssh_get_poll_flags(ssh) & SSH_WRITE_PENDING)
				 != 0 ? POLLOUT : 0));
}

static int
shake_hands(struct session *s, int64_t until_ms, struct fault *f)
{
	const char *why;
	int rc, r;

	while ((rc = ssh_connect(s->ssh)) == SSH_AGAIN) {
		r = wait_for(s, ssh_get_fd(s->ssh), events_of(s->ssh),
			     until_ms);
		if (r <= 0)
			return no_answer(s, r, "connected, but the ssh "
					 "handshake did not come to its end",
					 opt_u64(s->node->in,
						 OPT_CONNECT_TIMEOUT_S),
					 "connect_timeout_s", f);
	}
	if (rc == SSH_OK)
		return 0;
	why = ssh_get_error(s->ssh);
	return fault_set(f, strstr(why, "no match for method") != NULL ?
			 BRICKYARD_ERR_PERMANENT : BRICKYARD_ERR_UNREACHABLE,
			 "%s: connected, but the ssh handshake failed (is "
			 "sshd there, and has it room for another "
			 "connection?): %s", s->node->target, why);
}

static void
warn_once(struct node *n)
{
	bool was_warned;

	pthread_mutex_lock(&n->lock);
	was_warned = n->was_warned;
	n->was_warned = true;
	pthread_mutex_unlock(&n->lock);
	if (!was_warned)
		ssh_host->log(BRICKYARD_LOG_WARNING, "%s: its host key is not "
			      "checked (host_key_mode insecure): whoever "
			      "answers at this address is trusted", n->target);
}

static int
check_host_key(struct session *s, struct fault *f)
{
	ssh_key key = NULL;
	int r;

	if (ssh_get_server_publickey(s->ssh, &key) != SSH_OK)
		return fault_set(f, BRICKYARD_ERR_UNREACHABLE, "%s: no host "
				 "key: %s", s->node->target,
				 ssh_get_error(s->ssh));
	if (s->node->in->mode == HOST_KEY_INSECURE)
		warn_once(s->node);
	r = hosts_check(s->node->in, s->node, key, f);
	ssh_key_free(key);
	return r;
}

/* ---- the login ---- */

static void
set_agent_fd(struct session *s, int fd, int64_t until_ms)
{
	int old;

	pthread_mutex_lock(&s->node->lock);
	old = s->agent_fd;
	s->agent_fd = fd;
	s->agent_until_ms = until_ms;
	pthread_mutex_unlock(&s->node->lock);
	if (old >= 0)
		close(old);
}

/* The socket is libssh's; ours is a copy, by which others can end its wait. */
static int
connect_agent(struct session *s, int64_t until_ms, struct fault *f)
{
	const char *path = opt_str(s->node->in, OPT_AGENT_SOCKET);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (path[0] == '\0')
		path = getenv("SSH_AUTH_SOCK");
	if (path == NULL)
		path = "";
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || strlen(path) >= sizeof(a.sun_path) ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    ssh_set_agent_socket(s->ssh, fd) != 0) {
		if (fd >= 0)
			close(fd);
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "ssh-agent at "
				 "'%s' can't be reached: %s (agent_socket, "
				 "or SSH_AUTH_SOCK in brickyardd's "
				 "environment)", path, strerror(errno));
	}
	set_agent_fd(s, dup(fd), until_ms);
	return 0;
}

static void
method_names(ssh_session ssh, char *ret, size_t size)
{
	static const struct {
		int bit;
		const char *name;
	} names[] = {
		{ SSH_AUTH_METHOD_PUBLICKEY, "publickey" },
		{ SSH_AUTH_METHOD_PASSWORD, "password" },
		{ SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive" },
		{ SSH_AUTH_METHOD_HOSTBASED, "hostbased" },
		{ SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi-with-mic" },
	};
	int methods = ssh_userauth_list(ssh, NULL);
	size_t n = 0;

	snprintf(ret, size, "nothing");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if ((methods & names[i].bit) != 0 && n < size)
			n += (size_t)snprintf(ret + n, size - n, "%s%s",
					      n > 0 ? ", " : "",
					      names[i].name);
}

static int
explain_denial(struct session *s, int rc, const char *with, struct fault *f)
{
	const struct node *n = s->node;
	const char *user = opt_str(n->in, OPT_USER);
	char methods[128];

	if (rc == SSH_AUTH_ERROR)
		return fault_set(f, ssh_is_connected(s->ssh) ?
				 BRICKYARD_ERR_PERMANENT :
				 BRICKYARD_ERR_UNREACHABLE, "%s: the login of "
				 "%s broke off: %s", n->target, user,
				 ssh_get_error(s->ssh));
	method_names(s->ssh, methods, sizeof(methods));
	if (rc == SSH_AUTH_PARTIAL)
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: the login of "
				 "%s needs more than %s: the node asks for %s, "
				 "too", n->target, user, with, methods);
	return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: the login of %s with "
			 "%s was refused (the node offers: %s): is the public "
			 "key in ~%s/.ssh/authorized_keys there, and may this "
			 "user log in?", n->target, user, with, methods, user);
}

/* One of the two ways; SSH_AUTH_DENIED leaves the next one to be tried. */
static int
try_login(struct session *s, ssh_key key, int64_t until_ms, struct fault *f)
{
	int rc, r;

	for (;;) {
		rc = key != NULL ? ssh_userauth_publickey(s->ssh, NULL, key) :
			ssh_userauth_agent(s->ssh, NULL);
		if (rc != SSH_AUTH_AGAIN)
			return rc;
		r = wait_for(s, ssh_get_fd(s->ssh), events_of(s->ssh),
			     until_ms);
		if (r <= 0) {
			no_answer(s, r, "logging in",
				  opt_u64(s->node->in, OPT_AUTH_TIMEOUT_S),
				  "auth_timeout_s", f);
			return SSH_AUTH_AGAIN;
		}
	}
}

static int
login_with_key(struct session *s, int64_t until_ms, struct fault *f)
{
	ssh_key key = NULL;
	int rc;

	if (key_get(s->node->in, &key, f) < 0)
		return SSH_AUTH_AGAIN;
	rc = try_login(s, key, until_ms, f);
	ssh_key_free(key);
	return rc;
}

static int
login_with_agent(struct session *s, int64_t until_ms, struct fault *f)
{
	int rc;

	if (connect_agent(s, until_ms, f) < 0)
		return SSH_AUTH_AGAIN;
	rc = try_login(s, NULL, until_ms, f);
	set_agent_fd(s, -1, 0);
	return rc;
}

/* SSH_AUTH_AGAIN stands for: f says why. */
static int
log_in(struct session *s, int64_t until_ms, struct fault *f)
{
	const struct brickyard_executor_instance *in = s->node->in;
	const char *keyfile = opt_str(in, OPT_KEYFILE);
	char with[600] = "";
	int rc = SSH_AUTH_DENIED;

	if (keyfile[0] != '\0') {
		snprintf(with, sizeof(with), "the key %.500s", keyfile);
		rc = login_with_key(s, until_ms, f);
	}
	if (rc == SSH_AUTH_DENIED && opt_bool(in, OPT_AGENT)) {
		snprintf(with + strlen(with), sizeof(with) - strlen(with),
			 "%sthe keys of the agent", with[0] != '\0' ?
			 " and " : "");
		rc = login_with_agent(s, until_ms, f);
	}
	if (rc == SSH_AUTH_SUCCESS)
		return 0;
	return rc == SSH_AUTH_AGAIN ? -1 : explain_denial(s, rc, with, f);
}

int
session_connect(struct session *s, struct fault *f)
{
	const struct brickyard_executor_instance *in = s->node->in;
	int64_t until_ms = now_ms() +
		(int64_t)opt_u64(in, OPT_CONNECT_TIMEOUT_S) * 1000;
	int fd = connect_tcp(s, until_ms, f);

	if (fd < 0 || set_options(s, fd, f) < 0 ||
	    shake_hands(s, until_ms, f) < 0 || check_host_key(s, f) < 0)
		return -1;
	return log_in(s, now_ms() +
		      (int64_t)opt_u64(in, OPT_AUTH_TIMEOUT_S) * 1000, f);
}
