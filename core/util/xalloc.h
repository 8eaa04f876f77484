/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocation that aborts when memory is out.  Honest only because everything
 * that a client can size is capped where it enters; see HACKING.
 */
#ifndef XALLOC_H
#define XALLOC_H

#include <stdarg.h>
#include <stddef.h>

#include "util/cleanup.h"

void *xcalloc(size_t n, size_t size);
/* Resize an array to n elements; new elements are not cleared. */
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);			/* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
void *xmemdup(const void *p, size_t n);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);
char *xvasprintf(const char *fmt, va_list ap) PRINTF(1, 0);

#define XNEW(type) ((type *)xcalloc(1, sizeof(type)))

/* Append room for one element to a {v, n, cap} vector and yield its address:
 *	*VEC_PUSH(&list) = x;
 */
#define VEC_PUSH(vec) ({						\
	__typeof__(vec) vec_ = (vec);					\
	if (vec_->n == vec_->cap) {					\
		vec_->cap = vec_->cap ? vec_->cap * 2 : 8;		\
		vec_->v = xreallocarray(vec_->v, vec_->cap,		\
					sizeof(vec_->v[0]));		\
	}								\
	&vec_->v[vec_->n++]; })

#endif
