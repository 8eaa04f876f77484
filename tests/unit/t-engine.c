/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations engine when things go wrong: leases, stores, nodes and other
 * replicas, at the moments that hurt.  Two replicas in one process share a
 * store in memory; the nodes do what the test says.
 */
#include <config.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "service.h"
#include "store/codec.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#include "fake-nodes.h"
#include "hub-store.h"
#include "tests/tap.h"

#define NODES 3

struct world {
	struct hub *hub;
	struct config *config;
	struct plugin_host *plugins;
	struct store *store[2];
	struct service *s[2];
	char cluster[ID_SIZE], node[NODES][ID_SIZE], device[NODES][ID_SIZE];
};

static struct world w;

/* ---- building ---- */

static void
set_as(const char *key, const char *value, enum config_type type)
{
	struct error err;

	if (config_set(w.config, key, value, type, "test", &err) != ERR_OK)
		printf("# %s\n", err.text);
}

static void
set(const char *key, const char *value)
{
	set_as(key, value, CONFIG_STRING);
}

static void
start(int i)
{
	struct service_deps deps = { .config = w.config, .plugins = w.plugins };
	struct error err = { 0 };

	w.store[i] = deps.store = hub_open(w.hub);
	if (service_start(&deps, &w.s[i], &err) != ERR_OK) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
}

static void
stop(int i, int grace_ms)
{
	service_stop(w.s[i], grace_ms);
	service_free(w.s[i]);
	w.s[i] = NULL;
	w.store[i] = NULL;
}

static bool
ended(int i, const char *op_id)
{
	RECORD_SCOPE struct operation *op = service_operation(w.s[i], op_id);

	return op == NULL || operation_is_ended(op);
}

/* How it ended: ERR_OK, its error, or ERR_TIMEOUT after 20 s. */
static enum err
wait_end(int i, const char *op_id)
{
	RECORD_SCOPE struct operation *op = NULL;
	int64_t until = clock_mono_ms() + 20000;
	struct timespec ts = { .tv_nsec = 1000000 };

	while (!ended(i, op_id)) {
		if (clock_mono_ms() > until)
			return ERR_TIMEOUT;
		nanosleep(&ts, NULL);
	}
	op = service_operation(w.s[i], op_id);
	if (op == NULL)
		return ERR_NOTFOUND;
	return op->status == OP_DONE ? ERR_OK : op->error_code;
}

static bool
wait_for(bool (*is)(void))
{
	int64_t until = clock_mono_ms() + 20000;
	struct timespec ts = { .tv_nsec = 1000000 };

	while (!is() && clock_mono_ms() < until)
		nanosleep(&ts, NULL);
	return is();
}

static enum err
add_node(const char *name, const char *also, char op[ID_SIZE])
{
	struct node_request req = { .cluster = w.cluster, .zone = 1 };
	struct error err;
	enum err r;

	strs_add(&req.manage, name);
	strs_add(&req.storage, name);
	if (also != NULL) {
		strs_add(&req.manage, also);
		strs_add(&req.storage, also);
	}
	r = service_node_add(w.s[0], &req, op, &err);
	strs_release(&req.manage);
	strs_release(&req.storage);
	return r;
}

static enum err
add_device(const char *node, char op[ID_SIZE])
{
	struct device_request req = { .node = node, .name = "/dev/sdb" };
	struct error err;

	return service_device_add(w.s[0], &req, op, &err);
}

static void
target_of(const char *op_id, char ret[ID_SIZE])
{
	RECORD_SCOPE struct operation *op = service_operation(w.s[0], op_id);

	memcpy(ret, op->target, ID_SIZE);
}

static void
build_topology(void)
{
	struct cluster *c = NULL;
	struct error err;
	bool good = service_cluster_create(w.s[0], true, true, &c, &err) == ERR_OK;
	char op[ID_SIZE], name[16];

	memcpy(w.cluster, c->id, ID_SIZE);
	record_unref(&c->r);
	for (int i = 0; i < NODES; i++) {
		snprintf(name, sizeof(name), "node%d", i);
		good = good && add_node(name, NULL, op) == ERR_OK &&
		       wait_end(0, op) == ERR_OK;
		target_of(op, w.node[i]);
		good = good && add_device(w.node[i], op) == ERR_OK &&
		       wait_end(0, op) == ERR_OK;
		target_of(op, w.device[i]);
	}
	ok(good, "%d nodes with a device each", NODES);
}

static void
begin_with(const char *what, const char *key, const char *value)
{
	const char *dir = getenv("BUILDDIR");

	printf("# %s\n", what);
	memset(&w, 0, sizeof(w));
	fake_reset();
	w.hub = hub_new();
	w.config = config_new();
	if (key != NULL)
		set(key, value);
	w.plugins = plugin_host_new(dir ? dir : ".");
	start(0);
	build_topology();
}

static void
begin(const char *what)
{
	begin_with(what, NULL, NULL);
}

static void
end(void)
{
	for (int i = 0; i < 2; i++)
		if (w.s[i] != NULL)
			stop(i, 5000);
	hub_free(w.hub);
	plugin_host_free(w.plugins);
	config_free(w.config);
	fake_reset();
}

static enum err
create_with(int i, const char *name, const char *replica, char op[ID_SIZE])
{
	struct volume_request req = {
		.size_gib = 5, .name = name, .type = "replicate",
		.snapshot_factor = 1,
	};
	struct error err;
	enum err r;

	kvs_set(&req.params, "replicate.replica", replica);
	r = service_volume_create(w.s[i], &req, op, &err);
	kvs_release(&req.params);
	if (r != ERR_OK)
		printf("# %s\n", err.text);
	return r;
}

static enum err
create(int i, const char *name, char op[ID_SIZE])
{
	return create_with(i, name, "3", op);
}

/* A volume that is there; its id. */
static void
have_volume(char id[ID_SIZE])
{
	char op[ID_SIZE] = "";

	is_int(create(0, "", op), ERR_OK, "a create is accepted");
	is_int(wait_end(0, op), ERR_OK, "and ends well");
	target_of(op, id);
}

/* What bricks that are left over take on a device. */
static uint64_t
left_on(int s, const char *device)
{
	size_t n;
	struct leftover_view *l = service_leftovers(w.s[s], &n);
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(l[i].brick.device, device) == 0)
			sum += l[i].brick.thin_pool_bytes +
			       l[i].brick.metadata_bytes;
	service_leftovers_free(l, n);
	return sum;
}

/* Every device's used space is the sum of the bricks on it, and of those left over
 * there; returns the sum.
 */
static uint64_t
check_sums(int s)
{
	uint64_t all = 0;
	int bad = 0;

	for (int i = 0; i < NODES; i++) {
		RECORD_SCOPE struct device *d =
			service_device(w.s[s], w.device[i]);
		struct brick_on_device *l;
		uint64_t sum = 0;
		size_t n;

		if (d == NULL)
			continue;
		l = service_device_bricks(w.s[s], d->id, &n);
		for (size_t k = 0; k < n; k++)
			sum += l[k].brick->thin_pool_bytes +
			       l[k].brick->metadata_bytes;
		service_device_bricks_free(l, n);
		sum += left_on(s, d->id);
		bad += sum != d->used_bytes;
		all += sum;
	}
	is_int(bad, 0, "used space is the sum of the bricks");
	return all;
}

