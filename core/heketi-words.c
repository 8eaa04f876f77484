/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heketi-words.h"
#include "node-args.h"
#include "util/xalloc.h"

#define KIB(bytes) ((bytes) >> 10)
#define GIB(bytes) ((bytes) >> 30)

void
heketi_commands_release(struct heketi_commands *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].text);
	free(l->v);
	memset(l, 0, sizeof(*l));
}

static void
add(struct heketi_commands *to, bool ignored, const char *fmt, ...)
	PRINTF(3, 4);

static void
add(struct heketi_commands *to, bool ignored, const char *fmt, ...)
{
	struct heketi_command *c = VEC_PUSH(to);
	va_list ap;

	va_start(ap, fmt);
	c->text = xvasprintf(fmt, ap);
	va_end(ap);
	c->ignored = ignored;
}

/* ---- words ---- */

static const char *
value(const struct config *c, const char *section, const char *name)
{
	CLEANUP_FREE char *key = xasprintf("%s%s", section, name);

	return config_str(c, key);
}

static int64_t
number(const struct config *c, const char *section, const char *name)
{
	return strtoll(value(c, section, name), NULL, 10);
}

void
heketi_words_init(struct heketi_words *w, const struct config *c,
		  const char *section)
{
	const char *wrapper = value(c, section, "lvm_wrapper");
	const char *space = wrapper[0] != '\0' ? " " : "";

	*w = (struct heketi_words){
		.lvm = xasprintf("%s%s/usr/sbin/lvm", wrapper, space),
		.udevadm = xasprintf("%s%s/usr/bin/udevadm", wrapper, space),
		.gluster = xasprintf("gluster --mode=script --timeout=%" PRId64,
				     number(c, section, "gluster_cli_timeout")),
		.fstab = xstrdup(value(c, section, "fstab")),
		.mountopts = xstrdup(value(c, section, "mountopts")),
		.alignment = xstrdup(value(c, section, "pv_data_alignment")),
		.extent = xstrdup(value(c, section, "vg_physicalextentsize")),
		.chunk = xstrdup(value(c, section, "lv_chunksize")),
		.xfs_su = number(c, section, "xfs_su"),
		.xfs_sw = number(c, section, "xfs_sw"),
		.snapshot_limit = number(c, section, "snapshot_limit"),
		.backup = strcmp(value(c, section, "backup_lvm_metadata"),
				 "true") == 0,
	};
}

void
heketi_words_release(struct heketi_words *w)
{
	free(w->lvm);
	free(w->udevadm);
	free(w->gluster);
	free(w->fstab);
	free(w->mountopts);
	free(w->alignment);
	free(w->extent);
	free(w->chunk);
}

static char
autobackup(const struct heketi_words *w)
{
	return w->backup ? 'y' : 'n';
}

/* ---- nodes and devices ---- */

void
heketi_node_check(const struct heketi_words *w, struct heketi_commands *ret)
{
	add(ret, false, "systemctl status glusterd");
}

void
heketi_peer_probe(const struct heketi_words *w, const char *host,
		  struct heketi_commands *ret)
{
	add(ret, false, "%s peer probe %s", w->gluster, host);
	if (w->snapshot_limit > 0)
		add(ret, false, "%s snapshot config snap-max-hard-limit %"
		    PRId64, w->gluster, w->snapshot_limit);
}

void
heketi_peer_detach(const struct heketi_words *w, const char *host,
		   struct heketi_commands *ret)
{
	add(ret, true, "%s peer detach %s", w->gluster, host);
}

void
heketi_device_prepare(const struct heketi_words *w,
		      const struct brickyard_device *d,
		      struct heketi_commands *ret)
{
	if (d->destroy_data)
		add(ret, false, "wipefs --all %s", d->name);
	add(ret, false, "%s pvcreate -qq --metadatasize=128M "
	    "--dataalignment=%s '%s'", w->lvm, w->alignment, d->name);
	add(ret, false, "%s vgcreate -qq --physicalextentsize=%s "
	    "--autobackup=%c %s %s", w->lvm, w->extent, autobackup(w), d->vg, d->name);
	add(ret, false, "%s pvs -o pv_name,pv_uuid,vg_name "
	    "--reportformat=json %s", w->lvm, d->name);
	add(ret, true, "%s info --query=symlink --name=%s", w->udevadm,
	    d->name);
	add(ret, false, "%s vgdisplay -c %s", w->lvm, d->vg);
}

void
heketi_device_info(const struct heketi_words *w,
		   const struct brickyard_device *d,
		   struct heketi_commands *ret)
{
	if (d->pv_uuid[0] == '\0')
		add(ret, true, "%s vgs -o pv_name,pv_uuid,vg_name "
		    "--reportformat=json %s", w->lvm, d->vg);
	add(ret, false, "%s vgdisplay -c %s", w->lvm, d->vg);
}

