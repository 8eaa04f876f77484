/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets of requests: split, decoded, cleaned, escaped, looked up. */
#include <config.h>

#include "api/path.h"
#include "api/route.h"
#include "tests/fuzz/fuzz.h"
#include "util/cleanup.h"

static const struct route table[] = {
	{ "GET", "/hello", NULL, ROUTE_OPEN },
	{ "GET", "/volumes", NULL, 0 },
	{ "POST", "/volumes", NULL, 0 },
	{ "GET", "/volumes/{id}", NULL, 0 },
	{ "POST", "/volumes/{id}/expand", NULL, 0 },
	{ "GET", "/operations/pending/{id}", NULL, 0 },
	{ "POST", "/operations/pending/cleanup", NULL, 0 },
};

static void
look_up(const char *path)
{
	for (int open = 0; open < 2; open++) {
		const struct route *found = NULL;
		char *id = NULL;
		enum route_result r = route_find(table, ARRAY_SIZE(table), open,
						 "POST", path, &found, &id);

		HOLDS((r == ROUTE_FOUND || r == ROUTE_SLASH) ==
		      (found != NULL));
		HOLDS(id == NULL || (*id != '\0' && found != NULL &&
		      id[strspn(id, "0123456789abcdefABCDEF")] == '\0'));
		free(id);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf escaped = { 0 };
	char *target = strndup((const char *)data, size);
	char *path, *clean, *again;
	const char *query = NULL, *query_again;

	path = path_of_target(target, &query);
	if (path != NULL) {
		clean = path_clean(path);
		HOLDS(clean[0] == '/' && strstr(clean, "//") == NULL);
		HOLDS(strstr(clean, "/../") == NULL);
		HOLDS(strstr(clean, "/./") == NULL);
		again = path_clean(clean);
		HOLDS(strcmp(again, clean) == 0);
		free(again);
		look_up(path);
		look_up(clean);
		/* A redirection leads where it should. */
		path_escape(&escaped, clean, query);
		again = path_of_target(buf_str(&escaped), &query_again);
		HOLDS(again != NULL && strcmp(again, clean) == 0);
		HOLDS((query == NULL) == (query_again == NULL));
		HOLDS(query == NULL || strcmp(query, query_again) == 0);
		free(again);
		free(clean);
	}
	buf_release(&escaped);
	free(path);
	free(target);
	return 0;
}