/* No trace of any volume: records, names, space, nodes. */
static void
check_nothing(int s)
{
	is_int(check_sums(s), 0, "no space is used");
	is_int(hub_count(w.hub, "volumes/"), 0, "no volume is recorded");
	is_int(hub_count(w.hub, "index/volume-names/"), 0, "no name is taken");
	is_int(hub_count(w.hub, "slots/"), 0, "no slot is taken");
	is_int(fake_bricks(), 0, "no brick is left on a node");
	is_int(fake_volumes(), 0, "no gluster volume is left");
}

/* ---- hooks ---- */

static _Atomic(const char *) hook_step;
static atomic_int hook_times;		/* so often it acts, then it does not */
static atomic_int hook_released;		/* hung until it was cancelled */
static _Atomic(enum err) hook_code;

/* Fail hook_step with hook_code. */
static enum err
hook_fail(const struct fake_call *c, struct error *err)
{
	if (strcmp(c->step, hook_step) != 0 || hook_times <= 0)
		return ERR_OK;
	hook_times--;
	return fail(err, hook_code, "%s fails as told", c->step);
}

/* Hang in hook_step until cancelled. */
static enum err
hook_hang(const struct fake_call *c, struct error *err)
{
	if (strcmp(c->step, hook_step) != 0 || hook_times <= 0)
		return ERR_OK;
	hook_times--;
	(void)fake_hang(c, err);
	hook_released++;
	return ERR_CANCELLED;
}

/* volume_create fails always; hang in hook_step. */
static enum err
hook_fail_and_hang(const struct fake_call *c, struct error *err)
{
	if (strcmp(c->step, "volume_create") == 0)
		return fail(err, ERR_EXEC, "no");
	return hook_hang(c, err);
}

static atomic_int refusals;

/* The first node makes no bricks. */
static enum err
hook_bad_node(const struct fake_call *c, struct error *err)
{
	if (strcmp(c->step, "bricks_create") != 0 ||
	    strcmp(c->node, w.node[0]) != 0)
		return ERR_OK;
	refusals++;
	return fail(err, ERR_EXEC, "disk on fire");
}

/* The node that is asked first to do hook_step is lost from then on: nothing that it
 * is asked is answered, but with hook_code.
 */
static pthread_mutex_t lost_lock = PTHREAD_MUTEX_INITIALIZER;
static char lost_node[ID_SIZE];

static enum err
hook_lose(const struct fake_call *c, struct error *err)
{
	LOCK_FOR_SCOPE(&lost_lock);

	if (lost_node[0] == '\0' && strcmp(c->step, hook_step) == 0)
		snprintf(lost_node, sizeof(lost_node), "%s", c->node);
	if (strcmp(c->node, lost_node) != 0)
		return ERR_OK;
	return fail(err, strcmp(c->step, "node_check") == 0 ? ERR_UNREACHABLE :
		    hook_code, "%s: no answer", c->host);
}

static _Atomic(const char *) hook_gone;

/* The record goes while the step is at work. */
static enum err
hook_drop_record(const struct fake_call *c, struct error *err)
{
	if (strcmp(c->step, hook_step) == 0)
		hub_put(w.hub, hook_gone, NULL);
	return ERR_OK;
}

static void
hook(fake_hook_fn *fn, const char *step, int times, enum err code)
{
	hook_step = step;
	hook_released = 0;
	hook_times = times;
	hook_code = code;
	fake_hook = fn;
}

/* ---- the lease ---- */

static bool
is_listed(void)
{
	CLEANUP_FREE char *key = xasprintf("replicas/%s",
					   service_replica_id(w.s[0]));
	CLEANUP_FREE char *doc = hub_get(w.hub, key);

	return doc != NULL && service_is_ready(w.s[0], NULL);
}

static void
test_lease_comes_back(void)
{
	begin("a lease that was lost is got again, whatever fails on the way");
	hub_lose_lease(w.store[0], true);
	ok(wait_for(is_listed), "after a loss");
	hub_fail_grants(w.store[0], 1);
	hub_lose_lease(w.store[0], true);
	ok(wait_for(is_listed), "after a grant that failed");
	hub_fail_leased(w.store[0], 1);
	hub_lose_lease(w.store[0], true);
	ok(wait_for(is_listed), "after the replica's record could not be put");
	hub_lose_next_grant(w.store[0]);
	hub_lose_lease(w.store[0], true);
	ok(wait_for(is_listed), "after the new lease was lost at once");
	end();
}

static void *
renew_soon(void *arg)
{
	struct timespec ts = { .tv_nsec = 100000000 };

	nanosleep(&ts, NULL);
	hub_set_late(w.store[0], false);
	hub_set_lease_left(w.store[0], 0);
	return NULL;
}

static void
test_readiness_is_told_while_the_lease_lives(void)
{
	int64_t before;
	struct error why;
	pthread_t t;

	begin("a replica says while its lease lives that it is not ready");
	hub_set_late(w.store[0], true);
	hub_set_lease_left(w.store[0], 400);
	before = clock_mono_ms();
	ok(!service_is_ready(w.s[0], &why), "it isn't, when the store is silent");
	ok(clock_mono_ms() - before < 3000, "and doesn't wait as others would");
	ok(!service_is_ready(w.s[0], &why), "nor when the time is up");
	has_str(why.text, "lease could not be renewed", "it says why");
	hub_set_lease_left(w.store[0], 1000);
	pthread_create(&t, NULL, renew_soon, NULL);
	ok(service_is_ready(w.s[0], &why),
	   "when the lease is renewed meanwhile it asks on");
	pthread_join(t, NULL);
	end();
}

static void
test_replica_record_vanishes(void)
{
	CLEANUP_FREE char *key = NULL;

	begin("the replica's record is put again when somebody deletes it");
	key = xasprintf("replicas/%s", service_replica_id(w.s[0]));
	hub_put(w.hub, key, NULL);
	ok(wait_for(is_listed), "it is there again");
	end();
}

/* ---- taking over ---- */

static uint64_t
epoch_of(int i, const char *op_id)
{
	RECORD_SCOPE struct operation *op = service_operation(w.s[i], op_id);

	return op != NULL ? op->epoch : 0;
}

static _Atomic uint64_t seen_epoch;

static enum err
hook_see_epoch(const struct fake_call *c, struct error *err)
{
	seen_epoch = c->call->epoch;
	return hook_hang(c, err);
}

static void
test_only_the_dead_are_inherited(void)
{
	struct timespec ts = { .tv_sec = 2, .tv_nsec = 500000000 };
	char op[ID_SIZE] = "";

	begin("a living replica keeps its operations, a dead one's go on");
	start(1);
	hook(hook_see_epoch, "bricks_create", NODES, 0);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(fake_wait_calls("bricks_create", NODES), "and is at work on its nodes");
	is_int(seen_epoch, 1, "with the first epoch");
	nanosleep(&ts, NULL);
	is_int(epoch_of(1, op), 1, "the other replica leaves it alone");
	stop(0, 0);
	is_int(wait_end(1, op), ERR_OK, "when its owner is gone it is finished");
	is_int(epoch_of(1, op), 2, "under the next epoch");
	is_int(seen_epoch, 2, "which the nodes are told");
	is_int(fake_bricks(), NODES, "every brick is there once");
	check_sums(1);
	end();
}

