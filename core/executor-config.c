/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heketi has a section of its own for each of its executors; plug-ins have
 * executors.NAME.  Here the first becomes part of the second.
 */
#include <config.h>

#include <string.h>

#include "executor-config.h"
#include "util/xalloc.h"

const char *
executor_config_name(const struct config *c)
{
	static const char *const words[][2] = {
		{ "", "ssh" }, { "mock", "simulated" }, { "kube", "kubernetes" },
		{ "inject/ssh", "ssh" }, { "inject/mock", "simulated" },
	};
	const char *name = config_str(c, "glusterfs.executor");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i][0], name) == 0)
			return words[i][1];
	return name;
}

/* heketi's mock executor has no nodes that could know better: what suites for it
 * get wrong is let pass, and so is what was there before a restart.
 */
static void
add_mock(const struct config *c, const struct plugin *p,
	 const struct lowering *l, struct kvs *ret)
{
	static const char *const lenient[] = { "any_option", "adopt" };
	const char *name = config_str(c, "glusterfs.executor");

	if (strcmp(name, "mock") != 0 && strcmp(name, "inject/mock") != 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lenient); i++)
		if (lowering_has_option(l, p, lenient[i]))
			kvs_set(ret, lenient[i], "true");
}

void
executor_config_options(const struct config *c, const struct plugin *p,
			const struct lowering *l, struct kvs *ret)
{
	static const char *const sections[][2] = {
		{ "ssh", "glusterfs.sshexec." },
		{ "kubernetes", "glusterfs.kubeexec." },
	};
	CLEANUP_FREE char *own = xasprintf("executors.%s.", p->name);

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		CLEANUP(kvs_release) struct kvs theirs = { 0 };

		if (strcmp(sections[i][0], p->name) != 0)
			continue;
		config_section(c, sections[i][1], &theirs);
		for (size_t k = 0; k < theirs.n; k++)
			if (lowering_has_option(l, p, theirs.v[k].key))
				kvs_set(ret, theirs.v[k].key,
					theirs.v[k].value);
	}
	add_mock(c, p, l, ret);
	config_section(c, own, ret);
}
