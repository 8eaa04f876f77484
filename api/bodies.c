/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Request bodies that more than one object has.  Runs on the workers. */
#include <config.h>

#include <string.h>

#include "api/bodies.h"

bool
request_check(struct request *r, const struct faults *f)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	if (faults_none(f))
		return true;
	buf_adds(&b, "validation failed: ");
	faults_text(f, &b);
	reply_text(r, 400, buf_str(&b));
	return false;
}

struct state_body {
	char *state;
	char *healcheck;	/* the member's name in heketi's code, */
	char *healthcheck;	/* and as its documents have it */
};

static const struct gojson_field state_fields[] = {
	{ "state", GOJSON_STRING, offsetof(struct state_body, state), NULL },
	{ "healcheck", GOJSON_STRING, offsetof(struct state_body, healcheck),
	  NULL },
	{ "healthcheck", GOJSON_STRING,
	  offsetof(struct state_body, healthcheck), NULL },
	GOJSON_END
};

static void
state_body_release(struct state_body *b)
{
	gojson_release(state_fields, b);
}

/* By either name. */
static bool
wants_heal_check(const struct state_body *b)
{
	return (b->healcheck == NULL || strcmp(b->healcheck, "disable") != 0) &&
	       (b->healthcheck == NULL ||
		strcmp(b->healthcheck, "disable") != 0);
}

bool
request_decode_state(struct request *r, enum state *ret, bool *ret_heal)
{
	CLEANUP(state_body_release) struct state_body b = { .state = NULL };
	CLEANUP(faults_release) struct faults heal = { .v = { 0 } };
	CLEANUP(faults_release) struct faults state = { .v = { 0 } };

	if (!request_decode(r, "StateRequest", state_fields, &b))
		return false;
	check_heal(&heal, "healcheck", b.healcheck);
	check_heal(&heal, "healthcheck", b.healthcheck);
	check_state(&state, "state", b.state);
	*ret_heal = wants_heal_check(&b);
	/* heketi looks at the state only when the other is fine. */
	return request_check(r, &heal) && request_check(r, &state) &&
	       state_parse(b.state, ret);
}

bool
request_decode_evict(struct request *r, bool *ret_heal)
{
	CLEANUP(state_body_release) struct state_body b = { .state = NULL };
	CLEANUP(faults_release) struct faults heal = { .v = { 0 } };

	*ret_heal = true;
	/* heketi looks at a body only if its length was told. */
	if (r->content_length <= 0)
		return true;
	if (!request_decode(r, "BrickEvictOptions", &state_fields[1], &b))
		return false;
	check_heal(&heal, "healcheck", b.healcheck);
	check_heal(&heal, "healthcheck", b.healthcheck);
	*ret_heal = wants_heal_check(&b);
	return request_check(r, &heal);
}
