/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard brick … */
#include <config.h>

#include <stdio.h>

#include "cli/cli.h"
#include "cli/fmt.h"

enum err
cmd_brick_evict(struct cli *cli, struct error *err)
{
	bool skip = args_bool(&cli->args, "expert-option-disable-heal-check");
	const char *id = cli_arg(cli);
	enum err e;

	if (skip)
		think_twice_about_healing();
	e = cli_call(cli, "POST", "bricks/to-evict", id, NULL,
		     json_pack("{s:s*}", "healcheck", skip ? "disable" : NULL),
		     NULL, err);
	if (e == ERR_OK)
		printf("Brick %s evicted\n", id);
	return e;
}
