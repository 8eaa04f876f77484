/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated nodes when things go wrong on request, take their time, are
 * cancelled, or are driven by many threads.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/simulated-host.h"

static struct brickyard_executor_instance *inst;
static struct dev sdb;
static struct bri bri;
static char dir[] = "/tmp/t-simulated-XXXXXX";

/* Only a whole brick can be put into a volume; which spends it. */
static bool
brick_is_whole(void)
{
	struct vol v;
	bool whole;

	vol_init(&v, 99, 1);
	vol_add(&v, &bri);
	whole = CREATE(inst, &forever, &n1, &v) == 0;
	if (whole)
		(void)DESTROY(inst, &forever, &n1, v.name);
	return whole;
}

static bool
pool_is_there(void)
{
	return INFO(inst, &forever, &n1, &sdb) == 0 &&
	       strstr(result.text, "free_bytes=536870912000") == NULL;
}

static void
start(const char *key, const char *value)
{
	inst = open_sim(key, value, NULL);
	dev_init(&sdb, 1, "/dev/sdb");
	bri_init(&bri, 1, &sdb, "n1", GIB);
	if (inst == NULL || PREPARE(inst, &forever, &n1, &sdb) != 0)
		ok(0, "start with %s=%s: %s", key, value, error.text);
}

/* ---- actions ---- */

static void
test_classes(void)
{
	static const struct {
		const char *rule;
		int err_class;
		const char *words;
		bool pool, whole;	/* what was made all the same */
	} cases[] = {
		{ "fail", BRICKYARD_ERR_PERMANENT,
		  "bricks_create on 'n1': simulated failure", 0, 0 },
		{ "fail:no = luck; ", BRICKYARD_ERR_PERMANENT, "no = luck",
		  0, 0 },
		{ "transient", BRICKYARD_ERR_TRANSIENT,
		  "Another transaction is in progress", 0, 0 },
		{ "unreachable", BRICKYARD_ERR_UNREACHABLE, "no route", 0, 0 },
		{ "mid:half", BRICKYARD_ERR_PERMANENT, "half", 1, 0 },
		{ "mid-transient:half", BRICKYARD_ERR_TRANSIENT, "half", 1, 0 },
		{ "mid-unreachable", BRICKYARD_ERR_UNREACHABLE, "no route",
		  1, 0 },
		{ "after:lost", BRICKYARD_ERR_PERMANENT, "lost", 1, 1 },
		{ "after-transient:x", BRICKYARD_ERR_TRANSIENT, "x", 1, 1 },
		{ "after-unreachable", BRICKYARD_ERR_UNREACHABLE, "no route",
		  1, 1 },
	};
	char rules[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(rules, sizeof(rules), "bricks_create=%s",
			 cases[i].rule);
		start("faults", rules);
		refused(MAKE(inst, &forever, &n1, &bri), cases[i].err_class,
			cases[i].words, "%s fails", rules);
		is_int(pool_is_there(), cases[i].pool, "how much is made");
		is_int(brick_is_whole(), cases[i].whole, "and whether all is");
		sim->close(inst);
	}
}

static void
test_whom(void)
{
	start("faults", " bricks_create@n2=fail:A; bricks_create@m-n3=fail:B ;"
	      ";bricks_destroy#2=fail:C;*@n4=unreachable:D;"
	      "node_check#1=fail:E;node_check=fail:F");
	works(MAKE(inst, &forever, &n1, &bri), "another host's fault");
	refused(MAKE(inst, &forever, &n2, &bri), BRICKYARD_ERR_PERMANENT, "A",
		"the storage host's fault");
	refused(MAKE(inst, &forever, &n3, &bri), BRICKYARD_ERR_PERMANENT, "B",
		"the management host's fault");
	works(REMOVE(inst, &forever, &n1, &bri), "the first call");
	refused(REMOVE(inst, &forever, &n1, &bri), BRICKYARD_ERR_PERMANENT,
		"C", "the second call's fault");
	works(REMOVE(inst, &forever, &n1, &bri), "the third call");
	refused(DESTROY(inst, &forever, &n4, "v"), BRICKYARD_ERR_UNREACHABLE,
		"D", "any step's fault");
	refused(CHECK(inst, &forever, &n1), BRICKYARD_ERR_PERMANENT, "E",
		"the first of several");
	refused(CHECK(inst, &forever, &n1), BRICKYARD_ERR_PERMANENT, "F",
		"the next when that one is over");
	sim->close(inst);
}

