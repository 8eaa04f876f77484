/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing volumes: heketi's checks in heketi's order, then the space is taken
 * and the operation committed, all in one transaction.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "block.h"
#include "service-private.h"
#include "util/buf.h"
#include "util/xalloc.h"
#include "volume-type.h"

#define GIB_MAX (UINT64_MAX >> 30)
#define DB_VOLUME "heketidbstorage"

/* ---- create: the options ---- */

static void
add_split(struct strs *to, const char *list)
{
	strs_split(to, list, ',');
}

/* pre-request, block hosting, request, post-request, in this order; a list that
 * is not configured leaves an empty string, as heketi's splitting does.
 */
void
service_volume_options(const struct config *c, const struct volume_request *req,
		       struct strs *ret)
{
	add_split(ret, config_str(c, "glusterfs.pre_request_volume_options"));
	if (req->block)
		add_split(ret, config_str(c, "glusterfs.block_hosting_volume_options"));
	strs_copy(ret, &req->options);
	add_split(ret, config_str(c, "glusterfs.post_request_volume_options"));
}

/* ---- create: checks that name no cluster ---- */

static enum err
check_snapshot(const struct volume_request *req, struct error *err)
{
	if (req->snapshot_enable &&
	    !(req->snapshot_factor >= 1 && req->snapshot_factor <= 100))
		return fail(err, ERR_BADREQ, "Invalid snapshot factor");
	return ERR_OK;
}

enum err
service_check_clusters(struct service *s, const struct strs *clusters,
		       struct error *err)
{
	if (mirror_count(s->mirror, RECORD_CLUSTER) == 0)
		return fail(err, ERR_BADREQ, "No clusters configured");
	for (size_t i = 0; i < clusters->n; i++) {
		RECORD_SCOPE struct cluster *c =
			service_cluster(s, clusters->v[i]);

		if (c == NULL)
			return fail(err, ERR_BADREQ, "Cluster id %s not found",
				    clusters->v[i]);
	}
	return ERR_OK;
}

static enum err
check_minimum(const struct config *c, const struct shape *shape,
	      const struct volume_request *req, struct error *err)
{
	uint64_t factor = shape->geometry.min_set_factor;
	uint64_t min = config_gib(c, "glusterfs.brick_min_size_gb") *
		       (factor ? factor : 1);

	if (req->size_gib < GIB_MAX && req->size_gib << 30 < min)
		return fail(err, ERR_BADREQ, "Requested volume size (%" PRIu64
			    " GB) is smaller than the minimum supported volume "
			    "size (%" PRIu64 ")", req->size_gib, min >> 10);
	return ERR_OK;
}

enum err
service_check_volume(struct service *s, const struct volume_request *req,
		     const struct strs *options, struct error *err)
{
	CLEANUP(shape_release) struct shape shape = { 0 };
	enum err r;

	if (plugin_for_request(s->deps.plugins, req->type) == NULL)
		return fail(err, ERR_BADREQ, "Unknown durability type");
	r = check_snapshot(req, err);
	if (r == ERR_OK)
		r = shape_init(&shape, s->deps.plugins, req->type, &req->params,
			       options, err);
	if (r == ERR_OK)
		r = service_check_clusters(s, &req->clusters, err);
	if (r == ERR_OK)
		r = check_minimum(s->deps.config, &shape, req, err);
	return r;
}

/* ---- create: choosing a cluster ---- */

/* Errors of several clusters, told as heketi tells them. */
struct cluster_errors {
	const char *prefix;
	struct buf lines;
	size_t n;
	char only[ERROR_TEXT_MAX];
	enum err code;
};

static void
note_error(struct cluster_errors *e, const char *cluster, enum err code,
	   const char *text)
{
	e->code = code;
	snprintf(e->only, sizeof(e->only), "%s", text);
	buf_addf(&e->lines, "\nCluster %s: %s", cluster, text);
	e->n++;
}

static enum err
tell_errors(struct cluster_errors *e, struct error *err)
{
	enum err r;

	if (e->n == 1)
		r = fail(err, e->code, "%s", e->only);
	else
		r = fail(err, ERR_NOSPACE, "%s%s", e->prefix, buf_str(&e->lines));
	buf_release(&e->lines);
	return r;
}

