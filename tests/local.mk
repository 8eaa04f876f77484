# SPDX-License-Identifier: GPL-2.0-or-later
# Every test speaks TAP and runs under prove.  Unit tests are C programs
# (check_PROGRAMS), the others executable *.t files (dist_check_SCRIPTS); a
# fragment a room lists them, so that adding one touches one line.
TESTS_ENVIRONMENT_ = BUILDDIR='$(abs_top_builddir)' SRCDIR='$(abs_top_srcdir)' CC='$(CC)'
PROVE = prove
PROVE_JOBS = 2
PROVEFLAGS = --timer
EXTRA_DIST += %D%/tap.h %D%/lib/tap.py \
	%D%/bench/bench-api.py %D%/bench/bench-replicas.py %D%/bench/bench-script.py

include tests/unit/util.mk
include tests/unit/store.mk
include tests/unit/etcd.mk
include tests/unit/plugin.mk
include tests/unit/placement.mk
include tests/unit/simulated.mk
include tests/unit/api.mk
include tests/unit/core.mk
include tests/unit/kubernetes.mk
include tests/unit/ssh.mk
include tests/daemon/daemon.mk
include tests/daemon/cli.mk
include tests/ha/ha.mk
include tests/lab/lab.mk
include tests/deploy/deploy.mk
include tests/conformance/conformance.mk
include tests/fuzz/fuzz.mk
include tests/meta/meta.mk
include tests/abi/abi.mk
include tests/sdk/sdk.mk

# What runs under which tool; contrib/check asks.  The lab drives real nodes and
# is not made faster or safer by a sanitizer in the daemon.  Nor are those that
# mostly kill it, drive other programs, or compare what the command line prints: what
# they pass through is in the others, and they take half of the time.
UNSANITIZED = %/t-cli-protocol.t %/t-cli-completion.t %/t-cli-blocks.t \
	%/t-havoc.t %/t-crash.t %/t-block-crash.t %/t-copy-store.t \
	%/t-db-import-random.t %/t-plugin-check.t %/t-faulty-plugins.t \
	%/t-script.t %/t-metrics.t \
	%/t-etcd.t %/t-etcd-outage.t %/t-kubernetes-outage.t %/t-kubernetes-pods.t \
	%/t-ssh-login.t %/t-engine-moments %/t-placement-property
SANITIZER_TESTS = $(filter-out $(UNSANITIZED),$(check_PROGRAMS) \
	$(filter tests/daemon/% tests/unit/%,$(dist_check_SCRIPTS)))
THREAD_TESTS = $(filter %t-service %t-store %t-mirror %t-simulated %t-executor %t-engine,$(check_PROGRAMS)) \
	$(filter %/t-ssh-run.t %/t-ssh-outage.t,$(dist_check_SCRIPTS))
VALGRIND_TESTS = $(filter-out %t-service %-driver %t-placement-property %-random \
	%t-engine-moments,$(check_PROGRAMS))
# Neither: what contrib/check runs in the ordinary build.
print-unsanitized-tests:
	@echo $(filter-out $(ALONE) $(SANITIZER_TESTS),$(check_PROGRAMS) $(dist_check_SCRIPTS))
print-sanitizer-tests:
	@echo $(SANITIZER_TESTS)
print-thread-tests:
	@echo $(THREAD_TESTS)

# Leaks are the address sanitizer's business: a forked child that leaves by
# _exit(2) would count as one here.
VALGRIND = valgrind -q --error-exitcode=99 --leak-check=no
check-valgrind: $(check_PROGRAMS) all
	cd $(top_builddir) && env $(TESTS_ENVIRONMENT_) $(PROVE) $(PROVEFLAGS) \
		-j$(PROVE_JOBS) --exec '$(VALGRIND)' $(VALGRIND_TESTS)

# make check TESTS_TO_RUN="tests/unit/t-id" runs some only.
TESTS_TO_RUN = $(check_PROGRAMS) $(dist_check_SCRIPTS)
# Those that bring up real nodes, or several replicas and an etcd, or build images
# run one after the other, at the end; LAB_NODE_TESTS, two at a time.
ALONE = tests/lab/% tests/ha/% tests/conformance/% tests/deploy/% tests/sdk/%
print-lab-tests:
	@echo $(filter tests/lab/%,$(dist_check_SCRIPTS))
print-cluster-tests:
	@echo $(filter-out tests/lab/%,$(filter $(ALONE),$(dist_check_SCRIPTS)))
print-plain-tests:
	@echo $(filter-out $(ALONE),$(check_PROGRAMS) $(dist_check_SCRIPTS))
run_tests = list= && for t in $(1); do \
		if test -e "$$t"; then list="$$list $$t"; \
		else list="$$list $(abs_top_srcdir)/$$t"; fi; done && \
	{ test -z "$$list" || \
	env $(TESTS_ENVIRONMENT_) $(PROVE) $(PROVEFLAGS) -j$(2) --exec '' $$list; }
check-local:
	cd $(top_builddir) && status=0; \
	{ $(call run_tests,$(filter-out $(ALONE),$(TESTS_TO_RUN)),$(PROVE_JOBS)); } || status=1; \
	{ $(call run_tests,$(filter $(LAB_NODE_TESTS),$(TESTS_TO_RUN)),$(LAB_JOBS)); } || status=1; \
	{ $(call run_tests,$(filter-out $(LAB_NODE_TESTS),$(filter $(ALONE),$(TESTS_TO_RUN))),1); } || status=1; \
	exit $$status
