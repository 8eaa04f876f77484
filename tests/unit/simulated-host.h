/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host for the plug-in `simulated` and nothing else: loads it, keeps what it
 * says, and makes nodes, devices, bricks and volumes to give to it.  For one
 * thread each, but for the host's functions.
 */
#ifndef SIMULATED_HOST_H
#define SIMULATED_HOST_H

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <brickyard/executor.h>

#include "tests/tap.h"

#define GIB	(UINT64_C(1) << 30)
#define MIB	(UINT64_C(1) << 20)

struct brickyard_error {
	int err_class;
	char text[4096];
};

struct brickyard_result {
	char text[65536];		/* key=value; -- between records */
};

static const struct brickyard_executor *sim;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char logged[8192];		/* guarded by log_lock */

__attribute__((__format__(__printf__, 2, 3))) static void
host_log(int level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	pthread_mutex_lock(&log_lock);
	va_start(ap, fmt);
	vsnprintf(logged, sizeof(logged), fmt, ap);
	va_end(ap);
	pthread_mutex_unlock(&log_lock);
}

__attribute__((__format__(__printf__, 3, 4))) static void
host_fail(struct brickyard_error *err, int err_class, const char *fmt, ...)
{
	va_list ap;

	err->err_class = err_class;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
}

static void
host_next(struct brickyard_result *res)
{
	strncat(res->text, "--\n", sizeof(res->text) - strlen(res->text) - 1);
}

static void
host_str(struct brickyard_result *res, const char *key, const char *value)
{
	size_t n = strlen(res->text);

	snprintf(res->text + n, sizeof(res->text) - n, "%s=%s\n", key, value);
}

static void
host_u64(struct brickyard_result *res, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	host_str(res, key, digits);
}

static const struct brickyard_host host = {
	.size = sizeof(host),
	.abi_major = BRICKYARD_ABI_MAJOR,
	.abi_minor = BRICKYARD_ABI_MINOR,
	.log = host_log,
	.fail = host_fail,
	.result_next = host_next,
	.result_str = host_str,
	.result_u64 = host_u64,
};

/* The plug-in stays loaded, so that sanitizers and valgrind can name it. */
__attribute__((__unused__)) static void
load_plugin(void)
{
	static const char so[] = "executors/simulated/.libs/simulated.so";
	const char *dir = getenv("BUILDDIR");
	brickyard_plugin_init_fn *init;
	char path[4096];
	void *dl;

	snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : ".", so);
	dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (dl == NULL) {
		printf("Bail out! %s\n", dlerror());
		exit(1);
	}
	init = (brickyard_plugin_init_fn *)(uintptr_t)
		dlsym(dl, "brickyard_plugin_init");
	assert(init != NULL);
	sim = (const struct brickyard_executor *)init(&host);
	assert(sim != NULL && sim->head.magic == BRICKYARD_MAGIC);
	unsetenv("HEKETI_MOCK_DEVICE_SIZE_GB");
}

/* ---- calls ---- */

__attribute__((__unused__)) static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const struct brickyard_call forever = {
	.size = sizeof(forever),
	.deadline_ms = INT64_MAX,
};

#define NODE(name)							\
	{ sizeof(struct brickyard_node), "", "m-" name, name }

static const struct brickyard_node n1 = NODE("n1"), n2 = NODE("n2"),
	n3 = NODE("n3"), n4 = NODE("n4");
static const struct brickyard_node *const nodes[] = { &n1, &n2, &n3, &n4 };

static struct brickyard_error error;
static struct brickyard_result result;

/* KEY, VALUE, …, NULL */
__attribute__((__unused__, __sentinel__)) static
struct brickyard_executor_instance *
open_sim(const char *key, ...)
{
	struct brickyard_executor_instance *inst = NULL;
	struct brickyard_kv kv[16];
	size_t n = 0;
	va_list ap;

	va_start(ap, key);
	for (; key != NULL; key = va_arg(ap, const char *)) {
		kv[n].key = key;
		kv[n++].value = va_arg(ap, const char *);
	}
	va_end(ap);
	memset(&error, 0, sizeof(error));
	return sim->open(kv, n, &inst, &error) == 0 ? inst : NULL;
}

/* ---- what steps are given ---- */

/* Device d of node n: /dev/sd…, or a directory. */
struct dev {
	char id[33], vg[40], name[64];
	struct brickyard_device d;
};

__attribute__((__unused__)) static struct dev *
dev_init(struct dev *v, unsigned n, const char *name)
{
	memset(v, 0, sizeof(*v));
	snprintf(v->id, sizeof(v->id), "%032x", n);
	snprintf(v->vg, sizeof(v->vg), "vg_%s", v->id);
	snprintf(v->name, sizeof(v->name), "%s", name);
	v->d.size = sizeof(v->d);
	v->d.id = v->id;
	v->d.name = v->name;
	v->d.pv_uuid = "";
	v->d.vg = v->vg;
	return v;
}

