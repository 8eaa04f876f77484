/* SPDX-License-Identifier: BSD-2-Clause */
/* script-bridge - an executor whose steps are programs in any language.
 *
 * Every step is a program called like the step in a directory (option `steps`):
 * node_check, peer_probe, device_prepare, bricks_create, ..., and run, which gets
 * the shell script on its stdin.  A step for which there is no program answers
 * BRICKYARD_ERR_UNSUPPORTED, and the host makes a script of it for run.
 *
 * A program gets
 *	the environment		BRICKYARD_STEP, _NODE_ID, _MANAGE_HOST, _STORAGE_HOST,
 *				_OPERATION_ID (empty: a mere look), _EPOCH,
 *				_DEADLINE_S (seconds that are left), and no more
 *				of ours than PATH
 *	stdin			what the step is about: lines KEY=VALUE, an empty
 *				line between records (one a brick, for example)
 * and gives
 *	stdout			results, in the same form
 *	exit status		0, or 10 + a class of BRICKYARD_ERR_* (16: fenced);
 *				any other is permanent
 *	stderr			the reason
 *
 * Threads: no state but the option, so any number of calls at a time.
 */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

static const struct brickyard_host *host;

struct brickyard_executor_instance {
	char *directory;
};

static const struct brickyard_option options[] = {
	{ "steps", BRICKYARD_OPT_STRING, BRICKYARD_OPT_REQUIRED, NULL,
	  "directory with a program for each step" },
	{ NULL, 0, 0, NULL, NULL },
};

static void
bridge_close(struct brickyard_executor_instance *x)
{
	if (x == NULL)
		return;
	free(x->directory);
	free(x);
}

static int
bridge_open(const struct brickyard_kv *config, size_t nconfig,
	    struct brickyard_executor_instance **ret, struct brickyard_error *err)
{
	struct brickyard_executor_instance *x = calloc(1, sizeof(*x));

	for (size_t i = 0; x != NULL && i < nconfig; i++)
		if (strcmp(config[i].key, "steps") == 0)
			x->directory = strdup(config[i].value);
	if (x == NULL || x->directory == NULL) {
		host->fail(err, BRICKYARD_ERR_TRANSIENT, "out of memory");
		bridge_close(x);
		return -1;
	}
	if (x->directory[0] != '/' || access(x->directory, R_OK | X_OK) != 0) {
		host->fail(err, BRICKYARD_ERR_INVALID, "option 'steps': '%s': %s",
			   x->directory, x->directory[0] != '/' ?
			   "must begin with /" : strerror(errno));
		bridge_close(x);
		return -1;
	}
	*ret = x;
	return 0;
}

/* ---- what a program is told: a text that grows ---- */

struct text {
	char *s;
	size_t n, room;
	int failed;			/* out of memory, or a value is no line */
};

static void
text_add(struct text *t, const char *s)
{
	size_t n = strlen(s), room = 2 * t->room + n + 256;
	char *more = t->s;

	if (t->n + n + 1 > t->room) {
		more = realloc(t->s, room);
		if (more == NULL) {
			t->failed = 1;
			return;
		}
		t->s = more;
		t->room = room;
	}
	memcpy(t->s + t->n, s, n + 1);
	t->n += n;
}

static void
text_str(struct text *t, const char *key, const char *value)
{
	if (value == NULL)
		return;
	t->failed |= strchr(value, '\n') != NULL;
	text_add(t, key);
	text_add(t, "=");
	text_add(t, value);
	text_add(t, "\n");
}

static void
text_u64(struct text *t, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	text_str(t, key, digits);
}

/* ---- what a program answers ---- */

/* "KEY=VALUE" lines, an empty line begins another record. */
static void
give_results(char *text, struct brickyard_result *res)
{
	char *line, *eq;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line == '\0' && text != NULL && *text != '\0')
			host->result_next(res);
		eq = strchr(line, '=');
		if (eq == NULL)
			continue;
		*eq = '\0';
		host->result_str(res, line, eq + 1);
	}
}

