/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plug-in host: finds, checks and loads shared objects.  core/plugin.c is
 * the one place that calls dlopen(3).  Plug-ins are loaded once at start-up and
 * never unloaded.  A refused one is kept in the list with its reason and does
 * not stop the others.
 */
#ifndef PLUGIN_H
#define PLUGIN_H

#include <stdbool.h>
#include <stddef.h>

#include <brickyard/executor.h>
#include <brickyard/volume-type.h>

#include "util/buf.h"
#include "util/error.h"
#include "util/strs.h"

struct plugin {
	char *path;
	char *name;		/* from the file name */
	uint32_t kind;		/* BRICKYARD_KIND_*, 0 while unknown */
	char *refused;		/* why it is not usable; NULL: loaded */
	void *dl;
	/* Copies of ours, zero beyond what the plug-in knew of. */
	struct brickyard_executor executor;
	struct brickyard_volume_type volume_type;
};

struct plugin_host;

/* path: directories separated by colons, each looked into for *.so, or for the
 * sub-directories volume-types/ and executors/ holding them.  Directories and
 * files must be owned by root (or by our own user, when that is not root) and
 * not be writable by group or others, or they are refused.
 */
struct plugin_host *plugin_host_new(const char *path);
/* The same with services of the caller's, which live as long as the process. */
struct plugin_host *plugin_host_new_lending(const char *path,
					    const struct brickyard_host *services);
void plugin_host_free(struct plugin_host *);

/* All that were found, also refused ones, in order of kind and name. */
const struct plugin *const *plugin_list(const struct plugin_host *, size_t *ret_n);

/* The loaded plug-in of a kind by name, or ERR_NOTFOUND naming what there is. */
enum err MUST_CHECK plugin_find(const struct plugin_host *, uint32_t kind,
				const char *name, const struct plugin **ret,
				struct error *);
/* The volume type that answers to a name in a request ("" too), or NULL. */
const struct plugin *plugin_for_request(const struct plugin_host *,
					const char *request_name);

/* What --list-plugins and --dump-plugin print. */
void plugin_print_list(const struct plugin_host *, struct buf *);
void plugin_print(const struct plugin *, struct buf *);	/* key=value lines */
void plugin_print_option(const struct brickyard_option *, struct buf *);

/* Check values against the plug-in's schema: unknown keys, wrong types and
 * missing required ones are errors; defaults are added to *ret.
 */
enum err MUST_CHECK plugin_check_config(const struct plugin *,
					const struct kvs *given,
					struct kvs *ret, struct error *);

/* The same for any table of options, in the name of a plug-in. */
enum err MUST_CHECK plugin_check_options(const char *name,
					 const struct brickyard_option *,
					 const struct kvs *given,
					 struct kvs *ret, struct error *);

/* Why an options table can't be used, or NULL.  Caller frees. */
char *plugin_schema_fault(const struct brickyard_option *);

/* ---- calling into a plug-in ---- */

/* Tell which plug-in this thread is about to enter (NULL: none), so that what
 * it logs carries its name; returns which one it was in before.
 */
const struct plugin *plugin_enter(const struct plugin *);
static inline void
cleanup_plugin_enter(const struct plugin **was)
{
	(void)plugin_enter(*was);
}
/* To the end of the enclosing block, this thread is inside plug-in p. */
#define PLUGIN_SCOPE(p)							\
	CLEANUP(cleanup_plugin_enter)					\
	const struct plugin *PASTE(in_, __COUNTER__) = plugin_enter(p)

/* ---- the host's side of the opaque types ---- */

struct brickyard_error {
	int err_class;		/* BRICKYARD_ERR_* */
	char text[ERROR_TEXT_MAX];
};

struct brickyard_result {
	struct kvs_list {
		struct kvs *v;
		size_t n, cap;
	} records;
	size_t bytes;
	bool overflow;
};

void result_init(struct brickyard_result *);
void result_release(struct brickyard_result *);
/* Value in record i, or NULL; the number of a u64, or dflt. */
const char *result_get(const struct brickyard_result *, size_t i, const char *key);
uint64_t result_get_u64(const struct brickyard_result *, size_t i,
			const char *key, uint64_t dflt);
/* All values of a key in record i (keys may repeat: kvs keeps pairs). */
void result_get_all(const struct brickyard_result *, size_t i, const char *key,
		    struct strs *ret);

/* Turn a plug-in's failure into ours, prefixed by nothing. */
enum err plugin_fail(struct error *err, const struct brickyard_error *);
extern const struct brickyard_host plugin_host_services;

#endif
