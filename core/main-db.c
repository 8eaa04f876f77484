/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyardd db import: a dump of heketi's database into an empty store.
 *
 *	read ─► settle what was under way ─► shapes ─► (ask gluster) ─►
 *	check ─► fill the store, all or nothing
 *
 * Everything that is wrong is told at once, and nothing is written then.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brick-order.h"
#include "main-offline.h"
#include "node-args.h"
#include "store/import.h"
#include "util/clock.h"
#include "util/xalloc.h"
#include "volume-type.h"

#define ASK_TIMEOUT_S 60
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

struct job {
	struct daemon *daemon;
	const struct offline_options *o;
	struct import dump;
	struct strs silent;		/* nodes that did not answer */
	size_t unordered;		/* volumes whose order is heketi's */
	size_t ordered;			/* those that gluster told of */
};

static void
job_release(struct job *m)
{
	import_release(&m->dump);
	strs_release(&m->silent);
}

/* ---- brick sets ---- */

/* Bricks of before heketi noted their kind: which is an arbiter follows from
 * the order, where that is known.
 */
static void
set_roles(struct volume *v, const struct shape *shape)
{
	for (size_t i = 0; i < v->nbricks; i++)
		if (v->bricks[i].role == 0)
			v->bricks[i].role = shape->roles[i % v->bricks_per_set];
}

static int
never_cancelled(const struct brickyard_call *call)
{
	return 0;
}

/* From one of its nodes; a node that did not answer is not asked again. */
static enum err
ask_node(struct job *m, const struct volume *v, size_t brick,
	 struct brickyard_result *info, struct error *err)
{
	const struct node *n = (const void *)import_find(
		&m->dump, RECORD_NODE, v->bricks[brick].node);
	struct brickyard_call call = {
		.size = sizeof(call),
		.deadline_ms = clock_mono_ms() + ASK_TIMEOUT_S * 1000,
		.cancelled = never_cancelled,
	};
	struct brickyard_node arg;
	enum err r;

	if (n == NULL || strs_has(&m->silent, n->id))
		return ERR_UNREACHABLE;
	arg = node_arg(n);
	r = executor_volume_info(m->daemon->executor, &call, &arg, v->name,
				 info, err);
	if (r == ERR_OK || r == ERR_NOTFOUND)
		return r;
	import_warn(&m->dump, "node %s (%s) is not asked any more: %s", n->id,
		  arg.manage_host, err->text);
	strs_add(&m->silent, n->id);
	return r;
}

static void
other_bricks(struct job *m, const struct volume *v, const char *what)
{
	if (m->o->force)
		import_warn(&m->dump, "volume %s (%s): %s: taken as in the dump",
			  v->id, v->name, what);
	else
		import_error(&m->dump, "volume %s (%s): %s: repair that, or give "
			   "--force to take it as in the dump", v->id, v->name,
			   what);
}

/* Is the order known now? */
static bool
ask_gluster(struct job *m, struct volume *v)
{
	struct brickyard_result info;
	struct error err = { 0 };
	enum err r = ERR_UNREACHABLE;
	bool known = false;

	result_init(&info);
	for (size_t i = 0; i < v->nbricks && r != ERR_OK && r != ERR_NOTFOUND;
	     i++)
		r = ask_node(m, v, i, &info, &err);
	if (r == ERR_OK)
		known = brick_order_take(v, &info);
	if (r == ERR_OK && !known)
		other_bricks(m, v, "gluster has other bricks than the dump");
	else if (r == ERR_NOTFOUND)
		other_bricks(m, v, "gluster has no such volume");
	result_release(&info);
	return known;
}

static void
complete_volume(struct job *m, struct volume *v)
{
	CLEANUP(shape_release) struct shape shape = { 0 };
	struct error err;

	if (shape_init(&shape, m->daemon->plugins, v->type, &v->params,
		       &v->options, &err) != ERR_OK) {
		import_error(&m->dump, "volume %s (%s): %s", v->id, v->name,
			   err.text);
		return;
	}
	v->bricks_per_set = shape.geometry.bricks_per_set;
	/* What heketi left half done need not be as it says. */
	if (m->o->ask_gluster && v->doing == VOLUME_SETTLED &&
	    ask_gluster(m, v)) {
		set_roles(v, &shape);
		m->ordered++;
	} else if (v->nbricks > 1) {
		m->unordered++;
	}
}

static enum err
complete(struct job *m, struct error *err)
{
	struct records *all = &m->dump.of[RECORD_VOLUME];
	enum err r = ERR_OK;

	load_plugins(m->daemon);
	if (m->o->ask_gluster)
		r = open_executor(m->daemon, err);
	for (size_t i = 0; r == ERR_OK && i < all->n; i++)
		complete_volume(m, (void *)all->v[i]);
	return r;
}

/* ---- the report ---- */

static void
tell_count(const char *what, size_t n)
{
	fprintf(stderr, "%8zu %s\n", n, what);
}

