/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be done for the server to have what a topology file describes. */
#ifndef CLI_TOPOLOGY_PLAN_H
#define CLI_TOPOLOGY_PLAN_H

#include <jansson.h>

#include "cli/topology-file.h"

enum step_kind {
	STEP_ADD_CLUSTER,
	STEP_SET_FLAGS,
	STEP_ADD_NODE,
	STEP_SET_NODE_TAGS,
	STEP_ADD_DEVICE,
	STEP_SET_DEVICE_TAGS,
	STEP_IMPOSSIBLE,	/* asked for, but can't be changed */
	STEP_EXTRA,		/* on the server only: left alone */
};

struct step {
	enum step_kind kind;
	size_t cluster, node, device;	/* of the file, as far as they apply */
	const json_t *there;	/* the server's object that changes, or NULL */
	char *text;		/* "node m1: zone 1, storage host s1" */
};

struct topology_plan {
	struct step *v;
	size_t n, cap;
	char **cluster_ids;	/* of each cluster of the file; NULL: none yet */
	size_t nclusters;
};

/* Pure.  Both must outlive the plan. */
void topology_plan_make(const struct topology_file *, const json_t *there,
			struct topology_plan *ret);
void topology_plan_release(struct topology_plan *);
char step_sign(const struct step *);	/* + ~ ! - */
size_t topology_plan_count(const struct topology_plan *, char sign);

#endif
