/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listening socket. */
#include <config.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/listen.h"
#include "util/xalloc.h"

#define BACKLOG 1024

struct place {
	char *host;		/* NULL: all */
	const char *port;	/* in the caller's string */
};

static enum err
split(const char *where, struct place *ret, struct error *err)
{
	const char *colon = strrchr(where, ':');
	const char *host = where;
	size_t len = colon != NULL ? (size_t)(colon - where) : 0;

	ret->port = colon != NULL ? colon + 1 : where;
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	} else if (memchr(host, ':', len) != NULL) {
		return fail(err, ERR_BADREQ, "listen address '%s': an IPv6 "
			    "address goes into brackets", where);
	}
	if (*ret->port == '\0' || strlen(ret->port) > 5 ||
	    ret->port[strspn(ret->port, "0123456789")] != '\0' ||
	    atoi(ret->port) > 65535)
		return fail(err, ERR_BADREQ, "listen address '%s': no port "
			    "number", where);
	ret->host = len > 0 ? xstrndup(host, len) : NULL;
	return ERR_OK;
}

/* Both families on one socket, if it can. */
static bool
set_up(int fd, const struct addrinfo *a)
{
	int on = 1, off = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return false;
	if (a->ai_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return false;
	return bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
	       listen(fd, BACKLOG) == 0;
}

static int
open_socket(const struct addrinfo *a)
{
	int fd = socket(a->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && !set_up(fd, a)) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* An IPv6 socket serves both families; where there is no IPv6, IPv4 does. */
static int
open_first(const struct addrinfo *list)
{
	static const int families[] = { AF_INET6, AF_INET };
	int fd = -1;

	for (size_t f = 0; f < ARRAY_SIZE(families); f++)
		for (const struct addrinfo *a = list; a != NULL && fd < 0;
		     a = a->ai_next)
			if (a->ai_family == families[f])
				fd = open_socket(a);
	return fd;
}

static unsigned
port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return 0;
	if (a.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
	return ntohs(((struct sockaddr_in *)&a)->sin_port);
}

enum err
listen_on(const char *where, int *ret_fd, unsigned *ret_port,
	  struct error *err)
{
	static const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	CLEANUP_FREE char *host = NULL;
	struct addrinfo *list = NULL;
	struct place p = { .host = NULL };
	int fd, e;

	if (split(where, &p, err) != ERR_OK)
		return ERR_BADREQ;
	host = p.host;
	e = getaddrinfo(host, p.port, &hints, &list);
	if (e != 0)
		return fail(err, ERR_BADREQ, "listen address '%s': %s", where,
			    gai_strerror(e));
	fd = open_first(list);
	if (fd < 0)
		fail(err, ERR_INTERNAL, "listen on '%s': %m", where);
	freeaddrinfo(list);
	if (fd < 0)
		return ERR_INTERNAL;
	*ret_fd = fd;
	*ret_port = port_of(fd);
	return ERR_OK;
}
