# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LTLIBRARIES += libutil.la libcore.la
libutil_la_SOURCES = \
	%D%/util/buf.c %D%/util/buf.h \
	%D%/util/cleanup.h \
	%D%/util/clock.c %D%/util/clock.h \
	%D%/util/error.c %D%/util/error.def %D%/util/error.h \
	%D%/util/id.c %D%/util/id.h \
	%D%/util/log.c %D%/util/log.h \
	%D%/util/strs.c %D%/util/strs.h \
	%D%/util/xalloc.c %D%/util/xalloc.h \
	$(NULL)
libcore_la_SOURCES = \
	%D%/config.c %D%/config.h \
	%D%/executor.c %D%/executor.h \
	%D%/placement.c %D%/placement.h \
	%D%/placement-rule.c %D%/placement-rule.h \
	%D%/placement-set.c %D%/placement-set.h \
	%D%/plugin.c %D%/plugin.h \
	%D%/topology.c %D%/topology.h %D%/topology-index.h \
	%D%/volume-type.c %D%/volume-type.h \
	$(NULL)
libcore_la_LIBADD = -ldl
brickyardincludedir = $(includedir)/brickyard
brickyardinclude_HEADERS = \
	%D%/include/brickyard/common.h \
	%D%/include/brickyard/executor.h \
	%D%/include/brickyard/volume-type.h
sbin_PROGRAMS += brickyardd
brickyardd_SOURCES = %D%/main.c
brickyardd_LDADD = libapi.la libcore.la libstore.la libutil.la
