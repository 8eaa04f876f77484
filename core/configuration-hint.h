/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What to say of a key of the configuration that nobody knows. */
#ifndef CONFIGURATION_HINT_H
#define CONFIGURATION_HINT_H

#include "util/strs.h"

/* Adds a sentence to *ret, with the name that was probably meant; nothing for
 * comments ("_port_comment", as in heketi's sample).  There is an end to them.
 */
void config_hint(const char *key, const char *source,
		 const char *const *names, size_t nnames, struct strs *ret);

#endif
