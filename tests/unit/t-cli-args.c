/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line parser and the command table itself. */
#include <config.h>

#include "cli/args.h"
#include "cli/go-words.h"
#include "cli/help.h"
#include "tests/tap.h"
#include "util/buf.h"

enum { ARGS_MAX = 16 };

/* Split at blanks ("" stands for an empty argument as _) and parse. */
static enum err
parse(const char *line, struct args *a, struct error *err)
{
	static char copy[512];
	char *argv[ARGS_MAX], *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *s = strtok_r(copy, " ", &save); s != NULL;
	     s = strtok_r(NULL, " ", &save))
		argv[argc++] = strcmp(s, "_") == 0 ? s + 1 : s;
	return args_parse(a, argc, argv, err);
}

static const char *
or_none(const char *s)
{
	return s != NULL ? s : "(none)";
}

static void
test_words_and_flags_in_any_order(void)
{
	static const char *const lines[] = {
		"volume create --size=3 --block -s http://x",
		"volume create -s http://x --size 3 --block=true",
		"-s http://x volume create --block --size 3",
		"-shttp://x volume --size 3 create --block=1",
		"--server=http://x volume --block --size=3 create",
		"volume -s=http://x create --size=0x3 --block=T",
		"--server http://x volume create --size=9 --size=3 --block",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct error err = { .text = "" };
		struct args a;

		if (ok(parse(lines[i], &a, &err) == ERR_OK, "%s", lines[i])) {
			is_str(a.command->path, "volume create", "command");
			is_str(or_none(args_global(&a, "server")), "http://x",
			       "a global flag");
			is_int(args_int(&a, "size"), 3, "an int");
			ok(args_bool(&a, "block"), "a bool");
			is_int(a.rest.n, 0, "nothing is left over");
		} else
			printf("# %s\n", err.text);
		args_release(&a);
	}
}

static void
test_defaults(void)
{
	struct args a;

	ok(parse("volume create", &a, NULL) == ERR_OK, "no flags");
	is_int(args_int(&a, "replica"), 3, "the default of an int");
	is_int(args_int(&a, "size"), 0, "an int without a default");
	is_str(args_str(&a, "durability"), "replicate", "of a string");
	is_str(args_str(&a, "name"), "", "a string without");
	ok(args_float(&a, "snapshot-factor") == 1.0, "of a float");
	ok(!args_bool(&a, "block"), "a bool without");
	ok(args_global(&a, "server") == NULL, "globals have none");
	ok(!args_global_bool(&a, "insecure-tls"), "nor global bools");
	args_release(&a);

	ok(parse("cluster create --file=false", &a, NULL) == ERR_OK, "false");
	ok(!args_bool(&a, "file") && args_bool(&a, "block"),
	   "a true default can be turned off");
	args_release(&a);
}

static void
test_arguments(void)
{
	struct args a;

	ok(parse("volume delete -- -x", &a, NULL) == ERR_OK, "-- ends flags");
	is_str(a.rest.v[0], "-x", "what follows is an argument");
	args_release(&a);
	ok(parse("volume info help --json", &a, NULL) == ERR_OK, "words end");
	is_str(a.rest.v[0], "help", "after the command words are arguments");
	ok(args_global_bool(&a, "json") && !a.help, "and flags are flags");
	args_release(&a);
	ok(parse("volume info -", &a, NULL) == ERR_OK, "a lone dash");
	is_str(a.rest.v[0], "-", "is an argument");
	args_release(&a);
	ok(parse("topology load --json f.json", &a, NULL) == ERR_OK,
	   "a command's own flag");
	is_str(args_str(&a, "json"), "f.json", "comes before the global one");
	ok(!args_global_bool(&a, "json"), "which is not set");
	args_release(&a);
	ok(parse("topology load -jf.json -IC a,b -C c", &a, NULL) == ERR_OK,
	   "letters may be joined");
	is_str(args_str(&a, "json"), "f.json", "with a value");
	ok(args_global_bool(&a, "insecure-tls"), "a bool before a value");
	is_int(a.global.n, 4, "a list has all that was given");
	is_str(a.global.v[3].value, "c", "in order");
	args_release(&a);
}

