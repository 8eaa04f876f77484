/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard device … */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/fmt.h"
#include "cli/topology-tree.h"

enum err
cmd_device_add(struct cli *cli, struct error *err)
{
	const struct args *a = &cli->args;
	bool destroy = args_bool(a, "destroy-existing-data");
	json_t *body;
	enum err e;

	if (args_str(a, "name")[0] == '\0')
		return fail(err, ERR_BADREQ, "Missing device name");
	if (args_str(a, "node")[0] == '\0')
		return fail(err, ERR_BADREQ, "Missing node id");
	body = json_pack("{s:s, s:s, s:o*}", "name", args_str(a, "name"),
			 "node", args_str(a, "node"), "destroydata",
			 destroy ? json_true() : NULL);
	e = cli_call(cli, "POST", "devices", NULL, NULL, body, NULL, err);
	if (e == ERR_OK)
		puts("Device added successfully");
	return e;
}

enum err
cmd_device_delete(struct cli *cli, struct error *err)
{
	const char *id = cli_arg(cli);
	bool force = args_bool(&cli->args, "force-forget");
	enum err e = cli_call(cli, "DELETE", "devices", id, NULL,
			      json_pack("{s:b}", "forceforget", force), NULL,
			      err);

	if (e == ERR_OK)
		printf("Device %s deleted\n", id);
	return e;
}

static enum err
device_set_state(struct cli *cli, const char *state, const char *healcheck,
	  const char *word, struct error *err)
{
	const char *id = cli_arg(cli);
	enum err e = cli_call(cli, "POST", "devices", id, "state",
			      json_pack("{s:s, s:s*}", "state", state,
					"healcheck", healcheck),
			      NULL, err);

	if (e == ERR_OK)
		printf("Device %s is now %s\n", id, word);
	return e;
}

enum err
cmd_device_remove(struct cli *cli, struct error *err)
{
	bool skip = args_bool(&cli->args, "expert-option-disable-heal-check");

	if (skip)
		think_twice_about_healing();
	return device_set_state(cli, "failed", skip ? "disable" : NULL,
				"removed", err);
}

enum err
cmd_device_enable(struct cli *cli, struct error *err)
{
	return device_set_state(cli, "online", NULL, "online", err);
}

enum err
cmd_device_disable(struct cli *cli, struct error *err)
{
	return device_set_state(cli, "offline", NULL, "offline", err);
}

static void
device_print(const json_t *d)
{
	json_t *b;
	size_t i;

	printf("Device Id: %s\n", json_str_at(d, "id"));
	printf("State: %s\n", state_word(d));
	printf("Size (GiB): %lld\n", (long long)kib_to_gib(d, "storage.total"));
	printf("Used (GiB): %lld\n", (long long)kib_to_gib(d, "storage.used"));
	printf("Free (GiB): %lld\n", (long long)kib_to_gib(d, "storage.free"));
	printf("Create Path: %s\n", json_str_at(d, "name"));
	printf("Physical Volume UUID: %s\n", json_str_at(d, "pv_uuid"));
	printf("Known Paths: ");
	print_joined(json_at(d, "paths"), " ");
	putchar('\n');
	print_tags(d);
	puts("Bricks:");
	json_array_foreach(json_at(d, "bricks"), i, b)
		printf("Id:%-35sSize (GiB):%-8lldPath: %s\n",
		       json_str_at(b, "id"), (long long)kib_to_gib(b, "size"),
		       json_str_at(b, "path"));
}

enum err
cmd_device_info(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	enum err e = cli_get(cli, "devices", cli_arg(cli), &j, err);

	if (e != ERR_OK)
		return e;
	if (cli->json)
		print_json(j);
	else
		device_print(j);
	return ERR_OK;
}

static enum err
device_resync(struct cli *cli, const char *id, struct error *err)
{
	return cli_call(cli, "GET", "devices", id, "resync", NULL, NULL, err);
}

/* Returns how many could not be resynced. */
static int
resync_node(struct cli *cli, const json_t *node, const char *cluster_id)
{
	json_t *d;
	size_t i;
	int failed = 0;

	json_array_foreach(json_at(node, "devices"), i, d) {
		const char *id = json_str_at(d, "id");
		struct error why;

		printf("Now resyncing device %s..\n", id);
		fflush(stdout);
		if (device_resync(cli, id, &why) == ERR_OK) {
			printf("Device %s (node %s) in cluster %s updated\n",
			       id, json_str_at(node, "id"), cluster_id);
		} else {
			printf("Unable to resync device %s: %s\n", id,
			       why.text);
			failed++;
		}
	}
	return failed;
}

static enum err
resync_cluster(struct cli *cli, const char *id, struct error *err)
{
	json_auto_t *cluster = NULL;
	json_t *node;
	size_t i;
	int failed = 0;
	enum err e;

	puts("Cluster-wide resync operation requested."
	     " Using object_id as cluster_id.");
	e = topology_fetch_cluster(cli, id, TOPOLOGY_NODES, &cluster, err);
	if (e != ERR_OK)
		return e;
	json_array_foreach(json_at(cluster, "nodes"), i, node)
		failed += resync_node(cli, node, id);
	if (failed > 0)
		return fail(err, ERR_REFUSED, "%d device%s could not be"
			    " resynced", failed, failed > 1 ? "s" : "");
	return ERR_OK;
}

enum err
cmd_device_resync(struct cli *cli, struct error *err)
{
	const char *id = cli_arg(cli);
	enum err e;

	if (args_bool(&cli->args, "cluster"))
		return resync_cluster(cli, id, err);
	e = device_resync(cli, id, err);
	if (e == ERR_OK)
		printf("Device %s updated\n", id);
	return e;
}
