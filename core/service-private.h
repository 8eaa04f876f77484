/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the service share among themselves. */
#ifndef SERVICE_PRIVATE_H
#define SERVICE_PRIVATE_H

#include "duty.h"
#include "engine.h"
#include "service.h"

struct service {
	struct service_deps deps;
	struct mirror *mirror;
	struct model *model;
	struct engine *engine;
	struct switches *switches;
	struct duty *duties[5];
	struct engine_deps engine_deps;
	char replica_id[ID_SIZE];
	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t lease_cond;
	bool lease_lost;		/* a new one is to be got */
	bool listed;			/* our record is there, on our lease */
	bool stopping;
	pthread_t lease_thread;
	bool lease_thread_started;
	void (*on_end)(void *arg, const char *id);
	void *on_end_arg;
};

/* A new operation of ours, not yet stored. */
struct operation *service_new_operation(struct service *, enum op_kind,
					const char *target, const char *cluster);

/* May one more operation be open?  Takes a slot if its kind is throttled.
 * ERR_BUSY (heketi's 429 text) when there is none.  The caller puts op.
 */
enum err MUST_CHECK service_admit(struct service *, struct operation *,
				  struct txn *, struct error *);

/* Would it be admitted?  Takes nothing. */
enum err MUST_CHECK service_would_admit(struct service *, struct operation *,
					struct error *);

/* Does an operation make or remove bricks on the device right now? */
bool service_has_pending_bricks(struct service *, const char *device);
size_t service_count_bricks(struct service *, const char *device);

/* Commit what build makes, in its turn, and hand the operation to the engine. */
enum err MUST_CHECK service_commit_op(struct service *, txn_build_fn *, void *arg,
				      const char *op_id, struct error *);

/* An operation that is over at once: committed with its result. */
void operation_end_now(struct operation *, enum err, const char *error);

/* ---- creating volumes: for clients, and to host block volumes ---- */

struct volume_create {
	struct service *service;
	const struct volume_request *req;
	struct operation *op;
	/* Without cluster and bricks.  NULL: none is to be made, just the kind
	 * of cluster counts.
	 */
	struct volume *proto;
};

/* Which of the request's clusters can take it; an error if none can. */
enum err MUST_CHECK service_eligible_clusters(const struct volume_create *,
					      struct strs *ret, struct error *);
/* A copy of proto with bricks, in the first of the clusters that has room. */
enum err MUST_CHECK service_place_volume(const struct volume_create *,
					 const struct strs *clusters,
					 struct volume **ret, struct txn *,
					 struct error *);
/* All options, in order, with those that are configured. */
void service_volume_options(const struct config *, const struct volume_request *,
			    struct strs *ret);
enum err MUST_CHECK service_check_volume(struct service *,
					 const struct volume_request *,
					 const struct strs *options,
					 struct error *);
/* There are clusters, and those that are named. */
enum err MUST_CHECK service_check_clusters(struct service *,
					   const struct strs *clusters,
					   struct error *);
void service_fill_volume(struct volume *, const struct volume_request *,
			 const struct strs *options, const char *op_id);

/* heketi's start-up fixes of hosting volumes. */
void service_repair_blocks(struct service *);

/* ERR_REFUSED when the volume's type is not loaded. */
enum err MUST_CHECK service_check_type(struct service *, const struct volume *,
				       struct error *);
void service_tell_missing_types(struct service *);	/* in the log */

/* A node call on behalf of a request (not of an operation). */
struct service_call {
	struct brickyard_call call;
	struct service *service;
};
void service_call_init(struct service_call *, struct service *, int timeout_s);

#endif
