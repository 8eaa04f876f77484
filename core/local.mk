# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LTLIBRARIES += libutil.la libcore.la
libutil_la_SOURCES = \
	%D%/util/buf.c %D%/util/buf.h \
	%D%/util/cleanup.h \
	%D%/util/clock.c %D%/util/clock.h \
	%D%/util/distance.c %D%/util/distance.h \
	%D%/util/error.c %D%/util/error.def %D%/util/error.h \
	%D%/util/histogram.c %D%/util/histogram.h \
	%D%/util/id.c %D%/util/id.h \
	%D%/util/log.c %D%/util/log.h \
	%D%/util/strs.c %D%/util/strs.h \
	%D%/util/utf8.c %D%/util/utf8.h \
	%D%/util/xalloc.c %D%/util/xalloc.h \
	$(NULL)
libcore_la_SOURCES = \
	%D%/allocate.c %D%/allocate.h \
	%D%/ages.c %D%/ages.h \
	%D%/block.c %D%/block.h \
	%D%/block-repair.c \
	%D%/brick-order.c %D%/brick-order.h \
	%D%/cleaner.c \
	%D%/configuration.c %D%/configuration.h \
	%D%/configuration-hint.c %D%/configuration-hint.h \
	%D%/counters.c %D%/counters.h \
	%D%/crossing.c %D%/crossing.h \
	%D%/duty.c %D%/duty.h \
	%D%/engine.c %D%/engine.h %D%/engine-private.h \
	%D%/engine-stuck.c \
	%D%/errand.c %D%/errand.h \
	%D%/executor.c %D%/executor.h \
	%D%/executor-step.c %D%/executor-step.h \
	%D%/executor-inject.c %D%/executor-inject.h \
	%D%/executor-config.c %D%/executor-config.h \
	%D%/fanout.c \
	%D%/gate.c %D%/gate.h \
	%D%/heal.c %D%/heal.h \
	%D%/health.c \
	%D%/health.h \
	%D%/heketi-words.c %D%/heketi-words.h \
	%D%/inject.c %D%/inject.h \
	%D%/lowering.c %D%/lowering.h \
	%D%/leftover.c %D%/leftover.h %D%/leftover-duty.c \
	%D%/live-node.c %D%/live-node.h \
	%D%/lost.c %D%/lost.h \
	%D%/model.c %D%/model.h \
	%D%/node-args.c %D%/node-args.h \
	%D%/op-block.c %D%/op-block.h \
	%D%/op-block-hosts.c \
	%D%/op-clean.c \
	%D%/op-clone.c \
	%D%/op-device.c \
	%D%/op-evict.c %D%/op-evict.h \
	%D%/op-node.c \
	%D%/op-remove.c \
	%D%/op-bricks.c \
	%D%/op-volume.c %D%/op-volume.h \
	%D%/peers.h \
	%D%/pending.c %D%/pending.h \
	%D%/placement.c %D%/placement.h \
	%D%/placement-replace.c \
	%D%/placement-rule.c %D%/placement-rule.h \
	%D%/placement-set.c %D%/placement-set.h \
	%D%/plugin.c %D%/plugin.h \
	%D%/plugin-options.c \
	%D%/plugin-services.c \
	%D%/relation.c %D%/relation.h \
	%D%/service.c %D%/service.h %D%/service-private.h \
	%D%/service-admin.c \
	%D%/service-block.c %D%/service-block.h \
	%D%/service-block-hosting.c \
	%D%/service-clone.c \
	%D%/service-cluster.c \
	%D%/service-brick.c \
	%D%/service-device.c \
	%D%/service-examine.c \
	%D%/service-measure.c \
	%D%/service-node.c \
	%D%/service-probe.c \
	%D%/service-pending.c \
	%D%/service-replica.c \
	%D%/service-tags.c \
	%D%/service-type.c \
	%D%/service-volume.c \
	%D%/slot.c \
	%D%/step-stats.c %D%/step-stats.h \
	%D%/switches.c %D%/switches.h \
	%D%/topology.c %D%/topology.h %D%/topology-index.h \
	%D%/volume-type.c %D%/volume-type.h \
	$(NULL)
