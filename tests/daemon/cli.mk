# SPDX-License-Identifier: GPL-2.0-or-later
# The command line: its parts in C, the program against a server that plays
# recorded answers.
check_PROGRAMS += tests/unit/t-cli-args tests/unit/t-cli-token
tests_unit_t_cli_args_SOURCES = tests/unit/t-cli-args.c
tests_unit_t_cli_args_LDADD = libcli.la
tests_unit_t_cli_token_SOURCES = tests/unit/t-cli-token.c
tests_unit_t_cli_token_CFLAGS = $(CFLAGS_CLI)
tests_unit_t_cli_token_LDADD = libcli.la

dist_check_SCRIPTS += \
	%D%/t-cli-administration.t \
	%D%/t-cli-blocks.t \
	%D%/t-cli-commands.t \
	%D%/t-cli-completion.t \
	%D%/t-cli-live.t \
	%D%/t-cli-plan.t \
	%D%/t-cli-protocol.t \
	%D%/t-cli-template.t \
	%D%/t-cli-topology.t \
	%D%/t-manual.t
EXTRA_DIST += tests/lib/fakeheketi.py
