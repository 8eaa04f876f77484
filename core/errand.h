/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call that may never come back, made on another thread.  Threads are kept for
 * the next one; that which is lost keeps its own.
 */
#ifndef ERRAND_H
#define ERRAND_H

#include <stdbool.h>

typedef void errand_fn(void *arg);

/* True: fn(arg) is done.  False: it was not within ms; arg belongs to it now, and
 * late(arg) is called on its thread if it ever comes back.
 */
bool errand_run(errand_fn *fn, errand_fn *late, void *arg, int ms);

#endif
