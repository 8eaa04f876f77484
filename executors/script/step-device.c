/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps on devices; the work is in device.sh and directory.sh. */
#include <string.h>

#include "lower.h"
#include "words.h"

/* LVM writes UUIDs in groups of 6-4-4-4-4-4-6 characters.  A physical volume of
 * ours gets the device's id, so that one whose volume group was not made yet is
 * known again.
 */
static void
set_own_uuid(struct step *st, const char *id)
{
	if (strlen(id) != 32)
		step_set(st, "D_OURS", id);
	else
		step_setf(st, "D_OURS", "%.6s-%.4s-%.4s-%.4s-%.4s-%.4s-%.6s",
			  id, id + 6, id + 10, id + 14, id + 18, id + 22,
			  id + 26);
}

void
device_values(struct step *st, const struct brickyard_device *dev)
{
	CLEANUP_TEXT struct text paths = {0};
	const char *uuid = dev->pv_uuid != NULL ? dev->pv_uuid : "";

	step_set(st, "D_NAME", dev->name);
	step_set(st, "D_ID", dev->id);
	step_set(st, "D_VG", dev->vg);
	step_set(st, "D_UUID", is_plain_name(uuid) ? uuid : "");
	step_setf(st, "D_KIND", "%u", dev->kind);
	step_setf(st, "D_DESTROY", "%u", dev->destroy_data);
	step_set(st, "D_GOES", BRICKYARD_HAS(dev, destroy_pv) &&
		 dev->destroy_pv != NULL ? dev->destroy_pv : "");
	set_own_uuid(st, dev->id);
	/* Plain words: the script splits the list at blanks. */
	for (size_t i = 0; i < dev->npaths; i++)
		if (is_plain_path(dev->paths[i]))
			text_addf(&paths, "%s ", dev->paths[i]);
	step_set(st, "D_PATHS", text_str(&paths));
	step_use_lvm(st);
	step_part(st, part_mount);
	step_part(st, part_directory);
	step_part(st, part_device);
}

/* A function for each kind; locked: it changes LVM's or the directory's state. */
static int
device_step(struct step *st, const struct brickyard_device *dev,
	    const char *block, const char *directory, bool locked)
{
	if (check_device(st, dev) < 0)
		return -1;
	device_values(st, dev);
	if (locked)
		text_addf(&st->body, "by_lock\nby_mine\n");
	text_addf(&st->body, "if dev_is_directory; then\n%s\nelse\n%s\nfi\n",
		  directory, block);
	return step_run(st);
}

int
lower_device_prepare(struct brickyard_executor_instance *in,
		     const struct brickyard_call *call,
		     const struct brickyard_node *node,
		     const struct brickyard_device *dev,
		     struct brickyard_result *res, struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	st.result = res;
	if (strlen(dev->id) != 32)
		return step_fail(&st, BRICKYARD_ERR_INVALID,
				 "device id '%.100s' is not one", dev->id);
	return device_step(&st, dev, "dev_prepare", "dir_prepare", true);
}

int
lower_device_info(struct brickyard_executor_instance *in,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node,
		  const struct brickyard_device *dev,
		  struct brickyard_result *res, struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	st.result = res;
	return device_step(&st, dev, "dev_report ''",
			   "dir_is_ours \"$D_NAME\" \"$D_ID\"\ndir_report",
			   false);
}

int
lower_device_teardown(struct brickyard_executor_instance *in,
		      const struct brickyard_call *call,
		      const struct brickyard_node *node,
		      const struct brickyard_device *dev,
		      struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	return device_step(&st, dev, "dev_teardown", "dir_teardown", true);
}

int
lower_device_forget(struct brickyard_executor_instance *in,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    const struct brickyard_device *dev,
		    struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	return device_step(&st, dev, "dev_forget", "dir_forget", true);
}
