/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volume types as the core uses them: the defaults of optional members live
 * here and nowhere else.
 */
#ifndef VOLUME_TYPE_H
#define VOLUME_TYPE_H

#include "plugin.h"
#include "store/record.h"

/* The shape of one volume, from its type, parameters and options. */
struct shape {
	const struct plugin *plugin;
	struct shape_question *question;
	struct brickyard_geometry geometry;
	uint32_t roles[64];
	struct shape_sizes *sizes;	/* asked last; of who has the shape */
};

/* How long a plug-in may think about a question, in ms; then ERR_INTERNAL, and it is
 * asked nothing more before it came back.  0 (at first): for ever, on the caller's
 * own thread.  Before there are other threads.
 */
void shape_set_patience(int ms);

/* type: durability.type of the request; params: as in struct volume.  Errors
 * are heketi's texts: ERR_BADREQ "Unknown durability type", or what the
 * plug-in's validate says.
 */
enum err MUST_CHECK shape_init(struct shape *, const struct plugin_host *,
			       const char *type, const struct kvs *params,
			       const struct strs *options, struct error *);
void shape_release(struct shape *);

enum err MUST_CHECK shape_brick_bytes(const struct shape *, uint32_t i,
				      uint64_t data_brick_bytes,
				      uint64_t average_file_bytes,
				      uint64_t *ret, struct error *);
enum err MUST_CHECK shape_create_words(const struct shape *, struct strs *ret,
				       struct error *);

#endif
