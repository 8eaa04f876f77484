# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LTLIBRARIES += libapi.la
libapi_la_SOURCES = \
	%D%/api.h %D%/api-private.h \
	%D%/auth.c %D%/auth.h \
	%D%/bodies.c %D%/bodies.h \
	%D%/dump.c %D%/dump.h \
	%D%/dump-check.c %D%/dump-space.c \
	%D%/dump-view.c %D%/dump-view.h \
	%D%/encode.c %D%/encode.h \
	%D%/examine.c %D%/examine.h \
	%D%/framing.c %D%/framing.h \
	%D%/gojson.c %D%/gojson.h \
	%D%/gosyntax.c %D%/gosyntax.h \
	%D%/gotext.c %D%/gotext.h \
	%D%/h-admin.c \
	%D%/h-block.c \
	%D%/h-brick.c \
	%D%/h-cluster.c \
	%D%/h-db.c \
	%D%/h-device.c \
	%D%/h-examine.c \
	%D%/h-metrics.c \
	%D%/h-check.c \
	%D%/h-node.c \
	%D%/h-own.c \
	%D%/h-pending.c \
	%D%/h-profile.c \
	%D%/h-queue.c \
	%D%/h-tags.c \
	%D%/h-volume.c \
	%D%/hold.c %D%/hold.h \
	%D%/jsonout.c %D%/jsonout.h \
	%D%/lane.c %D%/lane.h \
	%D%/listen.c %D%/listen.h \
	%D%/meter.c %D%/meter.h \
	%D%/metrics.c %D%/metrics.h \
	%D%/path.c %D%/path.h \
	%D%/reply.c \
	%D%/request.h \
	%D%/route.c %D%/route.h \
	%D%/routes.c \
	%D%/server.c \
	%D%/tls.c %D%/tls.h \
	%D%/validate.c %D%/validate.h \
	%D%/views.c %D%/views.h \
	$(NULL)
libapi_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(MHD_CFLAGS) $(GNUTLS_CFLAGS) $(CRYPTO_CFLAGS)
libapi_la_LIBADD = $(JANSSON_LIBS) $(MHD_LIBS) $(GNUTLS_LIBS) $(CRYPTO_LIBS)
