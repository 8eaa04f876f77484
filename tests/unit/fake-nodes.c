/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One lock guards all that the nodes remember. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin.h"
#include "util/clock.h"
#include "util/xalloc.h"

#include "fake-nodes.h"

struct fake_volume {
	char *name;
	struct strs bricks;		/* host, path, host, path … */
};

_Atomic(fake_hook_fn *) fake_hook;
_Atomic(const char *) fake_total = "107374182400";
_Atomic(const char *) fake_free = "107374182400";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct strs calls, bricks;
static struct kvs epochs;	/* highest of each operation */
static struct { struct fake_volume *v; size_t n, cap; } volumes;

static void
volume_drop(size_t i)
{
	free(volumes.v[i].name);
	strs_release(&volumes.v[i].bricks);
	volumes.v[i] = volumes.v[--volumes.n];
}

void
fake_reset(void)
{
	LOCK_FOR_SCOPE(&lock);

	fake_hook = NULL;
	fake_total = "107374182400";
	fake_free = "107374182400";
	strs_release(&calls);
	strs_release(&bricks);
	kvs_release(&epochs);
	while (volumes.n > 0)
		volume_drop(0);
	free(volumes.v);
	memset(&volumes, 0, sizeof(volumes));
}

int
fake_calls(const char *step)
{
	LOCK_FOR_SCOPE(&lock);
	int n = 0;

	for (size_t i = 0; i < calls.n; i++)
		n += strcmp(calls.v[i], step) == 0;
	return n;
}

size_t
fake_bricks(void)
{
	LOCK_FOR_SCOPE(&lock);

	return bricks.n;
}

size_t
fake_volumes(void)
{
	LOCK_FOR_SCOPE(&lock);

	return volumes.n;
}

void
fake_foreign_volume(const char *name)
{
	LOCK_FOR_SCOPE(&lock);
	struct fake_volume *v = VEC_PUSH(&volumes);

	memset(v, 0, sizeof(*v));
	v->name = xstrdup(name);
	strs_add(&v->bricks, "elsewhere");
	strs_add(&v->bricks, "/data/brick");
}

bool
fake_wait_calls(const char *step, int n)
{
	int64_t until = clock_mono_ms() + 10000;
	struct timespec ts = { .tv_nsec = 1000000 };

	while (fake_calls(step) < n && clock_mono_ms() < until)
		nanosleep(&ts, NULL);
	return fake_calls(step) >= n;
}

enum err
fake_hang(const struct fake_call *c, struct error *err)
{
	struct timespec ts = { .tv_nsec = 1000000 };

	while (!c->call->cancelled(c->call))
		nanosleep(&ts, NULL);
	return fail(err, ERR_CANCELLED, "%s: cancelled", c->step);
}

/* As core/executor.c: what is too late does not begin. */
static enum err
begin(const char *step, const struct brickyard_call *call,
      const struct brickyard_node *node, struct error *err)
{
	struct fake_call c = { step, node->id, node->manage_host, call };
	fake_hook_fn *hook;

	if (call->cancelled(call))
		return fail(err, ERR_CANCELLED, "%s: cancelled", step);
	{
		LOCK_FOR_SCOPE(&lock);
		strs_add(&calls, step);
	}
	hook = fake_hook;
	return hook != NULL ? hook(&c, err) : ERR_OK;
}

/* The fence of the nodes, asked under the lock right before something is done: who
 * was overtaken after it began does nothing.
 */
static enum err
fence(const struct brickyard_call *call, struct error *err)
{
	const char *op = call->operation_id;
	const char *seen = op != NULL ? kvs_get(&epochs, op) : NULL;
	char epoch[24];

	if (op == NULL)
		return ERR_OK;
	if (seen != NULL && strtoull(seen, NULL, 10) > call->epoch)
		return fail(err, ERR_FENCED, "operation %s: epoch %s was seen",
			    op, seen);
	snprintf(epoch, sizeof(epoch), "%" PRIu64, call->epoch);
	kvs_set(&epochs, op, epoch);
	return ERR_OK;
}

/* ---- the steps ---- */

