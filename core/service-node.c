/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing nodes: what is checked and committed before an operation starts. */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node-args.h"
#include "peers.h"
#include "service-private.h"
#include "util/log.h"
#include "util/xalloc.h"

#define CHECK_TIMEOUT_S 60	/* of the glusterd check inside a request */

/* ---- add ---- */

struct node_add {
	struct service *service;
	const struct node_request *req;
	struct operation *op;
	struct node *node;
};

static enum err
check_host(struct service *s, const char *space, const char *host,
	   struct error *err)
{
	CLEANUP_FREE char *key = xasprintf("hosts/%s/%s", space, host);
	RECORD_SCOPE struct index_entry *e =
		(void *)mirror_get(s->mirror, RECORD_INDEX, key);

	if (e == NULL)
		return ERR_OK;
	return fail(err, ERR_EXISTS, "Hostname %s already used by node with id %s",
		    host, e->value);
}

static enum err
check_hosts(struct service *s, const struct node_request *req, struct error *err)
{
	enum err r = ERR_OK;

	for (size_t i = 0; r == ERR_OK && i < req->manage.n; i++)
		r = check_host(s, "manage", req->manage.v[i], err);
	for (size_t i = 0; r == ERR_OK && i < req->storage.n; i++)
		r = check_host(s, "storage", req->storage.v[i], err);
	return r;
}

static enum err
check_cluster(struct service *s, const char *id, struct cluster **ret,
	      struct error *err)
{
	struct cluster *c = service_cluster(s, id);

	if (c == NULL)
		return fail(err, ERR_NOTFOUND, "Cluster id does not exist");
	*ret = c;
	return ERR_OK;
}

static enum err
build_add(void *arg, struct txn *t, struct error *err)
{
	const struct node_add *a = arg;
	CLEANUP(strs_release) struct strs keys = { 0 };
	RECORD_SCOPE struct cluster *c = NULL;
	char order[32];
	enum err r = check_cluster(a->service, a->req->cluster, &c, err);

	if (r == ERR_OK)
		r = check_hosts(a->service, a->req, err);
	if (r != ERR_OK)
		return r;
	snprintf(order, sizeof(order), "%" PRId64, c->r.revision);
	kvs_set(&a->op->args, "order", order);
	r = service_admit(a->service, a->op, t, err);
	if (r != ERR_OK)
		return r;
	txn_put(t, &a->op->r);
	txn_put(t, &c->r);	/* unchanged: but deleting it now conflicts */
	txn_put(t, &a->node->r);
	node_host_keys(a->node, &keys);
	for (size_t i = 0; i < keys.n; i++)
		txn_claim(t, keys.v[i], a->node->id);
	return ERR_OK;
}

static void
fill_node(struct node *n, const struct node_request *req, const char *op_id)
{
	snprintf(n->cluster, sizeof(n->cluster), "%s", req->cluster);
	n->zone = req->zone;
	strs_copy(&n->manage, &req->manage);
	strs_copy(&n->storage, &req->storage);
	kvs_copy(&n->tags, &req->tags);
	n->state = STATE_ONLINE;
	n->adding = true;
	snprintf(n->pending, sizeof(n->pending), "%s", op_id);
}

/* heketi's check before it answers: the new node itself when it is the first,
 * else that some node of the cluster can be asked.
 */
static enum err
check_glusterd(struct service *s, const struct node_request *req,
	       struct error *err)
{
	CLEANUP(strs_release) struct strs nodes = { 0 };
	struct service_call call;
	struct brickyard_node arg = {
		.size = sizeof(arg),
		.id = "",
		.manage_host = req->manage.v[0],
		.storage_host = req->storage.v[0],
	};
	struct node *peer = NULL;

	service_call_init(&call, s, CHECK_TIMEOUT_S);
	service_cluster_nodes(s, req->cluster, &nodes);
	if (nodes.n > 0) {
		if (peer_find(&s->engine_deps, &call.call, req->cluster, NULL,
			      &peer, err) != ERR_OK)
			return fail(err, ERR_BADREQ, "None of the nodes in "
				    "cluster has glusterd running");
		record_unref(&peer->r);
		return ERR_OK;
	}
	if (executor_node_check(s->deps.executor, &call.call, &arg, err) == ERR_OK)
		return ERR_OK;
	log_info("node %s: %s", arg.manage_host, err->text);
	return fail(err, ERR_BADREQ, "New Node doesn't have glusterd running");
}

