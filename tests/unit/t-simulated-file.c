/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Simulated nodes in a file: several processes on it, killed ones, and the
 * command that prints and checks the accounts.
 */
#include <config.h>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include "tests/unit/simulated-host.h"

static struct brickyard_executor_instance *inst;
static char dir[] = "/tmp/t-simulated-XXXXXX";
static char file[64];
static struct dev sdb[3];
static struct bri bricks[3];

/* Empty nodes in a new file; and the instance in use. */
static void
open_file(const char *faults)
{
	inst = open_sim("state_file", file, "faults", faults, NULL);
	if (inst == NULL)
		printf("# %s\n", error.text);
	assert(inst != NULL);
}

static void
remove_file(void)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[96];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", file, ends[i]);
		unlink(path);
	}
}

/* ---- the command ---- */

static char out[1 << 17];

/* Its exit status; what it said is in out. */
static int
command(const char *args)
{
	const char *build = getenv("BUILDDIR");
	char line[512];
	size_t n;
	FILE *p;

	snprintf(line, sizeof(line), "'%s/brickyard-simulated' %s 2>&1",
		 build != NULL ? build : ".", args);
	fflush(stdout);
	p = popen(line, "r");
	n = fread(out, 1, sizeof(out) - 1, p);
	out[n] = '\0';
	return WEXITSTATUS(pclose(p));
}

static const char *
accounts(void)
{
	char args[128];

	snprintf(args, sizeof(args), "accounts '%s'", file);
	if (command(args) != 0)
		printf("# accounts: %s\n", out);
	return out;
}

static int
check(void)
{
	char args[128];

	snprintf(args, sizeof(args), "check '%s'", file);
	return command(args);
}

/* ---- a volume of three bricks, made and removed ---- */

static int
set_up_nodes(void)
{
	int r = 0;

	for (unsigned i = 0; i < 3; i++) {
		dev_init(&sdb[i], 1 + i, "/dev/sdb");
		bri_init(&bricks[i], 1 + i, &sdb[i], nodes[i]->storage_host,
			 10 * GIB);
		r |= PREPARE(inst, &forever, nodes[i], &sdb[i]);
		r |= PROBE(inst, &forever, &n1, nodes[i]->storage_host);
	}
	return r;
}

static struct vol *
the_volume(void)
{
	static struct vol v;

	vol_init(&v, 1, 3);
	for (int i = 0; i < 3; i++)
		vol_add(&v, &bricks[i]);
	v.options[v.v.noptions++] = "performance.io-cache off";
	return &v;
}

static int
make_volume(void)
{
	int r = 0;

	for (int i = 0; i < 3; i++) {
		r = MAKE(inst, &forever, nodes[i], &bricks[i]);
		if (r < 0)
			return -1;
	}
	return CREATE(inst, &forever, &n1, the_volume());
}

static int
remove_volume(void)
{
	int r = DESTROY(inst, &forever, &n2, "vol_1");

	for (int i = 0; i < 3; i++)
		r |= REMOVE(inst, &forever, nodes[i], &bricks[i]);
	return r;
}

static void
test_accounts(void)
{
	char *before, *made;
	struct dev srv;
	struct bri image;

	open_file("");
	works(set_up_nodes(), "(nodes)");
	before = strdup(accounts());
	works(make_volume(), "(a volume)");
	accounts();
	has_str(out, "\"/dev/mapper/vg_00000000000000000000000000000001-"
		"brick_00000000000000000000000000000001 /var/lib/heketi/mounts/"
		"vg_00000000000000000000000000000001/"
		"brick_00000000000000000000000000000001 xfs"
		" rw,inode64,noatime,nouuid 1 2\"",
		"the fstab line is heketi's");
	has_str(out, "\"status\": \"started\"", "the volume is in it");
	has_str(out, "\"user.heketi.id\": \"00000000000000000000000000000001\"",
		"with our id");
	has_str(out, "\"performance.io-cache\": \"off\"", "and its option");
	has_str(out, "n3:/var/lib/heketi/mounts/vg_0000", "and its bricks");
	has_str(out, "\"free_extents\": 125438", "and space is taken");
	has_str(out, "\"manage_host\": \"m-n2\"", "nodes have both names");
	is_int(check(), 0, "it all fits together");
	is_str(out, "", "without a word");

	made = strdup(accounts());
	works(make_volume(), "the same again");
	is_str(accounts(), made, "changes nothing");
	works(remove_volume(), "(remove)");
	is_str(accounts(), before, "afterwards all is as it was");
	works(remove_volume(), "removing it again");
	is_str(accounts(), before, "changes nothing");

	dev_init(&srv, 9, "/srv/d");
	bri_init(&image, 9, &srv, "n1", GIB);
	works(PREPARE(inst, &forever, &n1, &srv) |
	      MAKE(inst, &forever, &n1, &image), "(an image)");
	has_str(accounts(), "\"/srv/d/vg_00000000000000000000000000000009/"
		"brick_00000000000000000000000000000009.img\": {",
		"images are in it");
	is_int(check(), 0, "it all fits together");
	sim->close(inst);
	open_file("");
	works(REMOVE(inst, &forever, &n1, &image), "the nodes outlive a close");
	sim->close(inst);
	free(before);
	free(made);
	remove_file();
}

