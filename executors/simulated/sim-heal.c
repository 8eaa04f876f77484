/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replacing bricks of simulated nodes, and how well they are healed.  A brick is
 * online while glusterd on its node runs, its file system is mounted, and no rule
 * (brick@HOST=offline) says otherwise; files wait to be healed from it for a while
 * after another one of its set was replaced (option heal_ms), or as long as a rule
 * says so (heal@HOST=pending:N).
 */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "simulated.h"

static int64_t
wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- heal_info ---- */

struct heal_args {
	const char *name;
	struct volume_row row;
	struct brickyard_result *result;
};

static int
refuse_no_heal(struct step *s, const char *name)
{
	return step_refuse(s, BRICKYARD_ERR_PERMANENT, "Launching heal operation"
			   " to perform index self heal on volume %s has been"
			   " unsuccessful: this command is supported for only"
			   " volumes of replicate/disperse type. Volume %s is"
			   " not of type replicate/disperse", name, name);
}

static void
give_brick(struct step *s, const struct heal_args *a, sqlite3_stmt *st,
	   int64_t now)
{
	const char *host = q_text(st, 0), *manage = q_text(st, 1);
	struct sim_faults *faults = &s->sim->faults;
	bool mounted = q_int(st, 4) != 0 || s->sim->adopt;
	bool online = mounted && !sim_is_down(s, host, manage) &&
		      faults_state(faults, FAULT_OFFLINE, host, manage) == 0;
	uint64_t entries = faults_state(faults, FAULT_PENDING, host, manage);

	if (entries == 0 && q_int(st, 3) > now)
		entries = 1;
	sim_host->result_next(a->result);
	sim_host->result_str(a->result, "host", host);
	sim_host->result_str(a->result, "path", q_text(st, 2));
	sim_host->result_u64(a->result, "online", online);
	if (online)
		sim_host->result_u64(a->result, "entries", entries);
}

static int
heal_look(struct step *s, void *arg)
{
	struct heal_args *a = arg;
	int64_t now = wall_ms();
	Q_SCOPE sqlite3_stmt *st = NULL;
	int r;

	if (step_need_glusterd(s) < 0 ||
	    sim_need_volume(s, "volume heal", a->name, &a->row) < 0)
		return -1;
	if (strcmp(a->row.kind, "distribute") == 0)
		return refuse_no_heal(s, a->name);
	st = q_start(s, "SELECT n.host, n.manage, b.path, b.healing_until,"
		     " EXISTS (SELECT 1 FROM mounts m WHERE m.node = b.node AND"
		     "  substr(b.path, 1, length(m.point) + 1)"
		     "  = m.point || '/') FROM bricks b"
		     " JOIN nodes n ON n.id = b.node WHERE b.volume=?"
		     " ORDER BY b.n", "i", a->row.id);
	while ((r = q_next(s, st)) == 1)
		give_brick(s, a, st, now);
	return r;
}

static int
heal_body(struct step *s, void *arg)
{
	return step_look(s, heal_look, arg);
}

int
sim_heal_info(struct brickyard_executor_instance *sim,
	      const struct brickyard_call *call,
	      const struct brickyard_node *node, const char *name,
	      struct brickyard_result *result, struct brickyard_error *err)
{
	struct step s = STEP(STEP_HEAL_INFO, sim, call, node, err);
	struct heal_args a = { .name = name, .result = result };

	return step_perform(&s, 1, heal_body, &a);
}

/* ---- brick_replace ---- */

struct replace_args {
	const char *name;
	const struct brickyard_brick_ref *old_brick, *new_brick;
	struct volume_row row;
};

/* 1 and the number of the brick in the volume, 0, or -1. */
static int
find_brick(struct step *s, const struct replace_args *a,
	   const struct brickyard_brick_ref *ref, int64_t *ret)
{
	return q_number(s, ret, "SELECT b.n FROM bricks b JOIN nodes n"
			" ON n.id = b.node WHERE b.volume=? AND n.host=?"
			" AND b.path=?", "iss", a->row.id, ref->host, ref->path);
}

static int
check_volume(struct step *s, const struct replace_args *a)
{
	if (strcmp(a->row.kind, "distribute") == 0)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "volume"
				   " replace-brick: failed: replace-brick is not"
				   " permitted on distribute only volumes. Please"
				   " use add-brick and remove-brick operations"
				   " instead.");
	if (strcmp(a->row.status, "started") != 0)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "volume"
				   " replace-brick: failed: volume: %s is not"
				   " started", a->name);
	return 0;
}

/* The others of the set have what the new one is to get. */
static int
exchange(struct step *s, const struct replace_args *a, int64_t n, int64_t node)
{
	int64_t size = a->row.set_size, first = n - n % size;
	int64_t until = s->sim->heal_ms > 0 ?
			wall_ms() + (int64_t)s->sim->heal_ms : 0;

	if (q_run(s, "UPDATE bricks SET node=?, path=?, healing_until=0"
		  " WHERE volume=? AND n=?", "isii", node, a->new_brick->path,
		  a->row.id, n) < 0)
		return -1;
	return q_run(s, "UPDATE bricks SET healing_until=max(healing_until, ?)"
		     " WHERE volume=? AND n>=? AND n<? AND n<>?", "iiiii", until,
		     a->row.id, first, first + size, n);
}

static int
replace_txn(struct step *s, void *arg)
{
	struct replace_args *a = arg;
	int64_t n = 0, done = 0, node = 0;
	int old, new_;

	if (step_need_glusterd(s) < 0 ||
	    sim_need_volume(s, "volume replace-brick", a->name, &a->row) < 0)
		return -1;
	old = find_brick(s, a, a->old_brick, &n);
	new_ = find_brick(s, a, a->new_brick, &done);
	if (old < 0 || new_ < 0)
		return -1;
	if (old == 0 && new_ == 1)
		return 0;
	if (old == 0)
		return step_refuse(s, BRICKYARD_ERR_NOTFOUND, "volume"
				   " replace-brick: failed: brick: %s:%s does"
				   " not exist in volume: %s",
				   a->old_brick->host, a->old_brick->path,
				   a->name);
	if (check_volume(s, a) < 0 ||
	    sim_claim_brick(s, "volume replace-brick", &a->row, a->new_brick,
			    &node) < 0)
		return -1;
	return exchange(s, a, n, node);
}

static int
replace_body(struct step *s, void *arg)
{
	return step_txn(s, replace_txn, arg);
}

int
sim_brick_replace(struct brickyard_executor_instance *sim,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node, const char *name,
		  const struct brickyard_brick_ref *old_brick,
		  const struct brickyard_brick_ref *new_brick,
		  struct brickyard_error *err)
{
	struct step s = STEP(STEP_BRICK_REPLACE, sim, call, node, err);
	struct replace_args a = {
		.name = name,
		.old_brick = old_brick,
		.new_brick = new_brick,
	};

	return step_perform(&s, 1, replace_body, &a);
}
