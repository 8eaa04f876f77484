/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is on a block device, and who uses it?  Read-only, except for
 * probe_wipe().  libblkid knows the signatures, /proc and /sys the users.
 */
#ifndef PROBE_H
#define PROBE_H

#include "local.h"

struct probe {
	char path[512];		/* canonical: /dev/sdb */
	dev_t dev;
	uint64_t size_bytes;
	char busy[600];		/* "is mounted at /mnt"; "": nobody uses it */
	char holds[400];	/* "an ext4 filesystem (…)"; "": nothing */
	char pv_uuid[64];	/* of an LVM physical volume; "": none */
};

/* Fails when it is not there, no block device, read-only or too small. */
int probe_device(struct step *, const char *name, struct probe *ret)
	MUST_CHECK;
/* Remove all signatures, as wipefs --all does; refuses a device in use. */
int probe_wipe(struct step *, const struct probe *) MUST_CHECK;
/* All names of the device, as udev made them, each ended by '\n'. */
void probe_paths(const struct probe *, const char *given, struct text *ret);

#endif