static int
class_of(uint64_t status)
{
	if (status > 10 && status <= 10 + BRICKYARD_ERR_UNSUPPORTED)
		return (int)status - 10;
	return BRICKYARD_ERR_PERMANENT;
}

/* ---- one step ---- */

struct step {
	struct brickyard_executor_instance *x;
	const struct brickyard_call *call;
	const struct brickyard_node *node;
	const char *name;
	struct text about;
	struct brickyard_error *err;
};

static char *
entry(const char *key, const char *value)
{
	size_t n = strlen(key) + strlen(value) + 2;
	char *s = malloc(n);

	if (s != NULL)
		snprintf(s, n, "%s=%s", key, value);
	return s;
}

#define ENV_MAX 10
static void
make_env(const struct step *s, char *env[ENV_MAX])
{
	int64_t left_ms = s->call->deadline_ms - program_now_ms();
	const char *path = getenv("PATH"), *op = s->call->operation_id;
	char epoch[24], seconds[24];
	size_t n = 0;

	snprintf(epoch, sizeof(epoch), "%" PRIu64, s->call->epoch);
	snprintf(seconds, sizeof(seconds), "%" PRId64,
		 left_ms > 0 ? (left_ms + 999) / 1000 : 1);
	env[n++] = entry("PATH", path != NULL ? path : "/usr/bin:/bin");
	env[n++] = entry("BRICKYARD_STEP", s->name);
	env[n++] = entry("BRICKYARD_NODE_ID", s->node->id);
	env[n++] = entry("BRICKYARD_MANAGE_HOST", s->node->manage_host);
	env[n++] = entry("BRICKYARD_STORAGE_HOST", s->node->storage_host);
	env[n++] = entry("BRICKYARD_OPERATION_ID", op != NULL ? op : "");
	env[n++] = entry("BRICKYARD_EPOCH", epoch);
	env[n++] = entry("BRICKYARD_DEADLINE_S", seconds);
	env[n] = NULL;
}

static int
fail_step(const struct step *s, int why, const char *text)
{
	host->fail(s->err, why, "%s on node '%s': %s", s->name,
		   s->node->manage_host, text);
	return -1;
}

static int
judge(const struct step *s, int why, struct program_result *r)
{
	char *text = r->err.bytes + r->err.from;
	size_t n = strlen(text);

	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	if (why == BRICKYARD_ERR_TRANSIENT)
		return fail_step(s, why, strerror(errno));
	if (why != 0)
		return fail_step(s, why, why == BRICKYARD_ERR_TIMEOUT ?
				 "it did not end in time" : "it was cancelled");
	if (r->status == 0)
		return 0;
	return fail_step(s, class_of(r->status), n > 0 ? text :
			 "its program failed without saying why");
}

/* Run the step's program; res may be NULL.  as_shell: its answer is that of
 * .run, whatever its exit status.
 */
static int
run_step(struct step *s, const char *input, struct brickyard_result *res,
	 int as_shell)
{
	char *path = malloc(strlen(s->x->directory) + strlen(s->name) + 2);
	struct program_result *r = malloc(sizeof(*r));
	char *env[ENV_MAX] = { NULL }, *argv[2] = { path, NULL };
	int why, result = -1;

	if (path == NULL || r == NULL) {
		fail_step(s, BRICKYARD_ERR_TRANSIENT, "out of memory");
		goto out;
	}
	sprintf(path, "%s/%s", s->x->directory, s->name);
	if (access(path, X_OK) != 0) {
		fail_step(s, BRICKYARD_ERR_UNSUPPORTED, "there is no program");
		goto out;
	}
	make_env(s, env);
	why = program_run(argv, env, input, s->call, r);
	if (why == 0 && as_shell) {
		host->result_u64(res, "exit_status", r->status);
		host->result_str(res, "stdout", r->out.bytes + r->out.from);
		host->result_str(res, "stderr", r->err.bytes + r->err.from);
		result = 0;
	} else {
		result = judge(s, why, r);
		if (result == 0 && res != NULL)
			give_results(r->out.bytes + r->out.from, res);
	}
out:
	for (size_t i = 0; i < ENV_MAX; i++)
		free(env[i]);
	free(path);
	free(r);
	return result;
}

