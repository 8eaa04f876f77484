/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard: from the command line to a handler, and from its error to stderr
 * and the exit status.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/help.h"

enum { EXIT_ERROR = 255 };	/* what heketi-cli exits with */

static int
print_error(const struct error *err)
{
	fflush(stdout);
	fprintf(stderr, "Error: %s\n", err->text);
	return EXIT_ERROR;
}

static int
print_usage_error(const struct cli *cli, const struct error *err)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	print_error(err);
	if (program_is_heketi_cli()) {
		/* cobra's line, after an unknown word only */
		if (cli->args.command == NULL &&
		    strncmp(err->text, "unknown command", 15) == 0)
			fputs("Run 'heketi-cli --help' for usage.\n", stderr);
		return EXIT_ERROR;
	}
	help_usage(cli->args.command, &b);
	fputs(buf_str(&b), stderr);
	return EXIT_ERROR;
}

/* Everything that we send is JSON. */
static enum err
check_utf8(int argc, char *const *argv, struct error *err)
{
	for (int i = 0; i < argc; i++) {
		json_auto_t *probe = json_string(argv[i]);

		if (probe == NULL)
			return fail(err, ERR_BADREQ,
				    "argument %d is not UTF-8", i + 1);
	}
	return ERR_OK;
}

/* Where heketi-cli was told nothing, or asked about nothing it knows, it says so
 * on stderr, and that is no mistake.
 */
static void
print_help(const struct cli *cli)
{
	const struct command *c = cli->args.command;
	const struct strs *rest = &cli->args.rest;
	CLEANUP(buf_release) struct buf b = { 0 };
	bool lost = program_is_heketi_cli() && c == NULL &&
		    (!cli->args.help || rest->n > 0);

	for (size_t i = 0; lost && cli->args.help && i < rest->n; i++)
		buf_addf(&b, "%s`%s`%s", i == 0 ? "Unknown help topic [" : " ",
			 rest->v[i], i + 1 == rest->n ? "]\n" : "");
	help_full(c, &b);
	fputs(buf_str(&b), lost ? stderr : stdout);
}

static enum err
run(struct cli *cli, struct error *err)
{
	const struct command *c = cli->args.command;

	if (cli->args.version) {
		printf("%s " PACKAGE_VERSION "\n", program_name());
		return ERR_OK;
	}
	if (cli->args.help || c == NULL || c->run == NULL) {
		print_help(cli);
		return ERR_OK;
	}
	if (c->missing != NULL && cli_arg(cli) == NULL)
		return fail(err, ERR_BADREQ, "%s", c->missing);
	cli->json = args_global_bool(&cli->args, "json");
	return c->run(cli, err);
}

/* A full disk or a closed pipe must not look like success. */
static enum err
end_output(struct error *err)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return fail(err, ERR_INTERNAL, "writing the output: %m");
	return ERR_OK;
}

/* For the shells, and therefore in no table and no manual. */
static bool
is_completion(int argc, char *const *argv)
{
	return argc > 0 && strcmp(argv[0], "__complete") == 0;
}

static int
print_completion(int argc, char *const *argv)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	complete_words(argc, argv, &b);
	fputs(buf_str(&b), stdout);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_ERROR;
}

static int
dispatch(struct cli *cli, int argc, char *const *argv)
{
	struct error err;

	if (is_completion(argc, argv))
		return print_completion(argc - 1, argv + 1);
	if (check_utf8(argc, argv, &err) != ERR_OK)
		return print_error(&err);
	if (args_parse(&cli->args, argc, argv, &err) != ERR_OK)
		return print_usage_error(cli, &err);
	if (run(cli, &err) != ERR_OK)
		return print_error(&err);
	return end_output(&err) == ERR_OK ? cli->status : print_error(&err);
}

int
main(int argc, char **argv)
{
	struct cli cli = { 0 };
	int status;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		fputs("Error: libcurl can't be initialised\n", stderr);
		return EXIT_ERROR;
	}
	if (argc > 0)
		program_set_name(argv[0]);
	status = dispatch(&cli, argc > 0 ? argc - 1 : 0, argv + 1);
	client_free(cli.client);
	args_release(&cli.args);
	curl_global_cleanup();
	return status;
}
