/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Levenshtein's distance, a row of his table at a time.  Pure; any thread. */
#include <config.h>

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "util/distance.h"

#define COMPARED 64	/* letters; what follows is not looked at */

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static bool
same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

unsigned
word_distance(const char *a, const char *b)
{
	unsigned row[COMPARED + 1], was, up;
	size_t n = strnlen(b, COMPARED);

	for (unsigned k = 0; k <= n; k++)
		row[k] = k;
	for (unsigned i = 1; i <= COMPARED && a[i - 1] != '\0'; i++) {
		was = row[0];
		row[0] = i;
		for (size_t k = 1; k <= n; k++) {
			up = row[k];
			row[k] = least(up + 1, row[k - 1] + 1,
				       was + !same_letter(a[i - 1], b[k - 1]));
			was = up;
		}
	}
	return row[n];
}
