/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running a template over the topology.  Go's structs are not here, only their
 * JSON: a table says which field is which member, and what is left out of the
 * JSON when it is empty.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cli/fmt.h"
#include "cli/go-template-tree.h"
#include "cli/go-template.h"
#include "cli/go-value.h"
#include "util/xalloc.h"

enum { CALLS_MAX = 100 };

struct variable {
	const char *name;
	struct value value;
};

struct run {
	const struct go_template *t;
	struct variable *v;	/* in scope, the innermost last */
	size_t n, cap;
	int calls;
	struct buf *out;
	struct error *err;
};

static void
push(struct run *r, const char *name, struct value v)
{
	*VEC_PUSH(r) = (struct variable){ name, value_ref(v) };
}

static void
pop_to(struct run *r, size_t n)
{
	while (r->n > n)
		value_release(&r->v[--r->n].value);
}

static enum err
get_variable(struct run *r, const char *name, struct value *ret)
{
	for (size_t i = r->n; i-- > 0;)
		if (strcmp(r->v[i].name, name) == 0) {
			*ret = value_ref(r->v[i].value);
			return ERR_OK;
		}
	return fail(r->err, ERR_BADREQ, "undefined variable \"$%s\"", name);
}

static enum err eval_pipe(struct run *, const struct pipe *, struct value dot,
			  struct value *ret);

static enum err
eval_base(struct run *r, const struct operand *o, struct value dot,
	  struct value *ret)
{
	switch (o->kind) {
	case OPERAND_DOT:
		*ret = value_ref(dot);
		return ERR_OK;
	case OPERAND_VARIABLE:
		return get_variable(r, o->name, ret);
	case OPERAND_LITERAL:
		*ret = (struct value){ json_incref(o->literal), VALUE_PLAIN };
		return ERR_OK;
	case OPERAND_PIPE:
		return eval_pipe(r, o->pipe, dot, ret);
	case OPERAND_FUNCTION:
		break;
	}
	return value_call(o->name, NULL, 0, ret, r->err);
}

static enum err
eval_operand(struct run *r, const struct operand *o, struct value dot,
	     struct value *ret)
{
	CLEANUP(value_release) struct value v = { 0 };
	enum err e = eval_base(r, o, dot, &v);

	for (size_t i = 0; e == ERR_OK && i < o->fields.n; i++) {
		struct value field = { 0 };

		e = value_field(v, o->fields.v[i], &field, r->err);
		if (e != ERR_OK)
			break;
		value_release(&v);
		v = field;
	}
	if (e == ERR_OK)
		*ret = value_ref(v);
	return e;
}

/* piped: the value of the command before, or NULL. */
static enum err
eval_call(struct run *r, const struct operands *c, struct value dot,
	  const struct value *piped, struct value *ret)
{
	CLEANUP_FREE struct value *args = xcalloc(c->n + 1, sizeof(*args));
	size_t n = 0;
	enum err e = ERR_OK;

	for (size_t i = 1; e == ERR_OK && i < c->n; i++) {
		e = eval_operand(r, &c->v[i], dot, &args[n]);
		n += e == ERR_OK;
	}
	if (e == ERR_OK && piped != NULL)
		args[n++] = value_ref(*piped);
	if (e == ERR_OK)
		e = value_call(c->v[0].name, args, n, ret, r->err);
	for (size_t i = 0; i < n; i++)
		value_release(&args[i]);
	return e;
}

static enum err
eval_command(struct run *r, const struct operands *c, struct value dot,
	     const struct value *piped, struct value *ret)
{
	if (c->v[0].kind == OPERAND_FUNCTION)
		return eval_call(r, c, dot, piped, ret);
	if (c->n > 1 || piped != NULL)
		return fail(r->err, ERR_BADREQ, "can't give arguments to what"
			    " is no function");
	return eval_operand(r, &c->v[0], dot, ret);
}

/* Without regard to its variables: whoever asks declares them. */
static enum err
eval_pipe(struct run *r, const struct pipe *p, struct value dot,
	  struct value *ret)
{
	CLEANUP(value_release) struct value v = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		struct value next = { 0 };
		enum err e = eval_command(r, &p->v[i], dot,
					  i > 0 ? &v : NULL, &next);

		if (e != ERR_OK)
			return e;
		value_release(&v);
		v = next;
	}
	*ret = value_ref(v);
	return ERR_OK;
}

static enum err run_nodes(struct run *, const struct template_nodes *,
			  struct value dot);

static enum err
run_print(struct run *r, const struct pipe *p, struct value dot)
{
	CLEANUP(value_release) struct value v = { 0 };
	enum err e = eval_pipe(r, p, dot, &v);

	if (e != ERR_OK)
		return e;
	if (p->variables.n == 0)
		return value_print(v, r->out, r->err);
	push(r, p->variables.v[0], v);
	return ERR_OK;
}

