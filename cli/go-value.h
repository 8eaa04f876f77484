/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a Go template, and the functions it may call. */
#ifndef CLI_GO_VALUE_H
#define CLI_GO_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "util/buf.h"
#include "util/error.h"

enum value_type {
	VALUE_PLAIN,		/* what the JSON says; objects are structs */
	VALUE_MAP,		/* an object whose members have any name */
	VALUE_RESTRICTION,	/* a string that Go prints with other words */
};

struct value {
	json_t *j;		/* a reference; NULL: no value */
	enum value_type type;
};

struct value value_ref(struct value);
void value_release(struct value *);
bool value_is_true(struct value);
enum err MUST_CHECK value_print(struct value, struct buf *, struct error *);
/* .name of a struct or a map. */
enum err MUST_CHECK value_field(struct value, const char *name,
				struct value *ret, struct error *);
enum err MUST_CHECK value_call(const char *function, const struct value *args,
			       size_t n, struct value *ret, struct error *);

#endif
