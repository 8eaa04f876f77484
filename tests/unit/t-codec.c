/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records to documents and back: every member, random contents, literal
 * documents, and everything that can be wrong with one.
 */
#include <config.h>

#include <math.h>

#include "store/codec.h"
#include "store/members.h"
#include "util/buf.h"
#include "util/xalloc.h"

#include "tests/tap.h"

#define ID "0123456789abcdef0123456789abcdef"

/* ---- random records ---- */

static uint64_t seed = 42;

static uint64_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static char *
rnd_text(void)
{
	static const char *const parts[] = {
		"a", "/dev/sdb", "\"", "\\", "\n", "\x01", "tr\xc3\xa4ger", " ",
		"\xf0\x9f\x92\xbe", "{}", "user.xattr on", "\x7f", "</x>",
	};
	struct buf b = { 0 };

	for (uint64_t n = rnd() % 5; n > 0; n--)
		buf_adds(&b, parts[rnd() % ARRAY_SIZE(parts)]);
	return buf_steal(&b);
}

static uint64_t
rnd_size(void)
{
	static const uint64_t odd[] = { 0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1,
					UINT64_MAX, UINT32_MAX, 1ull << 53 };

	return rnd() % 2 ? odd[rnd() % ARRAY_SIZE(odd)] : rnd() >> rnd() % 64;
}

static void
rnd_id(char id[ID_SIZE])
{
	snprintf(id, ID_SIZE, "%016llx%016llx", (unsigned long long)rnd(),
		 (unsigned long long)rnd());
}

static void rnd_members(void *p, const struct member *m);

static void
rnd_list(void *p, const struct member *m)
{
	for (uint64_t n = rnd() % 4; n > 0; n--) {
		CLEANUP_FREE char *a = rnd_text();
		CLEANUP_FREE char *b = rnd_text();

		if (m->type == MEMBER_STRS)
			strs_add(MEMBER_AT(p, m, struct strs), a);
		else if (m->type == MEMBER_KVS)
			kvs_add(MEMBER_AT(p, m, struct kvs), a, b);
		else
			rnd_members(volume_grow(p, 1), brick_members);
	}
}

static void
rnd_member(void *p, const struct member *m)
{
	switch (m->type) {
	case MEMBER_ID:
		if (rnd() % 4 > 0)
			rnd_id(MEMBER_AT(p, m, char));
		break;
	case MEMBER_STR:
		if (m->required || rnd() % 3 > 0)
			*MEMBER_AT(p, m, char *) = rnd_text();
		break;
	case MEMBER_BOOL:
		*MEMBER_AT(p, m, bool) = rnd() % 2;
		break;
	case MEMBER_I64:
		*MEMBER_AT(p, m, int64_t) = (int64_t)rnd_size();
		break;
	case MEMBER_U64:
		*MEMBER_AT(p, m, uint64_t) = rnd_size();
		break;
	case MEMBER_U32:
		*MEMBER_AT(p, m, uint32_t) = (uint32_t)rnd_size();
		break;
	case MEMBER_DOUBLE:
		*MEMBER_AT(p, m, double) = (double)(rnd() % 100000) / 777;
		break;
	case MEMBER_WORD:
		*MEMBER_AT(p, m, int) = (int)(rnd() % m->nwords);
		break;
	case MEMBER_ERR:
		*MEMBER_AT(p, m, enum err) = (enum err)(rnd() % ERR_MAX);
		break;
	case MEMBER_STRS:
	case MEMBER_KVS:
	case MEMBER_BRICKS:
		rnd_list(p, m);
		break;
	}
}

static void
rnd_members(void *p, const struct member *m)
{
	for (; m->name != NULL; m++)
		rnd_member(p, m);
}

