/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard blockvolume … */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/fmt.h"

static void
print_blockvolume(const json_t *v)
{
	printf("Name: %s\n", json_str_at(v, "name"));
	printf("Size: %" PRId64 "\n", json_int_at(v, "size"));
	printf("UsableSize: %" PRId64 "\n", json_int_at(v, "usablesize"));
	printf("Volume Id: %s\n", json_str_at(v, "id"));
	printf("Cluster Id: %s\n", json_str_at(v, "cluster"));
	printf("Hosts: [");
	print_joined(json_at(v, "blockvolume.hosts"), " ");
	printf("]\nIQN: %s\n", json_str_at(v, "blockvolume.iqn"));
	printf("LUN: %" PRId64 "\n", json_int_at(v, "blockvolume.lun"));
	printf("Hacount: %" PRId64 "\n", json_int_at(v, "hacount"));
	printf("Username: %s\n", json_str_at(v, "blockvolume.username"));
	printf("Password: %s\n", json_str_at(v, "blockvolume.password"));
	printf("Block Hosting Volume: %s\n",
	       json_str_at(v, "blockhostingvolume"));
}

static void
blockvolume_show(const struct cli *cli, const json_t *v)
{
	if (cli->json)
		print_json(v);
	else
		print_blockvolume(v);
}

/* heketi-cli's body, member by member. */
static json_t *
create_body(const struct args *a)
{
	int64_t ha = args_int(a, "ha");

	return json_pack("{s:I, s:o*, s:s, s:o*, s:o*}", "size",
			 (json_int_t)args_int(a, "size"), "clusters",
			 split_words(args_str(a, "clusters")), "name",
			 args_str(a, "name"), "hacount",
			 ha != 0 ? json_integer(ha) : NULL, "auth",
			 args_bool(a, "auth") ? json_true() : NULL);
}

enum err
cmd_blockvolume_create(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	enum err e;

	if (args_int(&cli->args, "size") == 0)
		return fail(err, ERR_BADREQ, "Missing volume size");
	if (args_int(&cli->args, "ha") < 0)
		return fail(err, ERR_BADREQ, "Invalid HA count");
	e = cli_call(cli, "POST", "blockvolumes", NULL, NULL,
		     create_body(&cli->args), &j, err);
	if (e == ERR_OK)
		blockvolume_show(cli, j);
	return e;
}

enum err
cmd_blockvolume_info(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	enum err e = cli_get(cli, "blockvolumes", cli_arg(cli), &j, err);

	if (e == ERR_OK)
		blockvolume_show(cli, j);
	return e;
}

enum err
cmd_blockvolume_expand(struct cli *cli, struct error *err)
{
	int64_t size = args_int(&cli->args, "new-size");
	const char *id = args_str(&cli->args, "blockvolume");
	json_auto_t *j = NULL;
	enum err e;

	if (id[0] == '\0')
		id = cli_arg(cli);
	if (id == NULL)
		return fail(err, ERR_BADREQ, "Missing block volume id");
	if (size == 0)
		return fail(err, ERR_BADREQ,
			    "Missing block volume net new size");
	e = cli_call(cli, "POST", "blockvolumes", id, "expand",
		     json_pack("{s:I}", "new_size", (json_int_t)size), &j, err);
	if (e == ERR_OK)
		blockvolume_show(cli, j);
	return e;
}

enum err
cmd_blockvolume_delete(struct cli *cli, struct error *err)
{
	const char *id = cli_arg(cli);
	enum err e = cli_call(cli, "DELETE", "blockvolumes", id, NULL, NULL,
			      NULL, err);

	if (e == ERR_OK)
		printf("Volume %s deleted\n", id);
	return e;
}

static enum err
blockvolume_print_line(struct cli *cli, const char *id, struct error *err)
{
	json_auto_t *v = NULL;
	enum err e = cli_get(cli, "blockvolumes", id, &v, err);

	if (e == ERR_OK)
		printf("Id:%-35s Cluster:%-35s Name:%s\n", id,
		       json_str_at(v, "cluster"), json_str_at(v, "name"));
	return e;
}

enum err
cmd_blockvolume_list(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	json_t *id;
	size_t i;
	enum err e = cli_get(cli, "blockvolumes", NULL, &j, err);

	if (e != ERR_OK)
		return e;
	if (cli->json) {
		print_json(j);
		return ERR_OK;
	}
	json_array_foreach(json_at(j, "blockvolumes"), i, id) {
		e = blockvolume_print_line(
			cli, json_str_nth(json_at(j, "blockvolumes"), i), err);
		if (e != ERR_OK && e != ERR_NOTFOUND)	/* deleted meanwhile */
			return e;
	}
	return ERR_OK;
}
