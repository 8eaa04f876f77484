/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A gate: at most so many at a time get through with the same key, in the order
 * in which they came.  Whoever waits is let go when its call is over.
 */
#ifndef GATE_H
#define GATE_H

#include <pthread.h>

#include <brickyard/executor.h>

#include "util/error.h"

/* On the stack of the thread that waits or is inside. */
struct gate_ticket {
	const char *key;
	size_t limit;		/* as many of this key; 0: any number */
	struct gate_ticket *next;
};

struct gate {
	pthread_mutex_t lock;	/* guards tickets; never held inside */
	pthread_cond_t changed;	/* some ticket went away */
	struct gate_ticket *tickets;
};

void gate_init(struct gate *);
void gate_release(struct gate *);	/* nobody may be inside */

/* ERR_OK: inside, and gate_leave must follow.  ERR_TIMEOUT: the call was over
 * when it came; ERR_BUSY: it was over before there was room; ERR_CANCELLED.
 * what is for the error's text.
 */
enum err MUST_CHECK gate_enter(struct gate *, struct gate_ticket *,
			       const struct brickyard_call *, const char *what,
			       struct error *);
void gate_leave(struct gate *, struct gate_ticket *);

#endif
