/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every command and every flag, one row each.  The parser, the help and the
 * test of the manual page all read these tables; to add a command is to add a
 * row, a handler and a paragraph in brickyard.1.pod.
 */
#include <config.h>

#include "cli/cli.h"

#define END { .name = NULL }

static const struct flag cluster_create_flags[] = {
	{ "block", 0, FLAG_BOOL, NULL, "true",
	  "Allow block volumes in the cluster; --block=false forbids them." },
	{ "file", 0, FLAG_BOOL, NULL, "true",
	  "Allow file volumes in the cluster; --file=false forbids them." },
	END
};

static const struct flag cluster_setflags_flags[] = {
	{ "block", 0, FLAG_STRING, "BOOL", NULL,
	  "Whether block volumes may be created in the cluster." },
	{ "file", 0, FLAG_STRING, "BOOL", NULL,
	  "Whether file volumes may be created in the cluster." },
	END
};

static const struct flag node_add_flags[] = {
	{ "zone", 0, FLAG_INT, "ZONE", NULL,
	  "Failure zone of the node, 1 or more. Required." },
	{ "cluster", 0, FLAG_STRING, "CLUSTER_ID", NULL,
	  "Cluster that the node joins. Required." },
	{ "management-host-name", 0, FLAG_STRING, "HOST", NULL,
	  "Name by which the service reaches the node. Required." },
	{ "storage-host-name", 0, FLAG_STRING, "HOST", NULL,
	  "Name or address by which GlusterFS reaches the node. Required." },
	END
};

static const struct flag device_add_flags[] = {
	{ "name", 0, FLAG_STRING, "PATH", NULL,
	  "Block device, or directory, on the node. Required." },
	{ "node", 0, FLAG_STRING, "NODE_ID", NULL,
	  "Node that has the device. Required." },
	{ "destroy-existing-data", 0, FLAG_BOOL, NULL, NULL,
	  "DANGEROUS: destroy whatever is on the device." },
	END
};

static const struct flag settags_flags[] = {
	{ "exact", 'e', FLAG_BOOL, NULL, NULL,
	  "Make these its only tags: the others are removed." },
	END
};

static const struct flag rmtags_flags[] = {
	{ "all", 0, FLAG_BOOL, NULL, NULL, "Remove all tags." },
	END
};

static const struct flag device_delete_flags[] = {
	{ "force-forget", 0, FLAG_BOOL, NULL, NULL,
	  "DANGEROUS: forget the device even if it can't be cleaned." },
	END
};

static const struct flag device_remove_flags[] = {
	{ "expert-option-disable-heal-check", 0, FLAG_BOOL, NULL, NULL,
	  "DANGEROUS: don't look whether bricks are healed before they are"
	  " replaced." },
	END
};

static const struct flag device_resync_flags[] = {
	{ "cluster", 0, FLAG_BOOL, NULL, NULL,
	  "The id is a cluster's: resync all devices in it." },
	END
};

