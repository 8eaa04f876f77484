/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logging.  What a level is for:
 *	err	an operation or the daemon failed
 *	warning	degraded but went on; the text ends ", ignoring" or ", retrying"
 *	notice	a lasting change succeeded (volume created, node joined)
 *	info	a request or a step, for a post-mortem
 *	debug	developers
 * Any thread may log; errno is kept.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

#include "util/cleanup.h"

enum log_level {
	LOG_LVL_NONE,
	LOG_LVL_CRITICAL,
	LOG_LVL_ERR,
	LOG_LVL_WARNING,
	LOG_LVL_NOTICE,
	LOG_LVL_INFO,
	LOG_LVL_DEBUG,
};

void log_set_level(enum log_level);
enum log_level log_get_level(void);
/* heketi's names: none critical error warning info debug (and notice). */
bool log_level_parse(const char *name, enum log_level *ret);
const char *log_level_name(enum log_level);

/* The id of the request or operation this thread works on, put into each of
 * its lines; NULL for none.  The string is copied (and cut to 32 bytes).
 */
void log_set_context(const char *id);

void log_at(enum log_level, const char *fmt, ...) PRINTF(2, 3);
#define log_err(...)	 log_at(LOG_LVL_ERR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LVL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_at(LOG_LVL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_at(LOG_LVL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_at(LOG_LVL_DEBUG, __VA_ARGS__)

#endif
