/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The codec of etcd's JSON gateway, on answers that etcd 3.4.23 has given. */
#include <config.h>

#include "store/etcd/gateway.h"
#include "tests/tap.h"
#include "util/xalloc.h"

static json_t *
parse(const char *text)
{
	json_error_t e;
	json_t *doc = json_loads(text, 0, &e);

	if (doc == NULL)
		printf("# %s: %s\n", text, e.text);
	return doc;
}

static void
test_base64(void)
{
	static const struct {
		const char *plain, *coded;
	} cases[] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "\377\376\375", "//79" }, { "\373\360", "+/A=" },
	};
	static const char *const bad[] = {
		"Zg=", "Zg", "Z", "Zg=a", "=Zg=", "====", "Z===", "Zm9 v",
		"Zm8*", "Zm-_",
	};
	struct buf b = { 0 };
	char *out;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buf_clear(&b);
		base64_encode(&b, cases[i].plain, strlen(cases[i].plain));
		is_str(buf_str(&b), cases[i].coded, "encode case %zu", i);
		if (!ok(base64_decode(cases[i].coded, &out, &n), "decode %zu",
			i))
			continue;
		is_str(out, cases[i].plain, "decoded %zu", i);
		is_int(n, strlen(cases[i].plain), "length %zu", i);
		free(out);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ok(!base64_decode(bad[i], &out, &n), "'%s' is refused", bad[i]);
	buf_release(&b);
}

static void
test_base64_long(void)
{
	unsigned char in[5000];
	struct buf b = { 0 };
	char *out = NULL;
	size_t n = 0, wrong = 0;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 7 + i / 256);
	for (size_t len = 4000; len < 4100; len++) {
		buf_clear(&b);
		base64_encode(&b, in, len);
		if (!base64_decode(buf_str(&b), &out, &n) || n != len ||
		    memcmp(out, in, len) != 0)
			wrong++;
		free(out);
		out = NULL;
	}
	is_int(wrong, 0, "long values with all bytes survive");
	buf_release(&b);
}

static void
test_requests(void)
{
	struct buf b = { 0 };

	gateway_raw(&b, "{\"compare\":[");
	gateway_compare_revision(&b, "/p/", "a", 7);
	gateway_compare_revision(&b, "/p/", "b", 0);
	gateway_raw(&b, "],\"success\":[");
	gateway_put(&b, "/p/", "a", "x:", 2, 0);
	gateway_put(&b, "/p/", "l", "", 0, -5);
	gateway_delete(&b, "/p/", "b");
	gateway_range(&b, "/p/", "c");
	gateway_raw(&b, "]}");
	is_str(buf_str(&b),
	       "{\"compare\":["
	       "{\"result\":\"EQUAL\",\"target\":\"MOD\",\"key\":\"L3AvYQ==\","
	       "\"mod_revision\":\"7\"},"
	       "{\"result\":\"EQUAL\",\"target\":\"MOD\",\"key\":\"L3AvYg==\","
	       "\"mod_revision\":\"0\"}],\"success\":["
	       "{\"request_put\":{\"key\":\"L3AvYQ==\",\"value\":\"eDo=\"}},"
	       "{\"request_put\":{\"key\":\"L3AvbA==\",\"lease\":\"-5\"}},"
	       "{\"request_delete_range\":{\"key\":\"L3AvYg==\"}},"
	       "{\"request_range\":{\"key\":\"L3AvYw==\"}}]}",
	       "a transaction as etcd reads it");
	buf_release(&b);
}

static void
test_numbers(void)
{
	json_t *d = parse("{\"s\":\"9223372036854775807\",\"n\":12,"
			  "\"neg\":\"-3\",\"bad\":\"12x\",\"big\":"
			  "\"9223372036854775808\",\"o\":{}}");

	ok(gateway_i64(d, "s") == INT64_MAX, "64 bits come as a string");
	is_int(gateway_i64(d, "n"), 12, "a plain number is read, too");
	is_int(gateway_i64(d, "neg"), -3, "negative");
	is_int(gateway_i64(d, "absent"), 0, "what is zero is absent");
	is_int(gateway_i64(d, "bad"), 0, "no number");
	is_int(gateway_i64(d, "big"), 0, "no 64 bits");
	is_int(gateway_i64(d, "o"), 0, "an object is no number");
	is_int(gateway_i64(NULL, "s"), 0, "no object at all");
	json_decref(d);
}

