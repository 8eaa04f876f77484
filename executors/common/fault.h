/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a call failed, on its way to the caller; and the clock of its deadline. */
#ifndef EXECUTORS_COMMON_FAULT_H
#define EXECUTORS_COMMON_FAULT_H

#include <stdint.h>

#include <brickyard/common.h>

struct fault {
	int err_class;			/* BRICKYARD_ERR_*; 0: none */
	char text[3072];
};

/* Remember why, answer -1. */
int fault_set(struct fault *, int err_class, const char *fmt, ...)
	__attribute__((__cold__)) BRICKYARD_PRINTF(3, 4);
int fault_nomem(struct fault *) __attribute__((__cold__));

int64_t now_ms(void);			/* CLOCK_MONOTONIC */

#endif
