/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults: what goes wrong with which step, as configured or as a file says that
 * may change at any time.
 *
 *	STEP[@HOST][#N]=ACTION
 *
 * All threads share the rules, since the N of #N is counted over all calls.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "simulated.h"

#define FILE_MAX_BYTES	(64 * 1024)
#define RULES_MAX	1024

struct fault_rule {
	enum step_id step;
	char host[256];			/* "": any */
	uint64_t nth;			/* 0: every matching call */
	uint64_t seen;			/* matching calls so far */
	struct fault fault;
};

static const struct action {
	const char *name;
	enum fault_kind kind;
	enum fault_phase phase;
	int err_class;
} actions[] = {
	{ "fail", FAULT_FAIL, PHASE_BEFORE, BRICKYARD_ERR_PERMANENT },
	{ "transient", FAULT_FAIL, PHASE_BEFORE, BRICKYARD_ERR_TRANSIENT },
	{ "unreachable", FAULT_FAIL, PHASE_BEFORE, BRICKYARD_ERR_UNREACHABLE },
	{ "hang", FAULT_HANG, PHASE_BEFORE, 0 },
	{ "exit", FAULT_EXIT, PHASE_BEFORE, 0 },
	{ "exit-before", FAULT_EXIT, PHASE_BEFORE, 0 },
	{ "mid", FAULT_FAIL, PHASE_MID, BRICKYARD_ERR_PERMANENT },
	{ "mid-transient", FAULT_FAIL, PHASE_MID, BRICKYARD_ERR_TRANSIENT },
	{ "mid-unreachable", FAULT_FAIL, PHASE_MID, BRICKYARD_ERR_UNREACHABLE },
	{ "mid-hang", FAULT_HANG, PHASE_MID, 0 },
	{ "exit-mid", FAULT_EXIT, PHASE_MID, 0 },
	{ "after", FAULT_FAIL, PHASE_AFTER, BRICKYARD_ERR_PERMANENT },
	{ "after-transient", FAULT_FAIL, PHASE_AFTER, BRICKYARD_ERR_TRANSIENT },
	{ "after-unreachable", FAULT_FAIL, PHASE_AFTER,
	  BRICKYARD_ERR_UNREACHABLE },
	{ "after-hang", FAULT_HANG, PHASE_AFTER, 0 },
	{ "exit-after", FAULT_EXIT, PHASE_AFTER, 0 },
	{ "down", FAULT_DOWN, PHASE_BEFORE, 0 },
	{ "offline", FAULT_OFFLINE, PHASE_BEFORE, 0 },
	{ "pending", FAULT_PENDING, PHASE_BEFORE, 0 },
};

/* What is not a step but has a state, and which. */
static const struct {
	const char *name;
	enum step_id step;
	enum fault_kind kind;
	const char *wrong;
} states[] = {
	{ "glusterd", STEP_GLUSTERD, FAULT_DOWN,
	  "'glusterd' and 'down' go together" },
	{ "brick", STEP_BRICK, FAULT_OFFLINE,
	  "'brick' and 'offline' go together" },
	{ "heal", STEP_HEAL, FAULT_PENDING,
	  "'heal' and 'pending' go together" },
};

#define STATES	(sizeof(states) / sizeof(states[0]))

/* ---- reading rules ---- */

static int
parse_number(const char *text, size_t len, uint64_t *ret)
{
	char digits[20], *end;

	if (len == 0 || len >= sizeof(digits) || text[0] < '0' || text[0] > '9')
		return -1;
	memcpy(digits, text, len);
	digits[len] = '\0';
	*ret = strtoull(digits, &end, 10);
	return *end == '\0' && *ret > 0 ? 0 : -1;
}

/* The part before the '=' */
static const char *
parse_whom(const char *text, size_t len, struct fault_rule *rule)
{
	const char *nth = memrchr(text, '#', len);
	const char *at;

	if (nth != NULL) {
		size_t n = len - (size_t)(nth + 1 - text);

		if (parse_number(nth + 1, n, &rule->nth) < 0)
			return "the number after '#' is none";
		len = (size_t)(nth - text);
	}
	at = memchr(text, '@', len);
	if (at != NULL) {
		size_t n = len - (size_t)(at + 1 - text);

		if (n == 0 || n >= sizeof(rule->host))
			return "no host after '@'";
		memcpy(rule->host, at + 1, n);
		len = (size_t)(at - text);
	}
	rule->step = len == 1 && text[0] == '*' ? STEP_ANY :
						  step_by_name(text, len);
	for (size_t i = 0; i < STATES; i++) {
		if (strlen(states[i].name) == len &&
		    memcmp(states[i].name, text, len) == 0)
			rule->step = states[i].step;
	}
	return rule->step == STEP_MAX ? "unknown step" : NULL;
}

static const char *
parse_what(const char *text, size_t len, struct fault *ret)
{
	const char *colon = memchr(text, ':', len);
	size_t nname = colon != NULL ? (size_t)(colon - text) : len;
	size_t ntext = colon != NULL ? len - nname - 1 : 0;
	const struct action *a = NULL;
	uint64_t n;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strlen(actions[i].name) == nname &&
		    memcmp(actions[i].name, text, nname) == 0)
			a = &actions[i];
	}
	if (a == NULL)
		return "unknown action";
	ret->kind = a->kind;
	ret->phase = a->phase;
	ret->err_class = a->err_class;
	if (colon == NULL)
		return NULL;
	if (a->kind == FAULT_EXIT && a->phase == PHASE_MID) {
		if (parse_number(colon + 1, ntext, &n) < 0 || n > 1000000)
			return "the number after 'exit-mid:' is none";
		ret->substeps = (unsigned)n;
		return NULL;
	}
	if (a->kind == FAULT_PENDING) {
		if (parse_number(colon + 1, ntext, &n) < 0 || n > 1000000)
			return "the number after 'pending:' is none";
		ret->substeps = (unsigned)n;
		return NULL;
	}
	if (a->kind != FAULT_FAIL)
		return "this action takes no text";
	if (ntext >= sizeof(ret->text))
		return "the text is too long";
	memcpy(ret->text, colon + 1, ntext);
	return NULL;
}

