/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What handlers read from a request and answer to it.  Runs on whichever
 * thread owns the request at the moment.
 */
#include <config.h>

#include <stdatomic.h>
#include <string.h>

#include "api/path.h"
#include "api/request.h"
#include "util/log.h"
#include "util/xalloc.h"

static const char TEXT[] = "text/plain; charset=utf-8";
static const char HTML[] = "text/html; charset=utf-8";
static const char JSON[] = "application/json; charset=UTF-8";

/* heketi's words for what is ours */
static const char STORE_TEXT[] = "Unable to access db";

bool
request_decode(struct request *r, const char *go_type,
	       const struct gojson_field *fields, void *to)
{
	struct error why = { .code = ERR_OK };

	if (gojson_decode(r->body.s, r->body.len, go_type, fields, to,
			  &why) == ERR_OK)
		return true;
	log_debug("body is unreadable: %s", why.text);
	reply_text(r, 422, "request unable to be parsed");
	return false;
}

bool
request_admit(struct request *r)
{
	enum admin_mode mode = service_admin_mode(r->service);

	if (mode == MODE_NORMAL || strcmp(r->method, "GET") == 0 ||
	    strcmp(r->method, "HEAD") == 0 ||
	    (mode == MODE_LOCAL_CLIENT && r->local))
		return true;
	reply_text(r, 503, "Service disabled for maintenance");
	return false;
}

bool
request_sync(struct request *r)
{
	struct error err = { .code = ERR_OK };

	if (r->synced)
		return true;
	if (service_sync(r->service, &err) == ERR_OK) {
		r->synced = true;
		/* What was switched on another replica counts by now. */
		return request_admit(r);
	}
	log_warning("request can't be served: %s", err.text);
	/* However it failed: what is in memory may be old. */
	err.code = ERR_STORE;
	reply_error(r, &err);
	return false;
}

void
reply_clear(struct request *r)
{
	free(r->reply.location);
	free(r->reply.disposition);
	buf_release(&r->reply.body);
	memset(&r->reply, 0, sizeof(r->reply));
}

static void
begin(struct request *r, unsigned status, const char *type)
{
	reply_clear(r);
	r->reply.status = status;
	r->reply.type = type;
}

void
reply_own_error(struct request *r, unsigned status, const char *code,
		const char *message)
{
	struct jsonout j = { .out = &r->reply.body };

	begin(r, status, JSON);
	jsonout_open(&j, NULL, '{');
	jsonout_open(&j, "error", '{');
	jsonout_str(&j, "code", code);
	jsonout_str(&j, "message", message);
	jsonout_open(&j, "reasons", '[');
	jsonout_close(&j, ']');
	jsonout_str(&j, "request_id", r->request_id);
	jsonout_close(&j, '}');
	jsonout_close(&j, '}');
	buf_adds(&r->reply.body, "\n");
}

/* For what is refused by status, before there is an error of the core. */
static const char *
code_of_status(unsigned status)
{
	switch (status) {
	case 400:
		return err_code(ERR_BADREQ);
	case 401:
		return err_code(ERR_AUTH);
	case 404:
		return err_code(ERR_NOTFOUND);
	case 405:
		return "bad-method";
	case 413:
	case 414:
		return err_code(ERR_TOOLARGE);
	case 422:
		return err_code(ERR_PARSE);
	case 429:
	case 503:
		return err_code(ERR_BUSY);
	}
	return err_code(ERR_INTERNAL);
}

void
reply_text(struct request *r, unsigned status, const char *text)
{
	if (r->own) {
		reply_own_error(r, status, code_of_status(status), text);
		return;
	}
	begin(r, status, TEXT);
	r->reply.nosniff = true;
	buf_adds(&r->reply.body, text);
	buf_adds(&r->reply.body, "\n");
}

/* heketi's Go client sleeps 10 to 30 s after a 429, unless it is told how long,
 * and gives up after six of them.  So not too short, and not the same for all.
 */
static unsigned
retry_after(void)
{
	static _Atomic unsigned n;

	return 5 + atomic_fetch_add(&n, 7) % 10;
}

/* The client is told heketi's words; why it is so is for the operator. */
static void
refuse_for_store(struct request *r, const struct error *err)
{
	log_warning("%s", err->text);
	reply_text(r, 503, STORE_TEXT);
}

void
reply_error(struct request *r, const struct error *err)
{
	if (r->own)
		reply_own_error(r, err_http(err->code), err_code(err->code),
				err->text);
	else if (err->code == ERR_STORE)
		refuse_for_store(r, err);
	else
		reply_text(r, err_http(err->code), err->text);
	if (err->code == ERR_BUSY)
		r->reply.retry_after_s = retry_after();
}

void
reply_not_found(struct request *r)
{
	reply_text(r, 404, "Id not found");
}

void
reply_json(struct request *r, unsigned status, struct buf *text)
{
	begin(r, status, JSON);
	buf_adds(text, "\n");
	r->reply.body = *text;
	memset(text, 0, sizeof(*text));
}

void
reply_empty(struct request *r, unsigned status)
{
	begin(r, status, NULL);
}

void
reply_bytes(struct request *r, unsigned status, const char *type,
	    struct buf *bytes)
{
	begin(r, status, type);
	r->reply.body = *bytes;
	memset(bytes, 0, sizeof(*bytes));
}

void
reply_attachment(struct request *r, const char *name, struct buf *bytes)
{
	reply_bytes(r, 200, "application/octet-stream", bytes);
	r->reply.disposition = xasprintf("attachment; filename=\"%s\"", name);
}

static void
add_html(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '&':
			buf_adds(b, "&amp;");
			break;
		case '<':
			buf_adds(b, "&lt;");
			break;
		case '>':
			buf_adds(b, "&gt;");
			break;
		case '"':
			buf_adds(b, "&#34;");
			break;
		case '\'':
			buf_adds(b, "&#39;");
			break;
		default:
			buf_add(b, s, 1);
		}
	}
}

static const char *
status_words(unsigned status)
{
	switch (status) {
	case 202:
		return "Accepted";
	case 301:
		return "Moved Permanently";
	case 303:
		return "See Other";
	}
	return "";
}

void
reply_redirect(struct request *r, unsigned status, const char *location)
{
	struct buf *b = &r->reply.body;

	begin(r, status, NULL);
	r->reply.location = xstrdup(location);
	if (strcmp(r->method, "GET") != 0)
		return;
	r->reply.type = HTML;
	buf_adds(b, "<a href=\"");
	add_html(b, location);
	buf_addf(b, "\">%s</a>.\n\n", status_words(status));
}

void
reply_async(struct request *r, enum err e, const char *op,
	    const struct error *err)
{
	CLEANUP_FREE char *location = NULL;

	if (e != ERR_OK) {
		reply_error(r, err);
		return;
	}
	log_info("operation %s started", op);
	location = xasprintf("/queue/%s", op);
	reply_redirect(r, 202, location);
}
