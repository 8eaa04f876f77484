/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scope-bound release of the things C makes easy to leak. */
#ifndef CLEANUP_H
#define CLEANUP_H

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((__cleanup__(fn)))
#define MUST_CHECK  __attribute__((__warn_unused_result__))
#define PRINTF(f, a) __attribute__((__format__(__printf__, f, a)))

/* Declare cleanup_FN() for a destructor that takes the pointer and accepts
 * NULL; then: CLEANUP(cleanup_FN) struct x *p = NULL;
 */
#define DEFINE_CLEANUP(type, fn)					\
	__attribute__((__unused__)) static inline void			\
	cleanup_##fn(type **p) { fn(*p); }

static inline void
cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void
cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void
cleanup_fclose(FILE **f)
{
	if (*f != NULL)
		fclose(*f);
}

static inline void
cleanup_mutex_unlock(pthread_mutex_t **m)
{
	int r = pthread_mutex_unlock(*m);

	assert(r == 0);
	(void)r;
}

static inline void
cleanup_rwlock_unlock(pthread_rwlock_t **m)
{
	int r = pthread_rwlock_unlock(*m);

	assert(r == 0);
	(void)r;
}

#define CLEANUP_FREE  CLEANUP(cleanup_free)
#define CLEANUP_CLOSE CLEANUP(cleanup_close)
#define CLEANUP_FCLOSE CLEANUP(cleanup_fclose)

#define PASTE_(a, b) a##b
#define PASTE(a, b)  PASTE_(a, b)

#define LOCK_SCOPE_(type, lockfn, fn, m, v)				\
	CLEANUP(fn) type *v = (m);					\
	do { int r_ = lockfn(v); assert(r_ == 0); (void)r_; } while (0)

/* Hold a lock until the end of the enclosing block. */
#define LOCK_FOR_SCOPE(m)						\
	LOCK_SCOPE_(pthread_mutex_t, pthread_mutex_lock,		\
		    cleanup_mutex_unlock, (m), PASTE(lock_, __COUNTER__))
#define RDLOCK_FOR_SCOPE(m)						\
	LOCK_SCOPE_(pthread_rwlock_t, pthread_rwlock_rdlock,		\
		    cleanup_rwlock_unlock, (m), PASTE(lock_, __COUNTER__))
#define WRLOCK_FOR_SCOPE(m)						\
	LOCK_SCOPE_(pthread_rwlock_t, pthread_rwlock_wrlock,		\
		    cleanup_rwlock_unlock, (m), PASTE(lock_, __COUNTER__))

/* Give an owned pointer away: yields it and forgets it. */
#define STEAL(p) ({ __typeof__(p) steal_ = (p); (p) = NULL; steal_; })

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
