# SPDX-License-Identifier: GPL-2.0-or-later
bin_PROGRAMS += brickyard
brickyard_SOURCES = \
	%D%/main.c \
	$(NULL)
brickyard_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS)
brickyard_LDADD = libutil.la $(JANSSON_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS)
