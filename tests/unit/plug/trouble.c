/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An executor that is `simulated` until told otherwise: the file $BY_TROUBLE has
 * a line "STEP FAULT", and while it is there that step breaks its word in that
 * way.  $BY_SIMULATED is the plug-in that does the work.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <brickyard/executor.h>

static const struct brickyard_host *host;
static const struct brickyard_executor *real;

/* What the file says of this step: "" for nothing. */
static void
read_fault(const char *step, char fault[32])
{
	const char *path = getenv("BY_TROUBLE");
	FILE *f = path != NULL ? fopen(path, "re") : NULL;
	char name[32] = "", what[32] = "";

	fault[0] = '\0';
	if (f == NULL)
		return;
	if (fscanf(f, "%31s %31s", name, what) == 2 && strcmp(name, step) == 0)
		strcpy(fault, what);
	fclose(f);
}

/* ---- faults ---- */

/* Deaf to deadline and cancelling, as long as the file says so. */
static void
hang(const char *step, const char *why)
{
	char fault[32];

	do {
		usleep(50000);
		read_fault(step, fault);
	} while (strcmp(fault, why) == 0);
}

static int
garbage(struct brickyard_result *res)
{
	host->result_str(res, "kind", "\377\376 neither");
	host->result_str(res, "total_bytes", "many");
	host->result_str(res, "free_bytes", "-1");
	host->result_str(res, "status", "");
	host->result_str(res, NULL, "no key");
	host->result_str(res, "no value", NULL);
	for (int i = 0; i < 100; i++)
		host->result_next(res);
	return 0;
}

/* Results past their cap, and a reason past its. */
static int
overrun(struct brickyard_result *res, struct brickyard_error *err)
{
	size_t n = 100000;
	char *text = malloc(n + 1);

	memset(text, 'y', n);
	text[n] = '\0';
	for (int i = 0; i < 30; i++)
		host->result_str(res, "stdout", text);
	host->fail(err, BRICKYARD_ERR_PERMANENT, "a long reason: %s", text);
	free(text);
	return res != NULL ? 0 : -1;
}

static void
scribble_text(const char *s)
{
	/* What is lent is const; this one does not care. */
	if (s != NULL)
		memset((char *)(uintptr_t)s, '%', strlen(s));
}

static int
scribble(const struct brickyard_call *call, const struct brickyard_node *node,
	 struct brickyard_error *err)
{
	struct brickyard_call *c = (void *)(uintptr_t)call;
	struct brickyard_node *n = (void *)(uintptr_t)node;

	scribble_text(call->operation_id);
	scribble_text(node->id);
	scribble_text(node->storage_host);
	memset(c, 0x7f, sizeof(*c));
	memset(n, 0x7f, sizeof(*n));
	host->fail(err, BRICKYARD_ERR_PERMANENT, "it wrote where it must not");
	return -1;
}

/* True: that was all, and *ret is the answer. */
static int
trouble(const char *step, const struct brickyard_call *call,
	const struct brickyard_node *node, struct brickyard_result *res,
	struct brickyard_error *err, int *ret)
{
	char fault[32];

	read_fault(step, fault);
	if (fault[0] == '\0')
		return 0;
	*ret = -1;
	if (strcmp(fault, "hang") == 0)
		hang(step, fault);
	else if (strcmp(fault, "garbage") == 0)
		*ret = garbage(res);
	else if (strcmp(fault, "number") == 0)
		*ret = 7;
	else if (strcmp(fault, "class") == 0)
		host->fail(err, 99, "no class for \377 this");
	else if (strcmp(fault, "overrun") == 0)
		*ret = overrun(res, err);
	else if (strcmp(fault, "scribble") == 0)
		*ret = scribble(call, node, err);
	else if (strcmp(fault, "vandal") == 0) {
		*ret = scribble(call, node, err);
		hang(step, fault);
	} else if (strcmp(fault, "crash") == 0)
		raise(SIGSEGV);
	return 1;
}

