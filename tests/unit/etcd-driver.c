/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drives a store for the tests in Python: one command per line on stdin, one
 * line of answer each, "ok …" or "err CODE TEXT".
 *
 *	open SPEC [OPTION=VALUE…]	close
 *	commit [g:KEY@REV | p:KEY=VALUE | l:KEY=VALUE | d:KEY]…	ok REV
 *	big COUNT BYTES			so many puts below big/, 50 a commit
 *	load [PREFIX]			ok REV KEY=VALUE@REV…
 *	count [PREFIX]			ok REV N
 *	barrier				ok REV
 *	follow				ok
 *	reach REV MS			ok, when the watcher is there
 *	events				ok S:REV:N  C:REV:KEY=VALUE,KEY-,…
 *	lease MS, deadline, lost	ok, ok MS_LEFT, ok COUNT
 *	run THREADS MS			counting commits; see run_counters
 *	bench commit|barrier THREADS MS	ok PER_SECOND
 */
#include <config.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define WORDS_MAX 300
#define THREADS_MAX 64

static struct store *store;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved;
static struct buf events;	/* under lock, like the next two */
static int64_t reached;
static int disorder;
static _Atomic int lost_count;

static void
answer(enum err e, const struct error *err, const char *text)
{
	if (e == ERR_OK)
		printf("ok%s%s\n", text[0] != '\0' ? " " : "", text);
	else
		printf("err %s %s\n", err_code(e), err->text);
	fflush(stdout);
}

static void
answer_number(enum err e, const struct error *err, int64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, n);
	answer(e, err, text);
}

/* ---- the watcher ---- */

static void
on_snapshot(void *arg, const struct store_kv *kvs, size_t n, int64_t revision)
{
	LOCK_FOR_SCOPE(&lock);

	buf_addf(&events, " S:%" PRId64 ":%zu", revision, n);
	reached = revision;
	pthread_cond_broadcast(&moved);
}

static void
on_changes(void *arg, const struct store_kv *kvs, size_t n, int64_t revision)
{
	LOCK_FOR_SCOPE(&lock);

	buf_addf(&events, " C:%" PRId64 ":", revision);
	for (size_t i = 0; i < n; i++) {
		if (kvs[i].revision != revision)
			disorder = 1;
		if (kvs[i].value == NULL)
			buf_addf(&events, "%s%s-", i ? "," : "", kvs[i].key);
		else
			buf_addf(&events, "%s%s=%.20s", i ? "," : "",
				 kvs[i].key, kvs[i].value);
	}
	if (revision <= reached)
		disorder = 1;
	reached = revision;
	pthread_cond_broadcast(&moved);
}

static const struct store_watcher watcher = { on_snapshot, on_changes };

static void
do_reach(int64_t revision, int ms)
{
	LOCK_FOR_SCOPE(&lock);
	int64_t until = clock_mono_ms() + ms;

	while (reached < revision && clock_mono_ms() < until)
		cond_wait_until(&moved, &lock, until);
	printf("%s %" PRId64 "\n", reached >= revision ? "ok" :
	       "err timeout at", reached);
	fflush(stdout);
}

static void
do_events(void)
{
	LOCK_FOR_SCOPE(&lock);

	printf("ok%s%s\n", disorder ? " DISORDER" : "", buf_str(&events));
	fflush(stdout);
	buf_clear(&events);
}

/* ---- plain commands ---- */

static void
do_open(char **w, size_t n)
{
	const char *options[2 * WORDS_MAX + 1] = { NULL };
	struct error err = { 0 };
	size_t k = 0;
	enum err e;

	for (size_t i = 2; i < n; i++) {
		char *eq = strchr(w[i], '=');

		*eq = '\0';
		options[k++] = w[i];
		options[k++] = eq + 1;
	}
	e = store_open(w[1], options, &store, &err);
	answer(e, &err, e == ERR_OK ? store_describe(store) : "");
}

static void
do_commit(char **w, size_t n)
{
	struct store_guard g[WORDS_MAX];
	struct store_write p[WORDS_MAX];
	size_t ng = 0, np = 0;
	struct error err = { 0 };
	int64_t revision = 0;
	enum err e;

	for (size_t i = 1; i < n; i++) {
		char *arg = w[i] + 2, *sep = strpbrk(arg, "=@");

		if (sep != NULL)
			*sep++ = '\0';
		if (w[i][0] == 'g')
			g[ng++] = (struct store_guard){ arg, atoll(sep) };
		else
			p[np++] = (struct store_write){
				.key = arg,
				.value = sep,
				.len = sep != NULL ? strlen(sep) : 0,
				.leased = w[i][0] == 'l',
			};
	}
	e = store_commit(store, g, ng, p, np, &revision, &err);
	answer_number(e, &err, revision);
}

