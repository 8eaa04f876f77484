/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core's side of executors: how many calls are let in at a time, what
 * happens to those that wait too long, and what is made of a plug-in that
 * breaks its word.  The plug-in is in this file.
 */
#include <config.h>

#include <stdatomic.h>

#include "executor.h"
#include "util/clock.h"

#include "tests/tap.h"

#define LONG_MS 20000		/* never waited for when all is well */

static const struct brickyard_host *const host = &plugin_host_services;

/* What the plug-in is to do, and what it saw. */
static struct {
	int ret, class;
	const char *text;
	int results;		/* result_str calls of 1 KiB */
	_Atomic int sleep_ms;
	char trace[512];
	_Atomic(const struct plugin *) inside;
	int opened, closed;
	int open_ret;
	const char *open_text;
	char config[256];
} fake;

static void
trace(const char *fmt, ...)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	LOCK_FOR_SCOPE(&lock);
	size_t n = strlen(fake.trace);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake.trace + n, sizeof(fake.trace) - n, fmt, ap);
	va_end(ap);
}

/* What every step does in the end. */
static int
outcome(struct brickyard_result *result, struct brickyard_error *err)
{
	char kib[1025];

	memset(kib, 'x', sizeof(kib) - 1);
	kib[sizeof(kib) - 1] = '\0';
	fake.inside = plugin_enter(NULL);
	(void)plugin_enter(fake.inside);
	for (int i = 0; result != NULL && i < fake.results; i++)
		host->result_str(result, "kib", kib);
	if (fake.sleep_ms > 0)
		usleep((useconds_t)fake.sleep_ms * 1000);
	if (fake.text != NULL)
		host->fail(err, fake.class, "%s", fake.text);
	return fake.ret;
}

#define SELF struct brickyard_executor_instance *x
#define CALL const struct brickyard_call *call
#define NODE const struct brickyard_node *node
#define ERROR struct brickyard_error *err
#define RESULT struct brickyard_result *result
#define DEVICE const struct brickyard_device *device
#define BRICKS const struct brickyard_brick *const *bricks, size_t n
#define VOLUME const struct brickyard_gluster_volume *volume

static int
fake_open(const struct brickyard_kv *config, size_t n,
	  struct brickyard_executor_instance **ret, ERROR)
{
	for (size_t i = 0; i < n; i++)
		snprintf(fake.config + strlen(fake.config),
			 sizeof(fake.config) - strlen(fake.config), "%s=%s ",
			 config[i].key, config[i].value);
	fake.opened++;
	*ret = (struct brickyard_executor_instance *)&fake;
	if (fake.open_text != NULL)
		host->fail(err, BRICKYARD_ERR_UNREACHABLE, "%s",
			   fake.open_text);
	return fake.open_ret;
}

static void
fake_close(SELF)
{
	fake.closed += (void *)x == (void *)&fake ? 1 : 100;
}

static int
fake_run(SELF, CALL, NODE, const char *script, RESULT, ERROR)
{
	return outcome(result, err);
}

static int
fake_node_check(SELF, CALL, NODE, ERROR)
{
	trace("node_check %s;", node->id);
	return outcome(NULL, err);
}

static int
fake_peer_probe(SELF, CALL, NODE, const char *peer, ERROR)
{
	trace("peer_probe %s %s;", node->id, peer);
	return outcome(NULL, err);
}

static int
fake_peer_detach(SELF, CALL, NODE, const char *peer, ERROR)
{
	trace("peer_detach %s %s;", node->id, peer);
	return outcome(NULL, err);
}

static int
fake_device_prepare(SELF, CALL, NODE, DEVICE, RESULT, ERROR)
{
	trace("device_prepare %s;", device->name);
	host->result_str(result, "kind", "block");
	return outcome(result, err);
}

static int
fake_device_info(SELF, CALL, NODE, DEVICE, RESULT, ERROR)
{
	trace("device_info %s;", device->name);
	return outcome(result, err);
}

static int
fake_device_teardown(SELF, CALL, NODE, DEVICE, ERROR)
{
	trace("device_teardown %s;", device->name);
	return outcome(NULL, err);
}

