/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bricks of simulated nodes: thin pool, LV, XFS, fstab line, mount, directory,
 * made in this order and removed in the opposite one, each by a sub-step.
 *
 *	block device:	VG ── pool ── thin LV ── XFS ── mount ── directory
 *	directory:	DIR ── image (takes the space itself) ── XFS ── …
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "simulated.h"

#define MOUNT_OPTIONS	"rw,inode64,noatime,nouuid"
/* The log alone needs more than this; heketi makes no smaller ones. */
#define XFS_MIN_BYTES	(INT64_C(16) << 20)

struct pool_row {
	int64_t id, data_bytes, metadata_bytes, extents;
};

struct lv_row {
	int64_t id, pool, size_bytes, extents;	/* pool 0: an image */
	bool has_fs;
	char dir[1024];
};

/* One brick in work. */
struct brick {
	const struct brickyard_brick *b;
	struct device_row device;
	struct lv_row lv;
	int64_t pool;			/* of an LV that was removed, or 0 */
};

struct brick_args {
	const struct brickyard_brick *const *v;
	size_t n;
};

/* ---- looking things up ---- */

static int
need_device(struct step *s, struct brick *w)
{
	const char *vg = w->b->device->vg;
	int r = sim_adopt_device(s, w->b->device);

	if (r == 0)
		r = sim_find_device(s, vg, &w->device);
	if (r == 0)
		return step_refuse(s, BRICKYARD_ERR_NOTFOUND,
				   "Volume group \"%s\" not found", vg);
	return r < 0 ? -1 : 0;
}

static int
find_pool(struct step *s, int64_t device, const char *name,
	  struct pool_row *ret)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT id, data_bytes,"
		" metadata_bytes, extents FROM pools WHERE device=? AND name=?",
		"is", device, name);
	int r = q_next(s, st);

	if (r != 1)
		return r;
	ret->id = q_int(st, 0);
	ret->data_bytes = q_int(st, 1);
	ret->metadata_bytes = q_int(st, 2);
	ret->extents = q_int(st, 3);
	return 1;
}

static int
find_lv(struct step *s, struct brick *w)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT id, pool, size_bytes,"
		" extents, fs, dir FROM lvs WHERE device=? AND name=?", "is",
		w->device.id, w->b->lv);
	struct lv_row *lv = &w->lv;
	int r = q_next(s, st);

	if (r != 1)
		return r;
	lv->id = q_int(st, 0);
	lv->pool = q_int(st, 1);
	lv->size_bytes = q_int(st, 2);
	lv->extents = q_int(st, 3);
	lv->has_fs = q_text(st, 4)[0] != '\0';
	snprintf(lv->dir, sizeof(lv->dir), "%s", q_text(st, 5));
	return 1;
}

static int
need_lv(struct step *s, struct brick *w)
{
	int r = need_device(s, w) < 0 ? -1 : find_lv(s, w);

	if (r == 0)
		return step_refuse(s, BRICKYARD_ERR_NOTFOUND, "Failed to find"
				   " logical volume \"%s/%s\"",
				   w->b->device->vg, w->b->lv);
	return r < 0 ? -1 : 0;
}

static int64_t
in_extents(const struct brick *w, uint64_t bytes)
{
	uint64_t e = (uint64_t)w->device.extent_bytes;

	return (int64_t)(bytes / e + (bytes % e != 0));
}

static void
source_of(const struct brick *w, char *ret, size_t size)
{
	const char *vg = w->b->device->vg;

	if (w->device.kind == KIND_BLOCK)
		snprintf(ret, size, "/dev/mapper/%s-%s", vg, w->b->lv);
	else
		snprintf(ret, size, "%s/%s/%s.img", w->device.name, vg,
			 w->b->lv);
}

/* ---- make ---- */

static int
check_sizes(struct step *s, const struct brickyard_brick *b, bool with_pool)
{
	const uint64_t most = UINT64_C(1) << 60;

	if (b->size_bytes == 0 || b->size_bytes > most ||
	    (with_pool && (b->thin_pool_bytes == 0 ||
			   b->thin_pool_bytes > most ||
			   b->metadata_bytes > most)))
		return step_refuse(s, BRICKYARD_ERR_INVALID,
				   "lvcreate %s/%s: Invalid argument for size",
				   b->device->vg, b->lv);
	return 0;
}

static int
refuse_other_sizes(struct step *s, const struct brick *w, const char *name)
{
	return step_refuse(s, BRICKYARD_ERR_EXISTS, "Logical Volume \"%s\""
			   " already exists in volume group \"%s\", with other"
			   " sizes", name, w->b->device->vg);
}

/* An LV that is there must be the one that would be made; looked at before the
 * pool, lest the pool be made in vain.
 */
