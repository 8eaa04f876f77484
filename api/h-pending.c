/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /operations/pending.  Runs on the workers of the API. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "api/bodies.h"
#include "api/encode.h"
#include "util/xalloc.h"

void
h_pending_list(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	CLEANUP_FREE struct pending_view *l = NULL;
	struct jsonout j = { .out = &b };
	size_t n = 0;

	if (!request_sync(r))
		return;
	l = service_pending_list(r->service, &n);
	jsonout_open(&j, NULL, '{');
	jsonout_open(&j, "pendingoperations", '[');
	for (size_t i = 0; i < n; i++)
		encode_pending_operation(&j, &l[i]);
	jsonout_close(&j, ']');
	jsonout_close(&j, '}');
	reply_json(r, 200, &b);
}

void
h_pending_info(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct pending_view v = { .id = "" };
	struct jsonout j = { .out = &b };

	if (!request_sync(r))
		return;
	if (service_pending(r->service, r->id, &v)) {
		encode_pending_details(&j, &v);
		pending_changes_release(&v.changes);
		reply_json(r, 200, &b);
		return;
	}
	buf_addf(&b, "Id not found: %s", r->id);
	reply_text(r, 404, buf_str(&b));
}

/* ---- cleaning up ---- */

struct clean_body {
	struct strs operations;
};

static const struct gojson_field clean_fields[] = {
	{ "operations", GOJSON_STRINGS,
	  offsetof(struct clean_body, operations), NULL },
	GOJSON_END
};

static void
clean_body_release(struct clean_body *b)
{
	gojson_release(clean_fields, b);
}

void
h_pending_clean(struct request *r)
{
	CLEANUP(clean_body_release) struct clean_body b = { { 0 } };
	CLEANUP(faults_release) struct faults f = { .v = { 0 } };
	struct error err = { .code = ERR_OK };
	char op[ID_SIZE] = "";

	if (!request_decode(r, "PendingOperationsCleanRequest", clean_fields,
			    &b))
		return;
	check_ids(&f, "operations", &b.operations);
	if (!request_check(r, &f) || !request_sync(r))
		return;
	reply_async(r, service_clean_operations(r->service, &b.operations, op,
						&err), op, &err);
}
