/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /bricks, and /v1/leftovers.  Runs on the workers of the API. */
#include <config.h>

#include "api/bodies.h"

void
h_brick_evict(struct request *r)
{
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";
	bool heal = true;

	if (!request_decode_evict(r, &heal) || !request_sync(r))
		return;
	reply_async(r, service_brick_evict(r->service, r->id, heal, op, &err),
		    op, &err);
}

static void
encode_leftover(struct jsonout *j, const struct leftover_view *l)
{
	jsonout_open(j, NULL, '{');
	jsonout_str(j, "brick", l->brick.id);
	jsonout_str(j, "volume", l->volume);
	jsonout_str(j, "node", l->brick.node);
	jsonout_str(j, "device", l->brick.device);
	jsonout_str(j, "path", l->brick.path);
	jsonout_str(j, "lv", l->brick.lv);
	jsonout_str(j, "thin_pool", l->brick.thin_pool);
	jsonout_uint(j, "bytes", l->brick.thin_pool_bytes +
				 l->brick.metadata_bytes);
	jsonout_int(j, "since_ms", l->since_ms);
	jsonout_str(j, "why", l->why);
	jsonout_close(j, '}');
}

void
h_own_leftovers(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };
	struct leftover_view *v;
	size_t n;

	if (!request_sync(r))
		return;
	v = service_leftovers(r->service, &n);
	jsonout_open(&j, NULL, '{');
	jsonout_open(&j, "leftovers", '[');
	for (size_t i = 0; i < n; i++)
		encode_leftover(&j, &v[i]);
	jsonout_close(&j, ']');
	jsonout_close(&j, '}');
	service_leftovers_free(v, n);
	reply_json(r, 200, &b);
}