static int
check_lv(struct step *s, struct brick *w, int64_t pool)
{
	int r = find_lv(s, w);

	if (r == 1 && (w->lv.size_bytes != (int64_t)w->b->size_bytes ||
		       w->lv.pool != pool))
		return refuse_other_sizes(s, w, w->b->lv);
	return r;
}

static int
take_space(struct step *s, const struct brick *w, int64_t extents)
{
	const char *vg = w->b->device->vg;

	/* How large the disks are that were adopted nobody has said. */
	if (s->sim->adopt || extents <= w->device.free_extents)
		return sim_take_extents(s, w->device.id, extents);
	if (w->device.kind == KIND_DIRECTORY)
		return step_refuse(s, BRICKYARD_ERR_NOSPACE, "fallocate:"
				   " %s/%s/%s.img: No space left on device",
				   w->device.name, vg, w->b->lv);
	return step_refuse(s, BRICKYARD_ERR_NOSPACE, "Volume group \"%s\" has"
			   " insufficient free space (%lld extents): %lld"
			   " required.", vg,
			   (long long)w->device.free_extents,
			   (long long)extents);
}

static int
make_pool(struct step *s, void *arg)
{
	struct brick *w = arg;
	const struct brickyard_brick *b = w->b;
	struct pool_row pool = { 0 };
	int64_t data, metadata;
	int r;

	if (need_device(s, w) < 0 ||
	    check_sizes(s, b, w->device.kind == KIND_BLOCK) < 0)
		return -1;
	if (w->device.kind == KIND_DIRECTORY)
		return 0;
	r = find_pool(s, w->device.id, b->thin_pool, &pool);
	if (r < 0 || check_lv(s, w, pool.id) < 0)
		return -1;
	if (r == 1) {
		if (pool.data_bytes != (int64_t)b->thin_pool_bytes ||
		    pool.metadata_bytes != (int64_t)b->metadata_bytes)
			return refuse_other_sizes(s, w, b->thin_pool);
		return 0;
	}
	data = in_extents(w, b->thin_pool_bytes);
	metadata = in_extents(w, b->metadata_bytes);
	/* LVM makes no pool without metadata. */
	if (metadata == 0)
		metadata = 1;
	if (take_space(s, w, data + metadata) < 0)
		return -1;
	return q_run(s, "INSERT INTO pools(device, name, data_bytes,"
		     " metadata_bytes, extents) VALUES(?,?,?,?,?)", "isiii",
		     w->device.id, b->thin_pool, (int64_t)b->thin_pool_bytes,
		     (int64_t)b->metadata_bytes, data + metadata);
}

static int
add_lv(struct step *s, const struct brick *w, int64_t pool, int64_t extents)
{
	const struct brickyard_brick *b = w->b;

	return q_run(s, "INSERT INTO lvs(device, name, pool, size_bytes,"
		     " extents, brick) VALUES(?,?,nullif(?,0),?,?,?)", "isiiis",
		     w->device.id, b->lv, pool, (int64_t)b->size_bytes, extents,
		     b->id);
}

static int
make_lv(struct step *s, void *arg)
{
	struct brick *w = arg;
	struct pool_row pool = { 0 };
	int64_t extents;
	int r;

	if (need_device(s, w) < 0)
		return -1;
	if (w->device.kind == KIND_BLOCK) {
		r = find_pool(s, w->device.id, w->b->thin_pool, &pool);
		if (r == 0)
			return step_refuse(s, BRICKYARD_ERR_NOTFOUND,
					   "Thin pool %s not found in volume"
					   " group \"%s\"", w->b->thin_pool,
					   w->b->device->vg);
		if (r < 0)
			return -1;
	}
	r = check_lv(s, w, pool.id);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (w->device.kind == KIND_BLOCK)
		return add_lv(s, w, pool.id, 0);
	extents = in_extents(w, w->b->size_bytes);
	if (take_space(s, w, extents) < 0)
		return -1;
	return add_lv(s, w, 0, extents);
}

static int
make_fs(struct step *s, void *arg)
{
	struct brick *w = arg;

	if (need_lv(s, w) < 0)
		return -1;
	if (w->lv.has_fs)
		return 0;
	if (w->lv.size_bytes < XFS_MIN_BYTES)
		return step_refuse(s, BRICKYARD_ERR_INVALID, "mkfs.xfs %s: size"
				   " %lld of data subvolume is too small,"
				   " minimum 4096 blocks", w->b->lv,
				   (long long)w->lv.size_bytes / 4096);
	return q_run(s, "UPDATE lvs SET fs='xfs' WHERE id=?", "i", w->lv.id);
}

