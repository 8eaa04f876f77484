/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The replies' objects.  Order, names and presence of members are heketi's
 * (heketi-behaviour 1.5 to 1.8); clients compare them.  Pure functions; any
 * thread.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/encode.h"
#include "util/xalloc.h"

#define KIB_SHIFT 10
#define GIB_SHIFT 30

void
encode_list(struct jsonout *j, const char *name, const struct strs *l)
{
	jsonout_open(j, NULL, '{');
	jsonout_strs(j, name, l);
	jsonout_close(j, '}');
}

void
encode_cluster(struct jsonout *j, const struct cluster *c,
	       const struct strs *nodes, const struct strs *volumes,
	       const struct strs *blockvolumes)
{
	jsonout_open(j, NULL, '{');
	jsonout_str(j, "id", c->id);
	jsonout_strs(j, "nodes", nodes);
	jsonout_strs(j, "volumes", volumes);
	jsonout_bool(j, "block", c->block);
	jsonout_bool(j, "file", c->file);
	jsonout_strs(j, "blockvolumes", blockvolumes);
	jsonout_close(j, '}');
}

bool
brick_is_listed(const struct volume *v, const struct brick *b)
{
	return v->doing != VOLUME_EVICTING || b->pending[0] == '\0';
}

void
encode_brick(struct jsonout *j, const char *key, const struct brick *b,
	     const char *volume)
{
	jsonout_open(j, key, '{');
	jsonout_str(j, "id", b->id);
	jsonout_str(j, "path", b->path);
	jsonout_str(j, "device", b->device);
	jsonout_str(j, "node", b->node);
	jsonout_str(j, "volume", volume);
	jsonout_uint(j, "size", b->size_bytes >> KIB_SHIFT);
	jsonout_close(j, '}');
}

void
encode_storage(struct jsonout *j, const struct device *d)
{
	uint64_t total = d->total_bytes >> KIB_SHIFT;
	uint64_t used = d->used_bytes >> KIB_SHIFT;

	jsonout_open(j, "storage", '{');
	jsonout_uint(j, "total", total);
	/* A disk that has shrunk under its bricks has nothing left. */
	jsonout_uint(j, "free", used < total ? total - used : 0);
	jsonout_uint(j, "used", used);
	jsonout_close(j, '}');
}

void
encode_device(struct jsonout *j, const struct device_view *v)
{
	const struct device *d = v->device;

	jsonout_open(j, NULL, '{');
	jsonout_str(j, "name", d->name);
	if (d->tags.n > 0)
		jsonout_map(j, "tags", &d->tags);
	encode_storage(j, d);
	jsonout_str(j, "id", d->id);
	if (d->paths.n > 0)
		jsonout_strs(j, "paths", &d->paths);
	if (d->pv_uuid != NULL && *d->pv_uuid != '\0')
		jsonout_str(j, "pv_uuid", d->pv_uuid);
	jsonout_str(j, "state", state_name(d->state));
	jsonout_open(j, "bricks", '[');
	for (size_t i = 0; i < v->nbricks; i++)
		if (brick_is_listed(v->bricks[i].volume, v->bricks[i].brick))
			encode_brick(j, NULL, v->bricks[i].brick,
				     v->bricks[i].volume->id);
	jsonout_close(j, ']');
	jsonout_close(j, '}');
}

void
encode_hostnames(struct jsonout *j, const struct node *n)
{
	jsonout_open(j, "hostnames", '{');
	jsonout_strs(j, "manage", &n->manage);
	jsonout_strs(j, "storage", &n->storage);
	jsonout_close(j, '}');
}

void
encode_node(struct jsonout *j, const struct node *n,
	    const struct device_view *devices, size_t ndevices)
{
	jsonout_open(j, NULL, '{');
	jsonout_int(j, "zone", n->zone);
	encode_hostnames(j, n);
	jsonout_str(j, "cluster", n->cluster);
	if (n->tags.n > 0)
		jsonout_map(j, "tags", &n->tags);
	jsonout_str(j, "id", n->id);
	jsonout_str(j, "state", state_name(n->state));
	jsonout_open(j, "devices", '[');
	for (size_t i = 0; i < ndevices; i++)
		encode_device(j, &devices[i]);
	jsonout_close(j, ']');
	jsonout_close(j, '}');
}

/* ---- volumes ---- */

static bool
is_integer_text(const char *s)
{
	const char *digits = *s == '-' ? s + 1 : s;
	size_t n = strlen(digits);

	return n >= 1 && n <= 18 && strspn(digits, "0123456789") == n &&
	       (*digits != '0' || (n == 1 && digits == s));
}

