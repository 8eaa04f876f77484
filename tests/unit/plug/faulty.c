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
#include <time.h>
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

/* Its options are a name and a password. */
static int
open_options(const struct brickyard_kv *config, size_t n,
	     struct brickyard_error *err)
{
	for (size_t i = 0; i < n; i++) {
		if (is("ex-empty") && config[i].value[0] == '\0')
			abort();
		if (is("ex-mute") && config[i].value[0] == '-')
			return -1;
		if (is("ex-secret") && strcmp(config[i].key, "password") == 0)
			host->log(BRICKYARD_LOG_DEBUG, "I have '%s'",
				  config[i].value);
	}
	if (is("ex-class") && n > 0 && strcmp(config[0].value, "-x") == 0) {
		host->fail(err, 99, "this class is none");
		return -1;
	}
	return 0;
}

/* In need it crashes, says nothing, or forgets what it had. */
static int
open_in_need(struct brickyard_error *err)
{
	int fd = is("ex-need-fd") ? open("/dev/null", O_RDONLY) : -1;
	char *p = malloc(100);

	if (is("ex-need-crash"))
		*(volatile char *)p = 'x';
	if (p == NULL && !is("ex-need-mute"))
		host->fail(err, BRICKYARD_ERR_TRANSIENT, "out of memory");
	if (p == NULL)
		return -1;
	free(p);
	if (fd >= 0)
		close(fd);
	return 0;
}

static int
ex_open(const struct brickyard_kv *config, size_t n,
	struct brickyard_executor_instance **ret, struct brickyard_error *err)
{
	pthread_t thread;

	(void)ret;
	if (open_options(config, n, err) != 0)
		return -1;
	if (strncmp(my_name, "ex-need-", 8) == 0 && open_in_need(err) != 0)
		return -1;
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
	int fds[2];

	(void)x, (void)call, (void)node, (void)script, (void)err;
	if (is("ex-pretends")) {
		int good = pipe(fds) == 0;

		if (good) {
			close(fds[0]);
			close(fds[1]);
		}
		host->result_u64(res, "exit_status",
				 strstr(script, "exit 3") != NULL ? 3 : 0);
		host->result_str(res, "stdout", good ? "out\n" : "");
		host->result_str(res, "stderr", "err\n");
		return 0;
	}
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

/* ---- an executor's own steps ---- */

#define SELF struct brickyard_executor_instance *x
#define CALL const struct brickyard_call *call
#define NODE const struct brickyard_node *node
#define RESULT struct brickyard_result *res
#define ERROR struct brickyard_error *err

static int
ex_node_check(SELF, CALL, NODE, ERROR)
{
	(void)x, (void)node;
	if (is("ex-gives"))
		host->result_str(NULL, "none", "is asked for");
	if (is("ex-seven"))
		return 7;
	for (int i = 0; i < 3; i++) {
		struct timespec before, after;

		clock_gettime(CLOCK_MONOTONIC, &before);
		if (call->cancelled(call)) {
			host->fail(err, is("ex-stops") ?
				   BRICKYARD_ERR_PERMANENT :
				   BRICKYARD_ERR_CANCELLED, "stopped");
			return -1;
		}
		clock_gettime(CLOCK_MONOTONIC, &after);
		if (is("ex-hasty") && (after.tv_sec - before.tv_sec) * 1000 +
		    (after.tv_nsec - before.tv_nsec) / 1000000 > 50) {
			host->fail(err, BRICKYARD_ERR_TIMEOUT, "too slow");
			return -1;
		}
	}
	if (is("ex-deaf-step"))
		sleep(2);
	return 0;
}

static int
ex_node_probe(SELF, CALL, NODE, RESULT, ERROR)
{
	(void)x, (void)call, (void)node, (void)err;
	host->result_str(res, "check", "login");
	host->result_str(res, "verdict", is("ex-verdict") ? "maybe" : "ok");
	if (!is("ex-textless"))
		host->result_str(res, "text", "fine");
	return 0;
}

/* What was made, in a file, since a process may be killed. */
static const char *
state_file(void)
{
	static char path[512];
	const char *tmp = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%s/%s.state", tmp != NULL ? tmp : "/tmp",
		 my_name);
	return path;
}

static int
state_get(void)
{
	FILE *f = fopen(state_file(), "re");
	int c = f != NULL ? fgetc(f) : '0';

	if (f != NULL)
		fclose(f);
	return c - '0';
}

static void
state_set(int to)
{
	FILE *f = fopen(state_file(), "we");

	if (f != NULL) {
		fputc('0' + to, f);
		fclose(f);
	}
}

static int
ex_fenced(CALL, ERROR)
{
	if (call->epoch > 1 || is("ex-unfenced"))
		return 0;
	host->fail(err, BRICKYARD_ERR_FENCED, "fenced");
	return -1;
}

/* One and the same brick, whatever it is called; made in two steps. */
static int
ex_create(SELF, CALL, NODE, const struct brickyard_brick *const *bricks, size_t n,
	  ERROR)
{
	(void)x, (void)node, (void)n;
	if (is("ex-shell")) {
		char command[8192];

		snprintf(command, sizeof(command), ": \"%s\" 2>/dev/null",
			 bricks[0]->path);
		if (system(command) != 0)
			host->log(BRICKYARD_LOG_DEBUG, "oh");
	}
	if (bricks[0]->path[0] != '/' && !is("ex-agrees")) {
		host->fail(err, BRICKYARD_ERR_INVALID, "no path");
		return -1;
	}
	if (ex_fenced(call, err) != 0)
		return -1;
	if (state_get() == 1 && is("ex-halfway")) {
		host->fail(err, BRICKYARD_ERR_EXISTS, "half of it is there");
		return -1;
	}
	if (state_get() == 2 && is("ex-twice")) {
		host->fail(err, BRICKYARD_ERR_EXISTS, "it is there");
		return -1;
	}
	state_set(1);
	(void)call->cancelled(call);
	state_set(2);
	return 0;
}

static int
ex_destroy(SELF, CALL, NODE, const struct brickyard_brick *const *bricks, size_t n,
	   ERROR)
{
	(void)x, (void)node, (void)bricks, (void)n;
	if (ex_fenced(call, err) != 0)
		return -1;
	state_set(0);
	return 0;
}

static const struct brickyard_option named[] = {
	{ "name", BRICKYARD_OPT_STRING, 0, "n", "what it is called" },
	{ "password", BRICKYARD_OPT_STRING, BRICKYARD_OPT_SECRET, NULL,
	  "what nobody may see" },
	{ NULL, 0, 0, NULL, NULL },
};

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
	if (is("ex-empty") || is("ex-mute") || is("ex-secret") || is("ex-class"))
		head->options = named;
	if (is("ex-gives") || is("ex-seven") || is("ex-stops") ||
	    is("ex-hasty") || is("ex-deaf-step"))
		executor.node_check = ex_node_check;
	if (is("ex-verdict") || is("ex-textless"))
		executor.node_probe = ex_node_probe;
	if (is("ex-unfenced") || is("ex-shell") || is("ex-agrees") ||
	    is("ex-halfway") || is("ex-twice")) {
		executor.bricks_create = ex_create;
		executor.bricks_destroy = ex_destroy;
	}
	head->magic = BRICKYARD_MAGIC;
	head->kind = head == &type.head ? BRICKYARD_KIND_VOLUME_TYPE :
					  BRICKYARD_KIND_EXECUTOR;
	head->size = size;
	head->abi_major = BRICKYARD_ABI_MAJOR;
	head->abi_minor = BRICKYARD_ABI_MINOR;
	head->name = my_name;
	return head;
}
