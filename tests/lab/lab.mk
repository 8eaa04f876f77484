# SPDX-License-Identifier: GPL-2.0-or-later
# The lab: the local executor on real XFS, loop devices, LVM and GlusterFS.
# What needs root or a package skips with the reason where it is missing.
EXTRA_PROGRAMS += %D%/exec-driver
%C%_exec_driver_SOURCES = %D%/exec-driver.c
%C%_exec_driver_LDADD = libscript.la -ldl -lpthread
check-local: %D%/exec-driver$(EXEEXT)
CLEANFILES += %D%/exec-driver$(EXEEXT)
# In User-mode Linux, or on glusterds of their own, the longest first: they wait as
# much as they work, so two of them run at a time.
LAB_NODE_TESTS = \
	%D%/ssh-nodes.t \
	%D%/ssh-volumes.t \
	%D%/ssh-replicas.t \
	%D%/ssh-replace.t \
	%D%/kube-volumes.t \
	%D%/ssh-clone.t \
	%D%/lab-command.t \
	%D%/ssh-audit.t \
	%D%/ssh-devices.t \
	%D%/quickstart-device.t \
	%D%/script-lvm.t \
	%D%/local-lvm.t \
	%D%/script-gluster.t \
	%D%/local-gluster.t \
	$(NULL)
LAB_JOBS = 2
dist_check_SCRIPTS += \
	$(LAB_NODE_TESTS) \
	%D%/lab-kernel.t \
	%D%/local-block.t \
	%D%/local-cli.t \
	%D%/local-directory.t \
	%D%/local-run.t \
	%D%/script-block.t \
	%D%/script-directory.t \
	%D%/script-fence.t \
	%D%/service-local.t \
	%D%/quickstart.t \
	$(NULL)
EXTRA_DIST += %D%/README.md %D%/lab.py %D%/uml-init %D%/machine-init \
	%D%/machine.py \
	%D%/cluster.py %D%/serve.py %D%/labtest.py %D%/audit_nodes.py \
	%D%/kubepods.py %D%/in-vm %D%/vm-init
