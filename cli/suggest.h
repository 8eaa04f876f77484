/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who mistypes a command is told which ones are nearly that, as cobra does. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include "cli/args.h"
#include "util/buf.h"

/* What follows "unknown command"; nothing, if there is none like it.  NULL: at the
 * top.
 */
void suggest_commands(const struct command *parent, const char *word,
		      struct buf *ret);

#endif
