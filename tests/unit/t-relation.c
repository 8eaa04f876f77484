/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one-to-many index, against a table of flags. */
#include <config.h>

#include "relation.h"
#include "util/cleanup.h"

#include "tests/tap.h"

#define PARENTS	 5
#define CHILDREN 40

static bool
is_sorted(const struct strs *l)
{
	for (size_t i = 1; i < l->n; i++)
		if (strcmp(l->v[i - 1], l->v[i]) >= 0)
			return false;
	return true;
}

int
main(void)
{
	static bool want[PARENTS][CHILDREN];
	struct relation *r = relation_new();
	unsigned seed = 7;
	int bad = 0;

	is_int(relation_of(r, "nobody")->n, 0, "an unknown parent has no children");
	for (int i = 0; i < 20000; i++) {
		int p = rand_r(&seed) % PARENTS, c = rand_r(&seed) % CHILDREN;
		char pn[8], cn[8];

		snprintf(pn, sizeof(pn), "p%d", p);
		snprintf(cn, sizeof(cn), "c%d", c);
		want[p][c] = rand_r(&seed) % 2;
		if (want[p][c])
			relation_add(r, pn, cn);
		else
			relation_remove(r, pn, cn);
		bad += relation_has(r, pn, cn) != want[p][c];
		bad += !is_sorted(relation_of(r, pn));
	}
	is_int(bad, 0, "what is added is there, what is removed is not, in order");
	for (int p = 0; p < PARENTS; p++) {
		size_t n = 0;
		char pn[8];

		for (int c = 0; c < CHILDREN; c++)
			n += want[p][c];
		snprintf(pn, sizeof(pn), "p%d", p);
		is_int(relation_count(r, pn), n, "parent %d has as many as it should", p);
	}
	relation_clear(r);
	is_int(relation_count(r, "p0"), 0, "cleared");
	relation_free(r);
	return tap_done();
}
