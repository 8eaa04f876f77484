/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the server is told to run, and what that does with the script.
 *
 * The command line is short and the same for all scripts, in words that any
 * login shell takes as they are; the script follows on stdin.  It runs
 *
 *   - only when it has come whole: a connection that breaks half-way must not
 *     leave half a script running;
 *   - without a limit of its length, and not visible in the list of processes;
 *   - with stdin at its end, so that no tool in it eats the rest of it;
 *   - in a process group of its own, that is killed (TERM, a second later KILL)
 *     when our side of stdin closes, because the call was cancelled, its time
 *     is up, this process died or the connection is gone, and by timeout(1) on
 *     the node itself should nothing tell it that we are gone;
 *   - after a marker on both streams: what came before is noise of the login
 *     (.bashrc, sudo), and no marker means that no script was started.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "ssh.h"

/* Of the call's time, the node leaves itself this to kill what is there. */
#define KILL_S 1

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

/* $(...) takes the line ends off. */
static size_t
whole_len(const struct job *job)
{
	size_t n = job->script_len;

	while (n > 0 && job->script[n - 1] == '\n')
		n--;
	return n;
}

int
command_make(const struct brickyard_executor_instance *in,
	     const struct job *job, struct command *ret)
{
	const char *path = opt_str(in, OPT_SEARCH_PATH);
	bool sudo = opt_bool(in, OPT_SUDO);
	int64_t left = (job->deadline_ms - now_ms()) / 1000 - KILL_S;

	ret->seconds = left > 1 ? left : 1;
	ret->line = NULL;
	if (make_marker(ret->marker, sizeof(ret->marker)) < 0 ||
	    asprintf(&ret->line,
		     "exec %s%s%stimeout -k %d %lld /bin/sh -c '"
		     "PATH=%s; LC_ALL=C; export PATH LC_ALL; "
		     "exec 3<&0 </dev/null; "
		     "s=$(exec head -c %zu <&3); "
		     "[ ${#s} -eq %zu ] || exit 3; "
		     "(trap \"\" TERM; read -r x <&3; "
		     "kill -TERM 0; sleep %d; kill -KILL 0) "
		     ">/dev/null 2>&1 & w=$!; "
		     "echo %s; echo %s >&2; exec 3<&-; "
		     "(eval \"$s\") </dev/null; e=$?; "
		     "exec 2>/dev/null; kill -KILL $w; exit $e'",
		     /* the login's shell may be any; sudo may be anywhere */
		     sudo ? "env LC_ALL=C PATH=" : "", sudo ? path : "",
		     sudo ? " sudo -n -- " : "", KILL_S,
		     (long long)ret->seconds, path, job->script_len,
		     whole_len(job), KILL_S, ret->marker, ret->marker) < 0) {
		ret->line = NULL;
		return -1;
	}
	return 0;
}
