/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See scenario.h. */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "plugin-check/laws.h"
#include "plugin-check/lent.h"
#include "plugin-check/scenario.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define STEP_MS 120000
#define EPOCH 2

/* ---- arguments ---- */

static void
no_args(struct world *w, struct step_args *a)
{
}

static void
device(struct world *w, struct step_args *a)
{
	a->device = &w->k.device;
}

static void
all_bricks(struct world *w, struct step_args *a)
{
	a->bricks = w->k.list;
	a->nbricks = SCRATCH_BRICKS;
}

static void
own_host(struct world *w, struct step_args *a)
{
	a->text[0] = w->k.bench.node.storage_host;
}

static void
peer_host(struct world *w, struct step_args *a)
{
	a->text[0] = w->peer.storage_host;
}

/* No such name, RFC 6761. */
static void
other_host(struct world *w, struct step_args *a)
{
	a->text[0] = "no-such-host.invalid";
}

static void
plain(struct world *w, struct step_args *a)
{
	w->plain.nbricks = 1;
	a->volume = &w->plain;
}

static void
larger(struct world *w, struct step_args *a)
{
	w->plain.nbricks = 2;
	a->volume = &w->plain;
}

static void
replicated(struct world *w, struct step_args *a)
{
	a->volume = &w->replicated;
}

static void
plain_name(struct world *w, struct step_args *a)
{
	a->text[0] = w->plain_name;
}

static void
replicated_name(struct world *w, struct step_args *a)
{
	a->text[0] = w->replicated_name;
}

static void
replace(struct world *w, struct step_args *a)
{
	a->text[0] = w->replicated_name;
	a->refs[0] = &w->refs[0];
	a->refs[1] = &w->refs[2];
}

static void
replace_back(struct world *w, struct step_args *a)
{
	a->text[0] = w->replicated_name;
	a->refs[0] = &w->refs[2];
	a->refs[1] = &w->refs[0];
}

static void
clone_args(struct world *w, struct step_args *a)
{
	a->text[0] = w->plain_name;
	a->text[1] = w->clone;
	a->text[2] = w->snapshot;
}

static void
clone_bricks(struct world *w, struct step_args *a)
{
	a->bricks = w->clone_list;
	a->nbricks = w->nclone_bricks;
}

static void
clone_name(struct world *w, struct step_args *a)
{
	a->text[0] = w->clone;
}

static void
block(struct world *w, struct step_args *a)
{
	w->block.size_bytes = UINT64_C(1) << 30;
	a->block = &w->block;
}

static void
larger_block(struct world *w, struct step_args *a)
{
	w->block.size_bytes = UINT64_C(2) << 30;
	a->block = &w->block;
}

static void
block_name(struct world *w, struct step_args *a)
{
	a->text[0] = w->plain_name;
	a->text[1] = w->block_name;
}

/* ---- the way ---- */

#define WAY(step, need_, args_)						\
	{ .id = step, .need = need_, .args = args_, .on_the_way = true }
#define PEER_WAY(step, args_)						\
	{ .id = step, .need = NEEDS_PEER, .args = args_,		\
	  .on_the_way = true, .on_peer = true }
#define LOOK(step, need_, args_, law_)					\
	{ .id = step, .need = need_, .nature = LOOKS, .args = args_,	\
	  .law = law_ }
#define CHANGE(step, need_, nature_, args_, law_, ...)			\
	{ .id = step, .need = need_, .nature = nature_, .args = args_,	\
	  .law = law_, .undo = { __VA_ARGS__ } }

