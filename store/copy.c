/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copying a store.  Runs on the main thread of a process that does nothing else.
 *
 *	read the source ─► fill the target (bulk.c) ─► read the source again,
 *	compare ─► finish
 *
 * Whoever stops it in between leaves the mark, and a store with the mark serves
 * nobody.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/bulk.h"
#include "store/copy.h"
#include "util/xalloc.h"

struct copy {
	struct store *from, *to;
	struct docs docs;
	struct copy_report *report;
	size_t replicas;		/* at work on the source */
};

static void
copy_release(struct copy *c)
{
	docs_release(&c->docs);
	store_close(c->to);
	store_close(c->from);
}

void
copy_report_release(struct copy_report *r)
{
	free(r->from);
	free(r->to);
	memset(r, 0, sizeof(*r));
}

static bool
is_leased(const char *key)
{
	enum record_kind kind = record_kind_of(key);

	return kind == RECORD_REPLICA || kind == RECORD_DUTY;
}

/* ---- reading the source ---- */

static int
take(void *arg, const struct store_kv *kv)
{
	struct copy *c = arg;

	if (is_leased(kv->key)) {
		c->report->left_out++;
		c->replicas += record_kind_of(kv->key) == RECORD_REPLICA;
		return 0;
	}
	docs_add(&c->docs, kv->key, kv->value, kv->len);
	c->report->keys++;
	c->report->bytes += kv->len;
	c->report->of_kind[record_kind_of(kv->key)]++;
	return 0;
}

static bool
has_marker(const struct copy *c)
{
	for (size_t i = 0; i < c->docs.n; i++)
		if (strcmp(c->docs.v[i].key, BULK_MARKER) == 0)
			return true;
	return false;
}

/* A file that is not there would be made by opening it. */
static enum err
check_file(const char *spec, struct error *err)
{
	const char *path = spec + strlen("sqlite:");

	if (strncmp(spec, "sqlite:", strlen("sqlite:")) != 0 ||
	    access(path, F_OK) == 0)
		return ERR_OK;
	return fail(err, ERR_NOTFOUND, "store '%s': %m", spec);
}

static enum err
read_source(struct copy *c, struct error *err)
{
	const char *name = store_describe(c->from);
	enum err e = store_load(c->from, "", take, c, NULL, err);

	if (e != ERR_OK)
		return e;
	/* Of an embedded store that we could open, nobody is the owner. */
	if (store_is_shared(c->from) && c->replicas > 0)
		return fail(err, ERR_INUSE, "%s: %zu replicas are at work on "
			    "it: stop them first; those that died count until "
			    "their lease has ended", name, c->replicas);
	if (has_marker(c))
		return fail(err, ERR_REFUSED, "%s: it holds an unfinished copy "
			    "itself", name);
	if (c->docs.n == 0)
		return fail(err, ERR_NOTFOUND, "%s: there is nothing in it",
			    name);
	return ERR_OK;
}

/* ---- reading it again ---- */

struct second_look {
	struct comparison comparison;
	size_t replicas;
};

/* Leased keys that were left out at first are no difference. */
static int
compare_source(void *arg, const struct store_kv *kv)
{
	struct second_look *l = arg;

	if (!is_leased(kv->key))
		return compare_doc(&l->comparison, kv);
	l->replicas += record_kind_of(kv->key) == RECORD_REPLICA;
	return 0;
}

static enum err
verify_source(struct copy *c, struct error *err)
{
	struct second_look l = { .comparison = { .docs = &c->docs } };
	enum err e = store_load(c->from, "", compare_source, &l, NULL, err);
	bool same = l.comparison.differs == NULL &&
		    l.comparison.at == c->docs.n;

	free(l.comparison.differs);
	if (e != ERR_OK)
		return e;
	if (!same || (store_is_shared(c->from) && l.replicas > 0))
		return fail(err, ERR_CONFLICT, "%s: somebody changed it while "
			    "it was copied", store_describe(c->from));
	return ERR_OK;
}

/* ---- all together ---- */

static enum err
open_both(struct copy *c, const char *from, const char *to,
	  const char *const *options, struct error *err)
{
	enum err e = check_file(from, err);

	if (e == ERR_OK)
		e = store_open(from, options, &c->from, err);
	if (e == ERR_OK)
		e = read_source(c, err);
	if (e == ERR_OK)
		e = store_open(to, options, &c->to, err);
	if (e != ERR_OK)
		return e;
	c->report->from = xstrdup(store_describe(c->from));
	c->report->to = xstrdup(store_describe(c->to));
	return ERR_OK;
}

enum err
store_copy(const char *from, const char *to, const char *const *options,
	   struct copy_report *ret, struct error *err)
{
	CLEANUP(copy_release) struct copy c = { .report = ret };
	enum err e = open_both(&c, from, to, options, err);
	struct bulk b = { .to = c.to, .docs = &c.docs };

	if (e == ERR_OK)
		e = bulk_fill(&b, store_describe(c.from), err);
	if (e == ERR_OK)
		e = verify_source(&c, err);
	return e == ERR_OK ? bulk_finish(&b, err) : e;
}
