/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of an executor, and its one required step: run. */
#include <config.h>

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "plugin-check/check.h"
#include "plugin-check/lent.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define CALL_MS 20000
#define THREADS 16
#define ROUNDS 5
#define OUTPUT_MAX (256u * 1024)

/* ---- an open executor ---- */

bool
bench_config(struct subject *s, struct kvs *ret)
{
	struct error err = { 0 };
	enum err e = plugin_check_config(s->plugin, &s->args->options, ret, &err);

	if (e == ERR_OK)
		return true;
	check_skip("open", "%s: give values with --option", err.text);
	return false;
}

int
bench_open_once(struct subject *s, const struct kvs *config,
	  struct brickyard_executor_instance **ret, struct brickyard_error *why)
{
	CLEANUP_FREE struct brickyard_kv *pairs =
		xcalloc(config->n + 1, sizeof(*pairs));

	for (size_t i = 0; i < config->n; i++) {
		pairs[i].key = config->v[i].key;
		pairs[i].value = config->v[i].value;
	}
	PLUGIN_SCOPE(s->plugin);
	return s->plugin->executor.open(pairs, config->n, ret, why);
}

bool
bench_open(struct bench *b, struct subject *s)
{
	CLEANUP(kvs_release) struct kvs config = { 0 };
	struct brickyard_error why = { 0 };

	memset(b, 0, sizeof(*b));
	b->ops = &s->plugin->executor;
	if (!bench_config(s, &config))
		return false;
	if (bench_open_once(s, &config, &b->x, &why) != 0) {
		check_ok(false, "open", "%s", why.text[0] != '\0' ? why.text :
			 "it failed without saying why");
		return false;
	}
	b->node = (struct brickyard_node){
		.size = sizeof(b->node),
		.id = "00000000000000000000000000000001",
		.manage_host = s->args->node,
		.storage_host = s->args->node,
	};
	return true;
}

void
bench_close(struct bench *b)
{
	b->ops->close(b->x);
}

static int
is_cancelled(const struct brickyard_call *call)
{
	struct trial *t = (void *)call;

	t->asked++;
	if (lent_ask_cancelled())
		return 1;
	if (t->cancel_at != 0 && t->asked >= t->cancel_at)
		return 1;
	return t->cancel_at_ms != 0 && clock_mono_ms() >= t->cancel_at_ms;
}

void
trial_init(struct trial *t, const char *operation, uint64_t epoch, int timeout_ms)
{
	memset(t, 0, sizeof(*t));
	t->call = (struct brickyard_call){
		.size = sizeof(t->call),
		.operation_id = operation,
		.epoch = epoch,
		.deadline_ms = clock_mono_ms() + timeout_ms,
		.cancelled = is_cancelled,
	};
}

/* ---- life ---- */

static void
open_and_close(struct subject *s, const struct kvs *config, int times)
{
	for (int i = 0; i < times; i++) {
		struct brickyard_executor_instance *x = NULL;
		struct brickyard_error why = { 0 };

		if (!check_ok(bench_open_once(s, config, &x, &why) == 0, "open", "%s",
			      why.text))
			return;
		s->plugin->executor.close(x);
	}
}

static void
open_two(struct subject *s, const struct kvs *config)
{
	struct brickyard_executor_instance *a = NULL, *b = NULL;
	struct brickyard_error why = { 0 };
	int first = bench_open_once(s, config, &a, &why);
	int second = bench_open_once(s, config, &b, &why);

	check_ok(first == 0 && second == 0, "two at a time can be open", "%s",
		 why.text);
	if (first == 0)
		s->plugin->executor.close(a);
	if (second == 0)
		s->plugin->executor.close(b);
}

void
check_life(struct subject *s)
{
	CLEANUP(kvs_release) struct kvs config = { 0 };
	struct belongings before;

	if (!bench_config(s, &config))
		return;
	check_begin("close of nothing");
	s->plugin->executor.close(NULL);
	check_ok(true, "close accepts NULL", "-");
	check_begin("open and close");
	open_and_close(s, &config, 1);
	belongings_look(&before);
	open_and_close(s, &config, 20);
	belongings_compare(&before, "open and close");
	check_begin("two instances");
	open_two(s, &config);
	belongings_compare(&before, "two instances");
}

