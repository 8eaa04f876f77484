/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heketi's dump: the JSON of `heketi db export`, `heketi-cli db dump` and
 * GET /db/dump, as records.  Reading it finds fault with what does not fit
 * together; what to do about operations that were under way is asked
 * afterwards.  One thread; owned by the caller.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include "store/bulk.h"
#include "store/record.h"

/* heketi's numbers, which are in dumps. */
enum import_op_type {
	IMPORT_OP_CREATE_VOLUME = 1,
	IMPORT_OP_DELETE_VOLUME,
	IMPORT_OP_EXPAND_VOLUME,
	IMPORT_OP_CREATE_BLOCK,
	IMPORT_OP_DELETE_BLOCK,
	IMPORT_OP_REMOVE_DEVICE,
	IMPORT_OP_CLONE_VOLUME,
	IMPORT_OP_EVICT_BRICK,
	IMPORT_OP_EXPAND_BLOCK,
};

enum import_change {
	IMPORT_ADD_BRICK = 1,
	IMPORT_ADD_VOLUME,
	IMPORT_DELETE_BRICK,
	IMPORT_DELETE_VOLUME,
	IMPORT_EXPAND_VOLUME,	/* delta: GiB */
	IMPORT_ADD_BLOCK,
	IMPORT_DELETE_BLOCK,
	IMPORT_REMOVE_DEVICE,
	IMPORT_CLONE_FROM,
	IMPORT_SNAPSHOT,
	IMPORT_ADD_CLONE,		/* heketi calls it "Expand volume to" */
	IMPORT_CHILD,
	IMPORT_PARENT,
	IMPORT_EXPAND_BLOCK_TO,	/* delta: the new size, GiB */
};

struct import_action {
	int64_t change;			/* enum import_change, or what is newer */
	char id[ID_SIZE];
	int64_t delta;
};

struct import_op {
	char id[ID_SIZE];
	int64_t type;			/* enum import_op_type, or what is newer */
	int64_t started_s;
	char *status;
	struct import_action *v;
	size_t n, cap;
};

/* A brick that no volume lists. */
struct import_brick {
	struct brick b;
	char volume[ID_SIZE];		/* the one that it names, or "" */
	bool linked;			/* while reading: a volume took it over */
};

struct import {
	/* In order of id; RECORD_OPERATION: ours, made by import_settle. */
	struct records {
		struct record **v;
		size_t n, cap;
	} of[RECORD_KINDS];
	struct import_bricks {
		struct import_brick *v;
		size_t n, cap;
	} strays;
	struct import_ops {
		struct import_op *v;
		size_t n, cap;
	} ops;				/* pending */
	struct strs errors;		/* why it can't be imported */
	struct strs warnings;		/* what was put right, or is odd */
	struct strs attributes;		/* of the database, that heketi 10 has not */
	size_t nbricks;
	/* Lent: what the clones of heketi's operations are called, where that is
	 * known; it is in no dump.
	 */
	const struct kvs *clone_names;
};

/* ERR_NOTFOUND, ERR_PARSE: no such file, no such thing as a dump.  Faults of
 * its contents are in ret->errors.
 */
enum err MUST_CHECK import_read(const char *path, struct import *ret,
			      struct error *);
void import_release(struct import *);

/* NULL: there is none. */
struct record *import_find(const struct import *, enum record_kind, const char *id);
void import_error(struct import *, const char *fmt, ...) PRINTF(2, 3);
void import_warn(struct import *, const char *fmt, ...) PRINTF(2, 3);

/* What to do about operations that heketi had under way. */
enum import_pending {
	IMPORT_REFUSE,	/* each is an error */
	IMPORT_CLEAN,	/* become ours, which clean up on the nodes */
	IMPORT_DROP,	/* forgotten; what they left on nodes is warned of */
};
void import_settle(struct import *, enum import_pending);
/* Make an operation of ours of it; false: that can't be done. */
bool import_clean(struct import *, const struct import_op *);

/* Is there no other brick with its path?  In heketi the bricks of a clone have their
 * sources' until they are made.
 */
bool import_has_own_path(const struct import *, const struct brick *);
/* The space of a brick, unless another one lives in the same thin pool. */
void import_give_back(struct import *, const struct brick *);
/* What its block volumes and the reserve leave of a hosting volume. */
uint64_t import_hosting_free(const struct import *, const struct volume *);
/* Leave out what belongs to nothing, instead of refusing it: errors about
 * strays, and attributes that nobody knows, become warnings.  After import_settle.
 */
void import_check_strays(struct import *, bool leave_out);

/* The logical volumes of clones, as gluster has named them. */
void import_name_clones(struct import *);

/* References, names, accounts; after import_settle and when every volume has its
 * bricks_per_set.
 */
void import_check(struct import *);

/* The documents of all records and of the index, in order of keys.  Names that
 * are there twice are errors.
 */
void import_documents(struct import *, struct docs *ret);

#endif
