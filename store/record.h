/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records: what is kept in the store, one JSON document each, as plain C
 * structs.  store/codec.c turns them into JSON and back; nobody else does.
 *
 * A record that came out of the mirror is immutable and reference-counted:
 * take it with mirror_get(), give it back with record_unref().  To change one,
 * take a private copy (X_copy), change that, and commit it guarded by the
 * revision of the original.
 *
 * Sizes are bytes.  Times are wall-clock milliseconds since 1970.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/id.h"
#include "util/strs.h"

/* Version written into every document ("v"); a higher one is unreadable. */
#define RECORD_SCHEMA 1

enum record_kind {
	RECORD_CLUSTER,		/* clusters/ID */
	RECORD_NODE,		/* nodes/ID */
	RECORD_DEVICE,		/* devices/ID */
	RECORD_VOLUME,		/* volumes/ID, its bricks inside */
	RECORD_OPERATION,	/* operations/ID */
	RECORD_REPLICA,		/* replicas/ID, on the replica's lease */
	RECORD_INDEX,		/* index/…: a name that is taken, and by whom */
	RECORD_SLOT,		/* slots/N: a place among the running operations */
	RECORD_ADMIN,		/* admin/…: cluster-wide switches */
	RECORD_DUTY,		/* duties/NAME, on its holder's lease */
	RECORD_HEALTH,		/* health/NODE, of those that are not well */
	RECORD_BLOCKVOLUME,	/* blockvolumes/ID */
	RECORD_KINDS
};

struct record {
	enum record_kind kind;
	_Atomic int refs;
	char *key;		/* whole key below the store's prefix */
	int64_t revision;	/* at which the store last changed it; 0: never stored */
};

enum state { STATE_ONLINE, STATE_OFFLINE, STATE_FAILED };
const char *state_name(enum state);			/* heketi's words */
bool state_parse(const char *name, enum state *ret);

struct cluster {
	struct record r;
	char id[ID_SIZE];
	bool file, block;	/* kinds of volume that may be placed here */
};

struct node {
	struct record r;
	char id[ID_SIZE];
	char cluster[ID_SIZE];
	int64_t zone;
	struct strs manage, storage;	/* host names; the first counts */
	struct kvs tags;
	enum state state;
	char pending[ID_SIZE];	/* operation that adds or deletes it, or "" */
	bool adding;		/* pending, and not yet to be seen by clients */
};

struct device {
	struct record r;
	char id[ID_SIZE];
	char node[ID_SIZE];
	char *name;		/* /dev/sdb, or a directory */
	uint32_t kind;		/* BRICKYARD_DEVICE_*, 0 while being added */
	struct kvs tags;
	enum state state;
	uint64_t total_bytes;
	uint64_t used_bytes;	/* promised to bricks; free = total - used */
	uint64_t extent_bytes;
	char *pv_uuid;		/* NULL: none */
	struct strs paths;
	char pending[ID_SIZE];	/* operation that adds or deletes it, or "" */
	bool adding;		/* pending, and not yet to be seen by clients */
	bool destroy_data;	/* as the add request said */
};

struct brick {
	char id[ID_SIZE];
	char device[ID_SIZE];
	char node[ID_SIZE];
	char *host;		/* storage host of the node when it was made */
	char *path;		/* what gluster is given: mount + "/brick" */
	char *lv, *thin_pool;
	uint64_t size_bytes;
	uint64_t thin_pool_bytes;
	uint64_t metadata_bytes;
	uint32_t role;		/* BRICKYARD_ROLE_* */
	char pending[ID_SIZE];	/* operation that makes or removes it, or "" */
};

enum volume_pending {		/* what the pending operation does */
	VOLUME_SETTLED,
	VOLUME_CREATING,	/* not to be seen by clients */
	VOLUME_DELETING,	/* seen until it is gone, as heketi does */
	VOLUME_EXPANDING,
	VOLUME_CLONING,		/* it is being cloned: seen, may not change */
	VOLUME_EVICTING,	/* one of its bricks is being replaced */
	VOLUME_RESTRICTING,	/* its block restriction is being changed */
};

/* May block volumes be put on a hosting volume? heketi's words. */
enum restriction { RESTRICTION_NONE, RESTRICTION_LOCKED, RESTRICTION_LOCKED_BY_UPDATE };
const char *restriction_name(enum restriction);		/* "", "locked", … */
bool restriction_parse(const char *name, enum restriction *ret);

struct volume {
	struct record r;
	char id[ID_SIZE];
	char cluster[ID_SIZE];
	char *name;
	uint64_t size_bytes;
	char *type;		/* durability.type as requested; "" if omitted */
	/* The request's durability members, echoed to clients and given to the
	 * volume type: "replicate.replica" = "3", "disperse.data" = "4", …
	 */
	struct kvs params;
	int64_t gid;
	struct strs options;	/* all, in order, with pre and post options */
	bool block;
	/* Of a block-hosting volume: 98 % of its size less what block volumes
	 * took, and the rest (heketi-behaviour 3.8).
	 */
	uint64_t block_free_bytes, block_reserved_bytes;
	enum restriction restriction;
	bool snapshot_enable;
	double snapshot_factor;	/* 1 when snapshots are off */
	uint32_t bricks_per_set;
	struct brick *bricks;	/* whole sets, in gluster's order */
	size_t nbricks;
	enum volume_pending doing;
	char pending[ID_SIZE];	/* operation at work on it, or "" */
	struct strs clusters;	/* those that the request named */
};

/* A block volume: a file on a block-hosting volume that gluster-block exports
 * over iSCSI.  Its space is taken from that volume's block_free_bytes.
 */
