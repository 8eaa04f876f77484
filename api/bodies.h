/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Request bodies that more than one object has. */
#ifndef BODIES_H
#define BODIES_H

#include "api/request.h"
#include "api/validate.h"

/* Answers 400 and is false if anything failed. */
bool request_check(struct request *, const struct faults *);
/* The body of POST …/state; false: answered. */
bool request_decode_state(struct request *, enum state *ret, bool *ret_heal);
/* The optional body of POST /bricks/to-evict/…; false: answered. */
bool request_decode_evict(struct request *, bool *ret_heal);

#endif
