/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See executor-step.h.  Pure. */
#include <config.h>

#include <string.h>

#include "executor-step.h"
#include "util/xalloc.h"

/* ---- calling ---- */

#define STEP(member, ...)						\
	static int							\
	call_##member(const struct brickyard_executor *ops,		\
		      struct brickyard_executor_instance *x,		\
		      const struct brickyard_call *call,		\
		      const struct brickyard_node *node,		\
		      const struct step_args *a,			\
		      struct brickyard_result *res,			\
		      struct brickyard_error *err)			\
	{								\
		return ops->member(x, call, node, ##__VA_ARGS__, err);	\
	}

STEP(node_check)
STEP(peer_probe, a->text[0])
STEP(peer_detach, a->text[0])
STEP(device_prepare, a->device, res)
STEP(device_info, a->device, res)
STEP(device_teardown, a->device)
STEP(bricks_create, a->bricks, a->nbricks)
STEP(bricks_destroy, a->bricks, a->nbricks)
STEP(volume_create, a->volume)
STEP(volume_expand, a->volume, a->rebalance)
STEP(volume_destroy, a->text[0])
STEP(volume_info, a->text[0], res)
STEP(node_probe, res)
STEP(heal_info, a->text[0], res)
STEP(brick_replace, a->text[0], a->refs[0], a->refs[1])
STEP(volume_clone, a->text[0], a->text[1], a->text[2], res)
STEP(block_create, a->block, res)
STEP(block_info, a->text[0], a->text[1], res)
STEP(block_expand, a->block)
STEP(block_destroy, a->text[0], a->text[1])
STEP(node_examine, res)
STEP(device_forget, a->device)

#define ENTRY(id, member, result) \
	[id] = { #member, result, offsetof(struct brickyard_executor, member), \
		 call_##member }

const struct executor_step executor_steps[X_STEPS] = {
	ENTRY(X_NODE_CHECK, node_check, false),
	ENTRY(X_PEER_PROBE, peer_probe, false),
	ENTRY(X_PEER_DETACH, peer_detach, false),
	ENTRY(X_DEVICE_PREPARE, device_prepare, true),
	ENTRY(X_DEVICE_INFO, device_info, true),
	ENTRY(X_DEVICE_TEARDOWN, device_teardown, false),
	ENTRY(X_BRICKS_CREATE, bricks_create, false),
	ENTRY(X_BRICKS_DESTROY, bricks_destroy, false),
	ENTRY(X_VOLUME_CREATE, volume_create, false),
	ENTRY(X_VOLUME_EXPAND, volume_expand, false),
	ENTRY(X_VOLUME_DESTROY, volume_destroy, false),
	ENTRY(X_VOLUME_INFO, volume_info, true),
	ENTRY(X_NODE_PROBE, node_probe, true),
	ENTRY(X_HEAL_INFO, heal_info, true),
	ENTRY(X_BRICK_REPLACE, brick_replace, false),
	ENTRY(X_VOLUME_CLONE, volume_clone, true),
	ENTRY(X_BLOCK_CREATE, block_create, true),
	ENTRY(X_BLOCK_INFO, block_info, true),
	ENTRY(X_BLOCK_EXPAND, block_expand, false),
	ENTRY(X_BLOCK_DESTROY, block_destroy, false),
	ENTRY(X_NODE_EXAMINE, node_examine, true),
	ENTRY(X_DEVICE_FORGET, device_forget, false),
};

bool
executor_has_step(const struct brickyard_executor *ops,
		  const struct executor_step *s)
{
	void (*fn)(void) = NULL;

	memcpy(&fn, (const char *)ops + s->offset, sizeof(fn));
	return fn != NULL;
}

/* ---- memory ---- */

struct arena_block {
	struct arena_block *next;
	_Alignas(max_align_t) char bytes[];
};

static void *
arena_copy(struct arena *a, const void *from, size_t size)
{
	struct arena_block *b = xcalloc(1, sizeof(*b) + size);

	b->next = a->blocks;
	a->blocks = b;
	if (size > 0)
		memcpy(b->bytes, from, size);
	return b->bytes;
}

void
arena_release(struct arena *a)
{
	while (a->blocks != NULL) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return s != NULL ? arena_copy(a, s, strlen(s) + 1) : NULL;
}

/* ---- copying ---- */

void
node_arg_copy(struct arena *a, const struct brickyard_node *from,
	      struct brickyard_node *to)
{
	*to = *from;
	to->id = arena_strdup(a, from->id);
	to->manage_host = arena_strdup(a, from->manage_host);
	to->storage_host = arena_strdup(a, from->storage_host);
}

static const char *const *
strings_copy(struct arena *a, const char *const *from, size_t n)
{
	const char **to;

	if (n == 0)
		return NULL;
	to = arena_copy(a, from, n * sizeof(*to));
	for (size_t i = 0; i < n; i++)
		to[i] = arena_strdup(a, from[i]);
	return to;
}

static const struct brickyard_device *
device_copy_arg(struct arena *a, const struct brickyard_device *from)
{
	struct brickyard_device *to;

	if (from == NULL)
		return NULL;
	to = arena_copy(a, from, sizeof(*from));
	to->id = arena_strdup(a, from->id);
	to->name = arena_strdup(a, from->name);
	to->pv_uuid = arena_strdup(a, from->pv_uuid);
	to->vg = arena_strdup(a, from->vg);
	to->paths = strings_copy(a, from->paths, from->npaths);
	to->destroy_pv = arena_strdup(a, from->destroy_pv);
	return to;
}

static const struct brickyard_brick *
brick_copy(struct arena *a, const struct brickyard_brick *from)
{
	struct brickyard_brick *to = arena_copy(a, from, sizeof(*from));

	to->id = arena_strdup(a, from->id);
	to->volume_id = arena_strdup(a, from->volume_id);
	to->device = device_copy_arg(a, from->device);
	to->lv = arena_strdup(a, from->lv);
	to->thin_pool = arena_strdup(a, from->thin_pool);
	to->mount = arena_strdup(a, from->mount);
	to->path = arena_strdup(a, from->path);
	return to;
}

static const struct brickyard_brick_ref *
ref_copy(struct arena *a, const struct brickyard_brick_ref *from)
{
	struct brickyard_brick_ref *to;

	if (from == NULL)
		return NULL;
	to = arena_copy(a, from, sizeof(*from));
	to->host = arena_strdup(a, from->host);
	to->path = arena_strdup(a, from->path);
	return to;
}

static const struct brickyard_gluster_volume *
volume_copy_arg(struct arena *a, const struct brickyard_gluster_volume *from)
{
	struct brickyard_gluster_volume *to;
	const struct brickyard_brick_ref **refs;

	if (from == NULL)
		return NULL;
	to = arena_copy(a, from, sizeof(*from));
	to->name = arena_strdup(a, from->name);
	to->id = arena_strdup(a, from->id);
	to->words = strings_copy(a, from->words, from->nwords);
	to->options = strings_copy(a, from->options, from->noptions);
	refs = arena_copy(a, from->bricks, from->nbricks * sizeof(*refs));
	for (size_t i = 0; i < from->nbricks; i++)
		refs[i] = ref_copy(a, from->bricks[i]);
	to->bricks = refs;
	return to;
}

static const struct brickyard_block *
block_copy(struct arena *a, const struct brickyard_block *from)
{
	struct brickyard_block *to;

	if (from == NULL)
		return NULL;
	to = arena_copy(a, from, sizeof(*from));
	to->volume = arena_strdup(a, from->volume);
	to->name = arena_strdup(a, from->name);
	to->prealloc = arena_strdup(a, from->prealloc);
	to->hosts = strings_copy(a, from->hosts, from->nhosts);
	return to;
}

void
step_args_copy(struct arena *a, const struct step_args *from,
	       struct step_args *to)
{
	const struct brickyard_brick **bricks;

	*to = *from;
	for (size_t i = 0; i < ARRAY_SIZE(to->text); i++)
		to->text[i] = arena_strdup(a, from->text[i]);
	for (size_t i = 0; i < ARRAY_SIZE(to->refs); i++)
		to->refs[i] = ref_copy(a, from->refs[i]);
	to->device = device_copy_arg(a, from->device);
	to->volume = volume_copy_arg(a, from->volume);
	to->block = block_copy(a, from->block);
	bricks = arena_copy(a, from->bricks, from->nbricks * sizeof(*bricks));
	for (size_t i = 0; i < from->nbricks; i++)
		bricks[i] = brick_copy(a, from->bricks[i]);
	to->bricks = bricks;
}
