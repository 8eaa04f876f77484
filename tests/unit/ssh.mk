# SPDX-License-Identifier: GPL-2.0-or-later
# The ssh executor, driven by tests/lab/exec-driver, against sshds of its own.
dist_check_SCRIPTS += \
	%D%/t-ssh-login.t \
	%D%/t-ssh-outage.t \
	%D%/t-ssh-run.t \
	$(NULL)
EXTRA_DIST += tests/lib/sshd.py
