# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += %D%/t-service %D%/t-relation
%C%_t_service_SOURCES = %D%/t-service.c
%C%_t_service_LDADD = libcore.la libstore.la libutil.la
%C%_t_relation_SOURCES = %D%/t-relation.c
%C%_t_relation_LDADD = libcore.la libstore.la libutil.la
