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
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/error.h"

struct cli {
	struct args args;
	bool json;
	struct client *client;	/* NULL until the first call */
	int status;		/* exit status of success: 0, but for diff */
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
/* GET; the answer's body as it is, whatever it holds. */
enum err MUST_CHECK cli_fetch(struct cli *, const char *collection,
			      const char *id, const char *action,
			      struct buf *ret, struct error *);
/* --json for what heketi-cli has no JSON of: by that name, it has none either. */
bool cli_wants_own_json(const struct cli *);
/* The first argument (the table says that there is one), or NULL. */
const char *cli_arg(const struct cli *);

/* ---- handlers, one per row of commands.c ---- */
#define HANDLER(name) enum err cmd_##name(struct cli *, struct error *)
HANDLER(cluster_create);
HANDLER(cluster_setflags);
HANDLER(cluster_delete);
HANDLER(cluster_info);
HANDLER(cluster_list);
HANDLER(node_add);
HANDLER(node_check);
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
HANDLER(topology_validate);
HANDLER(topology_diff);
HANDLER(topology_apply);
HANDLER(server_operations_info);
HANDLER(node_settags);
HANDLER(node_rmtags);
HANDLER(device_settags);
HANDLER(device_rmtags);
HANDLER(volume_clone);
HANDLER(volume_restriction_locked);
HANDLER(volume_restriction_unlocked);
HANDLER(volume_endpoint_patch);
HANDLER(blockvolume_create);
HANDLER(blockvolume_info);
HANDLER(blockvolume_expand);
HANDLER(blockvolume_delete);
HANDLER(blockvolume_list);
HANDLER(brick_evict);
HANDLER(db_dump);
HANDLER(db_check);
HANDLER(loglevel_get);
HANDLER(loglevel_set);
HANDLER(server_operations_list);
HANDLER(server_operations_cleanup);
HANDLER(server_mode_get);
HANDLER(server_mode_set);
HANDLER(server_state_examine_gluster);
HANDLER(setup_storage);
HANDLER(operations);
HANDLER(completion);
HANDLER(plugins);
HANDLER(replicas);
#undef HANDLER

#endif
