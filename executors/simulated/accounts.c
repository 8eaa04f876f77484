/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard-simulated: prints and checks the accounts of simulated nodes that
 * live in a file.  It only reads, in one transaction, so it sees one moment
 * also while daemons work on the file.
 */
#include <config.h>

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sqlite3.h>

#include "sim-schema.h"

#define BUSY_MS		10000

#define EXIT_PROBLEMS	1
#define EXIT_UNABLE	2

#define AUTO_QUERY __attribute__((__cleanup__(query_release))) struct query

struct query {
	sqlite3 *db;
	sqlite3_stmt *stmt;
};

static void __attribute__((__noreturn__))
die(sqlite3 *db)
{
	fprintf(stderr, "brickyard-simulated: %s\n",
		db != NULL ? sqlite3_errmsg(db) : "out of memory");
	exit(EXIT_UNABLE);
}

static void
query_release(struct query *q)
{
	sqlite3_finalize(q->stmt);
}

/* A statement with at most one argument, a row's id. */
static struct query
query(sqlite3 *db, const char *sql, int64_t id)
{
	struct query q = { db, NULL };

	if (sqlite3_prepare_v2(db, sql, -1, &q.stmt, NULL) != SQLITE_OK)
		die(db);
	if (sqlite3_bind_parameter_count(q.stmt) > 0)
		sqlite3_bind_int64(q.stmt, 1, id);
	return q;
}

static bool
next(struct query *q)
{
	int r = sqlite3_step(q->stmt);

	if (r != SQLITE_ROW && r != SQLITE_DONE)
		die(q->db);
	return r == SQLITE_ROW;
}

static const char *
text(const struct query *q, int column)
{
	const char *t = (const char *)sqlite3_column_text(q->stmt, column);

	return t != NULL ? t : "";
}

static int64_t
number(const struct query *q, int column)
{
	return sqlite3_column_int64(q->stmt, column);
}

/* ---- JSON ---- */

static json_t *
made(json_t *j)
{
	if (j == NULL)
		die(NULL);
	return j;
}

static void
put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		die(NULL);
}

static json_t *
column_json(const struct query *q, int i)
{
	switch (sqlite3_column_type(q->stmt, i)) {
	case SQLITE_NULL:
		return json_null();
	case SQLITE_INTEGER:
		return made(json_integer(number(q, i)));
	default:
		return made(json_string(text(q, i)));
	}
}

/* The columns from the second one on, by their names. */
static json_t *
row_json(const struct query *q)
{
	json_t *object = made(json_object());

	for (int i = 1; i < sqlite3_column_count(q->stmt); i++)
		put(object, sqlite3_column_name(q->stmt, i), column_json(q, i));
	return object;
}

/* An object: the first column is the key, the others are the value. */
static json_t *
objects(sqlite3 *db, const char *sql, int64_t id)
{
	json_t *all = made(json_object());
	AUTO_QUERY q = query(db, sql, id);

	while (next(&q))
		put(all, text(&q, 0), row_json(&q));
	return all;
}

/* An object of two columns; and an array of one. */
static json_t *
pairs(sqlite3 *db, const char *sql, int64_t id)
{
	json_t *all = made(json_object());
	AUTO_QUERY q = query(db, sql, id);

	while (next(&q))
		put(all, text(&q, 0), column_json(&q, 1));
	return all;
}

static json_t *
strings(sqlite3 *db, const char *sql, int64_t id)
{
	json_t *all = made(json_array());
	AUTO_QUERY q = query(db, sql, id);

	while (next(&q)) {
		if (json_array_append_new(all, column_json(&q, 0)) < 0)
			die(NULL);
	}
	return all;
}

/* ---- accounts ---- */

typedef json_t *part_fn(sqlite3 *, const char *sql, int64_t id);

/* What is said of a node, and of a volume: ?1 is its row's id. */
struct part {
	const char *name;
	part_fn *fn;
	const char *sql;
};

