/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parser behind args.h.  First the words of the command are found, with
 * flags stepped over; then everything else is read with that command's flags,
 * so that "-s URL volume list" and "volume list -s URL" are the same.
 */
#include <config.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/go-words.h"
#include "cli/suggest.h"
#include "util/buf.h"
#include "util/xalloc.h"

static const char heketi_cli[] = "heketi-cli";
static const char *name_of_program = "brickyard";

void
program_set_name(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	if (strcmp(slash != NULL ? slash + 1 : argv0, heketi_cli) == 0)
		name_of_program = heketi_cli;
}

const char *
program_name(void)
{
	return name_of_program;
}

bool
program_is_heketi_cli(void)
{
	return name_of_program == heketi_cli;
}

/* Of every command, and not told by help. */
static const struct flag help_flag = { .name = "help", .letter = 'h' };

static const struct flag *
flag_by_name(const struct flag *f, const char *name, size_t len)
{
	for (; f != NULL && f->name != NULL; f++)
		if (strlen(f->name) == len && strncmp(f->name, name, len) == 0)
			return f;
	return NULL;
}

static const struct flag *
flag_by_letter(const struct flag *f, char letter)
{
	for (; f != NULL && f->name != NULL; f++)
		if (f->letter == letter)
			return f;
	return NULL;
}

/* Any flag of that name in the table: does it take a value?  Before the words
 * of the command are known that is all there is to go by.
 */
static bool
takes_value(const char *name)
{
	const struct flag *f = flag_by_name(global_flags, name, strlen(name));

	if (strcmp(name, "help") == 0)
		return false;
	for (const struct command *c = commands; f == NULL && c->path; c++)
		f = flag_by_name(c->flags, name, strlen(name));
	return f == NULL || f->type != FLAG_BOOL;
}

static bool
letter_takes_value(const char *arg)
{
	const struct flag *f = flag_by_letter(global_flags, arg[1]);

	return f != NULL && f->type != FLAG_BOOL && arg[2] == '\0';
}

/* How many of argv does the flag at argv[0] take, as far as one can tell? */
static int
flag_width(const char *arg)
{
	if (strncmp(arg, "--", 2) == 0)
		return strchr(arg, '=') == NULL && takes_value(arg + 2) ? 2 : 1;
	return letter_takes_value(arg) ? 2 : 1;
}

bool
command_is_child(const char *parent, const struct command *c)
{
	size_t n = strlen(parent);

	if (n > 0) {
		if (strncmp(c->path, parent, n) != 0 || c->path[n] != ' ')
			return false;
		n++;
	}
	return strchr(c->path + n, ' ') == NULL;
}

const char *
command_word(const struct command *c)
{
	const char *s = strrchr(c->path, ' ');

	return s != NULL ? s + 1 : c->path;
}

static bool
has_alias(const struct command *c, const char *word)
{
	for (const struct command_alias *a = command_aliases; a->path; a++)
		if (strcmp(a->path, c->path) == 0 && strcmp(a->word, word) == 0)
			return true;
	return false;
}

const struct command *
command_child(const struct command *parent, const char *word)
{
	const char *path = parent != NULL ? parent->path : "";

	for (const struct command *c = commands; c->path != NULL; c++)
		if (command_is_child(path, c) &&
		    (strcmp(command_word(c), word) == 0 || has_alias(c, word)))
			return c;
	return NULL;
}

/* A word that is none.  heketi-cli's groups take any word, and show their help:
 * scripts know that as success.
 */
static enum err
refuse_word(struct args *a, const char *word, struct error *err)
{
	CLEANUP(buf_release) struct buf near = { 0 };

	if (program_is_heketi_cli() && (a->command != NULL || a->help)) {
		a->help = true;
		return ERR_OK;
	}
	suggest_commands(a->command, word, &near);
	return fail(err, ERR_BADREQ,
		    "unknown command \"%s\" for \"%s%s%s\"%s", word,
		    program_name(), a->command != NULL ? " " : "",
		    a->command != NULL ? a->command->path : "",
		    buf_str(&near));
}

/* Walk down the table word by word; used[i] is set for each word taken. */
static enum err
find_words(struct args *a, int argc, char *const *argv, bool *used,
	   struct error *err)
{
	for (int i = 0; i < argc; i++) {
		const struct command *c;

		if (strcmp(argv[i], "--") == 0)
			break;
		if (argv[i][0] == '-' && argv[i][1] != '\0') {
			i += flag_width(argv[i]) - 1;
			continue;
		}
		if (a->command == NULL && !a->help &&
		    strcmp(argv[i], "help") == 0) {
			a->help = used[i] = true;
			continue;
		}
		c = command_child(a->command, argv[i]);
		if (c == NULL)
			return refuse_word(a, argv[i], err);
		used[i] = true;
		a->command = c;
		if (c->run != NULL)
			break;
	}
	return ERR_OK;
}

