# SPDX-License-Identifier: GPL-2.0-or-later
EXTRA_DIST += \
	%D%/check \
	%D%/container/heketi-start \
	%D%/lab \
	%D%/new-plugin \
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
	%D%/examples/thin-arbiter/thin-arbiter.c \
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
