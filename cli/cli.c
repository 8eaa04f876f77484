/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What handlers share: the client, made when it is first needed, and calls. */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "util/xalloc.h"

/* The flag, else the first of our variable and heketi's that is set. */
static const char *
setting(const struct cli *cli, const char *flag, const char *ours,
	const char *heketis, const char *dflt)
{
	const char *s = args_global(&cli->args, flag);

	if (s == NULL || s[0] == '\0')
		s = getenv(ours);
	if (s == NULL || s[0] == '\0')
		s = getenv(heketis);
	return s != NULL && s[0] != '\0' ? s : dflt;
}

static enum err
connect_client(struct cli *cli, struct error *err)
{
	CLEANUP(strs_release) struct strs certs = { 0 };
	const struct kvs *global = &cli->args.global;
	struct client_options o = {
		.server = setting(cli, "server", "BRICKYARD_CLI_SERVER",
				  "HEKETI_CLI_SERVER", "http://localhost:8080"),
		.user = setting(cli, "user", "BRICKYARD_CLI_USER",
				"HEKETI_CLI_USER", ""),
		.secret = setting(cli, "secret", "BRICKYARD_CLI_KEY",
				  "HEKETI_CLI_KEY", ""),
		.insecure = args_global_bool(&cli->args, "insecure-tls"),
		.certs = &certs,
		.progress = isatty(STDERR_FILENO),
	};

	for (size_t i = 0; i < global->n; i++)
		if (strcmp(global->v[i].key, "tls-cert") == 0)
			strs_add(&certs, global->v[i].value);
	return client_new(&o, &cli->client, err);
}

enum err
cli_call(struct cli *cli, const char *method, const char *collection,
	 const char *id, const char *action, json_t *body, json_t **ret,
	 struct error *err)
{
	CLEANUP_FREE char *path = client_path(collection, id, action);
	json_auto_t *owned = body;
	enum err e = ERR_OK;

	if (cli->client == NULL)
		e = connect_client(cli, err);
	if (e == ERR_OK)
		e = client_call(cli->client, method, path, owned, ret, err);
	return e;
}

enum err
cli_get(struct cli *cli, const char *collection, const char *id, json_t **ret,
	struct error *err)
{
	json_auto_t *j = NULL;
	enum err e = cli_call(cli, "GET", collection, id, NULL, NULL, &j, err);

	if (e != ERR_OK)
		return e;
	if (!json_is_object(j))
		return fail(err, ERR_INTERNAL, "the server's answer to GET /%s"
			    " is not an object", collection);
	*ret = STEAL(j);
	return ERR_OK;
}

enum err
cli_fetch(struct cli *cli, const char *collection, const char *id,
	  const char *action, struct buf *ret, struct error *err)
{
	CLEANUP_FREE char *path = client_path(collection, id, action);
	enum err e = ERR_OK;

	if (cli->client == NULL)
		e = connect_client(cli, err);
	if (e == ERR_OK)
		e = client_fetch(cli->client, path, ret, err);
	return e;
}

bool
cli_wants_own_json(const struct cli *cli)
{
	return cli->json && !program_is_heketi_cli();
}

const char *
cli_arg(const struct cli *cli)
{
	const struct strs *rest = &cli->args.rest;

	return rest->n > 0 && rest->v[0][0] != '\0' ? rest->v[0] : NULL;
}
