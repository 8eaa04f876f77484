/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyardd db ... and offline ...: heketi's commands for when no server runs.
 * This file knows their options, and has those that need few words.
 */
#include <config.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "main-offline.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define CLEANUP_POLL_MS	50

/* What a command takes, besides --config, --store, --debug and --help. */
enum takes {
	T_DBFILE = 1 << 0,
	T_JSONFILE = 1 << 1,
	T_IMPORT = 1 << 2,		/* --pending, --force, ... */
	T_SELECTION = 1 << 3,		/* heketi's --all, --clusters, ... */
	T_VOLUME = 1 << 4,		/* --force-volume-name */
};

struct command {
	const char *group, *name;
	int (*run)(struct daemon *, const struct offline_options *);
	unsigned takes;
	const char *help;
};

/* ---- commands of few words ---- */

static int
empty_paths(struct daemon *d, const struct offline_options *o)
{
	fputs("Not needed: bricks are kept inside their volume, and none is "
	      "without a path.\nThose of a dump of heketi's are left out by "
	      "'brickyardd db import --force'.\n", stderr);
	return EXIT_SUCCESS;
}

static int
update_dbvol(struct daemon *d, const struct offline_options *o)
{
	fputs("Not needed: the state is kept in the store (etcd, or a file of "
	      "SQLite's), not on\na gluster volume, so no volume needs the "
	      "options that heketi's database does.\n", stderr);
	return EXIT_SUCCESS;
}

static void
nap(void)
{
	struct timespec ts = { 0, CLEANUP_POLL_MS * 1000000L };

	nanosleep(&ts, NULL);
}

/* Operations that are not over, and of those the ones whose undo failed. */
static size_t
count_open(struct service *s, size_t *ret_stuck)
{
	CLEANUP(strs_release) struct strs ids = { 0 };
	size_t open = 0;

	*ret_stuck = 0;
	service_list_operations(s, &ids);
	for (size_t i = 0; i < ids.n; i++) {
		RECORD_SCOPE struct operation *op =
			service_operation(s, ids.v[i]);

		if (op == NULL || op->status == OP_DONE ||
		    op->status == OP_FAILED)
			continue;
		open++;
		*ret_stuck += op->status == OP_STUCK;
	}
	return open;
}

/* Each is carried on or undone, those that failed before are tried once more; one
 * that gets stuck is told, and stays.
 */
