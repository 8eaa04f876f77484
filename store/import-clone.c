/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logical volumes of clones.  gluster numbers them from 0 on each node; heketi
 * writes 0 down for all of them, and, where a node has several bricks of a clone,
 * would not find the others when the clone is deleted.  The number in the brick's
 * mount point, which is its place in the volume, tells which it is.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/import.h"
#include "util/xalloc.h"

/* Of "/run/gluster/snaps/ID/brick7/brick" 7; 0: it is no such path. */
static unsigned long
place_of(const struct brick *b)
{
	static const char *const roots[] = { "/run/gluster/snaps/",
					     "/var/run/gluster/snaps/" };

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		size_t n = strlen(roots[i]);
		const char *dir = strncmp(b->path, roots[i], n) == 0 ?
				  strchr(b->path + n, '/') : NULL;

		if (dir != NULL && strncmp(dir, "/brick", 6) == 0)
			return strtoul(dir + 6, NULL, 10);
	}
	return 0;
}

/* How many of the volume's bricks on its node come before it. */
static size_t
number_on_node(const struct volume *v, const struct brick *b)
{
	size_t n = 0;

	for (const struct brick *o = v->bricks; o < v->bricks + v->nbricks; o++)
		n += place_of(o) != 0 && place_of(o) < place_of(b) &&
		     strcmp(o->node, b->node) == 0;
	return n;
}

static void
name_lv(struct import *d, const struct volume *v, struct brick *b)
{
	size_t len = strlen(b->lv), n = number_on_node(v, b);
	char *was = b->lv;

	if (n == 0 || len < 2 || strcmp(was + len - 2, "_0") != 0)
		return;
	b->lv = xasprintf("%.*s_%zu", (int)(len - 2), was, n);
	import_warn(d, "brick %s of the clone %s (%s:%s): its logical volume is %s,"
		    " not %s as heketi has it", b->id, v->name, b->host, b->path,
		    b->lv, was);
	free(was);
}

void
import_name_clones(struct import *d)
{
	for (size_t i = 0; i < d->of[RECORD_VOLUME].n; i++) {
		struct volume *v = (void *)d->of[RECORD_VOLUME].v[i];

		for (size_t k = 0; k < v->nbricks; k++)
			if (place_of(&v->bricks[k]) != 0)
				name_lv(d, v, &v->bricks[k]);
	}
}
