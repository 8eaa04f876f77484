/* SPDX-License-Identifier: BSD-2-Clause */
/* program - run one program for a call of an executor: within the call's deadline,
 * with bounded output, in a process group of its own that is killed as a whole.
 * Shared by the examples; copy it into a plug-in of yours.  Any thread.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <brickyard/executor.h>

#define PROGRAM_OUTPUT_MAX (256u * 1024)	/* of each stream; see executor.h */

/* The end of what a program wrote, as text. */
struct program_output {
	char bytes[2 * PROGRAM_OUTPUT_MAX + 1];
	size_t n, from;			/* bytes + from is the text */
};

struct program_result {
	uint64_t status;		/* as a shell gives it */
	struct program_output out, err;
};

/* Run argv with the text `input` on its stdin (NULL: nothing) and `env` (NULL:
 * ours).  0 when it ended by itself; else a BRICKYARD_ERR_* class: TRANSIENT (it
 * can't be started, see errno), TIMEOUT or CANCELLED (it was killed).
 */
int program_run(char *const *argv, char *const *env, const char *input,
		const struct brickyard_call *call, struct program_result *ret);

int64_t program_now_ms(void);		/* CLOCK_MONOTONIC, as deadline_ms is */

#endif
