/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between lent.c and lent-library.c. */
#ifndef LENT_LIBRARY_H
#define LENT_LIBRARY_H

#include "plugin-check/lent.h"

/* Is this call of the C library the one to fail? */
bool lent_library_fails(enum lent);

#endif
