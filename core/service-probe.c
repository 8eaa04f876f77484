/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a node fit to be one?  Asked by people, and told in the log when a node is
 * added.  Waits for the node: only from the slow lane, or an operation.
 */
#include <config.h>

#include <string.h>

#include "node-args.h"
#include "peers.h"
#include "service-private.h"
#include "util/log.h"
#include "util/xalloc.h"

#define PROBE_TIMEOUT_S 60

/* That it can't be asked is the first thing to be known of a node. */
static void
tell_unreachable(struct brickyard_result *res, const struct error *err)
{
	const struct brickyard_host *h = &plugin_host_services;

	result_release(res);
	result_init(res);
	h->result_str(res, "check", "login");
	h->result_str(res, "verdict", "failed");
	h->result_str(res, "text", err->text);
	h->result_str(res, "remedy", "make the node reachable for the service: "
		      "its manage host, the executor's options, the login and "
		      "sudo on the node");
}

enum err
service_node_probe(struct service *s, const char *id,
		   struct brickyard_result *ret, struct error *err)
{
	RECORD_SCOPE struct node *n = service_node(s, id);
	struct brickyard_node arg;
	struct service_call call;
	enum err r;

	if (n == NULL)
		return fail(err, ERR_NOTFOUND, "Id not found");
	arg = node_arg(n);
	service_call_init(&call, s, PROBE_TIMEOUT_S);
	r = executor_node_probe(s->deps.executor, &call.call, &arg, ret, err);
	if (r == ERR_OK || r == ERR_NOTSUP || r == ERR_CANCELLED)
		return r;
	tell_unreachable(ret, err);
	return ERR_OK;
}

static void
log_check(const char *host, const struct brickyard_result *res, size_t i)
{
	const char *verdict = result_get(res, i, "verdict");
	const char *text = result_get(res, i, "text");
	const char *remedy = result_get(res, i, "remedy");

	if (verdict == NULL || strcmp(verdict, "ok") == 0)
		return;
	log_warning("node %s: %s: %s%s%s", host, verdict,
		    text != NULL ? text : "", remedy != NULL ? "; to do: " : "",
		    remedy != NULL ? remedy : "");
}

void
node_log_probe(struct executor *ex, const struct brickyard_call *call,
	       const struct brickyard_node *node)
{
	struct brickyard_result res;
	struct error err;

	result_init(&res);
	if (executor_node_probe(ex, call, node, &res, &err) == ERR_OK)
		for (size_t i = 0; i < res.records.n; i++)
			log_check(node->manage_host, &res, i);
	else if (err.code != ERR_NOTSUP)
		log_warning("node %s: %s", node->manage_host, err.text);
	result_release(&res);
}
