/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block devices: a physical volume and the volume group vg_ID, made with
 * heketi's arguments.  The physical volume's UUID is the device's id, so that
 * one whose volume group was not made yet (we died in between) is known again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lvm.h"
#include "probe.h"
#include "spawn.h"

#define REFUSED "Initializing device %s failed (already initialized or " \
	"contains data?): "

/* LVM writes UUIDs in groups of 6-4-4-4-4-4-6 characters. */
static void
pv_uuid_of(const char *id, char ret[64])
{
	snprintf(ret, 64, "%.6s-%.4s-%.4s-%.4s-%.4s-%.4s-%.6s", id, id + 6,
		 id + 10, id + 14, id + 18, id + 22, id + 26);
}

static bool
is_brickyard_vg(const char *vg)
{
	return strlen(vg) == 35 && strncmp(vg, "vg_", 3) == 0 &&
	       strspn(vg + 3, "0123456789abcdefABCDEF") == 32;
}

/* The volume group of a physical volume: "" if it is in none. */
static int
vg_of_pv(struct step *st, const char *path, char ret[128])
{
	CLEANUP_LVM struct lvm_result r = {0};
	char *v[2];
	int n = lvm_report(st, NULL, &r, "pvs", "pv_uuid,vg_name", path, v, 2);

	ret[0] = '\0';
	if (n > 0)
		snprintf(ret, 128, "%s", v[1]);
	return n < 0 ? -1 : 0;
}

/* Device-mapper with thin pools, loaded if it can be. */
static int
check_device_mapper(struct step *st, const char *name)
{
	static const char *const modprobe[] = { "modprobe", "-q", "-a",
		"dm-mod", "dm-thin-pool", NULL };
	static const char *const targets[] = { "dmsetup", "targets", NULL };
	const struct spawn load = { .argv = modprobe, .out_max = 4096,
		.err_max = 4096 };
	const struct spawn list = { .argv = targets, .out_max = 65536,
		.err_max = 4096 };
	CLEANUP_SPAWN struct spawn_result r = {0}, r2 = {0};

	(void)!spawn_run(st, &load, &r);
	if (step_check(st) < 0)
		return -1;
	if (spawn_run(st, &list, &r2) == 0 && r2.status == 0 &&
	    strstr(text_str(&r2.out), "thin-pool") != NULL)
		return 0;
	if (step_check(st) < 0)
		return -1;
	return step_fail(st, BRICKYARD_ERR_UNSUPPORTED,
			 "Initializing device %s failed: this machine has no "
			 "device-mapper thin pools (modules dm-mod and "
			 "dm-thin-pool can't be loaded, or dmsetup is not "
			 "there), so no brick could be made on it; add a "
			 "directory as the device instead", name);
}

/* May LVM see it at all? */
static int
check_filter(struct step *st, const struct node_lock *l,
	     const struct brickyard_device *dev, const struct probe *p)
{
	CLEANUP_LVM struct lvm_result r = {0};

	if (lvm_try(st, l, &r, "pvs --noheadings -o pv_uuid %s", p->path) < 0)
		return -1;
	if (r.ok || (strstr(text_str(&r.err), "filter") == NULL &&
		     strstr(text_str(&r.err), "ailed to find device") == NULL))
		return 0;
	return step_fail(st, BRICKYARD_ERR_PERMANENT, "Initializing device %s "
			 "failed: LVM filters it out: allow it in the filter "
			 "of lvm.conf, or with lvmdevices --adddev %s (%s)",
			 dev->name, p->path, text_str(&r.err));
}

/* Did the host look it up, and find that it is no device's? */
static bool
may_go(const struct brickyard_device *dev, const struct probe *p)
{
	return dev->destroy_data && BRICKYARD_HAS(dev, destroy_pv) &&
	       dev->destroy_pv != NULL && p->pv_uuid[0] != '\0' &&
	       strcmp(dev->destroy_pv, p->pv_uuid) == 0;
}

