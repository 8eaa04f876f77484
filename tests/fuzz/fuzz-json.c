/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bodies of requests: read, then checked; and what is said of bad syntax. */
#include <config.h>

#include <stdbool.h>
#include <string.h>

#include <jansson.h>

#include "api/gojson.h"
#include "api/gosyntax.h"
#include "api/gotext.h"
#include "api/validate.h"
#include "tests/fuzz/fuzz.h"

struct body {
	int64_t size, replica;
	double factor;
	bool block;
	char *name, *state, *device, *id;
	struct strs manage, ids;
	struct kvs tags, others;
};

#define FIELD(name, type) \
	{ #name, GOJSON_##type, offsetof(struct body, name), NULL }

static const struct gojson_field inner[] = {
	FIELD(replica, INT),
	FIELD(manage, STRINGS),
	{ "*", GOJSON_OTHERS, offsetof(struct body, others), NULL },
	GOJSON_END
};

static const struct gojson_field fields[] = {
	FIELD(size, INT), FIELD(factor, FLOAT32), FIELD(block, BOOL),
	FIELD(name, STRING), FIELD(state, STRING), FIELD(device, STRING),
	FIELD(id, STRING), FIELD(ids, STRINGS), FIELD(tags, MAP),
	{ "inner", GOJSON_OBJECT, 0, inner },
	GOJSON_END
};

static void
check(const struct body *b)
{
	struct faults f = { .v = { 0 } }, nested = { .v = { 0 } };
	struct buf text = { 0 };

	check_positive(&f, "size", b->size);
	check_volume_name(&f, "name", b->name);
	check_device_name(&f, "device", b->device);
	check_state(&f, "state", b->state);
	check_admin_mode(&f, "mode", b->state);
	check_restriction(&f, "restriction", b->state);
	check_tags_change(&f, "change_type", b->state);
	check_heal(&f, "healcheck", b->state);
	check_uuid(&f, "id", b->id);
	check_tags(&f, "tags", &b->tags);
	check_ids(&f, "ids", &b->ids);
	check_hosts(&nested, "manage", &b->manage);
	check_nested(&f, "inner", &nested);
	faults_text(&f, &text);
	HOLDS(faults_none(&f) == (text.len == 0));
	HOLDS(faults_none(&f) || text.s[text.len - 1] == '.');
	/* What gets through reaches nodes. */
	if (kvs_get(&f.v, "name") == NULL && b->name != NULL)
		HOLDS(strpbrk(b->name, "'\"$`;&|<>(){}\\ \t\n/") == NULL);
	if (kvs_get(&f.v, "device") == NULL)
		HOLDS(strpbrk(b->device, "'\"$`;&|<>(){}\\ \t\n") == NULL);
	buf_release(&text);
	faults_release(&f);
	faults_release(&nested);
}

/* What Go reads, jansson reads when it is tamed, unless it is nested deeply. */
static void
check_tame(const char *text, size_t size)
{
	struct buf tame = { 0 }, again = { 0 }, fault = { 0 };
	json_error_t je = { .text = "" };
	json_t *v;

	gotext_tame(text, size, &tame);
	gotext_tame(buf_str(&tame), tame.len, &again);
	HOLDS(again.len == tame.len &&
	      memcmp(buf_str(&again), buf_str(&tame), tame.len) == 0);
	HOLDS(!gosyntax_fault(buf_str(&tame), tame.len, &fault));
	v = json_loadb(tame.s, tame.len, JSON_DECODE_ANY, &je);
	HOLDS(v != NULL || json_error_code(&je) == json_error_stack_overflow);
	json_decref(v);
	buf_release(&tame);
	buf_release(&again);
	buf_release(&fault);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct body b = { .size = 0 };
	struct error err = { .text = "" };
	struct buf fault = { 0 };
	json_t *v = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	bool bad = gosyntax_fault((const char *)data, size, &fault);
	enum err r = gojson_decode(data, size, "api.Body", fields, &b, &err);

	HOLDS(!bad || r == ERR_PARSE);
	HOLDS(bad == (fault.len > 0));
	if (!bad)
		check_tame((const char *)data, size);
	HOLDS((r == ERR_OK) == (err.text[0] == '\0'));
	if (r == ERR_OK)
		check(&b);
	gojson_release(fields, &b);
	buf_release(&fault);
	json_decref(v);
	return 0;
}
