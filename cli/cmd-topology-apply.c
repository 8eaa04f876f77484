/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard topology validate|diff|apply: what "topology load" leaves to hope.
 * A file with mistakes, or that asks for what can't be, is refused before
 * anything is done; what is on the server and not in the file is never touched.
 * Each change stands on its own: applying again goes on where it stopped.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/fmt.h"
#include "cli/topology-file.h"
#include "cli/topology-plan.h"
#include "cli/topology-tree.h"
#include "util/xalloc.h"

enum { STATUS_DIFFERENT = 1 };

struct apply {
	struct cli *cli;
	const struct topology_file *file;
	const json_t *there;
	struct topology_plan *plan;
	struct kvs nodes;		/* made by us: host name, id */
	struct strs clusters;		/* made by us */
	size_t done, failed;
};

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* Read and check; the problems go to stdout. */
static enum err
read_file(const struct cli *cli, struct topology_file *ret, struct error *err)
{
	const char *path = args_str(&cli->args, "json");
	CLEANUP(strs_release) struct strs problems = { 0 };
	struct error why;

	if (path[0] == '\0')
		return fail(err, ERR_BADREQ, "Missing configuration file");
	if (topology_file_read(path, ret, &why, err) != ERR_OK)
		return fail(err, ERR_PARSE, "%s", why.text);
	topology_file_check(ret, &problems);
	for (size_t i = 0; i < problems.n; i++)
		printf("%s: %s\n", path, problems.v[i]);
	if (problems.n > 0)
		return fail(err, ERR_PARSE, "%s: %zu problem%s", path,
			    problems.n, plural(problems.n));
	return ERR_OK;
}

enum err
cmd_topology_validate(struct cli *cli, struct error *err)
{
	CLEANUP(topology_file_release) struct topology_file t = { 0 };
	size_t nodes = 0, devices = 0;
	enum err e = read_file(cli, &t, err);

	if (e != ERR_OK)
		return e;
	for (size_t c = 0; c < t.nclusters; c++)
		for (size_t n = 0; n < t.clusters[c].nnodes; n++) {
			nodes++;
			devices += t.clusters[c].nodes[n].ndevices;
		}
	printf("%s: %zu cluster%s, %zu node%s, %zu device%s\n",
	       args_str(&cli->args, "json"), t.nclusters, plural(t.nclusters),
	       nodes, plural(nodes), devices, plural(devices));
	return ERR_OK;
}

static void
print_step(const struct step *s)
{
	printf("%c %s", step_sign(s), s->text);
}

enum err
cmd_topology_diff(struct cli *cli, struct error *err)
{
	CLEANUP(topology_file_release) struct topology_file t = { 0 };
	CLEANUP(topology_plan_release) struct topology_plan plan = { 0 };
	json_auto_t *there = NULL;
	enum err e = read_file(cli, &t, err);

	if (e == ERR_OK)
		e = topology_fetch(cli, TOPOLOGY_NODES, &there, err);
	if (e != ERR_OK)
		return e;
	topology_plan_make(&t, there, &plan);
	for (size_t i = 0; i < plan.n; i++) {
		print_step(&plan.v[i]);
		putchar('\n');
	}
	cli->status = plan.n > 0 ? STATUS_DIFFERENT : 0;
	return ERR_OK;
}

/* ---- doing it ---- */

static const struct file_cluster *
cluster_of(const struct apply *a, const struct step *s)
{
	return &a->file->clusters[s->cluster];
}

static const struct file_node *
node_of(const struct apply *a, const struct step *s)
{
	return &cluster_of(a, s)->nodes[s->node];
}

static enum err
add_cluster(struct apply *a, const struct step *s, struct error *err)
{
	const struct file_cluster *c = cluster_of(a, s);
	json_auto_t *j = NULL;
	enum err e = cli_call(a->cli, "POST", "clusters", NULL, NULL,
			      json_pack("{s:b, s:b}", "block", c->block,
					"file", c->file),
			      &j, err);

	if (e != ERR_OK)
		return e;
	a->plan->cluster_ids[s->cluster] = xstrdup(json_str_at(j, "id"));
	strs_add(&a->clusters, json_str_at(j, "id"));
	return ERR_OK;
}

static enum err
set_flags(struct apply *a, const struct step *s, struct error *err)
{
	const struct file_cluster *c = cluster_of(a, s);
	bool file = c->file_given ? c->file : json_bool_at(s->there, "file");
	bool block = c->block_given ? c->block : json_bool_at(s->there, "block");

	return cli_call(a->cli, "POST", "clusters", json_str_at(s->there, "id"),
			"flags", json_pack("{s:b, s:b}", "block", block, "file",
					   file), NULL, err);
}

