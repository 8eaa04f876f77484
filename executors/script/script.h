/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of brickyard/executor.h as shell scripts, for every executor that
 * has nothing but .run.  Whoever opens such an executor attaches this to it and
 * calls script_steps with the instance it gets.  Any number of threads.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <brickyard/executor.h>

/* What the script printed, given once by a run that took place. */
typedef void script_give_fn(void *to, uint64_t exit_status, const char *out,
			    const char *err);
/* Run a script on a node, as brickyard_executor.run does it. */
typedef int script_run_fn(void *below, const struct brickyard_call *,
			  const struct brickyard_node *, const char *script,
			  script_give_fn *, void *to, struct brickyard_error *);

extern const struct brickyard_option script_options[];
/* .open, .close and .run are NULL: see below. */
extern const struct brickyard_executor script_steps;

/* config: values of script_options, as .open gets them. */
int script_attach(const struct brickyard_host *, script_run_fn *, void *below,
		  const struct brickyard_kv *config, size_t nconfig,
		  struct brickyard_executor_instance **ret,
		  struct brickyard_error *);
void script_detach(struct brickyard_executor_instance *);	/* accepts NULL */

#endif
