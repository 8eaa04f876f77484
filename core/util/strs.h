/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two small owned containers: a list of strings, and an ordered list of
 * key/value strings.  Zero-initialised is empty; *_release() frees the contents.
 */
#ifndef STRS_H
#define STRS_H

#include <stdbool.h>
#include <stddef.h>

struct strs {
	char **v;
	size_t n, cap;
};

void strs_add(struct strs *, const char *s);
bool strs_has(const struct strs *, const char *s);
void strs_sort(struct strs *);			/* strcmp order */
void strs_copy(struct strs *to, const struct strs *from);  /* to: was empty */
void strs_release(struct strs *);
/* Split on a separator character; an empty string gives one empty element
 * (as Go's strings.Split does).
 */
void strs_split(struct strs *, const char *s, char sep);
/* Caller frees. */
char *strs_join(const struct strs *, const char *sep);

struct kv {
	char *key;
	char *value;
};

struct kvs {
	struct kv *v;
	size_t n, cap;
};

void kvs_set(struct kvs *, const char *key, const char *value); /* replaces */
void kvs_add(struct kvs *, const char *key, const char *value); /* may repeat */
const char *kvs_get(const struct kvs *, const char *key);	/* NULL: absent */
void kvs_del(struct kvs *, const char *key);
void kvs_copy(struct kvs *to, const struct kvs *from);	/* to: was empty */
void kvs_release(struct kvs *);

#endif
