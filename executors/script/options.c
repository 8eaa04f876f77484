/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of the lowering: one table, in the order of enum opt.  Names that
 * heketi has too mean the same.
 */
#include <string.h>

#include "lower.h"
#include "words.h"

const struct brickyard_option script_options[] = {
	[OPT_BACKUP_LVM_METADATA] = { "backup_lvm_metadata",
		BRICKYARD_OPT_BOOL, 0, "false",
		"let LVM keep backups of its metadata on the node" },
	[OPT_BLOCK_PREALLOC] = { "block_prealloc", BRICKYARD_OPT_STRING, 0,
		"full", "how block volumes are allocated: full or no" },
	[OPT_DEBUG_UMOUNT_FAILURES] = { "debug_umount_failures",
		BRICKYARD_OPT_BOOL, 0, "false",
		"log who uses a brick that can't be unmounted" },
	[OPT_DIRECTORY_RESERVE_MB] = { "directory_reserve_mb",
		BRICKYARD_OPT_UINT, 0, "256",
		"MiB that bricks leave free on a directory's filesystem" },
	[OPT_FSTAB] = { "fstab", BRICKYARD_OPT_STRING, 0, "/etc/fstab",
		"the file that gets the lines of the bricks' mounts" },
	[OPT_GLUSTER_CLI_TIMEOUT] = { "gluster_cli_timeout",
		BRICKYARD_OPT_UINT, 0, "600",
		"seconds that one gluster command may take" },
	[OPT_LOCK_DIR] = { "lock_dir", BRICKYARD_OPT_STRING, 0,
		"/run/brickyard", "directory of the node lock" },
	[OPT_LV_CHUNKSIZE] = { "lv_chunksize", BRICKYARD_OPT_STRING, 0, "256K",
		"chunk size of thin pools" },
	[OPT_LVM_CONFIG] = { "lvm_config", BRICKYARD_OPT_STRING, 0, "",
		"given to LVM as --config; empty: fits a node with udev, and "
		"one without" },
	[OPT_LVM_SYSTEM_DIR] = { "lvm_system_dir", BRICKYARD_OPT_STRING, 0, "",
		"directory of lvm.conf; empty: LVM's own (/etc/lvm)" },
	[OPT_LVM_WRAPPER] = { "lvm_wrapper", BRICKYARD_OPT_STRING, 0, "",
		"command put before LVM's, in containers" },
	[OPT_MOUNTOPTS] = { "mountopts", BRICKYARD_OPT_STRING, 0,
		"rw,inode64,noatime,nouuid", "mount options of bricks" },
	[OPT_PV_DATA_ALIGNMENT] = { "pv_data_alignment",
		BRICKYARD_OPT_STRING, 0, "256K",
		"alignment of the data in physical volumes" },
	[OPT_SEARCH_PATH] = { "search_path", BRICKYARD_OPT_STRING, 0,
		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"where tools are looked for on the node" },
	[OPT_SNAPSHOT_LIMIT] = { "snapshot_limit", BRICKYARD_OPT_UINT, 0, "0",
		"gluster's snap-max-hard-limit, set with a peer; 0: leave it" },
	[OPT_SPARSE] = { "sparse", BRICKYARD_OPT_BOOL, 0, "false",
		"where a filesystem can't allocate images at once, make them "
		"sparse instead of failing" },
	[OPT_STATE_DIR] = { "state_dir", BRICKYARD_OPT_STRING, 0,
		"/var/lib/brickyard", "directory of the fences that keep a "
		"replica which lost its lease from touching the node" },
	[OPT_VG_PHYSICALEXTENTSIZE] = { "vg_physicalextentsize",
		BRICKYARD_OPT_STRING, 0, "4M", "extent size of volume groups" },
	[OPT_XFS_SU] = { "xfs_su", BRICKYARD_OPT_UINT, 0, "0",
		"XFS stripe unit in bytes; used when xfs_sw is set too" },
	[OPT_XFS_SW] = { "xfs_sw", BRICKYARD_OPT_UINT, 0, "0",
		"XFS stripe width in units; used when xfs_su is set too" },
	[OPT_COUNT] = { NULL, 0, 0, NULL, NULL },
};

static void
check_sizes_and_paths(const struct brickyard_executor_instance *in,
		      struct text *why)
{
	static const enum opt sizes[] = { OPT_LV_CHUNKSIZE,
		OPT_PV_DATA_ALIGNMENT, OPT_VG_PHYSICALEXTENTSIZE };
	static const enum opt paths[] = { OPT_FSTAB, OPT_LOCK_DIR,
		OPT_STATE_DIR };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (!is_lvm_size(in->opt[sizes[i]]))
			text_addf(why, "option %s: '%s' is not a size such as "
				  "256K", script_options[sizes[i]].key,
				  in->opt[sizes[i]]);
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		if (in->opt[paths[i]][0] != '/')
			text_addf(why, "option %s: '%s' is no absolute path",
				  script_options[paths[i]].key,
				  in->opt[paths[i]]);
}

/* A line end in a value would be one in the script. */
static void
check_lines(const struct brickyard_executor_instance *in, struct text *why)
{
	for (int o = 0; o < OPT_COUNT; o++)
		if (strpbrk(in->opt[o], "\r\n") != NULL)
			text_addf(why, "option %s: line ends can't be passed "
				  "on", script_options[o].key);
}

int
options_read(struct brickyard_executor_instance *in,
	     const struct brickyard_kv *config, size_t n, struct text *why)
{
	if (options_take(script_options, in->opt, config, n) < 0) {
		text_addf(why, "out of memory");
		return -1;
	}
	check_sizes_and_paths(in, why);
	check_lines(in, why);
	if (!is_mount_options(in->opt[OPT_MOUNTOPTS]))
		text_addf(why, "option mountopts: '%s' are not mount options",
			  in->opt[OPT_MOUNTOPTS]);
	return why->len > 0 ? -1 : 0;
}

void
options_free(struct brickyard_executor_instance *in)
{
	options_drop(script_options, in->opt);
}
