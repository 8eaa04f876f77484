/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other operations have to do with block volumes. */
#ifndef OP_BLOCK_H
#define OP_BLOCK_H

#include "engine.h"

/* Choose the hosts of the operation's block volume b and put them into its
 * record: as many as it wants of those whose glusterd runs, or all there are.
 */
enum err MUST_CHECK block_choose_hosts(struct op_run *,
				       const struct brickyard_call *,
				       const struct blockvolume *b,
				       struct error *);

/* The host is no portal of the cluster's block volumes any more. */
enum err MUST_CHECK block_forget_host(struct op_run *, const char *cluster,
				      const char *host, struct error *);

#endif
