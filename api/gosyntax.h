/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Go's encoding/json says about text that is no JSON.  Pure; any thread. */
#ifndef GOSYNTAX_H
#define GOSYNTAX_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"

/* The first fault of the text, onto the buffer.  false: Go's scanner finds none
 * (it looks neither at UTF-8 nor at surrogates).
 */
bool gosyntax_fault(const char *text, size_t len, struct buf *);

#endif