/* Does it hold what we may not touch, or may touch only if told to? */
static int
check_contents(struct step *st, const struct brickyard_device *dev,
	       const struct probe *p, const char *vg)
{
	char ours[64];

	pv_uuid_of(dev->id, ours);
	if (p->busy[0] != '\0')
		return step_fail(st, BRICKYARD_ERR_EXISTS, REFUSED
				 "%s %s; stop using it first (it is never "
				 "wiped while in use)", dev->name, p->path,
				 p->busy);
	if (is_brickyard_vg(vg) && !may_go(dev, p))
		return step_fail(st, BRICKYARD_ERR_EXISTS,
				 "Initializing device %s failed (aleady "
				 "contains Physical Volume %s): it is a device "
				 "of Brickyard or heketi (volume group %s); if "
				 "nothing needs that any more, add the device "
				 "with destroydata, or: vgremove %s && pvremove "
				 "%s", dev->name, p->pv_uuid, vg, vg, p->path);
	if (p->holds[0] == '\0' || dev->destroy_data ||
	    (p->pv_uuid[0] != '\0' && vg[0] == '\0' &&
	     strcmp(p->pv_uuid, ours) == 0))
		return 0;
	if (p->pv_uuid[0] != '\0')
		return step_fail(st, BRICKYARD_ERR_EXISTS,
				 "Initializing device %s failed (aleady "
				 "contains Physical Volume %s): %s holds an "
				 "LVM physical volume%s%s; remove it (vgremove"
				 ", pvremove %s) or add the device with "
				 "destroydata", dev->name, p->pv_uuid, p->path,
				 vg[0] != '\0' ? " of volume group " : "", vg,
				 p->path);
	return step_fail(st, BRICKYARD_ERR_EXISTS, REFUSED
			 "%s holds %s; wipe it (wipefs -a %s) or add the "
			 "device with destroydata", dev->name, p->path,
			 p->holds, p->path);
}

static int
make_pv(struct step *st, const struct node_lock *l,
	const struct brickyard_device *dev, const struct probe *p)
{
	char uuid[64];

	pv_uuid_of(dev->id, uuid);
	return lvm_do(st, l, "pvcreate -qq --uuid %s --norestorefile "
		      "--metadatasize=128M --dataalignment=%s %s", uuid,
		      opt_str(st->in, OPT_PV_DATA_ALIGNMENT), p->path);
}

static const char *
autobackup(struct step *st)
{
	return opt_bool(st->in, OPT_BACKUP_LVM_METADATA) ? "y" : "n";
}

/* Without udev, /dev/VG is LVM's own: who died may have left it, with links in
 * it to nothing, or to nodes without a device, and vgcreate does not like that.
 * There is no such group now, so they point to none of its volumes.
 */
static void
tidy_dev_dir(const char *vg)
{
	CLEANUP_TEXT struct text dir = {0};
	struct dirent *e;
	struct stat sb;
	DIR *d;

	text_addf(&dir, "/dev/%s", vg);
	d = opendir(text_str(&dir));
	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (fstatat(dirfd(d), e->d_name, &sb, AT_SYMLINK_NOFOLLOW) ==
		    0 && S_ISLNK(sb.st_mode))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	(void)rmdir(dir.s);		/* only when empty */
}

static int
make_vg(struct step *st, const struct node_lock *l,
	const struct brickyard_device *dev, const struct probe *p)
{
	CLEANUP_LVM struct lvm_result r = {0};
	struct fault why;

	tidy_dev_dir(dev->vg);
	if (lvm_do(st, l, "vgcreate -qq --physicalextentsize=%s "
		   "--autobackup=%s %s %s",
		   opt_str(st->in, OPT_VG_PHYSICALEXTENTSIZE), autobackup(st),
		   dev->vg, p->path) == 0)
		return 0;
	why = st->fault;
	(void)!lvm_try(st, l, &r, "pvremove -qq %s", p->path);
	st->fault = why;
	return -1;
}

static int
initialise(struct step *st, struct node_lock *l,
	   const struct brickyard_device *dev, struct probe *p)
{
	char ours[64];

	pv_uuid_of(dev->id, ours);
	if (strcmp(p->pv_uuid, ours) != 0) {
		if (p->holds[0] != '\0' && probe_wipe(st, p) < 0)
			return step_prefix(st, REFUSED, dev->name);
		if (make_pv(st, l, dev, p) < 0)
			return step_prefix(st, REFUSED, dev->name);
	}
	if (make_vg(st, l, dev, p) < 0)
		return step_prefix(st, REFUSED, dev->name);
	return 0;
}

/* Total, free and extent size; 1 there, 0 no such volume group, -1. */
static int
vg_facts(struct step *st, const char *vg, struct device_facts *f)
{
	CLEANUP_LVM struct lvm_result r = {0};
	char *v[5];
	int n = lvm_report(st, NULL, &r, "vgs", "vg_name,vg_extent_size,"
			   "vg_extent_count,vg_free_count,pv_uuid", vg, v, 5);

	if (n <= 0)
		return n;
	f->kind = BRICKYARD_DEVICE_BLOCK;
	f->extent_bytes = strtoull(v[1], NULL, 10);
	f->total_bytes = strtoull(v[2], NULL, 10) * f->extent_bytes;
	f->free_bytes = strtoull(v[3], NULL, 10) * f->extent_bytes;
	snprintf(f->pv_uuid, sizeof(f->pv_uuid), "%s", v[4]);
	return 1;
}

