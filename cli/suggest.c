/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nearly: at most two letters wrong, missing or too many, or a beginning. */
#include <config.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "cli/suggest.h"

enum {
	NEAR = 2,
	WORD_MAX = 64,		/* longer than any command */
};

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t n = a < b ? a : b;

	return n < c ? n : c;
}

/* Levenshtein's, without regard to case; WORD_MAX for what is too long. */
static size_t
distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), row[WORD_MAX + 1];

	if (n >= WORD_MAX || m >= WORD_MAX)
		return WORD_MAX;
	for (size_t k = 0; k <= m; k++)
		row[k] = k;
	for (size_t i = 1; i <= n; i++) {
		size_t above_left = row[0];

		row[0] = i;
		for (size_t k = 1; k <= m; k++) {
			size_t above = row[k];
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[k - 1]);

			row[k] = least(row[k - 1] + 1, above + 1,
				       above_left + !same);
			above_left = above;
		}
	}
	return row[m];
}

void
suggest_commands(const struct command *parent, const char *word,
		 struct buf *ret)
{
	CLEANUP(strs_release) struct strs near = { 0 };
	const char *path = parent != NULL ? parent->path : "";

	for (const struct command *c = commands; c->path != NULL; c++) {
		const char *name = command_word(c);

		if (command_is_child(path, c) && word[0] != '\0' &&
		    (distance(word, name) <= NEAR ||
		     strncasecmp(word, name, strlen(word)) == 0))
			strs_add(&near, name);
	}
	strs_sort(&near);
	if (near.n > 0)
		buf_adds(ret, "\n\nDid you mean this?\n");
	for (size_t i = 0; i < near.n; i++)
		buf_addf(ret, "\t%s\n", near.v[i]);
}