static int
finish_all(struct service *s)
{
	size_t stuck, first = count_open(s, &stuck), open;
	char op[ID_SIZE];
	struct error err;

	if (stuck > 0 && service_clean_operations(s, &(struct strs){ 0 }, op,
						  &err) != ERR_OK)
		fprintf(stderr, "ERROR: %s\n", err.text);
	while ((open = count_open(s, &stuck)) != stuck)
		nap();
	fprintf(stderr, "%zu operations cleaned up, %zu remain\n",
		first - open, open);
	return open == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* What a server does by itself when it starts, without serving. */
static int
cleanup_operations(struct daemon *d, const struct offline_options *o)
{
	struct service_deps deps = { .config = d->config, .listen = "offline" };
	struct error err;
	enum err r;
	int status;

	load_plugins(d);
	r = open_executor(d, &err);
	if (r == ERR_OK)
		r = executor_inject(d->config, &d->executor, &err);
	deps.plugins = d->plugins;
	deps.executor = d->executor;
	if (r == ERR_OK)
		r = open_store(d, &deps.store, &err);
	if (r == ERR_OK)
		r = service_start(&deps, &d->service, &err);
	if (r != ERR_OK) {
		fprintf(stderr, "ERROR: %s\n", err.text);
		return EXIT_FAILURE;
	}
	status = finish_all(d->service);
	service_stop(d->service, GRACE_MS);
	return status;
}

/* ---- the command line ---- */

static const struct command commands[] = {
	{ "db", "import", db_import, T_DBFILE | T_JSONFILE | T_IMPORT,
	  "fill an empty store with a dump of heketi's database" },
	{ "db", "export", db_export, T_DBFILE | T_JSONFILE,
	  "write what is in the store as heketi would" },
	{ "db", "consistency-check", db_check, T_DBFILE,
	  "look for what does not fit together" },
	{ "db", "check", db_check, T_DBFILE, "the same" },
	{ "db", "delete-bricks-with-empty-path", empty_paths,
	  T_DBFILE | T_SELECTION, "not needed here" },
	{ "offline", "cleanup-operations", cleanup_operations, 0,
	  "carry on or undo all operations that are open" },
	{ "offline", "state examine gluster", offline_examine, 0,
	  "compare what is in the store with what the nodes have" },
	{ "offline", "update-dbvol", update_dbvol, T_VOLUME,
	  "not needed here" },
};

static const struct {
	struct option option;
	unsigned takes;			/* 0: all commands do */
	const char *argument, *help;
} known_options[] = {
	{ { "config", required_argument, NULL, 'c' }, 0, "FILE",
	  "read the configuration from FILE" },
	{ { "store", required_argument, NULL, 's' }, 0, "SPEC",
	  "the store: sqlite:PATH or etcd:URL[,URL...]" },
	{ { "dbfile", required_argument, NULL, 'd' }, T_DBFILE, "PATH",
	  "the same as --store sqlite:PATH" },
	{ { "jsonfile", required_argument, NULL, 'j' }, T_JSONFILE, "FILE",
	  "the dump" },
	{ { "pending", required_argument, NULL, 'p' }, T_IMPORT, "HOW",
	  "operations that were under way: refuse, clean or drop" },
	{ { "clone-name", required_argument, NULL, 'N' }, T_IMPORT, "OP=NAME",
	  "what the clone that OP was making is called" },
	{ { "force", no_argument, NULL, 'f' }, T_IMPORT, NULL,
	  "leave out bricks that belong to nothing" },
	{ { "ask-gluster", no_argument, NULL, 'g' }, T_IMPORT, NULL,
	  "ask the nodes for the order of bricks" },
	{ { "dry-run", no_argument, NULL, 'n' }, T_IMPORT, NULL,
	  "check and report, write nothing" },
	{ { "if-empty", no_argument, NULL, 'e' }, T_IMPORT, NULL,
	  "a store that is not empty is left as it is" },
	{ { "all", no_argument, NULL, 'x' }, T_SELECTION, NULL, "ignored" },
	{ { "clusters", required_argument, NULL, 'x' }, T_SELECTION, "IDS",
	  "ignored" },
	{ { "nodes", required_argument, NULL, 'x' }, T_SELECTION, "IDS",
	  "ignored" },
	{ { "devices", required_argument, NULL, 'x' }, T_SELECTION, "IDS",
	  "ignored" },
	{ { "force-volume-name", required_argument, NULL, 'x' }, T_VOLUME,
	  "NAME", "ignored" },
	{ { "debug", no_argument, NULL, 'D' }, 0, NULL, "log more" },
	{ { "help", no_argument, NULL, 'h' }, 0, NULL, "print this and exit" },
};

static bool
takes(const struct command *c, size_t option)
{
	return known_options[option].takes == 0 ||
	       (known_options[option].takes & c->takes) != 0;
}

static void
print_commands(FILE *to, const char *group)
{
	fprintf(to, "Usage: brickyardd %s COMMAND [OPTION]...\n\nCommands:\n",
		group);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].group, group) == 0)
			fprintf(to, "  %-30s %s\n", commands[i].name,
				commands[i].help);
}

static void
print_command(const struct command *c)
{
	printf("Usage: brickyardd %s %s [OPTION]...\n%c%s.\n\n", c->group,
	       c->name, c->help[0] - 'a' + 'A', c->help + 1);
	for (size_t i = 0; i < ARRAY_SIZE(known_options); i++) {
		CLEANUP_FREE char *left = xasprintf(
			"--%s %s", known_options[i].option.name,
			known_options[i].argument != NULL ?
				known_options[i].argument : "");

		if (takes(c, i))
			printf("  %-26s %s\n", left, known_options[i].help);
	}
}

