# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon as its clients see it: over HTTP, with simulated nodes.
dist_check_SCRIPTS += \
	tests/daemon/t-http-auth.t \
	tests/daemon/t-http-bad-input.t \
	tests/daemon/t-http-connections.t \
	tests/daemon/t-http-life.t \
	tests/daemon/t-http-polls.t
EXTRA_DIST += tests/lib/daemon.py
