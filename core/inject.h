/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heketi's error injector: rules that match the text of commands and say what is
 * to happen to them (glusterfs.injectexec).  We send steps, not commands, so
 * what happens happens to the whole step that the command would be part of.
 */
#ifndef INJECT_H
#define INJECT_H

#include "executor.h"
#include "heketi-words.h"

struct inject;

/* NULL in *ret: glusterfs.executor doesn't ask for it. */
enum err MUST_CHECK inject_new(const struct config *, struct inject **ret,
			       struct error *);
void inject_free(struct inject *);		/* accepts NULL */
const struct heketi_words *inject_words(const struct inject *);

/* Suffer what the rules have for these commands, before they would be run, or
 * after they were.
 */
enum err MUST_CHECK inject_before(struct inject *, const struct brickyard_call *,
				  const struct heketi_commands *,
				  struct error *);
enum err MUST_CHECK inject_after(struct inject *, const struct brickyard_call *,
				 const struct heketi_commands *,
				 struct error *);

#endif
