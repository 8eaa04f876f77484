/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard-plugin-check: a device with bricks on it, as the host would ask for
 * them.  Made by check-steps.c, used by all that need a device.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include "plugin-check/check.h"
#include "util/id.h"

#define SCRATCH_BRICKS 3

struct scratch {
	struct bench bench;
	char operation[ID_SIZE];
	char device_id[ID_SIZE];
	char vg[ID_SIZE + 4];
	struct brickyard_device device;
	struct brickyard_brick bricks[SCRATCH_BRICKS];
	const struct brickyard_brick *list[SCRATCH_BRICKS];
	struct {
		char id[ID_SIZE], lv[64], pool[64], mount[160], path[168];
	} names[SCRATCH_BRICKS];
	uint64_t total_bytes, free_bytes;
};

/* With an open executor.  Without a device given, false, and what is skipped. */
bool scratch_init(struct scratch *, struct subject *, const char *what);

#endif
