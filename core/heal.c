/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "heal.h"
#include "live-node.h"
#include "util/log.h"
#include "util/xalloc.h"
#include "volume-type.h"

#define QUERY_TIMEOUT_S 660	/* heketi's, for gluster's commands */

struct query {
	const struct engine_deps *deps;
	const struct volume *v;
	struct brickyard_result result;
	bool asked;
};

static void
query_release(struct query *q)
{
	result_release(&q->result);
}

static enum err
ask_info(void *arg, const struct brickyard_call *call,
	 const struct brickyard_node *node, struct error *err)
{
	struct query *q = arg;

	q->asked = true;
	return executor_volume_info(q->deps->executor, call, node, q->v->name,
				    &q->result, err);
}

static enum err
ask_heal(void *arg, const struct brickyard_call *call,
	 const struct brickyard_node *node, struct error *err)
{
	struct query *q = arg;

	return executor_heal_info(q->deps->executor, call, node, q->v->name,
				  &q->result, err);
}

static bool
is_brick(const struct brickyard_result *res, size_t i, const struct brick *b)
{
	const char *host, *path;

	if (b == NULL || i >= res->records.n)
		return false;
	host = result_get(res, i, "host");
	path = result_get(res, i, "path");
	return host != NULL && path != NULL && strcmp(host, b->host) == 0 &&
	       strcmp(path, b->path) == 0;
}

/* ---- who is where ---- */

static enum err
disagree(const struct volume *v, const struct brickyard_result *res, size_t n,
	 const struct brick *b, struct error *err)
{
	const char *host = NULL, *path = NULL;

	if (n + 1 < res->records.n) {
		host = result_get(res, n + 1, "host");
		path = result_get(res, n + 1, "path");
	}
	return fail(err, ERR_REFUSED, "volume %s: its bricks in gluster are not "
		    "those of its record: number %zu is %s:%s, and %s:%s there; "
		    "nothing was changed, see 'gluster volume info %s'", v->id,
		    n + 1, b->host, b->path, host != NULL ? host : "",
		    path != NULL ? path : "", v->name);
}

static bool
is_listed(const struct brickyard_result *res, const struct brick *b)
{
	for (size_t i = 1; i < res->records.n; i++)
		if (is_brick(res, i, b))
			return true;
	return false;
}

/* Settled bricks come first in a record, in gluster's order. */
static enum err
compare(const struct volume *v, const struct brickyard_result *res,
	const struct brick *old, const struct brick *new_,
	const struct presence *there, struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < v->nbricks; i++) {
		const struct brick *b = &v->bricks[i];
		bool good = is_brick(res, i + 1, b);

		if (b == new_)
			continue;
		n++;
		if (b == old)
			good |= is_brick(res, i + 1, new_) ||
				(!there->old && !there->new_);
		if (!good)
			return disagree(v, res, i, b, err);
	}
	if (res->records.n != n + 1)
		return fail(err, ERR_REFUSED, "volume %s: it has %zu bricks in "
			    "gluster and %zu in its record; nothing was changed, "
			    "see 'gluster volume info %s'", v->id,
			    res->records.n - 1, n, v->name);
	return ERR_OK;
}

enum err
gluster_look(const struct engine_deps *deps, const struct brickyard_call *call,
	     const struct volume *v, const struct brick *old,
	     const struct brick *new_, struct presence *ret, struct error *err)
{
	CLEANUP(query_release) struct query q = { .deps = deps, .v = v };
	enum err r;

	*ret = (struct presence){ .old = false };
	result_init(&q.result);
	r = on_live_node(deps, call, v, NULL, QUERY_TIMEOUT_S, ask_info, &q, err);
	ret->asked = q.asked;
	if (r != ERR_OK)
		return fail_prefix(err, "Unable to get volume info of volume "
				   "name: %s", v->name);
	ret->listed = true;
	ret->old = is_listed(&q.result, old);
	ret->new_ = is_listed(&q.result, new_);
	return compare(v, &q.result, old, new_, ret, err);
}

/* ---- heal ---- */

static bool
is_one(const char *text)
{
	return text != NULL && strtoull(text, NULL, 10) != 0;
}

/* A brick that is down is named nowhere, or has no count: then it is nobody's
 * source.
 */
static enum err
check_source(const struct brickyard_result *res, const struct brick *b,
	     struct error *err)
{
	for (size_t i = 0; i < res->records.n; i++) {
		const char *entries;

		if (!is_brick(res, i, b) ||
		    !is_one(result_get(res, i, "online")))
			continue;
		entries = result_get(res, i, "entries");
		if (entries == NULL)
			return fail(err, ERR_INUSE, "Unable to determine heal "
				    "status of brick");
		if (is_one(entries))
			return fail(err, ERR_INUSE, "Cannot replace brick %s as it "
				    "is source brick for data to be healed",
				    b->id);
	}
	return ERR_OK;
}

static uint32_t
count_online(const struct volume *v, const struct brickyard_result *res,
	     const struct brick *b)
{
	size_t at = (size_t)(b - v->bricks);
	size_t first = at - at % v->bricks_per_set;
	uint32_t n = 0;

	for (size_t k = first; k < first + v->bricks_per_set; k++)
		for (size_t i = 0; k != at && i < res->records.n; i++)
			if (is_brick(res, i, &v->bricks[k]) &&
			    is_one(result_get(res, i, "online"))) {
				n++;
				break;
			}
	return n;
}

static enum err
check_peers(const struct volume *v, const struct brickyard_result *res,
	    const struct brick *b, uint32_t quorum, struct error *err)
{
	uint32_t online = count_online(v, res, b);
	enum err r = v->bricks_per_set - 1 < quorum ? ERR_REFUSED : ERR_INUSE;

	if (online >= quorum)
		return ERR_OK;
	/* In a set that has not so many others no waiting helps. */
	return fail(err, r, "Cannot replace brick %s as only %u of %u "
		    "required peer bricks are online", b->id, online, quorum);
}

static bool
is_abandoning(enum err r)
{
	return r == ERR_FENCED || r == ERR_CANCELLED || r == ERR_STORE;
}

static enum err
ask(struct query *q, const struct brickyard_call *call, struct error *err)
{
	CLEANUP_FREE char *why = NULL;
	enum err r = on_live_node(q->deps, call, q->v, NULL, QUERY_TIMEOUT_S,
				  ask_heal, q, err);

	if (r == ERR_OK || is_abandoning(r) || call->cancelled(call))
		return r;
	why = xstrdup(err->text);
	return fail(err, ERR_EXEC, "Unable to get heal info of volume : %s : %s",
		    q->v->name, why);
}

enum err
heal_check(const struct engine_deps *deps, const struct brickyard_call *call,
	   const struct volume *v, const struct brick *b, struct error *err)
{
	CLEANUP(query_release) struct query q = { .deps = deps, .v = v };
	CLEANUP(shape_release) struct shape shape = { 0 };
	uint32_t quorum;
	enum err r = shape_init(&shape, deps->plugins, v->type, &v->params,
				&v->options, err);

	if (r != ERR_OK)
		return r;
	quorum = shape.geometry.write_quorum;
	result_init(&q.result);
	/* A set of one heals nothing, and gluster has no answer for it. */
	if (v->bricks_per_set > 1)
		r = ask(&q, call, err);
	if (r == ERR_OK)
		r = check_source(&q.result, b, err);
	return r == ERR_OK ? check_peers(v, &q.result, b, quorum, err) : r;
}
