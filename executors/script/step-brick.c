/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps on bricks: one script for all bricks of a node; the work is in brick.sh.
 * Logical volumes are made one after the other, since LVM does not do it in
 * another way; filesystems and mounts side by side.
 */
#include <stdio.h>
#include <string.h>

#include "lower.h"
#include "words.h"

#define GID_MAX	UINT64_C(2147483647)
#define JOBS	8		/* side by side on a node, in one script */

static int
check_brick(struct step *st, const struct brickyard_brick *b)
{
	size_t n = b->mount != NULL ? strlen(b->mount) : 0;

	if (check_device(st, b->device) < 0)
		return -1;
	if (!is_plain_name(b->id) || !is_plain_name(b->lv) ||
	    !is_plain_name(b->thin_pool) || !is_plain_name(b->volume_id) ||
	    !is_plain_path(b->mount) || !is_plain_path(b->path) ||
	    strncmp(b->path, b->mount, n) != 0 || b->path[n] != '/')
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "brick %.100s: its names or paths are not "
				 "proper ones", b->id != NULL ? b->id : "");
	if (b->gid >= GID_MAX)
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "brick %s: group id %llu is too big", b->id,
				 (unsigned long long)b->gid);
	return 0;
}

/* device-mapper writes '-' in a name as '--' */
static void
dm_name(struct text *t, const char *s)
{
	for (; *s != '\0'; s++)
		text_addf(t, *s == '-' ? "--" : "%c", *s);
}

static unsigned long long
whole_kib(uint64_t bytes)
{
	return (unsigned long long)((bytes + 1023) / 1024 * 1024);
}

static void
brick_values(struct step *st, const struct brickyard_brick *b)
{
	CLEANUP_TEXT struct text dm = {0};

	text_addf(&dm, "/dev/mapper/");
	dm_name(&dm, b->device->vg);
	text_addf(&dm, "-");
	dm_name(&dm, b->lv);
	step_set(st, "B_ID", b->id);
	step_set(st, "B_VOLUME", b->volume_id);
	step_set(st, "B_DEVICE", b->device->name);
	step_set(st, "B_DEVICE_ID", b->device->id);
	step_setf(st, "B_KIND", "%u", b->device->kind);
	step_set(st, "B_VG", b->device->vg);
	step_set(st, "B_LV", b->lv);
	step_set(st, "B_POOL", b->thin_pool);
	step_set(st, "B_DM", text_str(&dm));
	step_set(st, "B_MOUNT", b->mount);
	step_set(st, "B_PATH", b->path);
	step_setf(st, "B_SIZE", "%llu", whole_kib(b->size_bytes));
	step_setf(st, "B_POOL_BYTES", "%llu", whole_kib(b->thin_pool_bytes));
	step_setf(st, "B_META", "%llu", whole_kib(b->metadata_bytes));
	step_setf(st, "B_GID", "%llu", (unsigned long long)b->gid);
	step_setf(st, "B_ROLE", "%u", b->role);
}

/* Functions brick1, brick2, ... that set the values of each. */
static int
define_bricks(struct step *st, const struct brickyard_brick *const *bricks,
	      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (check_brick(st, bricks[i]) < 0)
			return -1;
		text_addf(&st->values, "brick%zu() {\n", i + 1);
		brick_values(st, bricks[i]);
		text_addf(&st->values, "}\n");
	}
	step_use_lvm(st);
	step_part(st, part_mount);
	step_part(st, part_directory);
	step_part(st, part_brick);
	return 0;
}

static void
show_in_jobs(struct step *st, size_t n)
{
	for (size_t i = 1; i <= n; i++) {
		text_addf(&st->body, "(BY_TMP=${BY_TMP:+$BY_TMP.%zu}; "
			  "brick%zu; brick_show) &\n"
			  "BY_JOBS=\"$BY_JOBS $!\"\n", i, i);
		if (i % JOBS == 0 || i == n)
			text_addf(&st->body, "by_wait\n");
	}
}

int
lower_bricks_create(struct brickyard_executor_instance *in,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    const struct brickyard_brick *const *bricks, size_t n,
		    struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	if (define_bricks(&st, bricks, n) < 0)
		return -1;
	step_set(&st, "BY_KEEP", "1");
	for (size_t i = 1; i <= n; i++)
		text_addf(&st.body, "brick%zu\nbrick_storage\n", i);
	if (n == 1)
		text_addf(&st.body, "brick_show\n");
	else
		show_in_jobs(&st, n);
	return step_run(&st);
}

int
lower_bricks_destroy(struct brickyard_executor_instance *in,
		     const struct brickyard_call *call,
		     const struct brickyard_node *node,
		     const struct brickyard_brick *const *bricks, size_t n,
		     struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	if (define_bricks(&st, bricks, n) < 0)
		return -1;
	if (n == 1) {
		text_addf(&st.body, "brick1\nbrick_destroy\n");
		return step_run(&st);
	}
	/* It goes on with the others when one fails. */
	text_addf(&st.body, "by_bad=0\n");
	for (size_t i = 1; i <= n; i++)
		text_addf(&st.body, "(brick%zu; brick_destroy) || by_bad=1\n",
			  i);
	text_addf(&st.body, "[ \"$by_bad\" = 0 ] || exit 1\n");
	return step_run(&st);
}
