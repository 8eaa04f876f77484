/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of the injector.  Read once, at the start; asked by any thread.
 * A condition file is looked at each time: it switches a rule on and off.
 */
#include <config.h>

#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "inject.h"
#include "inject-answer.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define SECTION "glusterfs.injectexec.command_injection."
#define RULES_MAX 1000
#define PAUSE_MAX_S 86400
#define NAP_MS 20
#define PANIC_STATUS 2			/* of a Go program */
#define PANIC_DELAY_MS 100

struct rule {
	regex_t command;
	char *condition;		/* file that must be there; "": none */
	char *pattern;			/* for people */
	char *text;			/* of the failure; NULL: it is none */
	char *out, *err_out, *err;	/* that the command is to have */
	char *panic;			/* NULL: none */
	int64_t pause_ms;
	bool after;			/* the command was run */
};

struct inject {
	struct heketi_words words;
	json_reader_fn *json;
	struct rule *v;
	size_t n, cap;
};

const struct heketi_words *
inject_words(const struct inject *i)
{
	return &i->words;
}

void
inject_free(struct inject *i)
{
	if (i == NULL)
		return;
	for (size_t k = 0; k < i->n; k++) {
		regfree(&i->v[k].command);
		free(i->v[k].condition);
		free(i->v[k].pattern);
		free(i->v[k].text);
		free(i->v[k].out);
		free(i->v[k].err_out);
		free(i->v[k].err);
		free(i->v[k].panic);
	}
	free(i->v);
	heketi_words_release(&i->words);
	free(i);
}

/* ---- reading ---- */

/* Go's \d is the one common thing that glibc's expressions don't have. */
static char *
translate(const char *pattern)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	for (const char *p = pattern; *p != '\0'; p++) {
		if (p[0] == '\\' && p[1] == 'd') {
			buf_adds(&b, "[0-9]");
			p++;
		} else if (p[0] == '\\' && p[1] != '\0') {
			buf_add(&b, p++, 2);
		} else {
			buf_add(&b, p, 1);
		}
	}
	return buf_steal(&b);
}

static enum err
compile(const char *key, const char *pattern, regex_t *ret, struct error *err)
{
	CLEANUP_FREE char *ours = translate(pattern);
	char why[200];
	int r = regcomp(ret, ours, REG_EXTENDED | REG_NOSUB);

	if (r == 0)
		return ERR_OK;
	regerror(r, ret, why, sizeof(why));
	return fail(err, ERR_BADREQ, "%s: '%s': not a regular expression: %s",
		    key, pattern, why);
}

/* A member of rule n of a list, or "". */
static const char *
member(const struct kvs *all, const char *list, size_t n, const char *name)
{
	CLEANUP_FREE char *key = xasprintf("%s.%zu.%s", list, n, name);
	const char *value = kvs_get(all, key);

	return value != NULL ? value : "";
}

static bool
is_set(const char *value)
{
	return value[0] != '\0' && strcmp(value, "0") != 0 &&
	       strcmp(value, "false") != 0;
}

/* What the command is to have printed on stderr: the error, unless told. */
static char *
error_output(const struct kvs *all, const char *list, size_t n)
{
	const char *output = member(all, list, n, "reaction.erroutput");

	if (output[0] == '\0' &&
	    !is_set(member(all, list, n, "reaction.forceerroutput")))
		output = member(all, list, n, "reaction.err");
	return xstrdup(output);
}

/* As heketi tells it: what came on stderr, else the error, else the status. */
static char *
failure(const struct kvs *all, const char *list, size_t n)
{
	const char *err = member(all, list, n, "reaction.err");
	const char *output = member(all, list, n, "reaction.erroutput");
	const char *status = member(all, list, n, "reaction.exitstatus");

	if (output[0] != '\0')
		return xstrdup(output);
	if (err[0] != '\0')
		return xstrdup(err);
	if (is_set(status))
		return xasprintf("Process exited with status %s", status);
	if (is_set(member(all, list, n, "reaction.forceerr")) ||
	    is_set(member(all, list, n, "reaction.forceerroutput")))
		return xstrdup("injected failure");
	return NULL;
}

