/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard cluster … */
#include <config.h>

#include <stdio.h>

#include "cli/cli.h"
#include "cli/fmt.h"
#include "cli/go-words.h"

enum err
cmd_cluster_create(struct cli *cli, struct error *err)
{
	bool file = args_bool(&cli->args, "file");
	bool block = args_bool(&cli->args, "block");
	json_auto_t *j = NULL;
	enum err e = cli_call(cli, "POST", "clusters", NULL, NULL,
			      json_pack("{s:b, s:b}", "block", block, "file",
					file),
			      &j, err);

	if (e != ERR_OK)
		return e;
	if (cli->json)
		print_json(j);
	else
		printf("Cluster id: %s\n", json_str_at(j, "id"));
	return ERR_OK;
}

/* One of the two flags: what was given, else what the cluster has. */
static enum err
new_flag(const struct cli *cli, const char *name, const json_t *info, bool *ret,
	 struct error *err)
{
	const char *s = args_str(&cli->args, name);

	*ret = json_bool_at(info, name);
	if (s[0] != '\0' && !go_parse_bool(s, ret))
		return fail(err, ERR_BADREQ, "strconv.ParseBool: parsing"
			    " \"%s\": invalid syntax", s);
	return ERR_OK;
}

enum err
cmd_cluster_setflags(struct cli *cli, struct error *err)
{
	const char *id = cli_arg(cli);
	json_auto_t *info = NULL;
	bool file = false, block = false;
	enum err e;

	if (args_str(&cli->args, "file")[0] == '\0' &&
	    args_str(&cli->args, "block")[0] == '\0')
		return fail(err, ERR_BADREQ, "At least one of --file or --block"
			    " must be specified.");
	e = cli_get(cli, "clusters", id, &info, err);
	if (e == ERR_OK)
		e = new_flag(cli, "file", info, &file, err);
	if (e == ERR_OK)
		e = new_flag(cli, "block", info, &block, err);
	if (e != ERR_OK)
		return e;
	return cli_call(cli, "POST", "clusters", id, "flags",
			json_pack("{s:b, s:b}", "block", block, "file", file),
			NULL, err);
}

enum err
cmd_cluster_delete(struct cli *cli, struct error *err)
{
	const char *id = cli_arg(cli);
	enum err e = cli_call(cli, "DELETE", "clusters", id, NULL, NULL, NULL,
			      err);

	if (e == ERR_OK)
		printf("Cluster %s deleted\n", id);
	return e;
}

enum err
cmd_cluster_info(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	enum err e = cli_get(cli, "clusters", cli_arg(cli), &j, err);

	if (e != ERR_OK)
		return e;
	if (cli->json) {
		print_json(j);
		return ERR_OK;
	}
	printf("Cluster id: %s\nNodes:\n", json_str_at(j, "id"));
	print_joined(json_at(j, "nodes"), "\n");
	printf("\nVolumes:\n");
	print_joined(json_at(j, "volumes"), "\n");
	printf("\nBlock: %s\n", yes_no(json_bool_at(j, "block")));
	printf("\nFile: %s\n", yes_no(json_bool_at(j, "file")));
	return ERR_OK;
}

static enum err
cluster_print_line(struct cli *cli, const char *id, struct error *err)
{
	json_auto_t *j = NULL;
	enum err e = cli_get(cli, "clusters", id, &j, err);
	bool file, block;

	if (e != ERR_OK)
		return e;
	file = json_bool_at(j, "file");
	block = json_bool_at(j, "block");
	printf("Id:%s %s%s%s\n", id, file ? "[file]" : "",
	       block ? "[block]" : "", file || block ? "" : "[]");
	return ERR_OK;
}

enum err
cmd_cluster_list(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	json_t *id;
	size_t i;
	enum err e = cli_get(cli, "clusters", NULL, &j, err);

	if (e != ERR_OK)
		return e;
	if (cli->json) {
		print_json(j);
		return ERR_OK;
	}
	puts("Clusters:");
	json_array_foreach(json_at(j, "clusters"), i, id) {
		e = cluster_print_line(
			cli, json_str_nth(json_at(j, "clusters"), i), err);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}
