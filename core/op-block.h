/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other operations have to do with block volumes. */
#ifndef OP_BLOCK_H
#define OP_BLOCK_H

#include "engine.h"

/* The host is no portal of the cluster's block volumes any more. */
enum err MUST_CHECK block_forget_host(struct op_run *, const char *cluster,
				      const char *host, struct error *);

#endif
