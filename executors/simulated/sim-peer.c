/* SPDX-License-Identifier: GPL-2.0-or-later */
/* glusterd on simulated nodes: is it there, and who trusts whom.  Every node is
 * in exactly one trusted pool, at first in one of its own.
 */
#include <config.h>

#include <string.h>

#include "simulated.h"

struct peer {
	const char *host;
	int64_t node, pool;
	char manage_host[512];
};

/* ---- node_check ---- */

static int
check_body(struct step *s, void *arg)
{
	(void)arg;
	if (!sim_is_down(s, s->host, s->manage_host))
		return 0;
	return step_refuse(s, BRICKYARD_ERR_PERMANENT,
			   "glusterd on '%s': glusterd.service is not running",
			   s->host);
}

static int
check_node(struct step *s, void *arg)
{
	return step_look(s, check_body, arg);
}

int
sim_node_check(struct brickyard_executor_instance *sim,
	       const struct brickyard_call *call,
	       const struct brickyard_node *node, struct brickyard_error *err)
{
	struct step s = STEP(STEP_NODE_CHECK, sim, call, node, err);

	return step_perform(&s, 1, check_node, NULL);
}

/* ---- peers ---- */

static int
find_peer(struct step *s, struct peer *p)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT id, pool, manage FROM"
					   " nodes WHERE host=?", "s", p->host);
	int r = q_next(s, st);

	if (r == 1) {
		p->node = q_int(st, 0);
		p->pool = q_int(st, 1);
		strncpy(p->manage_host, q_text(st, 2),
			sizeof(p->manage_host) - 1);
	}
	return r;
}

/* A pool with no one in it, as a number. */
static int
free_pool(struct step *s, int64_t *ret)
{
	return q_number(s, ret, "SELECT 1 + ifnull(max(pool), 0) FROM nodes",
			"") < 0 ? -1 : 0;
}

static int
add_peer(struct step *s, struct peer *p)
{
	return q_run(s, "INSERT INTO nodes(host, manage, pool) VALUES(?,?,?)",
		     "ssi", p->host, p->host, s->pool);
}

/* glusterd wants a newcomer to have no peers and no volumes. */
static int
is_taken(struct step *s, const struct peer *p)
{
	int64_t found;
	int r = q_number(s, &found, "SELECT 1 FROM nodes WHERE pool=?"
			 " AND id<>? LIMIT 1", "ii", p->pool, p->node);

	if (r == 0)
		r = q_number(s, &found, "SELECT 1 FROM volumes WHERE pool=?"
			     " LIMIT 1", "i", p->pool);
	return r;
}

static int
probe_txn(struct step *s, void *arg)
{
	struct peer *p = arg;
	int r;

	if (step_need_glusterd(s) < 0)
		return -1;
	r = find_peer(s, p);
	if (r < 0)
		return -1;
	if (r == 1 && p->pool == s->pool)
		return 0;
	if (sim_is_down(s, p->host, r == 1 ? p->manage_host : p->host))
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "peer probe:"
				   " failed: Probe returned with Transport"
				   " endpoint is not connected (%s)", p->host);
	if (r == 0)
		return add_peer(s, p);
	r = is_taken(s, p);
	if (r == 1)
		return step_refuse(s, BRICKYARD_ERR_EXISTS, "peer probe:"
				   " failed: %s is either already part of"
				   " another cluster or having volumes"
				   " configured", p->host);
	if (r < 0)
		return -1;
	return q_run(s, "UPDATE nodes SET pool=? WHERE id=?", "ii", s->pool,
		     p->node);
}

/* gluster resolves it; what can't be a name never gets that far. */
static int
check_host(struct step *s, const char *host)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
	size_t n = strlen(host);

	if (n > 0 && n < 256 && host[0] != '-' && strspn(host, good) == n)
		return 0;
	return step_refuse(s, BRICKYARD_ERR_PERMANENT, "peer probe: failed:"
			   " '%.80s' is an invalid address", host);
}

static int
probe_body(struct step *s, void *arg)
{
	const struct peer *p = arg;

	if (check_host(s, p->host) < 0)
		return -1;
	return step_txn(s, probe_txn, arg);
}

int
sim_peer_probe(struct brickyard_executor_instance *sim,
	       const struct brickyard_call *call,
	       const struct brickyard_node *from, const char *host,
	       struct brickyard_error *err)
{
	struct step s = STEP(STEP_PEER_PROBE, sim, call, from, err);
	struct peer p = { .host = host };

	return step_perform(&s, 1, probe_body, &p);
}

/* Who leaves may be down, but the others have to hear of it. */
static int
need_other_peers(struct step *s, const struct peer *p)
{
	Q_SCOPE sqlite3_stmt *st = NULL;
	int r;

	if (s->sim->down.n == 0 &&
	    faults_state(&s->sim->faults, FAULT_DOWN, NULL, NULL) == 0)
		return 0;
	st = q_start(s, "SELECT host, manage FROM nodes WHERE pool=?"
		     " AND id<>?", "ii", s->pool, p->node);
	while ((r = q_next(s, st)) == 1) {
		if (sim_is_down(s, q_text(st, 0), q_text(st, 1)))
			return step_refuse(s, BRICKYARD_ERR_PERMANENT,
					   "peer detach: failed: One of the"
					   " peers is probably down. Check with"
					   " 'peer status' (%s)",
					   q_text(st, 0));
	}
	return r;
}

static int
refuse_brick_host(struct step *s, const struct peer *p)
{
	int64_t found;
	int r = q_number(s, &found, "SELECT 1 FROM bricks WHERE node=? LIMIT 1",
			 "i", p->node);

	if (r != 1)
		return r;
	return step_refuse(s, BRICKYARD_ERR_PERMANENT, "peer detach: failed:"
			   " Peer %s hosts one or more bricks. If the peer is"
			   " in not recoverable state then use either"
			   " replace-brick or remove-brick command with force"
			   " to remove all bricks from the peer and attempt the"
			   " peer detach again.", p->host);
}

static int
detach_txn(struct step *s, void *arg)
{
	struct peer *p = arg;
	int64_t alone = 0, others = 0;
	int r;

	if (step_need_glusterd(s) < 0)
		return -1;
	r = find_peer(s, p);
	if (r <= 0)
		return r;
	if (p->pool != s->pool)
		return 0;
	r = q_number(s, &others, "SELECT 1 FROM nodes WHERE pool=? AND id<>?"
		     " LIMIT 1", "ii", s->pool, s->node);
	if (r <= 0)
		return r;
	if (p->node == s->node)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT,
				   "peer detach: failed: %s is localhost",
				   p->host);
	if (refuse_brick_host(s, p) < 0 || need_other_peers(s, p) < 0 ||
	    free_pool(s, &alone) < 0)
		return -1;
	return q_run(s, "UPDATE nodes SET pool=? WHERE id=?", "ii", alone,
		     p->node);
}

static int
detach_body(struct step *s, void *arg)
{
	return step_txn(s, detach_txn, arg);
}

int
sim_peer_detach(struct brickyard_executor_instance *sim,
		const struct brickyard_call *call,
		const struct brickyard_node *from, const char *host,
		struct brickyard_error *err)
{
	struct step s = STEP(STEP_PEER_DETACH, sim, call, from, err);
	struct peer p = { .host = host };

	return step_perform(&s, 1, detach_body, &p);
}