static const struct flag volume_create_flags[] = {
	{ "size", 0, FLAG_INT, "GIB", NULL,
	  "Size of the volume in GiB. Required." },
	{ "name", 0, FLAG_STRING, "NAME", NULL,
	  "Name of the volume. If not given: vol_ and its id." },
	{ "durability", 0, FLAG_STRING, "TYPE", "replicate",
	  "Volume type: none (distribute only), replicate, disperse, or another"
	  " that brickyard plugins lists." },
	{ "durability-param", 0, FLAG_LIST, "NAME=VALUE", NULL,
	  "A parameter of another volume type; may be repeated." },
	{ "replica", 0, FLAG_INT, "COUNT", "3",
	  "Copies, for type replicate." },
	{ "disperse-data", 0, FLAG_INT, "COUNT", "4",
	  "Data bricks of a set, for type disperse." },
	{ "redundancy", 0, FLAG_INT, "COUNT", "2",
	  "Redundant bricks of a set, for type disperse." },
	{ "gid", 0, FLAG_INT, "GID", "0",
	  "Group that may write to the volume; 0: root only." },
	{ "snapshot-factor", 0, FLAG_FLOAT, "FACTOR", "1.0",
	  "Space to set aside for snapshots: with 1.5, half as much again;"
	  " 1 is none." },
	{ "clusters", 0, FLAG_STRING, "ID,ID...", NULL,
	  "Clusters that the volume may be placed in. If not given: any." },
	{ "gluster-volume-options", 0, FLAG_STRING, "OPTIONS", NULL,
	  "GlusterFS options for the volume, \"name value\" with commas"
	  " between." },
	{ "block", 0, FLAG_BOOL, NULL, NULL,
	  "The volume is to host block volumes." },
	{ "persistent-volume", 0, FLAG_BOOL, NULL, NULL,
	  "Print a Kubernetes PersistentVolume in JSON." },
	{ "persistent-volume-file", 0, FLAG_STRING, "FILE", NULL,
	  "Write a Kubernetes PersistentVolume in JSON to the file." },
	{ "persistent-volume-endpoint", 0, FLAG_STRING, "NAME", NULL,
	  "Endpoints object that the PersistentVolume names." },
	END
};

static const struct flag volume_expand_flags[] = {
	{ "expand-size", 0, FLAG_INT, "GIB", NULL,
	  "GiB to add to the volume. Required." },
	{ "volume", 0, FLAG_STRING, "VOLUME_ID", NULL,
	  "The volume, if it is not given as an argument." },
	END
};

static const struct flag volume_clone_flags[] = {
	{ "name", 0, FLAG_STRING, "NAME", NULL,
	  "Name of the clone. If not given: vol_ and its id." },
	END
};

static const struct flag blockvolume_create_flags[] = {
	{ "size", 0, FLAG_INT, "GIB", NULL,
	  "Size of the block volume in GiB. Required." },
	{ "name", 0, FLAG_STRING, "NAME", NULL,
	  "Name of the block volume. If not given: blockvol_ and its id." },
	{ "ha", 0, FLAG_INT, "COUNT", NULL,
	  "Hosts that serve it. 0 or not given: all that can." },
	{ "auth", 0, FLAG_BOOL, NULL, NULL,
	  "Clients need a user and a password, which are made for it." },
	{ "clusters", 0, FLAG_STRING, "ID,ID...", NULL,
	  "Clusters that it may be placed in. If not given: any." },
	END
};

static const struct flag blockvolume_expand_flags[] = {
	{ "new-size", 0, FLAG_INT, "GIB", NULL,
	  "Size that it is to have, in GiB. Required." },
	{ "blockvolume", 0, FLAG_STRING, "BLOCKVOLUME_ID", NULL,
	  "The block volume, if it is not given as an argument." },
	END
};

static const struct flag brick_evict_flags[] = {
	{ "expert-option-disable-heal-check", 0, FLAG_BOOL, NULL, NULL,
	  "DANGEROUS: don't look whether the other bricks are healed." },
	END
};

static const struct flag setup_storage_flags[] = {
	{ "listfile", 0, FLAG_STRING, "FILE", "heketi-storage.json",
	  "Where the list of Kubernetes objects is written." },
	{ "image", 0, FLAG_STRING, "IMAGE", "heketi/heketi:dev",
	  "Container image of the job that copies the database." },
	{ "durability", 0, FLAG_STRING, "TYPE", "replicate",
	  "Volume type: none or replicate." },
	{ "replica", 0, FLAG_INT, "COUNT", "3",
	  "Copies, for type replicate." },
	{ "gluster-volume-options", 0, FLAG_STRING, "OPTIONS", NULL,
	  "GlusterFS options instead of those that suit a database, \"name"
	  " value\" with commas between." },
	{ "append-volume-options", 0, FLAG_STRING, "OPTIONS", NULL,
	  "GlusterFS options besides the others." },
	{ "node-selector", 0, FLAG_STRING, "KEY=VALUE", NULL,
	  "Node selector of the job. If not given: none." },
	END
};