/* A loses its lease, B takes the operation and dies, A gets it back. */
static void
test_there_and_back(void)
{
	char op[ID_SIZE] = "";

	begin("an operation that was lost to another replica can come back");
	start(1);
	hook(hook_hang, "bricks_create", 1000, 0);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(fake_wait_calls("bricks_create", NODES), "and is at work");
	hub_fail_grants(w.store[0], 3);
	hub_lose_lease(w.store[0], true);
	ok(fake_wait_calls("bricks_create", 2 * NODES), "the other takes it over");
	is_int(epoch_of(1, op), 2, "under the next epoch");
	ok(wait_for(is_listed), "the first gets a new lease");
	hook_times = 0;
	stop(1, 0);
	is_int(wait_end(0, op), ERR_OK, "and takes it back when the other is gone");
	is_int(epoch_of(0, op), 3, "under the epoch after that");
	is_int(fake_bricks(), NODES, "every brick is there once");
	check_sums(0);
	end();
}

/* The lease goes and comes while a step is at work: the step must not go on as
 * if nothing had happened, somebody may have taken it over in between.
 */
static void
test_new_lease_is_no_old_lease(void)
{
	char op[ID_SIZE] = "";

	begin("a call belongs to the lease under which it began");
	hook(hook_hang, "bricks_create", NODES, 0);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(fake_wait_calls("bricks_create", NODES), "and is at work");
	hub_lose_lease(w.store[0], true);
	ok(wait_for(is_listed), "the lease is lost and granted anew");
	is_int(wait_end(0, op), ERR_OK, "the step was cancelled and done again");
	end();
}

static bool
all_released(void)
{
	return hook_released == NODES;
}

static void
test_deadline_of_the_lease(void)
{
	char op[ID_SIZE] = "";

	begin("node work ends with the lease's time, told or not");
	hook(hook_hang, "bricks_create", NODES, 0);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(fake_wait_calls("bricks_create", NODES), "and is at work");
	hub_fail_grants(w.store[0], 1000);
	hub_lose_lease(w.store[0], false);
	ok(wait_for(all_released), "its steps are cancelled");
	ok(!ended(0, op), "and it waits for a new lease");
	is_int(fake_calls("bricks_create"), NODES, "without beginning a step");
	hub_fail_grants(w.store[0], 0);
	is_int(wait_end(0, op), ERR_OK, "with which it ends well");
	end();
}

/* Somebody else takes the operation over just before we change its volume. */
static _Atomic(const char *) stolen_key, watched_key;
static atomic_bool stolen;

static void
steal(const struct store_write *writes, size_t n)
{
	CLEANUP_FREE char *doc = NULL;
	char *at;

	for (size_t i = 0; i < n; i++)
		if (strcmp(writes[i].key, watched_key) == 0 && !stolen)
			doc = hub_get(w.hub, stolen_key);
	if (doc == NULL)
		return;
	stolen = true;
	at = strstr(doc, "\"epoch\":");
	at[strlen("\"epoch\":")] = '7';
	at = strstr(doc, "\"owner\":\"");
	memset(at + strlen("\"owner\":\""), 'b', 32);
	hub_put(w.hub, stolen_key, doc);
}

/* Does whoever loses the operation in the stage before its commit leave the
 * volume alone?
 */
static void
check_robbed(const char *kind, const char *id, const char *op, bool fails)
{
	CLEANUP_FREE char *doc = NULL;
	CLEANUP_FREE char *volume_key = xasprintf("volumes/%s", id);
	CLEANUP_FREE char *key = xasprintf("operations/%s", op);
	CLEANUP_FREE char *before = hub_get(w.hub, volume_key);
	CLEANUP_FREE char *after = NULL;
	struct timespec ts = { .tv_nsec = 300000000 };

	stolen_key = key;
	watched_key = volume_key;
	stolen = false;
	hub_before_commit(w.hub, steal);
	if (fails)
		hook(hook_fail, hook_step, 1000, ERR_EXEC);
	hub_lose_lease(w.store[0], true);	/* ends the hanging step */
	for (int i = 0; i < 60 && !stolen; i++)
		nanosleep(&ts, NULL);
	ok(stolen, "%s: it is robbed before it changes the volume", kind);
	nanosleep(&ts, NULL);
	hub_before_commit(w.hub, NULL);
	after = hub_get(w.hub, volume_key);
	is_str(after, before, "%s: the volume is left to the new owner", kind);
	doc = hub_get(w.hub, key);
	has_str(doc, "\"owner\":\"bbbb", "%s: so is the operation", kind);
	check_sums(0);
}

/* Alive, so that nobody takes back what it stole. */
static void
add_thief(void)
{
	hub_put(w.hub, "replicas/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
		"{\"v\":1}");
}

static void
test_zombie_gives_nothing_back(void)
{
	char op[ID_SIZE] = "", id[ID_SIZE];

	begin("who lost a create gives back no space any more");
	add_thief();
	hook(hook_hang, "volume_create", 1, 0);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(fake_wait_calls("volume_create", 1), "and is at its last stage");
	target_of(op, id);
	check_robbed("create", id, op, true);
	end();
}

static void
test_zombie_ends_nothing(void)
{
	char op[ID_SIZE] = "", id[ID_SIZE];

	begin("who lost a create ends it no more");
	add_thief();
	hook(hook_hang, "volume_create", 1, 0);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(fake_wait_calls("volume_create", 1), "and is at its last stage");
	target_of(op, id);
	check_robbed("create", id, op, false);
	end();
}

static void
test_zombie_keeps_nothing(void)
{
	char op[ID_SIZE] = "", id[ID_SIZE];
	struct error err;

	begin("who lost an expand settles nothing any more");
	add_thief();
	have_volume(id);
	hook(hook_hang, "volume_expand_done", 1, 0);
	is_int(service_volume_expand(w.s[0], id, 3, op, &err), ERR_OK,
	       "an expand begins");
	ok(fake_wait_calls("volume_expand_done", 1), "and is at its last stage");
	check_robbed("expand", id, op, true);
	end();
}

/* ---- stopping ---- */

static void
test_stop_in_backoff(void)
{
	char op[ID_SIZE] = "";

	begin("a stop while a step is tried again is no failure of the step");
	hook(hook_fail, "volume_create", 2, ERR_UNREACHABLE);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(fake_wait_calls("volume_create", 2), "a step fails for the moment");
	stop(0, 0);
	fake_hook = NULL;
	start(0);
	is_int(wait_end(0, op), ERR_OK, "the next one carries it to its end");
	is_int(fake_calls("volume_destroy"), 0, "nothing was undone");
	end();
}

static void
fail_device(int i)
{
	char op[ID_SIZE];
	struct error err;
	bool good;

	good = service_device_set_state(w.s[0], w.device[i], STATE_OFFLINE, true, op,
					&err) == ERR_OK &&
	       service_device_set_state(w.s[0], w.device[i], STATE_FAILED, true, op,
					&err) == ERR_OK;
	ok(good, "a device fails");
}

static void
test_stop_in_forget(void)
{
	char op[ID_SIZE] = "";
	struct error err;

	begin("a device is not forgotten because its removal was stopped");
	fail_device(0);
	hook(hook_hang, "device_forget", 1, 0);
	is_int(service_device_delete(w.s[0], w.device[0], true, op, &err),
	       ERR_OK, "forgetting it begins");
	ok(fake_wait_calls("device_forget", 1), "and is at work");
	stop(0, 0);
	start(0);
	is_int(wait_end(0, op), ERR_OK, "the next one does it");
	is_int(fake_calls("device_forget"), 2, "all of it");
	end();
}

