/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard completion: the scripts in completion/, which are installed as they
 * are, for who has the program alone.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const char bash_script[] =
#include "cli/completion/bash.inc"
;
static const char zsh_script[] =
#include "cli/completion/zsh.inc"
;
static const char fish_script[] =
#include "cli/completion/fish.inc"
;

enum err
cmd_completion(struct cli *cli, struct error *err)
{
	static const struct {
		const char *shell, *script;
	} tab[] = {
		{ "bash", bash_script }, { "zsh", zsh_script },
		{ "fish", fish_script },
	};
	const char *shell = cli_arg(cli);

	for (size_t i = 0; i < ARRAY_SIZE(tab); i++)
		if (strcmp(tab[i].shell, shell) == 0) {
			fputs(tab[i].script, stdout);
			return ERR_OK;
		}
	return fail(err, ERR_BADREQ, "no completion for \"%s\": there is one"
		    " for bash, zsh and fish", shell);
}
