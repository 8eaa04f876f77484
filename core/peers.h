/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding a node of a cluster through which gluster can be asked. */
#ifndef PEERS_H
#define PEERS_H

#include "engine.h"

/* The first online node of the cluster, in order of id, other than `except`
 * (NULL: none), whose glusterd runs.  Waits for nodes.
 */
enum err MUST_CHECK peer_find(const struct engine_deps *,
			      const struct brickyard_call *,
			      const char *cluster, const struct node *except,
			      struct node **ret, struct error *);

/* Index keys of all its host names. */
void node_host_keys(const struct node *, struct strs *ret);

/* Tell in the log what is not well with a node (service-probe.c). */
void node_log_probe(struct executor *, const struct brickyard_call *,
		    const struct brickyard_node *);

#endif
