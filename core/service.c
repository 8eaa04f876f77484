/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life of the service, membership, reading.  Threads: one that keeps the lease
 * (grants a new one when it was lost); the engine's; the store's.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "health.h"
#include "service-private.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define SYNC_TIMEOUT_MS 5000
#define LEFTOVERS_MS	60000
#define RECOVERY_MS	10000

/* ---- membership ---- */

static void
want_enlisting(struct service *s)
{
	LOCK_FOR_SCOPE(&s->lock);

	s->lease_lost = true;
	s->listed = false;
	pthread_cond_signal(&s->lease_cond);
}

static void
lease_is_lost(void *arg)
{
	struct service *s = arg;

	engine_lease_lost(s->engine);
	want_enlisting(s);
}

static void
fill_replica(struct service *s, struct replica *r)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	r->host = xstrdup(host);
	r->listen = xstrdup(s->deps.listen ? s->deps.listen : "");
	r->version = xstrdup(PACKAGE_VERSION);
	r->pid = getpid();
	r->started_ms = clock_wall_ms();
}

/* Say that we are there, on a lease of our own.  There may be a lease already,
 * when it was the record that could not be put, or that somebody deleted.
 */
static enum err
enlist(struct service *s, struct error *err)
{
	struct record *old = mirror_get(s->mirror, RECORD_REPLICA, s->replica_id);
	struct replica *r = replica_new(s->replica_id);
	TXN_SCOPE struct txn t = { 0 };
	enum err e;

	fill_replica(s, r);
	r->r.revision = old != NULL ? old->revision : 0;
	record_unref(old);
	e = store_lease_grant(s->deps.store,
			      (int)config_int(s->deps.config, "lease_ttl_ms"),
			      lease_is_lost, s, err);
	if (e == ERR_OK || e == ERR_EXISTS) {
		txn_put_leased(&t, &r->r);
		e = txn_commit(&t, s->mirror, err);
	}
	record_unref(&r->r);
	return e;
}

/* The new lease may be lost again before we come to say that we have it. */
static void
enlisted(struct service *s, enum err r)
{
	LOCK_FOR_SCOPE(&s->lock);

	if (r != ERR_OK)
		s->lease_lost = true;
	s->listed = !s->lease_lost;
}

