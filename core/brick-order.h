/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of a volume's bricks, which says what is a copy of what.  Gluster
 * knows it; a dump of heketi's, which a record may come from, does not.
 */
#ifndef BRICK_ORDER_H
#define BRICK_ORDER_H

#include "engine.h"

/* Put v's bricks into the order that volume_info told; false, and v is as good
 * as lost: gluster has other bricks.
 */
bool brick_order_take(struct volume *v, const struct brickyard_result *info);

/* Ask gluster and commit its order, if it has the very bricks of the record in
 * another one.  *ret_changed: it did.  No operation may be adding bricks.
 */
enum err MUST_CHECK brick_order_learn(struct op_run *,
				      const struct brickyard_call *,
				      const struct volume *, bool *ret_changed,
				      struct error *);

#endif
