/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that heketi would run, word by word (heketi-behaviour 4.2 to
 * 4.5): suites match them with regular expressions.
 */
#include <config.h>

#include "heketi-words.h"
#include "util/strs.h"

#include "tests/tap.h"

#define LVM "/usr/sbin/lvm "
#define GLUSTER "gluster --mode=script --timeout=600 "
#define MOUNT "/var/lib/heketi/mounts/vg_d/brick_b"

static struct heketi_words words;
static struct heketi_commands list;

static void
is_list(const char *what, const char *const *want)
{
	size_t n = 0;

	for (; want[n] != NULL; n++) {
		bool ignored = want[n][0] == '-';
		const char *text = want[n] + ignored;

		if (n >= list.n) {
			ok(false, "%s: '%s' is missing", what, text);
			continue;
		}
		is_str(list.v[n].text, text, "%s: %zu", what, n);
		ok(list.v[n].ignored == ignored, "its failure is %signored",
		   ignored ? "" : "not ");
	}
	is_int(list.n, n, "%s: that is all", what);
	heketi_commands_release(&list);
}

#define IS_LIST(what, ...) \
	is_list(what, (const char *const[]){ __VA_ARGS__, NULL })

static struct brickyard_device device = {
	.size = sizeof(device), .id = "d", .name = "/dev/sdb", .pv_uuid = "",
	.vg = "vg_d", .kind = BRICKYARD_DEVICE_BLOCK, .destroy_data = 1,
};

static struct brickyard_brick brick = {
	.size = sizeof(brick), .id = "b", .device = &device, .lv = "brick_b",
	.thin_pool = "tp_b", .mount = MOUNT, .path = MOUNT "/brick",
	.size_bytes = 1 << 30, .thin_pool_bytes = 2u << 30,
	.metadata_bytes = 8 << 20, .gid = 2001, .role = 1,
};

static void
test_nodes(void)
{
	heketi_node_check(&words, &list);
	IS_LIST("check", "systemctl status glusterd");
	heketi_peer_probe(&words, "h", &list);
	IS_LIST("probe", GLUSTER "peer probe h");
	words.snapshot_limit = 5;
	heketi_peer_probe(&words, "h", &list);
	IS_LIST("probe", GLUSTER "peer probe h",
		GLUSTER "snapshot config snap-max-hard-limit 5");
	words.snapshot_limit = 0;
	heketi_peer_detach(&words, "h", &list);
	IS_LIST("detach", "-" GLUSTER "peer detach h");
	heketi_node_examine(&words, &list);
	IS_LIST("examine", "mount", "cat /etc/fstab",
		LVM "pvs --reportformat json --units k",
		LVM "vgs --reportformat json --units k",
		LVM "lvs --reportformat json --units k",
		GLUSTER "volume info --xml");
}

static void
test_devices(void)
{
	heketi_device_prepare(&words, &device, &list);
	IS_LIST("device", "wipefs --all /dev/sdb",
		LVM "pvcreate -qq --metadatasize=128M --dataalignment=256K "
		"'/dev/sdb'",
		LVM "vgcreate -qq --physicalextentsize=4M --autobackup=n vg_d "
		"/dev/sdb",
		LVM "pvs -o pv_name,pv_uuid,vg_name --reportformat=json "
		"/dev/sdb",
		"-/usr/bin/udevadm info --query=symlink --name=/dev/sdb",
		LVM "vgdisplay -c vg_d");
	heketi_device_info(&words, &device, &list);
	IS_LIST("device info",
		"-" LVM "vgs -o pv_name,pv_uuid,vg_name --reportformat=json "
		"vg_d", LVM "vgdisplay -c vg_d");
	heketi_device_teardown(&words, &device, false, &list);
	IS_LIST("teardown", LVM "vgremove -qq vg_d",
		LVM "pvremove -qq '/dev/sdb'",
		"-rmdir /var/lib/heketi/mounts/vg_d");
	heketi_device_teardown(&words, &device, true, &list);
	IS_LIST("forget", "-rmdir /var/lib/heketi/mounts/vg_d",
		"-" LVM "vgremove -qq vg_d",
		"-" LVM "pvremove -qq '/dev/sdb'");
}