static void
test_command(void)
{
	static const struct {
		const char *args;
		int status;
		const char *words;
	} cases[] = {
		{ "--help", 0, "Usage: brickyard-simulated accounts FILE" },
		{ "--version", 0, "brickyard-simulated " PACKAGE_VERSION },
		{ "", 2, "Usage:" },
		{ "accounts", 2, "Usage:" },
		{ "burn /dev/null", 2, "Usage:" },
		{ "check a b", 2, "Usage:" },
		{ "--burn", 2, "Usage:" },
		{ "accounts /no/such/file", 2, "unable to open" },
		{ "check /dev/null", 2, "holds no simulated nodes" },
	};
	sqlite3 *db = NULL;
	FILE *f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		is_int(command(cases[i].args), cases[i].status,
		       "brickyard-simulated %s", cases[i].args);
		has_str(out, cases[i].words, "says so");
	}
	sqlite3_open(file, &db);
	sqlite3_exec(db, "CREATE TABLE theirs(x)", NULL, NULL, NULL);
	sqlite3_close(db);
	ok(open_sim("state_file", file, NULL) == NULL &&
	   strstr(error.text, "it is another database") != NULL,
	   "somebody else's database is left alone");
	is_int(check(), 2, "by the command too");
	remove_file();
	f = fopen(file, "w");
	for (int i = 0; i < 100; i++)
		fputs("This is a letter to my grandmother.\n", f);
	fclose(f);
	ok(open_sim("state_file", file, NULL) == NULL &&
	   strstr(error.text, "file is not a database") != NULL,
	   "and so is what is none at all");
	remove_file();
	open_file("");
	sim->close(inst);
	sqlite3_open(file, &db);
	sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL);
	sqlite3_close(db);
	ok(open_sim("state_file", file, NULL) == NULL &&
	   strstr(error.text, "made by another version") != NULL,
	   "and a file of a later version");
	remove_file();
}

/* Each of these breaks a good file in one way; check must see it. */
static void
test_check(void)
{
	static const struct {
		const char *sql, *words;
	} breaks[] = {
		{ "UPDATE devices SET free_extents = free_extents + 1",
		  "free extents of 128000, but 2562 are used" },
		{ "UPDATE devices SET vg = NULL WHERE id=1", "but no VG" },
		{ "UPDATE devices SET pv = 0 WHERE id=1", "has no PV" },
		{ "DELETE FROM pools WHERE id=1", "not there" },
		{ "DELETE FROM pools WHERE id=1", "has no pool in its VG" },
		{ "UPDATE pools SET extents = extents + 1", "not its size" },
		{ "DELETE FROM lvs WHERE id=1", "has no LV" },
		{ "UPDATE lvs SET fs = NULL WHERE id=1", "has no file system" },
		{ "DELETE FROM mounts", "is not mounted" },
		{ "DELETE FROM fstab", "has no line in fstab" },
		{ "UPDATE fstab SET source = 'x'", "another line in fstab" },
		{ "UPDATE mounts SET source = 'x'", "is not of LV" },
		{ "DELETE FROM mounts", "is of nothing mounted" },
		{ "UPDATE lvs SET dir = NULL", "no directory for its brick" },
		{ "UPDATE lvs SET marked = 'x'", "or another volume's" },
		{ "UPDATE nodes SET pool = 77 WHERE id=2", "is on no peer" },
		{ "DELETE FROM bricks WHERE n=1", "has 2 bricks" },
		{ "UPDATE bricks SET n = n + 10", "numbered up to 13" },
		{ "UPDATE volumes SET status = 'created'", "not started" },
		{ "UPDATE volumes SET pool = 77", "in a pool without nodes" },
		{ "UPDATE bricks SET volume = 77", "not there" },
	};
	char *error_text = NULL;
	sqlite3 *db = NULL;

	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		open_file("");
		works(set_up_nodes() | make_volume(), "(a volume)");
		sim->close(inst);
		sqlite3_open(file, &db);
		sqlite3_exec(db, breaks[i].sql, NULL, NULL, &error_text);
		if (error_text != NULL)
			ok(0, "%s: %s", breaks[i].sql, error_text);
		sqlite3_close(db);
		is_int(check(), 1, "check sees: %s", breaks[i].sql);
		has_str(out, breaks[i].words, "and says so");
		remove_file();
	}
}

