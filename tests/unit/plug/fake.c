/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plug-in that is whatever its file is called: tests copy it under the names
 * below and see what the host makes of it.  "old" was built when executors had
 * no semantic steps yet, "abi99" comes from the far future, and so on.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <brickyard/executor.h>
#include <brickyard/volume-type.h>

static const struct brickyard_host *host;
static char my_name[64];

static const struct brickyard_option options[] = {
	{ "host", BRICKYARD_OPT_STRING, 0, NULL, "whom to ask" },
	{ "limit", BRICKYARD_OPT_UINT, 0, "7", "how often" },
	{ "fast", BRICKYARD_OPT_BOOL, 0, "true", "be quick" },
	{ "password", BRICKYARD_OPT_STRING,
	  BRICKYARD_OPT_SECRET | BRICKYARD_OPT_REQUIRED, NULL, "the word" },
	{ NULL, 0, 0, NULL, NULL },
};
static const struct brickyard_option unknown_type[] = {
	{ "host", 9, 0, NULL, "whom to ask" },
	{ NULL, 0, 0, NULL, NULL },
};
static const struct brickyard_option twice[] = {
	{ "host", BRICKYARD_OPT_STRING, 0, NULL, "whom to ask" },
	{ "host", BRICKYARD_OPT_STRING, 0, NULL, "whom to ask" },
	{ NULL, 0, 0, NULL, NULL },
};
static const struct brickyard_option bad_default[] = {
	{ "limit", BRICKYARD_OPT_UINT, 0, "-1", "how often" },
	{ NULL, 0, 0, NULL, NULL },
};
static const struct brickyard_option bad_key[] = {
	{ "how often", BRICKYARD_OPT_UINT, 0, "1", "how often" },
	{ NULL, 0, 0, NULL, NULL },
};

/* ---- executor ---- */

static int
fake_open(const struct brickyard_kv *config, size_t n,
	  struct brickyard_executor_instance **ret, struct brickyard_error *err)
{
	return 0;
}

static void
fake_close(struct brickyard_executor_instance *x)
{
}

static int
fake_run(struct brickyard_executor_instance *x,
	 const struct brickyard_call *call, const struct brickyard_node *node,
	 const char *script, struct brickyard_result *result,
	 struct brickyard_error *err)
{
	return 0;
}

static int
fake_node_check(struct brickyard_executor_instance *x,
		const struct brickyard_call *call,
		const struct brickyard_node *node, struct brickyard_error *err)
{
	return 0;
}

/* One that is longer than any host knows. */
static struct {
	struct brickyard_executor known;
	void *more[8];
} executor = {
	.known = {
		.head = {
			.version = "1.2.3",
			.description = "whatever\nits file is called",
			.license = "MIT",
			.options = options,
			.thread_model = BRICKYARD_THREADS_PER_NODE,
		},
		.open = fake_open,
		.close = fake_close,
		.run = fake_run,
		.node_check = fake_node_check,
	},
};

/* ---- volume type ---- */

static int
is(const char *name)
{
	return strcmp(my_name, name) == 0;
}

static int
fake_validate(const struct brickyard_volume_request *request,
	      struct brickyard_error *err)
{
	if (is("vt-refuses"))
		host->fail(err, BRICKYARD_ERR_INVALID, "not \377 today");
	return is("vt-silent") || is("vt-refuses") ? -1 : 0;
}

static int
fake_geometry(const struct brickyard_volume_request *request,
	      struct brickyard_geometry *ret, struct brickyard_error *err)
{
	ret->size = 12345;
	ret->bricks_per_set = is("vt-none") ? 0 : is("vt-crowd") ? 65 : 3;
	ret->data_bricks = is("vt-data") ? 4 : is("vt-thin") ? 2 : 1;
	ret->max_missing = is("vt-missing") ? 3 : 1;
	ret->write_quorum = is("vt-quorum") ? 4 : 2;
	ret->min_set_factor = is("vt-factor") ? 1000 : 0;
	return 0;
}

