/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A volume as a Kubernetes PersistentVolume. */
#ifndef CLI_PV_H
#define CLI_PV_H

#include <jansson.h>

#include "util/error.h"

/* endpoint "": a text that asks for one */
void pv_print(const json_t *volume, const char *endpoint);
enum err MUST_CHECK pv_write(const char *file, const json_t *volume,
			     const char *endpoint, struct error *);

#endif