static const struct part node_parts[] = {
	{ "disks", objects,
	  "SELECT name, CASE kind WHEN 1 THEN 'block' ELSE 'directory' END"
	  " AS kind, size_bytes, nullif(contents, '') AS contents, vg,"
	  " CASE pv WHEN 1 THEN 'yes' ELSE 'no' END AS prepared, pv_uuid"
	  " FROM devices WHERE node=?" },
	{ "vgs", objects,
	  "SELECT vg, name AS disk, extent_bytes, extents, free_extents,"
	  " extents * extent_bytes AS total_bytes,"
	  " free_extents * extent_bytes AS free_bytes FROM devices"
	  " WHERE node=? AND vg IS NOT NULL" },
	{ "pools", objects,
	  "SELECT d.vg || '/' || p.name, p.data_bytes, p.metadata_bytes,"
	  " p.extents FROM devices d JOIN pools p ON p.device = d.id"
	  " WHERE d.node=?" },
	{ "lvs", objects,
	  "SELECT d.vg || '/' || l.name, p.name AS pool, l.size_bytes,"
	  " l.brick, l.fs, l.dir, l.gid FROM devices d"
	  " JOIN lvs l ON l.device = d.id LEFT JOIN pools p ON p.id = l.pool"
	  " WHERE d.node=? AND d.kind = 1" },
	{ "images", objects,
	  "SELECT d.name || '/' || d.vg || '/' || l.name || '.img', l.extents,"
	  " l.size_bytes, l.brick, l.fs, l.dir, l.gid FROM devices d"
	  " JOIN lvs l ON l.device = d.id WHERE d.node=? AND d.kind <> 1" },
	{ "mounts", pairs, "SELECT point, source FROM mounts WHERE node=?" },
	{ "fstab", strings, "SELECT line FROM fstab WHERE node=? ORDER BY id" },
	{ "peers", strings,
	  "SELECT p.host FROM nodes n JOIN nodes p ON p.pool = n.pool"
	  " WHERE n.id=? AND p.id <> n.id ORDER BY p.host" },
	{ NULL, NULL, NULL },
};

static const struct part volume_parts[] = {
	{ "bricks", strings,
	  "SELECT n.host || ':' || b.path FROM bricks b"
	  " JOIN nodes n ON n.id = b.node WHERE b.volume=? ORDER BY b.n" },
	{ "options", pairs, "SELECT name, value FROM options WHERE volume=?" },
	{ "blocks", objects,
	  "SELECT name, size_bytes, hacount, auth, hosts, state,"
	  " ifnull((SELECT min(size_bytes) FROM shortfalls WHERE block = b.id),"
	  " size_bytes) AS usable_bytes FROM blocks b WHERE volume=?" },
	{ NULL, NULL, NULL },
};

static void
put_parts(json_t *object, sqlite3 *db, const struct part *p, int64_t id)
{
	for (; p->name != NULL; p++)
		put(object, p->name, p->fn(db, p->sql, id));
}

static json_t *
nodes(sqlite3 *db)
{
	json_t *all = made(json_object());
	AUTO_QUERY q = query(db, "SELECT id, host, manage FROM nodes", 0);

	while (next(&q)) {
		json_t *node = made(json_object());

		put(node, "manage_host", column_json(&q, 2));
		put_parts(node, db, node_parts, number(&q, 0));
		put(all, text(&q, 1), node);
	}
	return all;
}

/* Names of volumes are unique in a trusted pool only: hence an array. */
static json_t *
volumes(sqlite3 *db)
{
	json_t *all = made(json_array());
	AUTO_QUERY q = query(db,
		"SELECT v.id, v.name, v.uuid AS gluster_id, v.status, v.kind,"
		" v.words, v.set_size, v.rebalanced,"
		" (SELECT min(host) FROM nodes WHERE pool = v.pool) AS pool"
		" FROM volumes v ORDER BY 2, 9", 0);

	while (next(&q)) {
		json_t *v = row_json(&q);

		put_parts(v, db, volume_parts, number(&q, 0));
		if (json_array_append_new(all, v) < 0)
			die(NULL);
	}
	return all;
}

static int
print_accounts(sqlite3 *db)
{
	json_t *all = made(json_object());

	put(all, "nodes", nodes(db));
	put(all, "volumes", volumes(db));
	if (json_dumpf(all, stdout, JSON_SORT_KEYS | JSON_INDENT(2)) < 0)
		die(NULL);
	putchar('\n');
	json_decref(all);
	return EXIT_SUCCESS;
}

/* ---- check ---- */

/* What glusterd mounts itself is not in fstab. */
#define NOT_A_CLONE "m.point NOT LIKE '/run/gluster/snaps/%'"

/* Each gives a line for every problem.  What a killed process left half made
 * is one, too: nobody is to leave that for good.
 */