static uint32_t
fake_role(const struct brickyard_volume_request *request, uint32_t i)
{
	if (is("vt-role"))
		return 77;
	return is("vt-thin") && i > 0 ? BRICKYARD_ROLE_ARBITER :
					BRICKYARD_ROLE_DATA;
}

static int
fake_brick_bytes(const struct brickyard_volume_request *request, uint32_t i,
		 uint64_t data, uint64_t average, uint64_t *ret,
		 struct brickyard_error *err)
{
	*ret = is("vt-nothing") ? 0 : data;
	return 0;
}

static int
fake_create_words(const struct brickyard_volume_request *request,
		  struct brickyard_result *words, struct brickyard_error *err)
{
	if (is("vt-shell"))
		host->result_str(words, "word", "x; reboot");
	else if (is("vt-dash"))
		host->result_str(words, "word", "--mode=script");
	else
		for (int i = 0; i < (is("vt-chatty") ? 1000000 : 1); i++)
			host->result_str(words, "word", "word");
	return 0;
}

static struct brickyard_volume_type volume_type = {
	.head = {
		.version = "1",
		.description = "a type",
		.license = "MIT",
	},
	.request_names = "none,claimed",
	.validate = fake_validate,
	.geometry = fake_geometry,
	.role = fake_role,
	.brick_bytes = fake_brick_bytes,
	.create_words = fake_create_words,
};

/* ---- what is wrong with it ---- */

static void
spoil_head(struct brickyard_plugin_head *head)
{
	if (is("magic"))
		head->magic = 0xdeadbeef;
	if (is("kind"))
		head->kind = 7;
	if (is("abi99"))
		head->abi_major = 99;
	if (is("small"))
		head->size = 8;
	if (is("odd"))
		head->size--;
	if (is("huge"))
		head->size = (size_t)-8;
	if (is("nameless"))
		head->name = NULL;
	if (is("other"))
		head->name = "else";
	if (is("threads"))
		head->thread_model = 9;
	if (is("newer"))
		head->abi_minor = BRICKYARD_ABI_MINOR + 1;
}

static void
spoil_options(struct brickyard_plugin_head *head)
{
	if (is("opt-type"))
		head->options = unknown_type;
	if (is("opt-twice"))
		head->options = twice;
	if (is("opt-default"))
		head->options = bad_default;
	if (is("opt-key"))
		head->options = bad_key;
}

static void
find_name(void)
{
	Dl_info info;
	const char *slash;

	if (dladdr(&host, &info) == 0)
		abort();
	slash = strrchr(info.dli_fname, '/');
	snprintf(my_name, sizeof(my_name), "%s", slash + 1);
	my_name[strcspn(my_name, ".")] = '\0';
}

static const struct brickyard_plugin_head *
prepare(struct brickyard_plugin_head *head, uint32_t kind, size_t size)
{
	head->magic = BRICKYARD_MAGIC;
	head->kind = kind;
	head->size = size;
	head->abi_major = BRICKYARD_ABI_MAJOR;
	head->abi_minor = BRICKYARD_ABI_MINOR;
	head->name = my_name;
	spoil_head(head);
	spoil_options(head);
	return head;
}

/* By hand and not by the register macros: what they do right is what this has
 * to do wrong.
 */
const struct brickyard_plugin_head *
brickyard_plugin_init(const struct brickyard_host *host_)
{
	size_t size = sizeof(executor.known);

	host = host_;
	find_name();
	host->log(BRICKYARD_LOG_NOTICE, "hello from %d", 1);
	if (is("refuses"))
		return NULL;
	if (strncmp(my_name, "vt-", 3) == 0)
		return prepare(&volume_type.head, BRICKYARD_KIND_VOLUME_TYPE,
			       sizeof(volume_type));
	if (is("missing")) {
		executor.known.run = NULL;
		executor.known.close = NULL;
		executor.known.head.license = NULL;
	}
	if (is("old"))
		size = offsetof(struct brickyard_executor, node_check);
	if (is("newer"))
		size = sizeof(executor);
	return prepare(&executor.known.head, BRICKYARD_KIND_EXECUTOR, size);
}
