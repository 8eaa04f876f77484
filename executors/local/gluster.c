/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gluster CLI: argv arrays, its own words in errors, and patience with
 * glusterd, which admits one transaction per volume and some per cluster.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "spawn.h"
#include "../script/xml.h"

#define OUT_MAX		(8 * MIB)	/* info of a volume of 10,000 bricks */
#define ID_OPTION	"user.heketi.id"

/* ---- command lines ---- */

struct words {
	const char **v;
	size_t n, cap;
	bool failed;
};

static void
words_free(struct words *w)
{
	free(w->v);
}

static void
words_add(struct words *w, const char *s)
{
	if (w->n + 1 >= w->cap) {
		size_t cap = w->cap != 0 ? w->cap * 2 : 32;
		const char **v = realloc(w->v, cap * sizeof(*v));

		if (v == NULL) {
			w->failed = true;
			return;
		}
		w->v = v;
		w->cap = cap;
	}
	w->v[w->n++] = s;
	w->v[w->n] = NULL;
}

static void
words_addv(struct words *w, va_list ap)
{
	const char *s;

	while ((s = va_arg(ap, const char *)) != NULL)
		words_add(w, s);
}
#define CLEANUP_WORDS CLEANUP(words_free)

/* Words from outside must not be taken for options of the CLI itself (it knows
 * --log-file=, anywhere on the line), nor break glusterd's line-based files.
 */
static int
check_word(struct step *st, const char *s)
{
	if (strncmp(s, "--", 2) == 0)
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "'%.200s' can't be given to gluster: it "
				 "starts with --", s);
	for (const char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return step_fail(st, BRICKYARD_ERR_INVALID,
					 "a volume option can't hold control "
					 "characters");
	return 0;
}

static int
check_name(struct step *st, const char *name)
{
	if (is_plain_name(name))
		return 0;
	return step_fail(st, BRICKYARD_ERR_INVALID,
			 "'%.200s' is not a volume name", name);
}

/* ---- running it ---- */

static bool
has(const char *s, const char *part)
{
	return strcasestr(s, part) != NULL;
}

static int
run_once(struct step *st, const struct words *tail, struct spawn_result *r)
{
	CLEANUP_WORDS struct words w = {0};
	uint64_t s = opt_u64(st->in, OPT_GLUSTER_CLI_TIMEOUT);
	uint64_t left = (uint64_t)step_left_ms(st) / 1000;
	struct spawn sp = { .out_max = OUT_MAX, .err_max = 8192 };
	char timeout[40];

	if (left < s)
		s = left > 0 ? left : 1;
	snprintf(timeout, sizeof(timeout), "--timeout=%llu",
		 (unsigned long long)s);
	words_add(&w, "gluster");
	words_add(&w, "--mode=script");
	words_add(&w, timeout);
	for (size_t i = 0; i < tail->n; i++)
		words_add(&w, tail->v[i]);
	if (w.failed || tail->failed)
		return step_nomem(st);
	sp.argv = w.v;
	return spawn_run(st, &sp, r);
}

/* Run until glusterd has time for it.  0: it ran, see r->status. */
static int
run_words(struct step *st, const struct words *w, struct spawn_result *r)
{
	int64_t wait = 200;

	for (;;) {
		if (run_once(st, w, r) < 0)
			return -1;
		if (r->status == 0 || !gluster_is_busy(spawn_words(r)))
			return 0;
		/* Near the end say what glusterd said, not that time is up. */
		if (step_left_ms(st) < wait * 2)
			return 0;
		if (step_sleep(st, wait + now_ms() % 100) < 0)
			return -1;
		spawn_result_free(r);
		if (wait < 5000)
			wait *= 2;
	}
}

static int
do_words(struct step *st, const struct words *w)
{
	CLEANUP_SPAWN struct spawn_result r = {0};
	const char *words;

	if (run_words(st, w, &r) < 0)
		return -1;
	if (r.status == 0)
		return 0;
	words = spawn_words(&r);
	return step_fail(st, gluster_class(words), "%s", words);
}

static int __attribute__((__sentinel__))
run(struct step *st, struct spawn_result *r, ...)
{
	CLEANUP_WORDS struct words w = {0};
	va_list ap;

	va_start(ap, r);
	words_addv(&w, ap);
	va_end(ap);
	return run_words(st, &w, r);
}

