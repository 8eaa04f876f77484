/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service as a whole, in this process: in-memory store, simulated nodes.
 * Several threads create, expand and delete; afterwards the sums must match.
 */
#include <config.h>

#include <inttypes.h>
#include <time.h>

#include "service.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#include "tests/tap.h"

#define NODES	4
#define DEVICES 3		/* of each node */
#define THREADS 6
#define ROUNDS	25

static struct service *service;
static char cluster_id[ID_SIZE];

struct installation {
	struct config *config;
	struct plugin_host *plugins;
	struct executor *executor;
};

static void
set(struct config *c, const char *key, const char *value)
{
	struct error err;

	if (config_set(c, key, value, CONFIG_STRING, "test", &err) != ERR_OK)
		printf("# %s\n", err.text);
}

static void
start(struct installation *in, const char *faults)
{
	const char *dir = getenv("BUILDDIR");
	struct service_deps deps = { 0 };
	CLEANUP(kvs_release) struct kvs given = { 0 };
	CLEANUP(kvs_release) struct kvs checked = { 0 };
	const struct plugin *p;
	struct error err = { 0 };
	enum err r;

	in->config = config_new();
	set(in->config, "glusterfs.executor", "simulated");
	in->plugins = plugin_host_new(dir ? dir : ".");
	r = plugin_find(in->plugins, BRICKYARD_KIND_EXECUTOR, "simulated", &p, &err);
	is_int(r, ERR_OK, "the simulated executor is there %s", err.text);
	if (r != ERR_OK)
		exit(1);
	if (faults != NULL)
		kvs_set(&given, "faults", faults);
	is_int(plugin_check_config(p, &given, &checked, &err), ERR_OK,
	       "its configuration is accepted %s", err.text);
	is_int(executor_open(p, &checked, &in->executor, &err), ERR_OK,
	       "it opens %s", err.text);
	is_int(store_open("sqlite::memory:", NULL, &deps.store, &err), ERR_OK,
	       "a store in memory");
	deps.config = in->config;
	deps.plugins = in->plugins;
	deps.executor = in->executor;
	is_int(service_start(&deps, &service, &err), ERR_OK, "the service starts %s",
	       err.text);
}

static void
stop(struct installation *in)
{
	service_stop(service, 1000);
	service_free(service);
	executor_close(in->executor);
	plugin_host_free(in->plugins);
	config_free(in->config);
}

/* Wait for an operation's end; its error code, ERR_OK when it went well. */
static enum err
wait_for(const char *op_id, char *ret_target)
{
	struct timespec ts = { .tv_nsec = 1000000 };

	for (;;) {
		RECORD_SCOPE struct operation *op = service_operation(service, op_id);

		if (op == NULL)
			return ERR_INTERNAL;
		if (operation_is_ended(op)) {
			if (ret_target != NULL)
				memcpy(ret_target, op->target, ID_SIZE);
			return op->status == OP_DONE ? ERR_OK : op->error_code;
		}
		nanosleep(&ts, NULL);
	}
}

static enum err
add_node(int i, char ret_id[ID_SIZE])
{
	struct node_request req = { .cluster = cluster_id, .zone = 1 + i % 2 };
	char name[32], op[ID_SIZE];
	struct error err;
	enum err r;

	snprintf(name, sizeof(name), "node%d", i);
	strs_add(&req.manage, name);
	strs_add(&req.storage, name);
	r = service_node_add(service, &req, op, &err);
	strs_release(&req.manage);
	strs_release(&req.storage);
	return r == ERR_OK ? wait_for(op, ret_id) : r;
}

static enum err
add_device(const char *node, int i)
{
	char name[32], op[ID_SIZE];
	struct device_request req = { .node = node, .name = name };
	struct error err;
	enum err r;

	snprintf(name, sizeof(name), "/dev/sd%c", 'b' + i);
	r = service_device_add(service, &req, op, &err);
	return r == ERR_OK ? wait_for(op, NULL) : r;
}

static void
build_topology(void)
{
	RECORD_SCOPE struct cluster *c = NULL;
	struct error err;
	bool good = true;

	is_int(service_cluster_create(service, true, true, &c, &err), ERR_OK,
	       "a cluster");
	memcpy(cluster_id, c->id, ID_SIZE);
	for (int i = 0; i < NODES; i++) {
		char node[ID_SIZE];

		good = good && add_node(i, node) == ERR_OK;
		for (int k = 0; k < DEVICES && good; k++)
			good = add_device(node, k) == ERR_OK;
	}
	ok(good, "%d nodes with %d devices", NODES, DEVICES);
}

