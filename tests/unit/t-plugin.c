/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plug-in host: what it finds, what it refuses and why. */
#include <config.h>

#include <errno.h>

#include "plugin.h"
#include "util/log.h"

#include "tests/tap.h"
#include "tests/unit/plug/plug.h"

static const struct plugin *
by_path(const struct plugin_host *h, const char *below)
{
	CLEANUP_FREE char *path = plug_path(below);
	const struct plugin *const *v;
	size_t n;

	v = plugin_list(h, &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i]->path, path) == 0)
			return v[i];
	return NULL;
}

static struct plugin_host *
host_for(const char *below)
{
	CLEANUP_FREE char *path = plug_path(below);

	return plugin_host_new(path);
}

/* ---- each refusal has its own reason ---- */

static const struct {
	const char *file;
	const char *reason;
} refusals[] = {
	{ "noinit", "has no brickyard_plugin_init" },
	{ "text", "not a shared object" },
	{ "refuses", "refused to initialise" },
	{ "magic", "wrong magic 0xdeadbeef" },
	{ "kind", "kind 7 is unknown" },
	{ "abi99", "built for ABI 99.2, this is ABI 1.2" },
	{ "small", "descriptor size 8 is absurd" },
	{ "odd", "is absurd" },
	{ "huge", "is absurd" },
	{ "nameless", "has no name" },
	{ "bad_name", "name 'bad_name' is not [a-z][a-z0-9-]*" },
	{ "other", "calls itself 'else' in a file called 'other.so'" },
	{ "missing", "required members missing: license, close, run" },
	{ "threads", "thread model 9 is unknown" },
	{ "opt-type", "options: 'host' has unknown type 9" },
	{ "opt-twice", "options: 'host' is there twice" },
	{ "opt-default", "options: the default of 'limit' is not a whole" },
	{ "opt-key", "options: key 'how often' is not" },
	{ "loose", "is writable by group or others" },
};

static void
make_refused(const char *name)
{
	CLEANUP_FREE char *below = xasprintf("refused/%s.so", name);
	CLEANUP_FREE char *path = plug_path(below);
	CLEANUP_FCLOSE FILE *f = NULL;

	if (strcmp(name, "noinit") == 0) {
		plug_copy("tests/unit/plug", "noinit", below, 0644);
	} else if (strcmp(name, "loose") == 0) {
		plug_copy("tests/unit/plug", "fake", below, 0646);
	} else if (strcmp(name, "text") == 0) {
		f = fopen(path, "we");
		fputs("#!/bin/sh\n", f);
		assert(fchmod(fileno(f), 0644) == 0);
	} else {
		plug_fake(below);
	}
}

static void
test_refusals(void)
{
	CLEANUP(buf_release) struct buf list = { 0 };
	struct plugin_host *h;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		make_refused(refusals[i].file);
	plug_fake("refused/good.so");
	h = host_for("refused");
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		CLEANUP_FREE char *below = xasprintf("refused/%s.so",
						     refusals[i].file);
		const struct plugin *p = by_path(h, below);

		has_str(p != NULL ? p->refused : NULL, refusals[i].reason,
			"%s.so is refused with its reason", refusals[i].file);
	}
	plugin_list(h, &n);
	is_int(n, ARRAY_SIZE(refusals) + 1, "all are in the list");
	ok(by_path(h, "refused/good.so")->refused == NULL,
	   "and none stops a good one");
	plugin_print_list(h, &list);
	has_str(buf_str(&list), "\nrefused: kind 7 is unknown\n",
		"the printed list gives the reason a line");
	has_str(buf_str(&list), "executor     good          1.2.3  1.2  /",
		"and a loaded one kind, name, version, ABI, path");
	plugin_host_free(h);
}

/* ---- versions ---- */

static void
test_versions(void)
{
	const struct plugin *p = NULL;
	struct error err = { 0 };
	struct plugin_host *h;

	plug_fake("versions/old.so");
	plug_fake("versions/newer.so");
	h = host_for("versions");
	is_int(plugin_find(h, BRICKYARD_KIND_EXECUTOR, "old", &p, &err), ERR_OK,
	       "an older, shorter descriptor loads");
	ok(p->executor.run != NULL, "what it had is there");
	ok(p->executor.node_check == NULL && p->executor.volume_info == NULL,
	   "what came after its end reads NULL, whatever lies there");
	is_int(plugin_find(h, BRICKYARD_KIND_EXECUTOR, "newer", &p, &err),
	       ERR_OK, "a longer one of a newer minor version loads");
	ok(p->executor.node_check != NULL, "with all that we know of");
	plugin_host_free(h);
}

/* ---- where they may lie ---- */