static int __attribute__((__sentinel__))
run_do(struct step *st, ...)
{
	CLEANUP_WORDS struct words w = {0};
	va_list ap;

	va_start(ap, st);
	words_addv(&w, ap);
	va_end(ap);
	return do_words(st, &w);
}

/* ---- peers ---- */

int
gluster_alive(struct step *st)
{
	CLEANUP_SPAWN struct spawn_result r = {0};

	if (run(st, &r, "pool", "list", NULL) < 0)
		return st->fault.err_class == BRICKYARD_ERR_PERMANENT ?
			step_prefix(st, "glusterd can't be asked: ") : -1;
	if (r.status == 0)
		return 0;
	return step_fail(st, BRICKYARD_ERR_PERMANENT,
			 "glusterd is not running on this node: %s",
			 spawn_words(&r));
}

static int
set_snapshot_limit(struct step *st)
{
	const char *n = opt_str(st->in, OPT_SNAPSHOT_LIMIT);

	if (opt_u64(st->in, OPT_SNAPSHOT_LIMIT) == 0)
		return 0;
	return run_do(st, "snapshot", "config", "snap-max-hard-limit", n, NULL);
}

int
gluster_peer_probe(struct step *st, const char *host)
{
	if (check_word(st, host) < 0)
		return -1;
	if (run_do(st, "peer", "probe", host, NULL) < 0)
		return step_prefix(st, "peer probe %s: ", host);
	return set_snapshot_limit(st);
}

int
gluster_peer_detach(struct step *st, const char *host)
{
	if (check_word(st, host) < 0)
		return -1;
	if (run_do(st, "peer", "detach", host, NULL) == 0 ||
	    has(st->fault.text, "is not part of cluster"))
		return 0;
	return step_prefix(st, "peer detach %s: ", host);
}

/* ---- volume info ---- */

struct volume {
	bool found;
	int op_ret;
	char error[1024];
	char status[32], type[64], gluster_id[64];
	char heketi_id[64];
	char option[128];		/* the option whose value comes next */
	struct text bricks;		/* host:path, each ended by '\n' */
};

static void
volume_free(struct volume *v)
{
	text_free(&v->bricks);
}
#define CLEANUP_VOLUME CLEANUP(volume_free)

static void
lower_into(char *to, size_t n, const char *s)
{
	snprintf(to, n, "%s", s);
	for (; *to != '\0'; to++)
		*to = (char)tolower((unsigned char)*to);
}

#define VOL "cliOutput/volInfo/volumes/volume/"

static int
volume_element(void *arg, const char *path, const char *text)
{
	struct volume *v = arg;

	if (strcmp(path, "cliOutput/opRet") == 0) {
		v->op_ret = atoi(text);
	} else if (strcmp(path, "cliOutput/opErrstr") == 0) {
		snprintf(v->error, sizeof(v->error), "%s", text);
	} else if (strcmp(path, VOL "name") == 0) {
		v->found = true;
	} else if (strcmp(path, VOL "id") == 0) {
		snprintf(v->gluster_id, sizeof(v->gluster_id), "%s", text);
	} else if (strcmp(path, VOL "statusStr") == 0) {
		lower_into(v->status, sizeof(v->status), text);
	} else if (strcmp(path, VOL "typeStr") == 0) {
		snprintf(v->type, sizeof(v->type), "%s", text);
	} else if (strcmp(path, VOL "bricks/brick/name") == 0) {
		text_addf(&v->bricks, "%s\n", text);
	} else if (strcmp(path, VOL "options/option/name") == 0) {
		snprintf(v->option, sizeof(v->option), "%s", text);
	} else if (strcmp(path, VOL "options/option/value") == 0 &&
		   strcmp(v->option, ID_OPTION) == 0) {
		snprintf(v->heketi_id, sizeof(v->heketi_id), "%s", text);
	}
	return 0;
}

static int
volume_parse(struct step *st, struct spawn_result *r, struct volume *v)
{
	if (r->out_cut || xml_scan(r->out.s, volume_element, v) < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "gluster volume info: its XML can't be read");
	return v->bricks.failed ? step_nomem(st) : 0;
}

