/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of the parts that a script is made of, what it can reach: a function whose name
 * is a word of the body, of a line outside of functions, or of a function that is
 * needed.  A word in a string counts as well, so that nothing is missed; no
 * function may be called by a name that is put together when it runs.
 */
#include <string.h>

#include "lower.h"

#define CHUNKS_MAX 400

struct trimmed {
	const struct chunk *chunks[CHUNKS_MAX];
	bool needed[CHUNKS_MAX], read[CHUNKS_MAX];
	size_t n;
};

static void
take_part(struct trimmed *t, const struct chunk *part)
{
	for (; part->name != NULL; part++) {
		if (part->text[0] == '\0')
			continue;
		if (t->n == CHUNKS_MAX)
			abort();	/* a bug of ours: there are not so many */
		t->needed[t->n] = part->name[0] == '\0';
		t->chunks[t->n++] = part;
	}
}

static void
need(struct trimmed *t, const char *word, size_t len)
{
	for (size_t i = 0; i < t->n; i++) {
		const char *name = t->chunks[i]->name;

		if (strncmp(name, word, len) == 0 && name[len] == '\0')
			t->needed[i] = true;
	}
}

static void
need_words_of(struct trimmed *t, const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	while (*(s += strcspn(s, letters)) != '\0') {
		size_t len = strspn(s, letters);

		need(t, s, len);
		s += len;
	}
}

static bool
read_one(struct trimmed *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!t->needed[i] || t->read[i])
			continue;
		t->read[i] = true;
		need_words_of(t, t->chunks[i]->text);
		return true;
	}
	return false;
}

void
add_parts(struct text *to, const struct chunk *const *parts, size_t n,
	  const char *body)
{
	struct trimmed t = {0};

	for (size_t i = 0; i < n; i++)
		take_part(&t, parts[i]);
	need_words_of(&t, body);
	while (read_one(&t))
		;
	for (size_t i = 0; i < t.n; i++)
		if (t.needed[i])
			text_add(to, t.chunks[i]->text,
				 strlen(t.chunks[i]->text));
}
