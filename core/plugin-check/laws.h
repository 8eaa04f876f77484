/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard-plugin-check: what executor.h says of the results of steps.  Each gives
 * NULL, or what is wrong, which the caller frees.
 */
#ifndef LAWS_H
#define LAWS_H

#include "plugin-check/scenario.h"

law_fn law_run, law_probe, law_examine, law_device, law_volume, law_heal,
	law_block;

#endif
