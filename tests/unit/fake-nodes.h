/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes that do what the test says: takes the place of core/executor.c.  Every
 * step succeeds unless the hook says otherwise; gluster volumes and bricks are
 * remembered, so that what was done twice or never can be seen.
 */
#ifndef FAKE_NODES_H
#define FAKE_NODES_H

#include "executor.h"

struct fake_call {
	const char *step;		/* "bricks_create", …; and
					 * "volume_expand_done": it is done,
					 * but not yet answered */
	const char *node;		/* its id, "" while it has none */
	const char *host;		/* where it is reached */
	const struct brickyard_call *call;
};

/* Asked before each step; anything but ERR_OK is the step's answer. */
typedef enum err fake_hook_fn(const struct fake_call *, struct error *);
extern fake_hook_fn *_Atomic fake_hook;
/* What devices say of their bytes, when the step begins; total NULL: nothing. */
extern const char *fake_total, *fake_free;

void fake_reset(void);
int fake_calls(const char *step);
/* Bricks that are there now; gluster volumes that are. */
size_t fake_bricks(void);
size_t fake_volumes(void);
/* A volume that somebody else made. */
void fake_foreign_volume(const char *name);
/* Wait, at most ten seconds, until the step was called so often. */
bool fake_wait_calls(const char *step, int n);
/* For hooks: wait until the call is cancelled. */
enum err fake_hang(const struct fake_call *, struct error *);

#endif
