/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Healing, replacing a brick, clones; the work on the node is in heal.sh. */
#include <stdio.h>
#include <string.h>

#include "lower.h"
#include "xml.h"

/* ---- how well the bricks are ---- */

struct health {
	const char *name;
	struct text online;	/* "HOST:PATH\n" of the bricks that run */
	struct text entries;	/* "HOST:PATH COUNT\n" */
	struct text bricks;	/* "HOST:PATH\n" in order */
	bool found;
	char host[256];		/* of the element that is being read */
	char path[512];
	bool known;		/* it names a brick */
};

static void
health_free(struct health *h)
{
	text_free(&h->online);
	text_free(&h->entries);
	text_free(&h->bricks);
}
#define CLEANUP_HEALTH CLEANUP(health_free)

#define STATUS "cliOutput/volStatus/volumes/volume/node/"

static int
status_element(void *arg, const char *path, const char *text)
{
	struct health *h = arg;

	if (strcmp(path, STATUS "hostname") == 0)
		snprintf(h->host, sizeof(h->host), "%s", text);
	else if (strcmp(path, STATUS "path") == 0)
		snprintf(h->path, sizeof(h->path), "%s", text);
	else if (strcmp(path, STATUS "status") == 0 &&
		 strcmp(text, "1") == 0 && h->path[0] == '/')
		text_addf(&h->online, "%s:%s\n", h->host, h->path);
	return 0;
}

#define HEAL "cliOutput/healInfo/bricks/brick/"

/* A brick that is down is called "information not available", or has "-". */
static int
heal_element(void *arg, const char *path, const char *text)
{
	struct health *h = arg;

	if (strcmp(path, HEAL "name") == 0) {
		h->known = strstr(text, ":/") != NULL;
		snprintf(h->path, sizeof(h->path), "%s", text);
	} else if (strcmp(path, HEAL "numberOfEntries") == 0 && h->known &&
		   text[0] != '\0' &&
		   text[strspn(text, "0123456789")] == '\0') {
		text_addf(&h->entries, "%s %s\n", h->path, text);
	}
	return 0;
}

#define VOL "cliOutput/volInfo/volumes/volume/"

static int
brick_element(void *arg, const char *path, const char *text)
{
	struct health *h = arg;

	if (strcmp(path, VOL "name") == 0)
		h->found = true;
	else if (strcmp(path, VOL "bricks/brick/name") == 0)
		text_addf(&h->bricks, "%s\n", text);
	return 0;
}

/* The rest of the line that begins with `key` and `end`, or NULL. */
static const char *
line_after(const struct text *t, const char *key, char end)
{
	const char *s = text_str(t);
	size_t n = strlen(key);

	while (*s != '\0') {
		const char *nl = strchr(s, '\n');

		if (strncmp(s, key, n) == 0 && s[n] == end)
			return s + n + 1;
		if (nl == NULL)
			return NULL;
		s = nl + 1;
	}
	return NULL;
}

static void
report_brick(struct step *st, const struct health *h, char *brick)
{
	const struct brickyard_host *host = st->in->host;
	const char *entries = line_after(&h->entries, brick, ' ');
	bool online = line_after(&h->online, brick, '\n') != NULL;
	char *colon = strstr(brick, ":/");

	if (colon != NULL)
		*colon = '\0';
	host->result_str(st->result, "host", colon != NULL ? brick : "");
	host->result_str(st->result, "path", colon != NULL ? colon + 1 : brick);
	host->result_u64(st->result, "online", online);
	if (entries != NULL)
		host->result_u64(st->result, "entries",
				 strtoull(entries, NULL, 10));
}

static int
report_health(struct step *st, struct health *h)
{
	char *save = NULL;
	bool first = true;

	if (!h->found)
		return step_fail(st, BRICKYARD_ERR_NOTFOUND,
				 "gluster has no volume %s", h->name);
	if (h->bricks.failed || h->online.failed || h->entries.failed)
		return step_fail(st, BRICKYARD_ERR_TRANSIENT, "out of memory");
	for (char *b = h->bricks.s != NULL ?
	     strtok_r(h->bricks.s, "\n", &save) : NULL; b != NULL;
	     b = strtok_r(NULL, "\n", &save)) {
		if (!first)
			st->in->host->result_next(st->result);
		first = false;
		report_brick(st, h, b);
	}
	return 0;
}

static int
take_health(struct step *st, const char *key, char *text)
{
	struct health *h = st->arg;
	char *xml = strchr(text, '<');
	xml_element_fn *fn = strcmp(key, "status") == 0 ? status_element :
		strcmp(key, "heal") == 0 ? heal_element : brick_element;

	if (xml == NULL || xml_scan(xml, fn, h) < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "gluster volume %s %s: its XML can't be read",
				 key, h->name);
	return fn == brick_element ? report_health(st, h) : 0;
}

int
lower_heal_info(struct brickyard_executor_instance *in,
		const struct brickyard_call *call,
		const struct brickyard_node *node, const char *name,
		struct brickyard_result *res, struct brickyard_error *err)
{
	CLEANUP_HEALTH struct health h = { .name = name };
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	st.result = res;
	st.data = take_health;
	st.arg = &h;
	if (check_gluster_volume(&st, name) < 0)
		return -1;
	step_use_gluster(&st);
	step_part(&st, part_heal);
	step_do(&st, "gl_heal", name, NULL);
	return step_run(&st);
}

/* ---- replacing, cloning ---- */

static int
check_ref(struct step *st, const struct brickyard_brick_ref *b)
{
	if (check_gluster_word(st, b->host) < 0 ||
	    check_gluster_word(st, b->path) < 0)
		return -1;
	if (b->path[0] == '/')
		return 0;
	return step_fail(st, BRICKYARD_ERR_INVALID,
			 "'%.200s' is not the path of a brick", b->path);
}

int
lower_brick_replace(struct brickyard_executor_instance *in,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node, const char *name,
		    const struct brickyard_brick_ref *old_brick,
		    const struct brickyard_brick_ref *new_brick,
		    struct brickyard_error *err)
{
	CLEANUP_TEXT struct text from = {0}, to = {0};
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	if (check_gluster_volume(&st, name) < 0 ||
	    check_ref(&st, old_brick) < 0 || check_ref(&st, new_brick) < 0)
		return -1;
	text_addf(&from, "%s:%s", old_brick->host, old_brick->path);
	text_addf(&to, "%s:%s", new_brick->host, new_brick->path);
	st.body.failed |= from.failed || to.failed;
	step_use_gluster(&st);
	step_part(&st, part_heal);
	step_do(&st, "gl_replace", name, text_str(&from), text_str(&to), NULL);
	return step_run(&st);
}

int
lower_volume_clone(struct brickyard_executor_instance *in,
		   const struct brickyard_call *call,
		   const struct brickyard_node *node, const char *name,
		   const char *clone, const char *snapshot,
		   struct brickyard_result *res, struct brickyard_error *err)
{
	CLEANUP_TEXT struct text copy = {0};
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	text_addf(&copy, "%s", clone);
	st.result = res;
	st.data = take_volume;
	st.arg = copy.s;
	if (copy.failed)
		return step_fail(&st, BRICKYARD_ERR_TRANSIENT, "out of memory");
	if (check_gluster_volume(&st, name) < 0 ||
	    check_gluster_volume(&st, clone) < 0 ||
	    check_gluster_volume(&st, snapshot) < 0)
		return -1;
	step_use_gluster(&st);
	step_part(&st, part_heal);
	step_do(&st, "gl_clone", name, clone, snapshot, NULL);
	return step_run(&st);
}
