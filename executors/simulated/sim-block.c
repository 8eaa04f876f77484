/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block volumes of simulated nodes: files on a gluster volume that gluster-block
 * exports, with gluster-block's reasons to refuse.
 *
 * Making one takes three sub-steps, as it takes gluster-block several: the file,
 * the target on its portals, then it is whole.  Growing takes a sub-step for the
 * file, and one a portal; what a portal did not get is its RESIZE FAILED.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "simulated.h"

/* What heketi's mock answers. */
#define IQN		"fakeIQN"
#define USERNAME	"heketi-user"
#define PASSWORD	"secret"

#define BHV_COPIES	3	/* of those that are taken to be there */

#define GIB		(INT64_C(1) << 30)

struct block_row {
	int64_t id, size_bytes, hacount, auth;
	char state[16];			/* file, exported, whole */
	char hosts[4096];
};

struct block_args {
	const struct brickyard_block *b;
	const char *volume, *name;
	struct volume_row on;
	struct block_row row;
	const char *state;		/* to be reached */
	size_t portal;
	struct brickyard_result *result;
};

static int
find_block(struct step *s, struct block_args *a)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT id, size_bytes, hacount,"
		" auth, state, hosts FROM blocks WHERE volume=? AND name=?",
		"is", a->on.id, a->name);
	int r = q_next(s, st);

	if (r != 1)
		return r;
	a->row.id = q_int(st, 0);
	a->row.size_bytes = q_int(st, 1);
	a->row.hacount = q_int(st, 2);
	a->row.auth = q_int(st, 3);
	snprintf(a->row.state, sizeof(a->row.state), "%s", q_text(st, 4));
	snprintf(a->row.hosts, sizeof(a->row.hosts), "%s", q_text(st, 5));
	return 1;
}

/* The hosting volume has to be there. */
static int
need_hosting(struct step *s, const char *what, struct block_args *a)
{
	int r;

	if (step_need_glusterd(s) < 0)
		return -1;
	r = sim_find_volume(s, a->volume, &a->on);
	if (r == 0)
		return step_refuse(s, BRICKYARD_ERR_NOTFOUND, "Failed to %s"
				   " block volume: volume %s does not exist",
				   what, a->volume);
	if (r == 1 && strcmp(a->on.status, "started") != 0)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "Failed to %s"
				   " block volume: volume %s is not started",
				   what, a->volume);
	return r < 0 ? -1 : 0;
}

static int
need_block(struct step *s, const char *what, struct block_args *a)
{
	int r;

	if (need_hosting(s, what, a) < 0)
		return -1;
	r = find_block(s, a);
	if (r == 0)
		return step_refuse(s, BRICKYARD_ERR_NOTFOUND, "Failed to %s"
				   " block volume: block %s/%s doesn't exist",
				   what, a->volume, a->name);
	return r < 0 ? -1 : 0;
}

/* ---- create ---- */

static int
join_hosts(struct step *s, const struct brickyard_block *b, char *ret,
	   size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < b->nhosts; i++) {
		int n = snprintf(ret + used, size - used, "%s%s",
				 i > 0 ? "," : "", b->hosts[i]);

		if (n < 0 || (size_t)n >= size - used)
			return step_refuse(s, BRICKYARD_ERR_INVALID, "Failed to"
					   " create block volume: too many"
					   " hosts");
		used += (size_t)n;
	}
	return 0;
}

static int
check_host(struct step *s, const char *host)
{
	Q_SCOPE sqlite3_stmt *st = NULL;
	int r = sim_adopt_peer(s, host);

	if (r < 0)
		return -1;
	st = q_start(s, "SELECT manage FROM nodes WHERE host=? AND pool=?",
		     "si", host, s->pool);
	r = q_next(s, st);

	if (r == 0)
		return step_refuse(s, BRICKYARD_ERR_INVALID, "Failed to create"
				   " block volume: host %s is not in the pool",
				   host);
	if (r == 1 && sim_is_down(s, host, q_text(st, 0)))
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "Failed to"
				   " create block volume: %s: gluster-blockd is"
				   " not running", host);
	return r < 0 ? -1 : 0;
}

static int
check_hosts(struct step *s, const struct brickyard_block *b)
{
	uint32_t ha = b->hacount != 0 ? b->hacount : (uint32_t)b->nhosts;

	if (b->nhosts == 0 || ha != b->nhosts)
		return step_refuse(s, BRICKYARD_ERR_INVALID, "Failed to create"
				   " block volume: ha value %u doesn't match"
				   " %zu hosts", ha, b->nhosts);
	for (size_t i = 0; i < b->nhosts; i++)
		if (check_host(s, b->hosts[i]) < 0)
			return -1;
	return 0;
}

/* The files must fit into what the file system of the volume holds: of replicas
 * that is one of each set.
 */
