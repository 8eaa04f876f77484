# SPDX-License-Identifier: GPL-2.0-or-later
# All but main.c is a library, so that unit tests can have it.
noinst_LTLIBRARIES += libcli.la
libcli_la_SOURCES = \
	%D%/answer.c %D%/answer.h \
	%D%/args.c %D%/args.h \
	%D%/cli.c %D%/cli.h \
	%D%/cmd-admin.c \
	%D%/cmd-blockvolume.c \
	%D%/cmd-brick.c \
	%D%/cmd-cluster.c \
	%D%/cmd-completion.c \
	%D%/cmd-device.c \
	%D%/cmd-node.c \
	%D%/cmd-node-check.c \
	%D%/cmd-server.c \
	%D%/cmd-storage.c \
	%D%/cmd-tags.c \
	%D%/cmd-topology.c \
	%D%/cmd-topology-apply.c \
	%D%/cmd-volume.c \
	%D%/commands.c \
	%D%/complete.c %D%/complete.h \
	%D%/fmt.c %D%/fmt.h \
	%D%/go-template-parse.c %D%/go-template-tree.h \
	%D%/go-template.c %D%/go-template.h \
	%D%/go-value.c %D%/go-value.h \
	%D%/go-words.c %D%/go-words.h \
	%D%/help.c %D%/help.h \
	%D%/http.c %D%/http.h \
	%D%/progress.c %D%/progress.h \
	%D%/pv.c %D%/pv.h \
	%D%/storage-list.c %D%/storage-list.h \
	%D%/suggest.c %D%/suggest.h \
	%D%/token.c %D%/token.h \
	%D%/topology-check.c \
	%D%/topology-file.c %D%/topology-file.h \
	%D%/topology-plan.c %D%/topology-plan.h \
	%D%/topology-tree.c %D%/topology-tree.h \
	$(NULL)
CFLAGS_CLI = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS)
libcli_la_CFLAGS = $(CFLAGS_CLI)
libcli_la_LIBADD = libutil.la $(JANSSON_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS)

bin_PROGRAMS += brickyard
brickyard_SOURCES = %D%/main.c
brickyard_CFLAGS = $(CFLAGS_CLI)
brickyard_LDADD = libcli.la

man_MANS += %D%/brickyard.1
CLEANFILES += %D%/brickyard.1
EXTRA_DIST += %D%/brickyard.1.pod

# Completion: one script for each shell, installed, and printed by "completion".
EXTRA_DIST += %D%/completion/brickyard.bash %D%/completion/_brickyard \
	%D%/completion/brickyard.fish
SCRIPTS_INC = %D%/completion/bash.inc %D%/completion/zsh.inc \
	%D%/completion/fish.inc
CLEANFILES += $(SCRIPTS_INC)
C_STRINGS = sed -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/'
%D%/completion/bash.inc: $(srcdir)/%D%/completion/brickyard.bash
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(C_STRINGS) $(srcdir)/%D%/completion/brickyard.bash >$@
%D%/completion/zsh.inc: $(srcdir)/%D%/completion/_brickyard
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(C_STRINGS) $(srcdir)/%D%/completion/_brickyard >$@
%D%/completion/fish.inc: $(srcdir)/%D%/completion/brickyard.fish
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(C_STRINGS) $(srcdir)/%D%/completion/brickyard.fish >$@
$(libcli_la_OBJECTS): | $(SCRIPTS_INC)

bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
zshcompletion_DATA = %D%/completion/_brickyard
fishcompletion_DATA = %D%/completion/brickyard.fish

# bash looks for a file of the command's name; the program, its manual page and
# its completion have heketi-cli's name, too.
install-cli-links:
	$(MKDIR_P) $(DESTDIR)$(bindir) $(DESTDIR)$(man1dir) \
		$(DESTDIR)$(bashcompletiondir) $(DESTDIR)$(fishcompletiondir)
	$(INSTALL_DATA) $(srcdir)/cli/completion/brickyard.bash \
		$(DESTDIR)$(bashcompletiondir)/brickyard
	cd $(DESTDIR)$(bindir) && if test -f heketi-cli && ! test -L heketi-cli; \
	then echo "$(bindir)/heketi-cli is somebody else's: left alone"; \
	else ln -sf brickyard heketi-cli; fi
	cd $(DESTDIR)$(man1dir) && ln -sf brickyard.1 heketi-cli.1
	cd $(DESTDIR)$(bashcompletiondir) && ln -sf brickyard heketi-cli
	cd $(DESTDIR)$(fishcompletiondir) && ln -sf brickyard.fish heketi-cli.fish
uninstall-cli-links:
	if test -L $(DESTDIR)$(bindir)/heketi-cli; \
	then rm -f $(DESTDIR)$(bindir)/heketi-cli; fi
	rm -f $(DESTDIR)$(man1dir)/heketi-cli.1 \
		$(DESTDIR)$(bashcompletiondir)/heketi-cli \
		$(DESTDIR)$(bashcompletiondir)/brickyard \
		$(DESTDIR)$(fishcompletiondir)/heketi-cli.fish
.PHONY: install-cli-links uninstall-cli-links
