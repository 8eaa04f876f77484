# SPDX-License-Identifier: GPL-2.0-or-later
# All but main.c is a library, so that unit tests can have it.
noinst_LTLIBRARIES += libcli.la
libcli_la_SOURCES = \
	%D%/answer.c %D%/answer.h \
	%D%/args.c %D%/args.h \
	%D%/cli.c %D%/cli.h \
	%D%/cmd-admin.c \
	%D%/cmd-blockvolume.c \
	%D%/cmd-brick.c \
	%D%/cmd-cluster.c \
	%D%/cmd-device.c \
	%D%/cmd-node.c \
	%D%/cmd-server.c \
	%D%/cmd-storage.c \
	%D%/cmd-tags.c \
	%D%/cmd-topology.c \
	%D%/cmd-topology-apply.c \
	%D%/cmd-volume.c \
	%D%/commands.c \
	%D%/fmt.c %D%/fmt.h \
	%D%/help.c %D%/help.h \
	%D%/http.c %D%/http.h \
	%D%/pv.c %D%/pv.h \
	%D%/storage-list.c %D%/storage-list.h \
	%D%/token.c %D%/token.h \
	%D%/topology-check.c \
	%D%/topology-file.c %D%/topology-file.h \
	%D%/topology-plan.c %D%/topology-plan.h \
	%D%/topology-tree.c %D%/topology-tree.h \
	$(NULL)
CFLAGS_CLI = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS)
libcli_la_CFLAGS = $(CFLAGS_CLI)
libcli_la_LIBADD = libutil.la $(JANSSON_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS)

bin_PROGRAMS += brickyard
brickyard_SOURCES = %D%/main.c
brickyard_CFLAGS = $(CFLAGS_CLI)
brickyard_LDADD = libcli.la

man_MANS += %D%/brickyard.1
CLEANFILES += %D%/brickyard.1
EXTRA_DIST += %D%/brickyard.1.pod
