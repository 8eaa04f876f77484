# SPDX-License-Identifier: GPL-2.0-or-later
volumetype_LTLIBRARIES += %D%/disperse.la
%C%_disperse_la_SOURCES = %D%/disperse.c
%C%_disperse_la_CPPFLAGS = $(CPPFLAGS_PLUGIN)
%C%_disperse_la_LDFLAGS = $(LDFLAGS_PLUGIN)
