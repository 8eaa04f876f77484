/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a hosting volume, in the transaction that admits the block volume for
 * which there is no room on any.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "allocate.h"
#include "block.h"
#include "service-block.h"
#include "util/log.h"
#include "util/xalloc.h"

/* What heketi makes by itself, in a cluster that may have one more volume. */
static enum err
hosting_request(const struct block_create *a, const struct strs *clusters,
		struct volume_request *ret, struct error *err)
{
	const struct config *c = a->service->deps.config;
	const struct volume_request among = {
		.clusters = *clusters,
		.block = true,
	};
	RECORD_SCOPE struct volume *unnamed = volume_new(a->op->id);
	const struct volume_create any = { a->service, &among, a->op, unnamed };

	*ret = (struct volume_request){
		.size_gib = config_gib(c, "glusterfs.block_hosting_volume_size")
			    >> 30,
		.type = "replicate",
		.block = true,
	};
	kvs_set(&ret->params, "replicate.replica", "3");
	return service_eligible_clusters(&any, &ret->clusters, err);
}

static void
hosting_request_release(struct volume_request *req)
{
	strs_release(&req->clusters);
	kvs_release(&req->params);
}

/* Is the operation at work, or may it be any moment? */
static bool
is_at_work(struct mirror *m, const char *op_id)
{
	const struct operation *op =
		(const void *)mirror_peek(m, RECORD_OPERATION, op_id);

	return op != NULL && !operation_is_ended(op);
}

/* Under the mirror's lock. */
static bool
is_in_the_making(struct mirror *m, const struct strs *ids)
{
	for (size_t i = 0; i < ids->n; i++) {
		const struct volume *v =
			(const void *)mirror_peek(m, RECORD_VOLUME, ids->v[i]);

		if (v != NULL && v->doing == VOLUME_CREATING &&
		    is_at_work(m, v->pending))
			return true;
	}
	return false;
}

/* One at a time: what is made now may have room for this one, too. */
static enum err
check_making(struct service *s, struct error *err)
{
	CLEANUP(strs_release) struct strs clusters = { 0 };
	bool making = false;

	service_list_clusters(s, &clusters);
	mirror_rdlock(s->mirror);
	for (size_t i = 0; i < clusters.n && !making; i++)
		making = is_in_the_making(s->mirror, relation_of(
			s->model->hosting, clusters.v[i]));
	mirror_unlock(s->mirror);
	if (!making)
		return ERR_OK;
	log_info("block volume: refused for now: a hosting volume is being made");
	return fail(err, ERR_BUSY, "Server busy. Retry operation later.");
}

/* Say so with a key, so that another replica that does the same at this moment
 * fails, and sees ours.  It may be left of an operation whose undo is stuck.
 */
static void
claim_making(struct service *s, const char *op_id, struct txn *t)
{
	const char *key = BLOCK_MAKING_KEY + strlen(record_prefix(RECORD_INDEX));
	RECORD_SCOPE struct record *was =
		mirror_get(s->mirror, RECORD_INDEX, key);
	RECORD_SCOPE struct index_entry *e =
		index_new(RECORD_INDEX, key, op_id);

	e->r.revision = was != NULL ? was->revision : 0;
	txn_put(t, &e->r);
}

static enum err
check_size(const struct config *c, const struct block_create *a,
	   struct error *err)
{
	uint64_t size = config_gib(c, "glusterfs.block_hosting_volume_size");
	uint64_t usable = block_usable_bytes(size);

	if (a->proto->size_bytes <= usable)
		return ERR_OK;
	return fail(err, ERR_REFUSED, "The size configured for automatic "
		    "creation of block hosting volumes (%" PRIu64 ") is too "
		    "small to host the requested block volume of size %" PRIu64
		    ". The available size on this block hosting volume, minus "
		    "overhead, is %" PRIu64 ". Please create a sufficiently "
		    "large block hosting volume manually.", size >> 30,
		    a->proto->size_bytes >> 30, usable >> 30);
}

static enum err
place_hosting(const struct block_create *a, const struct volume_request *req,
	      struct volume **ret, struct txn *t, struct error *err)
{
	CLEANUP(strs_release) struct strs options = { 0 };
	RECORD_SCOPE struct volume *proto = NULL;
	struct volume_create c = { a->service, req, a->op, NULL };
	char id[ID_SIZE];
	enum err r;

	service_volume_options(a->service->deps.config, req, &options);
	r = service_check_volume(a->service, req, &options, err);
	if (r != ERR_OK)
		return r;
	id_new(id);
	c.proto = proto = volume_new(id);
	service_fill_volume(proto, req, &options, a->op->id);
	return service_place_volume(&c, &req->clusters, ret, t, err);
}

/* heketi's order of checks. */
enum err
service_make_hosting(const struct block_create *a, const struct strs *clusters,
		     struct volume **ret, struct txn *t, struct error *err)
{
	const struct config *c = a->service->deps.config;
	CLEANUP(hosting_request_release) struct volume_request req = { 0 };
	CLEANUP_FREE char *name_key = NULL;
	enum err r = hosting_request(a, clusters, &req, err);

	if (r == ERR_OK)
		r = check_size(c, a, err);
	if (r == ERR_OK)
		r = check_making(a->service, err);
	if (r != ERR_OK)
		return r;
	if (!config_bool(c, "glusterfs.auto_create_block_hosting_volume"))
		return fail(err, ERR_REFUSED, "Block Hosting Volume Creation is "
			    "disabled. Create a Block hosting volume and try "
			    "again.");
	r = place_hosting(a, &req, ret, t, err);
	if (r != ERR_OK)
		return r;
	name_key = volume_name_key((*ret)->cluster, (*ret)->name);
	txn_claim(t, name_key, (*ret)->id);
	claim_making(a->service, a->op->id, t);
	kvs_set(&a->op->args, "volume", (*ret)->id);
	return ERR_OK;
}
