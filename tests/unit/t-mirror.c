/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mirror over the embedded store, and over a store made of strings that
 * tells what the test wants told.
 */
#include <config.h>

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "store/codec.h"
#include "store/mirror.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/xalloc.h"

#include "tests/tap.h"

#define WAIT_MS 10000

static void
nap_ms(int ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000L };

	nanosleep(&ts, NULL);
}

/* ---- a store that does as it is told ---- */

struct fake {
	struct store base;
	const struct store_watcher *watcher;
	void *arg;
	struct store_kv *start;		/* its first snapshot */
	size_t nstart;
	int64_t start_revision;

	pthread_mutex_t lock;
	pthread_cond_t turn;
	bool hold;			/* barriers wait */
	int barriers, inside, overlaps;
	int64_t barrier;		/* what they answer */
	enum err barrier_result;
};

static enum err
fake_follow(struct store *s, const struct store_watcher *w, void *arg,
	    struct error *err)
{
	struct fake *f = (struct fake *)s;

	f->watcher = w;
	f->arg = arg;
	w->snapshot(arg, f->start, f->nstart, f->start_revision);
	return ERR_OK;
}

static enum err
fake_barrier(struct store *s, int64_t *ret, struct error *err)
{
	struct fake *f = (struct fake *)s;
	LOCK_FOR_SCOPE(&f->lock);

	f->barriers++;
	f->overlaps += f->inside++ > 0;
	pthread_cond_broadcast(&f->turn);
	while (f->hold)
		pthread_cond_wait(&f->turn, &f->lock);
	f->inside--;
	if (f->barrier_result != ERR_OK)
		return fail(err, f->barrier_result, "the store is away");
	*ret = f->barrier;
	return ERR_OK;
}

/* A store that hangs, and gives up in time. */
static enum err
fake_barrier_within(struct store *s, int timeout_ms, int64_t *ret,
		    struct error *err)
{
	struct fake *f = (struct fake *)s;
	LOCK_FOR_SCOPE(&f->lock);
	int64_t deadline_ms = clock_mono_ms() + timeout_ms;

	f->barriers++;
	pthread_cond_broadcast(&f->turn);
	while (f->hold)
		if (cond_wait_until(&f->turn, &f->lock, deadline_ms) ==
		    ETIMEDOUT)
			return fail(err, ERR_STORE, "the store says nothing");
	*ret = f->barrier;
	return ERR_OK;
}

static const struct store_ops fake_ops = {
	.follow = fake_follow,
	.barrier = fake_barrier,
};

static const struct store_ops fake_ops_in_time = {
	.follow = fake_follow,
	.barrier_within = fake_barrier_within,
};

static void
fake_init(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	f->base.ops = &fake_ops;
	pthread_mutex_init(&f->lock, NULL);
	cond_init_mono(&f->turn);
}

static void
fake_hold(struct fake *f, bool hold)
{
	LOCK_FOR_SCOPE(&f->lock);

	f->hold = hold;
	pthread_cond_broadcast(&f->turn);
}

static void
fake_wait_for_barrier(struct fake *f, int n)
{
	LOCK_FOR_SCOPE(&f->lock);

	while (f->barriers < n)
		pthread_cond_wait(&f->turn, &f->lock);
}

static struct store_kv
kv(const char *key, const char *value, int64_t revision)
{
	return (struct store_kv){ key, value, value ? strlen(value) : 0,
				  revision };
}

static void
fake_change(struct fake *f, const char *key, const char *value,
	    int64_t revision)
{
	struct store_kv one = kv(key, value, revision);

	f->watcher->changes(f->arg, &one, 1, revision);
}

#define NODE(zone) "{\"v\":1,\"cluster\":\"c\",\"zone\":" #zone "}"

/* ---- an observer that writes down ---- */

static void
on_reset(void *arg)
{
	buf_adds(arg, "reset ");
}

