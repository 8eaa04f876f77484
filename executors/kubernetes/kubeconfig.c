/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kubeconfig, as kubectl has it: of one context the cluster, the user and the
 * namespace.  Logging in is by token or client certificate; plug-ins that get
 * credentials are refused by name.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <yaml.h>

#include "kubernetes.h"

struct reading {
	struct access *a;
	yaml_document_t *doc;
	const char *path;
	struct fault *f;
};

/* ---- YAML ---- */

static yaml_node_t *
map_get(const struct reading *r, yaml_node_t *map, const char *key)
{
	if (map == NULL || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		yaml_node_t *k = yaml_document_get_node(r->doc, p->key);

		if (k != NULL && k->type == YAML_SCALAR_NODE &&
		    strcmp((char *)k->data.scalar.value, key) == 0)
			return yaml_document_get_node(r->doc, p->value);
	}
	return NULL;
}

/* A value that says something, or NULL. */
static const char *
map_str(const struct reading *r, yaml_node_t *map, const char *key)
{
	yaml_node_t *n = map_get(r, map, key);
	const char *s;

	if (n == NULL || n->type != YAML_SCALAR_NODE)
		return NULL;
	s = (const char *)n->data.scalar.value;
	return s[0] != '\0' && strcmp(s, "null") != 0 && strcmp(s, "~") != 0 ?
		s : NULL;
}

/* Of a list of { name: NAME, what: { ... } } the latter. */
static yaml_node_t *
list_find(const struct reading *r, const char *list, const char *what,
	  const char *name)
{
	yaml_node_t *root = yaml_document_get_root_node(r->doc);
	yaml_node_t *l = map_get(r, root, list), *item;
	const char *s;

	if (l == NULL || l->type != YAML_SEQUENCE_NODE)
		return NULL;
	for (yaml_node_item_t *i = l->data.sequence.items.start;
	     i < l->data.sequence.items.top; i++) {
		item = yaml_document_get_node(r->doc, *i);
		s = map_str(r, item, "name");
		if (s != NULL && strcmp(s, name) == 0)
			return map_get(r, item, what);
	}
	return NULL;
}

/* ---- values ---- */

static int
copy(const struct reading *r, const char *s, char **ret)
{
	if (s == NULL)
		return 0;
	*ret = strdup(s);
	return *ret != NULL ? 0 : fault_nomem(r->f);
}

/* Relative to the kubeconfig. */
static char *
resolve(const struct reading *r, const char *file)
{
	const char *slash = strrchr(r->path, '/');
	char *s;

	if (file[0] == '/' || slash == NULL)
		return strdup(file);
	if (asprintf(&s, "%.*s/%s", (int)(slash - r->path), r->path, file) < 0)
		return NULL;
	return s;
}

static int
decode(const struct reading *r, const char *key, const char *s,
       struct text *ret)
{
	CLEANUP_TEXT struct text in = { 0 };
	CLEANUP_FREE unsigned char *out = NULL;
	int n;

	for (; *s != '\0'; s++)
		if (strchr(" \t\r\n", *s) == NULL)
			text_add(&in, s, 1);
	out = malloc(in.len + 4);
	if (in.failed || out == NULL)
		return fault_nomem(r->f);
	n = EVP_DecodeBlock(out, (const unsigned char *)text_str(&in),
			    (int)in.len);
	if (n <= 0)
		return fault_set(r->f, BRICKYARD_ERR_INVALID, "%s: %s is not "
				 "base64", r->path, key);
	for (size_t i = in.len; i > 0 && in.s[i - 1] == '='; i--)
		n--;
	text_add(ret, out, (size_t)n);
	return ret->failed ? fault_nomem(r->f) : 0;
}

/* KEY-data, else the file that KEY names. */
static int
pem_of(const struct reading *r, yaml_node_t *map, const char *key,
       struct text *ret)
{
	CLEANUP_FREE char *file = NULL;
	const char *s;
	char data[64];

	snprintf(data, sizeof(data), "%s-data", key);
	s = map_str(r, map, data);
	if (s != NULL)
		return decode(r, data, s, ret);
	s = map_str(r, map, key);
	if (s == NULL)
		return 0;
	file = resolve(r, s);
	return file != NULL ? access_watch(r->a, file, ret, r->f) :
		fault_nomem(r->f);
}

/* ---- its parts ---- */

