/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help and usage, made from the command table. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/args.h"
#include "util/buf.h"

/* command NULL: the program's own. */
void help_full(const struct command *, struct buf *);
/* What follows an error in the command line: how it is called. */
void help_usage(const struct command *, struct buf *);

#endif