/* Every step obeys. */
static void
test_all_steps(void)
{
	struct vol v;

	dev_init(&sdb, 1, "/dev/sdb");
	bri_init(&bri, 1, &sdb, "n1", GIB);
	inst = open_sim("faults", "*=transient:again", NULL);
	vol_init(&v, 1, 1);
	vol_add(&v, &bri);
	int got[] = {
		CHECK(inst, &forever, &n1), error.err_class,
		PROBE(inst, &forever, &n1, "n2"), error.err_class,
		DETACH(inst, &forever, &n1, "n2"), error.err_class,
		PREPARE(inst, &forever, &n1, &sdb), error.err_class,
		INFO(inst, &forever, &n1, &sdb), error.err_class,
		TEARDOWN(inst, &forever, &n1, &sdb), error.err_class,
		MAKE(inst, &forever, &n1, &bri), error.err_class,
		REMOVE(inst, &forever, &n1, &bri), error.err_class,
		CREATE(inst, &forever, &n1, &v), error.err_class,
		EXPAND(inst, &forever, &n1, &v, 0), error.err_class,
		DESTROY(inst, &forever, &n1, v.name), error.err_class,
		VINFO(inst, &forever, &n1, v.name), error.err_class,
	};
	for (size_t i = 0; i < sizeof(got) / sizeof(got[0]); i += 2)
		ok(got[i] == -1 && got[i + 1] == BRICKYARD_ERR_TRANSIENT,
		   "step %zu fails as told", i / 2);
	sim->close(inst);
}

static void
test_glusterd_down(void)
{
	struct bri other;
	struct vol v;
	struct dev sdb2;

	inst = open_sim("down", "n3, m-n4", "faults", "glusterd@m-n2=down",
			NULL);
	refused(CHECK(inst, &forever, &n3), BRICKYARD_ERR_PERMANENT,
		"glusterd.service is not running", "glusterd is down");
	refused(CHECK(inst, &forever, &n4), BRICKYARD_ERR_PERMANENT,
		"not running", "by the management host as well");
	refused(CHECK(inst, &forever, &n2), BRICKYARD_ERR_PERMANENT,
		"not running", "and by a fault");
	works(CHECK(inst, &forever, &n1), "not so elsewhere");
	works(PREPARE(inst, &forever, &n2, dev_init(&sdb2, 2, "/dev/sdb")),
	      "LVM needs no glusterd");
	refused(PROBE(inst, &forever, &n2, "n1"), BRICKYARD_ERR_PERMANENT,
		"Please check if gluster daemon is operational",
		"gluster commands do");
	refused(PROBE(inst, &forever, &n1, "n2"), BRICKYARD_ERR_PERMANENT,
		"Transport endpoint", "a peer that is down is not to be had");
	sim->close(inst);

	inst = open_sim("faults_file", "/no/such/file", NULL);
	ok(inst != NULL, "a faults file need not be there");
	sim->close(inst);

	char path[64];
	snprintf(path, sizeof(path), "%s/down", dir);
	start("faults_file", path);
	dev_init(&sdb2, 2, "/dev/sdb");
	bri_init(&other, 2, &sdb2, "n2", GIB);
	vol_init(&v, 1, 1);
	vol_add(&v, &bri);
	vol_add(&v, &other);
	works(PROBE(inst, &forever, &n1, "n2") |
	      PROBE(inst, &forever, &n1, "n3") |
	      PREPARE(inst, &forever, &n2, &sdb2) |
	      MAKE(inst, &forever, &n1, &bri) |
	      MAKE(inst, &forever, &n2, &other), "(two bricks)");
	FILE *f = fopen(path, "w");
	fputs("# a comment\n\nglusterd@n2=down\n", f);
	fclose(f);
	refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_PERMANENT,
		"Host n2 not connected", "a brick's host must be up");
	refused(DETACH(inst, &forever, &n1, "n3"), BRICKYARD_ERR_PERMANENT,
		"One of the peers is probably down", "others must be, too");
	works(DETACH(inst, &forever, &n1, "n2"), "who leaves need not");
	unlink(path);
	works(PROBE(inst, &forever, &n1, "n2"), "(back)");
	works(CREATE(inst, &forever, &n1, &v), "up again");
	f = fopen(path, "w");
	fputs("glusterd@n2=down\n", f);
	fclose(f);
	refused(DESTROY(inst, &forever, &n1, v.name), BRICKYARD_ERR_PERMANENT,
		"Some of the peers are down", "all have to hear of its end");
	works(VINFO(inst, &forever, &n1, v.name), "but");
	has_str(result.text, "status=stopped\n", "it was stopped");
	unlink(path);
	works(DESTROY(inst, &forever, &n1, v.name), "then it goes");
	sim->close(inst);
}