/* ---- values ---- */

static char long_value[5001];

/* Of the right type, each: the host lets them through. */
static const char *const odd_values[][7] = {
	[BRICKYARD_OPT_STRING] = { "", "-x", "%s%n", "\303\251 x", "/nowhere/x",
				   long_value, NULL },
	[BRICKYARD_OPT_UINT] = { "0", "1", "2147483648", "18446744073709551615",
				 "000", NULL },
	[BRICKYARD_OPT_BOOL] = { "true", "false", NULL },
};

static void
open_with(struct subject *s, const char *key, const char *value)
{
	CLEANUP_FREE char *name = xasprintf("%s=%.40s opens, or is refused in "
					    "words", key, value);
	CLEANUP(kvs_release) struct kvs config = { 0 };
	struct brickyard_executor_instance *x = NULL;
	struct brickyard_error why = { 0 };

	if (!bench_config(s, &config))
		return;
	check_begin(name);
	kvs_set(&config, key, value);
	if (bench_open_once(s, &config, &x, &why) != 0) {
		check_ok(why.text[0] != '\0', name, "it failed without saying "
			 "why");
		return;
	}
	check_ok(true, name, "-");
	s->plugin->executor.close(x);
}

/* Each option with each odd value that the host would let through. */
void
check_config(struct subject *s)
{
	const struct brickyard_option *o = s->plugin->executor.head.options;
	CLEANUP(kvs_release) struct kvs config = { 0 };
	char misuse[256];
	const char *why;

	/* Some make files that are called so. */
	if (!bench_config(s, &config) || chdir(s->scratch_dir) != 0)
		return;
	memset(long_value, 'o', sizeof(long_value) - 1);
	for (; o != NULL && o->key != NULL; o++)
		for (const char *const *v = odd_values[o->type]; *v != NULL; v++)
			open_with(s, o->key, *v);
	why = lent_misuse(misuse, sizeof(misuse));
	check_ok(why == NULL, "uses the host's services as it may", "%s",
		 why != NULL ? why : "");
}

/* ---- run ---- */

static int
run(struct bench *b, struct trial *t, const char *script,
    struct brickyard_result *res)
{
	result_init(res);
	return b->ops->run(b->x, &t->call, &b->node, script, res, &t->error);
}

/* A script that ends in time, and what it should give (NULL: anything). */
static void
expect(struct bench *b, const char *name, const char *script, uint64_t status,
       const char *out, const char *errors)
{
	CLEANUP(result_release) struct brickyard_result res;
	struct trial t;
	const char *got;

	check_begin(name);
	trial_init(&t, NULL, 0, CALL_MS);
	if (!check_ok(run(b, &t, script, &res) == 0, name, "run failed: %s",
		      t.error.text))
		return;
	check_ok(result_get_u64(&res, 0, "exit_status", 999) == status,
		 "its exit status", "%" PRIu64 ", not %" PRIu64,
		 result_get_u64(&res, 0, "exit_status", 999), status);
	got = result_get(&res, 0, "stdout");
	check_ok(out == NULL || (got != NULL && strcmp(got, out) == 0),
		 "its stdout", "'%.200s'", got != NULL ? got : "(none)");
	got = result_get(&res, 0, "stderr");
	check_ok(errors == NULL || (got != NULL && strcmp(got, errors) == 0),
		 "its stderr", "'%.200s'", got != NULL ? got : "(none)");
}

/* One that has every step itself may have no shell to offer. */
static bool
runs_scripts(struct bench *b, const char *what)
{
	CLEANUP(result_release) struct brickyard_result res;
	struct trial t;

	trial_init(&t, NULL, 0, CALL_MS);
	if (run(b, &t, "exit 0\n", &res) == 0 ||
	    t.error.err_class != BRICKYARD_ERR_UNSUPPORTED)
		return true;
	check_ok(b->ops->bricks_create != NULL && b->ops->volume_create != NULL,
		 "what runs no scripts has steps of its own", "%s",
		 t.error.text);
	check_skip(what, "%s", t.error.text);
	return false;
}

