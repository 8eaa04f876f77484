/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What operations tell the health monitor (duty.h). */
#ifndef HEALTH_H
#define HEALTH_H

#include "engine.h"

/* Is there a monitor? */
bool health_is_watched(const struct config *);

/* The node does not answer, tried again and asked whether it is alive: nothing is
 * placed there until it is.  Without a monitor, which finds that out, nothing is
 * noted.
 */
void health_note_lost(const struct engine_deps *, const struct node *,
		      const char *why);
/* It was asked, and is. */
void health_note_found(const struct engine_deps *, const struct node *);

#endif
