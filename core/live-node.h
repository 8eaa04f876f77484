/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking gluster while nodes are dead: of all that know a volume, one that
 * answers.
 */
#ifndef LIVE_NODE_H
#define LIVE_NODE_H

#include "engine.h"

/* A part of a call that may take only so long itself. */
struct sub_call {
	struct brickyard_call call;	/* first: it is what executors see */
	const struct brickyard_call *outer;
};
void sub_call_init(struct sub_call *, const struct brickyard_call *outer,
		   int timeout_s);

/* Does glusterd on it run?  ERR_OK, or why that can't be said. */
enum err MUST_CHECK node_is_live(const struct engine_deps *,
				 const struct brickyard_call *,
				 const char *node_id, bool *ret, struct error *);

/* Was it the node that failed, rather than the thing that it was asked? */
bool node_was_lost(enum err);

typedef enum err live_fn(void *arg, const struct brickyard_call *,
			 const struct brickyard_node *, struct error *);

/* Run fn, which may take timeout_s, on the first of the volume's cluster's nodes
 * whose glusterd runs: `first` (its id, or NULL), then those that hold its bricks,
 * then others; of each those first that are online and not known to be ill.  If a
 * node is lost on the way, on the next.
 */
enum err MUST_CHECK on_live_node(const struct engine_deps *,
				 const struct brickyard_call *,
				 const struct volume *, const char *first,
				 int timeout_s, live_fn *fn, void *arg,
				 struct error *);

#endif
