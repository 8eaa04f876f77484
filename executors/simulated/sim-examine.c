/* SPDX-License-Identifier: GPL-2.0-or-later */
/* node_examine: the accounts of a node in the words of LVM, mount(8) and gluster. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulated.h"

struct examine {
	struct brickyard_result *result;
};

/* Names are LVM's and ours: nothing in them needs to be quoted in JSON. */
#define PVS "SELECT group_concat(json_object('pv_name', name, 'pv_uuid'," \
	" coalesce(pv_uuid, ''), 'vg_name', coalesce(vg, ''))) FROM (SELECT *" \
	" FROM devices WHERE node=? AND pv=1 AND kind=1 ORDER BY name)"
#define VGS "SELECT group_concat(json_object('vg_name', vg, 'vg_size'," \
	" (extents * extent_bytes) || 'B', 'vg_free'," \
	" (free_extents * extent_bytes) || 'B')) FROM (SELECT * FROM devices" \
	" WHERE node=? AND vg IS NOT NULL AND kind=1 ORDER BY vg)"
#define LVS "SELECT group_concat(json_object('lv_name', name, 'vg_name', vg," \
	" 'lv_size', size_bytes || 'B', 'pool_lv', coalesce(pool, '')))" \
	" FROM (SELECT l.name, d.vg, l.size_bytes, p.name AS pool FROM lvs l" \
	" JOIN devices d ON d.id = l.device LEFT JOIN pools p ON p.id = l.pool" \
	" WHERE d.node=? AND d.kind=1 ORDER BY d.vg, l.name)"
#define MOUNTS "SELECT group_concat(source || ' ' || point || ' xfs rw 0 0'," \
	" char(10)) FROM (SELECT * FROM mounts WHERE node=? ORDER BY point)"
#define FSTAB "SELECT group_concat(line, char(10)) FROM (SELECT * FROM fstab" \
	" WHERE node=? ORDER BY id)"

/* One text out of the accounts, with something before and after it. */
static int
give_text(struct step *s, struct examine *x, const char *key, const char *sql,
	  const char *report)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, sql, "i", s->node);
	char *text = NULL;

	if (q_next(s, st) != 1)
		return -1;
	if (report == NULL) {
		sim_host->result_str(x->result, key, q_text(st, 0));
		return 0;
	}
	if (asprintf(&text, "{\"report\":[{\"%s\":[%s]}]}", report,
		     q_text(st, 0)) < 0)
		return step_refuse(s, BRICKYARD_ERR_TRANSIENT, "out of memory");
	sim_host->result_str(x->result, key, text);
	free(text);
	return 0;
}

/* ---- volumes, as gluster's XML has them ---- */

/* Peers have no UUID here but their place in the pool. */
static void
give_host_uuid(struct examine *x, int64_t node)
{
	char uuid[64];

	snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-%012llx",
		 (unsigned long long)node & 0xffffffffffffull);
	sim_host->result_str(x->result, "gluster.hostUuid", uuid);
}

static int
give_bricks(struct step *s, struct examine *x, int64_t volume,
	    const struct sim_counts *c)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT n.host || ':' || b.path,"
		" n.id, b.n FROM bricks b JOIN nodes n ON n.id = b.node"
		" WHERE b.volume=? ORDER BY b.n", "i", volume);
	int64_t i = 0;
	int r;

	for (; (r = q_next(s, st)) == 1; i++) {
		sim_host->result_str(x->result, "gluster.brick", q_text(st, 0));
		give_host_uuid(x, q_int(st, 1));
		sim_host->result_str(x->result, "gluster.isArbiter",
				     c->arbiter > 0 && i % c->set_size ==
				     c->set_size - 1 ? "1" : "0");
	}
	return r;
}

static int
give_options(struct step *s, struct examine *x, int64_t volume)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT name, value FROM options"
		" WHERE volume=? ORDER BY name", "i", volume);
	uint64_t n = 0;
	int r;

	for (; (r = q_next(s, st)) == 1; n++) {
		sim_host->result_str(x->result, "gluster.option",
				     q_text(st, 0));
		sim_host->result_str(x->result, "gluster.value",
				     q_text(st, 1));
	}
	sim_host->result_u64(x->result, "gluster.optCount", n);
	return r;
}

static int
give_volume(struct step *s, struct examine *x, const char *name)
{
	struct volume_row row;
	struct sim_counts c;

	if (sim_find_volume(s, name, &row) != 1)
		return -1;
	sim_count_bricks(&row, &c);
	sim_host->result_next(x->result);
	sim_host->result_str(x->result, "volume", name);
	sim_host->result_str(x->result, "status", row.status);
	sim_host->result_str(x->result, "type", sim_type_words(&row));
	sim_host->result_str(x->result, "id", row.uuid);
	for (size_t i = 0; i < sizeof(c.of) / sizeof(c.of[0]); i++)
		sim_host->result_u64(x->result, sim_count_names[i],
				     (uint64_t)c.of[i]);
	if (give_bricks(s, x, row.id, &c) < 0)
		return -1;
	return give_options(s, x, row.id);
}

static int
give_volumes(struct step *s, struct examine *x)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT name FROM volumes"
		" WHERE pool=? ORDER BY name", "i", s->pool);
	int r;

	while ((r = q_next(s, st)) == 1)
		if (give_volume(s, x, q_text(st, 0)) < 0)
			return -1;
	return r;
}

/* What `gluster-block list` says of each of them. */
static int
give_blocks(struct step *s, struct examine *x)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT v.name, b.name FROM"
		" blocks b JOIN volumes v ON v.id = b.volume WHERE v.pool=?"
		" ORDER BY v.name, b.name", "i", s->pool);
	int r;

	while ((r = q_next(s, st)) == 1) {
		sim_host->result_next(x->result);
		sim_host->result_str(x->result, "volume", q_text(st, 0));
		sim_host->result_str(x->result, "block", q_text(st, 1));
	}
	return r;
}

static int
examine_look(struct step *s, void *arg)
{
	struct examine *x = arg;

	if (step_need_glusterd(s) < 0 ||
	    give_text(s, x, "pvs", PVS, "pv") < 0 ||
	    give_text(s, x, "vgs", VGS, "vg") < 0 ||
	    give_text(s, x, "lvs", LVS, "lv") < 0 ||
	    give_text(s, x, "mounts", MOUNTS, NULL) < 0 ||
	    give_text(s, x, "fstab", FSTAB, NULL) < 0)
		return -1;
	return give_volumes(s, x) < 0 ? -1 : give_blocks(s, x);
}

static int
examine_body(struct step *s, void *arg)
{
	return step_look(s, examine_look, arg);
}

int
sim_node_examine(struct brickyard_executor_instance *sim,
		 const struct brickyard_call *call,
		 const struct brickyard_node *node,
		 struct brickyard_result *result, struct brickyard_error *err)
{
	struct step s = STEP(STEP_NODE_EXAMINE, sim, call, node, err);
	struct examine x = { .result = result };

	return step_perform(&s, 1, examine_body, &x);
}