static void
do_big(size_t count, size_t bytes)
{
	CLEANUP_FREE char *value = xcalloc(1, bytes);
	struct error err = { 0 };
	enum err e = ERR_OK;
	size_t at = 0;

	memset(value, 'x', bytes);
	while (at < count && e == ERR_OK) {
		struct store_write p[50];
		char keys[50][32];
		size_t n = 0, sum = 0;

		for (; n < 50 && at < count && sum + bytes <= 1200000;
		     n++, at++, sum += bytes) {
			snprintf(keys[n], sizeof(keys[n]), "big/%06zu", at);
			p[n] = (struct store_write){ keys[n], value, bytes, 0 };
		}
		e = store_commit(store, NULL, 0, p, n, NULL, &err);
	}
	answer(e, &err, "");
}

static int
on_kv(void *arg, const struct store_kv *kv)
{
	buf_addf(arg, " %s=%s@%" PRId64, kv->key, kv->value, kv->revision);
	return 0;
}

static int
on_count(void *arg, const struct store_kv *kv)
{
	++*(size_t *)arg;
	return 0;
}

static void
do_load(const char *prefix)
{
	CLEANUP(buf_release) struct buf all = { 0 };
	CLEANUP_FREE char *text = NULL;
	struct error err = { 0 };
	int64_t revision = 0;
	enum err e = store_load(store, prefix, on_kv, &all, &revision, &err);

	text = xasprintf("%" PRId64 "%s", revision, buf_str(&all));
	answer(e, &err, text);
}

static void
do_count(const char *prefix)
{
	struct error err = { 0 };
	int64_t revision = 0;
	size_t n = 0;
	enum err e = store_load(store, prefix, on_count, &n, &revision, &err);
	CLEANUP_FREE char *text = xasprintf("%" PRId64 " %zu", revision, n);

	answer(e, &err, text);
}

static void
do_barrier(void)
{
	struct error err = { 0 };
	int64_t revision = 0;
	enum err e = store_barrier(store, &revision, &err);

	answer_number(e, &err, revision);
}

static void
on_lost(void *arg)
{
	atomic_fetch_add(&lost_count, 1);
}

static void
do_lease(int ms)
{
	struct error err = { 0 };

	answer(store_lease_grant(store, ms, on_lost, NULL, &err), &err, "");
}

static void
do_deadline(void)
{
	int64_t at = store_lease_deadline_ms(store);

	answer_number(ERR_OK, NULL, at == 0 ? 0 : at - clock_mono_ms());
}

/* ---- many threads ---- */

struct worker {
	pthread_t thread;
	int number;
	int64_t until_ms;
	bool barriers;
	long done, conflicts, failed, unknown, wrong;
	int64_t slowest_ms;
	char last[256];
};

/* Each counts in a key of its own, guarded by the last revision.  What was
 * reported must be exactly what is there.
 */
static void
count_once(struct worker *w, int64_t *revision, long *count)
{
	struct error err = { 0 };
	char key[32], value[32];
	struct store_guard g = { key, *revision };
	struct store_write p = { key, value, 0, 0 };
	int64_t now = 0, began = clock_mono_ms();
	enum err e;

	snprintf(key, sizeof(key), "counter/%02d", w->number);
	snprintf(value, sizeof(value), "%ld", *count + 1);
	p.len = strlen(value);
	e = store_commit(store, &g, 1, &p, 1, &now, &err);
	began = clock_mono_ms() - began;
	if (began > w->slowest_ms)
		w->slowest_ms = began;
	switch (e) {
	case ERR_OK:
		w->done++;
		++*count;
		*revision = now;
		return;
	case ERR_CONFLICT:	/* nobody else writes it */
		w->conflicts++;
		break;
	case ERR_TIMEOUT:
		w->unknown++;
		break;
	default:
		w->failed++;
		break;
	}
	snprintf(w->last, sizeof(w->last), "%.200s", err.text);
}

static int
on_counter(void *arg, const struct store_kv *kv)
{
	int64_t *at = arg;

	at[0] = kv->revision;
	at[1] = atoll(kv->value);
	return 0;
}

static void *
run_counters(void *arg)
{
	struct worker *w = arg;
	int64_t revision = 0, at[2] = { 0, 0 };
	char key[32];
	long count = 0;

	snprintf(key, sizeof(key), "counter/%02d", w->number);
	if (store_load(store, key, on_counter, at, NULL, NULL) != ERR_OK) {
		snprintf(w->last, sizeof(w->last), "load failed");
		w->failed++;
		return NULL;
	}
	revision = at[0];
	count = (long)at[1];
	while (clock_mono_ms() < w->until_ms) {
		count_once(w, &revision, &count);
		if (w->unknown > 0)
			return NULL;
	}
	for (int i = 0; i < 50; i++)
		if (store_load(store, key, on_counter, at, NULL, NULL) ==
		    ERR_OK)
			break;
	if (at[0] != revision || at[1] != count)
		w->wrong++;
	return NULL;
}

