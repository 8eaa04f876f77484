# SPDX-License-Identifier: GPL-2.0-or-later
# Several replicas on one etcd, while parts of it die.
dist_check_SCRIPTS += \
	%D%/t-any-replica.t \
	%D%/t-block-races.t \
	%D%/t-chaos.t \
	%D%/t-clocks.t \
	%D%/t-etcd-faults.t \
	%D%/t-etcd-full.t \
	%D%/t-etcd-secure.t \
	%D%/t-fence-commit.t \
	%D%/t-fence-epoch.t \
	%D%/t-fence-lease.t \
	%D%/t-partition.t \
	%D%/t-races.t \
	%D%/t-rolling-restart.t \
	%D%/t-takeover.t
EXTRA_DIST += tests/lib/checker.py tests/lib/fencing.py \
	tests/lib/ha.py tests/lib/network.py %D%/chaos.py %D%/mutate.sh

# Preloaded into replicas whose clocks are to jump.
check_LTLIBRARIES += %D%/clock-shim.la
%C%_clock_shim_la_SOURCES = %D%/clock-shim.c
%C%_clock_shim_la_LDFLAGS = -module -avoid-version -rpath /nowhere
