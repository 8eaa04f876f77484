# SPDX-License-Identifier: GPL-2.0-or-later
dist_check_SCRIPTS += \
	%D%/t-cli-protocol.t
EXTRA_DIST += tests/lib/fakeheketi.py
