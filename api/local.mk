# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LTLIBRARIES += libapi.la
libapi_la_SOURCES = \
	%D%/server.c \
	%D%/api.h \
	$(NULL)
libapi_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(MHD_CFLAGS) $(CRYPTO_CFLAGS)
libapi_la_LIBADD = $(JANSSON_LIBS) $(MHD_LIBS) $(CRYPTO_LIBS)
