/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes, and which pod is theirs: the one of the node's name, or the one of a
 * DaemonSet on it, or the one that has its name in a label, as heketi does.  What
 * was found is remembered for a moment, until something goes wrong with it.
 */
#include <stdio.h>
#include <string.h>

#include "kubernetes.h"

#define NODES_MAX 4096		/* remembered without being in use */
#define LABEL "glusterfs-node"

/* ---- nodes ---- */

static bool
host_is_valid(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n >= NAME_MAX_BYTES || s[0] == '-' || s[0] == '.')
		return false;
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ_.:-")] == '\0';
}

static void
node_free(struct node *n)
{
	free(n->host);
	free(n->where);
	free(n);
}

static struct node *
node_new(const char *host)
{
	struct node *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->host = strdup(host);
	if (asprintf(&n->where, "kubernetes %s", host) < 0)
		n->where = NULL;
	if (n->host != NULL && n->where != NULL)
		return n;
	node_free(n);
	return NULL;
}

/* With the lock held. */
static void
forget_unused_nodes(struct brickyard_executor_instance *in)
{
	struct node **p = &in->nodes, *n;

	while ((n = *p) != NULL) {
		if (n->users > 0) {
			p = &n->next;
			continue;
		}
		*p = n->next;
		in->nnodes--;
		node_free(n);
	}
}

/* With the lock held. */
static struct node *
node_find(struct brickyard_executor_instance *in, const char *host)
{
	struct node *n;

	for (n = in->nodes; n != NULL; n = n->next)
		if (strcmp(n->host, host) == 0)
			return n;
	if (in->nnodes >= NODES_MAX)
		forget_unused_nodes(in);
	n = node_new(host);
	if (n == NULL)
		return NULL;
	n->next = in->nodes;
	in->nodes = n;
	in->nnodes++;
	return n;
}

struct node *
node_get(struct brickyard_executor_instance *in, const char *host,
	 struct fault *f)
{
	struct node *n;

	if (host == NULL || !host_is_valid(host)) {
		fault_set(f, BRICKYARD_ERR_INVALID, "kubernetes: '%.300s' is "
			  "not the name of a node or pod",
			  host != NULL ? host : "");
		return NULL;
	}
	pthread_mutex_lock(&in->lock);
	n = node_find(in, host);
	if (n != NULL)
		n->users++;
	pthread_mutex_unlock(&in->lock);
	if (n == NULL)
		fault_nomem(f);
	return n;
}

void
node_put(struct brickyard_executor_instance *in, struct node *n)
{
	pthread_mutex_lock(&in->lock);
	n->users--;
	pthread_mutex_unlock(&in->lock);
}

void
nodes_free(struct brickyard_executor_instance *in)
{
	struct node *n;

	while ((n = in->nodes) != NULL) {
		in->nodes = n->next;
		node_free(n);
	}
}

/* ---- which of several ---- */

static bool
is_alive(const struct pod *p)
{
	return !p->is_dying && strcmp(p->phase, "Succeeded") != 0 &&
		strcmp(p->phase, "Failed") != 0;
}

static int
none(const struct brickyard_executor_instance *in, const struct node *n,
     const char *ns, struct fault *f)
{
	if (opt_bool(in, OPT_GLUSTER_DAEMONSET))
		return fault_set(f, BRICKYARD_ERR_UNREACHABLE, "%s: Unable to "
				 "find a GlusterFS pod on host %s with a label "
				 "key %s in namespace %s: is the manage host "
				 "the node's name, and the node one of the "
				 "DaemonSet?", n->where, n->host, LABEL, ns);
	return fault_set(f, BRICKYARD_ERR_UNREACHABLE, "%s: No pods with the "
			 "label '%s=%s' were found in namespace %s: give the "
			 "gluster pod of this node that label, or use "
			 "gluster_daemonset or use_pod_names", n->where, LABEL,
			 n->host, ns);
}

static int
several(const struct brickyard_executor_instance *in, const struct node *n,
	const char *ns, const struct pod *pods, size_t npods, size_t nalive,
	struct fault *f)
{
	CLEANUP_TEXT struct text names = { 0 };
	bool by_key = opt_bool(in, OPT_GLUSTER_DAEMONSET);

