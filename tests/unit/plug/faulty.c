/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plug-in with one fault, according to what its file is called: what
 * brickyard-plugin-check must find.  Names beginning with "vt-" are volume types.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <brickyard/executor.h>
#include <brickyard/volume-type.h>

static const struct brickyard_host *host;
static char my_name[64];
static int counter;

static int
is(const char *name)
{
	return strcmp(my_name, name) == 0;
}

/* ---- volume types ---- */

static int
vt_validate(const struct brickyard_volume_request *request,
	    struct brickyard_error *err)
{
	(void)request;
	if (is("vt-crash"))
		raise(SIGSEGV);
	if (is("vt-silent"))
		return -1;
	if (is("vt-exit"))
		exit(0);
	if (is("vt-hang"))
		pause();
	if (is("vt-prints"))
		printf("hello\n");
	if (is("vt-leak") && malloc(1000) == NULL)
		return -1;
	if (is("vt-race"))
		counter++;
	(void)err;
	return 0;
}

static int
vt_geometry(const struct brickyard_volume_request *request,
	    struct brickyard_geometry *ret, struct brickyard_error *err)
{
	(void)request, (void)err;
	ret->bricks_per_set = is("vt-moody") ? 1 + (uint32_t)counter++ % 2 : 3;
	ret->data_bricks = is("vt-lossy") ? 2 : 1;
	ret->max_missing = is("vt-moody") ? 0 : is("vt-lossy") ? 2 : 1;
	ret->write_quorum = is("vt-split") ? 1 : is("vt-moody") ? 1 : 2;
	return 0;
}

static int
vt_bytes(const struct brickyard_volume_request *request, uint32_t i,
	 uint64_t data_bytes, uint64_t file_bytes, uint64_t *ret,
	 struct brickyard_error *err)
{
	(void)request, (void)i, (void)file_bytes, (void)err;
	*ret = is("vt-short") ? data_bytes / 2 : data_bytes;
	if (is("vt-shrinks"))
		*ret = data_bytes > (uint64_t)1 << 40 ? 1 : data_bytes;
	return 0;
}

static int
vt_words(const struct brickyard_volume_request *request,
	 struct brickyard_result *res, struct brickyard_error *err)
{
	(void)request, (void)err;
	host->result_str(res, "word", is("vt-words") ? "force" : "replica");
	host->result_str(res, "word", "3");
	return 0;
}

static struct brickyard_volume_type type = {
	.head = {
		.version = "1", .description = "has a fault", .license = "MIT",
	},
	.validate = vt_validate,
	.geometry = vt_geometry,
	.brick_bytes = vt_bytes,
	.create_words = vt_words,
};

/* ---- executors ---- */

static void *
stay(void *arg)
{
	pause();
	return arg;
}

static int
ex_open(const struct brickyard_kv *config, size_t n,
	struct brickyard_executor_instance **ret, struct brickyard_error *err)
{
	pthread_t thread;

	(void)config, (void)n, (void)ret, (void)err;
	if (is("ex-fd") && open("/dev/null", O_RDONLY) < 0)
		return -1;
	if (is("ex-thread"))
		pthread_create(&thread, NULL, stay, NULL);
	if (is("ex-umask"))
		umask(counter++ % 8);
	if (is("ex-once"))
		return counter++ == 0 ? 0 : -1;
	return 0;
}

static void
ex_close(struct brickyard_executor_instance *x)
{
	if (is("ex-null") && x == NULL)
		abort();
}

static int
ex_run(struct brickyard_executor_instance *x, const struct brickyard_call *call,
       const struct brickyard_node *node, const char *script,
       struct brickyard_result *res, struct brickyard_error *err)
{
	(void)x, (void)call, (void)node, (void)script, (void)err;
	if (is("ex-deaf")) {
		int status = system(script);

		host->result_u64(res, "exit_status",
				 (uint64_t)WEXITSTATUS(status));
	} else {
		host->result_u64(res, "exit_status", 0);
	}
	host->result_str(res, "stdout", "");
	host->result_str(res, "stderr", "");
	return 0;
}

static const struct brickyard_option no_help[] = {
	{ "password", BRICKYARD_OPT_STRING, 0, NULL, NULL },
	{ NULL, 0, 0, NULL, NULL },
};

static struct brickyard_executor executor = {
	.head = {
		.version = "1", .description = "has a fault", .license = "MIT",
	},
	.open = ex_open,
	.close = ex_close,
	.run = ex_run,
};

/* ---- which one ---- */

BRICKYARD_PUBLIC const struct brickyard_plugin_head *
brickyard_plugin_init(const struct brickyard_host *h)
{
	struct brickyard_plugin_head *head = &executor.head;
	size_t size = sizeof(executor);
	Dl_info info;

	host = h;
	if (dladdr(&counter, &info) == 0)
		return NULL;
	snprintf(my_name, sizeof(my_name), "%s", strrchr(info.dli_fname, '/') + 1);
	my_name[strlen(my_name) - strlen(".so")] = '\0';
	if (strncmp(my_name, "vt-", 3) == 0) {
		head = &type.head;
		size = sizeof(type);
	}
	if (is("ex-options"))
		head->options = no_help;
	head->magic = BRICKYARD_MAGIC;
	head->kind = head == &type.head ? BRICKYARD_KIND_VOLUME_TYPE :
					  BRICKYARD_KIND_EXECUTOR;
	head->size = size;
	head->abi_major = BRICKYARD_ABI_MAJOR;
	head->abi_minor = BRICKYARD_ABI_MINOR;
	head->name = my_name;
	return head;
}
