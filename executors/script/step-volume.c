/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps with gluster: nodes, peers, volumes; the work is in gluster.sh. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lower.h"
#include "words.h"
#include "xml.h"

#define ID_OPTION "user.heketi.id"
#define PAIRS_MAX 32		/* options in one command */

/* ---- nodes and peers ---- */

int
lower_node_check(struct brickyard_executor_instance *in,
		 const struct brickyard_call *call,
		 const struct brickyard_node *node, struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	step_use_gluster(&st);
	step_do(&st, "gl_alive", NULL);
	return step_run(&st);
}

static int
peer_step(struct step *st, const char *function, const char *host)
{
	if (check_gluster_word(st, host) < 0)
		return -1;
	step_use_gluster(st);
	step_do(st, function, host, NULL);
	return step_run(st);
}

int
lower_peer_probe(struct brickyard_executor_instance *in,
		 const struct brickyard_call *call,
		 const struct brickyard_node *from, const char *host,
		 struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, from, err);
	return peer_step(&st, "gl_probe", host);
}

int
lower_peer_detach(struct brickyard_executor_instance *in,
		  const struct brickyard_call *call,
		  const struct brickyard_node *from, const char *host,
		  struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, from, err);
	return peer_step(&st, "gl_detach", host);
}

/* ---- making a volume ---- */

static int
check_volume(struct step *st, const struct brickyard_gluster_volume *gv)
{
	if (check_gluster_volume(st, gv->name) < 0 ||
	    check_gluster_word(st, gv->id) < 0)
		return -1;
	if (gv->bricks_per_set == 0 || gv->sets_per_command == 0 ||
	    gv->nbricks == 0 || gv->nbricks % gv->bricks_per_set != 0)
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "volume %s: %zu bricks are no whole sets of %u",
				 gv->name, gv->nbricks, gv->bricks_per_set);
	for (size_t i = 0; i < gv->nbricks; i++)
		if (check_gluster_word(st, gv->bricks[i]->host) < 0 ||
		    check_gluster_word(st, gv->bricks[i]->path) < 0)
			return -1;
	for (size_t i = 0; i < gv->nwords; i++)
		if (check_gluster_word(st, gv->words[i]) < 0)
			return -1;
	return 0;
}

static void
add_bricks(struct step *st, const struct brickyard_gluster_volume *gv,
	   size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		CLEANUP_TEXT struct text ref = {0};

		text_addf(&ref, "%s:%s", gv->bricks[i]->host,
			  gv->bricks[i]->path);
		st->body.failed |= ref.failed;
		step_word(st, text_str(&ref));
	}
}

static size_t
chunk_end(const struct brickyard_gluster_volume *gv, size_t from)
{
	size_t max = (size_t)gv->bricks_per_set * gv->sets_per_command;

	return gv->nbricks - from > max ? from + max : gv->nbricks;
}

/* gl_add of the bricks from `from` on, as many at a time as go into one command.
 * Sets that the volume has are left out there.
 */
static void
add_chunks(struct step *st, const struct brickyard_gluster_volume *gv,
	   size_t from)
{
	while (from < gv->nbricks) {
		size_t to = chunk_end(gv, from);
		char n[16];

		snprintf(n, sizeof(n), "%u", gv->bricks_per_set);
		text_addf(&st->body, "gl_add");
		step_word(st, gv->name);
		step_word(st, n);
		add_bricks(st, gv, from, to);
		text_addf(&st->body, "\n");
		from = to;
	}
}

/* A line of "gl_sets" that goes on as long as there are pairs for it. */
struct sets {
	struct step *st;
	const char *volume;
	unsigned pairs;		/* in the line; 0: none is begun */
};

static void
sets_end(struct sets *s)
{
	if (s->pairs > 0)
		text_addf(&s->st->body, "\n");
	s->pairs = 0;
}

static void
sets_add(struct sets *s, const char *key, const char *value)
{
	if (s->pairs == 0) {
		text_addf(&s->st->body, "gl_sets");
		step_word(s->st, s->volume);
	}
	step_word(s->st, key);
	step_word(s->st, value);
	if (++s->pairs == PAIRS_MAX)
		sets_end(s);
}

/* "key value" becomes two words; the value keeps its blanks.  gluster takes a
 * group only by itself.
 */
static int
add_option(struct sets *sets, const char *option)
{
	struct step *st = sets->st;
	CLEANUP_FREE char *key = NULL;
	char *value;

	option += strspn(option, " \t");
	if (option[0] == '\0')
		return 0;
	key = strdup(option);
	if (key == NULL)
		return step_fail(st, BRICKYARD_ERR_TRANSIENT, "out of memory");
	value = key + strcspn(key, " \t");
	if (*value != '\0')
		*value++ = '\0';
	value += strspn(value, " \t");
	if (check_gluster_word(st, key) < 0 ||
	    check_gluster_word(st, value) < 0)
		return -1;
	if (value[0] != '\0' && strncmp(key, "group", 5) != 0) {
		sets_add(sets, key, value);
		return 0;
	}
	sets_end(sets);
	step_do(st, "gl_set", sets->volume, key, value[0] != '\0' ? value :
		NULL, NULL);
	return 0;
}

static int
add_options(struct step *st, const struct brickyard_gluster_volume *gv)
{
	struct sets sets = { .st = st, .volume = gv->name };

	/* first, so that what is half made is known to be ours */
	sets_add(&sets, ID_OPTION, gv->id);
	for (size_t i = 0; i < gv->noptions; i++)
		if (add_option(&sets, gv->options[i]) < 0)
			return -1;
	sets_end(&sets);
	return 0;
}