void
heketi_device_teardown(const struct heketi_words *w,
		       const struct brickyard_device *d, bool forget,
		       struct heketi_commands *ret)
{
	if (forget)
		add(ret, true, "rmdir " MOUNT_ROOT "/%s", d->vg);
	add(ret, forget, "%s vgremove -qq %s", w->lvm, d->vg);
	add(ret, forget, "%s pvremove -qq '%s'", w->lvm, d->name);
	if (!forget)
		add(ret, true, "rmdir " MOUNT_ROOT "/%s", d->vg);
}

/* ---- bricks ---- */

static char *
mapper(const struct brickyard_brick *b)
{
	return xasprintf("/dev/mapper/%s-%s", b->device->vg, b->lv);
}

static void
make_filesystem(const struct heketi_words *w, const struct brickyard_brick *b,
		const char *device, struct heketi_commands *ret)
{
	CLEANUP_FREE char *stripes = NULL;

	if (b->role == 2) {
		add(ret, false, "mkfs.xfs -i maxpct=100 -n size=8192 %s",
		    device);
		return;
	}
	stripes = w->xfs_su > 0 && w->xfs_sw > 0 ?
		  xasprintf(" -d su=%" PRId64 ",sw=%" PRId64, w->xfs_su,
			    w->xfs_sw) : xstrdup("");
	add(ret, false, "mkfs.xfs -i size=512%s -n size=8192 %s", stripes,
	    device);
}

void
heketi_brick_create(const struct heketi_words *w,
		    const struct brickyard_brick *b,
		    struct heketi_commands *ret)
{
	CLEANUP_FREE char *dm = mapper(b);

	add(ret, false, "mkdir -p %s", b->mount);
	add(ret, false, "%s lvcreate -qq --autobackup=%c --poolmetadatasize %"
	    PRIu64 "K --chunksize %s --size %" PRIu64 "K --thin %s/%s "
	    "--virtualsize %" PRIu64 "K --name %s", w->lvm, autobackup(w),
	    KIB(b->metadata_bytes), b->role == 2 ? "256K" : w->chunk,
	    KIB(b->thin_pool_bytes), b->device->vg, b->thin_pool,
	    KIB(b->size_bytes), b->lv);
	make_filesystem(w, b, dm, ret);
	add(ret, false, "awk \"BEGIN {print \\\"%s %s xfs %s 1 2\\\" >> "
	    "\\\"%s\\\"}\"", dm, b->mount, w->mountopts, w->fstab);
	add(ret, false, "mount -o %s %s %s", w->mountopts, dm, b->mount);
	add(ret, false, "mkdir %s", b->path);
	if (b->gid == 0)
		return;
	add(ret, false, "chown :%" PRIu64 " %s", b->gid, b->path);
	add(ret, false, "chmod 2775 %s", b->path);
}

void
heketi_brick_destroy(const struct heketi_words *w,
		     const struct brickyard_brick *b,
		     struct heketi_commands *ret)
{
	bool clone = strncmp(b->mount, "/run/gluster/", 13) == 0 ||
		     strncmp(b->mount, "/var/run/gluster/", 17) == 0;

	add(ret, false, "umount %s", b->mount);
	if (!clone)
		add(ret, false, "sed -i.save \"/brick_%s/d\" %s", b->id,
		    w->fstab);
	add(ret, false, "%s lvremove --autobackup=%c -f %s/%s", w->lvm, autobackup(w),
	    b->device->vg, b->lv);
	add(ret, false, "%s lvs --noheadings --options=thin_count %s/%s",
	    w->lvm, b->device->vg, b->thin_pool);
	add(ret, true, "%s lvremove --autobackup=%c -f %s/%s", w->lvm, autobackup(w),
	    b->device->vg, b->thin_pool);
	add(ret, true, "rmdir %s", b->mount);
}

/* ---- volumes ---- */

static void
add_bricks(struct buf *to, const struct brickyard_gluster_volume *v,
	   size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		buf_addf(to, "%s:%s ", v->bricks[i]->host, v->bricks[i]->path);
}

static void
add_brick_commands(const struct heketi_words *w,
		   const struct brickyard_gluster_volume *v, size_t first,
		   struct heketi_commands *ret)
{
	size_t chunk = (size_t)v->bricks_per_set * v->sets_per_command;

	for (size_t i = first; i < v->nbricks; i += chunk) {
		CLEANUP(buf_release) struct buf bricks = { 0 };

		add_bricks(&bricks, v, i, i + chunk < v->nbricks ? i + chunk :
							v->nbricks);
		add(ret, false, "%s volume add-brick %s %s", w->gluster,
		    v->name, buf_str(&bricks));
	}
}