static void
on_changed(void *arg, const struct record *was, const struct record *now)
{
	const struct record *r = now != NULL ? now : was;

	buf_addf(arg, "%s%s%s@%lld ", was == NULL ? "+" : now == NULL ? "-" :
		 "", r->key, was != NULL && now != NULL ? "!" : "",
		 (long long)r->revision);
}

static const struct mirror_observer observer = { on_reset, on_changed };
static const struct mirror_observer no_reset = { NULL, on_changed };

static void
is_told(struct buf *b, const char *want, const char *why)
{
	is_str(buf_str(b), want, "%s", why);
	buf_clear(b);
}

/* ---- observers, snapshots, quarantine ---- */

static void
is_list(struct mirror *m, enum record_kind kind, const char *want,
	const char *why)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	size_t n;
	struct record **v = mirror_list(m, kind, &n);

	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s ", v[i]->key);
	mirror_list_free(v, n);
	is_str(buf_str(&b), want, "%s", why);
	is_int(mirror_count(m, kind), n, "as many as counted");
}

static void
test_observers(void)
{
	CLEANUP(buf_release) struct buf one = { 0 }, two = { 0 };
	struct store_kv start[] = {
		kv("nodes/b", NODE(1), 3), kv("nodes/a", NODE(1), 4),
		kv("clusters/c", "{\"v\":1}", 2), kv("future/x", "?", 1),
	};
	struct store_kv changes[] = {
		kv("nodes/a", NODE(2), 8), kv("nodes/b", NULL, 8),
		kv("nodes/n", NODE(1), 8), kv("nodes/none", NULL, 8),
		kv("future/x", "!", 8),
	};
	struct fake f;
	struct mirror *m;
	RECORD_SCOPE struct node *before = NULL, *after = NULL;

	fake_init(&f);
	f.start = start;
	f.nstart = ARRAY_SIZE(start);
	f.start_revision = 7;
	m = mirror_new(&f.base);
	ok(mirror_store(m) == &f.base, "the mirror knows its store");
	mirror_observe(m, &observer, &one);
	mirror_observe(m, &no_reset, &two);
	is_int(mirror_start(m, NULL), ERR_OK, "start");
	is_told(&one, "+clusters/c@2 +nodes/a@4 +nodes/b@3 ",
		"everything is told as new at the start");
	is_told(&two, "+clusters/c@2 +nodes/a@4 +nodes/b@3 ", "to all");
	is_int(mirror_revision(m), 7, "the snapshot's revision is reached");
	before = (struct node *)mirror_get(m, RECORD_NODE, "a");
	f.watcher->changes(f.arg, changes, ARRAY_SIZE(changes), 8);
	is_told(&one, "nodes/a!@8 -nodes/b@3 +nodes/n@8 ",
		"changes are told in order");
	is_int(mirror_revision(m), 8, "and reached");
	after = (struct node *)mirror_get(m, RECORD_NODE, "a");
	ok(before->zone == 1 && after->zone == 2,
	   "a record that a reader holds does not change");
	is_list(m, RECORD_NODE, "nodes/a nodes/n ", "lists are in order");
	is_list(m, RECORD_VOLUME, "", "and may be empty");
	ok(mirror_get(m, RECORD_NODE, "b") == NULL, "what is gone is gone");
	ok(mirror_get(m, RECORD_CLUSTER, "a") == NULL, "kinds are apart");
	f.watcher->changes(f.arg, NULL, 0, 12);
	is_int(mirror_revision(m), 12, "a mere progress is reached, too");
	mirror_free(m);
}

