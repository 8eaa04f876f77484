# SPDX-License-Identifier: GPL-2.0-or-later
dist_check_SCRIPTS += %D%/t-crash.t
EXTRA_DIST += tests/lib/audit.py tests/lib/daemon.py