static const struct stop way[] = {
	LOOK(STEP_RUN, NEEDS_NODE, no_args, law_run),
	LOOK(X_NODE_CHECK, NEEDS_NODE, no_args, NULL),
	LOOK(X_NODE_PROBE, NEEDS_NODE, no_args, law_probe),
	LOOK(X_NODE_EXAMINE, NEEDS_NODE, no_args, law_examine),
	CHANGE(X_PEER_PROBE, NEEDS_VOLUMES, MAKES, own_host, NULL),
	CHANGE(X_DEVICE_PREPARE, NEEDS_DEVICE, MAKES, device, law_device,
	       { X_DEVICE_TEARDOWN, device }),
	LOOK(X_DEVICE_INFO, NEEDS_DEVICE, device, law_device),
	CHANGE(X_BRICKS_CREATE, NEEDS_DEVICE, MAKES, all_bricks, NULL,
	       { X_BRICKS_DESTROY, all_bricks }),
	/* gluster takes no brick that it had before. */
	CHANGE(X_VOLUME_CREATE, NEEDS_VOLUMES, MAKES, plain, NULL,
	       { X_VOLUME_DESTROY, plain_name },
	       { X_BRICKS_DESTROY, all_bricks },
	       { X_BRICKS_CREATE, all_bricks }),
	LOOK(X_VOLUME_INFO, NEEDS_VOLUMES, plain_name, law_volume),
	CHANGE(X_VOLUME_EXPAND, NEEDS_VOLUMES, MAKES, larger, NULL),
	CHANGE(X_VOLUME_CLONE, NEEDS_VOLUMES, MAKES, clone_args, law_volume,
	       { X_VOLUME_DESTROY, clone_name },
	       { X_BRICKS_DESTROY, clone_bricks }),
	CHANGE(X_BLOCK_CREATE, NEEDS_VOLUMES, MAKES, block, law_block,
	       { X_BLOCK_DESTROY, block_name }),
	LOOK(X_BLOCK_INFO, NEEDS_VOLUMES, block_name, law_block),
	CHANGE(X_BLOCK_EXPAND, NEEDS_VOLUMES, MAKES, larger_block, NULL),
	CHANGE(X_BLOCK_DESTROY, NEEDS_VOLUMES, REMOVES, block_name, NULL,
	       { X_BLOCK_CREATE, block }),
	WAY(X_VOLUME_DESTROY, NEEDS_VOLUMES, clone_name),
	WAY(X_BRICKS_DESTROY, NEEDS_VOLUMES, clone_bricks),
	CHANGE(X_VOLUME_DESTROY, NEEDS_VOLUMES, REMOVES, plain_name, NULL),
	CHANGE(X_BRICKS_DESTROY, NEEDS_DEVICE, REMOVES, all_bricks, NULL,
	       { X_BRICKS_CREATE, all_bricks }),
	WAY(X_BRICKS_CREATE, NEEDS_DEVICE, all_bricks),
	CHANGE(X_PEER_PROBE, NEEDS_PEER, MAKES, peer_host, NULL,
	       { X_PEER_DETACH, peer_host }),
	PEER_WAY(X_DEVICE_PREPARE, device),
	PEER_WAY(X_BRICKS_CREATE, all_bricks),
	WAY(X_VOLUME_CREATE, NEEDS_PEER, replicated),
	LOOK(X_HEAL_INFO, NEEDS_PEER, replicated_name, law_heal),
	CHANGE(X_BRICK_REPLACE, NEEDS_PEER, MAKES, replace, NULL,
	       { X_BRICK_REPLACE, replace_back }),
	WAY(X_VOLUME_DESTROY, NEEDS_PEER, replicated_name),
	PEER_WAY(X_BRICKS_DESTROY, all_bricks),
	PEER_WAY(X_DEVICE_TEARDOWN, device),
	CHANGE(X_PEER_DETACH, NEEDS_PEER, REMOVES, peer_host, NULL,
	       { X_PEER_PROBE, peer_host }),
	WAY(X_BRICKS_DESTROY, NEEDS_DEVICE, all_bricks),
	CHANGE(X_DEVICE_TEARDOWN, NEEDS_DEVICE, REMOVES, device, NULL,
	       { X_DEVICE_PREPARE, device }),
	WAY(X_DEVICE_PREPARE, NEEDS_DEVICE, device),
	CHANGE(X_DEVICE_FORGET, NEEDS_DEVICE, REMOVES, device, NULL,
	       { X_DEVICE_PREPARE, device }),
	WAY(X_DEVICE_PREPARE, NEEDS_DEVICE, device),
	WAY(X_DEVICE_TEARDOWN, NEEDS_DEVICE, device),
	CHANGE(X_PEER_DETACH, NEEDS_VOLUMES, REMOVES, other_host, NULL),
};

const char *
stop_name(const struct stop *s)
{
	return s->id == STEP_RUN ? "run" : executor_steps[s->id].name;
}

static bool
is_offered(const struct world *w, enum executor_step_id id)
{
	return id == STEP_RUN ||
	       executor_has_step(w->k.bench.ops, &executor_steps[id]);
}

/* ---- asking ---- */

void
answer_release(struct answer *a)
{
	result_release(&a->result);
}

/* What .run is tried with: all three kinds of result. */
static const char script[] = "echo out; echo err >&2; exit 3\n";

void
stop_ask(struct world *w, const struct stop *s, const struct step_args *args,
	 struct trial *t, struct answer *a)
{
	struct bench *b = &w->k.bench;
	const struct brickyard_node *node = s->on_peer ? &w->peer : &b->node;
	struct step_args own = { .nbricks = 0 };
	int64_t began = clock_mono_ms();

