# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += %D%/t-etcd-gateway
%C%_t_etcd_gateway_SOURCES = %D%/t-etcd-gateway.c
%C%_t_etcd_gateway_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_t_etcd_gateway_LDADD = libstore.la libutil.la $(JANSSON_LIBS)

# What the tests in Python drive.
EXTRA_PROGRAMS += %D%/etcd-driver
check_DATA += %D%/etcd-driver
CLEANFILES += %D%/etcd-driver
%C%_etcd_driver_SOURCES = %D%/etcd-driver.c
%C%_etcd_driver_LDADD = libstore.la libutil.la

dist_check_SCRIPTS += \
	%D%/t-etcd.t \
	%D%/t-etcd-outage.t \
	%D%/t-etcd-outcome.t \
	%D%/t-etcd-lease.t \
	%D%/t-etcd-watch.t \
	%D%/t-etcd-secure.t \
	%D%/t-store-etcd.t \
	$(NULL)
EXTRA_DIST += tests/lib/etcd.py
