/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stages of the operations on devices: add, delete, resync. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "leftover.h"
#include "node-args.h"
#include "util/log.h"
#include "util/xalloc.h"

#define DEVICE_TIMEOUT_S 300	/* heketi's 5 minutes */
#define SYNC_TIMEOUT_MS 10000

static enum err
target(struct op_run *run, struct device **ret, struct error *err)
{
	RECORD_SCOPE struct device *d = (void *)mirror_get(
		run->deps->mirror, RECORD_DEVICE, run->op->target);

	if (d == NULL)
		return fail(err, ERR_INTERNAL, "device %s: record is gone",
			    run->op->target);
	*ret = device_copy(d);
	return ERR_OK;
}

/* Device and node of the operation, as executors are given them. */
struct place {
	struct node *n;
	struct brickyard_node node;
	struct device_arg device;
};

static void
place_release(struct place *p)
{
	record_unref(p->n != NULL ? &p->n->r : NULL);
	device_arg_release(&p->device);
}

static enum err
place_init(struct place *p, struct op_run *run, struct error *err)
{
	RECORD_SCOPE struct device *d = NULL;
	enum err r = target(run, &d, err);

	if (r != ERR_OK)
		return r;
	p->n = (void *)mirror_get(run->deps->mirror, RECORD_NODE, d->node);
	if (p->n == NULL)
		return fail(err, ERR_INTERNAL, "node %s: record is gone", d->node);
	p->node = node_arg(p->n);
	device_arg_init(&p->device, d);
	return ERR_OK;
}

/* What prepare and info told, into the record. */
static enum err
take_sizes(struct device *d, const struct kvs *found, struct error *err)
{
	const char *total = kvs_get(found, "total_bytes");
	const char *free_ = kvs_get(found, "free_bytes");
	const char *extent = kvs_get(found, "extent_bytes");

	if (total == NULL || free_ == NULL)
		return fail(err, ERR_INTERNAL,
			    "device %s: the executor told no size", d->id);
	d->total_bytes = strtoull(total, NULL, 10);
	d->used_bytes = d->total_bytes - strtoull(free_, NULL, 10);
	if (d->used_bytes > d->total_bytes)
		return fail(err, ERR_INTERNAL,
			    "device %s: the executor told %s bytes free of %s",
			    d->id, free_, total);
	if (extent != NULL)
		d->extent_bytes = strtoull(extent, NULL, 10);
	return ERR_OK;
}

static void
take_identity(struct device *d, const struct kvs *found)
{
	const char *uuid = kvs_get(found, "pv_uuid");
	const char *kind = kvs_get(found, "kind");

	free(d->pv_uuid);
	d->pv_uuid = uuid != NULL && uuid[0] != '\0' ? xstrdup(uuid) : NULL;
	d->kind = kind != NULL && strcmp(kind, "directory") == 0 ?
		  BRICKYARD_DEVICE_DIRECTORY : BRICKYARD_DEVICE_BLOCK;
	strs_release(&d->paths);
	for (size_t i = 0; i < found->n; i++)
		if (strcmp(found->v[i].key, "path") == 0)
			strs_add(&d->paths, found->v[i].value);
}

static void
keep_result(struct op_run *run, const struct brickyard_result *res)
{
	kvs_release(&run->found);
	if (res->records.n > 0)
		kvs_copy(&run->found, &res->records.v[0]);
}

/* ---- add ---- */

static enum err
initialise_failed(struct error *err, enum err r, const char *name,
		  const struct brickyard_result *res)
{
	const char *uuid = result_get(res, 0, "holds_pv_uuid");
	CLEANUP_FREE char *was = xstrdup(err->text);

	if (r != ERR_EXISTS || strncmp(was, "Initializing device", 19) == 0)
		return r;
	if (uuid != NULL)
		return fail(err, r, "Initializing device %s failed (aleady "
			    "contains Physical Volume %s): %s", name, uuid, was);
	return fail(err, r, "Initializing device %s failed (already "
		    "initialized or contains data?): %s", name, was);
}

/* Whose physical volume, or directory, is it?  An id that is nobody's: "". */
struct owner {
	const char *self;	/* the device that is being added */
	const char *pv_uuid, *id;
	char found[ID_SIZE];
	bool unsure;		/* there are devices whose UUID is not known */
};

