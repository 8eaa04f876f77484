/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help and usage.  Nothing here knows a command by name. */
#include <config.h>

#include <string.h>

#include "cli/help.h"

enum { HELP_COLUMNS = 80 };

/* Words of s from column `from` on, broken before the 80th. */
static void
add_wrapped(struct buf *b, const char *s, int from)
{
	int col = from;

	while (*s != '\0') {
		int n = (int)strcspn(s, " ");

		if (col > from && col + 1 + n >= HELP_COLUMNS) {
			buf_addf(b, "\n%*s", from, "");
			col = from;
		} else if (col > from) {
			buf_adds(b, " ");
			col++;
		}
		buf_add(b, s, (size_t)n);
		col += n;
		s += n;
		s += strspn(s, " ");
	}
	buf_adds(b, "\n");
}

static int
flag_columns(const struct flag *f)
{
	return (int)strlen(f->name) +
	       (f->value != NULL ? (int)strlen(f->value) + 1 : 0);
}

static bool
has_shown_default(const struct flag *f)
{
	return f->dflt != NULL && f->dflt[0] != '\0';
}

static void
add_flag(struct buf *b, const struct flag *f, int width)
{
	CLEANUP(buf_release) struct buf text = { 0 };

	if (f->letter != 0)
		buf_addf(b, "  -%c, ", f->letter);
	else
		buf_adds(b, "      ");
	buf_addf(b, "--%s%s%s%*s  ", f->name, f->value != NULL ? " " : "",
		 f->value != NULL ? f->value : "", width - flag_columns(f), "");
	buf_adds(&text, f->help);
	if (has_shown_default(f))
		buf_addf(&text, " (default %s)", f->dflt);
	add_wrapped(b, buf_str(&text), width + 10);
}

/* Is there a flag of that name that comes before the global one? */
static bool
is_shadowed(const struct flag *f, const struct flag *by)
{
	for (; by != NULL && by->name != NULL; by++)
		if (strcmp(by->name, f->name) == 0)
			return true;
	return false;
}

static void
add_flags(struct buf *b, const char *title, const struct flag *flags,
	  const struct flag *shadows)
{
	int width = 0;

	if (flags == NULL)
		return;
	for (const struct flag *f = flags; f->name != NULL; f++)
		if (flag_columns(f) > width)
			width = flag_columns(f);
	buf_addf(b, "\n%s:\n", title);
	for (const struct flag *f = flags; f->name != NULL; f++)
		if (!is_shadowed(f, shadows))
			add_flag(b, f, width);
}

static void
add_children(struct buf *b, const char *parent)
{
	int width = 12;

	for (const struct command *c = commands; c->path != NULL; c++)
		if (command_is_child(parent, c) &&
		    (int)strlen(command_word(c)) > width)
			width = (int)strlen(command_word(c));
	buf_adds(b, "\nCommands:\n");
	for (const struct command *c = commands; c->path != NULL; c++)
		if (command_is_child(parent, c)) {
			buf_addf(b, "  %-*s  ", width, command_word(c));
			add_wrapped(b, c->help, width + 4);
		}
}

static void
add_usage(const struct command *c, struct buf *b)
{
	buf_addf(b, "Usage:\n  %s", program_name());
	if (c == NULL)
		buf_adds(b, " [FLAGS] COMMAND\n");
	else if (c->run == NULL)
		buf_addf(b, " %s COMMAND\n", c->path);
	else
		buf_addf(b, " %s%s%s%s\n", c->path, c->args != NULL ? " " : "",
			 c->args != NULL ? c->args : "",
			 c->flags != NULL ? " [FLAGS]" : "");
}

static void
add_aliases(const struct command *c, struct buf *b)
{
	const char *before = "\nAliases:\n  ", *end = "";

	for (const struct command_alias *a = command_aliases; a->path; a++)
		if (c != NULL && strcmp(a->path, c->path) == 0) {
			buf_addf(b, "%s%s", before, a->word);
			before = " ";
			end = "\n";
		}
	buf_adds(b, end);
}

void
help_usage(const struct command *c, struct buf *b)
{
	add_usage(c, b);
	buf_addf(b, "\n\"%s help%s%s\" says more.\n", program_name(),
		 c != NULL ? " " : "", c != NULL ? c->path : "");
}

static void
add_more(const struct command *c, struct buf *b)
{
	CLEANUP(buf_release) struct buf text = { 0 };

	buf_addf(&text, "\"%s help %s%sCOMMAND\" says more about a command.",
		 program_name(), c != NULL ? c->path : "", c != NULL ? " " : "");
	buf_adds(b, "\n");
	add_wrapped(b, buf_str(&text), 0);
}

void
help_full(const struct command *c, struct buf *b)
{
	buf_addf(b, "%s\n\n", c != NULL ? c->help :
			       "Command line of Brickyard, the volume manager"
			       " for GlusterFS");
	add_usage(c, b);
	add_aliases(c, b);
	if (c == NULL || c->run == NULL)
		add_children(b, c != NULL ? c->path : "");
	else
		add_flags(b, "Flags", c->flags, NULL);
	add_flags(b, "Global flags", global_flags,
		  c != NULL ? c->flags : NULL);
	if (c == NULL || c->run == NULL)
		add_more(c, b);
}
