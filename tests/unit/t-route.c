/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths and routes are taken apart as Go's router does it. */
#include <config.h>

#include "api/path.h"
#include "api/route.h"
#include "util/cleanup.h"

#include "tests/tap.h"

static void
h_none(struct request *r)
{
}

static const struct route table[] = {
	{ "GET", "/hello", h_none, ROUTE_OPEN },
	{ "POST", "/things", h_none, 0 },
	{ "GET", "/things", h_none, 0 },
	{ "GET", "/things/{id}", h_none, 0 },
	{ "DELETE", "/things/{id}", h_none, 0 },
	{ "POST", "/things/{id}/state", h_none, 0 },
};

static const struct {
	int open;
	const char *method, *path;
	enum route_result result;
	int index;
	const char *id;
} finds[] = {
	{ 1, "GET", "/hello", ROUTE_FOUND, 0, NULL },
	{ 1, "GET", "/hello/", ROUTE_NOT_FOUND, 0, NULL },
	{ 1, "POST", "/hello", ROUTE_NOT_FOUND, 0, NULL },
	{ 1, "GET", "/things", ROUTE_NOT_FOUND, 0, NULL },
	{ 0, "GET", "/hello", ROUTE_NOT_FOUND, 0, NULL },
	{ 0, "POST", "/things", ROUTE_FOUND, 1, NULL },
	{ 0, "GET", "/things", ROUTE_FOUND, 2, NULL },
	{ 0, "PUT", "/things", ROUTE_BAD_METHOD, 0, NULL },
	{ 0, "HEAD", "/things", ROUTE_BAD_METHOD, 0, NULL },
	{ 0, "get", "/things", ROUTE_BAD_METHOD, 0, NULL },
	{ 0, "GET", "/things/", ROUTE_SLASH, 2, NULL },
	{ 0, "PUT", "/things/", ROUTE_BAD_METHOD, 0, NULL },
	{ 0, "GET", "/things/aB9", ROUTE_FOUND, 3, "aB9" },
	{ 0, "DELETE", "/things/aB9", ROUTE_FOUND, 4, "aB9" },
	{ 0, "POST", "/things/aB9", ROUTE_BAD_METHOD, 0, NULL },
	{ 0, "GET", "/things/aB9/", ROUTE_SLASH, 3, "aB9" },
	{ 0, "GET", "/things/xyz", ROUTE_NOT_FOUND, 0, NULL },
	{ 0, "PUT", "/things/xyz", ROUTE_NOT_FOUND, 0, NULL },
	{ 0, "GET", "/things/a/b", ROUTE_NOT_FOUND, 0, NULL },
	{ 0, "POST", "/things/aB9/state", ROUTE_FOUND, 5, "aB9" },
	{ 0, "GET", "/things/aB9/state", ROUTE_BAD_METHOD, 0, NULL },
	{ 0, "GET", "/things/aB9/status", ROUTE_NOT_FOUND, 0, NULL },
	{ 0, "GET", "/things//", ROUTE_NOT_FOUND, 0, NULL },
	{ 0, "GET", "/Things", ROUTE_NOT_FOUND, 0, NULL },
	{ 0, "GET", "/thing", ROUTE_NOT_FOUND, 0, NULL },
	{ 0, "GET", "/", ROUTE_NOT_FOUND, 0, NULL },
	{ 0, "GET", "", ROUTE_NOT_FOUND, 0, NULL },
};

static void
test_find(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(finds); i++) {
		CLEANUP_FREE char *id = NULL;
		const struct route *r = NULL;
		enum route_result result =
			route_find(table, ARRAY_SIZE(table), finds[i].open,
				   finds[i].method, finds[i].path, &r, &id);
		bool found = result == ROUTE_FOUND || result == ROUTE_SLASH;

		ok(result == finds[i].result &&
		   (!found || r == &table[finds[i].index]) &&
		   (finds[i].id == NULL ? id == NULL :
		    id != NULL && strcmp(id, finds[i].id) == 0),
		   "%s '%s' among the %s", finds[i].method, finds[i].path,
		   finds[i].open ? "open" : "others");
	}
}

static const struct {
	const char *target, *path, *query;
} targets[] = {
	{ "/a/b", "/a/b", NULL },
	{ "/a?b=c?d", "/a", "b=c?d" },
	{ "/a?", "/a", "" },
	{ "/%61%2Fb", "/a/b", NULL },
	{ "/a+b", "/a+b", NULL },
	{ "/\xc3\xa9", "/\xc3\xa9", NULL },
	{ "http://h:1/a?b", "/a", "b" },
	{ "https://h", "", NULL },
	{ "*", "*", NULL },
	{ "/a%", NULL, NULL },
	{ "/a%4", NULL, NULL },
	{ "/a%zz", NULL, NULL },
	{ "/a%00b", NULL, NULL },
	{ "/a\x01", NULL, NULL },
	{ "/a?b\x7f", NULL, NULL },
};

static void
test_target(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		const char *query = NULL;
		CLEANUP_FREE char *path = path_of_target(targets[i].target,
							 &query);

		if (targets[i].path == NULL) {
			ok(path == NULL, "'%s' is no path", targets[i].target);
			continue;
		}
		is_str(path, targets[i].path, "path of '%s'",
		       targets[i].target);
		if (targets[i].query == NULL)
			ok(query == NULL, "without a query");
		else
			is_str(query, targets[i].query, "and its query");
	}
}

static const char *const cleans[][2] = {
	{ "/", "/" }, { "", "/" }, { "//", "/" }, { "/a", "/a" },
	{ "/a/", "/a/" }, { "/a//b", "/a/b" }, { "/a/./b", "/a/b" },
	{ "/a/../b", "/b" }, { "/../a", "/a" }, { "/a/..", "/" },
	{ "/a/b/../..//c/", "/c/" }, { "/a/.", "/a" }, { "/...", "/..." },
	{ "a", "/a" }, { "//a//", "/a/" },
};

static void
test_clean(void)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cleans); i++) {
		CLEANUP_FREE char *got = path_clean(cleans[i][0]);

		is_str(got, cleans[i][1], "'%s' cleaned", cleans[i][0]);
	}
	path_escape(&b, "/a b/%\"<\xc3\xa9!~$&+,:;=@", "x=<y");
	is_str(buf_str(&b), "/a%20b/%25%22%3C%C3%A9%21~$&+,:;=@?x=<y",
	       "a path is escaped, the query left alone");
}

int
main(void)
{
	test_find();
	test_target();
	test_clean();
	return tap_done();
}
