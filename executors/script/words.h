/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tools on a node mean by their words, and which words may be given to
 * them.  Pure; shared by the executors that drive the same tools.
 */
#ifndef WORDS_H
#define WORDS_H

#include "text.h"

/* glusterd is busy with somebody else's request; nothing was done. */
bool gluster_is_busy(const char *words);
/* The same, as an extended regular expression without regard to case. */
void gluster_busy_pattern(struct text *);
int gluster_class(const char *words);		/* BRICKYARD_ERR_* */
int lvm_class(const char *words);
/* Of any tool, by what it was called for ("lvcreate vg/lv"). */
int tool_class(const char *label, const char *words, unsigned status);

/* Only [A-Za-z0-9_+.-], not starting with '-' or '.'. */
bool is_plain_name(const char *);
/* Absolute, only [A-Za-z0-9_.:/+-], no "..", so safe in fstab and for LVM. */
bool is_plain_path(const char *);
/* A number and perhaps a unit, as LVM takes them. */
bool is_lvm_size(const char *);
bool is_mount_options(const char *);

#endif
