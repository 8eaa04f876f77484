/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cluster-wide switches: who may change anything (admin/mode), and how much
 * is logged (admin/loglevel).  Kept in the store; every replica follows.
 */
#ifndef SWITCHES_H
#define SWITCHES_H

#include "configuration.h"
#include "store/mirror.h"

enum admin_mode { MODE_NORMAL, MODE_READ_ONLY, MODE_LOCAL_CLIENT };
const char *admin_mode_name(enum admin_mode);		/* heketi's words */
bool admin_mode_parse(const char *name, enum admin_mode *ret);

struct switches;

/* Before mirror_start.  As long as a key is not there, what the configuration
 * says counts: default_state, and the level that was set when this was called.
 */
struct switches *switches_new(const struct config *, struct mirror *);
void switches_free(struct switches *);
enum admin_mode switches_mode(const struct switches *);
/* Here, before the store says so. */
void switches_set_mode(struct switches *, enum admin_mode);

/* The keys, after "admin/". */
#define SWITCH_MODE	"mode"
#define SWITCH_LOGLEVEL	"loglevel"

#endif
