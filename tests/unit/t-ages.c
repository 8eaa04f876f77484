/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How old revisions are, against a table of all moments. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "ages.h"

#include "tests/tap.h"

#define MOMENTS 5000

int
main(void)
{
	static int64_t at[MOMENTS], revision[MOMENTS];
	struct ages a = { .n = 0 };
	unsigned seed = 3;
	const int64_t age = 1000;
	int too_young = 0, too_old = 0, none = 0;

	is_int(ages_note(&a, 50000, 7, age), 0, "at first nothing is old");
	is_int(ages_note(&a, 50999, 8, age), 0, "nor shortly before");
	is_int(ages_note(&a, 51000, 9, age), 7, "then the first one is");
	is_int(ages_note(&a, 90000, 9, age), 8,
	       "after a long silence all that was noted");
	memset(&a, 0, sizeof(a));
	for (int i = 0; i < MOMENTS; i++) {
		int64_t old, sure = 0, any = 0;

		at[i] = (i > 0 ? at[i - 1] : 0) + rand_r(&seed) % 20;
		revision[i] = (i > 0 ? revision[i - 1] : 1) + rand_r(&seed) % 3;
		old = ages_note(&a, at[i], revision[i], age);
		for (int k = 0; k <= i; k++) {
			if (at[k] <= at[i] - age)
				any = revision[k];
			if (at[k] <= at[i] - age - 2 * age / AGES_PARTS)
				sure = revision[k];
		}
		too_young += old > any;
		too_old += old < sure;
		none += any == 0 && old != 0;
	}
	is_int(too_young, 0, "what is said to be old is");
	is_int(too_old, 0, "what is old is said to be, soon");
	is_int(none, 0, "nothing is old before its time");
	return tap_done();
}
