/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lane: a few threads that run requests in the order they came, and a bounded
 * queue before them.
 */
#ifndef LANE_H
#define LANE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

struct lane;
struct request;

/* run is called on one of the threads, which are named after the lane. */
enum err MUST_CHECK lane_new(const char *name, int threads, size_t max_waiting,
			     void (*run)(struct request *), struct lane **ret,
			     struct error *);
/* false: too many wait already.  force: let it in all the same. */
bool lane_push(struct lane *, struct request *, bool force);
size_t lane_waiting(struct lane *);
/* Runs what still waits, then joins the threads.  Accepts NULL. */
void lane_free(struct lane *);

#endif