static int
fake_bricks_create(SELF, CALL, NODE, BRICKS, ERROR)
{
	trace("bricks_create %zu %s;", n, bricks[n - 1]->id);
	return outcome(NULL, err);
}

static int
fake_bricks_destroy(SELF, CALL, NODE, BRICKS, ERROR)
{
	trace("bricks_destroy %zu %s;", n, bricks[n - 1]->id);
	return outcome(NULL, err);
}

static int
fake_volume_create(SELF, CALL, NODE, VOLUME, ERROR)
{
	trace("volume_create %s;", volume->name);
	return outcome(NULL, err);
}

static int
fake_volume_expand(SELF, CALL, NODE, VOLUME, uint32_t rebalance, ERROR)
{
	trace("volume_expand %s %u;", volume->name, rebalance);
	return outcome(NULL, err);
}

static int
fake_volume_destroy(SELF, CALL, NODE, const char *name, ERROR)
{
	trace("volume_destroy %s;", name);
	return outcome(NULL, err);
}

static int
fake_volume_info(SELF, CALL, NODE, const char *name, RESULT, ERROR)
{
	trace("volume_info %s;", name);
	return outcome(result, err);
}

static const struct brickyard_option options[] = {
	{ "limit", BRICKYARD_OPT_UINT, 0, "7", "how often" },
	{ "word", BRICKYARD_OPT_STRING, 0, NULL, "which" },
	{ NULL, 0, 0, NULL, NULL },
};

static char fake_name[] = "fake";

static struct plugin
make_plugin(uint32_t thread_model)
{
	struct plugin p = {
		.name = fake_name,
		.kind = BRICKYARD_KIND_EXECUTOR,
		.executor = {
			.head = {
				.options = options,
				.thread_model = thread_model,
			},
			.open = fake_open,
			.close = fake_close,
			.run = fake_run,
			.node_check = fake_node_check,
			.peer_probe = fake_peer_probe,
			.peer_detach = fake_peer_detach,
			.device_prepare = fake_device_prepare,
			.device_info = fake_device_info,
			.device_teardown = fake_device_teardown,
			.bricks_create = fake_bricks_create,
			.bricks_destroy = fake_bricks_destroy,
			.volume_create = fake_volume_create,
			.volume_expand = fake_volume_expand,
			.volume_destroy = fake_volume_destroy,
			.volume_info = fake_volume_info,
		},
	};

	memset(&fake, 0, sizeof(fake));
	return p;
}

static struct executor *
open_one(const struct plugin *p)
{
	struct kvs none = { 0 };
	struct executor *ex = NULL;
	struct error err;

	assert(executor_open(p, &none, &ex, &err) == ERR_OK);
	return ex;
}

static struct brickyard_call
call_within(int64_t ms)
{
	return (struct brickyard_call) {
		.size = sizeof(struct brickyard_call),
		.deadline_ms = clock_mono_ms() + ms,
	};
}

static const struct brickyard_node node_1 = {
	.size = sizeof(struct brickyard_node), .id = "1", .manage_host = "h1",
};

/* ---- life ---- */

static void
test_open(void)
{
	struct plugin p = make_plugin(BRICKYARD_THREADS_SERIAL);
	CLEANUP(kvs_release) struct kvs config = { 0 };
	struct executor *ex = NULL;
	struct error err = { 0 };

	kvs_set(&config, "wrod", "x");
	ok(executor_open(&p, &config, &ex, &err) != ERR_OK && ex == NULL &&
	   fake.opened == 0, "wrong options are refused before it is opened");
	kvs_del(&config, "wrod");
	kvs_set(&config, "word", "x");
	fake.open_ret = -1;
	fake.open_text = "server 'a': no route";
	is_int(executor_open(&p, &config, &ex, &err), ERR_UNREACHABLE,
	       "its failure to open comes through");
	is_str(err.text, "server 'a': no route", "with its words");
	fake.open_text = NULL;
	is_int(executor_open(&p, &config, &ex, &err), ERR_EXEC,
	       "also without any");
	is_str(err.text, "executor 'fake': open failed without saying why",
	       "which is said");
	ok(fake.closed == 0 && ex == NULL, "what was not opened isn't closed");
	fake.open_ret = 0;
	fake.config[0] = '\0';
	is_int(executor_open(&p, &config, &ex, &err), ERR_OK, "it opens");
	is_str(fake.config, "word=x limit=7 ", "with values and defaults");
	is_str(executor_name(ex), "fake", "and has its name");
	executor_close(ex);
	is_int(fake.closed, 1, "closing gives its instance back");
	executor_close(NULL);
}

