/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard node check: is a node fit, and what is to be done about it? */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/fmt.h"

static void
print_check(const json_t *c)
{
	printf("%-8s %-13s %s\n", json_str_at(c, "verdict"),
	       json_str_at(c, "check"), json_str_at(c, "text"));
	if (json_str_at(c, "remedy")[0] != '\0')
		printf("%-8s %-13s -> %s\n", "", "", json_str_at(c, "remedy"));
}

enum err
cmd_node_check(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	json_t *c;
	size_t i;
	enum err e = cli_call(cli, "GET", "v1/nodes", cli_arg(cli), "check",
			      NULL, &j, err);

	if (e != ERR_OK)
		return e;
	if (cli->json) {
		print_json(j);
	} else {
		json_array_foreach(json_at(j, "checks"), i, c)
			print_check(c);
	}
	if (strcmp(json_str_at(j, "verdict"), "failed") != 0)
		return ERR_OK;
	return fail(err, ERR_EXEC, "node %s is not fit: see what failed above",
		    cli_arg(cli));
}