static const char *const checks[] = {
	"SELECT integrity_check FROM pragma_integrity_check"
	" WHERE integrity_check <> 'ok'",

	"SELECT \"table\" || ': row ' || ifnull(rowid, '?') || ' refers to"
	" something in ' || parent || ' that is not there'"
	" FROM pragma_foreign_key_check",

	"SELECT n.host || ': disk ' || d.name || ' has a PV but no VG'"
	" FROM devices d JOIN nodes n ON n.id = d.node"
	" WHERE d.pv AND d.vg IS NULL",

	"SELECT n.host || ': VG ' || d.vg || ' has no PV' FROM devices d"
	" JOIN nodes n ON n.id = d.node WHERE d.vg IS NOT NULL AND NOT d.pv",

	"SELECT n.host || ': VG ' || d.vg || ' has ' || d.free_extents ||"
	" ' free extents of ' || d.extents || ', but ' || (u.pools + u.images)"
	" || ' are used' FROM devices d JOIN nodes n ON n.id = d.node JOIN ("
	"  SELECT id, (SELECT ifnull(sum(extents), 0) FROM pools"
	"   WHERE device = e.id) AS pools, (SELECT ifnull(sum(extents), 0)"
	"   FROM lvs WHERE device = e.id) AS images FROM devices e) u"
	" ON u.id = d.id WHERE d.vg IS NOT NULL AND (d.free_extents < 0"
	" OR d.free_extents + u.pools + u.images <> d.extents)",

	"SELECT n.host || ': pool ' || d.vg || '/' || p.name || ' has ' ||"
	" p.extents || ' extents, which is not its size' FROM pools p"
	" JOIN devices d ON d.id = p.device JOIN nodes n ON n.id = d.node"
	" WHERE p.extents <> (p.data_bytes + d.extent_bytes - 1)"
	"  / d.extent_bytes + max(1, (p.metadata_bytes + d.extent_bytes - 1)"
	"  / d.extent_bytes)",

	"SELECT n.host || ': pool ' || d.vg || '/' || p.name || ' has no LV'"
	" FROM pools p JOIN devices d ON d.id = p.device"
	" JOIN nodes n ON n.id = d.node"
	" WHERE NOT EXISTS (SELECT 1 FROM lvs WHERE pool = p.id)",

	"SELECT n.host || ': LV ' || d.vg || '/' || l.name || ' has no pool in"
	" its VG' FROM lvs l JOIN devices d ON d.id = l.device"
	" JOIN nodes n ON n.id = d.node LEFT JOIN pools p ON p.id = l.pool"
	" WHERE d.kind = 1 AND (p.id IS NULL OR p.device <> l.device"
	"  OR l.extents <> 0)",

	"SELECT n.host || ': image ' || d.vg || '/' || l.name || ' has a pool,"
	" or not the extents of its size' FROM lvs l JOIN devices d"
	" ON d.id = l.device JOIN nodes n ON n.id = d.node WHERE d.kind <> 1"
	" AND (l.pool IS NOT NULL OR l.extents <>"
	"  (l.size_bytes + d.extent_bytes - 1) / d.extent_bytes)",

	"SELECT n.host || ': LV ' || d.vg || '/' || l.name || CASE"
	"  WHEN l.fs IS NULL THEN ' has no file system'"
	"  WHEN f.id IS NULL THEN ' has no line in fstab'"
	"  WHEN m.lv IS NULL THEN ' is not mounted'"
	"  ELSE ' has no directory for its brick' END"
	" FROM lvs l JOIN devices d ON d.id = l.device"
	" JOIN nodes n ON n.id = d.node LEFT JOIN mounts m ON m.lv = l.id"
	" LEFT JOIN fstab f ON f.node = d.node AND f.source = CASE d.kind"
	"  WHEN 1 THEN '/dev/mapper/' || d.vg || '-' || l.name"
	"  ELSE d.name || '/' || d.vg || '/' || l.name || '.img' END"
	" WHERE l.fs IS NULL OR m.lv IS NULL OR l.dir IS NULL"
	"  OR (f.id IS NULL AND " NOT_A_CLONE ")"
	"  OR substr(l.dir, 1, length(m.point) + 1) <> m.point || '/'",

	"SELECT n.host || ': mount ' || m.point || ' of ' || m.source || CASE"
	"  WHEN f.id IS NULL THEN ' has no line in fstab'"
	"  ELSE ' has another line in fstab: ' || f.source END"
	" FROM mounts m JOIN nodes n ON n.id = m.node"
	" LEFT JOIN fstab f ON f.node = m.node AND f.point = m.point"
	" WHERE (f.id IS NULL AND " NOT_A_CLONE ") OR f.source <> m.source",

	"SELECT 'snapshot ' || name || ' of volume ' || volume || ' is left'"
	" FROM snapshots",

	"SELECT n.host || ': mount ' || m.point || ' of ' || m.source || ' is"
	" not of LV ' || d.vg || '/' || l.name FROM mounts m"
	" JOIN nodes n ON n.id = m.node JOIN lvs l ON l.id = m.lv"
	" JOIN devices d ON d.id = l.device WHERE d.node <> m.node"
	"  OR m.source <> CASE d.kind"
	"  WHEN 1 THEN '/dev/mapper/' || d.vg || '-' || l.name"
	"  ELSE d.name || '/' || d.vg || '/' || l.name || '.img' END",

	"SELECT n.host || ': fstab line for ' || f.point || ' is of nothing"
	" mounted' FROM fstab f JOIN nodes n ON n.id = f.node WHERE NOT EXISTS"
	" (SELECT 1 FROM mounts m WHERE m.node = f.node AND m.point = f.point)",

	"SELECT 'volume ' || v.name || ': brick ' || n.host || ':' || b.path ||"
	" ' is on no peer' FROM bricks b JOIN volumes v ON v.id = b.volume"
	" JOIN nodes n ON n.id = b.node WHERE n.pool <> v.pool",

	"SELECT 'volume ' || v.name || ': brick ' || n.host || ':' || b.path ||"
	" ' is not mounted, or another volume''s' FROM bricks b"
	" JOIN volumes v ON v.id = b.volume JOIN nodes n ON n.id = b.node"
	" WHERE NOT EXISTS (SELECT 1 FROM lvs l JOIN mounts m ON m.lv = l.id"
	"  JOIN devices d ON d.id = l.device WHERE m.node = b.node"
	"  AND d.node = b.node AND l.marked = v.uuid AND"
	"  substr(b.path, 1, length(m.point) + 1) = m.point || '/')",

	"SELECT 'volume ' || v.name || ': has ' || c.n || ' bricks, numbered"
	" up to ' || c.last || ', in sets of ' || v.set_size || ', where ' ||"
	" v.nbricks || ' are noted' FROM volumes v JOIN ("
	"  SELECT w.id, count(b.n) AS n, ifnull(max(b.n) + 1, 0) AS last"
	"  FROM volumes w LEFT JOIN bricks b ON b.volume = w.id"
	"  GROUP BY w.id) c ON c.id = v.id"
	" WHERE c.n <> v.nbricks OR c.last <> c.n OR c.n = 0"
	"  OR c.n % v.set_size <> 0",

	"SELECT 'block volume ' || v.name || '/' || b.name || ': is ' || b.state"
	" || ', not whole' FROM blocks b JOIN volumes v ON v.id = b.volume"
	" WHERE b.state <> 'whole'",

	"SELECT 'volume ' || name || ': is ' || status || ', not started'"
	" FROM volumes WHERE status <> 'started'",

	"SELECT 'volume ' || v.name || ': is in a pool without nodes'"
	" FROM volumes v WHERE NOT EXISTS"
	" (SELECT 1 FROM nodes WHERE pool = v.pool)",
};

