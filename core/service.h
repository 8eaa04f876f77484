/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service: what the API and the start-up code may ask of the core.
 *
 * Error texts are what heketi's clients see; the code's HTTP status goes with
 * them.  Functions marked "node" wait for a node: never call them on an HTTP
 * thread.  All may be called from any thread.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "configuration.h"
#include "executor.h"
#include "pending.h"
#include "plugin.h"
#include "store/mirror.h"
#include "store/record.h"
#include "switches.h"

struct service;

struct service_deps {
	const struct config *config;
	struct store *store;
	struct plugin_host *plugins;
	struct executor *executor;
	const char *listen;		/* for GET /v1/replicas */
};

/* Start: mirror, membership, adoption of operations left by dead replicas,
 * workers.  Stop: take no new operations, let running stages end (at most
 * grace_ms), leave the rest to be carried on by whoever comes next.
 */
enum err MUST_CHECK service_start(const struct service_deps *,
				  struct service **ret, struct error *);
void service_stop(struct service *, int grace_ms);	/* closes the store */
void service_free(struct service *);

/* Can this replica serve correctly now?  why (may be NULL) gets the reason. */
bool service_is_ready(struct service *, struct error *why);

/* ---- reading: call service_sync first, then as many of these as needed ---- */

enum err MUST_CHECK service_sync(struct service *, struct error *);

/* Each returns a new reference (record_unref) or NULL.  Objects that clients
 * must not see (being created, added or deleted) are NULL, too.
 */
struct cluster *service_cluster(struct service *, const char *id);
struct node *service_node(struct service *, const char *id);
struct device *service_device(struct service *, const char *id);
struct volume *service_volume(struct service *, const char *id);
struct operation *service_operation(struct service *, const char *id);
struct blockvolume *service_blockvolume(struct service *, const char *id);

/* Sorted ids; only what clients may see. */
void service_list_clusters(struct service *, struct strs *ret);
void service_list_volumes(struct service *, struct strs *ret);
void service_list_nodes(struct service *, struct strs *ret);
void service_list_devices(struct service *, struct strs *ret);
void service_list_operations(struct service *, struct strs *ret);
void service_cluster_nodes(struct service *, const char *cluster, struct strs *ret);
void service_cluster_volumes(struct service *, const char *cluster, struct strs *ret);
void service_list_blockvolumes(struct service *, struct strs *ret);
void service_cluster_blockvolumes(struct service *, const char *cluster,
				  struct strs *ret);
void service_hosted_blockvolumes(struct service *, const char *volume,
				 struct strs *ret);
void service_node_devices(struct service *, const char *node, struct strs *ret);
/* storage[0] of all nodes of a cluster, in order of node id. */
void service_cluster_hosts(struct service *, const char *cluster, struct strs *ret);

/* Bricks on a device, in order of brick id. */
struct brick_on_device {
	struct volume *volume;		/* a reference */
	const struct brick *brick;	/* inside volume */
};
struct brick_on_device *service_device_bricks(struct service *, const char *device,
					      size_t *ret_n);
void service_device_bricks_free(struct brick_on_device *, size_t n);

struct operation_counts {
	size_t total, in_flight, stale, failed, new_;
};
void service_operation_counts(struct service *, struct operation_counts *ret);

/* An operation as heketi's clients know it (pending.h). */
struct pending_view {
	char id[ID_SIZE];
	const char *type_name;
	enum pending_status status;
	bool in_flight;
	struct pending_changes changes;		/* of service_pending only */
};
/* Those that are shown, in order of id; the caller frees the array. */
struct pending_view *service_pending_list(struct service *, size_t *ret_n);
/* false: there is none.  pending_changes_release(&ret->changes). */
bool service_pending(struct service *, const char *id, struct pending_view *ret);
/* Start trying the undos of these stuck operations, or of all, again now. */
enum err MUST_CHECK service_clean_operations(struct service *,
					     const struct strs *ids,
					     char ret_op[ID_SIZE],
					     struct error *);

/* Told (under the mirror's lock: be quick, call nothing of ours) whenever an
 * operation reaches an end, on whichever replica; and with id NULL when
 * everything should be looked at again.
 */
void service_on_operation_end(struct service *,
			      void (*fn)(void *arg, const char *id), void *arg);
/* Has it ended, as far as a client of /queue is concerned? */
bool operation_is_ended(const struct operation *);

/* Who is there, on the store's word. */
struct replica_view {
	struct replica *replica;	/* a reference */
	bool is_self;			/* the one that is asked */
	size_t open_operations;		/* that it owns */
	struct strs duties;		/* that it holds */
};
struct replica_view *service_replicas(struct service *, size_t *ret_n);
void service_replicas_free(struct replica_view *, size_t n);

