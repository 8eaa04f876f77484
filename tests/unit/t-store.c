/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract of store.h, for any store: "t-store SPEC", or the environment's
 * BRICKYARD_TEST_STORE, or an SQLite file of our own.  What needs a second
 * client of one store runs where the store can be shared.
 */
#include <config.h>

#include "tests/unit/store-bed.h"

/* ---- opening ---- */

static void
test_specs(void)
{
	static const char *const bad[] = { "", "sqlite", "etcd", "bolt:/x",
					   "/var/lib/x.db", "sqlite:", "etcd:" };
	const char *options[] = { "prefix", "/x/", "user", "", NULL };
	struct store *s = NULL;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		is_int(store_open(bad[i], NULL, &s, &err), ERR_BADREQ,
		       "the spec '%s' is refused", bad[i]);
		ok(strstr(err.text, "sqlite:PATH") != NULL &&
		   strstr(err.text, "etcd:URL") != NULL,
		   "and both forms are named: %s", err.text);
	}
	ok(s == NULL, "nothing is returned");
	store_close(NULL);
	is_str(store_option(options, "prefix", "/y/"), "/x/", "an option");
	is_str(store_option(options, "user", "me"), "", "an empty option");
	is_str(store_option(options, "password", "none"), "none", "a default");
	is_str(store_option(NULL, "user", "me"), "me", "no options at all");
}

static void
test_description(void)
{
	struct bed b;
	struct store *s;

	bed_make(&b);
	s = bed_open(&b);
	has_str(store_describe(s), given_spec != NULL ? "" : b.spec,
		"a store describes itself");
	ok(store_is_shared(s) == (strncmp(b.spec, "etcd:", 5) == 0),
	   "and says whether it can be shared");
	store_close(s);
	bed_end(&b);
}

/* ---- commits ---- */

static void
test_guards(void)
{
	struct bed b;
	struct store *s;
	int64_t first = 0, second = 0;

	bed_make(&b);
	s = bed_open(&b);
	is_int(put_if(s, "a", 0, "a", "1"), ERR_OK,
	       "guard 'absent' holds for a new key");
	is_int(put_if(s, "a", 0, "a", "2"), ERR_CONFLICT,
	       "guard 'absent' fails for a key that is there");
	ok(holds(s, "a", "1"), "and nothing is written");
	first = revision_of(s, "a");
	is_int(put_if(s, "a", first, "a", "3"), ERR_OK,
	       "guard 'at its revision' holds");
	second = revision_of(s, "a");
	ok(second > first, "a change gives a key a higher revision");
	is_int(put_if(s, "a", first, "a", "4"), ERR_CONFLICT,
	       "a stale guard fails");
	is_int(put_if(s, "a", second + 1, "a", "4"), ERR_CONFLICT,
	       "a guard of the future fails");
	is_int(put_if(s, "none", second, "a", "4"), ERR_CONFLICT,
	       "a guard at a revision fails for an absent key");
	is_int(put_if(s, "none", 0, "b", "5"), ERR_OK,
	       "a guard may name another key than is written");
	is_int(put_if(s, "a", second, "a", NULL), ERR_OK, "a guarded delete");
	ok(lacks(s, "a"), "deletes");
	is_int(put_if(s, "a", second, "a", "6"), ERR_CONFLICT,
	       "a deleted key has no revision");
	is_int(put_if(s, "a", 0, "a", "7"), ERR_OK,
	       "it is absent, and may be made again");
	ok(revision_of(s, "a") > second, "at a higher revision");
	is_int(put_if(s, "b", 0, "a", "8"), ERR_CONFLICT,
	       "one guard of another key is enough to fail");
	store_close(s);
	bed_end(&b);
}

static void
test_conflict_text(void)
{
	struct bed b;
	struct store *s;
	struct store_guard g = { "taken", 0 };
	struct store_write w = { .key = "x", .value = "1", .len = 1 };
	struct error err = { .code = ERR_OK };
	int64_t revision = 77;

	bed_make(&b);
	s = bed_open(&b);
	ok(put(s, "taken", "1", NULL) == ERR_OK, "a key is taken");
	is_int(store_commit(s, &g, 1, &w, 1, &revision, &err), ERR_CONFLICT,
	       "a conflict");
	is_int(err.code, ERR_CONFLICT, "has its code in the error");
	ok(err.text[0] != '\0', "and a text: %s", err.text);
	is_int(revision, 77, "and no revision");
	store_close(s);
	bed_end(&b);
}

