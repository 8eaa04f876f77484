/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /admin and /internal/logging: switches that count for all replicas.  Runs on
 * the workers of the API.
 */
#include <config.h>

#include "api/bodies.h"
#include "api/request.h"

/* These two routes of heketi tell what is wrong with the JSON, and with 400. */
static bool
decode(struct request *r, const char *go_type,
       const struct gojson_field *fields, void *to)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct error why = { .code = ERR_OK };

	if (gojson_decode(r->body.s, r->body.len, go_type, fields, to,
			  &why) == ERR_OK)
		return true;
	buf_addf(&b, "request unable to be parsed: %s", why.text);
	reply_text(r, 400, buf_str(&b));
	return false;
}

/* ---- /admin ---- */

struct admin_body {
	char *state;
};

static const struct gojson_field admin_fields[] = {
	{ "state", GOJSON_ADMIN_STATE, offsetof(struct admin_body, state),
	  NULL },
	GOJSON_END
};

static void
admin_body_release(struct admin_body *b)
{
	gojson_release(admin_fields, b);
}

void
h_admin_info(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };

	if (!request_sync(r))
		return;
	jsonout_open(&j, NULL, '{');
	jsonout_str(&j, "state",
		    admin_mode_name(service_admin_mode(r->service)));
	jsonout_close(&j, '}');
	reply_json(r, 200, &b);
}

void
h_admin_set(struct request *r)
{
	CLEANUP(admin_body_release) struct admin_body b = { .state = NULL };
	CLEANUP(faults_release) struct faults f = { .v = { 0 } };
	struct error err = { .code = ERR_OK };
	enum admin_mode mode = MODE_NORMAL;

	if (!decode(r, "api.AdminStatus", admin_fields, &b))
		return;
	check_admin_mode(&f, "state", b.state);
	if (!request_check(r, &f) || !request_sync(r))
		return;
	(void)admin_mode_parse(b.state, &mode);
	if (service_set_admin_mode(r->service, mode, &err) != ERR_OK)
		reply_error(r, &err);
	else
		reply_empty(r, 204);
}

/* ---- /internal/logging ---- */

static void
answer_level(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct jsonout j = { .out = &b };

	jsonout_open(&j, NULL, '{');
	jsonout_open(&j, "loglevel", '{');
	jsonout_str(&j, "glusterfs", service_log_level(r->service));
	jsonout_close(&j, '}');
	jsonout_close(&j, '}');
	reply_json(r, 200, &b);
}

void
h_logging_info(struct request *r)
{
	if (request_sync(r))
		answer_level(r);
}

struct logging_body {
	struct kvs levels;
};

static const struct gojson_field logging_fields[] = {
	{ "loglevel", GOJSON_MAP, offsetof(struct logging_body, levels), NULL },
	GOJSON_END
};

static void
logging_body_release(struct logging_body *b)
{
	gojson_release(logging_fields, b);
}

void
h_logging_set(struct request *r)
{
	CLEANUP(logging_body_release) struct logging_body b = { .levels = { 0 } };
	struct error err = { .code = ERR_OK };
	const char *level;

	if (!decode(r, "api.LogLevelInfo", logging_fields, &b))
		return;
	level = kvs_get(&b.levels, "glusterfs");
	if (level == NULL) {
		reply_text(r, 422, "Only \"glusterfs\" logger may be modified");
		return;
	}
	if (!request_sync(r))
		return;
	if (*level != '\0' &&
	    service_set_log_level(r->service, level, &err) != ERR_OK)
		reply_error(r, &err);
	else
		answer_level(r);
}