/* 1 there, 0 there is no such volume, -1 */
static int
volume_look(struct step *st, const char *name, struct volume *v)
{
	CLEANUP_SPAWN struct spawn_result r = {0};
	const char *words;

	if (run(st, &r, "volume", "info", name, "--xml", NULL) < 0)
		return -1;
	if (r.out.s != NULL && strstr(r.out.s, "<cliOutput>") != NULL) {
		if (volume_parse(st, &r, v) < 0)
			return -1;
		if (v->found && v->op_ret == 0)
			return 1;
		words = v->error[0] != '\0' ? v->error : "no answer";
	} else {
		words = spawn_words(&r);
		if (r.status == 0)
			words = "no answer";
	}
	if (has(words, "does not exist") ||
	    (v->op_ret == 0 && v->error[0] == '\0' && r.status == 0 &&
	     !v->found))
		return 0;
	return step_fail(st, gluster_class(words), "gluster volume info %s: %s",
			 name, words);
}

static void
report_brick(struct brickyard_result *res, char *brick)
{
	/* an IPv6 host has colons too: the path starts with '/' */
	char *colon = strstr(brick, ":/");

	local_host->result_next(res);
	if (colon != NULL)
		*colon = '\0';
	local_host->result_str(res, "host", colon != NULL ? brick : "");
	local_host->result_str(res, "path", colon != NULL ? colon + 1 : brick);
}

int
gluster_info(struct step *st, const char *name, struct brickyard_result *res)
{
	CLEANUP_VOLUME struct volume v = {0};
	char *save = NULL;
	int r;

	if (check_name(st, name) < 0)
		return -1;
	r = volume_look(st, name, &v);
	if (r == 0)
		return step_fail(st, BRICKYARD_ERR_NOTFOUND,
				 "gluster has no volume %s", name);
	if (r < 0)
		return -1;
	local_host->result_str(res, "status", v.status);
	local_host->result_str(res, "type", v.type);
	local_host->result_str(res, "id", v.gluster_id);
	for (char *b = v.bricks.s != NULL ?
	     strtok_r(v.bricks.s, "\n", &save) : NULL; b != NULL;
	     b = strtok_r(NULL, "\n", &save))
		report_brick(res, b);
	return 0;
}

/* ---- create and expand ---- */

static bool
has_brick(const struct volume *v, const struct brickyard_brick_ref *b)
{
	CLEANUP_TEXT struct text line = {0};
	const char *at = text_str(&v->bricks);

	text_addf(&line, "%s:%s\n", b->host, b->path);
	while (!line.failed && (at = strstr(at, line.s)) != NULL) {
		if (at == v->bricks.s || at[-1] == '\n')
			return true;
		at++;
	}
	return false;
}

static size_t
count_bricks(const struct volume *v)
{
	size_t n = 0;

	for (const char *p = text_str(&v->bricks); *p != '\0'; p++)
		n += *p == '\n';
	return n;
}

/* How many of ours does it have, and are they all it has? */
static size_t
count_ours(const struct volume *v, const struct brickyard_gluster_volume *gv)
{
	size_t n = 0;

	for (size_t i = 0; i < gv->nbricks; i++)
		n += has_brick(v, gv->bricks[i]);
	return n;
}

static int
check_volume(struct step *st, const struct brickyard_gluster_volume *gv)
{
	if (check_name(st, gv->name) < 0)
		return -1;
	if (gv->bricks_per_set == 0 || gv->sets_per_command == 0 ||
	    gv->nbricks == 0 || gv->nbricks % gv->bricks_per_set != 0)
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "volume %s: %zu bricks are no whole sets of "
				 "%u",
				 gv->name, gv->nbricks, gv->bricks_per_set);
	for (size_t i = 0; i < gv->nbricks; i++)
		if (check_word(st, gv->bricks[i]->host) < 0 ||
		    check_word(st, gv->bricks[i]->path) < 0)
			return -1;
	for (size_t i = 0; i < gv->nwords; i++)
		if (check_word(st, gv->words[i]) < 0)
			return -1;
	return 0;
}

