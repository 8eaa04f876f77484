/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the plug-in under test is lent: the host's services, with a watch on them.
 * Calls are counted by kind; one may be made slow, end the process, or have no
 * room for a result.  What the plug-in asks of the C library can be made to fail,
 * too.  Calls from any thread of the plug-in's are seen.
 */
#ifndef LENT_H
#define LENT_H

#include "plugin.h"

enum lent {
	LENT_LOG, LENT_FAIL, LENT_NEXT, LENT_STR, LENT_U64,	/* of the table */
	LENT_CANCELLED,				/* of struct brickyard_call */
	LENT_MEMORY, LENT_FILES, LENT_PROCESSES,	/* of the C library */
	LENT_KINDS
};

enum mischief {
	MISCHIEF_NONE,
	MISCHIEF_SLOW,		/* takes LENT_SLOW_MS */
	MISCHIEF_FULL,		/* results: no room any more, from there on */
	MISCHIEF_YES,		/* cancelled: true, from there on */
	MISCHIEF_FAIL,		/* the C library: fails this once */
	MISCHIEF_DEATH,		/* the process is killed */
};
#define LENT_SLOW_MS 60

extern const struct brickyard_host lent_services;

/* "a log line", "memory" */
const char *lent_name(enum lent);
/* Count from 0 again; at the nth call of this kind, do that. */
void lent_arm(enum lent, int n, enum mischief);
/* Be killed at the nth call of any kind of the host's. */
void lent_arm_death(int n);
void lent_disarm(void);
int lent_seen(enum lent);
int lent_seen_of_host(void);
/* Did the armed mischief come to pass? */
bool lent_happened(void);

/* For struct brickyard_call: note an asking; true: say yes. */
bool lent_ask_cancelled(void);

/* What the plug-in did to a service that it must not, or NULL; forgets it. */
const char *lent_misuse(char *buf, size_t size);
/* Text that must not be in the log. */
void lent_watch_secret(const char *value);

/* Put ourselves between the plug-in and the C library; false: can't be done. */
bool lent_library(const struct plugin *);

#endif