static void
test_later_snapshot(void)
{
	CLEANUP(buf_release) struct buf told = { 0 };
	struct store_kv start[] = {
		kv("nodes/a", NODE(1), 1), kv("nodes/b", NODE(1), 2),
		kv("nodes/c", NODE(1), 3), kv("nodes/q", "broken", 3),
	};
	struct store_kv later[] = {
		kv("nodes/b", NODE(1), 2), kv("nodes/c", NODE(5), 9),
		kv("nodes/d", NODE(1), 8), kv("nodes/q", NODE(1), 7),
	};
	RECORD_SCOPE struct record *b = NULL, *same = NULL;
	CLEANUP(strs_release) struct strs bad = { 0 };
	struct fake f;
	struct mirror *m;

	fake_init(&f);
	f.start = start;
	f.nstart = ARRAY_SIZE(start);
	f.start_revision = 3;
	m = mirror_new(&f.base);
	mirror_observe(m, &observer, &told);
	is_int(mirror_start(m, NULL), ERR_OK, "start");
	buf_clear(&told);
	b = mirror_get(m, RECORD_NODE, "b");
	f.watcher->snapshot(f.arg, later, ARRAY_SIZE(later), 9);
	is_told(&told, "-nodes/a@1 nodes/c!@9 +nodes/d@8 +nodes/q@7 ",
		"a later snapshot tells the difference");
	same = mirror_get(m, RECORD_NODE, "b");
	ok(b == same, "what did not change stays the same object");
	is_list(m, RECORD_NODE, "nodes/b nodes/c nodes/d nodes/q ",
		"nothing stale is left");
	mirror_quarantined(m, &bad);
	is_int(bad.n, 0, "and the quarantine is made anew");
	f.watcher->snapshot(f.arg, later, 2, 5);
	is_told(&told, "reset +nodes/b@2 +nodes/c@9 ",
		"a snapshot from before resets all, even equal revisions");
	is_list(m, RECORD_NODE, "nodes/b nodes/c ", "and leaves nothing stale");
	is_int(mirror_revision(m), 5, "its revision counts");
	f.watcher->snapshot(f.arg, NULL, 0, 6);
	is_told(&told, "-nodes/b@2 -nodes/c@9 ", "an empty one removes all");
	mirror_free(m);
}

static void
is_quarantined(struct mirror *m, const char *want, const char *why)
{
	CLEANUP(strs_release) struct strs bad = { 0 };
	CLEANUP_FREE char *joined = NULL;

	mirror_quarantined(m, &bad);
	joined = strs_join(&bad, "; ");
	is_str(joined, want, "%s", why);
}

static void
test_quarantine(void)
{
	CLEANUP(buf_release) struct buf told = { 0 };
	struct store_kv start[] = {
		kv("nodes/a", NODE(1), 1), kv("nodes/b", "{\"v\":99}", 1),
	};
	struct fake f;
	struct mirror *m;

	fake_init(&f);
	f.start = start;
	f.nstart = ARRAY_SIZE(start);
	f.start_revision = 1;
	m = mirror_new(&f.base);
	mirror_observe(m, &observer, &told);
	is_int(mirror_start(m, NULL), ERR_OK,
	       "an unreadable document does not stop the start");
	is_told(&told, "+nodes/a@1 ", "it is no record");
	is_quarantined(m, "nodes/b: written by a newer Brickyard (version 99, "
		       "this one reads up to 1)", "but listed, with the reason");
	fake_change(&f, "nodes/a", "{\"v\":1}", 2);
	is_told(&told, "-nodes/a@1 ",
		"a record whose document became unreadable goes away");
	ok(mirror_get(m, RECORD_NODE, "a") == NULL, "nothing stale is shown");
	fake_change(&f, "nodes/b", NODE(1), 3);
	is_told(&told, "+nodes/b@3 ", "one that can be read again appears");
	is_quarantined(m, "nodes/a: member 'cluster' is missing",
		       "and leaves the list");
	fake_change(&f, "nodes/a", NULL, 4);
	is_quarantined(m, "", "so does a deleted one");
	is_told(&told, "", "of which nobody need be told");
	mirror_free(m);
}

