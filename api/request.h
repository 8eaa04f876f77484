/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request and its reply, as the handlers see them.
 *
 * Life: made by the HTTP thread when the first line has come, filled by it
 * until the body is complete, then owned by the worker that runs the handler (the
 * connection is suspended meanwhile), then the HTTP thread's again; freed when
 * the connection has done with it, and nowhere else.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "api/gojson.h"
#include "api/jsonout.h"
#include "api/route.h"
#include "service.h"
#include "util/buf.h"

struct api;
struct MHD_Connection;

enum request_state {
	REQUEST_NEW,		/* headers are being read */
	REQUEST_BODY,		/* the body is being read */
	REQUEST_RUNNING,	/* with a worker, or held */
	REQUEST_READY,		/* the reply is to be sent */
};

struct reply {
	unsigned status;	/* 0: none yet */
	const char *type;	/* Content-Type, NULL: none */
	bool nosniff;
	bool pending;		/* X-Pending: true */
	unsigned retry_after_s;	/* Retry-After, 0: none */
	char *location;
	char *disposition;		/* Content-Disposition, NULL: none */
	struct buf body;
};

#define REQUEST_ID_MAX 32

struct request {
	uint32_t magic;
	struct api *api;
	struct service *service;	/* NULL while starting */
	bool draining, stopping;	/* the API, when the request came */

	char *target;			/* as sent */
	char *path;			/* decoded; NULL: can't be */
	const char *query;		/* raw, in target; NULL: none */
	char method[16];
	char request_id[REQUEST_ID_MAX + 1];
	int64_t content_length;		/* -1: not told */
	int64_t prefer_wait_ms;		/* the client's Prefer: wait; -1: no */
	bool own;			/* below /v1/: our shape of errors */
	bool local;			/* the peer is on this machine */

	const struct route *route;	/* NULL: answered without */
	char *id;			/* the {id}, or NULL */
	struct buf body;
	size_t swallowed;		/* bytes of a body that nobody reads */

	struct reply reply;
	/* Set by a handler: the reply stands only if the operation of this id
	 * does not end soon; when it does, the handler is run again.
	 */
	char wait_for[ID_SIZE];
	bool synced;			/* service_sync has been done */

	/* the server's */
	enum request_state state;
	struct MHD_Connection *connection;
	bool counted;			/* api_stop waits for it */
	size_t charged;			/* bytes of body accounted for */
	int64_t started_ms;		/* monotonic */
	int64_t hold_until_ms;		/* monotonic; 0: not yet decided */
	struct request *next;		/* in a lane */
};

/* ---- what handlers read ---- */

/* The body into a struct; false: answered with 422. */
bool request_decode(struct request *, const char *go_type,
		    const struct gojson_field *, void *to);
/* Everything that was committed before the request came can be seen from here
 * on; false: answered with 503.
 */
bool request_sync(struct request *);
/* May it be served in this admin mode?  false: answered with 503. */
bool request_admit(struct request *);

/* ---- what they answer; the last one counts ---- */

void reply_clear(struct request *);
/* Text and a newline, as Go's http.Error; below /v1/ our error object. */
void reply_text(struct request *, unsigned status, const char *text);
void reply_error(struct request *, const struct error *);
void reply_not_found(struct request *);
/* Takes the text over, adds the newline. */
void reply_json(struct request *, unsigned status, struct buf *);
void reply_empty(struct request *, unsigned status);
/* Anything else; takes the bytes over.  type: for ever. */
void reply_bytes(struct request *, unsigned status, const char *type,
		 struct buf *);
/* 200, bytes to be saved under that name; takes them over. */
void reply_attachment(struct request *, const char *name, struct buf *);
/* As Go's http.Redirect: with a line of html for GET. */
void reply_redirect(struct request *, unsigned status, const char *location);
/* 202 and the queue's address, or the error of the call that should have
 * started the operation: reply_async(r, service_x(…, op, &err), op, &err);
 */
void reply_async(struct request *, enum err, const char *op,
		 const struct error *);
/* The object of GET /v1/…: an error code of error.def and a sentence. */
void reply_own_error(struct request *, unsigned status, const char *code,
		     const char *message);

/* ---- the handlers ---- */

route_handler h_hello, h_healthz, h_readyz, h_metrics;
route_handler h_cluster_create, h_cluster_list, h_cluster_info,
	h_cluster_delete, h_cluster_set_flags;
route_handler h_node_add, h_node_info, h_node_delete, h_node_set_state;
route_handler h_device_add, h_device_info, h_device_delete,
	h_device_set_state, h_device_resync;
route_handler h_node_tags, h_device_tags;
route_handler h_volume_create, h_volume_list, h_volume_info, h_volume_delete,
	h_volume_expand;
route_handler h_blockvolume_create, h_blockvolume_list, h_blockvolume_info,
	h_blockvolume_delete, h_blockvolume_expand, h_volume_restrict;
route_handler h_brick_evict, h_own_leftovers, h_volume_clone;
route_handler h_queue, h_operation_counts;
route_handler h_pending_list, h_pending_info, h_pending_clean;
route_handler h_admin_info, h_admin_set, h_logging_info, h_logging_set;
route_handler h_examine, h_db_dump, h_db_check, h_backup;
route_handler h_own_plugins, h_own_operations, h_own_operation,
	h_own_replicas, h_own_health, h_own_node_check;
route_handler h_profile;

#endif
