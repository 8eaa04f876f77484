/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard volume … */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/fmt.h"
#include "cli/pv.h"
#include "cli/storage-list.h"
#include "util/xalloc.h"

/* Parameters of types that we don't know: {"TYPE": {"NAME": VALUE}}. */
static void
add_params(const struct args *a, json_t *durability)
{
	const char *type = args_str(a, "durability");
	json_t *own = json_object_get(durability, type);

	for (size_t i = 0; i < a->local.n; i++) {
		const char *pair = a->local.v[i].value, *eq = strchr(pair, '=');
		CLEANUP_FREE char *name = NULL;
		char *end;
		long long n;

		if (strcmp(a->local.v[i].key, "durability-param") != 0)
			continue;
		if (own == NULL && json_object_set_new(durability, type,
						       json_object()) == 0)
			own = json_object_get(durability, type);
		name = xstrndup(pair, eq != NULL ? (size_t)(eq - pair) :
				      strlen(pair));
		n = strtoll(eq != NULL ? eq + 1 : "", &end, 10);
		(void)json_object_set_new(own, name, eq != NULL && eq[1] != '\0' &&
					  *end == '\0' ? json_integer(n) :
					  json_string(eq != NULL ? eq + 1 : ""));
	}
}

static json_t *
durability_body(const struct args *a)
{
	json_t *body;

	int64_t replica = args_int(a, "replica");
	int64_t data = args_int(a, "disperse-data");
	int64_t redundancy = args_int(a, "redundancy");

	body = json_pack("{s:s, s:{s:o*}, s:{s:o*, s:o*}}",
			 "type", args_str(a, "durability"), "replicate",
			 "replica", replica != 0 ? json_integer(replica) : NULL,
			 "disperse", "data",
			 data != 0 ? json_integer(data) : NULL, "redundancy",
			 redundancy != 0 ? json_integer(redundancy) : NULL);
	add_params(a, body);
	return body;
}

/* heketi-cli's body, member by member. */
static json_t *
create_body(const struct args *a)
{
	double factor = args_float(a, "snapshot-factor");
	bool snapshot = factor > 1.0;
	int64_t gid = args_int(a, "gid");

	return json_pack("{s:I, s:o*, s:s, s:o, s:o*, s:o*, s:o*,"
			 " s:{s:b, s:o}}",
			 "size", (json_int_t)args_int(a, "size"), "clusters",
			 split_words(args_str(a, "clusters")), "name",
			 args_str(a, "name"), "durability", durability_body(a),
			 "gid", gid != 0 ? json_integer(gid) : NULL,
			 "glustervolumeoptions",
			 split_words(args_str(a, "gluster-volume-options")),
			 "block", args_bool(a, "block") ? json_true() : NULL,
			 "snapshot", "enable", snapshot, "factor",
			 snapshot ? json_real(factor) : json_integer(0));
}

static void
volume_show(const struct cli *cli, const json_t *volume)
{
	if (cli->json)
		print_json(volume);
	else
		print_volume(volume);
}

/* The volume is there by now: whatever fails, its id must not be lost. */
static enum err
volume_show_pv(const struct cli *cli, const json_t *volume, struct error *err)
{
	const struct args *a = &cli->args;
	const char *file = args_str(a, "persistent-volume-file");
	const char *endpoint = args_str(a, "persistent-volume-endpoint");

	if (args_bool(a, "persistent-volume")) {
		pv_print(volume, endpoint);
		return ERR_OK;
	}
	if (pv_write(file, volume, endpoint, err) == ERR_OK)
		return ERR_OK;
	fprintf(stderr, "Unable to write to file %s\n", file);
	return fail_prefix(err, "volume %s was created, but",
			   json_str_at(volume, "id"));
}

enum err
cmd_volume_create(struct cli *cli, struct error *err)
{
	const struct args *a = &cli->args;
	bool to_stdout = args_bool(a, "persistent-volume");
	json_auto_t *j = NULL;
	enum err e;

	if (args_int(a, "size") == 0)
		return fail(err, ERR_BADREQ, "Missing volume size");
	if (to_stdout && args_str(a, "persistent-volume-endpoint")[0] == '\0') {
		fputs("--persistent-volume-endpoint must be provided when using"
		      " --persistent-volume\n", stderr);
		return fail(err, ERR_BADREQ, "Missing endpoint");
	}
	e = cli_call(cli, "POST", "volumes", NULL, NULL, create_body(a), &j,
		     err);
	if (e != ERR_OK)
		return e;
	if (to_stdout || args_str(a, "persistent-volume-file")[0] != '\0')
		return volume_show_pv(cli, j, err);
	volume_show(cli, j);
	return ERR_OK;
}