/* Ends a step: what it is about is told, and freed. */
static int
tell(struct step *s, struct brickyard_result *res)
{
	int r;

	if (s->about.failed)
		r = fail_step(s, BRICKYARD_ERR_INVALID, "an argument is too large "
			      "or has a line break");
	else
		r = run_step(s, s->about.s, res, 0);
	free(s->about.s);
	return r;
}

#define STEP(name_)							\
	struct step s = { .x = x, .call = call, .node = node,		\
			  .name = (name_), .err = err }

/* ---- the steps ---- */

static int
bridge_run(struct brickyard_executor_instance *x,
	   const struct brickyard_call *call, const struct brickyard_node *node,
	   const char *script, struct brickyard_result *res,
	   struct brickyard_error *err)
{
	STEP("run");
	return run_step(&s, script, res, 1);
}

static int
bridge_node_check(struct brickyard_executor_instance *x,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node, struct brickyard_error *err)
{
	STEP("node_check");
	return tell(&s, NULL);
}

static int
peer(struct step *s, const char *other)
{
	text_str(&s->about, "host", other);
	return tell(s, NULL);
}

static int
bridge_peer_probe(struct brickyard_executor_instance *x,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node, const char *other,
		  struct brickyard_error *err)
{
	STEP("peer_probe");
	return peer(&s, other);
}

static int
bridge_peer_detach(struct brickyard_executor_instance *x,
		   const struct brickyard_call *call,
		   const struct brickyard_node *node, const char *other,
		   struct brickyard_error *err)
{
	STEP("peer_detach");
	return peer(&s, other);
}

static void
text_device(struct text *t, const struct brickyard_device *d)
{
	text_str(t, "device_id", d->id);
	text_str(t, "device_name", d->name);
	text_str(t, "pv_uuid", d->pv_uuid);
	text_str(t, "vg", d->vg);
	for (size_t i = 0; i < d->npaths; i++)
		text_str(t, "device_path", d->paths[i]);
	text_str(t, "kind", d->kind == BRICKYARD_DEVICE_BLOCK ? "block" :
		 d->kind == BRICKYARD_DEVICE_DIRECTORY ? "directory" : "");
	text_u64(t, "destroy_data", d->destroy_data);
	if (BRICKYARD_HAS(d, destroy_pv))
		text_str(t, "destroy_pv", d->destroy_pv);
	text_str(t, "destroy_pv", BRICKYARD_HAS(d, destroy_pv) &&
		 d->destroy_pv != NULL ? d->destroy_pv : "");
}

#define DEVICE_STEP(step_)						\
	static int							\
	bridge_##step_(struct brickyard_executor_instance *x,		\
		       const struct brickyard_call *call,		\
		       const struct brickyard_node *node,		\
		       const struct brickyard_device *device,		\
		       struct brickyard_result *res,			\
		       struct brickyard_error *err)			\
	{								\
		STEP(#step_);						\
		text_device(&s.about, device);				\
		return tell(&s, res);					\
	}

DEVICE_STEP(device_prepare)
DEVICE_STEP(device_info)

static int
bridge_device_teardown(struct brickyard_executor_instance *x,
		       const struct brickyard_call *call,
		       const struct brickyard_node *node,
		       const struct brickyard_device *device,
		       struct brickyard_error *err)
{
	STEP("device_teardown");
	text_device(&s.about, device);
	return tell(&s, NULL);
}

static void
text_brick(struct text *t, const struct brickyard_brick *b)
{
	text_str(t, "id", b->id);
	text_str(t, "volume_id", b->volume_id);
	text_device(t, b->device);
	text_str(t, "lv", b->lv);
	text_str(t, "thin_pool", b->thin_pool);
	text_str(t, "mount", b->mount);
	text_str(t, "path", b->path);
	text_u64(t, "size_bytes", b->size_bytes);
	text_u64(t, "thin_pool_bytes", b->thin_pool_bytes);
	text_u64(t, "metadata_bytes", b->metadata_bytes);
	text_u64(t, "gid", b->gid);
	text_u64(t, "role", b->role);
}

static int
tell_bricks(struct step *s, const struct brickyard_brick *const *bricks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			text_add(&s->about, "\n");
		text_brick(&s->about, bricks[i]);
	}
	return tell(s, NULL);
}