static void
put_file(const char *path, const char *text)
{
	char tmp[96];
	FILE *f;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	f = fopen(tmp, "w");
	fputs(text, f);
	fclose(f);
	rename(tmp, path);
}

static void
test_file(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/faults", dir);
	put_file(path, "node_check=burn\n");
	ok(open_sim("faults_file", path, NULL) == NULL &&
	   strstr(error.text, "unknown action"),
	   "a bad file is refused at the start");
	put_file(path, "node_check=fail:A\n");
	start("faults_file", path);
	refused(CHECK(inst, &forever, &n1), BRICKYARD_ERR_PERMANENT, "A",
		"faults from a file");
	put_file(path, "node_check=fail:B\n");
	refused(CHECK(inst, &forever, &n1), BRICKYARD_ERR_PERMANENT, "B",
		"are read again when it changes");
	put_file(path, "nonsense\nnode_check=fail:C");
	refused(CHECK(inst, &forever, &n1), BRICKYARD_ERR_PERMANENT, "C",
		"a bad line does not hide the others");
	has_str(logged, "fault 'nonsense': no '=' in it, ignoring",
		"and is logged");
	put_file(path, "node_check#2=fail:D\n");
	works(CHECK(inst, &forever, &n1), "a new count");
	refused(CHECK(inst, &forever, &n1), BRICKYARD_ERR_PERMANENT, "D",
		"goes on while it stays");
	unlink(path);
	works(CHECK(inst, &forever, &n1), "without the file all is well");
	sim->close(inst);
}

/* ---- time ---- */

static atomic_int stop;

static int
stopped(const struct brickyard_call *call)
{
	(void)call;
	return atomic_load(&stop);
}

static void *
stop_soon(void *arg)
{
	(void)arg;
	usleep(50000);
	atomic_store(&stop, 1);
	return NULL;
}

/* A call with a deadline so many milliseconds from now. */
static struct brickyard_call
call_for(int64_t ms)
{
	struct brickyard_call call = forever;

	call.deadline_ms = now_ms() + ms;
	call.cancelled = stopped;
	return call;
}

static void
test_latency(void)
{
	int64_t t = now_ms();

	start("latency", "bricks_create=200,bricks_destroy=0");
	ok(now_ms() - t < 200, "other steps take no time");
	t = now_ms();
	works(MAKE(inst, &forever, &n1, &bri), "a slow step");
	ok(now_ms() - t >= 200, "takes its time");
	sim->close(inst);

	inst = open_sim("latency_ms", "100", "latency", "node_check=0", NULL);
	t = now_ms();
	works(CHECK(inst, &forever, &n1), "a step with its own latency");
	ok(now_ms() - t < 100, "is as quick as that");
	t = now_ms();
	works(PROBE(inst, &forever, &n1, "n2"), "the others");
	ok(now_ms() - t >= 100, "take the usual time");
	sim->close(inst);
}

