/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /db and /backup/db: the whole database at once.  Runs on the slow workers of
 * the API, since it may take a while where there is much.
 */
#include <config.h>

#include <stdio.h>

#include "api/dump.h"
#include "api/request.h"

typedef enum err encode_fn(const struct mirror_snapshot *, struct buf *,
			   struct error *);

static enum err
encode_check(const struct mirror_snapshot *s, struct buf *b, struct error *err)
{
	return dump_check(s, b, NULL, err);
}

/* false: answered with why not. */
static bool
encode(struct request *r, encode_fn *fn, struct buf *b)
{
	CLEANUP(mirror_snapshot_release) struct mirror_snapshot s = { 0 };
	struct error err = { .code = ERR_OK };

	if (!request_sync(r))
		return false;
	service_snapshot(r->service, &s);
	if (fn(&s, b, &err) == ERR_OK)
		return true;
	reply_text(r, 500, err.text);
	return false;
}

static void
answer(struct request *r, encode_fn *fn)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	if (encode(r, fn, &b))
		reply_json(r, 200, &b);
}

void
h_db_dump(struct request *r)
{
	answer(r, dump_encode);
}

void
h_db_check(struct request *r)
{
	answer(r, encode_check);
}

/* heketi sends its database file.  What can be restored here is the dump, which
 * "brickyardd db import" reads.
 */
void
h_backup(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	if (!encode(r, dump_encode, &b))
		return;
	buf_adds(&b, "\n");
	reply_attachment(r, "heketi.db", &b);
}