static void
test_kinds(void)
{
	struct plugin p = make_plugin(BRICKYARD_THREADS_SERIAL);
	struct executor *ex = NULL;
	struct kvs none = { 0 };
	struct error err;

	p.refused = fake_name;
	is_int(executor_open(&p, &none, &ex, &err), ERR_INTERNAL,
	       "a refused plug-in is not opened");
	p.refused = NULL;
	p.kind = BRICKYARD_KIND_VOLUME_TYPE;
	is_int(executor_open(&p, &none, &ex, &err), ERR_INTERNAL,
	       "nor one of another kind");
}

/* ---- steps ---- */

static void
test_steps(void)
{
	static const char want[] =
		"node_check 1;peer_probe 1 s2;peer_detach 1 s3;"
		"device_prepare /dev/a;device_info /dev/a;"
		"device_teardown /dev/a;bricks_create 2 b2;"
		"bricks_destroy 1 b1;volume_create v;volume_expand v 1;"
		"volume_destroy w;volume_info w;";
	const struct plugin p = make_plugin(BRICKYARD_THREADS_PARALLEL);
	const struct brickyard_device d = { .name = "/dev/a" };
	const struct brickyard_brick b1 = { .id = "b1" }, b2 = { .id = "b2" };
	const struct brickyard_brick *const bricks[] = { &b1, &b2 };
	const struct brickyard_gluster_volume v = { .name = "v" };
	const struct brickyard_call c = call_within(LONG_MS);
	CLEANUP(result_release) struct brickyard_result r;
	struct executor *ex = open_one(&p);
	struct error err = { 0 };

	result_init(&r);
	ok(executor_node_check(ex, &c, &node_1, &err) == ERR_OK &&
	   executor_peer_probe(ex, &c, &node_1, "s2", &err) == ERR_OK &&
	   executor_peer_detach(ex, &c, &node_1, "s3", &err) == ERR_OK &&
	   executor_device_prepare(ex, &c, &node_1, &d, &r, &err) == ERR_OK &&
	   executor_device_info(ex, &c, &node_1, &d, &r, &err) == ERR_OK &&
	   executor_device_teardown(ex, &c, &node_1, &d, &err) == ERR_OK &&
	   executor_bricks_create(ex, &c, &node_1, bricks, 2, &err) == ERR_OK &&
	   executor_bricks_destroy(ex, &c, &node_1, bricks, 1, &err) ==
		   ERR_OK &&
	   executor_volume_create(ex, &c, &node_1, &v, &err) == ERR_OK &&
	   executor_volume_expand(ex, &c, &node_1, &v, 1, &err) == ERR_OK &&
	   executor_volume_destroy(ex, &c, &node_1, "w", &err) == ERR_OK &&
	   executor_volume_info(ex, &c, &node_1, "w", &r, &err) == ERR_OK,
	   "all steps succeed");
	is_str(fake.trace, want, "each reached the plug-in, with arguments");
	ok(fake.inside == &p, "which was known to be entered");
	ok(plugin_enter(NULL) == NULL, "and left");
	executor_close(ex);
}

static void
test_missing_step(void)
{
	struct plugin p = make_plugin(BRICKYARD_THREADS_SERIAL);
	const struct brickyard_call c = call_within(LONG_MS);
	struct error err = { 0 };
	struct executor *ex;

	p.executor.peer_probe = NULL;
	ex = open_one(&p);
	is_int(executor_peer_probe(ex, &c, &node_1, "s", &err), ERR_NOTSUP,
	       "a step that the plug-in lacks is refused");
	is_str(err.text, "executor 'fake' can't do peer_probe", "by its name");
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_OK,
	       "and the others go on");
	executor_close(ex);
}

