/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot with the links that heketi keeps on both sides. */
#ifndef DUMP_VIEW_H
#define DUMP_VIEW_H

#include "leftover.h"
#include "relation.h"
#include "store/mirror.h"

struct dump_view {
	const struct mirror_snapshot *snapshot;
	struct relation *nodes, *volumes, *blockvolumes;	/* of clusters */
	struct relation *devices;		/* of nodes */
	struct relation *bricks;		/* of devices */
	struct relation *hosted;		/* block volumes of volumes */
	struct dump_brick {
		const struct brick *brick;
		const struct volume *volume;
	} *v;					/* all bricks, in order of id */
	size_t n;
	struct leftover *left;			/* bricks that are nobody's */
	size_t nleft;
	/* What heketi has pending, with children, in order of id. */
	struct operation **ops;
	size_t nops;
};

void dump_view_init(struct dump_view *, const struct mirror_snapshot *);
void dump_view_release(struct dump_view *);

/* What heketi would not have in its database yet. */
bool dump_hides_node(const struct node *);
bool dump_hides_device(const struct device *);

const void *dump_find(const struct dump_view *, enum record_kind, const char *id);
/* NULL: no volume has it. */
const struct dump_brick *dump_brick(const struct dump_view *, const char *id);
/* What the bricks on a device take there, with what is left over. */
uint64_t dump_bricks_kib(const struct dump_view *, const char *device);
/* As pending_find_fn; arg is the view. */
const struct record *dump_find_record(void *arg, enum record_kind,
				      const char *id);
/* The operation that has the brick in hand, or "". */
void dump_brick_operation(const struct dump_view *, const struct dump_brick *,
			  char ret[ID_SIZE]);
/* storage[0] of the cluster's nodes, in order of node id.  ret was empty. */
void dump_hosts(const struct dump_view *, const char *cluster, struct strs *ret);

#endif
