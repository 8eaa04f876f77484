# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/kubernetes and contrib/container: manifests, deploy, what runs on nodes.
dist_check_SCRIPTS += \
	%D%/t-apiserver.t \
	%D%/t-deploy.t \
	%D%/t-etcd-start.t \
	%D%/t-image.t \
	%D%/t-manifests.t \
	%D%/t-node.t
EXTRA_DIST += %D%/fake-kubectl %D%/glusterpod.py tests/lib/images.py