/* A parameter was a number, a boolean or a string when it was asked for; what
 * looks like the first two goes out as such.
 */
static void
encode_param(struct jsonout *j, const char *key, const char *value)
{
	if (is_integer_text(value))
		jsonout_int(j, key, strtoll(value, NULL, 10));
	else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		jsonout_bool(j, key, *value == 't');
	else
		jsonout_str(j, key, value);
}

static void
encode_params_named(struct jsonout *j, const struct kvs *params,
		    const char *const *keys)
{
	for (; *keys != NULL; keys++) {
		const char *value = kvs_get(params, *keys);

		if (value != NULL)
			encode_param(j, strchr(*keys, '.') + 1, value);
	}
}

static size_t
type_length(const char *param)
{
	return strcspn(param, ".");
}

static bool
type_is(const char *param, const char *type, size_t len)
{
	return type_length(param) == len && strncmp(param, type, len) == 0;
}

static bool
is_heketis(const char *param)
{
	return type_is(param, "replicate", strlen("replicate")) ||
	       type_is(param, "disperse", strlen("disperse"));
}

/* The object of one type beyond heketi's, made of its parameters from i on. */
static void
encode_type(struct jsonout *j, const struct kvs *params, size_t i)
{
	const char *first = params->v[i].key;
	size_t len = type_length(first);
	CLEANUP_FREE char *type = xstrndup(first, len);

	jsonout_open(j, type, '{');
	for (; i < params->n; i++)
		if (type_is(params->v[i].key, first, len) &&
		    params->v[i].key[len] == '.')
			encode_param(j, params->v[i].key + len + 1,
				     params->v[i].value);
	jsonout_close(j, '}');
}

static bool
type_came_before(const struct kvs *params, size_t i)
{
	const char *key = params->v[i].key;

	for (size_t k = 0; k < i; k++)
		if (type_is(params->v[k].key, key, type_length(key)))
			return true;
	return false;
}

/* What was asked for, not what it came to: heketi's echo. */
void
encode_durability(struct jsonout *j, const struct volume *v)
{
	static const char *const replicate[] = { "replicate.replica", NULL };
	static const char *const disperse[] = {
		"disperse.data", "disperse.redundancy", NULL
	};

	jsonout_open(j, "durability", '{');
	jsonout_str(j, "type", v->type != NULL && *v->type != '\0' ?
		    v->type : "none");
	jsonout_open(j, "replicate", '{');
	encode_params_named(j, &v->params, replicate);
	jsonout_close(j, '}');
	jsonout_open(j, "disperse", '{');
	encode_params_named(j, &v->params, disperse);
	jsonout_close(j, '}');
	for (size_t i = 0; i < v->params.n; i++)
		if (!is_heketis(v->params.v[i].key) &&
		    !type_came_before(&v->params, i))
			encode_type(j, &v->params, i);
	jsonout_close(j, '}');
}

void
encode_mount(struct jsonout *j, const struct volume *v,
	     const struct strs *hosts)
{
	CLEANUP_FREE char *device = xasprintf("%s:%s", hosts->n > 0 ?
					      hosts->v[0] : "", v->name);
	struct strs others = {
		.v = hosts->v + (hosts->n > 0), .n = hosts->n - (hosts->n > 0),
	};
	CLEANUP_FREE char *backup = strs_join(&others, ",");

	jsonout_open(j, "mount", '{');
	jsonout_open(j, "glusterfs", '{');
	jsonout_strs(j, "hosts", hosts);
	jsonout_str(j, "device", device);
	jsonout_open(j, "options", '{');
	jsonout_str(j, "backup-volfile-servers", backup);
	jsonout_close(j, '}');
	jsonout_close(j, '}');
	jsonout_close(j, '}');
}

