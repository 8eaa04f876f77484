/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fetching and printing the topology.  Tabs, blanks and empty lines are
 * heketi-cli's, which people feed to scripts.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/fmt.h"
#include "cli/topology-tree.h"

/* Each of ids from a collection into a list. */
static enum err
fetch_all(struct cli *cli, const char *collection, const json_t *ids,
	  json_t *to, struct error *err)
{
	json_t *id;
	size_t i;

	json_array_foreach(ids, i, id) {
		json_t *j = NULL;
		enum err e = cli_get(cli, collection, json_str_nth(ids, i), &j,
				     err);

		if (e == ERR_NOTFOUND)
			continue;	/* deleted since the list was made */
		if (e != ERR_OK)
			return e;
		json_array_append_new(to, j);
	}
	return ERR_OK;
}

enum err
topology_fetch_cluster(struct cli *cli, const char *id, unsigned parts,
		       json_t **ret, struct error *err)
{
	json_auto_t *info = NULL, *c = NULL;
	enum err e = cli_get(cli, "clusters", id, &info, err);

	if (e != ERR_OK)
		return e;
	c = json_pack("{s:[], s:[], s:s, s:b, s:b}", "volumes", "nodes", "id",
		      json_str_at(info, "id"), "block",
		      json_bool_at(info, "block"), "file",
		      json_bool_at(info, "file"));
	if (parts & TOPOLOGY_VOLUMES)
		e = fetch_all(cli, "volumes", json_at(info, "volumes"),
			      json_at(c, "volumes"), err);
	if (e == ERR_OK && (parts & TOPOLOGY_NODES) != 0)
		e = fetch_all(cli, "nodes", json_at(info, "nodes"),
			      json_at(c, "nodes"), err);
	if (e == ERR_OK)
		*ret = STEAL(c);
	return e;
}

enum err
topology_fetch(struct cli *cli, unsigned parts, json_t **ret,
	       struct error *err)
{
	json_auto_t *list = NULL, *t = json_pack("{s:[]}", "clusters");
	json_t *id;
	size_t i;
	enum err e = cli_get(cli, "clusters", NULL, &list, err);

	if (e != ERR_OK)
		return e;
	json_array_foreach(json_at(list, "clusters"), i, id) {
		json_t *c = NULL;

		e = topology_fetch_cluster(
			cli, json_str_nth(json_at(list, "clusters"), i), parts,
			&c, err);
		if (e == ERR_NOTFOUND)
			continue;
		if (e != ERR_OK)
			return e;
		json_array_append_new(json_at(t, "clusters"), c);
	}
	*ret = STEAL(t);
	return ERR_OK;
}

const json_t *
topology_find_node(const json_t *topology, const char *manage)
{
	json_t *c, *n;
	size_t i, k;

	json_array_foreach(json_at(topology, "clusters"), i, c)
		json_array_foreach(json_at(c, "nodes"), k, n)
			if (strcmp(json_str_nth(json_at(n, "hostnames.manage"),
						0), manage) == 0)
				return n;
	return NULL;
}

const json_t *
topology_find_device(const json_t *node, const char *name)
{
	json_t *d;
	size_t i;

	json_array_foreach(json_at(node, "devices"), i, d)
		if (strcmp(json_str_at(d, "name"), name) == 0)
			return d;
	return NULL;
}

/* Clusters that no node could be added to are of no use to anybody. */
void
topology_delete_empty(struct cli *cli, const struct strs *ids)
{
	for (size_t i = 0; i < ids->n; i++) {
		const char *id = ids->v[i];
		json_auto_t *info = NULL;
		struct error ignored;

		if (cli_get(cli, "clusters", id, &info, &ignored) != ERR_OK)
			continue;
		if (json_array_size(json_at(info, "nodes")) == 0 &&
		    json_array_size(json_at(info, "volumes")) == 0)
			(void)!cli_call(cli, "DELETE", "clusters", id, NULL,
					NULL, NULL, &ignored);
	}
}

static void
print_volume_bricks(const json_t *v)
{
	json_t *b;
	size_t i;

	printf("\n\t\tBricks:");
	json_array_foreach(json_at(v, "bricks"), i, b) {
		printf("\n\t\t\tId: %s", json_str_at(b, "id"));
		printf("\n\t\t\tPath: %s", json_str_at(b, "path"));
		printf("\n\t\t\tSize (GiB): %lld",
		       (long long)kib_to_gib(b, "size"));
		printf("\n\t\t\tNode: %s", json_str_at(b, "node"));
		printf("\n\t\t\tDevice: %s\n", json_str_at(b, "device"));
	}
}