static void
test_atomicity(void)
{
	struct bed b;
	struct store *s;
	struct store_guard g[2] = { { "x", 0 }, { "taken", 0 } };
	struct store_write w[3] = {
		{ .key = "x", .value = "1", .len = 1 },
		{ .key = "taken", .value = NULL },
		{ .key = "y", .value = "2", .len = 1 },
	};
	int64_t revision = 0;

	bed_make(&b);
	s = bed_open(&b);
	ok(put(s, "taken", "t", NULL) == ERR_OK, "a key is taken");
	is_int(store_commit(s, g, 2, w, 3, NULL, NULL), ERR_CONFLICT,
	       "one of two guards fails");
	ok(lacks(s, "x") && lacks(s, "y") && holds(s, "taken", "t"),
	   "no write has happened, no delete either");
	is_int(store_commit(s, g, 1, w, 3, &revision, NULL), ERR_OK,
	       "with the guard that holds, it goes through");
	ok(holds(s, "x", "1") && holds(s, "y", "2") && lacks(s, "taken"),
	   "every write has happened");
	ok(revision_of(s, "x") == revision && revision_of(s, "y") == revision,
	   "all at the revision that was returned");
	store_close(s);
	bed_end(&b);
}

static void
test_revisions_grow(void)
{
	struct bed b;
	struct store *s;
	int64_t last = 0, revision = 0, loaded = 0;
	bool grows = true, equals = true;
	struct strs keys = { 0 };

	bed_make(&b);
	s = bed_open(&b);
	for (int i = 0; i < 20; i++) {
		if (put(s, i % 2 ? "odd" : "even", "v", &revision) != ERR_OK ||
		    revision <= last)
			grows = false;
		last = revision;
		if (revision_of(s, i % 2 ? "odd" : "even") != revision)
			equals = false;
	}
	ok(grows, "every commit has a higher revision than the one before");
	ok(equals, "a key has the revision of its last change");
	is_int(store_load(s, "", add_key, &keys, &loaded, NULL), ERR_OK, "load");
	ok(loaded >= last, "a load's revision includes the last commit");
	strs_release(&keys);
	store_close(s);
	s = bed_open(&b);
	ok(put(s, "even", "w", &revision) == ERR_OK && revision > last,
	   "revisions go on after reopening");
	store_close(s);
	bed_end(&b);
}

static void
test_changes_of_nothing(void)
{
	struct bed b;
	struct watch w;
	struct store *s;
	struct store_guard g = { "a", 0 };
	struct store_write gone[2] = { { .key = "x" }, { .key = "y" } };
	struct store_write mixed[2] = { { .key = "x" },
					{ .key = "b", .value = "1", .len = 1 } };
	int64_t before = 0, revision = 0;

	bed_make(&b);
	watch_init(&w);
	s = bed_open(&b);
	ok(put(s, "a", "1", &before) == ERR_OK &&
	   store_follow(s, &watcher, &w, NULL) == ERR_OK, "one key, followed");
	is_int(store_commit(s, NULL, 0, gone, 2, &revision, NULL), ERR_OK,
	       "deleting absent keys is fine");
	ok(revision >= before, "and has a revision");
	is_int(store_commit(s, NULL, 0, NULL, 0, &revision, NULL), ERR_OK,
	       "a commit of nothing is fine");
	is_int(store_commit(s, &g, 1, NULL, 0, NULL, NULL), ERR_CONFLICT,
	       "its guards are looked at");
	is_int(store_commit(s, NULL, 0, mixed, 2, &revision, NULL), ERR_OK,
	       "a write beside a delete of nothing");
	ok(watch_reaches(&w, revision), "reaches the watcher");
	is_int(count_events(&w, "b", "1", revision), 1, "with what changed");
	is_int(count_events(&w, "x", NULL, revision), 0,
	       "and without what did not");
	is_int(w.log.n, 2, "it was told of nothing else");
	is_int(w.disorder, 0, "in order");
	store_close(s);
	watch_release(&w);
	bed_end(&b);
}