libcore_la_LIBADD = -ldl
brickyardincludedir = $(includedir)/brickyard
brickyardinclude_HEADERS = \
	%D%/include/brickyard/common.h \
	%D%/include/brickyard/executor.h \
	%D%/include/brickyard/volume-type.h
sbin_PROGRAMS += brickyardd
brickyardd_SOURCES = %D%/main.c %D%/main.h \
	%D%/main-db.c %D%/main-export.c %D%/main-offline.c %D%/main-offline.h
brickyardd_CPPFLAGS = $(AM_CPPFLAGS) -DPKGLIBDIR='"$(pkglibdir)"'
brickyardd_LDADD = libapi.la libcore.la libscript.la libstore.la libutil.la

man_MANS += %D%/brickyardd.8 %D%/brickyardd-db.8 %D%/brickyard.json.5 %D%/brickyard-plugin.3
CLEANFILES += %D%/brickyardd.8 %D%/brickyardd-db.8 %D%/brickyard.json.5 %D%/brickyard-plugin.3
EXTRA_DIST += %D%/brickyardd.8.pod %D%/brickyardd-db.8.pod %D%/brickyard.json.5.pod %D%/brickyard-plugin.3.pod

# For authors of plug-ins; the ABI's version comes from the header.
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = %D%/brickyard-plugin.pc
CLEANFILES += $(pkgconfig_DATA)
EXTRA_DIST += %D%/brickyard-plugin.pc.in
ABI_OF = sed -n 's/^.define BRICKYARD_ABI_$(1)[^0-9]*\([0-9]*\)u$$/\1/p' \
	$(srcdir)/core/include/brickyard/common.h
%D%/brickyard-plugin.pc: %D%/brickyard-plugin.pc.in %D%/include/brickyard/common.h Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed -e 's,[@]prefix[@],$(prefix),' \
		-e 's,[@]exec_prefix[@],$(exec_prefix),' -e 's,[@]includedir[@],$(includedir),' \
		-e 's,[@]libdir[@],$(libdir),' -e 's,[@]executordir[@],$(executordir),' \
		-e 's,[@]volumetypedir[@],$(volumetypedir),' \
		-e 's,[@]mandir[@],$(mandir),' -e 's,[@]docdir[@],$(docdir),' \
		-e 's,[@]PACKAGE_VERSION[@],$(PACKAGE_VERSION),' \
		-e "s,[@]ABI_MAJOR[@],`$(call ABI_OF,MAJOR)`,g" \
		-e "s,[@]ABI_MINOR[@],`$(call ABI_OF,MINOR)`,g" \
		$(srcdir)/core/brickyard-plugin.pc.in >$@

# For authors of plug-ins: tries the contract on a shared object.
bin_PROGRAMS += brickyard-plugin-check
brickyard_plugin_check_SOURCES = \
	%D%/plugin-check/belongings.c \
	%D%/plugin-check/check.h \
	%D%/plugin-check/check-faults.c \
	%D%/plugin-check/check-object.c \
	%D%/plugin-check/check-offers.c \
	%D%/plugin-check/check-run.c \
	%D%/plugin-check/check-steps.c \
	%D%/plugin-check/check-type.c \
	%D%/plugin-check/laws.c \
	%D%/plugin-check/laws.h \
	%D%/plugin-check/lent.c \
	%D%/plugin-check/lent.h \
	%D%/plugin-check/lent-library.c \
	%D%/plugin-check/lent-library.h \
	%D%/plugin-check/main.c \
	%D%/plugin-check/scenario.c \
	%D%/plugin-check/scenario.h \
	%D%/plugin-check/scratch.h \
	$(NULL)
brickyard_plugin_check_LDADD = libcore.la libstore.la libutil.la -ldl
man_MANS += %D%/plugin-check/brickyard-plugin-check.1
CLEANFILES += %D%/plugin-check/brickyard-plugin-check.1
EXTRA_DIST += %D%/plugin-check/brickyard-plugin-check.1.pod
