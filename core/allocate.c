/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "leftover.h"
#include "node-args.h"
#include "placement.h"
#include "util/log.h"
#include "util/xalloc.h"
#include "volume-type.h"

char *
volume_name_key(const char *cluster, const char *name)
{
	return xasprintf("index/volume-names/%s/%s", cluster, name);
}

uint64_t
config_gib(const struct config *c, const char *key)
{
	int64_t gib = config_int(c, key);

	return gib <= 0 ? 0 : (uint64_t)gib << 30;
}

/* The value of an option "KEY VALUE", "" of one that is "KEY", or NULL when it is
 * another one.  As in heketi every blank but the first is part of the value.
 */
static const char *
option_value(const char *option, const char *key)
{
	size_t n = strlen(key);

	if (strncmp(option, key, n) != 0)
		return NULL;
	if (option[n] == ' ')
		return option + n + 1;
	return option[n] == '\0' ? "" : NULL;
}

static bool
is_strict(const char *word)
{
	if (strcmp(word, "strict") == 0)
		return true;
	if (word[0] != '\0' && strcmp(word, "none") != 0)
		log_warning("zone checking '%s' is not none or strict, "
			    "taking none", word);
	return false;
}

/* KiB to bytes; what is no number or 0 leaves it at the default. */
static uint64_t
average_bytes(const char *word, uint64_t default_bytes)
{
	unsigned long long kib;

	errno = 0;
	kib = strtoull(word, NULL, 10);
	if (strspn(word, "0123456789") == strlen(word) && errno == 0 &&
	    kib > 0)
		return kib > UINT64_MAX >> 10 ? UINT64_MAX :
						(uint64_t)kib << 10;
	log_warning("average file size '%s' is not a number of KiB, taking %"
		    PRIu64, word, default_bytes >> 10);
	return default_bytes;
}

struct volume_wishes
volume_wishes(const struct config *c, const struct strs *options)
{
	const char *zones = "", *average = "";
	struct volume_wishes w = {
		.average_file_bytes =
			(uint64_t)config_int(c, "glusterfs.average_file_size_kb") << 10,
	};

	for (size_t i = 0; i < options->n; i++) {
		const char *v;

		v = option_value(options->v[i], "user.heketi.zone-checking");
		if (v != NULL)
			zones = v;
		v = option_value(options->v[i], "user.heketi.device-tag-match");
		if (v != NULL)
			w.tag_match = v[0] != '\0' ? v : NULL;
		v = option_value(options->v[i], "user.heketi.average-file-size");
		if (v != NULL)
			average = v;
	}
	w.strict_zones = is_strict(zones[0] != '\0' ? zones :
				   config_str(c, "glusterfs.zone_checking"));
	if (average[0] != '\0')
		w.average_file_bytes =
			average_bytes(average, w.average_file_bytes);
	return w;
}

struct sizer {
	const struct shape *shape;
	uint64_t average_file_bytes;
};

static enum err
brick_bytes(void *arg, uint32_t i, uint64_t data_brick_bytes, uint64_t *ret,
	    struct error *err)
{
	const struct sizer *s = arg;

	return shape_brick_bytes(s->shape, i, data_brick_bytes,
				 s->average_file_bytes, ret, err);
}

/* The seed of a plan: from the operation, so that it can be told again. */
static uint64_t
seed_of(const char *op_id, uint32_t attempt)
{
	char head[17];

	snprintf(head, sizeof(head), "%.16s", op_id);
	return strtoull(head, NULL, 16) + attempt;
}

struct device *
ledger_device(struct ledger *l, struct mirror *m, const char *id)
{
	const struct device *d;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i]->id, id) == 0)
			return l->v[i];
	d = (const void *)mirror_peek(m, RECORD_DEVICE, id);
	if (d == NULL)
		return NULL;
	return *VEC_PUSH(l) = device_copy(d);
}

void
ledger_close(struct ledger *l, struct txn *t)
{
	for (size_t i = 0; i < l->n; i++) {
		txn_put(t, &l->v[i]->r);
		record_unref(&l->v[i]->r);
	}
	free(l->v);
}

void
ledger_drop(struct ledger *l)
{
	for (size_t i = 0; i < l->n; i++)
		record_unref(&l->v[i]->r);
	free(l->v);
}

/* Under the mirror's lock, so plan and devices are of one moment. */
static enum err
take_one(struct mirror *m, const struct placement_brick *from, struct brick *b,
	 const char *op_id, struct ledger *l, struct error *err)
{
	struct device *d = ledger_device(l, m, from->device);
	const struct node *n =
		(const void *)mirror_peek(m, RECORD_NODE, from->node);

	if (d == NULL || n == NULL || n->storage.n == 0)
		return fail(err, ERR_INTERNAL,
			    "device %s: planned on, but not there", from->device);
	d->used_bytes += from->thin_pool_bytes + from->metadata_bytes;
	id_new(b->id);
	memcpy(b->device, from->device, ID_SIZE);
	memcpy(b->node, from->node, ID_SIZE);
	b->host = xstrdup(n->storage.v[0]);
	b->size_bytes = from->size_bytes;
	b->thin_pool_bytes = from->thin_pool_bytes;
	b->metadata_bytes = from->metadata_bytes;
	b->role = from->role;
	snprintf(b->pending, sizeof(b->pending), "%s", op_id);
	brick_set_names(b);
	return ERR_OK;
}