/* NULL, or what is wrong with it. */
static const char *
parse_rule(const char *text, size_t len, struct fault_rule *rule)
{
	const char *eq = memchr(text, '=', len);
	const char *wrong;

	memset(rule, 0, sizeof(*rule));
	if (eq == NULL)
		return "no '=' in it";
	wrong = parse_whom(text, (size_t)(eq - text), rule);
	if (wrong == NULL)
		wrong = parse_what(eq + 1, len - (size_t)(eq + 1 - text),
				   &rule->fault);
	for (size_t i = 0; i < STATES && wrong == NULL; i++) {
		if ((rule->step == states[i].step) !=
		    (rule->fault.kind == states[i].kind))
			wrong = states[i].wrong;
	}
	return wrong;
}

static int
add_rule(struct fault_rules *rules, const struct fault_rule *rule)
{
	struct fault_rule *v;

	if (rules->n >= RULES_MAX)
		return -1;
	v = realloc(rules->v, (rules->n + 1) * sizeof(*v));
	if (v == NULL)
		return -1;
	rules->v = v;
	v[rules->n++] = *rule;
	return 0;
}

static size_t
trim(const char **text, size_t len)
{
	while (len > 0 && strchr(" \t\r", **text) != NULL) {
		(*text)++;
		len--;
	}
	while (len > 0 && strchr(" \t\r", (*text)[len - 1]) != NULL)
		len--;
	return len;
}

/* Rules are separated by sep.  Says what is wrong with one in err, or where
 * that is NULL in the log, and goes on with the next.
 */
static int
read_rules(struct fault_rules *rules, const char *text, char sep,
	   struct brickyard_error *err)
{
	while (*text != '\0') {
		const char *end = strchrnul(text, sep);
		const char *rule_text = text, *wrong = NULL;
		size_t len = trim(&rule_text, (size_t)(end - text));
		struct fault_rule rule;

		text = *end != '\0' ? end + 1 : end;
		if (len == 0 || *rule_text == '#')
			continue;
		wrong = parse_rule(rule_text, len, &rule);
		if (wrong == NULL && add_rule(rules, &rule) < 0)
			wrong = "too many rules";
		if (wrong == NULL)
			continue;
		if (err == NULL) {
			sim_host->log(BRICKYARD_LOG_ERROR,
				      "fault '%.*s': %s, ignoring", (int)len,
				      rule_text, wrong);
			continue;
		}
		sim_host->fail(err, BRICKYARD_ERR_INVALID, "fault '%.*s': %s",
			       (int)len, rule_text, wrong);
		return -1;
	}
	return 0;
}

static void
drop_rules(struct fault_rules *rules)
{
	free(rules->v);
	rules->v = NULL;
	rules->n = 0;
}

