/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heketi's error injector: rules that match the text of commands and say what is
 * to happen to them (glusterfs.injectexec).  We send steps, not commands, so
 * what happens happens to the whole step that the command would be part of.
 */
#ifndef INJECT_H
#define INJECT_H

#include "executor.h"
#include "executor-step.h"
#include "heketi-words.h"

struct inject;

/* NULL in *ret: glusterfs.executor doesn't ask for it. */
enum err MUST_CHECK inject_new(const struct config *, json_reader_fn *json,
			       struct inject **ret, struct error *);
void inject_free(struct inject *);		/* accepts NULL */
const struct heketi_words *inject_words(const struct inject *);

/* A step, and the commands that heketi would run for it. */
struct inject_step {
	enum executor_step_id id;
	const struct step_args *args;
	const struct brickyard_call *call;
	const struct heketi_commands *commands;
	struct brickyard_result *result;	/* NULL: it has none */
};

/* Suffer what the rules have for these commands, before they would be run, or
 * after they were.  true in *ret_answered: what a rule makes up is the answer,
 * the step is not run.
 */
enum err MUST_CHECK inject_before(struct inject *, const struct inject_step *,
				  bool *ret_answered, struct error *);
enum err MUST_CHECK inject_after(struct inject *, const struct inject_step *,
				 struct error *);

#endif