static void *
keep_lease(void *arg)
{
	struct service *s = arg;
	struct error err;
	enum err r;

	pthread_setname_np(pthread_self(), "lease");
	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		if (!s->lease_lost) {
			pthread_cond_wait(&s->lease_cond, &s->lock);
			continue;
		}
		s->lease_lost = false;
		pthread_mutex_unlock(&s->lock);
		log_warning("the lease is lost: no node work until there is a "
			    "new one, retrying");
		r = enlist(s, &err);
		enlisted(s, r);
		if (r == ERR_OK)
			log_notice("a new lease was granted");
		else
			log_warning("no new lease: %s, retrying", err.text);
		pthread_mutex_lock(&s->lock);
		if (r != ERR_OK && !s->stopping)
			cond_wait_until(&s->lease_cond, &s->lock,
					clock_mono_ms() + 1000);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- start and stop ---- */

static void
operation_ended(void *arg, const char *id)
{
	struct service *s = arg;
	void (*fn)(void *, const char *) = s->on_end;

	if (fn != NULL)
		fn(s->on_end_arg, id);
}

static bool
was_listed(struct service *s)
{
	LOCK_FOR_SCOPE(&s->lock);

	return s->listed;
}

/* Under the mirror's lock.  Without a record we are dead to the others. */
static void
replicas_changed(void *arg)
{
	struct service *s = arg;

	if (was_listed(s) &&
	    mirror_peek(s->mirror, RECORD_REPLICA, s->replica_id) == NULL)
		want_enlisting(s);
	engine_wake(s->engine);
}

static struct service *
service_new(const struct service_deps *deps)
{
	struct service *s = XNEW(struct service);

	s->deps = *deps;
	id_new(s->replica_id);
	pthread_mutex_init(&s->lock, NULL);
	cond_init_mono(&s->lease_cond);
	s->mirror = mirror_new(deps->store);
	s->model = model_new(s->mirror);
	s->switches = switches_new(deps->config, s->mirror);
	s->engine_deps = (struct engine_deps){
		.config = deps->config,
		.mirror = s->mirror,
		.model = s->model,
		.plugins = deps->plugins,
		.executor = deps->executor,
		.replica_id = s->replica_id,
	};
	s->engine = engine_new(&s->engine_deps);
	s->model->on_ended = operation_ended;
	s->model->on_ended_arg = s;
	s->model->on_replicas = replicas_changed;
	s->model->on_replicas_arg = s;
	return s;
}

static enum err
check_complete(struct service *s, struct error *err)
{
	RECORD_SCOPE struct index_entry *e =
		(void *)mirror_get(s->mirror, RECORD_ADMIN, RECORD_COPYING);

	if (e == NULL)
		return ERR_OK;
	return fail(err, ERR_REFUSED, "%s: a copy of %s into it did not come to "
		    "its end: empty it, then copy again",
		    store_describe(s->deps.store), e->value);
}

/* Whoever is first gives the store its generation.  Without one nothing fails. */
static void
name_generation(struct service *s)
{
	RECORD_SCOPE struct record *old =
		mirror_get(s->mirror, RECORD_ADMIN, RECORD_GENERATION);
	struct index_entry *e;
	TXN_SCOPE struct txn t = { 0 };
	struct error err;
	char id[ID_SIZE];
	enum err r;

	if (old != NULL)
		return;
	id_new(id);
	e = index_new(RECORD_ADMIN, RECORD_GENERATION, id);
	txn_put(&t, &e->r);
	record_unref(&e->r);
	r = txn_commit(&t, s->mirror, &err);
	if (r != ERR_OK && r != ERR_CONFLICT)
		log_warning("generation of the store: %s, ignoring", err.text);
}

static int64_t
seconds_ms(struct service *s, const char *key)
{
	return config_int(s->deps.config, key) * 1000;
}

/* Each minute; where the cleaner is told to come more often, as often as that. */
static int64_t
leftovers_ms(struct service *s)
{
	int64_t ms = seconds_ms(s, "glusterfs.refresh_time_background_cleaner");

	return ms > 0 && ms < LEFTOVERS_MS ? ms : LEFTOVERS_MS;
}

/* A duty is nobody's where all replicas are configured not to have it. */
static void
start_duties(struct service *s)
{
	const struct duty_rules all[] = {
		{ "results", 0, 1000, results_run },
		{ "cleaner",
		  seconds_ms(s, "glusterfs.start_time_background_cleaner"),
		  seconds_ms(s, "glusterfs.refresh_time_background_cleaner"),
		  cleaner_run },
		{ "health",
		  seconds_ms(s, "glusterfs.start_time_monitor_gluster_nodes"),
		  seconds_ms(s, "glusterfs.refresh_time_monitor_gluster_nodes"),
		  health_run },
		{ "recovery", RECOVERY_MS, RECOVERY_MS, recovery_run },
		{ "leftovers",
		  seconds_ms(s, "glusterfs.start_time_background_cleaner"),
		  leftovers_ms(s), leftovers_run },
	};
	const bool wanted[] = {
		true,
		!config_bool(s->deps.config,
			     "glusterfs.disable_background_cleaner"),
		health_is_watched(s->deps.config),
		health_is_watched(s->deps.config),
		true,
	};

	_Static_assert(ARRAY_SIZE(all) == ARRAY_SIZE(s->duties), "duties");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (wanted[i])
			s->duties[i] = duty_start(&all[i], &s->engine_deps);
}

enum err
service_start(const struct service_deps *deps, struct service **ret,
	      struct error *err)
{
	struct service *s = service_new(deps);
	enum err r = mirror_start(s->mirror, err);

	if (r == ERR_OK)
		r = check_complete(s, err);
	if (r == ERR_OK)
		r = enlist(s, err);
	if (r != ERR_OK) {
		service_stop(s, 0);
		service_free(s);
		return r;
	}
	enlisted(s, r);
	service_repair_blocks(s);
	name_generation(s);
	service_tell_missing_types(s);
	engine_start(s->engine);
	start_duties(s);
	s->lease_thread_started =
		pthread_create(&s->lease_thread, NULL, keep_lease, s) == 0;
	assert(s->lease_thread_started);
	*ret = s;
	return ERR_OK;
}

void
service_stop(struct service *s, int grace_ms)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->duties); i++)
		duty_cancel(s->duties[i]);
	engine_stop(s->engine, grace_ms);
	for (size_t i = 0; i < ARRAY_SIZE(s->duties); i++)
		duty_stop(STEAL(s->duties[i]));
	{
		LOCK_FOR_SCOPE(&s->lock);
		s->stopping = true;
		pthread_cond_signal(&s->lease_cond);
	}
	if (s->lease_thread_started)
		pthread_join(s->lease_thread, NULL);
	s->lease_thread_started = false;
	store_close(s->deps.store);
	s->deps.store = NULL;
}