static enum err
add_node(struct apply *a, const struct step *s, struct error *err)
{
	const struct file_node *n = node_of(a, s);
	const char *cluster = a->plan->cluster_ids[s->cluster];
	json_auto_t *j = NULL;
	enum err e;

	if (cluster == NULL)
		return fail(err, ERR_REFUSED, "its cluster is not there");
	json_object_set_new(n->request, "cluster", json_string(cluster));
	e = cli_call(a->cli, "POST", "nodes", NULL, NULL,
		     json_incref(n->request), &j, err);
	if (e == ERR_OK)
		kvs_set(&a->nodes, n->manage, json_str_at(j, "id"));
	return e;
}

static enum err
add_device(struct apply *a, const struct step *s, struct error *err)
{
	const struct file_node *n = node_of(a, s);
	const struct file_device *d = &n->devices[s->device];
	const char *id = kvs_get(&a->nodes, n->manage);

	if (id == NULL)
		id = json_str_at(topology_find_node(a->there, n->manage), "id");
	if (id[0] == '\0')
		return fail(err, ERR_REFUSED, "its node is not there");
	return cli_call(a->cli, "POST", "devices", NULL, NULL,
			json_pack("{s:s, s:O*, s:s, s:o*}", "name", d->name,
				  "tags", d->tags, "node", id, "destroydata",
				  d->destroy_data ? json_true() : NULL),
			NULL, err);
}

static enum err
set_tags(struct apply *a, const struct step *s, const char *collection,
	 json_t *tags, struct error *err)
{
	return cli_call(a->cli, "POST", collection, json_str_at(s->there, "id"),
			"tags", json_pack("{s:O, s:s}", "tags", tags,
					  "change_type", "set"), NULL, err);
}

static enum err
do_step(struct apply *a, const struct step *s, struct error *err)
{
	switch (s->kind) {
	case STEP_ADD_CLUSTER:
		return add_cluster(a, s, err);
	case STEP_SET_FLAGS:
		return set_flags(a, s, err);
	case STEP_ADD_NODE:
		return add_node(a, s, err);
	case STEP_SET_NODE_TAGS:
		return set_tags(a, s, "nodes",
				json_at(node_of(a, s)->request, "tags"), err);
	case STEP_ADD_DEVICE:
		return add_device(a, s, err);
	case STEP_SET_DEVICE_TAGS:
		return set_tags(a, s, "devices",
				node_of(a, s)->devices[s->device].tags, err);
	case STEP_IMPOSSIBLE:
	case STEP_EXTRA:
		break;
	}
	return ERR_OK;
}

static enum err
do_all(struct apply *a, struct error *err)
{
	client_set_progress(a->cli->client, false);	/* lines are left open */
	for (size_t i = 0; i < a->plan->n; i++) {
		const struct step *s = &a->plan->v[i];
		struct error why;

		if (s->kind == STEP_EXTRA)
			continue;
		print_step(s);
		printf(" ... ");
		fflush(stdout);
		a->done++;
		if (do_step(a, s, &why) == ERR_OK) {
			puts("OK");
		} else {
			a->failed++;
			printf("failed: %s\n", why.text);
		}
	}
	topology_delete_empty(a->cli, &a->clusters);
	if (a->failed > 0)
		return fail(err, ERR_REFUSED, "%zu of %zu change%s failed",
			    a->failed, a->done, plural(a->done));
	return ERR_OK;
}

/* What is in the way of the whole is said before anything is done. */
static enum err
check_plan(const struct cli *cli, const struct topology_plan *plan,
	   struct error *err)
{
	bool dry = args_bool(&cli->args, "dry-run");
	size_t n = topology_plan_count(plan, '!');

	for (size_t i = 0; i < plan->n; i++)
		if (plan->v[i].kind == STEP_IMPOSSIBLE ||
		    (dry && plan->v[i].kind != STEP_EXTRA)) {
			print_step(&plan->v[i]);
			putchar('\n');
		}
	if (n > 0)
		return fail(err, ERR_REFUSED, "%zu thing%s in %s can't be had:"
			    " nothing was done", n, plural(n),
			    args_str(&cli->args, "json"));
	return ERR_OK;
}

enum err
cmd_topology_apply(struct cli *cli, struct error *err)
{
	CLEANUP(topology_file_release) struct topology_file t = { 0 };
	CLEANUP(topology_plan_release) struct topology_plan plan = { 0 };
	json_auto_t *there = NULL;
	struct apply a = { .cli = cli, .file = &t, .plan = &plan };
	enum err e = read_file(cli, &t, err);

	if (e == ERR_OK)
		e = topology_fetch(cli, TOPOLOGY_NODES, &there, err);
	if (e != ERR_OK)
		return e;
	a.there = there;
	topology_plan_make(&t, there, &plan);
	e = check_plan(cli, &plan, err);
	if (e == ERR_OK && !args_bool(&cli->args, "dry-run"))
		e = do_all(&a, err);
	kvs_release(&a.nodes);
	strs_release(&a.clusters);
	return e;
}