/* "OPERATION=NAME" */
static void
add_clone_name(struct kvs *to, const char *arg)
{
	const char *eq = strchr(arg, '=');
	CLEANUP_FREE char *op = xstrndup(arg, eq != NULL ? (size_t)(eq - arg) :
							   strlen(arg));

	kvs_set(to, op, eq != NULL ? eq + 1 : "");
}

static void
take_option(struct daemon *d, struct offline_options *o, int c, char **ret_spec)
{
	switch (c) {
	case 'c': d->opt.config = *optarg != '\0' ? optarg : NULL; break;
	case 's':
		d->opt.store = optarg;
		o->dbfile = NULL;
		break;
	case 'd':
		free(*ret_spec);
		*ret_spec = xasprintf("sqlite:%s", optarg);
		d->opt.store = *ret_spec;
		o->dbfile = optarg;
		break;
	case 'j': o->jsonfile = optarg; break;
	case 'p': o->pending = optarg; break;
	case 'N': add_clone_name(&o->clone_names, optarg); break;
	case 'f': o->force = true; break;
	case 'g': o->ask_gluster = true; break;
	case 'n': o->dry_run = true; break;
	case 'e': o->if_empty = true; break;
	case 'D': o->debug = true; break;
	}
}

static int
usage_error(const struct command *c, const char *what)
{
	if (what != NULL)
		fprintf(stderr, "brickyardd: unexpected argument '%s'\n", what);
	fprintf(stderr, "Try 'brickyardd %s %s --help'.\n", c->group, c->name);
	return EXIT_USAGE;
}

static int
run_command(struct daemon *d, const struct command *c, int argc, char **argv)
{
	struct option options[ARRAY_SIZE(known_options) + 1] = { 0 };
	struct offline_options o = { .pending = "refuse" };
	CLEANUP_FREE char *spec = NULL;
	struct error err;
	size_t n = 0;
	int opt, status;

	for (size_t i = 0; i < ARRAY_SIZE(known_options); i++)
		if (takes(c, i))
			options[n++] = known_options[i].option;
	optind = 1;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h') {
			print_command(c);
			return EXIT_SUCCESS;
		}
		if (opt == '?')
			return usage_error(c, NULL);
		take_option(d, &o, opt, &spec);
	}
	if (optind < argc)
		return usage_error(c, argv[optind]);
	if (load_config(d, &err) != ERR_OK) {
		fprintf(stderr, "ERROR: %s\n", err.text);
		release(d);
		return EXIT_FAILURE;
	}
	if (strcmp(c->group, "offline") == 0 && is_unconfigured(d)) {
		fputs("Configuration file is required\n", stderr);
		release(d);
		return EXIT_FAILURE;
	}
	set_log_level(d->config);
	if (o.debug)
		log_set_level(LOG_LVL_DEBUG);
	status = c->run(d, &o);
	kvs_release(&o.clone_names);
	release(d);
	return status;
}

/* How many words of the command line name the command; 0: they don't. */
static int
count_words(const struct command *c, int argc, char **argv)
{
	CLEANUP(strs_release) struct strs words = { 0 };

	strs_split(&words, c->name, ' ');
	for (size_t i = 0; i < words.n; i++)
		if (i >= (size_t)argc || strcmp(words.v[i], argv[i]) != 0)
			return 0;
	return (int)words.n;
}

int
run_offline(struct daemon *d, int argc, char **argv)
{
	const char *group = argv[0];

	if (argc < 2) {
		print_commands(stdout, group);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int words = count_words(&commands[i], argc - 1, argv + 1);

		if (strcmp(commands[i].group, group) == 0 && words > 0)
			return run_command(d, &commands[i], argc - words,
					   argv + words);
	}
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
		print_commands(stdout, group);
		return EXIT_SUCCESS;
	}
	fprintf(stderr, "brickyardd: '%s %s' is no command\n", group, argv[1]);
	print_commands(stderr, group);
	return EXIT_USAGE;
}