static const struct flag topology_load_flags[] = {
	{ "json", 'j', FLAG_STRING, "FILE", NULL,
	  "File that describes clusters, nodes and devices. Required." },
	END
};

static const struct flag topology_apply_flags[] = {
	{ "json", 'j', FLAG_STRING, "FILE", NULL,
	  "File that describes clusters, nodes and devices. Required." },
	{ "dry-run", 0, FLAG_BOOL, NULL, NULL,
	  "Only print what would be done." },
	END
};

static const struct flag topology_info_flags[] = {
	{ "template", 'T', FLAG_STRING, "TEMPLATE", NULL,
	  "Go template to print the topology by; see the manual." },
	END
};

const struct flag global_flags[] = {
	{ "server", 's', FLAG_STRING, "URL", NULL,
	  "Server to talk to. If not given: $BRICKYARD_CLI_SERVER,"
	  " $HEKETI_CLI_SERVER, http://localhost:8080." },
	{ "user", 0, FLAG_STRING, "NAME", NULL,
	  "User, admin or user. If not given: $BRICKYARD_CLI_USER,"
	  " $HEKETI_CLI_USER." },
	{ "secret", 0, FLAG_STRING, "KEY", NULL,
	  "The user's key. If not given: $BRICKYARD_CLI_KEY,"
	  " $HEKETI_CLI_KEY." },
	{ "json", 0, FLAG_BOOL, NULL, NULL,
	  "Print the server's answer as JSON." },
	{ "insecure-tls", 'I', FLAG_BOOL, NULL, NULL,
	  "Don't verify the server's certificate." },
	{ "tls-cert", 'C', FLAG_LIST, "FILE", NULL,
	  "Certificates (PEM) to verify the server's with; may be repeated." },
	{ "version", 'v', FLAG_BOOL, NULL, NULL,
	  "Print the version (without a command only)." },
	END
};

#define GROUP(path, help) { path, NULL, help, NULL, NULL, NULL }
#define NO_CLUSTER "Cluster id missing"
#define NO_NODE	   "Node id missing"
#define NO_DEVICE  "Device id missing"
#define NO_VOLUME  "Volume id missing"

