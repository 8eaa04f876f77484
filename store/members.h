/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the records consist of, member by member, in tables: the one place that
 * is read for releasing, copying, encoding and decoding them, so that a new
 * member can't be forgotten in one of these.  For record.c, codec.c and their
 * test; nobody else needs it.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include <stddef.h>

#include "store/record.h"

enum member_type {
	MEMBER_ID,		/* char[ID_SIZE] */
	MEMBER_STR,		/* char *, owned */
	MEMBER_BOOL,		/* bool */
	MEMBER_I64,		/* int64_t */
	MEMBER_U64,		/* uint64_t */
	MEMBER_U32,		/* uint32_t */
	MEMBER_DOUBLE,		/* double */
	MEMBER_WORD,		/* an enum with names */
	MEMBER_ERR,		/* enum err */
	MEMBER_STRS,		/* struct strs */
	MEMBER_KVS,		/* struct kvs */
	MEMBER_BRICKS,		/* struct brick *, and its count beside it */
};

struct member {
	const char *name;	/* in C and in JSON */
	enum member_type type;
	size_t offset;
	bool required;		/* a document without it is unreadable */
	const char *const *words;	/* MEMBER_WORD: by value */
	size_t nwords;
};

struct record_type {
	const char *prefix;		/* of its keys */
	size_t size;			/* of its struct */
	size_t id_offset;		/* 0: it has none */
	const struct member *members;	/* ended by one without a name */
};

extern const struct record_type record_types[RECORD_KINDS];
extern const struct member brick_members[];

/* Where member m of the object at p is, as a pointer to type. */
#define MEMBER_AT(p, m, type) ((type *)(void *)((char *)(p) + (m)->offset))
#define CONST_MEMBER_AT(p, m, type) \
	((const type *)(const void *)((const char *)(p) + (m)->offset))

/* A record of a kind, all zero but for its defaults, its key and its id;
 * rest is the key after the kind's prefix.
 */
struct record *record_new(enum record_kind, const char *rest);
struct record *record_copy(const struct record *);

#endif
