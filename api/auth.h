/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who asks?  heketi's tokens: a JWT signed with the secret of `admin` or `user`
 * (HS256, HS384 or HS512), bound to method and path by its qsh claim.
 */
#ifndef AUTH_H
#define AUTH_H

#include <stdint.h>

#include "util/error.h"

struct auth {
	char *admin_key, *user_key;
	int64_t iat_leeway_s;
};

struct auth_request {
	const char *header;	/* Authorization, or NULL */
	const char *method;
	const char *path;	/* decoded, no query */
	int64_t now_s;
};

/* Keys must not be empty.  The leeway: how far a client's clock may be ahead. */
enum err MUST_CHECK auth_init(struct auth *, const char *admin_key,
			      const char *user_key, int64_t iat_leeway_s,
			      struct error *);
void auth_release(struct auth *);

/* ERR_OK, or ERR_BADREQ or ERR_AUTH with heketi's text. */
enum err MUST_CHECK auth_check(const struct auth *, const struct auth_request *,
			       struct error *);

#endif
