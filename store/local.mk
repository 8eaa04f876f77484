# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = \
	%D%/bulk.c %D%/bulk.h \
	%D%/codec.c %D%/codec.h \
	%D%/copy.c %D%/copy.h \
	%D%/import.h %D%/import-check.c %D%/import-links.c %D%/import-member.c \
	%D%/import-member.h %D%/import-read.c \
	%D%/import-clean.c %D%/import-clone.c %D%/import-settle.c \
	%D%/members.h \
	%D%/jsonfile.c %D%/jsonfile.h \
	%D%/mirror.c %D%/mirror.h \
	%D%/record.c %D%/record.h \
	%D%/store.c %D%/store.h \
	%D%/txn.c %D%/txn.h \
	%D%/sqlite/claim.c %D%/sqlite/claim.h \
	%D%/sqlite/sqlite.c \
	%D%/etcd/commit.c \
	%D%/etcd/etcd.c %D%/etcd/etcd.h \
	%D%/etcd/gateway.c %D%/etcd/gateway.h \
	%D%/etcd/lease.c \
	%D%/etcd/link.c %D%/etcd/link.h \
	%D%/etcd/watch.c \
	$(NULL)
libstore_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS) $(SQLITE_CFLAGS)
libstore_la_LIBADD = $(JANSSON_LIBS) $(CURL_LIBS) $(SQLITE_LIBS)