static void
test_quarantine_is_capped(void)
{
	struct fake f;
	struct mirror *m;
	struct strs bad = { 0 };

	fake_init(&f);
	m = mirror_new(&f.base);
	is_int(mirror_start(m, NULL), ERR_OK, "start with nothing");
	for (int i = 0; i < 1500; i++) {
		char key[32];

		snprintf(key, sizeof(key), "nodes/%d", i);
		fake_change(&f, key, "?", i + 1);
	}
	mirror_quarantined(m, &bad);
	is_int(bad.n, 1001, "the quarantine has an end");
	has_str(bad.v[1000], "more", "and says that there is more");
	strs_release(&bad);
	mirror_free(m);
}

/* ---- waiting ---- */

static void *
change_later(void *arg)
{
	nap_ms(30);
	fake_change(arg, "nodes/a", NODE(1), 5);
	return NULL;
}

static void
test_waiting(void)
{
	struct fake f;
	struct mirror *m;
	struct error err;
	pthread_t t;
	int64_t before = clock_mono_ms();

	fake_init(&f);
	m = mirror_new(&f.base);
	is_int(mirror_start(m, NULL), ERR_OK, "start");
	is_int(mirror_wait(m, 0, 0, NULL), ERR_OK, "what is reached is reached");
	is_int(mirror_wait(m, 5, 20, &err), ERR_TIMEOUT, "what isn't is not");
	has_str(err.text, "at revision 0, 5", "the text says how far it is");
	ok(clock_mono_ms() >= before + 19, "a timeout takes its time");
	pthread_create(&t, NULL, change_later, &f);
	is_int(mirror_wait(m, 5, WAIT_MS, NULL), ERR_OK,
	       "a waiter is woken by the change");
	pthread_join(t, NULL);
	f.barrier_result = ERR_STORE;
	is_int(mirror_sync(m, WAIT_MS, &err), ERR_STORE,
	       "a barrier that fails");
	is_str(err.text, "the store is away", "fails the sync in its words");
	f.barrier_result = ERR_OK;
	f.barrier = 9;
	is_int(mirror_sync(m, 20, &err), ERR_TIMEOUT,
	       "a barrier that is not reached times out");
	mirror_free(m);
}

struct syncer {
	pthread_t thread;
	struct mirror *m;
	int timeout_ms;
	enum err result;
	atomic_int done;
};

static void *
sync_once(void *arg)
{
	struct syncer *s = arg;

	s->result = mirror_sync(s->m, s->timeout_ms, NULL);
	atomic_store(&s->done, 1);
	return NULL;
}

static void
start_syncers(struct syncer *v, size_t n, struct mirror *m, int timeout_ms)
{
	for (size_t i = 0; i < n; i++) {
		v[i] = (struct syncer){ .m = m, .timeout_ms = timeout_ms };
		pthread_create(&v[i].thread, NULL, sync_once, &v[i]);
	}
}

static int
join_syncers(struct syncer *v, size_t n, enum err want)
{
	int bad = 0;

	for (size_t i = 0; i < n; i++) {
		pthread_join(v[i].thread, NULL);
		bad += v[i].result != want;
	}
	return bad;
}

static void
test_barriers_are_shared(void)
{
	struct syncer first, rest[12];
	struct fake f;
	struct mirror *m;

	fake_init(&f);
	m = mirror_new(&f.base);
	is_int(mirror_start(m, NULL), ERR_OK, "start");
	fake_hold(&f, true);
	start_syncers(&first, 1, m, WAIT_MS);
	fake_wait_for_barrier(&f, 1);
	start_syncers(rest, 12, m, WAIT_MS);
	nap_ms(50);	/* all of them wait by now, or the count shows it */
	is_int(f.barriers, 1, "one barrier at a time");
	fake_hold(&f, false);
	is_int(join_syncers(&first, 1, ERR_OK), 0, "the first is answered");
	is_int(join_syncers(rest, 12, ERR_OK), 0, "so are all the others");
	is_int(f.barriers, 2, "by one barrier that began after they came");
	is_int(f.overlaps, 0, "never two at once");
	mirror_free(m);
}

/* The barrier at the store was asked before we came: it can't be ours, even
 * though it is answered while we wait.
 */
