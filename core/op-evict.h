/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replacing one brick of a volume: the stages that evicting a brick, removing a
 * device and removing a node share.
 *
 * The operation's args: volume and brick (that is to go; absent: none is), heal
 * ("disable": don't ask whether it may go), and what happened so far: replaced
 * (gluster has the new brick, but the operation goes back), leftover (why the old
 * brick is still on its node), lost (why the new one is).  The new brick is the one
 * that is pending on the operation; it stands behind the volume's whole sets.
 */
#ifndef OP_EVICT_H
#define OP_EVICT_H

#include "allocate.h"
#include "engine.h"

#define NO_REPLACEMENT \
	"No Replacement was found for resource requested to be removed"

typedef enum err stage_fn(struct op_run *, const struct brickyard_call *,
			  struct error *);

stage_fn evict_check, evict_place, evict_unplace, evict_make_brick,
	evict_unmake_brick, evict_replace, evict_reconsider, evict_remove_old,
	evict_remove_old_again;

/* A day's work at most, so that heals can be waited for; gluster's commands
 * have their own limits inside.
 */
#define EVICT_STAGES							\
	{ "check", 7200, evict_check, NULL },				\
	{ "place", 60, evict_place, evict_unplace },			\
	{ "brick", 900, evict_make_brick, evict_unmake_brick },		\
	{ "replace", 7200, evict_replace, evict_reconsider },		\
	{ "old brick", 900, evict_remove_old, evict_remove_old_again }

/* The new brick's node was lost: find another place. */
enum err MUST_CHECK evict_replan(struct op_run *, struct txn *, struct error *);
/* Put the new brick in the old one's place, or forget the new one, and let the
 * volume go.  Does nothing if that has been done.
 */
enum err MUST_CHECK evict_settle(struct op_run *, struct txn *, struct ledger *,
				 bool swap, struct error *);
/* The last word of an operation that failed. */
enum err MUST_CHECK evict_settle_failed(struct op_run *, struct txn *,
					struct ledger *, struct error *);

#endif
