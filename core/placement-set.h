/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Placing one brick set.  Private to placement. */
#ifndef PLACEMENT_SET_H
#define PLACEMENT_SET_H

#include "placement-rule.h"

/* Adds the bricks of one more set, or adds nothing, says which brick found no
 * place (failed_brick), and returns false: then there is no way to place this
 * set after the ones before it.
 */
bool MUST_CHECK attempt_add_set(struct attempt *);

#endif
