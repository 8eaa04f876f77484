/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filling an empty store with many documents, all or nothing: more than go into
 * one commit.  For copying a store and for importing.
 */
#ifndef BULK_H
#define BULK_H

#include "store/record.h"
#include "store/store.h"

struct doc {
	char *key, *value;
	size_t len;
};

struct docs {
	struct doc *v;
	size_t n, cap;
};

void docs_add(struct docs *, const char *key, const char *value, size_t len);
/* In order of keys, as a store gives them. */
void docs_sort(struct docs *);
void docs_release(struct docs *);

/* While it is filled the store has the key admin/copying, whose value is
 * `origin`; a store with that key serves nobody.
 */
#define BULK_MARKER "admin/" RECORD_COPYING

struct bulk {
	struct store *to;
	const struct docs *docs;	/* in order of keys */
	int64_t marker_revision;
};

/* Refuse a store that is not empty, mark it, write everything, and read it
 * back; then take the mark away.  Between the two the caller may have a last
 * look at what it copies.
 */
enum err MUST_CHECK bulk_fill(struct bulk *, const char *origin, struct error *);
enum err MUST_CHECK bulk_finish(struct bulk *, struct error *);

/* Comparing what a store_load tells with documents, key by key. */
struct comparison {
	const struct docs *docs;
	size_t at;
	char *differs;			/* the first key that does; owned */
};

int compare_doc(struct comparison *, const struct store_kv *);	/* not 0: differs */
/* All was told: is anything missing? */
enum err MUST_CHECK comparison_end(struct comparison *, struct store *,
				   const char *what, struct error *);

#endif
