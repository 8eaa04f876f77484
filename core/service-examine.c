/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking all nodes what is on them, at the same time, for a request that waits. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "node-args.h"
#include "service-private.h"
#include "util/xalloc.h"

#define EXAMINE_TIMEOUT_S 60

struct examining {
	struct executor *executor;
	const struct brickyard_call *call;
	struct examined *v;
};

static enum err
examine(void *arg, size_t i, struct error *err)
{
	struct examining *x = arg;
	struct examined *e = &x->v[i];
	struct brickyard_node node = node_arg(e->node);
	struct brickyard_result res;
	struct error why = { .code = ERR_OK };

	result_init(&res);
	if (executor_node_examine(x->executor, x->call, &node, &res, &why) !=
	    ERR_OK)
		e->error = xstrdup(why.text);
	for (size_t k = 0; e->error == NULL && k < res.records.n; k++) {
		struct kvs *to = VEC_PUSH(&e->records);

		memset(to, 0, sizeof(*to));
		kvs_copy(to, &res.records.v[k]);
	}
	result_release(&res);
	return ERR_OK;
}

static void
list_nodes(const struct mirror_snapshot *s, struct examined *l, size_t *ret_n)
{
	const struct mirror_list *nodes = &s->of[RECORD_NODE];

	*ret_n = 0;
	for (size_t i = 0; i < nodes->n; i++) {
		struct node *n = (void *)nodes->v[i];

		if (!n->adding)
			l[(*ret_n)++].node = (void *)record_ref(&n->r);
	}
}

struct examined *
examine_nodes(struct executor *executor, const struct brickyard_call *call,
	      const struct mirror_snapshot *snapshot, size_t *ret_n)
{
	struct examining x = { executor, call, NULL };
	CLEANUP_FREE const char **hosts = NULL;
	struct error err;

	x.v = xcalloc(snapshot->of[RECORD_NODE].n, sizeof(*x.v));
	list_nodes(snapshot, x.v, ret_n);
	hosts = xcalloc(*ret_n, sizeof(*hosts));
	if (*ret_n > 0 &&
	    fan_out(*ret_n, examine, &x, hosts, &err) != ERR_OK)
		for (size_t i = 0; i < *ret_n; i++)
			if (x.v[i].error == NULL && x.v[i].records.n == 0)
				x.v[i].error = xstrdup(err.text);
	return x.v;
}

struct examined *
service_examine(struct service *s, const struct mirror_snapshot *snapshot,
		size_t *ret_n)
{
	struct service_call c;

	service_call_init(&c, s, EXAMINE_TIMEOUT_S);
	return examine_nodes(s->deps.executor, &c.call, snapshot, ret_n);
}

void
service_examine_free(struct examined *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		record_unref(&l[i].node->r);
		free(l[i].error);
		for (size_t k = 0; k < l[i].records.n; k++)
			kvs_release(&l[i].records.v[k]);
		free(l[i].records.v);
	}
	free(l);
}