static void
test_failures(void)
{
	const struct plugin p = make_plugin(BRICKYARD_THREADS_SERIAL);
	const struct brickyard_call c = call_within(LONG_MS);
	struct executor *ex = open_one(&p);
	struct error err = { 0 };

	fake.ret = -1;
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_EXEC,
	       "a failure without words is one");
	is_str(err.text,
	       "executor 'fake': node_check failed without saying why",
	       "and gets some");
	fake.text = "lvcreate: no room in 'vg'";
	fake.class = BRICKYARD_ERR_NOSPACE;
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_EXEC,
	       "a failure of a class that we have no word for");
	is_str(err.text, "lvcreate: no room in 'vg'", "keeps its own");
	fake.class = BRICKYARD_ERR_FENCED;
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_FENCED,
	       "a class that we know becomes ours");
	fake.ret = 3;
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_FENCED,
	       "anything but 0 is failure");
	fake.ret = 0;
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_OK,
	       "0 is success, whatever was said before");
	executor_close(ex);
}

static void
test_results(void)
{
	const struct plugin p = make_plugin(BRICKYARD_THREADS_SERIAL);
	const struct brickyard_call c = call_within(LONG_MS);
	const struct brickyard_device d = { .name = "/dev/a" };
	CLEANUP(result_release) struct brickyard_result r;
	struct executor *ex = open_one(&p);
	struct error err = { 0 };

	result_init(&r);
	is_int(executor_device_prepare(ex, &c, &node_1, &d, &r, &err), ERR_OK,
	       "a step gives results");
	is_str(result_get(&r, 0, "kind"), "block", "which can be read");
	assert(executor_device_prepare(ex, &c, &node_1, &d, &r, &err) ==
	       ERR_OK);
	is_int(r.records.v[0].n, 1, "those of the call before are gone");
	fake.results = 2000;
	is_int(executor_device_prepare(ex, &c, &node_1, &d, &r, &err), ERR_EXEC,
	       "too many results are a failure");
	is_str(err.text,
	       "executor 'fake': device_prepare gave more results than fit",
	       "that is explained");
	ok(result_get(&r, 0, "kind") == NULL && r.records.n == 1,
	   "and leaves none");
	fake.results = 0;
	fake.ret = -1;
	ok(executor_device_prepare(ex, &c, &node_1, &d, &r, &err) != ERR_OK &&
	   result_get(&r, 0, "kind") == NULL, "nor does a failed step");
	executor_close(ex);
}

/* ---- time ---- */

static int
yes(const struct brickyard_call *call)
{
	return 1;
}

static void
test_too_late(void)
{
	const struct plugin p = make_plugin(BRICKYARD_THREADS_PARALLEL);
	struct executor *ex = open_one(&p);
	struct brickyard_call c = call_within(-1);
	struct error err = { 0 };

	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_TIMEOUT,
	       "a call whose time is over doesn't start");
	c = call_within(LONG_MS);
	c.cancelled = yes;
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_CANCELLED,
	       "nor one that was cancelled");
	is_str(fake.trace, "", "the plug-in was not called");
	c = call_within(20);
	fake.sleep_ms = 60;
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_OK,
	       "success after the deadline is success");
	executor_close(ex);
}

/* ---- threads ---- */

/* A call with an eye on it: .call must be first. */
struct caller {
	struct brickyard_call call;
	struct executor *ex;
	struct brickyard_node node;
	_Atomic int asked;	/* how often it was asked for cancellation */
	_Atomic int cancel;
	enum err result;
	pthread_t thread;
};

static int
is_cancelled(const struct brickyard_call *call)
{
	struct caller *c = (struct caller *)(void *)(uintptr_t)call;

	c->asked++;
	return c->cancel;
}

