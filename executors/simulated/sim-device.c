/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of simulated nodes: disks with a PV and a VG, directories with a
 * marker.  A disk is there as soon as it is named, unless the configuration
 * says which disks there are.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulated.h"

#define EXTENT_BYTES	(INT64_C(4) << 20)
#define GIB		(INT64_C(1) << 30)

struct device_args {
	const struct brickyard_device *device;
	struct brickyard_result *result;
	/* The disk of that name, once it was looked up. */
	int64_t id, size_bytes;
	bool pv;
	char contents[128], vg[128], uuid[64];
	struct device_row row;
};

int
sim_find_device(struct step *s, const char *vg, struct device_row *ret)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s,
		"SELECT id, kind, extent_bytes, extents, free_extents, name"
		" FROM devices WHERE node=? AND vg=?", "is", s->node, vg);
	int r = q_next(s, st);

	if (r != 1)
		return r;
	ret->id = q_int(st, 0);
	ret->kind = (int)q_int(st, 1);
	ret->extent_bytes = q_int(st, 2);
	ret->extents = q_int(st, 3);
	ret->free_extents = q_int(st, 4);
	snprintf(ret->name, sizeof(ret->name), "%s", q_text(st, 5));
	return 1;
}

int
sim_take_extents(struct step *s, int64_t device, int64_t n)
{
	return q_run(s, "UPDATE devices SET free_extents = free_extents - ?"
		     " WHERE id=?", "ii", n, device);
}

static int
kind_of(const char *name)
{
	return strncmp(name, "/dev/", 5) == 0 ? KIND_BLOCK : KIND_DIRECTORY;
}

/* ---- disks ---- */

static int
find_disk(struct step *s, struct device_args *a)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s,
		"SELECT id, size_bytes, contents, pv, vg, pv_uuid FROM devices"
		" WHERE node=? AND name=?", "is", s->node, a->device->name);
	int r = q_next(s, st);

	if (r != 1)
		return r;
	a->id = q_int(st, 0);
	a->size_bytes = q_int(st, 1);
	snprintf(a->contents, sizeof(a->contents), "%s", q_text(st, 2));
	a->pv = q_int(st, 3) != 0;
	snprintf(a->vg, sizeof(a->vg), "%s", q_text(st, 4));
	snprintf(a->uuid, sizeof(a->uuid), "%s", q_text(st, 5));
	return 1;
}

static const char *
configured(struct step *s, const struct sim_list *list, const char *name)
{
	const char *value = sim_list_get(list, s->host, name);

	return value != NULL ? value : sim_list_get(list, s->manage_host, name);
}

/* In GiB; 0: there is no such disk. */
static uint64_t
disk_size(struct step *s, const char *name)
{
	const struct sim_list *disks = &s->sim->disks;
	const char *size = configured(s, disks, name);

	if (size != NULL && size[0] != '\0')
		return strtoull(size, NULL, 10);
	if (name[0] != '/' ||
	    (size == NULL && disks->n > 0 && kind_of(name) == KIND_BLOCK))
		return 0;
	return s->sim->device_size_gib;
}

/* The first time somebody names it. */
static int
add_disk(struct step *s, struct device_args *a)
{
	const char *name = a->device->name;
	const char *contents = configured(s, &s->sim->foreign, name);
	int64_t size = (int64_t)disk_size(s, name) * GIB;

	if (size == 0)
		return step_refuse(s, BRICKYARD_ERR_NOTFOUND,
				   "No device found for %s.", name);
	snprintf(a->contents, sizeof(a->contents), "%s",
		 contents != NULL ? contents : "");
	if (q_run(s, "INSERT INTO devices(node, name, kind, size_bytes,"
		  " contents) VALUES(?,?,?,?,?)", "isiis", s->node, name,
		  (int64_t)kind_of(name), size, a->contents) < 0)
		return -1;
	a->id = sqlite3_last_insert_rowid(s->sim->db.handle);
	a->size_bytes = size;
	return 0;
}