	for (size_t i = 0; i < npods && names.len < 1000; i++)
		if (is_alive(&pods[i]))
			text_addf(&names, "%s%s", names.len > 0 ? ", " : "",
				  pods[i].name);
	return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: Found %zu pods "
			 "sharing the same label '%s%s%s' in namespace %s: %s: "
			 "one of them may have it", n->where, nalive, LABEL,
			 by_key ? "' on the node '" : "=", n->host, ns,
			 text_str(&names));
}

/* Those of other nodes are left out: the server was asked for one only, but an
 * old or a strange one may not know how.
 */
static size_t
only_node(struct pod *pods, size_t n, const char *node)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(pods[i].node, node) == 0)
			pods[kept++] = pods[i];
	return kept;
}

static int
choose(const struct brickyard_executor_instance *in, const struct node *n,
       const char *ns, const struct pod *pods, size_t npods,
       const struct pod **ret, struct fault *f)
{
	size_t nalive = 0;

	if (npods == 0)
		return none(in, n, ns, f);
	*ret = &pods[0];
	for (size_t i = 0; i < npods; i++) {
		if (!is_alive(&pods[i]))
			continue;
		if (nalive++ == 0)
			*ret = &pods[i];
	}
	return nalive > 1 ? several(in, n, ns, pods, npods, nalive, f) : 0;
}

/* ---- which container ---- */

/* NULL: it has none of that name. */
static const struct container *
container_of(const struct brickyard_executor_instance *in, const struct pod *p)
{
	const char *name = opt_str(in, OPT_CONTAINER);

	for (size_t i = 0; i < p->ncontainers; i++)
		if (name[0] == '\0' || strcmp(p->containers[i].name, name) == 0)
			return &p->containers[i];
	return NULL;
}

static int
not_ready(const struct node *n, const char *ns, const struct pod *p,
	  const struct container *c, struct fault *f)
{
	CLEANUP_TEXT struct text state = { 0 };

	pod_state(p, c, &state);
	return fault_set(f, BRICKYARD_ERR_UNREACHABLE, "%s: pod %s in namespace "
			 "%s is not ready: it is %s", n->where, p->name, ns,
			 text_str(&state));
}

static int
no_container(const struct node *n, const char *ns, const struct pod *p,
	     const char *name, struct fault *f)
{
	CLEANUP_TEXT struct text names = { 0 };

	for (size_t i = 0; i < p->ncontainers; i++)
		text_addf(&names, "%s%s", i > 0 ? ", " : "",
			  p->containers[i].name);
	return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: pod %s in namespace "
			 "%s has no container '%s' (option container); it has: "
			 "%s", n->where, p->name, ns, name, text_str(&names));
}

static int
take(const struct brickyard_executor_instance *in, const struct node *n,
     const char *ns, const struct pod *p, struct target *ret, struct fault *f)
{
	const struct container *c = container_of(in, p);

	if (c == NULL)
		return no_container(n, ns, p, opt_str(in, OPT_CONTAINER), f);
	if (!is_alive(p) || !c->is_running)
		return not_ready(n, ns, p, c, f);
	snprintf(ret->namespace, sizeof(ret->namespace), "%s", ns);
	snprintf(ret->pod, sizeof(ret->pod), "%s", p->name);
	snprintf(ret->container, sizeof(ret->container), "%s", c->name);
	return 0;
}

/* ---- asking ---- */

struct found {
	struct pod *pods;
	size_t n;
	char address[64];		/* of the API server */
};

static void
found_free(struct found *x)
{
	free(x->pods);
}

static void
make_path(const struct brickyard_executor_instance *in, const struct access *a,
	  const struct node *n, const char *ns, struct text *ret)
{
	text_addf(ret, "%s/api/v1/namespaces/", a->prefix);
	text_add_encoded(ret, ns);
	text_addf(ret, "/pods");
	if (opt_bool(in, OPT_USE_POD_NAMES)) {
		text_addf(ret, "/");
		text_add_encoded(ret, n->host);
	} else if (opt_bool(in, OPT_GLUSTER_DAEMONSET)) {
		text_addf(ret, "?labelSelector=" LABEL
			  "&fieldSelector=spec.nodeName%%3D");
		text_add_encoded(ret, n->host);
	} else {
		text_addf(ret, "?labelSelector=" LABEL "%%3D%%3D");
		text_add_encoded(ret, n->host);
	}
}

static int
refused(const struct brickyard_executor_instance *in, const struct access *a,
	const struct node *n, const char *ns, const struct answer *answer,
	struct fault *f)
{
	bool by_name = opt_bool(in, OPT_USE_POD_NAMES);
	struct request r = { n->where, by_name ? "getting the pod of that name" :
		"listing pods", "\"get\", \"list\"", "\"pods\"", ns };
	char message[1024];

