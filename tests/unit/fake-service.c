/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core's functions as the API's tests need them, and a configuration. */
#include <config.h>

#include <pthread.h>
#include <string.h>

#include "configuration.h"
#include "tests/unit/fake-service.h"
#include "util/xalloc.h"

struct service {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct operation *op;
	void (*on_end)(void *, const char *);
	void *on_end_arg;
	bool down, hangs, end_after_look, release_nodes;
	int syncs_inside;
	enum admin_mode mode;
	int nodes_inside, max_inside;
};

static struct service fake = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

struct service *
fake_service(void)
{
	return &fake;
}

void
fake_operation_start(void)
{
	LOCK_FOR_SCOPE(&fake.lock);

	if (fake.op != NULL)
		record_unref(&fake.op->r);
	fake.op = operation_new(FAKE_OPERATION);
	fake.op->status = OP_RUNNING;
	fake.end_after_look = false;
}

/* Records are immutable: a new one takes the place of the old one. */
static void
end_locked(const char *location, const char *error)
{
	struct operation *now = operation_copy(fake.op);

	now->status = error != NULL ? OP_FAILED : OP_DONE;
	now->error = xstrdup(error);
	now->location = xstrdup(location);
	record_unref(&fake.op->r);
	fake.op = now;
}

void
fake_operation_end(const char *location, const char *error, bool tell)
{
	LOCK_FOR_SCOPE(&fake.lock);

	end_locked(location, error);
	if (tell && fake.on_end != NULL)
		fake.on_end(fake.on_end_arg, FAKE_OPERATION);
}

void
fake_tell_all(void)
{
	LOCK_FOR_SCOPE(&fake.lock);

	fake.on_end(fake.on_end_arg, NULL);
}

void
fake_operation_end_after_next_look(void)
{
	LOCK_FOR_SCOPE(&fake.lock);

	fake.end_after_look = true;
}

void
fake_store_is_down(bool down)
{
	LOCK_FOR_SCOPE(&fake.lock);

	fake.down = down;
}

void
fake_store_hangs(bool hangs)
{
	LOCK_FOR_SCOPE(&fake.lock);

	fake.hangs = hangs;
	pthread_cond_broadcast(&fake.changed);
}

int
fake_syncs_inside(void)
{
	LOCK_FOR_SCOPE(&fake.lock);

	return fake.syncs_inside;
}

void
fake_nodes_release(bool release)
{
	LOCK_FOR_SCOPE(&fake.lock);

	fake.release_nodes = release;
	pthread_cond_broadcast(&fake.changed);
}

int
fake_nodes_inside(void)
{
	LOCK_FOR_SCOPE(&fake.lock);

	return fake.nodes_inside;
}

int
fake_max_inside(void)
{
	LOCK_FOR_SCOPE(&fake.lock);

	return fake.max_inside;
}

/* ---- core/service.h ---- */

enum err
service_sync(struct service *s, struct error *err)
{
	LOCK_FOR_SCOPE(&s->lock);

	s->syncs_inside++;
	while (s->hangs)
		pthread_cond_wait(&s->changed, &s->lock);
	s->syncs_inside--;
	return s->down ? fail(err, ERR_TIMEOUT, "etcd: no answer") : ERR_OK;
}

bool
service_is_ready(struct service *s, struct error *why)
{
	{
		LOCK_FOR_SCOPE(&s->lock);

		if (s->hangs) {
			fail(why, ERR_TIMEOUT, "etcd: no answer yet");
			return false;
		}
	}
	return service_sync(s, why) == ERR_OK;
}

struct operation *
service_operation(struct service *s, const char *id)
{
	LOCK_FOR_SCOPE(&s->lock);
	struct record *r;

	if (s->op == NULL || strcmp(s->op->id, id) != 0)
		return NULL;
	r = record_ref(&s->op->r);
	if (s->end_after_look) {
		s->end_after_look = false;
		end_locked(NULL, NULL);
	}
	return (void *)r;
}

bool
operation_is_ended(const struct operation *op)
{
	return op->status != OP_RUNNING && op->status != OP_UNDOING;
}

void
service_on_operation_end(struct service *s,
			 void (*fn)(void *, const char *), void *arg)
{
	LOCK_FOR_SCOPE(&s->lock);

	s->on_end = fn;
	s->on_end_arg = arg;
}

