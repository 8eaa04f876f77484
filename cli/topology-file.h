/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file that "topology load" reads. */
#ifndef CLI_TOPOLOGY_FILE_H
#define CLI_TOPOLOGY_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "util/error.h"
#include "util/strs.h"

struct file_device {
	char *name;
	json_t *tags;		/* NULL: none */
	bool destroy_data;
};

struct file_node {
	char *manage;		/* the first management host name */
	json_t *request;	/* body of POST /nodes, but for the cluster */
	struct file_device *devices;
	size_t ndevices;
};

struct file_cluster {
	bool file, block;
	bool file_given, block_given;
	struct file_node *nodes;
	size_t nnodes;
};

struct topology_file {
	struct file_cluster *clusters;
	size_t nclusters;
	json_t *doc;		/* all of it, for topology_file_check() */
};

/* The error's text is what heketi-cli says; what is wrong in detail goes into
 * why (may be longer, one line).
 */
enum err MUST_CHECK topology_file_read(const char *path,
				       struct topology_file *ret,
				       struct error *why, struct error *);
/* What is wrong with it that the server would refuse, or that heketi-cli would
 * silently ignore: a line each.
 */
void topology_file_check(const struct topology_file *, struct strs *problems);
void topology_file_release(struct topology_file *);

#endif
