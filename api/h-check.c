/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /v1/nodes/{id}/check: what an operator should know of a node.  Waits for
 * the node, so it runs on the slow lane.
 */
#include <config.h>

#include <string.h>

#include "api/encode.h"
#include "api/request.h"

static const char *
worst(const struct brickyard_result *res)
{
	const char *ret = "ok";

	for (size_t i = 0; i < res->records.n; i++) {
		const char *v = result_get(res, i, "verdict");

		if (v != NULL && strcmp(v, "failed") == 0)
			return "failed";
		if (v != NULL && strcmp(v, "warning") == 0)
			ret = "warning";
	}
	return ret;
}

static void
encode_check(struct jsonout *j, const struct brickyard_result *res, size_t i)
{
	static const char *const keys[] = { "check", "verdict", "text" };
	const char *remedy = result_get(res, i, "remedy");

	if (result_get(res, i, "check") == NULL)
		return;
	jsonout_open(j, NULL, '{');
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		const char *v = result_get(res, i, keys[k]);

		jsonout_str(j, keys[k], v != NULL ? v : "");
	}
	if (remedy != NULL)
		jsonout_str(j, "remedy", remedy);
	jsonout_close(j, '}');
}

static void
answer(struct request *r, const struct brickyard_result *res)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };

	jsonout_open(&j, NULL, '{');
	jsonout_str(&j, "node", r->id);
	jsonout_str(&j, "verdict", worst(res));
	jsonout_open(&j, "checks", '[');
	for (size_t i = 0; i < res->records.n; i++)
		encode_check(&j, res, i);
	jsonout_close(&j, ']');
	jsonout_close(&j, '}');
	reply_json(r, 200, &b);
}

void
h_own_node_check(struct request *r)
{
	CLEANUP(result_release) struct brickyard_result res;
	struct error err = { .code = ERR_OK };

	result_init(&res);
	if (!request_sync(r))
		return;
	if (service_node_probe(r->service, r->id, &res, &err) == ERR_OK)
		answer(r, &res);
	else
		reply_error(r, &err);
}
