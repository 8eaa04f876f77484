/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error table and the one way to fill struct error. */
#include <config.h>

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/error.h"
#include "util/xalloc.h"

static const struct {
	const char *code;
	unsigned http;
} tab[] = {
#define E(name, code, http, text) [ERR_##name] = { code, http },
#include "util/error.def"
#undef E
};
_Static_assert(ARRAY_SIZE(tab) == ERR_MAX, "error.def");

enum err
fail(struct error *err, enum err code, const char *fmt, ...)
{
	int saved = errno;	/* fmt may use %m */
	va_list ap;

	assert(code != ERR_OK);
	if (err != NULL) {
		err->code = code;
		va_start(ap, fmt);
		errno = saved;
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	errno = saved;
	return code;
}

enum err
fail_prefix(struct error *err, const char *fmt, ...)
{
	CLEANUP_FREE char *was = xstrdup(err->text);
	CLEANUP_FREE char *prefix = NULL;
	va_list ap;

	va_start(ap, fmt);
	prefix = xvasprintf(fmt, ap);
	va_end(ap);
	snprintf(err->text, sizeof(err->text), "%s: %s", prefix, was);
	return err->code;
}

const char *
err_code(enum err e)
{
	return e < ERR_MAX ? tab[e].code : tab[ERR_INTERNAL].code;
}

unsigned
err_http(enum err e)
{
	return e < ERR_MAX ? tab[e].http : tab[ERR_INTERNAL].http;
}

enum err
err_from_code(const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(tab); i++)
		if (code != NULL && strcmp(tab[i].code, code) == 0)
			return (enum err)i;
	return ERR_INTERNAL;
}
