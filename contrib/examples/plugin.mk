# SPDX-License-Identifier: BSD-2-Clause
# Build, check and install one plug-in with what Brickyard installed, and nothing
# of its source.  A Makefile says NAME, KIND (executor or volumetype), SOURCES,
# maybe CPPFLAGS, LIBS and CHECK_ARGS, and includes this.
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g -Wall -Wextra
PLUGIN_CHECK ?= brickyard-plugin-check
DIRECTORY = $(shell $(PKG_CONFIG) --variable=$(KIND)dir brickyard-plugin)
MANDIR ?= $(shell $(PKG_CONFIG) --variable=mandir brickyard-plugin)

all: $(NAME).so

$(NAME).so: $(SOURCES)
	$(CC) -std=c99 $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden \
		$$($(PKG_CONFIG) --cflags brickyard-plugin) \
		-shared -Wl,-z,defs $(LDFLAGS) -o $@ $(SOURCES) $(LIBS) -lpthread

check: $(NAME).so
	$(PLUGIN_CHECK) $(CHECK_ARGS) $(NAME).so

$(NAME).7: $(NAME).7.pod
	pod2man --section=7 --name=$(NAME) --center=Brickyard $< $@

# brickyardd takes plug-ins only from places that belong to root.
install: $(NAME).so $(NAME).7
	install -d $(DESTDIR)$(DIRECTORY) $(DESTDIR)$(MANDIR)/man7
	install -m 644 $(NAME).so $(DESTDIR)$(DIRECTORY)
	install -m 644 $(NAME).7 $(DESTDIR)$(MANDIR)/man7

clean:
	rm -f $(NAME).so $(NAME).7

.PHONY: all check install clean