static bool
name_is_taken(struct service *s, const char *cluster, const char *name)
{
	CLEANUP_FREE char *key = volume_name_key(cluster, name);
	RECORD_SCOPE struct record *r = mirror_get(
		s->mirror, RECORD_INDEX, key + strlen(record_prefix(RECORD_INDEX)));

	return r != NULL;
}

static enum err
check_cluster(const struct volume_create *a, const struct cluster *c,
	      struct error *err)
{
	struct service *s = a->service;
	int64_t limit = config_int(s->deps.config,
				   "glusterfs.max_volumes_per_cluster");
	size_t n;

	if (!c->file && !c->block)
		return fail(err, ERR_REFUSED,
			    "Cluster has disabled all volume types");
	if (a->req->block ? !c->block : !c->file)
		return fail(err, ERR_REFUSED,
			    "Cluster does not support requested volume type");
	if (a->proto == NULL)
		return ERR_OK;
	if (name_is_taken(s, c->id, a->proto->name))
		return fail(err, ERR_REFUSED, "Volume name '%s' already in use",
			    a->proto->name);
	mirror_rdlock(s->mirror);
	n = relation_count(s->model->volumes, c->id);
	mirror_unlock(s->mirror);
	if (limit == 0)
		limit = 1000;
	if (limit > 0 && n >= (size_t)limit)
		return fail(err, ERR_REFUSED, "Cluster has %zu volumes and limit "
			    "is %" PRId64, n, limit);
	return ERR_OK;
}

static void
list_candidates(const struct volume_create *a, struct strs *ret)
{
	const struct strs *asked = &a->req->clusters;

	if (asked->n == 0) {
		service_list_clusters(a->service, ret);
		return;
	}
	/* Named twice is tried once. */
	for (size_t i = 0; i < asked->n; i++)
		if (!strs_has(ret, asked->v[i]))
			strs_add(ret, asked->v[i]);
}

/* Drop the clusters that can't take it. */
enum err
service_eligible_clusters(const struct volume_create *a, struct strs *ret,
			  struct error *err)
{
	struct cluster_errors e = { .prefix = "No eligible cluster for volume" };
	CLEANUP(strs_release) struct strs all = { 0 };

	list_candidates(a, &all);
	for (size_t i = 0; i < all.n; i++) {
		RECORD_SCOPE struct cluster *c =
			service_cluster(a->service, all.v[i]);
		enum err r;

		if (c == NULL)
			continue;
		r = check_cluster(a, c, err);
		if (r == ERR_OK)
			strs_add(ret, c->id);
		else
			note_error(&e, c->id, r, err->text);
	}
	if (ret->n > 0) {
		buf_release(&e.lines);
		return ERR_OK;
	}
	if (e.n == 0)
		return fail(err, ERR_NOSPACE, "No space");
	return tell_errors(&e, err);
}

/* Placement errors after which the next cluster is tried. */
static bool
try_next(enum err r, const char *text)
{
	return r == ERR_NOSPACE || strncmp(text, "No nodes in ", 12) == 0 ||
	       strncmp(text, "No online storage ", 18) == 0;
}

enum err
service_place_volume(const struct volume_create *a, const struct strs *clusters,
		     struct volume **ret, struct txn *t, struct error *err)
{
	struct cluster_errors e = {
		.prefix = "Unable to create volume on any cluster:",
	};

	for (size_t i = 0; i < clusters->n; i++) {
		RECORD_SCOPE struct volume *v = volume_copy(a->proto);
		enum err r;

		snprintf(v->cluster, sizeof(v->cluster), "%s", clusters->v[i]);
		r = allocate_bricks(&a->service->engine_deps, v, v->size_bytes,
				    NULL, a->op->id, 0, t, err);
		if (r == ERR_OK) {
			buf_release(&e.lines);
			*ret = STEAL(v);
			return ERR_OK;
		}
		if (!try_next(r, err->text)) {
			buf_release(&e.lines);
			return r;
		}
		note_error(&e, clusters->v[i], r,
			   r == ERR_NOSPACE ? "No space" : err->text);
	}
	return tell_errors(&e, err);
}

/* ---- create ---- */

