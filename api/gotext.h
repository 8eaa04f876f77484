/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON that Go's encoding/json reads and jansson does not.  Pure; any thread. */
#ifndef GOTEXT_H
#define GOTEXT_H

#include <stddef.h>

#include "util/buf.h"

/* The same text, such that jansson takes it: what is replaced by Go is replaced
 * (bytes that are not UTF-8 and lone surrogates, by U+FFFD); NUL in a string,
 * which no string of ours can hold, is replaced like that, too; and numbers that
 * are too large for jansson become other numbers that are too large for us, so
 * that they matter only where they are asked for.  For text in which
 * gosyntax_fault() has found no fault; other text stays as bad as it is.
 */
void gotext_tame(const char *text, size_t len, struct buf *ret);

#endif
