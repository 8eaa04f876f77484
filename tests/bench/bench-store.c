/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many commits and barriers a second a store makes, with 1 and 16 threads:
 * "bench-store SPEC…" (default: an SQLite file in the current directory, and
 * one in memory).  Each commit writes a document of 1,500 bytes and a small
 * one, with one guard, as a volume's create does.
 */
#include <config.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/mirror.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/id.h"
#include "util/xalloc.h"

#define RUN_MS	1500
#define DOC	1500

struct bench {
	struct store *s;
	struct mirror *m;
	void (*once)(struct bench *, int thread, int i);
	int64_t end_ms;
	atomic_long done, failed;
};

struct thread {
	pthread_t id;
	struct bench *b;
	int number;
};

static void
commit_once(struct bench *b, int thread, int i)
{
	char doc[DOC], key[2][64];
	struct store_write w[2] = {
		{ key[0], doc, sizeof(doc), 0 }, { key[1], doc, 40, 0 },
	};
	struct store_guard g = { key[0], 0 };

	memset(doc, 'x', sizeof(doc));
	snprintf(key[0], sizeof(key[0]), "bench/%08x%02d", i * 2654435761u,
		 thread);
	snprintf(key[1], sizeof(key[1]), "index/bench/%d", thread);
	if (store_commit(b->s, &g, 1, w, 2, NULL, NULL) != ERR_OK)
		atomic_fetch_add(&b->failed, 1);
}

static void
barrier_once(struct bench *b, int thread, int i)
{
	int64_t revision;

	if (store_barrier(b->s, &revision, NULL) != ERR_OK)
		atomic_fetch_add(&b->failed, 1);
}

static void
sync_once(struct bench *b, int thread, int i)
{
	if (mirror_sync(b->m, 10000, NULL) != ERR_OK)
		atomic_fetch_add(&b->failed, 1);
}

static void *
run_thread(void *arg)
{
	struct thread *t = arg;
	static atomic_int serial;

	while (clock_mono_ms() < t->b->end_ms) {
		t->b->once(t->b, t->number, atomic_fetch_add(&serial, 1));
		atomic_fetch_add(&t->b->done, 1);
	}
	return NULL;
}

static void
run(struct bench *b, const char *what, int nthreads)
{
	struct thread t[16];
	int64_t start = clock_mono_ms(), took;

	atomic_store(&b->done, 0);
	atomic_store(&b->failed, 0);
	b->end_ms = start + RUN_MS;
	for (int i = 0; i < nthreads; i++) {
		t[i] = (struct thread){ .b = b, .number = i };
		pthread_create(&t[i].id, NULL, run_thread, &t[i]);
	}
	for (int i = 0; i < nthreads; i++)
		pthread_join(t[i].id, NULL);
	took = clock_mono_ms() - start;
	printf("%-28.28s %-8s %2d threads %9.0f/s", store_describe(b->s), what,
	       nthreads, (double)atomic_load(&b->done) * 1000 / (double)took);
	if (atomic_load(&b->failed) > 0)
		printf(" (%ld failed)", atomic_load(&b->failed));
	printf("\n");
}

static int
add_key(void *arg, const struct store_kv *kv)
{
	strs_add(arg, kv->key);
	return 0;
}

static void
wipe(struct store *s)
{
	CLEANUP(strs_release) struct strs keys = { 0 };
	struct store_write w[STORE_COMMIT_MAX];

	if (store_load(s, "", add_key, &keys, NULL, NULL) != ERR_OK)
		return;
	for (size_t i = 0, n; i < keys.n; i += n) {
		for (n = 0; n < STORE_COMMIT_MAX && i + n < keys.n; n++)
			w[n] = (struct store_write){ .key = keys.v[i + n] };
		if (store_commit(s, NULL, 0, w, n, NULL, NULL) != ERR_OK)
			return;
	}
}

static int
bench(const char *spec)
{
	static const char *const options[] = { "prefix", "/brickyard-bench/",
					       NULL };
	struct bench b = { 0 };
	struct error err;

	if (store_open(spec, options, &b.s, &err) != ERR_OK) {
		fprintf(stderr, "bench-store: %s\n", err.text);
		return 1;
	}
	b.m = mirror_new(b.s);
	if (mirror_start(b.m, &err) != ERR_OK) {
		fprintf(stderr, "bench-store: %s\n", err.text);
		return 1;
	}
	b.once = commit_once;
	run(&b, "commit", 1);
	run(&b, "commit", 16);
	b.once = barrier_once;
	run(&b, "barrier", 1);
	run(&b, "barrier", 16);
	b.once = sync_once;
	run(&b, "sync", 1);
	run(&b, "sync", 16);
	wipe(b.s);
	store_close(b.s);
	mirror_free(b.m);
	return 0;
}

static int
bench_own_file(void)
{
	char dir[] = "bench-store.XXXXXX";
	CLEANUP_FREE char *spec = NULL, *rm = NULL;
	int r;

	if (mkdtemp(dir) == NULL) {
		perror("bench-store: mkdtemp");
		return 1;
	}
	spec = xasprintf("sqlite:%s/db", dir);
	r = bench(spec);
	rm = xasprintf("rm -rf %s", dir);
	return system(rm) != 0 || r;
}

int
main(int argc, char **argv)
{
	int r = 0;

	if (argc == 1)
		return bench_own_file() | bench("sqlite::memory:");
	for (int i = 1; i < argc; i++)
		r |= bench(argv[i]);
	return r;
}
