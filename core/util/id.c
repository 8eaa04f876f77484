/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "util/id.h"

void
id_new(char ret_id[ID_SIZE])
{
	unsigned char b[ID_LEN / 2];

	/* Up to 256 bytes never come short once the pool is initialised. */
	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		abort();
	for (size_t i = 0; i < sizeof(b); i++)
		snprintf(ret_id + 2 * i, 3, "%02x", b[i]);
}

bool
id_is_valid(const char *s)
{
	return strlen(s) == ID_LEN &&
	       strspn(s, "0123456789abcdefABCDEF") == ID_LEN;
}