static enum err
build_create(void *arg, struct txn *t, struct error *err)
{
	const struct volume_create *a = arg;
	CLEANUP(strs_release) struct strs clusters = { 0 };
	CLEANUP_FREE char *name_key = NULL;
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = service_admit(a->service, a->op, t, err);

	if (r != ERR_OK)
		return r;
	r = service_eligible_clusters(a, &clusters, err);
	if (r == ERR_OK)
		r = service_place_volume(a, &clusters, &v, t, err);
	if (r != ERR_OK) {
		if (r != ERR_STORE && r != ERR_INTERNAL)
			fail_prefix(err, "Failed to allocate new volume");
		return r;
	}
	memcpy(a->op->cluster, v->cluster, ID_SIZE);
	a->op->stage = 1;		/* placed, by this transaction */
	name_key = volume_name_key(v->cluster, v->name);
	txn_claim(t, name_key, v->id);
	txn_put(t, &v->r);
	txn_put(t, &a->op->r);
	return ERR_OK;
}

void
service_fill_volume(struct volume *v, const struct volume_request *req,
		    const struct strs *options, const char *op_id)
{
	bool named = req->name != NULL && req->name[0] != '\0';

	free(v->name);
	free(v->type);
	v->name = named ? xstrdup(req->name) : xasprintf("vol_%s", v->id);
	v->type = xstrdup(req->type != NULL ? req->type : "");
	v->size_bytes = req->size_gib > GIB_MAX ? UINT64_MAX : req->size_gib << 30;
	kvs_copy(&v->params, &req->params);
	v->gid = req->gid;
	strs_copy(&v->options, options);
	strs_copy(&v->clusters, &req->clusters);
	v->block = req->block;
	if (v->block)
		block_grow(v, v->size_bytes);
	v->snapshot_enable = req->snapshot_enable;
	v->snapshot_factor = req->snapshot_enable ? req->snapshot_factor : 1;
	v->doing = VOLUME_CREATING;
	memcpy(v->pending, op_id, ID_SIZE);
}

/* Clients that can't ask for any type, as a StorageClass can't, name it in an
 * option: "user.brickyard.volume-type NAME KEY=VALUE ...".  The last one counts.
 */
#define TYPE_OPTION "user.brickyard.volume-type "

static void
take_named_type(const char *words, struct volume_request *req,
		struct strs *split, struct kvs *params)
{
	strs_release(split);
	kvs_release(params);
	strs_split(split, words, ' ');
	for (size_t i = 1; i < split->n; i++) {
		char *eq = strchr(split->v[i], '=');
		CLEANUP_FREE char *key = NULL;

		if (eq == NULL)
			continue;
		*eq = '\0';
		key = xasprintf("%s.%s", split->v[0], split->v[i]);
		kvs_set(params, key, eq + 1);
	}
	req->type = split->v[0];
	req->params = *params;
}