static void
test_bricks(void)
{
	heketi_brick_create(&words, &brick, &list);
	IS_LIST("brick", "mkdir -p " MOUNT,
		LVM "lvcreate -qq --autobackup=n --poolmetadatasize 8192K "
		"--chunksize 256K --size 2097152K --thin vg_d/tp_b "
		"--virtualsize 1048576K --name brick_b",
		"mkfs.xfs -i size=512 -n size=8192 /dev/mapper/vg_d-brick_b",
		"awk \"BEGIN {print \\\"/dev/mapper/vg_d-brick_b " MOUNT
		" xfs rw,inode64,noatime,nouuid 1 2\\\" >> "
		"\\\"/etc/fstab\\\"}\"",
		"mount -o rw,inode64,noatime,nouuid /dev/mapper/vg_d-brick_b "
		MOUNT, "mkdir " MOUNT "/brick", "chown :2001 " MOUNT "/brick",
		"chmod 2775 " MOUNT "/brick");
	brick.gid = 0;
	brick.role = 2;
	heketi_brick_create(&words, &brick, &list);
	is_str(list.v[2].text, "mkfs.xfs -i maxpct=100 -n size=8192 "
	       "/dev/mapper/vg_d-brick_b", "an arbiter has more inodes");
	is_int(list.n, 6, "and no group here");
	heketi_commands_release(&list);
	heketi_brick_destroy(&words, &brick, &list);
	IS_LIST("destroy", "umount " MOUNT,
		"sed -i.save \"/brick_b/d\" /etc/fstab",
		LVM "lvremove --autobackup=n -f vg_d/brick_b",
		LVM "lvs --noheadings --options=thin_count vg_d/tp_b",
		"-" LVM "lvremove --autobackup=n -f vg_d/tp_b",
		"-rmdir " MOUNT);
	brick.mount = "/run/gluster/snaps/x/brick1";
	heketi_brick_destroy(&words, &brick, &list);
	is_int(list.n, 5, "a clone's brick is not in fstab");
	is_str(list.v[1].text, LVM "lvremove --autobackup=n -f vg_d/brick_b",
	       "and not looked for there");
	heketi_commands_release(&list);
	brick.mount = MOUNT;
}

static struct brickyard_brick_ref refs[] = {
	{ .host = "a", .path = "/1" }, { .host = "b", .path = "/2" },
	{ .host = "c", .path = "/3" }, { .host = "d", .path = "/4" },
	{ .host = "e", .path = "/5" }, { .host = "f", .path = "/6" },
};