static void *
run_barriers(void *arg)
{
	struct worker *w = arg;
	int64_t revision;

	while (clock_mono_ms() < w->until_ms) {
		if (store_barrier(store, &revision, NULL) == ERR_OK)
			w->done++;
		else
			w->failed++;
	}
	return NULL;
}

static void
run_all(struct worker *sum, int n, int ms, void *(*fn)(void *))
{
	static struct worker w[THREADS_MAX];
	int64_t until = clock_mono_ms() + ms;

	memset(w, 0, sizeof(w));
	for (int i = 0; i < n; i++) {
		w[i].number = i;
		w[i].until_ms = until;
		pthread_create(&w[i].thread, NULL, fn, &w[i]);
	}
	for (int i = 0; i < n; i++) {
		pthread_join(w[i].thread, NULL);
		sum->done += w[i].done;
		sum->conflicts += w[i].conflicts;
		sum->failed += w[i].failed;
		sum->unknown += w[i].unknown;
		sum->wrong += w[i].wrong;
		if (w[i].slowest_ms > sum->slowest_ms)
			sum->slowest_ms = w[i].slowest_ms;
		if (w[i].last[0] != '\0')
			memcpy(sum->last, w[i].last, sizeof(sum->last));
	}
}

static void
do_run(int threads, int ms)
{
	struct worker s = { 0 };
	CLEANUP_FREE char *text = NULL;

	run_all(&s, threads, ms, run_counters);
	text = xasprintf("done=%ld conflicts=%ld failed=%ld unknown=%ld "
			 "wrong=%ld slowest=%" PRId64 " %s", s.done,
			 s.conflicts, s.failed, s.unknown, s.wrong,
			 s.slowest_ms, s.last);
	answer(ERR_OK, NULL, text);
}

static void
do_bench(const char *what, int threads, int ms)
{
	struct worker s = { 0 };

	run_all(&s, threads, ms,
		strcmp(what, "commit") == 0 ? run_counters : run_barriers);
	answer_number(ERR_OK, NULL, s.done * 1000 / ms);
}

static void
command(char **w, size_t n)
{
	const char *c = w[0];

	if (strcmp(c, "open") == 0)
		do_open(w, n);
	else if (strcmp(c, "commit") == 0)
		do_commit(w, n);
	else if (strcmp(c, "big") == 0)
		do_big((size_t)atoll(w[1]), (size_t)atoll(w[2]));
	else if (strcmp(c, "load") == 0)
		do_load(n > 1 ? w[1] : "");
	else if (strcmp(c, "count") == 0)
		do_count(n > 1 ? w[1] : "");
	else if (strcmp(c, "barrier") == 0)
		do_barrier();
	else if (strcmp(c, "reach") == 0)
		do_reach(atoll(w[1]), atoi(w[2]));
	else if (strcmp(c, "events") == 0)
		do_events();
	else if (strcmp(c, "lease") == 0)
		do_lease(atoi(w[1]));
	else if (strcmp(c, "deadline") == 0)
		do_deadline();
	else if (strcmp(c, "lost") == 0)
		answer_number(ERR_OK, NULL, atomic_load(&lost_count));
	else if (strcmp(c, "run") == 0)
		do_run(atoi(w[1]), atoi(w[2]));
	else if (strcmp(c, "bench") == 0)
		do_bench(w[1], atoi(w[2]), atoi(w[3]));
	else
		answer(ERR_BADREQ, &(struct error){ .text = "what?" }, "");
}

int
main(void)
{
	CLEANUP_FREE char *line = NULL;
	size_t cap = 0;

	cond_init_mono(&moved);
	while (getline(&line, &cap, stdin) > 0) {
		char *w[WORDS_MAX], *save = NULL;
		struct error err = { 0 };
		size_t n = 0;

		for (char *p = strtok_r(line, " \n", &save);
		     p != NULL && n < WORDS_MAX; p = strtok_r(NULL, " \n", &save))
			w[n++] = p;
		if (n == 0)
			continue;
		if (strcmp(w[0], "close") == 0) {
			store_close(store);
			store = NULL;
			answer(ERR_OK, NULL, "");
		} else if (strcmp(w[0], "follow") == 0) {
			answer(store_follow(store, &watcher, NULL, &err), &err,
			       "");
		} else {
			command(w, n);
		}
	}
	store_close(store);
	buf_release(&events);
	return 0;
}