static enum err
take(struct mirror *m, const struct placement *p, struct volume *v,
     const char *op_id, struct ledger *l, struct error *err)
{
	struct brick *b = volume_grow(v, p->nbricks);
	enum err r = ERR_OK;

	for (size_t i = 0; r == ERR_OK && i < p->nbricks; i++, b++)
		r = take_one(m, &p->bricks[i], b, op_id, l, err);
	return r;
}

/* Why it was refused where, for whoever reads the log. */
static void
log_reasons(const struct volume *v, const struct strs *reasons)
{
	for (size_t i = 0; i < reasons->n; i++)
		log_info("volume %s in cluster %s: %s", v->id, v->cluster,
			 reasons->v[i]);
}

static enum err
plan_and_take(const struct engine_deps *deps, struct volume *v,
	      const struct placement_request *req, const char *op_id,
	      struct ledger *l, struct strs *reasons, struct error *err)
{
	struct placement plan = { 0 };
	enum err r;

	mirror_rdlock(deps->mirror);
	r = placement_plan(topology_cluster(deps->model->topology, v->cluster),
			   req, &plan, reasons, err);
	if (r == ERR_OK)
		r = take(deps->mirror, &plan, v, op_id, l, err);
	mirror_unlock(deps->mirror);
	placement_release(&plan);
	return r;
}

/* What the operator allows, and what the type can have. */
static uint32_t
max_bricks(const struct config *c, const struct brickyard_geometry *g)
{
	uint64_t max = (uint64_t)config_int(c, "glusterfs.max_bricks_per_volume");
	uint64_t of_type = (uint64_t)g->max_sets * g->bricks_per_set;

	return (uint32_t)(g->max_sets != 0 && of_type < max ? of_type : max);
}

enum err
allocate_bricks(const struct engine_deps *deps, struct volume *v,
		uint64_t add_bytes, const struct strs *avoid,
		const char *op_id, uint32_t attempt, struct txn *t,
		struct error *err)
{
	const struct config *c = deps->config;
	struct volume_wishes w = volume_wishes(c, &v->options);
	CLEANUP(shape_release) struct shape shape = { 0 };
	CLEANUP(strs_release) struct strs reasons = { 0 };
	struct sizer sizer = { &shape, w.average_file_bytes };
	struct placement_request req = { 0 };
	struct ledger l = { 0 };
	enum err r;

	r = shape_init(&shape, deps->plugins, v->type, &v->params, &v->options,
		       err);
	if (r != ERR_OK)
		return r;
	v->bricks_per_set = shape.geometry.bricks_per_set;
	req = (struct placement_request){
		.size_bytes = add_bytes,
		.bricks_per_set = shape.geometry.bricks_per_set,
		.data_bricks = shape.geometry.data_bricks,
		.roles = shape.roles,
		.brick_bytes = brick_bytes,
		.arg = &sizer,
		.snapshot_factor = v->snapshot_factor,
		.existing_bricks = (uint32_t)v->nbricks,
		.strict_zones = w.strict_zones,
		.tag_match = w.tag_match,
		.avoid = avoid,
		.limits = {
			.brick_min_bytes = config_gib(c, "glusterfs.brick_min_size_gb"),
			.brick_max_bytes = config_gib(c, "glusterfs.brick_max_size_gb"),
			.max_bricks = max_bricks(c, &shape.geometry),
		},
		.seed = seed_of(op_id, attempt),
	};
	r = plan_and_take(deps, v, &req, op_id, &l, &reasons, err);
	if (r == ERR_OK) {
		ledger_close(&l, t);
		return r;
	}
	ledger_drop(&l);
	log_reasons(v, &reasons);
	return r;
}

/* ---- another place for one brick ---- */

static void
fill_request(const struct engine_deps *deps, const struct shape *shape,
	     const struct volume *v, struct placement_request *ret)
{
	struct volume_wishes w = volume_wishes(deps->config, &v->options);

	*ret = (struct placement_request){
		.bricks_per_set = shape->geometry.bricks_per_set,
		.data_bricks = shape->geometry.data_bricks,
		.roles = shape->roles,
		.snapshot_factor = v->snapshot_factor,
		.strict_zones = w.strict_zones,
		.tag_match = w.tag_match,
	};
}

static enum err
plan_replacement(const struct engine_deps *deps, struct volume *v, size_t i,
		 const struct placement_request *req, const char *op_id,
		 struct ledger *l, struct strs *reasons, struct error *err)
{
	size_t first = i - i % v->bricks_per_set;
	CLEANUP_FREE const char **nodes =
		xcalloc(v->bricks_per_set, sizeof(*nodes));
	struct placement_replacement what = {
		.index = (uint32_t)(i - first),
		.size_bytes = v->bricks[i].size_bytes,
		.device = v->bricks[i].device,
		.nodes = nodes,
	};
	struct placement_brick plan;
	enum err r;

