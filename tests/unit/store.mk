# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += %D%/t-store
%C%_t_store_SOURCES = %D%/t-store.c
%C%_t_store_LDADD = libstore.la libutil.la
