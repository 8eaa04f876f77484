# SPDX-License-Identifier: GPL-2.0-or-later
# Plug-ins built from frozen copies of older headers; see README here.
CPPFLAGS_ABI10 = -I$(srcdir)/tests/abi/1.0
CPPFLAGS_ABI11 = -I$(srcdir)/tests/abi/1.1
check_LTLIBRARIES += %D%/1.0/abi10-executor.la %D%/1.0/abi10-type.la \
	%D%/1.1/abi11-executor.la %D%/1.1/abi11-type.la
%C%_1_0_abi10_executor_la_SOURCES = %D%/1.0/abi10-executor.c
%C%_1_0_abi10_executor_la_CPPFLAGS = $(CPPFLAGS_ABI10)
%C%_1_0_abi10_executor_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
%C%_1_0_abi10_type_la_SOURCES = %D%/1.0/abi10-type.c
%C%_1_0_abi10_type_la_CPPFLAGS = $(CPPFLAGS_ABI10)
%C%_1_0_abi10_type_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
%C%_1_1_abi11_executor_la_SOURCES = %D%/1.1/abi11-executor.c
%C%_1_1_abi11_executor_la_CPPFLAGS = $(CPPFLAGS_ABI11)
%C%_1_1_abi11_executor_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
%C%_1_1_abi11_type_la_SOURCES = %D%/1.1/abi11-type.c
%C%_1_1_abi11_type_la_CPPFLAGS = $(CPPFLAGS_ABI11)
%C%_1_1_abi11_type_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
EXTRA_DIST += %D%/README \
	%D%/1.0/brickyard/common.h \
	%D%/1.0/brickyard/executor.h \
	%D%/1.0/brickyard/volume-type.h \
	%D%/1.1/brickyard/common.h \
	%D%/1.1/brickyard/executor.h \
	%D%/1.1/brickyard/volume-type.h
dist_check_SCRIPTS += %D%/t-abi.t