static void
test_barrier_begins_after_the_call(void)
{
	struct syncer first, second;
	struct fake f;
	struct mirror *m;

	fake_init(&f);
	m = mirror_new(&f.base);
	is_int(mirror_start(m, NULL), ERR_OK, "start");
	fake_hold(&f, true);
	start_syncers(&first, 1, m, WAIT_MS);
	fake_wait_for_barrier(&f, 1);
	start_syncers(&second, 1, m, WAIT_MS);
	nap_ms(50);
	pthread_mutex_lock(&f.lock);
	f.hold = false;		/* the first one is answered with 0 … */
	pthread_cond_broadcast(&f.turn);
	while (f.inside > 0 && f.barriers == 1) {
		pthread_mutex_unlock(&f.lock);
		nap_ms(1);
		pthread_mutex_lock(&f.lock);
	}
	f.barrier = 5;		/* … then somebody commits */
	pthread_mutex_unlock(&f.lock);
	is_int(join_syncers(&first, 1, ERR_OK), 0, "the first has its answer");
	fake_change(&f, "nodes/a", NODE(1), 5);
	is_int(join_syncers(&second, 1, ERR_OK), 0, "the second has its own");
	is_int(f.barriers, 2, "from a barrier of its own");
	mirror_free(m);
}

static void
test_impatient_syncers(void)
{
	struct syncer first, rest[3];
	struct fake f;
	struct mirror *m;

	fake_init(&f);
	m = mirror_new(&f.base);
	is_int(mirror_start(m, NULL), ERR_OK, "start");
	fake_hold(&f, true);
	start_syncers(&first, 1, m, WAIT_MS);
	fake_wait_for_barrier(&f, 1);
	start_syncers(rest, 3, m, 20);
	is_int(join_syncers(rest, 3, ERR_TIMEOUT), 0,
	       "those who wait for a barrier give up in time");
	fake_hold(&f, false);
	is_int(join_syncers(&first, 1, ERR_OK), 0, "the others go on");
	is_int(f.barriers, 1, "a barrier that nobody wants is not asked for");
	is_int(mirror_sync(m, WAIT_MS, NULL), ERR_OK, "and the next one works");
	mirror_free(m);
}

static void
test_silent_store(void)
{
	struct fake f;
	struct mirror *m;
	int64_t before = clock_mono_ms();
	struct error err;

	fake_init(&f);
	f.base.ops = &fake_ops_in_time;
	m = mirror_new(&f.base);
	is_int(mirror_start(m, NULL), ERR_OK, "start");
	fake_hold(&f, true);
	is_int(mirror_sync(m, 30, &err), ERR_STORE,
	       "who asks the store himself gives up in time, too");
	ok(clock_mono_ms() - before < WAIT_MS / 2, "and not later");
	is_str(err.text, "the store says nothing", "in the store's words");
	mirror_free(m);
}

/* Whichever of them asks for all. */
static void
test_short_of_time_is_who_asks_for_all(void)
{
	struct syncer first, hurried, patient;
	struct fake f;
	struct mirror *m;

	fake_init(&f);
	f.base.ops = &fake_ops_in_time;
	m = mirror_new(&f.base);
	is_int(mirror_start(m, NULL), ERR_OK, "start");
	/* Which of the two that wait asks next is up to the threads. */
	for (int i = 0; i < 8; i++) {
		int before = f.barriers;

		fake_hold(&f, true);
		start_syncers(&first, 1, m, 60);
		fake_wait_for_barrier(&f, before + 1);
		start_syncers(&hurried, 1, m, 200);
		nap_ms(10);
		start_syncers(&patient, 1, m, WAIT_MS);
		join_syncers(&first, 1, ERR_STORE);
		pthread_join(hurried.thread, NULL);
		ok(hurried.result != ERR_OK, "who is in a hurry gives up");
		fake_hold(&f, false);
		is_int(join_syncers(&patient, 1, ERR_OK), 0,
		       "who isn't is not told so, but has his time");
	}
	mirror_free(m);
}

