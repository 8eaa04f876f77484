/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of routes. */
#include <config.h>

#include "api/request.h"

const struct route routes[] = {
	{ "GET", "/hello", h_hello, ROUTE_OPEN | ROUTE_INLINE },
	{ "GET", "/healthz", h_healthz, ROUTE_OPEN | ROUTE_INLINE },
	{ "GET", "/readyz", h_readyz, ROUTE_OPEN | ROUTE_PROBE },
	{ "GET", "/metrics", h_metrics, ROUTE_OPEN | ROUTE_SLOW },
	{ "GET", "/debug/pprof/", h_profile,
	  ROUTE_OPEN | ROUTE_PROBE | ROUTE_PROFILING },

	{ "GET", "/queue/{id}", h_queue, 0 },
	{ "GET", "/operations", h_operation_counts, 0 },
	{ "GET", "/operations/pending", h_pending_list, 0 },
	{ "GET", "/operations/pending/{id}", h_pending_info, 0 },
	{ "POST", "/operations/pending/cleanup", h_pending_clean, 0 },
	{ "GET", "/admin", h_admin_info, 0 },
	{ "POST", "/admin", h_admin_set, 0 },
	{ "GET", "/internal/logging", h_logging_info, 0 },
	{ "POST", "/internal/logging", h_logging_set, 0 },

	{ "POST", "/clusters", h_cluster_create, 0 },
	{ "GET", "/clusters", h_cluster_list, 0 },
	{ "POST", "/clusters/{id}/flags", h_cluster_set_flags, 0 },
	{ "GET", "/clusters/{id}", h_cluster_info, 0 },
	{ "DELETE", "/clusters/{id}", h_cluster_delete, 0 },

	{ "POST", "/nodes", h_node_add, ROUTE_SLOW },
	{ "GET", "/nodes/{id}", h_node_info, 0 },
	{ "DELETE", "/nodes/{id}", h_node_delete, 0 },
	{ "POST", "/nodes/{id}/state", h_node_set_state, 0 },
	{ "POST", "/nodes/{id}/tags", h_node_tags, 0 },

	{ "POST", "/devices", h_device_add, 0 },
	{ "GET", "/devices/{id}", h_device_info, 0 },
	{ "DELETE", "/devices/{id}", h_device_delete, 0 },
	{ "POST", "/devices/{id}/state", h_device_set_state, 0 },
	{ "POST", "/devices/{id}/tags", h_device_tags, 0 },
	{ "GET", "/devices/{id}/resync", h_device_resync, 0 },

	{ "POST", "/volumes", h_volume_create, 0 },
	{ "GET", "/volumes", h_volume_list, 0 },
	{ "GET", "/volumes/{id}", h_volume_info, 0 },
	{ "DELETE", "/volumes/{id}", h_volume_delete, 0 },
	{ "POST", "/volumes/{id}/expand", h_volume_expand, 0 },
	{ "POST", "/volumes/{id}/clone", h_volume_clone, 0 },

	{ "POST", "/volumes/{id}/block-restriction", h_volume_restrict, 0 },
	{ "POST", "/blockvolumes", h_blockvolume_create, 0 },
	{ "GET", "/blockvolumes", h_blockvolume_list, 0 },
	{ "GET", "/blockvolumes/{id}", h_blockvolume_info, 0 },
	{ "DELETE", "/blockvolumes/{id}", h_blockvolume_delete, 0 },
	{ "POST", "/blockvolumes/{id}/expand", h_blockvolume_expand, 0 },
	{ "POST", "/bricks/to-evict/{id}", h_brick_evict, 0 },
	{ "GET", "/internal/state/examine/gluster", h_examine, ROUTE_SLOW },
	{ "GET", "/db/dump", h_db_dump, ROUTE_SLOW },
	{ "GET", "/db/check", h_db_check, ROUTE_SLOW },
	{ "GET", "/backup/db", h_backup, ROUTE_SLOW },

	{ "GET", "/v1/plugins", h_own_plugins, 0 },
	{ "GET", "/v1/operations", h_own_operations, 0 },
	{ "GET", "/v1/operations/{id}", h_own_operation, 0 },
	{ "GET", "/v1/replicas", h_own_replicas, 0 },
	{ "GET", "/v1/health", h_own_health, 0 },
	{ "GET", "/v1/nodes/{id}/check", h_own_node_check, ROUTE_SLOW },
	{ "GET", "/v1/leftovers", h_own_leftovers, 0 },
};

const size_t nroutes = ARRAY_SIZE(routes);