/* "gluster volume create|add-brick NAME [words] bricks [from, to)" */
static int
bricks_command(struct step *st, const char *verb, bool with_words,
	       const struct brickyard_gluster_volume *gv, size_t from,
	       size_t to)
{
	CLEANUP_WORDS struct words w = {0};
	CLEANUP_TEXT struct text all = {0};
	char *save = NULL;

	words_add(&w, "volume");
	words_add(&w, verb);
	words_add(&w, gv->name);
	for (size_t i = 0; with_words && i < gv->nwords; i++)
		words_add(&w, gv->words[i]);
	for (size_t i = from; i < to; i++)
		text_addf(&all, "%s:%s\n", gv->bricks[i]->host,
			  gv->bricks[i]->path);
	if (all.failed)
		return step_nomem(st);
	for (char *b = strtok_r(all.s, "\n", &save); b != NULL;
	     b = strtok_r(NULL, "\n", &save))
		words_add(&w, b);
	if (do_words(st, &w) < 0)
		return step_prefix(st, "gluster volume %s %s: ", verb,
				   gv->name);
	return 0;
}

/* 1: the set is in the volume, 0: it is not, -1: it is there in part. */
static int
set_is_there(struct step *st, const struct volume *v,
	     const struct brickyard_gluster_volume *gv, size_t from)
{
	size_t n = 0;

	for (size_t i = 0; i < gv->bricks_per_set; i++)
		n += has_brick(v, gv->bricks[from + i]);
	if (n == 0 || n == gv->bricks_per_set)
		return n > 0;
	return step_fail(st, BRICKYARD_ERR_EXISTS,
			 "volume %s has %zu of the %u bricks of a set: it was "
			 "changed by somebody else", gv->name, n,
			 gv->bricks_per_set);
}

/* Add runs of missing sets, at most sets_per_command at a time. */
static int
add_missing(struct step *st, const struct volume *v,
	    const struct brickyard_gluster_volume *gv)
{
	size_t set = gv->bricks_per_set, max = set * gv->sets_per_command;
	size_t from = 0;

	while (from < gv->nbricks) {
		size_t to = from;
		int r = 0;

		while (to < gv->nbricks && to - from < max &&
		       (r = set_is_there(st, v, gv, to)) == 0)
			to += set;
		if (r < 0 || (to > from && bricks_command(st, "add-brick",
						false, gv, from, to) < 0))
			return -1;
		from = to > from ? to : from + set;
	}
	return 0;
}

/* "key value" becomes two words; the value keeps its blanks. */
static int
set_option(struct step *st, const char *volume, const char *option)
{
	CLEANUP_FREE char *key = NULL;
	char *value;

	option += strspn(option, " \t");
	if (option[0] == '\0')
		return 0;
	key = strdup(option);
	if (key == NULL)
		return step_nomem(st);
	value = key + strcspn(key, " \t");
	if (*value != '\0')
		*value++ = '\0';
	value += strspn(value, " \t");
	if (check_word(st, key) < 0 || check_word(st, value) < 0)
		return -1;
	if (run_do(st, "volume", "set", volume, key,
		   value[0] != '\0' ? value : NULL, NULL) < 0)
		return step_prefix(st, "gluster volume set %s %s: ", volume,
				   key);
	return 0;
}

static int
set_options(struct step *st, const struct brickyard_gluster_volume *gv)
{
	char id[120];

	snprintf(id, sizeof(id), ID_OPTION " %.80s", gv->id);
	if (set_option(st, gv->name, id) < 0)
		return -1;
	for (size_t i = 0; i < gv->noptions; i++)
		if (set_option(st, gv->name, gv->options[i]) < 0)
			return -1;
	return 0;
}

static int
start(struct step *st, const char *name)
{
	if (run_do(st, "volume", "start", name, NULL) == 0 ||
	    has(st->fault.text, "already started"))
		return 0;
	return step_prefix(st, "gluster volume start %s: ", name);
}

/* Is a volume of that name ours?  Its id says so, or, when we died before it
 * was set, that it consists of our bricks and no others.
 */
static int
check_ours(struct step *st, const struct volume *v,
	   const struct brickyard_gluster_volume *gv)
{
	size_t n = count_bricks(v);

	if (v->heketi_id[0] != '\0' ? strcmp(v->heketi_id, gv->id) == 0 :
	    n > 0 && count_ours(v, gv) == n)
		return 0;
	return step_fail(st, BRICKYARD_ERR_EXISTS,
			 "gluster has a volume %s already, which is another "
			 "one (%s)", gv->name, v->heketi_id[0] != '\0' ?
			 v->heketi_id : "not made by Brickyard");
}

static int
create_first(struct step *st, const struct brickyard_gluster_volume *gv)
{
	size_t n = (size_t)gv->bricks_per_set * gv->sets_per_command;

	return bricks_command(st, "create", true, gv, 0,
			      n < gv->nbricks ? n : gv->nbricks);
}