static enum err
run_if(struct run *r, const struct template_node *n, struct value dot)
{
	CLEANUP(value_release) struct value v = { 0 };
	size_t scope = r->n;
	enum err e = eval_pipe(r, n->pipe, dot, &v);
	bool with = n->kind == NODE_WITH;

	if (e != ERR_OK)
		return e;
	if (n->pipe->variables.n > 0)
		push(r, n->pipe->variables.v[0], v);
	if (value_is_true(v))
		e = run_nodes(r, &n->body, with ? v : dot);
	else
		e = run_nodes(r, &n->other, dot);
	pop_to(r, scope);
	return e;
}

static enum err
run_turn(struct run *r, const struct template_node *n, struct value key,
	 struct value each)
{
	const struct strs *names = &n->pipe->variables;
	size_t scope = r->n;
	enum err e;

	if (names->n > 1)
		push(r, names->v[0], key);
	if (names->n > 0)
		push(r, names->v[names->n - 1], each);
	e = run_nodes(r, &n->body, each);
	pop_to(r, scope);
	return e;
}

static enum err
run_range(struct run *r, const struct template_node *n, struct value dot)
{
	CLEANUP(value_release) struct value v = { 0 };
	CLEANUP(strs_release) struct strs keys = { 0 };
	bool map = false;
	size_t count;
	enum err e = eval_pipe(r, n->pipe, dot, &v);

	if (e != ERR_OK)
		return e;
	map = v.type == VALUE_MAP;
	if (!map && v.j != NULL && !json_is_array(v.j))
		return fail(r->err, ERR_BADREQ, "range can't iterate over it");
	if (map)
		json_sorted_keys(v.j, &keys);
	count = map ? keys.n : json_array_size(v.j);
	if (count == 0)
		return run_nodes(r, &n->other, dot);
	for (size_t i = 0; e == ERR_OK && i < count; i++) {
		json_auto_t *key = map ? json_string(keys.v[i])
				       : json_integer((json_int_t)i);
		struct value each = { map ? json_object_get(v.j, keys.v[i])
					  : json_array_get(v.j, i),
				      VALUE_PLAIN };

		e = run_turn(r, n, (struct value){ key, VALUE_PLAIN }, each);
	}
	return e;
}

static enum err
run_template(struct run *r, const struct template_node *n, struct value dot)
{
	CLEANUP(value_release) struct value v = { 0 };
	struct run inner = { .t = r->t, .calls = r->calls + 1, .out = r->out,
			     .err = r->err };
	enum err e = n->pipe != NULL ? eval_pipe(r, n->pipe, dot, &v) : ERR_OK;

	if (e == ERR_OK && inner.calls > CALLS_MAX)
		e = fail(r->err, ERR_BADREQ, "templates call each other more"
			 " than %d deep", CALLS_MAX);
	if (e != ERR_OK)
		return e;
	e = fail(r->err, ERR_BADREQ, "template \"%s\" not defined", n->text);
	push(&inner, "", v);
	for (size_t i = 0; i < r->t->n; i++)
		if (strcmp(r->t->v[i].name, n->text) == 0) {
			e = run_nodes(&inner, &r->t->v[i].body, v);
			break;
		}
	pop_to(&inner, 0);
	free(inner.v);
	return e;
}

static enum err
run_node(struct run *r, const struct template_node *n, struct value dot)
{
	switch (n->kind) {
	case NODE_TEXT:
		buf_adds(r->out, n->text);
		return ERR_OK;
	case NODE_PIPE:
		return run_print(r, n->pipe, dot);
	case NODE_IF:
	case NODE_WITH:
		return run_if(r, n, dot);
	case NODE_RANGE:
		return run_range(r, n, dot);
	case NODE_TEMPLATE:
		break;
	}
	return run_template(r, n, dot);
}

static enum err
run_nodes(struct run *r, const struct template_nodes *l, struct value dot)
{
	size_t scope = r->n;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < l->n; i++)
		e = run_node(r, &l->v[i], dot);
	pop_to(r, scope);
	return e;
}

enum err
go_template_run(const struct go_template *t, const json_t *topology,
		struct buf *ret, struct error *err)
{
	struct value root = { (json_t *)topology, VALUE_PLAIN };
	struct run r = { .t = t, .out = ret, .err = err };
	enum err e;

	push(&r, "", root);
	e = run_nodes(&r, &t->body, root);
	pop_to(&r, 0);
	free(r.v);
	return e == ERR_OK ? e
			   : fail_prefix(err, "failed to execute template");
}