struct bri {
	char id[33], lv[40], tp[40], mount[160], path[170];
	struct brickyard_brick b;
	const struct brickyard_brick *list[1];
	struct brickyard_brick_ref ref;
};

__attribute__((__unused__)) static struct bri *
bri_init(struct bri *v, unsigned n, const struct dev *d, const char *storage,
	 uint64_t size)
{
	memset(v, 0, sizeof(*v));
	snprintf(v->id, sizeof(v->id), "%032x", n);
	snprintf(v->lv, sizeof(v->lv), "brick_%s", v->id);
	snprintf(v->tp, sizeof(v->tp), "tp_%s", v->id);
	snprintf(v->mount, sizeof(v->mount), "/var/lib/heketi/mounts/%s/%s",
		 d->vg, v->lv);
	snprintf(v->path, sizeof(v->path), "%s/brick", v->mount);
	v->b = (struct brickyard_brick){
		.size = sizeof(v->b), .id = v->id, .volume_id = "",
		.device = &d->d, .lv = v->lv, .thin_pool = v->tp,
		.mount = v->mount, .path = v->path, .size_bytes = size,
		.thin_pool_bytes = size, .metadata_bytes = 8 * MIB, .role = 1,
	};
	v->list[0] = &v->b;
	v->ref.size = sizeof(v->ref);
	v->ref.host = storage;
	v->ref.path = v->path;
	return v;
}

static const char *const replica3[] = { "replica", "3" };

/* A volume of up to 12 bricks, one each: replica 3 if set is 3. */
struct vol {
	char id[33], name[64];
	const struct brickyard_brick_ref *refs[12];
	const char *options[4];
	struct brickyard_gluster_volume v;
};

__attribute__((__unused__)) static struct vol *
vol_init(struct vol *v, unsigned n, unsigned set)
{
	memset(v, 0, sizeof(*v));
	snprintf(v->id, sizeof(v->id), "%032x", n);
	snprintf(v->name, sizeof(v->name), "vol_%u", n);
	v->v = (struct brickyard_gluster_volume){
		.size = sizeof(v->v), .name = v->name, .id = v->id,
		.nwords = set == 3 ? 2 : 0, .words = replica3,
		.bricks = v->refs, .bricks_per_set = set,
		.sets_per_command = 1, .options = v->options,
	};
	return v;
}

__attribute__((__unused__)) static void
vol_add(struct vol *v, const struct bri *b)
{
	v->refs[v->v.nbricks++] = &b->ref;
}

/* ---- steps, with a fresh error and result each ---- */

#define FRESH (memset(&error, 0, sizeof(error)), result.text[0] = '\0')

#define CHECK(inst, call, node)						\
	(FRESH, sim->node_check((inst), (call), (node), &error))
#define PROBE(inst, call, from, host)					\
	(FRESH, sim->peer_probe((inst), (call), (from), (host), &error))
#define DETACH(inst, call, from, host)					\
	(FRESH, sim->peer_detach((inst), (call), (from), (host), &error))
#define PREPARE(inst, call, node, dev)					\
	(FRESH, sim->device_prepare((inst), (call), (node), &(dev)->d,	\
				    &result, &error))
#define INFO(inst, call, node, dev)					\
	(FRESH, sim->device_info((inst), (call), (node), &(dev)->d,	\
				 &result, &error))
#define TEARDOWN(inst, call, node, dev)					\
	(FRESH, sim->device_teardown((inst), (call), (node), &(dev)->d,	\
				     &error))
#define MAKE(inst, call, node, bri)					\
	(FRESH, sim->bricks_create((inst), (call), (node), (bri)->list,	\
				   1, &error))
#define REMOVE(inst, call, node, bri)					\
	(FRESH, sim->bricks_destroy((inst), (call), (node), (bri)->list, \
				    1, &error))
#define CREATE(inst, call, node, vol)					\
	(FRESH, sim->volume_create((inst), (call), (node), &(vol)->v, &error))
#define EXPAND(inst, call, node, vol, rebalance)			\
	(FRESH, sim->volume_expand((inst), (call), (node), &(vol)->v,	\
				   (rebalance), &error))
#define DESTROY(inst, call, node, name)					\
	(FRESH, sim->volume_destroy((inst), (call), (node), (name), &error))
#define VINFO(inst, call, node, name)					\
	(FRESH, sim->volume_info((inst), (call), (node), (name), &result, \
				 &error))

/* A step that must be refused: by its class and a part of its words. */
#define refused(call, class_, words, ...) do {				\
	int r_ = (call);						\
	if (ok(r_ == -1 && error.err_class == (class_) &&		\
	       strstr(error.text, (words)) != NULL, __VA_ARGS__) == 0)	\
		printf("#  returned %d, class %d: %s\n", r_,		\
		       error.err_class, error.text);			\
} while (0)

#define works(call, ...) do {						\
	int r_ = (call);						\
	if (ok(r_ == 0, __VA_ARGS__) == 0)				\
		printf("#  returned %d, class %d: %s\n", r_,		\
		       error.err_class, error.text);			\
} while (0)

#endif
