/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One commit in the making: records to put or delete, each guarded by the
 * revision it was read at.  Encodes at once, so records may go afterwards.
 */
#ifndef TXN_H
#define TXN_H

#include "store/mirror.h"

struct txn {
	struct txn_guards { struct store_guard *v; size_t n, cap; } guards;
	struct txn_writes { struct store_write *v; size_t n, cap; } writes;
	struct strs owned;		/* memory behind keys and values */
};

#define TXN_SCOPE CLEANUP(txn_release)

/* Write the record; it must not have changed since it was read (revision 0:
 * it must not be there yet).
 */
void txn_put(struct txn *, const struct record *);
void txn_put_leased(struct txn *, const struct record *);
/* Delete it; it must not have changed since. */
void txn_delete(struct txn *, const struct record *);
/* Change nothing of a key, but demand that its last change was at revision (0:
 * that it is not there).
 */
void txn_guard(struct txn *, const char *key, int64_t revision);
/* Take a key that nobody has, with a plain value. */
void txn_claim(struct txn *, const char *key, const char *value);
/* Nobody may have the key. */
void txn_absent(struct txn *, const char *key);
/* Delete a key, whatever it holds. */
void txn_drop(struct txn *, const char *key);

/* Commit and wait until the mirror shows it. */
enum err MUST_CHECK txn_commit(struct txn *, struct mirror *, struct error *);
void txn_release(struct txn *);

#endif