void
service_free(struct service *s)
{
	if (s == NULL)
		return;
	engine_free(s->engine);
	mirror_free(s->mirror);
	model_free(s->model);
	switches_free(s->switches);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->lease_cond);
	free(s);
}

/* No longer than the lease is certain to live: whoever asks whether we are ready
 * shall have an answer by then.
 */
static bool
sync_in_time(struct service *s, struct error *why)
{
	int64_t end_ms = clock_mono_ms() + SYNC_TIMEOUT_MS, until_ms;

	do {
		int64_t deadline_ms = store_lease_deadline_ms(s->deps.store);
		int64_t left_ms;

		until_ms = deadline_ms < end_ms ? deadline_ms : end_ms;
		left_ms = until_ms - clock_mono_ms();
		if (left_ms <= 0) {
			fail(why, ERR_STORE, "the replica's lease could not "
			     "be renewed");
			return false;
		}
		if (mirror_sync(s->mirror, (int)left_ms, why) == ERR_OK)
			return true;
	} while (until_ms < end_ms &&	/* it was renewed meanwhile */
		 store_lease_deadline_ms(s->deps.store) > until_ms);
	return false;
}

bool
service_is_ready(struct service *s, struct error *why)
{
	{
		LOCK_FOR_SCOPE(&s->lock);
		if (s->stopping) {
			fail(why, ERR_CANCELLED, "the service is stopping");
			return false;
		}
		if (!s->listed) {
			fail(why, ERR_STORE, "the replica's lease is lost");
			return false;
		}
	}
	return sync_in_time(s, why);
}

/* ---- calls to nodes for a request ---- */

static int
call_cancelled(const struct brickyard_call *call)
{
	const struct service_call *c = (const void *)call;
	LOCK_FOR_SCOPE(&c->service->lock);

	return c->service->stopping;
}

void
service_call_init(struct service_call *c, struct service *s, int timeout_s)
{
	*c = (struct service_call){
		.call = {
			.size = sizeof(c->call),
			.deadline_ms = clock_mono_ms() + timeout_s * 1000LL,
			.cancelled = call_cancelled,
		},
		.service = s,
	};
}

/* ---- operations ---- */

struct operation *
service_new_operation(struct service *s, enum op_kind kind, const char *target,
		      const char *cluster)
{
	char id[ID_SIZE];
	struct operation *op;

	id_new(id);
	op = operation_new(id);
	op->kind = kind;
	op->status = OP_RUNNING;
	op->epoch = 1;
	op->slot = -1;
	snprintf(op->target, sizeof(op->target), "%s", target);
	snprintf(op->cluster, sizeof(op->cluster), "%s", cluster);
	snprintf(op->owner, sizeof(op->owner), "%s", s->replica_id);
	op->created_ms = op->updated_ms = clock_wall_ms();
	return op;
}

void
operation_end_now(struct operation *op, enum err code, const char *error)
{
	op->status = code == ERR_OK ? OP_DONE : OP_FAILED;
	op->ended_ms = clock_wall_ms();
	op->error_code = code;
	free(op->error);
	op->error = code == ERR_OK ? NULL : xstrdup(error);
}

enum err
service_admit(struct service *s, struct operation *op, struct txn *t,
	      struct error *err)
{
	const struct op_rules *rules = op_rules_of(op->kind);
	size_t open;

	mirror_rdlock(s->mirror);
	open = relation_count(s->model->open_ops, "");
	mirror_unlock(s->mirror);
	if (open >= (size_t)config_int(s->deps.config, "queue_high_mark"))
		return fail(err, ERR_BUSY, "Server busy. Retry operation later.");
	op->slot = -1;
	if (rules != NULL && rules->throttled)
		return slot_take(&s->engine_deps, op, t, err);
	return ERR_OK;
}

