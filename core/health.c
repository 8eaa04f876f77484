/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The health monitor: asks each online node whether its glusterd is alive.  Who
 * is not gets a record health/NODE, which keeps every replica from placing
 * bricks there; only changes are written.  A node without a record is healthy.
 * Between its rounds an operation that lost a node notes that, and those with a
 * record are asked more often, so that none is avoided for longer than needed.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "duty.h"
#include "health.h"
#include "node-args.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define CHECK_TIMEOUT_S 30

enum verdict { UNKNOWN, HEALTHY, UNHEALTHY };

struct patient {
	struct node *node;
	enum verdict verdict;
	char *why;
};

struct round {
	struct duty *duty;
	const struct engine_deps *deps;
	struct patient *v;
	size_t n;
};

/* A node that we only did not get to, is not ill. */
static enum verdict
verdict_of(enum err r)
{
	switch (r) {
	case ERR_OK:
		return HEALTHY;
	case ERR_CANCELLED:
	case ERR_BUSY:
	case ERR_NOTSUP:
		return UNKNOWN;
	default:
		return UNHEALTHY;
	}
}

static enum err
check(void *arg, size_t i, struct error *err)
{
	struct round *round = arg;
	struct patient *p = &round->v[i];
	struct brickyard_node node = node_arg(p->node);
	struct duty_call c;
	enum err r;

	duty_call_init(&c, round->duty, CHECK_TIMEOUT_S);
	r = executor_node_check(round->deps->executor, &c.call, &node, err);
	p->verdict = r != ERR_OK && duty_is_over(round->duty) ?
		     UNKNOWN : verdict_of(r);
	if (p->verdict == UNHEALTHY)
		p->why = xstrdup(err->text);
	return ERR_OK;
}

static struct health *
make_record(const struct patient *p, const struct health *old)
{
	struct health *h = health_new(p->node->id);

	h->seen_ms = clock_wall_ms();
	h->since_ms = old != NULL ? old->since_ms : h->seen_ms;
	h->why = xstrdup(p->why);
	h->r.revision = old != NULL ? old->r.revision : 0;
	return h;
}

/* Is there anything to be said?  Puts it into t. */
static bool
note(const struct patient *p, const struct health *old, struct txn *t)
{
	struct health *h;

	if (p->verdict == HEALTHY && old != NULL) {
		log_notice("node %s: glusterd is alive again", p->node->id);
		txn_delete(t, &old->r);
		return true;
	}
	if (p->verdict != UNHEALTHY ||
	    (old != NULL &&
	     clock_wall_ms() - old->seen_ms < HEALTH_EXPIRY_MS / 2))
		return false;
	if (old == NULL)
		log_warning("node %s: %s: no bricks will be placed there, "
			    "retrying", p->node->id, p->why);
	h = make_record(p, old);
	txn_put(t, &h->r);
	record_unref(&h->r);
	return true;
}

static void
tell(const struct engine_deps *deps, const struct patient *p)
{
	RECORD_SCOPE struct health *old = (void *)mirror_get(
		deps->mirror, RECORD_HEALTH, p->node->id);
	TXN_SCOPE struct txn t = { 0 };
	struct error err;
	enum err r;

	if (!note(p, old, &t))
		return;
	r = txn_commit(&t, deps->mirror, &err);
	if (r != ERR_OK && r != ERR_CONFLICT)
		log_warning("health of node %s: %s, retrying", p->node->id,
			    err.text);
}

bool
health_is_watched(const struct config *c)
{
	return !config_bool(c, "glusterfs.disable_monitor_gluster_nodes");
}

void
health_note_lost(const struct engine_deps *deps, const struct node *node,
		 const char *why)
{
	struct patient p = {
		.node = (struct node *)node, .verdict = UNHEALTHY,
		.why = (char *)why,
	};

	if (!health_is_watched(deps->config) ||
	    node->state != STATE_ONLINE || node->adding)
		return;
	tell(deps, &p);
}

void
health_note_found(const struct engine_deps *deps, const struct node *node)
{
	struct patient p = { .node = (struct node *)node, .verdict = HEALTHY };

	tell(deps, &p);
}

static bool
is_ill(const struct engine_deps *deps, const struct node *node)
{
	RECORD_SCOPE struct record *r =
		mirror_get(deps->mirror, RECORD_HEALTH, node->id);

	return r != NULL;
}

static void
list_patients(struct round *round, bool ill_only)
{
	size_t n;
	struct record **l = mirror_list(round->deps->mirror, RECORD_NODE, &n);

	round->v = xcalloc(n, sizeof(*round->v));
	for (size_t i = 0; i < n; i++) {
		struct node *node = (void *)l[i];

		if (node->state == STATE_ONLINE && !node->adding &&
		    (!ill_only || is_ill(round->deps, node)))
			round->v[round->n++].node = (void *)record_ref(l[i]);
	}
	mirror_list_free(l, n);
}

static void
look(struct duty *duty, const struct engine_deps *deps, bool ill_only)
{
	struct round round = { .duty = duty, .deps = deps };
	CLEANUP_FREE const char **hosts = NULL;
	struct error err;

	list_patients(&round, ill_only);
	hosts = xcalloc(round.n, sizeof(*hosts));
	if (round.n > 0 &&
	    fan_out(round.n, check, &round, hosts, &err) != ERR_OK)
		log_warning("health: %s, ignoring", err.text);
	for (size_t i = 0; i < round.n; i++) {
		if (!duty_is_over(duty))
			tell(deps, &round.v[i]);
		record_unref(&round.v[i].node->r);
		free(round.v[i].why);
	}
	free(round.v);
}

void
health_run(struct duty *duty, const struct engine_deps *deps)
{
	look(duty, deps, false);
}

void
recovery_run(struct duty *duty, const struct engine_deps *deps)
{
	look(duty, deps, true);
}
