/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a node this machine?  Asked before every call: with a store that several
 * machines share, the wrong answer would format the wrong disks.  The resolver
 * has no deadline of its own, so getent(1) asks it in a child that has one.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "spawn.h"

#define KNOWN_MS 60000

static bool
same_address(const struct sockaddr *sa, const char *s)
{
	struct in6_addr a6;
	struct in_addr a4;

	if (sa == NULL)
		return false;
	if (sa->sa_family == AF_INET && inet_pton(AF_INET, s, &a4) == 1)
		return memcmp(&((const struct sockaddr_in *)(const void *)sa)
			      ->sin_addr, &a4, sizeof(a4)) == 0;
	if (sa->sa_family == AF_INET6 && inet_pton(AF_INET6, s, &a6) == 1)
		return memcmp(&((const struct sockaddr_in6 *)(const void *)sa)
			      ->sin6_addr, &a6, sizeof(a6)) == 0;
	return false;
}

static bool
is_local_address(const char *s)
{
	struct ifaddrs *all = NULL;
	bool found = strncmp(s, "127.", 4) == 0 || strcmp(s, "::1") == 0;

	if (found || getifaddrs(&all) < 0)
		return found;
	for (struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next)
		found = same_address(i->ifa_addr, s);
	freeifaddrs(all);
	return found;
}

static bool
is_own_name(const char *host)
{
	char own[256] = "";

	return gethostname(own, sizeof(own) - 1) == 0 &&
	       strcasecmp(own, host) == 0;
}

static bool
is_address(const char *s)
{
	unsigned char buf[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, s, buf) == 1 ||
	       inet_pton(AF_INET6, s, buf) == 1;
}

/* 1 it resolves to one of our addresses, 0 to others or not at all, -1 */
static int
resolves_here(struct step *st, const char *host)
{
	const char *argv[] = { "getent", "ahosts", host, NULL };
	const struct spawn sp = { .argv = argv, .out_max = 65536,
		.err_max = 1024 };
	CLEANUP_SPAWN struct spawn_result r = {0};
	char *save = NULL;

	if (spawn_run(st, &sp, &r) < 0)
		return -1;
	for (char *l = r.out.s != NULL ? strtok_r(r.out.s, "\n", &save) : NULL;
	     l != NULL; l = strtok_r(NULL, "\n", &save)) {
		l[strcspn(l, " \t")] = '\0';
		if (is_local_address(l))
			return 1;
	}
	return 0;
}

static bool
is_known(struct brickyard_executor_instance *in, const char *host)
{
	bool known;

	pthread_mutex_lock(&in->lock);
	known = strcmp(in->known_host, host) == 0 &&
		now_ms() < in->known_until_ms;
	pthread_mutex_unlock(&in->lock);
	return known;
}

static void
remember(struct brickyard_executor_instance *in, const char *host)
{
	pthread_mutex_lock(&in->lock);
	if (strlen(host) < sizeof(in->known_host)) {
		strcpy(in->known_host, host);
		in->known_until_ms = now_ms() + KNOWN_MS;
	}
	pthread_mutex_unlock(&in->lock);
}

int
node_is_here(struct step *st, const struct brickyard_node *node)
{
	const char *host = node->manage_host;
	int r;

	if (opt_bool(st->in, OPT_ANY_HOST) || is_known(st->in, host))
		return 0;
	if (host[0] == '\0' || host[0] == '-')
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "'%s' is not a host name", host);
	r = is_own_name(host) || is_local_address(host);
	if (r == 0 && !is_address(host))
		r = resolves_here(st, host);
	if (r < 0)
		return step_prefix(st, "manage host %s: ", host);
	if (r == 0)
		return step_fail(st, BRICKYARD_ERR_UNREACHABLE,
				 "manage host %s is not this machine, and the "
				 "local executor reaches no other: use this "
				 "machine's name or address, or the ssh or "
				 "kubernetes executor", host);
	remember(st->in, host);
	return 0;
}
