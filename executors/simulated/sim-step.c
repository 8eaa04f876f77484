/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is the same for every step: its faults and latency, its deadline, the
 * transactions of its sub-steps with the fence, and the word on its failure.
 */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "simulated.h"

#define NAP_MS		10		/* how soon a cancel is seen */
/* Fences of operations long over are of no use: so many are kept. */
#define FENCES_KEPT	INT64_C(262144)

static const char *const step_names[STEP_MAX] = {
	[STEP_NODE_CHECK] = "node_check",
	[STEP_PEER_PROBE] = "peer_probe",
	[STEP_PEER_DETACH] = "peer_detach",
	[STEP_DEVICE_PREPARE] = "device_prepare",
	[STEP_DEVICE_INFO] = "device_info",
	[STEP_DEVICE_TEARDOWN] = "device_teardown",
	[STEP_BRICKS_CREATE] = "bricks_create",
	[STEP_BRICKS_DESTROY] = "bricks_destroy",
	[STEP_VOLUME_CREATE] = "volume_create",
	[STEP_VOLUME_EXPAND] = "volume_expand",
	[STEP_VOLUME_DESTROY] = "volume_destroy",
	[STEP_VOLUME_INFO] = "volume_info",
	[STEP_BLOCK_CREATE] = "block_create",
	[STEP_BLOCK_INFO] = "block_info",
	[STEP_BLOCK_EXPAND] = "block_expand",
	[STEP_BLOCK_DESTROY] = "block_destroy",
	[STEP_HEAL_INFO] = "heal_info",
	[STEP_BRICK_REPLACE] = "brick_replace",
	[STEP_DEVICE_FORGET] = "device_forget",
	[STEP_NODE_EXAMINE] = "node_examine",
	[STEP_VOLUME_CLONE] = "volume_clone",
};

const char *
step_name(enum step_id id)
{
	return step_names[id];
}

enum step_id
step_by_name(const char *name, size_t len)
{
	for (int i = 0; i < STEP_MAX; i++) {
		if (strlen(step_names[i]) == len &&
		    memcmp(step_names[i], name, len) == 0)
			return (enum step_id)i;
	}
	return STEP_MAX;
}

/* A node is who it is to gluster. */
const char *
step_host(const struct brickyard_node *node)
{
	return node->storage_host[0] != '\0' ? node->storage_host
					      : node->manage_host;
}