/* Work is spread over the latency, so a deadline leaves half a brick. */
static void
test_deadline(void)
{
	struct brickyard_call call;
	int64_t t;

	start("latency", "bricks_create=6000");
	t = now_ms();
	call = call_for(100);
	refused(MAKE(inst, &call, &n1, &bri), BRICKYARD_ERR_TIMEOUT, "timeout",
		"a step ends with its deadline");
	ok(now_ms() - t < 5000 && now_ms() >= call.deadline_ms, "in time");
	ok(!pool_is_there(), "before its first part");
	refused(MAKE(inst, &call, &n1, &bri), BRICKYARD_ERR_TIMEOUT, "timeout",
		"a deadline that is past");
	sim->close(inst);

	start("latency", "bricks_create=1200");
	call = call_for(700);
	refused(MAKE(inst, &call, &n1, &bri), BRICKYARD_ERR_TIMEOUT, "timeout",
		"half the time");
	ok(pool_is_there() && !brick_is_whole(), "makes half a brick");
	works(MAKE(inst, &forever, &n1, &bri), "which the next one");
	ok(brick_is_whole(), "finishes");
	sim->close(inst);
}

static void
test_cancel(void)
{
	struct brickyard_call call = call_for(60000);
	pthread_t thread;
	int64_t t = now_ms();

	start("faults", "bricks_create=hang;bricks_destroy=after-hang;"
	      "node_check=mid-hang");
	pthread_create(&thread, NULL, stop_soon, NULL);
	refused(MAKE(inst, &call, &n1, &bri), BRICKYARD_ERR_CANCELLED,
		"cancelled", "a step that hangs can be cancelled");
	ok(now_ms() - t < 30000, "soon");
	pthread_join(thread, NULL);
	refused(CHECK(inst, &call, &n1), BRICKYARD_ERR_CANCELLED, "cancelled",
		"a step that was cancelled before");
	atomic_store(&stop, 0);
	ok(!pool_is_there(), "hang comes before the work");
	call = call_for(30);
	refused(MAKE(inst, &call, &n1, &bri), BRICKYARD_ERR_TIMEOUT, "timeout",
		"what hangs ends with its deadline");
	call = call_for(30);
	refused(CHECK(inst, &call, &n1), BRICKYARD_ERR_TIMEOUT, "timeout",
		"also in the middle");
	call = call_for(30);
	refused(REMOVE(inst, &call, &n1, &bri), BRICKYARD_ERR_TIMEOUT,
		"timeout", "and in the end");
	sim->close(inst);
}

/* ---- exits, in a child ---- */

