/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the server's JSON and writing it for people, in heketi-cli's words.
 * Everything is lenient: what is absent reads as empty, 0, false.
 */
#ifndef CLI_FMT_H
#define CLI_FMT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "util/strs.h"

/* A member, by names with dots between: "mount.glusterfs.device".  Borrowed. */
json_t *json_at(const json_t *, const char *path);
const char *json_str_at(const json_t *, const char *path);	/* never NULL */
int64_t json_int_at(const json_t *, const char *path);
bool json_bool_at(const json_t *, const char *path);
const char *json_str_nth(const json_t *array, size_t i);	/* never NULL */
/* Member names in order. */
void json_sorted_keys(const json_t *object, struct strs *ret);

/* One line as --json wants it: compact, members in their order, no newline. */
void print_json(const json_t *);

/* The same as text; the caller frees. */
char *json_text(const json_t *, size_t flags);

/* A list of the words between commas; NULL for "". */
json_t *split_words(const char *);

const char *yes_no(bool);		/* "true" or "false" */
const char *state_word(const json_t *object);	/* failed: "removed" */
int64_t kib_to_gib(const json_t *object, const char *path);

void print_volume(const json_t *volume);
/* "k=v" of all mount options. */
void print_mount_options(const json_t *volume);
/* How many brick sets a volume has. */
int64_t volume_sets(const json_t *volume);
int64_t volume_replica(const json_t *volume);
void print_node(const json_t *node);
/* "Tags:" and a line each; nothing when there are none. */
void print_tags(const json_t *object);
/* Elements between separators. */
void print_joined(const json_t *array, const char *separator);

/* Warn, and leave ten seconds to change one's mind. */
void think_twice_about_healing(void);

#endif