int64_t
sim_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int
step_refuse(struct step *s, int err_class, const char *fmt, ...)
{
	va_list ap;

	s->err_class = err_class;
	va_start(ap, fmt);
	vsnprintf(s->text, sizeof(s->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
step_check_time(struct step *s)
{
	const struct brickyard_call *call = s->call;

	if (call->cancelled != NULL && call->cancelled(call))
		return step_refuse(s, BRICKYARD_ERR_CANCELLED,
				   "%s on '%s': cancelled", step_name(s->id),
				   s->host);
	if (sim_now_ms() >= call->deadline_ms)
		return step_refuse(s, BRICKYARD_ERR_TIMEOUT,
				   "%s on '%s': timeout", step_name(s->id),
				   s->host);
	return 0;
}

static int
sleep_until(struct step *s, int64_t until_ms)
{
	for (;;) {
		int64_t left = until_ms - sim_now_ms();
		int64_t ours = s->call->deadline_ms - sim_now_ms();
		struct timespec t = { 0, 0 };

		if (step_check_time(s) < 0)
			return -1;
		if (left <= 0)
			return 0;
		left = left < ours ? left : ours;
		left = left < NAP_MS ? left : NAP_MS;
		t.tv_nsec = left > 0 ? left * 1000000L : 0;
		nanosleep(&t, NULL);
	}
}

/* ---- faults ---- */

static int
suffer_hang(struct step *s)
{
	for (;;) {
		if (sleep_until(s, INT64_MAX) < 0)
			return -1;
	}
}

static const char *
usual_words(int err_class)
{
	switch (err_class) {
	case BRICKYARD_ERR_UNREACHABLE:
		return "no route to host";
	case BRICKYARD_ERR_TRANSIENT:
		return "Another transaction is in progress";
	default:
		return "simulated failure";
	}
}

static int
suffer(struct step *s)
{
	const struct fault *f = &s->fault;

	s->suffered = true;
	switch (f->kind) {
	case FAULT_FAIL:
		if (f->text[0] != '\0')
			return step_refuse(s, f->err_class, "%s", f->text);
		return step_refuse(s, f->err_class, "%s on '%s': %s",
				   step_name(s->id), s->host,
				   usual_words(f->err_class));
	case FAULT_HANG:
		return suffer_hang(s);
	case FAULT_EXIT:
		/* As a kill -9 would, with its exit status. */
		_exit(137);
	case FAULT_NONE:
	case FAULT_DOWN:
	case FAULT_OFFLINE:
	case FAULT_PENDING:
		break;
	}
	return 0;
}

static int
suffer_at(struct step *s, enum fault_phase phase)
{
	const struct fault *f = &s->fault;
	unsigned after = f->substeps;

	if (f->kind == FAULT_NONE || f->phase != phase || s->suffered)
		return 0;
	if (phase == PHASE_MID) {
		if (after == 0)
			after = s->total > 1 ? s->total / 2 : 1;
		if (s->done < after)
			return 0;
	}
	return suffer(s);
}

/* ---- latency, spread over the sub-steps ---- */

static int
sleep_share(struct step *s, uint64_t shares)
{
	uint64_t ms = s->sim->latency_ms[s->id];

	if (ms == 0)
		return step_check_time(s);
	if (shares < s->total)
		ms = ms * shares / s->total;
	return sleep_until(s, s->started_ms + (int64_t)ms);
}

int
step_perform(struct step *s, size_t substeps, step_fn *body, void *arg)
{
	int busy = -1;
	int r;

	s->total = substeps > 0 ? (unsigned)substeps : 1;
	s->started_ms = sim_now_ms();
	faults_match(&s->sim->faults, s, &s->fault);
	r = step_check_time(s);
	if (r == 0)
		r = suffer_at(s, PHASE_BEFORE);
	if (r == 0)
		r = busy_begin(s, &busy);
	if (r == 0)
		r = body(s, arg);
	if (r == 0)
		r = suffer_at(s, PHASE_MID);
	if (r == 0)
		r = sleep_share(s, s->total);
	busy_end(busy);
	if (r == 0)
		r = suffer_at(s, PHASE_AFTER);
	if (r < 0 && s->err_class == 0)
		step_refuse(s, BRICKYARD_ERR_PERMANENT, "%s on '%s': the"
			    " database of simulated nodes gave up",
			    step_name(s->id), s->host);
	if (r < 0)
		sim_host->fail(s->error, s->err_class, "%s", s->text);
	return r;
}

/* ---- transactions ---- */

static int
add_node(struct step *s)
{
	int64_t last = 0;

	if (q_number(s, &last, "SELECT max(pool) FROM nodes", "") < 0 ||
	    q_run(s, "INSERT INTO nodes(host, manage, pool) VALUES(?,?,?)",
		  "ssi", s->host, s->manage_host, last + 1) < 0)
		return -1;
	s->node = sqlite3_last_insert_rowid(s->sim->db.handle);
	s->pool = last + 1;
	return 1;
}

/* 1: there it is; 0: never heard of, and not to be added; -1. */
static int
find_node(struct step *s, bool add)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT id, pool, manage FROM"
					   " nodes WHERE host=?", "s", s->host);
	int r = q_next(s, st);
	bool moved;

	if (r == 0 && add)
		return add_node(s);
	if (r <= 0)
		return r;
	s->node = q_int(st, 0);
	s->pool = q_int(st, 1);
	moved = strcmp(q_text(st, 2), s->manage_host) != 0;
	if (moved && add &&
	    q_run(s, "UPDATE nodes SET manage=? WHERE id=?", "si",
		  s->manage_host, s->node) < 0)
		return -1;
	return 1;
}

static int
remember_epoch(struct step *s, int64_t epoch, bool known)
{
	const char *op = s->call->operation_id;
	int64_t id;

	if (known)
		return q_run(s, "UPDATE fences SET epoch=?"
			     " WHERE node=? AND operation=?", "iis", epoch,
			     s->node, op);
	if (q_run(s, "INSERT INTO fences(node, operation, epoch)"
		  " VALUES(?,?,?)", "isi", s->node, op, epoch) < 0)
		return -1;
	id = sqlite3_last_insert_rowid(s->sim->db.handle);
	return q_run(s, "DELETE FROM fences WHERE id=?", "i", id - FENCES_KEPT);
}

static int
check_fence(struct step *s)
{
	const char *op = s->call->operation_id;
	int64_t epoch = (int64_t)s->call->epoch, highest = 0;
	int r;

	if (op == NULL)
		return 0;
	r = q_number(s, &highest, "SELECT epoch FROM fences"
		     " WHERE node=? AND operation=?", "is", s->node, op);
	if (r < 0)
		return -1;
	if (r == 1 && highest == epoch)
		return 0;
	if (r == 1 && highest > epoch)
		return step_refuse(s, BRICKYARD_ERR_FENCED,
				   "%s on '%s': fenced: epoch %lld of operation"
				   " %s is past, it is %lld", step_name(s->id),
				   s->host, (long long)epoch, op,
				   (long long)highest);
	return remember_epoch(s, epoch, r == 1);
}

/* What was refused must leave nothing but the fence, so the change is in a
 * transaction within the transaction.
 */
static int
change(struct step *s, step_fn *fn, void *arg)
{
	if (q_run(s, "SAVEPOINT change", "") < 0)
		return -1;
	if (fn(s, arg) == 0)
		return q_run(s, "RELEASE change", "");
	/* An error of the database may have ended it all already. */
	if (sqlite3_get_autocommit(s->sim->db.handle) == 0)
		sqlite3_exec(s->sim->db.handle, "ROLLBACK TO change", NULL,
			     NULL, NULL);
	return -1;
}

int
step_txn(struct step *s, step_fn *fn, void *arg)
{
	int r = suffer_at(s, PHASE_MID);
	bool keep;

	if (r == 0)
		r = sleep_share(s, (uint64_t)s->done + 1);
	if (r == 0)
		r = db_begin(s, true);
	if (r < 0)
		return -1;
	r = find_node(s, true) < 0 ? -1 : check_fence(s);
	keep = r == 0;
	if (r == 0)
		r = change(s, fn, arg);
	if (sqlite3_get_autocommit(s->sim->db.handle) != 0)
		keep = false;
	if (db_end(s, keep) < 0)
		return -1;
	if (r == 0)
		s->done++;
	return r;
}

/* The transaction of the very first contact, which is a look. */
static int
meet_node(struct step *s)
{
	if (db_begin(s, true) < 0)
		return -1;
	return db_end(s, find_node(s, true) == 1);
}

int
step_learn_pool(struct step *s)
{
	int r;

	if (db_begin(s, false) < 0)
		return -1;
	r = find_node(s, false);
	if (db_end(s, true) < 0 || r < 0)
		return -1;
	return r == 0 ? meet_node(s) : 0;
}

/* To look takes no write lock, so that looks do not wait for writers. */
int
step_look(struct step *s, step_fn *fn, void *arg)
{
	int r = suffer_at(s, PHASE_MID);

	if (r == 0)
		r = sleep_share(s, (uint64_t)s->done + 1);
	if (r == 0)
		r = db_begin(s, false);
	if (r < 0)
		return -1;
	r = find_node(s, false);
	if (r == 0) {
		if (db_end(s, true) < 0 || meet_node(s) < 0 ||
		    db_begin(s, false) < 0)
			return -1;
		r = find_node(s, false);
	}
	r = r == 1 ? fn(s, arg) : -1;
	if (db_end(s, true) < 0)
		return -1;
	if (r == 0)
		s->done++;
	return r;
}

/* ---- glusterd ---- */

bool
sim_is_down(struct step *s, const char *host, const char *manage_host)
{
	const struct sim_list *down = &s->sim->down;

	for (size_t i = 0; i < down->n; i++) {
		if (strcmp(down->v[i].key, host) == 0 ||
		    strcmp(down->v[i].key, manage_host) == 0)
			return true;
	}
	return faults_state(&s->sim->faults, FAULT_DOWN, host, manage_host) != 0;
}

int
step_need_glusterd(struct step *s)
{
	if (!sim_is_down(s, s->host, s->manage_host))
		return 0;
	return step_refuse(s, BRICKYARD_ERR_PERMANENT, "Connection failed."
			   " Please check if gluster daemon is operational.");
}
