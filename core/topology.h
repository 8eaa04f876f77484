/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The topology index: nodes and devices arranged for placement, kept up to
 * date change by change, so that placing a brick never walks over all devices.
 * Not locked: the owner guards it (the model: the mirror's lock).
 */
#ifndef TOPOLOGY_H
#define TOPOLOGY_H

#include "store/record.h"

struct topology;
struct topology_cluster;

struct topology *topology_new(void);
void topology_free(struct topology *);
/* Forgets all records; what the health monitor saw stays. */
void topology_clear(struct topology *);

/* Add or replace by id.  The topology takes a reference of its own.  Order
 * does not matter: a device may come before its node.
 */
void topology_set_node(struct topology *, const struct node *);
void topology_remove_node(struct topology *, const char *id);
void topology_set_device(struct topology *, const struct device *);
void topology_remove_device(struct topology *, const char *id);
void topology_forget_health(struct topology *);
/* What the health monitor last saw; unknown nodes count as healthy. */
void topology_set_healthy(struct topology *, const char *node_id, bool healthy);

/* NULL: no node in such a cluster. */
const struct topology_cluster *topology_cluster(const struct topology *,
						const char *cluster_id);
#endif
