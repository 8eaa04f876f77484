/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an executor makes of a host, a C library and a life that fail it: each call
 * of a service is slow, each result finds no room, each piece of memory and each
 * descriptor is refused, and the process is killed at each call of the host's, one
 * at a time.  It must neither crash nor lose anything nor pretend.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "plugin-check/lent.h"
#include "plugin-check/scenario.h"
#include "util/xalloc.h"

#define TIMES_MAX 8		/* of each service in each step */
#define LIBRARY_MAX 40		/* of each resource in each step */
#define DEATHS_MAX 16

/* ---- one at a time ---- */

static const struct trouble {
	enum lent kind;
	enum mischief what;
	const char *words;
	int times;
} troubles[] = {
	{ LENT_LOG, MISCHIEF_SLOW, "is slow", TIMES_MAX },
	{ LENT_FAIL, MISCHIEF_SLOW, "is slow", TIMES_MAX },
	{ LENT_CANCELLED, MISCHIEF_SLOW, "is slow", TIMES_MAX },
	{ LENT_CANCELLED, MISCHIEF_YES, "says yes", TIMES_MAX },
	{ LENT_STR, MISCHIEF_SLOW, "is slow", 2 },
	{ LENT_U64, MISCHIEF_SLOW, "is slow", 2 },
	{ LENT_NEXT, MISCHIEF_SLOW, "is slow", 2 },
	{ LENT_STR, MISCHIEF_FULL, "has no room", TIMES_MAX },
	{ LENT_U64, MISCHIEF_FULL, "has no room", TIMES_MAX },
	{ LENT_NEXT, MISCHIEF_FULL, "has no room", TIMES_MAX },
	{ LENT_MEMORY, MISCHIEF_FAIL, "is refused", LIBRARY_MAX },
	{ LENT_FILES, MISCHIEF_FAIL, "is refused", LIBRARY_MAX },
	{ LENT_PROCESSES, MISCHIEF_FAIL, "is refused", TIMES_MAX },
};

static char *
name_of(const char *step, const struct trouble *t, int n, const char *then)
{
	return xasprintf("%s: number %d of %s %s: %s", step, n,
			 lent_name(t->kind), t->words, then);
}

/* A success must be a whole one: looks say what they said, changes are there. */
static bool
judge(struct world *w, const struct stop *s, const struct trouble *t, int n,
      struct answer *a)
{
	CLEANUP_FREE char *fails = name_of(stop_name(s), t, n,
					   "it fails in words, or not at all");
	CLEANUP_FREE char *slow = name_of(stop_name(s), t, n, "that is no reason "
					  "to fail");
	CLEANUP_FREE char *stops = name_of(stop_name(s), t, n, "a failure says "
					   "cancelled");
	CLEANUP_FREE char *whole = name_of(stop_name(s), t, n,
					   "a success is a whole one");
	CLEANUP_FREE char *why = NULL;

	if (!check_failure(fails, a))
		return false;
	if (t->what == MISCHIEF_SLOW)
		return check_ok(a->r == 0, slow, "%s", a->why.text);
	if (t->what == MISCHIEF_YES)
		return check_ok(a->r == 0 ||
				a->why.err_class == BRICKYARD_ERR_CANCELLED,
				stops, "class %d: %s", a->why.err_class,
				a->why.text);
	if (a->r != 0 || s->law == NULL || t->what == MISCHIEF_FULL)
		return true;
	why = s->law(w, &a->result);
	return check_ok(why == NULL, whole, "%s", why != NULL ? why : "");
}

/* False: there is no such call any more, or no use in going on. */
static bool
suffer(struct world *w, const struct stop *s, const struct trouble *t, int n)
{
	CLEANUP_FREE char *name = name_of(stop_name(s), t, n, "it comes back");
	CLEANUP_FREE char *again = name_of(stop_name(s), t, n,
					   "then it can be done");
	struct answer a;
	bool good, happened;

	if (stop_has_undo(s) && !stop_undo(w, s))
		return false;
	check_begin(name);
	lent_arm(t->kind, n, t->what);
	stop_do(w, s, &a);
	happened = lent_happened();
	lent_disarm();
	good = !happened || judge(w, s, t, n, &a);
	answer_release(&a);
	stop_do(w, s, &a);
	good = check_ok(a.r == 0, again, "%s", a.why.text) && good;
	answer_release(&a);
	return good && happened;
}

