/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both kinds of device share: telling them apart, checking words. */
#include <string.h>
#include <sys/stat.h>

#include "local.h"

uint32_t
device_kind(const struct brickyard_device *dev)
{
	struct stat sb;

	if (dev->kind != 0)
		return dev->kind;
	return stat(dev->name, &sb) == 0 && S_ISDIR(sb.st_mode) ?
		BRICKYARD_DEVICE_DIRECTORY : BRICKYARD_DEVICE_BLOCK;
}

int
device_check_words(struct step *st, const struct brickyard_device *dev)
{
	if (!is_plain_path(dev->name))
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "device name '%s' is not an absolute path of "
				 "letters, digits and _.:/+-", dev->name);
	if (!is_plain_name(dev->id) || !is_plain_name(dev->vg))
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "device %s: '%s' or '%s' is not a name",
				 dev->name, dev->id, dev->vg);
	return 0;
}
