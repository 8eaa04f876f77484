/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The codec of etcd's JSON gateway; see gateway.h. */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/etcd/gateway.h"
#include "util/xalloc.h"

/* ---- base64 ---- */

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
encode_three(char to[4], const unsigned char *p, size_t n)
{
	unsigned v = (unsigned)p[0] << 16;

	if (n > 1)
		v |= (unsigned)p[1] << 8;
	if (n > 2)
		v |= p[2];
	to[0] = digits[v >> 18];
	to[1] = digits[v >> 12 & 63];
	to[2] = n > 1 ? digits[v >> 6 & 63] : '=';
	to[3] = n > 2 ? digits[v & 63] : '=';
}

void
base64_encode(struct buf *b, const void *data, size_t n)
{
	const unsigned char *p = data;
	char out[1024];
	size_t len = 0;

	for (; n > 0; p += 3) {
		size_t take = n < 3 ? n : 3;

		encode_three(out + len, p, take);
		len += 4;
		n -= take;
		if (len == sizeof(out)) {
			buf_add(b, out, len);
			len = 0;
		}
	}
	buf_add(b, out, len);
}

static int
digit(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
base64_decode(const char *s, char **ret, size_t *ret_len)
{
	size_t n = strlen(s), pad = 0, len = 0;
	CLEANUP_FREE char *out = xcalloc(1, n / 4 * 3 + 1);

	if (n % 4 != 0)
		return false;
	while (pad < 2 && pad < n && s[n - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < n; i += 4) {
		unsigned v = 0;

		for (size_t j = i; j < i + 4; j++) {
			int d = j >= n - pad ? 0 : digit((unsigned char)s[j]);

			if (d < 0)
				return false;
			v = v << 6 | (unsigned)d;
		}
		out[len++] = (char)(v >> 16);
		out[len++] = (char)(v >> 8);
		out[len++] = (char)v;
	}
	len -= pad;
	out[len] = '\0';
	*ret = STEAL(out);
	*ret_len = len;
	return true;
}

/* ---- writing ---- */

/* A comma is needed unless we are at the start of an object or array, or
 * behind a member's name.
 */
static void
separate(struct buf *b)
{
	if (b->len > 0 && strchr("[{:", b->s[b->len - 1]) == NULL)
		buf_adds(b, ",");
}

void
gateway_raw(struct buf *b, const char *text)
{
	buf_adds(b, text);
}

static void
name(struct buf *b, const char *member)
{
	separate(b);
	buf_adds(b, "\"");
	buf_adds(b, member);
	buf_adds(b, "\":");
}

void
gateway_bytes(struct buf *b, const char *member, const void *p, size_t n)
{
	name(b, member);
	buf_adds(b, "\"");
	base64_encode(b, p, n);
	buf_adds(b, "\"");
}

void
gateway_key(struct buf *b, const char *member, const char *prefix,
	    const char *key)
{
	CLEANUP(buf_release) struct buf whole = { 0 };

	buf_adds(&whole, prefix);
	buf_adds(&whole, key);
	gateway_bytes(b, member, whole.s, whole.len);
}

void
gateway_i64_member(struct buf *b, const char *member, int64_t value)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "\"%" PRId64 "\"", value);

	name(b, member);
	buf_add(b, text, (size_t)n);
}

void
gateway_compare_revision(struct buf *b, const char *prefix, const char *key,
			 int64_t revision)
{
	separate(b);
	buf_adds(b, "{\"result\":\"EQUAL\",\"target\":\"MOD\"");
	gateway_key(b, "key", prefix, key);
	gateway_i64_member(b, "mod_revision", revision);
	buf_adds(b, "}");
}

void
gateway_put(struct buf *b, const char *prefix, const char *key,
	    const char *value, size_t len, int64_t lease)
{
	separate(b);
	buf_adds(b, "{\"request_put\":{");
	gateway_key(b, "key", prefix, key);
	if (len > 0)
		gateway_bytes(b, "value", value, len);
	if (lease != 0)
		gateway_i64_member(b, "lease", lease);
	buf_adds(b, "}}");
}

void
gateway_delete(struct buf *b, const char *prefix, const char *key)
{
	separate(b);
	buf_adds(b, "{\"request_delete_range\":{");
	gateway_key(b, "key", prefix, key);
	buf_adds(b, "}}");
}

