/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A one-to-many relation between strings: parent -> sorted set of children.
 * What the model keeps its indexes in.  Not locked.
 */
#ifndef RELATION_H
#define RELATION_H

#include <stdbool.h>
#include <stddef.h>

#include "util/strs.h"

struct relation;

struct relation *relation_new(void);
void relation_free(struct relation *);		/* accepts NULL */
void relation_clear(struct relation *);

void relation_add(struct relation *, const char *parent, const char *child);
void relation_remove(struct relation *, const char *parent, const char *child);
bool relation_has(const struct relation *, const char *parent, const char *child);
/* The children in strcmp order, lent until the next change; NULL, 0 if none. */
const struct strs *relation_of(const struct relation *, const char *parent);
size_t relation_count(const struct relation *, const char *parent);

#endif
