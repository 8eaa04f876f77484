/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <string.h>

#include <uthash.h>

#include "relation.h"
#include "util/xalloc.h"

struct parent {
	char *name;
	struct strs children;
	UT_hash_handle hh;
};

struct relation {
	struct parent *parents;
};

struct relation *
relation_new(void)
{
	return XNEW(struct relation);
}

static struct parent *
find(const struct relation *r, const char *name)
{
	struct parent *p = NULL;

	HASH_FIND_STR(r->parents, name, p);
	return p;
}

static void
drop(struct relation *r, struct parent *p)
{
	HASH_DEL(r->parents, p);
	strs_release(&p->children);
	free(p->name);
	free(p);
}

void
relation_clear(struct relation *r)
{
	struct parent *p, *next;

	HASH_ITER(hh, r->parents, p, next)
		drop(r, p);
}

void
relation_free(struct relation *r)
{
	if (r == NULL)
		return;
	relation_clear(r);
	free(r);
}

/* Index of the first child that is not before the given one. */
static size_t
lower_bound(const struct strs *l, const char *child)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(l->v[mid], child) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
is_at(const struct strs *l, size_t i, const char *child)
{
	return i < l->n && strcmp(l->v[i], child) == 0;
}

void
relation_add(struct relation *r, const char *parent, const char *child)
{
	struct parent *p = find(r, parent);
	size_t i;

	if (p == NULL) {
		p = XNEW(struct parent);
		p->name = xstrdup(parent);
		HASH_ADD_KEYPTR(hh, r->parents, p->name, strlen(p->name), p);
	}
	i = lower_bound(&p->children, child);
	if (is_at(&p->children, i, child))
		return;
	(void)VEC_PUSH(&p->children);
	memmove(&p->children.v[i + 1], &p->children.v[i],
		(p->children.n - 1 - i) * sizeof(p->children.v[0]));
	p->children.v[i] = xstrdup(child);
}

void
relation_remove(struct relation *r, const char *parent, const char *child)
{
	struct parent *p = find(r, parent);
	size_t i;

	if (p == NULL)
		return;
	i = lower_bound(&p->children, child);
	if (!is_at(&p->children, i, child))
		return;
	free(p->children.v[i]);
	p->children.n--;
	memmove(&p->children.v[i], &p->children.v[i + 1],
		(p->children.n - i) * sizeof(p->children.v[0]));
	if (p->children.n == 0)
		drop(r, p);
}

bool
relation_has(const struct relation *r, const char *parent, const char *child)
{
	const struct parent *p = find(r, parent);

	return p != NULL &&
	       is_at(&p->children, lower_bound(&p->children, child), child);
}

const struct strs *
relation_of(const struct relation *r, const char *parent)
{
	static const struct strs none;
	const struct parent *p = find(r, parent);

	return p != NULL ? &p->children : &none;
}

size_t
relation_count(const struct relation *r, const char *parent)
{
	return relation_of(r, parent)->n;
}