/* ---- comparing, independently of the codec ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_strs(const struct strs *a, const struct strs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_text(a->v[i], b->v[i]))
			return false;
	return true;
}

static bool
same_kvs(const struct kvs *a, const struct kvs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_text(a->v[i].key, b->v[i].key) ||
		    !same_text(a->v[i].value, b->v[i].value))
			return false;
	return true;
}

static const struct member *difference(const void *, const void *,
				       const struct member *);

static bool
same_bricks(const struct volume *a, const struct volume *b)
{
	if (a->nbricks != b->nbricks)
		return false;
	for (size_t i = 0; i < a->nbricks; i++)
		if (difference(&a->bricks[i], &b->bricks[i], brick_members))
			return false;
	return true;
}

#define SAME(type) \
	(*CONST_MEMBER_AT(a, m, type) == *CONST_MEMBER_AT(b, m, type))

static bool
same_member(const void *a, const void *b, const struct member *m)
{
	switch (m->type) {
	case MEMBER_ID:
		return same_text(CONST_MEMBER_AT(a, m, char),
				 CONST_MEMBER_AT(b, m, char));
	case MEMBER_STR:
		return same_text(*CONST_MEMBER_AT(a, m, char *),
				 *CONST_MEMBER_AT(b, m, char *));
	case MEMBER_BOOL:
		return SAME(bool);
	case MEMBER_I64:
		return SAME(int64_t);
	case MEMBER_U64:
		return SAME(uint64_t);
	case MEMBER_U32:
		return SAME(uint32_t);
	case MEMBER_DOUBLE:
		return SAME(double);
	case MEMBER_WORD:
		return SAME(int);
	case MEMBER_ERR:
		return SAME(enum err);
	case MEMBER_STRS:
		return same_strs(CONST_MEMBER_AT(a, m, struct strs),
				 CONST_MEMBER_AT(b, m, struct strs));
	case MEMBER_KVS:
		return same_kvs(CONST_MEMBER_AT(a, m, struct kvs),
				CONST_MEMBER_AT(b, m, struct kvs));
	case MEMBER_BRICKS:
		return same_bricks(a, b);
	}
	return false;
}

/* The first member in which they differ, or NULL. */
static const struct member *
difference(const void *a, const void *b, const struct member *m)
{
	for (; m->name != NULL; m++)
		if (!same_member(a, b, m))
			return m;
	return NULL;
}

/* ---- round trips ---- */

static bool
round_trip(const struct record *r)
{
	CLEANUP_FREE char *doc = record_encode(r);
	CLEANUP_FREE char *again = NULL;
	RECORD_SCOPE struct record *back = NULL;
	const struct member *m;
	struct error err;

	if (record_decode(r->key, doc, strlen(doc), 9, &back, &err) != ERR_OK) {
		printf("# %s\n# %s\n", doc, err.text);
		return false;
	}
	m = difference(r, back, record_types[r->kind].members);
	again = record_encode(back);
	if (m != NULL)
		printf("# %s: member '%s' differs\n", doc, m->name);
	return m == NULL && strcmp(doc, again) == 0 && back->revision == 9 &&
	       back->kind == r->kind && strcmp(back->key, r->key) == 0;
}

static void
test_round_trips(void)
{
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		const struct record_type *t = &record_types[kind];
		int bad = 0, bad_copies = 0;

		for (int i = 0; i < 300; i++) {
			RECORD_SCOPE struct record *r =
				record_new((enum record_kind)kind, ID);
			RECORD_SCOPE struct record *copy = NULL;

			rnd_members(r, t->members);
			r->revision = 5;
			copy = record_copy(r);
			bad += !round_trip(r);
			bad_copies += difference(r, copy, t->members) != NULL ||
				copy->revision != 5 ||
				strcmp(copy->key, r->key) != 0;
		}
		is_int(bad, 0, "random records of %s survive a round trip",
		       t->prefix);
		is_int(bad_copies, 0, "and are copied whole");
	}
}

/* Each member alone, so that two that are mixed up can't hide each other. */
static void
test_each_member(void)
{
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		const struct member *m = record_types[kind].members;

		for (; m->name != NULL; m++) {
			RECORD_SCOPE struct record *empty =
				record_new((enum record_kind)kind, ID);
			bool good = true;
			int differed = 0;

			for (int i = 0; i < 30; i++) {
				RECORD_SCOPE struct record *r =
					record_new((enum record_kind)kind, ID);

				rnd_member(r, m);
				for (const struct member *n =
				     record_types[kind].members;
				     n->name != NULL; n++)
					if (n->required && n->type == MEMBER_STR
					    && n != m)
						*MEMBER_AT(r, n, char *) =
							xstrdup("");
				differed += !same_member(empty, r, m);
				good = good && round_trip(r);
			}
			ok(good && differed > 0, "%s%s round trip",
			   record_types[kind].prefix, m->name);
		}
	}
}