static void
test_stop_in_node_delete(void)
{
	char op[ID_SIZE] = "";
	struct error err;

	begin("a node does not go undetached because its delete was stopped");
	fail_device(0);
	is_int(service_device_delete(w.s[0], w.device[0], false, op, &err),
	       ERR_OK, "its device goes");
	is_int(wait_end(0, op), ERR_OK, "well");
	hook(hook_hang, "node_check", 1000, 0);
	is_int(service_node_delete(w.s[0], w.node[0], op, &err), ERR_OK,
	       "deleting the node begins");
	ok(fake_wait_calls("node_check", 1), "and looks for a peer");
	stop(0, 0);
	fake_hook = NULL;
	start(0);
	is_int(wait_end(0, op), ERR_OK, "the next one does it");
	is_int(fake_calls("peer_detach"), 1, "with the detach");
	is_int(hub_count(w.hub, "index/hosts/"), 2 * (NODES - 1),
	       "its host names are free again");
	end();
}

static void
test_goes_on_from_its_stage(void)
{
	char op[ID_SIZE] = "";

	begin("who takes over goes on from the stage that is recorded");
	hook(hook_hang, "volume_create", 1, 0);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(fake_wait_calls("volume_create", 1), "and is at its last stage");
	stop(0, 0);
	start(0);
	is_int(wait_end(0, op), ERR_OK, "the next one brings it to its end");
	is_int(fake_calls("bricks_create"), NODES, "the bricks were made once");
	end();

	begin("also backward");
	hook(hook_fail_and_hang, "bricks_destroy", NODES, 0);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(fake_wait_calls("bricks_destroy", NODES), "fails, and goes back");
	is_int(fake_calls("volume_info"), 1, "behind its last stage");
	stop(0, 0);
	start(0);
	is_int(wait_end(0, op), ERR_EXEC, "the next one brings it to its end");
	is_int(fake_calls("volume_info"), fake_calls("volume_create"),
	       "after five attempts, of which each was undone once");
	check_nothing(0);
	end();
}

static atomic_int times_told;

static void
on_end(void *arg, const char *id)
{
	times_told += id != NULL;
}

static const char *waited_for;

static bool
has_failed(void)
{
	RECORD_SCOPE struct operation *op = service_operation(w.s[0], waited_for);

	return op != NULL && op->status == OP_FAILED;
}

static enum err
hook_no_way(const struct fake_call *c, struct error *err)
{
	return strcmp(c->step, "volume_create") == 0 ?
	       fail(err, ERR_EXEC, "no way forward") :
	       strcmp(c->step, "bricks_destroy") == 0 ?
	       fail(err, ERR_UNREACHABLE, "no way back") : ERR_OK;
}

static bool
was_told(void)
{
	return times_told > 0;
}

static void
test_stuck(void)
{
	RECORD_SCOPE struct operation *rec = NULL;
	char op[ID_SIZE] = "";

	begin_with("an operation that can neither be done nor undone",
		   "glusterfs.start_time_background_cleaner", "1");
	hook(hook_no_way, "", 0, 0);
	times_told = 0;
	service_on_operation_end(w.s[0], on_end, NULL);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(wait_for(was_told), "those who wait for its end are told");
	is_int(wait_end(0, op), ERR_EXEC, "the client gets its error");
	rec = service_operation(w.s[0], op);
	is_str(rec->error, "no way forward", "in the words of the step");
	is_int(rec->status, OP_STUCK, "it is not given up");
	is_int(hub_count(w.hub, "volumes/"), 1, "nor is its space");
	service_on_operation_end(w.s[0], NULL, NULL);
	stop(0, 0);
	fake_hook = NULL;
	start(0);
	waited_for = op;
	ok(wait_for(has_failed), "when the way is free it is undone");
	check_nothing(0);
	end();
}

/* ---- many that are stuck ---- */

static _Atomic bool make_fails, make_waits, undo_fails;
static _Atomic int undos, undoing, most_undoing;

static void
nap_ms(int ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000L };

	nanosleep(&ts, NULL);
}

static enum err
hook_moody(const struct fake_call *c, struct error *err)
{
	if (strcmp(c->step, "volume_create") == 0) {
		while (make_waits && !c->call->cancelled(c->call))
			nap_ms(1);
		return make_fails ? fail(err, ERR_EXEC, "no way forward") :
				    ERR_OK;
	}
	if (strcmp(c->step, "bricks_destroy") != 0)
		return ERR_OK;
	undos++;
	if (undo_fails)
		return fail(err, ERR_EXEC, "no way back");
	if (++undoing > most_undoing)
		most_undoing = undoing;
	nap_ms(100);
	undoing--;
	return ERR_OK;
}

static bool
no_volume_is_left(void)
{
	return hub_count(w.hub, "volumes/") == 0;
}

/* Creates of one brick that are stuck until undo_fails is false. */
static void
get_stuck(int n)
{
	char op[ID_SIZE];

	make_fails = undo_fails = true;
	undos = undoing = most_undoing = 0;
	fake_hook = hook_moody;
	for (int i = 0; i < n; i++)
		ok(create_with(0, "", "1", op) == ERR_OK &&
		   wait_end(0, op) == ERR_EXEC, "(one that is stuck)");
}

static void
test_stuck_in_turn(void)
{
	begin_with("stuck undos are tried one at a time",
		   "glusterfs.start_time_background_cleaner", "1");
	get_stuck(4);
	stop(0, 0);
	undo_fails = false;
	start(0);
	ok(wait_for(no_volume_is_left), "in the end all are undone");
	is_int(most_undoing, 1, "never two at a time");
	check_nothing(0);
	end();
}

static bool
was_tried(void)
{
	return undos > 0;
}

static void
test_stuck_gives_way(void)
{
	char op[ID_SIZE];

	begin("a stuck undo takes nobody's slot");
	stop(0, 0);
	set("glusterfs.start_time_background_cleaner", "1");
	set("glusterfs.refresh_time_background_cleaner", "1");
	set("glusterfs.max_inflight_operations", "1");
	start(0);
	get_stuck(1);
	undos = 0;
	ok(wait_for(was_tried), "it is tried again");
	make_fails = false;
	make_waits = true;
	is_int(create(0, "", op), ERR_OK, "another takes the only slot");
	nap_ms(900);
	nap_ms(900);
	undos = 0;
	undo_fails = false;
	nap_ms(900);
	nap_ms(900);
	is_int(undos, 0, "as long as it has it, nothing stuck is tried");
	make_waits = false;
	is_int(wait_end(0, op), ERR_OK, "it ends");
	ok(wait_for(was_tried), "then it is tried again");
	end();
}

/* ---- the store ---- */

static enum err
hook_store_goes(const struct fake_call *c, struct error *err)
{
	if (strcmp(c->step, hook_step) == 0 && hook_times-- == 1)
		hub_set_away(w.hub, true);
	return ERR_OK;
}

static void
store_away(const char *step)
{
	struct timespec ts = { .tv_sec = 1, .tv_nsec = 300000000 };
	char op[ID_SIZE] = "";

	hook(hook_store_goes, step, 1, 0);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(fake_wait_calls(step, 1), "the store goes away in %s", step);
	nanosleep(&ts, NULL);
	hub_set_away(w.hub, false);
	is_int(wait_end(0, op), ERR_OK, "the create ends well when it is back");
}

