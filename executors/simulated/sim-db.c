/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database of simulated nodes: one connection, to memory or to a file that
 * other processes use as well.
 *
 * The file is in WAL mode and is never synced: that loses nothing when a
 * process is killed, which is all that is asked for, and costs little.
 *
 * One thread at a time is past the gate and has a transaction open.  A gate,
 * not a mutex held all the while, so that those who wait for it still see
 * their deadline and that they are cancelled.
 */
#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim-schema.h"
#include "simulated.h"

#define OPEN_TRIES	5000		/* of about a millisecond */
#define GATE_SLICE_MS	20

static void
nap_us(long us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

/* Another process writes.  The longer it takes, the longer the naps, each
 * process with others, so that none is starved by a regular pattern.
 */
static int
busy(void *arg, int n)
{
	struct sim_db *db = arg;
	unsigned noise = 0;

	if (db->user == NULL ? n > OPEN_TRIES : step_check_time(db->user) < 0)
		return 0;
	sqlite3_randomness(sizeof(noise), &noise);
	nap_us((n < 8 ? 100 : 500) + noise % 500);
	return 1;
}

static int
open_failed(struct sim_db *db, struct brickyard_error *err)
{
	sim_host->fail(err, BRICKYARD_ERR_PERMANENT,
		       "simulated nodes in '%s': %s",
		       db->file != NULL ? db->file : "memory",
		       db->handle != NULL ? sqlite3_errmsg(db->handle)
					  : "out of memory");
	return -1;
}

/* For SQLite, a change to WAL mode and its first use are races that the busy
 * handler is not asked about: try again here.
 */
static int
exec_patiently(struct sim_db *db, const char *sql)
{
	int r = SQLITE_BUSY;

	for (int i = 0; i < OPEN_TRIES && (r & 0xff) == SQLITE_BUSY; i++) {
		if (i > 0)
			nap_us(1000);
		r = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	}
	return r == SQLITE_OK ? 0 : -1;
}

static int
ask_number(struct sim_db *db, const char *sql, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int r = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_step(stmt);
	if (r == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return r == SQLITE_ROW ? 0 : -1;
}

/* Ours, empty (then ours to be), or somebody's: see that before writing. */
static int
check_owner(struct sim_db *db, bool *ret_fresh, struct brickyard_error *err)
{
	int64_t app = 0, version = 0, tables = 0;

	if (ask_number(db, "PRAGMA application_id", &app) < 0 ||
	    ask_number(db, "PRAGMA user_version", &version) < 0 ||
	    ask_number(db, "SELECT count(*) FROM sqlite_master", &tables) < 0)
		return open_failed(db, err);
	*ret_fresh = app == 0 && tables == 0;
	if (*ret_fresh ||
	    (app == SIM_APPLICATION_ID && version == SIM_SCHEMA_VERSION))
		return 0;
	sim_host->fail(err, BRICKYARD_ERR_INVALID, app == SIM_APPLICATION_ID ?
		       "simulated nodes in '%s': made by another version" :
		       "simulated nodes in '%s': it is another database",
		       db->file != NULL ? db->file : "memory");
	return -1;
}

static int
make_tables(struct sim_db *db)
{
	char ours[96];

	snprintf(ours, sizeof(ours), "PRAGMA application_id=%d;"
		 "PRAGMA user_version=%d;", SIM_APPLICATION_ID,
		 SIM_SCHEMA_VERSION);
	return sqlite3_exec(db->handle, sim_schema, NULL, NULL, NULL) |
	       sqlite3_exec(db->handle, ours, NULL, NULL, NULL) ? -1 : 0;
}

static int
set_up(struct sim_db *db, struct brickyard_error *err)
{
	bool fresh;

	sqlite3_busy_handler(db->handle, busy, db);
	if (check_owner(db, &fresh, err) < 0)
		return -1;
	if (db->file != NULL &&
	    (exec_patiently(db, "PRAGMA journal_mode=WAL") < 0 ||
	     exec_patiently(db, "PRAGMA synchronous=OFF") < 0 ||
	     exec_patiently(db, "PRAGMA cache_size=-16384") < 0))
		return open_failed(db, err);
	if (!fresh)
		return 0;
	if (exec_patiently(db, "BEGIN IMMEDIATE") < 0)
		return open_failed(db, err);
	if (check_owner(db, &fresh, err) < 0)
		return -1;
	if ((fresh && make_tables(db) < 0) || exec_patiently(db, "COMMIT") < 0)
		return open_failed(db, err);
	return 0;
}

static int
init_gate(struct sim_db *db)
{
	pthread_condattr_t attr;

	if (pthread_condattr_init(&attr) != 0)
		return -1;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&db->lock, NULL);
	pthread_cond_init(&db->left, &attr);
	pthread_condattr_destroy(&attr);
	return 0;
}

/* After a failure too, db_close() is called. */
int
db_open(struct sim_db *db, const char *file, struct brickyard_error *err)
{
	int r;

	if (init_gate(db) < 0)
		return open_failed(db, err);
	if (file != NULL) {
		db->file = strdup(file);
		if (db->file == NULL)
			return open_failed(db, err);
	}
	r = sqlite3_open_v2(file != NULL ? file : ":memory:", &db->handle,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			    SQLITE_OPEN_NOMUTEX, NULL);
	if (r != SQLITE_OK)
		return open_failed(db, err);
	return set_up(db, err);
}

void
db_close(struct sim_db *db)
{
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(db->statements[i].stmt);
	sqlite3_close(db->handle);
	pthread_cond_destroy(&db->left);
	pthread_mutex_destroy(&db->lock);
	free(db->file);
}

/* ---- the gate ---- */

static void
wait_a_slice(struct sim_db *db)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += GATE_SLICE_MS * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_nsec -= 1000000000L;
		t.tv_sec++;
	}
	pthread_cond_timedwait(&db->left, &db->lock, &t);
}

