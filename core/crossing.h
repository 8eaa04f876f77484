/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Crossing into a plug-in: a step is called on a thread of its own, with arguments
 * of its own, so that a plug-in that does not come back keeps only those, and its
 * place in the gate.
 */
#ifndef CROSSING_H
#define CROSSING_H

#include <stdatomic.h>

#include "executor-step.h"
#include "gate.h"
#include "plugin.h"

struct crossing {
	const struct plugin *plugin;
	const struct executor_step *step;
	const struct brickyard_executor *ops;
	struct brickyard_executor_instance *instance;
	/* These three are copied. */
	const struct brickyard_call *call;
	const struct brickyard_node *node;
	const struct step_args *args;
	struct gate *gate;
	struct gate_ticket ticket;	/* its key is copied */
	/* How long after its deadline, or after it was cancelled, it may take. */
	int grace_ms;
	int limit_ms;			/* that it may take; 0: its deadline's */
	_Atomic unsigned *lost;		/* counts those that did not come back */
};

/* Through the gate and into the plug-in.  ERR_OK: it came back; *ret is what the
 * step returned, and result (may be NULL) and why are filled.  Else it was not
 * let in, or (ERR_TIMEOUT) is lost: gate and lost must live until *lost is 0.
 */
enum err MUST_CHECK crossing_make(const struct crossing *, int *ret,
				  struct brickyard_result *result,
				  struct brickyard_error *why, struct error *);

#endif