static int
print_problems(sqlite3 *db)
{
	bool any = false;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		AUTO_QUERY q = query(db, checks[i], 0);

		while (next(&q)) {
			puts(text(&q, 0));
			any = true;
		}
	}
	return any ? EXIT_PROBLEMS : EXIT_SUCCESS;
}

/* ---- the command ---- */

static const struct command {
	const char *name;
	int (*fn)(sqlite3 *);
} commands[] = {
	{ "accounts", print_accounts },
	{ "check", print_problems },
};

static const char usage[] =
	"Usage: brickyard-simulated accounts FILE\n"
	"       brickyard-simulated check FILE\n"
	"\n"
	"The nodes that the executor 'simulated' keeps in FILE (its option"
	" state_file).\n"
	"\n"
	"  accounts   print what they hold, as one JSON document\n"
	"  check      print what does not fit together; exit with 1 if"
	" anything\n"
	"  --help     print this\n"
	"  --version  print the version\n";

static sqlite3 *
open_accounts(const char *path)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		die(db);
	sqlite3_busy_timeout(db, BUSY_MS);
	if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		die(db);
	{
		AUTO_QUERY q = query(db, "SELECT application_id, user_version"
				     " FROM pragma_application_id,"
				     " pragma_user_version", 0);

		if (next(&q) && number(&q, 0) == SIM_APPLICATION_ID &&
		    number(&q, 1) == SIM_SCHEMA_VERSION)
			return db;
	}
	fprintf(stderr, "brickyard-simulated: '%s' holds no simulated nodes"
		" of this version\n", path);
	exit(EXIT_UNABLE);
}

static int
run_command(int (*fn)(sqlite3 *), const char *path)
{
	sqlite3 *db = open_accounts(path);
	int r = fn(db);

	sqlite3_close(db);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("brickyard-simulated: stdout");
		return EXIT_UNABLE;
	}
	return r;
}

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "hV", long_options, NULL)) != -1) {
		switch (c) {
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("brickyard-simulated " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_UNABLE;
		}
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (argc - optind == 2 &&
		    strcmp(argv[optind], commands[i].name) == 0)
			return run_command(commands[i].fn, argv[optind + 1]);
	}
	fputs(usage, stderr);
	return EXIT_UNABLE;
}
