/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Request bodies are read as Go's encoding/json reads them. */
#include <config.h>

#include <stdint.h>

#include "api/gojson.h"
#include "util/buf.h"
#include "util/strs.h"
#include "util/xalloc.h"

#include "tests/tap.h"

struct body {
	bool flag;
	int64_t number, inner;
	double factor;
	char *text;
	struct strs list;
	struct kvs map, others;
};

#define BODY(m) offsetof(struct body, m)

static const struct gojson_field deep[] = {
	{ "inner", GOJSON_INT, BODY(inner), NULL },
	{ "*", GOJSON_OTHERS, BODY(others), NULL },
	GOJSON_END
};

static const struct gojson_field fields[] = {
	{ "flag", GOJSON_BOOL, BODY(flag), NULL },
	{ "number", GOJSON_INT, BODY(number), NULL },
	{ "factor", GOJSON_FLOAT32, BODY(factor), NULL },
	{ "text", GOJSON_STRING, BODY(text), NULL },
	{ "list", GOJSON_STRINGS, BODY(list), NULL },
	{ "map", GOJSON_MAP, BODY(map), NULL },
	{ "deep", GOJSON_OBJECT, 0, deep },
	GOJSON_END
};

/* What was read, in one line. */
static char *
show(const struct body *b)
{
	CLEANUP_FREE char *list = strs_join(&b->list, "|");
	struct buf out = { 0 };

	buf_addf(&out, "%d %lld %g '%s' [%s] {", b->flag, (long long)b->number,
		 b->factor, b->text ? b->text : "", list);
	for (size_t i = 0; i < b->map.n; i++)
		buf_addf(&out, "%s=%s;", b->map.v[i].key, b->map.v[i].value);
	buf_addf(&out, "} %lld {", (long long)b->inner);
	for (size_t i = 0; i < b->others.n; i++)
		buf_addf(&out, "%s=%s;", b->others.v[i].key,
			 b->others.v[i].value);
	buf_adds(&out, "}");
	return buf_steal(&out);
}

#define BAD "\xef\xbf\xbd"
#define ZERO "0 0 0 '' [] {} 0 {}"