enum err
service_volume_create(struct service *s, const struct volume_request *asked,
		      char ret_op[ID_SIZE], struct error *err)
{
	struct volume_request named = *asked, *req = &named;
	struct volume_create a = { .service = s, .req = req };
	CLEANUP(strs_release) struct strs words = { 0 };
	CLEANUP(kvs_release) struct kvs params = { 0 };
	CLEANUP(strs_release) struct strs options = { 0 };
	RECORD_SCOPE struct operation *op = NULL;
	RECORD_SCOPE struct volume *proto = NULL;
	char id[ID_SIZE];
	enum err r;

	service_volume_options(s->deps.config, req, &options);
	for (size_t i = 0; i < options.n; i++)
		if (strncmp(options.v[i], TYPE_OPTION, strlen(TYPE_OPTION)) == 0)
			take_named_type(options.v[i] + strlen(TYPE_OPTION), req,
					&words, &params);
	r = service_check_volume(s, req, &options, err);
	if (r != ERR_OK)
		return r;
	id_new(id);
	a.op = op = service_new_operation(s, OP_VOLUME_CREATE, id, "");
	a.proto = proto = volume_new(id);
	service_fill_volume(proto, req, &options, op->id);
	r = service_commit_op(s, build_create, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}

/* ---- expand and delete ---- */

struct volume_change {
	struct service *service;
	const char *id;
	uint64_t add_bytes;
	struct operation *op;
};

/* One that is not shown yet, or not any more, is found, too: its change is refused
 * for that reason, as heketi does.
 */
static enum err
find(const struct volume_change *a, struct volume **ret, struct error *err)
{
	RECORD_SCOPE struct volume *v =
		(void *)mirror_get(a->service->mirror, RECORD_VOLUME, a->id);

	if (v == NULL)
		return fail(err, ERR_NOTFOUND, "Id not found");
	*ret = volume_copy(v);
	return ERR_OK;
}

static enum err
build_expand(void *arg, struct txn *t, struct error *err)
{
	const struct volume_change *a = arg;
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = find(a, &v, err);

	if (r == ERR_OK)
		r = service_check_type(a->service, v, err);
	if (r == ERR_OK)
		r = service_admit(a->service, a->op, t, err);
	if (r != ERR_OK)
		return r;
	r = v->pending[0] != '\0' ? fail(err, ERR_REFUSED, CONFLICT_TEXT) :
	    allocate_bricks(&a->service->engine_deps, v, a->add_bytes, NULL,
			    a->op->id, 0, t, err);
	if (r != ERR_OK) {
		if (r != ERR_STORE && r != ERR_INTERNAL)
			fail_prefix(err, "Failed to allocate volume expansion");
		return r;
	}
	v->doing = VOLUME_EXPANDING;
	memcpy(v->pending, a->op->id, ID_SIZE);
	memcpy(a->op->cluster, v->cluster, ID_SIZE);
	txn_put(t, &a->op->r);
	txn_put(t, &v->r);
	return ERR_OK;
}

enum err
service_volume_expand(struct service *s, const char *id, uint64_t add_gib,
		      char ret_op[ID_SIZE], struct error *err)
{
	struct volume_change a = { .service = s, .id = id };
	RECORD_SCOPE struct operation *op =
		service_new_operation(s, OP_VOLUME_EXPAND, id, "");
	char add[32];
	enum err r;

	a.op = op;
	a.add_bytes = add_gib > GIB_MAX ? UINT64_MAX : add_gib << 30;
	snprintf(add, sizeof(add), "%" PRIu64, a.add_bytes);
	kvs_set(&op->args, "add_bytes", add);
	r = service_commit_op(s, build_expand, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}

static bool
hosts_any(struct service *s, const char *volume)
{
	size_t n;

	mirror_rdlock(s->mirror);
	n = relation_count(s->model->hosted, volume);
	mirror_unlock(s->mirror);
	return n > 0;
}

static enum err
build_delete(void *arg, struct txn *t, struct error *err)
{
	const struct volume_change *a = arg;
	RECORD_SCOPE struct volume *v = NULL;
	enum err r = find(a, &v, err);

	if (r != ERR_OK)
		return r;
	r = service_check_type(a->service, v, err);
	if (r != ERR_OK)
		return r;
	if (strcmp(v->name, DB_VOLUME) == 0)
		return fail(err, ERR_INUSE, "Cannot delete volume containing the "
			    "Heketi database");
	if (hosts_any(a->service, v->id))
		return fail(err, ERR_INUSE, "Cannot delete a block hosting "
			    "volume containing block volumes");
	r = service_admit(a->service, a->op, t, err);
	if (r != ERR_OK)
		return r;
	if (v->pending[0] != '\0')
		return fail(err, ERR_REFUSED, "Failed to set up volume delete: "
			    CONFLICT_TEXT);
	v->doing = VOLUME_DELETING;
	memcpy(v->pending, a->op->id, ID_SIZE);
	memcpy(a->op->cluster, v->cluster, ID_SIZE);
	txn_put(t, &a->op->r);
	txn_put(t, &v->r);
	return ERR_OK;
}

enum err
service_volume_delete(struct service *s, const char *id, char ret_op[ID_SIZE],
		      struct error *err)
{
	struct volume_change a = { .service = s, .id = id };
	RECORD_SCOPE struct operation *op =
		service_new_operation(s, OP_VOLUME_DELETE, id, "");
	enum err r;

	a.op = op;
	r = service_commit_op(s, build_delete, &a, op->id, err);
	if (r == ERR_OK)
		memcpy(ret_op, op->id, ID_SIZE);
	return r;
}