static void
test_store_away(void)
{
	begin("the store is away while a create is at work");
	store_away("bricks_create");
	fake_hook = NULL;
	is_int(fake_volumes(), 1, "there is one volume");
	end();
	begin("the store is away when a create should end");
	store_away("volume_create");
	is_int(fake_volumes(), 1, "there is one volume");
	check_sums(0);
	end();
}

/* ---- records ---- */

static void
test_finish_fails(void)
{
	char op[ID_SIZE] = "";

	begin("a result that can't be used ends the operation");
	fake_total = NULL;
	is_int(add_device(w.node[0], op), ERR_OK, "a device is added");
	is_int(wait_end(0, op), ERR_INTERNAL, "whose size nobody tells");
	is_int(hub_count(w.hub, "devices/"), NODES, "it is not there");
	is_int(fake_calls("device_teardown"), 1, "nor on the node");
	end();
}

static void
test_record_vanishes(void)
{
	CLEANUP_FREE char *key = NULL;
	char op[ID_SIZE] = "", id[ID_SIZE];

	begin("a volume's record vanishes while it is made");
	hook(hook_hang, "volume_create", 1, 0);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(fake_wait_calls("volume_create", 1), "and is at its last stage");
	target_of(op, id);
	key = xasprintf("volumes/%s", id);
	hub_put(w.hub, key, NULL);
	hub_lose_lease(w.store[0], true);	/* ends the hanging step */
	is_int(wait_end(0, op), ERR_INTERNAL, "the client gets an answer");
	end();
}

static void
test_results_go(void)
{
	int64_t until;
	struct timespec ts = { .tv_nsec = 10000000 };
	char op[ID_SIZE];
	struct error err;
	int bad = 0;

	begin_with("old results go as fast as new ones come",
		   "result_retention_s", "1");
	for (int i = 0; i < 3000; i++)
		bad += service_node_set_state(w.s[0], w.node[0],
					      i % 2 ? STATE_ONLINE : STATE_OFFLINE,
					      true, op, &err) != ERR_OK;
	is_int(bad, 0, "3000 operations");
	until = clock_mono_ms() + 12000;
	while (hub_count(w.hub, "operations/") > 0 && clock_mono_ms() < until)
		nanosleep(&ts, NULL);
	is_int(hub_count(w.hub, "operations/"), 0, "are forgotten soon");
	end();
}

/* ---- expanding ---- */

/* Its size and bricks; a brick that is still somebody's counts for 1000. */
static void
check_volume(const char *id, uint64_t gib, size_t nbricks)
{
	RECORD_SCOPE struct volume *v = service_volume(w.s[0], id);
	size_t n = v->nbricks;

	for (size_t i = 0; i < v->nbricks; i++)
		n += v->bricks[i].pending[0] != '\0' ? 1000 : 0;
	is_int(v->size_bytes >> 30, gib, "it has %" PRIu64 " GiB", gib);
	is_int(n, nbricks, "and %zu settled bricks", nbricks);
	is_str(v->pending, "", "nobody is at work on it");
	is_int(fake_bricks(), nbricks, "the nodes have as many bricks");
	check_sums(0);
}

static void
expand_fails(const char *step, const char *id)
{
	char op[ID_SIZE] = "";
	struct error err;

	hook(hook_fail, step, 1000, ERR_EXEC);
	is_int(service_volume_expand(w.s[0], id, 3, op, &err), ERR_OK,
	       "an expand begins");
	is_int(wait_end(0, op), ERR_EXEC, "and fails at %s", step);
	fake_hook = NULL;
}

static void
test_expand_fails(void)
{
	char op[ID_SIZE] = "", id[ID_SIZE];
	struct error err;

	begin("an expand that fails leaves the volume as it was");
	have_volume(id);
	expand_fails("bricks_create", id);
	check_volume(id, 5, 3);
	expand_fails("volume_expand", id);
	check_volume(id, 5, 3);
	is_int(service_volume_expand(w.s[0], id, 3, op, &err), ERR_OK,
	       "another one begins");
	is_int(wait_end(0, op), ERR_OK, "and ends well");
	check_volume(id, 8, 6);
	is_int(service_volume_delete(w.s[0], id, op, &err), ERR_OK,
	       "deleting it begins");
	is_int(wait_end(0, op), ERR_OK, "and ends well");
	check_nothing(0);
	end();
	begin("an expand that fails when gluster has the bricks keeps them");
	have_volume(id);
	expand_fails("volume_expand_done", id);
	check_volume(id, 8, 6);
	end();
}

/* The store goes away between what the undo of an expand commits: that bricks
 * are kept, and how far it is.
 */
static atomic_int kept;			/* 1: it did, 2: and the store is away */

static void
lose_after_keeping(const struct store_write *writes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(writes[i].key, watched_key) == 0)
			kept = 1;
		else if (strcmp(writes[i].key, stolen_key) == 0 && kept == 1) {
			kept = 2;
			hub_set_away(w.hub, true);
		}
	}
}

static bool
is_kept(void)
{
	return kept == 2;
}

static void
test_expand_keeps_once(void)
{
	CLEANUP_FREE char *volume_key = NULL;
	CLEANUP_FREE char *op_key = NULL;
	char op[ID_SIZE] = "", id[ID_SIZE];
	struct error err;

	begin("what an expand keeps is kept once, however often it is undone");
	have_volume(id);
	hook(hook_hang, "volume_expand_done", 1, 0);
	is_int(service_volume_expand(w.s[0], id, 3, op, &err), ERR_OK,
	       "an expand begins");
	ok(fake_wait_calls("volume_expand_done", 1), "and is in gluster");
	volume_key = xasprintf("volumes/%s", id);
	watched_key = volume_key;
	op_key = xasprintf("operations/%s", op);
	stolen_key = op_key;
	kept = 0;
	hub_before_commit(w.hub, lose_after_keeping);
	hook(hook_fail, "volume_expand_done", 1000, ERR_EXEC);
	hub_lose_lease(w.store[0], true);	/* ends the hanging step */
	ok(wait_for(is_kept), "the store goes when the bricks were kept");
	hub_before_commit(w.hub, NULL);
	hub_set_away(w.hub, false);
	is_int(wait_end(0, op), ERR_EXEC, "the expand ends");
	check_volume(id, 8, 6);
	end();
}

/* ---- guards ---- */

/* Change the record of the first device, as another replica would. */
static void
change_device(uint64_t more_used, enum state state)
{
	CLEANUP_FREE char *key = xasprintf("devices/%s", w.device[0]);
	CLEANUP_FREE char *doc = NULL;
	RECORD_SCOPE struct device *was = service_device(w.s[0], w.device[0]);
	RECORD_SCOPE struct device *d = device_copy(was);

	d->used_bytes += more_used;
	d->state = state;
	doc = record_encode(&d->r);
	hub_put(w.hub, key, doc);
}

/* Another replica takes a GiB of the first device just before our nth commit
 * that changes it.
 */
static atomic_int take_at;

static void
take_a_gib(const struct store_write *writes, size_t n)
{
	CLEANUP_FREE char *key = xasprintf("devices/%s", w.device[0]);

	for (size_t i = 0; i < n; i++)
		if (strcmp(writes[i].key, key) == 0 && take_at-- == 1)
			change_device(UINT64_C(1) << 30, STATE_ONLINE);
}

static uint64_t
used(int i)
{
	RECORD_SCOPE struct device *d = service_device(w.s[0], w.device[i]);

	return d->used_bytes;
}