static int
check_room(struct step *s, const char *what, const struct block_args *a,
	   int64_t more)
{
	int64_t used = 0, room = 0;

	if (q_number(s, &used, "SELECT ifnull(sum(size_bytes), 0) FROM blocks"
		     " WHERE volume=?", "i", a->on.id) < 0 ||
	    q_number(s, &room, "SELECT ifnull(sum(l.size_bytes), 0) FROM"
		     " bricks b JOIN mounts m ON m.node = b.node AND"
		     " substr(b.path, 1, length(m.point) + 1) = m.point || '/'"
		     " JOIN lvs l ON l.id = m.lv JOIN volumes v ON"
		     " v.id = b.volume WHERE b.volume=? AND"
		     " (b.n % v.set_size = 0 OR v.kind <> 'replicate')", "i",
		     a->on.id) < 0)
		return -1;
	/* A volume that was taken to be there has no bricks to count. */
	if (s->sim->adopt || more <= room - used)
		return 0;
	return step_refuse(s, BRICKYARD_ERR_PERMANENT, "Failed to %s block"
			   " volume: no space left on volume %s", what,
			   a->volume);
}

static int
add_block(struct step *s, struct block_args *a)
{
	char hosts[4096];

	if (check_hosts(s, a->b) < 0 ||
	    check_room(s, "create", a, (int64_t)a->b->size_bytes) < 0 ||
	    join_hosts(s, a->b, hosts, sizeof(hosts)) < 0)
		return -1;
	return q_run(s, "INSERT INTO blocks(volume, name, size_bytes, hacount,"
		     " auth, hosts, state) VALUES(?,?,?,?,?,?,'file')",
		     "isiiis", a->on.id, a->name, (int64_t)a->b->size_bytes,
		     (int64_t)a->b->nhosts, (int64_t)a->b->auth, hosts);
}

/* Is the one that is there the one that is asked for? */
static int
recognise(struct step *s, const struct block_args *a)
{
	char hosts[4096];

	if (join_hosts(s, a->b, hosts, sizeof(hosts)) < 0)
		return -1;
	if (a->row.size_bytes == (int64_t)a->b->size_bytes &&
	    a->row.auth == (int64_t)a->b->auth &&
	    strcmp(a->row.hosts, hosts) == 0)
		return 0;
	return step_refuse(s, BRICKYARD_ERR_EXISTS, "Failed to create block"
			   " volume: BLOCK with name: '%s' already EXIST",
			   a->name);
}

static int
begin_block(struct step *s, void *arg)
{
	struct block_args *a = arg;
	int r;

	if (sim_adopt_volume(s, a->volume, BHV_COPIES) < 0 ||
	    need_hosting(s, "create", a) < 0)
		return -1;
	r = find_block(s, a);
	if (r < 0)
		return -1;
	return r == 0 ? add_block(s, a) : recognise(s, a);
}

static int
advance_block(struct step *s, void *arg)
{
	struct block_args *a = arg;

	if (need_block(s, "create", a) < 0)
		return -1;
	if (strcmp(a->row.state, "whole") == 0)
		return 0;
	return q_run(s, "UPDATE blocks SET state=? WHERE id=?", "si", a->state,
		     a->row.id);
}

/* As block_info tells it. */
static int
give_block(struct step *s, struct block_args *a)
{
	const struct brickyard_host *h = sim_host;
	int64_t usable = a->row.size_bytes;

	if (q_number(s, &usable, "SELECT min(size_bytes) FROM shortfalls"
		     " WHERE block=? HAVING count(*) > 0", "i", a->row.id) < 0)
		return -1;
	h->result_str(a->result, "iqn", IQN);
	if (a->row.auth) {
		h->result_str(a->result, "username", USERNAME);
		h->result_str(a->result, "password", PASSWORD);
	}
	h->result_u64(a->result, "size_bytes", (uint64_t)a->row.size_bytes);
	h->result_u64(a->result, "usable_bytes", (uint64_t)usable);
	return 0;
}

static int
look_at_block(struct step *s, void *arg)
{
	struct block_args *a = arg;

	return need_block(s, "look at", a) < 0 ? -1 : give_block(s, a);
}

static int
create_body(struct step *s, void *arg)
{
	struct block_args *a = arg;

	if (a->b->size_bytes == 0 || a->b->size_bytes % GIB != 0)
		return step_refuse(s, BRICKYARD_ERR_INVALID, "Failed to create"
				   " block volume: %llu bytes is no size",
				   (unsigned long long)a->b->size_bytes);
	if (step_txn(s, begin_block, a) < 0)
		return -1;
	a->state = "exported";
	if (step_txn(s, advance_block, a) < 0)
		return -1;
	a->state = "whole";
	if (step_txn(s, advance_block, a) < 0)
		return -1;
	return step_look(s, look_at_block, a);
}

int
sim_block_create(struct brickyard_executor_instance *sim,
		 const struct brickyard_call *call,
		 const struct brickyard_node *node,
		 const struct brickyard_block *b,
		 struct brickyard_result *result, struct brickyard_error *err)
{
	struct step s = STEP(STEP_BLOCK_CREATE, sim, call, node, err);
	struct block_args a = {
		.b = b, .volume = b->volume, .name = b->name, .result = result,
	};