/* ---- caps ---- */

#define MANY (STORE_COMMIT_MAX + 1)

static void
test_cap_of_writes(void)
{
	struct bed b;
	struct store *s;
	struct store_guard g[MANY];
	struct store_write w[MANY];
	char keys[MANY][16];
	struct strs found = { 0 };

	bed_make(&b);
	s = bed_open(&b);
	for (int i = 0; i < MANY; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%03d", i);
		g[i] = (struct store_guard){ keys[i], 0 };
		w[i] = (struct store_write){ keys[i], keys[i], 4, 0 };
	}
	is_int(store_commit(s, NULL, 0, w, MANY, NULL, NULL), ERR_TOOLARGE,
	       "%d writes are too many", MANY);
	is_int(store_commit(s, g, MANY, w, 1, NULL, NULL), ERR_TOOLARGE,
	       "%d guards are too many", MANY);
	ok(lacks(s, "k"), "nothing was written");
	is_int(store_commit(s, g, MANY - 1, w, MANY - 1, NULL, NULL), ERR_OK,
	       "%d of each are not", MANY - 1);
	ok(store_load(s, "k", add_key, &found, NULL, NULL) == ERR_OK &&
	   found.n == MANY - 1, "and all are there");
	strs_release(&found);
	store_close(s);
	bed_end(&b);
}

static void
test_cap_of_values(void)
{
	struct bed b;
	struct store *s;
	CLEANUP_FREE char *v = xcalloc(STORE_VALUE_MAX + 1, 1);
	struct store_write w = { .key = "big", .value = v };
	struct error err;

	bed_make(&b);
	s = bed_open(&b);
	for (size_t i = 0; i < STORE_VALUE_MAX; i++)
		v[i] = (char)(i * 7 + i / 251);
	w.len = STORE_VALUE_MAX + 1;
	is_int(store_commit(s, NULL, 0, &w, 1, NULL, &err), ERR_TOOLARGE,
	       "a value of a byte more than the cap is refused");
	has_str(err.text, "'big'", "the text names the key");
	w.len = STORE_VALUE_MAX;
	is_int(store_commit(s, NULL, 0, &w, 1, NULL, NULL), ERR_OK,
	       "the largest value is taken");
	{
		FOUND f = get(s, "big");

		ok(f.n == 1 && f.len == STORE_VALUE_MAX &&
		   memcmp(f.value, v, f.len) == 0, "and comes back as it was");
	}
	store_close(s);
	bed_end(&b);
}

static void
test_caps_of_keys(void)
{
	struct bed b;
	struct store *s;
	char key[STORE_KEY_MAX + 2];
	struct store_write twice[2] = {
		{ .key = "t", .value = "1", .len = 1 },
		{ .key = "t", .value = "2", .len = 1 },
	};

	bed_make(&b);
	s = bed_open(&b);
	memset(key, 'k', sizeof(key));
	key[STORE_KEY_MAX + 1] = '\0';
	is_int(put(s, key, "1", NULL), ERR_TOOLARGE, "a key too long");
	is_int(put_if(s, key, 0, "a", "1"), ERR_TOOLARGE,
	       "also as a guard");
	key[STORE_KEY_MAX] = '\0';
	is_int(put(s, key, "1", NULL), ERR_OK, "the longest key");
	ok(holds(s, key, "1"), "is found again");
	is_int(put(s, "", "1", NULL), ERR_INTERNAL, "an empty key");
	is_int(put(s, "~x", "1", NULL), ERR_INTERNAL, "a key of the store's own");
	is_int(put(s, "\xc3\xa4", "1", NULL), ERR_INTERNAL,
	       "one that starts beyond ASCII");
	is_int(put(s, "x\xff", "1", NULL), ERR_INTERNAL, "one with a byte 0xff");
	is_int(put_if(s, "~x", 0, "a", "1"), ERR_INTERNAL, "also as a guard");
	is_int(store_commit(s, NULL, 0, twice, 2, NULL, NULL), ERR_INTERNAL,
	       "a key written twice");
	ok(lacks(s, "t"), "writes nothing");
	store_close(s);
	bed_end(&b);
}

/* ---- contents ---- */

