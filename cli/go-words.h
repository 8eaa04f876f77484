/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What heketi-cli takes and says because it is written in Go: numbers on the
 * command line, and the errors of its library.  Scripts look for these words.
 */
#ifndef CLI_GO_WORDS_H
#define CLI_GO_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* "1", "-0x1F", "0b1", "0o17", "017", "1_000"; what is not one leaves *ret alone
 * and points *why to the reason.
 */
bool go_parse_int(const char *s, int64_t *ret, const char **why);
bool go_parse_float(const char *s, double *ret, const char **why);
/* strconv.ParseBool's words; what is none leaves *ret alone. */
bool go_parse_bool(const char *s, bool *ret);

/* "connection refused" for ECONNREFUSED; the caller frees it. */
char *go_strerror(int errnum);

#endif
