/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at a node: is it fit, and what is on it; the work is in node.sh. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lower.h"
#include "xml.h"

#define CLOCK_OFF_S	5

/* The node began after we had made the script, and before now, less the seconds that
 * it took: what a slow login takes is no fault of its clock.
 */
static int
take_clock(struct step *st, const char *key, char *text)
{
	const struct brickyard_host *h = st->in->host;
	const time_t *made = st->arg;
	long long began, took, latest, off = 0;
	char words[100];

	if (sscanf(text, "%lld %lld", &began, &took) != 2)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "the node's clock can't be read: %.100s", text);
	latest = (long long)time(NULL) - took;
	if (began < (long long)*made)
		off = began - (long long)*made;
	else if (began > latest)
		off = began - latest;
	h->result_str(st->result, "check", key);
	if (off >= -CLOCK_OFF_S && off <= CLOCK_OFF_S) {
		h->result_str(st->result, "verdict", "ok");
		h->result_str(st->result, "text", "the node's clock is with "
			      "the service's");
		return 0;
	}
	snprintf(words, sizeof(words), "the node's clock is %lld s off the "
		 "service's", off);
	h->result_str(st->result, "verdict", "warning");
	h->result_str(st->result, "text", words);
	h->result_str(st->result, "remedy", "let both follow the same time "
		      "(chrony or systemd-timesyncd)");
	return 0;
}

int
lower_node_probe(struct brickyard_executor_instance *in,
		 const struct brickyard_call *call,
		 const struct brickyard_node *node,
		 struct brickyard_result *res, struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;
	time_t made = time(NULL);

	step_init(&st, in, call, node, err);
	st.result = res;
	st.data = take_clock;
	st.arg = &made;
	step_use_lvm(&st);
	step_use_gluster(&st);
	step_part(&st, part_node);
	step_do(&st, "node_probe", NULL);
	return step_run(&st);
}

/* ---- examining ---- */

#define VOL "cliOutput/volInfo/volumes/volume/"

/* A brick and an option are done with their last element. */
static const struct {
	const char *path, *key;
} volume_keys[] = {
	{ "id", "id" },
	{ "status", "gluster.status" },
	{ "statusStr", "gluster.statusStr" },
	{ "brickCount", "gluster.brickCount" },
	{ "distCount", "gluster.distCount" },
	{ "stripeCount", "gluster.stripeCount" },
	{ "replicaCount", "gluster.replicaCount" },
	{ "arbiterCount", "gluster.arbiterCount" },
	{ "disperseCount", "gluster.disperseCount" },
	{ "redundancyCount", "gluster.redundancyCount" },
	{ "type", "gluster.type" },
	{ "typeStr", "type" },
	{ "transport", "gluster.transport" },
	{ "optCount", "gluster.optCount" },
	{ "bricks/brick/name", "gluster.brick" },
	{ "bricks/brick/hostUuid", "gluster.hostUuid" },
	{ "bricks/brick/isArbiter", "gluster.isArbiter" },
	{ "options/option/name", "gluster.option" },
	{ "options/option/value", "gluster.value" },
};

static void
report_status(struct step *st, const char *text)
{
	char low[32];
	size_t i;

	for (i = 0; text[i] != '\0' && i < sizeof(low) - 1; i++)
		low[i] = (char)tolower((unsigned char)text[i]);
	low[i] = '\0';
	st->in->host->result_str(st->result, "status", low);
}

/* A volume begins with its name. */
static int
volume_element(void *arg, const char *path, const char *text)
{
	struct step *st = arg;
	const struct brickyard_host *h = st->in->host;

	if (strncmp(path, VOL, strlen(VOL)) != 0)
		return 0;
	path += strlen(VOL);
	if (strcmp(path, "name") == 0) {
		h->result_next(st->result);
		h->result_str(st->result, "volume", text);
	}
	if (strcmp(path, "statusStr") == 0)
		report_status(st, text);
	for (size_t i = 0; i < ARRAY_SIZE(volume_keys); i++)
		if (strcmp(path, volume_keys[i].path) == 0)
			h->result_str(st->result, volume_keys[i].key, text);
	return 0;
}

static int
take_examined(struct step *st, const char *key, char *text)
{
	char *xml;

	if (strcmp(key, "volumes") != 0) {
		st->in->host->result_str(st->result, key, text);
		return 0;
	}
	xml = strchr(text, '<');
	if (xml == NULL || xml_scan(xml, volume_element, st) < 0)
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
