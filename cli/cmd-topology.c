/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard topology …
 *
 * Loading is done here, not by the server, one object after the other: what is
 * there already is found by its names, the rest is added, nothing is changed or
 * taken away.  A node or device that can't be added is reported on stdout and
 * does not stop the others, nor does it change the exit status: that is how
 * heketi-cli behaves, and start scripts count on it.
 */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/fmt.h"
#include "cli/go-template.h"
#include "cli/topology-file.h"
#include "cli/topology-tree.h"
#include "util/buf.h"

struct load {
	struct cli *cli;
	json_t *there;		/* the topology before we began */
	struct strs created;	/* clusters */
};

/* Shown at once: the request that follows may take long. */
static void PRINTF(1, 2)
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

static enum err
create_cluster(struct load *l, const struct file_cluster *c, struct buf *ret_id,
	       struct error *err)
{
	json_auto_t *j = NULL;
	enum err e;

	say("Creating cluster ... ");
	e = cli_call(l->cli, "POST", "clusters", NULL, NULL,
		     json_pack("{s:b, s:b}", "block", c->block, "file",
			       c->file),
		     &j, err);
	if (e != ERR_OK)
		return e;
	buf_adds(ret_id, json_str_at(j, "id"));
	strs_add(&l->created, buf_str(ret_id));
	say("ID: %s\n", buf_str(ret_id));
	if (c->file)
		say("\tAllowing file volumes on cluster.\n");
	if (c->block)
		say("\tAllowing block volumes on cluster.\n");
	return ERR_OK;
}

/* The new node's id is appended to ret_id; nothing, when it failed. */
static void
create_node(struct load *l, const struct file_node *n, const char *cluster,
	    struct buf *ret_id)
{
	json_auto_t *j = NULL;
	struct error why;

	say("\tCreating node %s ... ", n->manage);
	json_object_set_new(n->request, "cluster", json_string(cluster));
	if (cli_call(l->cli, "POST", "nodes", NULL, NULL,
		     json_incref(n->request), &j, &why) != ERR_OK) {
		say("Unable to create node: %s\n", why.text);
		return;
	}
	buf_adds(ret_id, json_str_at(j, "id"));
	say("ID: %s\n", buf_str(ret_id));
}

static void
add_device(struct load *l, const char *node_id, const struct file_device *d)
{
	struct error why;
	json_t *body = json_pack("{s:s, s:O*, s:s, s:o*}", "name", d->name,
				 "tags", d->tags, "node", node_id,
				 "destroydata",
				 d->destroy_data ? json_true() : NULL);

	say("\t\tAdding device %s ... ", d->name);
	if (cli_call(l->cli, "POST", "devices", NULL, NULL, body, NULL, &why) !=
	    ERR_OK)
		say("Unable to add device: %s\n", why.text);
	else
		say("OK\n");
}

static void
add_devices(struct load *l, const struct file_node *n, const char *node_id)
{
	const json_t *there = topology_find_node(l->there, n->manage);

	for (size_t i = 0; i < n->ndevices; i++) {
		if (topology_find_device(there, n->devices[i].name) != NULL)
			say("\t\tFound device %s\n", n->devices[i].name);
		else
			add_device(l, node_id, &n->devices[i]);
	}
}

/* Nodes that follow in the file go to the cluster where this one is. */
static enum err
use_cluster_of(struct load *l, const struct file_node *n, const json_t *node,
	       struct buf *cluster, struct error *err)
{
	json_auto_t *info = NULL;
	const char *id = json_str_at(node, "cluster");

	say("\tFound node %s on cluster %s\n", n->manage, id);
	if (cli_get(l->cli, "clusters", id, &info, err) != ERR_OK) {
		say("Unable to get cluster information\n");
		return fail(err, ERR_REFUSED,
			    "Unable to get cluster information");
	}
	buf_clear(cluster);
	buf_adds(cluster, id);
	return ERR_OK;
}

static enum err
load_node(struct load *l, const struct file_cluster *c,
	  const struct file_node *n, struct buf *cluster, struct error *err)
{
	const json_t *node = topology_find_node(l->there, n->manage);
	CLEANUP(buf_release) struct buf node_id = { 0 };
	enum err e = ERR_OK;

	if (node != NULL) {
		e = use_cluster_of(l, n, node, cluster, err);
		buf_adds(&node_id, json_str_at(node, "id"));
	} else {
		if (cluster->len == 0)
			e = create_cluster(l, c, cluster, err);
		if (e == ERR_OK)
			create_node(l, n, buf_str(cluster), &node_id);
	}
	if (e == ERR_OK && node_id.len > 0)
		add_devices(l, n, buf_str(&node_id));
	return e;
}

static enum err
load_cluster(struct load *l, const struct file_cluster *c, struct error *err)
{
	CLEANUP(buf_release) struct buf cluster = { 0 };
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < c->nnodes; i++)
		e = load_node(l, c, &c->nodes[i], &cluster, err);
	return e;
}

static enum err
load_file(struct load *l, const struct topology_file *t, struct error *err)
{
	enum err e = topology_fetch(l->cli, TOPOLOGY_NODES, &l->there, err);

	if (e != ERR_OK)
		return fail_prefix(err, "Unable to get topology information");
	/* Lines are left open while the server works: no second voice. */
	client_set_progress(l->cli->client, false);
	for (size_t i = 0; e == ERR_OK && i < t->nclusters; i++)
		e = load_cluster(l, &t->clusters[i], err);
	topology_delete_empty(l->cli, &l->created);
	return e;
}

enum err
cmd_topology_load(struct cli *cli, struct error *err)
{
	CLEANUP(topology_file_release) struct topology_file t = { 0 };
	const char *file = args_str(&cli->args, "json");
	struct load l = { .cli = cli };
	struct error why;
	enum err e;

	if (file[0] == '\0')
		return fail(err, ERR_BADREQ, "Missing configuration file");
	e = topology_file_read(file, &t, &why, err);
	if (e != ERR_OK) {
		if (!program_is_heketi_cli())
			fprintf(stderr, "%s\n", why.text);
		return e;
	}
	e = load_file(&l, &t, err);
	json_decref(l.there);
	strs_release(&l.created);
	return e;
}

DEFINE_CLEANUP(struct go_template, go_template_free)

static enum err
print_by_template(const json_t *topology, const struct go_template *t,
		  struct error *err)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	enum err e = go_template_run(t, topology, &b, err);

	fputs(buf_str(&b), stdout);
	return e;
}

enum err
cmd_topology_info(struct cli *cli, struct error *err)
{
	const char *text = args_str(&cli->args, "template");
	CLEANUP(cleanup_go_template_free) struct go_template *t = NULL;
	json_auto_t *j = NULL;
	enum err e = ERR_OK;

	if (!cli->json && text[0] != '\0')
		e = go_template_parse(text, &t, err);
	if (e == ERR_OK)
		e = topology_fetch(cli, TOPOLOGY_NODES | TOPOLOGY_VOLUMES, &j,
				   err);
	if (e != ERR_OK)
		return e;
	if (cli->json)
		print_json(j);
	else if (t != NULL)
		return print_by_template(j, t, err);
	else
		topology_print(j);
	return ERR_OK;
}
