/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plug-in host: where plug-ins are looked for, what is checked before one
 * is believed, and what is told about them.  All of it happens once, on the
 * main thread, before any other is started; after that the list is immutable.
 *
 * Loaded objects are never closed: their strings and functions are used until
 * the process ends, and unloading code that other threads may be in is not
 * worth the danger.
 */
#include <config.h>

#include <dirent.h>
#include <dlfcn.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plugin.h"
#include "util/log.h"
#include "util/xalloc.h"

/* A descriptor larger than this is not one. */
#define DESCRIPTOR_MAX 65536

struct plugin_host {
	struct plugin_vec {
		struct plugin **v;
		size_t n, cap;
	} all;
	struct strs searched;	/* real paths, so that none is read twice */
	const struct brickyard_host *services;
};

/* One directory on the way to a plug-in, and why what is in it can't be
 * trusted (its own fault or that of one above it), or NULL.
 */
struct place {
	char *dir;
	char *why;
};

/* A callback of a descriptor. */
struct member {
	const char *name;
	size_t offset;
	bool required;
};

#define REQUIRED(type, m) { #m, offsetof(struct brickyard_##type, m), true }
#define OPTIONAL(type, m) { #m, offsetof(struct brickyard_##type, m), false }

static const struct member executor_members[] = {
	REQUIRED(executor, open),
	REQUIRED(executor, close),
	REQUIRED(executor, run),
	OPTIONAL(executor, node_check),
	OPTIONAL(executor, peer_probe),
	OPTIONAL(executor, peer_detach),
	OPTIONAL(executor, device_prepare),
	OPTIONAL(executor, device_info),
	OPTIONAL(executor, device_teardown),
	OPTIONAL(executor, bricks_create),
	OPTIONAL(executor, bricks_destroy),
	OPTIONAL(executor, volume_create),
	OPTIONAL(executor, volume_expand),
	OPTIONAL(executor, volume_destroy),
	OPTIONAL(executor, volume_info),
	OPTIONAL(executor, node_probe),
	OPTIONAL(executor, heal_info),
	OPTIONAL(executor, brick_replace),
	OPTIONAL(executor, volume_clone),
	OPTIONAL(executor, block_create),
	OPTIONAL(executor, block_info),
	OPTIONAL(executor, block_expand),
	OPTIONAL(executor, block_destroy),
	OPTIONAL(executor, node_examine),
	OPTIONAL(executor, device_forget),
	{ NULL, 0, false },
};

static const struct member volume_type_members[] = {
	REQUIRED(volume_type, validate),
	REQUIRED(volume_type, geometry),
	OPTIONAL(volume_type, role),
	OPTIONAL(volume_type, brick_bytes),
	OPTIONAL(volume_type, create_words),
	{ NULL, 0, false },
};

/* Where a kind's copy lies in struct plugin, how long it is, what is in it. */
static const struct kind {
	const char *name;
	size_t offset, size;
	const struct member *members;
} kinds[] = {
	[BRICKYARD_KIND_EXECUTOR] = {
		"executor", offsetof(struct plugin, executor),
		sizeof(struct brickyard_executor), executor_members,
	},
	[BRICKYARD_KIND_VOLUME_TYPE] = {
		"volume-type", offsetof(struct plugin, volume_type),
		sizeof(struct brickyard_volume_type), volume_type_members,
	},
};

static const char *const thread_models[] = {
	[BRICKYARD_THREADS_SERIAL] = "serial",
	[BRICKYARD_THREADS_PER_NODE] = "per-node",
	[BRICKYARD_THREADS_PARALLEL] = "parallel",
};

/* NULL: no such kind. */
static const struct kind *
kind_of(uint32_t kind)
{
	if (kind >= ARRAY_SIZE(kinds) || kinds[kind].name == NULL)
		return NULL;
	return &kinds[kind];
}

/* Our copy of the head; all zero while the plug-in's kind is not known. */
static const struct brickyard_plugin_head *
head_of(const struct plugin *p)
{
	const struct kind *k = kind_of(p->kind);

	if (k == NULL)
		return &p->executor.head;
	return (const void *)((const char *)p + k->offset);
}

static bool
has_member(const struct plugin *p, const struct member *m)
{
	const char *at = (const char *)head_of(p) + m->offset;
	void (*fn)(void) = NULL;

	memcpy(&fn, at, sizeof(fn));
	return fn != NULL;
}

/* ---- may it be trusted? ---- */

