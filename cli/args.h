/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: tables of commands and flags, and the parser that knows
 * nothing but them.  It takes what cobra takes (heketi-cli's library): flags
 * anywhere, "--flag value", "--flag=value", "-f value", "-fvalue", bools with
 * and without a value, "--" ends the flags.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/strs.h"

enum flag_type {
	FLAG_BOOL,
	FLAG_INT,		/* as go_parse_int takes it */
	FLAG_FLOAT,
	FLAG_STRING,
	FLAG_LIST,		/* may be repeated; commas separate, too */
};

struct flag {
	const char *name;
	char letter;		/* 0: none */
	enum flag_type type;
	const char *value;	/* what help calls the value; NULL for bools */
	const char *dflt;	/* NULL: "", 0, false */
	const char *help;	/* one sentence; lines are broken by help.c */
};

struct cli;

/* One row of the table.  A row with run NULL is a group. */
struct command {
	const char *path;	/* "volume create" */
	/* NULL: none; "ID" required; "[ID]" optional; "ID KEY..." any number */
	const char *args;
	const char *help;
	const char *missing;	/* what is said when a required arg is absent */
	const struct flag *flags;	/* up to one without a name, or NULL */
	enum err (*run)(struct cli *, struct error *);
};

/* Another last word for a command; help names it with the command. */
struct command_alias {
	const char *path;	/* "node rmtags" */
	const char *word;	/* "deltags" */
};

/* What a command says of more arguments than it takes; the others of heketi-cli
 * take no notice of them.
 */
struct command_excess {
	const char *path;
	const char *text;
};

/* By which name we were called: "brickyard", or "heketi-cli" by a link of that
 * name.
 */
void program_set_name(const char *argv0);
const char *program_name(void);
bool program_is_heketi_cli(void);

/* commands.c; ended by rows with path, name NULL. */
extern const struct command commands[];
extern const struct command_alias command_aliases[];
extern const struct command_excess command_excesses[];
extern const struct flag global_flags[];

struct args {
	const struct command *command;	/* NULL: no word was given */
	bool help;			/* -h, --help, or the word "help" */
	bool version;			/* -v, --version */
	struct kvs local, global;	/* flags given; lists repeat */
	struct strs rest;		/* what is neither word nor flag */
};

/* argv without the program's name.  On failure the command (or the group that
 * was reached) is still there, so that its usage can be shown.
 */
enum err MUST_CHECK args_parse(struct args *ret, int argc, char *const *argv,
			       struct error *);
void args_release(struct args *);

/* Given values or defaults, of the command's own flags.  Asking for one that is
 * not in its table is a bug.
 */
const char *args_str(const struct args *, const char *name);
int64_t args_int(const struct args *, const char *name);
double args_float(const struct args *, const char *name);
bool args_bool(const struct args *, const char *name);
/* The same of global flags; NULL: not given. */
const char *args_global(const struct args *, const char *name);
bool args_global_bool(const struct args *, const char *name);

/* Is b a row one level below a ("" is above all)? */
bool command_is_child(const char *parent, const struct command *);
/* The row one level below (parent NULL: at the top) of that name or alias. */
const struct command *command_child(const struct command *parent,
				    const char *word);
const char *command_word(const struct command *);	/* the last of its path */

#endif
