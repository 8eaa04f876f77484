# SPDX-License-Identifier: GPL-2.0-or-later
executor_LTLIBRARIES += %D%/simulated.la
%C%_simulated_la_SOURCES = \
	%D%/sim-adopt.c \
	%D%/sim-block.c \
	%D%/sim-brick.c \
	%D%/sim-busy.c \
	%D%/sim-clone.c \
	%D%/sim-db.c \
	%D%/sim-device.c \
	%D%/sim-examine.c \
	%D%/sim-fault.c \
	%D%/sim-heal.c \
	%D%/sim-peer.c \
	%D%/sim-schema.h \
	%D%/sim-shape.c \
	%D%/sim-step.c \
	%D%/sim-volume.c \
	%D%/simulated.c %D%/simulated.h \
	$(NULL)
%C%_simulated_la_CPPFLAGS = $(CPPFLAGS_PLUGIN)
%C%_simulated_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
%C%_simulated_la_LDFLAGS = $(LDFLAGS_PLUGIN)
%C%_simulated_la_LIBADD = $(SQLITE_LIBS) -lpthread

# What reads the accounts that the plug-in keeps in a file.
bin_PROGRAMS += brickyard-simulated
brickyard_simulated_SOURCES = %D%/accounts.c %D%/sim-schema.h
brickyard_simulated_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
brickyard_simulated_LDADD = $(SQLITE_LIBS) $(JANSSON_LIBS)

man_MANS += %D%/brickyard-simulated.1
CLEANFILES += %D%/brickyard-simulated.1
EXTRA_DIST += %D%/brickyard-simulated.1.pod
