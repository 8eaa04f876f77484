/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tags of nodes and devices: changed at once, for the next placement. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "service-private.h"
#include "util/xalloc.h"

/* heketi bounds one request only. */
#define TAGS_TOGETHER_MAX 1024

struct retag {
	struct service *service;
	enum record_kind kind;
	const char *id;
	enum tags_change change;
	const struct kvs *tags;
	struct kvs result;
};

static void
apply(const struct retag *a, struct kvs *tags)
{
	if (a->change == TAGS_SET)
		kvs_release(tags);
	for (size_t i = 0; i < a->tags->n; i++) {
		const struct kv *t = &a->tags->v[i];

		if (a->change == TAGS_DELETE)
			kvs_del(tags, t->key);
		else
			kvs_set(tags, t->key, t->value);
	}
}

static enum err
change_tags(struct retag *a, struct kvs *tags, struct error *err)
{
	apply(a, tags);
	if (tags->n > TAGS_TOGETHER_MAX)
		return fail(err, ERR_BADREQ, "too many tags: %zu with those that "
			    "are there, up to %d supported", tags->n, TAGS_TOGETHER_MAX);
	kvs_release(&a->result);
	kvs_copy(&a->result, tags);
	return ERR_OK;
}

static enum err
build_node(struct retag *a, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct node *old = service_node(a->service, a->id);
	RECORD_SCOPE struct node *n = NULL;
	enum err r;

	if (old == NULL)
		return fail(err, ERR_NOTFOUND, "Id not found");
	n = node_copy(old);
	r = change_tags(a, &n->tags, err);
	if (r == ERR_OK)
		txn_put(t, &n->r);
	return r;
}

static enum err
build_device(struct retag *a, struct txn *t, struct error *err)
{
	RECORD_SCOPE struct device *old = service_device(a->service, a->id);
	RECORD_SCOPE struct device *d = NULL;
	enum err r;

	if (old == NULL)
		return fail(err, ERR_NOTFOUND, "Id not found");
	d = device_copy(old);
	r = change_tags(a, &d->tags, err);
	if (r == ERR_OK)
		txn_put(t, &d->r);
	return r;
}

static enum err
build(void *arg, struct txn *t, struct error *err)
{
	struct retag *a = arg;

	return a->kind == RECORD_NODE ? build_node(a, t, err) :
					build_device(a, t, err);
}

static enum err
retag(struct retag *a, struct kvs *ret, struct error *err)
{
	enum err r;

	LOCK_FOR_SCOPE(engine_turn(a->service->engine));
	r = engine_commit(a->service->engine, build, a, err);
	if (r == ERR_OK)
		*ret = a->result;
	else
		kvs_release(&a->result);
	return r;
}

enum err
service_node_tags(struct service *s, const char *id, enum tags_change change,
		  const struct kvs *tags, struct kvs *ret, struct error *err)
{
	struct retag a = { s, RECORD_NODE, id, change, tags, { 0 } };

	return retag(&a, ret, err);
}

enum err
service_device_tags(struct service *s, const char *id, enum tags_change change,
		    const struct kvs *tags, struct kvs *ret, struct error *err)
{
	struct retag a = { s, RECORD_DEVICE, id, change, tags, { 0 } };

	return retag(&a, ret, err);
}