/* What an operator should know of a node: records of node_probe.  It waits for
 * the node.
 */
enum err MUST_CHECK service_node_probe(struct service *, const char *id,
				       struct brickyard_result *ret,
				       struct error *);

/* Nodes whose glusterd does not answer: struct health; mirror_list_free. */
struct record **service_unhealthy(struct service *, size_t *ret_n);

/* All there is, as of one moment: mirror_snapshot_release. */
void service_snapshot(struct service *, struct mirror_snapshot *ret);

/* What this replica has counted since it started. */
#define SERVICE_FIGURES_MAX 24
struct figure {
	const char *name;
	uint64_t value;
};
size_t service_figures(struct service *, struct figure ret[SERVICE_FIGURES_MAX]);

/* What the nodes of the snapshot have, as they say themselves; node: it waits for
 * them, a minute at most.
 */
struct examined {
	struct node *node;		/* a reference */
	char *error;			/* why it could not be asked, or NULL */
	struct { struct kvs *v; size_t n, cap; } records;	/* node_examine's */
};
struct examined *service_examine(struct service *,
				 const struct mirror_snapshot *, size_t *ret_n);
/* The same without a service, as long as the call may. */
struct examined *examine_nodes(struct executor *, const struct brickyard_call *,
			       const struct mirror_snapshot *, size_t *ret_n);
void service_examine_free(struct examined *, size_t n);

/* What is measured for GET /metrics.  measures_release and
 * topology_measures_release.
 */
enum measured_status {
	MEASURED_RUNNING, MEASURED_UNDOING, MEASURED_STUCK, MEASURED_STATUSES
};
struct measures {
	size_t operations[OP_KINDS][MEASURED_STATUSES];	/* of all replicas */
	size_t records[RECORD_KINDS];
	size_t unreadable;
	int64_t revision;
	const struct mirror_stats *store;
	const struct step_stats *steps;
	bool has_lease;
	int64_t lease_left_ms;
	struct strs duties;			/* that this replica has */
};
void service_measure(struct service *, struct measures *ret);
void measures_release(struct measures *);

struct topology_measures {
	struct {
		struct cluster_measure {
			char id[ID_SIZE];
			size_t volumes, blockvolumes, nodes;	/* to be seen */
		} *v;
		size_t n, cap;
	} clusters;
	struct {
		struct node_measure {
			struct node *node;	/* a reference */
			size_t devices;
		} *v;
		size_t n, cap;
	} nodes;
	struct {
		struct device_measure {
			struct device *device;	/* a reference */
			size_t node;		/* index among the nodes */
			size_t bricks;
		} *v;
		size_t n, cap;
	} devices;
};
void service_measure_topology(struct service *, struct topology_measures *ret);
void topology_measures_release(struct topology_measures *);

/* ---- changing ---- */

enum err MUST_CHECK service_cluster_create(struct service *, bool file, bool block,
					   struct cluster **ret, struct error *);
enum err MUST_CHECK service_cluster_set_flags(struct service *, const char *id,
					      bool file, bool block, struct error *);
enum err MUST_CHECK service_cluster_delete(struct service *, const char *id,
					   struct error *);

struct node_request {
	const char *cluster;
	int64_t zone;
	struct strs manage, storage;
	struct kvs tags;
};
/* The following start an operation and return its id; its end is told by
 * GET /queue/ID.  heal_check (of those that move bricks): only if their data is
 * elsewhere as well.
 */
enum err MUST_CHECK service_node_add(struct service *, const struct node_request *,
				     char ret_op[ID_SIZE], struct error *); /* node */
enum err MUST_CHECK service_node_delete(struct service *, const char *id,
					char ret_op[ID_SIZE], struct error *);
enum err MUST_CHECK service_node_set_state(struct service *, const char *id,
					   enum state, bool heal_check,
					   char ret_op[ID_SIZE],
					   struct error *);

struct device_request {
	const char *node;
	const char *name;
	struct kvs tags;
	bool destroy_data;
};
enum err MUST_CHECK service_device_add(struct service *, const struct device_request *,
				       char ret_op[ID_SIZE], struct error *);
enum err MUST_CHECK service_device_delete(struct service *, const char *id,
					  bool force_forget,
					  char ret_op[ID_SIZE], struct error *);
enum err MUST_CHECK service_device_set_state(struct service *, const char *id,
					     enum state, bool heal_check,
					     char ret_op[ID_SIZE],
					     struct error *);
