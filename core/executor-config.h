/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which executor is configured, and with which options.  Main thread. */
#ifndef EXECUTOR_CONFIG_H
#define EXECUTOR_CONFIG_H

#include "configuration.h"
#include "lowering.h"
#include "plugin.h"

/* The plug-in's name for glusterfs.executor, which may be one of heketi's. */
const char *executor_config_name(const struct config *);

/* What is set of heketi's section of this executor (glusterfs.sshexec for ssh) as
 * far as the plug-in or its lowering know it: some keys are the service's own, and
 * some were never heard.  What is in executors.NAME goes before, and there a
 * strange key is a mistake, which is found later.
 */
void executor_config_options(const struct config *, const struct plugin *,
			     const struct lowering *, struct kvs *ret);

#endif
