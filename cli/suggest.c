/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nearly: at most two letters wrong, missing or too many, or a beginning. */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "cli/suggest.h"
#include "util/distance.h"

#define NEAR 2

void
suggest_commands(const struct command *parent, const char *word,
		 struct buf *ret)
{
	CLEANUP(strs_release) struct strs near = { 0 };
	const char *path = parent != NULL ? parent->path : "";

	for (const struct command *c = commands; c->path != NULL; c++) {
		const char *name = command_word(c);

		if (command_is_child(path, c) && word[0] != '\0' &&
		    (word_distance(word, name) <= NEAR ||
		     strncasecmp(word, name, strlen(word)) == 0))
			strs_add(&near, name);
	}
	strs_sort(&near);
	if (near.n > 0)
		buf_adds(ret, "\n\nDid you mean this?\n");
	for (size_t i = 0; i < near.n; i++)
		buf_addf(ret, "\t%s\n", near.v[i]);
}