static void
test_binary_values(void)
{
	struct bed b;
	struct store *s;
	char bytes[512];
	struct store_write w = { "bin", bytes, sizeof(bytes), 0 };
	struct store_write empty = { "empty", "", 0, 0 };

	bed_make(&b);
	s = bed_open(&b);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	is_int(store_commit(s, NULL, 0, &w, 1, NULL, NULL), ERR_OK,
	       "a value of all bytes");
	{
		FOUND f = get(s, "bin");

		ok(f.n == 1 && f.len == sizeof(bytes) &&
		   memcmp(f.value, bytes, f.len) == 0, "comes back as it was");
	}
	is_int(store_commit(s, NULL, 0, &empty, 1, NULL, NULL), ERR_OK,
	       "an empty value");
	{
		FOUND f = get(s, "empty");

		ok(f.n == 1 && f.len == 0, "is there, and empty");
	}
	is_int(put_if(s, "empty", 0, "empty", "x"), ERR_CONFLICT,
	       "and not absent");
	store_close(s);
	bed_end(&b);
}

static const char *const odd_keys[] = {
	" ", "%00%20", "'; DROP TABLE kv; --", "/", "//x", "\"quoted\"", "\\",
	"\x01\x02\n\t", "a*", "a?", "a_", "a%", "tr\xc3\xa4ger", "x\x7f",
	"x\xf4\x8f\xbf\xbf", "x\xf4\x8f\xbf\xbfy", "}a", "x~",
};

static void
test_odd_keys(void)
{
	struct bed b;
	struct store *s;
	struct strs found = { 0 };
	bool all = true;

	bed_make(&b);
	s = bed_open(&b);
	for (size_t i = 0; i < ARRAY_SIZE(odd_keys); i++)
		if (put(s, odd_keys[i], odd_keys[i], NULL) != ERR_OK)
			all = false;
	ok(all, "odd keys are taken");
	for (size_t i = 0; i < ARRAY_SIZE(odd_keys); i++)
		if (!holds(s, odd_keys[i], odd_keys[i]))
			all = false;
	ok(all, "and found again");
	is_int(store_load(s, "", add_key, &found, NULL, NULL), ERR_OK, "load");
	is_int(found.n, ARRAY_SIZE(odd_keys), "all are listed");
	for (size_t i = 1; i < found.n; i++)
		if (strcmp(found.v[i - 1], found.v[i]) >= 0)
			all = false;
	ok(all, "in the order of their bytes");
	strs_release(&found);
	is_int(store_load(s, "x\xf4\x8f\xbf\xbf", add_key, &found, NULL, NULL),
	       ERR_OK, "a prefix of the highest character");
	is_int(found.n, 2, "finds what starts with it");
	strs_release(&found);
	store_close(s);
	bed_end(&b);
}

struct some {
	int n, stop_at;
};

static int
count_some(void *arg, const struct store_kv *kv)
{
	struct some *c = arg;

	return ++c->n == c->stop_at ? 1 : 0;
}

static void
is_prefix(struct store *s, const char *prefix, const char *want)
{
	CLEANUP(strs_release) struct strs found = { 0 };
	CLEANUP_FREE char *joined = NULL;

	if (store_load(s, prefix, add_key, &found, NULL, NULL) != ERR_OK)
		strs_add(&found, "(failed)");
	joined = strs_join(&found, " ");
	is_str(joined, want, "prefix '%s'", prefix);
}

static void
test_prefixes(void)
{
	static const char *const keys[] = { "b/2", "a", "a/2", "ab", "a/1",
					    "b/1", "a/1/x", "a0" };
	struct bed b;
	struct store *s;
	struct some c = { 0, 2 };

	bed_make(&b);
	s = bed_open(&b);
	is_prefix(s, "", "");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (put(s, keys[i], "v", NULL) != ERR_OK)
			ok(0, "put '%s'", keys[i]);
	is_prefix(s, "", "a a/1 a/1/x a/2 a0 ab b/1 b/2");
	is_prefix(s, "a", "a a/1 a/1/x a/2 a0 ab");
	is_prefix(s, "a/", "a/1 a/1/x a/2");
	is_prefix(s, "b/2", "b/2");
	is_prefix(s, "c", "");
	is_int(store_load(s, "a", count_some, &c, NULL, NULL), ERR_OK,
	       "a walk that is ended early succeeds");
	is_int(c.n, 2, "and ends at once");
	store_close(s);
	bed_end(&b);
}