static void
test_aliases_and_many_arguments(void)
{
	struct args a;

	ok(parse("node deltags ID a b c --all", &a, NULL) == ERR_OK,
	   "an alias, and as many arguments as one likes");
	is_str(a.command->path, "node rmtags", "is the command's");
	is_int(a.rest.n, 4, "arguments");
	ok(args_bool(&a, "all"), "flags after them");
	args_release(&a);
	ok(parse("setup-heketi-db-storage", &a, NULL) == ERR_OK, "another");
	is_str(a.command->path, "setup-openshift-heketi-storage", "command");
	args_release(&a);
	for (const struct command_alias *l = command_aliases; l->path; l++) {
		bool found = false;

		for (const struct command *c = commands; c->path != NULL; c++)
			found = found || strcmp(c->path, l->path) == 0;
		ok(found, "%s is another word for %s", l->word, l->path);
	}
}

static void
test_help_and_version(void)
{
	static const struct {
		const char *line, *path;
	} tab[] = {
		{ "help", NULL }, { "--help", NULL }, { "-h", NULL },
		{ "help volume", "volume" }, { "volume -h", "volume" },
		{ "help volume create", "volume create" },
		{ "volume create --help", "volume create" },
		{ "volume info -h", "volume info" },
		{ "--help server operations", "server operations" },
	};
	struct args a;

	for (size_t i = 0; i < ARRAY_SIZE(tab); i++) {
		ok(parse(tab[i].line, &a, NULL) == ERR_OK && a.help, "%s",
		   tab[i].line);
		is_str(a.command ? a.command->path : "(none)",
		       or_none(tab[i].path), "what it is about");
		args_release(&a);
	}
	ok(parse("-v", &a, NULL) == ERR_OK && a.version, "-v");
	args_release(&a);
	ok(parse("--version", &a, NULL) == ERR_OK && a.version, "--version");
	args_release(&a);
	ok(parse("", &a, NULL) == ERR_OK && a.command == NULL && !a.help,
	   "nothing at all");
	args_release(&a);
}