static int
report_facts(struct step *st, const struct brickyard_device *dev,
	     const struct probe *p, struct device_facts *f)
{
	int n = vg_facts(st, dev->vg, f);

	if (n == 0)
		return step_fail(st, BRICKYARD_ERR_NOTFOUND,
				 "device %s: there is no volume group %s",
				 dev->name, dev->vg);
	if (n < 0)
		return -1;
	if (p != NULL)
		probe_paths(p, dev->name, &f->paths);
	return 0;
}

int
block_prepare(struct step *st, struct node_lock *l,
	      const struct brickyard_device *dev, struct device_facts *f)
{
	struct probe p;
	char vg[128] = "";

	if (strlen(dev->id) != 32)
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "device id '%s' is not one", dev->id);
	if (probe_device(st, dev->name, &p) < 0)
		return step_prefix(st, "Initializing device %s failed (failed "
				   "to check device contents): ", dev->name);
	if (p.pv_uuid[0] != '\0' && (check_filter(st, l, dev, &p) < 0 ||
				     vg_of_pv(st, p.path, vg) < 0))
		return -1;
	if (strcmp(vg, dev->vg) == 0)
		return report_facts(st, dev, &p, f);
	snprintf(f->holds_pv_uuid, sizeof(f->holds_pv_uuid), "%s", p.pv_uuid);
	if (is_brickyard_vg(vg))
		memcpy(f->holds_device, vg + 3, 33);
	if (check_contents(st, dev, &p, vg) < 0)
		return -1;
	/* A filesystem is not wiped for nothing.  What is part of something, or
	 * has parts, LVM would not see before that anyway.
	 */
	if (strstr(p.holds, " filesystem") != NULL &&
	    check_filter(st, l, dev, &p) < 0)
		return -1;
	if (check_device_mapper(st, dev->name) < 0 ||
	    initialise(st, l, dev, &p) < 0)
		return -1;
	return report_facts(st, dev, &p, f);
}

int
block_info(struct step *st, const struct brickyard_device *dev,
	   struct device_facts *f)
{
	CLEANUP_LVM struct lvm_result r = {0};
	struct fault none = {0};
	struct probe p;
	char rest[200], *v[2];
	int n;

	if (report_facts(st, dev, NULL, f) < 0)
		return -1;
	/* Its names may have changed since: ask where the volume group is. */
	snprintf(rest, sizeof(rest), "--select vg_name=%s", dev->vg);
	n = lvm_report(st, NULL, &r, "pvs", "pv_name,vg_name", rest, v, 2);
	if (n < 0)
		return -1;
	if (n > 0 && probe_device(st, v[0], &p) == 0)
		probe_paths(&p, strcmp(p.path, v[0]) == 0 ? p.path : v[0],
			    &f->paths);
	st->fault = none;
	return 0;
}

/* Forget the physical volume of a volume group that is gone, if it is ours. */
static int
remove_pv(struct step *st, const struct node_lock *l,
	  const struct brickyard_device *dev)
{
	CLEANUP_LVM struct lvm_result r = {0};
	char ours[64], rest[200], *v[3];
	int n;

	pv_uuid_of(dev->id, ours);
	snprintf(rest, sizeof(rest), "--select pv_uuid=%s",
		 dev->pv_uuid[0] != '\0' && is_plain_name(dev->pv_uuid) ?
		 dev->pv_uuid : ours);
	n = lvm_report(st, l, &r, "pvs", "pv_uuid,vg_name,pv_name", rest, v, 3);
	if (n <= 0)
		return n;
	if (v[1][0] != '\0')
		return 0;	/* somebody else's by now */
	return lvm_do(st, l, "pvremove -qq %s", v[2]);
}

static int
remove_vg(struct step *st, const struct node_lock *l,
	  const struct brickyard_device *dev)
{
	CLEANUP_LVM struct lvm_result r = {0};
	char *v[3];
	int n = lvm_report(st, l, &r, "vgs", "vg_name,lv_count,pv_name",
			   dev->vg, v, 3);

	if (n <= 0)
		return n;
	if (strcmp(v[1], "0") != 0)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "device %s: volume group %s still holds %s "
				 "logical volumes", dev->name, dev->vg, v[1]);
	if (lvm_do(st, l, "vgremove -qq %s", dev->vg) < 0)
		return -1;
	tidy_dev_dir(dev->vg);
	return lvm_do(st, l, "pvremove -qq %s", v[2]);
}

int
block_teardown(struct step *st, struct node_lock *l,
	       const struct brickyard_device *dev)
{
	if (remove_vg(st, l, dev) < 0)
		return -1;
	return remove_pv(st, l, dev);
}
