/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The executor `simulated`: nodes that keep accounts of what real nodes would
 * hold, and refuse what they would refuse, but hold nothing.  Here: its
 * configuration and the table of its steps.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulated.h"

#define SIZE_ENV	"HEKETI_MOCK_DEVICE_SIZE_GB"
#define SIZE_MAX_GIB	UINT64_C(1048576)	/* a PiB */
#define LATENCY_MAX_MS	UINT64_C(86400000)

const struct brickyard_host *sim_host;

/* ---- lists ---- */

static char *
trimmed(char *text)
{
	char *end;

	text += strspn(text, " \t");
	end = text + strlen(text);
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	return text;
}

/* -1 when there is no memory. */
int
sim_list_parse(struct sim_list *l, const char *text)
{
	size_t most = 1;
	char *rest, *item;

	for (const char *c = text; *c != '\0'; c++)
		most += *c == ',';
	l->text = strdup(text);
	l->v = calloc(most, sizeof(*l->v));
	if (l->text == NULL || l->v == NULL)
		return -1;
	rest = l->text;
	while ((item = strsep(&rest, ",")) != NULL) {
		char *value = strchr(item, '=');

		if (value != NULL)
			*value++ = '\0';
		item = trimmed(item);
		if (*item == '\0')
			continue;
		l->v[l->n].key = item;
		l->v[l->n++].value = value != NULL ? trimmed(value) : "";
	}
	return 0;
}

void
sim_list_release(struct sim_list *l)
{
	free(l->v);
	free(l->text);
	memset(l, 0, sizeof(*l));
}

const char *
sim_list_get(const struct sim_list *l, const char *host, const char *key)
{
	size_t n = strlen(host);

	for (size_t i = 0; i < l->n; i++) {
		const char *k = l->v[i].key;

		if (strncmp(k, host, n) == 0 && k[n] == ':' &&
		    strcmp(k + n + 1, key) == 0)
			return l->v[i].value;
	}
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].key, key) == 0)
			return l->v[i].value;
	}
	return NULL;
}

/* ---- options ---- */

static const struct brickyard_option options[] = {
	{ "state_file", BRICKYARD_OPT_STRING, 0, NULL,
	  "file that the nodes live in, shared by replicas; none: in memory" },
	{ "device_size_gb", BRICKYARD_OPT_UINT, 0, "500",
	  "size of every disk, GiB; the environment variable " SIZE_ENV
	  " takes precedence" },
	{ "disks", BRICKYARD_OPT_STRING, 0, NULL,
	  "the disks there are, [HOST:]PATH[=GIB],...; none: every /dev/..." },
	{ "foreign", BRICKYARD_OPT_STRING, 0, NULL,
	  "disks that hold data of others, [HOST:]PATH=WHAT,..." },
	{ "pv_uuid", BRICKYARD_OPT_BOOL, 0, "false",
	  "whether devices have a UUID, as they have none in heketi's mock" },
	{ "any_option", BRICKYARD_OPT_BOOL, 0, "false",
	  "whether volumes take options that gluster doesn't know, as heketi's"
	  " mock does" },
	{ "adopt", BRICKYARD_OPT_BOOL, 0, "false",
	  "whether devices, peers and volumes that nodes have never heard of are"
	  " taken to be there, as heketi's mock does" },
	{ "down", BRICKYARD_OPT_STRING, 0, NULL,
	  "hosts whose glusterd does not run, HOST,..." },
	{ "latency_ms", BRICKYARD_OPT_UINT, 0, "0",
	  "how long every step takes" },
	{ "latency", BRICKYARD_OPT_STRING, 0, NULL,
	  "how long some steps take, STEP=MS,..." },
	{ "heal_ms", BRICKYARD_OPT_UINT, 0, "0",
	  "how long a brick that replaced another is healed from the others" },
	{ "transaction_conflicts", BRICKYARD_OPT_BOOL, 0, "false",
	  "whether gluster commands that overlap in a trusted pool are refused"
	  " for the moment, as glusterd refuses them" },
	{ "faults", BRICKYARD_OPT_STRING, 0, NULL,
	  "what goes wrong, STEP[@HOST][#N]=ACTION;..." },
	{ "faults_file", BRICKYARD_OPT_STRING, 0, NULL,
	  "file with more of them, one a line, read again when it changes" },
	{ NULL, 0, 0, NULL, NULL },
};