int
gluster_create(struct step *st, const struct brickyard_gluster_volume *gv)
{
	CLEANUP_VOLUME struct volume v = {0};
	int r;

	if (check_volume(st, gv) < 0)
		return -1;
	r = volume_look(st, gv->name, &v);
	if (r < 0 || (r > 0 && check_ours(st, &v, gv) < 0) ||
	    (r == 0 && create_first(st, gv) < 0))
		return -1;
	if (r == 0 && volume_look(st, gv->name, &v) <= 0)
		return step_fail(st, BRICKYARD_ERR_TRANSIENT,
				 "gluster made volume %s, but does not show it",
				 gv->name);
	if (add_missing(st, &v, gv) < 0 || set_options(st, gv) < 0)
		return -1;
	return strcmp(v.status, "started") == 0 ? 0 : start(st, gv->name);
}

int
gluster_expand(struct step *st, const struct brickyard_gluster_volume *gv,
	       bool rebalance)
{
	CLEANUP_VOLUME struct volume v = {0};
	int r;

	if (check_volume(st, gv) < 0)
		return -1;
	r = volume_look(st, gv->name, &v);
	if (r == 0)
		return step_fail(st, BRICKYARD_ERR_NOTFOUND,
				 "gluster has no volume %s", gv->name);
	if (r < 0 || add_missing(st, &v, gv) < 0)
		return -1;
	if (rebalance &&
	    run_do(st, "volume", "rebalance", gv->name, "start", NULL) < 0)
		local_host->log(BRICKYARD_LOG_WARNING, "volume %s: rebalance "
				"did not start, ignoring: %s", gv->name,
				st->fault.text);
	return 0;
}

/* Only a clone that died before its end, ours or heketi's, leaves such a one. */
static bool
is_left_over(const char *snapshot)
{
	static const char prefix[] = "tmpsnap_";
	size_t n = sizeof(prefix) - 1;

	return strncmp(snapshot, prefix, n) == 0 &&
	       strspn(snapshot + n, "0123456789abcdef") == 32 &&
	       snapshot[n + 32] == '\0';
}

/* How many of them are gone now, or -1. */
static int
clear_snapshots(struct step *st, const char *name)
{
	CLEANUP_WORDS struct words w = {0};
	CLEANUP_SPAWN struct spawn_result r = {0};
	char *save = NULL;
	int n = 0;

	words_add(&w, "snapshot");
	words_add(&w, "list");
	words_add(&w, name);
	if (run_words(st, &w, &r) < 0)
		return -1;
	for (char *s = r.out.s != NULL ? strtok_r(r.out.s, "\n", &save) : NULL;
	     s != NULL; s = strtok_r(NULL, "\n", &save)) {
		if (!is_left_over(s))
			continue;
		(void)run_do(st, "snapshot", "deactivate", s, NULL);
		if (run_do(st, "snapshot", "delete", s, NULL) < 0)
			return -1;
		local_host->log(BRICKYARD_LOG_NOTICE, "volume %s: snapshot %s, "
				"left over of a clone, is deleted", name, s);
		n++;
	}
	return n;
}

static int
delete_volume(struct step *st, const char *name)
{
	return run_do(st, "volume", "delete", name, NULL) == 0 ||
	       has(st->fault.text, "does not exist") ? 0 : -1;
}

int
gluster_destroy(struct step *st, const char *name)
{
	struct fault why;

	if (check_name(st, name) < 0)
		return -1;
	if (run_do(st, "volume", "stop", name, "force", NULL) < 0) {
		if (has(st->fault.text, "does not exist"))
			return 0;
		if (st->fault.err_class == BRICKYARD_ERR_CANCELLED ||
		    st->fault.err_class == BRICKYARD_ERR_TIMEOUT)
			return -1;
		if (!has(st->fault.text, "not in the started state"))
			local_host->log(BRICKYARD_LOG_WARNING, "volume %s did "
					"not stop, trying to delete it: %s",
					name, st->fault.text);
	}
	if (delete_volume(st, name) == 0)
		return 0;
	why = st->fault;
	if (has(why.text, " snapshots") && clear_snapshots(st, name) > 0 &&
	    delete_volume(st, name) == 0)
		return 0;
	st->fault = why;
	return step_prefix(st, "Unable to delete volume %s: ", name);
}
