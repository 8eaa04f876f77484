/* SPDX-License-Identifier: BSD-2-Clause */
/* brickyard/volume-type.h - all that a volume-type plug-in may know.
 *
 * A volume type is pure: from the parameters of a request it says how many
 * bricks make a set, how large they are, which words `gluster volume create`
 * takes, and how many bricks of a set may be missing.  It never forks, never
 * sees a node, keeps no state, and gives the same answer to the same question.
 * The host may call it at any time from any thread (thread_model is ignored).
 *
 * Callbacks: validate and geometry are required.
 */
#ifndef BRICKYARD_VOLUME_TYPE_H
#define BRICKYARD_VOLUME_TYPE_H

#include <brickyard/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is asked.  params are the members of the request's durability object
 * that belong to this type ({"type":"replicate","replicate":{"replica":3}}
 * gives replica=3 to replicate; numbers as decimal text, negative ones with
 * '-'; absent members are absent).  options are the volume's options in order,
 * each "key value"; of equal keys the later wins.
 */
struct brickyard_volume_request {
	size_t size;
	size_t nparams;
	const struct brickyard_kv *params;
	size_t noptions;
	const char *const *options;
};

#define BRICKYARD_ROLE_DATA	1u
#define BRICKYARD_ROLE_ARBITER	2u	/* small, placed by the arbiter tags */

/* The shape of a volume; the host sets size and zeroes the rest, the plug-in
 * fills it in.
 */
struct brickyard_geometry {
	size_t size;
	uint32_t bricks_per_set;	/* 1..64 */
	uint32_t data_bricks;		/* a set holds data_bricks times the size
					 * of one data brick */
	uint32_t max_missing;		/* bricks of a set that may be missing
					 * while its data can still be read */
	uint32_t write_quorum;		/* bricks of a set that must be there to
					 * write */
	uint32_t sets_per_command;	/* sets given to one add-brick command;
					 * 0: the host chooses */
	uint32_t min_set_factor;	/* the smallest volume is this many times
					 * the smallest brick; 0 means 1 */
	/* since ABI 1.1 */
	uint32_t max_sets;		/* brick sets that a volume may have; 0:
					 * any number */
};

struct brickyard_volume_type {
	struct brickyard_plugin_head head;

	/* Names by which requests may ask for it in durability.type besides
	 * head.name, separated by commas; "" means a request that names none.
	 * NULL: no other.  Example: distribute answers to "none,".
	 */
	const char *request_names;

	/* Refuse what can't be built.  The text reaches the client as it is. */
	int (*validate)(const struct brickyard_volume_request *,
			struct brickyard_error *);

	/* Only called for a request that validate accepted. */
	int (*geometry)(const struct brickyard_volume_request *,
			struct brickyard_geometry *ret,
			struct brickyard_error *);

	/* Role of brick number i (0-based) of every set, BRICKYARD_ROLE_*.
	 * NULL: all are data.
	 */
	uint32_t (*role)(const struct brickyard_volume_request *, uint32_t i);

	/* Size of brick i of a set whose data bricks have data_brick_bytes,
	 * average_file_bytes being the average size of the files expected.
	 * NULL: all have data_brick_bytes.  Fails for what can't work.
	 */
	int (*brick_bytes)(const struct brickyard_volume_request *, uint32_t i,
			   uint64_t data_brick_bytes,
			   uint64_t average_file_bytes, uint64_t *ret_bytes,
			   struct brickyard_error *);

	/* Words between the volume's name and its bricks in `gluster volume
	 * create NAME … BRICKS`, one result_str(res, "word", w) each.
	 * NULL: none.  (`volume add-brick` takes none.)
	 */
	int (*create_words)(const struct brickyard_volume_request *,
			    struct brickyard_result *,
			    struct brickyard_error *);
};

#define BRICKYARD_VOLUME_TYPE_REGISTER(plugin, hostvar)			\
	BRICKYARD_REGISTER_(plugin, BRICKYARD_KIND_VOLUME_TYPE, hostvar)

#ifdef __cplusplus
}
#endif

#endif /* BRICKYARD_VOLUME_TYPE_H */
