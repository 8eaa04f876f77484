/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clones of simulated gluster volumes: a snapshot, a volume on snapshots of its
 * LVs in the same thin pools, mounted where glusterd mounts them and without a
 * line in fstab; then the snapshot goes.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "simulated.h"

#define SNAPS "/run/gluster/snaps"

struct clone_args {
	const char *name, *clone, *snapshot;
	struct volume_row source, row;
	struct brickyard_result *result;
};

/* One brick of the source, and what is under it. */
struct origin {
	int64_t n, node, lv, device, pool, size_bytes, gid;
	char vg[128];
};

/* ---- the snapshot ---- */

static int
refuse_thick(struct step *s, const struct clone_args *a)
{
	return step_refuse(s, BRICKYARD_ERR_PERMANENT, "snapshot create: failed:"
			   " Snapshot is supported only for thin provisioned LV."
			   " Ensure that all bricks of %s are thinly provisioned"
			   " LV.", a->name);
}

static int
check_bricks(struct step *s, const struct clone_args *a)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT n.host, n.manage,"
		" (SELECT l.pool FROM mounts m JOIN lvs l ON l.id = m.lv"
		"  WHERE m.node = b.node AND"
		"  substr(b.path, 1, length(m.point) + 1) = m.point || '/')"
		" FROM bricks b JOIN nodes n ON n.id = b.node"
		" WHERE b.volume=? ORDER BY b.n", "i", a->source.id);
	int r;

	while ((r = q_next(s, st)) == 1) {
		if (sim_is_down(s, q_text(st, 0), q_text(st, 1)))
			return step_refuse(s, BRICKYARD_ERR_PERMANENT,
					   "snapshot create: failed: One or more"
					   " bricks may be down.");
		if (q_int(st, 2) == 0)
			return refuse_thick(s, a);
	}
	return r;
}

static int
need_source(struct step *s, struct clone_args *a)
{
	if (step_need_glusterd(s) < 0 ||
	    sim_need_volume(s, "snapshot create", a->name, &a->source) < 0)
		return -1;
	if (strcmp(a->source.status, "started") != 0)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "snapshot create:"
				   " failed: volume %s is not in started state",
				   a->name);
	return 0;
}

static int
create_snapshot(struct step *s, void *arg)
{
	struct clone_args *a = arg;

	if (need_source(s, a) < 0 || check_bricks(s, a) < 0)
		return -1;
	return q_run(s, "INSERT OR IGNORE INTO snapshots(pool, name, volume)"
		     " VALUES(?,?,?)", "iss", s->pool, a->snapshot, a->name);
}

static int
drop_snapshot(struct step *s, void *arg)
{
	const struct clone_args *a = arg;

	return q_run(s, "DELETE FROM snapshots WHERE pool=? AND name=?", "is",
		     s->pool, a->snapshot);
}

/* ---- the clone ---- */

static void
plain_uuid(const char *uuid, char *ret)
{
	for (; *uuid != '\0'; uuid++)
		if (*uuid != '-')
			*ret++ = *uuid;
	*ret = '\0';
}

static int
clone_brick(struct step *s, struct clone_args *a, const struct origin *o)
{
	char id[40], lv[64], point[128], path[160], source[256];
	int64_t before = 0;

	plain_uuid(a->row.uuid, id);
	if (q_number(s, &before, "SELECT count(*) FROM bricks WHERE volume=?"
		     " AND node=?", "ii", a->row.id, o->node) < 0)
		return -1;
	snprintf(lv, sizeof(lv), "%s_%lld", id, (long long)before);
	snprintf(point, sizeof(point), SNAPS "/%s/brick%lld", id,
		 (long long)o->n + 1);
	snprintf(path, sizeof(path), "%s/brick", point);
	snprintf(source, sizeof(source), "/dev/mapper/%s-%s", o->vg, lv);
	if (q_run(s, "INSERT INTO lvs(device, name, pool, size_bytes, extents,"
		  " brick, fs, dir, gid, marked) VALUES(?,?,?,?,0,'','xfs',?,?,?)",
		  "isiisis", o->device, lv, o->pool, o->size_bytes, path,
		  o->gid, a->row.uuid) < 0)
		return -1;
	if (q_run(s, "INSERT INTO mounts(node, point, source, lv)"
		  " VALUES(?,?,?,?)", "issi", o->node, point, source,
		  (int64_t)sqlite3_last_insert_rowid(s->sim->db.handle)) < 0)
		return -1;
	return q_run(s, "INSERT INTO bricks(volume, n, node, path)"
		     " VALUES(?,?,?,?)", "iiis", a->row.id, o->n, o->node, path);
}

