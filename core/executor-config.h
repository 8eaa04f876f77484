/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which executor is configured, and with which options.  Main thread. */
#ifndef EXECUTOR_CONFIG_H
#define EXECUTOR_CONFIG_H

#include "configuration.h"

/* The plug-in's name for glusterfs.executor, which may be one of heketi's. */
const char *executor_config_name(const struct config *);

/* What is set of heketi's section of this executor (glusterfs.sshexec for ssh)
 * and of executors.NAME, which goes before.
 */
void executor_config_options(const struct config *, const char *name,
			     struct kvs *ret);

#endif
