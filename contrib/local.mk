# SPDX-License-Identifier: GPL-2.0-or-later
EXTRA_DIST += \
	%D%/check \
	%D%/lab \
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
