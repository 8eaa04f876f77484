/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes that are lost while an operation makes or removes bricks on them.
 *
 * Nothing waits for them: what has to be taken away from one is remembered as a
 * leftover (leftover.h), and what is placed anew keeps off it.  The operation's
 * arg lost_nodes names them, so that whoever adopts it knows.
 */
#ifndef LOST_H
#define LOST_H

#include "engine.h"

/* The node did not answer: plan nothing on it any more, for this operation. */
void lost_add(struct op_run *, const char *node);
bool lost_has(const struct op_run *, const char *node);

/* Of the volume's bricks that are pending on `pending` (NULL: of all), make those
 * that are on these nodes (id -> why they can't be taken away) leftovers: each
 * goes from the volume's record into one of its own, and its space stays taken.
 * A node that is gone from the records has nothing left.
 */
enum err MUST_CHECK lost_leave(struct op_run *, const char *volume,
			       const char *pending, const struct kvs *nodes,
			       struct error *);

/* What the function that places bricks is given. */
struct place_arg {
	struct op_run *run;
	const struct strs *avoid;	/* devices not to be used */
};

/* Commit what `build` places: without what failed before; if there is no room
 * without, then only without what is lost still.  If there is none, the error is
 * that of the attempt before, where there was one.
 */
enum err MUST_CHECK place_around(struct op_run *, const struct brickyard_call *,
				 txn_build_fn *build, struct error *);

/* The making of bricks failed since a node was lost: does it pay to start over?
 * There may be as many attempts as a create has.  ERR_REFUSED: no.
 */
void lost_note_elsewhere(struct op_run *, bool wanted);
enum err MUST_CHECK lost_elsewhere(struct op_run *, struct error *);

#endif
