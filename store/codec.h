/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records to JSON documents and back. */
#ifndef CODEC_H
#define CODEC_H

#include <stddef.h>

#include "store/record.h"

/* The document of a record: compact, keys sorted, so equal records give equal
 * bytes.  Caller frees.
 */
char *record_encode(const struct record *);

/* The record of a document.  The kind follows from the key; a key of no known
 * kind is ERR_NOTSUP (skip it), a document that can't be read ERR_PARSE with
 * the member that is wrong (quarantine it).  The caller owns *ret.
 */
enum err MUST_CHECK record_decode(const char *key, const char *doc, size_t len,
				  int64_t revision, struct record **ret,
				  struct error *);

#endif