/* ---- steps ---- */

#define SELF struct brickyard_executor_instance *x
#define CALL const struct brickyard_call *call
#define NODE const struct brickyard_node *node
#define RESULT struct brickyard_result *res
#define ERROR struct brickyard_error *err
#define DEVICE const struct brickyard_device *device
#define BRICKS const struct brickyard_brick *const *bricks, size_t n
#define VOLUME const struct brickyard_gluster_volume *volume
#define NAME const char *name
#define ARGS(...) , ##__VA_ARGS__

/* step, its result or NULL, its parameters, and how they are passed on */
#define STEP(step, res_, params, args)					\
	static int							\
	trouble_##step(SELF, CALL, NODE params, ERROR)			\
	{								\
		int r;							\
									\
		if (trouble(#step, call, node, res_, err, &r))		\
			return r;					\
		return real->step(x, call, node args, err);		\
	}

STEP(run, res, ARGS(const char *script, RESULT), ARGS(script, res))
STEP(node_check, NULL, ARGS(), ARGS())
STEP(peer_probe, NULL, ARGS(NAME), ARGS(name))
STEP(peer_detach, NULL, ARGS(NAME), ARGS(name))
STEP(device_prepare, res, ARGS(DEVICE, RESULT), ARGS(device, res))
STEP(device_info, res, ARGS(DEVICE, RESULT), ARGS(device, res))
STEP(device_teardown, NULL, ARGS(DEVICE), ARGS(device))
STEP(bricks_create, NULL, ARGS(BRICKS), ARGS(bricks, n))
STEP(bricks_destroy, NULL, ARGS(BRICKS), ARGS(bricks, n))
STEP(volume_create, NULL, ARGS(VOLUME), ARGS(volume))
STEP(volume_expand, NULL, ARGS(VOLUME, uint32_t again), ARGS(volume, again))
STEP(volume_destroy, NULL, ARGS(NAME), ARGS(name))
STEP(volume_info, res, ARGS(NAME, RESULT), ARGS(name, res))

static struct brickyard_executor plugin = {
	.head = {
		.name = "trouble",
		.version = "1",
		.description = "simulated nodes, and trouble with them",
		.license = "GPL-2.0-or-later",
		.thread_model = BRICKYARD_THREADS_PARALLEL,
	},
	.run = trouble_run,
	.node_check = trouble_node_check,
	.peer_probe = trouble_peer_probe,
	.peer_detach = trouble_peer_detach,
	.device_prepare = trouble_device_prepare,
	.device_info = trouble_device_info,
	.device_teardown = trouble_device_teardown,
	.bricks_create = trouble_bricks_create,
	.bricks_destroy = trouble_bricks_destroy,
	.volume_create = trouble_volume_create,
	.volume_expand = trouble_volume_expand,
	.volume_destroy = trouble_volume_destroy,
	.volume_info = trouble_volume_info,
};

BRICKYARD_PUBLIC const struct brickyard_plugin_head *
brickyard_plugin_init(const struct brickyard_host *h)
{
	const char *path = getenv("BY_SIMULATED");
	void *dl = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	brickyard_plugin_init_fn *init = NULL;
	void *sym = dl != NULL ? dlsym(dl, "brickyard_plugin_init") : NULL;

	host = h;
	if (sym == NULL)
		return NULL;
	memcpy(&init, &sym, sizeof(init));
	real = (const struct brickyard_executor *)init(h);
	plugin.head.options = real->head.options;
	plugin.open = real->open;
	plugin.close = real->close;
	plugin.head.magic = BRICKYARD_MAGIC;
	plugin.head.kind = BRICKYARD_KIND_EXECUTOR;
	plugin.head.size = sizeof(plugin);
	plugin.head.abi_major = BRICKYARD_ABI_MAJOR;
	plugin.head.abi_minor = BRICKYARD_ABI_MINOR;
	return &plugin.head;
}
