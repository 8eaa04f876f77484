/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of request members.  Pure functions; any thread. */
#include <config.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "api/validate.h"
#include "util/id.h"
#include "util/xalloc.h"

#define IDS_MAX		32
#define TAGS_MAX	32
#define TAG_NAME_MAX	32
#define TAG_VALUE_MAX	64
#define HOST_MAX	255
#define LABEL_MAX	63

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALNUM	LETTERS "0123456789"

static const char BLANK[] = "cannot be blank";
static const char FORMAT[] = "must be in a valid format";

void
faults_release(struct faults *f)
{
	kvs_release(&f->v);
}

bool
faults_none(const struct faults *f)
{
	return f->v.n == 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct kv *)a)->key, ((const struct kv *)b)->key);
}

void
faults_text(const struct faults *f, struct buf *b)
{
	CLEANUP_FREE struct kv *v = xmemdup(f->v.v, f->v.n * sizeof(*v));

	if (f->v.n > 1)
		qsort(v, f->v.n, sizeof(*v), compare);
	for (size_t i = 0; i < f->v.n; i++)
		buf_addf(b, "%s%s: %s", i > 0 ? "; " : "", v[i].key,
			 v[i].value);
	buf_adds(b, ".");
}

static bool
is_blank(const char *s)
{
	return s == NULL || *s == '\0';
}

static bool
consists_of(const char *s, const char *chars)
{
	return s[strspn(s, chars)] == '\0';
}

/* Characters, not bytes: continuation bytes don't count. */
static size_t
runes(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void
fault(struct faults *f, const char *field, const char *text)
{
	kvs_set(&f->v, field, text);
}

static void PRINTF(3, 4)
faultf(struct faults *f, const char *field, const char *fmt, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	fault(f, field, text);
}

void
check_positive(struct faults *f, const char *field, int64_t value)
{
	if (value == 0)
		fault(f, field, BLANK);
	else if (value < 1)
		fault(f, field, "must be no less than 1");
}

void
check_uuid(struct faults *f, const char *field, const char *value)
{
	if (is_blank(value))
		fault(f, field, BLANK);
	else if (!id_is_valid(value))
		faultf(f, field, "%s is not a valid UUID", value);
}

void
check_volume_name(struct faults *f, const char *field, const char *value)
{
	if (!is_blank(value) && !consists_of(value, ALNUM "_-"))
		fault(f, field, FORMAT);
}

void
check_device_name(struct faults *f, const char *field, const char *value)
{
	if (is_blank(value))
		fault(f, field, BLANK);
	else if (value[0] != '/' || value[1] == '\0' ||
		 !consists_of(value, ALNUM "_.:/-"))
		fault(f, field, FORMAT);
}

void
check_state(struct faults *f, const char *field, const char *value)
{
	if (is_blank(value))
		fault(f, field, BLANK);
	else if (strcmp(value, "online") != 0 &&
		 strcmp(value, "offline") != 0 && strcmp(value, "failed") != 0)
		faultf(f, field, "%s is not valid state", value);
}

void
check_admin_mode(struct faults *f, const char *field, const char *value)
{
	if (is_blank(value))
		fault(f, field, BLANK);
	else if (strcmp(value, "normal") != 0 &&
		 strcmp(value, "read-only") != 0 &&
		 strcmp(value, "local-client") != 0)
		fault(f, field, "must be a valid value");
}

void
check_restriction(struct faults *f, const char *field, const char *value)
{
	if (!is_blank(value) && strcmp(value, "locked") != 0)
		fault(f, field, "must be a valid value");
}

void
check_tags_change(struct faults *f, const char *field, const char *value)
{
	if (is_blank(value))
		fault(f, field, BLANK);
	else if (strcmp(value, "set") != 0 && strcmp(value, "update") != 0 &&
		 strcmp(value, "delete") != 0)
		fault(f, field, "must be a valid value");
}

void
check_heal(struct faults *f, const char *field, const char *value)
{
	if (!is_blank(value) && strcmp(value, "enable") != 0 &&
	    strcmp(value, "disable") != 0)
		faultf(f, field, "%s is not valid heal info check", value);
}

/* Labels of 1 to 63, joined by dots; [len] bytes of s. */
static bool
labels_are_valid(const char *s, size_t len)
{
	size_t label = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (strchr(ALNUM "_-", s[i]) == NULL ||
		    (label == 0 && s[i] == '-') || ++label > LABEL_MAX)
			return false;
	}
	return label > 0;
}

static bool
dns_name_is_valid(const char *s)
{
	size_t len = strlen(s), undotted = 0;

	for (size_t i = 0; i < len; i++)
		undotted += s[i] != '.';
	if (len == 0 || undotted > HOST_MAX)
		return false;
	/* The validator's expression ends in [._]?, beyond the last label. */
	return labels_are_valid(s, len) ||
	       (strchr("._", s[len - 1]) != NULL &&
		labels_are_valid(s, len - 1));
}

bool
host_is_valid(const char *host)
{
	struct in6_addr a;

	return inet_pton(AF_INET6, host, &a) == 1 || dns_name_is_valid(host);
}

void
check_hosts(struct faults *f, const char *kind, const struct strs *hosts)
{
	CLEANUP_FREE char *all = NULL;

	if (hosts->n == 0) {
		fault(f, kind, BLANK);
		return;
	}
	for (size_t i = 0; i < hosts->n; i++) {
		if (host_is_valid(hosts->v[i]))
			continue;
		all = strs_join(hosts, " ");
		faultf(f, kind, "[%s] is not a valid %s hostname", all, kind);
		return;
	}
}

/* NULL: nothing is wrong with it. */
static char *
tag_fault(const struct kv *tag)
{
	if (tag->key[0] == '\0')
		return xstrdup("tag names may not be empty");
	if (runes(tag->key) > TAG_NAME_MAX)
		return xasprintf("tag name %s: the length must be between 1 "
				 "and %d", tag->key, TAG_NAME_MAX);
	if (runes(tag->value) > TAG_VALUE_MAX)
		return xasprintf("value of tag %s: the length must be no more "
				 "than %d", tag->key, TAG_VALUE_MAX);
	if (!consists_of(tag->key, ALNUM "_.-"))
		return xasprintf("invalid characters in tag name %s", tag->key);
	return NULL;
}

void
check_tags(struct faults *f, const char *field, const struct kvs *tags)
{
	if (tags->n > TAGS_MAX) {
		faultf(f, field, "too many tags specified (%zu), up to %d "
		       "supported", tags->n, TAGS_MAX);
		return;
	}
	for (size_t i = 0; i < tags->n; i++) {
		CLEANUP_FREE char *text = tag_fault(&tags->v[i]);

		if (text != NULL) {
			fault(f, field, text);
			return;
		}
	}
}

void
check_ids(struct faults *f, const char *field, const struct strs *ids)
{
	if (ids->n > IDS_MAX) {
		faultf(f, field, "too many ids specified (%zu), up to %d "
		       "supported", ids->n, IDS_MAX);
		return;
	}
	for (size_t i = 0; i < ids->n; i++) {
		/* heketi's validator lets an empty one pass. */
		if (ids->v[i][0] == '\0' || id_is_valid(ids->v[i]))
			continue;
		faultf(f, field, "%s is not a valid UUID", ids->v[i]);
		return;
	}
}

void
check_nested(struct faults *f, const char *field, const struct faults *inner)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	if (faults_none(inner))
		return;
	faults_text(inner, &b);
	faultf(f, field, "(%s)", buf_str(&b));
}
