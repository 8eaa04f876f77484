/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gluster-block's answers, made up by a rule of the injector: read as heketi reads
 * them (heketi-behaviour 4.5), with its words for what is wrong.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "inject-answer.h"
#include "plugin.h"
#include "util/strs.h"
#include "util/xalloc.h"

#define IQN_PREFIX	"iqn.2016-12.org.gluster-block:"
#define RESIZE_FAILED	"RESIZE FAILED ON."
#define RETRY		" (see logs for details, and retry the operation)"

struct answer {
	const struct inject_step *step;
	const struct inject_answer *said;
	const char *text;	/* the output that is read */
	bool is_json;
	struct kvs json;
};

bool
inject_is_read(enum executor_step_id id)
{
	return id == X_BLOCK_CREATE || id == X_BLOCK_INFO ||
	       id == X_BLOCK_EXPAND || id == X_BLOCK_DESTROY;
}

static const char *
member(const struct answer *a, const char *key)
{
	const char *value = kvs_get(&a->json, key);

	return value != NULL ? value : "";
}

static bool
says_fail(const struct answer *a)
{
	return strcmp(member(a, "RESULT"), "FAIL") == 0;
}

/* What came on stderr, else the error. */
static const char *
error_of(const struct answer *a)
{
	return a->said->err_out[0] != '\0' ? a->said->err_out : a->said->err;
}

static void
put(const struct answer *a, const char *key, const char *value)
{
	if (value[0] != '\0')
		plugin_host_services.result_str(a->step->result, key, value);
}

static void
put_bytes(const struct answer *a, const char *key, uint64_t bytes)
{
	plugin_host_services.result_u64(a->step->result, key, bytes);
}

/* ---- create, expand ---- */

static enum err
check_made(const struct answer *a, const char *verb, const char *after,
	   struct error *err)
{
	const char *why = member(a, "errMsg");

	if (!a->is_json)
		return fail(err, ERR_EXEC, "Unparsable error during block volume "
			    "%s: %s", verb, a->text);
	if (says_fail(a))
		return fail(err, ERR_EXEC, "Failed to %s block volume%s%s%s",
			    verb, why[0] != '\0' || after[0] == '\0' ? ": " : "",
			    why, after);
	if (a->said->failed)
		return fail(err, ERR_EXEC, "Failed to %s block volume: %s", verb,
			    error_of(a));
	return ERR_OK;
}

static enum err
answer_create(const struct answer *a, struct error *err)
{
	enum err r = check_made(a, "create", "", err);

	if (r != ERR_OK)
		return r;
	put(a, "iqn", member(a, "IQN"));
	put(a, "username", member(a, "USERNAME"));
	put(a, "password", member(a, "PASSWORD"));
	put_bytes(a, "size_bytes", a->step->args->block->size_bytes);
	put_bytes(a, "usable_bytes", a->step->args->block->size_bytes);
	return ERR_OK;
}

/* ---- info ---- */

/* "2.0 GiB": heketi counts in whole GiB. */
static enum err
parse_size(const char *text, uint64_t *ret_bytes, struct error *err)
{
	static const char units[] = "GTPE";
	char *end;
	double n = strtod(text, &end);
	const char *unit;

	end += strspn(end, " ");
	unit = *end != '\0' ? strchr(units, *end) : NULL;
	if (end == text || unit == NULL || n < 0 || n > 1e6)
		return fail(err, ERR_EXEC, "Not a valid Size: '%s'", text);
	for (; unit > units; unit--)
		n *= 1024;
	*ret_bytes = (uint64_t)n << 30;
	return ERR_OK;
}

/* The smallest of those that could not be resized, if there are any. */
static enum err
find_usable(const struct answer *a, bool *ret_any, uint64_t *ret_bytes,
	    struct error *err)
{
	for (size_t i = 0; i < a->json.n; i++) {
		uint64_t bytes = 0;
		enum err r;

		if (strncmp(a->json.v[i].key, RESIZE_FAILED,
			    strlen(RESIZE_FAILED)) != 0)
			continue;
		r = parse_size(a->json.v[i].value, &bytes, err);
		if (r != ERR_OK)
			return r;
		if (!*ret_any || bytes < *ret_bytes)
			*ret_bytes = bytes;
		*ret_any = true;
	}
	return ERR_OK;
}

static enum err
answer_info(const struct answer *a, struct error *err)
{
	CLEANUP_FREE char *iqn = xasprintf(IQN_PREFIX "%s", member(a, "GBID"));
	const char *const *name = a->step->args->text;
	uint64_t bytes = 0, usable = 0;
	bool limited = false;
	enum err r;

	if (a->said->failed)
		return fail(err, ERR_EXEC, "unable to get info of blockvolume %s "
			    "on block hosting volume %s : %s", name[1], name[0],
			    error_of(a));
	if (!a->is_json)
		return fail(err, ERR_EXEC, "Unparsable error during block volume "
			    "info: %s", a->text);
	r = parse_size(member(a, "SIZE"), &bytes, err);
	if (r == ERR_OK)
		r = find_usable(a, &limited, &usable, err);
	if (r != ERR_OK)
		return r;
	put(a, "iqn", iqn);
	put(a, "username", member(a, "GBID"));
	put(a, "password", member(a, "PASSWORD"));
	put_bytes(a, "size_bytes", bytes);
	if (limited)
		put_bytes(a, "usable_bytes", usable);
	return ERR_OK;
}

/* ---- delete ---- */

static bool
is_gone(const struct answer *a)
{
	const char *why = member(a, "errMsg");
	const char *const *name = a->step->args->text;

	return (strstr(why, "doesn't exist") != NULL &&
		strstr(why, name[1]) != NULL) ||
	       (strstr(why, "does not exist") != NULL &&
		strstr(why, name[0]) != NULL);
}

static enum err
answer_destroy(const struct answer *a, struct error *err)
{
	if (says_fail(a))
		return is_gone(a) ? ERR_OK :
		       fail(err, ERR_EXEC, "%s", member(a, "errMsg"));
	if (a->said->failed)
		return fail(err, ERR_EXEC, "%s", error_of(a));
	if (!a->is_json && a->text[0] != '\0')
		return fail(err, ERR_EXEC, "Unable to parse output from block "
			    "volume delete: %s", a->text);
	return ERR_OK;
}

/* ---- all ---- */

/* Of the two, deleting reads the errors first. */
static const char *
text_of(const struct inject_step *s, const struct inject_answer *said)
{
	bool errors_first = s->id == X_BLOCK_DESTROY;
	const char *first = errors_first ? said->err_out : said->out;

	if (first[0] != '\0')
		return first;
	return errors_first ? said->out : said->err_out;
}

enum err
inject_answer(const struct inject_step *s, const struct inject_answer *said,
	      json_reader_fn *json, struct error *err)
{
	struct answer a = {
		.step = s,
		.said = said,
		.text = text_of(s, said),
	};
	struct error ignored;
	enum err r;

	a.is_json = json(a.text, &a.json, &ignored) == ERR_OK;
	if (s->id == X_BLOCK_CREATE)
		r = answer_create(&a, err);
	else if (s->id == X_BLOCK_INFO)
		r = answer_info(&a, err);
	else if (s->id == X_BLOCK_EXPAND)
		r = check_made(&a, "expand", RETRY, err);
	else
		r = answer_destroy(&a, err);
	kvs_release(&a.json);
	return r;
}