static const char *
option(const struct brickyard_kv *config, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(config[i].key, key) == 0 &&
		    config[i].value[0] != '\0')
			return config[i].value;
	}
	return NULL;
}

static int
refuse_option(struct brickyard_error *err, const char *key, const char *value,
	      const char *why)
{
	sim_host->fail(err, BRICKYARD_ERR_INVALID, "option '%s': '%s': %s", key,
		       value, why);
	return -1;
}

static int
read_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	char *end;

	if (text[0] < '0' || text[0] > '9' || strlen(text) > 18)
		return -1;
	*ret = strtoull(text, &end, 10);
	return *end == '\0' && *ret >= min && *ret <= max ? 0 : -1;
}

static int
read_size(struct brickyard_executor_instance *sim, const char *text,
	  struct brickyard_error *err)
{
	const char *env = getenv(SIZE_ENV);
	uint64_t n;

	sim->device_size_gib = 500;
	if (text != NULL &&
	    read_number(text, 1, SIZE_MAX_GIB, &sim->device_size_gib) < 0)
		return refuse_option(err, "device_size_gb", text,
				     "not a size in GiB");
	if (env == NULL || env[0] == '\0')
		return 0;
	if (read_number(env, 1, SIZE_MAX_GIB, &n) == 0)
		sim->device_size_gib = n;
	else
		sim_host->log(BRICKYARD_LOG_WARNING, SIZE_ENV
			      " '%s': not a size in GiB, ignoring", env);
	return 0;
}

static int
read_latency(struct brickyard_executor_instance *sim, const char *all,
	     const char *text, struct brickyard_error *err)
{
	uint64_t ms = 0;
	struct sim_list list = { 0 };
	int r = 0;

	if (all != NULL && read_number(all, 0, LATENCY_MAX_MS, &ms) < 0)
		return refuse_option(err, "latency_ms", all,
				     "not a number of milliseconds");
	for (int i = 0; i < STEP_MAX; i++)
		sim->latency_ms[i] = ms;
	if (text != NULL && sim_list_parse(&list, text) < 0)
		r = refuse_option(err, "latency", text, "out of memory");
	for (size_t i = 0; i < list.n && r == 0; i++) {
		const char *name = list.v[i].key;
		enum step_id id = step_by_name(name, strlen(name));

		if (id == STEP_MAX)
			r = refuse_option(err, "latency", name, "unknown step");
		else if (read_number(list.v[i].value, 0, LATENCY_MAX_MS,
				     &sim->latency_ms[id]) < 0)
			r = refuse_option(err, "latency", name,
					  "not a number of milliseconds");
	}
	sim_list_release(&list);
	return r;
}

static int
read_list(struct sim_list *l, const char *key, const char *text,
	  struct brickyard_error *err)
{
	if (text == NULL || sim_list_parse(l, text) == 0)
		return 0;
	return refuse_option(err, key, text, "out of memory");
}

static int
read_disks(struct brickyard_executor_instance *sim, const char *text,
	   struct brickyard_error *err)
{
	uint64_t n;

	if (read_list(&sim->disks, "disks", text, err) < 0)
		return -1;
	for (size_t i = 0; i < sim->disks.n; i++) {
		const char *size = sim->disks.v[i].value;

		if (size[0] != '\0' &&
		    read_number(size, 1, SIZE_MAX_GIB, &n) < 0)
			return refuse_option(err, "disks", sim->disks.v[i].key,
					     "not a size in GiB");
	}
	return 0;
}

static int
read_foreign(struct brickyard_executor_instance *sim, const char *text,
	     struct brickyard_error *err)
{
	if (read_list(&sim->foreign, "foreign", text, err) < 0)
		return -1;
	for (size_t i = 0; i < sim->foreign.n; i++) {
		if (sim->foreign.v[i].value[0] == '\0')
			return refuse_option(err, "foreign",
					     sim->foreign.v[i].key,
					     "what it holds is not said");
	}
	return 0;
}

static bool
is_true(const char *value)
{
	return value != NULL && strcmp(value, "true") == 0;
}