/* Ours have their id as the UUID, in groups. */
static bool
is_uuid_of(const char *uuid, const char *id)
{
	for (; *uuid != '\0'; uuid++)
		if (*uuid != '-' && *id++ != *uuid)
			return false;
	return *id == '\0';
}

static bool
is_owner(const struct device *d, const struct owner *o)
{
	if (o->id != NULL && strcmp(d->id, o->id) == 0)
		return true;
	return o->pv_uuid != NULL &&
	       (is_uuid_of(o->pv_uuid, d->id) ||
		(d->pv_uuid != NULL && strcmp(d->pv_uuid, o->pv_uuid) == 0));
}

/* All of them are looked at: a disk may have moved to another node. */
static void
find_owner(struct mirror *m, struct owner *o)
{
	size_t n = 0;
	struct record **l = mirror_list(m, RECORD_DEVICE, &n);

	for (size_t i = 0; i < n; i++) {
		const struct device *d = (const void *)l[i];

		if (strcmp(d->id, o->self) == 0)
			continue;
		o->unsure |= d->pv_uuid == NULL && !d->adding &&
			     d->kind != BRICKYARD_DEVICE_DIRECTORY;
		if (is_owner(d, o))
			memcpy(o->found, d->id, ID_SIZE);
	}
	mirror_list_free(l, n);
}

/* May what is on the device be destroyed?  heketi's rules and words: what is no
 * physical volume may; one that is known, or could be, may not.
 */
static enum err
check_destroy(struct op_run *run, const struct brickyard_result *res,
	      struct error *err)
{
	struct owner o = {
		.self = run->op->target,
		.pv_uuid = result_get(res, 0, "holds_pv_uuid"),
		.id = result_get(res, 0, "holds_device"),
	};
	CLEANUP_FREE char *was = xstrdup(err->text);

	if (o.pv_uuid == NULL && o.id == NULL)
		return ERR_OK;
	/* What another replica has just made of it was recorded before. */
	if (mirror_sync(run->deps->mirror, SYNC_TIMEOUT_MS, err) != ERR_OK) {
		err->code = ERR_STORE;
		return ERR_STORE;
	}
	find_owner(run->deps->mirror, &o);
	if (o.pv_uuid != NULL && o.unsure)
		return fail(err, ERR_INUSE, "Can not destroy device, destroy may "
			    "not be safe: %s", was);
	if (o.found[0] != '\0')
		return fail(err, ERR_INUSE, "Device already in use (ID: %s)",
			    o.found);
	/* A directory, or a volume group that can't be told by a UUID. */
	return o.pv_uuid != NULL ? ERR_OK : ERR_EXISTS;
}

/* As heketi: the careful way first, destroying only if that failed. */
static enum err
destroy_and_prepare(struct op_run *run, const struct brickyard_call *call,
		    struct place *p, struct brickyard_result *res,
		    struct error *err)
{
	const char *uuid = result_get(res, 0, "holds_pv_uuid");
	CLEANUP_FREE char *goes = xstrdup(uuid != NULL ? uuid : "");
	enum err r = ERR_EXISTS;

	(void)initialise_failed(err, r, p->device.d.name, res);
	r = check_destroy(run, res, err);
	if (r != ERR_OK)
		return r;
	log_info("%s, destroying as told", err->text);
	p->device.d.destroy_data = 1;
	p->device.d.destroy_pv = goes;
	result_release(res);
	result_init(res);
	r = executor_device_prepare(run->deps->executor, call, &p->node,
				    &p->device.d, res, err);
	p->device.d.destroy_pv = "";
	return r;
}

static enum err
prepare(struct op_run *run, const struct brickyard_call *call, struct error *err)
{
	CLEANUP(place_release) struct place p = { 0 };
	struct brickyard_result res;
	enum err r = place_init(&p, run, err);

	if (r != ERR_OK)
		return r;
	result_init(&res);
	r = executor_device_prepare(run->deps->executor, call, &p.node,
				    &p.device.d, &res, err);
	if (r == ERR_EXISTS && p.device.record->destroy_data)
		r = destroy_and_prepare(run, call, &p, &res, err);
	if (r == ERR_OK)
		keep_result(run, &res);
	else
		r = initialise_failed(err, r, p.device.d.name, &res);
	result_release(&res);
	return r;
}