enum err
cmd_volume_info(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	enum err e = cli_get(cli, "volumes", cli_arg(cli), &j, err);

	if (e == ERR_OK)
		volume_show(cli, j);
	return e;
}

enum err
cmd_volume_expand(struct cli *cli, struct error *err)
{
	int64_t more = args_int(&cli->args, "expand-size");
	const char *id = args_str(&cli->args, "volume");
	json_auto_t *j = NULL;
	enum err e;

	if (more == 0)
		return fail(err, ERR_BADREQ, "Missing volume amount to expand");
	if (id[0] == '\0')
		id = cli_arg(cli);
	if (id == NULL)
		return fail(err, ERR_BADREQ, "Missing volume id");
	e = cli_call(cli, "POST", "volumes", id, "expand",
		     json_pack("{s:I}", "expand_size", (json_int_t)more), &j,
		     err);
	if (e == ERR_OK)
		volume_show(cli, j);
	return e;
}

enum err
cmd_volume_delete(struct cli *cli, struct error *err)
{
	const char *id = cli_arg(cli);
	enum err e = cli_call(cli, "DELETE", "volumes", id, NULL, NULL, NULL,
			      err);

	if (e == ERR_OK)
		printf("Volume %s deleted\n", id);
	return e;
}

static enum err
volume_print_line(struct cli *cli, const char *id, struct error *err)
{
	json_auto_t *v = NULL;
	enum err e = cli_get(cli, "volumes", id, &v, err);

	if (e == ERR_OK)
		printf("Id:%-35s Cluster:%-35s Name:%s%s\n", id,
		       json_str_at(v, "cluster"), json_str_at(v, "name"),
		       json_bool_at(v, "block") ? " [block]" : "");
	return e;
}

enum err
cmd_volume_list(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	json_t *id;
	size_t i;
	enum err e = cli_get(cli, "volumes", NULL, &j, err);

	if (e != ERR_OK)
		return e;
	if (cli->json) {
		print_json(j);
		return ERR_OK;
	}
	json_array_foreach(json_at(j, "volumes"), i, id) {
		e = volume_print_line(
			cli, json_str_nth(json_at(j, "volumes"), i), err);
		if (e != ERR_OK && e != ERR_NOTFOUND)	/* deleted meanwhile */
			return e;
	}
	return ERR_OK;
}

enum err
cmd_volume_clone(struct cli *cli, struct error *err)
{
	const char *name = args_str(&cli->args, "name");
	json_auto_t *j = NULL;
	enum err e;

	e = cli_call(cli, "POST", "volumes", cli_arg(cli), "clone",
		     json_pack("{s:s*}", "name", name[0] != '\0' ? name : NULL),
		     &j, err);
	if (e == ERR_OK)
		volume_show(cli, j);
	return e;
}

static enum err
set_restriction(struct cli *cli, const char *restriction, struct error *err)
{
	json_auto_t *j = NULL;
	enum err e = cli_call(cli, "POST", "volumes", cli_arg(cli),
			      "block-restriction",
			      json_pack("{s:s}", "restriction", restriction),
			      &j, err);

	if (e == ERR_OK)
		volume_show(cli, j);
	return e;
}

enum err
cmd_volume_restriction_locked(struct cli *cli, struct error *err)
{
	return set_restriction(cli, "locked", err);
}

enum err
cmd_volume_restriction_unlocked(struct cli *cli, struct error *err)
{
	return set_restriction(cli, "", err);
}

/* A patch for kubectl: no newline at its end, as heketi-cli has it. */
enum err
cmd_volume_endpoint_patch(struct cli *cli, struct error *err)
{
	CLEANUP_FREE char *text = NULL;
	json_auto_t *j = NULL, *subsets = NULL;
	enum err e = cli_get(cli, "volumes", cli_arg(cli), &j, err);

	if (e != ERR_OK)
		return e;
	subsets = endpoint_subsets(j);
	text = json_text(subsets, JSON_COMPACT);
	printf("{\"subsets\": %s}", text);
	return ERR_OK;
}
