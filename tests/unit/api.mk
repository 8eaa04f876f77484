# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += %D%/t-auth %D%/t-encode %D%/t-gojson %D%/t-route %D%/t-validate
API_TEST_LIBS = libapi.la libcore.la libstore.la libutil.la

%C%_t_auth_SOURCES = %D%/t-auth.c
%C%_t_auth_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
%C%_t_auth_LDADD = $(API_TEST_LIBS) $(CRYPTO_LIBS)

%C%_t_encode_SOURCES = %D%/t-encode.c
%C%_t_encode_LDADD = $(API_TEST_LIBS)

%C%_t_gojson_SOURCES = %D%/t-gojson.c
%C%_t_gojson_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_t_gojson_LDADD = $(API_TEST_LIBS)

%C%_t_route_SOURCES = %D%/t-route.c
%C%_t_route_LDADD = $(API_TEST_LIBS)

%C%_t_validate_SOURCES = %D%/t-validate.c
%C%_t_validate_LDADD = $(API_TEST_LIBS)

check_PROGRAMS += %D%/t-hold %D%/t-server
%C%_t_hold_SOURCES = %D%/t-hold.c
%C%_t_hold_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_t_hold_LDADD = $(API_TEST_LIBS)

# The fake stands in for libcore: the service, the configuration, the plug-ins.
%C%_t_server_SOURCES = %D%/t-server.c %D%/fake-service.c %D%/fake-service.h
# What it does not have (pure functions) comes from there.
%C%_t_server_LDADD = $(API_TEST_LIBS)
