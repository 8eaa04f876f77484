/* SPDX-License-Identifier: GPL-2.0-or-later */
/* At the start: accounts of hosting volumes that don't add up, since they were
 * imported, or made before there were any.  Every replica looks; the changes are
 * guarded, and what was repaired is found in order by the next one.
 */
#include <config.h>

#include <string.h>

#include "block.h"
#include "service-private.h"
#include "util/log.h"

struct repair {
	struct service *service;
	const char *id;
};

/* Under the mirror's lock.  Of one that is on its way nothing can be said. */
static bool
sum_hosted(struct service *s, const char *id, uint64_t *ret)
{
	const struct strs *ids = relation_of(s->model->hosted, id);

	*ret = 0;
	for (size_t i = 0; i < ids->n; i++) {
		const struct blockvolume *b = (const void *)mirror_peek(
			s->mirror, RECORD_BLOCKVOLUME, ids->v[i]);

		if (b == NULL || b->pending[0] != '\0')
			return false;
		*ret += b->size_bytes;
	}
	return true;
}

/* A private copy with what should be; NULL when all is well. */
static struct volume *
repaired(struct service *s, const char *id)
{
	RECORD_SCOPE struct volume *copy = NULL;
	const struct volume *v;
	uint64_t hosted = 0;

	mirror_rdlock(s->mirror);
	v = (const void *)mirror_peek(s->mirror, RECORD_VOLUME, id);
	if (v != NULL && v->block && v->pending[0] == '\0' &&
	    sum_hosted(s, id, &hosted))
		copy = volume_copy(v);
	mirror_unlock(s->mirror);
	return copy != NULL && block_repair(copy, hosted) ? STEAL(copy) : NULL;
}

static enum err
build_repair(void *arg, struct txn *t, struct error *err)
{
	const struct repair *a = arg;
	RECORD_SCOPE struct volume *v = repaired(a->service, a->id);

	if (v == NULL)
		return fail(err, ERR_EXISTS, "volume %s: another replica "
			    "repaired it", a->id);
	txn_put(t, &v->r);
	return ERR_OK;
}

static void
repair_volume(struct service *s, const char *id)
{
	struct repair a = { .service = s, .id = id };
	struct error err;
	enum err r;

	LOCK_FOR_SCOPE(engine_turn(s->engine));
	r = engine_commit(s->engine, build_repair, &a, &err);
	if (r != ERR_OK && r != ERR_EXISTS)
		log_warning("volume %s: its accounts of block volumes can't be "
			    "repaired: %s, retrying at the next start", id,
			    err.text);
	else if (r == ERR_OK)
		log_warning("volume %s: its accounts of block volumes did not "
			    "add up, they were repaired", id);
}

static void
list_broken(struct service *s, struct strs *ret)
{
	CLEANUP(strs_release) struct strs clusters = { 0 };
	CLEANUP(strs_release) struct strs ids = { 0 };

	service_list_clusters(s, &clusters);
	mirror_rdlock(s->mirror);
	for (size_t i = 0; i < clusters.n; i++)
		strs_copy(&ids, relation_of(s->model->hosting, clusters.v[i]));
	mirror_unlock(s->mirror);
	for (size_t i = 0; i < ids.n; i++) {
		RECORD_SCOPE struct volume *v = repaired(s, ids.v[i]);

		if (v != NULL)
			strs_add(ret, ids.v[i]);
	}
}

void
service_repair_blocks(struct service *s)
{
	CLEANUP(strs_release) struct strs ids = { 0 };

	list_broken(s, &ids);
	for (size_t i = 0; i < ids.n; i++)
		repair_volume(s, ids.v[i]);
}