static const struct {
	const char *json;
	const char *want;	/* NULL: refused */
	const char *name;
} cases[] = {
	{ "{}", ZERO, "an empty object" },
	{ " \t\r\n{} \n", ZERO, "white space around it" },
	{ "null", ZERO, "null for all of it" },
	{ "", NULL, "an empty body" },
	{ "  ", NULL, "nothing but white space" },
	{ "{} x", NULL, "garbage after it" },
	{ "{}{}", NULL, "two of them" },
	{ "{", NULL, "half of it" },
	{ "[]", NULL, "an array" },
	{ "7", NULL, "a number" },
	{ "\"a\"", NULL, "a string" },
	{ "{\"number\":7}", "0 7 0 '' [] {} 0 {}", "an integer" },
	{ "{\"NuMbEr\":7}", "0 7 0 '' [] {} 0 {}", "a name in other case" },
	{ "{\"number\":7,\"number\":8}", "0 8 0 '' [] {} 0 {}",
	  "the last of equal names" },
	{ "{\"number\":7,\"NUMBER\":8}", "0 8 0 '' [] {} 0 {}",
	  "the last of names that differ in case" },
	{ "{\"number\":null}", ZERO, "null for a number" },
	{ "{\"number\":-0}", ZERO, "minus zero" },
	{ "{\"number\":\"7\"}", NULL, "a string for a number" },
	{ "{\"number\":7.0}", NULL, "a fraction, even if it is none" },
	{ "{\"number\":7.5}", NULL, "a real fraction" },
	{ "{\"number\":1e3}", NULL, "an exponent for an integer" },
	{ "{\"number\":true}", NULL, "a boolean for a number" },
	{ "{\"number\":[]}", NULL, "an array for a number" },
	{ "{\"number\":9223372036854775807}",
	  "0 9223372036854775807 0 '' [] {} 0 {}", "2^63-1" },
	{ "{\"number\":9223372036854775808}", NULL, "2^63" },
	{ "{\"number\":-9223372036854775808}",
	  "0 -9223372036854775808 0 '' [] {} 0 {}", "-2^63" },
	{ "{\"number\":-9223372036854775809}", NULL, "-2^63-1" },
	{ "{\"number\":07}", NULL, "a leading zero" },
	{ "{\"number\":+7}", NULL, "a plus sign" },
	{ "{\"flag\":true}", "1 0 0 '' [] {} 0 {}", "a boolean" },
	{ "{\"flag\":1}", NULL, "a number for a boolean" },
	{ "{\"flag\":\"true\"}", NULL, "a string for a boolean" },
	{ "{\"factor\":1.5}", "0 0 1.5 '' [] {} 0 {}", "a fraction" },
	{ "{\"factor\":2}", "0 0 2 '' [] {} 0 {}", "an integer as float" },
	{ "{\"factor\":1e2}", "0 0 100 '' [] {} 0 {}", "an exponent" },
	{ "{\"factor\":1e39}", NULL, "more than a float32 holds" },
	{ "{\"factor\":1e400}", NULL, "more than a double holds" },
	{ "{\"factor\":\"1\"}", NULL, "a string for a float" },
	{ "{\"text\":\"a\\u00e9\"}", "0 0 0 'a\xc3\xa9' [] {} 0 {}",
	  "a string" },
	{ "{\"text\":null}", ZERO, "null for a string" },
	{ "{\"text\":1}", NULL, "a number for a string" },
	{ "{\"text\":\"a\\u0000b\"}", "0 0 0 'a" BAD "b' [] {} 0 {}",
	  "a NUL in a string" },
	{ "{\"text\":\"\xff\"}", "0 0 0 '" BAD "' [] {} 0 {}", "no UTF-8" },
	{ "{\"text\":\"a\xc3\"}", "0 0 0 'a" BAD "' [] {} 0 {}",
	  "half a character" },
	{ "{\"text\":\"\xed\xa0\x80\xc3\xa9\xc0\xaf\"}",
	  "0 0 0 '" BAD BAD BAD "\xc3\xa9" BAD BAD "' [] {} 0 {}",
	  "a surrogate and a slash in forbidden UTF-8" },
	{ "{\"text\":\"\xf4\x90\x80\x80 \xf0\x9f\x98\x80\"}",
	  "0 0 0 '" BAD BAD BAD BAD " \xf0\x9f\x98\x80' [] {} 0 {}",
	  "beyond Unicode, and its last plane but few" },
	{ "{\"text\":\"\\ud800\"}", "0 0 0 '" BAD "' [] {} 0 {}",
	  "half a surrogate pair" },
	{ "{\"text\":\"\\uDC00\\ud83d\\ude00\\ud800\\u0041\\ud800\\ud800\"}",
	  "0 0 0 '" BAD "\xf0\x9f\x98\x80" BAD "A" BAD BAD "' [] {} 0 {}",
	  "halves before and after a pair" },
	{ "{\"text\":\"\\\\u0000\\\"\\ud800\"}",
	  "0 0 0 '\\u0000\"" BAD "' [] {} 0 {}",
	  "an escaped backslash before what looks like an escape" },
	{ "{\"\\ud800\":1,\"number\":2,\"map\":{\"\xff\":\"\\u0000\"}}",
	  "0 2 0 '' [] {" BAD "=" BAD ";} 0 {}", "the same in names" },
	{ "{\"a\":9223372036854775808,\"b\":[1e999,-1e999],\"number\":3}",
	  "0 3 0 '' [] {} 0 {}", "numbers that are too large, and not asked for" },
	{ "{\"factor\":99999999999999999999}", "0 0 1e+20 '' [] {} 0 {}",
	  "more than an integer holds, for a float" },
	{ "{\"factor\":-1e999}", NULL, "less than a double holds" },
	{ "{\"te\xc5\xbf" "t\":\"x\",\"li\xc5\xbf" "t\":[\"y\"]}",
	  "0 0 0 '' [y] {} 0 {}", "a long s is an s" },
	{ "{\"\xe2\x84\xaa" "ey\":1,\"li\xe2\x84\xaa" "t\":[\"y\"]}", ZERO,
	  "a kelvin is a k, which is not an s" },
	{ "{\"text\":\"a\nb\"}", NULL, "a raw control character" },
	{ "{\"list\":[\"a\",null,\"b\"]}", "0 0 0 '' [a||b] {} 0 {}",
	  "a list with null in it" },
	{ "{\"list\":[1]}", NULL, "a number in a list of strings" },
	{ "{\"list\":\"a\"}", NULL, "a string for a list" },
	{ "{\"list\":null}", ZERO, "null for a list" },
	{ "{\"list\":[\"a\"],\"LIST\":[\"b\"]}", "0 0 0 '' [b] {} 0 {}",
	  "the later list replaces" },
	{ "{\"map\":{\"a\":\"1\",\"b\":null}}", "0 0 0 '' [] {a=1;b=;} 0 {}",
	  "a map with null in it" },
	{ "{\"map\":{\"a\":1}}", NULL, "a number in a map of strings" },
	{ "{\"map\":[]}", NULL, "an array for a map" },
	{ "{\"deep\":{\"inner\":3}}", "0 0 0 '' [] {} 3 {}",
	  "an inner object" },
	{ "{\"deep\":{\"INNER\":3,\"x\":4}}", "0 0 0 '' [] {} 3 {}",
	  "unknown scalars inside are ignored" },
	{ "{\"deep\":null}", ZERO, "null for an object" },
	{ "{\"deep\":7}", NULL, "a number for an object" },
	{ "{\"deep\":{\"t\":{\"i\":3,\"s\":\"x\",\"b\":true,\"n\":null,"
	  "\"o\":{}},\"u\":{\"r\":2.5}}}",
	  "0 0 0 '' [] {} 0 {t.i=3;t.s=x;t.b=true;u.r=2.5;}",
	  "unknown objects become pairs where asked for" },
	{ "{\"other\":[1,{\"a\":\"b\"}],\"x\":1e3}", ZERO,
	  "unknown members of any type" },
	{ "{\"a\":1,}", NULL, "a comma too many" },
	{ "{'a':1}", NULL, "single quotes" },
	{ "\xef\xbb\xbf{}", NULL, "a byte order mark" },
};

