/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that an executor does itself, on a scratch node with a scratch
 * device: each twice, fenced, and after it was killed in its middle.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "plugin-check/scratch.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define STEP_MS 120000
#define BRICKS 2		/* of the scratch's */
#define KILLS 12

static void
name_brick(struct scratch *k, size_t i, uint64_t bytes)
{
	struct brickyard_brick *b = &k->bricks[i];

	id_new(k->names[i].id);
	snprintf(k->names[i].lv, sizeof(k->names[i].lv), "brick_%s",
		 k->names[i].id);
	snprintf(k->names[i].pool, sizeof(k->names[i].pool), "tp_%s",
		 k->names[i].id);
	snprintf(k->names[i].mount, sizeof(k->names[i].mount),
		 "/var/lib/heketi/mounts/%s/%s", k->vg, k->names[i].lv);
	snprintf(k->names[i].path, sizeof(k->names[i].path), "%s/brick",
		 k->names[i].mount);
	*b = (struct brickyard_brick){
		.size = sizeof(*b),
		.id = k->names[i].id,
		.volume_id = k->device_id,
		.device = &k->device,
		.lv = k->names[i].lv,
		.thin_pool = k->names[i].pool,
		.mount = k->names[i].mount,
		.path = k->names[i].path,
		.size_bytes = bytes,
		.thin_pool_bytes = bytes,
		.metadata_bytes = 8u << 20,
		.role = 1,
	};
	k->list[i] = b;
}

bool
scratch_init(struct scratch *k, struct subject *s, const char *what)
{
	const struct check_args *a = s->args;

	memset(k, 0, sizeof(*k));
	if (a->node == NULL || a->device == NULL) {
		check_skip(what, "needs a scratch node and a device on it, whose "
			   "data are destroyed: give --node and --device");
		return false;
	}
	id_new(k->operation);
	id_new(k->device_id);
	snprintf(k->vg, sizeof(k->vg), "vg_%s", k->device_id);
	k->device = (struct brickyard_device){
		.size = sizeof(k->device),
		.id = k->device_id,
		.name = a->device,
		.pv_uuid = "",
		.vg = k->vg,
		.destroy_pv = "",
	};
	for (size_t i = 0; i < SCRATCH_BRICKS; i++)
		name_brick(k, i, a->brick_bytes);
	return bench_open(&k->bench, s);
}

/* ---- one step each; the answer, and why ---- */

static int
prepare(struct scratch *k, struct trial *t)
{
	CLEANUP(result_release) struct brickyard_result res;
	const char *kind;
	int r;

	result_init(&res);
	r = k->bench.ops->device_prepare(k->bench.x, &t->call, &k->bench.node,
					 &k->device, &res, &t->error);
	if (r != 0)
		return r;
	k->total_bytes = result_get_u64(&res, 0, "total_bytes", 0);
	k->free_bytes = result_get_u64(&res, 0, "free_bytes", 0);
	kind = result_get(&res, 0, "kind");
	k->device.kind = kind != NULL && strcmp(kind, "directory") == 0 ?
		BRICKYARD_DEVICE_DIRECTORY : BRICKYARD_DEVICE_BLOCK;
	return 0;
}

static int
look(struct scratch *k, struct trial *t)
{
	CLEANUP(result_release) struct brickyard_result res;
	int r;

	result_init(&res);
	r = k->bench.ops->device_info(k->bench.x, &t->call, &k->bench.node,
				      &k->device, &res, &t->error);
	if (r == 0) {
		k->total_bytes = result_get_u64(&res, 0, "total_bytes", 0);
		k->free_bytes = result_get_u64(&res, 0, "free_bytes", 0);
	}
	return r;
}

static int
teardown(struct scratch *k, struct trial *t)
{
	return k->bench.ops->device_teardown(k->bench.x, &t->call,
					     &k->bench.node, &k->device,
					     &t->error);
}

static int
create(struct scratch *k, struct trial *t)
{
	return k->bench.ops->bricks_create(k->bench.x, &t->call, &k->bench.node,
					   k->list, BRICKS, &t->error);
}