/* ---- over a real store ---- */

struct bed {
	struct store *s;
	struct mirror *m;
};

static void
bed_open(struct bed *b)
{
	int bad = store_open("sqlite::memory:", NULL, &b->s, NULL) != ERR_OK;

	assert(!bad);
	b->m = mirror_new(b->s);
}

static void
bed_close(struct bed *b)
{
	store_close(b->s);
	mirror_free(b->m);
}

static enum err
save(struct mirror *m, const struct record *r)
{
	CLEANUP_FREE char *doc = record_encode(r);
	struct store_guard g = { r->key, r->revision };
	struct store_write w = { r->key, doc, strlen(doc), 0 };

	return mirror_commit(m, &g, 1, &w, 1, NULL);
}

static void
test_commit_is_seen(void)
{
	struct bed b;
	RECORD_SCOPE struct node *n = node_new("n1");
	RECORD_SCOPE struct node *seen = NULL, *copy = NULL, *newer = NULL;

	bed_open(&b);
	is_int(mirror_start(b.m, NULL), ERR_OK, "start");
	n->zone = 3;
	is_int(save(b.m, &n->r), ERR_OK, "a commit");
	seen = (struct node *)mirror_get(b.m, RECORD_NODE, "n1");
	ok(seen != NULL && seen->zone == 3, "is seen when it returns");
	is_int(save(b.m, &n->r), ERR_CONFLICT, "a conflict is passed on");
	copy = node_copy(seen);
	copy->zone = 4;
	is_int(save(b.m, &copy->r), ERR_OK, "a changed copy is committed");
	newer = (struct node *)mirror_get(b.m, RECORD_NODE, "n1");
	ok(seen->zone == 3 && newer->zone == 4 &&
	   newer->r.revision > seen->r.revision, "and takes its place");
	is_int(mirror_sync(b.m, WAIT_MS, NULL), ERR_OK, "sync");
	ok(mirror_revision(b.m) == newer->r.revision, "is at that revision");
	mirror_rdlock(b.m);
	ok(mirror_peek(b.m, RECORD_NODE, "n1") == &newer->r &&
	   mirror_peek(b.m, RECORD_NODE, "n2") == NULL, "it can be peeked at");
	mirror_unlock(b.m);
	bed_close(&b);
}

static void
test_names_below_index(void)
{
	struct bed b;
	char longest[2000];
	RECORD_SCOPE struct index_entry *e =
		index_new(RECORD_INDEX, "volumes/c/my volume", "v1");
	RECORD_SCOPE struct record *got = NULL;

	bed_open(&b);
	is_int(mirror_start(b.m, NULL), ERR_OK, "start");
	is_int(save(b.m, &e->r), ERR_OK, "an index entry");
	got = mirror_get(b.m, RECORD_INDEX, "volumes/c/my volume");
	ok(got != NULL && strcmp(((struct index_entry *)got)->value, "v1") == 0,
	   "is found by what follows the prefix");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	ok(mirror_get(b.m, RECORD_INDEX, longest) == NULL,
	   "a name longer than any key is just not there");
	bed_close(&b);
}

#define THREADS 4
#define ROUNDS	100

struct worker {
	pthread_t thread;
	struct mirror *m;
	int number;
	int bad;
};

/* Each reads its own writes, and after a sync the highest that any thread had
 * committed before it.
 */
static _Atomic int64_t committed;

static void
raise_to(int64_t revision)
{
	int64_t was = atomic_load(&committed);

	while (was < revision &&
	       !atomic_compare_exchange_weak(&committed, &was, revision))
		;
}

