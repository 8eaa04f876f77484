/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words from outside, looked at before they go into a script.  Quoting keeps
 * them from the shell; this keeps them from being options of a tool, or from
 * breaking files that are made of lines.
 */
#include <string.h>

#include "lower.h"
#include "words.h"

/* The gluster CLI knows --log-file= and more, anywhere on the line. */
int
check_gluster_word(struct step *st, const char *s)
{
	if (strncmp(s, "--", 2) == 0)
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "'%.200s' can't be given to gluster: it "
				 "starts with --", s);
	for (const char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return step_fail(st, BRICKYARD_ERR_INVALID,
					 "a volume option can't hold control "
					 "characters");
	return 0;
}

int
check_gluster_volume(struct step *st, const char *name)
{
	if (is_plain_name(name))
		return 0;
	return step_fail(st, BRICKYARD_ERR_INVALID,
			 "'%.200s' is not a volume name", name);
}

int
check_device(struct step *st, const struct brickyard_device *dev)
{
	if (!is_plain_path(dev->name))
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "device name '%.400s' is not an absolute path "
				 "of letters, digits and _.:/+-", dev->name);
	if (!is_plain_name(dev->id) || !is_plain_name(dev->vg))
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "device %s: '%.100s' or '%.100s' is not a "
				 "name", dev->name, dev->id, dev->vg);
	return 0;
}
