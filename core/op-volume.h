/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stages of making a volume, for operations that need one first: it is the one
 * that their argument "volume" names.  They work on its bricks that are pending
 * on the operation, and are run and undone as all stages are.  Bricks that can't be
 * taken away because their node is lost become leftovers (lost.h).
 */
#ifndef OP_VOLUME_H
#define OP_VOLUME_H

#include "engine.h"

/* heketi's limits: 10 minutes for bricks, cli_timeout and a little for gluster. */
#define VOLUME_BRICKS_TIMEOUT_S 600
#define VOLUME_TIMEOUT_S 660

/* The volume of the operation as it is now; a private copy. */
enum err MUST_CHECK volume_target(struct op_run *, struct volume **ret,
				  struct error *);

enum err volume_make_bricks(struct op_run *, const struct brickyard_call *,
			    struct error *);
enum err volume_unmake_bricks(struct op_run *, const struct brickyard_call *,
			      struct error *);
/* The same for operations whose first stage it is: bricks that were given up, since a
 * node was lost before gluster had any of them, are placed once more.
 */
enum err volume_make_bricks_anew(struct op_run *, const struct brickyard_call *,
				 struct error *);
enum err MUST_CHECK volume_replan_bricks(struct op_run *, struct txn *,
					 struct error *);
/* All that it has, whether pending or not. */
enum err volume_unmake_all_bricks(struct op_run *, const struct brickyard_call *,
				  struct error *);
enum err volume_make(struct op_run *, const struct brickyard_call *,
		     struct error *);
enum err volume_unmake(struct op_run *, const struct brickyard_call *,
		       struct error *);

/* No operation is at work on it any more. */
void volume_settle(struct volume *);

#endif
