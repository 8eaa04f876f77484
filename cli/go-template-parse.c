/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the text of a template to its tree. */
#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/go-template-tree.h"
#include "cli/go-template.h"
#include "util/buf.h"
#include "util/xalloc.h"

enum { DEPTH_MAX = 100 };

struct parser {
	const char *s;		/* what is left */
	const char *start;
	struct go_template *t;
	int depth;
	struct error *err;
	bool trim;		/* the action before ended with -}} */
};

static enum err PRINTF(2, 3)
wrong(struct parser *p, const char *fmt, ...)
{
	CLEANUP_FREE char *what = NULL;
	size_t line = 1;
	va_list ap;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	for (const char *s = p->start; s < p->s; s++)
		line += *s == '\n';
	return fail(p->err, ERR_BADREQ, "failed to parse template: line %zu:"
		    " %s", line, what);
}

static void
blanks(struct parser *p)
{
	p->s += strspn(p->s, " \t\r\n");
}

/* Is the action at its end?  "-}}" needs a blank before it. */
static bool
at_end(const struct parser *p)
{
	return strncmp(p->s, "}}", 2) == 0 ||
	       (strncmp(p->s, "-}}", 3) == 0 && p->s > p->start &&
		isspace((unsigned char)p->s[-1]));
}

static enum err
end_action(struct parser *p)
{
	blanks(p);
	if (!at_end(p))
		return wrong(p, "unexpected \"%.10s\" in an action", p->s);
	p->trim = *p->s == '-';
	p->s += p->trim ? 3 : 2;
	return ERR_OK;
}

static char *
take_name(struct parser *p)
{
	const char *from = p->s;

	while (isalnum((unsigned char)*p->s) || *p->s == '_')
		p->s++;
	return xstrndup(from, (size_t)(p->s - from));
}

static enum err
take_string(struct parser *p, json_t **ret)
{
	char quote = *p->s++;
	CLEANUP(buf_release) struct buf b = { 0 };
	static const char escapes[] = "n\nt\tr\r\"\"\\\\''";

	for (; *p->s != quote; p->s++) {
		const char *e = NULL;

		if (*p->s == '\0' || (*p->s == '\n' && quote == '"'))
			return wrong(p, "unterminated string");
		if (*p->s != '\\' || quote != '"') {
			buf_add(&b, p->s, 1);
			continue;
		}
		p->s++;
		for (size_t i = 0; escapes[i] != '\0'; i += 2)
			if (escapes[i] == *p->s)
				e = &escapes[i + 1];
		if (e == NULL)
			return wrong(p, "unknown escape in a string");
		buf_add(&b, e, 1);
	}
	p->s++;
	*ret = json_string(buf_str(&b));
	return ERR_OK;
}

static enum err
take_number(struct parser *p, json_t **ret)
{
	char *end_i, *end_f;
	long long i;
	double f;

	errno = 0;
	i = strtoll(p->s, &end_i, 0);
	f = strtod(p->s, &end_f);
	if (errno != 0 || end_f == p->s)
		return wrong(p, "bad number \"%.10s\"", p->s);
	*ret = end_f > end_i ? json_real(f) : json_integer(i);
	p->s = end_f > end_i ? end_f : end_i;
	return ERR_OK;
}

static enum err parse_pipe(struct parser *, struct pipe **ret);

static enum err
parse_parentheses(struct parser *p, struct operand *o)
{
	enum err e;

	o->kind = OPERAND_PIPE;
	p->s++;
	if (++p->depth > DEPTH_MAX)
		return wrong(p, "too deep");
	e = parse_pipe(p, &o->pipe);
	p->depth--;
	if (e != ERR_OK)
		return e;
	blanks(p);
	if (*p->s != ')')
		return wrong(p, "unclosed parenthesis");
	p->s++;
	return ERR_OK;
}

static enum err
parse_word(struct parser *p, struct operand *o)
{
	o->name = take_name(p);
	if (strcmp(o->name, "true") == 0 || strcmp(o->name, "false") == 0) {
		o->kind = OPERAND_LITERAL;
		o->literal = json_boolean(o->name[0] == 't');
	} else {
		o->kind = OPERAND_FUNCTION;
	}
	return ERR_OK;
}

static enum err
parse_base(struct parser *p, struct operand *o)
{
	char c = *p->s;

	if (c == '.')
		return ERR_OK;	/* OPERAND_DOT; the fields follow */
	if (c == '$') {
		p->s++;
		o->kind = OPERAND_VARIABLE;
		o->name = take_name(p);
		return ERR_OK;
	}
	if (c == '(')
		return parse_parentheses(p, o);
	if (isalpha((unsigned char)c) || c == '_')
		return parse_word(p, o);
	o->kind = OPERAND_LITERAL;
	if (c == '"' || c == '`')
		return take_string(p, &o->literal);
	if (isdigit((unsigned char)c) || c == '-' || c == '+')
		return take_number(p, &o->literal);
	return wrong(p, "unexpected \"%.10s\"", p->s);
}

