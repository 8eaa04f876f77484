/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of this executor: one table, in the order of enum opt.  Names
 * that heketi has too mean the same.
 */
#include <string.h>

#include "kubernetes.h"

#define CONNECTIONS_DEFAULT 64		/* for 0, as in heketi */
#define CONNECTIONS_MAX 4000		/* what "no limit" is */

const struct brickyard_option kube_options[] = {
	[OPT_COMMAND_TIMEOUT_S] = { "command_timeout_s", BRICKYARD_OPT_UINT, 0,
		"0", "seconds that a script may take; 0: as the call allows" },
	[OPT_CONNECT_TIMEOUT_S] = { "connect_timeout_s", BRICKYARD_OPT_UINT, 0,
		"15", "seconds until a connection must be made" },
	[OPT_CONTAINER] = { "container", BRICKYARD_OPT_STRING, 0, "",
		"container of the pod to run scripts in; empty: its first" },
	[OPT_CONTEXT] = { "context", BRICKYARD_OPT_STRING, 0, "",
		"context of the kubeconfig; empty: its current one" },
	[OPT_DISABLE_TIMEOUT_PREFIX] = { "disable_timeout_prefix",
		BRICKYARD_OPT_BOOL, 0, "false",
		"put no timeout(1) before commands in pods" },
	[OPT_EXECS_PER_NODE] = { "execs_per_node", BRICKYARD_OPT_UINT, 0, "8",
		"scripts at a time on a node; more wait" },
	[OPT_GLUSTER_DAEMONSET] = { "gluster_daemonset", BRICKYARD_OPT_BOOL, 0,
		"false", "manage hosts are names of Kubernetes nodes, with a "
		"pod of a DaemonSet each" },
	[OPT_KEEPALIVE_S] = { "keepalive_s", BRICKYARD_OPT_UINT, 0, "15",
		"seconds between keep-alive messages; after three times that "
		"without an answer a connection is given up; 0: none" },
	[OPT_KUBECONFIG] = { "kubeconfig", BRICKYARD_OPT_STRING, 0, "",
		"file that says how to reach the API server; empty: the "
		"service account in a pod, else $KUBECONFIG" },
	[OPT_MAX_CONNECTIONS] = { "max_connections", BRICKYARD_OPT_STRING, 0,
		"64", "scripts at a time on all nodes; more wait; 0: 64, below "
		"0: no limit" },
	[OPT_NAMESPACE] = { "namespace", BRICKYARD_OPT_STRING, 0, "",
		"namespace of the gluster pods; empty: that of the service "
		"account or the kubeconfig" },
	[OPT_POD_CACHE_S] = { "pod_cache_s", BRICKYARD_OPT_UINT, 0, "10",
		"seconds that the pod of a node is remembered" },
	[OPT_SEARCH_PATH] = { "search_path", BRICKYARD_OPT_STRING, 0,
		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"PATH of the scripts in the pods" },
	[OPT_SERVICE_ACCOUNT_DIR] = { "service_account_dir",
		BRICKYARD_OPT_STRING, 0,
		"/var/run/secrets/kubernetes.io/serviceaccount",
		"where a pod finds token, ca.crt and namespace" },
	[OPT_USE_POD_NAMES] = { "use_pod_names", BRICKYARD_OPT_BOOL, 0,
		"false", "manage hosts are names of pods" },
	[OPT_COUNT] = { NULL, 0, 0, NULL, NULL },
};

static const struct option_bounds bounds[] = {
	{ OPT_COMMAND_TIMEOUT_S, 0, 1000000 },
	{ OPT_CONNECT_TIMEOUT_S, 1, 3600 },
	{ OPT_EXECS_PER_NODE, 1, 1000 },
	{ OPT_KEEPALIVE_S, 0, 3600 },
	{ OPT_POD_CACHE_S, 0, 3600 },
};

static int
check_bounds(const struct brickyard_executor_instance *in, struct fault *f)
{
	char why[200];

	if (!options_bounded(kube_options, in->opt, bounds, ARRAY_SIZE(bounds), why,
			     sizeof(why)))
		return fault_set(f, BRICKYARD_ERR_INVALID, "%s", why);
	return 0;
}

static int
read_connections(struct brickyard_executor_instance *in, struct fault *f)
{
	const char *s = in->opt[OPT_MAX_CONNECTIONS];
	char *end;
	long n = strtol(s, &end, 10);

	if (end == s || *end != '\0')
		return fault_set(f, BRICKYARD_ERR_INVALID, "option "
				 "max_connections: '%s' is not a number", s);
	if (n < 0 || n > CONNECTIONS_MAX)
		n = CONNECTIONS_MAX;
	in->max_connections = n != 0 ? (size_t)n : CONNECTIONS_DEFAULT;
	return 0;
}

static bool
is_made_of(const char *s, const char *allowed)
{
	return s[strspn(s, allowed)] == '\0';
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* A label of DNS, as names of namespaces and containers are. */
static int
check_name(const struct brickyard_executor_instance *in, enum opt o,
	   struct fault *f)
{
	const char *s = in->opt[o];

	if (is_made_of(s, LOWER DIGITS "-") && strlen(s) < 64 && s[0] != '-')
		return 0;
	return fault_set(f, BRICKYARD_ERR_INVALID, "option %s: '%.100s' is not "
			 "a name of Kubernetes", kube_options[o].key, s);
}

static int
check_words(const struct brickyard_executor_instance *in, struct fault *f)
{
	const char *path = in->opt[OPT_SEARCH_PATH];

	if (check_name(in, OPT_NAMESPACE, f) < 0 ||
	    check_name(in, OPT_CONTAINER, f) < 0)
		return -1;
	if (path[0] != '/' || strlen(path) > 512 ||
	    !is_made_of(path, LOWER UPPER DIGITS "_.-/:+"))
		return fault_set(f, BRICKYARD_ERR_INVALID,
				 "option search_path: '%s' is not a list of "
				 "absolute directories", path);
	return 0;
}

int
options_read(struct brickyard_executor_instance *in,
	     const struct brickyard_kv *config, size_t n, struct fault *f)
{
	if (options_take(kube_options, in->opt, config, n) < 0)
		return fault_nomem(f);
	if (check_bounds(in, f) < 0 || check_words(in, f) < 0)
		return -1;
	return read_connections(in, f);
}

void
options_free(struct brickyard_executor_instance *in)
{
	options_drop(kube_options, in->opt);
}