enum err
service_would_admit(struct service *s, struct operation *op, struct error *err)
{
	TXN_SCOPE struct txn scratch = { 0 };
	enum err r = service_admit(s, op, &scratch, err);

	op->slot = -1;
	return r;
}

enum err
service_commit_op(struct service *s, txn_build_fn *build, void *arg,
		  const char *op_id, struct error *err)
{
	enum err r;

	{
		LOCK_FOR_SCOPE(engine_turn(s->engine));
		r = engine_commit(s->engine, build, arg, err);
	}
	if (r == ERR_OK)
		engine_submit(s->engine, op_id);
	return r;
}

/* ---- reading ---- */

enum err
service_sync(struct service *s, struct error *err)
{
	return mirror_sync(s->mirror, SYNC_TIMEOUT_MS, err);
}

struct cluster *
service_cluster(struct service *s, const char *id)
{
	return (void *)mirror_get(s->mirror, RECORD_CLUSTER, id);
}

struct node *
service_node(struct service *s, const char *id)
{
	struct node *n = (void *)mirror_get(s->mirror, RECORD_NODE, id);

	if (n != NULL && n->adding) {
		record_unref(&n->r);
		return NULL;
	}
	return n;
}

struct device *
service_device(struct service *s, const char *id)
{
	struct device *d = (void *)mirror_get(s->mirror, RECORD_DEVICE, id);

	if (d != NULL && d->adding) {
		record_unref(&d->r);
		return NULL;
	}
	return d;
}

/* heketi shows none that is on its way, in either direction. */
static bool
is_there(enum volume_pending doing)
{
	return doing != VOLUME_CREATING && doing != VOLUME_DELETING;
}

struct volume *
service_volume(struct service *s, const char *id)
{
	struct volume *v = (void *)mirror_get(s->mirror, RECORD_VOLUME, id);

	if (v != NULL && !is_there(v->doing)) {
		record_unref(&v->r);
		return NULL;
	}
	return v;
}

struct blockvolume *
service_blockvolume(struct service *s, const char *id)
{
	struct blockvolume *b =
		(void *)mirror_get(s->mirror, RECORD_BLOCKVOLUME, id);

	if (b != NULL && !is_there(b->doing)) {
		record_unref(&b->r);
		return NULL;
	}
	return b;
}

struct operation *
service_operation(struct service *s, const char *id)
{
	return (void *)mirror_get(s->mirror, RECORD_OPERATION, id);
}

/* May clients see it? */
static bool
is_visible(const struct record *r)
{
	if (r->kind == RECORD_VOLUME)
		return is_there(((const struct volume *)r)->doing);
	if (r->kind == RECORD_BLOCKVOLUME)
		return is_there(((const struct blockvolume *)r)->doing);
	if (r->kind == RECORD_NODE)
		return !((const struct node *)r)->adding;
	if (r->kind == RECORD_DEVICE)
		return !((const struct device *)r)->adding;
	return true;
}

static void
list_kind(struct service *s, enum record_kind kind, struct strs *ret)
{
	size_t n, skip = strlen(record_prefix(kind));
	struct record **l = mirror_list(s->mirror, kind, &n);

	for (size_t i = 0; i < n; i++)
		if (is_visible(l[i]))
			strs_add(ret, l[i]->key + skip);
	mirror_list_free(l, n);
}

void
service_list_clusters(struct service *s, struct strs *ret)
{
	list_kind(s, RECORD_CLUSTER, ret);
}

void
service_list_volumes(struct service *s, struct strs *ret)
{
	list_kind(s, RECORD_VOLUME, ret);
}

void
service_list_blockvolumes(struct service *s, struct strs *ret)
{
	list_kind(s, RECORD_BLOCKVOLUME, ret);
}

void
service_list_nodes(struct service *s, struct strs *ret)
{
	list_kind(s, RECORD_NODE, ret);
}

void
service_list_devices(struct service *s, struct strs *ret)
{
	list_kind(s, RECORD_DEVICE, ret);
}

