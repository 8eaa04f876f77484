/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the server tells its handlers about itself. */
#ifndef API_PRIVATE_H
#define API_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "api/meter.h"

struct api;

struct api_measures {
	const struct meter *meter;
	size_t held, waiting, busy;
	int64_t started_s;	/* wall clock */
};
void api_measure(struct api *, struct api_measures *ret);

#endif
