/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line on a terminal (stderr) that says how long one has been waiting, and
 * for what; it comes after two seconds and is wiped away at the end.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct progress {
	bool on;
	bool shown;
	bool asks;		/* of what the server is at; see http.c */
	int64_t since_ms;	/* 0: not waiting */
	char what[48];		/* "" as long as nobody knows */
};

void progress_begin(struct progress *);
void progress_show(struct progress *);
/* The operation as GET /v1/operations/ID has it. */
void progress_tell(struct progress *, const json_t *operation);
/* Long enough that it is worth asking what the server is at? */
bool progress_wants_news(const struct progress *);
void progress_end(struct progress *);

#endif