/* More than any implementation gets at a time. */
static void
test_large_load(void)
{
	struct bed b;
	struct store *s;
	struct store_write w[100];
	char keys[100][16];
	struct some c = { 0, -1 };
	bool all = true;

	bed_make(&b);
	s = bed_open(&b);
	for (int i = 0; i < 25; i++) {
		for (int j = 0; j < 100; j++) {
			snprintf(keys[j], sizeof(keys[j]), "n/%04d",
				 j * 25 + i);
			w[j] = (struct store_write){ keys[j], keys[j], 6, 0 };
		}
		if (store_commit(s, NULL, 0, w, 100, NULL, NULL) != ERR_OK)
			all = false;
	}
	ok(all, "2500 keys are written");
	is_int(store_load(s, "n/", count_some, &c, NULL, NULL), ERR_OK,
	       "and loaded");
	is_int(c.n, 2500, "completely");
	for (int i = 0; i < 25; i++) {
		for (int j = 0; j < 100; j++) {
			snprintf(keys[j], sizeof(keys[j]), "n/%04d",
				 i * 100 + j);
			w[j] = (struct store_write){ .key = keys[j] };
		}
		if (store_commit(s, NULL, 0, w, 100, NULL, NULL) != ERR_OK)
			all = false;
	}
	ok(all && lacks(s, "n/"), "and deleted");
	store_close(s);
	bed_end(&b);
}

/* ---- watching ---- */

static void
test_snapshot(void)
{
	struct bed b;
	struct watch w;
	struct kvs state = { 0 };
	struct store *s;
	int64_t revision = 0;

	bed_make(&b);
	watch_init(&w);
	s = bed_open(&b);
	ok(put(s, "a", "1", NULL) == ERR_OK && put(s, "b", "2", NULL) == ERR_OK
	   && put(s, "a", NULL, &revision) == ERR_OK, "two keys, one deleted");
	is_int(store_follow(s, &watcher, &w, NULL), ERR_OK, "follow");
	is_int(w.snapshots, 1, "gives the snapshot before it returns");
	ok(w.revision >= revision, "with the revision of it");
	watch_state(&w, w.revision, &state);
	ok(state.n == 1 && strcmp(kvs_get(&state, "b"), "2") == 0,
	   "and everything that is there");
	kvs_release(&state);
	ok(put(s, "b", "3", &revision) == ERR_OK && watch_reaches(&w, revision),
	   "a change reaches the watcher");
	is_int(count_events(&w, "b", "3", revision), 1, "once");
	ok(put(s, "b", NULL, &revision) == ERR_OK && watch_reaches(&w, revision)
	   && count_events(&w, "b", NULL, revision) == 1,
	   "so does a delete");
	is_int(w.disorder, 0, "in order");
	store_close(s);
	watch_release(&w);
	bed_end(&b);
}

static void
test_snapshot_of_nothing(void)
{
	struct bed b;
	struct watch w;
	struct store *s;

	bed_make(&b);
	watch_init(&w);
	s = bed_open(&b);
	is_int(store_follow(s, &watcher, &w, NULL), ERR_OK,
	       "an empty store can be followed");
	is_int(w.snapshots, 1, "and its snapshot comes");
	is_int(w.log.n, 0, "with nothing in it");
	store_close(s);
	watch_release(&w);
	bed_end(&b);
}

static void
test_barrier(void)
{
	struct bed b;
	struct watch w;
	struct store *s;
	int64_t committed = 0, barrier = 0;
	int bad = 0;

	bed_make(&b);
	watch_init(&w);
	s = bed_open(&b);
	is_int(store_follow(s, &watcher, &w, NULL), ERR_OK, "follow");
	is_int(store_barrier(s, &barrier, NULL), ERR_OK,
	       "a barrier on an idle store");
	ok(watch_reaches(&w, barrier), "is reached");
	for (int i = 0; i < 20; i++) {
		bad += put(s, "k", "v", &committed) != ERR_OK;
		bad += store_barrier(s, &barrier, NULL) != ERR_OK;
		bad += barrier < committed;
		bad += !watch_reaches(&w, barrier);
		bad += count_events(&w, "k", "v", committed) != 1;
	}
	is_int(bad, 0, "each barrier includes the commit before it, and the "
	       "watcher reaches it with that commit");
	store_close(s);
	watch_release(&w);
	bed_end(&b);
}