/* An executor opened, with a node that scripts can be run on. */
static bool
shell_open(struct bench *b, struct subject *s, const char *what)
{
	if (s->args->node == NULL) {
		check_skip(what, "needs a node to run scripts on: give one with "
			   "--node");
		return false;
	}
	if (!bench_open(b, s))
		return false;
	if (runs_scripts(b, what))
		return true;
	bench_close(b);
	return false;
}

static void
run_long_script(struct bench *b)
{
	CLEANUP(buf_release) struct buf script = { 0 };

	while (script.len < 1000 * 1000)
		buf_adds(&script, "# a line that does nothing but be there\n");
	buf_adds(&script, "echo end\n");
	expect(b, "a script of a megabyte", buf_str(&script), 0, "end\n", "");
}

void
check_run(struct subject *s)
{
	struct belongings before;
	struct bench b;

	if (!shell_open(&b, s, "run"))
		return;
	expect(&b, "a script that succeeds", "exit 0\n", 0, "", "");
	belongings_look(&before);
	expect(&b, "a script that fails is no failure of run", "exit 3\n", 3, "",
	       "");
	expect(&b, "stdout and stderr are kept apart",
	       "echo one; echo two >&2\n", 0, "one\n", "two\n");
	expect(&b, "quotes, dollars and backslashes arrive",
	       "printf '%s\\n' \"it's \\$5\" 'a \"b\" \\c'\n", 0,
	       "it's $5\na \"b\" \\c\n", "");
	expect(&b, "reading stdin ends at once", "cat; echo read\n", 0, NULL, "");
	expect(&b, "a script without a newline at its end", "echo x", 0, "x\n", "");
	expect(&b, "a script that kills itself is told from success",
	       "kill -9 $$\n", 137, NULL, NULL);
	run_long_script(&b);
	belongings_compare(&before, "running scripts");
	bench_close(&b);
}

/* ---- limits ---- */

static void
run_much_output(struct bench *b)
{
	CLEANUP(result_release) struct brickyard_result res;
	struct trial t;
	const char *out;
	size_t n;

	check_begin("much output");
	trial_init(&t, NULL, 0, CALL_MS);
	if (!check_ok(run(b, &t, "i=0; while [ $i -lt 50000 ]; do echo "
			  "\"line $i of a long answer\"; i=$((i+1)); done; "
			  "echo last\n", &res) == 0,
		      "more output than fits is no failure", "%s", t.error.text))
		return;
	out = result_get(&res, 0, "stdout");
	n = out != NULL ? strlen(out) : 0;
	check_ok(!res.overflow && n <= OUTPUT_MAX,
		 "at most 256 KiB of it are given", "%zu bytes", n);
	check_ok(n >= 5 && strcmp(out + n - 5, "last\n") == 0,
		 "the tail of it is kept", "it ends in '%s'",
		 n >= 20 ? out + n - 20 : "");
}

/* A script that leaves a mark when it is let live too long. */
static void
run_too_long(struct bench *b, const char *name, bool cancel)
{
	CLEANUP(result_release) struct brickyard_result res;
	CLEANUP_FREE char *mark = xasprintf("/tmp/brickyard-plugin-check.%jd.%d",
					    (intmax_t)getpid(), cancel);
	CLEANUP_FREE char *script = xasprintf("(sleep 3; : >%s) & sleep 3; "
					      "wait\n", mark);
	CLEANUP_FREE char *look = xasprintf("sleep 4; if [ -e %s ]; then rm -f "
					    "%s; echo alive; fi\n", mark, mark);
	int64_t began = clock_mono_ms(), took;
	struct trial t;
	int r;

	check_begin(name);
	trial_init(&t, NULL, 0, cancel ? CALL_MS : 1000);
	t.cancel_at_ms = cancel ? began + 500 : 0;
	r = run(b, &t, script, &res);
	took = clock_mono_ms() - began;
	check_ok(r != 0 && t.error.text[0] != '\0', name, "run %s", r == 0 ?
		 "succeeded" : "failed without saying why");
	check_ok(t.error.err_class == (cancel ? BRICKYARD_ERR_CANCELLED :
				       BRICKYARD_ERR_TIMEOUT),
		 "with the class for that", "class %d: %s", t.error.err_class,
		 t.error.text);
	check_ok(took < 2500, "and soon", "after %" PRId64 " ms", took);
	expect(b, "and nothing of the script lives on", look, 0, "", "");
}

