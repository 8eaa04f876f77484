/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a JSON file and tells it as flat dotted keys.  Here only because store/
 * and api/ are the two rooms that know jansson.  Any thread; keeps nothing.
 */
#include <config.h>

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "store/jsonfile.h"
#include "util/buf.h"
#include "util/strs.h"
#include "util/xalloc.h"

#define FILE_MAX	(1024 * 1024)
#define DEPTH_MAX	32

struct lines {
	int *v;
	size_t n, cap;
};

struct walk {
	const char *what;	/* for errors: "file 'x'" */
	struct lines lines;	/* of the scalars, in their order */
	size_t at;		/* the next one to tell */
	jsonfile_fn *fn;
	void *arg;
	struct buf key;		/* of the value at hand */
	int depth;
	struct error *err;
};

static enum err
read_file(const char *path, struct buf *ret, struct error *err)
{
	CLEANUP_FCLOSE FILE *f = fopen(path, "re");
	char chunk[8192];
	size_t n;

	if (f == NULL)
		return fail(err, errno == ENOENT ? ERR_NOTFOUND : ERR_BADREQ,
			    "file '%s': open: %m", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
		buf_add(ret, chunk, n);
		if (ret->len > FILE_MAX)
			return fail(err, ERR_TOOLARGE, "file '%s': longer than "
				    "%d bytes", path, FILE_MAX);
	}
	if (ferror(f))
		return fail(err, ERR_BADREQ, "file '%s': read: %m", path);
	/* jansson passes over one here and there; we would stop at it. */
	if (strlen(buf_str(ret)) != ret->len)
		return fail(err, ERR_PARSE, "file '%s': holds a NUL byte: not "
			    "JSON", path);
	return ERR_OK;
}

/* ---- where is what ----
 *
 * jansson knows the line of a mistake only.  It has read the text already, so
 * this need not understand it: scalars are told in the order they come in.
 */

/* After the quote that ends the string that begins at s. */
static const char *
skip_string(const char *s)
{
	for (s++; *s != '"'; s++)
		if (*s == '\\')
			s++;
	return s + 1;
}

static bool
is_key(const char *after)
{
	return after[strspn(after, " \t\r\n")] == ':';
}

static void
find_lines(const char *s, struct lines *ret)
{
	int line = 1, key_line = 0;

	while (*s != '\0') {
		const char *end = s + 1;

		if (*s == '\n') {
			line++;
		} else if (*s == '"' && is_key(skip_string(s))) {
			end = skip_string(s);
			key_line = line;
		} else if (strchr(" \t\r:,", *s) == NULL &&
			   strchr("{}[]", *s) != NULL) {
			key_line = 0;
		} else if (strchr(" \t\r:,", *s) == NULL) {
			end = *s == '"' ? skip_string(s) :
					  s + strcspn(s, " \t\r\n,]}");
			*VEC_PUSH(ret) = key_line > 0 ? key_line : line;
			key_line = 0;
		}
		s = end;
	}
}

static int
next_line(struct walk *w)
{
	assert(w->at < w->lines.n);
	return w->lines.v[w->at++];
}

/* ---- telling ---- */

static enum err
tell_scalar(struct walk *w, const json_t *j)
{
	const char *key = buf_str(&w->key);
	int line = next_line(w);
	char text[40];

	switch (json_typeof(j)) {
	case JSON_STRING:
		return w->fn(w->arg, key, json_string_value(j), 's', line, w->err);
	case JSON_INTEGER:
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(j));
		return w->fn(w->arg, key, text, 'i', line, w->err);
	case JSON_REAL:
		snprintf(text, sizeof(text), "%.17g", json_real_value(j));
		return w->fn(w->arg, key, text, 'r', line, w->err);
	case JSON_TRUE:
		return w->fn(w->arg, key, "true", 'b', line, w->err);
	case JSON_FALSE:
		return w->fn(w->arg, key, "false", 'b', line, w->err);
	case JSON_OBJECT:
	case JSON_ARRAY:
	case JSON_NULL:
		break;
	}
	return w->fn(w->arg, key, "null", 'n', line, w->err);
}

static enum err walk_value(struct walk *w, const json_t *j);

static enum err
walk_part(struct walk *w, const char *part, const json_t *j)
{
	size_t was = w->key.len;
	enum err e;

	if (was > 0)
		buf_adds(&w->key, ".");
	buf_adds(&w->key, part);
	e = walk_value(w, j);
	w->key.len = was;
	w->key.s[was] = '\0';
	return e;
}

static enum err
walk_object(struct walk *w, const json_t *j)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)j, name, v) {
		enum err e = walk_part(w, name, v);

		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err
walk_array(struct walk *w, const json_t *j)
{
	size_t i;
	json_t *v;

	json_array_foreach(j, i, v) {
		char index[24];
		enum err e;

		snprintf(index, sizeof(index), "%zu", i);
		e = walk_part(w, index, v);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err
walk_value(struct walk *w, const json_t *j)
{
	enum err e;

	if (!json_is_object(j) && !json_is_array(j))
		return tell_scalar(w, j);
	if (w->depth == DEPTH_MAX)
		return fail(w->err, ERR_TOOLARGE, "%s: '%.80s...': nested "
			    "deeper than %d levels", w->what,
			    buf_str(&w->key), DEPTH_MAX);
	w->depth++;
	e = json_is_object(j) ? walk_object(w, j) : walk_array(w, j);
	w->depth--;
	return e;
}

static enum err
walk_text(struct walk *w, const char *text, size_t len)
{
	json_auto_t *j = NULL;
	json_error_t je;
	enum err e;

	j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (j == NULL)
		return fail(w->err, ERR_PARSE, "%s: line %d, column %d: %s",
			    w->what, je.line, je.column, je.text);
	if (!json_is_object(j))
		return fail(w->err, ERR_PARSE, "%s: line 1, column 1: not a "
			    "JSON object", w->what);
	find_lines(text, &w->lines);
	e = walk_value(w, j);
	buf_release(&w->key);
	free(w->lines.v);
	return e;
}

enum err
jsonfile_walk(const char *path, jsonfile_fn *fn, void *arg, struct error *err)
{
	CLEANUP(buf_release) struct buf text = { 0 };
	CLEANUP_FREE char *what = xasprintf("file '%s'", path);
	struct walk w = { .what = what, .fn = fn, .arg = arg, .err = err };
	enum err e = read_file(path, &text, err);

	return e == ERR_OK ? walk_text(&w, buf_str(&text), text.len) : e;
}

static enum err
take_pair(void *arg, const char *key, const char *value, char type, int line,
	  struct error *err)
{
	kvs_add(arg, key, type == 'n' ? "" : value);
	return ERR_OK;
}

enum err
jsontext_pairs(const char *text, struct kvs *ret, struct error *err)
{
	struct walk w = { .what = "JSON", .fn = take_pair, .arg = ret,
			  .err = err };

	return walk_text(&w, text, strlen(text));
}
