/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See laws.h. */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "plugin-check/laws.h"
#include "util/xalloc.h"

/* Is it there, and one of these words (NULL: any that is not empty)? */
static char *
word_fault(const struct brickyard_result *res, size_t i, const char *key,
	   const char *const *words)
{
	const char *value = result_get(res, i, key);

	if (value == NULL || value[0] == '\0')
		return xasprintf("record %zu has no %s", i, key);
	for (size_t k = 0; words != NULL && words[k] != NULL; k++)
		if (strcmp(words[k], value) == 0)
			return NULL;
	return words == NULL ? NULL :
	       xasprintf("record %zu: %s is '%.80s'", i, key, value);
}

static char *
number_fault(const struct brickyard_result *res, size_t i, const char *key)
{
	const char *value = result_get(res, i, key);

	if (value == NULL)
		return xasprintf("record %zu has no %s", i, key);
	if (value[0] == '\0' || value[strspn(value, "0123456789")] != '\0')
		return xasprintf("record %zu: %s is '%.80s', no number", i, key,
				 value);
	return NULL;
}

/* Who begins a record for each thing leaves the first one empty. */
static size_t
first_record(const struct brickyard_result *res)
{
	return res->records.n > 0 && res->records.v[0].n == 0;
}

static char *
words_fault(const struct brickyard_result *res, size_t i, const char *const *keys)
{
	char *why = NULL;

	for (; why == NULL && *keys != NULL; keys++)
		why = word_fault(res, i, *keys, NULL);
	return why;
}

char *
law_run(const struct world *w, const struct brickyard_result *res)
{
	const char *out = result_get(res, 0, "stdout");
	const char *err = result_get(res, 0, "stderr");

	if (result_get_u64(res, 0, "exit_status", 999) != 3)
		return xstrdup("exit_status is not 3");
	if (out == NULL || strcmp(out, "out\n") != 0)
		return xasprintf("stdout is '%.80s'", out != NULL ? out : "");
	if (err == NULL || strcmp(err, "err\n") != 0)
		return xasprintf("stderr is '%.80s'", err != NULL ? err : "");
	return NULL;
}

char *
law_probe(const struct world *w, const struct brickyard_result *res)
{
	static const char *const verdicts[] = { "ok", "warning", "failed", NULL };
	static const char *const keys[] = { "check", "text", NULL };
	char *why = NULL;

	for (size_t i = first_record(res); why == NULL && i < res->records.n;
	     i++) {
		const char *verdict = result_get(res, i, "verdict");

		why = words_fault(res, i, keys);
		if (why == NULL)
			why = word_fault(res, i, "verdict", verdicts);
		if (why == NULL && strcmp(verdict, "ok") != 0)
			why = word_fault(res, i, "remedy", NULL);
	}
	return why;
}

char *
law_examine(const struct world *w, const struct brickyard_result *res)
{
	static const char *const texts[] = { "pvs", "vgs", "lvs", "mounts",
					     "fstab" };
	static const char *const statuses[] = { "started", "stopped", "created",
						NULL };
	char *why = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (result_get(res, 0, texts[i]) == NULL)
			return xasprintf("record 0 has no %s", texts[i]);
	for (size_t i = 1; why == NULL && i < res->records.n; i++) {
		why = word_fault(res, i, "volume", NULL);
		if (why == NULL && result_get(res, i, "block") == NULL)
			why = word_fault(res, i, "status", statuses);
	}
	return why;
}

char *
law_device(const struct world *w, const struct brickyard_result *res)
{
	static const char *const kinds[] = { "block", "directory", NULL };
	static const char *const sizes[] = { "total_bytes", "free_bytes",
					     "extent_bytes" };
	uint64_t total = result_get_u64(res, 0, "total_bytes", 0);
	uint64_t unused = result_get_u64(res, 0, "free_bytes", 0);
	char *why = word_fault(res, 0, "kind", kinds);

	for (size_t i = 0; why == NULL && i < ARRAY_SIZE(sizes); i++)
		why = number_fault(res, 0, sizes[i]);
	if (why != NULL)
		return why;
	if (total == 0 || unused > total)
		return xasprintf("%" PRIu64 " bytes are free of %" PRIu64,
				 unused, total);
	if (result_get_u64(res, 0, "extent_bytes", 0) == 0)
		return xstrdup("extent_bytes is 0");
	return NULL;
}

static char *
brick_fault(const struct brickyard_result *res, size_t from)
{
	static const char *const keys[] = { "host", "path", NULL };
	char *why = NULL;

	if (res->records.n <= from)
		return xstrdup("it tells of no brick");
	for (size_t i = from; why == NULL && i < res->records.n; i++)
		why = words_fault(res, i, keys);
	return why;
}

char *
law_volume(const struct world *w, const struct brickyard_result *res)
{
	static const char *const statuses[] = { "started", "stopped", "created",
						NULL };
	static const char *const keys[] = { "type", "id", NULL };
	char *why = word_fault(res, 0, "status", statuses);

	if (why == NULL)
		why = words_fault(res, 0, keys);
	return why != NULL ? why : brick_fault(res, 1);
}

char *
law_heal(const struct world *w, const struct brickyard_result *res)
{
	char *why = brick_fault(res, first_record(res));

	for (size_t i = first_record(res); why == NULL && i < res->records.n;
	     i++) {
		why = number_fault(res, i, "online");
		if (why == NULL && result_get_u64(res, i, "online", 2) > 1)
			why = xasprintf("record %zu: online is neither 0 nor 1",
					i);
		if (why == NULL && result_get(res, i, "entries") != NULL)
			why = number_fault(res, i, "entries");
	}
	return why;
}

char *
law_block(const struct world *w, const struct brickyard_result *res)
{
	static const char *const keys[] = { "iqn", "username", "password", NULL };
	char *why = words_fault(res, 0, keys);

	if (why == NULL)
		why = number_fault(res, 0, "size_bytes");
	if (why == NULL &&
	    result_get_u64(res, 0, "size_bytes", 0) != w->block.size_bytes)
		why = xasprintf("size_bytes is %s, not %" PRIu64,
				result_get(res, 0, "size_bytes"),
				w->block.size_bytes);
	if (why == NULL && result_get(res, 0, "usable_bytes") != NULL &&
	    result_get_u64(res, 0, "usable_bytes", 0) > w->block.size_bytes)
		why = xstrdup("usable_bytes is more than size_bytes");
	return why;
}
