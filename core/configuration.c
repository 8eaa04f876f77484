/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

typedef int configuration_c;