/* A member that was added to a struct but to no table would be lost in silence:
 * what no table covers must be too small to be anything but padding.
 */
static size_t
member_size(const struct member *m)
{
	static const size_t sizes[] = {
		[MEMBER_ID] = ID_SIZE,
		[MEMBER_STR] = sizeof(char *),
		[MEMBER_BOOL] = sizeof(bool),
		[MEMBER_I64] = sizeof(int64_t),
		[MEMBER_U64] = sizeof(uint64_t),
		[MEMBER_U32] = sizeof(uint32_t),
		[MEMBER_DOUBLE] = sizeof(double),
		[MEMBER_WORD] = sizeof(int),
		[MEMBER_ERR] = sizeof(enum err),
		[MEMBER_STRS] = sizeof(struct strs),
		[MEMBER_KVS] = sizeof(struct kvs),
		[MEMBER_BRICKS] = sizeof(struct brick *) + sizeof(size_t),
	};

	return sizes[m->type];
}

static size_t
longest_gap(size_t size, size_t head, size_t id, const struct member *m)
{
	CLEANUP_FREE char *covered = xcalloc(size, 1);
	size_t gap = 0, longest = 0;

	memset(covered, 1, head);
	if (id != 0)
		memset(covered + id, 1, ID_SIZE);
	for (; m->name != NULL; m++)
		memset(covered + m->offset, 1, member_size(m));
	for (size_t i = 0; i < size; i++) {
		gap = covered[i] ? 0 : gap + 1;
		longest = gap > longest ? gap : longest;
	}
	return longest;
}

static void
test_tables_are_complete(void)
{
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		const struct record_type *t = &record_types[kind];

		ok(longest_gap(t->size, sizeof(struct record), t->id_offset,
			       t->members) < 8,
		   "the table of %s covers its struct", t->prefix);
	}
	ok(longest_gap(sizeof(struct brick), 0, 0, brick_members) < 8,
	   "that of bricks, too");
}

/* ---- literal documents: what is in stores today must stay readable ---- */

static const char volume_doc[] =
	"{\"block\":false,\"block_free_bytes\":0,\"block_reserved_bytes\":0,"
	"\"bricks\":[{\"device\":\"" ID "\",\"host\":\"h1\","
	"\"id\":\"" ID "\",\"metadata_bytes\":8388608,\"node\":\"" ID "\","
	"\"role\":1,\"size_bytes\":1073741824,\"thin_pool_bytes\":1073741824}],"
	"\"bricks_per_set\":1,\"cluster\":\"" ID "\",\"doing\":\"creating\","
	"\"gid\":0,\"name\":\"vol_x\",\"options\":[\"a b\",\"c d\"],"
	"\"params\":[[\"replicate.replica\",\"3\"]],\"pending\":\"" ID "\","
	"\"restriction\":\"\",\"size_bytes\":1073741824,\"snapshot_enable\":false,"
	"\"snapshot_factor\":1.0,\"type\":\"replicate\",\"v\":1}";

static void
test_literal_volume(void)
{
	RECORD_SCOPE struct volume *v = volume_new(ID);
	struct brick *b = volume_grow(v, 1);
	CLEANUP_FREE char *doc = NULL;

	strcpy(v->cluster, ID);
	v->name = xstrdup("vol_x");
	v->type = xstrdup("replicate");
	v->size_bytes = 1 << 30;
	v->bricks_per_set = 1;
	v->doing = VOLUME_CREATING;
	strcpy(v->pending, ID);
	strs_add(&v->options, "a b");
	strs_add(&v->options, "c d");
	kvs_add(&v->params, "replicate.replica", "3");
	strcpy(b->id, ID);
	strcpy(b->device, ID);
	strcpy(b->node, ID);
	b->host = xstrdup("h1");
	b->role = 1;
	b->size_bytes = b->thin_pool_bytes = 1 << 30;
	b->metadata_bytes = 8 << 20;
	doc = record_encode(&v->r);
	is_str(doc, volume_doc, "a volume is written to the byte");
}

static struct record *
decode(const char *key, const char *doc)
{
	struct record *r = NULL;
	struct error err;

	if (record_decode(key, doc, strlen(doc), 1, &r, &err) != ERR_OK)
		printf("# %s\n", err.text);
	return r;
}