struct cluster *
service_cluster(struct service *s, const char *id)
{
	return strcmp(id, FAKE_CLUSTER) == 0 ? cluster_new(id) : NULL;
}

enum err
service_cluster_create(struct service *s, bool file, bool block,
		       struct cluster **ret, struct error *err)
{
	*ret = cluster_new(FAKE_CLUSTER);
	(*ret)->file = file;
	(*ret)->block = block;
	return ERR_OK;
}

void
service_list_clusters(struct service *s, struct strs *ret)
{
	strs_add(ret, FAKE_CLUSTER);
}

enum err
service_node_add(struct service *s, const struct node_request *q,
		 char ret_op[ID_SIZE], struct error *err)
{
	LOCK_FOR_SCOPE(&s->lock);

	if (++s->nodes_inside > s->max_inside)
		s->max_inside = s->nodes_inside;
	while (!s->release_nodes)
		pthread_cond_wait(&s->changed, &s->lock);
	s->nodes_inside--;
	memcpy(ret_op, FAKE_OPERATION, ID_SIZE);
	return ERR_OK;
}

enum err
service_volume_create(struct service *s, const struct volume_request *q,
		      char ret_op[ID_SIZE], struct error *err)
{
	return fail(err, ERR_BUSY, "Server busy. Retry operation later.");
}

/* ---- what is linked, but not called or of no interest ---- */