static int
gate_pass(struct step *s)
{
	struct sim_db *db = &s->sim->db;
	int r = 0;

	pthread_mutex_lock(&db->lock);
	while (db->taken && r == 0) {
		wait_a_slice(db);
		r = step_check_time(s);
	}
	if (r == 0)
		db->taken = true;
	else		/* the signal may have been meant for this thread */
		pthread_cond_signal(&db->left);
	pthread_mutex_unlock(&db->lock);
	if (r == 0)
		db->user = s;
	return r;
}

static void
gate_leave(struct step *s)
{
	struct sim_db *db = &s->sim->db;

	db->user = NULL;
	pthread_mutex_lock(&db->lock);
	db->taken = false;
	pthread_cond_signal(&db->left);
	pthread_mutex_unlock(&db->lock);
}

/* ---- statements ---- */

static int
db_failed(struct step *s)
{
	struct sim_db *db = &s->sim->db;
	int code = sqlite3_errcode(db->handle);

	/* Then the busy handler gave up, and has said why. */
	if ((code & 0xff) == SQLITE_BUSY && s->err_class != 0)
		return -1;
	return step_refuse(s, (code & 0xff) == SQLITE_BUSY ?
			   BRICKYARD_ERR_TRANSIENT : BRICKYARD_ERR_PERMANENT,
			   "simulated nodes in '%s': %s",
			   db->file != NULL ? db->file : "memory",
			   sqlite3_errmsg(db->handle));
}

/* NULL when it can't be prepared. */
static sqlite3_stmt *
statement(struct sim_db *db, const char *sql)
{
	size_t i = ((uintptr_t)sql >> 3) & (STATEMENTS - 1);
	struct statement *st = &db->statements[i];

	for (size_t n = 0; n < STATEMENTS && st->sql != NULL; n++) {
		if (st->sql == sql)
			return st->stmt;
		i = (i + 1) & (STATEMENTS - 1);
		st = &db->statements[i];
	}
	if (st->sql != NULL)
		return NULL;
	if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
			       &st->stmt, NULL) != SQLITE_OK)
		return NULL;
	st->sql = sql;
	return st->stmt;
}

static sqlite3_stmt *
start(struct step *s, const char *sql, const char *types, va_list ap)
{
	sqlite3_stmt *stmt = statement(&s->sim->db, sql);
	int r = SQLITE_OK;

	if (stmt == NULL) {
		db_failed(s);
		return NULL;
	}
	for (int i = 1; *types != '\0'; types++, i++) {
		if (*types == 'i')
			r |= sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
		else
			r |= sqlite3_bind_text(stmt, i,
					       va_arg(ap, const char *), -1,
					       SQLITE_STATIC);
	}
	if (r == SQLITE_OK)
		return stmt;
	db_failed(s);
	return NULL;
}

sqlite3_stmt *
q_start(struct step *s, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;

	va_start(ap, types);
	stmt = start(s, sql, types, ap);
	va_end(ap);
	return stmt;
}

int
q_next(struct step *s, sqlite3_stmt *stmt)
{
	int r;

	if (stmt == NULL)
		return -1;
	r = sqlite3_step(stmt);
	if (r == SQLITE_ROW)
		return 1;
	return r == SQLITE_DONE ? 0 : db_failed(s);
}

void
q_release(sqlite3_stmt **stmt)
{
	if (*stmt != NULL)
		sqlite3_reset(*stmt);
}

int
q_run(struct step *s, const char *sql, const char *types, ...)
{
	Q_SCOPE sqlite3_stmt *stmt = NULL;
	va_list ap;

	va_start(ap, types);
	stmt = start(s, sql, types, ap);
	va_end(ap);
	return q_next(s, stmt) < 0 ? -1 : 0;
}

int
q_number(struct step *s, int64_t *ret, const char *sql, const char *types, ...)
{
	Q_SCOPE sqlite3_stmt *stmt = NULL;
	va_list ap;
	int r;

	va_start(ap, types);
	stmt = start(s, sql, types, ap);
	va_end(ap);
	r = q_next(s, stmt);
	if (r == 1)
		*ret = sqlite3_column_int64(stmt, 0);
	return r;
}

const char *
q_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text != NULL ? text : "";
}

int64_t
q_int(sqlite3_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt, column);
}

/* ---- transactions ---- */

int
db_begin(struct step *s, bool write)
{
	int r;

	if (gate_pass(s) < 0)
		return -1;
	r = write ? q_run(s, "BEGIN IMMEDIATE", "") : q_run(s, "BEGIN", "");
	if (r < 0)
		gate_leave(s);
	return r;
}

/* A transaction that can't be kept is gone: nothing was done. */
int
db_end(struct step *s, bool keep)
{
	int r = keep ? q_run(s, "COMMIT", "") : -1;

	if (r < 0 && sqlite3_get_autocommit(s->sim->db.handle) == 0)
		sqlite3_exec(s->sim->db.handle, "ROLLBACK", NULL, NULL, NULL);
	gate_leave(s);
	return r;
}