static int
count_lvs(struct step *s, const struct device_args *a, int64_t *ret)
{
	return q_number(s, ret, "SELECT (SELECT count(*) FROM pools WHERE"
			" device=?1) + (SELECT count(*) FROM lvs WHERE"
			" device=?1)", "i", a->row.id);
}

/* ---- device_prepare ---- */

/* Contents LVM2_member:UUID are a physical volume of somebody else's. */
static void
split_contents(struct device_args *a)
{
	char *uuid = strchr(a->contents, ':');

	if (uuid == NULL)
		return;
	*uuid++ = '\0';
	snprintf(a->uuid, sizeof(a->uuid), "%s", uuid);
}

static void
tell_in_the_way(const struct device_args *a)
{
	if (a->uuid[0] != '\0')
		sim_host->result_str(a->result, "holds_pv_uuid", a->uuid);
	if (strncmp(a->vg, "vg_", 3) == 0)
		sim_host->result_str(a->result, "holds_device", a->vg + 3);
}

/* Another device's, which no record has any more: without bricks it may go. */
static int
drop_unknown(struct step *s, struct device_args *a)
{
	const char *goes = a->device->destroy_pv;
	int64_t n = 0;

	if (a->vg[0] == '\0' || !a->device->destroy_data || goes == NULL ||
	    a->uuid[0] == '\0' || strcmp(goes, a->uuid) != 0)
		return 0;
	a->row.id = a->id;
	if (count_lvs(s, a, &n) < 0)
		return -1;
	if (n > 0)
		return 0;
	a->vg[0] = '\0';
	return q_run(s, "UPDATE devices SET pv=0, pv_uuid=NULL, vg=NULL,"
		     " extent_bytes=NULL, extents=NULL, free_extents=NULL"
		     " WHERE id=?", "i", a->id);
}

static int
refuse_in_use(struct step *s, const struct device_args *a)
{
	const char *name = a->device->name;

	if (a->vg[0] != '\0')
		return step_refuse(s, BRICKYARD_ERR_EXISTS,
				   "Can't initialize physical volume \"%s\" of"
				   " volume group \"%s\" without -ff\n"
				   "%s: physical volume not initialized.",
				   name, a->vg, name);
	if (strcmp(a->contents, "mounted") == 0)
		return step_refuse(s, BRICKYARD_ERR_EXISTS,
				   "Can't open %s exclusively."
				   "  Mounted filesystem?", name);
	if (a->contents[0] != '\0' && !a->device->destroy_data)
		return step_refuse(s, BRICKYARD_ERR_EXISTS,
				   "WARNING: %s signature detected on %s."
				   " Wipe it? [y/n]: [n]\n"
				   "1 existing signature left on the device.",
				   a->contents, name);
	return 0;
}

/* In the form of LVM, made up. */
static void
new_uuid(char *ret)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char shape[] = "xxxxxx-xxxx-xxxx-xxxx-xxxx-xxxx-xxxxxx";
	unsigned char noise[sizeof(shape)];

	sqlite3_randomness(sizeof(noise), noise);
	for (size_t i = 0; i < sizeof(shape); i++)
		ret[i] = shape[i] == 'x' ?
			letters[noise[i] % (sizeof(letters) - 1)] : shape[i];
}

/* pvcreate, or the marker. */
static int
make_pv(struct step *s, void *arg)
{
	struct device_args *a = arg;
	char uuid[64];
	int r = sim_find_device(s, a->device->vg, &a->row);

	if (r < 0)
		return -1;
	if (r == 1 && strcmp(a->row.name, a->device->name) != 0)
		return step_refuse(s, BRICKYARD_ERR_EXISTS, "A volume group"
				   " called %s already exists.", a->device->vg);
	if (r == 1)
		return 0;
	r = find_disk(s, a);
	if (r < 0 || (r == 0 && add_disk(s, a) < 0))
		return -1;
	split_contents(a);
	if (drop_unknown(s, a) < 0)
		return -1;
	if (refuse_in_use(s, a) < 0) {
		tell_in_the_way(a);
		return -1;
	}
	new_uuid(uuid);
	return q_run(s, "UPDATE devices SET pv=1, contents='', pv_uuid=?"
		     " WHERE id=? AND pv=0", "si",
		     s->sim->pv_uuid ? uuid : NULL, a->id);
}

