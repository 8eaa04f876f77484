/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects for Kubernetes that setup-openshift-heketi-storage writes. */
#ifndef CLI_STORAGE_LIST_H
#define CLI_STORAGE_LIST_H

#include <jansson.h>

#include "util/buf.h"

struct storage_job {
	const char *image;	/* of the container that copies */
	const char *selector;	/* "key=value"; anything else: none */
};

/* Subsets of an Endpoints object: one for each host of the volume. */
json_t *endpoint_subsets(const json_t *volume);
/* The List: a secret with the database, endpoints and service for the volume,
 * and the job that copies the one to the other.
 */
json_t *storage_list(const json_t *volume, const struct buf *db,
		     const struct storage_job *);

#endif
