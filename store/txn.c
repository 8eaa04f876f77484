/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <string.h>

#include "store/codec.h"
#include "store/txn.h"
#include "util/xalloc.h"

/* Keep a copy for as long as the transaction. */
static const char *
keep(struct txn *t, const char *s)
{
	strs_add(&t->owned, s);
	return t->owned.v[t->owned.n - 1];
}

static void
write_record(struct txn *t, const struct record *r, int leased)
{
	char *doc = record_encode(r);
	const char *key = keep(t, r->key);

	*VEC_PUSH(&t->owned) = doc;
	*VEC_PUSH(&t->guards) = (struct store_guard){ key, r->revision };
	*VEC_PUSH(&t->writes) = (struct store_write){
		.key = key, .value = doc, .len = strlen(doc), .leased = leased,
	};
}

void
txn_put(struct txn *t, const struct record *r)
{
	write_record(t, r, 0);
}

void
txn_put_leased(struct txn *t, const struct record *r)
{
	write_record(t, r, 1);
}

void
txn_delete(struct txn *t, const struct record *r)
{
	const char *key = keep(t, r->key);

	*VEC_PUSH(&t->guards) = (struct store_guard){ key, r->revision };
	*VEC_PUSH(&t->writes) = (struct store_write){ .key = key };
}

void
txn_guard(struct txn *t, const char *key, int64_t revision)
{
	*VEC_PUSH(&t->guards) = (struct store_guard){ keep(t, key), revision };
}

void
txn_claim(struct txn *t, const char *key, const char *value)
{
	enum record_kind kind = record_kind_of(key);
	struct index_entry *e =
		index_new(kind, key + strlen(record_prefix(kind)), value);

	txn_put(t, &e->r);
	record_unref(&e->r);
}

void
txn_absent(struct txn *t, const char *key)
{
	*VEC_PUSH(&t->guards) = (struct store_guard){ keep(t, key), 0 };
}

void
txn_drop(struct txn *t, const char *key)
{
	*VEC_PUSH(&t->writes) = (struct store_write){ .key = keep(t, key) };
}

enum err
txn_commit(struct txn *t, struct mirror *m, struct error *err)
{
	return mirror_commit(m, t->guards.v, t->guards.n, t->writes.v,
			     t->writes.n, err);
}

void
txn_release(struct txn *t)
{
	free(t->guards.v);
	free(t->writes.v);
	strs_release(&t->owned);
	memset(t, 0, sizeof(*t));
}
