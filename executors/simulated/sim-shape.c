/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of a gluster volume on the command line: its name, and the words
 * of its type, of which glusterd makes the size of its brick sets.
 */
#include <config.h>

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulated.h"

static bool
is_count(const char *word, int64_t *ret)
{
	char *end;

	if (!isdigit((unsigned char)word[0]) || strlen(word) > 4)
		return false;
	*ret = strtoll(word, &end, 10);
	return *end == '\0' && *ret > 0;
}

static int
refuse_word(struct step *s, const char *word)
{
	return step_refuse(s, BRICKYARD_ERR_INVALID, "Wrong brick type: %s, use"
			   " <HOSTNAME>:<export-dir-abs-path>", word);
}

static int
join_words(struct step *s, const struct brickyard_gluster_volume *v,
	   struct volume_shape *ret)
{
	size_t used = 0;

	for (size_t i = 0; i < v->nwords; i++) {
		int n = snprintf(ret->words + used, sizeof(ret->words) - used,
				 "%s%s", i > 0 ? " " : "", v->words[i]);

		if (n < 0 || (size_t)n >= sizeof(ret->words) - used)
			return refuse_word(s, v->words[i]);
		used += (size_t)n;
	}
	return 0;
}

struct counts {
	int64_t replica, arbiter, thin_arbiter, disperse, data, redundancy;
};

static const struct {
	const char *name;
	size_t offset;
} count_words[] = {
	{ "replica", offsetof(struct counts, replica) },
	{ "arbiter", offsetof(struct counts, arbiter) },
	{ "thin-arbiter", offsetof(struct counts, thin_arbiter) },
	{ "disperse", offsetof(struct counts, disperse) },
	{ "disperse-data", offsetof(struct counts, data) },
	{ "redundancy", offsetof(struct counts, redundancy) },
};

static int64_t *
count_for(struct counts *c, const char *word)
{
	for (size_t i = 0; i < sizeof(count_words) / sizeof(count_words[0]);
	     i++) {
		if (strcmp(count_words[i].name, word) == 0)
			return (int64_t *)((char *)c + count_words[i].offset);
	}
	return NULL;
}

static int
read_words(struct step *s, const struct brickyard_gluster_volume *v,
	   struct counts *c)
{
	for (size_t i = 0; i < v->nwords; i++) {
		const char *word = v->words[i];
		int64_t *count = count_for(c, word);

		if (strcmp(word, "transport") == 0 && i + 1 < v->nwords) {
			i++;
			continue;
		}
		if (count == NULL)
			return refuse_word(s, word);
		if (i + 1 == v->nwords || !is_count(v->words[i + 1], count))
			return step_refuse(s, BRICKYARD_ERR_INVALID, "volume"
					   " create: %s: wrong count after"
					   " '%s'", v->name, word);
		i++;
	}
	return 0;
}

int
sim_read_shape(struct step *s, const struct brickyard_gluster_volume *v,
	       struct volume_shape *ret)
{
	struct counts c = { 0 };

	if (join_words(s, v, ret) < 0 || read_words(s, v, &c) < 0)
		return -1;
	ret->kind = "distribute";
	ret->set_size = 1;
	if (c.replica > 0) {
		ret->kind = "replicate";
		ret->set_size = c.replica;
		/* "replica 2 arbiter 1" is another way to say 3 bricks; a thin
		 * arbiter is a third one, for the whole volume.
		 */
		if (c.replica == 2 && (c.arbiter == 1 || c.thin_arbiter == 1))
			ret->set_size = 3;
	}
	if (c.disperse > 0 || c.data > 0) {
		ret->kind = "disperse";
		ret->set_size = c.disperse > 0 ? c.disperse
					     : c.data + c.redundancy;
	}
	if (c.replica > 0 && strcmp(ret->kind, "disperse") == 0)
		return step_refuse(s, BRICKYARD_ERR_INVALID, "volume create:"
				   " %s: replicated-dispersed volume is not"
				   " supported", v->name);
	if (!s->sim->any_option &&
	    (c.arbiter > 1 || (c.arbiter == 1 && ret->set_size != 3)))
		return step_refuse(s, BRICKYARD_ERR_INVALID, "For arbiter"
				   " configuration, replica count must be 2 and"
				   " arbiter count must be 1. The 3rd brick of"
				   " the replica will be the arbiter");
	return 0;
}

/* ---- what of it is in gluster's XML ---- */

const char *const sim_count_names[SIM_COUNTS] = {
	"gluster.status", "gluster.brickCount", "gluster.distCount",
	"gluster.stripeCount", "gluster.replicaCount", "gluster.arbiterCount",
	"gluster.disperseCount", "gluster.redundancyCount", "gluster.type",
	"gluster.transport",
};

/* The number behind a word of the type ("replica 3 arbiter 1"); 0: none. */
static int64_t
number_behind(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *w = words; w != NULL; w = strchr(w, ' ')) {
		w += *w == ' ';
		if (strncmp(w, word, len) == 0 && w[len] == ' ')
			return strtoll(w + len, NULL, 10);
	}
	return 0;
}

/* glusterd's numbers: 1 is started, 0 created, 2 stopped; kinds are 0 (distribute),
 * 2 (replicate) and 4 (disperse), and 7 and 9 when there are several sets.
 */
void
sim_count_bricks(const struct volume_row *row, struct sim_counts *ret)
{
	bool replicate = strcmp(row->kind, "replicate") == 0;
	bool disperse = strcmp(row->kind, "disperse") == 0;
	int64_t n = row->set_size, data, type = 0;

	ret->set_size = n;
	ret->arbiter = number_behind(row->words, "arbiter");
	data = number_behind(row->words, "disperse-data");
	if (replicate)
		type = row->nbricks > n ? 7 : 2;
	if (disperse)
		type = row->nbricks > n ? 9 : 4;
	memcpy(ret->of, (int64_t[SIM_COUNTS]){
		strcmp(row->status, "started") == 0 ? 1 :
		strcmp(row->status, "stopped") == 0 ? 2 : 0,
		row->nbricks, row->nbricks / n, 1, replicate ? n : 1,
		ret->arbiter, disperse ? n : 0,
		disperse && data > 0 ? n - data :
				       number_behind(row->words, "redundancy"),
		type, 0 }, sizeof(ret->of));
}

int
sim_check_volume_name(struct step *s, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > VOLUME_NAME_MAX)
		return step_refuse(s, BRICKYARD_ERR_INVALID, "Volname can not"
				   " be empty nor exceed %d characters.",
				   VOLUME_NAME_MAX);
	for (const char *c = name; *c != '\0'; c++) {
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
			return step_refuse(s, BRICKYARD_ERR_INVALID,
					   "Volume name should not contain"
					   " \"%c\" character.\nVolume names"
					   " can only contain alphanumeric, '-'"
					   " and '_' characters.", *c);
	}
	return 0;
}