static int
read_cluster(const struct reading *r, const char *name)
{
	yaml_node_t *c = name != NULL ?
		list_find(r, "clusters", "cluster", name) : NULL;
	const char *server = map_str(r, c, "server");
	const char *insecure = map_str(r, c, "insecure-skip-tls-verify");

	if (server == NULL)
		return fault_set(r->f, BRICKYARD_ERR_INVALID, "%s: there is no "
				 "cluster '%s' with a server", r->path,
				 name != NULL ? name : "");
	if (map_str(r, c, "proxy-url") != NULL)
		return fault_set(r->f, BRICKYARD_ERR_INVALID, "%s: cluster "
				 "'%s': a proxy (proxy-url) can't be used",
				 r->path, name);
	r->a->is_insecure = insecure != NULL && strcmp(insecure, "true") == 0;
	if (copy(r, server, &r->a->server) < 0 ||
	    copy(r, map_str(r, c, "tls-server-name"), &r->a->server_name) < 0 ||
	    pem_of(r, c, "certificate-authority", &r->a->ca) < 0)
		return -1;
	return access_split_url(r->a, r->f);
}

static int
read_user(const struct reading *r, const char *name)
{
	static const char *const others[] = { "exec", "auth-provider",
		"username" };
	yaml_node_t *u = name != NULL ? list_find(r, "users", "user", name) :
		NULL;
	const char *file = map_str(r, u, "tokenFile");

	if (name != NULL && u == NULL)
		return fault_set(r->f, BRICKYARD_ERR_INVALID,
				 "%s: there is no user '%s'", r->path, name);
	if (pem_of(r, u, "client-certificate", &r->a->cert) < 0 ||
	    pem_of(r, u, "client-key", &r->a->key) < 0 ||
	    copy(r, map_str(r, u, "token"), &r->a->token) < 0)
		return -1;
	if (file != NULL && r->a->token == NULL) {
		r->a->token_file = resolve(r, file);
		if (r->a->token_file == NULL)
			return fault_nomem(r->f);
	}
	if (r->a->token != NULL || r->a->token_file != NULL ||
	    r->a->cert.len > 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (map_get(r, u, others[i]) != NULL)
			return fault_set(r->f, BRICKYARD_ERR_INVALID, "%s: "
					 "user '%s' logs in by '%s', which "
					 "can't be used: give it a token "
					 "(kubectl create token) or a client "
					 "certificate", r->path, name,
					 others[i]);
	return 0;
}

static int
read_context(const struct reading *r, const char *name)
{
	const char *s;
	yaml_node_t *c;

	if (name[0] == '\0')
		name = map_str(r, yaml_document_get_root_node(r->doc),
			       "current-context");
	if (name == NULL)
		return fault_set(r->f, BRICKYARD_ERR_INVALID, "%s: it has no "
				 "current-context, and the option context "
				 "names none", r->path);
	c = list_find(r, "contexts", "context", name);
	if (c == NULL)
		return fault_set(r->f, BRICKYARD_ERR_INVALID, "%s: there is no "
				 "context '%s'", r->path, name);
	s = map_str(r, c, "namespace");
	if (copy(r, s != NULL ? s : "default", &r->a->namespace) < 0 ||
	    read_cluster(r, map_str(r, c, "cluster")) < 0 ||
	    read_user(r, map_str(r, c, "user")) < 0)
		return -1;
	return 0;
}

static int
parse(struct reading *r, const struct text *t, const char *context)
{
	yaml_parser_t parser;
	int ok, e = -1;

	if (!yaml_parser_initialize(&parser))
		return fault_nomem(r->f);
	yaml_parser_set_input_string(&parser,
				     (const unsigned char *)text_str(t), t->len);
	ok = yaml_parser_load(&parser, r->doc);
	if (!ok)
		fault_set(r->f, BRICKYARD_ERR_INVALID, "%s: line %zu: %s",
			  r->path, parser.problem_mark.line + 1,
			  parser.problem != NULL ? parser.problem :
			  "that is no YAML");
	yaml_parser_delete(&parser);
	if (ok) {
		e = read_context(r, context);
		yaml_document_delete(r->doc);
	}
	return e;
}

int
kubeconfig_read(struct access *a, const char *path, const char *context,
		struct fault *f)
{
	CLEANUP_TEXT struct text t = { 0 };
	yaml_document_t doc;
	struct reading r = { a, &doc, path, f };

	a->origin = strdup(path);
	if (a->origin == NULL)
		return fault_nomem(f);
	if (access_watch(a, path, &t, f) < 0)
		return -1;
	return parse(&r, &t, context);
}
