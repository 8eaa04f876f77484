/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The leaf helpers. */
#include <config.h>

#include <errno.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/distance.h"
#include "util/error.h"
#include "util/id.h"
#include "util/log.h"
#include "util/strs.h"
#include "util/utf8.h"
#include "util/xalloc.h"

#include "tests/tap.h"

static enum err MUST_CHECK
open_it(const char *path, struct error *err)
{
	CLEANUP_FCLOSE FILE *f = fopen(path, "re");

	if (f == NULL)
		return fail(err, ERR_NOTFOUND, "open '%s': %m", path);
	return ERR_OK;
}

static void
test_error(void)
{
	struct error err = { .code = ERR_OK };

	is_int(open_it("/no/such", &err), ERR_NOTFOUND, "fail() returns its code");
	is_int(errno, ENOENT, "fail() keeps errno");
	is_str(err.text, "open '/no/such': No such file or directory",
	       "%%m in a text");
	is_int(fail_prefix(&err, "node '%s'", "n1"), ERR_NOTFOUND,
	       "fail_prefix() returns the code");
	is_str(err.text, "node 'n1': open '/no/such': No such file or directory",
	       "fail_prefix() puts words before the sentence");
	is_int(open_it("/dev/null", NULL), ERR_OK, "err may be NULL");
	for (int i = 0; i < ERR_MAX; i++)
		ok(err_from_code(err_code((enum err)i)) == (enum err)i,
		   "wire code '%s' leads back to its error", err_code((enum err)i));
	is_int(err_from_code("nonsense"), ERR_INTERNAL, "unknown wire code");
}

static void
test_buf(void)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	CLEANUP_FREE char *s = NULL;

	is_str(buf_str(&b), "", "an empty buffer reads as an empty string");
	for (int i = 0; i < 1000; i++)
		buf_addf(&b, "%d,", i);
	is_int(b.len, 3890, "a buffer grows");
	is_int(strlen(buf_str(&b)), 3890, "and stays terminated");
	s = buf_steal(&b);
	is_int(b.len, 0, "stealing leaves it empty");
}

static void
test_strs(void)
{
	CLEANUP(strs_release) struct strs l = { 0 };
	CLEANUP(strs_release) struct strs one = { 0 };
	CLEANUP(kvs_release) struct kvs m = { 0 };
	CLEANUP_FREE char *joined = NULL;

	strs_split(&l, "b,a,,c", ',');
	is_int(l.n, 4, "split keeps empty parts");
	strs_sort(&l);
	joined = strs_join(&l, "|");
	is_str(joined, "|a|b|c", "sort and join");
	ok(strs_has(&l, "c") && !strs_has(&l, "d"), "membership");
	strs_split(&one, "", ',');
	is_int(one.n, 1, "an empty string splits into one empty part, as in Go");

	kvs_set(&m, "k", "1");
	kvs_set(&m, "j", "2");
	kvs_set(&m, "k", "3");
	is_int(m.n, 2, "setting a key again replaces it");
	is_str(kvs_get(&m, "k"), "3", "with the new value");
	kvs_del(&m, "k");
	ok(kvs_get(&m, "k") == NULL && m.n == 1, "a deleted key is gone");
	is_str(kvs_get(&m, "j"), "2", "and the others stay");
}

static void
test_id(void)
{
	char a[ID_SIZE], b[ID_SIZE];

	id_new(a);
	id_new(b);
	ok(id_is_valid(a) && strcmp(a, b) != 0, "ids are valid and differ");
	ok(id_is_valid("0123456789ABCDEFabcdef0123456789"), "both cases count");
	ok(!id_is_valid("") && !id_is_valid("0123456789abcdef0123456789abcde") &&
	   !id_is_valid("0123456789abcdef0123456789abcdefa") &&
	   !id_is_valid("g123456789abcdef0123456789abcdef"),
	   "short, long and other than hex are refused");
}

static void
test_distance(void)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} words[] = {
		{ "", "", 0 }, { "", "abc", 3 }, { "abc", "", 3 },
		{ "list", "list", 0 }, { "LIST", "list", 0 },
		{ "lsit", "list", 2 }, { "lst", "list", 1 },
		{ "listt", "list", 1 }, { "lost", "list", 1 },
		{ "kitten", "sitting", 3 },
	};
	char a[201], b[201];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		is_int(word_distance(words[i].a, words[i].b), words[i].distance,
		       "from '%s' to '%s'", words[i].a, words[i].b);
	memset(a, 'x', 200);
	memset(b, 'y', 200);
	a[200] = b[200] = '\0';
	is_int(word_distance(a, b), 64, "of long words 64 letters count");
	is_int(word_distance(a, ""), 64, "also alone");
}

static void
test_utf8(void)
{
	static const struct {
		const char *s;
		size_t length;
	} cases[] = {
		{ "a", 1 }, { "\x7f", 1 }, { "\x80", 0 }, { "\xbf", 0 },
		{ "\xc1\xbf", 0 }, { "\xc2\x80", 2 }, { "\xc2", 0 },
		{ "\xdf\xbf", 2 }, { "\xdf\xc0", 0 }, { "\xe0\x9f\xbf", 0 },
		{ "\xe0\xa0\x80", 3 }, { "\xe2\x84", 0 },
		{ "\xed\x9f\xbf", 3 }, { "\xed\xa0\x80", 0 },
		{ "\xef\xbf\xbf", 3 }, { "\xf0\x8f\xbf\xbf", 0 },
		{ "\xf0\x90\x80\x80", 4 }, { "\xf0\x90\x80", 0 },
		{ "\xf4\x8f\xbf\xbf", 4 }, { "\xf4\x90\x80\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 }, { "\xff", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is_int(utf8_length(cases[i].s, SIZE_MAX), cases[i].length,
		       "UTF-8 sequence %zu", i);
	is_int(utf8_length("\xe2\x84\xaa", 2), 0, "more than there is");
}

static void
test_locks(void)
{
	static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
	static pthread_mutex_t b = PTHREAD_MUTEX_INITIALIZER;
	int64_t before = clock_mono_ms();
	pthread_cond_t c;

	{
		LOCK_FOR_SCOPE(&a);
		LOCK_FOR_SCOPE(&b);
		ok(pthread_mutex_trylock(&a) != 0, "held in scope");
	}
	ok(pthread_mutex_trylock(&a) == 0 && pthread_mutex_trylock(&b) == 0,
	   "released at the end of the scope");
	pthread_mutex_unlock(&b);
	cond_init_mono(&c);
	is_int(cond_wait_until(&c, &a, before + 20), ETIMEDOUT,
	       "a timed wait times out");
	ok(clock_mono_ms() >= before + 19, "not before its time");
	pthread_mutex_unlock(&a);
}

static void
test_log(void)
{
	enum log_level l = LOG_LVL_NONE;

	ok(log_level_parse("warning", &l) && l == LOG_LVL_WARNING,
	   "level names are read");
	ok(!log_level_parse("loud", &l), "others are refused");
	is_str(log_level_name(LOG_LVL_CRITICAL), "critical", "and written");
}

int
main(void)
{
	test_error();
	test_buf();
	test_strs();
	test_id();
	test_distance();
	test_utf8();
	test_locks();
	test_log();
	return tap_done();
}