static void
test_defaults(void)
{
	RECORD_SCOPE struct volume *v = (struct volume *)decode(
		"volumes/" ID, "{\"v\":1,\"cluster\":\"" ID "\",\"name\":\"n\","
		"\"size_bytes\":1,\"type\":\"\"}");
	RECORD_SCOPE struct operation *op = (struct operation *)decode(
		"operations/" ID, "{\"v\":1,\"kind\":\"create-volume\","
		"\"status\":\"running\"}");
	RECORD_SCOPE struct cluster *c = (struct cluster *)decode(
		"clusters/" ID, "{\"v\":1,\"colour\":[1,{\"new\":null}]}");

	ok(v != NULL && v->snapshot_factor == 1 && v->nbricks == 0 &&
	   v->doing == VOLUME_SETTLED && v->pending[0] == '\0',
	   "optional members of a volume have defaults");
	ok(v != NULL && strcmp(v->id, ID) == 0, "the id is the key's");
	ok(op != NULL && op->slot == -1 && op->error == NULL &&
	   op->location == NULL && op->error_code == ERR_OK,
	   "those of an operation, too");
	ok(c != NULL && !c->file && !c->block, "unknown members are ignored");
}

/* ---- what can be wrong ---- */

static const struct {
	const char *key, *doc, *text;
} wrong[] = {
	{ "clusters/" ID, "", "not JSON" },
	{ "clusters/" ID, "{\"v\":1", "not JSON: line 1" },
	{ "clusters/" ID, "{\"v\":1}x", "not JSON" },
	{ "clusters/" ID, "[]", "not an object" },
	{ "clusters/" ID, "{}", "member 'v' is missing" },
	{ "clusters/" ID, "{\"v\":\"1\"}", "member 'v'" },
	{ "clusters/" ID, "{\"v\":0}", "member 'v'" },
	{ "clusters/" ID, "{\"v\":2}", "written by a newer Brickyard" },
	{ "clusters/" ID, "{\"v\":1,\"v\":1}", "duplicate" },
	{ "clusters/" ID, "{\"v\":1,\"file\":1}", "member 'file'" },
	{ "clusters/" ID, "{\"v\":1,\"file\":\"\\ud800\"}", "not JSON" },
	{ "nodes/" ID, "{\"v\":1}", "member 'cluster' is missing" },
	{ "nodes/" ID, "{\"v\":1,\"cluster\":null}", "member 'cluster'" },
	{ "nodes/" ID, "{\"v\":1,\"cluster\":\"" ID "0\"}", "member 'cluster'" },
	{ "nodes/" ID, "{\"v\":1,\"cluster\":\"\",\"zone\":1.5}",
	  "member 'zone'" },
	{ "nodes/" ID, "{\"v\":1,\"cluster\":\"\",\"state\":\"on\"}",
	  "member 'state': unknown word 'on'" },
	{ "nodes/" ID, "{\"v\":1,\"cluster\":\"\",\"state\":0}",
	  "member 'state'" },
	{ "nodes/" ID, "{\"v\":1,\"cluster\":\"\",\"manage\":[1]}",
	  "member 'manage'" },
	{ "nodes/" ID, "{\"v\":1,\"cluster\":\"\",\"manage\":\"h\"}",
	  "member 'manage'" },
	{ "nodes/" ID, "{\"v\":1,\"cluster\":\"\",\"tags\":{}}",
	  "member 'tags'" },
	{ "nodes/" ID, "{\"v\":1,\"cluster\":\"\",\"tags\":[[\"a\"]]}",
	  "member 'tags'" },
	{ "nodes/" ID, "{\"v\":1,\"cluster\":\"\",\"tags\":[[\"a\",1]]}",
	  "member 'tags'" },
	{ "devices/" ID, "{\"v\":1,\"node\":\"\",\"name\":7}", "member 'name'" },
	{ "devices/" ID, "{\"v\":1,\"node\":\"\",\"name\":\"\","
	  "\"kind\":4294967296}", "member 'kind'" },
	{ "devices/" ID, "{\"v\":1,\"node\":\"\",\"name\":\"\",\"kind\":-1}",
	  "member 'kind'" },
	{ "devices/" ID, "{\"v\":1,\"node\":\"\",\"name\":\"\","
	  "\"total_bytes\":-1}", "member 'total_bytes'" },
	{ "devices/" ID, "{\"v\":1,\"node\":\"\",\"name\":\"\","
	  "\"total_bytes\":\"-1\"}", "member 'total_bytes'" },
	{ "devices/" ID, "{\"v\":1,\"node\":\"\",\"name\":\"\","
	  "\"total_bytes\":\"18446744073709551616\"}", "member 'total_bytes'" },
	{ "devices/" ID, "{\"v\":1,\"node\":\"\",\"name\":\"\","
	  "\"total_bytes\":\"12x\"}", "member 'total_bytes'" },
	{ "devices/" ID, "{\"v\":1,\"node\":\"\",\"name\":\"\","
	  "\"total_bytes\":1e3}", "member 'total_bytes'" },
	{ "volumes/" ID, "{\"v\":1,\"cluster\":\"\",\"name\":\"\","
	  "\"size_bytes\":1,\"type\":\"\",\"bricks\":[{}]}",
	  "bricks[0]: member 'id' is missing" },
	{ "volumes/" ID, "{\"v\":1,\"cluster\":\"\",\"name\":\"\","
	  "\"size_bytes\":1,\"type\":\"\",\"bricks\":[7]}",
	  "bricks[0]: not an object" },
	{ "volumes/" ID, "{\"v\":1,\"cluster\":\"\",\"name\":\"\","
	  "\"size_bytes\":1,\"type\":\"\",\"bricks\":{}}", "member 'bricks'" },
	{ "volumes/" ID, "{\"v\":1,\"cluster\":\"\",\"name\":\"\","
	  "\"size_bytes\":1,\"type\":\"\",\"snapshot_factor\":\"1\"}",
	  "member 'snapshot_factor'" },
	{ "operations/" ID, "{\"v\":1,\"kind\":\"dance\","
	  "\"status\":\"running\"}", "member 'kind': unknown word 'dance'" },
	{ "operations/" ID, "{\"v\":1,\"kind\":\"create-volume\"}",
	  "member 'status' is missing" },
	{ "index/x", "{\"v\":1}", "member 'value' is missing" },
};

