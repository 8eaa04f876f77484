/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What gluster says of a volume's bricks before one of them is replaced. */
#ifndef HEAL_H
#define HEAL_H

#include "engine.h"

/* Which of the two bricks gluster has in the volume. */
struct presence {
	bool old, new_;
	bool asked;		/* false: no glusterd lives that could be */
	bool listed;		/* it said which bricks the volume has */
};

/* Asks any live node.  Every settled brick must be where the record has it, but
 * that either of the two may stand in the place of the old one: ERR_REFUSED if
 * not (ret is told nevertheless); ERR_NOTFOUND if there is no such volume.  old
 * and new_ are v's own; new_ may be NULL.
 */
enum err MUST_CHECK gluster_look(const struct engine_deps *,
				 const struct brickyard_call *,
				 const struct volume *, const struct brick *old,
				 const struct brick *new_, struct presence *ret,
				 struct error *);

/* May the brick go, as far as its data is concerned?  It must not be the source
 * of what is still to be healed, and enough of the others of its set must be
 * there.  ERR_INUSE with heketi's text: not now, but perhaps later.  ERR_EXEC:
 * gluster could not tell.
 */
enum err MUST_CHECK heal_check(const struct engine_deps *,
			       const struct brickyard_call *,
			       const struct volume *, const struct brick *,
			       struct error *);

#endif