static void
test_space_is_promised_once(void)
{
	char op[ID_SIZE] = "";

	begin("space that another took meanwhile is not promised again");
	take_at = 1;
	hub_before_commit(w.hub, take_a_gib);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	hub_before_commit(w.hub, NULL);
	is_int(wait_end(0, op), ERR_OK, "and ends well");
	ok(take_at < 1, "another was faster");
	is_int(used(0), used(1) + (1 << 30), "both have what they took");
	end();
}

/* Another replica deletes what we are about to add to. */
static _Atomic(const char *) pulled_key, pulled_with;

static void
pull(const struct store_write *writes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(writes[i].key, pulled_with, strlen(pulled_with)) == 0)
			hub_put(w.hub, pulled_key, NULL);
}

static void
test_parent_goes(void)
{
	CLEANUP_FREE char *cluster = NULL;
	CLEANUP_FREE char *node = NULL;
	char op[ID_SIZE] = "";

	begin("what goes in this moment gets nothing added");
	node = xasprintf("nodes/%s", w.node[0]);
	pulled_key = node;
	pulled_with = "devices/";
	hub_before_commit(w.hub, pull);
	is_int(add_device(w.node[0], op), ERR_NOTFOUND, "no device to a node");
	is_int(hub_count(w.hub, "devices/"), NODES, "there is no new one");
	cluster = xasprintf("clusters/%s", w.cluster);
	pulled_key = cluster;
	pulled_with = "nodes/";
	is_int(add_node("late", NULL, op), ERR_NOTFOUND, "no node to a cluster");
	is_int(hub_count(w.hub, "nodes/"), NODES - 1, "there is no new one");
	hub_before_commit(w.hub, NULL);
	end();
}

static void
test_what_is_full_stays(void)
{
	char op[ID_SIZE] = "", id[ID_SIZE];
	struct error err;

	begin("what still holds something can't be deleted");
	have_volume(id);
	is_int(service_device_set_state(w.s[0], w.device[0], STATE_OFFLINE, true, op,
					&err), ERR_OK, "a device with a brick");
	is_int(service_device_set_state(w.s[0], w.device[0], STATE_FAILED, true, op,
					&err), ERR_OK, "is to fail");
	is_int(wait_end(0, op), ERR_NOSPACE, "which it can't");
	is_int(service_device_delete(w.s[0], w.device[0], false, op, &err),
	       ERR_BADREQ, "so it can't be deleted");
	change_device(0, STATE_FAILED);
	is_int(service_device_delete(w.s[0], w.device[0], false, op, &err),
	       ERR_INUSE, "nor could it if it had failed");
	is_int(service_node_delete(w.s[0], w.node[0], op, &err), ERR_INUSE,
	       "nor a node with a device");
	is_int(service_cluster_delete(w.s[0], w.cluster, &err), ERR_INUSE,
	       "nor a cluster with nodes");
	end();
}

static void
test_one_at_a_time(void)
{
	char op[ID_SIZE] = "", other[ID_SIZE], id[ID_SIZE];
	struct error err;

	begin("one operation at a time on a volume");
	have_volume(id);
	hook(hook_hang, "volume_expand", 1, 0);
	is_int(service_volume_expand(w.s[0], id, 3, op, &err), ERR_OK,
	       "an expand begins");
	ok(fake_wait_calls("volume_expand", 1), "and is at work");
	is_int(service_volume_expand(w.s[0], id, 3, other, &err), ERR_REFUSED,
	       "no other expand");
	is_int(service_volume_delete(w.s[0], id, other, &err), ERR_REFUSED,
	       "nor a delete");
	is_int(service_device_resync(w.s[0], w.device[0], other, &err), ERR_OK,
	       "a resync of a device under it");
	is_int(wait_end(0, other), ERR_INUSE, "is told to come later");
	hub_lose_lease(w.store[0], true);	/* ends the hanging step */
	is_int(wait_end(0, op), ERR_OK, "the expand ends well");
	check_volume(id, 8, 6);
	end();
}

static void
test_slots(void)
{
	CLEANUP_FREE char *key = NULL;
	char op[ID_SIZE] = "", id[ID_SIZE], other[ID_SIZE] = "";
	struct error err;

	begin_with("a slot is held as long as the operation runs",
		   "glusterfs.max_inflight_operations", "1");
	hook(hook_hang, "volume_create", 1, 0);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	ok(fake_wait_calls("volume_create", 1), "and is at its last stage");
	is_int(hub_count(w.hub, "slots/"), 1, "it has a slot");
	is_int(create(0, "", other), ERR_BUSY, "there is none for another");
	hub_lose_lease(w.store[0], true);	/* ends the hanging step */
	is_int(wait_end(0, op), ERR_OK, "it ends well");
	is_int(hub_count(w.hub, "slots/"), 0, "the slot is free");
	target_of(op, id);
	is_int(service_volume_delete(w.s[0], id, op, &err), ERR_OK,
	       "a delete takes it");
	is_int(wait_end(0, op), ERR_OK, "and ends well");
	hook(hook_fail, "volume_create", 1000, ERR_EXEC);
	is_int(create(0, "", op), ERR_OK, "then a create");
	is_int(wait_end(0, op), ERR_EXEC, "which fails");
	check_nothing(0);

	/* Its end can't be committed, since its volume is gone. */
	hook(hook_hang, "volume_create", 1, 0);
	is_int(create(0, "", op), ERR_OK, "then another");
	ok(fake_wait_calls("volume_create", 1), "is at its last stage");
	target_of(op, id);
	key = xasprintf("volumes/%s", id);
	hook_gone = key;
	hook(hook_drop_record, "volume_create", 1, 0);
	hub_lose_lease(w.store[0], true);
	is_int(wait_end(0, op), ERR_INTERNAL, "whose volume vanishes");
	is_int(hub_count(w.hub, "slots/"), 0, "the slot is free");
	end();
}

/* ---- what belongs to others ---- */

static void
test_foreign_volume(void)
{
	char op[ID_SIZE] = "";

	begin("a gluster volume of the same name is somebody else's");
	fake_foreign_volume("data");
	is_int(create(0, "data", op), ERR_OK, "a create of that name begins");
	is_int(wait_end(0, op), ERR_EXISTS, "and fails");
	is_int(fake_volumes(), 1, "the volume that was there still is");
	is_int(fake_bricks(), 0, "our bricks are gone");
	is_int(check_sums(0), 0, "no space is used");
	is_int(hub_count(w.hub, "index/volume-names/"), 0, "no name is taken");
	end();
}

static void
test_bad_node_is_avoided(void)
{
	int bad = 0, creates = 12;

	begin("a create that failed on a node goes elsewhere");
	hook(hook_bad_node, "", 0, 0);
	refusals = 0;
	for (int i = 0; i < creates; i++) {
		char op[ID_SIZE] = "";

		bad += create_with(0, "", "2", op) != ERR_OK ||
		       wait_end(0, op) != ERR_OK;
	}
	is_int(bad, 0, "%d creates end well", creates);
	ok(refusals > 0, "although the node was tried");
	ok(refusals <= creates, "at most once by each");
	is_int(fake_bricks(), 2 * creates, "no brick is left behind");
	check_sums(0);
	end();
}

/* ---- what is lost ---- */

static struct seen {
	char op[ID_SIZE];
	uint64_t epoch;
	int times;
} made, removed;