static int
compare_bricks(const void *a, const void *b)
{
	const struct brick *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

/* Sorted by id, as heketi lists them; inside they are in gluster's order. */
static void
encode_bricks(struct jsonout *j, const struct volume *v)
{
	CLEANUP_FREE const struct brick **sorted =
		xcalloc(v->nbricks, sizeof(*sorted));
	size_t n = 0;

	for (size_t i = 0; i < v->nbricks; i++)
		if (brick_is_listed(v, &v->bricks[i]))
			sorted[n++] = &v->bricks[i];
	qsort(sorted, n, sizeof(*sorted), compare_bricks);
	jsonout_open(j, "bricks", '[');
	for (size_t i = 0; i < n; i++)
		encode_brick(j, NULL, sorted[i], v->id);
	jsonout_close(j, ']');
}

static void
encode_blockinfo(struct jsonout *j, const struct volume *v,
		 const struct strs *blockvolumes)
{
	uint64_t free_gib = v->block_free_bytes >> GIB_SHIFT;
	uint64_t reserved_gib = v->block_reserved_bytes >> GIB_SHIFT;

	jsonout_open(j, "blockinfo", '{');
	if (free_gib > 0)
		jsonout_uint(j, "freesize", free_gib);
	if (reserved_gib > 0)
		jsonout_uint(j, "reservedsize", reserved_gib);
	if (blockvolumes->n > 0)
		jsonout_strs(j, "blockvolume", blockvolumes);
	if (v->restriction != RESTRICTION_NONE)
		jsonout_str(j, "restriction", restriction_name(v->restriction));
	jsonout_close(j, '}');
}

void
encode_snapshot(struct jsonout *j, const struct volume *v)
{
	jsonout_open(j, "snapshot", '{');
	jsonout_bool(j, "enable", v->snapshot_enable);
	jsonout_float32(j, "factor", v->snapshot_factor);
	jsonout_close(j, '}');
}

void
encode_volume(struct jsonout *j, const struct volume *v,
	      const struct strs *hosts, const struct strs *blockvolumes)
{
	jsonout_open(j, NULL, '{');
	jsonout_uint(j, "size", v->size_bytes >> GIB_SHIFT);
	jsonout_str(j, "name", v->name);
	encode_durability(j, v);
	if (v->gid != 0)
		jsonout_int(j, "gid", v->gid);
	if (v->options.n > 0)
		jsonout_strs(j, "glustervolumeoptions", &v->options);
	if (v->block)
		jsonout_bool(j, "block", true);
	encode_snapshot(j, v);
	jsonout_str(j, "id", v->id);
	jsonout_str(j, "cluster", v->cluster);
	encode_mount(j, v, hosts);
	encode_blockinfo(j, v, blockvolumes);
	encode_bricks(j, v);
	jsonout_close(j, '}');
}

static void
encode_str_or_empty(struct jsonout *j, const char *key, const char *value)
{
	jsonout_str(j, key, value != NULL ? value : "");
}

void
encode_blockvolume(struct jsonout *j, const struct blockvolume *b)
{
	uint64_t usable = b->usable_bytes != 0 ? b->usable_bytes : b->size_bytes;

	jsonout_open(j, NULL, '{');
	jsonout_uint(j, "size", b->size_bytes >> GIB_SHIFT);
	jsonout_str(j, "name", b->name);
	if (b->hacount != 0)
		jsonout_int(j, "hacount", b->hacount);
	jsonout_str(j, "id", b->id);
	jsonout_open(j, "blockvolume", '{');
	jsonout_strs(j, "hosts", &b->hosts);
	encode_str_or_empty(j, "iqn", b->iqn);
	jsonout_int(j, "lun", b->lun);
	encode_str_or_empty(j, "username", b->username);
	encode_str_or_empty(j, "password", b->password);
	jsonout_close(j, '}');
	if (b->cluster[0] != '\0')
		jsonout_str(j, "cluster", b->cluster);
	if (b->hosting[0] != '\0')
		jsonout_str(j, "blockhostingvolume", b->hosting);
	if (usable >> GIB_SHIFT > 0)
		jsonout_uint(j, "usablesize", usable >> GIB_SHIFT);
	jsonout_close(j, '}');
}

void
encode_operation_counts(struct jsonout *j, const struct operation_counts *c)
{
	jsonout_open(j, NULL, '{');
	jsonout_uint(j, "total", c->total);
	jsonout_uint(j, "in_flight", c->in_flight);
	jsonout_uint(j, "stale", c->stale);
	jsonout_uint(j, "failed", c->failed);
	jsonout_uint(j, "new", c->new_);
	jsonout_close(j, '}');
}

static void
encode_pending_head(struct jsonout *j, const struct pending_view *v,
		    const char *sub_status)
{
	jsonout_str(j, "id", v->id);
	jsonout_str(j, "type_name", v->type_name);
	jsonout_str(j, "status", pending_status_name(v->status));
	jsonout_str(j, "sub_status", sub_status);
}

void
encode_pending_operation(struct jsonout *j, const struct pending_view *v)
{
	jsonout_open(j, NULL, '{');
	encode_pending_head(j, v, v->in_flight ? "in-flight" : "");
	jsonout_close(j, '}');
}

/* heketi fills sub_status in its list only. */
void
encode_pending_details(struct jsonout *j, const struct pending_view *v)
{
	jsonout_open(j, NULL, '{');
	encode_pending_head(j, v, "");
	jsonout_open(j, "changes", '[');
	for (size_t i = 0; i < v->changes.n; i++) {
		const struct pending_change *c = &v->changes.v[i];

		jsonout_open(j, NULL, '{');
		jsonout_str(j, "id", c->id);
		jsonout_str(j, "description", pending_change_text(c->number));
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
	jsonout_close(j, '}');
}

/* ---- /v1 ---- */

static void
encode_time(struct jsonout *j, const char *key, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char day[32], text[48];
	struct tm tm;

	if (ms <= 0 || gmtime_r(&s, &tm) == NULL) {
		jsonout_null(j, key);
		return;
	}
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03dZ", day, (int)(ms % 1000));
	jsonout_str(j, key, text);
}

void
encode_operation(struct jsonout *j, const struct operation *op)
{
	jsonout_open(j, NULL, '{');
	jsonout_str(j, "id", op->id);
	jsonout_str(j, "kind", op_kind_name(op->kind));
	jsonout_str(j, "status", op_status_name(op->status));
	jsonout_uint(j, "stage", op->stage);
	jsonout_uint(j, "attempt", op->attempt);
	jsonout_str(j, "owner", op->owner);
	jsonout_uint(j, "epoch", op->epoch);
	jsonout_str(j, "target", op->target);
	jsonout_str(j, "cluster", op->cluster);
	encode_time(j, "created", op->created_ms);
	encode_time(j, "updated", op->updated_ms);
	encode_time(j, "ended", op->ended_ms);
	if (op->error != NULL) {
		jsonout_open(j, "error", '{');
		jsonout_str(j, "code", err_code(op->error_code));
		jsonout_str(j, "message", op->error);
		jsonout_close(j, '}');
	} else {
		jsonout_null(j, "error");
	}
	jsonout_close(j, '}');
}

void
encode_health(struct jsonout *j, const struct health *h)
{
	jsonout_open(j, NULL, '{');
	jsonout_str(j, "node", h->id);
	encode_time(j, "since", h->since_ms);
	encode_time(j, "seen", h->seen_ms);
	jsonout_str(j, "reason", h->why != NULL ? h->why : "");
	jsonout_close(j, '}');
}

void
encode_replica(struct jsonout *j, const struct replica_view *v,
	       const struct figure *figures, size_t nfigures)
{
	const struct replica *r = v->replica;

	jsonout_open(j, NULL, '{');
	jsonout_str(j, "id", r->id);
	jsonout_str(j, "host", r->host != NULL ? r->host : "");
	jsonout_str(j, "listen", r->listen != NULL ? r->listen : "");
	jsonout_str(j, "version", r->version != NULL ? r->version : "");
	jsonout_int(j, "pid", r->pid);
	encode_time(j, "started", r->started_ms);
	jsonout_bool(j, "self", v->is_self);
	jsonout_uint(j, "open_operations", v->open_operations);
	jsonout_strs(j, "duties", &v->duties);
	if (v->is_self) {
		jsonout_open(j, "counters", '{');
		for (size_t i = 0; i < nfigures; i++)
			jsonout_uint(j, figures[i].name, figures[i].value);
		jsonout_close(j, '}');
	}
	jsonout_close(j, '}');
}

static const struct brickyard_plugin_head *
head_of(const struct plugin *p)
{
	return p->kind == BRICKYARD_KIND_EXECUTOR ? &p->executor.head :
						    &p->volume_type.head;
}

static const char *
kind_word(uint32_t kind)
{
	switch (kind) {
	case BRICKYARD_KIND_EXECUTOR:
		return "executor";
	case BRICKYARD_KIND_VOLUME_TYPE:
		return "volume-type";
	}
	return "unknown";
}

void
encode_plugin(struct jsonout *j, const struct plugin *p)
{
	jsonout_open(j, NULL, '{');
	jsonout_str(j, "name", p->name);
	jsonout_str(j, "kind", kind_word(p->kind));
	jsonout_str(j, "path", p->path);
	jsonout_bool(j, "loaded", p->refused == NULL);
	if (p->refused == NULL) {
		const struct brickyard_plugin_head *h = head_of(p);

		jsonout_str(j, "version", h->version);
		jsonout_str(j, "description", h->description);
	} else {
		jsonout_str(j, "reason", p->refused);
	}
	jsonout_close(j, '}');
}
