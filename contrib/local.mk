# SPDX-License-Identifier: GPL-2.0-or-later
EXTRA_DIST += \
	%D%/check \
	%D%/container/heketi-start \
	%D%/container/Containerfile \
	%D%/container/etcd/Containerfile \
	%D%/container/glusterfs/Containerfile \
	%D%/container/glusterfs/gluster-node \
	%D%/container/glusterfs/lvmlocal.conf \
	%D%/kubernetes/README.md \
	%D%/kubernetes/base/brickyard/brickyard.json \
	%D%/kubernetes/base/brickyard/deployment.yaml \
	%D%/kubernetes/base/brickyard/kustomization.yaml \
	%D%/kubernetes/base/brickyard/namespace.yaml \
	%D%/kubernetes/base/brickyard/networkpolicy.yaml \
	%D%/kubernetes/base/brickyard/rbac.yaml \
	%D%/kubernetes/base/brickyard/service.yaml \
	%D%/kubernetes/base/etcd/kustomization.yaml \
	%D%/kubernetes/base/etcd/networkpolicy.yaml \
	%D%/kubernetes/base/etcd/start.sh \
	%D%/kubernetes/base/etcd/statefulset.yaml \
	%D%/kubernetes/base/glusterfs/daemonset.yaml \
	%D%/kubernetes/base/glusterfs/kustomization.yaml \
	%D%/kubernetes/base/kustomization.yaml \
	%D%/kubernetes/base/storage/kustomization.yaml \
	%D%/kubernetes/base/storage/storageclasses.yaml \
	%D%/kubernetes/deploy \
	%D%/kubernetes/overlays/etcd-volumes/kustomization.yaml \
	%D%/kubernetes/overlays/etcd-volumes/patch.yaml \
	%D%/kubernetes/overlays/existing-etcd/brickyard.json \
	%D%/kubernetes/overlays/existing-etcd/kustomization.yaml \
	%D%/kubernetes/overlays/existing-etcd/patch.yaml \
	%D%/kubernetes/overlays/external-gluster/brickyard.json \
	%D%/kubernetes/overlays/external-gluster/kustomization.yaml \
	%D%/kubernetes/overlays/external-gluster/patch.yaml \
	%D%/kubernetes/overlays/openshift/kustomization.yaml \
	%D%/kubernetes/overlays/openshift/scc.yaml \
	%D%/kubernetes/preflight.sh \
	%D%/kubernetes/samples/backup.yaml \
	%D%/kubernetes/samples/claim.yaml \
	%D%/kubernetes/samples/static.yaml \
	%D%/kubernetes/samples/topology.json \
	%D%/kubernetes/tool-pod \
	%D%/lab \
	%D%/lab-kernel \
	%D%/packages.sh \
	%D%/quickstart \
	%D%/systemd/brickyardd.service.in \
	$(NULL)

# Installed beside the documentation: distributions place units themselves.
contribdir = $(docdir)/contrib
nodist_contrib_DATA = %D%/systemd/brickyardd.service
CLEANFILES += %D%/systemd/brickyardd.service
%D%/systemd/brickyardd.service: $(srcdir)/%D%/systemd/brickyardd.service.in
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed -e 's,@sbindir[@],$(sbindir),g' \
		-e 's,@sysconfdir[@],$(sysconfdir),g' <$< >$@

# For authors of plug-ins, who need no source of ours: new-plugin finds the examples
# beside itself.
contribtopdir = $(docdir)
nobase_dist_contribtop_SCRIPTS = %D%/new-plugin
nobase_dist_contribtop_DATA = \
	%D%/examples/plugin.mk \
	%D%/examples/lib/program.c %D%/examples/lib/program.h \
	%D%/examples/container-exec/Makefile \
	%D%/examples/container-exec/container-exec.7.pod \
	%D%/examples/container-exec/container-exec.c \
	%D%/examples/script-bridge/Makefile \
	%D%/examples/script-bridge/script-bridge.7.pod \
	%D%/examples/script-bridge/script-bridge.c \
	%D%/examples/thin-arbiter/Makefile \
	%D%/examples/thin-arbiter/thin-arbiter.7.pod \
	%D%/examples/thin-arbiter/thin-arbiter.c