static void
test_wrong_documents(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct record *r = NULL;
		struct error err = { .text = "" };

		is_int(record_decode(wrong[i].key, wrong[i].doc,
				     strlen(wrong[i].doc), 1, &r, &err),
		       ERR_PARSE, "%s %s is unreadable", wrong[i].key,
		       wrong[i].doc);
		has_str(err.text, wrong[i].text, "and the text says why");
		if (r != NULL)
			ok(0, "a record was returned");
	}
	is_int(record_decode("clusters/" ID, "{\"v\":1}\0", 8, 1,
			     &(struct record *){ NULL }, NULL),
	       ERR_PARSE, "a NUL byte after the document is no part of it");
}

static void
test_keys(void)
{
	static const char *const unknown[] = {
		"", "volumes", "volumes/", "volumes/a/b", "volume/" ID, "x/" ID,
		"volumes/" ID "0", "/volumes/" ID, "index/", "duty/x",
	};
	struct record *r = NULL;

	for (int i = 0; i < RECORD_KINDS; i++) {
		CLEANUP_FREE char *key = xasprintf(
			"%s%s", record_prefix((enum record_kind)i), ID);

		is_int(record_kind_of(key), i, "kind of %s", key);
	}
	is_int(record_kind_of("index/volumes/" ID "/my volume"), RECORD_INDEX,
	       "an index entry's name may hold anything");
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		is_int(record_kind_of(unknown[i]), RECORD_KINDS,
		       "'%s' names no object", unknown[i]);
		is_int(record_decode(unknown[i], "{\"v\":1}", 7, 1, &r, NULL),
		       ERR_NOTSUP, "and its document is none of ours");
	}
}