/* What a rule asks for that can't be had is told at the start. */
static void
warn_of_rest(const struct kvs *all, const char *list, size_t n,
	     const struct rule *r)
{
	if (r->after && r->out[0] != '\0')
		log_warning("injectexec: %s %zu ('%s'): a made up result is "
			    "not honoured: the command was run", list, n,
			    r->pattern);
	else if (!r->after && r->text == NULL && r->panic == NULL &&
		 r->pause_ms == 0 && r->out[0] == '\0')
		log_warning("injectexec: %s %zu ('%s'): nothing happens by it",
			    list, n, r->pattern);
}

/* Does the pattern for a command's output match one that we don't have? */
static enum err
matches_nothing(const char *pattern, bool *ret, struct error *err)
{
	regex_t re;
	enum err e = compile(SECTION "results", pattern, &re, err);

	if (e != ERR_OK)
		return e;
	*ret = regexec(&re, "", 0, NULL, 0) == 0;
	regfree(&re);
	return ERR_OK;
}

static enum err
read_rule(struct inject *i, const struct kvs *all, const char *list, size_t n,
	  struct error *err)
{
	const char *pattern = member(all, list, n, "cmd");
	const char *panic = member(all, list, n, "reaction.panic");
	int64_t pause_s = strtoll(member(all, list, n, "reaction.pause"), NULL,
				  10);
	struct rule r = { .after = strcmp(list, "results") == 0 };
	bool usable = true;
	enum err e = ERR_OK;

	if (pause_s < 0 || pause_s > PAUSE_MAX_S)
		return fail(err, ERR_BADREQ, SECTION "%s.%zu: pause of %" PRId64
			    " seconds", list, n, pause_s);
	if (r.after)
		e = matches_nothing(member(all, list, n, "result"), &usable,
				    err);
	if (e == ERR_OK && !usable)
		log_warning("injectexec: %s %zu ('%s'): the output of commands "
			    "is not looked at, ignoring the rule", list, n,
			    pattern);
	if (e != ERR_OK || !usable)
		return e;
	e = compile(SECTION "commands", pattern, &r.command, err);
	if (e != ERR_OK)
		return e;
	r.pattern = xstrdup(pattern);
	r.condition = xstrdup(member(all, list, n, "condfile"));
	r.text = failure(all, list, n);
	r.out = xstrdup(member(all, list, n, "reaction.result"));
	r.err_out = error_output(all, list, n);
	r.err = xstrdup(member(all, list, n, "reaction.err"));
	r.panic = is_set(panic) ? xstrdup(panic) : NULL;
	r.pause_ms = pause_s * 1000;
	warn_of_rest(all, list, n, &r);
	*VEC_PUSH(i) = r;
	return ERR_OK;
}

/* Rules are numbered from 0; how many there are the keys tell. */
static enum err
read_list(struct inject *i, const struct kvs *all, const char *list,
	  struct error *err)
{
	size_t len = strlen(list), count = 0;

