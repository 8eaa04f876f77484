/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at a node: is it fit, and what is on it; the work is in node.sh. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lower.h"
#include "xml.h"

int
lower_node_probe(struct brickyard_executor_instance *in,
		 const struct brickyard_call *call,
		 const struct brickyard_node *node,
		 struct brickyard_result *res, struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;
	char now[32];

	step_init(&st, in, call, node, err);
	st.result = res;
	snprintf(now, sizeof(now), "%lld", (long long)time(NULL));
	step_use_lvm(&st);
	step_use_gluster(&st);
	step_part(&st, part_node);
	step_do(&st, "node_probe", now, NULL);
	return step_run(&st);
}

/* ---- examining ---- */

struct volumes {
	struct step *st;
	char name[256], status[32], type[64], id[64];
};

static void
keep(char *to, size_t n, const char *s)
{
	snprintf(to, n, "%s", s);
}

static void
report_volume(const struct volumes *v)
{
	const struct brickyard_host *h = v->st->in->host;
	struct brickyard_result *res = v->st->result;

	h->result_next(res);
	h->result_str(res, "volume", v->name);
	h->result_str(res, "status", v->status);
	h->result_str(res, "type", v->type);
	h->result_str(res, "id", v->id);
}

#define VOL "cliOutput/volInfo/volumes/volume"

static int
volume_element(void *arg, const char *path, const char *text)
{
	struct volumes *v = arg;

	if (strcmp(path, VOL "/name") == 0)
		keep(v->name, sizeof(v->name), text);
	else if (strcmp(path, VOL "/id") == 0)
		keep(v->id, sizeof(v->id), text);
	else if (strcmp(path, VOL "/statusStr") == 0)
		keep(v->status, sizeof(v->status), text);
	else if (strcmp(path, VOL "/typeStr") == 0)
		keep(v->type, sizeof(v->type), text);
	else if (strcmp(path, VOL) == 0) {
		for (char *s = v->status; *s != '\0'; s++)
			*s = (char)tolower((unsigned char)*s);
		report_volume(v);
	}
	return 0;
}

static int
take_examined(struct step *st, const char *key, char *text)
{
	struct volumes v = { .st = st };
	char *xml;

	if (strcmp(key, "volumes") != 0) {
		st->in->host->result_str(st->result, key, text);
		return 0;
	}
	xml = strchr(text, '<');
	if (xml == NULL || xml_scan(xml, volume_element, &v) < 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "gluster volume info: its XML can't be read");
	return 0;
}

int
lower_node_examine(struct brickyard_executor_instance *in,
		   const struct brickyard_call *call,
		   const struct brickyard_node *node,
		   struct brickyard_result *res, struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	st.result = res;
	st.data = take_examined;
	step_use_lvm(&st);
	step_use_gluster(&st);
	step_part(&st, part_node);
	step_do(&st, "node_examine", NULL);
	return step_run(&st);
}