static void
test_table(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct body b = { .flag = false };
		struct error err = { .code = ERR_OK };
		const char *json = cases[i].json;
		enum err r = gojson_decode(json, strlen(json), "Body", fields,
					   &b, &err);
		CLEANUP_FREE char *got = show(&b);

		if (cases[i].want != NULL) {
			is_str(r == ERR_OK ? got : err.text, cases[i].want,
			       "reads %s", cases[i].name);
		} else {
			ok(r == ERR_PARSE && err.text[0] != '\0', "refuses %s",
			   cases[i].name);
		}
		gojson_release(fields, &b);
	}
}

static void
expect_text(const char *json, const char *want)
{
	struct body b = { .flag = false };
	struct error err = { .text = "" };

	ok(gojson_decode(json, strlen(json), "api.Body", fields, &b, &err) ==
	   ERR_PARSE, "refuses %s", json);
	is_str(err.text, want, "and says why as Go does");
	gojson_release(fields, &b);
}

static void
test_texts(void)
{
	expect_text("", "unexpected end of JSON input");
	expect_text("[]", "json: cannot unmarshal array into Go value of type "
		    "api.Body");
	expect_text("7", "json: cannot unmarshal number into Go value of type "
		    "api.Body");
	expect_text("{\"number\":1.5}", "json: cannot unmarshal number 1.5 "
		    "into Go struct field Body.number of type int64");
	expect_text("{\"number\":1700000000.123}", "json: cannot unmarshal "
		    "number 1700000000.123 into Go struct field Body.number of "
		    "type int64");
	expect_text("{\"number\":1.0}", "json: cannot unmarshal number 1.0 "
		    "into Go struct field Body.number of type int64");
	expect_text("{\"number\":\"x\"}", "json: cannot unmarshal string into "
		    "Go struct field Body.number of type int64");
	expect_text("{\"deep\":{\"Inner\":true}}",
		    "json: cannot unmarshal bool into Go struct field Body.deep.inner of type int64");
}

