/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heketi's dumps, all the way to the documents that would be stored. */
#include <config.h>

#include "store/import.h"
#include "tests/fuzz/fuzz.h"

/* What the volume types would say. */
static void
shape(struct import *d)
{
	for (size_t i = 0; i < d->of[RECORD_VOLUME].n; i++) {
		struct volume *v = (void *)d->of[RECORD_VOLUME].v[i];

		if (v->bricks_per_set == 0)
			v->bricks_per_set = 1;
	}
}

static void
import(const char *path, enum import_pending how, bool force)
{
	struct import d = { .nbricks = 0 };
	struct docs docs = { 0 };
	struct error err = { .text = "" };

	if (import_read(path, &d, &err) != ERR_OK) {
		HOLDS(err.text[0] != '\0');
		import_release(&d);
		return;
	}
	import_settle(&d, how);
	import_check_strays(&d, force);
	shape(&d);
	import_check(&d);
	import_documents(&d, &docs);
	docs_release(&docs);
	import_release(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32];
	int fd = fuzz_file(data, size, path);

	import(path, IMPORT_CLEAN, true);
	import(path, (enum import_pending)(size % 3), size % 2 == 0);
	fuzz_file_end(fd);
	return 0;
}