	for (size_t k = 0; k < all->n; k++) {
		const char *key = all->v[k].key;
		size_t n;

		if (strncmp(key, list, len) != 0 || key[len] != '.')
			continue;
		n = strtoull(key + len + 1, NULL, 10);
		if (n >= RULES_MAX)
			return fail(err, ERR_TOOLARGE, SECTION "%s: more than "
				    "%d rules", list, RULES_MAX);
		count = n >= count ? n + 1 : count;
	}
	for (size_t n = 0; n < count; n++) {
		enum err e = read_rule(i, all, list, n, err);

		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

enum err
inject_new(const struct config *c, json_reader_fn *json, struct inject **ret,
	   struct error *err)
{
	CLEANUP(kvs_release) struct kvs all = { 0 };
	struct inject *i;
	enum err e;

	*ret = NULL;
	if (strncmp(config_str(c, "glusterfs.executor"), "inject/", 7) != 0)
		return ERR_OK;
	i = XNEW(struct inject);
	i->json = json;
	heketi_words_init(&i->words, c, "glusterfs.sshexec.");
	config_section(c, SECTION, &all);
	e = read_list(i, &all, "commands", err);
	if (e == ERR_OK)
		e = read_list(i, &all, "results", err);
	if (e != ERR_OK) {
		inject_free(i);
		return e;
	}
	log_notice("injectexec: %zu rules make steps fail on purpose", i->n);
	*ret = i;
	return ERR_OK;
}

/* ---- reacting ---- */

static enum err
pause_for(const struct brickyard_call *call, int64_t ms, struct error *err)
{
	const struct timespec nap = { 0, NAP_MS * 1000000L };
	int64_t until = clock_mono_ms() + ms;

	while (clock_mono_ms() < until) {
		if (call->cancelled != NULL && call->cancelled(call))
			return fail(err, ERR_CANCELLED,
				    "injected pause: cancelled");
		if (clock_mono_ms() >= call->deadline_ms)
			return fail(err, ERR_TIMEOUT,
				    "injected pause: timeout");
		nanosleep(&nap, NULL);
	}
	return ERR_OK;
}

static enum err
say(struct inject *i, const struct inject_step *s, const struct rule *r,
    struct error *err)
{
	const struct inject_answer said = {
		.out = r->out,
		.err_out = r->err_out,
		.err = r->err,
		.failed = r->text != NULL,
	};

	return inject_answer(s, &said, i->json, err);
}

/* In heketi a command or two would have taken their time before.  Answers that
 * are under way get out: who asks for nothing else finds the process dead.
 */
static _Noreturn void
panic(const struct rule *r, const struct heketi_command *c,
      const struct brickyard_call *call)
{
	struct error ignored;

	(void)pause_for(call, PANIC_DELAY_MS, &ignored);
	log_err("injectexec: panic at '%s': %s", c->text, r->panic);
	_exit(PANIC_STATUS);
}

/* Does it say what the command printed, and is that read? */
static bool
is_answer(const struct rule *r, const struct inject_step *s)
{
	return !r->after && inject_is_read(s->id) &&
	       (r->text != NULL || r->out[0] != '\0');
}

static enum err
react(struct inject *i, const struct rule *r, const struct heketi_command *c,
      const struct inject_step *s, bool *ret_answered, struct error *err)
{
	enum err e = pause_for(s->call, r->pause_ms, err);

	if (e != ERR_OK)
		return e;
	if (r->panic != NULL)
		panic(r, c, s->call);
	if (is_answer(r, s)) {
		log_notice("injectexec: '%s' matches '%s': answered", c->text,
			   r->pattern);
		*ret_answered = true;
		return say(i, s, r, err);
	}
	if (!r->after && r->out[0] != '\0')
		log_warning("injectexec: '%s' matches '%s': nobody reads what it "
			    "prints: it is run", c->text, r->pattern);
	if (r->text == NULL)
		return ERR_OK;
	log_notice("injectexec: '%s' matches '%s': %s%s", c->text, r->pattern,
		   r->text, c->ignored ? ", which heketi ignores" : "");
	return c->ignored ? ERR_OK : fail(err, ERR_EXEC, "%s", r->text);
}

static bool
applies(const struct rule *r, bool after, const char *text)
{
	return r->after == after &&
	       regexec(&r->command, text, 0, NULL, 0) == 0 &&
	       (r->condition[0] == '\0' || access(r->condition, F_OK) == 0);
}

/* The first rule that matches a command counts. */
static enum err
look_at_all(struct inject *i, bool after, const struct inject_step *s,
	    bool *ret_answered, struct error *err)
{
	enum err e = ERR_OK;

	for (size_t n = 0; e == ERR_OK && n < s->commands->n; n++) {
		const struct heketi_command *c = &s->commands->v[n];
		size_t k = 0;

		while (k < i->n && !applies(&i->v[k], after, c->text))
			k++;
		if (k < i->n)
			e = react(i, &i->v[k], c, s, ret_answered, err);
	}
	return e;
}

enum err
inject_before(struct inject *i, const struct inject_step *s,
	      bool *ret_answered, struct error *err)
{
	return look_at_all(i, false, s, ret_answered, err);
}

enum err
inject_after(struct inject *i, const struct inject_step *s, struct error *err)
{
	bool never = false;

	return look_at_all(i, true, s, &never, err);
}