#define BRICKS_STEP(step_)						\
	static int							\
	bridge_##step_(struct brickyard_executor_instance *x,		\
		       const struct brickyard_call *call,		\
		       const struct brickyard_node *node,		\
		       const struct brickyard_brick *const *bricks,	\
		       size_t n, struct brickyard_error *err)		\
	{								\
		STEP(#step_);						\
		return tell_bricks(&s, bricks, n);			\
	}

BRICKS_STEP(bricks_create)
BRICKS_STEP(bricks_destroy)

static void
text_volume(struct text *t, const struct brickyard_gluster_volume *v)
{
	text_str(t, "name", v->name);
	text_str(t, "id", v->id);
	text_u64(t, "bricks_per_set", v->bricks_per_set);
	text_u64(t, "sets_per_command", v->sets_per_command);
	for (size_t i = 0; i < v->nwords; i++)
		text_str(t, "word", v->words[i]);
	for (size_t i = 0; i < v->noptions; i++)
		text_str(t, "option", v->options[i]);
	for (size_t i = 0; i < v->nbricks; i++) {
		text_add(t, "\n");
		text_str(t, "host", v->bricks[i]->host);
		text_str(t, "path", v->bricks[i]->path);
	}
}

static int
bridge_volume_create(struct brickyard_executor_instance *x,
		     const struct brickyard_call *call,
		     const struct brickyard_node *node,
		     const struct brickyard_gluster_volume *volume,
		     struct brickyard_error *err)
{
	STEP("volume_create");
	text_volume(&s.about, volume);
	return tell(&s, NULL);
}

static int
bridge_volume_expand(struct brickyard_executor_instance *x,
		     const struct brickyard_call *call,
		     const struct brickyard_node *node,
		     const struct brickyard_gluster_volume *volume,
		     uint32_t rebalance, struct brickyard_error *err)
{
	STEP("volume_expand");
	text_u64(&s.about, "rebalance", rebalance);
	text_volume(&s.about, volume);
	return tell(&s, NULL);
}

static int
bridge_volume_destroy(struct brickyard_executor_instance *x,
		      const struct brickyard_call *call,
		      const struct brickyard_node *node, const char *name,
		      struct brickyard_error *err)
{
	STEP("volume_destroy");
	text_str(&s.about, "name", name);
	return tell(&s, NULL);
}

static int
bridge_volume_info(struct brickyard_executor_instance *x,
		   const struct brickyard_call *call,
		   const struct brickyard_node *node, const char *name,
		   struct brickyard_result *res, struct brickyard_error *err)
{
	STEP("volume_info");
	text_str(&s.about, "name", name);
	return tell(&s, res);
}

/* ---- since ABI 1.1; an older host does not know of them ---- */

#define NODE_STEP(step_)						\
	static int							\
	bridge_##step_(struct brickyard_executor_instance *x,		\
		       const struct brickyard_call *call,		\
		       const struct brickyard_node *node,		\
		       struct brickyard_result *res,			\
		       struct brickyard_error *err)			\
	{								\
		STEP(#step_);						\
		return tell(&s, res);					\
	}

NODE_STEP(node_probe)
NODE_STEP(node_examine)

static int
bridge_heal_info(struct brickyard_executor_instance *x,
		 const struct brickyard_call *call,
		 const struct brickyard_node *node, const char *name,
		 struct brickyard_result *res, struct brickyard_error *err)
{
	STEP("heal_info");
	text_str(&s.about, "name", name);
	return tell(&s, res);
}

static int
bridge_brick_replace(struct brickyard_executor_instance *x,
		     const struct brickyard_call *call,
		     const struct brickyard_node *node, const char *name,
		     const struct brickyard_brick_ref *old_brick,
		     const struct brickyard_brick_ref *new_brick,
		     struct brickyard_error *err)
{
	STEP("brick_replace");
	text_str(&s.about, "name", name);
	text_str(&s.about, "old_host", old_brick->host);
	text_str(&s.about, "old_path", old_brick->path);
	text_str(&s.about, "new_host", new_brick->host);
	text_str(&s.about, "new_path", new_brick->path);
	return tell(&s, NULL);
}

static int
bridge_volume_clone(struct brickyard_executor_instance *x,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node, const char *name,
		    const char *clone, const char *snapshot,
		    struct brickyard_result *res, struct brickyard_error *err)
{
	STEP("volume_clone");
	text_str(&s.about, "name", name);
	text_str(&s.about, "clone", clone);
	text_str(&s.about, "snapshot", snapshot);
	return tell(&s, res);
}

static void
text_block(struct text *t, const struct brickyard_block *b)
{
	text_str(t, "volume", b->volume);
	text_str(t, "name", b->name);
	text_u64(t, "size_bytes", b->size_bytes);
	text_u64(t, "hacount", b->hacount);
	text_u64(t, "auth", b->auth);
	text_str(t, "prealloc", b->prealloc);
	for (size_t i = 0; i < b->nhosts; i++)
		text_str(t, "host", b->hosts[i]);
}

static int
bridge_block_create(struct brickyard_executor_instance *x,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    const struct brickyard_block *block,
		    struct brickyard_result *res, struct brickyard_error *err)
{
	STEP("block_create");
	text_block(&s.about, block);
	return tell(&s, res);
}

static int
bridge_block_expand(struct brickyard_executor_instance *x,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    const struct brickyard_block *block,
		    struct brickyard_error *err)
{
	STEP("block_expand");
	text_block(&s.about, block);
	return tell(&s, NULL);
}

static int
bridge_block_info(struct brickyard_executor_instance *x,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node, const char *volume,
		  const char *name, struct brickyard_result *res,
		  struct brickyard_error *err)
{
	STEP("block_info");
	text_str(&s.about, "volume", volume);
	text_str(&s.about, "name", name);
	return tell(&s, res);
}

static int
bridge_block_destroy(struct brickyard_executor_instance *x,
		     const struct brickyard_call *call,
		     const struct brickyard_node *node, const char *volume,
		     const char *name, struct brickyard_error *err)
{
	STEP("block_destroy");
	text_str(&s.about, "volume", volume);
	text_str(&s.about, "name", name);
	return tell(&s, NULL);
}

static int
bridge_device_forget(struct brickyard_executor_instance *x,
		     const struct brickyard_call *call,
		     const struct brickyard_node *node,
		     const struct brickyard_device *device,
		     struct brickyard_error *err)
{
	STEP("device_forget");
	text_device(&s.about, device);
	return tell(&s, NULL);
}

static struct brickyard_executor plugin = {
	.head = {
		.name = "script-bridge",
		.version = "1.1",
		.description = "steps are programs in a directory, in any language",
		.license = "BSD-2-Clause",
		.options = options,
		.thread_model = BRICKYARD_THREADS_PARALLEL,
	},
	.open = bridge_open,
	.close = bridge_close,
	.run = bridge_run,
	.node_check = bridge_node_check,
	.peer_probe = bridge_peer_probe,
	.peer_detach = bridge_peer_detach,
	.device_prepare = bridge_device_prepare,
	.device_info = bridge_device_info,
	.device_teardown = bridge_device_teardown,
	.bricks_create = bridge_bricks_create,
	.bricks_destroy = bridge_bricks_destroy,
	.volume_create = bridge_volume_create,
	.volume_expand = bridge_volume_expand,
	.volume_destroy = bridge_volume_destroy,
	.volume_info = bridge_volume_info,
	.node_probe = bridge_node_probe,
	.heal_info = bridge_heal_info,
	.brick_replace = bridge_brick_replace,
	.volume_clone = bridge_volume_clone,
	.block_create = bridge_block_create,
	.block_info = bridge_block_info,
	.block_expand = bridge_block_expand,
	.block_destroy = bridge_block_destroy,
	.node_examine = bridge_node_examine,
	.device_forget = bridge_device_forget,
};

BRICKYARD_EXECUTOR_REGISTER(plugin, host)