	for (size_t k = first; k < first + v->bricks_per_set; k++)
		if (k != i)
			nodes[what.nnodes++] = v->bricks[k].node;
	mirror_rdlock(deps->mirror);
	r = placement_replace(topology_cluster(deps->model->topology, v->cluster),
			      req, &what, &plan, reasons, err);
	if (r == ERR_OK)
		r = take_one(deps->mirror, &plan, volume_grow(v, 1), op_id, l,
			     err);
	mirror_unlock(deps->mirror);
	return r;
}

enum err
allocate_replacement(const struct engine_deps *deps, struct volume *v, size_t i,
		     const struct strs *avoid, const char *op_id,
		     struct ledger *l, struct error *err)
{
	CLEANUP(shape_release) struct shape shape = { 0 };
	CLEANUP(strs_release) struct strs reasons = { 0 };
	struct placement_request req;
	enum err r = shape_init(&shape, deps->plugins, v->type, &v->params,
				&v->options, err);

	if (r != ERR_OK)
		return r;
	if (v->bricks_per_set != shape.geometry.bricks_per_set ||
	    v->nbricks % v->bricks_per_set != 0)
		return fail(err, ERR_INTERNAL, "volume %s: %zu bricks in sets of "
			    "%u", v->id, v->nbricks, v->bricks_per_set);
	fill_request(deps, &shape, v, &req);
	req.avoid = avoid;
	/* One operation may move many. */
	req.seed = seed_of(op_id, 0) ^ seed_of(v->bricks[i].id, 0);
	r = plan_replacement(deps, v, i, &req, op_id, l, &reasons, err);
	log_reasons(v, &reasons);
	return r;
}

/* ---- giving space back ---- */

static bool
same_pool(const struct brick *a, const struct brick *b)
{
	return strcmp(a->device, b->device) == 0 && a->thin_pool != NULL &&
	       b->thin_pool != NULL && strcmp(a->thin_pool, b->thin_pool) == 0;
}

/* Does another brick of the volume keep the pool?  Of several that go together
 * it is the last one's.
 */
static bool
is_kept_by_volume(const struct volume *v, const struct brick *b,
		  const char *pending)
{
	for (const struct brick *o = v->bricks; o < v->bricks + v->nbricks; o++)
		if (o != b && same_pool(o, b) &&
		    (pending == NULL || o > b ||
		     (pending[0] != '\0' && strcmp(o->pending, pending) != 0)))
			return true;
	return false;
}

/* The brick that has the pool's name, in another volume. */
static bool
is_kept_by_owner(const struct engine_deps *deps, const struct volume *v,
		 const struct brick *b)
{
	const struct strs *l = relation_of(deps->model->bricks, b->device);
	const char *owner = b->thin_pool + 3;
	size_t n = strlen(owner);

	if (strncmp(b->thin_pool, "tp_", 3) != 0 || n == 0)
		return false;
	for (size_t i = 0; i < l->n; i++) {
		const char *volume = strchr(l->v[i], ' ') + 1;
		const struct volume *o;

		if (strncmp(l->v[i], owner, n) != 0 || l->v[i][n] != ' ' ||
		    strcmp(volume, v->id) == 0)
			continue;
		o = (const void *)mirror_peek(deps->mirror, RECORD_VOLUME, volume);
		for (size_t k = 0; o != NULL && k < o->nbricks; k++)
			if (strcmp(o->bricks[k].id, owner) == 0)
				return same_pool(&o->bricks[k], b);
	}
	return false;
}

/* Bricks of other volumes that are in it without having its name. */
static bool
is_kept_by_mates(const struct engine_deps *deps, const struct volume *v,
		 const struct brick *b)
{
	char key[POOL_KEY_SIZE];
	const struct strs *l;

	model_pool_key(b->device, b->thin_pool, key);
	l = relation_of(deps->model->pool_mates, key);
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(strchr(l->v[i], ' ') + 1, v->id) != 0)
			return true;
	return false;
}

void
release_brick(const struct engine_deps *deps, const struct volume *v,
	      const struct brick *b, const char *pending, struct ledger *l)
{
	uint64_t bytes = b->thin_pool_bytes + b->metadata_bytes;
	struct device *d = ledger_device(l, deps->mirror, b->device);

	if (d == NULL || is_kept_by_volume(v, b, pending))
		return;
	if (b->thin_pool != NULL &&
	    (is_kept_by_owner(deps, v, b) || is_kept_by_mates(deps, v, b) ||
	     leftover_keeps_pool(deps->model, b)))
		return;
	d->used_bytes -= bytes < d->used_bytes ? bytes : d->used_bytes;
}

void
release_bricks(const struct engine_deps *deps, const struct volume *v,
	       const char *pending, struct txn *t)
{
	struct ledger l = { 0 };

	mirror_rdlock(deps->mirror);
	for (size_t i = 0; i < v->nbricks; i++)
		if (pending == NULL ||
		    strcmp(v->bricks[i].pending, pending) == 0)
			release_brick(deps, v, &v->bricks[i],
				      pending != NULL ? pending : "", &l);
	mirror_unlock(deps->mirror);
	ledger_close(&l, t);
}
