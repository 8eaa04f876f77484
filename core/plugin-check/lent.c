/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See lent.h: the table of services, watched. */
#include <config.h>

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "plugin-check/lent-library.h"
#include "plugin-check/lent.h"
#include "util/clock.h"

#define SECRET_MIN 6		/* shorter ones are found in anything */

static struct {
	enum lent kind;
	int at;
	enum mischief what;
	int death;		/* at which call of all; 0: never */
	_Atomic bool happened;
} armed;

static _Atomic int seen[LENT_KINDS], seen_of_host;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char misuse[256];
static struct strs secrets;

const char *
lent_name(enum lent kind)
{
	static const char *const names[] = {
		[LENT_LOG] = "a log line", [LENT_FAIL] = "a fail()",
		[LENT_NEXT] = "a result_next()", [LENT_STR] = "a result_str()",
		[LENT_U64] = "a result_u64()",
		[LENT_CANCELLED] = "a cancelled()", [LENT_MEMORY] = "memory",
		[LENT_FILES] = "a descriptor",
		[LENT_PROCESSES] = "a process or thread",
	};

	return names[kind];
}

void
lent_arm(enum lent kind, int n, enum mischief what)
{
	for (size_t i = 0; i < LENT_KINDS; i++)
		seen[i] = 0;
	seen_of_host = 0;
	armed.happened = false;
	armed.kind = kind;
	armed.at = n;
	armed.death = 0;
	armed.what = what;
}

void
lent_arm_death(int n)
{
	lent_arm(LENT_LOG, 0, MISCHIEF_NONE);
	armed.death = n;
}

void
lent_disarm(void)
{
	lent_arm(LENT_LOG, 0, MISCHIEF_NONE);
}

int
lent_seen(enum lent kind)
{
	return seen[kind];
}

int
lent_seen_of_host(void)
{
	return seen_of_host;
}

bool
lent_happened(void)
{
	return armed.happened;
}

/* A call of a service; what is to become of it, when more than waiting. */
static enum mischief
meet(enum lent kind)
{
	int n = ++seen[kind];

	if (kind < LENT_MEMORY && ++seen_of_host == armed.death)
		kill(getpid(), SIGKILL);
	if (armed.what == MISCHIEF_NONE || armed.kind != kind || n < armed.at)
		return MISCHIEF_NONE;
	if (n > armed.at && (armed.what == MISCHIEF_SLOW ||
			     armed.what == MISCHIEF_FAIL))
		return MISCHIEF_NONE;
	armed.happened = true;
	if (armed.what == MISCHIEF_SLOW)
		usleep(LENT_SLOW_MS * 1000);
	return armed.what;
}

bool
lent_ask_cancelled(void)
{
	return meet(LENT_CANCELLED) == MISCHIEF_YES;
}

bool
lent_library_fails(enum lent kind)
{
	return meet(kind) == MISCHIEF_FAIL;
}

/* ---- what must not be ---- */

static void
note(const char *fmt, ...) PRINTF(1, 2);
static void
note(const char *fmt, ...)
{
	va_list ap;

	LOCK_FOR_SCOPE(&lock);
	if (misuse[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(misuse, sizeof(misuse), fmt, ap);
	va_end(ap);
}

const char *
lent_misuse(char *buf, size_t size)
{
	LOCK_FOR_SCOPE(&lock);
	if (misuse[0] == '\0')
		return NULL;
	snprintf(buf, size, "%s", misuse);
	misuse[0] = '\0';
	return buf;
}

void
lent_watch_secret(const char *value)
{
	if (strlen(value) >= SECRET_MIN)
		strs_add(&secrets, value);
}

static void
look_for_secrets(const char *where, const char *text)
{
	for (size_t i = 0; i < secrets.n; i++)
		if (strstr(text, secrets.v[i]) != NULL)
			note("%s shows the value of a secret option", where);
}

/* ---- the table ---- */

BRICKYARD_PRINTF(2, 3) static void
lent_log(int level, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (level < BRICKYARD_LOG_ERROR || level > BRICKYARD_LOG_DEBUG)
		note("log() at level %d, which is none", level);
	look_for_secrets("log()", text);
	(void)meet(LENT_LOG);
	plugin_host_services.log(level, "%s", text);
}

BRICKYARD_PRINTF(3, 4) static void
lent_fail(struct brickyard_error *e, int err_class, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (e == NULL)
		note("fail() of no error");
	if (err_class < BRICKYARD_ERR_PERMANENT ||
	    err_class > BRICKYARD_ERR_UNSUPPORTED)
		note("fail() with class %d, which is none", err_class);
	if (text[0] == '\0')
		note("fail() with no text");
	look_for_secrets("fail()", text);
	(void)meet(LENT_FAIL);
	plugin_host_services.fail(e, err_class, "%s", text);
}

/* True: there is room. */
static bool
result_begins(enum lent kind, struct brickyard_result *r)
{
	if (r == NULL) {
		note("%s of no result: this call gives none", lent_name(kind));
		return false;
	}
	if (meet(kind) != MISCHIEF_FULL)
		return true;
	r->overflow = true;
	return false;
}

static void
lent_next(struct brickyard_result *r)
{
	if (result_begins(LENT_NEXT, r))
		plugin_host_services.result_next(r);
}

static void
lent_str(struct brickyard_result *r, const char *key, const char *value)
{
	if (key == NULL || value == NULL)
		note("result_str() without a %s", key == NULL ? "key" : "value");
	if (result_begins(LENT_STR, r))
		plugin_host_services.result_str(r, key, value);
}

static void
lent_u64(struct brickyard_result *r, const char *key, uint64_t value)
{
	if (key == NULL)
		note("result_u64() without a key");
	if (result_begins(LENT_U64, r))
		plugin_host_services.result_u64(r, key, value);
}

const struct brickyard_host lent_services = {
	.size = sizeof(lent_services),
	.abi_major = BRICKYARD_ABI_MAJOR,
	.abi_minor = BRICKYARD_ABI_MINOR,
	.log = lent_log,
	.fail = lent_fail,
	.result_next = lent_next,
	.result_str = lent_str,
	.result_u64 = lent_u64,
};
