/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration: a flat table of dotted keys ("glusterfs.executor") with a
 * type, a default, and where each value came from.  Precedence: command line,
 * environment, file, default.  Reading the JSON file is store/jsonfile.c's
 * work; this file knows no JSON.
 */
#ifndef CONFIGURATION_H
#define CONFIGURATION_H

#include <stdint.h>

#include "util/buf.h"
#include "util/error.h"
#include "util/strs.h"

enum config_type { CONFIG_STRING, CONFIG_INT, CONFIG_BOOL };

struct config;

struct config *config_new(void);
void config_free(struct config *);

/* Set a value; source is for people ("file brickyard.json", "environment
 * HEKETI_HTTP_PORT", "command line").  type is what the source held; a wrong
 * type is an error that names source and key.  As in heketi, upper and lower case
 * are the same.  Unknown keys are ignored, but noted as warnings, except below
 * "executors.", "volume_types." and "glusterfs.injectexec.", where they are kept.
 */
enum err MUST_CHECK config_set(struct config *, const char *key,
			       const char *value, enum config_type type,
			       const char *source, struct error *);
/* Take what the environment says (BRICKYARD_* and HEKETI_*). */
enum err MUST_CHECK config_read_environment(struct config *, struct error *);
/* Look over everything once: ranges, words, things that go together. */
enum err MUST_CHECK config_check(const struct config *, struct error *);

/* Never NULL for a key in the table ("" when there is no value). */
const char *config_str(const struct config *, const char *key);
int64_t config_int(const struct config *, const char *key);
int config_bool(const struct config *, const char *key);
/* Was it set by anybody (not the default)? */
int config_is_set(const struct config *, const char *key);
/* All values below a prefix, the prefix cut off: "executors.local." */
void config_section(const struct config *, const char *prefix, struct kvs *ret);

/* What is odd though no error, a sentence each: keys that nobody knows. */
const struct strs *config_warnings(const struct config *);

/* What --check-config prints: key, value (secrets as ***), source. */
void config_print(const struct config *, struct buf *);

#endif