/* 1: there is one and it is the wanted one; 0: none; -1: another, or failed. */
static int
same_source(struct step *s, sqlite3_stmt *st, const char *source,
	    const char *point)
{
	int r = q_next(s, st);

	if (r == 1 && strcmp(q_text(st, 0), source) != 0)
		return step_refuse(s, BRICKYARD_ERR_EXISTS, "mount: %s: %s"
				   " already mounted or mount point busy (%s)",
				   point, source, q_text(st, 0));
	return r;
}

static int
make_fstab(struct step *s, void *arg)
{
	struct brick *w = arg;
	const char *point = w->b->mount;
	Q_SCOPE sqlite3_stmt *st = NULL;
	char source[1024], line[2560];
	int r;

	if (need_lv(s, w) < 0)
		return -1;
	source_of(w, source, sizeof(source));
	st = q_start(s, "SELECT source FROM fstab WHERE node=? AND point=?",
		     "is", s->node, point);
	r = same_source(s, st, source, point);
	if (r != 0)
		return r < 0 ? -1 : 0;
	snprintf(line, sizeof(line), "%s %s xfs %s" MOUNT_OPTIONS " 1 2",
		 source, point, w->device.kind == KIND_BLOCK ? "" : "loop,");
	return q_run(s, "INSERT INTO fstab(node, point, source, line)"
		     " VALUES(?,?,?,?)", "isss", s->node, point, source, line);
}

static int
make_mount(struct step *s, void *arg)
{
	struct brick *w = arg;
	const char *point = w->b->mount;
	Q_SCOPE sqlite3_stmt *st = NULL;
	char source[1024];
	int64_t found;
	int r;

	if (need_lv(s, w) < 0)
		return -1;
	source_of(w, source, sizeof(source));
	st = q_start(s, "SELECT source FROM mounts WHERE node=? AND point=?",
		     "is", s->node, point);
	r = same_source(s, st, source, point);
	if (r != 0)
		return r < 0 ? -1 : 0;
	r = q_number(s, &found, "SELECT 1 FROM mounts WHERE lv=?", "i",
		     w->lv.id);
	if (r == 1)
		return step_refuse(s, BRICKYARD_ERR_EXISTS, "mount: %s: %s"
				   " already mounted elsewhere", point, source);
	if (r < 0)
		return -1;
	if (!w->lv.has_fs)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "mount: %s:"
				   " wrong fs type, bad option, bad superblock"
				   " on %s", point, source);
	return q_run(s, "INSERT INTO mounts(node, point, source, lv)"
		     " VALUES(?,?,?,?)", "issi", s->node, point, source,
		     w->lv.id);
}

static int
make_dir(struct step *s, void *arg)
{
	struct brick *w = arg;
	const struct brickyard_brick *b = w->b;
	size_t n = strlen(b->mount);

	if (need_lv(s, w) < 0)
		return -1;
	if (strncmp(b->path, b->mount, n) != 0 || b->path[n] != '/')
		return step_refuse(s, BRICKYARD_ERR_INVALID,
				   "mkdir %s: it is not in %s", b->path,
				   b->mount);
	if (w->lv.dir[0] != '\0' && strcmp(w->lv.dir, b->path) != 0)
		return step_refuse(s, BRICKYARD_ERR_EXISTS,
				   "mkdir %s: the brick has the directory %s",
				   b->path, w->lv.dir);
	return q_run(s, "UPDATE lvs SET dir=?1, gid=CASE WHEN ?2 THEN ?2"
		     " ELSE gid END WHERE id=?3", "sii", b->path,
		     (int64_t)b->gid, w->lv.id);
}

static step_fn *const makers[] = {
	make_pool, make_lv, make_fs, make_fstab, make_mount, make_dir,
};

#define MAKERS	(sizeof(makers) / sizeof(makers[0]))

static int
create_body(struct step *s, void *arg)
{
	const struct brick_args *a = arg;

	for (size_t i = 0; i < a->n; i++) {
		struct brick w = { .b = a->v[i] };

		for (size_t j = 0; j < MAKERS; j++) {
			if (step_txn(s, makers[j], &w) < 0)
				return -1;
		}
	}
	return 0;
}

int
sim_bricks_create(struct brickyard_executor_instance *sim,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node,
		  const struct brickyard_brick *const *bricks, size_t n,
		  struct brickyard_error *err)
{
	struct step s = STEP(STEP_BRICKS_CREATE, sim, call, node, err);
	struct brick_args a = { bricks, n };

	return step_perform(&s, n * MAKERS, create_body, &a);
}

/* ---- remove ---- */

/* umount.  A mount point is where bricks are known by to gluster, so the VG
 * need not be there any more.
 */