/* As heketi-cli's libraries say it. */
static enum err
fail_value(const struct flag *f, const char *value, const char *parser,
	   const char *why, struct error *err)
{
	char letter[] = { '-', f->letter, ',', ' ', '\0' };

	return fail(err, ERR_BADREQ, "invalid argument \"%s\" for \"%s--%s\""
		    " flag: strconv.%s: parsing \"%s\": %s", value,
		    f->letter != 0 ? letter : "", f->name, parser, value, why);
}

static enum err
check_value(const struct flag *f, const char *value, struct error *err)
{
	const char *why = NULL;
	int64_t n = 0;
	double d = 0;
	bool b;

	switch (f->type) {
	case FLAG_BOOL:
		if (!go_parse_bool(value, &b))
			return fail_value(f, value, "ParseBool",
					  "invalid syntax", err);
		break;
	case FLAG_INT:
		if (!go_parse_int(value, &n, &why))
			return fail_value(f, value, "ParseInt", why, err);
		break;
	case FLAG_FLOAT:
		if (!go_parse_float(value, &d, &why))
			return fail_value(f, value, "ParseFloat", why, err);
		break;
	case FLAG_STRING:
	case FLAG_LIST:
		break;
	}
	return ERR_OK;
}

static enum err
set_flag(struct args *a, const struct flag *f, bool is_global,
	 const char *value, struct error *err)
{
	struct kvs *to = is_global ? &a->global : &a->local;
	enum err e = check_value(f, value, err);

	if (e != ERR_OK)
		return e;
	if (f == &help_flag) {
		(void)go_parse_bool(value, &a->help);
		return ERR_OK;
	}
	if (f->type == FLAG_LIST) {
		CLEANUP(strs_release) struct strs parts = { 0 };

		strs_split(&parts, value, ',');
		for (size_t i = 0; i < parts.n; i++)
			kvs_add(to, f->name, parts.v[i]);
		return ERR_OK;
	}
	kvs_set(to, f->name, value);
	return ERR_OK;
}

/* A cursor over what is not a word of the command. */
struct scan {
	char *const *v;
	int n, i;
};

static const char *
scan_next(struct scan *s)
{
	return s->i < s->n ? s->v[s->i++] : NULL;
}

/* One flag goes with no command. */
static const struct flag *
global_flag(const struct args *a, const struct flag *f)
{
	bool alone = f != NULL && strcmp(f->name, "version") == 0;

	return alone && a->command != NULL ? NULL : f;
}

static enum err
parse_long(struct args *a, const char *arg, struct scan *s, struct error *err)
{
	const char *name = arg + 2, *eq = strchr(name, '=');
	size_t len = eq != NULL ? (size_t)(eq - name) : strlen(name);
	const struct flag *f = NULL;
	const char *value = eq != NULL ? eq + 1 : NULL;
	bool is_global = false;

	if (name[0] == '-' || name[0] == '=')
		return fail(err, ERR_BADREQ, "bad flag syntax: %s", arg);
	if (len == 4 && strncmp(name, "help", len) == 0)
		f = &help_flag;
	else if (a->command != NULL)
		f = flag_by_name(a->command->flags, name, len);
	if (f == NULL) {
		f = global_flag(a, flag_by_name(global_flags, name, len));
		is_global = true;
	}
	if (f == NULL)
		return fail(err, ERR_BADREQ, "unknown flag: --%.*s", (int)len,
			    name);
	if (value == NULL)
		value = f->type == FLAG_BOOL ? "true" : scan_next(s);
	if (value == NULL)
		return fail(err, ERR_BADREQ, "flag needs an argument: --%s",
			    f->name);
	return set_flag(a, f, is_global, value, err);
}

