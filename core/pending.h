/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations as heketi's clients know them: pending operations with a number,
 * a list of changes and a status (heketi-behaviour, section 5).  All of it is
 * derived from the durable record; nothing is kept.
 *
 *	status	what it says in heketi		when we say it
 *	""	new: somebody is at work	its owner is there
 *	stale	its process is gone		its owner is gone, and nobody has
 *						adopted it yet: a moment only
 *	failed	its rollback failed		stuck: its undo failed, and is
 *						tried again
 *
 * Of what heketi keeps no record of (adding a node, …) clients hear only when it
 * is stuck, so that nobody has to look for it elsewhere.
 *
 * Where a device is removed, heketi has an operation for the device and, below it,
 * one for the brick that is moved.  Ours is one; its child is made when asked for.
 */
#ifndef PENDING_H
#define PENDING_H

#include "store/record.h"

/* heketi's number of a kind; 0: it has none. */
int pending_type(enum op_kind);
/* Is it one that heketi's clients are told of, and is it not over? */
bool pending_is_shown(const struct operation *);

enum pending_status { PENDING_NEW, PENDING_STALE, PENDING_FAILED };
enum pending_status pending_status(const struct operation *, bool owner_is_alive);
const char *pending_status_name(enum pending_status);	/* "", "stale", … */

/* heketi's numbers, which it keeps in its database. */
enum pending_change_number {
	CHANGE_ADD_BRICK = 1, CHANGE_ADD_VOLUME, CHANGE_DELETE_BRICK,
	CHANGE_DELETE_VOLUME, CHANGE_EXPAND_VOLUME, CHANGE_ADD_BLOCKVOLUME,
	CHANGE_DELETE_BLOCKVOLUME, CHANGE_REMOVE_DEVICE, CHANGE_CLONE_VOLUME,
	CHANGE_SNAPSHOT_VOLUME, CHANGE_ADD_CLONE, CHANGE_CHILD, CHANGE_PARENT,
	CHANGE_EXPAND_BLOCKVOLUME
};
const char *pending_change_text(int number);		/* "Add brick" */

struct pending_changes {
	struct pending_change {
		int number;
		char id[ID_SIZE];
		int64_t delta_gib;	/* of those that expand; else -1 */
	} *v;
	size_t n, cap;
};

/* Finds a record by kind and id; lent until the changes are made. */
typedef const struct record *pending_find_fn(void *arg, enum record_kind,
					     const char *id);
/* What the operation changes, in heketi's order.  ret was empty. */
void pending_changes(const struct operation *, pending_find_fn *, void *arg,
		     struct pending_changes *ret);
void pending_changes_release(struct pending_changes *);

/* The eviction that heketi has as a child of the one that removes a device, while a
 * brick is moved: made of its parent, with an id of its own; to be unreferenced.
 * NULL: there is none.
 */
struct operation *pending_child(const struct operation *parent);
/* The operation that a brick is marked with in heketi, which may be such a child;
 * "" or into ret.  find and arg as above.
 */
void pending_brick_operation(const struct volume *, const struct brick *,
			     pending_find_fn *find, void *arg,
			     char ret[ID_SIZE]);

/* Is the volume pending in heketi's sense?  (While it expands it is not.)  */
bool pending_volume(const struct volume *);
/* The operation that makes or removes the brick, or "". */
const char *pending_brick(const struct volume *, const struct brick *);

#endif
