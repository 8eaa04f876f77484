/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the service says about itself: heketi's operation counts, and from our
 * own routes the operations and the plug-ins.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/fmt.h"

static const char *
pending_status(const json_t *op)
{
	const char *s = json_str_at(op, "status");

	return s[0] != '\0' ? s : "New";
}

static enum err
show_pending(struct cli *cli, const char *id, struct error *err)
{
	json_auto_t *j = NULL;
	json_t *each;
	size_t i;
	enum err e = cli_get(cli, "operations/pending", id, &j, err);

	if (e != ERR_OK)
		return e;
	if (cli_wants_own_json(cli)) {
		print_json(j);
		return ERR_OK;
	}
	printf("\nId: %s\nType: %s\nStatus: %s %s\nChanges:\n",
	       json_str_at(j, "id"), json_str_at(j, "type_name"),
	       pending_status(j), json_str_at(j, "sub_status"));
	json_array_foreach(json_at(j, "changes"), i, each)
		printf("    %s: %s\n", json_str_at(each, "description"),
		       json_str_at(each, "id"));
	return ERR_OK;
}

enum err
cmd_server_operations_list(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	json_t *op;
	size_t i;
	enum err e = cli_get(cli, "operations/pending", NULL, &j, err);

	if (e != ERR_OK)
		return e;
	if (cli_wants_own_json(cli)) {
		print_json(j);
		return ERR_OK;
	}
	json_array_foreach(json_at(j, "pendingoperations"), i, op)
		printf("Id:%s  Type:%s  Status:%s %s\n", json_str_at(op, "id"),
		       json_str_at(op, "type_name"), pending_status(op),
		       json_str_at(op, "sub_status"));
	return ERR_OK;
}

enum err
cmd_server_operations_cleanup(struct cli *cli, struct error *err)
{
	const struct strs *ids = &cli->args.rest;
	json_t *list = ids->n > 0 ? json_array() : NULL;
	enum err e;

	for (size_t i = 0; i < ids->n; i++)
		json_array_append_new(list, json_string(ids->v[i]));
	e = cli_call(cli, "POST", "operations/pending", NULL, "cleanup",
		     json_pack("{s:o*}", "operations", list), NULL, err);
	if (e == ERR_OK)
		fprintf(stderr,
			"Note: Operation clean up is a batch operation.\n"
			"* The results of individual operation clean ups"
			" are not reported here.\n"
			"* Use '%s server operations [list|info]'"
			" to view operations.\n", program_name());
	return e;
}

enum err
cmd_server_operations_info(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	enum err e;

	if (cli_arg(cli) != NULL)
		return show_pending(cli, cli_arg(cli), err);
	e = cli_get(cli, "operations", NULL, &j, err);
	if (e != ERR_OK)
		return e;
	if (cli_wants_own_json(cli)) {
		print_json(j);
		return ERR_OK;
	}
	puts("Operation Counts:");
	printf("  Total: %" PRId64 "\n", json_int_at(j, "total"));
	printf("  In-Flight: %" PRId64 "\n", json_int_at(j, "in_flight"));
	printf("  New: %" PRId64 "\n", json_int_at(j, "new"));
	printf("  Failed: %" PRId64 "\n", json_int_at(j, "failed"));
	printf("  Stale: %" PRId64 "\n", json_int_at(j, "stale"));
	return ERR_OK;
}

/* Scalars as text into buf; "" for what is none. */
static void
scalar_text(const json_t *v, char *buf, size_t size)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		snprintf(buf, size, "%s", json_string_value(v));
		break;
	case JSON_INTEGER:
		snprintf(buf, size, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(v));
		break;
	case JSON_REAL:
		snprintf(buf, size, "%g", json_real_value(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		snprintf(buf, size, "%s", yes_no(json_is_true(v)));
		break;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		snprintf(buf, size, "%s", "");
		break;
	}
}

/* A line per member, objects below their name, indented.  The members are the
 * server's, so that what a newer one adds is shown by an older program.
 */
static void
print_members(const json_t *object, int indent)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)object, key, v) {
		char text[4096];

		scalar_text(v, text, sizeof(text));
		printf("%*s%s:%s%s\n", indent, "", key,
		       text[0] != '\0' ? " " : "", text);
		if (json_is_object(v))
			print_members(v, indent + 2);
	}
}

static void
print_operation_line(const json_t *op)
{
	const char *error = json_str_at(op, "error.message");

	printf("Id:%s  Type:%s  Status:%s  Stage:%" PRId64 "  Target:%s"
	       "  Owner:%s  Epoch:%" PRId64 "  Updated:%s%s%s\n",
	       json_str_at(op, "id"), json_str_at(op, "kind"),
	       json_str_at(op, "status"), json_int_at(op, "stage"),
	       json_str_at(op, "target"), json_str_at(op, "owner"),
	       json_int_at(op, "epoch"), json_str_at(op, "updated"),
	       error[0] != '\0' ? "  Error:" : "", error);
}

static void
print_replica_line(const json_t *r)
{
	const json_t *duties = json_at((json_t *)r, "duties");
	json_t *duty;
	size_t i;

	printf("Id:%s  Host:%s  Listen:%s  Pid:%" PRId64 "  Version:%s"
	       "  Started:%s  Operations:%" PRId64 "  Duties:",
	       json_str_at(r, "id"), json_str_at(r, "host"),
	       json_str_at(r, "listen"), json_int_at(r, "pid"),
	       json_str_at(r, "version"), json_str_at(r, "started"),
	       json_int_at(r, "open_operations"));
	json_array_foreach((json_t *)duties, i, duty)
		printf("%s%s", i > 0 ? "," : "", json_string_value(duty));
	printf("%s%s\n", i == 0 ? "-" : "",
	       json_bool_at(r, "self") ? "  (answers)" : "");
}

static void
print_plugin_line(const json_t *p)
{
	const char *name = json_str_at(p, "name");
	const char *kind = json_str_at(p, "kind");

	if (json_bool_at(p, "loaded"))
		printf("Name:%-14s Kind:%-12s Version:%-8s %s\n", name, kind,
		       json_str_at(p, "version"),
		       json_str_at(p, "description"));
	else
		printf("Name:%-14s Kind:%-12s Refused:%s (%s)\n", name, kind,
		       json_str_at(p, "reason"), json_str_at(p, "path"));
}

static enum err
print_list(struct cli *cli, const char *name,
	   void (*print_line)(const json_t *), struct error *err)
{
	json_auto_t *j = NULL;
	json_t *each;
	size_t i;
	enum err e = cli_call(cli, "GET", "v1", name, NULL, NULL, &j, err);

	if (e != ERR_OK)
		return e;
	if (cli->json) {
		print_json(j);
		return ERR_OK;
	}
	json_array_foreach(json_at(j, name), i, each)
		print_line(each);
	return ERR_OK;
}

enum err
cmd_operations(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	enum err e;

	if (cli_arg(cli) == NULL)
		return print_list(cli, "operations", print_operation_line, err);
	e = cli_get(cli, "v1/operations", cli_arg(cli), &j, err);
	if (e != ERR_OK)
		return e;
	if (cli->json)
		print_json(j);
	else
		print_members(j, 0);
	return ERR_OK;
}

enum err
cmd_plugins(struct cli *cli, struct error *err)
{
	return print_list(cli, "plugins", print_plugin_line, err);
}

enum err
cmd_replicas(struct cli *cli, struct error *err)
{
	return print_list(cli, "replicas", print_replica_line, err);
}
