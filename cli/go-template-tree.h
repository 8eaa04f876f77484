/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A parsed template: between go-template-parse.c, which makes it, and
 * go-template.c, which runs it.
 */
#ifndef CLI_GO_TEMPLATE_TREE_H
#define CLI_GO_TEMPLATE_TREE_H

#include <stddef.h>

#include <jansson.h>

#include "util/strs.h"

enum operand_kind {
	OPERAND_DOT,
	OPERAND_VARIABLE,	/* name, "" is $ */
	OPERAND_LITERAL,
	OPERAND_FUNCTION,	/* name */
	OPERAND_PIPE,		/* in parentheses */
};

struct operand {
	enum operand_kind kind;
	char *name;
	json_t *literal;
	struct pipe *pipe;
	struct strs fields;	/* .A.B after it */
};

struct operands {
	struct operand *v;
	size_t n, cap;
};

struct pipe {
	struct strs variables;	/* assigned; of range up to two */
	struct operands *v;	/* commands */
	size_t n, cap;
};

enum node_kind {
	NODE_TEXT, NODE_PIPE, NODE_IF, NODE_RANGE, NODE_WITH, NODE_TEMPLATE,
};

struct template_nodes {
	struct template_node *v;
	size_t n, cap;
};

struct template_node {
	enum node_kind kind;
	char *text;		/* text, or the name of a template */
	struct pipe *pipe;	/* NULL: template without an argument */
	struct template_nodes body, other;
};

struct template_define {
	char *name;
	struct template_nodes body;
};

struct go_template {
	struct template_nodes body;
	struct template_define *v;
	size_t n, cap;
};

#endif
