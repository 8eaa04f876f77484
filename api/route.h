/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of routes: method, path, handler.  {id} in a path stands for one
 * or more hexadecimal digits.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <stddef.h>

struct request;
typedef void route_handler(struct request *);

enum route_flags {
	ROUTE_OPEN = 1 << 0,	/* no token, and before everything else */
	ROUTE_INLINE = 1 << 1,	/* answered at once, on the HTTP thread */
	ROUTE_SLOW = 1 << 2,	/* may wait for a node */
	ROUTE_PROBE = 1 << 3,	/* answered however busy we are */
	ROUTE_PROFILING = 1 << 4, /* only if that is configured; the path is a
				   * directory, and all below is the handler's */
};

struct route {
	const char *method;
	const char *path;
	route_handler *handler;
	unsigned flags;
};

extern const struct route routes[];
extern const size_t nroutes;

enum route_result {
	ROUTE_FOUND,
	ROUTE_SLASH,		/* found, but for a slash too many */
	ROUTE_BAD_METHOD,
	ROUTE_NOT_FOUND,
};

/* Looks among the open routes, or among the others, as gorilla/mux does with
 * heketi's: a method that fits nowhere counts only when the path fits.
 * *ret_id (caller frees) is the {id}, or NULL if the path has none.
 */
enum route_result route_find(const struct route *, size_t n, int open,
			     const char *method, const char *path,
			     const struct route **ret, char **ret_id);

#endif
