# SPDX-License-Identifier: GPL-2.0-or-later
# The kubernetes executor, driven by tests/lab/exec-driver, against an API server
# of its own.
dist_check_SCRIPTS += \
	%D%/t-kubernetes-access.t \
	%D%/t-kubernetes-outage.t \
	%D%/t-kubernetes-pods.t \
	%D%/t-kubernetes-run.t \
	$(NULL)
EXTRA_DIST += tests/lib/kubeapi.py
