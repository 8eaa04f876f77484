/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What it means that the API server refuses a request, and what to do. */
#include <string.h>

#include "kubernetes.h"

bool
refusal_may_pass(long status)
{
	return status == 409 || status == 429 || status >= 500;
}

static int
forbidden(const struct access *a, const struct request *r,
	  const char *message, struct fault *f)
{
	return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: %s is forbidden in "
			 "namespace %s (logged in by %s): bind it to a Role "
			 "there with the rule { apiGroups: [\"\"], resources: "
			 "[%s], verbs: [%s] }; the API server says: %s",
			 r->where, r->what, r->namespace, a->origin,
			 r->resource, r->verbs, message);
}

int
refusal(const struct access *a, const struct request *r, long status,
	const char *message, struct fault *f)
{
	if (status == 401)
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: %s: the API "
				 "server %s does not accept the credentials of "
				 "%s (is the token expired?): %s", r->where,
				 r->what, a->server, a->origin, message);
	if (status == 403)
		return forbidden(a, r, message, f);
	if (status == 404)
		return fault_set(f, BRICKYARD_ERR_UNREACHABLE, "%s: %s: "
				 "nothing of that kind in namespace %s: %s",
				 r->where, r->what, r->namespace, message);
	if (refusal_may_pass(status))
		return fault_set(f, BRICKYARD_ERR_TRANSIENT, "%s: %s: the API "
				 "server can't do that now (HTTP %ld): %s",
				 r->where, r->what, status, message);
	return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: %s: the API server "
			 "refuses it (HTTP %ld): %s", r->where, r->what, status,
			 message);
}
