# SPDX-License-Identifier: GPL-2.0-or-later
volumetype_LTLIBRARIES += %D%/distribute.la
%C%_distribute_la_SOURCES = %D%/distribute.c
%C%_distribute_la_CPPFLAGS = $(CPPFLAGS_PLUGIN)
%C%_distribute_la_LDFLAGS = $(LDFLAGS_PLUGIN)