static void
test_places(void)
{
	CLEANUP_FREE char *inst = plug_path("inst");
	CLEANUP_FREE char *tree = plug_path("tree");
	CLEANUP_FREE char *path = xasprintf("%s::%s:%s/none:%s", inst, tree,
					    plug_dir, inst);
	const struct plugin *p;
	struct plugin_host *h;
	size_t n;

	plug_fake("inst/volume-types/vt-good.so");
	plug_fake("inst/executors/good.so");
	plug_fake("inst/direct.so");
	plug_fake("inst/.hidden.so");
	plug_fake("tree/plugins/vt-built/.libs/vt-built.so");
	plug_fake("tree/executors/built/.libs/built.so");
	plug_fake("tree/executors/built/.libs/stray.so");
	plug_fake("tree/executors/good/.libs/good.so");
	h = plugin_host_new(path);
	ok(by_path(h, "inst/volume-types/vt-good.so") != NULL &&
	   by_path(h, "inst/executors/good.so") != NULL &&
	   by_path(h, "inst/direct.so") != NULL,
	   "a directory and its two sub-directories are searched");
	ok(by_path(h, "tree/plugins/vt-built/.libs/vt-built.so") != NULL &&
	   by_path(h, "tree/executors/built/.libs/built.so") != NULL,
	   "and a build tree where libtool puts things");
	ok(by_path(h, "inst/.hidden.so") == NULL &&
	   by_path(h, "tree/executors/built/.libs/stray.so") == NULL,
	   "but nothing else");
	p = by_path(h, "none");
	has_str(p != NULL ? p->refused : NULL, "No such file",
		"a directory that is not there is told of");
	p = by_path(h, "tree/executors/good/.libs/good.so");
	has_str(p->refused, "inst/executors/good.so', which is used",
		"of two plug-ins of a name the first one wins");
	has_str(p->refused, "duplicate: '", "the other says so");
	has_str(p->refused, "tree/executors/good/.libs/good.so' comes after",
		"with both paths");
	plugin_list(h, &n);
	is_int(n, 7, "a directory given twice is read once");
	plugin_host_free(h);
}

static void
test_trust(void)
{
	CLEANUP_FREE char *open_dir = plug_path("loose");
	CLEANUP_FREE char *link_to = plug_path("loose/executors/a.so");
	CLEANUP_FREE char *link_at = plug_path("linked/a.so");
	struct plugin_host *h;

	plug_fake("loose/executors/a.so");
	assert(chmod(open_dir, 01777) == 0);
	h = host_for("loose");
	has_str(by_path(h, "loose/executors/a.so")->refused,
		"/loose' is writable by group or others (mode 1777)",
		"a directory above that others can write to spoils it");
	plugin_host_free(h);

	assert(symlink(link_to, link_at) == 0);
	h = host_for("linked");
	ok(by_path(h, "linked/a.so")->refused == NULL,
	   "a link to a safe place is followed");
	plugin_host_free(h);
	free(link_to);
	link_to = plug_path("loose/executors");
	assert(chmod(link_to, 0775) == 0);
	h = host_for("linked");
	has_str(by_path(h, "linked/a.so")->refused, "/loose/executors' is wri",
		"a link to an unsafe one is not");
	plugin_host_free(h);

	if (geteuid() != 0) {
		skip("needs root", "a file of another user is refused");
		return;
	}
	plug_fake("theirs/a.so");
	free(link_at);
	link_at = plug_path("theirs/a.so");
	assert(chown(link_at, 12345, 0) == 0);
	h = host_for("theirs");
	has_str(by_path(h, "theirs/a.so")->refused, "belongs to user 12345",
		"a file of another user is refused");
	plugin_host_free(h);
}

/* ---- finding and telling ---- */

static void
test_find(void)
{
	const struct plugin *p = NULL;
	struct error err = { 0 };
	struct plugin_host *h;

	plug_fake("find/good.so");
	plug_fake("find/abi99.so");
	plug_fake("find/vt-a.so");
	plug_fake("find/vt-b.so");
	h = host_for("find");
	is_int(plugin_find(h, BRICKYARD_KIND_EXECUTOR, "mock", &p, &err),
	       ERR_NOTFOUND, "an unknown name is not found");
	is_str(err.text, "there is no executor 'mock', only: good",
	       "and told what there is");
	is_int(plugin_find(h, BRICKYARD_KIND_EXECUTOR, "vt-a", &p, &err),
	       ERR_NOTFOUND, "nor one of another kind");
	is_int(plugin_find(h, BRICKYARD_KIND_EXECUTOR, "abi99", &p, &err),
	       ERR_NOTFOUND, "nor a refused one");
	has_str(err.text, "built for ABI 99", "and told why it is refused");
	ok(p == NULL, "nothing was returned");
	is_str(plugin_for_request(h, "vt-b")->name, "vt-b",
	       "requests may use a type's own name");
	is_str(plugin_for_request(h, "claimed")->name, "vt-a",
	       "or one it answers to; the first that does is taken");
	ok(plugin_for_request(h, "") == NULL, "\"\" is a name like others");
	ok(plugin_for_request(h, "good") == NULL, "executors are no types");
	plugin_host_free(h);
}

