/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files that admit block volumes. */
#ifndef SERVICE_BLOCK_H
#define SERVICE_BLOCK_H

#include "service-private.h"

struct block_create {
	struct service *service;
	const struct blockvolume_request *req;
	struct operation *op;
	struct blockvolume *proto;	/* without cluster and hosting */
};

/* Place a new volume for it in one of the clusters: ret, to be put by the caller.
 * ERR_BUSY while another one is being made.
 */
enum err MUST_CHECK service_make_hosting(const struct block_create *,
					 const struct strs *clusters,
					 struct volume **ret, struct txn *,
					 struct error *);

#endif