/* Who is inside the plug-in; it stays until let_out. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int inside, most, entered;
	int on_node[4], most_on_node;
	int out;		/* how many may leave */
	char order[64];
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int
gated_node_check(SELF, CALL, NODE, ERROR)
{
	int *here = &gate.on_node[(node->id[0] ? node->id[0] :
				   node->manage_host[1]) & 3];

	LOCK_FOR_SCOPE(&gate.lock);
	snprintf(gate.order + strlen(gate.order),
		 sizeof(gate.order) - strlen(gate.order), "%s ",
		 node->storage_host);
	gate.entered++;
	gate.inside++;
	(*here)++;
	if (gate.inside > gate.most)
		gate.most = gate.inside;
	if (*here > gate.most_on_node)
		gate.most_on_node = *here;
	pthread_cond_broadcast(&gate.changed);
	while (gate.out == 0)
		if (cond_wait_until(&gate.changed, &gate.lock,
				    clock_mono_ms() + LONG_MS) != 0)
			break;
	gate.out--;
	gate.inside--;
	(*here)--;
	return 0;
}

static int
gated_volume_destroy(SELF, CALL, NODE, const char *name, ERROR)
{
	return gated_node_check(x, call, node, err);
}

static void
let_out(int n)
{
	LOCK_FOR_SCOPE(&gate.lock);
	gate.out += n;
	pthread_cond_broadcast(&gate.changed);
}

/* Wait until n calls have entered; false: they didn't. */
static int
wait_entered(int n)
{
	LOCK_FOR_SCOPE(&gate.lock);
	while (gate.entered < n)
		if (cond_wait_until(&gate.changed, &gate.lock,
				    clock_mono_ms() + LONG_MS) != 0)
			return 0;
	return 1;
}

/* Wait until the call stands in the queue, where it is asked again. */
static void
wait_queued(const struct caller *c)
{
	while (c->asked < 2)
		usleep(1000);
}

static void *
call_main(void *arg)
{
	struct caller *c = arg;

	c->result = executor_node_check(c->ex, &c->call, &c->node, NULL);
	return NULL;
}

static void *(*caller_main)(void *) = call_main;

static void
caller_start(struct caller *c, struct executor *ex, const char *id,
	     const char *manage, const char *name, int64_t ms)
{
	memset(c, 0, sizeof(*c));
	c->ex = ex;
	c->call = call_within(ms);
	c->call.cancelled = is_cancelled;
	c->node = (struct brickyard_node) {
		.size = sizeof(c->node), .id = id, .manage_host = manage,
		.storage_host = name,
	};
	assert(pthread_create(&c->thread, NULL, caller_main, c) == 0);
}

static enum err
caller_end(struct caller *c)
{
	pthread_join(c->thread, NULL);
	return c->result;
}

static struct executor *
open_gated(struct plugin *p, uint32_t thread_model)
{
	static int once;

	if (!once++)
		cond_init_mono(&gate.changed);
	gate.inside = gate.most = gate.entered = gate.out = 0;
	gate.most_on_node = 0;
	gate.order[0] = '\0';
	*p = make_plugin(thread_model);
	p->executor.node_check = gated_node_check;
	p->executor.volume_destroy = gated_volume_destroy;
	return open_one(p);
}

static void
test_parallel(void)
{
	struct caller c[8];
	struct plugin p;
	struct executor *ex = open_gated(&p, BRICKYARD_THREADS_PARALLEL);
	int good = 0;

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		caller_start(&c[i], ex, "1", "h1", "", LONG_MS);
	ok(wait_entered(ARRAY_SIZE(c)),
	   "parallel: all calls go in, also to one node");
	let_out(ARRAY_SIZE(c));
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		good += caller_end(&c[i]) == ERR_OK;
	is_int(good, ARRAY_SIZE(c), "and succeed");
	executor_close(ex);
}

