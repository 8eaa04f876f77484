# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += %D%/t-ages %D%/t-service %D%/t-relation
%C%_t_ages_SOURCES = %D%/t-ages.c
%C%_t_ages_LDADD = libcore.la libstore.la libutil.la
%C%_t_service_SOURCES = %D%/t-service.c
%C%_t_service_LDADD = libcore.la libstore.la libutil.la
%C%_t_relation_SOURCES = %D%/t-relation.c
%C%_t_relation_LDADD = libcore.la libstore.la libutil.la
# The fake nodes stand in for core/executor.c: the linker takes their functions
# and leaves that object in the archive.
check_PROGRAMS += %D%/t-engine
%C%_t_engine_SOURCES = %D%/t-engine.c %D%/fake-nodes.c %D%/fake-nodes.h \
	%D%/hub-store.c %D%/hub-store.h
%C%_t_engine_LDADD = libcore.la libstore.la libutil.la
check_PROGRAMS += %D%/t-heketi-words
%C%_t_heketi_words_SOURCES = %D%/t-heketi-words.c
%C%_t_heketi_words_LDADD = libcore.la libstore.la libutil.la
check_PROGRAMS += %D%/t-block
%C%_t_block_SOURCES = %D%/t-block.c
%C%_t_block_LDADD = libcore.la libstore.la libutil.la
check_PROGRAMS += %D%/t-engine-moments
%C%_t_engine_moments_SOURCES = %D%/t-engine-moments.c %D%/fake-nodes.c \
	%D%/fake-nodes.h %D%/hub-store.c %D%/hub-store.h
%C%_t_engine_moments_CFLAGS = $(AM_CFLAGS) -Wno-missing-prototypes
%C%_t_engine_moments_LDADD = libcore.la libstore.la libutil.la
check_PROGRAMS += %D%/t-config-heketi
%C%_t_config_heketi_SOURCES = %D%/t-config-heketi.c
%C%_t_config_heketi_LDADD = libcore.la libstore.la libutil.la
