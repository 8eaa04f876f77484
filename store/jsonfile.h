/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a JSON file as flat dotted keys, for the configuration. */
#ifndef JSONFILE_H
#define JSONFILE_H

#include "util/error.h"

/* Called for each scalar: "glusterfs.executor", its text, and its type: 's'
 * string, 'i' integer, 'b' bool ("true"/"false").  null and real numbers are
 * passed as 'n' and 'r'.  Array elements have their index as the last part.
 * line is where its key is (of an array's element: the value).  A non-OK return ends the walk and is returned.
 */
typedef enum err jsonfile_fn(void *arg, const char *key, const char *value,
			     char type, int line, struct error *);
enum err MUST_CHECK jsonfile_walk(const char *path, jsonfile_fn *fn, void *arg,
				  struct error *);

/* The scalars of a JSON object, by the same keys; null is "". */
struct kvs;
enum err MUST_CHECK jsontext_pairs(const char *text, struct kvs *ret,
				   struct error *);

#endif
