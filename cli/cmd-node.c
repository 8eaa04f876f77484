/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard node … */
#include <config.h>

#include <stdio.h>

#include "cli/cli.h"
#include "cli/fmt.h"

static enum err
node_check_required(const struct args *a, struct error *err)
{
	if (args_int(a, "zone") == 0)
		return fail(err, ERR_BADREQ, "Missing zone");
	if (args_str(a, "management-host-name")[0] == '\0')
		return fail(err, ERR_BADREQ, "Missing management hostname");
	if (args_str(a, "storage-host-name")[0] == '\0')
		return fail(err, ERR_BADREQ, "Missing storage hostname");
	if (args_str(a, "cluster")[0] == '\0')
		return fail(err, ERR_BADREQ, "Missing cluster id");
	return ERR_OK;
}

enum err
cmd_node_add(struct cli *cli, struct error *err)
{
	const struct args *a = &cli->args;
	json_auto_t *j = NULL;
	enum err e = node_check_required(a, err);

	if (e != ERR_OK)
		return e;
	e = cli_call(cli, "POST", "nodes", NULL, NULL,
		     json_pack("{s:I, s:{s:[s], s:[s]}, s:s}", "zone",
			       (json_int_t)args_int(a, "zone"), "hostnames",
			       "manage", args_str(a, "management-host-name"),
			       "storage", args_str(a, "storage-host-name"),
			       "cluster", args_str(a, "cluster")),
		     &j, err);
	if (e != ERR_OK)
		return e;
	if (cli->json) {
		print_json(j);
		return ERR_OK;
	}
	puts("Node information:");
	print_node(j);
	return ERR_OK;
}

static void
node_print_device(const json_t *d)
{
	printf("Id:%-35sName:%-20sState:%-10sSize (GiB):%-8lld"
	       "Used (GiB):%-8lldFree (GiB):%-8lldBricks:%-8zu\n",
	       json_str_at(d, "id"), json_str_at(d, "name"), state_word(d),
	       (long long)kib_to_gib(d, "storage.total"),
	       (long long)kib_to_gib(d, "storage.used"),
	       (long long)kib_to_gib(d, "storage.free"),
	       json_array_size(json_at(d, "bricks")));
}

enum err
cmd_node_info(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	json_t *d;
	size_t i;
	enum err e = cli_get(cli, "nodes", cli_arg(cli), &j, err);

	if (e != ERR_OK)
		return e;
	if (cli->json) {
		print_json(j);
		return ERR_OK;
	}
	print_node(j);
	puts("Devices:");
	json_array_foreach(json_at(j, "devices"), i, d)
		node_print_device(d);
	return ERR_OK;
}

static enum err
node_list_cluster(struct cli *cli, const char *id, struct error *err)
{
	json_auto_t *j = NULL;
	json_t *node;
	size_t i;
	enum err e = cli_get(cli, "clusters", id, &j, err);

	if (e != ERR_OK)
		return e;
	json_array_foreach(json_at(j, "nodes"), i, node)
		printf("Id:%s\tCluster:%s\n",
		       json_str_nth(json_at(j, "nodes"), i), id);
	return ERR_OK;
}

/* There is no such route: the nodes are those of all clusters. */
enum err
cmd_node_list(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	json_t *id;
	size_t i;
	enum err e = cli_get(cli, "clusters", NULL, &j, err);

	if (e != ERR_OK)
		return e;
	json_array_foreach(json_at(j, "clusters"), i, id) {
		e = node_list_cluster(
			cli, json_str_nth(json_at(j, "clusters"), i), err);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

enum err
cmd_node_delete(struct cli *cli, struct error *err)
{
	const char *id = cli_arg(cli);
	enum err e = cli_call(cli, "DELETE", "nodes", id, NULL, NULL, NULL,
			      err);

	if (e == ERR_OK)
		printf("Node %s deleted\n", id);
	return e;
}

static enum err
node_set_state(struct cli *cli, const char *state, const char *word,
	  struct error *err)
{
	const char *id = cli_arg(cli);
	enum err e = cli_call(cli, "POST", "nodes", id, "state",
			      json_pack("{s:s}", "state", state), NULL, err);

	if (e == ERR_OK)
		printf("Node %s is now %s\n", id, word);
	return e;
}

enum err
cmd_node_enable(struct cli *cli, struct error *err)
{
	return node_set_state(cli, "online", "online", err);
}

enum err
cmd_node_disable(struct cli *cli, struct error *err)
{
	return node_set_state(cli, "offline", "offline", err);
}

enum err
cmd_node_remove(struct cli *cli, struct error *err)
{
	return node_set_state(cli, "failed", "removed", err);
}