static void
test_refusals(void)
{
	static const struct {
		const char *line, *text, *path;
	} tab[] = {
		{ "volumes", "unknown command \"volumes\" for \"brickyard\""
		  "\n\nDid you mean this?\n\tvolume\n", NULL },
		{ "LOG", "unknown command \"LOG\" for \"brickyard\""
		  "\n\nDid you mean this?\n\tloglevel\n", NULL },
		{ "volume inf", "unknown command \"inf\" for"
		  " \"brickyard volume\"\n\nDid you mean this?\n\tinfo\n",
		  "volume" },
		{ "brickyardbrickyardbrickyardbrickyardbrickyardbrickyard"
		  "brickyardbrickyard", "unknown command"
		  " \"brickyardbrickyardbrickyardbrickyardbrickyardbrickyard"
		  "brickyardbrickyard\" for \"brickyard\"", NULL },
		{ "volume make",
		  "unknown command \"make\" for \"brickyard volume\"",
		  "volume" },
		{ "server operations all", "unknown command \"all\" for"
		  " \"brickyard server operations\"", "server operations" },
		{ "_", "unknown command \"\" for \"brickyard\"", NULL },
		{ "volume -- create",
		  "unknown command \"create\" for \"brickyard volume\""
		  "\n\nDid you mean this?\n\tcreate\n", "volume" },
		{ "volume create --sise=3", "unknown flag: --sise",
		  "volume create" },
		{ "volume create --siz 3", "unknown flag: --siz",
		  "volume create" },
		{ "volume list --size=3", "unknown flag: --size",
		  "volume list" },
		{ "volume create -x", "unknown shorthand flag: 'x' in -x",
		  "volume create" },
		{ "volume create --size", "flag needs an argument: --size",
		  "volume create" },
		{ "volume list -s", "flag needs an argument: 's' in -s",
		  "volume list" },
		{ "volume create --size=big",
		  "invalid argument \"big\" for \"--size\" flag:"
		  " strconv.ParseInt: parsing \"big\": invalid syntax",
		  "volume create" },
		{ "volume create --size=99999999999999999999",
		  "invalid argument \"99999999999999999999\" for \"--size\""
		  " flag: strconv.ParseInt: parsing"
		  " \"99999999999999999999\": value out of range",
		  "volume create" },
		{ "volume create --size=", "invalid argument \"\" for"
		  " \"--size\" flag: strconv.ParseInt: parsing \"\":"
		  " invalid syntax", "volume create" },
		{ "volume create --snapshot-factor=x",
		  "invalid argument \"x\" for \"--snapshot-factor\" flag:"
		  " strconv.ParseFloat: parsing \"x\": invalid syntax",
		  "volume create" },
		{ "volume create --block=maybe",
		  "invalid argument \"maybe\" for \"--block\" flag:"
		  " strconv.ParseBool: parsing \"maybe\": invalid syntax",
		  "volume create" },
		{ "volume list --insecure-tls=x",
		  "invalid argument \"x\" for \"-I, --insecure-tls\" flag:"
		  " strconv.ParseBool: parsing \"x\": invalid syntax",
		  "volume list" },
		{ "volume list --=x", "bad flag syntax: --=x", "volume list" },
		{ "volume list ---x", "bad flag syntax: ---x", "volume list" },
		{ "volume list -Ixy", "unknown shorthand flag: 'x' in -xy",
		  "volume list" },
		{ "volume list -Is", "flag needs an argument: 's' in -s",
		  "volume list" },
		{ "brick evict a b", "Too many arguments provided",
		  "brick evict" },
		{ "server mode set a b", "too many arguments",
		  "server mode set" },
		{ "volume create --block yes",
		  "too many arguments: \"yes\"", "volume create" },
		{ "volume delete a b", "too many arguments: \"b\"",
		  "volume delete" },
		{ "volume list -v", "unknown shorthand flag: 'v' in -v",
		  "volume list" },
		{ "volume list --version", "unknown flag: --version",
		  "volume list" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tab); i++) {
		struct error err = { .text = "" };
		struct args a;

		is_int(parse(tab[i].line, &a, &err), ERR_BADREQ, "%s",
		       tab[i].line);
		is_str(err.text, tab[i].text, "says why");
		is_str(a.command ? a.command->path : "(none)",
		       or_none(tab[i].path), "and knows where");
		args_release(&a);
	}
}

static void
test_numbers_are_read_as_in_go(void)
{
	static const struct {
		const char *s;
		int64_t n;
		const char *why;	/* NULL: it is one */
	} tab[] = {
		{ "0", 0, NULL }, { "-0", 0, NULL }, { "+7", 7, NULL },
		{ "1_000", 1000, NULL }, { "0x1F", 31, NULL },
		{ "0X_1f", 31, NULL }, { "-0b101", -5, NULL },
		{ "0o17", 15, NULL }, { "017", 15, NULL }, { "0_7", 7, NULL },
		{ "9223372036854775807", INT64_MAX, NULL },
		{ "-9223372036854775808", INT64_MIN, NULL },
		{ "9223372036854775808", 1, "value out of range" },
		{ "-9223372036854775809", 1, "value out of range" },
		{ "0x1000000000000000f", 1, "value out of range" },
		{ "99999999999999999999999", 1, "value out of range" },
		{ "99999999999999999999999x", 1, "invalid syntax" },
		{ "", 1, "invalid syntax" }, { "-", 1, "invalid syntax" },
		{ "+-1", 1, "invalid syntax" }, { " 1", 1, "invalid syntax" },
		{ "1 ", 1, "invalid syntax" }, { "0x", 1, "invalid syntax" },
		{ "0b2", 1, "invalid syntax" }, { "08", 1, "invalid syntax" },
		{ "_1", 1, "invalid syntax" }, { "1_", 1, "invalid syntax" },
		{ "1__0", 1, "invalid syntax" }, { "1.5", 1, "invalid syntax" },
		{ "1e3", 1, "invalid syntax" }, { "ff", 1, "invalid syntax" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tab); i++) {
		const char *why = "unset";
		int64_t n = 1;
		bool got = go_parse_int(tab[i].s, &n, &why);

		ok(got == (tab[i].why == NULL), "'%s'", tab[i].s);
		is_int(n, tab[i].n, "its value, or what was there");
		is_str(or_none(why), or_none(tab[i].why), "the reason");
	}
}