/* ---- many threads ---- */

#define THREADS 4
#define ROUNDS	40

struct made {
	int64_t revision;
	char key[2][16];
	char value[32];
	bool deletes;		/* the second key */
};

struct writer {
	pthread_t thread;
	struct store *s;
	int number;
	struct made made[ROUNDS];
	int failed;
};

static void *
write_all(void *arg)
{
	struct writer *w = arg;
	unsigned seed = (unsigned)w->number;

	for (int i = 0; i < ROUNDS; i++) {
		struct made *m = &w->made[i];
		struct store_write writes[2];

		snprintf(m->value, sizeof(m->value), "%d-%d", w->number, i);
		snprintf(m->key[0], sizeof(m->key[0]), "x%d", rand_r(&seed) % 9);
		snprintf(m->key[1], sizeof(m->key[1]), "y%d", rand_r(&seed) % 9);
		m->deletes = rand_r(&seed) % 3 == 0;
		writes[0] = (struct store_write){ m->key[0], m->value,
						  strlen(m->value), 0 };
		writes[1] = (struct store_write){ m->key[1], m->value,
						  strlen(m->value), 0 };
		if (m->deletes)
			writes[1].value = NULL;
		w->failed += store_commit(w->s, NULL, 0, writes, 2,
					  &m->revision, NULL) != ERR_OK;
	}
	return NULL;
}

static int
add_pair(void *arg, const struct store_kv *kv)
{
	CLEANUP_FREE char *value = xstrndup(kv->value, kv->len);

	kvs_add(arg, kv->key, value);
	return 0;
}

static bool
same_state(const struct kvs *a, const struct kvs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const char *v = kvs_get(b, a->v[i].key);

		if (v == NULL || strcmp(v, a->v[i].value) != 0)
			return false;
	}
	return true;
}

#define LOADS 25

/* Load while the writers write, and compare with what the watcher was told,
 * as of the revision of each load.
 */
static int
compare_loads(struct store *s, struct watch *w)
{
	int bad = 0;

	for (int i = 0; i < LOADS; i++) {
		CLEANUP(kvs_release) struct kvs loaded = { 0 };
		CLEANUP(kvs_release) struct kvs told = { 0 };
		int64_t revision = 0;

		bad += store_load(s, "", add_pair, &loaded, &revision, NULL)
			!= ERR_OK;
		bad += !watch_reaches(w, revision);
		watch_state(w, revision, &told);
		bad += !same_state(&loaded, &told);
	}
	return bad;
}

static int
compare_commits(struct writer *writers, struct watch *w)
{
	int missing = 0;

	for (int i = 0; i < THREADS; i++) {
		for (int j = 0; j < ROUNDS; j++) {
			const struct made *m = &writers[i].made[j];

			if (!watch_reaches(w, m->revision) ||
			    count_events(w, m->key[0], m->value,
					 m->revision) != 1)
				missing++;
			else if (!m->deletes &&
				 count_events(w, m->key[1], m->value,
					      m->revision) != 1)
				missing++;
		}
	}
	return missing;
}

static int
count_shared_revisions(const struct writer *writers)
{
	int64_t all[THREADS * ROUNDS];
	int n = 0, same = 0;

	for (int i = 0; i < THREADS; i++)
		for (int j = 0; j < ROUNDS; j++)
			all[n++] = writers[i].made[j].revision;
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			same += all[i] == all[j];
	return same;
}