/* ---- several processes ---- */

#define PROCESSES	3
#define ROUNDS		20

/* Own bricks on the same disk, a volume of one of them, and away again. */
static int
work(unsigned me)
{
	struct dev d;
	struct bri b;
	struct vol v;
	int r = 0;

	open_file("");
	dev_init(&d, 1, "/dev/sdb");
	r |= PREPARE(inst, &forever, &n1, &d);
	for (unsigned i = 0; i < ROUNDS && r == 0; i++) {
		bri_init(&b, me * 1000 + i, &d, "n1", GIB);
		vol_init(&v, me * 1000 + i, 1);
		vol_add(&v, &b);
		r |= MAKE(inst, &forever, &n1, &b);
		r |= CREATE(inst, &forever, &n1, &v);
		if (i % 2 == 0)
			continue;
		r |= DESTROY(inst, &forever, &n1, v.name);
		r |= REMOVE(inst, &forever, &n1, &b);
	}
	if (r != 0)
		printf("# process %u: %s\n", me, error.text);
	sim->close(inst);
	return r == 0 ? 0 : 1;
}

static void
test_processes(void)
{
	pid_t pids[PROCESSES];
	const char *at;
	int status, n = 0;

	open_file("");
	sim->close(inst);
	fflush(stdout);
	for (unsigned i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(work(1 + i));
	}
	for (int i = 0; i < 5; i++)
		ok(accounts()[0] == '{', "accounts are given meanwhile");
	for (int i = 0; i < PROCESSES; i++) {
		waitpid(pids[i], &status, 0);
		ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		   "process %d has done its work on the same file", i);
	}
	is_int(check(), 0, "it all fits together");
	for (at = accounts(); (at = strstr(at, "\"gluster_id\"")); at++)
		n++;
	is_int(n, PROCESSES * ROUNDS / 2, "every volume is there");
	remove_file();
}

/* Two processes want the last room: one gets it. */
static void
test_last_room(void)
{
	int status, won = 0;
	pid_t pids[4];

	open_file("");
	works(set_up_nodes(), "(nodes)");
	sim->close(inst);
	fflush(stdout);
	for (unsigned i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] != 0)
			continue;
		open_file("");
		bri_init(&bricks[0], 10 + i, &sdb[0], "n1", 300 * GIB);
		_exit(MAKE(inst, &forever, &n1, &bricks[0]) == 0 ? 0 :
		      error.err_class == BRICKYARD_ERR_NOSPACE ? 1 : 2);
	}
	for (int i = 0; i < 4; i++) {
		waitpid(pids[i], &status, 0);
		won += status == 0;
		ok(WIFEXITED(status) && WEXITSTATUS(status) < 2,
		   "each is made, or refused for want of space");
	}
	is_int(won, 1, "one of them is made");
	is_int(check(), 0, "it all fits together");
	remove_file();
}

/* A replica that was slow is overtaken: it stops where it is. */
static void
test_overtaken(void)
{
	struct brickyard_call call = forever;
	int status;
	pid_t pid;

	call.operation_id = "0123456789abcdef0123456789abcdef";
	call.epoch = 1;
	open_file("");
	works(set_up_nodes(), "(nodes)");
	sim->close(inst);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		inst = open_sim("state_file", file, "latency_ms", "600", NULL);
		_exit(MAKE(inst, &call, &n1, &bricks[0]) < 0
			? error.err_class : 0);
	}
	usleep(250000);
	open_file("");
	call.epoch = 2;
	works(REMOVE(inst, &call, &n1, &bricks[0]), "the operation goes on");
	sim->close(inst);
	waitpid(pid, &status, 0);
	is_int(WEXITSTATUS(status), BRICKYARD_ERR_FENCED,
	       "and the other is fenced in the middle of its work");
	is_int(check(), 0, "it all fits together");
	ok(strstr(accounts(), "\"brick_") == NULL, "nothing came back");
	remove_file();
}

/* Another process holds the file: a call ends with its deadline. */
static void
test_busy(void)
{
	struct brickyard_call call = forever;
	sqlite3 *db = NULL;
	int64_t t;

	open_file("");
	works(set_up_nodes(), "(nodes)");
	sqlite3_open(file, &db);
	sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	t = now_ms();
	call.deadline_ms = t + 80;
	refused(MAKE(inst, &call, &n1, &bricks[0]), BRICKYARD_ERR_TIMEOUT,
		"timeout", "who waits for the file sees the deadline");
	ok(now_ms() >= t + 80 && now_ms() < t + 10000, "when it is there");
	works(INFO(inst, &forever, &n1, &sdb[0]), "a look does not wait");
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(db);
	works(MAKE(inst, &forever, &n1, &bricks[0]), "then it goes on");
	sim->close(inst);
	remove_file();
}