void
service_list_operations(struct service *s, struct strs *ret)
{
	list_kind(s, RECORD_OPERATION, ret);
}

static void
list_children(struct service *s, const struct relation *rel,
	      const char *parent, enum record_kind kind, struct strs *ret)
{
	const struct strs *ids;

	mirror_rdlock(s->mirror);
	ids = relation_of(rel, parent);
	for (size_t i = 0; i < ids->n; i++) {
		const struct record *r = mirror_peek(s->mirror, kind, ids->v[i]);

		if (r != NULL && is_visible(r))
			strs_add(ret, ids->v[i]);
	}
	mirror_unlock(s->mirror);
}

void
service_cluster_nodes(struct service *s, const char *cluster, struct strs *ret)
{
	list_children(s, s->model->nodes, cluster, RECORD_NODE, ret);
}

void
service_cluster_volumes(struct service *s, const char *cluster, struct strs *ret)
{
	list_children(s, s->model->volumes, cluster, RECORD_VOLUME, ret);
}

void
service_cluster_blockvolumes(struct service *s, const char *cluster,
			     struct strs *ret)
{
	list_children(s, s->model->blockvolumes, cluster, RECORD_BLOCKVOLUME,
		      ret);
}

void
service_hosted_blockvolumes(struct service *s, const char *volume,
			    struct strs *ret)
{
	list_children(s, s->model->hosted, volume, RECORD_BLOCKVOLUME, ret);
}

void
service_node_devices(struct service *s, const char *node, struct strs *ret)
{
	list_children(s, s->model->devices, node, RECORD_DEVICE, ret);
}

void
service_cluster_hosts(struct service *s, const char *cluster, struct strs *ret)
{
	const struct strs *ids;

	mirror_rdlock(s->mirror);
	ids = relation_of(s->model->nodes, cluster);
	for (size_t i = 0; i < ids->n; i++) {
		const struct node *n =
			(const void *)mirror_peek(s->mirror, RECORD_NODE,
						  ids->v[i]);

		if (n != NULL && !n->adding && n->storage.n > 0)
			strs_add(ret, n->storage.v[0]);
	}
	mirror_unlock(s->mirror);
}

static const struct brick *
brick_of(const struct volume *v, const char *id)
{
	for (size_t i = 0; i < v->nbricks; i++)
		if (strcmp(v->bricks[i].id, id) == 0)
			return &v->bricks[i];
	return NULL;
}

struct brick_on_device *
service_device_bricks(struct service *s, const char *device, size_t *ret_n)
{
	struct brick_on_device *l;
	const struct strs *keys;
	size_t n = 0;

	mirror_rdlock(s->mirror);
	keys = relation_of(s->model->bricks, device);
	l = xcalloc(keys->n, sizeof(*l));
	for (size_t i = 0; i < keys->n; i++) {
		char id[ID_SIZE];
		struct volume *v;

		snprintf(id, sizeof(id), "%s", keys->v[i]);
		v = (void *)mirror_peek(s->mirror, RECORD_VOLUME,
					keys->v[i] + ID_SIZE);
		if (v == NULL || brick_of(v, id) == NULL)
			continue;
		l[n].volume = (void *)record_ref(&v->r);
		l[n++].brick = brick_of(v, id);
	}
	mirror_unlock(s->mirror);
	*ret_n = n;
	return l;
}

void
service_device_bricks_free(struct brick_on_device *l, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_unref(&l[i].volume->r);
	free(l);
}

void
service_on_operation_end(struct service *s,
			 void (*fn)(void *arg, const char *id), void *arg)
{
	/* Under the write-side's lock partner, so that no call is half seen. */
	mirror_rdlock(s->mirror);
	s->on_end_arg = arg;
	s->on_end = fn;
	mirror_unlock(s->mirror);
}

struct plugin_host *
service_plugins(struct service *s)
{
	return s->deps.plugins;
}

const struct config *
service_config(struct service *s)
{
	return s->deps.config;
}

const char *
service_replica_id(struct service *s)
{
	return s->replica_id;
}

void
service_snapshot(struct service *s, struct mirror_snapshot *ret)
{
	mirror_snapshot_take(s->mirror, ret);
}

void
service_quarantined(struct service *s, struct strs *ret)
{
	mirror_quarantined(s->mirror, ret);
}