enum err MUST_CHECK service_device_resync(struct service *, const char *id,
					  char ret_op[ID_SIZE], struct error *);

/* Tags: set replaces all, update adds and overwrites, delete takes those with these
 * names away.  *ret (was empty): what they are now.
 */
enum tags_change { TAGS_SET, TAGS_UPDATE, TAGS_DELETE };
enum err MUST_CHECK service_node_tags(struct service *, const char *id,
				      enum tags_change, const struct kvs *,
				      struct kvs *ret, struct error *);
enum err MUST_CHECK service_device_tags(struct service *, const char *id,
					enum tags_change, const struct kvs *,
					struct kvs *ret, struct error *);

struct volume_request {
	uint64_t size_gib;		/* >= 1 */
	const char *name;		/* "" or NULL: vol_ID */
	struct strs clusters;		/* empty: any */
	const char *type;		/* durability.type, "" if omitted */
	struct kvs params;		/* "replicate.replica" = "3" … as requested */
	int64_t gid;
	struct strs options;
	bool block;
	bool snapshot_enable;
	double snapshot_factor;
};
/* Checks, in this order: durability type, snapshot factor, the type's
 * parameters, clusters, smallest size, throttle, placement.  (The edge has
 * checked JSON, fields and gid before.)
 */
enum err MUST_CHECK service_volume_create(struct service *,
					  const struct volume_request *,
					  char ret_op[ID_SIZE], struct error *);
enum err MUST_CHECK service_volume_expand(struct service *, const char *id,
					  uint64_t add_gib,
					  char ret_op[ID_SIZE], struct error *);
enum err MUST_CHECK service_volume_delete(struct service *, const char *id,
					  char ret_op[ID_SIZE], struct error *);

/* ---- block volumes ---- */

struct blockvolume_request {
	uint64_t size_gib;		/* >= 1 */
	const char *name;		/* "" or NULL: blockvol_ID */
	struct strs clusters;		/* empty: any */
	int64_t hacount;		/* 0: as many as there are hosts */
	bool auth;
};
/* Checks, in this order: clusters, throttle, room on a hosting volume, or (429
 * while another one is being made) for a new one.
 */
enum err MUST_CHECK service_blockvolume_create(struct service *,
					       const struct blockvolume_request *,
					       char ret_op[ID_SIZE],
					       struct error *);
/* new_gib: all of it, not what is added. */
enum err MUST_CHECK service_blockvolume_expand(struct service *, const char *id,
					       uint64_t new_gib,
					       char ret_op[ID_SIZE],
					       struct error *);
enum err MUST_CHECK service_blockvolume_delete(struct service *, const char *id,
					       char ret_op[ID_SIZE],
					       struct error *);
/* Of a volume that hosts them. */
enum err MUST_CHECK service_volume_restrict(struct service *, const char *id,
					    enum restriction,
					    char ret_op[ID_SIZE],
					    struct error *);
/* name "" or NULL: vol_ID */
enum err MUST_CHECK service_volume_clone(struct service *, const char *id,
					 const char *name, char ret_op[ID_SIZE],
					 struct error *);
enum err MUST_CHECK service_brick_evict(struct service *, const char *id,
					bool heal_check, char ret_op[ID_SIZE],
					struct error *);

/* Bricks that were replaced, or not used, and could not be taken away yet. */
struct leftover_view {
	struct brick brick;
	char volume[ID_SIZE];
	int64_t since_ms;
	char *why;
};
struct leftover_view *service_leftovers(struct service *, size_t *ret_n);
void service_leftovers_free(struct leftover_view *, size_t n);

/* ---- cluster-wide switches and what is shown about the installation ---- */

/* These count for all replicas, until they are changed again. */
enum admin_mode service_admin_mode(struct service *);
enum err MUST_CHECK service_set_admin_mode(struct service *, enum admin_mode,
					   struct error *);
/* To normal, on this replica at once. */
enum err MUST_CHECK service_reset_admin_mode(struct service *, struct error *);
const char *service_log_level(struct service *);
enum err MUST_CHECK service_set_log_level(struct service *, const char *name,
					  struct error *);

struct plugin_host *service_plugins(struct service *);
/* How many volumes there are by durability.type, as it was asked for. */
void service_volume_types(struct service *, struct kvs *ret);
/* Volume types that are not loaded though volumes need them, and how many do. */
void service_missing_types(struct service *, struct kvs *ret);
const struct config *service_config(struct service *);
const char *service_replica_id(struct service *);
void service_quarantined(struct service *, struct strs *ret);

#endif