static void
test_changes_from_many_threads(void)
{
	struct bed b;
	struct watch w;
	struct store *s;
	struct writer *writers = xcalloc(THREADS, sizeof(*writers));
	int failed = 0;

	bed_make(&b);
	watch_init(&w);
	s = bed_open(&b);
	ok(put(s, "x0", "before", NULL) == ERR_OK &&
	   store_follow(s, &watcher, &w, NULL) == ERR_OK, "followed");
	for (int i = 0; i < THREADS; i++) {
		writers[i].s = s;
		writers[i].number = i + 1;
		pthread_create(&writers[i].thread, NULL, write_all,
			       &writers[i]);
	}
	is_int(compare_loads(s, &w), 0,
	       "snapshot and changes equal a load at every point");
	for (int i = 0; i < THREADS; i++) {
		pthread_join(writers[i].thread, NULL);
		failed += writers[i].failed;
	}
	is_int(failed, 0, "every commit of many threads succeeds");
	is_int(compare_commits(writers, &w), 0,
	       "the watcher was told of every commit, at its revision, once");
	is_int(count_shared_revisions(writers), 0,
	       "no two commits have one revision");
	is_int(w.disorder, 0, "calls came in order, one at a time");
	is_int(compare_loads(s, &w), 0, "and the end is the same");
	store_close(s);
	watch_release(&w);
	free(writers);
	bed_end(&b);
}

struct counter {
	pthread_t thread;
	struct store *s;
	int failed, conflicts;
};

#define INCREMENTS 40

static void
increment(struct counter *c)
{
	for (;;) {
		FOUND f = get(c->s, "counter");
		CLEANUP_FREE char *was = xstrndup(f.n == 1 ? f.value : "0",
						  f.n == 1 ? f.len : 1);
		char value[16];
		enum err e;

		snprintf(value, sizeof(value), "%d", atoi(was) + 1);
		e = put_if(c->s, "counter", f.n == 1 ? f.revision : 0,
			   "counter", value);
		if (e != ERR_CONFLICT) {
			c->failed += e != ERR_OK;
			return;
		}
		c->conflicts++;
	}
}

static void *
count_up(void *arg)
{
	for (int i = 0; i < INCREMENTS; i++)
		increment(arg);
	return NULL;
}

