/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The executor `kubernetes`: runs scripts in the gluster pods of nodes, by the
 * API server's exec.  What the steps mean is the host's: it makes scripts of
 * them.  This file is the boundary: the host's calls in, faults out, the table.
 */
#include <string.h>

#include <curl/curl.h>

#include "kubernetes.h"

const struct brickyard_host *kube_host;

static void
kube_close(struct brickyard_executor_instance *in)
{
	if (in == NULL)
		return;
	if (in->service != NULL)
		service_stop(in);
	rest_close(in);
	nodes_free(in);
	if (in->access != NULL)
		access_put(in->access);
	pthread_mutex_destroy(&in->pool_lock);
	pthread_mutex_destroy(&in->access_lock);
	pthread_mutex_destroy(&in->lock);
	options_free(in);
	free(in);
}

/* What can't work with any node is said now, not with the first one. */
static int
try_access(struct brickyard_executor_instance *in, struct fault *f)
{
	CLEANUP_TEXT struct text authorization = { 0 };
	struct access *a = access_get(in, f);
	int r = a != NULL ? access_authorization(a, &authorization, f) : -1;

	if (r == 0 && opt_str(in, OPT_NAMESPACE)[0] == '\0' &&
	    a->namespace[0] == '\0')
		r = fault_set(f, BRICKYARD_ERR_INVALID, "Namespace must be "
			      "provided in configuration: File %s/namespace "
			      "not found", opt_str(in, OPT_SERVICE_ACCOUNT_DIR));
	if (a != NULL)
		access_put(a);
	return r;
}

static int
kube_open(const struct brickyard_kv *config, size_t nconfig,
	  struct brickyard_executor_instance **ret, struct brickyard_error *err)
{
	struct brickyard_executor_instance *in = calloc(1, sizeof(*in));
	struct fault f = { 0 };

	if (in == NULL) {
		kube_host->fail(err, BRICKYARD_ERR_TRANSIENT, "out of memory");
		return -1;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	pthread_mutex_init(&in->lock, NULL);
	pthread_mutex_init(&in->access_lock, NULL);
	pthread_mutex_init(&in->pool_lock, NULL);
	in->turns_end = &in->turns;
	if (options_read(in, config, nconfig, &f) < 0 ||
	    try_access(in, &f) < 0 || service_start(in, &f) < 0) {
		kube_host->fail(err, f.err_class, "%s", f.text);
		kube_close(in);
		return -1;
	}
	*ret = in;
	return 0;
}

static int64_t
deadline_of(const struct brickyard_executor_instance *in,
	    const struct brickyard_call *call)
{
	int64_t own = (int64_t)opt_u64(in, OPT_COMMAND_TIMEOUT_S) * 1000;

	if (own != 0 && now_ms() + own < call->deadline_ms)
		return now_ms() + own;
	return call->deadline_ms;
}

static const char *
output_of(struct stream *s)
{
	text_keep_tail(&s->t, OUTPUT_MAX);
	text_make_utf8(&s->t);
	return text_str(&s->t);
}

static int
run_on(struct brickyard_executor_instance *in, struct node *n,
       const struct brickyard_call *call, const char *script,
       struct brickyard_result *res, struct fault *f)
{
	struct limit limit = { call, deadline_of(in, call) };
	struct exec *e;

	if (gate_enter(in, n, &limit, f) < 0)
		return -1;
	if (run_script(in, n, script, &limit, &e, f) < 0) {
		gate_leave(in, n);
		return -1;
	}
	gate_leave(in, n);
	kube_host->result_u64(res, "exit_status", e->exit_status);
	kube_host->result_str(res, "stdout", output_of(&e->out));
	kube_host->result_str(res, "stderr", output_of(&e->err));
	exec_free(e);
	return 0;
}

static int
kube_run(struct brickyard_executor_instance *in,
	 const struct brickyard_call *call, const struct brickyard_node *node,
	 const char *script, struct brickyard_result *res,
	 struct brickyard_error *err)
{
	struct fault f = { 0 };
	struct node *n = node_get(in, node->manage_host, &f);
	int r = n != NULL ? run_on(in, n, call, script, res, &f) : -1;

	if (n != NULL)
		node_put(in, n);
	if (r < 0)
		kube_host->fail(err, f.err_class, "%s", f.text);
	return r;
}

static struct brickyard_executor kubernetes = {
	.head = {
		.name = "kubernetes",
		.version = "0.1.0",
		.description = "nodes are reached through their gluster pods",
		.license = "GPL-2.0-or-later",
		.options = kube_options,
		.thread_model = BRICKYARD_THREADS_PARALLEL,
	},
	.open = kube_open,
	.close = kube_close,
	.run = kube_run,
};

BRICKYARD_EXECUTOR_REGISTER(kubernetes, kube_host)
