/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the service says about itself: heketi's operation counts, and from our
 * own routes the operations and the plug-ins.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/fmt.h"

enum err
cmd_server_operations_info(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	enum err e = cli_get(cli, "operations", NULL, &j, err);

	if (e != ERR_OK)
		return e;
	if (cli->json) {
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

/* One line per object: "id:…  kind:…  status:…".  The members are the
 * server's, so that a newer server's are shown by an older program.
 */
static void
print_line_of(const json_t *object)
{
	const char *key, *separator = "";
	json_t *v;

	if (json_is_string(object)) {
		puts(json_string_value(object));
		return;
	}
	json_object_foreach((json_t *)object, key, v) {
		char text[4096];

		scalar_text(v, text, sizeof(text));
		if (text[0] == '\0')
			continue;
		printf("%s%s:%s", separator, key, text);
		separator = "  ";
	}
	putchar('\n');
}

/* A line per member, lists and objects below their name, indented. */
static void
print_members(const json_t *object, int indent)
{
	const char *key;
	json_t *v, *each;
	size_t i;

	json_object_foreach((json_t *)object, key, v) {
		char text[4096];

		scalar_text(v, text, sizeof(text));
		printf("%*s%s:%s%s\n", indent, "", key,
		       text[0] != '\0' ? " " : "", text);
		if (json_is_object(v))
			print_members(v, indent + 2);
		json_array_foreach(v, i, each) {
			printf("%*s", indent + 2, "");
			print_line_of(each);
		}
	}
}

static enum err
print_list(struct cli *cli, const char *name, struct error *err)
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
		print_line_of(each);
	return ERR_OK;
}

enum err
cmd_operations(struct cli *cli, struct error *err)
{
	json_auto_t *j = NULL;
	enum err e;

	if (cli_arg(cli) == NULL)
		return print_list(cli, "operations", err);
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
	return print_list(cli, "plugins", err);
}