static int
next_origin(struct step *s, const struct clone_args *a, int64_t n,
	    struct origin *ret)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT b.node, l.id, l.device,"
		" l.pool, l.size_bytes, l.gid, d.vg FROM bricks b"
		" JOIN mounts m ON m.node = b.node AND"
		"  substr(b.path, 1, length(m.point) + 1) = m.point || '/'"
		" JOIN lvs l ON l.id = m.lv JOIN devices d ON d.id = l.device"
		" WHERE b.volume=? AND b.n=?", "ii", a->source.id, n);
	int r = q_next(s, st);

	if (r != 1)
		return r;
	ret->n = n;
	ret->node = q_int(st, 0);
	ret->lv = q_int(st, 1);
	ret->device = q_int(st, 2);
	ret->pool = q_int(st, 3);
	ret->size_bytes = q_int(st, 4);
	ret->gid = q_int(st, 5);
	snprintf(ret->vg, sizeof(ret->vg), "%s", q_text(st, 6));
	return 1;
}

static int
clone_bricks(struct step *s, struct clone_args *a)
{
	for (int64_t n = 0; n < a->source.nbricks; n++) {
		struct origin o;
		int r = next_origin(s, a, n, &o);

		if (r == 0)
			return refuse_thick(s, a);
		if (r < 0 || clone_brick(s, a, &o) < 0)
			return -1;
	}
	return q_run(s, "UPDATE volumes SET nbricks=? WHERE id=?", "ii",
		     a->source.nbricks, a->row.id);
}

/* gluster copies the options, too. */
static int
add_clone(struct step *s, struct clone_args *a)
{
	if (q_run(s, "INSERT INTO volumes(pool, name, uuid, status, kind, words,"
		  " set_size, origin) SELECT pool, ?, lower(hex(randomblob(4))"
		  " || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2))"
		  " || '-' || hex(randomblob(2)) || '-' || hex(randomblob(6))),"
		  " 'created', kind, words, set_size, uuid FROM volumes"
		  " WHERE id=?", "si", a->clone, a->source.id) < 0 ||
	    sim_find_volume(s, a->clone, &a->row) != 1 ||
	    q_run(s, "INSERT INTO options(volume, name, value)"
		  " SELECT ?, name, value FROM options WHERE volume=?", "ii",
		  a->row.id, a->source.id) < 0)
		return -1;
	return clone_bricks(s, a);
}

static int
make_clone(struct step *s, void *arg)
{
	struct clone_args *a = arg;
	int64_t found;
	int r;

	if (need_source(s, a) < 0 || sim_check_volume_name(s, a->clone) < 0)
		return -1;
	r = sim_find_volume(s, a->clone, &a->row);
	if (r == 0)
		return add_clone(s, a);
	if (r == 1)
		r = q_number(s, &found, "SELECT 1 FROM volumes WHERE id=?"
			     " AND origin=?", "is", a->row.id, a->source.uuid);
	if (r == 0)
		return step_refuse(s, BRICKYARD_ERR_EXISTS, "snapshot clone:"
				   " failed: Volume with name:%s already exists",
				   a->clone);
	return r < 0 ? -1 : 0;
}

static int
start_clone(struct step *s, void *arg)
{
	struct clone_args *a = arg;

	if (step_need_glusterd(s) < 0 ||
	    sim_need_volume(s, "volume start", a->clone, &a->row) < 0)
		return -1;
	return q_run(s, "UPDATE volumes SET status='started' WHERE id=?", "i",
		     a->row.id);
}

static int
clone_info(struct step *s, void *arg)
{
	struct clone_args *a = arg;

	return sim_give_info(s, a->clone, a->result);
}

static int
clone_steps(struct step *s, struct clone_args *a)
{
	if (step_txn(s, create_snapshot, a) < 0 ||
	    step_txn(s, make_clone, a) < 0 || step_txn(s, start_clone, a) < 0)
		return -1;
	return step_txn(s, drop_snapshot, a);
}

/* The snapshot goes after a failure, too, if that is still ours to say. */
static int
clone_body(struct step *s, void *arg)
{
	struct clone_args *a = arg;
	char why[sizeof(s->text)];
	int err_class;

	if (clone_steps(s, a) == 0)
		return step_look(s, clone_info, a);
	err_class = s->err_class;
	memcpy(why, s->text, sizeof(why));
	if (err_class != BRICKYARD_ERR_FENCED &&
	    err_class != BRICKYARD_ERR_CANCELLED &&
	    err_class != BRICKYARD_ERR_TIMEOUT)
		(void)step_txn(s, drop_snapshot, a);
	return step_refuse(s, err_class, "%s", why);
}

int
sim_volume_clone(struct brickyard_executor_instance *sim,
		 const struct brickyard_call *call,
		 const struct brickyard_node *node, const char *name,
		 const char *clone, const char *snapshot,
		 struct brickyard_result *result, struct brickyard_error *err)
{
	struct step s = STEP(STEP_VOLUME_CLONE, sim, call, node, err);
	struct clone_args a = {
		.name = name,
		.clone = clone,
		.snapshot = snapshot,
		.result = result,
	};

	return step_perform(&s, 5, clone_body, &a);
}
