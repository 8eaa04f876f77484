/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the program brickyardd share: they put the rooms together.
 */
#ifndef MAIN_H
#define MAIN_H

#include <stdbool.h>

#include "configuration.h"
#include "executor.h"
#include "plugin.h"
#include "service.h"
#include "store/store.h"

struct api;

enum mode { SERVE, CHECK_CONFIG, LIST_PLUGINS, DUMP_PLUGIN, COPY_STORE };

struct options {
	enum mode mode;
	const char *config, *store, *listen, *plugin;
	const char *copy_from, *copy_to;
	bool disable_auth;
};

struct daemon {
	struct options opt;
	struct config *config;
	struct plugin_host *plugins;
	struct executor *executor;
	struct api *api;
	struct service *service;
	char *address;		/* where it serves */
	bool is_shared;		/* the store: there may be other replicas */
};

#define GRACE_MS 10000		/* for what runs, when told to stop */

/* heketi's: its command line is not understood. */
#define EXIT_USAGE 255

enum err MUST_CHECK load_config(struct daemon *, struct error *);
/* Is there nothing at all to go by? */
bool is_unconfigured(const struct daemon *);
void set_log_level(const struct config *);
void load_plugins(struct daemon *);
enum err MUST_CHECK open_executor(struct daemon *, struct error *);
char *store_spec(const struct config *);		/* caller frees */
enum err MUST_CHECK open_store(struct daemon *, struct store **ret,
			       struct error *);
void release(struct daemon *);

/* brickyardd db ..., brickyardd offline ...: argv[0] is "db" or "offline".
 * Returns the exit status.
 */
int run_offline(struct daemon *, int argc, char **argv);

#endif
