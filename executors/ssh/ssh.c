/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The executor `ssh`: runs scripts on nodes through sshd, over connections that
 * are kept.  What the steps mean is the host's: it makes scripts of them.  This
 * file is the boundary: the host's calls in, faults out, and the table.
 */
#include <string.h>

#include "ssh.h"

const struct brickyard_host *ssh_host;

static void
ssh_close(struct brickyard_executor_instance *in)
{
	if (in == NULL)
		return;
	pool_close(in);
	key_forget(in);
	pthread_mutex_destroy(&in->key_lock);
	pthread_mutex_destroy(&in->lock);
	options_free(in);
	free(in);
}

/* What can't work with any node is said now, not with the first one. */
static int
try_key(struct brickyard_executor_instance *in, struct fault *f)
{
	ssh_key key = NULL;

	if (opt_str(in, OPT_KEYFILE)[0] == '\0')
		return 0;
	if (key_get(in, &key, f) < 0)
		return -1;
	ssh_key_free(key);
	return 0;
}

static int
ssh_open(const struct brickyard_kv *config, size_t nconfig,
	 struct brickyard_executor_instance **ret, struct brickyard_error *err)
{
	struct brickyard_executor_instance *in = calloc(1, sizeof(*in));
	struct fault f = { 0 };

	if (in == NULL) {
		ssh_host->fail(err, BRICKYARD_ERR_TRANSIENT, "out of memory");
		return -1;
	}
	pthread_mutex_init(&in->lock, NULL);
	pthread_mutex_init(&in->key_lock, NULL);
	if (options_read(in, config, nconfig, &f) < 0 || try_key(in, &f) < 0 ||
	    hosts_prepare(in, &f) < 0) {
		ssh_host->fail(err, f.err_class, "%s", f.text);
		ssh_close(in);
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

static int
run_on(struct node *n, const struct brickyard_call *call, const char *script,
       struct brickyard_result *res, struct fault *f)
{
	struct job *j = job_new(script, deadline_of(n->in, call));

	if (j == NULL)
		return fault_nomem(f);
	if (pool_run(n, call, j, f) < 0)
		return -1;
	ssh_host->result_u64(res, "exit_status", j->exit_status);
	ssh_host->result_str(res, "stdout", stream_end(&j->out, OUTPUT_MAX));
	ssh_host->result_str(res, "stderr", stream_end(&j->err, OUTPUT_MAX));
	job_free(j);
	return 0;
}

static int
ssh_run(struct brickyard_executor_instance *in,
	const struct brickyard_call *call, const struct brickyard_node *node,
	const char *script, struct brickyard_result *res,
	struct brickyard_error *err)
{
	struct fault f = { 0 };
	struct node *n = node_get(in, node->manage_host, &f);
	int r = n != NULL ? run_on(n, call, script, res, &f) : -1;

	if (n != NULL)
		node_put(n);
	if (r < 0)
		ssh_host->fail(err, f.err_class, "%s", f.text);
	return r;
}

static struct brickyard_executor ssh = {
	.head = {
		.name = "ssh",
		.version = "0.1.0",
		.description = "nodes are reached through sshd",
		.license = "GPL-2.0-or-later",
		.options = ssh_options,
		.thread_model = BRICKYARD_THREADS_PARALLEL,
	},
	.open = ssh_open,
	.close = ssh_close,
	.run = ssh_run,
};

BRICKYARD_EXECUTOR_REGISTER(ssh, ssh_host)