static int
read_heal(struct brickyard_executor_instance *sim, const char *text,
	  struct brickyard_error *err)
{
	if (text == NULL || read_number(text, 0, LATENCY_MAX_MS,
					&sim->heal_ms) == 0)
		return 0;
	return refuse_option(err, "heal_ms", text,
			     "not a number of milliseconds");
}

static int
read_config(struct brickyard_executor_instance *sim,
	    const struct brickyard_kv *c, size_t n, struct brickyard_error *err)
{
	sim->pv_uuid = is_true(option(c, n, "pv_uuid"));
	sim->any_option = is_true(option(c, n, "any_option"));
	sim->adopt = is_true(option(c, n, "adopt"));
	if (read_size(sim, option(c, n, "device_size_gb"), err) < 0 ||
	    read_disks(sim, option(c, n, "disks"), err) < 0 ||
	    read_foreign(sim, option(c, n, "foreign"), err) < 0 ||
	    read_list(&sim->down, "down", option(c, n, "down"), err) < 0 ||
	    read_heal(sim, option(c, n, "heal_ms"), err) < 0)
		return -1;
	return read_latency(sim, option(c, n, "latency_ms"),
			    option(c, n, "latency"), err);
}

static void
sim_close(struct brickyard_executor_instance *sim)
{
	if (sim == NULL)
		return;
	db_close(&sim->db);
	busy_close(&sim->busy);
	faults_close(&sim->faults);
	sim_list_release(&sim->disks);
	sim_list_release(&sim->foreign);
	sim_list_release(&sim->down);
	free(sim);
}

static int
sim_open(const struct brickyard_kv *config, size_t n,
	 struct brickyard_executor_instance **ret, struct brickyard_error *err)
{
	struct brickyard_executor_instance *sim = calloc(1, sizeof(*sim));
	int r;

	if (sim == NULL) {
		sim_host->fail(err, BRICKYARD_ERR_PERMANENT, "out of memory");
		return -1;
	}
	faults_init(&sim->faults);
	r = db_open(&sim->db, option(config, n, "state_file"), err);
	if (r == 0)
		r = faults_open(&sim->faults, option(config, n, "faults"),
				option(config, n, "faults_file"), err);
	if (r == 0)
		r = read_config(sim, config, n, err);
	if (r == 0 && is_true(option(config, n, "transaction_conflicts")))
		r = busy_open(&sim->busy, option(config, n, "state_file"), err);
	if (r == 0)
		*ret = sim;
	else
		sim_close(sim);
	return r;
}

static int
sim_run(struct brickyard_executor_instance *sim,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const char *script, struct brickyard_result *result,
	struct brickyard_error *err)
{
	sim_host->fail(err, BRICKYARD_ERR_UNSUPPORTED,
		       "run on '%s': simulated nodes have no shell",
		       step_host(node));
	return -1;
}

static struct brickyard_executor plugin = {
	.head = {
		.name = "simulated",
		.version = PACKAGE_VERSION,
		.description = "nodes that exist in accounts only, with faults"
			       " and latency on request",
		.license = "GPL-2.0-or-later",
		.options = options,
		.thread_model = BRICKYARD_THREADS_PARALLEL,
	},
	.open = sim_open,
	.close = sim_close,
	.run = sim_run,
	.node_check = sim_node_check,
	.peer_probe = sim_peer_probe,
	.peer_detach = sim_peer_detach,
	.device_prepare = sim_device_prepare,
	.device_info = sim_device_info,
	.device_teardown = sim_device_teardown,
	.bricks_create = sim_bricks_create,
	.bricks_destroy = sim_bricks_destroy,
	.volume_create = sim_volume_create,
	.volume_expand = sim_volume_expand,
	.volume_destroy = sim_volume_destroy,
	.volume_info = sim_volume_info,
	.block_create = sim_block_create,
	.block_info = sim_block_info,
	.block_expand = sim_block_expand,
	.block_destroy = sim_block_destroy,
	.heal_info = sim_heal_info,
	.brick_replace = sim_brick_replace,
	.device_forget = sim_device_forget,
	.node_examine = sim_node_examine,
	.volume_clone = sim_volume_clone,
};

BRICKYARD_EXECUTOR_REGISTER(plugin, sim_host)