static int
destroy(struct scratch *k, struct trial *t)
{
	return k->bench.ops->bricks_destroy(k->bench.x, &t->call,
					    &k->bench.node, k->list, BRICKS,
					    &t->error);
}

typedef int step_fn(struct scratch *, struct trial *);

static bool
does(struct scratch *k, step_fn *step, const char *name)
{
	struct trial t;

	check_begin(name);
	trial_init(&t, k->operation, 2, STEP_MS);
	return check_ok(step(k, &t) == 0, name, "%s", t.error.text);
}

static bool
has_steps(const struct brickyard_executor *ops, const char *what)
{
	if (ops->device_prepare != NULL && ops->device_info != NULL &&
	    ops->device_teardown != NULL && ops->bricks_create != NULL &&
	    ops->bricks_destroy != NULL)
		return true;
	check_skip(what, "it leaves steps to the host's scripts, which are "
		   "idempotent and fenced");
	return false;
}

/* ---- twice ---- */

static void
check_fence(struct scratch *k)
{
	struct trial t;
	int r;

	check_begin("a step with an older epoch");
	trial_init(&t, k->operation, 1, STEP_MS);
	r = destroy(k, &t);
	check_ok(r != 0 && t.error.err_class == BRICKYARD_ERR_FENCED,
		 "a step with an older epoch is fenced", "it %s, class %d: %s",
		 r == 0 ? "succeeded" : "failed", t.error.err_class, t.error.text);
}

/* A directory's space is its file system's, which others may be filling. */
static bool
is_back(const struct scratch *k, uint64_t before)
{
	uint64_t slack = k->device.kind == BRICKYARD_DEVICE_DIRECTORY ?
		k->bricks[0].size_bytes / 2 : 0;

	return k->free_bytes + slack >= before;
}

static void
check_bricks(struct scratch *k)
{
	uint64_t before;

	if (!does(k, look, "device_info"))
		return;
	before = k->free_bytes;
	(void)does(k, destroy, "bricks_destroy of bricks that are not there");
	if (does(k, create, "bricks_create"))
		(void)does(k, create, "bricks_create again");
	if (does(k, look, "device_info with bricks") &&
	    k->device.kind == BRICKYARD_DEVICE_BLOCK)
		check_ok(k->free_bytes < before, "bricks take space", "%" PRIu64
			 " bytes are free, as before", k->free_bytes);
	check_fence(k);
	if (does(k, destroy, "bricks_destroy"))
		(void)does(k, destroy, "bricks_destroy again");
	if (does(k, look, "device_info without bricks"))
		check_ok(is_back(k, before), "bricks_destroy gives all space "
			 "back", "%" PRIu64 " bytes are free of %" PRIu64
			 " before", k->free_bytes, before);
}

void
check_steps(struct subject *s)
{
	struct scratch k;
	struct trial t;

	if (!has_steps(&s->plugin->executor, "steps") ||
	    !scratch_init(&k, s, "steps"))
		return;
	trial_init(&t, NULL, 0, STEP_MS);
	check_ok(k.bench.ops->node_check == NULL ||
		 k.bench.ops->node_check(k.bench.x, &t.call, &k.bench.node,
					 &t.error) == 0 ||
		 t.error.text[0] != '\0', "node_check answers or says why not",
		 "it did not");
	if (does(&k, prepare, "device_prepare")) {
		uint64_t total = k.total_bytes;

		if (does(&k, prepare, "device_prepare again"))
			check_ok(total == k.total_bytes, "with the same size",
				 "%" PRIu64 ", then %" PRIu64, total,
				 k.total_bytes);
		check_bricks(&k);
		if (does(&k, teardown, "device_teardown"))
			(void)does(&k, teardown, "device_teardown again");
	}
	bench_close(&k.bench);
}

/* ---- killed ---- */

/* Run a step in a process of its own, and end that after us microseconds. */
static void
run_and_kill(struct subject *s, const struct scratch *like, step_fn *step,
	     useconds_t us)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct scratch k = *like;
		struct trial t;

		for (size_t i = 0; i < BRICKS; i++) {
			k.list[i] = &k.bricks[i];
			k.bricks[i].device = &k.device;
		}
		if (bench_open(&k.bench, s)) {
			trial_init(&t, k.operation, 2, STEP_MS);
			(void)step(&k, &t);
		}
		_exit(0);
	}
	usleep(us);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int64_t
