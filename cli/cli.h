/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of the program, as the handlers in cmd-*.c see it.  A handler writes
 * to stdout and returns; main says what went wrong.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>

#include <jansson.h>

#include "cli/args.h"
#include "cli/http.h"
#include "util/cleanup.h"
#include "util/error.h"

struct cli {
	struct args args;
	bool json;
	struct client *client;	/* NULL until the first call */
};

/* METHOD /collection/id/action (id and action may be NULL).  body is consumed,
 * NULL for none; ret as in client_call().
 */
enum err MUST_CHECK cli_call(struct cli *, const char *method,
			     const char *collection, const char *id,
			     const char *action, json_t *body, json_t **ret,
			     struct error *);
/* GET; an answer without a JSON object is an error. */
enum err MUST_CHECK cli_get(struct cli *, const char *collection,
			    const char *id, json_t **ret, struct error *);
/* The only argument (the table says that there is one), or NULL. */
const char *cli_arg(const struct cli *);

/* ---- handlers, one per row of commands.c ---- */
#define HANDLER(name) enum err cmd_##name(struct cli *, struct error *)
HANDLER(cluster_create);
HANDLER(cluster_setflags);
HANDLER(cluster_delete);
HANDLER(cluster_info);
HANDLER(cluster_list);
HANDLER(node_add);
HANDLER(node_info);
HANDLER(node_list);
HANDLER(node_delete);
HANDLER(node_enable);
HANDLER(node_disable);
HANDLER(node_remove);
HANDLER(device_add);
HANDLER(device_delete);
HANDLER(device_remove);
HANDLER(device_enable);
HANDLER(device_disable);
HANDLER(device_info);
HANDLER(device_resync);
HANDLER(volume_create);
HANDLER(volume_info);
HANDLER(volume_expand);
HANDLER(volume_delete);
HANDLER(volume_list);
HANDLER(topology_load);
HANDLER(topology_info);
HANDLER(server_operations_info);
HANDLER(operations);
HANDLER(plugins);
HANDLER(replicas);
#undef HANDLER

#endif
