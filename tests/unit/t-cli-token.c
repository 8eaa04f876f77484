/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens against values that were computed by other means (Python's hmac). */
#include <config.h>

#include "cli/http.h"
#include "cli/token.h"
#include "tests/tap.h"
#include "util/cleanup.h"

static void
check(const char *user, const char *secret, const char *method,
      const char *path, const char *want, const char *name)
{
	CLEANUP_FREE char *t = token_new(user, secret, method, path,
					 1700000000);

	is_str(t, want, "%s", name);
}

static void
check_path(const char *collection, const char *id, const char *action,
	   const char *want)
{
	CLEANUP_FREE char *p = client_path(collection, id, action);

	is_str(p, want, "path %s", want);
}

int
main(void)
{
	check("admin", "My Secret", "GET",
	      "/volumes",
	      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3MDAwMDA"
	      "zMDAsImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoiYWRtaW4iLCJxc2giOiJ"
	      "jMTYyYWNjOTAyNDI3MjEyMGJhY2ZmZjc3MDljOTMyY2MyNTIzMzdkMGE"
	      "zMGZhMTViMDI1MDEwMDY2NjYyYmVhIn0.uMwsZWJLMpqzPE0Ua8tszdZ"
	      "61WQqO7JbXQqbbalyXMo",
	      "an ordinary one");
	check("", "", "POST",
	      "/clusters",
	      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3MDAwMDA"
	      "zMDAsImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoiIiwicXNoIjoiOTU5ZWU"
	      "1NTBkZWIwYTJhZjE4ZmZkZjRjYjliZjI5YWJiYmUxZTFhZmI3MWU1ZTF"
	      "iYjk5ZmM1ZjIxYzczY2VlMSJ9.mbBSxTezg9Q6FW7ERnehDGzRXKWciq"
	      "JuL0lNyKhsoE8",
	      "without user and key");
	check("a\"é", 
	      "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
	      "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", "DELETE",
	      "/volumes/0123456789abcdef",
	      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3MDAwMDA"
	      "zMDAsImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoiYVwiw6kiLCJxc2giOiJ"
	      "mNjIzZDljYzIwZmNmMzIyMGI0MDY3YzRhZDU4MjFiMDhhNzM1MTNiYWN"
	      "iNjhlMjY4ZjhmMjQ5N2ViZTI4MDFmIn0.rjWZqYm4YOYrBvYwuMDx2OT"
	      "DJSA3L8omBDoMyVWKWlM",
	      "a name that needs escaping, a key longer than a block");
	check_path("volumes", NULL, NULL, "/volumes");
	check_path("volumes", "ab", NULL, "/volumes/ab");
	check_path("volumes", "ab", "expand", "/volumes/ab/expand");
	check_path("volumes", "a/b?c", "expand", "/volumes/a%2Fb%3Fc/expand");
	return tap_done();
}
