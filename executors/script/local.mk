# SPDX-License-Identifier: GPL-2.0-or-later
# Not a plug-in: linked into the service, for executors that have only .run.
SCRIPT_PARTS = \
	%D%/prologue.sh \
	%D%/lvm.sh \
	%D%/mount.sh \
	%D%/directory.sh \
	%D%/brick.sh \
	%D%/device.sh \
	%D%/gluster.sh \
	%D%/heal.sh \
	%D%/block.sh \
	%D%/node.sh \
	$(NULL)
noinst_LTLIBRARIES += libscript.la
libscript_la_SOURCES = \
	executors/common/options.c executors/common/options.h \
	%D%/call.c \
	%D%/check-args.c \
	%D%/lower.h \
	%D%/options.c \
	%D%/script.c %D%/script.h \
	%D%/step-block.c \
	%D%/step-brick.c \
	%D%/step-device.c \
	%D%/step-heal.c \
	%D%/step-node.c \
	%D%/step-volume.c \
	%D%/text.c %D%/text.h \
	%D%/trim.c \
	%D%/words.c %D%/words.h \
	%D%/xml.c %D%/xml.h \
	$(NULL)
nodist_libscript_la_SOURCES = %D%/parts.c
libscript_la_CPPFLAGS = $(CPPFLAGS_PLUGIN) -I$(srcdir)/%D% -D_GNU_SOURCE
EXTRA_DIST += $(SCRIPT_PARTS) %D%/parts.sed
CLEANFILES += %D%/parts.c

# Each NAME.sh becomes part_NAME: its functions, and what is between them, without
# comments and indentation.
%D%/parts.c: $(SCRIPT_PARTS) %D%/parts.sed
	$(AM_V_GEN)$(MKDIR_P) %D% && { echo '#include "lower.h"'; \
	for f in $(SCRIPT_PARTS); do \
		n=`basename $$f .sh`; \
		echo "const struct chunk part_$$n[] = { { \"\", \"\""; \
		case $$f in /*) ;; *) f=$(srcdir)/$$f ;; esac; \
		sed -f $(srcdir)/%D%/parts.sed "$$f" || exit 1; \
		echo '}, { 0 } };'; \
	done; } >$@.tmp && mv -f $@.tmp $@
