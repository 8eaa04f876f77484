/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a pod, in words for whoever has to mend it: its phase and why, how
 * its containers fare, whether its node is heard of.
 */
#include <string.h>

#include "kubernetes.h"

/* No kubelet has said anything of its containers. */
static void
add_untouched(const struct pod *p, struct text *ret)
{
	if (p->node[0] == '\0')
		text_addf(ret, ", no node has been chosen for it yet");
	else
		text_addf(ret, ", its node %s has not begun to start it (is it "
			  "up?)", p->node);
}

static void
add_container(const struct container *c, struct text *ret)
{
	text_addf(ret, ", container %s: %s", c->name, c->state);
	if (c->before[0] != '\0')
		text_addf(ret, " (before that it was %s)", c->before);
}

/* A kubelet that says not ready says why; the controller of nodes, which has not
 * heard of the kubelet for a while, does not.
 */
static void
add_ready(const struct pod *p, struct text *ret)
{
	if (p->is_lost)
		text_addf(ret, ", but since %s Kubernetes has not heard of its "
			  "node%s%s", p->not_ready_since,
			  p->node[0] != '\0' ? " " : "", p->node);
	else if (p->not_ready_since[0] != '\0')
		text_addf(ret, ", not ready since %s", p->not_ready_since);
}

void
pod_state(const struct pod *p, const struct container *c, struct text *ret)
{
	text_addf(ret, "%s%s%s%s", p->is_dying ? "being deleted, " : "",
		  p->phase[0] != '\0' ? p->phase : "in no phase",
		  p->why[0] != '\0' ? ": " : "", p->why);
	add_ready(p, ret);
	if (p->init[0] != '\0')
		text_addf(ret, ", %s", p->init);
	if (c != NULL && c->state[0] != '\0')
		add_container(c, ret);
	else if (strcmp(p->phase, "Pending") == 0 && p->init[0] == '\0')
		add_untouched(p, ret);
}
