/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What errors are injected into: the commands that heketi runs for a step. */
#ifndef EXECUTOR_INJECT_H
#define EXECUTOR_INJECT_H

#include "executor-step.h"
#include "inject.h"

void inject_commands(const struct inject *, enum executor_step_id,
		     const struct step_args *, struct heketi_commands *ret);

#endif
