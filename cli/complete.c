/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion from the tables of commands.c; the shells' scripts call it. */
#include <config.h>

#include <string.h>

#include "cli/args.h"
#include "cli/complete.h"

/* Values of flags and arguments that are known beforehand. */
static const struct values {
	const char *path;	/* of the command */
	const char *flag;	/* NULL: its argument */
	const char *words;	/* blanks between */
} values[] = {
	{ "volume create", "durability", "none replicate disperse" },
	{ "setup-openshift-heketi-storage", "durability", "none replicate" },
	{ "cluster setflags", "file", "true false" },
	{ "cluster setflags", "block", "true false" },
	{ "loglevel set", NULL, "none critical error warning info debug" },
	{ "server mode set", NULL, "normal read-only local-client" },
	{ "completion", NULL, "bash zsh fish" },
};

struct completion {
	const struct command *command;	/* NULL: no word yet */
	const struct flag *wants_value;	/* the word before was this flag */
	bool flags_ended, help;
	size_t arguments;		/* before the current word */
	const char *current;
	struct buf *out;
};

static void
add(struct completion *c, const char *prefix, const char *word,
    const char *help)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	buf_addf(&b, "%s%s", prefix, word);
	if (strncmp(buf_str(&b), c->current, strlen(c->current)) == 0)
		buf_addf(c->out, "%s\t%s\n", buf_str(&b), help);
}

static const struct flag *
find_flag(const struct flag *f, const char *name, size_t len, char letter)
{
	for (; f != NULL && f->name != NULL; f++)
		if (letter != 0 ? f->letter == letter
				: strlen(f->name) == len &&
				  strncmp(f->name, name, len) == 0)
			return f;
	return NULL;
}

/* The flag that the word names, the command's own before the global one. */
static const struct flag *
flag_of_word(const struct completion *c, const char *word)
{
	bool is_long = strncmp(word, "--", 2) == 0;
	const char *name = word + (is_long ? 2 : 1);
	size_t len = strcspn(name, "=");
	char letter = is_long ? 0 : name[0];
	const struct flag *f = NULL;

	if (c->command != NULL)
		f = find_flag(c->command->flags, name, len, letter);
	return f != NULL ? f : find_flag(global_flags, name, len, letter);
}

static bool
word_is_flag(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

/* "--flag" and "-f" leave their value to the next word. */
static bool
takes_next_word(const struct flag *f, const char *word)
{
	if (f == NULL || f->type == FLAG_BOOL || strchr(word, '=') != NULL)
		return false;
	return strncmp(word, "--", 2) == 0 || word[2] == '\0';
}

static void
take_word(struct completion *c, const char *word)
{
	const struct command *child;

	if (c->wants_value != NULL) {
		c->wants_value = NULL;
	} else if (!c->flags_ended && strcmp(word, "--") == 0) {
		c->flags_ended = true;
	} else if (!c->flags_ended && word_is_flag(word)) {
		const struct flag *f = flag_of_word(c, word);

		if (takes_next_word(f, word))
			c->wants_value = f;
	} else if (c->command == NULL && !c->help &&
		   strcmp(word, "help") == 0) {
		c->help = true;
	} else {
		child = command_child(c->command, word);
		if (child != NULL)
			c->command = child;
		else
			c->arguments++;
	}
}

static void
add_values(struct completion *c, const struct flag *f, const char *prefix)
{
	const char *path = c->command != NULL ? c->command->path : "";

	if (f != NULL && f->value != NULL && strcmp(f->value, "FILE") == 0) {
		buf_adds(c->out, ":files\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		CLEANUP(strs_release) struct strs words = { 0 };
		const char *flag = f != NULL ? f->name : NULL;

		if (strcmp(values[i].path, path) != 0 ||
		    (flag == NULL) != (values[i].flag == NULL) ||
		    (flag != NULL && strcmp(values[i].flag, flag) != 0))
			continue;
		strs_split(&words, values[i].words, ' ');
		for (size_t k = 0; k < words.n; k++)
			add(c, prefix, words.v[k], "");
	}
}

static void
add_flags(struct completion *c, const struct flag *f,
	  const struct flag *shadows)
{
	for (; f != NULL && f->name != NULL; f++)
		if (find_flag(shadows, f->name, strlen(f->name), 0) == NULL)
			add(c, "--", f->name, f->help);
}

static void
add_commands(struct completion *c)
{
	const char *parent = c->command != NULL ? c->command->path : "";

	for (const struct command *d = commands; d->path != NULL; d++)
		if (command_is_child(parent, d))
			add(c, "", command_word(d), d->help);
	if (c->command == NULL && !c->help)
		add(c, "", "help", "Say what a command does and takes");
}

static void
add_candidates(struct completion *c)
{
	const struct flag *own = c->command != NULL ? c->command->flags : NULL;
	const char *eq = strchr(c->current, '=');
	CLEANUP(buf_release) struct buf prefix = { 0 };

	if (c->wants_value != NULL) {
		add_values(c, c->wants_value, "");
	} else if (c->current[0] == '-' && !c->flags_ended && eq != NULL) {
		buf_add(&prefix, c->current, (size_t)(eq + 1 - c->current));
		add_values(c, flag_of_word(c, c->current), buf_str(&prefix));
	} else if (c->current[0] == '-' && !c->flags_ended) {
		add_flags(c, own, NULL);
		add_flags(c, global_flags, own);
		add(c, "--", "help", "Say what a command does and takes");
	} else if (c->arguments == 0 &&
		   (c->command == NULL || c->command->run == NULL)) {
		add_commands(c);
	} else if (c->arguments == 0) {
		add_values(c, NULL, "");
	}
}

void
complete_words(int argc, char *const *argv, struct buf *ret)
{
	struct completion c = { .out = ret, .current = "" };

	for (int i = 0; i + 1 < argc; i++)
		take_word(&c, argv[i]);
	if (argc > 0)
		c.current = argv[argc - 1];
	add_candidates(&c);
}
