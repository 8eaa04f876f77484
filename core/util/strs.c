/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/strs.h"
#include "util/xalloc.h"

void
strs_add(struct strs *l, const char *s)
{
	*VEC_PUSH(l) = xstrdup(s);
}

bool
strs_has(const struct strs *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return true;
	return false;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
strs_sort(struct strs *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(l->v[0]), compare);
}

void
strs_copy(struct strs *to, const struct strs *from)
{
	for (size_t i = 0; i < from->n; i++)
		strs_add(to, from->v[i]);
}

void
strs_release(struct strs *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	memset(l, 0, sizeof(*l));
}

void
strs_split(struct strs *l, const char *s, char sep)
{
	for (;;) {
		const char *e = strchrnul(s, sep);

		*VEC_PUSH(l) = xstrndup(s, (size_t)(e - s));
		if (*e == '\0')
			return;
		s = e + 1;
	}
}

char *
strs_join(const struct strs *l, const char *sep)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		if (i > 0)
			buf_adds(&b, sep);
		buf_adds(&b, l->v[i]);
	}
	return buf_steal(&b);
}

static struct kv *
find(const struct kvs *l, const char *key)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].key, key) == 0)
			return &l->v[i];
	return NULL;
}

void
kvs_set(struct kvs *l, const char *key, const char *value)
{
	struct kv *kv = find(l, key);

	if (kv == NULL) {
		kv = VEC_PUSH(l);
		kv->key = xstrdup(key);
	} else {
		free(kv->value);
	}
	kv->value = xstrdup(value);
}

void
kvs_add(struct kvs *l, const char *key, const char *value)
{
	struct kv *kv = VEC_PUSH(l);

	kv->key = xstrdup(key);
	kv->value = xstrdup(value);
}

const char *
kvs_get(const struct kvs *l, const char *key)
{
	const struct kv *kv = find(l, key);

	return kv != NULL ? kv->value : NULL;
}

void
kvs_del(struct kvs *l, const char *key)
{
	struct kv *kv = find(l, key);

	if (kv == NULL)
		return;
	free(kv->key);
	free(kv->value);
	memmove(kv, kv + 1, (size_t)(&l->v[l->n] - (kv + 1)) * sizeof(*kv));
	l->n--;
}

void
kvs_copy(struct kvs *to, const struct kvs *from)
{
	for (size_t i = 0; i < from->n; i++)
		kvs_add(to, from->v[i].key, from->v[i].value);
}

void
kvs_release(struct kvs *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].key);
		free(l->v[i].value);
	}
	free(l->v);
	memset(l, 0, sizeof(*l));
}
