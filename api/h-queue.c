/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /queue and /operations.  Runs on the workers of the API.  A poll on a running
 * operation is handed back to be held; no thread waits.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "api/encode.h"
#include "api/request.h"

static void
answer_ended(struct request *r, const struct operation *op)
{
	if (op->status != OP_DONE)
		reply_text(r, 500, op->error != NULL ? op->error :
						       "operation failed");
	else if (op->location != NULL && *op->location != '\0')
		reply_redirect(r, 303, op->location);
	else
		reply_empty(r, 204);
}

void
h_queue(struct request *r)
{
	RECORD_SCOPE struct operation *op = NULL;

	if (!request_sync(r))
		return;
	op = service_operation(r->service, r->id);
	if (op == NULL) {
		reply_not_found(r);
		return;
	}
	if (operation_is_ended(op)) {
		answer_ended(r, op);
		return;
	}
	reply_empty(r, 200);
	r->reply.pending = true;
	memcpy(r->wait_for, op->id, sizeof(r->wait_for));
}

void
h_operation_counts(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };
	struct operation_counts counts = { 0 };

	if (!request_sync(r))
		return;
	service_operation_counts(r->service, &counts);
	encode_operation_counts(&j, &counts);
	reply_json(r, 200, &b);
}
