# SPDX-License-Identifier: GPL-2.0-or-later
volumetype_LTLIBRARIES += %D%/replicate.la
%C%_replicate_la_SOURCES = %D%/replicate.c
%C%_replicate_la_CPPFLAGS = $(CPPFLAGS_PLUGIN)
%C%_replicate_la_LDFLAGS = $(LDFLAGS_PLUGIN)