	reply_message(&answer->body, message, sizeof(message));
	return refusal(a, &r, answer->status, message, f);
}

/* Asked again, when it says that it can't now, or when the token has been
 * rotated in this moment.
 */
static int
get(struct brickyard_executor_instance *in, const struct access *a,
    const char *path, const struct limit *l, struct answer *ret,
    struct fault *f)
{
	struct question q = { .path = path };

	for (int tries = 1;; tries++) {
		if (rest_get(in, a, &q, l, ret, f) < 0)
			return -1;
		if (tries == 3 || (!refusal_may_pass(ret->status) &&
				   (ret->status != 401 || tries > 1)))
			return 0;
		nap_ms(ret->status != 401 ? 300 * tries : 50);
		text_clear(&ret->body);
	}
}

/* Those that may be its node's, of which one is to be chosen. */
static int
ask_pods(struct brickyard_executor_instance *in, const struct access *a,
	 const struct node *n, const char *ns, const struct limit *l,
	 struct found *ret, struct fault *f)
{
	CLEANUP(answer_free) struct answer answer = { 0 };
	CLEANUP_TEXT struct text path = { 0 };

	make_path(in, a, n, ns, &path);
	if (path.failed)
		return fault_nomem(f);
	if (get(in, a, path.s, l, &answer, f) < 0)
		return -1;
	if (answer.status != 200)
		return refused(in, a, n, ns, &answer, f);
	if (reply_pods(&answer.body, &ret->pods, &ret->n, f) < 0)
		return -1;
	if (opt_bool(in, OPT_GLUSTER_DAEMONSET) &&
	    !opt_bool(in, OPT_USE_POD_NAMES))
		ret->n = only_node(ret->pods, ret->n, n->host);
	memcpy(ret->address, answer.address, sizeof(ret->address));
	return 0;
}

static const char *
namespace_of(const struct brickyard_executor_instance *in,
	     const struct access *a)
{
	const char *ns = opt_str(in, OPT_NAMESPACE);

	return ns[0] != '\0' ? ns : a->namespace;
}

static int
ask(struct brickyard_executor_instance *in, const struct access *a,
    const struct node *n, const struct limit *l, struct target *ret,
    struct fault *f)
{
	CLEANUP(found_free) struct found found = { 0 };
	const char *ns = namespace_of(in, a);
	const struct pod *p = NULL;

	if (ask_pods(in, a, n, ns, l, &found, f) < 0 ||
	    choose(in, n, ns, found.pods, found.n, &p, f) < 0 ||
	    take(in, n, ns, p, ret, f) < 0)
		return -1;
	memcpy(ret->address, found.address, sizeof(ret->address));
	return 0;
}

void
pod_ask_state(struct brickyard_executor_instance *in, const struct access *a,
	      const struct node *n, const struct limit *l, struct text *ret)
{
	CLEANUP(found_free) struct found found = { 0 };
	const char *ns = namespace_of(in, a);
	const struct pod *p = NULL;
	struct fault f = { 0 };

	if (ask_pods(in, a, n, ns, l, &found, &f) == 0 &&
	    choose(in, n, ns, found.pods, found.n, &p, &f) == 0)
		pod_state(p, container_of(in, p), ret);
}

int
pod_find(struct brickyard_executor_instance *in, const struct access *a,
	 struct node *n, const struct limit *l, struct target *ret,
	 struct fault *f)
{
	pthread_mutex_lock(&in->lock);
	*ret = n->target;
	ret->is_cached = ret->pod[0] != '\0' && now_ms() < n->target_until_ms;
	pthread_mutex_unlock(&in->lock);
	if (ret->is_cached)
		return 0;
	memset(ret, 0, sizeof(*ret));
	if (ask(in, a, n, l, ret, f) < 0)
		return -1;
	pthread_mutex_lock(&in->lock);
	n->target = *ret;
	n->target_until_ms = now_ms() +
		(int64_t)opt_u64(in, OPT_POD_CACHE_S) * 1000;
	pthread_mutex_unlock(&in->lock);
	return 0;
}

void
pod_forget(struct brickyard_executor_instance *in, struct node *n)
{
	pthread_mutex_lock(&in->lock);
	n->target.pod[0] = '\0';
	pthread_mutex_unlock(&in->lock);
}
