/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard node|device settags|rmtags: two kinds of object, one request. */
#include <config.h>

#include <string.h>

#include "cli/cli.h"
#include "cli/fmt.h"

static enum err
submit(struct cli *cli, const char *collection, const char *change,
       json_t *tags, struct error *err)
{
	return cli_call(cli, "POST", collection, cli_arg(cli), "tags",
			json_pack("{s:o, s:s}", "tags", tags, "change_type",
				  change),
			NULL, err);
}

/* "name:value"; a value may hold colons, too. */
static enum err
add_tag(json_t *tags, const char *word, struct error *err)
{
	const char *colon = strchr(word, ':');
	CLEANUP(buf_release) struct buf name = { 0 };

	if (colon == NULL)
		return fail(err, ERR_BADREQ, "expected colon (:) between tag"
			    " name and value, got: %s", word);
	buf_add(&name, word, (size_t)(colon - word));
	json_object_set_new(tags, buf_str(&name), json_string(colon + 1));
	return ERR_OK;
}

static enum err
set_tags(struct cli *cli, const char *collection, struct error *err)
{
	const struct strs *rest = &cli->args.rest;
	json_auto_t *tags = json_object();

	if (rest->n < 2)
		return fail(err, ERR_BADREQ,
			    "at least one tag:value pair expected");
	for (size_t i = 1; i < rest->n; i++) {
		enum err e = add_tag(tags, rest->v[i], err);

		if (e != ERR_OK)
			return e;
	}
	return submit(cli, collection,
		      args_bool(&cli->args, "exact") ? "set" : "update",
		      STEAL(tags), err);
}

static enum err
remove_tags(struct cli *cli, const char *collection, struct error *err)
{
	const struct strs *rest = &cli->args.rest;
	bool all = args_bool(&cli->args, "all");
	json_t *tags;

	if (rest->n < 2 && !all)
		return fail(err, ERR_BADREQ, "at least one tag expected");
	if (rest->n >= 2 && all)
		return fail(err, ERR_BADREQ,
			    "--all may not be combined with named tags");
	tags = json_object();
	/* The server looks at the names only. */
	for (size_t i = 1; i < rest->n; i++)
		json_object_set_new(tags, rest->v[i], json_string(""));
	return submit(cli, collection, all ? "set" : "delete", tags, err);
}

enum err
cmd_node_settags(struct cli *cli, struct error *err)
{
	return set_tags(cli, "nodes", err);
}

enum err
cmd_node_rmtags(struct cli *cli, struct error *err)
{
	return remove_tags(cli, "nodes", err);
}

enum err
cmd_device_settags(struct cli *cli, struct error *err)
{
	return set_tags(cli, "devices", err);
}

enum err
cmd_device_rmtags(struct cli *cli, struct error *err)
{
	return remove_tags(cli, "devices", err);
}
