/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two clocks, in milliseconds.  Deadlines are always monotonic; wall time
 * is only for what people read and what crosses processes.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <pthread.h>
#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void);
/* A condition variable whose timed wait uses the monotonic clock. */
void cond_init_mono(pthread_cond_t *);
/* Wait until signalled or deadline_ms (monotonic); returns ETIMEDOUT or 0. */
int cond_wait_until(pthread_cond_t *, pthread_mutex_t *, int64_t deadline_ms);

#endif