enum err
executor_node_check(struct executor *x, const struct brickyard_call *call,
		    const struct brickyard_node *node, struct error *err)
{
	return begin("node_check", call, node, err);
}

enum err
executor_peer_probe(struct executor *x, const struct brickyard_call *call,
		    const struct brickyard_node *from, const char *host,
		    struct error *err)
{
	return begin("peer_probe", call, from, err);
}

enum err
executor_peer_detach(struct executor *x, const struct brickyard_call *call,
		     const struct brickyard_node *from, const char *host,
		     struct error *err)
{
	return begin("peer_detach", call, from, err);
}

static enum err
tell_sizes(const char *step, const struct brickyard_call *call,
	   const struct brickyard_node *node, struct brickyard_result *res,
	   struct error *err)
{
	const char *total = fake_total, *left = fake_free;
	enum err r = begin(step, call, node, err);

	if (r != ERR_OK || total == NULL)
		return r;
	plugin_host_services.result_str(res, "kind", "block");
	plugin_host_services.result_str(res, "total_bytes", total);
	plugin_host_services.result_str(res, "free_bytes", left);
	plugin_host_services.result_u64(res, "extent_bytes", 4 << 20);
	return ERR_OK;
}

enum err
executor_device_prepare(struct executor *x, const struct brickyard_call *call,
			const struct brickyard_node *node,
			const struct brickyard_device *d,
			struct brickyard_result *res, struct error *err)
{
	return tell_sizes("device_prepare", call, node, res, err);
}

enum err
executor_device_info(struct executor *x, const struct brickyard_call *call,
		     const struct brickyard_node *node,
		     const struct brickyard_device *d,
		     struct brickyard_result *res, struct error *err)
{
	return tell_sizes("device_info", call, node, res, err);
}

enum err
executor_device_teardown(struct executor *x, const struct brickyard_call *call,
			 const struct brickyard_node *node,
			 const struct brickyard_device *d, struct error *err)
{
	return begin("device_teardown", call, node, err);
}

static void
brick_drop(const char *id)
{
	for (size_t i = 0; i < bricks.n; i++) {
		if (strcmp(bricks.v[i], id) != 0)
			continue;
		free(bricks.v[i]);
		bricks.v[i] = bricks.v[--bricks.n];
		return;
	}
}

enum err
executor_bricks_create(struct executor *x, const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_brick *const *l, size_t n,
		       struct error *err)
{
	enum err r = begin("bricks_create", call, node, err);
	LOCK_FOR_SCOPE(&lock);

	if (r == ERR_OK)
		r = fence(call, err);
	for (size_t i = 0; r == ERR_OK && i < n; i++)
		if (!strs_has(&bricks, l[i]->id))
			strs_add(&bricks, l[i]->id);
	return r;
}

enum err
executor_bricks_destroy(struct executor *x, const struct brickyard_call *call,
			const struct brickyard_node *node,
			const struct brickyard_brick *const *l, size_t n,
			struct error *err)
{
	enum err r = begin("bricks_destroy", call, node, err);
	LOCK_FOR_SCOPE(&lock);

	if (r == ERR_OK)
		r = fence(call, err);
	for (size_t i = 0; r == ERR_OK && i < n; i++)
		brick_drop(l[i]->id);
	return r;
}

static struct fake_volume *
volume_find(const char *name)
{
	for (size_t i = 0; i < volumes.n; i++)
		if (strcmp(volumes.v[i].name, name) == 0)
			return &volumes.v[i];
	return NULL;
}

static void
take_bricks(struct fake_volume *v, const struct brickyard_gluster_volume *g)
{
	strs_release(&v->bricks);
	for (size_t i = 0; i < g->nbricks; i++) {
		strs_add(&v->bricks, g->bricks[i]->host);
		strs_add(&v->bricks, g->bricks[i]->path);
	}
}

enum err
executor_volume_create(struct executor *x, const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_gluster_volume *g,
		       struct error *err)
{
	enum err r = begin("volume_create", call, node, err);
	LOCK_FOR_SCOPE(&lock);
	struct fake_volume *v = volume_find(g->name);