/* ---- killed ---- */

/* In a child: returns only if the fault did not hit. */
static void
die_at(const char *rule, int (*fn)(void))
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		open_file(rule);
		(void)fn();
		_exit(7);
	}
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 137, "%s", rule);
}

/* For every place where a process can die: the next one finishes it, or takes
 * it away, and the accounts are right.
 */
static void
test_every_place(void)
{
	static const char *const places[] = {
		"bricks_create@n2=exit-before", "bricks_create@n2=exit-mid:1",
		"bricks_create@n2=exit-mid:2", "bricks_create@n2=exit-mid:3",
		"bricks_create@n2=exit-mid:4", "bricks_create@n2=exit-mid:5",
		"bricks_create@n2=exit-mid:6", "bricks_create@n2=exit-after",
		"volume_create=exit-mid:1", "volume_create=exit-mid:2",
		"volume_create=exit-mid", "volume_create=exit-after",
	};
	static const char *const ends[] = {
		"volume_destroy=exit-mid", "volume_destroy=exit-after",
		"bricks_destroy@n2=exit-before", "bricks_destroy@n2=exit-mid:1",
		"bricks_destroy@n2=exit-mid:2", "bricks_destroy@n2=exit-mid:3",
		"bricks_destroy@n2=exit-mid:4", "bricks_destroy@n2=exit-after",
	};
	char *before;
	size_t i;

	open_file("");
	works(set_up_nodes(), "(nodes)");
	sim->close(inst);
	before = strdup(accounts());
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		die_at(places[i], make_volume);
		open_file("");
		works(make_volume(), "is finished by the next");
		is_int(check(), 0, "and whole");
		works(remove_volume(), "(remove)");
		is_str(accounts(), before, "and leaves nothing");
		sim->close(inst);

		die_at(places[i], make_volume);
		open_file("");
		works(remove_volume(), "or is undone by the next");
		is_str(accounts(), before, "and leaves nothing");
		sim->close(inst);
	}
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		open_file("");
		works(make_volume(), "(make)");
		sim->close(inst);
		die_at(ends[i], remove_volume);
		open_file("");
		works(remove_volume(), "is finished by the next");
		is_str(accounts(), before, "and leaves nothing");
		sim->close(inst);
	}
	free(before);
	remove_file();
}

static int
prepare_it(void)
{
	return PREPARE(inst, &forever, &n1, &sdb[0]);
}

static int
tear_it_down(void)
{
	return TEARDOWN(inst, &forever, &n1, &sdb[0]);
}

static void
test_half_a_device(void)
{
	char *before;

	open_file("");
	dev_init(&sdb[0], 1, "/dev/sdb");
	works(prepare_it() | tear_it_down(), "(a disk)");
	sim->close(inst);
	before = strdup(accounts());
	for (int finish = 0; finish < 2; finish++) {
		die_at("device_prepare=exit-mid", prepare_it);
		is_int(check(), 1, "a PV without VG is seen");
		open_file("");
		if (finish)
			works(prepare_it(), "it is finished by the next");
		works(tear_it_down(), "it is undone by the next");
		is_str(accounts(), before, "and leaves nothing");
		works(prepare_it(), "(prepare)");
		sim->close(inst);
		die_at("device_teardown=exit-mid", tear_it_down);
		open_file("");
		works(tear_it_down(), "so is half a teardown");
		is_str(accounts(), before, "and leaves nothing");
		sim->close(inst);
	}
	free(before);
	remove_file();
}

/* A real kill -9 at any moment of a busy process: nothing is torn. */
static void
test_kill(void)
{
	char *before;
	pid_t pid;

	open_file("");
	works(set_up_nodes(), "(nodes)");
	sim->close(inst);
	before = strdup(accounts());
	for (unsigned i = 0; i < 10; i++) {
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			open_file("");
			while (make_volume() == 0 && remove_volume() == 0)
				;
			_exit(7);
		}
		usleep(20000 + i * 1733);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		accounts();
		ok(out[0] == '{', "after a kill the file can be read");
		open_file("");
		works(remove_volume(), "what it left can be removed");
		is_str(accounts(), before, "and nothing is lost");
		sim->close(inst);
	}
	free(before);
	remove_file();
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(file, sizeof(file), "%s/nodes", dir);
	load_plugin();
	test_accounts();
	test_command();
	test_check();
	test_processes();
	test_last_room();
	test_overtaken();
	test_busy();
	test_every_place();
	test_half_a_device();
	test_kill();
	ok(rmdir(dir) == 0, "nothing is left behind");
	return tap_done();
}