void
gateway_range(struct buf *b, const char *prefix, const char *key)
{
	separate(b);
	buf_adds(b, "{\"request_range\":{");
	gateway_key(b, "key", prefix, key);
	buf_adds(b, "}}");
}

/* ---- reading ---- */

int64_t
gateway_i64(const json_t *object, const char *member)
{
	const json_t *v = json_object_get(object, member);
	char *end;
	int64_t n;

	if (json_is_integer(v))
		return json_integer_value(v);
	if (!json_is_string(v))
		return 0;
	errno = 0;
	n = strtoll(json_string_value(v), &end, 10);
	return errno == 0 && *end == '\0' ? n : 0;
}

const char *
gateway_str(const json_t *object, const char *member)
{
	const char *s = json_string_value(json_object_get(object, member));

	return s != NULL ? s : "";
}

const json_t *
gateway_at(const json_t *object, ...)
{
	const char *member;
	va_list ap;

	va_start(ap, object);
	for (;;) {
		member = va_arg(ap, const char *);
		if (member == NULL)
			break;
		object = json_object_get(object, member);
	}
	va_end(ap);
	return object;
}

const json_t *
gateway_nth(const json_t *object, const char *array, size_t i)
{
	return json_array_get(json_object_get(object, array), i);
}

int64_t
gateway_revision(const json_t *answer)
{
	return gateway_i64(json_object_get(answer, "header"), "revision");
}

void
kvlist_clear(struct kvlist *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free((char *)l->v[i].key);
		free((char *)l->v[i].value);
	}
	l->n = 0;
}

void
kvlist_release(struct kvlist *l)
{
	kvlist_clear(l);
	free(l->v);
	memset(l, 0, sizeof(*l));
}

static bool
read_key(const json_t *kv, const char *prefix, char **ret)
{
	CLEANUP_FREE char *whole = NULL;
	size_t len, skip = strlen(prefix);

	if (!base64_decode(gateway_str(kv, "key"), &whole, &len) ||
	    len < skip || memcmp(whole, prefix, skip) != 0 ||
	    memchr(whole, '\0', len) != NULL)
		return false;
	memmove(whole, whole + skip, len - skip + 1);
	*ret = STEAL(whole);
	return true;
}

bool
gateway_kv(struct kvlist *l, const json_t *kv, const char *prefix)
{
	CLEANUP_FREE char *key = NULL, *value = NULL;
	size_t len;

	if (!read_key(kv, prefix, &key) ||
	    !base64_decode(gateway_str(kv, "value"), &value, &len))
		return false;
	*VEC_PUSH(l) = (struct store_kv){
		.key = STEAL(key),
		.value = STEAL(value),
		.len = len,
		.revision = gateway_i64(kv, "mod_revision"),
	};
	return true;
}

/* PUT is the zero of its enum, so it is absent; enums may also be numbers. */
static bool
is_delete(const json_t *event)
{
	return strcmp(gateway_str(event, "type"), "DELETE") == 0 ||
	       json_integer_value(json_object_get(event, "type")) == 1;
}

bool
gateway_event(struct kvlist *l, const json_t *event, const char *prefix)
{
	struct store_kv *kv;

	if (!gateway_kv(l, json_object_get(event, "kv"), prefix))
		return false;
	kv = &l->v[l->n - 1];
	if (is_delete(event)) {
		free((char *)kv->value);
		kv->value = NULL;
		kv->len = 0;
	}
	return true;
}

bool
gateway_error(const json_t *answer, struct gateway_error *ret)
{
	const json_t *error = json_object_get(answer, "error");
	const json_t *from = json_is_object(error) ? error : answer;
	const char *text = gateway_str(from, "message");
	int64_t code = gateway_i64(from, "code");

	if (code == 0)
		code = gateway_i64(from, "grpc_code");
	if (error == NULL && code == 0)
		return false;
	if (text[0] == '\0' && json_is_string(error))
		text = json_string_value(error);
	ret->code = code != 0 ? (int)code : GRPC_UNKNOWN;
	snprintf(ret->text, sizeof(ret->text), "%s",
		 text[0] != '\0' ? text : "an error without words");
	return true;
}