static enum err
parse_operand(struct parser *p, struct operand *o)
{
	bool dot = *p->s == '.';
	enum err e = parse_base(p, o);

	while (e == ERR_OK && *p->s == '.') {
		CLEANUP_FREE char *name = NULL;

		p->s++;
		name = take_name(p);
		if (name[0] == '\0' && dot && o->fields.n == 0)
			break;	/* a lone dot */
		if (name[0] == '\0')
			return wrong(p, "a field has no name");
		strs_add(&o->fields, name);
	}
	return e;
}

static bool
at_command_end(const struct parser *p)
{
	return *p->s == '|' || *p->s == ')' || *p->s == '\0' || at_end(p);
}

static enum err
parse_command(struct parser *p, struct operands *c)
{
	enum err e = ERR_OK;

	for (blanks(p); e == ERR_OK && !at_command_end(p); blanks(p)) {
		struct operand *o = VEC_PUSH(c);

		*o = (struct operand){ .kind = OPERAND_DOT };
		e = parse_operand(p, o);
	}
	if (e == ERR_OK && c->n == 0)
		return wrong(p, "missing value");
	return e;
}

/* "$x :=", "$i, $v :=" before a pipe; anything else is not taken. */
static void
take_variables(struct parser *p, struct strs *ret)
{
	const char *before = p->s;
	CLEANUP(strs_release) struct strs names = { 0 };

	while (*p->s == '$' && names.n < 2) {
		CLEANUP_FREE char *name = NULL;

		p->s++;
		name = take_name(p);
		strs_add(&names, name);
		blanks(p);
		if (*p->s != ',')
			break;
		p->s++;
		blanks(p);
	}
	if (names.n > 0 && strncmp(p->s, ":=", 2) == 0)
		p->s += 2;
	else {
		p->s = before;
		return;
	}
	strs_copy(ret, &names);
}

static enum err
parse_pipe(struct parser *p, struct pipe **ret)
{
	struct pipe *pipe = *ret = XNEW(struct pipe);
	enum err e;

	blanks(p);
	take_variables(p, &pipe->variables);
	for (;;) {
		struct operands *c = VEC_PUSH(pipe);

		*c = (struct operands){ 0 };
		e = parse_command(p, c);
		if (e != ERR_OK || *p->s != '|')
			return e;
		p->s++;
	}
}

/* ---- actions ---- */

/* The keyword at the beginning of an action, or "" (and nothing is taken). */
static const char *
take_keyword(struct parser *p)
{
	static const char *const words[] = {
		"if", "else", "end", "range", "with", "define", "template",
		"block", "break", "continue",
	};
	size_t n = strspn(p->s, "abcdefghijklmnopqrstuvwxyz");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == n && strncmp(p->s, words[i], n) == 0 &&
		    strchr(" \t\r\n}", p->s[n]) != NULL) {
			p->s += n;
			return words[i];
		}
	return "";
}

static enum err parse_nodes(struct parser *, struct template_nodes *,
			    const char **ret_word);

/* After "else" or "end" of a body: {{else}}, {{else if …}} or {{end}}. */
static enum err
parse_other(struct parser *p, const char *word, struct template_nodes *other);

static enum err
parse_body(struct parser *p, struct template_node *n)
{
	const char *word = NULL;
	enum err e;

	if (++p->depth > DEPTH_MAX)
		return wrong(p, "too deep");
	e = parse_pipe(p, &n->pipe);
	if (e == ERR_OK)
		e = end_action(p);
	if (e == ERR_OK)
		e = parse_nodes(p, &n->body, &word);
	if (e == ERR_OK)
		e = parse_other(p, word, &n->other);
	p->depth--;
	return e;
}

static struct template_node *
add_node(struct template_nodes *to, enum node_kind kind)
{
	struct template_node *n = VEC_PUSH(to);

	*n = (struct template_node){ .kind = kind };
	return n;
}

static enum err
parse_other(struct parser *p, const char *word, struct template_nodes *other)
{
	enum err e;

	if (strcmp(word, "end") == 0)
		return end_action(p);
	if (strcmp(word, "else") != 0)
		return wrong(p, "missing {{end}}");
	blanks(p);
	if (strcmp(take_keyword(p), "if") == 0)
		return parse_body(p, add_node(other, NODE_IF));
	e = end_action(p);
	if (e == ERR_OK)
		e = parse_nodes(p, other, &word);
	if (e == ERR_OK && strcmp(word, "end") != 0)
		return wrong(p, "missing {{end}}");
	return e == ERR_OK ? end_action(p) : e;
}

static enum err
take_quoted(struct parser *p, char **ret)
{
	json_auto_t *name = NULL;
	enum err e;

	blanks(p);
	if (*p->s != '"' && *p->s != '`')
		return wrong(p, "a template's name is a string");
	e = take_string(p, &name);
	if (e == ERR_OK)
		*ret = xstrdup(json_string_value(name));
	return e;
}

