/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Topology files: read, then checked. */
#include <config.h>

#include "cli/topology-file.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct topology_file t = { .nclusters = 0 };
	struct error why = { .text = "" }, err = { .text = "" };
	struct strs problems = { 0 };
	char path[32];
	int fd = fuzz_file(data, size, path);

	if (topology_file_read(path, &t, &why, &err) == ERR_OK) {
		for (size_t i = 0; i < t.nclusters; i++)
			for (size_t k = 0; k < t.clusters[i].nnodes; k++)
				HOLDS(t.clusters[i].nodes[k].request != NULL);
		topology_file_check(&t, &problems);
		topology_file_release(&t);
	} else {
		HOLDS(err.text[0] != '\0' && t.clusters == NULL);
	}
	strs_release(&problems);
	fuzz_file_end(fd);
	return 0;
}