static enum err
create(unsigned *seed, const char *name, char ret_id[ID_SIZE])
{
	struct volume_request req = { .name = name, .type = "replicate" };
	char op[ID_SIZE];
	struct error err;
	enum err r;

	req.size_gib = 1 + (uint64_t)rand_r(seed) % 40;
	req.snapshot_factor = 1;
	kvs_set(&req.params, "replicate.replica", rand_r(seed) % 2 ? "3" : "2");
	r = service_volume_create(service, &req, op, &err);
	kvs_release(&req.params);
	return r == ERR_OK ? wait_for(op, ret_id) : r;
}

static enum err
change(bool expand, const char *id)
{
	char op[ID_SIZE];
	struct error err;
	enum err r = expand ? service_volume_expand(service, id, 3, op, &err) :
			      service_volume_delete(service, id, op, &err);

	return r == ERR_OK ? wait_for(op, NULL) : r;
}

static void *
hammer(void *arg)
{
	unsigned seed = (unsigned)(size_t)arg;
	long bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		char id[ID_SIZE];
		enum err r = create(&seed, "", id);

		if (r == ERR_NOSPACE)
			continue;
		bad += r != ERR_OK;
		if (r == ERR_OK && rand_r(&seed) % 3 == 0)
			bad += change(true, id) != ERR_OK;
		if (r == ERR_OK && rand_r(&seed) % 2 == 0)
			bad += change(false, id) != ERR_OK;
	}
	return (void *)bad;
}

/* Every device's used space is the sum of the bricks on it; returns the sum. */
static uint64_t
check_sums(const char *when)
{
	CLEANUP(strs_release) struct strs devices = { 0 };
	uint64_t all = 0;
	int bad = 0;

	service_list_devices(service, &devices);
	for (size_t i = 0; i < devices.n; i++) {
		RECORD_SCOPE struct device *d =
			service_device(service, devices.v[i]);
		struct brick_on_device *l;
		uint64_t sum = 0;
		size_t n;

		l = service_device_bricks(service, devices.v[i], &n);
		for (size_t k = 0; k < n; k++)
			sum += l[k].brick->thin_pool_bytes +
			       l[k].brick->metadata_bytes;
		service_device_bricks_free(l, n);
		bad += sum != d->used_bytes;
		all += sum;
	}
	is_int(bad, 0, "used space of each device is the sum of its bricks %s", when);
	return all;
}

static void
delete_all(void)
{
	CLEANUP(strs_release) struct strs volumes = { 0 };
	int bad = 0;

	service_list_volumes(service, &volumes);
	for (size_t i = 0; i < volumes.n; i++)
		bad += change(false, volumes.v[i]) != ERR_OK;
	is_int(bad, 0, "all volumes can be deleted");
}

static void
test_hammer(void)
{
	struct installation in = { 0 };
	struct operation_counts counts;
	pthread_t threads[THREADS];
	long bad = 0;

	start(&in, NULL);
	build_topology();
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, hammer, (void *)(i + 1));
	for (size_t i = 0; i < THREADS; i++) {
		void *r;

		pthread_join(threads[i], &r);
		bad += (long)r;
	}
	is_int(bad, 0, "creates, expands and deletes at the same time all work");
	ok(check_sums("after them") > 0, "some space is used");
	service_operation_counts(service, &counts);
	is_int(counts.total, 0, "no operation is left open");
	delete_all();
	is_int(check_sums("when all are gone"), 0, "nothing is used any more");
	stop(&in);
}

static void
test_same_name(void)
{
	struct installation in = { 0 };
	unsigned seed = 1;
	char id[ID_SIZE];

	start(&in, NULL);
	build_topology();
	is_int(create(&seed, "data", id), ERR_OK, "a volume with a name");
	is_int(create(&seed, "data", id), ERR_REFUSED, "the same name is refused");
	delete_all();
	is_int(create(&seed, "data", id), ERR_OK, "a deleted volume's name is free");
	stop(&in);
}

/* A step that fails on one node: the create goes elsewhere; one that fails
 * always: the client gets the step's own words and nothing is left.
 */
static void
test_faults(void)
{
	struct installation in = { 0 };
	unsigned seed = 1;
	char id[ID_SIZE];

	start(&in, "bricks_create@node0=fail:disk on fire");
	build_topology();
	is_int(create(&seed, "elsewhere", id), ERR_OK,
	       "a create avoids the node that fails");
	check_sums("after the detour");
	stop(&in);

	start(&in, "volume_create=fail:gluster says no");
	build_topology();
	is_int(create(&seed, "nowhere", id), ERR_EXEC, "a create that can't work fails");
	is_int(check_sums("after the failure"), 0, "and gives back all its space");
	ok(service_volume(service, id) == NULL, "and leaves no volume");
	stop(&in);
}

int
main(void)
{
	log_set_level(LOG_LVL_ERR);
	test_hammer();
	test_same_name();
	test_faults();
	return tap_done();
}