static void
add_create(struct step *st, const struct brickyard_gluster_volume *gv)
{
	text_addf(&st->body, "gl_create");
	step_word(st, gv->name);
	for (size_t i = 0; i < gv->nwords; i++)
		step_word(st, gv->words[i]);
	add_bricks(st, gv, 0, chunk_end(gv, 0));
	text_addf(&st->body, "\n");
}

int
lower_volume_create(struct brickyard_executor_instance *in,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    const struct brickyard_gluster_volume *gv,
		    struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	if (check_volume(&st, gv) < 0)
		return -1;
	step_use_gluster(&st);
	add_create(&st, gv);
	text_addf(&st.body, "if [ \"$V_THERE\" = 1 ]; then\ngl_check_ours");
	step_word(&st, gv->name);
	step_word(&st, gv->id);
	add_bricks(&st, gv, 0, gv->nbricks);
	text_addf(&st.body, "\nelse\n");
	/* More than the first command takes is added to what it made. */
	if (chunk_end(gv, 0) < gv->nbricks)
		step_do(&st, "gl_look", gv->name, NULL);
	else
		text_addf(&st.body, "V_BRICKS=all\n");
	text_addf(&st.body, "fi\nif [ \"$V_BRICKS\" != all ]; then\n");
	add_chunks(&st, gv, 0);
	text_addf(&st.body, "fi\n");
	if (add_options(&st, gv) < 0)
		return -1;
	step_do(&st, "gl_start", gv->name, NULL);
	return step_run(&st);
}

int
lower_volume_expand(struct brickyard_executor_instance *in,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    const struct brickyard_gluster_volume *gv,
		    uint32_t rebalance, struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	if (check_volume(&st, gv) < 0)
		return -1;
	step_use_gluster(&st);
	step_do(&st, "gl_need", gv->name, NULL);
	add_chunks(&st, gv, 0);
	if (rebalance != 0)
		step_do(&st, "gl_rebalance", gv->name, NULL);
	return step_run(&st);
}

int
lower_volume_destroy(struct brickyard_executor_instance *in,
		     const struct brickyard_call *call,
		     const struct brickyard_node *node, const char *name,
		     struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	if (check_gluster_volume(&st, name) < 0)
		return -1;
	step_use_gluster(&st);
	step_part(&st, part_heal);
	step_do(&st, "gl_destroy", name, NULL);
	return step_run(&st);
}

/* ---- what a volume is ---- */

struct volume {
	bool found;
	int op_ret;
	char error[1024];
	char status[32], type[64], gluster_id[64];
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

	if (strcmp(path, "cliOutput/opRet") == 0)
		v->op_ret = atoi(text);
	else if (strcmp(path, "cliOutput/opErrstr") == 0)
		snprintf(v->error, sizeof(v->error), "%s", text);
	else if (strcmp(path, VOL "name") == 0)
		v->found = true;
	else if (strcmp(path, VOL "id") == 0)
		snprintf(v->gluster_id, sizeof(v->gluster_id), "%s", text);
	else if (strcmp(path, VOL "statusStr") == 0)
		lower_into(v->status, sizeof(v->status), text);
	else if (strcmp(path, VOL "typeStr") == 0)
		snprintf(v->type, sizeof(v->type), "%s", text);
	else if (strcmp(path, VOL "bricks/brick/name") == 0)
		text_addf(&v->bricks, "%s\n", text);
	return 0;
}

static void
report_brick(struct step *st, char *brick)
{
	const struct brickyard_host *h = st->in->host;
	/* an IPv6 host has colons too: the path starts with '/' */
	char *colon = strstr(brick, ":/");

	h->result_next(st->result);
	if (colon != NULL)
		*colon = '\0';
	h->result_str(st->result, "host", colon != NULL ? brick : "");
	h->result_str(st->result, "path", colon != NULL ? colon + 1 : brick);
}

static int
report_volume(struct step *st, struct volume *v)
{
	const struct brickyard_host *h = st->in->host;
	char *save = NULL;

	if (v->bricks.failed)
		return step_fail(st, BRICKYARD_ERR_TRANSIENT, "out of memory");
	h->result_str(st->result, "status", v->status);
	h->result_str(st->result, "type", v->type);
	h->result_str(st->result, "id", v->gluster_id);
	for (char *b = v->bricks.s != NULL ?
	     strtok_r(v->bricks.s, "\n", &save) : NULL; b != NULL;
	     b = strtok_r(NULL, "\n", &save))
		report_brick(st, b);
	return 0;
}

int
take_volume(struct step *st, const char *key, char *text)
{
	CLEANUP_VOLUME struct volume v = {0};
	const char *name = st->arg;
	char *xml = strchr(text, '<');	/* after what the CLI warned of */

	if (xml == NULL || xml_scan(xml, volume_element, &v) < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "gluster volume info %s: its XML can't be "
				 "read", name);
	if (v.found && v.op_ret == 0)
		return report_volume(st, &v);
	if (v.error[0] == '\0' || strstr(v.error, "does not exist") != NULL)
		return step_fail(st, BRICKYARD_ERR_NOTFOUND,
				 "gluster has no volume %s", name);
	return step_fail(st, gluster_class(v.error), "gluster volume info %s: "
			 "%s", name, v.error);
}

int
lower_volume_info(struct brickyard_executor_instance *in,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node, const char *name,
		  struct brickyard_result *res, struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	st.result = res;
	st.data = take_volume;
	st.arg = (void *)(uintptr_t)name;	/* only read */
	if (check_gluster_volume(&st, name) < 0)
		return -1;
	step_use_gluster(&st);
	step_do(&st, "gl_info", name, NULL);
	return step_run(&st);
}
