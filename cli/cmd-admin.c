/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard db|loglevel|server mode|server state: what the administrator of the
 * service asks it.
 */
#include <config.h>

#include <stdio.h>

#include "cli/cli.h"
#include "cli/fmt.h"

/* The server's document as it is: it is JSON already, and may be large. */
static enum err
print_body(struct cli *cli, const char *collection, const char *action,
	   struct error *err)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	enum err e = cli_fetch(cli, collection, NULL, action, &b, err);

	if (e == ERR_OK)
		fwrite(buf_str(&b), 1, b.len, stdout);
	return e;
}

enum err
cmd_db_dump(struct cli *cli, struct error *err)
{
	return print_body(cli, "db", "dump", err);
}

enum err
cmd_db_check(struct cli *cli, struct error *err)
{
	return print_body(cli, "db", "check", err);
}

enum err
cmd_server_state_examine_gluster(struct cli *cli, struct error *err)
{
	return print_body(cli, "internal/state/examine", "gluster", err);
}

/* One member of an answer, or all of it with --json. */
static enum err
print_member(struct cli *cli, const char *collection, const char *action,
	     const char *member, struct error *err)
{
	json_auto_t *j = NULL;
	enum err e = cli_call(cli, "GET", collection, NULL, action, NULL, &j,
			      err);

	if (e != ERR_OK)
		return e;
	if (cli_wants_own_json(cli))
		print_json(j);
	else
		printf("%s\n", json_str_at(j, member));
	return ERR_OK;
}

enum err
cmd_loglevel_get(struct cli *cli, struct error *err)
{
	return print_member(cli, "internal", "logging", "loglevel.glusterfs",
			    err);
}

enum err
cmd_loglevel_set(struct cli *cli, struct error *err)
{
	enum err e = cli_call(cli, "POST", "internal", NULL, "logging",
			      json_pack("{s:{s:s}}", "loglevel", "glusterfs",
					cli_arg(cli)),
			      NULL, err);

	if (e == ERR_OK)
		puts("Server log level updated");
	return e;
}

enum err
cmd_server_mode_get(struct cli *cli, struct error *err)
{
	return print_member(cli, "admin", NULL, "state", err);
}

enum err
cmd_server_mode_set(struct cli *cli, struct error *err)
{
	return cli_call(cli, "POST", "admin", NULL, NULL,
			json_pack("{s:s}", "state", cli_arg(cli)), NULL, err);
}