static void
print_report(const struct job *m)
{
	const struct import *d = &m->dump;

	for (size_t i = 0; i < d->errors.n; i++)
		fprintf(stderr, "ERROR: %s\n", d->errors.v[i]);
	for (size_t i = 0; i < d->warnings.n; i++)
		fprintf(stderr, "warning: %s\n", d->warnings.v[i]);
	if (m->unordered > 0)
		fprintf(stderr, "warning: the order of bricks of %zu volumes is "
			"the dump's, not gluster's: %s\n", m->unordered,
			m->o->ask_gluster ? "gluster could not be asked" :
			"--ask-gluster asks");
	tell_count("clusters", d->of[RECORD_CLUSTER].n);
	tell_count("nodes", d->of[RECORD_NODE].n);
	tell_count("devices", d->of[RECORD_DEVICE].n);
	tell_count("volumes", d->of[RECORD_VOLUME].n);
	tell_count("bricks", d->nbricks);
	tell_count("block volumes", d->of[RECORD_BLOCKVOLUME].n);
	tell_count("pending operations", d->ops.n);
	tell_count("operations to be cleaned up", d->of[RECORD_OPERATION].n);
	if (m->o->ask_gluster)
		tell_count("volumes in the order of gluster", m->ordered);
}

/* ---- import ---- */

static enum err
parse_pending(const char *word, enum import_pending *ret, struct error *err)
{
	static const char *const words[] = {
		[IMPORT_REFUSE] = "refuse",
		[IMPORT_CLEAN] = "clean",
		[IMPORT_DROP] = "drop",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			*ret = (enum import_pending)i;
			return ERR_OK;
		}
	}
	return fail(err, ERR_BADREQ, "--pending '%s': give refuse, clean or "
		    "drop", word);
}

static bool
makes_clone(const struct import *d, const char *op_id)
{
	for (size_t i = 0; i < d->ops.n; i++)
		if (strcmp(d->ops.v[i].id, op_id) == 0)
			return d->ops.v[i].type == IMPORT_OP_CLONE_VOLUME;
	return false;
}

static void
check_clone_names(struct job *m)
{
	const struct kvs *l = &m->o->clone_names;

	for (size_t i = 0; i < l->n; i++) {
		const char *name = l->v[i].value;

		if (!makes_clone(&m->dump, l->v[i].key))
			import_error(&m->dump, "--clone-name %.80s: no operation "
				     "of the dump that makes a clone has that "
				     "id", l->v[i].key);
		else if (name[0] == '\0' || name[strspn(name, NAME_CHARS)] != '\0')
			import_error(&m->dump, "--clone-name %s=%.80s: that is "
				     "no name of a volume", l->v[i].key, name);
	}
}

/* Everything but the writing. */
static enum err
prepare(struct job *m, struct docs *docs, struct error *err)
{
	enum import_pending pending = IMPORT_REFUSE;
	enum err r = parse_pending(m->o->pending, &pending, err);

	if (r == ERR_OK && m->o->jsonfile == NULL)
		r = fail(err, ERR_BADREQ, "--jsonfile: which file holds the "
			 "dump?");
	if (r == ERR_OK)
		r = import_read(m->o->jsonfile, &m->dump, err);
	if (r != ERR_OK)
		return r;
	m->dump.clone_names = &m->o->clone_names;
	check_clone_names(m);
	import_settle(&m->dump, pending);
	import_check_strays(&m->dump, m->o->force);
	r = complete(m, err);
	if (r != ERR_OK)
		return r;
	import_name_clones(&m->dump);
	import_check(&m->dump);
	import_documents(&m->dump, docs);
	print_report(m);
	if (m->dump.errors.n == 0)
		return ERR_OK;
	return fail(err, ERR_REFUSED, "%s: %zu things are wrong with it: "
		    "nothing was imported", m->o->jsonfile, m->dump.errors.n);
}

static enum err
fill_store(struct job *m, const struct docs *docs, struct error *err)
{
	struct store *s = NULL;
	enum err r = open_store(m->daemon, &s, err);
	struct bulk b = { .to = s, .docs = docs };

	if (r == ERR_OK)
		r = bulk_fill(&b, m->o->jsonfile, err);
	if (r == ERR_EXISTS && m->o->if_empty) {
		fprintf(stderr, "%s: left as it is\n", err->text);
		store_close(s);
		return ERR_OK;
	}
	if (r == ERR_OK)
		r = bulk_finish(&b, err);
	if (r == ERR_OK)
		fprintf(stderr, "DB imported to %s\n", m->o->dbfile != NULL ?
			m->o->dbfile : store_describe(s));
	store_close(s);
	return r;
}

int
db_import(struct daemon *d, const struct offline_options *o)
{
	CLEANUP(job_release) struct job m = { .daemon = d, .o = o };
	CLEANUP(docs_release) struct docs docs = { 0 };
	struct error err;
	enum err r = prepare(&m, &docs, &err);

	if (r == ERR_OK && !o->dry_run)
		r = fill_store(&m, &docs, &err);
	if (r == ERR_OK)
		return EXIT_SUCCESS;
	fprintf(stderr, "ERROR: %s\n", err.text);
	return EXIT_FAILURE;
}
