# SPDX-License-Identifier: GPL-2.0-or-later
executor_LTLIBRARIES += %D%/kubernetes.la
%C%_kubernetes_la_SOURCES = \
	executors/common/fault.c executors/common/fault.h \
	executors/common/options.c executors/common/options.h \
	%D%/access.c \
	%D%/command.c \
	%D%/exec.c \
	%D%/gate.c \
	%D%/kubeconfig.c \
	%D%/kubernetes.c \
	%D%/kubernetes.h \
	%D%/options.c \
	%D%/pods.c \
	%D%/refusal.c \
	%D%/reply.c \
	%D%/rest.c \
	%D%/run.c \
	%D%/socket.c \
	%D%/tls.c \
	%D%/tools.c \
	executors/script/text.c \
	executors/script/text.h \
	$(NULL)
%C%_kubernetes_la_CPPFLAGS = $(CPPFLAGS_PLUGIN) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
%C%_kubernetes_la_CFLAGS = $(AM_CFLAGS) $(LIBWEBSOCKETS_CFLAGS) $(CURL_CFLAGS) \
	$(OPENSSL_CFLAGS) $(JANSSON_CFLAGS) $(YAML_CFLAGS)
%C%_kubernetes_la_LDFLAGS = $(LDFLAGS_PLUGIN)
%C%_kubernetes_la_LIBADD = $(LIBWEBSOCKETS_LIBS) $(CURL_LIBS) $(OPENSSL_LIBS) \
	$(JANSSON_LIBS) $(YAML_LIBS) -lpthread

man_MANS += %D%/brickyard-kubernetes.7
CLEANFILES += %D%/brickyard-kubernetes.7
EXTRA_DIST += %D%/brickyard-kubernetes.7.pod