/* What a node said may be cut within a character, or be no text at all. */
static void
test_bad_utf8(void)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "cut \xc3", "cut \xef\xbf\xbd" },
		{ "\xff\xfe!", "\xef\xbf\xbd\xef\xbf\xbd!" },
		{ "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
				      "\xef\xbf\xbd" },
		{ "\xe2\x82\xac \xe2\x82", "\xe2\x82\xac \xef\xbf\xbd"
					   "\xef\xbf\xbd" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		RECORD_SCOPE struct operation *op = operation_new(ID);
		RECORD_SCOPE struct operation *back = NULL;
		CLEANUP_FREE char *doc = NULL;

		op->error = xstrdup(cases[i].in);
		strs_add(&op->avoid, cases[i].in);
		doc = record_encode(&op->r);
		back = (struct operation *)decode(op->r.key, doc);
		ok(back != NULL && back->avoid.n == 1, "bad UTF-8 is written");
		is_str(back->error, cases[i].out, "with marks in its place");
	}
}

static void
test_odd_numbers(void)
{
	RECORD_SCOPE struct volume *v = volume_new(ID);
	RECORD_SCOPE struct volume *back = NULL;
	CLEANUP_FREE char *doc = NULL;

	v->snapshot_factor = NAN;
	v->size_bytes = UINT64_MAX;
	doc = record_encode(&v->r);
	has_str(doc, "\"size_bytes\":\"18446744073709551615\"",
		"a size beyond 63 bits is written as text");
	back = (struct volume *)decode(v->r.key, doc);
	ok(back != NULL && back->size_bytes == UINT64_MAX, "and read back");
	ok(back != NULL && back->snapshot_factor == 1,
	   "what is no number does not reach a document");
}

/* ---- records ---- */

static void
test_names(void)
{
	enum state s = STATE_ONLINE;

	ok(state_parse("failed", &s) && s == STATE_FAILED, "a state is parsed");
	ok(!state_parse("Failed", &s) && !state_parse("", &s), "strictly");
	is_str(state_name(STATE_OFFLINE), "offline", "a state's name");
	is_str(op_kind_name(OP_VOLUME_CREATE), "create-volume", "a kind's");
	is_str(op_kind_name(OP_DEVICE_RESYNC), "resync-device", "another's");
	is_str(op_status_name(OP_STUCK), "stuck", "a status'");
}

static void
test_references(void)
{
	struct index_entry *e = index_new(RECORD_SLOT, "7", ID);
	RECORD_SCOPE struct node *n = node_new(ID);
	struct record *again = record_ref(&e->r);

	ok(again == &e->r, "a reference is the same object");
	record_unref(&e->r);
	is_str(again->key, "slots/7", "which lives until the last is given");
	record_unref(again);
	record_unref(NULL);
	is_str(n->r.key, "nodes/" ID, "a new record has its key");
	is_str(n->id, ID, "and its id");
	ok(n->r.revision == 0 && n->r.kind == RECORD_NODE, "and was never "
	   "stored");
}

static void
test_copies_are_private(void)
{
	RECORD_SCOPE struct volume *v = volume_new(ID);
	RECORD_SCOPE struct volume *copy = NULL;

	v->name = xstrdup("one");
	volume_grow(v, 2)[1].path = xstrdup("/one");
	copy = volume_copy(v);
	copy->name[0] = '1';
	copy->bricks[1].path[1] = '1';
	volume_grow(copy, 1);
	ok(strcmp(v->name, "one") == 0 && v->nbricks == 2 &&
	   strcmp(v->bricks[1].path, "/one") == 0,
	   "changing a copy leaves the original alone");
}

static void
test_bricks(void)
{
	RECORD_SCOPE struct volume *v = volume_new(ID);
	struct brick *b = volume_grow(v, 4);

	for (int i = 0; i < 4; i++) {
		b[i].host = xasprintf("h%d", i);
		strcpy(b[i].pending, i % 2 ? ID : "");
	}
	volume_remove_bricks(v, ID);
	ok(v->nbricks == 2 && strcmp(v->bricks[0].host, "h0") == 0 &&
	   strcmp(v->bricks[1].host, "h2") == 0,
	   "the pending bricks go, the others stay in order");
	ok(volume_grow(v, 1)->host == NULL, "new bricks are zeroed");
	volume_remove_bricks(v, "");
	is_int(v->nbricks, 0, "all can go");
}

int
main(void)
{
	test_round_trips();
	test_each_member();
	test_tables_are_complete();
	test_literal_volume();
	test_defaults();
	test_wrong_documents();
	test_keys();
	test_bad_utf8();
	test_odd_numbers();
	test_names();
	test_references();
	test_copies_are_private();
	test_bricks();
	return tap_done();
}
