/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host lends to plug-ins: logging, failing, and results.  Plug-ins
 * may call these from any thread, also from several of their own for one and
 * the same call, so errors and results are filled under one lock.  What comes
 * in is made valid UTF-8 here, because it goes on into JSON documents.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plugin.h"
#include "util/log.h"
#include "util/utf8.h"
#include "util/xalloc.h"

#define RESULT_MAX_BYTES (1024 * 1024)
/* What a pair costs beside its text, so that empty ones count, too. */
#define RESULT_PAIR_BYTES 32

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local const struct plugin *current;

const struct plugin *
plugin_enter(const struct plugin *p)
{
	const struct plugin *was = current;

	current = p;
	return was;
}

/* ---- UTF-8 ---- */

/* Tools answer in any encoding, and a cut may go through a character. */
static void
make_utf8(char *text)
{
	while (*text != '\0') {
		size_t n = utf8_length(text, SIZE_MAX);

		if (n == 0)
			*text = '?';
		text += n > 0 ? n : 1;
	}
}

/* ---- services ---- */

static enum log_level
log_level_of(int level)
{
	switch (level) {
	case BRICKYARD_LOG_ERROR:
		return LOG_LVL_ERR;
	case BRICKYARD_LOG_WARNING:
		return LOG_LVL_WARNING;
	case BRICKYARD_LOG_NOTICE:
		return LOG_LVL_NOTICE;
	case BRICKYARD_LOG_INFO:
		return LOG_LVL_INFO;
	default:
		return LOG_LVL_DEBUG;
	}
}

BRICKYARD_PRINTF(2, 3) static void
service_log(int level, const char *fmt, ...)
{
	int saved = errno;
	char text[ERROR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	make_utf8(text);
	log_at(log_level_of(level), "%s: %s",
	       current != NULL ? current->name : "plug-in", text);
	errno = saved;
}

BRICKYARD_PRINTF(3, 4) static void
service_fail(struct brickyard_error *e, int err_class, const char *fmt, ...)
{
	int saved = errno;
	char text[ERROR_TEXT_MAX];
	va_list ap;

	if (e == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	make_utf8(text);
	LOCK_FOR_SCOPE(&lock);
	e->err_class = err_class;
	memcpy(e->text, text, strlen(text) + 1);
	errno = saved;
}

/* Account for n bytes more; false: no room, and the result is spoilt. */
static bool
result_charge(struct brickyard_result *r, size_t n)
{
	if (r->overflow || n > RESULT_MAX_BYTES - r->bytes) {
		r->overflow = true;
		return false;
	}
	r->bytes += n;
	return true;
}

static void
result_begin(struct brickyard_result *r)
{
	struct kvs *record = VEC_PUSH(&r->records);

	memset(record, 0, sizeof(*record));
}

static void
service_result_next(struct brickyard_result *r)
{
	LOCK_FOR_SCOPE(&lock);
	/* Steps that give no result are lent none. */
	if (r != NULL && result_charge(r, RESULT_PAIR_BYTES))
		result_begin(r);
}

static void
service_result_str(struct brickyard_result *r, const char *key,
		   const char *value)
{
	CLEANUP_FREE char *k = NULL;
	CLEANUP_FREE char *v = NULL;
	size_t n;

	LOCK_FOR_SCOPE(&lock);
	if (r == NULL || key == NULL || value == NULL)
		return;
	n = strlen(key) + strlen(value) + RESULT_PAIR_BYTES;
	if (!result_charge(r, n))
		return;
	k = xstrdup(key);
	v = xstrdup(value);
	make_utf8(k);
	make_utf8(v);
	kvs_add(&r->records.v[r->records.n - 1], k, v);
}

static void
service_result_u64(struct brickyard_result *r, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	service_result_str(r, key, text);
}

/* ---- the host's side ---- */

void
result_init(struct brickyard_result *r)
{
	memset(r, 0, sizeof(*r));
	result_begin(r);
}

void
result_release(struct brickyard_result *r)
{
	for (size_t i = 0; i < r->records.n; i++)
		kvs_release(&r->records.v[i]);
	free(r->records.v);
	memset(r, 0, sizeof(*r));
}

const char *
result_get(const struct brickyard_result *r, size_t i, const char *key)
{
	return i < r->records.n ? kvs_get(&r->records.v[i], key) : NULL;
}

uint64_t
result_get_u64(const struct brickyard_result *r, size_t i, const char *key,
	       uint64_t dflt)
{
	const char *s = result_get(r, i, key);
	char *end = NULL;
	uintmax_t n;

	if (s == NULL || s[0] == '\0' || s[strspn(s, "0123456789")] != '\0')
		return dflt;
	errno = 0;
	n = strtoumax(s, &end, 10);
	return errno == 0 && n <= UINT64_MAX ? (uint64_t)n : dflt;
}

void
result_get_all(const struct brickyard_result *r, size_t i, const char *key,
	       struct strs *ret)
{
	if (i >= r->records.n)
		return;
	for (size_t j = 0; j < r->records.v[i].n; j++)
		if (strcmp(r->records.v[i].v[j].key, key) == 0)
			strs_add(ret, r->records.v[i].v[j].value);
}

enum err
plugin_fail(struct error *err, const struct brickyard_error *e)
{
	/* What is not here is a step on a node that failed; the text says how. */
	static const enum err codes[] = {
		[BRICKYARD_ERR_TRANSIENT] = ERR_TRANSIENT,
		[BRICKYARD_ERR_UNREACHABLE] = ERR_UNREACHABLE,
		[BRICKYARD_ERR_TIMEOUT] = ERR_TIMEOUT,
		[BRICKYARD_ERR_CANCELLED] = ERR_CANCELLED,
		[BRICKYARD_ERR_FENCED] = ERR_FENCED,
		[BRICKYARD_ERR_NOTFOUND] = ERR_NOTFOUND,
		[BRICKYARD_ERR_EXISTS] = ERR_EXISTS,
		[BRICKYARD_ERR_UNSUPPORTED] = ERR_NOTSUP,
	};
	enum err code = ERR_OK;

	if (e->err_class > 0 && (size_t)e->err_class < ARRAY_SIZE(codes))
		code = codes[e->err_class];
	return fail(err, code != ERR_OK ? code : ERR_EXEC, "%s", e->text);
}

const struct brickyard_host plugin_host_services = {
	.size = sizeof(struct brickyard_host),
	.abi_major = BRICKYARD_ABI_MAJOR,
	.abi_minor = BRICKYARD_ABI_MINOR,
	.log = service_log,
	.fail = service_fail,
	.result_next = service_result_next,
	.result_str = service_result_str,
	.result_u64 = service_result_u64,
};
