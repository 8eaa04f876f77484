/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

typedef int sqlite_c;
