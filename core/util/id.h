/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identifiers: 16 random bytes as 32 lower-case hex digits. */
#ifndef ID_H
#define ID_H

#include <stdbool.h>

#define ID_LEN	32
#define ID_SIZE (ID_LEN + 1)

void id_new(char ret_id[ID_SIZE]);
/* Exactly 32 hex digits of either case (what heketi calls a UUID). */
bool id_is_valid(const char *s);

#endif