enum err
service_node_add(struct service *s, const struct node_request *req,
		 char ret_op[ID_SIZE], struct error *err)
{
	struct node_add a = { .service = s, .req = req };
	RECORD_SCOPE struct operation *op = NULL;
	RECORD_SCOPE struct cluster *c = NULL;
	RECORD_SCOPE struct node *n = NULL;
	char id[ID_SIZE];
	enum err r = check_cluster(s, req->cluster, &c, err);

	if (r == ERR_OK)
		r = check_hosts(s, req, err);
	if (r == ERR_OK)
		r = check_glusterd(s, req, err);
	if (r != ERR_OK)
		return r;
	id_new(id);
	a.op = op = service_new_operation(s, OP_NODE_ADD, id, req->cluster);
	a.node = n = node_new(id);
	fill_node(n, req, op->id);
	r = service_commit_op(s, build_add, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}

/* ---- delete and state ---- */

struct node_change {
	struct service *service;
	const char *id;
	enum state state;
	struct operation *op;
};

static enum err
find(const struct node_change *a, struct node **ret, struct error *err)
{
	RECORD_SCOPE struct node *n = service_node(a->service, a->id);

	if (n == NULL)
		return fail(err, ERR_NOTFOUND, "Id not found");
	if (n->pending[0] != '\0')
		return fail(err, ERR_INUSE, CONFLICT_TEXT);
	*ret = node_copy(n);
	return ERR_OK;
}

static enum err
build_delete(void *arg, struct txn *t, struct error *err)
{
	const struct node_change *a = arg;
	const struct model *m = a->service->model;
	RECORD_SCOPE struct node *n = NULL;
	size_t ndevices;
	enum err r = find(a, &n, err);

	if (r != ERR_OK)
		return r;
	mirror_rdlock(m->mirror);
	ndevices = relation_count(m->devices, a->id);
	mirror_unlock(m->mirror);
	if (ndevices > 0)
		return fail(err, ERR_INUSE, "Unable to delete node [%s] because "
			    "it contains devices", a->id);
	r = service_admit(a->service, a->op, t, err);
	if (r != ERR_OK)
		return r;
	snprintf(n->pending, sizeof(n->pending), "%s", a->op->id);
	memcpy(a->op->cluster, n->cluster, ID_SIZE);
	txn_put(t, &a->op->r);
	txn_put(t, &n->r);
	return ERR_OK;
}

enum err
service_node_delete(struct service *s, const char *id, char ret_op[ID_SIZE],
		    struct error *err)
{
	struct node_change a = { .service = s, .id = id };
	RECORD_SCOPE struct operation *op =
		service_new_operation(s, OP_NODE_DELETE, id, "");
	enum err r;

	a.op = op;
	r = service_commit_op(s, build_delete, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}

/* Is there anything to be done on its devices, and may it be? */
static enum err
check_devices(const struct node_change *a, bool *ret_work, struct error *err)
{
	CLEANUP(strs_release) struct strs devices = { 0 };

	service_node_devices(a->service, a->id, &devices);
	for (size_t i = 0; i < devices.n; i++) {
		RECORD_SCOPE struct device *d =
			service_device(a->service, devices.v[i]);

		if (d == NULL)
			continue;
		if (d->pending[0] != '\0' ||
		    service_has_pending_bricks(a->service, d->id))
			return fail(err, ERR_INUSE, CONFLICT_TEXT);
		*ret_work |= d->state != STATE_FAILED ||
			     service_count_bricks(a->service, d->id) > 0;
	}
	return ERR_OK;
}

/* heketi's rules of going from state to state; what may not be is the result of
 * the operation, not of the request.
 */
static enum err
check_state(const struct node_change *a, const struct node *n, bool *ret_work,
	    struct error *err)
{
	*ret_work = false;
	if (n->state == STATE_FAILED && a->state != STATE_FAILED)
		return fail(err, ERR_REFUSED, "Cannot move a failed/removed node "
			    "to %s state", state_name(a->state));
	if (n->state == STATE_ONLINE && a->state == STATE_FAILED)
		return fail(err, ERR_REFUSED, "Node must be offline before remove "
			    "operation is performed, node:%s", n->id);
	if (a->state != STATE_FAILED || n->state == STATE_FAILED)
		return ERR_OK;
	return check_devices(a, ret_work, err);
}

static enum err
begin_removal(const struct node_change *a, struct node *n, struct txn *t,
	      struct error *err)
{
	enum err r = service_admit(a->service, a->op, t, err);

	if (r != ERR_OK)
		return r;
	memcpy(n->pending, a->op->id, ID_SIZE);
	txn_put(t, &a->op->r);
	txn_put(t, &n->r);
	return ERR_OK;
}

static enum err
build_state(void *arg, struct txn *t, struct error *err)
{
	const struct node_change *a = arg;
	RECORD_SCOPE struct node *n = NULL;
	struct error why;
	bool work;
	enum err r = find(a, &n, err);

	a->op->status = OP_RUNNING;	/* an attempt before may have ended it */
	if (r == ERR_OK && a->state == STATE_FAILED)
		r = service_would_admit(a->service, a->op, err);
	if (r != ERR_OK)
		return r;
	memcpy(a->op->cluster, n->cluster, ID_SIZE);
	r = check_state(a, n, &work, &why);
	if (r == ERR_OK && work)
		return begin_removal(a, n, t, err);
	operation_end_now(a->op, r, why.text);
	txn_put(t, &a->op->r);
	if (r != ERR_OK || n->state == a->state)
		return ERR_OK;
	n->state = a->state;
	txn_put(t, &n->r);
	return ERR_OK;
}

enum err
service_node_set_state(struct service *s, const char *id, enum state state,
		       bool heal_check, char ret_op[ID_SIZE], struct error *err)
{
	struct node_change a = { .service = s, .id = id, .state = state };
	RECORD_SCOPE struct operation *op = service_new_operation(
		s, state == STATE_FAILED ? OP_NODE_REMOVE : OP_NODE_STATE, id, "");
	enum err r;

	a.op = op;
	if (!heal_check)
		kvs_set(&op->args, "heal", "disable");
	r = service_commit_op(s, build_state, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}