	return step_perform(&s, 4, create_body, &a);
}

/* ---- info ---- */

static int
info_body(struct step *s, void *arg)
{
	return step_look(s, look_at_block, arg);
}

int
sim_block_info(struct brickyard_executor_instance *sim,
	       const struct brickyard_call *call,
	       const struct brickyard_node *node, const char *volume,
	       const char *name, struct brickyard_result *result,
	       struct brickyard_error *err)
{
	struct step s = STEP(STEP_BLOCK_INFO, sim, call, node, err);
	struct block_args a = {
		.volume = volume, .name = name, .result = result,
	};

	return step_perform(&s, 1, info_body, &a);
}

/* ---- expand ---- */

static int
adopt_block(struct step *s, struct block_args *a)
{
	if (!s->sim->adopt)
		return 0;
	if (sim_adopt_volume(s, a->volume, BHV_COPIES) < 0 ||
	    need_hosting(s, "expand", a) < 0)
		return -1;
	return sim_adopt_block(s, a->on.id, a->name, a->b->hacount);
}

/* The file grows at once; then no portal shows it yet. */
static int
grow_file(struct step *s, void *arg)
{
	struct block_args *a = arg;
	int64_t size = (int64_t)a->b->size_bytes;

	if (adopt_block(s, a) < 0 || need_block(s, "expand", a) < 0)
		return -1;
	if (size < a->row.size_bytes)
		return step_refuse(s, BRICKYARD_ERR_INVALID, "Failed to expand"
				   " block volume: shrink is not supported (see"
				   " logs for details, and retry the"
				   " operation)");
	if (size == a->row.size_bytes)
		return 0;
	if (check_room(s, "expand", a, size - a->row.size_bytes) < 0)
		return -1;
	for (size_t i = 0; i < (size_t)a->row.hacount; i++) {
		if (q_run(s, "INSERT OR IGNORE INTO shortfalls(block, portal,"
			  " size_bytes) VALUES(?,?,?)", "iii", a->row.id,
			  (int64_t)i, a->row.size_bytes) < 0)
			return -1;
	}
	return q_run(s, "UPDATE blocks SET size_bytes=? WHERE id=?", "ii", size,
		     a->row.id);
}

static int
grow_portal(struct step *s, void *arg)
{
	struct block_args *a = arg;

	if (need_block(s, "expand", a) < 0)
		return -1;
	return q_run(s, "DELETE FROM shortfalls WHERE block=? AND portal=?",
		     "ii", a->row.id, (int64_t)a->portal);
}

static int
expand_body(struct step *s, void *arg)
{
	struct block_args *a = arg;

	if (step_txn(s, grow_file, a) < 0)
		return -1;
	for (a->portal = 0; a->portal < (size_t)a->row.hacount; a->portal++)
		if (step_txn(s, grow_portal, a) < 0)
			return -1;
	return 0;
}

int
sim_block_expand(struct brickyard_executor_instance *sim,
		 const struct brickyard_call *call,
		 const struct brickyard_node *node,
		 const struct brickyard_block *b, struct brickyard_error *err)
{
	struct step s = STEP(STEP_BLOCK_EXPAND, sim, call, node, err);
	struct block_args a = { .b = b, .volume = b->volume, .name = b->name };

	return step_perform(&s, 1 + b->nhosts, expand_body, &a);
}

/* ---- destroy ---- */

/* Nothing there, or nothing it could be on: gone already. */
static int
remove_block(struct step *s, void *arg)
{
	struct block_args *a = arg;
	int r;

	if (step_need_glusterd(s) < 0)
		return -1;
	r = sim_find_volume(s, a->volume, &a->on);
	if (r == 1)
		r = find_block(s, a);
	if (r <= 0)
		return r;
	if (strcmp(a->state, "gone") != 0)
		return q_run(s, "UPDATE blocks SET state=? WHERE id=?", "si",
			     a->state, a->row.id);
	if (q_run(s, "DELETE FROM shortfalls WHERE block=?", "i", a->row.id) < 0)
		return -1;
	return q_run(s, "DELETE FROM blocks WHERE id=?", "i", a->row.id);
}

static int
destroy_body(struct step *s, void *arg)
{
	struct block_args *a = arg;

	a->state = "file";
	if (step_txn(s, remove_block, a) < 0)
		return -1;
	a->state = "gone";
	return step_txn(s, remove_block, a);
}

int
sim_block_destroy(struct brickyard_executor_instance *sim,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node, const char *volume,
		  const char *name, struct brickyard_error *err)
{
	struct step s = STEP(STEP_BLOCK_DESTROY, sim, call, node, err);
	struct block_args a = { .volume = volume, .name = name };

	return step_perform(&s, 2, destroy_body, &a);
}
