/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command is made to say, and what a step makes of it: where heketi reads
 * the output of a command in any case, which is that of gluster-block.
 */
#ifndef INJECT_ANSWER_H
#define INJECT_ANSWER_H

#include "inject.h"

/* As in a rule; "" where it says nothing. */
struct inject_answer {
	const char *out, *err_out, *err;
	bool failed;
};

/* Does heketi read what the commands of this step print? */
bool inject_is_read(enum executor_step_id);

/* What heketi says, or the step's results. */
enum err MUST_CHECK inject_answer(const struct inject_step *,
				  const struct inject_answer *,
				  json_reader_fn *, struct error *);

#endif
