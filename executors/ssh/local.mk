# SPDX-License-Identifier: GPL-2.0-or-later
executor_LTLIBRARIES += %D%/ssh.la
%C%_ssh_la_SOURCES = \
	executors/common/fault.c executors/common/fault.h \
	executors/common/options.c executors/common/options.h \
	%D%/channel.c \
	%D%/command.c \
	%D%/connect.c \
	%D%/known-hosts.c \
	%D%/options.c \
	%D%/pool.c \
	%D%/private-key.c \
	%D%/session.c \
	%D%/ssh.c \
	%D%/ssh.h \
	%D%/tools.c \
	executors/script/text.c executors/script/text.h \
	$(NULL)
%C%_ssh_la_CPPFLAGS = $(CPPFLAGS_PLUGIN) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
%C%_ssh_la_CFLAGS = $(AM_CFLAGS) $(LIBSSH_CFLAGS)
%C%_ssh_la_LDFLAGS = $(LDFLAGS_PLUGIN)
%C%_ssh_la_LIBADD = $(LIBSSH_LIBS) -lpthread

man_MANS += %D%/brickyard-ssh.7
CLEANFILES += %D%/brickyard-ssh.7
EXTRA_DIST += %D%/brickyard-ssh.7.pod