static enum err
teardown(struct op_run *run, const struct brickyard_call *call, struct error *err)
{
	CLEANUP(place_release) struct place p = { 0 };
	enum err r = place_init(&p, run, err);

	if (r == ERR_OK)
		r = executor_device_teardown(run->deps->executor, call, &p.node,
					     &p.device.d, err);
	return r;
}

static enum err
add_finish(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct device *d = NULL;
	enum err r = target(run, &d, err);

	if (r == ERR_OK)
		r = take_sizes(d, &run->found, err);
	if (r != ERR_OK)
		return r;
	take_identity(d, &run->found);
	d->adding = false;
	d->pending[0] = '\0';
	txn_put(t, &d->r);
	return ERR_OK;
}

static enum err
add_undone(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct device *d = NULL;
	enum err r = target(run, &d, err);

	if (r == ERR_OK)
		txn_delete(t, &d->r);
	return r;
}

static const struct op_stage add_stages[] = {
	{ "prepare", DEVICE_TIMEOUT_S, prepare, teardown },
};

const struct op_rules op_rules_device_add = {
	.kind = OP_DEVICE_ADD,
	.stages = add_stages,
	.nstages = ARRAY_SIZE(add_stages),
	.finish = add_finish,
	.undone = add_undone,
};

/* ---- delete ---- */

static enum err
forget(struct op_run *run, const struct brickyard_call *call, struct error *err)
{
	CLEANUP(place_release) struct place p = { 0 };
	enum err r = place_init(&p, run, err);

	if (r == ERR_OK)
		r = executor_device_forget(run->deps->executor, call, &p.node,
					   &p.device.d, err);
	return r == ERR_NOTSUP ? teardown(run, call, err) : r;
}

/* Told to forget it, nothing on the node is in the way of that. */
static enum err
remove_device(struct op_run *run, const struct brickyard_call *call,
	      struct error *err)
{
	bool force = kvs_get(&run->op->args, "force_forget") != NULL;
	enum err r = force ? forget(run, call, err) : teardown(run, call, err);

	if (r == ERR_OK || !force || r == ERR_FENCED || call->cancelled(call))
		return r;
	log_warning("device %s: %s, forgetting it as told", run->op->target,
		    err->text);
	return ERR_OK;
}

static enum err
delete_undone(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct device *d = NULL;
	enum err r = target(run, &d, err);

	if (r != ERR_OK)
		return r;
	d->pending[0] = '\0';
	txn_put(t, &d->r);
	return ERR_OK;
}

static const struct op_stage delete_stages[] = {
	{ "teardown", DEVICE_TIMEOUT_S, remove_device, NULL },
};

const struct op_rules op_rules_device_delete = {
	.kind = OP_DEVICE_DELETE,
	.stages = delete_stages,
	.nstages = ARRAY_SIZE(delete_stages),
	.finish = add_undone,		/* the record goes */
	.undone = delete_undone,
};

/* ---- resync ---- */

/* Is a volume with a brick on it being made, changed or removed? */
static bool
is_busy(struct op_run *run, const char *device)
{
	struct mirror *m = run->deps->mirror;
	const struct strs *keys;
	bool busy = false;

	mirror_rdlock(m);
	keys = relation_of(run->deps->model->bricks, device);
	for (size_t i = 0; i < keys->n && !busy; i++) {
		const struct volume *v = (const void *)mirror_peek(
			m, RECORD_VOLUME, keys->v[i] + ID_SIZE);

		busy = v != NULL && v->pending[0] != '\0';
	}
	/* Is it there, or was it never made?  Both count the same in our books. */
	busy |= leftover_is_on(run->deps->model, device);
	mirror_unlock(m);
	return busy;
}

static const struct brick *
find_brick(const struct volume *v, const char *id, size_t len)
{
	for (size_t i = 0; v != NULL && i < v->nbricks; i++)
		if (strncmp(v->bricks[i].id, id, len) == 0 &&
		    v->bricks[i].id[len] == '\0')
			return &v->bricks[i];
	return NULL;
}

