/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as clients see them: heketi's objects, and ours of /v1.  Bytes become
 * KiB and GiB here and nowhere else.
 */
#ifndef ENCODE_H
#define ENCODE_H

#include "api/jsonout.h"
#include "service.h"

void encode_cluster(struct jsonout *, const struct cluster *,
		    const struct strs *nodes, const struct strs *volumes,
		    const struct strs *blockvolumes);

/* A device with what is on it. */
struct device_view {
	struct device *device;
	struct brick_on_device *bricks;
	size_t nbricks;
};

void encode_device(struct jsonout *, const struct device_view *);
void encode_node(struct jsonout *, const struct node *,
		 const struct device_view *, size_t n);
/* hosts: the storage hosts of the volume's cluster; blockvolumes: those it
 * hosts.
 */
void encode_volume(struct jsonout *, const struct volume *,
		   const struct strs *hosts, const struct strs *blockvolumes);
/* With its password: for its clients, never for a log. */
void encode_blockvolume(struct jsonout *, const struct blockvolume *);
/* One that is to take another's place is part of its volume, and of its device, when
 * it has.
 */
bool brick_is_listed(const struct volume *, const struct brick *);
/* Parts of these, as the dump of the database has them, too. */
void encode_brick(struct jsonout *, const char *key, const struct brick *,
		  const char *volume);
void encode_storage(struct jsonout *, const struct device *);
void encode_hostnames(struct jsonout *, const struct node *);
void encode_durability(struct jsonout *, const struct volume *);
void encode_snapshot(struct jsonout *, const struct volume *);
void encode_mount(struct jsonout *, const struct volume *,
		  const struct strs *hosts);
/* {"NAME":[…]} */
void encode_list(struct jsonout *, const char *name, const struct strs *);
void encode_operation_counts(struct jsonout *, const struct operation_counts *);

void encode_pending_operation(struct jsonout *, const struct pending_view *);
void encode_pending_details(struct jsonout *, const struct pending_view *);

/* ---- /v1 ---- */
void encode_operation(struct jsonout *, const struct operation *);
void encode_health(struct jsonout *, const struct health *);
/* figures: of the one that answers; none for others. */
void encode_replica(struct jsonout *, const struct replica_view *,
		    const struct figure *, size_t nfigures);
void encode_plugin(struct jsonout *, const struct plugin *);

#endif
