/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

/* The host refuses keys that the table doesn't have. */
static int
set(const struct brickyard_option *table, char **values, const char *key,
    const char *value)
{
	for (size_t o = 0; table[o].key != NULL; o++) {
		if (strcmp(table[o].key, key) != 0)
			continue;
		free(values[o]);
		values[o] = strdup(value);
		return values[o] != NULL ? 0 : -1;
	}
	return 0;
}

int
options_take(const struct brickyard_option *table, char **values,
	     const struct brickyard_kv *config, size_t n)
{
	int r = 0;

	for (size_t o = 0; table[o].key != NULL; o++)
		r |= set(table, values, table[o].key, table[o].default_value);
	for (size_t i = 0; i < n; i++)
		r |= set(table, values, config[i].key, config[i].value);
	return r;
}

void
options_drop(const struct brickyard_option *table, char **values)
{
	for (size_t o = 0; table[o].key != NULL; o++)
		free(values[o]);
}

bool
options_bounded(const struct brickyard_option *table, char *const *values,
		const struct option_bounds *bounds, size_t n, char *ret,
		size_t size)
{
	for (size_t i = 0; i < n; i++) {
		const struct option_bounds *b = &bounds[i];
		uint64_t v = option_u64(values[b->o]);

		if (v >= b->min && v <= b->max)
			continue;
		snprintf(ret, size, "option %s: %s is not %llu to %llu",
			 table[b->o].key, values[b->o],
			 (unsigned long long)b->min,
			 (unsigned long long)b->max);
		return false;
	}
	return true;
}

uint64_t
option_u64(const char *value)
{
	return strtoull(value, NULL, 10);
}

bool
option_bool(const char *value)
{
	return strcmp(value, "true") == 0;
}