/* What bricks with a record take there, each thin pool once.  A delete that failed
 * may have taken some away already; it gives their space back when it is repeated.
 */
static uint64_t
recorded_bytes(struct op_run *run, const char *device)
{
	CLEANUP(strs_release) struct strs pools = { 0 };
	struct mirror *m = run->deps->mirror;
	const struct strs *keys;
	uint64_t sum = 0;

	mirror_rdlock(m);
	keys = relation_of(run->deps->model->bricks, device);
	for (size_t i = 0; i < keys->n; i++) {
		const char *id = keys->v[i], *volume = strchr(id, ' ') + 1;
		const struct brick *b = find_brick(
			(const void *)mirror_peek(m, RECORD_VOLUME, volume), id,
			(size_t)(volume - 1 - id));

		if (b == NULL ||
		    (b->thin_pool != NULL && strs_has(&pools, b->thin_pool)))
			continue;
		if (b->thin_pool != NULL)
			strs_add(&pools, b->thin_pool);
		sum += b->thin_pool_bytes + b->metadata_bytes;
	}
	mirror_unlock(m);
	return sum;
}

/* What the node told is of use only if nothing was promised or given back since
 * the record was read: the sum would have it twice, or not at all.
 */
static enum err
check_quiet(struct op_run *run, const struct device *d, const char *revision,
	    struct error *err)
{
	char now[32];

	snprintf(now, sizeof(now), "%" PRId64, d->r.revision);
	if (revision != NULL && strcmp(revision, now) == 0 &&
	    !is_busy(run, d->id))
		return ERR_OK;
	return fail(err, ERR_INUSE, CONFLICT_TEXT);
}

/* The look can be repeated, the end of the operation is not. */
static enum err
check_look(struct op_run *run, struct error *err)
{
	RECORD_SCOPE struct device *d = NULL;
	enum err r = target(run, &d, err);

	return r != ERR_OK ? r :
	       check_quiet(run, d, kvs_get(&run->found, "revision"), err);
}

static enum err
look_once(struct op_run *run, const struct brickyard_call *call, struct error *err)
{
	CLEANUP(place_release) struct place p = { 0 };
	struct brickyard_result res;
	enum err r = place_init(&p, run, err);

	if (r != ERR_OK)
		return r;
	result_init(&res);
	r = executor_device_info(run->deps->executor, call, &p.node,
				 &p.device.d, &res, err);
	if (r == ERR_OK) {
		char revision[32];

		keep_result(run, &res);
		snprintf(revision, sizeof(revision), "%" PRId64,
			 p.device.record->r.revision);
		kvs_set(&run->found, "revision", revision);
	}
	result_release(&res);
	return r == ERR_OK ? check_look(run, err) : r;
}

static enum err
look(struct op_run *run, const struct brickyard_call *call, struct error *err)
{
	enum err r = look_once(run, call, err);

	for (int i = 0; r == ERR_INUSE && i < 3 && call_sleep(call, 200); i++)
		r = look_once(run, call, err);
	return r;
}

static enum err
resync_finish(struct op_run *run, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct device *d = NULL;
	enum err r = target(run, &d, err);
	uint64_t recorded;

	if (r == ERR_OK)
		r = check_quiet(run, d, kvs_get(&run->found, "revision"), err);
	if (r == ERR_OK)
		r = take_sizes(d, &run->found, err);
	if (r != ERR_OK)
		return r;
	recorded = recorded_bytes(run, d->id);
	if (recorded > d->total_bytes)
		recorded = d->total_bytes;
	if (d->used_bytes < recorded)
		d->used_bytes = recorded;
	d->pending[0] = '\0';
	txn_put(t, &d->r);
	return ERR_OK;
}

static const struct op_stage resync_stages[] = {
	{ "look", DEVICE_TIMEOUT_S, look, NULL },
};

const struct op_rules op_rules_device_resync = {
	.kind = OP_DEVICE_RESYNC,
	.stages = resync_stages,
	.nstages = ARRAY_SIZE(resync_stages),
	.finish = resync_finish,
	.undone = delete_undone,
};