static void
visit(struct world *w, const struct stop *s)
{
	CLEANUP_FREE char *polite = xasprintf("%s: uses the host's services as it "
					      "may, also then", stop_name(s));
	struct belongings before;

	if (!stop_is_provable(w, s))
		return;
	belongings_look(&before);
	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++)
		for (int n = 1; n <= troubles[i].times; n++)
			if (!suffer(w, s, &troubles[i], n))
				break;
	check_misuse(polite);
	belongings_compare(&before, stop_name(s));
}

/* ---- opening ---- */

static bool
open_starved(struct subject *s, const struct kvs *config, const struct trouble *t,
	     int n)
{
	CLEANUP_FREE char *name = name_of("open", t, n, "it fails in words, or "
					  "not at all");
	struct answer a = { .r = 0 };
	struct brickyard_executor_instance *x = NULL;
	bool happened;

	check_begin(name);
	lent_arm(t->kind, n, t->what);
	a.r = bench_open_once(s, config, &x, &a.why);
	happened = lent_happened();
	lent_disarm();
	if (a.r == 0)
		s->plugin->executor.close(x);
	return (!happened || check_failure(name, &a)) && happened;
}

static void
check_open(struct subject *s)
{
	CLEANUP(kvs_release) struct kvs config = { 0 };
	struct brickyard_executor_instance *x = NULL;
	struct brickyard_error why = { 0 };
	struct belongings before;

	if (!bench_config(s, &config))
		return;
	/* What is only made once is made. */
	if (bench_open_once(s, &config, &x, &why) != 0)
		return;
	s->plugin->executor.close(x);
	belongings_look(&before);
	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++)
		for (int n = 1; n <= troubles[i].times; n++)
			if (!open_starved(s, &config, &troubles[i], n))
				break;
	belongings_compare(&before, "opening in need");
}

void
check_faults(struct subject *s)
{
	if (!lent_library(s->plugin))
		check_skip("memory, descriptors and processes", "what it asks of "
			   "the C library can't be refused on this machine");
	check_open(s);
	if (s->args->node == NULL) {
		check_skip("steps in need", "needs a node: give one with --node");
		return;
	}
	scenario_walk(s, visit, NULL);
}

/* ---- killed ---- */

/* The step in a process of its own, which is killed at the nth call of the host's
 * (0: when the step is back, before anything is closed).  True: it was killed in
 * its middle.
 */
static bool
die_in(struct world *w, const struct stop *s, int n)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct answer a;

		if (!world_reopen(w))
			_exit(1);
		lent_arm_death(n);
		stop_do(w, s, &a);
		if (n == 0)
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFSIGNALED(status);
}

static bool
do_after(struct world *w, const struct stop *s, const char *when)
{
	CLEANUP_FREE char *name = xasprintf("%s: killed %s, it can be done again",
					    stop_name(s), when);
	struct answer a;
	bool good;

	stop_do(w, s, &a);
	good = check_ok(a.r == 0, name, "%s", a.why.text);
	if (good && s->law != NULL) {
		CLEANUP_FREE char *why = s->law(w, &a.result);

		good = check_ok(why == NULL, name, "%s", why != NULL ? why : "");
	}
	answer_release(&a);
	return good;
}

static void
die_and_go_on(struct world *w, const struct stop *s)
{
	bool died = true;

	if (s->nature == LOOKS || !stop_is_provable(w, s))
		return;
	/* A process of its own has no use for what is open in this one. */
	for (int n = 1; n <= DEATHS_MAX && died; n++) {
		CLEANUP_FREE char *when = xasprintf("at call %d of the host's", n);

		if (stop_has_undo(s) && !stop_undo(w, s))
			return;
		bench_close(&w->k.bench);
		died = die_in(w, s, n);
		if (!world_reopen(w) || (died && !do_after(w, s, when)))
			return;
	}
	if (stop_has_undo(s) && !stop_undo(w, s))
		return;
	bench_close(&w->k.bench);
	(void)die_in(w, s, 0);
	if (world_reopen(w))
		(void)do_after(w, s, "right after it");
}

void
check_deaths(struct subject *s)
{
	scenario_walk(s, die_and_go_on, NULL);
}
