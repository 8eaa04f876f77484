/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heketi has a section of its own for each of its executors; plug-ins have
 * executors.NAME.  Here the first becomes part of the second.
 */
#include <config.h>

#include <string.h>

#include "executor-config.h"
#include "util/xalloc.h"

/* Keys of heketi that are options of a plug-in. */
static const struct {
	const char *executor, *option, *key;
} heketi[] = {
	{ "ssh", "keyfile", "glusterfs.sshexec.keyfile" },
	{ "ssh", "user", "glusterfs.sshexec.user" },
	{ "ssh", "port", "glusterfs.sshexec.port" },
	{ "ssh", "sudo", "glusterfs.sshexec.sudo" },
	{ "ssh", "known_hosts", "glusterfs.sshexec.known_hosts" },
};

const char *
executor_config_name(const struct config *c)
{
	static const char *const words[][2] = {
		{ "", "ssh" }, { "mock", "simulated" }, { "kube", "kubernetes" },
	};
	const char *name = config_str(c, "glusterfs.executor");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i][0], name) == 0)
			return words[i][1];
	return name;
}

void
executor_config_options(const struct config *c, const char *name,
			struct kvs *ret)
{
	CLEANUP_FREE char *section = xasprintf("executors.%s.", name);
	CLEANUP(kvs_release) struct kvs own = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(heketi); i++)
		if (strcmp(heketi[i].executor, name) == 0 &&
		    config_is_set(c, heketi[i].key))
			kvs_set(ret, heketi[i].option,
				config_str(c, heketi[i].key));
	config_section(c, section, &own);
	for (size_t i = 0; i < own.n; i++)
		kvs_set(ret, own.v[i].key, own.v[i].value);
}
