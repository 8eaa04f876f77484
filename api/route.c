/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding the route of a path.  Pure functions; any thread. */
#include <config.h>

#include <stdbool.h>
#include <string.h>

#include "api/route.h"
#include "util/xalloc.h"

#define HEX "0123456789abcdefABCDEF"

struct match {
	const char *id;
	size_t id_len;
	bool slash;
};

/* Does path fit the pattern, perhaps with a slash too many? */
static bool
fits(const struct route *r, const char *path, struct match *ret)
{
	const char *pattern = r->path;
	struct match m = { .id = NULL };

	*ret = m;
	if (r->flags & ROUTE_PROFILING)
		return strncmp(path, pattern, strlen(pattern)) == 0;

	while (*pattern != '\0') {
		if (strncmp(pattern, "{id}", 4) == 0) {
			m.id = path;
			m.id_len = strspn(path, HEX);
			if (m.id_len == 0)
				return false;
			pattern += 4;
			path += m.id_len;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	m.slash = strcmp(path, "/") == 0;
	if (*path != '\0' && !m.slash)
		return false;
	*ret = m;
	return true;
}

enum route_result
route_find(const struct route *table, size_t n, int open, const char *method,
	   const char *path, const struct route **ret, char **ret_id)
{
	enum route_result result = ROUTE_NOT_FOUND;
	struct match m;

	for (size_t i = 0; i < n; i++) {
		const struct route *r = &table[i];

		if (!(r->flags & ROUTE_OPEN) != !open ||
		    !fits(r, path, &m))
			continue;
		if (open && m.slash)
			continue;
		if (strcmp(r->method, method) != 0) {
			if (!open)
				result = ROUTE_BAD_METHOD;
			continue;
		}
		*ret = r;
		*ret_id = m.id != NULL ? xstrndup(m.id, m.id_len) : NULL;
		return m.slash ? ROUTE_SLASH : ROUTE_FOUND;
	}
	return result;
}
