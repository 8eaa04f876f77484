# SPDX-License-Identifier: GPL-2.0-or-later
check_LTLIBRARIES += libplacementworld.la
libplacementworld_la_SOURCES = %D%/placement-world.c %D%/placement-world.h
PLACEMENT_TEST_LIBS = libplacementworld.la libcore.la libstore.la libutil.la

check_PROGRAMS += %D%/t-topology
%C%_t_topology_SOURCES = %D%/t-topology.c
%C%_t_topology_LDADD = $(PLACEMENT_TEST_LIBS)

check_PROGRAMS += %D%/t-placement
%C%_t_placement_SOURCES = %D%/t-placement.c
%C%_t_placement_LDADD = $(PLACEMENT_TEST_LIBS) -lm

check_PROGRAMS += %D%/t-placement-replace
%C%_t_placement_replace_SOURCES = %D%/t-placement-replace.c
%C%_t_placement_replace_LDADD = $(PLACEMENT_TEST_LIBS)

check_PROGRAMS += %D%/t-placement-property
%C%_t_placement_property_SOURCES = %D%/t-placement-property.c
%C%_t_placement_property_LDADD = $(PLACEMENT_TEST_LIBS)

# Not a test: make tests/bench/bench-placement
EXTRA_PROGRAMS += tests/bench/bench-placement
CLEANFILES += tests/bench/bench-placement
tests_bench_bench_placement_SOURCES = tests/bench/bench-placement.c
tests_bench_bench_placement_LDADD = $(PLACEMENT_TEST_LIBS)