static void
run_too_late(struct bench *b)
{
	CLEANUP(result_release) struct brickyard_result res;
	int64_t began = clock_mono_ms();
	struct trial t;

	check_begin("a deadline that is over");
	trial_init(&t, NULL, 0, -1000);
	check_ok(run(b, &t, "sleep 5\n", &res) != 0,
		 "a call whose deadline is over fails", "it did not");
	check_ok(clock_mono_ms() - began < 1500, "at once", "after %" PRId64
		 " ms", clock_mono_ms() - began);
}

void
check_run_limits(struct subject *s)
{
	struct belongings before;
	struct bench b;

	if (!shell_open(&b, s, "limits of run"))
		return;
	expect(&b, "a script", "exit 0\n", 0, NULL, NULL);
	belongings_look(&before);
	run_much_output(&b);
	run_too_long(&b, "a script that takes longer than the deadline fails",
		     false);
	run_too_long(&b, "a script whose call is cancelled fails", true);
	run_too_late(&b);
	belongings_compare(&before, "what went wrong");
	bench_close(&b);
}

/* ---- threads ---- */

struct runner {
	struct bench *b;
	size_t number;
	size_t wrong;
	char why[256];
	pthread_t thread;
};

static void
run_mine(struct runner *r, const char *script, const char *want)
{
	CLEANUP(result_release) struct brickyard_result res;
	struct trial t;
	const char *got = NULL;

	trial_init(&t, NULL, 0, CALL_MS);
	if (run(r->b, &t, script, &res) == 0)
		got = result_get(&res, 0, "stdout");
	if (got != NULL && strcmp(got, want) == 0)
		return;
	r->wrong++;
	snprintf(r->why, sizeof(r->why), "'%.100s' %.100s",
		 got != NULL ? got : "nothing", t.error.text);
}

static void *
keep_running(void *arg)
{
	struct runner *r = arg;

	for (size_t i = 0; i < ROUNDS; i++) {
		CLEANUP_FREE char *want = xasprintf("%zu %zu\n", r->number, i);
		CLEANUP_FREE char *script = xasprintf("echo %zu %zu\n",
						      r->number, i);

		run_mine(r, script, want);
	}
	return NULL;
}

void
check_run_threads(struct subject *s)
{
	uint32_t model = s->plugin->executor.head.thread_model;
	size_t n = model == BRICKYARD_THREADS_PARALLEL ? THREADS : 1, wrong = 0;
	struct runner runners[THREADS];
	const char *why = "";
	struct bench b;

	if (!shell_open(&b, s, "threads"))
		return;
	check_begin("as many calls at a time as the thread model says");
	for (size_t i = 0; i < n; i++) {
		runners[i] = (struct runner){ .b = &b, .number = i };
		if (pthread_create(&runners[i].thread, NULL, keep_running,
				   &runners[i]) != 0)
			abort();
	}
	for (size_t i = 0; i < n; i++) {
		pthread_join(runners[i].thread, NULL);
		wrong += runners[i].wrong;
		if (runners[i].wrong > 0)
			why = runners[i].why;
	}
	check_ok(wrong == 0, "calls at the same time don't mix", "%zu of %zu "
		 "got something else: %s", wrong, n * ROUNDS, why);
	bench_close(&b);
}