/* As Go 1.21 and 1.26 print them. */
static void
test_syntax(void)
{
	static const char begin[] = "looking for beginning of value";
	static const char key[] = "looking for beginning of object key string";
	static const struct {
		const char *json, *byte, *where;
	} faults[] = {
		{ "{}x", "x", "after top-level value" },
		{ "{} {}", "{", "after top-level value" },
		{ "{\"a\":1,}", "}", key },
		{ "{'a':1}", "\\'", key },
		{ "{a:1}", "a", key },
		{ "\xff", "ÿ", begin },
		{ "é", "Ã", begin },
		{ "\x80", "\\u0080", begin },
		{ "\x01", "\\x01", begin },
		{ "[1,]", "]", begin },
		{ "[,1]", ",", begin },
		{ "[1 2]", "2", "after array element" },
		{ "[}", "}", begin },
		{ "[[]}", "}", "after array element" },
		{ "{\"a\" 1}", "1", "after object key" },
		{ "{\"a\":}", "}", begin },
		{ "{\"a\":01}", "1", "after object key:value pair" },
		{ "{\"a\":1 \"b\"}", "\"", "after object key:value pair" },
		{ "nul", " ", "in literal null (expecting 'l')" },
		{ "{\"a\":tru}", "}", "in literal true (expecting 'e')" },
		{ "fxlse", "x", "in literal false (expecting 'a')" },
		{ "-", " ", "in numeric literal" },
		{ "-x", "x", "in numeric literal" },
		{ "1.x", "x", "after decimal point in numeric literal" },
		{ "1e+", " ", "in exponent of numeric literal" },
		{ "\"\n\"", "\\n", "in string literal" },
		{ "\"\\x\"", "x", "in string escape code" },
		{ "\"\\u00g0\"", "g", "in \\u hexadecimal character escape" },
	};
	static const char *const cut[] = {
		"", " ", "{", "[", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,",
		"[1", "[1,", "\"", "\"a", "[[]", "{\"a\":{}", "\n\t",
	};
	CLEANUP(buf_release) struct buf b = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		buf_clear(&b);
		buf_addf(&b, "invalid character '%s' %s", faults[i].byte,
			 faults[i].where);
		expect_text(faults[i].json, buf_str(&b));
	}
	for (size_t i = 0; i < ARRAY_SIZE(cut); i++)
		expect_text(cut[i], "unexpected end of JSON input");
}

static void
test_nul_after_a_number(void)
{
	static const char *const bodies[] = { "3\0", "{\"number\":1\0}" };
	static const size_t lengths[] = { 2, 13 };

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct body b = { .flag = false };
		struct error err = { .text = "" };

		ok(gojson_decode(bodies[i], lengths[i], "api.Body", fields, &b,
				 &err) == ERR_PARSE, "a NUL after a number");
		is_str(err.text, i == 0 ? "invalid character '\\x00' after "
		       "top-level value" : "invalid character '\\x00' after "
		       "object key:value pair", "is told as Go tells it");
		gojson_release(fields, &b);
	}
}

static void
test_caps(void)
{
	CLEANUP(buf_release) struct buf deep_text = { 0 };
	CLEANUP(buf_release) struct buf wide = { 0 };
	struct body b = { .flag = false };

	for (int i = 0; i < 100000; i++)
		buf_adds(&deep_text, "[");
	ok(gojson_decode(deep_text.s, deep_text.len, "Body", fields, &b, NULL)
	   == ERR_PARSE, "refuses what is nested too deeply");
	buf_adds(&wide, "{\"deep\":{\"t\":{\"k\":1");
	for (int i = 0; i < GOJSON_OTHERS_MAX; i++)
		buf_addf(&wide, ",\"k%d\":1", i);
	buf_adds(&wide, "}}}");
	ok(gojson_decode(wide.s, wide.len, "Body", fields, &b, NULL) ==
	   ERR_PARSE, "refuses too many unknown parameters");
	gojson_release(fields, &b);
	ok(gojson_decode("{}\0", 3, "Body", fields, &b, NULL) == ERR_PARSE,
	   "refuses a NUL byte after the object");
}

int
main(void)
{
	test_table();
	test_texts();
	test_syntax();
	test_nul_after_a_number();
	test_caps();
	return tap_done();
}