static void
test_fractions_are_read_as_in_go(void)
{
	const char *why = NULL;
	double d = 1;

	ok(go_parse_float("-1.5e1", &d, &why) && d == -15, "-1.5e1");
	ok(go_parse_float("1e-400", &d, &why) && d == 0, "too small is 0");
	ok(!go_parse_float("1e400", &d, &why), "1e400 is too large");
	is_str(why, "value out of range", "which is said");
	ok(!go_parse_float(" 1", &d, &why), "' 1' is none");
	is_str(why, "invalid syntax", "which is said");
	ok(!go_parse_float("", &d, &why), "nor is nothing");
}

static bool
has_parent(const struct command *c)
{
	const char *end = strrchr(c->path, ' ');

	if (end == NULL)
		return true;
	for (const struct command *p = commands; p->path != NULL; p++) {
		size_t n = strlen(p->path);

		if (p->run == NULL && n == (size_t)(end - c->path) &&
		    strncmp(p->path, c->path, n) == 0)
			return true;
	}
	return false;
}

static int
count_flags(const struct flag *flags, const char *name, char letter)
{
	int n = 0;

	for (const struct flag *f = flags; f != NULL && f->name; f++)
		n += name != NULL ? strcmp(f->name, name) == 0
				  : f->letter == letter;
	return n;
}

static bool
flags_are_sound(const struct flag *flags)
{
	for (const struct flag *f = flags; f != NULL && f->name; f++) {
		if (count_flags(flags, f->name, 0) != 1)
			return false;
		if (f->letter != 0 && count_flags(flags, NULL, f->letter) != 1)
			return false;
		if ((f->value == NULL) != (f->type == FLAG_BOOL) ||
		    f->help == NULL || f->letter == 'h')
			return false;
	}
	return true;
}

static void
test_table_is_sound(void)
{
	ok(flags_are_sound(global_flags), "global flags");
	for (const struct command *c = commands; c->path != NULL; c++) {
		bool required = c->args != NULL && c->args[0] != '[';

		ok(has_parent(c), "%s has a group above it", c->path);
		ok(flags_are_sound(c->flags), "%s: flags", c->path);
		ok(required == (c->missing != NULL),
		   "%s: a required argument has its error", c->path);
		for (const struct command *d = c + 1; d->path != NULL; d++)
			if (strcmp(c->path, d->path) == 0)
				ok(false, "%s is there twice", c->path);
	}
}

static void
test_help_fits_a_terminal(void)
{
	for (const struct command *c = commands; c->path != NULL; c++) {
		CLEANUP(buf_release) struct buf b = { 0 };
		size_t longest = 0;

		help_full(c, &b);
		for (const char *s = buf_str(&b); *s != '\0';) {
			size_t n = strcspn(s, "\n");

			longest = n > longest ? n : longest;
			s += n + (s[n] != '\0');
		}
		ok(longest <= 80, "help of %s: %zu columns", c->path, longest);
	}
}

int
main(void)
{
	test_words_and_flags_in_any_order();
	test_defaults();
	test_arguments();
	test_aliases_and_many_arguments();
	test_help_and_version();
	test_refusals();
	test_numbers_are_read_as_in_go();
	test_fractions_are_read_as_in_go();
	test_table_is_sound();
	test_help_fits_a_terminal();
	return tap_done();
}
