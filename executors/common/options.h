/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of a plug-in's options.  A plug-in has one table of struct
 * brickyard_option, in the order of an enum of its own and ended by a NULL key,
 * and an array of as many values in its instance, called opt.
 */
#ifndef EXECUTORS_COMMON_OPTIONS_H
#define EXECUTORS_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <brickyard/common.h>

struct option_bounds {
	int o;				/* index into the table */
	uint64_t min, max;
};

/* Defaults, and over them what is configured, each a string of its own.
 * Returns 0, or -1: out of memory (options_drop() all the same).
 */
int options_take(const struct brickyard_option *table, char **values,
		 const struct brickyard_kv *config, size_t n);
void options_drop(const struct brickyard_option *table, char **values);

/* Writes what is wrong with the first number that is outside of its bounds to
 * ret, and returns false.
 */
bool options_bounded(const struct brickyard_option *table, char *const *values,
		     const struct option_bounds *, size_t n, char *ret,
		     size_t size);

uint64_t option_u64(const char *value);
bool option_bool(const char *value);

/* Of an instance. */
#define opt_str(in, o)	((const char *)(in)->opt[o])
#define opt_u64(in, o)	option_u64((in)->opt[o])
#define opt_bool(in, o)	option_bool((in)->opt[o])

#endif