static void
test_volumes(void)
{
	const struct brickyard_brick_ref *bricks[] = {
		&refs[0], &refs[1], &refs[2], &refs[3], &refs[4], &refs[5],
	};
	const char *set[] = { "replica", "2" };
	const char *options[] = { "a.b on" };
	struct brickyard_gluster_volume v = {
		.name = "v", .nwords = 2, .words = set, .nbricks = 6,
		.bricks = bricks, .bricks_per_set = 2, .sets_per_command = 1,
		.noptions = 1, .options = options,
	};

	heketi_volume_create(&words, &v, &list);
	IS_LIST("create", GLUSTER "volume create v replica 2 a:/1 b:/2 ",
		GLUSTER "volume add-brick v c:/3 d:/4 ",
		GLUSTER "volume add-brick v e:/5 f:/6 ",
		GLUSTER "volume set v a.b on", GLUSTER "volume start v");
	v.sets_per_command = 2;
	heketi_volume_expand(&words, &v, true, &list);
	IS_LIST("expand", GLUSTER "volume add-brick v a:/1 b:/2 c:/3 d:/4 ",
		GLUSTER "volume add-brick v e:/5 f:/6 ",
		"-" GLUSTER "volume rebalance v start");
	heketi_volume_destroy(&words, "v", &list);
	IS_LIST("destroy", "-" GLUSTER "volume stop v force",
		GLUSTER "volume delete v");
	heketi_volume_info(&words, "v", &list);
	heketi_heal_info(&words, "v", &list);
	heketi_brick_replace(&words, "v", &refs[0], &refs[1], &list);
	IS_LIST("others", GLUSTER "volume info v --xml",
		GLUSTER "volume heal v info --xml",
		GLUSTER "volume replace-brick v a:/1 b:/2 commit force");
	heketi_volume_clone(&words, "v", "w", "tmpsnap_1", &list);
	IS_LIST("clone",
		GLUSTER "--xml snapshot create tmpsnap_1 v no-timestamp",
		GLUSTER "--xml snapshot activate tmpsnap_1",
		GLUSTER "--xml snapshot clone w tmpsnap_1",
		GLUSTER "--xml volume start w", GLUSTER "volume info w --xml",
		GLUSTER "--xml snapshot deactivate tmpsnap_1",
		GLUSTER "--xml snapshot delete tmpsnap_1");
}

static void
test_blocks(void)
{
	const char *hosts[] = { "h1", "h2" };
	struct brickyard_block b = {
		.volume = "v", .name = "b", .size_bytes = 5ull << 30,
		.hacount = 2, .auth = 1, .nhosts = 2, .hosts = hosts,
	};

	heketi_block_create(&words, &b, &list);
	heketi_block_expand(&words, &b, &list);
	heketi_block(&words, "info", "v", "b", &list);
	heketi_block(&words, "delete", "v", "b", &list);
	IS_LIST("block", "gluster-block create v/b ha 2 auth enable prealloc "
		"full h1,h2 5GiB --json",
		"gluster-block modify v/b  size 5GiB --json",
		"gluster-block info v/b --json",
		"gluster-block delete v/b --json");
}

static void
test_configured(void)
{
	struct heketi_words w;
	struct config *c = config_new();
	struct error err;
	static const char *const settings[][2] = {
		{ "lvm_wrapper", "/usr/sbin/exec-on-host" },
		{ "gluster_cli_timeout", "42" }, { "xfs_su", "64" },
		{ "xfs_sw", "4" }, { "lv_chunksize", "1M" },
		{ "fstab", "/f" }, { "backup_lvm_metadata", "true" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		char key[64];

		snprintf(key, sizeof(key), "glusterfs.kubeexec.%s",
			 settings[i][0]);
		assert(config_set(c, key, settings[i][1], CONFIG_STRING,
				  "command line", &err) == ERR_OK);
	}
	heketi_words_init(&w, c, "glusterfs.kubeexec.");
	brick.role = 1;
	heketi_brick_create(&w, &brick, &list);
	has_str(list.v[1].text, "/usr/sbin/exec-on-host /usr/sbin/lvm lvcreate "
		"-qq --autobackup=y --poolmetadatasize 8192K --chunksize 1M ",
		"as configured");
	has_str(list.v[2].text, "size=512 -d su=64,sw=4 -n", "stripes");
	has_str(list.v[3].text, ">> \\\"/f\\\"}", "fstab");
	heketi_commands_release(&list);
	heketi_volume_info(&w, "v", &list);
	is_str(list.v[0].text, "gluster --mode=script --timeout=42 volume info "
	       "v --xml", "timeout");
	heketi_commands_release(&list);
	heketi_words_release(&w);
	config_free(c);
}

int
main(void)
{
	struct config *c = config_new();

	heketi_words_init(&words, c, "glusterfs.sshexec.");
	test_nodes();
	test_devices();
	test_bricks();
	test_volumes();
	test_blocks();
	test_configured();
	heketi_words_release(&words);
	config_free(c);
	return tap_done();
}
