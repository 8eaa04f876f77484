/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For h-examine.c: what a node told, as heketi shows it. */
#ifndef EXAMINE_H
#define EXAMINE_H

#include "api/jsonout.h"
#include "service.h"

/* The member VolumeInfo. */
void examine_encode_volumes(struct jsonout *, const struct examined *);

#endif