static int
drop_mount(struct step *s, void *arg)
{
	struct brick *w = arg;
	Q_SCOPE sqlite3_stmt *st = q_start(s,
		"SELECT v.name FROM bricks b JOIN volumes v ON v.id = b.volume"
		" WHERE b.node=? AND b.path=?", "is", s->node, w->b->path);
	int r = q_next(s, st);

	if (r == 1)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT,
				   "umount: %s: target is busy (a brick of the"
				   " gluster volume '%s').", w->b->mount,
				   q_text(st, 0));
	if (r < 0)
		return -1;
	return q_run(s, "DELETE FROM mounts WHERE node=? AND point=?", "is",
		     s->node, w->b->mount);
}

static int
drop_fstab(struct step *s, void *arg)
{
	struct brick *w = arg;

	return q_run(s, "DELETE FROM fstab WHERE node=? AND point=?", "is",
		     s->node, w->b->mount);
}

static int
drop_lv(struct step *s, void *arg)
{
	struct brick *w = arg;
	const char *vg = w->b->device->vg;
	int64_t found;
	int r = sim_find_device(s, vg, &w->device);

	if (r == 1)
		r = find_lv(s, w);
	if (r <= 0)
		return r;
	r = q_number(s, &found, "SELECT 1 FROM mounts WHERE lv=?", "i",
		     w->lv.id);
	if (r == 1)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "Logical volume"
				   " %s/%s contains a filesystem in use.", vg,
				   w->b->lv);
	if (r < 0 ||
	    q_run(s, "DELETE FROM lvs WHERE id=?", "i", w->lv.id) < 0 ||
	    sim_take_extents(s, w->device.id, -w->lv.extents) < 0)
		return -1;
	w->pool = w->lv.pool;
	return 0;
}

/* The pool that the LV was in, which may have another name than expected; or
 * if the LV had gone before, the one of that name.
 */
static int
drop_pool(struct step *s, void *arg)
{
	struct brick *w = arg;
	struct pool_row pool = { 0 };
	int64_t found;
	int r = sim_find_device(s, w->b->device->vg, &w->device);

	if (r == 1 && w->pool != 0) {
		pool.id = w->pool;
		r = q_number(s, &pool.extents, "SELECT extents FROM pools"
			     " WHERE id=?", "i", pool.id);
	} else if (r == 1) {
		r = find_pool(s, w->device.id, w->b->thin_pool, &pool);
	}
	if (r <= 0)
		return r;
	r = q_number(s, &found, "SELECT 1 FROM lvs WHERE pool=? LIMIT 1", "i",
		     pool.id);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (q_run(s, "DELETE FROM pools WHERE id=?", "i", pool.id) < 0)
		return -1;
	return sim_take_extents(s, w->device.id, -pool.extents);
}

static step_fn *const removers[] = {
	drop_mount, drop_fstab, drop_lv, drop_pool,
};

#define REMOVERS (sizeof(removers) / sizeof(removers[0]))

static int
remove_one(struct step *s, const struct brickyard_brick *b)
{
	struct brick w = { .b = b };

	for (size_t i = 0; i < REMOVERS; i++) {
		if (step_txn(s, removers[i], &w) < 0)
			return -1;
	}
	return 0;
}

/* A failure that the other bricks would meet as well. */
static bool
is_of_the_call(const struct step *s)
{
	return s->suffered || s->err_class == BRICKYARD_ERR_FENCED ||
	       s->err_class == BRICKYARD_ERR_TIMEOUT ||
	       s->err_class == BRICKYARD_ERR_CANCELLED;
}

static int
destroy_body(struct step *s, void *arg)
{
	const struct brick_args *a = arg;
	char why[sizeof(s->text)] = "";
	int err_class = 0;
	size_t nfailed = 0;

	for (size_t i = 0; i < a->n; i++) {
		s->done = (unsigned)(i * REMOVERS);
		if (remove_one(s, a->v[i]) == 0)
			continue;
		if (is_of_the_call(s))
			return -1;
		if (nfailed++ == 0) {
			err_class = s->err_class;
			memcpy(why, s->text, sizeof(why));
		}
		s->err_class = 0;
	}
	if (nfailed > 1)
		return step_refuse(s, err_class, "%zu of %zu bricks: %.*s",
				   nfailed, a->n, 1900, why);
	return nfailed == 0 ? 0 : step_refuse(s, err_class, "%s", why);
}

int
sim_bricks_destroy(struct brickyard_executor_instance *sim,
		   const struct brickyard_call *call,
		   const struct brickyard_node *node,
		   const struct brickyard_brick *const *bricks, size_t n,
		   struct brickyard_error *err)
{
	struct step s = STEP(STEP_BRICKS_DESTROY, sim, call, node, err);
	struct brick_args a = { bricks, n };

	return step_perform(&s, n * REMOVERS, destroy_body, &a);
}