static void
test_per_node(void)
{
	static const char *const ids[] = { "1", "2", "3" };
	struct caller c[9];
	struct plugin p;
	struct executor *ex = open_gated(&p, BRICKYARD_THREADS_PER_NODE);
	int good = 0;

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		caller_start(&c[i], ex, ids[i % 3], "h0", "", LONG_MS);
	ok(wait_entered(3), "per node: each node gets its call");
	let_out(ARRAY_SIZE(c));
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		good += caller_end(&c[i]) == ERR_OK;
	is_int(good, ARRAY_SIZE(c), "the others follow");
	is_int(gate.most_on_node, 1, "never two on one node");
	executor_close(ex);

	ex = open_gated(&p, BRICKYARD_THREADS_PER_NODE);
	caller_start(&c[0], ex, "", "h1", "", LONG_MS);
	caller_start(&c[1], ex, "", "h2", "", LONG_MS);
	ok(wait_entered(2), "nodes without id are known by host");
	caller_start(&c[2], ex, "", "h1", "", LONG_MS);
	wait_queued(&c[2]);
	is_int(gate.most_on_node, 1, "and kept apart by it");
	let_out(3);
	for (size_t i = 0; i < 3; i++)
		assert(caller_end(&c[i]) == ERR_OK);
	executor_close(ex);
}

static void *
work_main(void *arg)
{
	struct caller *c = arg;

	c->result = executor_volume_destroy(c->ex, &c->call, &c->node, "v",
					    NULL);
	return NULL;
}

static void
test_node_limit(void)
{
	static const char *const ids[] = { "1", "2" };
	struct caller c[10], check;
	struct plugin p;
	struct executor *ex = open_gated(&p, BRICKYARD_THREADS_PARALLEL);
	int good = 0;

	executor_set_node_limit(ex, 3);
	caller_main = work_main;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		caller_start(&c[i], ex, ids[i % 2], "h0", "", LONG_MS);
	ok(wait_entered(6), "limit 3: three go in on each of two nodes");
	caller_main = call_main;
	caller_start(&check, ex, "1", "h0", "", LONG_MS);
	ok(wait_entered(7), "a check of a busy node does not wait");
	let_out(ARRAY_SIZE(c) + 1);
	good = caller_end(&check) == ERR_OK;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		good += caller_end(&c[i]) == ERR_OK;
	is_int(good, ARRAY_SIZE(c) + 1, "all have their turn");
	ok(gate.most_on_node <= 4, "never more than three on one node, but "
	   "for the check");
	executor_close(ex);
}

static void
test_serial(void)
{
	static const char *const ids[] = { "1", "2", "3" };
	struct caller c[9];
	struct plugin p;
	struct executor *ex = open_gated(&p, BRICKYARD_THREADS_SERIAL);
	int good = 0;

	let_out(ARRAY_SIZE(c));
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		caller_start(&c[i], ex, ids[i % 3], "h0", "", LONG_MS);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		good += caller_end(&c[i]) == ERR_OK;
	is_int(good, ARRAY_SIZE(c), "serial: all calls have their turn");
	is_int(gate.most, 1, "one after the other");
	executor_close(ex);
}

static void
test_order(void)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	struct caller c[5];
	struct plugin p;
	struct executor *ex = open_gated(&p, BRICKYARD_THREADS_SERIAL);

	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		caller_start(&c[i], ex, "1", "h1", names[i], LONG_MS);
		if (i == 0)
			wait_entered(1);
		else
			wait_queued(&c[i]);
	}
	let_out(ARRAY_SIZE(c));
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		assert(caller_end(&c[i]) == ERR_OK);
	is_str(gate.order, "a b c d e ", "turns come in order of arrival");
	executor_close(ex);
}