	memset(a, 0, sizeof(*a));
	result_init(&a->result);
	s->args(w, &own);
	if (s->id == STEP_RUN)
		a->r = b->ops->run(b->x, &t->call, node, script, &a->result,
				   &a->why);
	else
		a->r = executor_steps[s->id].call(
			b->ops, b->x, &t->call, node,
			args != NULL ? args : &own,
			executor_steps[s->id].gives_result ? &a->result : NULL,
			&a->why);
	a->took_ms = clock_mono_ms() - began;
}

/* As the host calls the bricks that gluster made: see volume_clone. */
static void
learn_clone(struct world *w, const struct brickyard_result *res)
{
	const char *uuid = result_get(res, 0, "id"), *path;
	char plain_uuid[40] = "";
	size_t n = 0;

	for (; uuid != NULL && *uuid != '\0' && n + 1 < sizeof(plain_uuid); uuid++)
		if (*uuid != '-')
			plain_uuid[n++] = *uuid;
	for (n = 0; n < SCRATCH_BRICKS; n++) {
		path = result_get(res, n + 1, "path");
		if (path == NULL || strlen(path) < 6)
			break;
		snprintf(w->clone_paths[n], sizeof(w->clone_paths[n]), "%s", path);
		snprintf(w->clone_mounts[n], sizeof(w->clone_mounts[n]), "%.*s",
			 (int)strlen(path) - 6, path);
		snprintf(w->clone_lvs[n], sizeof(w->clone_lvs[n]), "%s_%zu",
			 plain_uuid, n);
		w->clone_bricks[n] = w->k.bricks[n];
		w->clone_bricks[n].lv = w->clone_lvs[n];
		w->clone_bricks[n].mount = w->clone_mounts[n];
		w->clone_bricks[n].path = w->clone_paths[n];
		w->clone_list[n] = &w->clone_bricks[n];
	}
	w->nclone_bricks = n;
}

/* What device_prepare tells is needed by what comes after it. */
static void
learn_kind(struct world *w, const struct brickyard_result *res)
{
	const char *kind = result_get(res, 0, "kind");

	w->k.device.kind = kind != NULL && strcmp(kind, "directory") == 0 ?
		BRICKYARD_DEVICE_DIRECTORY : BRICKYARD_DEVICE_BLOCK;
}

void
stop_do(struct world *w, const struct stop *s, struct answer *a)
{
	struct trial t;

	trial_init(&t, w->k.operation, EPOCH, STEP_MS);
	stop_ask(w, s, NULL, &t, a);
	if (s->id == X_DEVICE_PREPARE && a->r == 0 && !a->result.overflow)
		learn_kind(w, &a->result);
	if (s->id == X_VOLUME_CLONE && a->r == 0 && !a->result.overflow)
		learn_clone(w, &a->result);
}

bool
stop_has_undo(const struct stop *s)
{
	return s->undo[0].args != NULL;
}

bool
stop_undo(struct world *w, const struct stop *s)
{
	bool good = stop_has_undo(s);

	for (size_t i = 0; i < ARRAY_SIZE(s->undo) && good; i++) {
		const struct stop back = {
			.id = s->undo[i].id, .args = s->undo[i].args,
		};
		struct answer a;

		if (back.args == NULL)
			break;
		if (!is_offered(w, back.id))
			return false;
		stop_do(w, &back, &a);
		good = a.r == 0;
		answer_release(&a);
	}
	return good;
}

/* ---- what is the same of all answers ---- */

static const char *
class_name(int err_class)
{
	static const char *const names[] = {
		"no class", "PERMANENT", "TRANSIENT", "UNREACHABLE", "TIMEOUT",
		"CANCELLED", "FENCED", "NOTFOUND", "EXISTS", "NOSPACE",
		"INVALID", "UNSUPPORTED",
	};

	return err_class > 0 && err_class < (int)ARRAY_SIZE(names) ?
	       names[err_class] : names[0];
}

bool
check_failure(const char *name, const struct answer *a)
{
	if (a->r == 0)
		return check_ok(true, name, "-");
	if (a->r != -1)
		return check_ok(false, name, "it returned %d, neither 0 nor -1",
				a->r);
	if (a->why.text[0] == '\0')
		return check_ok(false, name, "it failed without saying why");
	return check_ok(strcmp(class_name(a->why.err_class), "no class") != 0,
			name, "class %d is none: %s", a->why.err_class,
			a->why.text);
}

bool
check_misuse(const char *name)
{
	char text[256];
	const char *why = lent_misuse(text, sizeof(text));

	return check_ok(why == NULL, name, "%s", why != NULL ? why : "");
}

bool
stop_is_provable(struct world *w, const struct stop *s)
{
	CLEANUP_FREE char *name = xasprintf("%s: what it does", stop_name(s));
	struct answer a;
	bool good;

	stop_do(w, s, &a);
	good = a.r == 0;
	if (!good)
		check_skip(name, "not provable here: %s: %s",
			   class_name(a.why.err_class), a.why.text);
	answer_release(&a);
	return good;
}