#define NO_LIST(name, ...)						\
	void name(struct service *s, ##__VA_ARGS__, struct strs *ret) {}
NO_LIST(service_list_volumes)
NO_LIST(service_list_blockvolumes)
NO_LIST(service_list_operations)
NO_LIST(service_cluster_nodes, const char *id)
NO_LIST(service_cluster_volumes, const char *id)
NO_LIST(service_cluster_hosts, const char *id)
NO_LIST(service_cluster_blockvolumes, const char *id)
NO_LIST(service_hosted_blockvolumes, const char *id)
NO_LIST(service_node_devices, const char *id)

#define NO_CHANGE(name, ...)						\
	enum err name(struct service *s, const char *id, ##__VA_ARGS__,	\
		      struct error *err)				\
	{								\
		return fail(err, ERR_NOTFOUND, "Id not found");		\
	}
NO_CHANGE(service_cluster_set_flags, bool file, bool block)
NO_CHANGE(service_cluster_delete)
NO_CHANGE(service_node_delete, char op[ID_SIZE])
NO_CHANGE(service_node_set_state, enum state state, bool heal,
	  char op[ID_SIZE])
NO_CHANGE(service_device_delete, bool force_forget, char op[ID_SIZE])
NO_CHANGE(service_device_set_state, enum state state, bool heal,
	  char op[ID_SIZE])
NO_CHANGE(service_brick_evict, bool heal, char op[ID_SIZE])
NO_CHANGE(service_device_resync, char op[ID_SIZE])
NO_CHANGE(service_volume_expand, uint64_t gib, char op[ID_SIZE])
NO_CHANGE(service_volume_delete, char op[ID_SIZE])
NO_CHANGE(service_volume_restrict, enum restriction to, char op[ID_SIZE])
NO_CHANGE(service_blockvolume_expand, uint64_t gib, char op[ID_SIZE])
NO_CHANGE(service_blockvolume_delete, char op[ID_SIZE])
NO_CHANGE(service_volume_clone, const char *name, char op[ID_SIZE])

enum err
service_device_add(struct service *s, const struct device_request *q,
		   char op[ID_SIZE], struct error *err)
{
	return fail(err, ERR_NOTFOUND, "Node id does not exist");
}

struct leftover_view *
service_leftovers(struct service *s, size_t *ret_n)
{
	*ret_n = 0;
	return NULL;
}

NO_CHANGE(service_node_tags, enum tags_change c, const struct kvs *tags,
	  struct kvs *ret)
NO_CHANGE(service_device_tags, enum tags_change c, const struct kvs *tags,
	  struct kvs *ret)

struct pending_view *
service_pending_list(struct service *s, size_t *ret_n)
{
	*ret_n = 0;
	return NULL;
}

void
service_leftovers_free(struct leftover_view *v, size_t n)
{
}

bool
service_pending(struct service *s, const char *id, struct pending_view *ret)
{
	return false;
}

enum err
service_clean_operations(struct service *s, const struct strs *ids,
			 char op[ID_SIZE], struct error *err)
{
	return fail(err, ERR_NOTFOUND, "Id not found");
}

struct examined *
service_examine(struct service *s, const struct mirror_snapshot *snapshot,
		size_t *ret_n)
{
	*ret_n = 0;
	return NULL;
}

void
service_examine_free(struct examined *l, size_t n)
{
}

void
service_snapshot(struct service *s, struct mirror_snapshot *ret)
{
	memset(ret, 0, sizeof(*ret));
}

struct node *
service_node(struct service *s, const char *id)
{
	return NULL;
}

struct device *
service_device(struct service *s, const char *id)
{
	return NULL;
}

struct volume *
service_volume(struct service *s, const char *id)
{
	return NULL;
}

struct blockvolume *
service_blockvolume(struct service *s, const char *id)
{
	return NULL;
}

enum err
service_blockvolume_create(struct service *s,
			   const struct blockvolume_request *q,
			   char op[ID_SIZE], struct error *err)
{
	return fail(err, ERR_BADREQ, "No clusters configured");
}

struct brick_on_device *
service_device_bricks(struct service *s, const char *device, size_t *ret_n)
{
	*ret_n = 0;
	return NULL;
}

void
service_device_bricks_free(struct brick_on_device *l, size_t n)
{
}

void
service_operation_counts(struct service *s, struct operation_counts *ret)
{
}

struct replica_view *
service_replicas(struct service *s, size_t *ret_n)
{
	*ret_n = 0;
	return NULL;
}

void
service_replicas_free(struct replica_view *l, size_t n)
{
}

struct record **
service_unhealthy(struct service *s, size_t *ret_n)
{
	*ret_n = 0;
	return NULL;
}

size_t
service_figures(struct service *s, struct figure ret[SERVICE_FIGURES_MAX])
{
	return 0;
}

void
service_measure(struct service *s, struct measures *ret)
{
	static const struct mirror_stats none;

	memset(ret, 0, sizeof(*ret));
	ret->store = &none;
}

void
measures_release(struct measures *m)
{
}

void
service_measure_topology(struct service *s, struct topology_measures *ret)
{
	memset(ret, 0, sizeof(*ret));
}

void
topology_measures_release(struct topology_measures *t)
{
}

/* ---- switches ---- */

enum admin_mode
service_admin_mode(struct service *s)
{
	LOCK_FOR_SCOPE(&s->lock);

	return s->mode;
}

enum err
service_set_admin_mode(struct service *s, enum admin_mode mode,
		       struct error *err)
{
	LOCK_FOR_SCOPE(&s->lock);

	s->mode = mode;
	return ERR_OK;
}

const char *
service_log_level(struct service *s)
{
	return "info";
}

enum err
service_set_log_level(struct service *s, const char *name, struct error *err)
{
	return fail(err, ERR_PARSE, "invalid log level: %s", name);
}

static const char *const modes[] = { "normal", "read-only", "local-client" };

const char *
admin_mode_name(enum admin_mode mode)
{
	return modes[mode];
}

bool
admin_mode_parse(const char *name, enum admin_mode *ret)
{
	for (int i = 0; i < 3; i++)
		if (strcmp(modes[i], name) == 0)
			*ret = (enum admin_mode)i;
	return true;
}

void
service_volume_types(struct service *s, struct kvs *ret)
{
}

void
service_missing_types(struct service *s, struct kvs *ret)
{
}

struct plugin_host *
service_plugins(struct service *s)
{
	return NULL;
}

const struct plugin *
plugin_for_request(const struct plugin_host *h, const char *name)
{
	return NULL;
}

const struct plugin *const *
plugin_list(const struct plugin_host *h, size_t *ret_n)
{
	*ret_n = 0;
	return NULL;
}

/* ---- core/configuration.h: held polls are held for long ---- */

const char *
config_str(const struct config *c, const char *key)
{
	return strcmp(key, "jwt.admin.key") == 0 ? "A" :
	       strcmp(key, "jwt.user.key") == 0 ? "U" : "";
}

int64_t
config_int(const struct config *c, const char *key)
{
	return strcmp(key, "queue_hold_ms") == 0 ? 600000 :
	       strcmp(key, "request_threads") == 0 ? 2 : 0;
}

int
config_bool(const struct config *c, const char *key)
{
	return 0;
}

enum err
service_node_probe(struct service *s, const char *id,
		   struct brickyard_result *ret, struct error *err)
{
	return fail(err, ERR_NOTFOUND, "Id not found");
}
