/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files as flat keys, and what is said about broken ones. */
#include <config.h>

#include "store/jsonfile.h"
#include "util/buf.h"
#include "util/strs.h"
#include "util/xalloc.h"

#include "tests/tap.h"

static char path[] = "/tmp/t-jsonfile.XXXXXX";

static void
write_file(const char *text, size_t n)
{
	CLEANUP_FCLOSE FILE *f = fopen(path, "we");

	assert(f != NULL && fwrite(text, 1, n, f) == n);
}

static enum err
note(void *arg, const char *key, const char *value, char type,
     int line, struct error *err)
{
	if (strcmp(key, "bad") == 0)
		return fail(err, ERR_BADREQ, "no '%s' here", key);
	buf_addf(arg, "%s=%s:%c;", key, value, type);
	return ERR_OK;
}

static void
is_walk(const char *text, const char *want)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct error err;

	write_file(text, strlen(text));
	if (jsonfile_walk(path, note, &b, &err) != ERR_OK)
		buf_addf(&b, "failed: %s", err.text);
	is_str(buf_str(&b), want, "%s", text);
}

static void
is_refused(const char *text, enum err code, const char *want)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct error err = { .text = "" };

	write_file(text, strlen(text));
	is_int(jsonfile_walk(path, note, &b, &err), code, "refused: %s",
	       want);
	has_str(err.text, path, "the file is named");
	has_str(err.text, want, "and what is wrong: %s", err.text);
}

static void
test_values(void)
{
	is_walk("{}", "");
	is_walk("{\"port\": \"8080\", \"n\": 8080, \"t\": true, \"f\": false}",
		"port=8080:s;n=8080:i;t=true:b;f=false:b;");
	is_walk("{\"z\": null, \"r\": 1.5, \"e\": \"\"}",
		"z=null:n;r=1.5:r;e=:s;");
	is_walk("{\"big\": 9223372036854775807, \"neg\": -1}",
		"big=9223372036854775807:i;neg=-1:i;");
	is_walk("{\"glusterfs\": {\"executor\": \"mock\", \"sshexec\": "
		"{\"port\": \"22\"}}, \"after\": 1}",
		"glusterfs.executor=mock:s;glusterfs.sshexec.port=22:s;"
		"after=1:i;");
	is_walk("{\"l\": [\"a\", [1], {\"k\": 2}, {}, []]}",
		"l.0=a:s;l.1.0=1:i;l.2.k=2:i;");
}

static enum err
note_line(void *arg, const char *key, const char *value, char type, int line,
	  struct error *err)
{
	buf_addf(arg, "%s:%d ", key, line);
	return ERR_OK;
}

static void
test_lines(void)
{
	static const char text[] =
		"{ \"a\": \"x\\\"y\\\\\",\n"
		"  \"o\": {\n"
		"    \"key\"\n: 5, \"t\": true\n"
		"  }, \"e\": {}, \"n\"\n:\nnull,\n"
		"  \"l\": [\n 1, \"a: b\",\n {\"z\": -1.5e3}, [], \"}\"],\r\n"
		"  \"\": \"last: \"}\n";
	CLEANUP(buf_release) struct buf b = { 0 };
	struct error err;

	write_file(text, strlen(text));
	is_int(jsonfile_walk(path, note_line, &b, &err), ERR_OK,
	       "a file of several lines");
	is_str(buf_str(&b), "a:1 o.key:3 o.t:4 n:5 l.0:9 l.1:9 l.2.z:10 "
	       "l.4:10 :11 ", "each key with its line");
}

static void
test_many_keys(void)
{
	CLEANUP(buf_release) struct buf text = { 0 }, want = { 0 }, b = { 0 };
	struct error err;

	buf_adds(&text, "{");
	for (int i = 1; i <= 2000; i++) {
		buf_addf(&text, "%s\n\"k%d\":%d", i > 1 ? "," : "", 7919 * i,
			 i);
		buf_addf(&want, "k%d:%d ", 7919 * i, i + 1);
	}
	buf_adds(&text, "}");
	write_file(text.s, text.len);
	is_int(jsonfile_walk(path, note_line, &b, &err), ERR_OK, "many keys");
	ok(strcmp(buf_str(&b), buf_str(&want)) == 0, "come in their order");
}

