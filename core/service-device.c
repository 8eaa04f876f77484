/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing devices: what is checked and committed before an operation starts. */
#include <config.h>

#include <string.h>

#include "leftover.h"
#include "service-private.h"
#include "util/xalloc.h"

/* ---- add ---- */

struct device_add {
	struct service *service;
	const struct device_request *req;
	struct operation *op;
	struct device *device;
};

static enum err
build_add(void *arg, struct txn *t, struct error *err)
{
	const struct device_add *a = arg;
	RECORD_SCOPE struct node *n = service_node(a->service, a->req->node);
	enum err r;

	if (n == NULL)
		return fail(err, ERR_NOTFOUND, "Node id does not exist");
	if (n->pending[0] != '\0')
		return fail(err, ERR_INUSE, CONFLICT_TEXT);
	r = service_admit(a->service, a->op, t, err);
	if (r != ERR_OK)
		return r;
	memcpy(a->op->cluster, n->cluster, ID_SIZE);
	txn_put(t, &a->op->r);
	txn_put(t, &n->r);	/* unchanged: but deleting it now conflicts */
	txn_put(t, &a->device->r);
	return ERR_OK;
}

enum err
service_device_add(struct service *s, const struct device_request *req,
		   char ret_op[ID_SIZE], struct error *err)
{
	struct device_add a = { .service = s, .req = req };
	RECORD_SCOPE struct operation *op = NULL;
	RECORD_SCOPE struct device *d = NULL;
	char id[ID_SIZE];
	enum err r;

	id_new(id);
	a.op = op = service_new_operation(s, OP_DEVICE_ADD, id, "");
	a.device = d = device_new(id);
	snprintf(d->node, sizeof(d->node), "%s", req->node);
	free(d->name);
	d->name = xstrdup(req->name);
	kvs_copy(&d->tags, &req->tags);
	d->state = STATE_ONLINE;
	d->adding = true;
	d->destroy_data = req->destroy_data;
	memcpy(d->pending, op->id, ID_SIZE);
	r = service_commit_op(s, build_add, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}

/* ---- delete, resync, state ---- */

struct device_change {
	struct service *service;
	const char *id;
	enum state state;
	struct operation *op;
};

size_t
service_count_bricks(struct service *s, const char *device)
{
	size_t n;

	mirror_rdlock(s->mirror);
	n = relation_count(s->model->bricks, device);
	mirror_unlock(s->mirror);
	return n;
}

/* Those of a volume that goes are not marked one by one. */
bool
service_has_pending_bricks(struct service *s, const char *device)
{
	struct brick_on_device *l;
	bool pending = false;
	size_t n;

	l = service_device_bricks(s, device, &n);
	for (size_t i = 0; i < n; i++)
		pending |= l[i].brick->pending[0] != '\0' ||
			   l[i].volume->doing == VOLUME_DELETING;
	service_device_bricks_free(l, n);
	return pending;
}

/* Is a volume with a brick on it being changed? */
static bool
has_pending_bricks(struct service *s, const char *device)
{
	struct brick_on_device *l;
	bool pending = false;
	size_t n;

	l = service_device_bricks(s, device, &n);
	for (size_t i = 0; i < n; i++)
		pending |= l[i].brick->pending[0] != '\0' ||
			   l[i].volume->pending[0] != '\0';
	service_device_bricks_free(l, n);
	return pending;
}

static enum err
find(const struct device_change *a, struct device **ret, struct error *err)
{
	RECORD_SCOPE struct device *d = service_device(a->service, a->id);

	if (d == NULL)
		return fail(err, ERR_NOTFOUND, "Id not found");
	*ret = device_copy(d);
	return ERR_OK;
}

static void
name_cluster(const struct device_change *a, const struct device *d)
{
	RECORD_SCOPE struct node *n = service_node(a->service, d->node);

	if (n != NULL)
		memcpy(a->op->cluster, n->cluster, ID_SIZE);
}

/* Start the operation on the device. */
static enum err
begin(const struct device_change *a, struct device *d, struct txn *t,
      struct error *err)
{
	enum err r;

	if (d->pending[0] != '\0')
		return fail(err, ERR_INUSE, CONFLICT_TEXT);
	r = service_admit(a->service, a->op, t, err);
	if (r != ERR_OK)
		return r;
	name_cluster(a, d);
	memcpy(d->pending, a->op->id, ID_SIZE);
	txn_put(t, &a->op->r);
	txn_put(t, &d->r);
	return ERR_OK;
}

static bool
has_leftovers(struct service *s, const char *device)
{
	bool found;

	mirror_rdlock(s->mirror);
	found = leftover_is_on(s->model, device);
	mirror_unlock(s->mirror);
	return found;
}

static enum err
build_delete(void *arg, struct txn *t, struct error *err)
{
	const struct device_change *a = arg;
	RECORD_SCOPE struct device *d = NULL;
	enum err r = find(a, &d, err);

	if (r != ERR_OK)
		return r;
	if (d->state != STATE_FAILED)
		return fail(err, ERR_BADREQ, "device: %s is not in failed state",
			    a->id);
	if (service_count_bricks(a->service, a->id) > 0)
		return fail(err, ERR_INUSE, "Unable to delete device [%s] because "
			    "it contains bricks", a->id);
	if (kvs_get(&a->op->args, "force_forget") == NULL &&
	    has_leftovers(a->service, a->id))
		return fail(err, ERR_INUSE, "Unable to delete device [%s] because "
			    "bricks are left over on it that its node could not "
			    "remove: that is tried again each minute, and when "
			    "operations are cleaned up; or forget them with the "
			    "device (forceforget)", a->id);
	return begin(a, d, t, err);
}

static enum err
start(struct service *s, enum op_kind kind, const char *id, txn_build_fn *build,
      bool force_forget, char ret_op[ID_SIZE], struct error *err)
{
	struct device_change a = { .service = s, .id = id };
	RECORD_SCOPE struct operation *op = service_new_operation(s, kind, id, "");
	enum err r;

	a.op = op;
	if (force_forget)
		kvs_set(&op->args, "force_forget", "true");
	r = service_commit_op(s, build, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}

enum err
service_device_delete(struct service *s, const char *id, bool force_forget,
		      char ret_op[ID_SIZE], struct error *err)
{
	return start(s, OP_DEVICE_DELETE, id, build_delete, force_forget, ret_op,
		     err);
}

static enum err
build_resync(void *arg, struct txn *t, struct error *err)
{
	const struct device_change *a = arg;
	RECORD_SCOPE struct device *d = NULL;
	struct error why;
	enum err r = find(a, &d, err);

	if (r != ERR_OK)
		return r;
	a->op->status = OP_RUNNING;	/* an attempt before may have ended it */
	if (d->pending[0] == '\0' && !has_pending_bricks(a->service, a->id))
		return begin(a, d, t, err);
	r = fail(&why, ERR_INUSE, CONFLICT_TEXT);
	name_cluster(a, d);
	operation_end_now(a->op, r, why.text);
	txn_put(t, &a->op->r);
	return ERR_OK;
}

enum err
service_device_resync(struct service *s, const char *id, char ret_op[ID_SIZE],
		      struct error *err)
{
	return start(s, OP_DEVICE_RESYNC, id, build_resync, false, ret_op, err);
}

static enum err
check_state(const struct device_change *a, const struct device *d,
	    struct error *err)
{
	if (d->pending[0] != '\0')
		return fail(err, ERR_INUSE, CONFLICT_TEXT);
	if (d->state == STATE_FAILED && a->state == STATE_ONLINE)
		return fail(err, ERR_REFUSED, "Cannot move a failed/removed "
			    "device to online state");
	if (d->state == STATE_ONLINE && a->state == STATE_FAILED)
		return fail(err, ERR_REFUSED, "Device must be offline before "
			    "remove operation is performed, device:%s", d->id);
	if (a->state == STATE_FAILED &&
	    service_has_pending_bricks(a->service, d->id))
		return fail(err, ERR_INUSE, CONFLICT_TEXT);
	return ERR_OK;
}

/* Over at once: the new state, or why not. */
static void
end_with_state(const struct device_change *a, struct device *d, enum err r,
	       const struct error *why, struct txn *t)
{
	operation_end_now(a->op, r, why->text);
	txn_put(t, &a->op->r);
	if (r != ERR_OK || d->state == a->state)
		return;
	d->state = a->state;
	txn_put(t, &d->r);
}

/* As in heketi, a removal needs a place among the running operations even if it
 * comes to nothing.
 */
static enum err
build_state(void *arg, struct txn *t, struct error *err)
{
	const struct device_change *a = arg;
	RECORD_SCOPE struct device *d = NULL;
	struct error why;
	enum err r = find(a, &d, err);

	a->op->status = OP_RUNNING;	/* an attempt before may have ended it */
	if (r == ERR_OK && a->state == STATE_FAILED)
		r = service_would_admit(a->service, a->op, err);
	if (r != ERR_OK)
		return r;
	name_cluster(a, d);
	r = check_state(a, d, &why);
	if (r == ERR_OK && a->state == STATE_FAILED &&
	    service_count_bricks(a->service, a->id) > 0)
		return begin(a, d, t, err);
	end_with_state(a, d, r, &why, t);
	return ERR_OK;
}

enum err
service_device_set_state(struct service *s, const char *id, enum state state,
			 bool heal_check, char ret_op[ID_SIZE],
			 struct error *err)
{
	struct device_change a = { .service = s, .id = id, .state = state };
	RECORD_SCOPE struct operation *op = service_new_operation(
		s, state == STATE_FAILED ? OP_DEVICE_REMOVE : OP_DEVICE_STATE, id,
		"");
	enum err r;

	a.op = op;
	if (!heal_check)
		kvs_set(&op->args, "heal", "disable");
	r = service_commit_op(s, build_state, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}