static int
status_of(const char *rule, int (*fn)(void))
{
	pid_t pid;
	int status = 0;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		start("faults", rule);
		(void)fn();
		_exit(7);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
make_it(void)
{
	return MAKE(inst, &forever, &n1, &bri);
}

static void
test_exit(void)
{
	static const char *const rules[] = {
		"bricks_create=exit", "bricks_create=exit-before",
		"bricks_create=exit-mid", "bricks_create=exit-mid:6",
		"bricks_create=exit-after",
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		is_int(status_of(rules[i], make_it), 137,
		       "%s ends the process", rules[i]);
	is_int(status_of("bricks_create=exit-mid:7", make_it), 7,
	       "not if it does not come so far");
}

/* ---- threads ---- */

#define THREADS	8
#define ROUNDS	25

static atomic_int failures;

/* Everything of error and result in its own variables: they are shared else. */
static void *
work(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	struct brickyard_error err;
	struct dev d;
	struct bri b;
	struct vol v;
	char name[16];
	int r = 0;

	snprintf(name, sizeof(name), "/dev/sd%c", 'b' + me);
	dev_init(&d, 1 + me, name);
	r |= sim->device_prepare(inst, &forever, &n1, &d.d,
				 &(struct brickyard_result){ "" }, &err);
	for (unsigned i = 0; i < ROUNDS; i++) {
		bri_init(&b, me * 1000 + i, &d, "n1", GIB);
		vol_init(&v, me * 1000 + i, 1);
		vol_add(&v, &b);
		r |= sim->bricks_create(inst, &forever, &n1, b.list, 1, &err);
		r |= sim->volume_create(inst, &forever, &n1, &v.v, &err);
		r |= sim->node_check(inst, &forever, &n2, &err);
		r |= sim->volume_destroy(inst, &forever, &n1, v.name, &err);
		r |= sim->bricks_destroy(inst, &forever, &n1, b.list, 1, &err);
	}
	r |= sim->device_teardown(inst, &forever, &n1, &d.d, &err);
	if (r != 0)
		atomic_fetch_add(&failures, 1);
	return NULL;
}

static void
test_threads(void)
{
	pthread_t threads[THREADS];
	char path[64];

	snprintf(path, sizeof(path), "%s/threads", dir);
	for (int file = 0; file < 2; file++) {
		atomic_store(&failures, 0);
		inst = open_sim("state_file", file ? path : "", NULL);
		for (uintptr_t i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, work, (void *)i);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		is_int(atomic_load(&failures), 0, "threads at work on %s",
		       file ? "a file" : "memory");
		sim->close(inst);
	}
	unlink(path);
}

/* ---- one gluster command at a time ---- */

static atomic_int enough;

static void *
destroy_on_and_on(void *arg)
{
	struct brickyard_error err;

	while (atomic_load(&enough) == 0)
		(void)sim->volume_destroy(inst, &forever, &n1, "none", &err);
	return NULL;
}

static bool
meets_another(const struct brickyard_node *node, struct vol *v)
{
	return EXPAND(inst, &forever, node, v, 0) != 0 &&
	       error.err_class == BRICKYARD_ERR_TRANSIENT;
}

static void
test_conflicts(const char *file)
{
	int64_t until = now_ms() + 20000;
	pthread_t thread;
	struct vol v;
	bool met = false;

	inst = open_sim("state_file", file, "transaction_conflicts", "true",
			"latency", "volume_destroy=400", NULL);
	bri_init(&bri, 1, &sdb, "n1", GIB);
	vol_add(vol_init(&v, 1, 1), &bri);
	atomic_store(&enough, 0);
	pthread_create(&thread, NULL, destroy_on_and_on, NULL);
	while (!met && now_ms() < until)
		met = meets_another(&n1, &v);
	ok(met && strcmp(error.text, "Another transaction is in progress. "
			 "Please try again after some time.") == 0,
	   "gluster commands that overlap in a pool are refused");
	ok(!meets_another(&n2, &v), "not those of another pool");
	ok(VINFO(inst, &forever, &n1, "none") != 0 &&
	   error.err_class != BRICKYARD_ERR_TRANSIENT, "nor a look");
	atomic_store(&enough, 1);
	pthread_join(thread, NULL);
	ok(!meets_another(&n1, &v), "nor when the other one is over");
	sim->close(inst);
}

int
main(void)
{
	char file[64];

	if (mkdtemp(dir) == NULL)
		return 1;
	load_plugin();
	test_classes();
	test_whom();
	test_all_steps();
	test_glusterd_down();
	test_file();
	test_latency();
	test_deadline();
	test_cancel();
	test_exit();
	test_threads();
	test_conflicts("");
	snprintf(file, sizeof(file), "%s/busy", dir);
	test_conflicts(file);
	unlink(file);
	snprintf(file, sizeof(file), "%s/busy.glusterd", dir);
	unlink(file);
	ok(rmdir(dir) == 0, "nothing is left behind");
	return tap_done();
}