static void
test_refusals(void)
{
	is_refused("", ERR_PARSE, "line 1");
	is_refused("{\n  \"a\": 1,\n  \"b\" 2\n}", ERR_PARSE,
		   "line 3, column 7:");
	is_refused("{\"a\": 1, \"a\": 2}", ERR_PARSE, "duplicate");
	is_refused("[1]", ERR_PARSE, "not a JSON object");
	is_refused("{} {}", ERR_PARSE, "line 1, column 4");
	is_refused("{\"a\": \"\xff\"}", ERR_PARSE, "line 1");
	is_refused("{\"n\": 9223372036854775808}", ERR_PARSE, "line 1");
}

static void
test_nul_byte_is_no_crash(void)
{
	static const char text[] = "{\"a\":false\0\n,\"b\":\"f\"}";
	CLEANUP(buf_release) struct buf b = { 0 };
	struct error err = { .text = "" };

	write_file(text, sizeof(text) - 1);
	is_int(jsonfile_walk(path, note, &b, &err), ERR_PARSE,
	       "a NUL byte after a word is refused");
	ok(strstr(err.text, ": holds a NUL byte") != NULL, "as what it is: %s",
	   err.text);
	is_str(buf_str(&b), "", "before anything is told");
}

static void
test_callers_refusal(void)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	static const char text[] = "{\"a\": 1, \"bad\": 2, \"c\": 3}";
	struct error err;

	write_file(text, strlen(text));
	is_int(jsonfile_walk(path, note, &b, &err), ERR_BADREQ,
	       "the caller can refuse a value");
	is_str(err.text, "no 'bad' here", "in its own words");
	is_str(buf_str(&b), "a=1:i;", "and the walk ends there");
}

static void
nested(int depth, struct buf *ret)
{
	for (int i = 0; i < depth; i++)
		buf_adds(ret, "{\"a\":");
	buf_adds(ret, "1");
	for (int i = 0; i < depth; i++)
		buf_adds(ret, "}");
}

static void
test_caps(void)
{
	CLEANUP(buf_release) struct buf good = { 0 }, deep = { 0 };
	CLEANUP(buf_release) struct buf very_deep = { 0 }, out = { 0 };
	CLEANUP_FREE char *large = xcalloc(1024 * 1024 + 2, 1);

	nested(32, &good);
	nested(33, &deep);
	nested(100000, &very_deep);
	write_file(good.s, good.len);
	is_int(jsonfile_walk(path, note, &out, NULL), ERR_OK, "32 levels");
	is_refused(deep.s, ERR_TOOLARGE, "nested deeper than 32");
	is_refused(very_deep.s, ERR_PARSE, "depth");
	memset(large, ' ', 1024 * 1024 + 1);
	is_refused(large, ERR_TOOLARGE, "longer than");
}

static void
test_files(void)
{
	struct error err;

	is_int(jsonfile_walk("/no/such.json", note, NULL, &err), ERR_NOTFOUND,
	       "a file that is not there");
	has_str(err.text, "'/no/such.json': open: No such file", "is named");
	is_int(jsonfile_walk("/", note, NULL, &err), ERR_BADREQ,
	       "a directory is refused");
	has_str(err.text, "Is a directory", "as what it is");
}

static void
is_pairs(const char *text, const char *want)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	CLEANUP(kvs_release) struct kvs pairs = { 0 };
	struct error err;

	if (jsontext_pairs(text, &pairs, &err) != ERR_OK)
		buf_addf(&b, "failed: %s", err.text);
	for (size_t i = 0; i < pairs.n; i++)
		buf_addf(&b, "%s=%s;", pairs.v[i].key, pairs.v[i].value);
	is_str(buf_str(&b), want, "pairs of %s", text);
}

static void
test_pairs(void)
{
	is_pairs("{ \"a\": \"x\", \"b\": { \"c\": 1, \"d e\": null } }",
		 "a=x;b.c=1;b.d e=;");
	is_pairs("{}", "");
	is_pairs("", "failed: JSON: line 1, column 0: '[' or '{' expected near "
		 "end of file");
	is_pairs("[1]", "failed: JSON: line 1, column 1: not a JSON object");
	is_pairs("it broke", "failed: JSON: line 1, column 2: '[' or '{' expected "
		 "near 'it'");
}

int
main(void)
{
	int fd = mkstemp(path);

	assert(fd >= 0);
	close(fd);
	test_values();
	test_lines();
	test_many_keys();
	test_refusals();
	test_nul_byte_is_no_crash();
	test_callers_refusal();
	test_caps();
	test_files();
	test_pairs();
	unlink(path);
	return tap_done();
}
