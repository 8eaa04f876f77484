/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <string.h>

#include "node-args.h"
#include "util/xalloc.h"

char *
device_vg(const char *device_id)
{
	return xasprintf("vg_%s", device_id);
}

void
brick_set_names(struct brick *b)
{
	free(b->path);
	free(b->lv);
	free(b->thin_pool);
	b->lv = xasprintf("brick_%s", b->id);
	b->thin_pool = xasprintf("tp_%s", b->id);
	b->path = xasprintf(MOUNT_ROOT "/vg_%s/brick_%s/brick", b->device, b->id);
}

struct brickyard_node
node_arg(const struct node *n)
{
	return (struct brickyard_node){
		.size = sizeof(struct brickyard_node),
		.id = n->id,
		.manage_host = n->manage.n > 0 ? n->manage.v[0] : "",
		.storage_host = n->storage.n > 0 ? n->storage.v[0] : "",
	};
}

void
device_arg_init(struct device_arg *a, const struct device *d)
{
	a->record = (void *)record_ref(&d->r);
	a->vg = device_vg(d->id);
	a->paths = xcalloc(d->paths.n, sizeof(*a->paths));
	for (size_t i = 0; i < d->paths.n; i++)
		a->paths[i] = d->paths.v[i];
	a->d = (struct brickyard_device){
		.size = sizeof(a->d),
		.id = d->id,
		.name = d->name,
		.pv_uuid = d->pv_uuid != NULL ? d->pv_uuid : "",
		.vg = a->vg,
		.npaths = d->paths.n,
		.paths = a->paths,
		.kind = d->kind,
		.destroy_pv = "",
	};
}

void
device_arg_release(struct device_arg *a)
{
	record_unref(a->record != NULL ? &a->record->r : NULL);
	free(a->vg);
	free(a->paths);
	memset(a, 0, sizeof(*a));
}

static bool
is_wanted(const struct brick *b, const char *pending)
{
	return pending == NULL || strcmp(b->pending, pending) == 0;
}

static enum err
add_brick(struct brick_args *a, struct mirror *m, const struct brick *b,
	  struct error *err)
{
	RECORD_SCOPE struct device *d =
		(void *)mirror_get(m, RECORD_DEVICE, b->device);
	size_t i = a->n;
	size_t len = strlen(b->path);

	if (d == NULL)
		return fail(err, ERR_NOTFOUND, "brick %s: device %s is gone",
			    b->id, b->device);
	device_arg_init(&a->devices[i], d);
	/* What is mounted is the path without its last part, "/brick". */
	a->mounts[i] = xstrndup(b->path, len > 6 ? len - 6 : len);
	a->bricks[i] = (struct brickyard_brick){
		.size = sizeof(a->bricks[i]),
		.id = b->id,
		.volume_id = a->volume->id,
		.device = &a->devices[i].d,
		.lv = b->lv,
		.thin_pool = b->thin_pool,
		.mount = a->mounts[i],
		.path = b->path,
		.size_bytes = b->size_bytes,
		.thin_pool_bytes = b->thin_pool_bytes,
		.metadata_bytes = b->metadata_bytes,
		.gid = (uint64_t)a->volume->gid,
		.role = b->role,
	};
	a->n++;
	return ERR_OK;
}

static struct brick_group *
group_for(struct brick_args *a, struct mirror *m, const char *node_id)
{
	struct brick_group *g;
	struct node *n;

	for (size_t i = 0; i < a->ngroups; i++)
		if (strcmp(a->groups[i].node->id, node_id) == 0)
			return &a->groups[i];
	n = (void *)mirror_get(m, RECORD_NODE, node_id);
	if (n == NULL)
		return NULL;
	g = &a->groups[a->ngroups];
	g->node = n;
	g->arg = node_arg(n);
	g->bricks = xcalloc(a->volume->nbricks, sizeof(*g->bricks));
	a->hosts[a->ngroups++] = g->arg.manage_host;
	return g;
}

static enum err
fill(struct brick_args *a, struct mirror *m, const char *pending,
     struct error *err)
{
	const struct volume *v = a->volume;

	for (size_t i = 0; i < v->nbricks; i++) {
		const struct brick *b = &v->bricks[i];
		struct brick_group *g;
		enum err r;

		if (!is_wanted(b, pending))
			continue;
		r = add_brick(a, m, b, err);
		if (r != ERR_OK)
			return r;
		g = group_for(a, m, b->node);
		if (g == NULL)
			return fail(err, ERR_NOTFOUND,
				    "brick %s: node %s is gone", b->id, b->node);
		g->bricks[g->n++] = &a->bricks[a->n - 1];
	}
	return ERR_OK;
}

enum err
brick_args_init(struct brick_args *a, struct mirror *m, const struct volume *v,
		const char *pending, struct error *err)
{
	enum err r;

	memset(a, 0, sizeof(*a));
	a->volume = (void *)record_ref(&v->r);
	a->bricks = xcalloc(v->nbricks, sizeof(*a->bricks));
	a->devices = xcalloc(v->nbricks, sizeof(*a->devices));
	a->mounts = xcalloc(v->nbricks, sizeof(*a->mounts));
	a->groups = xcalloc(v->nbricks, sizeof(*a->groups));
	a->hosts = xcalloc(v->nbricks, sizeof(*a->hosts));
	r = fill(a, m, pending, err);
	if (r != ERR_OK)
		brick_args_release(a);
	return r;
}

void
brick_args_release(struct brick_args *a)
{
	for (size_t i = 0; i < a->n; i++) {
		device_arg_release(&a->devices[i]);
		free(a->mounts[i]);
	}
	for (size_t i = 0; i < a->ngroups; i++) {
		record_unref(&a->groups[i].node->r);
		free(a->groups[i].bricks);
	}
	free(a->bricks);
	free(a->devices);
	free(a->mounts);
	free(a->groups);
	free(a->hosts);
	record_unref(a->volume != NULL ? &a->volume->r : NULL);
	memset(a, 0, sizeof(*a));
}