void
heketi_volume_create(const struct heketi_words *w,
		     const struct brickyard_gluster_volume *v,
		     struct heketi_commands *ret)
{
	CLEANUP(buf_release) struct buf line = { 0 };

	for (size_t i = 0; i < v->nwords; i++)
		buf_addf(&line, "%s ", v->words[i]);
	add_bricks(&line, v, 0, v->bricks_per_set);
	add(ret, false, "%s volume create %s %s", w->gluster, v->name,
	    buf_str(&line));
	add_brick_commands(w, v, v->bricks_per_set, ret);
	for (size_t i = 0; i < v->noptions; i++)
		add(ret, false, "%s volume set %s %s", w->gluster, v->name,
		    v->options[i]);
	add(ret, false, "%s volume start %s", w->gluster, v->name);
}

void
heketi_volume_expand(const struct heketi_words *w,
		     const struct brickyard_gluster_volume *v, bool rebalance,
		     struct heketi_commands *ret)
{
	add_brick_commands(w, v, 0, ret);
	if (rebalance)
		add(ret, true, "%s volume rebalance %s start", w->gluster,
		    v->name);
}

void
heketi_volume_destroy(const struct heketi_words *w, const char *name,
		      struct heketi_commands *ret)
{
	add(ret, true, "%s volume stop %s force", w->gluster, name);
	add(ret, false, "%s volume delete %s", w->gluster, name);
}

void
heketi_volume_info(const struct heketi_words *w, const char *name,
		   struct heketi_commands *ret)
{
	add(ret, false, "%s volume info %s --xml", w->gluster, name);
}

void
heketi_heal_info(const struct heketi_words *w, const char *name,
		 struct heketi_commands *ret)
{
	add(ret, false, "%s volume heal %s info --xml", w->gluster, name);
}

void
heketi_brick_replace(const struct heketi_words *w, const char *name,
		     const struct brickyard_brick_ref *was,
		     const struct brickyard_brick_ref *now,
		     struct heketi_commands *ret)
{
	add(ret, false, "%s volume replace-brick %s %s:%s %s:%s commit force",
	    w->gluster, name, was->host, was->path, now->host, now->path);
}

void
heketi_volume_clone(const struct heketi_words *w, const char *name,
		    const char *clone, const char *snapshot,
		    struct heketi_commands *ret)
{
	add(ret, false, "%s --xml snapshot create %s %s no-timestamp",
	    w->gluster, snapshot, name);
	add(ret, false, "%s --xml snapshot activate %s", w->gluster, snapshot);
	add(ret, false, "%s --xml snapshot clone %s %s", w->gluster, clone,
	    snapshot);
	add(ret, false, "%s --xml volume start %s", w->gluster, clone);
	add(ret, false, "%s volume info %s --xml", w->gluster, clone);
	add(ret, false, "%s --xml snapshot deactivate %s", w->gluster,
	    snapshot);
	add(ret, false, "%s --xml snapshot delete %s", w->gluster, snapshot);
}

/* ---- block volumes ---- */

void
heketi_block_create(const struct heketi_words *w,
		    const struct brickyard_block *b,
		    struct heketi_commands *ret)
{
	CLEANUP(buf_release) struct buf hosts = { 0 };

	for (size_t i = 0; i < b->nhosts; i++)
		buf_addf(&hosts, "%s%s", i > 0 ? "," : "", b->hosts[i]);
	add(ret, false, "gluster-block create %s/%s ha %" PRIu32 " auth %s "
	    "prealloc %s %s %" PRIu64 "GiB --json", b->volume, b->name,
	    b->hacount, b->auth ? "enable" : "disable",
	    b->prealloc != NULL && b->prealloc[0] != '\0' ? b->prealloc :
							     "full",
	    buf_str(&hosts), GIB(b->size_bytes));
}

void
heketi_block_expand(const struct heketi_words *w,
		    const struct brickyard_block *b,
		    struct heketi_commands *ret)
{
	add(ret, false, "gluster-block modify %s/%s  size %" PRIu64
	    "GiB --json", b->volume, b->name, GIB(b->size_bytes));
}

void
heketi_block(const struct heketi_words *w, const char *verb,
	     const char *volume, const char *name, struct heketi_commands *ret)
{
	add(ret, false, "gluster-block %s %s/%s --json", verb, volume, name);
}

/* ---- examining ---- */

void
heketi_node_examine(const struct heketi_words *w, struct heketi_commands *ret)
{
	static const char *const reports[] = { "pvs", "vgs", "lvs" };

	add(ret, false, "mount");
	add(ret, false, "cat %s", w->fstab);
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++)
		add(ret, false, "%s %s --reportformat json --units k", w->lvm,
		    reports[i]);
	add(ret, false, "%s volume info --xml", w->gluster);
}
