/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing a topology file with the server's topology.  Objects are known by
 * what "topology load" knows them by: nodes by their first management host
 * name, devices by their node and name, clusters by their nodes.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cli/fmt.h"
#include "cli/topology-plan.h"
#include "cli/topology-tree.h"
#include "util/buf.h"
#include "util/xalloc.h"

struct planner {
	const struct topology_file *file;
	const json_t *there;
	struct topology_plan *plan;
	size_t c, n, d;		/* where we are in the file */
};

static void PRINTF(4, 5)
step(struct planner *p, enum step_kind kind, const json_t *there,
     const char *fmt, ...)
{
	struct step s = { .kind = kind, .cluster = p->c, .node = p->n,
			  .device = p->d, .there = there };
	va_list ap;

	va_start(ap, fmt);
	s.text = xvasprintf(fmt, ap);
	va_end(ap);
	*VEC_PUSH(p->plan) = s;
}

static void
add_tags(struct buf *b, const json_t *tags)
{
	CLEANUP(strs_release) struct strs keys = { 0 };

	json_sorted_keys(tags, &keys);
	if (keys.n == 0)
		buf_adds(b, " (none)");
	for (size_t i = 0; i < keys.n; i++)
		buf_addf(b, " %s:%s", keys.v[i],
			 json_string_value(json_object_get(tags, keys.v[i])));
}

static void
add_wanted_tags(struct buf *b, const json_t *tags)
{
	if (json_object_size(tags) == 0)
		return;
	buf_adds(b, ", tags");
	add_tags(b, tags);
}

/* A file that says nothing of tags leaves them alone. */
static void
compare_tags(struct planner *p, enum step_kind kind, const json_t *there,
	     const json_t *wanted, const char *what)
{
	json_auto_t *none = json_object();
	const json_t *has = json_at(there, "tags");
	CLEANUP(buf_release) struct buf b = { 0 };

	if (has == NULL)
		has = none;
	if (wanted == NULL || json_equal(has, wanted))
		return;
	add_tags(&b, has);
	buf_adds(&b, " ->");
	add_tags(&b, wanted);
	step(p, kind, there, "%s: tags%s", what, buf_str(&b));
}

static const struct file_cluster *
cluster_at(const struct planner *p)
{
	return &p->file->clusters[p->c];
}

static const struct file_node *
node_at(const struct planner *p)
{
	return &cluster_at(p)->nodes[p->n];
}

static void
plan_device(struct planner *p, const json_t *node)
{
	const struct file_device *d = &node_at(p)->devices[p->d];
	const json_t *there = topology_find_device(node, d->name);
	CLEANUP_FREE char *what = xasprintf("device %s of %s", d->name,
					    node_at(p)->manage);
	CLEANUP(buf_release) struct buf more = { 0 };

	if (there != NULL) {
		compare_tags(p, STEP_SET_DEVICE_TAGS, there, d->tags, what);
		return;
	}
	if (d->destroy_data)
		buf_adds(&more, ", its data destroyed");
	add_wanted_tags(&more, d->tags);
	step(p, STEP_ADD_DEVICE, NULL, "%s%s", what, buf_str(&more));
}

static bool
file_has_device(const struct file_node *n, const char *name)
{
	for (size_t i = 0; i < n->ndevices; i++)
		if (strcmp(n->devices[i].name, name) == 0)
			return true;
	return false;
}

static void
plan_devices(struct planner *p, const json_t *node)
{
	json_t *d;
	size_t i;

	for (p->d = 0; p->d < node_at(p)->ndevices; p->d++)
		plan_device(p, node);
	json_array_foreach(json_at(node, "devices"), i, d)
		if (!file_has_device(node_at(p), json_str_at(d, "name")))
			step(p, STEP_EXTRA, NULL, "device %s of %s: not in the"
			     " file", json_str_at(d, "name"),
			     node_at(p)->manage);
}

static void
compare_node(struct planner *p, const json_t *there)
{
	const struct file_node *n = node_at(p);
	CLEANUP_FREE char *what = xasprintf("node %s", n->manage);
	const char *cluster = p->plan->cluster_ids[p->c];
	int64_t zone = json_int_at(n->request, "zone");
	const char *host = json_str_nth(json_at(n->request,
						"hostnames.storage"), 0);
	const char *has = json_str_nth(json_at(there, "hostnames.storage"), 0);

	if (strcmp(json_str_at(there, "cluster"), cluster) != 0)
		step(p, STEP_IMPOSSIBLE, there, "%s: is in cluster %s, others"
		     " of its cluster are in %s", what,
		     json_str_at(there, "cluster"), cluster);
	if (json_int_at(there, "zone") != zone)
		step(p, STEP_IMPOSSIBLE, there, "%s: zone %lld -> %lld: can't"
		     " be changed", what,
		     (long long)json_int_at(there, "zone"), (long long)zone);
	if (strcmp(has, host) != 0)
		step(p, STEP_IMPOSSIBLE, there, "%s: storage host %s -> %s:"
		     " can't be changed", what, has, host);
	compare_tags(p, STEP_SET_NODE_TAGS, there,
		     json_at(n->request, "tags"), what);
}

