# SPDX-License-Identifier: GPL-2.0-or-later
# make fuzz FUZZ_SECONDS=60: every fuzzer for so long, two at a time.  They and
# what they fuzz are built by clang with its sanitizers, below fuzz/.
FUZZ_CC = clang
FUZZ_SECONDS = 20
FUZZERS = configuration dump json path record token topology
FUZZ_CFLAGS = -std=gnu11 -g -O1 -fno-omit-frame-pointer -w \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_CPPFLAGS = $(DEFS) $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) $(CPPFLAGS) \
	$(JANSSON_CFLAGS) $(CURL_CFLAGS) $(SQLITE_CFLAGS) $(CRYPTO_CFLAGS)
FUZZ_LIBS = $(JANSSON_LIBS) $(CURL_LIBS) $(SQLITE_LIBS) $(CRYPTO_LIBS) -lm -lpthread
FUZZED = $(filter %.c,$(libutil_la_SOURCES) $(libstore_la_SOURCES)) \
	api/auth.c api/gojson.c api/gosyntax.c api/gotext.c api/path.c api/route.c \
	api/validate.c cli/fmt.c cli/go-words.c cli/topology-check.c cli/topology-file.c
FUZZ_OBJECTS = $(FUZZED:%.c=fuzz/%.o)
FUZZ_BINARIES = $(FUZZERS:%=fuzz/fuzz-%)

fuzz/%.o: %.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(FUZZ_CC) $(FUZZ_CPPFLAGS) $(FUZZ_CFLAGS) \
		-fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
fuzz/libfuzzed.a: $(FUZZ_OBJECTS)
	$(AM_V_AR)rm -f $@ && ar rc $@ $(FUZZ_OBJECTS)
$(FUZZ_BINARIES): fuzz/fuzz-%: tests/fuzz/fuzz-%.c tests/fuzz/fuzz.h fuzz/libfuzzed.a
	$(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer \
		-o $@ $< fuzz/libfuzzed.a $(FUZZ_LIBS)
-include $(FUZZ_OBJECTS:.o=.d)

fuzz: $(FUZZ_BINARIES)
	$(SHELL) $(srcdir)/tests/fuzz/run $(srcdir) $(FUZZ_SECONDS) $(FUZZERS)
clean-local: clean-fuzz
clean-fuzz:
	rm -rf fuzz
.PHONY: fuzz clean-fuzz

EXTRA_DIST += %D%/run %D%/fuzz.h $(FUZZERS:%=%D%/fuzz-%.c) %D%/corpus
