# SPDX-License-Identifier: GPL-2.0-or-later
executor_LTLIBRARIES += %D%/local.la
%C%_local_la_SOURCES = \
	executors/common/options.c executors/common/options.h \
	%D%/block-device.c \
	%D%/brick.c \
	%D%/device.c \
	%D%/dir-device.c \
	%D%/files.c \
	%D%/fstab.c \
	%D%/gluster.c \
	%D%/image-brick.c \
	%D%/local.c \
	%D%/local.h \
	%D%/lv-brick.c \
	%D%/lvm.c \
	%D%/lvm.h \
	%D%/mounts.c \
	%D%/node-check.c \
	%D%/node-lock.c \
	%D%/options.c \
	%D%/probe.c \
	%D%/probe.h \
	%D%/spawn.c \
	%D%/spawn.h \
	%D%/step.c \
	executors/script/text.c executors/script/text.h \
	executors/script/words.c executors/script/words.h \
	executors/script/xml.c executors/script/xml.h \
	$(NULL)
%C%_local_la_CPPFLAGS = $(CPPFLAGS_PLUGIN) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
%C%_local_la_CFLAGS = $(AM_CFLAGS) $(BLKID_CFLAGS)
%C%_local_la_LDFLAGS = $(LDFLAGS_PLUGIN)
%C%_local_la_LIBADD = $(BLKID_LIBS) $(LVM2CMD_LIBS) -lpthread

man_MANS += %D%/brickyard-local.7
CLEANFILES += %D%/brickyard-local.7
EXTRA_DIST += %D%/brickyard-local.7.pod
