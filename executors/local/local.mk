# SPDX-License-Identifier: GPL-2.0-or-later
executor_LTLIBRARIES += %D%/local.la
%C%_local_la_SOURCES = %D%/local.c
%C%_local_la_CPPFLAGS = $(CPPFLAGS_PLUGIN)
%C%_local_la_CFLAGS = $(AM_CFLAGS) $(BLKID_CFLAGS)
%C%_local_la_LDFLAGS = $(LDFLAGS_PLUGIN)
%C%_local_la_LIBADD = $(BLKID_LIBS) $(LVM2CMD_LIBS) -lpthread
