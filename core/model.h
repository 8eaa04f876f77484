/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model: indexes over the mirror that the rules of the service need, kept
 * up to date by observing it.  All of it is guarded by the mirror's lock: read
 * between mirror_rdlock() and mirror_unlock().
 */
#ifndef MODEL_H
#define MODEL_H

#include "ages.h"
#include "relation.h"
#include "store/mirror.h"
#include "topology.h"

/* How many volumes ask for their type by a name. */
struct type_count {
	char *type;		/* durability.type; "" too */
	size_t volumes;
};

struct model {
	struct mirror *mirror;
	struct topology *topology;
	struct relation *nodes;		/* cluster -> nodes */
	struct relation *volumes;	/* cluster -> volumes, pending ones too */
	struct relation *hidden_volumes; /* cluster -> those being created */
	struct type_counts {
		struct type_count *v;
		size_t n, cap;
	} types;			/* few: looked through */
	struct relation *devices;	/* node -> devices */
	struct relation *bricks;	/* device -> "BRICK VOLUME" */
	struct relation *blockvolumes;	/* cluster -> block volumes, all */
	struct relation *hidden_blockvolumes; /* cluster -> those being created */
	struct relation *hosting;	/* cluster -> volumes that host such */
	struct relation *hosted;	/* hosting volume -> block volumes, all */
	/* "DEVICE POOL" -> "BRICK VOLUME" of bricks in thin pools that do not have
	 * their name: clones, and heketi's first bricks.
	 */
	struct relation *pool_mates;
	struct relation *leftovers;	/* "" -> their keys below admin/ */
	struct relation *open_ops;	/* "" -> operations that are not over */
	struct relation *ended_ops;	/* "" -> "ENDED_MS ID", oldest first */
	struct ages ages;		/* the thread's alone that forgets those */
	/* Told, under the lock, of ended operations (id) and of anything that
	 * should make all be looked at again (NULL).
	 */
	void (*on_ended)(void *arg, const char *id);
	void *on_ended_arg;
	/* Told, under the lock, that a replica came or went. */
	void (*on_replicas)(void *arg);
	void *on_replicas_arg;
};

/* Key of pool_mates. */
#define POOL_KEY_SIZE 512
void model_pool_key(const char *device, const char *pool, char ret[POOL_KEY_SIZE]);

struct model *model_new(struct mirror *);	/* before mirror_start */
void model_free(struct model *);

/* An operation is over when nobody works on it any more; for a client it has
 * ended a little earlier, when its undo got stuck.
 */
bool operation_is_over(const struct operation *);

#endif
