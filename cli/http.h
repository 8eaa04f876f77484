/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client: one server, requests one after the other, from one thread. */
#ifndef CLI_HTTP_H
#define CLI_HTTP_H

#include <stdbool.h>

#include <jansson.h>

#include "util/buf.h"
#include "util/error.h"
#include "util/strs.h"

struct client;

struct client_options {
	const char *server;	/* URL; the scheme may be missing: http */
	const char *user, *secret;
	bool insecure;		/* don't verify the server's certificate */
	const struct strs *certs;	/* PEM files to verify it, or NULL */
	bool progress;		/* say on stderr how long one waits */
};

enum err MUST_CHECK client_new(const struct client_options *,
			       struct client **ret, struct error *);
void client_free(struct client *);	/* accepts NULL */
void client_set_progress(struct client *, bool);

/* "/collection/id/action" with id escaped; id and action may be NULL. */
char *client_path(const char *collection, const char *id, const char *action);

/* Do a request and see it to its end: 202 is polled, redirections are
 * followed, 429 is waited out.  ret (may be NULL) gets the JSON of the final
 * answer, NULL when that has no body.  Errors: ERR_NOTFOUND and ERR_REFUSED
 * with the server's own words, ERR_UNREACHABLE, ERR_INTERNAL (an answer that
 * makes no sense).
 */
enum err MUST_CHECK client_call(struct client *, const char *method,
				const char *path, const json_t *body,
				json_t **ret, struct error *);
/* GET; the final answer's body is appended to ret as it came. */
enum err MUST_CHECK client_fetch(struct client *, const char *path,
				 struct buf *ret, struct error *);

#endif