static int
give_info(struct step *s, const struct device_args *a)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT kind, extents,"
		" free_extents, extent_bytes, pv_uuid FROM devices"
		" WHERE node=? AND vg=?", "is", s->node, a->device->vg);
	struct brickyard_result *res = a->result;
	uint64_t total, unused, extent;

	if (q_next(s, st) != 1)
		return -1;
	extent = (uint64_t)q_int(st, 3);
	total = (uint64_t)q_int(st, 1) * extent;
	/* Those that were adopted may have given more than they have. */
	unused = q_int(st, 2) > 0 ? (uint64_t)q_int(st, 2) * extent : 0;
	sim_host->result_str(res, "kind", q_int(st, 0) == KIND_BLOCK
						  ? "block" : "directory");
	sim_host->result_u64(res, "total_bytes", total);
	sim_host->result_u64(res, "free_bytes", unused);
	sim_host->result_u64(res, "extent_bytes", extent);
	if (q_text(st, 4)[0] != '\0')
		sim_host->result_str(res, "pv_uuid", q_text(st, 4));
	return 0;
}

/* vgcreate */
static int
make_vg(struct step *s, void *arg)
{
	struct device_args *a = arg;
	int64_t extents;
	int r = sim_find_device(s, a->device->vg, &a->row);

	if (r < 0)
		return -1;
	if (r == 1)
		return give_info(s, a);
	r = find_disk(s, a);
	if (r < 0)
		return -1;
	/* Another call may have been at it since make_pv. */
	if (r == 0 || !a->pv || a->vg[0] != '\0')
		return step_refuse(s, BRICKYARD_ERR_EXISTS, "Cannot use %s: it"
				   " is not a free physical volume",
				   a->device->name);
	extents = a->size_bytes / EXTENT_BYTES;
	if (q_run(s, "UPDATE devices SET vg=?, extent_bytes=?, extents=?,"
		  " free_extents=? WHERE id=?", "siiii", a->device->vg,
		  EXTENT_BYTES, extents, extents, a->id) < 0)
		return -1;
	return give_info(s, a);
}

/* -1 only when the database fails: a disk that holds something else, or is not
 * there, is not the one.
 */
int
sim_adopt_device(struct step *s, const struct brickyard_device *device)
{
	struct device_args a = { .device = device };
	int r;

	if (!s->sim->adopt)
		return 0;
	r = sim_find_device(s, device->vg, &a.row);
	if (r != 0)
		return r < 0 ? -1 : 0;
	r = find_disk(s, &a);
	if (r == 0 && disk_size(s, device->name) > 0)
		r = add_disk(s, &a) < 0 ? -1 : 1;
	if (r <= 0 || a.vg[0] != '\0')
		return r < 0 ? -1 : 0;
	r = (int)(a.size_bytes / EXTENT_BYTES);
	return q_run(s, "UPDATE devices SET pv=1, contents='', vg=?,"
		     " extent_bytes=?, extents=?, free_extents=? WHERE id=?",
		     "siiii", device->vg, EXTENT_BYTES, (int64_t)r, (int64_t)r,
		     a.id);
}

static int
prepare_body(struct step *s, void *arg)
{
	if (step_txn(s, make_pv, arg) < 0)
		return -1;
	return step_txn(s, make_vg, arg);
}

int
sim_device_prepare(struct brickyard_executor_instance *sim,
		   const struct brickyard_call *call,
		   const struct brickyard_node *node,
		   const struct brickyard_device *device,
		   struct brickyard_result *result,
		   struct brickyard_error *err)
{
	struct step s = STEP(STEP_DEVICE_PREPARE, sim, call, node, err);
	struct device_args a = { .device = device, .result = result };

