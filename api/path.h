/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of URLs as Go's net/url and path packages treat them. */
#ifndef PATH_H
#define PATH_H

#include <stdbool.h>

#include "util/buf.h"

/* Splits a request's target into the decoded path and the raw query (NULL:
 * none; it points into target).  NULL: what no path can be (a bad escape, a NUL
 * or control characters).  Caller frees.
 */
char *path_of_target(const char *target, const char **ret_query);
/* Without //, . and .., a trailing slash kept.  Caller frees. */
char *path_clean(const char *path);
/* path, escaped, and "?query" if there is one, onto the buffer. */
void path_escape(struct buf *, const char *path, const char *query);

#endif