/* Who makes bricks on a node that is lost, and who takes them away later? */
static enum err
hook_lose_and_see(const struct fake_call *c, struct error *err)
{
	enum err r = hook_lose(c, err);
	LOCK_FOR_SCOPE(&lost_lock);
	bool makes = strcmp(c->step, "bricks_create") == 0;
	struct seen *s = makes ? &made : &removed;

	if (strcmp(c->node, lost_node) == 0 &&
	    (makes || strcmp(c->step, "bricks_destroy") == 0)) {
		snprintf(s->op, sizeof(s->op), "%s", c->call->operation_id);
		s->epoch = c->call->epoch;
		s->times++;
	}
	return r;
}

static enum err
hook_see_left(const struct fake_call *c, struct error *err)
{
	LOCK_FOR_SCOPE(&lost_lock);

	if (strcmp(c->step, "bricks_destroy") != 0)
		return ERR_OK;
	snprintf(removed.op, sizeof(removed.op), "%s", c->call->operation_id);
	removed.epoch = c->call->epoch;
	removed.times++;
	return hook_times-- > 0 ? fail(err, ERR_FENCED, "fenced as told") : ERR_OK;
}

static bool
nothing_is_left(void)
{
	return hub_count(w.hub, "admin/leftovers/") == 0;
}

/* The node is back, and so are we: what was left over is taken away soon. */
static void
clear_leftovers(int fences)
{
	stop(0, 1000);
	lost_node[0] = '\0';
	removed.times = 0;
	hook(hook_see_left, "", fences, 0);
	start(0);
	ok(wait_for(nothing_is_left), "the node is back: nothing is left over");
	fake_hook = NULL;
	check_sums(0);
}

static void
test_leftover_is_fenced(void)
{
	char op[ID_SIZE] = "";

	begin_with("what is left over is taken away as the operation that left it",
		   "glusterfs.start_time_background_cleaner", "1");
	lost_node[0] = '\0';
	made.times = removed.times = 0;
	hook(hook_lose_and_see, "bricks_create", 0, ERR_TIMEOUT);
	is_int(create_with(0, "", "2", op), ERR_OK, "a create begins");
	is_int(wait_end(0, op), ERR_OK, "and ends well, elsewhere");
	is_int(made.times, 1, "the lost node was asked once for bricks");
	is_int(removed.times, 1, "and once to take them away");
	ok(removed.epoch > made.epoch, "under a higher epoch than they were made");
	is_int(hub_count(w.hub, "admin/leftovers/"), 1, "a brick is left over");
	is_int(fake_bricks(), 2, "the volume has its bricks");
	ok(check_sums(0) > 0, "its space stays taken");
	clear_leftovers(0);
	is_int(removed.times, 1, "it was taken away at once");
	ok(strcmp(removed.op, op) == 0 && removed.epoch > made.epoch,
	   "as the create, which is fenced by that");
	is_int(fake_bricks(), 2, "the volume has its bricks");
	end();

	begin_with("who is fenced, because the operation went on there, does it by "
		   "itself", "glusterfs.start_time_background_cleaner", "1");
	lost_node[0] = '\0';
	hook(hook_lose_and_see, "bricks_create", 0, ERR_TIMEOUT);
	is_int(create_with(0, "", "2", op), ERR_OK, "a create begins");
	is_int(wait_end(0, op), ERR_OK, "and ends well, elsewhere");
	clear_leftovers(1);
	is_int(removed.times, 2, "it was taken away at the second try");
	ok(strcmp(removed.op, op) != 0, "not as the create");
	end();
}

static void
test_no_room_elsewhere(void)
{
	char op[ID_SIZE] = "", id[ID_SIZE];
	struct error err;

	begin_with("a node is lost, and there is no room elsewhere",
		   "glusterfs.start_time_background_cleaner", "1");
	/* Else it would not be tried again. */
	stop(0, 1000);
	set_as("glusterfs.disable_monitor_gluster_nodes", "true", CONFIG_BOOL);
	start(0);
	have_volume(id);
	lost_node[0] = '\0';
	hook(hook_lose, "bricks_create", 0, ERR_UNREACHABLE);
	is_int(create(0, "name", op), ERR_OK, "a create begins");
	is_int(wait_end(0, op), ERR_UNREACHABLE, "its end says what went wrong");
	is_int(hub_count(w.hub, "volumes/"), 1, "it is gone");
	is_int(fake_bricks(), 3, "its other bricks are, too");
	is_int(hub_count(w.hub, "admin/leftovers/"), 1, "one is left over");
	check_sums(0);
	is_int(service_volume_expand(w.s[0], id, 3, op, &err), ERR_OK,
	       "an expand begins");
	is_int(wait_end(0, op), ERR_UNREACHABLE, "its end says what went wrong");
	check_volume(id, 5, 3);
	is_int(hub_count(w.hub, "admin/leftovers/"), 2, "another is left over");
	check_sums(0);
	clear_leftovers(0);
	is_int(create(0, "name", op), ERR_OK, "then a create of that name");
	is_int(wait_end(0, op), ERR_OK, "ends well");
	end();
}

/* A node that answers when there is no other place. */
static enum err
hook_blink(const struct fake_call *c, struct error *err)
{
	enum err r = hook_lose(c, err);

	LOCK_FOR_SCOPE(&lost_lock);
	if (r != ERR_OK && strcmp(c->step, "node_check") == 0 &&
	    hook_times-- == 0) {
		fake_hook = NULL;
		return ERR_OK;
	}
	return r;
}

static void
test_lost_node_is_back(void)
{
	char op[ID_SIZE] = "";

	begin("a lost node that answers again is as good as the others");
	lost_node[0] = '\0';
	/* The undo finds it lost, the next placement does not. */
	hook(hook_blink, "bricks_create", 1, ERR_UNREACHABLE);
	is_int(create(0, "", op), ERR_OK, "a create begins");
	is_int(wait_end(0, op), ERR_OK, "and ends well");
	is_int(hub_count(w.hub, "admin/leftovers/"), 1, "a brick is left over");
	is_int(fake_bricks(), 3, "the volume has its bricks");
	check_sums(0);
	end();
}

/* gluster has forgotten it: there is no way back. */
static void
test_delete_beside_lost_node(void)
{
	char op[ID_SIZE] = "", id[ID_SIZE];
	struct error err;

	begin_with("a delete whose volume is gone from gluster ends, node or no node",
		   "glusterfs.start_time_background_cleaner", "1");
	have_volume(id);
	lost_node[0] = '\0';
	hook(hook_lose, "bricks_destroy", 0, ERR_UNREACHABLE);
	is_int(service_volume_delete(w.s[0], id, op, &err), ERR_OK,
	       "a delete begins");
	is_int(wait_end(0, op), ERR_OK, "and ends well");
	is_int(hub_count(w.hub, "volumes/"), 0, "the volume is gone");
	is_int(hub_count(w.hub, "admin/leftovers/"), 1, "a brick is left over");
	is_int(fake_bricks(), 1, "on the node");
	check_sums(0);
	clear_leftovers(0);
	check_nothing(0);
	end();
}