static void
test_print(void)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	const struct plugin *p = NULL;
	struct error err = { 0 };
	struct plugin_host *h;

	plug_fake("print/good.so");
	h = host_for("print");
	assert(plugin_find(h, BRICKYARD_KIND_EXECUTOR, "good", &p, &err) ==
	       ERR_OK);
	plugin_print(p, &b);
	has_str(buf_str(&b), "\nkind=executor\n", "a dump has the kind");
	has_str(buf_str(&b), "\ndescription=whatever its file is called\n",
		"line breaks in a value don't break the format");
	has_str(buf_str(&b), "\nabi_major=1\nabi_minor=2\nstruct_size=",
		"the ABI");
	has_str(buf_str(&b), "\nthread_model=per-node\n", "the thread model");
	has_str(buf_str(&b), "\noverrides=node_check\n", "the steps it has");
	has_str(buf_str(&b), "\noption.limit=uint,7,how often\n", "options");
	has_str(buf_str(&b), "\noption.password=string,,the word\n"
		"option.password.secret=1\noption.password.required=1\n",
		"and what is special about them");
	plugin_host_free(h);
}

/* ---- options ---- */

static void
test_config(void)
{
	static const struct {
		const char *key, *value, *reason;
	} wrong[] = {
		{ "hots", "x", "unknown option 'hots', it has: host, limit," },
		{ "limit", "-1", "option 'limit' must be a whole number" },
		{ "limit", "", "option 'limit' must be a whole number" },
		{ "limit", "18446744073709551616", "must be a whole number" },
		{ "fast", "yes", "option 'fast' must be true or false" },
	};
	const struct plugin *p = NULL;
	struct error err = { 0 };
	struct plugin_host *h;

	plug_fake("config/good.so");
	h = host_for("config");
	assert(plugin_find(h, BRICKYARD_KIND_EXECUTOR, "good", &p, &err) ==
	       ERR_OK);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		CLEANUP(kvs_release) struct kvs given = { 0 };
		CLEANUP(kvs_release) struct kvs got = { 0 };

		kvs_set(&given, "password", "x");
		kvs_set(&given, wrong[i].key, wrong[i].value);
		ok(plugin_check_config(p, &given, &got, &err) != ERR_OK,
		   "%s=%s is refused", wrong[i].key, wrong[i].value);
		has_str(err.text, wrong[i].reason, "with the reason");
		is_int(got.n, 0, "and nothing comes back");
	}

	CLEANUP(kvs_release) struct kvs given = { 0 };
	CLEANUP(kvs_release) struct kvs got = { 0 };

	kvs_set(&given, "limit", "018446744073709551615");
	ok(plugin_check_config(p, &given, &got, &err) != ERR_OK,
	   "a required option must be there");
	has_str(err.text, "option 'password' is required", "it is named");
	kvs_set(&given, "password", "");
	is_int(plugin_check_config(p, &given, &got, &err), ERR_OK,
	       "the largest number passes");
	is_str(kvs_get(&got, "fast"), "true", "defaults are added");
	is_str(kvs_get(&got, "limit"), "018446744073709551615",
	       "and don't replace what was given");
	ok(kvs_get(&got, "host") == NULL, "no default, no value");
	plugin_host_free(h);
}

/* ---- services ---- */

static void
test_results(void)
{
	const struct brickyard_host *s = &plugin_host_services;
	CLEANUP(result_release) struct brickyard_result r;
	CLEANUP(strs_release) struct strs paths = { 0 };
	char big[4097];

	result_init(&r);
	s->result_str(&r, "path", "/a");
	s->result_u64(&r, "n", UINT64_MAX);
	s->result_str(&r, "path", "/b");
	s->result_next(&r);
	s->result_str(&r, "path", "caf\xc3\xa9 \xe9\xff\xed\xa0\x80");
	is_int(r.records.n, 2, "records are counted");
	result_get_all(&r, 0, "path", &paths);
	ok(paths.n == 2 && strcmp(paths.v[1], "/b") == 0,
	   "a key may come several times");
	ok(result_get_u64(&r, 0, "n", 1) == UINT64_MAX, "numbers are exact");
	ok(result_get_u64(&r, 0, "path", 7) == 7 &&
	   result_get_u64(&r, 9, "n", 7) == 7,
	   "what is no number, or not there, gives the default");
	is_str(result_get(&r, 1, "path"), "caf\xc3\xa9 ?????",
	       "what is not UTF-8 is replaced");
	ok(result_get(&r, 0, "none") == NULL, "absent is NULL");

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (int i = 0; i < 255; i++)
		s->result_str(&r, "big", big);
	ok(r.overflow || r.bytes > 1000000, "a result fills up");
	for (int i = 0; i < 10; i++)
		s->result_str(&r, "big", big);
	ok(r.overflow && r.bytes <= 1024 * 1024, "to 1 MiB and no more");
	for (int i = 0; i < 1000000; i++)
		s->result_next(&r);
	ok(r.records.n < 40000, "empty records are counted, too");
}

