/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the core asks of a lowering: the semantic steps of an executor as
 * scripts for its .run.  executors/script is one; only main knows it, and the
 * core knows this contract.
 */
#ifndef LOWERING_H
#define LOWERING_H

#include "plugin.h"

/* What a script printed; called once by a run that took place. */
typedef void lowering_give_fn(void *to, uint64_t exit_status, const char *out,
			      const char *err);
/* Run a script on a node; to and give: who wants to know what it printed. */
typedef int lowering_run_fn(void *below, const struct brickyard_call *,
			    const struct brickyard_node *, const char *script,
			    lowering_give_fn *give, void *to,
			    struct brickyard_error *);

struct lowering {
	const struct brickyard_option *options;	/* its own; ended by key NULL */
	/* Called with the instance of attach; .open, .close, .run are NULL. */
	const struct brickyard_executor *steps;
	int (*attach)(const struct brickyard_host *, lowering_run_fn *,
		      void *below, const struct brickyard_kv *config,
		      size_t nconfig, struct brickyard_executor_instance **ret,
		      struct brickyard_error *);
	void (*detach)(struct brickyard_executor_instance *);
};

/* Who gets which of the configured values: an option that both have goes to
 * both, one that neither has is refused.  What the plug-in's default is, is the
 * lowering's too, since they work on the same nodes.
 */
enum err MUST_CHECK lowering_split(const struct lowering *,
				   const struct plugin *,
				   const struct kvs *given,
				   struct kvs *ret_plugin,
				   struct kvs *ret_lowering, struct error *);
/* Does the plug-in, or the lowering (may be NULL), have such an option? */
bool lowering_has_option(const struct lowering *, const struct plugin *,
			 const char *key);
/* The lowering's options for --dump-plugin, unless the plug-in has them. */
void lowering_print(const struct lowering *, const struct plugin *,
		    struct buf *);

#endif
