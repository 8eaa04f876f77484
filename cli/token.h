/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The token that goes with one request. */
#ifndef CLI_TOKEN_H
#define CLI_TOKEN_H

#include <stdint.h>

/* An HS256 JSON Web Token for METHOD on path (decoded, without query), issued
 * by user at now_s and good for five minutes.  Caller frees.
 */
char *token_new(const char *user, const char *secret, const char *method,
		const char *path, int64_t now_s);

#endif