static void
test_range_answer(void)
{
	static const char text[] =
		"{\"header\":{\"cluster_id\":\"7801232528081817440\","
		"\"member_id\":\"13458989633860879742\",\"revision\":\"5\","
		"\"raft_term\":\"2\"},\"news\":[1],\"kvs\":[{\"key\":"
		"\"L3AvYQ==\",\"create_revision\":\"2\",\"mod_revision\":"
		"\"3\",\"version\":\"2\",\"value\":\"MQ==\",\"new\":{}},"
		"{\"key\":\"L3AvYg==\",\"mod_revision\":\"4\"}],"
		"\"count\":\"2\"}";
	json_t *d = parse(text);
	json_t *empty = parse("{\"header\":{\"revision\":\"1\"}}");
	struct kvlist l = { 0 };

	is_int(gateway_revision(d), 5, "revision of the header");
	ok(gateway_kv(&l, gateway_nth(d, "kvs", 0), "/p/"), "a kv");
	is_str(l.v[0].key, "a", "its key, without the prefix");
	is_str(l.v[0].value, "1", "its value");
	is_int(l.v[0].revision, 3, "its revision");
	ok(gateway_kv(&l, gateway_nth(d, "kvs", 1), "/p/"), "an empty value");
	ok(l.v[1].value != NULL, "is not a deletion");
	is_int(l.v[1].len, 0, "and has no bytes");
	ok(!gateway_kv(&l, gateway_nth(d, "kvs", 0), "/q/"),
	   "another prefix is refused");
	ok(!gateway_kv(&l, gateway_nth(d, "kvs", 2), "/p/"), "no such kv");
	ok(gateway_nth(empty, "kvs", 0) == NULL, "no kvs at all");
	is_int(gateway_revision(empty), 1, "revision of an empty store");
	kvlist_release(&l);
	json_decref(d);
	json_decref(empty);
}

static void
test_events(void)
{
	json_t *d = parse(
		"{\"events\":[{\"kv\":{\"key\":\"L3AvYQ==\","
		"\"create_revision\":\"2\",\"mod_revision\":\"2\",\"version\":"
		"\"1\",\"value\":\"MQ==\"}},{\"type\":\"DELETE\",\"kv\":{"
		"\"key\":\"L3AvYQ==\",\"mod_revision\":\"5\"}},{\"type\":1,"
		"\"kv\":{\"key\":\"L3AvYg==\",\"mod_revision\":\"6\"}},"
		"{\"type\":\"PUT\",\"kv\":{\"key\":\"L3AvYw==\","
		"\"mod_revision\":\"7\"}}]}");
	struct kvlist l = { 0 };

	for (size_t i = 0; i < 4; i++)
		ok(gateway_event(&l, gateway_nth(d, "events", i), "/p/"),
		   "event %zu is read", i);
	is_str(l.v[0].value, "1", "a put, whose type is absent");
	ok(l.v[1].value == NULL, "a deletion by name");
	is_int(l.v[1].revision, 5, "at its revision");
	ok(l.v[2].value == NULL, "a deletion by number");
	ok(l.v[3].value != NULL && l.v[3].len == 0, "a put of nothing");
	kvlist_release(&l);
	json_decref(d);
}

static void
test_errors(void)
{
	static const struct {
		const char *json, *text;
		int code;
	} cases[] = {
		{ "{\"error\":\"etcdserver: x\",\"message\":\"etcdserver: x\","
		  "\"code\":5}", "etcdserver: x", GRPC_NOT_FOUND },
		{ "{\"error\":\"only\",\"code\":14}", "only",
		  GRPC_UNAVAILABLE },
		{ "{\"code\":3,\"message\":\"new\",\"details\":[]}", "new",
		  GRPC_INVALID_ARGUMENT },
		{ "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":"
		  "\"no leader\",\"http_status\":\"Service Unavailable\"}}",
		  "no leader", GRPC_UNAVAILABLE },
		{ "{\"error\":\"bare\"}", "bare", GRPC_UNKNOWN },
	};
	struct gateway_error e;
	json_t *fine = parse("{\"header\":{},\"succeeded\":true}");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *d = parse(cases[i].json);

		ok(gateway_error(d, &e), "error %zu is one", i);
		is_int(e.code, cases[i].code, "code of error %zu", i);
		is_str(e.text, cases[i].text, "words of error %zu", i);
		json_decref(d);
	}
	ok(!gateway_error(fine, &e), "an answer is no error");
	ok(!gateway_error(NULL, &e), "nothing is no error");
	json_decref(fine);
}

int
main(void)
{
	test_base64();
	test_base64_long();
	test_requests();
	test_numbers();
	test_range_answer();
	test_events();
	test_errors();
	return tap_done();
}
