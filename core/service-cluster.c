/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing clusters: plain commits, no operation. */
#include <config.h>

#include <string.h>

#include "service-private.h"
#include "util/log.h"

enum err
service_cluster_create(struct service *s, bool file, bool block,
		       struct cluster **ret, struct error *err)
{
	char id[ID_SIZE];
	RECORD_SCOPE struct cluster *c = NULL;
	TXN_SCOPE struct txn t = { 0 };
	enum err r;

	id_new(id);
	c = cluster_new(id);
	c->file = file;
	c->block = block;
	txn_put(&t, &c->r);
	r = txn_commit(&t, s->mirror, err);
	if (r != ERR_OK)
		return r;
	log_notice("cluster %s: created", id);
	*ret = STEAL(c);
	return ERR_OK;
}

struct cluster_change {
	struct service *service;
	const char *id;
	bool file, block;
};

static enum err
find(const struct cluster_change *a, struct cluster **ret, struct error *err)
{
	RECORD_SCOPE struct cluster *c = service_cluster(a->service, a->id);

	if (c == NULL)
		return fail(err, ERR_NOTFOUND, "Id not found");
	*ret = cluster_copy(c);
	return ERR_OK;
}

static enum err
build_flags(void *arg, struct txn *t, struct error *err)
{
	const struct cluster_change *a = arg;
	RECORD_SCOPE struct cluster *c = NULL;
	enum err r = find(a, &c, err);

	if (r != ERR_OK)
		return r;
	c->file = a->file;
	c->block = a->block;
	txn_put(t, &c->r);
	return ERR_OK;
}

enum err
service_cluster_set_flags(struct service *s, const char *id, bool file,
			  bool block, struct error *err)
{
	struct cluster_change a = { s, id, file, block };

	LOCK_FOR_SCOPE(engine_turn(s->engine));
	return engine_commit(s->engine, build_flags, &a, err);
}

/* Adding a node moves the cluster's revision on, so a node that is being added
 * elsewhere at this moment makes one of the two commits fail.
 */
static enum err
build_delete(void *arg, struct txn *t, struct error *err)
{
	const struct cluster_change *a = arg;
	const struct model *m = a->service->model;
	RECORD_SCOPE struct cluster *c = NULL;
	size_t holds;
	enum err r = find(a, &c, err);

	if (r != ERR_OK)
		return r;
	mirror_rdlock(m->mirror);
	holds = relation_count(m->nodes, a->id) + relation_count(m->volumes, a->id);
	mirror_unlock(m->mirror);
	if (holds > 0)
		return fail(err, ERR_INUSE, "Unable to delete cluster [%s] "
			    "because it contains volumes and/or nodes", a->id);
	txn_delete(t, &c->r);
	return ERR_OK;
}

enum err
service_cluster_delete(struct service *s, const char *id, struct error *err)
{
	struct cluster_change a = { .service = s, .id = id };
	enum err r;

	LOCK_FOR_SCOPE(engine_turn(s->engine));
	r = engine_commit(s->engine, build_delete, &a, err);
	if (r == ERR_OK)
		log_notice("cluster %s: deleted", id);
	return r;
}
