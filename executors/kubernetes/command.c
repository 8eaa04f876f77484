/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is run in the container, and what that does with the script.
 *
 * The command is short and the same for all scripts, for it is part of a URL
 * (which libwebsockets cuts at 2 KiB, and audit logs show); what it runs, and the
 * script in it, follow on stdin.  That runs
 *
 *   - only when it has come whole: its length is in the command, so that no
 *     end of stdin is needed, which the protocol v4 does not have;
 *   - with stdin at its end, so that no tool in it eats the rest of it;
 *   - in a process group of its own, that is killed (TERM, a second later KILL)
 *     when stdin ends, because the call was cancelled, its time is up, this
 *     process or the API server died, and by timeout(1) in the container itself
 *     should nothing tell it that we are gone;
 *   - between two marks on both streams: no first one means that no script was
 *     started, and the second one has its exit status, because the API server is
 *     known to say 0 for scripts that failed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "kubernetes.h"

/* Of the call's time, the node leaves itself this to kill what is there. */
#define KILL_S 1
/* libwebsockets has 2048 bytes for the request line. */
#define PATH_MAX_BYTES 2000

static int
make_marker(char *ret, size_t size)
{
	unsigned char r[12];
	size_t n = (size_t)snprintf(ret, size, "brickyard-");

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		return -1;
	for (size_t i = 0; i < sizeof(r); i++)
		n += (size_t)snprintf(ret + n, size - n, "%02x", r[i]);
	return 0;
}

static void
quote(struct text *t, const char *s)
{
	const char *q;

	text_addf(t, "'");
	for (; (q = strchr(s, '\'')) != NULL; s = q + 1) {
		text_add(t, s, (size_t)(q - s));
		text_addf(t, "'\\''");
	}
	text_addf(t, "%s'", s);
}

/* What comes by stdin. */
static void
make_payload(struct exec *e, const char *script)
{
	struct text *t = &e->payload;
	const char *m = e->marker;

	text_addf(t, "s=");
	quote(t, script);
	text_addf(t, "\nt=\n"
		  "(trap '' TERM; read -r x <&3; "
		  "kill -TERM 0; sleep %d; kill -KILL 0) "
		  ">/dev/null 2>&1 & w=$!\n", KILL_S);
	/* Steps of a second: what is left of it when it is killed. */
	if (!e->has_prefix)
		text_addf(t, "(trap '' TERM; exec 3<&-; i=0; "
			  "while [ $i -lt %lld ]; do sleep 1; i=$((i+1)); done; "
			  "kill -TERM 0; sleep %d; kill -KILL 0) "
			  ">/dev/null 2>&1 & t=$!\n", (long long)e->seconds,
			  KILL_S);
	text_addf(t, "echo %s; echo %s >&2; exec 3<&-\n"
		  "printf %%s \"$s\" 2>/dev/null | "
		  "/bin/sh /dev/fd/4 4<&0 </dev/null; e=$?\n"
		  "echo %s $e; echo %s $e >&2\n"
		  "exec 2>/dev/null; kill -KILL $w $t; exit $e\n", m, m, m, m);
}

void
command_path(const struct access *a, const struct target *target,
	     const char *const *words, struct text *ret)
{
	text_addf(ret, "%s/api/v1/namespaces/", a->prefix);
	text_add_encoded(ret, target->namespace);
	text_addf(ret, "/pods/");
	text_add_encoded(ret, target->pod);
	text_addf(ret, "/exec?container=");
	text_add_encoded(ret, target->container);
	text_addf(ret, "&stdin=true&stdout=true&stderr=true");
	for (; *words != NULL; words++) {
		text_addf(ret, "&command=");
		text_add_encoded(ret, *words);
	}
}

static void
make_path(const struct brickyard_executor_instance *in, struct exec *e,
	  const struct target *target)
{
	char path[600], seconds[24], kill_after[8], first[200];
	const char *words[12];
	size_t n = 0;

	snprintf(path, sizeof(path), "PATH=%s", opt_str(in, OPT_SEARCH_PATH));
	snprintf(seconds, sizeof(seconds), "%lld", (long long)e->seconds);
	snprintf(kill_after, sizeof(kill_after), "%d", KILL_S);
	snprintf(first, sizeof(first), "exec 3<&0 </dev/null;"
		 "w=$(head -c %zu <&3;echo x);w=${w%%x};"
		 "[ ${#w} -eq %zu ]||exit 3;eval \"$w\"", e->payload.len,
		 e->payload.len);
	words[n++] = "env";
	words[n++] = path;
	words[n++] = "LC_ALL=C";
	if (e->has_prefix) {
		words[n++] = "timeout";
		words[n++] = "-k";
		words[n++] = kill_after;
		words[n++] = seconds;
	}
	words[n++] = "/bin/sh";
	words[n++] = "-c";
	words[n++] = first;
	words[n] = NULL;
	command_path(e->access, target, words, &e->path);
}

int
command_make(const struct brickyard_executor_instance *in, struct exec *e,
	     const struct target *target, const char *script,
	     int64_t deadline_ms)
{
	int64_t left = (deadline_ms - now_ms()) / 1000 - KILL_S;

	e->seconds = left > 1 ? left : 1;
	e->has_prefix = !opt_bool(in, OPT_DISABLE_TIMEOUT_PREFIX);
	if (make_marker(e->marker, sizeof(e->marker)) < 0)
		return -1;
	make_payload(e, script);
	make_path(in, e, target);
	if (e->payload.failed || e->path.failed)
		return -1;
	if (e->path.len > PATH_MAX_BYTES)
		return fault_set(&e->fault, BRICKYARD_ERR_INVALID, "%s: the "
				 "names and the option search_path are too "
				 "long together: a request has room for %d "
				 "bytes, this one has %zu", e->where,
				 PATH_MAX_BYTES, e->path.len);
	return 0;
}