static enum err
parse_define(struct parser *p)
{
	struct template_define d = { 0 };
	const char *word = NULL;
	enum err e = take_quoted(p, &d.name);

	if (e == ERR_OK)
		e = end_action(p);
	if (e == ERR_OK && ++p->depth > DEPTH_MAX)
		e = wrong(p, "too deep");
	if (e == ERR_OK)
		e = parse_nodes(p, &d.body, &word);
	if (e == ERR_OK && strcmp(word, "end") != 0)
		e = wrong(p, "missing {{end}}");
	p->depth--;
	*VEC_PUSH(p->t) = d;
	return e == ERR_OK ? end_action(p) : e;
}

static enum err
parse_call(struct parser *p, struct template_node *n)
{
	enum err e = take_quoted(p, &n->text);

	blanks(p);
	if (e == ERR_OK && !at_end(p))
		e = parse_pipe(p, &n->pipe);
	return e == ERR_OK ? end_action(p) : e;
}

static enum err
parse_action(struct parser *p, struct template_nodes *to, const char **word)
{
	enum err e;

	if (strncmp(p->s, "/*", 2) == 0) {
		const char *end = strstr(p->s, "*/");

		if (end == NULL)
			return wrong(p, "unclosed comment");
		p->s = end + 2;
		return end_action(p);
	}
	*word = take_keyword(p);
	if (strcmp(*word, "end") == 0 || strcmp(*word, "else") == 0)
		return ERR_OK;
	if (strcmp(*word, "if") == 0)
		e = parse_body(p, add_node(to, NODE_IF));
	else if (strcmp(*word, "range") == 0)
		e = parse_body(p, add_node(to, NODE_RANGE));
	else if (strcmp(*word, "with") == 0)
		e = parse_body(p, add_node(to, NODE_WITH));
	else if (strcmp(*word, "define") == 0)
		e = parse_define(p);
	else if (strcmp(*word, "template") == 0)
		e = parse_call(p, add_node(to, NODE_TEMPLATE));
	else if ((*word)[0] != '\0')
		return wrong(p, "{{%s}} is not supported", *word);
	else {
		e = parse_pipe(p, &add_node(to, NODE_PIPE)->pipe);
		if (e == ERR_OK)
			e = end_action(p);
	}
	*word = "";
	return e;
}

/* The text up to the next action; blanks go where a '-' says so. */
static void
take_text(struct parser *p, struct template_nodes *to)
{
	const char *end = strstr(p->s, "{{"), *next;
	const char *from = p->s;

	if (end == NULL)
		end = p->s + strlen(p->s);
	next = end;
	if (p->trim)
		while (from < end && isspace((unsigned char)*from))
			from++;
	if (strncmp(end, "{{-", 3) == 0 && isspace((unsigned char)end[3]))
		while (end > from && isspace((unsigned char)end[-1]))
			end--;
	p->trim = false;
	p->s = next;
	if (end > from)
		add_node(to, NODE_TEXT)->text =
			xstrndup(from, (size_t)(end - from));
}

/* Up to {{end}} or {{else}} (its word is given, its action still open), or to
 * the end of the text ("").
 */
static enum err
parse_nodes(struct parser *p, struct template_nodes *to, const char **ret_word)
{
	*ret_word = "";
	for (;;) {
		enum err e;

		take_text(p, to);
		if (*p->s == '\0')
			return ERR_OK;
		p->s += strncmp(p->s, "{{-", 3) == 0 &&
			isspace((unsigned char)p->s[3]) ? 3 : 2;
		blanks(p);
		e = parse_action(p, to, ret_word);
		if (e != ERR_OK || (*ret_word)[0] != '\0')
			return e;
	}
}

enum err
go_template_parse(const char *text, struct go_template **ret, struct error *err)
{
	struct go_template *t = XNEW(struct go_template);
	struct parser p = { .s = text, .start = text, .t = t, .err = err };
	const char *word = NULL;
	enum err e = parse_nodes(&p, &t->body, &word);

	if (e == ERR_OK && word[0] != '\0')
		e = wrong(&p, "unexpected {{%s}}", word);
	if (e == ERR_OK)
		*ret = t;
	else
		go_template_free(t);
	return e;
}

/* ---- freeing ---- */

static void
pipe_free(struct pipe *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = 0; k < p->v[i].n; k++) {
			struct operand *o = &p->v[i].v[k];

			free(o->name);
			json_decref(o->literal);
			pipe_free(o->pipe);
			strs_release(&o->fields);
		}
		free(p->v[i].v);
	}
	free(p->v);
	strs_release(&p->variables);
	free(p);
}

static void
nodes_release(struct template_nodes *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].text);
		pipe_free(l->v[i].pipe);
		nodes_release(&l->v[i].body);
		nodes_release(&l->v[i].other);
	}
	free(l->v);
}

void
go_template_free(struct go_template *t)
{
	if (t == NULL)
		return;
	nodes_release(&t->body);
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].name);
		nodes_release(&t->v[i].body);
	}
	free(t->v);
	free(t);
}