struct blockvolume {
	struct record r;
	char id[ID_SIZE];
	char cluster[ID_SIZE];
	char hosting[ID_SIZE];	/* the volume it is on */
	char *name;
	uint64_t size_bytes;
	uint64_t usable_bytes;	/* less than size while a resize is not whole; 0: size */
	int64_t hacount;
	bool auth;
	struct strs hosts;	/* portals */
	char *iqn, *username, *password;	/* NULL: none */
	int64_t lun;
	enum volume_pending doing;
	char pending[ID_SIZE];	/* operation at work on it, or "" */
	struct strs clusters;	/* those that the request named */
};

enum op_kind {
	OP_VOLUME_CREATE, OP_VOLUME_DELETE, OP_VOLUME_EXPAND,
	OP_NODE_ADD, OP_NODE_DELETE, OP_NODE_STATE,
	OP_DEVICE_ADD, OP_DEVICE_DELETE, OP_DEVICE_STATE, OP_DEVICE_RESYNC,
	OP_VOLUME_CLONE, OP_BRICK_EVICT, OP_DEVICE_REMOVE, OP_NODE_REMOVE,
	OP_BLOCK_CREATE, OP_BLOCK_DELETE, OP_BLOCK_EXPAND, OP_BLOCK_RESTRICT,
	OP_CLEAN,
	OP_KINDS
};
const char *op_kind_name(enum op_kind);		/* "create-volume", … */

enum op_status {
	OP_RUNNING,		/* going forward */
	OP_UNDOING,		/* a stage failed; going back */
	OP_DONE,		/* ended well */
	OP_FAILED,		/* ended with .error; nothing left behind */
	OP_STUCK,		/* ended with .error for the client, but its undo
				 * failed too: tried again until it works */
};
const char *op_status_name(enum op_status);

struct operation {
	struct record r;
	char id[ID_SIZE];	/* also the id of /queue/ID */
	enum op_kind kind;
	enum op_status status;
	uint32_t stage;		/* number of stages done (or, undoing, not yet undone) */
	uint32_t attempt;	/* placements tried before this one */
	char target[ID_SIZE];	/* the volume, node, device */
	char cluster[ID_SIZE];
	char owner[ID_SIZE];	/* replica at work on it */
	uint64_t epoch;		/* grows with each change of owner: the fence */
	struct kvs args;	/* what the kind needs besides */
	struct strs bricks;	/* ids of bricks that it makes or removes */
	struct strs avoid;	/* devices that failed in earlier attempts */
	int64_t slot;		/* slots/N that it holds, -1: none */
	char *location;		/* where the result is, NULL: 204 */
	enum err error_code;
	char *error;		/* NULL: none */
	int64_t created_ms, updated_ms, ended_ms;
};

struct replica {
	struct record r;
	char id[ID_SIZE];
	char *host;
	char *listen;
	char *version;
	int64_t pid;
	int64_t started_ms;
};

struct health {
	struct record r;
	char id[ID_SIZE];	/* the node's */
	int64_t since_ms;	/* when it was first seen so */
	int64_t seen_ms;	/* ... and about when last */
	char *why;
};

struct index_entry {		/* also slots, admin values and duties */
	struct record r;
	char *value;
};

/* The key admin/copying: as long as it is in a store, a copy into that (copy.h) is
 * not complete.  Its value tells where from.
 */
#define RECORD_COPYING "copying"
/* The key admin/generation: an id that the store got when it was first used, or
 * imported into; heketi's DB_GENERATION_ID.
 */
#define RECORD_GENERATION "generation"

/* Kind of the object that a key names; RECORD_KINDS for none. */
enum record_kind record_kind_of(const char *key);
const char *record_prefix(enum record_kind);	/* "volumes/" */

struct record *record_ref(const struct record *);	/* same object, one more */
void record_unref(struct record *);			/* accepts NULL */
static inline void
cleanup_record(void *p)
{
	record_unref(*(struct record **)p);
}
/* RECORD_SCOPE struct volume *v = …;  given back at the end of the block. */
#define RECORD_SCOPE CLEANUP(cleanup_record)

/* New records start with one reference, revision 0, and their key set.  (The key
 * of index_new is given without its kind's prefix.)
 */
struct cluster *cluster_new(const char *id);
struct node *node_new(const char *id);
struct device *device_new(const char *id);
struct volume *volume_new(const char *id);
struct operation *operation_new(const char *id);
struct replica *replica_new(const char *id);
struct health *health_new(const char *id);
struct blockvolume *blockvolume_new(const char *id);
/* key: what comes after the "index/", "slots/", … of the kind. */
struct index_entry *index_new(enum record_kind, const char *key, const char *value);

/* Deep copies to be changed; they keep key and revision of the original. */
struct cluster *cluster_copy(const struct cluster *);
struct node *node_copy(const struct node *);
struct device *device_copy(const struct device *);
struct volume *volume_copy(const struct volume *);
struct blockvolume *blockvolume_copy(const struct blockvolume *);
struct operation *operation_copy(const struct operation *);

/* Make room for n bricks at the end of v, zeroed; returns the first. */
struct brick *volume_grow(struct volume *v, size_t n);
void volume_remove_bricks(struct volume *v, const char *pending);
						/* those with this .pending */
void brick_release(struct brick *);
/* The same kind and size of volume, without bricks and operations. */
struct volume *volume_new_like(const struct volume *, const char *id,
			       const char *name);
/* For a clone: bring v's bricks into the order in which `as` has those whose thin
 * pools they share; false: they are not those.
 */
bool volume_order_like(struct volume *v, const struct volume *as);

#endif