const struct command commands[] = {
	GROUP("cluster", "Manage clusters"),
	{ "cluster create", NULL, "Create a cluster", NULL,
	  cluster_create_flags, cmd_cluster_create },
	{ "cluster setflags", "CLUSTER_ID", "Change what a cluster allows",
	  NO_CLUSTER, cluster_setflags_flags, cmd_cluster_setflags },
	{ "cluster delete", "CLUSTER_ID", "Delete an empty cluster",
	  NO_CLUSTER, NULL, cmd_cluster_delete },
	{ "cluster info", "CLUSTER_ID", "Show a cluster", NO_CLUSTER, NULL,
	  cmd_cluster_info },
	{ "cluster list", NULL, "List the clusters", NULL, NULL,
	  cmd_cluster_list },

	GROUP("node", "Manage nodes"),
	{ "node add", NULL, "Add a node to a cluster", NULL, node_add_flags,
	  cmd_node_add },
	{ "node info", "NODE_ID", "Show a node and its devices", NO_NODE, NULL,
	  cmd_node_info },
	{ "node check", "NODE_ID", "Check whether a node is fit to be used",
	  NO_NODE, NULL, cmd_node_check },
	{ "node list", NULL, "List the nodes of all clusters", NULL, NULL,
	  cmd_node_list },
	{ "node delete", "NODE_ID", "Delete a node without devices", NO_NODE,
	  NULL, cmd_node_delete },
	{ "node enable", "NODE_ID", "Put a node online", NO_NODE, NULL,
	  cmd_node_enable },
	{ "node disable", "NODE_ID", "Put a node offline: no new bricks",
	  NO_NODE, NULL, cmd_node_disable },
	{ "node remove", "NODE_ID", "Move all bricks off an offline node",
	  NO_NODE, NULL, cmd_node_remove },
	{ "node settags", "NODE_ID TAG:VALUE...", "Set tags of a node",
	  "id required", settags_flags, cmd_node_settags },
	{ "node rmtags", "NODE_ID [TAG...]", "Remove tags from a node",
	  "id required", rmtags_flags, cmd_node_rmtags },

	GROUP("device", "Manage devices"),
	{ "device add", NULL, "Add a device to a node", NULL, device_add_flags,
	  cmd_device_add },
	{ "device delete", "DEVICE_ID", "Delete a removed device", NO_DEVICE,
	  device_delete_flags, cmd_device_delete },
	{ "device remove", "DEVICE_ID", "Move all bricks off an offline device",
	  NO_DEVICE, device_remove_flags, cmd_device_remove },
	{ "device enable", "DEVICE_ID", "Put a device online",
	  "device id missing", NULL, cmd_device_enable },
	{ "device disable", "DEVICE_ID", "Put a device offline: no new bricks",
	  "device id missing", NULL, cmd_device_disable },
	{ "device info", "DEVICE_ID", "Show a device and its bricks", NO_DEVICE,
	  NULL, cmd_device_info },
	{ "device resync", "ID", "Read a device's size from its node again",
	  "object/cluster id missing", device_resync_flags,
	  cmd_device_resync },
	{ "device settags", "DEVICE_ID TAG:VALUE...", "Set tags of a device",
	  "id required", settags_flags, cmd_device_settags },
	{ "device rmtags", "DEVICE_ID [TAG...]", "Remove tags from a device",
	  "id required", rmtags_flags, cmd_device_rmtags },

	GROUP("volume", "Manage volumes"),
	{ "volume create", NULL, "Create a volume", NULL, volume_create_flags,
	  cmd_volume_create },
	{ "volume info", "VOLUME_ID", "Show a volume", NO_VOLUME, NULL,
	  cmd_volume_info },
	{ "volume expand", "[VOLUME_ID]", "Make a volume larger", NULL,
	  volume_expand_flags, cmd_volume_expand },
	{ "volume delete", "VOLUME_ID", "Delete a volume and its data",
	  NO_VOLUME, NULL, cmd_volume_delete },
	{ "volume list", NULL, "List the volumes", NULL, NULL,
	  cmd_volume_list },
	{ "volume clone", "VOLUME_ID", "Make a volume with the same data",
	  NO_VOLUME, volume_clone_flags, cmd_volume_clone },
	GROUP("volume set-block-hosting-restriction",
	      "Whether a volume takes more block volumes"),
	{ "volume set-block-hosting-restriction locked", "VOLUME_ID",
	  "No more block volumes on a volume", NO_VOLUME, NULL,
	  cmd_volume_restriction_locked },
	{ "volume set-block-hosting-restriction unlocked", "VOLUME_ID",
	  "Block volumes on a volume again", NO_VOLUME, NULL,
	  cmd_volume_restriction_unlocked },
	GROUP("volume endpoint", "Help with Kubernetes' Endpoints"),
	{ "volume endpoint patch", "VOLUME_ID",
	  "Print a patch for Endpoints with a volume's hosts", NO_VOLUME, NULL,
	  cmd_volume_endpoint_patch },

	GROUP("blockvolume", "Manage block volumes"),
	{ "blockvolume create", NULL, "Create a block volume", NULL,
	  blockvolume_create_flags, cmd_blockvolume_create },
	{ "blockvolume info", "BLOCKVOLUME_ID", "Show a block volume",
	  NO_VOLUME, NULL, cmd_blockvolume_info },
	{ "blockvolume expand", "[BLOCKVOLUME_ID]",
	  "Make a block volume larger", NULL, blockvolume_expand_flags,
	  cmd_blockvolume_expand },
	{ "blockvolume delete", "BLOCKVOLUME_ID",
	  "Delete a block volume and its data", NO_VOLUME, NULL,
	  cmd_blockvolume_delete },
	{ "blockvolume list", NULL, "List the block volumes", NULL, NULL,
	  cmd_blockvolume_list },

	GROUP("brick", "Manage bricks"),
	{ "brick evict", "BRICK_ID", "Move a brick to another device",
	  "Brick id missing", brick_evict_flags, cmd_brick_evict },

	GROUP("topology", "Load and show the whole topology"),
	{ "topology load", NULL, "Add what a file describes and is not there",
	  NULL, topology_load_flags, cmd_topology_load },
	{ "topology info", NULL, "Show clusters, volumes, nodes and devices",
	  NULL, topology_info_flags, cmd_topology_info },
	{ "topology validate", NULL, "Look for mistakes in a file", NULL,
	  topology_load_flags, cmd_topology_validate },
	{ "topology diff", NULL, "Compare a file with the server", NULL,
	  topology_load_flags, cmd_topology_diff },
	{ "topology apply", NULL,
	  "Add and change what a file describes otherwise than it is", NULL,
	  topology_apply_flags, cmd_topology_apply },

	GROUP("db", "Look at the server's database"),
	{ "db dump", NULL, "Print the whole database as JSON", NULL, NULL,
	  cmd_db_dump },
	{ "db check", NULL, "Look for contradictions in the database", NULL,
	  NULL, cmd_db_check },

	GROUP("loglevel", "See and set how much the server logs"),
	{ "loglevel get", NULL, "Print the log level", NULL, NULL,
	  cmd_loglevel_get },
	{ "loglevel set", "LEVEL", "Set the log level",
	  "missing log-level argument", NULL, cmd_loglevel_set },

	GROUP("server", "Look at the server and guide it"),
	GROUP("server operations", "Manage pending operations"),
	{ "server operations info", "[OPERATION_ID]",
	  "Count the operations, or show a pending one", NULL, NULL,
	  cmd_server_operations_info },
	{ "server operations list", NULL, "List the pending operations", NULL,
	  NULL, cmd_server_operations_list },
	{ "server operations cleanup", "[OPERATION_ID...]",
	  "Undo operations that failed or went stale", NULL, NULL,
	  cmd_server_operations_cleanup },
	GROUP("server mode", "Close the server for maintenance"),
	{ "server mode get", NULL, "Print the server's mode", NULL, NULL,
	  cmd_server_mode_get },
	{ "server mode set", "MODE", "Set the server's mode",
	  "missing mode argument", NULL, cmd_server_mode_set },
	GROUP("server state", "Compare the server's state"),
	GROUP("server state examine", "Compare the server's state"),
	{ "server state examine gluster", NULL,
	  "Compare the server's state with GlusterFS's", NULL, NULL,
	  cmd_server_state_examine_gluster },

	{ "setup-openshift-heketi-storage", NULL,
	  "Make a volume and Kubernetes objects for heketi's database", NULL,
	  setup_storage_flags, cmd_setup_storage },

	{ "operations", "[OPERATION_ID]", "List operations, or show one", NULL,
	  NULL, cmd_operations },
	{ "plugins", NULL, "List the server's plug-ins", NULL, NULL,
	  cmd_plugins },
	{ "replicas", NULL, "List the replicas of the service", NULL, NULL,
	  cmd_replicas },
	{ "completion", "SHELL", "Print a script for the shell's completion",
	  "shell missing: bash, zsh or fish", NULL, cmd_completion },
	{ .path = NULL }
};

const struct command_alias command_aliases[] = {
	{ "node rmtags", "deltags" },
	{ "node rmtags", "removetags" },
	{ "device rmtags", "deltags" },
	{ "device rmtags", "removetags" },
	{ "setup-openshift-heketi-storage", "setup-heketi-db-storage" },
	{ "setup-openshift-heketi-storage", "setup-kubernetes-heketi-storage" },
	{ NULL, NULL }
};

const struct command_excess command_excesses[] = {
	{ "brick evict", "Too many arguments provided" },
	{ "loglevel set", "too many arguments" },
	{ "server mode set", "too many arguments" },
	{ NULL, NULL }
};
