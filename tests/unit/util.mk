# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += %D%/t-util
%C%_t_util_SOURCES = %D%/t-util.c
%C%_t_util_LDADD = libutil.la
