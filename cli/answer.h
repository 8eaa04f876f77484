/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One answer of the server, and what it means. */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include <stdbool.h>

#include <jansson.h>

#include "util/buf.h"
#include "util/error.h"

struct answer {
	long status;
	char *location;
	bool pending;
	int retry_after_s;	/* -1: not said */
	struct buf body;
};

void answer_release(struct answer *);
/* A redirection that can be followed? */
bool answer_is_redirection(const struct answer *);
/* The final answer's JSON into ret (may be NULL; NULL when there is no body),
 * or the error that it tells of, in the server's own words.
 */
enum err MUST_CHECK answer_read(const struct answer *, json_t **ret,
				struct error *);

#endif