/* Why not, or NULL.  Whoever can write here can run code as us. */
static char *
distrust(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return xasprintf("'%s': %m", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return xasprintf("'%s' belongs to user %ju, neither root nor "
				 "ours", path, (uintmax_t)st.st_uid);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return xasprintf("'%s' is writable by group or others (mode "
				 "%04o)", path, (unsigned)st.st_mode & 07777);
	return NULL;
}

/* The file, and for a symbolic link also where it leads to. */
static char *
distrust_file(const char *path)
{
	CLEANUP_FREE char *real = realpath(path, NULL);
	char *why;

	if (real == NULL)
		return xasprintf("'%s': %m", path);
	why = distrust(real);
	if (why != NULL)
		return why;
	return distrust(dirname(real));
}

/* ---- the checks, in the order in which they are made ---- */

static char *
check_prefix(const struct brickyard_plugin_head *head)
{
	if (head->magic != BRICKYARD_MAGIC)
		return xasprintf("wrong magic 0x%08x: its descriptor is not "
				 "Brickyard's", head->magic);
	if (kind_of(head->kind) == NULL)
		return xasprintf("kind %u is unknown", head->kind);
	if (head->abi_major != BRICKYARD_ABI_MAJOR)
		return xasprintf("built for ABI %u.%u, this is ABI %u.%u",
				 head->abi_major, head->abi_minor,
				 BRICKYARD_ABI_MAJOR, BRICKYARD_ABI_MINOR);
	if (head->size < sizeof(*head) || head->size > DESCRIPTOR_MAX ||
	    head->size % _Alignof(struct brickyard_plugin_head) != 0)
		return xasprintf("descriptor size %zu is absurd", head->size);
	return NULL;
}

static bool
name_is_valid(const char *s)
{
	if (s[0] < 'a' || s[0] > 'z')
		return false;
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static char *
check_name(const struct plugin_host *h, const struct plugin *p)
{
	const char *name = head_of(p)->name;

	if (name == NULL)
		return xstrdup("has no name");
	if (!name_is_valid(name))
		return xasprintf("name '%.64s' is not [a-z][a-z0-9-]*", name);
	if (strcmp(name, p->name) != 0)
		return xasprintf("calls itself '%.64s' in a file called "
				 "'%s.so'", name, p->name);
	return NULL;
}

static char *
check_members(const struct plugin_host *h, const struct plugin *p)
{
	CLEANUP(strs_release) struct strs missing = { 0 };
	CLEANUP_FREE char *list = NULL;
	const struct brickyard_plugin_head *head = head_of(p);

	if (head->version == NULL)
		strs_add(&missing, "version");
	if (head->description == NULL)
		strs_add(&missing, "description");
	if (head->license == NULL)
		strs_add(&missing, "license");
	for (const struct member *m = kind_of(p->kind)->members;
	     m->name != NULL; m++)
		if (m->required && !has_member(p, m))
			strs_add(&missing, m->name);
	if (missing.n == 0)
		return NULL;
	list = strs_join(&missing, ", ");
	return xasprintf("required members missing: %s", list);
}

static char *
check_threads(const struct plugin_host *h, const struct plugin *p)
{
	if (head_of(p)->thread_model < ARRAY_SIZE(thread_models))
		return NULL;
	return xasprintf("thread model %u is unknown", head_of(p)->thread_model);
}

static const struct plugin *
find(const struct plugin_host *h, uint32_t kind, const char *name)
{
	for (size_t i = 0; i < h->all.n; i++) {
		const struct plugin *p = h->all.v[i];

		if (p->refused == NULL && p->kind == kind &&
		    strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

static char *
check_duplicate(const struct plugin_host *h, const struct plugin *p)
{
	const struct plugin *first = find(h, p->kind, p->name);

	if (first == NULL)
		return NULL;
	return xasprintf("duplicate: '%s' comes after '%s', which is used",
			 p->path, first->path);
}

static char *
check_options(const struct plugin_host *h, const struct plugin *p)
{
	return plugin_schema_fault(head_of(p)->options);
}

static char *(*const checks[])(const struct plugin_host *,
			       const struct plugin *) = {
	check_name,
	check_members,
	check_threads,
	check_duplicate,
	check_options,
};

/* ---- loading ---- */

/* The descriptor, still the plug-in's own, or NULL and *ret_why. */
static const struct brickyard_plugin_head *
open_object(const struct plugin_host *h, struct plugin *p, char **ret_why)
{
	const struct brickyard_plugin_head *head;
	brickyard_plugin_init_fn *init = NULL;
	void *sym;

	p->dl = dlopen(p->path, RTLD_NOW | RTLD_LOCAL);
	if (p->dl == NULL) {
		*ret_why = xasprintf("not a shared object that can be loaded: "
				     "%s", dlerror());
		return NULL;
	}
	sym = dlsym(p->dl, "brickyard_plugin_init");
	if (sym == NULL) {
		*ret_why = xstrdup("has no brickyard_plugin_init: not a "
				   "plug-in of Brickyard");
		return NULL;
	}
	/* ISO C has no cast from an object's to a function's address. */
	memcpy(&init, &sym, sizeof(init));
	PLUGIN_SCOPE(p);
	head = init(h->services);
	if (head == NULL)
		*ret_why = xstrdup("refused to initialise");
	return head;
}

/* Copy what both sides know of; the rest of ours stays zero. */
static void
copy_descriptor(struct plugin *p, const struct brickyard_plugin_head *head)
{
	const struct kind *k = kind_of(head->kind);

	p->kind = head->kind;
	memcpy((char *)p + k->offset, head,
	       head->size < k->size ? head->size : k->size);
}

static void
tell_newer_minor(const struct plugin *p)
{
	const struct brickyard_plugin_head *head = head_of(p);

	if (head->abi_minor > BRICKYARD_ABI_MINOR)
		log_info("plug-in '%s' was built for ABI %u.%u, newer than "
			 "%u.%u: what that adds is not used", p->path,
			 head->abi_major, head->abi_minor,
			 BRICKYARD_ABI_MAJOR, BRICKYARD_ABI_MINOR);
}

/* Why it can't be used, or NULL: loaded. */
static char *
load(const struct plugin_host *h, struct plugin *p)
{
	const struct brickyard_plugin_head *head;
	char *why = distrust_file(p->path);

	if (why != NULL)
		return why;
	head = open_object(h, p, &why);
	if (head == NULL)
		return why;
	why = check_prefix(head);
	if (why != NULL)
		return why;
	copy_descriptor(p, head);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		why = checks[i](h, p);
		if (why != NULL)
			return why;
	}
	tell_newer_minor(p);
	return NULL;
}

/* ---- searching ---- */

static void
add(struct plugin_host *h, const struct place *where, const char *file)
{
	struct plugin *p = XNEW(struct plugin);

	p->path = xasprintf("%s/%s", where->dir, file);
	p->name = xstrndup(file, strlen(file) - strlen(".so"));
	p->refused = where->why != NULL ? xstrdup(where->why) : load(h, p);
	*VEC_PUSH(&h->all) = p;
}

/* A directory of the path that can't be read is told of in the list, too. */
static void
add_unreadable(struct plugin_host *h, const char *dir)
{
	struct plugin *p = XNEW(struct plugin);

	p->refused = xasprintf("'%s': %m", dir);
	p->path = xstrdup(dir);
	p->name = xstrdup("");
	*VEC_PUSH(&h->all) = p;
}

static void
place_release(struct place *l)
{
	free(l->dir);
	free(l->why);
}

static struct place
place_below(const struct place *above, const char *name)
{
	struct place l = { xasprintf("%s/%s", above->dir, name), NULL };

	l.why = above->why != NULL ? xstrdup(above->why) : distrust(l.dir);
	return l;
}

static int
is_object(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 3 &&
	       strcmp(d->d_name + n - 3, ".so") == 0;
}

static int
is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* The entries of a directory in order of name; none when it can't be read. */
static void
list_directory(const char *dir, int (*filter)(const struct dirent *),
	       struct strs *ret)
{
	struct dirent **v = NULL;
	int n = scandir(dir, &v, filter, NULL);

	for (int i = 0; i < n; i++) {
		strs_add(ret, v[i]->d_name);
		free(v[i]);
	}
	free(v);
	strs_sort(ret);
}

static void
scan(struct plugin_host *h, const struct place *where)
{
	CLEANUP(strs_release) struct strs files = { 0 };

	list_directory(where->dir, is_object, &files);
	for (size_t i = 0; i < files.n; i++)
		add(h, where, files.v[i]);
}

/* A build tree: SUB/NAME/.libs/NAME.so, where libtool puts what it links. */
static void
scan_libtool(struct plugin_host *h, const struct place *sub, const char *name)
{
	CLEANUP(place_release) struct place dir = place_below(sub, name);
	CLEANUP(place_release) struct place libs = place_below(&dir, ".libs");
	CLEANUP_FREE char *file = xasprintf("%s.so", name);
	CLEANUP_FREE char *path = xasprintf("%s/%s", libs.dir, file);

	if (access(path, F_OK) == 0)
		add(h, &libs, file);
}

static void
scan_build_tree(struct plugin_host *h, const struct place *sub)
{
	CLEANUP(strs_release) struct strs names = { 0 };

	list_directory(sub->dir, is_visible, &names);
	for (size_t i = 0; i < names.n; i++)
		scan_libtool(h, sub, names.v[i]);
}

static void
search(struct plugin_host *h, const char *dir)
{
	CLEANUP_FREE char *real = realpath(dir, NULL);
	struct stat st;

	if (real == NULL || stat(real, &st) != 0) {
		add_unreadable(h, dir);
		return;
	}
	if (strs_has(&h->searched, real))
		return;
	strs_add(&h->searched, real);

	CLEANUP(place_release) struct place top = {
		xstrdup(dir), distrust(dir)
	};
	CLEANUP(place_release) struct place types =
		place_below(&top, "volume-types");
	CLEANUP(place_release) struct place executors =
		place_below(&top, "executors");
	CLEANUP(place_release) struct place plugins =
		place_below(&top, "plugins");

	scan(h, &top);
	scan(h, &types);
	scan(h, &executors);
	scan_build_tree(h, &plugins);
	scan_build_tree(h, &executors);
}

/* Order of kind and name; those of unknown kind last; of equals (duplicates)
 * the one that is used first.
 */
static int
compare(const void *a, const void *b)
{
	const struct plugin *p = *(struct plugin *const *)a;
	const struct plugin *q = *(struct plugin *const *)b;
	int r;

	if (p->kind - 1 != q->kind - 1)
		return p->kind - 1 < q->kind - 1 ? -1 : 1;
	r = strcmp(p->name, q->name);
	if (r != 0)
		return r;
	if ((p->refused == NULL) != (q->refused == NULL))
		return p->refused == NULL ? -1 : 1;
	return strcmp(p->path, q->path);
}

struct plugin_host *
plugin_host_new(const char *path)
{
	return plugin_host_new_lending(path, &plugin_host_services);
}

struct plugin_host *
plugin_host_new_lending(const char *path, const struct brickyard_host *services)
{
	CLEANUP(strs_release) struct strs dirs = { 0 };
	struct plugin_host *h = XNEW(struct plugin_host);

	h->services = services;
	strs_split(&dirs, path, ':');
	for (size_t i = 0; i < dirs.n; i++)
		if (dirs.v[i][0] != '\0')
			search(h, dirs.v[i]);
	if (h->all.n > 1)
		qsort(h->all.v, h->all.n, sizeof(h->all.v[0]), compare);
	return h;
}

void
plugin_host_free(struct plugin_host *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->all.n; i++) {
		struct plugin *p = h->all.v[i];

		free(p->path);
		free(p->name);
		free(p->refused);
		free(p);
	}
	free(h->all.v);
	strs_release(&h->searched);
	free(h);
}

/* ---- finding ---- */

const struct plugin *const *
plugin_list(const struct plugin_host *h, size_t *ret_n)
{
	*ret_n = h->all.n;
	return (const struct plugin *const *)h->all.v;
}

/* A refused plug-in of that name, to say why it is not to be had. */
static const struct plugin *
find_refused(const struct plugin_host *h, uint32_t kind, const char *name)
{
	for (size_t i = 0; i < h->all.n; i++) {
		const struct plugin *p = h->all.v[i];

		if (p->refused != NULL && strcmp(p->name, name) == 0 &&
		    (p->kind == kind || p->kind == 0))
			return p;
	}
	return NULL;
}

enum err
plugin_find(const struct plugin_host *h, uint32_t kind, const char *name,
	    const struct plugin **ret, struct error *err)
{
	CLEANUP(strs_release) struct strs names = { 0 };
	CLEANUP_FREE char *list = NULL;
	const struct plugin *p = find(h, kind, name);
	const char *what = kind_of(kind) != NULL ? kind_of(kind)->name : "?";

	if (p != NULL) {
		*ret = p;
		return ERR_OK;
	}
	p = find_refused(h, kind, name);
	if (p != NULL)
		return fail(err, ERR_NOTFOUND, "%s '%s' is refused: %s: %s",
			    what, name, p->path, p->refused);
	for (size_t i = 0; i < h->all.n; i++)
		if (h->all.v[i]->refused == NULL && h->all.v[i]->kind == kind)
			strs_add(&names, h->all.v[i]->name);
	list = strs_join(&names, ", ");
	return fail(err, ERR_NOTFOUND, "there is no %s '%s', only: %s", what,
		    name, names.n > 0 ? list : "none");
}

static bool
answers_to(const struct plugin *p, const char *request_name)
{
	CLEANUP(strs_release) struct strs names = { 0 };

	if (p->volume_type.request_names == NULL)
		return false;
	strs_split(&names, p->volume_type.request_names, ',');
	return strs_has(&names, request_name);
}

const struct plugin *
plugin_for_request(const struct plugin_host *h, const char *request_name)
{
	/* A plug-in's own name comes before another's claim to it. */
	const struct plugin *own = find(h, BRICKYARD_KIND_VOLUME_TYPE,
					request_name);

	if (own != NULL)
		return own;
	for (size_t i = 0; i < h->all.n; i++) {
		const struct plugin *p = h->all.v[i];

		if (p->refused == NULL &&
		    p->kind == BRICKYARD_KIND_VOLUME_TYPE &&
		    answers_to(p, request_name))
			return p;
	}
	return NULL;
}

/* ---- telling ---- */

/* The words of a plug-in on one line; NULL as "". */
static void
add_words(struct buf *b, const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		buf_add(b, (unsigned char)*s < ' ' ? " " : s, 1);
}

static void
add_line(struct buf *b, const char *key, const char *value)
{
	buf_addf(b, "%s=", key);
	add_words(b, value);
	buf_adds(b, "\n");
}

static const char *
or_dash(const char *s)
{
	return s != NULL && s[0] != '\0' ? s : "-";
}

void
plugin_print_list(const struct plugin_host *h, struct buf *b)
{
	for (size_t i = 0; i < h->all.n; i++) {
		const struct plugin *p = h->all.v[i];
		const struct brickyard_plugin_head *head = head_of(p);
		char abi[32] = "-";

		if (p->kind != 0)
			snprintf(abi, sizeof(abi), "%u.%u", head->abi_major,
				 head->abi_minor);
		buf_addf(b, "%-11s  %-12s  ",
			 p->kind != 0 ? kind_of(p->kind)->name : "-",
			 or_dash(p->name));
		add_words(b, or_dash(head->version));
		buf_addf(b, "  %s  %s\n", abi, p->path);
		if (p->refused == NULL)
			continue;
		buf_adds(b, "refused: ");
		add_words(b, p->refused);
		buf_adds(b, "\n");
	}
}

void
plugin_print_option(const struct brickyard_option *o, struct buf *b)
{
	static const char *const types[] = {
		[BRICKYARD_OPT_STRING] = "string",
		[BRICKYARD_OPT_UINT] = "uint",
		[BRICKYARD_OPT_BOOL] = "bool",
	};

	buf_addf(b, "option.%s=%s,", o->key, types[o->type]);
	add_words(b, o->default_value);
	buf_adds(b, ",");
	add_words(b, o->help);
	buf_adds(b, "\n");
	if ((o->flags & BRICKYARD_OPT_SECRET) != 0)
		buf_addf(b, "option.%s.secret=1\n", o->key);
	if ((o->flags & BRICKYARD_OPT_REQUIRED) != 0)
		buf_addf(b, "option.%s.required=1\n", o->key);
}

/* Which of the optional callbacks it has, as overrides=a,b. */
static void
print_overrides(const struct plugin *p, struct buf *b)
{
	CLEANUP(strs_release) struct strs names = { 0 };
	CLEANUP_FREE char *list = NULL;

	for (const struct member *m = kind_of(p->kind)->members;
	     m->name != NULL; m++)
		if (!m->required && has_member(p, m))
			strs_add(&names, m->name);
	list = strs_join(&names, ",");
	add_line(b, "overrides", list);
}

static void
print_descriptor(const struct plugin *p, struct buf *b)
{
	const struct brickyard_plugin_head *head = head_of(p);

	add_line(b, "kind", kind_of(p->kind)->name);
	add_line(b, "version", head->version);
	add_line(b, "description", head->description);
	add_line(b, "license", head->license);
	add_line(b, "author", head->author);
	buf_addf(b, "abi_major=%u\nabi_minor=%u\nstruct_size=%zu\n",
		 head->abi_major, head->abi_minor, head->size);
	if (p->kind == BRICKYARD_KIND_VOLUME_TYPE)
		add_line(b, "request_names", p->volume_type.request_names);
	else if (head->thread_model < ARRAY_SIZE(thread_models))
		add_line(b, "thread_model", thread_models[head->thread_model]);
	print_overrides(p, b);
}

void
plugin_print(const struct plugin *p, struct buf *b)
{
	add_line(b, "path", p->path);
	add_line(b, "name", p->name);
	if (p->refused != NULL)
		add_line(b, "refused", p->refused);
	if (p->kind != 0)
		print_descriptor(p, b);
	/* A refused plug-in's options may be what is wrong with it. */
	if (p->refused != NULL || head_of(p)->options == NULL)
		return;
	for (const struct brickyard_option *o = head_of(p)->options;
	     o->key != NULL; o++)
		plugin_print_option(o, b);
}