static void
print_topology_durability(const json_t *v)
{
	const char *type = json_str_at(v, "durability.type");

	printf("\n\tDurability Type: %s", type);
	if (strcmp(type, "replicate") == 0)
		printf("\n\tReplica: %lld", (long long)volume_replica(v));
	if (strcmp(type, "disperse") != 0)
		return;
	printf("\n\tDisperse Data: %lld",
	       (long long)json_int_at(v, "durability.disperse.data"));
	printf("\n\tDisperse Redundancy: %lld",
	       (long long)json_int_at(v, "durability.disperse.redundancy"));
}

static void
print_topology_volume(const json_t *v)
{
	printf("\n\tName: %s", json_str_at(v, "name"));
	printf("\n\tSize: %lld", (long long)json_int_at(v, "size"));
	printf("\n\tId: %s", json_str_at(v, "id"));
	printf("\n\tCluster Id: %s", json_str_at(v, "cluster"));
	printf("\n\tMount: %s", json_str_at(v, "mount.glusterfs.device"));
	printf("\n\tMount Options: ");
	print_mount_options(v);
	print_topology_durability(v);
	if (json_bool_at(v, "snapshot.enable"))
		printf("\n\tSnapshot: Enabled\n\tSnapshot Factor: %.2f\n",
		       json_number_value(json_at(v, "snapshot.factor")));
	else
		printf("\n\tSnapshot: Disabled\n");
	print_volume_bricks(v);
	putchar('\n');
}

static void
print_topology_tags(const json_t *object, const char *indent)
{
	const json_t *tags = json_at(object, "tags");
	CLEANUP(strs_release) struct strs keys = { 0 };

	if (json_object_size(tags) == 0)
		return;
	json_sorted_keys(tags, &keys);
	printf("\n%sTags:", indent);
	for (size_t i = 0; i < keys.n; i++)
		printf(" %s:%s", keys.v[i],
		       json_string_value(json_object_get(tags, keys.v[i])));
	putchar('\n');
}

static void
print_topology_device(const json_t *d)
{
	json_t *b;
	size_t i;

	printf("\n\t\tId:%-35sState:%-10sSize (GiB):%-8lldUsed (GiB):%-8lld"
	       "Free (GiB):%-8lld",
	       json_str_at(d, "id"), state_word(d),
	       (long long)kib_to_gib(d, "storage.total"),
	       (long long)kib_to_gib(d, "storage.used"),
	       (long long)kib_to_gib(d, "storage.free"));
	print_topology_tags(d, "\t\t\t");
	printf("\n\t\t\tKnown Paths: ");
	if (json_array_size(json_at(d, "paths")) > 0)
		print_joined(json_at(d, "paths"), " ");
	else
		printf("%s", json_str_at(d, "name"));
	printf("\n\n\t\t\tBricks:");
	json_array_foreach(json_at(d, "bricks"), i, b)
		printf("\n\t\t\t\tId:%-35sSize (GiB):%-8lldPath: %s",
		       json_str_at(b, "id"), (long long)kib_to_gib(b, "size"),
		       json_str_at(b, "path"));
}

static void
print_topology_node(const json_t *n)
{
	json_t *d;
	size_t i;

	printf("\n\tNode Id: %s", json_str_at(n, "id"));
	printf("\n\tState: %s", state_word(n));
	printf("\n\tCluster Id: %s", json_str_at(n, "cluster"));
	printf("\n\tZone: %lld", (long long)json_int_at(n, "zone"));
	printf("\n\tManagement Hostnames: ");
	print_joined(json_at(n, "hostnames.manage"), ", ");
	printf("\n\tStorage Hostnames: ");
	print_joined(json_at(n, "hostnames.storage"), ", ");
	print_topology_tags(n, "\t");
	printf("\n\tDevices:");
	json_array_foreach(json_at(n, "devices"), i, d)
		print_topology_device(d);
	putchar('\n');
}

static void
print_topology_cluster(const json_t *c)
{
	json_t *v;
	size_t i;

	printf("\nCluster Id: %s\n", json_str_at(c, "id"));
	printf("\n    File:  %s", yes_no(json_bool_at(c, "file")));
	printf("\n    Block: %s\n", yes_no(json_bool_at(c, "block")));
	printf("\n    Volumes:\n");
	json_array_foreach(json_at(c, "volumes"), i, v)
		print_topology_volume(v);
	printf("\n\n    Nodes:\n");
	json_array_foreach(json_at(c, "nodes"), i, v)
		print_topology_node(v);
}

void
topology_print(const json_t *topology)
{
	json_t *c;
	size_t i;

	json_array_foreach(json_at(topology, "clusters"), i, c)
		print_topology_cluster(c);
	putchar('\n');
}
