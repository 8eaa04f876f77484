# SPDX-License-Identifier: GPL-2.0-or-later
# The lab: the local executor on real XFS, loop devices, LVM and GlusterFS.
# What needs root or a package skips with the reason where it is missing.
EXTRA_PROGRAMS += %D%/exec-driver
%C%_exec_driver_SOURCES = %D%/exec-driver.c
%C%_exec_driver_LDADD = libscript.la -ldl -lpthread
check-local: %D%/exec-driver$(EXEEXT)
CLEANFILES += %D%/exec-driver$(EXEEXT)
dist_check_SCRIPTS += \
	%D%/kube-volumes.t \
	%D%/lab-command.t \
	%D%/local-block.t \
	%D%/local-cli.t \
	%D%/local-directory.t \
	%D%/local-gluster.t \
	%D%/local-lvm.t \
	%D%/local-run.t \
	%D%/script-block.t \
	%D%/script-directory.t \
	%D%/script-fence.t \
	%D%/script-gluster.t \
	%D%/script-lvm.t \
	%D%/service-local.t \
	%D%/quickstart.t \
	%D%/quickstart-device.t \
	%D%/ssh-audit.t \
	%D%/ssh-devices.t \
	%D%/ssh-volumes.t \
	$(NULL)
EXTRA_DIST += %D%/lab.py %D%/uml-init %D%/machine-init %D%/machine.py \
	%D%/cluster.py %D%/serve.py %D%/labtest.py %D%/audit_nodes.py \
	%D%/kubepods.py %D%/in-vm %D%/vm-init
# Each takes five to fifteen minutes: contrib/check names them as not run,
# contrib/check --long runs them.
LONG_TESTS = %D%/ssh-nodes.t %D%/ssh-replace.t %D%/ssh-replicas.t
EXTRA_DIST += $(LONG_TESTS)
print-long-tests:
	@echo $(LONG_TESTS)