/* ---- the file ---- */

static char *
slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t n;

	if (f == NULL)
		return NULL;
	text = malloc(FILE_MAX_BYTES + 1);
	n = text != NULL ? fread(text, 1, FILE_MAX_BYTES, f) : 0;
	fclose(f);
	if (text != NULL)
		text[n] = '\0';
	return text;
}

static bool
has_changed(struct sim_faults *fs, bool seen, const struct stat *st)
{
	return seen != fs->file_seen ||
	       (seen && (fs->mtime_s != (int64_t)st->st_mtim.tv_sec ||
			 fs->mtime_ns != (int64_t)st->st_mtim.tv_nsec ||
			 fs->size != (int64_t)st->st_size ||
			 fs->inode != (int64_t)st->st_ino));
}

/* With the lock held.  A file that is not there holds no rules. */
static int
look_at_file(struct sim_faults *fs, struct brickyard_error *err)
{
	struct stat st = { 0 };
	bool seen;
	char *text;
	int r = 0;

	if (fs->path == NULL)
		return 0;
	seen = stat(fs->path, &st) == 0;
	if (!has_changed(fs, seen, &st))
		return 0;
	drop_rules(&fs->file);
	text = seen ? slurp(fs->path) : NULL;
	if (text != NULL)
		r = read_rules(&fs->file, text, '\n', err);
	free(text);
	fs->file_seen = seen;
	fs->mtime_s = st.st_mtim.tv_sec;
	fs->mtime_ns = st.st_mtim.tv_nsec;
	fs->size = st.st_size;
	fs->inode = (int64_t)st.st_ino;
	return r;
}

void
faults_init(struct sim_faults *fs)
{
	pthread_mutex_init(&fs->lock, NULL);
}

int
faults_open(struct sim_faults *fs, const char *rules, const char *path,
	    struct brickyard_error *err)
{
	if (path != NULL) {
		fs->path = strdup(path);
		if (fs->path == NULL) {
			sim_host->fail(err, BRICKYARD_ERR_PERMANENT,
				       "out of memory");
			return -1;
		}
	}
	if (rules != NULL && read_rules(&fs->config, rules, ';', err) < 0)
		return -1;
	return look_at_file(fs, err);
}

void
faults_close(struct sim_faults *fs)
{
	drop_rules(&fs->config);
	drop_rules(&fs->file);
	free(fs->path);
	pthread_mutex_destroy(&fs->lock);
}

/* ---- asking ---- */

static bool
host_is(const char *wanted, const char *host, const char *manage_host)
{
	return wanted[0] == '\0' || strcmp(wanted, host) == 0 ||
	       strcmp(wanted, manage_host) == 0;
}

/* Every rule counts every call that it is for, also when an earlier one has
 * its way with this call.
 */
static void
match(struct fault_rules *rules, const struct step *s, struct fault *ret)
{
	for (size_t i = 0; i < rules->n; i++) {
		struct fault_rule *r = &rules->v[i];

		if ((r->step != STEP_ANY && r->step != s->id) ||
		    !host_is(r->host, s->host, s->manage_host))
			continue;
		r->seen++;
		if (ret->kind == FAULT_NONE &&
		    (r->nth == 0 || r->nth == r->seen))
			*ret = r->fault;
	}
}

void
faults_match(struct sim_faults *fs, const struct step *s, struct fault *ret)
{
	ret->kind = FAULT_NONE;
	pthread_mutex_lock(&fs->lock);
	(void)look_at_file(fs, NULL);
	match(&fs->config, s, ret);
	match(&fs->file, s, ret);
	pthread_mutex_unlock(&fs->lock);
}

static unsigned
find_state(const struct fault_rules *rules, enum fault_kind kind,
	   const char *host, const char *manage_host)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct fault_rule *r = &rules->v[i];

		if (r->fault.kind == kind &&
		    (host == NULL || host_is(r->host, host, manage_host)))
			return r->fault.substeps > 0 ? r->fault.substeps : 1;
	}
	return 0;
}

/* The file was looked at when the step began. */
unsigned
faults_state(struct sim_faults *fs, enum fault_kind kind, const char *host,
	     const char *manage_host)
{
	unsigned found;

	pthread_mutex_lock(&fs->lock);
	found = find_state(&fs->config, kind, host, manage_host);
	if (found == 0)
		found = find_state(&fs->file, kind, host, manage_host);
	pthread_mutex_unlock(&fs->lock);
	return found;
}