static void
test_failed_create_leaves_nothing(void)
{
	char op[ID_SIZE] = "";

	begin("a create that fails after it was done leaves nothing");
	hook(hook_fail, "volume_create", 1000, ERR_EXEC);
	is_int(create(0, "data", op), ERR_OK, "a create begins");
	is_int(wait_end(0, op), ERR_EXEC, "and fails");
	check_nothing(0);
	is_int(fake_calls("volume_create"), 5, "after five attempts");
	fake_hook = NULL;
	is_int(create(0, "data", op), ERR_OK, "the name can be used");
	is_int(wait_end(0, op), ERR_OK, "again");
	end();
}

static void
test_fenced_means_stop(void)
{
	char op[ID_SIZE] = "", id[ID_SIZE];
	struct error err;

	begin("a fence on one node is one for all nodes");
	have_volume(id);
	hook(hook_fail, "volume_destroy", 1, ERR_FENCED);
	is_int(service_volume_delete(w.s[0], id, op, &err), ERR_OK,
	       "a delete begins");
	ok(fake_wait_calls("volume_destroy", 1), "and is fenced");
	is_int(fake_volumes(), 1, "no other node was asked");
	is_int(wait_end(0, op), ERR_OK, "the one who owns it tries again");
	check_nothing(0);
	end();
}

static void
test_host_named_twice(void)
{
	char op[ID_SIZE] = "";

	begin("a host that is named twice is one host");
	is_int(add_node("twin", "twin", op), ERR_OK, "the node is accepted");
	is_int(wait_end(0, op), ERR_OK, "and added");
	end();
}

/* ---- peers ---- */

/* The node that is asked to probe or detach is being deleted at this moment. */
static enum err
hook_peer_goes(const struct fake_call *c, struct error *err)
{
	CLEANUP_FREE char *key = xasprintf("nodes/%s", c->node);
	CLEANUP_FREE char *was = NULL;
	CLEANUP_FREE char *now = NULL;

	if (strcmp(c->step, hook_step) != 0 || hook_times-- != 1)
		return ERR_OK;
	was = hub_get(w.hub, key);
	now = xasprintf("{\"pending\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",%s",
			was + 1);
	hub_put(w.hub, key, now);
	return ERR_OK;
}

static void
test_peer_goes_in_add(void)
{
	char op[ID_SIZE] = "";

	begin("a node's peer is deleted while it probes the node");
	hook(hook_peer_goes, "peer_probe", 1, 0);
	is_int(add_node("new", NULL, op), ERR_OK, "an add begins");
	is_int(wait_end(0, op), ERR_OK, "and ends well");
	/* NODES - 1 for the topology, one in vain, one by another. */
	is_int(fake_calls("peer_probe"), NODES - 1 + 2, "by another peer's probe");
	is_int(fake_calls("peer_detach"), 1, "the first one was taken back");
	end();
}

static void
test_peer_goes_in_delete(void)
{
	char op[ID_SIZE] = "";
	struct error err;

	begin("a node's peer is deleted while it detaches the node");
	fail_device(0);
	is_int(service_device_delete(w.s[0], w.device[0], false, op, &err),
	       ERR_OK, "the node's device goes");
	is_int(wait_end(0, op), ERR_OK, "well");
	hook(hook_peer_goes, "peer_detach", 1, 0);
	is_int(service_node_delete(w.s[0], w.node[0], op, &err), ERR_OK,
	       "deleting the node begins");
	is_int(wait_end(0, op), ERR_OK, "and ends well");
	is_int(fake_calls("peer_detach"), 2, "by another peer's detach");
	end();
}

/* ---- resync ---- */

static enum err
hook_slow_look(const struct fake_call *c, struct error *err)
{
	struct timespec ts = { .tv_nsec = 1000000 };

	/* What the device told is on its way while a volume goes. */
	while (strcmp(c->step, "device_info") == 0 && hook_times > 0)
		nanosleep(&ts, NULL);
	return ERR_OK;
}

static void
test_resync(void)
{
	char op[ID_SIZE] = "";
	struct error err;

	begin("a device that grew is seen");
	fake_total = fake_free = "214748364800";
	for (int i = 0; i < 2; i++) {
		RECORD_SCOPE struct device *d = NULL;

		is_int(service_device_resync(w.s[0], w.device[0], op, &err),
		       ERR_OK, "a resync begins");
		is_int(wait_end(0, op), ERR_OK, "and ends well");
		d = service_device(w.s[0], w.device[0]);
		is_int(d->total_bytes >> 30, 200, "the device is larger");
		is_str(d->pending, "", "and ready for the next");
	}
	end();
}

static void
test_resync_meets_create(void)
{
	char op[ID_SIZE] = "";
	struct error err;

	begin("space of a device is taken while a resync ends");
	take_at = 2;
	hub_before_commit(w.hub, take_a_gib);
	is_int(service_device_resync(w.s[0], w.device[0], op, &err), ERR_OK,
	       "a resync begins");
	is_int(wait_end(0, op), ERR_INUSE, "and does not know better");
	hub_before_commit(w.hub, NULL);
	is_int(used(0), 1 << 30, "the space stays taken");
	end();
}

static void
test_resync_meets_delete(void)
{
	CLEANUP_FREE char *left = NULL;
	RECORD_SCOPE struct device *d = NULL;
	char op[ID_SIZE] = "", other[ID_SIZE] = "", id[ID_SIZE];
	struct error err;

	begin("a device is looked at while a volume on it goes");
	have_volume(id);
	d = service_device(w.s[0], w.device[0]);
	left = xasprintf("%" PRIu64, d->total_bytes - d->used_bytes);
	fake_free = left;
	hook(hook_slow_look, "", 1, 0);
	is_int(service_device_resync(w.s[0], w.device[0], op, &err), ERR_OK,
	       "a resync begins");
	ok(fake_wait_calls("device_info", 1), "and looks, which takes long");
	is_int(service_volume_delete(w.s[0], id, other, &err), ERR_OK,
	       "a delete begins");
	is_int(wait_end(0, other), ERR_OK, "and ends well");
	fake_free = fake_total;
	hook_times = 0;
	(void)wait_end(0, op);
	is_int(check_sums(0), 0, "no space is used");
	end();
}

int
main(void)
{
	log_set_level(LOG_LVL_ERR);
	test_lease_comes_back();
	test_readiness_is_told_while_the_lease_lives();
	test_replica_record_vanishes();
	test_only_the_dead_are_inherited();
	test_there_and_back();
	test_new_lease_is_no_old_lease();
	test_deadline_of_the_lease();
	test_zombie_gives_nothing_back();
	test_zombie_ends_nothing();
	test_zombie_keeps_nothing();
	test_stop_in_backoff();
	test_stop_in_forget();
	test_stop_in_node_delete();
	test_goes_on_from_its_stage();
	test_stuck();
	test_stuck_in_turn();
	test_stuck_gives_way();
	test_store_away();
	test_finish_fails();
	test_record_vanishes();
	test_results_go();
	test_expand_fails();
	test_expand_keeps_once();
	test_space_is_promised_once();
	test_parent_goes();
	test_what_is_full_stays();
	test_one_at_a_time();
	test_slots();
	test_foreign_volume();
	test_bad_node_is_avoided();
	test_leftover_is_fenced();
	test_no_room_elsewhere();
	test_lost_node_is_back();
	test_delete_beside_lost_node();
	test_failed_create_leaves_nothing();
	test_fenced_means_stop();
	test_host_named_twice();
	test_peer_goes_in_add();
	test_peer_goes_in_delete();
	test_resync();
	test_resync_meets_create();
	test_resync_meets_delete();
	return tap_done();
}