static void
plan_node(struct planner *p)
{
	const struct file_node *n = node_at(p);
	const json_t *there = topology_find_node(p->there, n->manage);
	CLEANUP(buf_release) struct buf more = { 0 };

	if (there != NULL) {
		compare_node(p, there);
	} else {
		add_wanted_tags(&more, json_at(n->request, "tags"));
		step(p, STEP_ADD_NODE, NULL,
		     "node %s: zone %lld, storage host %s%s", n->manage,
		     (long long)json_int_at(n->request, "zone"),
		     json_str_nth(json_at(n->request, "hostnames.storage"), 0),
		     buf_str(&more));
	}
	plan_devices(p, there);
}

static const json_t *
cluster_by_id(const json_t *topology, const char *id)
{
	json_t *c;
	size_t i;

	json_array_foreach(json_at(topology, "clusters"), i, c)
		if (strcmp(json_str_at(c, "id"), id) == 0)
			return c;
	return NULL;
}

static void
compare_flag(struct planner *p, const json_t *there, const char *name,
	     bool given, bool wanted)
{
	bool has = json_bool_at(there, name);

	if (given && has != wanted)
		step(p, STEP_SET_FLAGS, there, "cluster %s: %s %s -> %s",
		     json_str_at(there, "id"), name, yes_no(has),
		     yes_no(wanted));
}

/* The cluster where the first of its nodes is that is anywhere. */
static const char *
find_cluster(const struct planner *p)
{
	const struct file_cluster *c = cluster_at(p);

	for (size_t i = 0; i < c->nnodes; i++) {
		const json_t *n = topology_find_node(p->there,
						     c->nodes[i].manage);

		if (n != NULL)
			return json_str_at(n, "cluster");
	}
	return NULL;
}

static void
plan_cluster(struct planner *p)
{
	const struct file_cluster *c = cluster_at(p);
	const char *id = find_cluster(p);
	const json_t *there = id != NULL ? cluster_by_id(p->there, id) : NULL;

	p->plan->cluster_ids[p->c] = xstrdup(id);
	for (size_t i = 0; id != NULL && i < p->c; i++)
		if (p->plan->cluster_ids[i] != NULL &&
		    strcmp(p->plan->cluster_ids[i], id) == 0)
			step(p, STEP_IMPOSSIBLE, there, "cluster %zu of the"
			     " file: has nodes in %s, as cluster %zu has",
			     p->c + 1, id, i + 1);
	if (id == NULL && c->nnodes > 0)
		step(p, STEP_ADD_CLUSTER, NULL, "cluster %zu of the file:"
		     " file %s, block %s", p->c + 1, yes_no(c->file),
		     yes_no(c->block));
	if (id != NULL) {
		compare_flag(p, there, "file", c->file_given, c->file);
		compare_flag(p, there, "block", c->block_given, c->block);
	}
	for (p->n = 0; p->n < c->nnodes; p->n++)
		plan_node(p);
}

static bool
file_has_node(const struct topology_file *f, const char *manage)
{
	for (size_t i = 0; i < f->nclusters; i++)
		for (size_t k = 0; k < f->clusters[i].nnodes; k++)
			if (strcmp(f->clusters[i].nodes[k].manage,
				   manage) == 0)
				return true;
	return false;
}

static bool
is_planned(const struct planner *p, const char *cluster)
{
	for (size_t i = 0; i < p->plan->nclusters; i++)
		if (p->plan->cluster_ids[i] != NULL &&
		    strcmp(p->plan->cluster_ids[i], cluster) == 0)
			return true;
	return false;
}

/* A cluster that the file does not know is one line, whatever is in it. */
static void
plan_extra(struct planner *p, const json_t *cluster)
{
	json_t *n;
	size_t i;

	if (!is_planned(p, json_str_at(cluster, "id"))) {
		step(p, STEP_EXTRA, NULL, "cluster %s: not in the file",
		     json_str_at(cluster, "id"));
		return;
	}
	json_array_foreach(json_at(cluster, "nodes"), i, n) {
		const char *manage = json_str_nth(
			json_at(n, "hostnames.manage"), 0);

		if (!file_has_node(p->file, manage))
			step(p, STEP_EXTRA, NULL, "node %s: not in the file",
			     manage);
	}
}

void
topology_plan_make(const struct topology_file *file, const json_t *there,
		   struct topology_plan *ret)
{
	struct planner p = { .file = file, .there = there, .plan = ret };
	json_t *c;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	ret->nclusters = file->nclusters;
	ret->cluster_ids = xcalloc(file->nclusters, sizeof(char *));
	for (p.c = 0; p.c < file->nclusters; p.c++)
		plan_cluster(&p);
	json_array_foreach(json_at(there, "clusters"), i, c)
		plan_extra(&p, c);
}

void
topology_plan_release(struct topology_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].text);
	for (size_t i = 0; i < p->nclusters; i++)
		free(p->cluster_ids[i]);
	free(p->v);
	free(p->cluster_ids);
	memset(p, 0, sizeof(*p));
}

char
step_sign(const struct step *s)
{
	switch (s->kind) {
	case STEP_ADD_CLUSTER:
	case STEP_ADD_NODE:
	case STEP_ADD_DEVICE:
		return '+';
	case STEP_SET_FLAGS:
	case STEP_SET_NODE_TAGS:
	case STEP_SET_DEVICE_TAGS:
		return '~';
	case STEP_IMPOSSIBLE:
		return '!';
	case STEP_EXTRA:
		break;
	}
	return '-';
}

size_t
topology_plan_count(const struct topology_plan *p, char sign)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += step_sign(&p->v[i]) == sign;
	return n;
}