/* "-Iv", "-sURL", "-s=URL", "-s URL" */
static enum err
parse_short(struct args *a, const char *arg, struct scan *s, struct error *err)
{
	for (const char *p = arg + 1; *p != '\0'; p++) {
		const struct flag *f = NULL;
		const char *value = "true";
		bool is_global = false;
		enum err e;

		if (*p == help_flag.letter)
			f = &help_flag;
		else if (a->command != NULL)
			f = flag_by_letter(a->command->flags, *p);
		if (f == NULL) {
			f = global_flag(a, flag_by_letter(global_flags, *p));
			is_global = true;
		}
		if (f == NULL)
			return fail(err, ERR_BADREQ,
				    "unknown shorthand flag: '%c' in -%s", *p,
				    p);
		if (f->type != FLAG_BOOL || p[1] == '=') {
			value = p[1] == '=' ? p + 2 : p + 1;
			if (*value == '\0' && p[1] != '=')
				value = scan_next(s);
			p += strlen(p) - 1;
		}
		if (value == NULL)
			return fail(err, ERR_BADREQ,
				    "flag needs an argument: '%c' in -%c",
				    f->letter, f->letter);
		e = set_flag(a, f, is_global, value, err);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err
parse_flags(struct args *a, struct scan *s, struct error *err)
{
	const char *arg;

	while ((arg = scan_next(s)) != NULL) {
		enum err e = ERR_OK;

		if (strcmp(arg, "--") == 0) {
			while ((arg = scan_next(s)) != NULL)
				strs_add(&a->rest, arg);
			return ERR_OK;
		}
		if (strncmp(arg, "--", 2) == 0)
			e = parse_long(a, arg, s, err);
		else if (arg[0] == '-' && arg[1] != '\0')
			e = parse_short(a, arg, s, err);
		else
			strs_add(&a->rest, arg);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

/* How many arguments a command takes, by what help says of them. */
static size_t
args_max(const struct command *c)
{
	if (c == NULL || c->args == NULL)
		return 0;
	return strstr(c->args, "...") != NULL ? SIZE_MAX : 1;
}

static enum err
check_excess(const struct command *c, const char *word, struct error *err)
{
	for (const struct command_excess *x = command_excesses; x->path; x++)
		if (strcmp(x->path, c->path) == 0)
			return fail(err, ERR_BADREQ, "%s", x->text);
	if (program_is_heketi_cli())
		return ERR_OK;
	return fail(err, ERR_BADREQ, "too many arguments: \"%s\"", word);
}

static enum err
check_rest(struct args *a, struct error *err)
{
	const struct command *c = a->command;
	size_t max = args_max(c);

	if (a->help || a->version)
		return ERR_OK;
	if (c == NULL || c->run == NULL) {
		if (a->rest.n > 0 && !program_is_heketi_cli())
			return refuse_word(a, a->rest.v[0], err);
		return ERR_OK;
	}
	return a->rest.n > max ? check_excess(c, a->rest.v[max], err) : ERR_OK;
}

enum err
args_parse(struct args *a, int argc, char *const *argv, struct error *err)
{
	CLEANUP_FREE bool *used = xcalloc((size_t)argc + 1, sizeof(*used));
	CLEANUP_FREE char **others = xcalloc((size_t)argc + 1, sizeof(*others));
	struct scan s = { .v = others };
	enum err e;

	memset(a, 0, sizeof(*a));
	e = find_words(a, argc, argv, used, err);
	if (e != ERR_OK)
		return e;
	for (int i = 0; i < argc; i++)
		if (!used[i])
			others[s.n++] = argv[i];
	e = parse_flags(a, &s, err);
	if (e != ERR_OK)
		return e;
	a->version = args_global_bool(a, "version");
	return check_rest(a, err);
}

void
args_release(struct args *a)
{
	kvs_release(&a->local);
	kvs_release(&a->global);
	strs_release(&a->rest);
}

static const char *
local_value(const struct args *a, const char *name, enum flag_type type)
{
	const struct flag *f = flag_by_name(a->command->flags, name,
					    strlen(name));
	const char *value = kvs_get(&a->local, name);

	assert(f != NULL && f->type == type);
	(void)type;
	return value != NULL ? value : f->dflt;
}

const char *
args_str(const struct args *a, const char *name)
{
	const char *s = local_value(a, name, FLAG_STRING);

	return s != NULL ? s : "";
}

int64_t
args_int(const struct args *a, const char *name)
{
	const char *s = local_value(a, name, FLAG_INT), *why = NULL;
	int64_t n = 0;

	if (s != NULL)
		(void)go_parse_int(s, &n, &why);	/* checked before */
	return n;
}

double
args_float(const struct args *a, const char *name)
{
	const char *s = local_value(a, name, FLAG_FLOAT), *why = NULL;
	double d = 0;

	if (s != NULL)
		(void)go_parse_float(s, &d, &why);
	return d;
}

bool
args_bool(const struct args *a, const char *name)
{
	const char *s = local_value(a, name, FLAG_BOOL);
	bool b = false;

	return s != NULL && go_parse_bool(s, &b) && b;
}

const char *
args_global(const struct args *a, const char *name)
{
	assert(flag_by_name(global_flags, name, strlen(name)) != NULL);
	return kvs_get(&a->global, name);
}

bool
args_global_bool(const struct args *a, const char *name)
{
	const char *s = args_global(a, name);
	bool b = false;

	return s != NULL && go_parse_bool(s, &b) && b;
}