time_of(struct scratch *k, step_fn *step)
{
	int64_t began = clock_mono_ms();
	struct trial t;

	trial_init(&t, k->operation, 2, STEP_MS);
	return step(k, &t) == 0 ? clock_mono_ms() - began : -1;
}

void
check_killed_steps(struct subject *s)
{
	struct scratch k;
	int64_t create_ms;
	uint64_t before;
	bool good = true;

	if (!has_steps(&s->plugin->executor, "steps that are killed") ||
	    !scratch_init(&k, s, "steps that are killed"))
		return;
	if (!does(&k, prepare, "device_prepare"))
		return;
	before = k.free_bytes;
	create_ms = time_of(&k, create);
	(void)time_of(&k, destroy);
	for (int i = 0; i < KILLS && good; i++) {
		useconds_t us = (useconds_t)((create_ms + 20) * 1000 * i / KILLS);

		bench_close(&k.bench);
		run_and_kill(s, &k, i % 2 == 0 ? create : destroy, us);
		if (!bench_open(&k.bench, s))
			return;
		good = does(&k, create, "bricks_create after a kill") &&
		       (i % 2 == 0 ||
			does(&k, destroy, "bricks_destroy after a kill"));
	}
	(void)does(&k, destroy, "bricks_destroy at the end");
	if (does(&k, look, "device_info"))
		check_ok(is_back(&k, before), "nothing is left of what was "
			 "killed", "%" PRIu64 " bytes free of %" PRIu64,
			 k.free_bytes, before);
	(void)does(&k, teardown, "device_teardown");
	bench_close(&k.bench);
}

/* ---- cancelled ---- */

/* The host says "cancelled" from the nth time it is asked: a step that stops
 * there fails as cancelled and soon, and can be done again.
 */
static bool
cancel_at(struct scratch *k, step_fn *step, int n, int *ret_asked)
{
	int64_t began = clock_mono_ms();
	struct trial t;
	int r;

	trial_init(&t, k->operation, 2, STEP_MS);
	t.cancel_at = n;
	r = step(k, &t);
	*ret_asked = t.asked;
	return check_ok(r == 0 || t.error.err_class == BRICKYARD_ERR_CANCELLED,
			"a step that is cancelled says so", "class %d: %s",
			t.error.err_class, t.error.text) &&
	       check_ok(clock_mono_ms() - began < 10000, "and soon", "after %"
			PRId64 " ms", clock_mono_ms() - began);
}

void
check_cancelled_steps(struct subject *s)
{
	struct scratch k;
	int asked = 0;
	bool good = true;

	if (!has_steps(&s->plugin->executor, "steps that are cancelled") ||
	    !scratch_init(&k, s, "steps that are cancelled"))
		return;
	if (!does(&k, prepare, "device_prepare")) {
		bench_close(&k.bench);
		return;
	}
	for (int n = 1; n <= KILLS && good; n++) {
		check_begin("bricks_create that is cancelled");
		good = cancel_at(&k, create, n, &asked) &&
		       does(&k, create, "bricks_create again") &&
		       cancel_at(&k, destroy, n, &asked) &&
		       does(&k, destroy, "bricks_destroy again");
	}
	(void)does(&k, destroy, "bricks_destroy");
	(void)does(&k, teardown, "device_teardown");
	bench_close(&k.bench);
}

/* ---- volumes ---- */

struct volume {
	struct scratch *k;
	struct brickyard_gluster_volume g;
	struct brickyard_brick_ref refs[BRICKS];
	const struct brickyard_brick_ref *list[BRICKS];
	char name[ID_SIZE + 4];
};

