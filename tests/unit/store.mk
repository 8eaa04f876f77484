# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += %D%/t-store
%C%_t_store_SOURCES = %D%/t-store.c %D%/store-bed.h
%C%_t_store_LDADD = libstore.la libutil.la

check_PROGRAMS += %D%/t-codec
%C%_t_codec_SOURCES = %D%/t-codec.c
%C%_t_codec_LDADD = libstore.la libutil.la

check_PROGRAMS += %D%/t-jsonfile
%C%_t_jsonfile_SOURCES = %D%/t-jsonfile.c
%C%_t_jsonfile_LDADD = libstore.la libutil.la

check_PROGRAMS += %D%/t-mirror
%C%_t_mirror_SOURCES = %D%/t-mirror.c
%C%_t_mirror_LDADD = libstore.la libutil.la

check_PROGRAMS += %D%/t-sqlite
%C%_t_sqlite_SOURCES = %D%/t-sqlite.c
%C%_t_sqlite_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
%C%_t_sqlite_LDADD = libstore.la libutil.la $(SQLITE_LIBS)

# Not run by the tests: make tests/bench/bench-store && tests/bench/bench-store
EXTRA_PROGRAMS += tests/bench/bench-store
tests_bench_bench_store_SOURCES = tests/bench/bench-store.c
tests_bench_bench_store_LDADD = libstore.la libutil.la
CLEANFILES += tests/bench/bench-store$(EXEEXT)
