/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The language of etcd's JSON gateway: proto3 JSON, where keys and values are
 * base64, 64-bit numbers are strings, and members that are zero are absent.
 * Pure functions, no state, any thread.
 *
 * Requests are written straight into a buffer: they hold nothing but base64
 * and numbers, so nothing needs escaping, and a commit of a hundred documents
 * is built in one pass.  Answers are read from jansson's tree, leniently:
 * unknown members are skipped, numbers may come as numbers.
 */
#ifndef ETCD_GATEWAY_H
#define ETCD_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "store/store.h"
#include "util/buf.h"

void base64_encode(struct buf *, const void *p, size_t n);
/* False: not base64.  The result has a NUL behind it; the caller frees. */
bool base64_decode(const char *s, char **ret, size_t *ret_len);

/* Writers.  Each puts a comma first where one is needed; a key in etcd is
 * prefix + key.
 */
void gateway_raw(struct buf *, const char *text);	/* no comma */
void gateway_bytes(struct buf *, const char *member, const void *p, size_t n);
void gateway_key(struct buf *, const char *member, const char *prefix,
		 const char *key);
void gateway_i64_member(struct buf *, const char *member, int64_t value);
void gateway_compare_revision(struct buf *, const char *prefix,
			      const char *key, int64_t revision);
void gateway_put(struct buf *, const char *prefix, const char *key,
		 const char *value, size_t len, int64_t lease);
void gateway_delete(struct buf *, const char *prefix, const char *key);
void gateway_range(struct buf *, const char *prefix, const char *key);

/* Readers.  Any argument may be NULL, and any member absent. */
int64_t gateway_i64(const json_t *object, const char *member);
const char *gateway_str(const json_t *object, const char *member);
/* object[a][b]…, ended by NULL */
const json_t *gateway_at(const json_t *object, ...)
	__attribute__((__sentinel__));
const json_t *gateway_nth(const json_t *object, const char *array, size_t i);
int64_t gateway_revision(const json_t *answer);		/* of its header */

/* Owned keys and values. */
struct kvlist {
	struct store_kv *v;
	size_t n, cap;
};
void kvlist_clear(struct kvlist *);
void kvlist_release(struct kvlist *);

/* Append a mvccpb.KeyValue, its prefix taken off; false: unreadable. */
bool gateway_kv(struct kvlist *, const json_t *kv, const char *prefix);
/* Append a mvccpb.Event, likewise. */
bool gateway_event(struct kvlist *, const json_t *event, const char *prefix);

/* gRPC status codes that etcd uses. */
enum {
	GRPC_OK = 0,
	GRPC_UNKNOWN = 2,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_NOT_FOUND = 5,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_FAILED_PRECONDITION = 9,
	GRPC_OUT_OF_RANGE = 11,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16,
};

struct gateway_error {
	int code;		/* GRPC_* */
	char text[512];		/* etcd's own words */
};
/* Is the answer an error?  Knows the shapes of 3.4, 3.5 and 3.6, and the one
 * within streams.
 */
bool gateway_error(const json_t *answer, struct gateway_error *ret);

#endif