static void
test_waiting(void)
{
	struct caller first, late, unwanted, last;
	struct plugin p;
	struct executor *ex = open_gated(&p, BRICKYARD_THREADS_SERIAL);
	int64_t start;

	caller_start(&first, ex, "1", "h1", "first", LONG_MS);
	wait_entered(1);
	start = clock_mono_ms();
	caller_start(&late, ex, "1", "h1", "late", 100);
	caller_start(&unwanted, ex, "1", "h1", "unwanted", LONG_MS);
	wait_queued(&unwanted);
	caller_start(&last, ex, "1", "h1", "last", LONG_MS);
	wait_queued(&last);
	unwanted.cancel = 1;
	is_int(caller_end(&late), ERR_BUSY,
	       "waiting ends at the call's deadline");
	ok(clock_mono_ms() >= start + 100, "not before");
	is_int(caller_end(&unwanted), ERR_CANCELLED,
	       "or when it is cancelled");
	ok(clock_mono_ms() < start + LONG_MS / 2, "soon");
	is_int(gate.entered, 1, "while the first is still at work");
	let_out(2);
	ok(caller_end(&first) == ERR_OK && caller_end(&last) == ERR_OK,
	   "those that gave up are in nobody's way");
	is_str(gate.order, "first last ", "and were never called");
	executor_close(ex);
}

/* ---- a plug-in that does not come back ---- */

static void
test_lost(void)
{
	const struct plugin p = make_plugin(BRICKYARD_THREADS_PER_NODE);
	static const struct brickyard_node other = {
		.size = sizeof(other), .id = "2", .manage_host = "h2",
	};
	struct executor *ex = open_one(&p);
	char *host_name = strdup("new peer");
	struct brickyard_call c = call_within(50);
	int64_t start = clock_mono_ms();
	struct error err = { 0 };

	executor_set_grace(ex, 100);
	fake.sleep_ms = 1200;
	is_int(executor_peer_probe(ex, &c, &node_1, host_name, &err), ERR_TIMEOUT,
	       "a call that does not come back is given up");
	has_str(err.text, "peer_probe on node 'h1' did not come back", "in words");
	ok(clock_mono_ms() - start >= 150 && clock_mono_ms() - start < 1000,
	   "after its grace");
	/* What it was given is its own: ours may go. */
	memset(host_name, 'x', strlen(host_name));
	free(host_name);
	fake.sleep_ms = 0;
	c = call_within(LONG_MS);
	is_int(executor_node_check(ex, &c, &other, &err), ERR_OK,
	       "another node is not in its way");
	c = call_within(100);
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_BUSY,
	       "its place is taken as long as it is in there");
	c = call_within(LONG_MS);
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_OK,
	       "and free when it came back");
	executor_close(ex);
	is_int(fake.closed, 1, "then the plug-in can be closed");
}

static void
test_lost_and_closed(void)
{
	const struct plugin p = make_plugin(BRICKYARD_THREADS_PARALLEL);
	struct executor *ex = open_one(&p);
	struct brickyard_call c = call_within(LONG_MS);
	struct error err = { 0 };

	c.cancelled = NULL;
	executor_set_grace(ex, 50);
	c = call_within(20);
	fake.sleep_ms = 2500;
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_TIMEOUT,
	       "one that hangs");
	executor_close(ex);
	is_int(fake.closed, 0, "the plug-in is not closed under it");
	usleep(1800 * 1000);
}

static void
test_step_limit(void)
{
	const struct plugin p = make_plugin(BRICKYARD_THREADS_PARALLEL);
	struct executor *ex = open_one(&p);
	struct brickyard_call c = call_within(LONG_MS);
	int64_t start = clock_mono_ms();
	struct error err = { 0 };

	executor_set_grace(ex, 50);
	executor_set_step_limit(ex, 50);
	fake.sleep_ms = 400;
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_TIMEOUT,
	       "a step may take no longer than the limit");
	ok(clock_mono_ms() - start < LONG_MS / 2, "whatever its deadline");
	fake.sleep_ms = 0;
	is_int(executor_node_check(ex, &c, &node_1, &err), ERR_OK,
	       "one that is quicker is let be");
	usleep(500 * 1000);
	executor_close(ex);
}

int
main(void)
{
	test_open();
	test_kinds();
	test_steps();
	test_missing_step();
	test_failures();
	test_results();
	test_too_late();
	test_parallel();
	test_per_node();
	test_node_limit();
	test_serial();
	test_order();
	test_waiting();
	test_lost();
	test_step_limit();
	test_lost_and_closed();
	return tap_done();
}