	if (r != ERR_OK)
		return r;
	if (v != NULL && !strs_has(&v->bricks, g->bricks[0]->path))
		return fail(err, ERR_EXISTS, "volume create: %s: failed: Volume "
			    "%s already exists", g->name, g->name);
	if (v == NULL) {
		v = VEC_PUSH(&volumes);
		memset(v, 0, sizeof(*v));
		v->name = xstrdup(g->name);
	}
	take_bricks(v, g);
	return ERR_OK;
}

enum err
executor_volume_expand(struct executor *x, const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_gluster_volume *g,
		       uint32_t rebalance, struct error *err)
{
	enum err r = begin("volume_expand", call, node, err);
	bool found = false;

	if (r != ERR_OK)
		return r;
	{
		LOCK_FOR_SCOPE(&lock);
		struct fake_volume *v = volume_find(g->name);

		found = v != NULL;
		if (found)
			take_bricks(v, g);
	}
	return found ? begin("volume_expand_done", call, node, err) :
		       fail(err, ERR_NOTFOUND, "no volume %s", g->name);
}

enum err
executor_volume_destroy(struct executor *x, const struct brickyard_call *call,
			const struct brickyard_node *node, const char *name,
			struct error *err)
{
	enum err r = begin("volume_destroy", call, node, err);
	LOCK_FOR_SCOPE(&lock);
	struct fake_volume *v = volume_find(name);

	if (r == ERR_OK && v != NULL)
		volume_drop((size_t)(v - volumes.v));
	return r;
}

enum err
executor_volume_info(struct executor *x, const struct brickyard_call *call,
		     const struct brickyard_node *node, const char *name,
		     struct brickyard_result *res, struct error *err)
{
	const struct brickyard_host *host = &plugin_host_services;
	enum err r = begin("volume_info", call, node, err);
	LOCK_FOR_SCOPE(&lock);
	struct fake_volume *v = volume_find(name);

	if (r != ERR_OK)
		return r;
	if (v == NULL)
		return fail(err, ERR_NOTFOUND, "no volume %s", name);
	host->result_str(res, "status", "started");
	host->result_str(res, "id", "01234567-89ab");
	for (size_t i = 0; i < v->bricks.n; i += 2) {
		host->result_next(res);
		host->result_str(res, "host", v->bricks.v[i]);
		host->result_str(res, "path", v->bricks.v[i + 1]);
	}
	return ERR_OK;
}

/* ---- block volumes: they are only asked for, there is no engine test of what
 * they hold (the simulated executor keeps their accounts)
 */

enum err
executor_block_create(struct executor *x, const struct brickyard_call *call,
		      const struct brickyard_node *node,
		      const struct brickyard_block *b,
		      struct brickyard_result *res, struct error *err)
{
	return begin("block_create", call, node, err);
}

enum err
executor_block_info(struct executor *x, const struct brickyard_call *call,
		    const struct brickyard_node *node, const char *volume,
		    const char *name, struct brickyard_result *res,
		    struct error *err)
{
	enum err r = begin("block_info", call, node, err);

	return r != ERR_OK ? r : fail(err, ERR_NOTFOUND, "no %s/%s", volume,
				      name);
}

enum err
executor_block_find(struct executor *x, const struct brickyard_call *call,
		    const struct brickyard_node *node, const char *volume,
		    const char *name, bool *ret, struct error *err)
{
	enum err r = executor_block_info(x, call, node, volume, name, NULL, err);

	*ret = r == ERR_OK;
	return r == ERR_NOTFOUND ? ERR_OK : r;
}

enum err
executor_block_expand(struct executor *x, const struct brickyard_call *call,
		      const struct brickyard_node *node,
		      const struct brickyard_block *b, struct error *err)
{
	return begin("block_expand", call, node, err);
}

enum err
executor_block_destroy(struct executor *x, const struct brickyard_call *call,
		       const struct brickyard_node *node, const char *volume,
		       const char *name, struct error *err)
{
	return begin("block_destroy", call, node, err);
}

/* All are well. */
enum err
executor_heal_info(struct executor *x, const struct brickyard_call *call,
		   const struct brickyard_node *node, const char *name,
		   struct brickyard_result *res, struct error *err)
{
	const struct brickyard_host *host = &plugin_host_services;
	enum err r = begin("heal_info", call, node, err);
	LOCK_FOR_SCOPE(&lock);
	struct fake_volume *v = volume_find(name);

