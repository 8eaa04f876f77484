/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The front of every store: picks the implementation by the spec, and checks
 * once, for all of them, what a commit may hold.  Keeps no state of its own.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "store/store.h"

#define SPEC_FORMS "\"sqlite:PATH\" or \"etcd:URL[,URL...]\""

static const struct {
	const char *scheme;
	enum err (*open)(const char *, const char *const *, struct store **,
			 struct error *);
} schemes[] = {
	{ "sqlite:", sqlite_store_open },
	{ "etcd:", etcd_store_open },
};

enum err
store_open(const char *spec, const char *const *options, struct store **ret,
	   struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t n = strlen(schemes[i].scheme);

		if (strncmp(spec, schemes[i].scheme, n) != 0)
			continue;
		if (spec[n] == '\0')
			return fail(err, ERR_BADREQ, "store '%s': nothing "
				    "follows the colon: give " SPEC_FORMS,
				    spec);
		return schemes[i].open(spec + n, options, ret, err);
	}
	return fail(err, ERR_BADREQ,
		    "store '%s': unknown kind of store: give " SPEC_FORMS,
		    spec);
}

void
store_close(struct store *s)
{
	if (s != NULL)
		s->ops->close(s);
}

static enum err
check_key(const char *key, struct error *err)
{
	size_t n = strlen(key);

	if (n == 0)
		return fail(err, ERR_INTERNAL, "store: empty key");
	if (n > STORE_KEY_MAX)
		return fail(err, ERR_TOOLARGE,
			    "store: key '%.40s...' has %zu bytes, "
			    "at most %d are allowed", key, n, STORE_KEY_MAX);
	if ((unsigned char)key[0] >= '~' || strchr(key, 0xff) != NULL)
		return fail(err, ERR_INTERNAL, "store: key '%s' starts with "
			    "'~' or beyond, or has a byte 0xff", key);
	return ERR_OK;
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One key written twice in one commit has no meaning, and etcd refuses it. */
static enum err
check_distinct(const struct store_write *writes, size_t n, struct error *err)
{
	const char *keys[STORE_COMMIT_MAX];

	for (size_t i = 0; i < n; i++)
		keys[i] = writes[i].key;
	if (n > 1)
		qsort(keys, n, sizeof(keys[0]), compare_keys);
	for (size_t i = 1; i < n; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			return fail(err, ERR_INTERNAL,
				    "store: key '%s' is written twice in one "
				    "commit", keys[i]);
	return ERR_OK;
}

static enum err
check_write(const struct store_write *w, struct error *err)
{
	enum err e = check_key(w->key, err);

	if (e != ERR_OK)
		return e;
	if (w->value != NULL && w->len > STORE_VALUE_MAX)
		return fail(err, ERR_TOOLARGE,
			    "store: value of key '%s' has %zu bytes, "
			    "at most %d are allowed",
			    w->key, w->len, STORE_VALUE_MAX);
	return ERR_OK;
}

static enum err
check_commit(const struct store_guard *guards, size_t nguards,
	     const struct store_write *writes, size_t nwrites,
	     struct error *err)
{
	enum err e;

	if (nguards > STORE_COMMIT_MAX || nwrites > STORE_COMMIT_MAX)
		return fail(err, ERR_TOOLARGE,
			    "store: a commit of %zu guards and %zu writes, "
			    "at most %d of each are allowed",
			    nguards, nwrites, STORE_COMMIT_MAX);
	for (size_t i = 0; i < nguards; i++) {
		e = check_key(guards[i].key, err);
		if (e != ERR_OK)
			return e;
	}
	for (size_t i = 0; i < nwrites; i++) {
		e = check_write(&writes[i], err);
		if (e != ERR_OK)
			return e;
	}
	return check_distinct(writes, nwrites, err);
}

enum err
store_commit(struct store *s, const struct store_guard *guards, size_t nguards,
	     const struct store_write *writes, size_t nwrites,
	     int64_t *ret_revision, struct error *err)
{
	int64_t unused;
	enum err e = check_commit(guards, nguards, writes, nwrites, err);

	if (e != ERR_OK)
		return e;
	return s->ops->commit(s, guards, nguards, writes, nwrites,
			      ret_revision != NULL ? ret_revision : &unused,
			      err);
}

enum err
store_load(struct store *s, const char *prefix, store_load_fn *fn, void *arg,
	   int64_t *ret_revision, struct error *err)
{
	int64_t unused;

	return s->ops->load(s, prefix, fn, arg,
			    ret_revision != NULL ? ret_revision : &unused, err);
}

enum err
store_follow(struct store *s, const struct store_watcher *w, void *arg,
	     struct error *err)
{
	return s->ops->follow(s, w, arg, err);
}

enum err
store_barrier(struct store *s, int64_t *ret_revision, struct error *err)
{
	return s->ops->barrier(s, ret_revision, err);
}

enum err
store_barrier_within(struct store *s, int timeout_ms, int64_t *ret_revision,
		     struct error *err)
{
	if (s->ops->barrier_within == NULL)
		return s->ops->barrier(s, ret_revision, err);
	return s->ops->barrier_within(s, timeout_ms, ret_revision, err);
}

enum err
store_lease_grant(struct store *s, int ttl_ms, void (*lost)(void *arg),
		  void *arg, struct error *err)
{
	return s->ops->lease_grant(s, ttl_ms, lost, arg, err);
}

int64_t
store_lease_deadline_ms(struct store *s)
{
	return s->ops->lease_deadline_ms(s);
}

int
store_is_shared(const struct store *s)
{
	return s->ops->shared;
}

const char *
store_describe(const struct store *s)
{
	return s->description;
}

const char *
store_option(const char *const *options, const char *key, const char *dflt)
{
	if (options == NULL)
		return dflt;
	for (; options[0] != NULL; options += 2)
		if (strcmp(options[0], key) == 0)
			return options[1];
	return dflt;
}
