/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands below "brickyardd db" and "brickyardd offline". */
#ifndef MAIN_OFFLINE_H
#define MAIN_OFFLINE_H

#include "main.h"

struct offline_options {
	const char *jsonfile, *dbfile;	/* NULL: not given */
	const char *pending;		/* refuse, clean, drop */
	struct kvs clone_names;		/* by heketi's operation */
	bool force, dry_run, ask_gluster, if_empty, debug;
};

/* Each returns the exit status. */
int db_import(struct daemon *, const struct offline_options *);
int db_export(struct daemon *, const struct offline_options *);
int db_check(struct daemon *, const struct offline_options *);
int offline_examine(struct daemon *, const struct offline_options *);

#endif