/* ---- the world ---- */

static void
volume_init(struct world *w, struct brickyard_gluster_volume *v, const char *name)
{
	*v = (struct brickyard_gluster_volume){
		.size = sizeof(*v), .name = name, .id = w->k.device_id,
		.nbricks = 2, .bricks = w->ref_list, .bricks_per_set = 1,
		.sets_per_command = 1,
	};
}

static void
volumes_init(struct world *w)
{
	static const char *const words[] = { "replica", "2" };
	struct scratch *k = &w->k;

	for (size_t i = 0; i < SCRATCH_BRICKS; i++) {
		w->refs[i] = (struct brickyard_brick_ref){
			sizeof(w->refs[i]), k->bench.node.storage_host,
			k->names[i].path,
		};
		w->ref_list[i] = &w->refs[i];
	}
	w->peer_ref = w->refs[1];
	w->peer_ref.host = w->peer.storage_host;
	w->replica[0] = &w->refs[0];
	w->replica[1] = &w->peer_ref;
#define NAME(to, prefix) snprintf(to, sizeof(to), prefix "%s", k->device_id)
	NAME(w->plain_name, "vol_");
	NAME(w->replicated_name, "rep_");
	NAME(w->clone, "clone_");
	NAME(w->snapshot, "snap_");
	NAME(w->block_name, "blk_");
#undef NAME
	volume_init(w, &w->plain, w->plain_name);
	volume_init(w, &w->replicated, w->replicated_name);
	w->replicated.nwords = ARRAY_SIZE(words);
	w->replicated.words = words;
	w->replicated.bricks_per_set = 2;
	w->replicated.bricks = w->replica;
	w->hosts[0] = k->bench.node.storage_host;
	w->block = (struct brickyard_block){
		.size = sizeof(w->block), .volume = w->plain_name,
		.name = w->block_name, .size_bytes = UINT64_C(1) << 30,
		.hacount = 1, .auth = 1, .nhosts = 1, .hosts = w->hosts,
	};
}

static bool
world_init(struct world *w, struct subject *s, const char *what)
{
	memset(w, 0, sizeof(*w));
	w->subject = s;
	w->has_device = s->args->device != NULL;
	if (s->args->node == NULL) {
		check_skip(what, "needs a node: give one with --node");
		return false;
	}
	if (w->has_device) {
		if (!scratch_init(&w->k, s, what))
			return false;
	} else {
		id_new(w->k.operation);
		id_new(w->k.device_id);
		if (!bench_open(&w->k.bench, s))
			return false;
	}
	w->peer = (struct brickyard_node){
		.size = sizeof(w->peer),
		.id = "00000000000000000000000000000002",
		.manage_host = s->args->peer, .storage_host = s->args->peer,
	};
	volumes_init(w);
	return true;
}

bool
world_reopen(struct world *w)
{
	return bench_open(&w->k.bench, w->subject);
}

static const char *
why_not(const struct world *w, const struct stop *s)
{
	if (!is_offered(w, s->id))
		return "not offered: the host makes a script of it";
	if (s->need >= NEEDS_DEVICE && !w->has_device)
		return "needs a device whose data are destroyed: --device";
	if (s->need >= NEEDS_VOLUMES && !w->subject->args->volumes)
		return "glusterd must run on the node: say so with --volumes";
	if (s->need >= NEEDS_PEER && w->peer.storage_host == NULL)
		return "needs another node to replicate to: --peer";
	return NULL;
}

static void
pass_by(struct world *w, const struct stop *s, untried_fn *untried)
{
	CLEANUP_FREE char *name = xasprintf("%s, on the way", stop_name(s));
	CLEANUP_FREE char *why = NULL;
	struct answer a;

	stop_do(w, s, &a);
	why = xasprintf("not provable here: %s: %s", class_name(a.why.err_class),
			a.why.text);
	if (a.r != 0 && untried != NULL)
		untried(name, why);
	answer_release(&a);
}

void
scenario_walk(struct subject *s, visit_fn *visit, untried_fn *untried)
{
	struct world w;

	if (!world_init(&w, s, "the steps that it offers"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(way); i++) {
		const char *why = why_not(&w, &way[i]);

		if (why != NULL) {
			if (untried != NULL && !way[i].on_the_way)
				untried(stop_name(&way[i]), why);
			continue;
		}
		check_begin(stop_name(&way[i]));
		if (way[i].on_the_way)
			pass_by(&w, &way[i], untried);
		else
			visit(&w, &way[i]);
	}
	bench_close(&w.k.bench);
}