static void
volume_init(struct volume *v, struct scratch *k, size_t nbricks)
{
	static const char *const options[] = { "nfs.disable on" };

	memset(v, 0, sizeof(*v));
	v->k = k;
	snprintf(v->name, sizeof(v->name), "vol_%s", k->device_id);
	for (size_t i = 0; i < BRICKS; i++) {
		v->refs[i] = (struct brickyard_brick_ref){
			sizeof(v->refs[i]), k->bench.node.storage_host,
			k->names[i].path,
		};
		v->list[i] = &v->refs[i];
	}
	v->g = (struct brickyard_gluster_volume){
		.size = sizeof(v->g), .name = v->name, .id = k->device_id,
		.nbricks = nbricks, .bricks = v->list, .bricks_per_set = 1,
		.sets_per_command = 1, .noptions = 1, .options = options,
	};
}

static struct volume current;		/* the steps below are about it */

static int
volume_create(struct scratch *k, struct trial *t)
{
	return k->bench.ops->volume_create(k->bench.x, &t->call, &k->bench.node,
					   &current.g, &t->error);
}

static int
volume_expand(struct scratch *k, struct trial *t)
{
	return k->bench.ops->volume_expand(k->bench.x, &t->call, &k->bench.node,
					   &current.g, 0, &t->error);
}

static int
volume_destroy(struct scratch *k, struct trial *t)
{
	return k->bench.ops->volume_destroy(k->bench.x, &t->call,
					    &k->bench.node, current.name,
					    &t->error);
}

/* How many bricks it has; -1: there is none. */
static int
count_bricks(struct scratch *k, const char *name)
{
	CLEANUP(result_release) struct brickyard_result res;
	struct trial t;
	int r;

	check_begin(name);
	result_init(&res);
	trial_init(&t, NULL, 0, STEP_MS);
	r = k->bench.ops->volume_info(k->bench.x, &t.call, &k->bench.node,
				      current.name, &res, &t.error);
	if (r != 0 && t.error.err_class == BRICKYARD_ERR_NOTFOUND)
		return -1;
	check_ok(r == 0, name, "%s", t.error.text);
	return (int)res.records.n - 1;
}

static void
check_count(struct scratch *k, int want, const char *name)
{
	int n = count_bricks(k, name);

	check_ok(n == want, name, "volume_info tells of %d bricks, not %d", n,
		 want);
}

static void
try_volume(struct scratch *k)
{
	volume_init(&current, k, 1);
	if (k->bench.ops->peer_probe != NULL) {
		struct trial t;

		check_begin("peer_probe of itself");
		trial_init(&t, k->operation, 2, STEP_MS);
		check_ok(k->bench.ops->peer_probe(
				 k->bench.x, &t.call, &k->bench.node,
				 k->bench.node.storage_host, &t.error) == 0,
			 "a node that is a peer already is one", "%s",
			 t.error.text);
	}
	check_count(k, -1, "volume_info of none is not-found");
	(void)does(k, volume_destroy, "volume_destroy of none");
	if (does(k, volume_create, "volume_create"))
		(void)does(k, volume_create, "volume_create again");
	check_count(k, 1, "the volume has its brick");
	current.g.nbricks = BRICKS;
	if (does(k, volume_expand, "volume_expand"))
		(void)does(k, volume_expand, "volume_expand again");
	check_count(k, BRICKS, "and then all");
	if (does(k, volume_destroy, "volume_destroy"))
		(void)does(k, volume_destroy, "volume_destroy again");
	check_count(k, -1, "and is gone");
}

static bool
has_volume_steps(const struct brickyard_executor *ops)
{
	return ops->volume_create != NULL && ops->volume_expand != NULL &&
	       ops->volume_destroy != NULL && ops->volume_info != NULL;
}

void
check_volume_steps(struct subject *s)
{
	struct scratch k;

	if (!has_steps(&s->plugin->executor, "volumes"))
		return;
	if (!s->args->volumes || !has_volume_steps(&s->plugin->executor)) {
		check_skip("volumes", "%s", s->args->volumes ? "it leaves them to "
			   "the host's scripts" : "glusterd must run on the "
			   "node: say so with --volumes");
		return;
	}
	if (!scratch_init(&k, s, "volumes"))
		return;
	if (does(&k, prepare, "device_prepare") &&
	    does(&k, create, "bricks_create"))
		try_volume(&k);
	(void)does(&k, destroy, "bricks_destroy");
	(void)does(&k, teardown, "device_teardown");
	bench_close(&k.bench);
}