static void
test_no_lost_update(void)
{
	struct bed b;
	struct store *s, *second = NULL;
	struct counter c[THREADS];
	char want[16];
	int failed = 0, conflicts = 0;

	bed_make(&b);
	s = bed_open(&b);
	if (store_is_shared(s))
		second = bed_open(&b);
	for (int i = 0; i < THREADS; i++) {
		c[i] = (struct counter){
			.s = second != NULL && i % 2 ? second : s,
		};
		pthread_create(&c[i].thread, NULL, count_up, &c[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(c[i].thread, NULL);
		failed += c[i].failed;
		conflicts += c[i].conflicts;
	}
	printf("# %d conflicts\n", conflicts);
	is_int(failed, 0, "guarded commits succeed or conflict");
	snprintf(want, sizeof(want), "%d", THREADS * INCREMENTS);
	ok(holds(s, "counter", want), "%s increments by %d threads count %s",
	   want, THREADS, want);
	store_close(second);
	store_close(s);
	bed_end(&b);
}

/* ---- the lease ---- */

static void
lost(void *arg)
{
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void
test_lease(void)
{
	struct bed b;
	struct store *s;
	atomic_int losses = 0;
	int64_t now, deadline;

	bed_make(&b);
	s = bed_open(&b);
	is_int(store_lease_deadline_ms(s), 0, "no lease, no deadline");
	ok(put_leased(s, "r/1", "x", 1) != ERR_OK && lacks(s, "r/1"),
	   "nothing can hang on a lease that there is not");
	now = clock_mono_ms();
	is_int(store_lease_grant(s, 5000, lost, &losses, NULL), ERR_OK,
	       "a lease is granted");
	deadline = store_lease_deadline_ms(s);
	ok(deadline > now && deadline <= clock_mono_ms() + 5000,
	   "its deadline is ahead, by no more than its time");
	ok(put_leased(s, "r/1", "mine", 1) == ERR_OK &&
	   put_leased(s, "r/2", "mine", 1) == ERR_OK &&
	   put_leased(s, "kept", "here", 0) == ERR_OK, "keys are written");
	ok(put_leased(s, "r/2", "free", 0) == ERR_OK,
	   "one is taken off the lease");
	ok(holds(s, "r/1", "mine"), "a leased key is there");
	store_close(s);
	s = bed_open(&b);
	ok(lacks(s, "r/1"), "it is gone after the close");
	ok(holds(s, "r/2", "free") && holds(s, "kept", "here"),
	   "the others are not");
	is_int(put_if(s, "r/1", 0, "r/1", "next"), ERR_OK,
	       "so it may be made again");
	is_int(store_lease_deadline_ms(s), 0, "the lease itself is gone");
	is_int(losses, 0, "and nobody called it lost");
	store_close(s);
	bed_end(&b);
}

/* ---- two clients of one store ---- */

static void
test_two_clients(const struct bed *b)
{
	struct watch w;
	struct store *one = bed_open(b), *two = bed_open(b);
	atomic_int losses = 0;
	int64_t revision = 0, barrier = 0;
	int bad = 0;

	watch_init(&w);
	is_int(store_follow(two, &watcher, &w, NULL), ERR_OK, "one follows");
	for (int i = 0; i < 10; i++) {
		bad += put(one, "k", "v", &revision) != ERR_OK;
		bad += store_barrier(two, &barrier, NULL) != ERR_OK;
		bad += barrier < revision || !watch_reaches(&w, barrier);
		bad += count_events(&w, "k", "v", revision) != 1;
	}
	is_int(bad, 0, "a barrier of one client includes what the other "
	       "committed");
	is_int(put_if(two, "k", 0, "k", "w"), ERR_CONFLICT,
	       "guards see the other's commits");
	ok(store_lease_grant(one, 5000, lost, &losses, NULL) == ERR_OK &&
	   put_leased(one, "r/1", "one", 1) == ERR_OK && holds(two, "r/1", "one"),
	   "one sees the other's leased key");
	store_close(one);
	ok(store_barrier(two, &barrier, NULL) == ERR_OK &&
	   watch_reaches(&w, barrier) && lacks(two, "r/1"),
	   "it goes when the other closes");
	is_int(w.disorder, 0, "in order");
	store_close(two);
	watch_release(&w);
}

/* What others do beside our prefix raises revisions, too. */
static void
test_strangers(const struct bed *b)
{
	struct watch w;
	struct bed other;
	struct store *s = bed_open(b), *stranger;
	int64_t barrier = 0, theirs = 0;

	bed_make(&other);
	stranger = bed_open(&other);
	watch_init(&w);
	ok(store_follow(s, &watcher, &w, NULL) == ERR_OK &&
	   put(stranger, "foreign", "1", &theirs) == ERR_OK &&
	   put(stranger, "foreign", "2", &theirs) == ERR_OK,
	   "a stranger works on the same store");
	ok(store_barrier(s, &barrier, NULL) == ERR_OK &&
	   watch_reaches(&w, barrier), "barriers are reached nevertheless");
	ok(lacks(s, "foreign"), "and its keys are not ours");
	store_close(s);
	store_close(stranger);
	watch_release(&w);
	bed_end(&other);
}

static void
test_sharing(void)
{
	struct bed b;
	struct store *s;
	int shared;

	bed_make(&b);
	s = bed_open(&b);
	shared = store_is_shared(s);
	store_close(s);
	if (shared) {
		test_two_clients(&b);
		test_strangers(&b);
	}
	bed_end(&b);
}

int
main(int argc, char **argv)
{
	char tmpl[] = "/tmp/t-store.XXXXXX";
	int r;

	given_spec = argc > 1 ? argv[1] : getenv("BRICKYARD_TEST_STORE");
	if (given_spec == NULL)
		dir = mkdtemp(tmpl);
	test_specs();
	test_description();
	test_guards();
	test_conflict_text();
	test_atomicity();
	test_revisions_grow();
	test_changes_of_nothing();
	test_cap_of_writes();
	test_cap_of_values();
	test_caps_of_keys();
	test_binary_values();
	test_odd_keys();
	test_prefixes();
	test_large_load();
	test_snapshot();
	test_snapshot_of_nothing();
	test_barrier();
	test_changes_from_many_threads();
	test_no_lost_update();
	test_lease();
	test_sharing();
	r = tap_done();
	if (dir != NULL) {
		CLEANUP_FREE char *rm = xasprintf("rm -rf '%s'", dir);

		if (system(rm) != 0)
			puts("# the temporary directory was left");
	}
	return r;
}
