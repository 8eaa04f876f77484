/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading answers: heketi's errors are plain text, ours below /v1 an object. */
#include <config.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "util/xalloc.h"

enum { ERROR_BODY_MAX = 4096 };	/* as much as heketi-cli shows */

void
answer_release(struct answer *a)
{
	free(a->location);
	buf_release(&a->body);
	memset(a, 0, sizeof(*a));
}

bool
answer_is_redirection(const struct answer *a)
{
	return a->location != NULL &&
	       (a->status == 301 || a->status == 302 || a->status == 303 ||
		a->status == 307 || a->status == 308);
}

static const char *
status_text(long status)
{
	static const struct {
		long status;
		const char *text;
	} tab[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
		{ 204, "No Content" }, { 301, "Moved Permanently" },
		{ 302, "Found" }, { 303, "See Other" }, { 304, "Not Modified" },
		{ 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 402, "Payment Required" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 407, "Proxy Authentication Required" },
		{ 408, "Request Timeout" }, { 409, "Conflict" },
		{ 410, "Gone" }, { 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Request Entity Too Large" },
		{ 414, "Request URI Too Long" },
		{ 415, "Unsupported Media Type" }, { 418, "I'm a teapot" },
		{ 422, "Unprocessable Entity" }, { 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" },
		{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tab); i++)
		if (tab[i].status == status)
			return tab[i].text;
	return "";
}

/* {"error":{"message":…}} of /v1 routes; NULL: not that.  Caller frees. */
static char *
v1_message(const char *body)
{
	json_auto_t *j = json_loads(body, 0, NULL);
	const char *s = json_string_value(
		json_object_get(json_object_get(j, "error"), "message"));

	return xstrdup(s);
}

/* The server's own words, trimmed. */
static enum err
fail_with_answer(const struct answer *a, struct error *err)
{
	enum err code = a->status == 404 ? ERR_NOTFOUND : ERR_REFUSED;
	CLEANUP_FREE char *message = v1_message(buf_str(&a->body));
	const char *s = message != NULL ? message : buf_str(&a->body);
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strnlen(s, ERROR_BODY_MAX - 1);
	while (n > 0 && isspace((unsigned char)s[n - 1]))
		n--;
	if (n == 0)
		return fail(err, code, "server did not provide a message"
			    " (status %ld: %s)", a->status,
			    status_text(a->status));
	return fail(err, code, "%.*s", (int)n, s);
}

enum err
answer_read(const struct answer *a, json_t **ret, struct error *err)
{
	json_error_t je;
	json_t *j;

	if (a->status != 200 && a->status != 201 && a->status != 204)
		return fail_with_answer(a, err);
	if (ret == NULL)
		return ERR_OK;
	if (a->body.len == 0) {
		*ret = NULL;
		return ERR_OK;
	}
	j = json_loadb(a->body.s, a->body.len, JSON_DECODE_ANY, &je);
	if (j == NULL)
		return fail(err, ERR_INTERNAL,
			    "can't read the server's answer: %s", je.text);
	*ret = j;
	return ERR_OK;
}