static void
test_failing(void)
{
	static const struct {
		int class;
		enum err code;
	} map[] = {
		{ BRICKYARD_ERR_PERMANENT, ERR_EXEC },
		{ BRICKYARD_ERR_TRANSIENT, ERR_TRANSIENT },
		{ BRICKYARD_ERR_UNREACHABLE, ERR_UNREACHABLE },
		{ BRICKYARD_ERR_TIMEOUT, ERR_TIMEOUT },
		{ BRICKYARD_ERR_CANCELLED, ERR_CANCELLED },
		{ BRICKYARD_ERR_FENCED, ERR_FENCED },
		{ BRICKYARD_ERR_NOTFOUND, ERR_NOTFOUND },
		{ BRICKYARD_ERR_EXISTS, ERR_EXISTS },
		{ BRICKYARD_ERR_NOSPACE, ERR_EXEC },
		{ BRICKYARD_ERR_INVALID, ERR_EXEC },
		{ BRICKYARD_ERR_UNSUPPORTED, ERR_NOTSUP },
		{ 0, ERR_EXEC },
		{ -1, ERR_EXEC },
		{ 1000, ERR_EXEC },
	};
	const struct brickyard_host *s = &plugin_host_services;
	struct brickyard_error e = { 0 };
	struct error err = { 0 };
	char big[6000];

	for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
		s->fail(&e, map[i].class, "first");
		s->fail(&e, map[i].class, "disk '%s': 100%%", "a");
		is_int(plugin_fail(&err, &e), map[i].code,
		       "class %d becomes one of ours", map[i].class);
		is_str(err.text, "disk 'a': 100%", "the last words count");
	}
	errno = ENOENT;
	s->fail(&e, BRICKYARD_ERR_PERMANENT, "open: %m");
	is_str(e.text, "open: No such file or directory", "%%m works");
	is_int(errno, ENOENT, "errno is kept");
	memset(big, 0xc3, sizeof(big) - 1);
	for (size_t i = 1; i < sizeof(big) - 1; i += 2)
		big[i] = (char)0xa9;
	big[sizeof(big) - 1] = '\0';
	s->fail(&e, BRICKYARD_ERR_PERMANENT, "%s", big);
	is_int(strlen(e.text), ERROR_TEXT_MAX - 1, "long words are cut");
	is_str(e.text + ERROR_TEXT_MAX - 4, "\xc3\xa9?",
	       "and half a character is replaced");
	s->fail(NULL, BRICKYARD_ERR_PERMANENT, "nobody listens");
}

static void
test_log(void)
{
	CLEANUP_FREE char *path = plug_path("stderr");
	CLEANUP_CLOSE int out = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CLEANUP_CLOSE int was = dup(STDERR_FILENO);
	struct plugin p = { .name = xstrdup("speaker") };
	char text[4096] = "";
	struct plugin_host *h;

	plug_fake("log/good.so");
	fflush(stderr);
	log_set_level(LOG_LVL_INFO);
	dup2(out, STDERR_FILENO);
	h = host_for("log");
	{
		PLUGIN_SCOPE(&p);
		plugin_host_services.log(BRICKYARD_LOG_ERROR, "I say %s", "a");
	}
	plugin_host_services.log(BRICKYARD_LOG_WARNING, "who?");
	fflush(stderr);
	dup2(was, STDERR_FILENO);
	assert(pread(out, text, sizeof(text) - 1, 0) > 0);
	has_str(text, "good: hello from 1\n", "a plug-in's lines have its name");
	has_str(text, "error   speaker: I say a\n", "and its level");
	has_str(text, "warning plug-in: who?\n",
		"from a thread of its own it is just some plug-in");
	free(p.name);
	plugin_host_free(h);
}

int
main(void)
{
	plug_setup();
	log_set_level(LOG_LVL_NONE);
	test_refusals();
	test_versions();
	test_places();
	test_trust();
	test_find();
	test_print();
	test_config();
	test_results();
	test_failing();
	test_log();
	return tap_done();
}
