/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The topology, put together from many answers: there is no route for it. */
#ifndef CLI_TOPOLOGY_TREE_H
#define CLI_TOPOLOGY_TREE_H

#include "cli/cli.h"
#include "util/strs.h"

enum topology_parts {
	TOPOLOGY_NODES = 1 << 0,
	TOPOLOGY_VOLUMES = 1 << 1,
};

/* {"volumes":[…],"nodes":[…],"id","block","file"}, heketi-cli's order.
 * Objects that go away while we look are left out.
 */
enum err MUST_CHECK topology_fetch_cluster(struct cli *, const char *id,
					   unsigned parts, json_t **ret,
					   struct error *);
/* {"clusters":[…]} */
enum err MUST_CHECK topology_fetch(struct cli *, unsigned parts, json_t **ret,
				   struct error *);
/* The node with that first management host name, in any cluster; its device of
 * exactly that name.  NULL: none.  Borrowed.
 */
const json_t *topology_find_node(const json_t *topology, const char *manage);
const json_t *topology_find_device(const json_t *node, const char *name);
/* Delete those of the clusters that hold nothing, as far as that is possible. */
void topology_delete_empty(struct cli *, const struct strs *ids);
void topology_print(const json_t *topology);

#endif