static void *
write_and_read(void *arg)
{
	struct worker *w = arg;
	char id[8];

	snprintf(id, sizeof(id), "n%d", w->number);
	for (int i = 0; i < ROUNDS; i++) {
		RECORD_SCOPE struct record *now =
			mirror_get(w->m, RECORD_NODE, id);
		RECORD_SCOPE struct node *n = now != NULL ?
			node_copy((struct node *)now) : node_new(id);
		RECORD_SCOPE struct record *seen = NULL;
		int64_t before;

		n->zone = i;
		w->bad += save(w->m, &n->r) != ERR_OK;
		seen = mirror_get(w->m, RECORD_NODE, id);
		w->bad += seen == NULL || ((struct node *)seen)->zone != i;
		if (seen != NULL)
			raise_to(seen->revision);
		before = atomic_load(&committed);
		w->bad += mirror_sync(w->m, WAIT_MS, NULL) != ERR_OK;
		w->bad += mirror_revision(w->m) < before;
	}
	return NULL;
}

static void *
read_lists(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		size_t n;
		struct record **v = mirror_list(w->m, RECORD_NODE, &n);

		for (size_t j = 1; j < n; j++)
			w->bad += strcmp(v[j - 1]->key, v[j]->key) >= 0;
		mirror_list_free(v, n);
	}
	return NULL;
}

static void
count_changes(void *arg, const struct record *was, const struct record *now)
{
	++*(int *)arg;
}

static void
test_many_threads(void)
{
	static const struct mirror_observer counting = { NULL, count_changes };
	struct worker w[THREADS + 2];
	struct bed b;
	int bad = 0, changes = 0;

	bed_open(&b);
	mirror_observe(b.m, &counting, &changes);
	is_int(mirror_start(b.m, NULL), ERR_OK, "start");
	for (int i = 0; i < THREADS + 2; i++) {
		w[i] = (struct worker){ .m = b.m, .number = i };
		pthread_create(&w[i].thread, NULL,
			       i < THREADS ? write_and_read : read_lists, &w[i]);
	}
	for (int i = 0; i < THREADS + 2; i++) {
		pthread_join(w[i].thread, NULL);
		bad += w[i].bad;
	}
	is_int(bad, 0, "every thread sees its own commits, and after a sync "
	       "those of all");
	is_int(changes, THREADS * ROUNDS, "the observer saw each change once");
	is_int(mirror_count(b.m, RECORD_NODE), THREADS, "all are there");
	bed_close(&b);
}

/* Peeking from an observer shows what the whole commit left. */
struct peeker {
	struct mirror *m;
	int bad, seen;
};

static void
peek_at_both(void *arg, const struct record *was, const struct record *now)
{
	struct peeker *p = arg;
	const struct record *x = mirror_peek(p->m, RECORD_NODE, "x");
	const struct record *y = mirror_peek(p->m, RECORD_NODE, "y");

	p->seen++;
	p->bad += x == NULL || y == NULL || x->revision != y->revision;
}

static void
test_observers_see_whole_commits(void)
{
	static const struct mirror_observer peeking = { NULL, peek_at_both };
	struct store_write w[2] = {
		{ "nodes/x", NODE(1), sizeof(NODE(1)) - 1, 0 },
		{ "nodes/y", NODE(1), sizeof(NODE(1)) - 1, 0 },
	};
	struct peeker p = { 0 };
	struct bed b;

	bed_open(&b);
	p.m = b.m;
	mirror_observe(b.m, &peeking, &p);
	is_int(mirror_start(b.m, NULL), ERR_OK, "start");
	for (int i = 0; i < 3; i++)
		p.bad += mirror_commit(b.m, NULL, 0, w, 2, NULL) != ERR_OK;
	is_int(p.seen, 6, "an observer is told of each");
	is_int(p.bad, 0, "and sees both as the commit left them");
	bed_close(&b);
}

int
main(void)
{
	test_observers();
	test_later_snapshot();
	test_quarantine();
	test_quarantine_is_capped();
	test_waiting();
	test_barriers_are_shared();
	test_barrier_begins_after_the_call();
	test_impatient_syncers();
	test_silent_store();
	test_short_of_time_is_who_asks_for_all();
	test_commit_is_seen();
	test_names_below_index();
	test_many_threads();
	test_observers_see_whole_commits();
	return tap_done();
}
