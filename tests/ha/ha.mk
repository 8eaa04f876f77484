# SPDX-License-Identifier: GPL-2.0-or-later
# Several replicas on one etcd, while parts of it die.
dist_check_SCRIPTS += \
	%D%/t-any-replica.t \
	%D%/t-rolling-restart.t \
	%D%/t-takeover.t
EXTRA_DIST += tests/lib/ha.py