	if (r != ERR_OK)
		return r;
	if (v == NULL)
		return fail(err, ERR_NOTFOUND, "no volume %s", name);
	for (size_t i = 0; i < v->bricks.n; i += 2) {
		if (i > 0)
			host->result_next(res);
		host->result_str(res, "host", v->bricks.v[i]);
		host->result_str(res, "path", v->bricks.v[i + 1]);
		host->result_u64(res, "online", 1);
		host->result_u64(res, "entries", 0);
	}
	return ERR_OK;
}

static size_t
path_find(const struct fake_volume *v, const char *path)
{
	for (size_t i = 1; i < v->bricks.n; i += 2)
		if (strcmp(v->bricks.v[i], path) == 0)
			return i;
	return 0;
}

static enum err
replace(const char *name, const struct brickyard_brick_ref *old,
	const struct brickyard_brick_ref *new_, struct error *err)
{
	LOCK_FOR_SCOPE(&lock);
	struct fake_volume *v = volume_find(name);
	size_t at;

	if (v == NULL)
		return fail(err, ERR_NOTFOUND, "no volume %s", name);
	at = path_find(v, old->path);
	if (at == 0)
		return path_find(v, new_->path) != 0 ? ERR_OK :
		       fail(err, ERR_NOTFOUND, "no brick %s", old->path);
	free(v->bricks.v[at - 1]);
	free(v->bricks.v[at]);
	v->bricks.v[at - 1] = xstrdup(new_->host);
	v->bricks.v[at] = xstrdup(new_->path);
	return ERR_OK;
}

enum err
executor_brick_replace(struct executor *x, const struct brickyard_call *call,
		       const struct brickyard_node *node, const char *name,
		       const struct brickyard_brick_ref *old_brick,
		       const struct brickyard_brick_ref *new_brick,
		       struct error *err)
{
	enum err r = begin("brick_replace", call, node, err);

	if (r == ERR_OK)
		r = replace(name, old_brick, new_brick, err);
	return r == ERR_OK ? begin("brick_replace_done", call, node, err) : r;
}

enum err
executor_device_forget(struct executor *x, const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_device *d, struct error *err)
{
	return begin("device_forget", call, node, err);
}

/* On the hosts of its source. */
enum err
executor_volume_clone(struct executor *x, const struct brickyard_call *call,
		      const struct brickyard_node *node, const char *name,
		      const char *clone, const char *snapshot,
		      struct brickyard_result *res, struct error *err)
{
	const struct brickyard_host *host = &plugin_host_services;
	enum err r = begin("volume_clone", call, node, err);
	struct fake_volume *v;

	if (r != ERR_OK)
		return r;
	{
		LOCK_FOR_SCOPE(&lock);
		struct fake_volume *c = volume_find(clone);

		if (volume_find(name) == NULL)
			return fail(err, ERR_NOTFOUND, "no volume %s", name);
		if (c == NULL) {
			c = VEC_PUSH(&volumes);
			memset(c, 0, sizeof(*c));
			c->name = xstrdup(clone);
			v = volume_find(name);
			for (size_t i = 0; i < v->bricks.n; i += 2) {
				strs_add(&c->bricks, v->bricks.v[i]);
				*VEC_PUSH(&c->bricks) = xasprintf(
					"/run/gluster/snaps/%s/brick%zu/brick",
					clone, i / 2 + 1);
			}
		}
		host->result_str(res, "status", "started");
		host->result_str(res, "id", "01234567-89ab");
		for (size_t i = 0; i < c->bricks.n; i += 2) {
			host->result_next(res);
			host->result_str(res, "host", c->bricks.v[i]);
			host->result_str(res, "path", c->bricks.v[i + 1]);
		}
	}
	return begin("volume_clone_done", call, node, err);
}

/* Told in the log only; a node of this kind has nothing to tell. */
enum err
executor_node_probe(struct executor *ex, const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    struct brickyard_result *result, struct error *err)
{
	return fail(err, ERR_NOTSUP, "there is no such step here");
}
