/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is not heketi's, but for /hello: /healthz, /readyz, /v1/….  Runs on the
 * workers of the API, /hello and /healthz on its HTTP threads.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/encode.h"
#include "api/request.h"

static void
answer_plain(struct request *r, unsigned status, const char *type,
	     const char *text)
{
	reply_empty(r, status);
	r->reply.type = type;
	buf_adds(&r->reply.body, text);
}

/* heketi does not listen before it can serve: who waits for it asks this. */
void
h_hello(struct request *r)
{
	if (r->service == NULL && !r->stopping)
		reply_text(r, 503, "Service is starting");
	else
		answer_plain(r, 200, "text/plain; charset=UTF-8",
			     "Hello from Heketi");
}

void
h_healthz(struct request *r)
{
	answer_plain(r, 200, "text/plain; charset=utf-8", "ok\n");
}

void
h_readyz(struct request *r)
{
	struct error why = { .code = ERR_OK };

	if (r->draining)
		reply_text(r, 503, "stopping");
	else if (r->service == NULL)
		reply_text(r, 503, "starting");
	else if (!service_is_ready(r->service, &why))
		reply_text(r, 503, why.text);
	else
		answer_plain(r, 200, "text/plain; charset=utf-8", "ok\n");
}

/* What volumes need and is not there. */
static void
encode_missing(struct service *s, struct jsonout *j)
{
	CLEANUP(kvs_release) struct kvs missing = { 0 };

	service_missing_types(s, &missing);
	jsonout_open(j, "missing", '[');
	for (size_t i = 0; i < missing.n; i++) {
		jsonout_open(j, NULL, '{');
		jsonout_str(j, "kind", "volume-type");
		jsonout_str(j, "name", missing.v[i].key);
		jsonout_uint(j, "volumes",
			     strtoull(missing.v[i].value, NULL, 10));
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

void
h_own_plugins(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };
	size_t n = 0;
	const struct plugin *const *list =
		plugin_list(service_plugins(r->service), &n);

	jsonout_open(&j, NULL, '{');
	jsonout_open(&j, "plugins", '[');
	for (size_t i = 0; i < n; i++)
		encode_plugin(&j, list[i]);
	jsonout_close(&j, ']');
	encode_missing(r->service, &j);
	jsonout_close(&j, '}');
	reply_json(r, 200, &b);
}

void
h_own_operations(struct request *r)
{
	CLEANUP(strs_release) struct strs ids = { 0 };
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };

	if (!request_sync(r))
		return;
	service_list_operations(r->service, &ids);
	jsonout_open(&j, NULL, '{');
	jsonout_open(&j, "operations", '[');
	for (size_t i = 0; i < ids.n; i++) {
		RECORD_SCOPE struct operation *op =
			service_operation(r->service, ids.v[i]);

		if (op != NULL)
			encode_operation(&j, op);
	}
	jsonout_close(&j, ']');
	jsonout_close(&j, '}');
	reply_json(r, 200, &b);
}

void
h_own_operation(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };
	RECORD_SCOPE struct operation *op = NULL;

	if (!request_sync(r))
		return;
	op = service_operation(r->service, r->id);
	if (op == NULL) {
		reply_not_found(r);
		return;
	}
	encode_operation(&j, op);
	reply_json(r, 200, &b);
}

void
h_own_replicas(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };
	struct figure figures[SERVICE_FIGURES_MAX];
	struct replica_view *l;
	size_t n, nfigures;

	if (!request_sync(r))
		return;
	l = service_replicas(r->service, &n);
	nfigures = service_figures(r->service, figures);
	jsonout_open(&j, NULL, '{');
	jsonout_open(&j, "replicas", '[');
	for (size_t i = 0; i < n; i++)
		encode_replica(&j, &l[i], figures, nfigures);
	jsonout_close(&j, ']');
	jsonout_close(&j, '}');
	service_replicas_free(l, n);
	reply_json(r, 200, &b);
}

void
h_own_health(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };
	struct record **l;
	size_t n;

	if (!request_sync(r))
		return;
	l = service_unhealthy(r->service, &n);
	jsonout_open(&j, NULL, '{');
	jsonout_open(&j, "unhealthy", '[');
	for (size_t i = 0; i < n; i++)
		encode_health(&j, (const struct health *)l[i]);
	jsonout_close(&j, ']');
	jsonout_close(&j, '}');
	mirror_list_free(l, n);
	reply_json(r, 200, &b);
}