	return step_perform(&s, 2, prepare_body, &a);
}

/* ---- device_info ---- */

static int
info_look(struct step *s, void *arg)
{
	struct device_args *a = arg;
	int r = sim_adopt_device(s, a->device);

	if (r == 0)
		r = sim_find_device(s, a->device->vg, &a->row);
	if (r == 0)
		return step_refuse(s, BRICKYARD_ERR_NOTFOUND,
				   "Volume group \"%s\" not found",
				   a->device->vg);
	return r < 0 ? -1 : give_info(s, a);
}

static int
info_body(struct step *s, void *arg)
{
	return s->sim->adopt ? step_txn(s, info_look, arg) :
			       step_look(s, info_look, arg);
}

int
sim_device_info(struct brickyard_executor_instance *sim,
		const struct brickyard_call *call,
		const struct brickyard_node *node,
		const struct brickyard_device *device,
		struct brickyard_result *result, struct brickyard_error *err)
{
	struct step s = STEP(STEP_DEVICE_INFO, sim, call, node, err);
	struct device_args a = { .device = device, .result = result };

	return step_perform(&s, 1, info_body, &a);
}

/* ---- device_teardown ---- */

/* vgremove */
static int
drop_vg(struct step *s, void *arg)
{
	struct device_args *a = arg;
	int64_t n = 0;
	int r = sim_find_device(s, a->device->vg, &a->row);

	if (r <= 0)
		return r;
	if (count_lvs(s, a, &n) < 0)
		return -1;
	if (n > 0)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT,
				   "Volume group \"%s\" still contains %lld"
				   " logical volume(s)", a->device->vg,
				   (long long)n);
	return q_run(s, "UPDATE devices SET vg=NULL, extent_bytes=NULL,"
		     " extents=NULL, free_extents=NULL WHERE id=?", "i",
		     a->row.id);
}

/* pvremove; but not if the disk has been given to another device since. */
static int
drop_pv(struct step *s, void *arg)
{
	struct device_args *a = arg;

	if (a->row.id != 0)
		return q_run(s, "UPDATE devices SET pv=0, pv_uuid=NULL"
			     " WHERE id=? AND vg IS NULL", "i", a->row.id);
	return q_run(s, "UPDATE devices SET pv=0, pv_uuid=NULL"
		     " WHERE node=? AND name=? AND vg IS NULL", "is", s->node,
		     a->device->name);
}

static int
teardown_body(struct step *s, void *arg)
{
	if (step_txn(s, drop_vg, arg) < 0)
		return -1;
	return step_txn(s, drop_pv, arg);
}

int
sim_device_teardown(struct brickyard_executor_instance *sim,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node,
		    const struct brickyard_device *device,
		    struct brickyard_error *err)
{
	struct step s = STEP(STEP_DEVICE_TEARDOWN, sim, call, node, err);
	struct device_args a = { .device = device };

	return step_perform(&s, 2, teardown_body, &a);
}

/* ---- device_forget ---- */

/* As far as it goes: what holds logical volumes stays. */
static int
forget(struct step *s, void *arg)
{
	struct device_args *a = arg;
	int64_t n = 0;
	int r = sim_find_device(s, a->device->vg, &a->row);

	if (r < 0 || (r == 1 && count_lvs(s, a, &n) < 0))
		return -1;
	if (n > 0)
		return 0;
	if (r == 1 && drop_vg(s, arg) < 0)
		return -1;
	return drop_pv(s, arg);
}

static int
forget_body(struct step *s, void *arg)
{
	return step_txn(s, forget, arg);
}

int
sim_device_forget(struct brickyard_executor_instance *sim,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node,
		  const struct brickyard_device *device,
		  struct brickyard_error *err)
{
	struct step s = STEP(STEP_DEVICE_FORGET, sim, call, node, err);
	struct device_args a = { .device = device };

	return step_perform(&s, 1, forget_body, &a);
}
