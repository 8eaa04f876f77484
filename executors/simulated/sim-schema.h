/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables in which simulated nodes live.  Shared by the plug-in, which makes
 * them, and brickyard-simulated, which reads them.
 */
#ifndef SIM_SCHEMA_H
#define SIM_SCHEMA_H

/* PRAGMA application_id: "BrSn", so that no other database is taken for ours
 * and written into.
 */
#define SIM_APPLICATION_ID	0x4272536e
#define SIM_SCHEMA_VERSION	2

/* References are declared for PRAGMA foreign_key_check, not enforced. */
static const char sim_schema[] =
	/* pool: the trusted storage pool; who shares the number is a peer. */
	"CREATE TABLE nodes (id INTEGER PRIMARY KEY, host TEXT NOT NULL UNIQUE,"
	" manage TEXT NOT NULL, pool INTEGER NOT NULL);"
	"CREATE INDEX nodes_pool ON nodes(pool);"

	/* Disks and directories.  contents: what somebody else has put there;
	 * pv: is a PV (or has the directory's marker); vg: NULL until vgcreate.
	 */
	"CREATE TABLE devices (id INTEGER PRIMARY KEY,"
	" node INTEGER NOT NULL REFERENCES nodes(id), name TEXT NOT NULL,"
	" kind INTEGER NOT NULL, size_bytes INTEGER NOT NULL,"
	" contents TEXT NOT NULL, pv INTEGER NOT NULL DEFAULT 0, pv_uuid TEXT,"
	" vg TEXT, extent_bytes INTEGER, extents INTEGER, free_extents INTEGER,"
	" UNIQUE(node, name), UNIQUE(node, vg));"

	"CREATE TABLE pools (id INTEGER PRIMARY KEY,"
	" device INTEGER NOT NULL REFERENCES devices(id), name TEXT NOT NULL,"
	" data_bytes INTEGER NOT NULL, metadata_bytes INTEGER NOT NULL,"
	" extents INTEGER NOT NULL, UNIQUE(device, name));"

	/* What a file system can be on: thin LVs; and images, which have no
	 * pool but extents of their own.  dir: the brick's directory, marked:
	 * the gluster volume that has (or had) it, as the xattr on a real one.
	 */
	"CREATE TABLE lvs (id INTEGER PRIMARY KEY,"
	" device INTEGER NOT NULL REFERENCES devices(id), name TEXT NOT NULL,"
	" pool INTEGER REFERENCES pools(id), size_bytes INTEGER NOT NULL,"
	" extents INTEGER NOT NULL, brick TEXT NOT NULL, fs TEXT, dir TEXT,"
	" gid INTEGER NOT NULL DEFAULT 0, marked TEXT, UNIQUE(device, name));"
	"CREATE INDEX lvs_pool ON lvs(pool);"

	"CREATE TABLE mounts ("
	" node INTEGER NOT NULL REFERENCES nodes(id), point TEXT NOT NULL,"
	" source TEXT NOT NULL, lv INTEGER NOT NULL UNIQUE REFERENCES lvs(id),"
	" PRIMARY KEY(node, point)) WITHOUT ROWID;"
	"CREATE TABLE fstab (id INTEGER PRIMARY KEY,"
	" node INTEGER NOT NULL REFERENCES nodes(id), point TEXT NOT NULL,"
	" source TEXT NOT NULL, line TEXT NOT NULL, UNIQUE(node, point));"

	/* rebalanced: how many bricks it had at the last rebalance; origin: the
	 * uuid of the volume that it is a clone of.
	 */
	"CREATE TABLE volumes (id INTEGER PRIMARY KEY, pool INTEGER NOT NULL,"
	" name TEXT NOT NULL, uuid TEXT NOT NULL, status TEXT NOT NULL,"
	" kind TEXT NOT NULL, words TEXT NOT NULL, set_size INTEGER NOT NULL,"
	" nbricks INTEGER NOT NULL DEFAULT 0,"
	" rebalanced INTEGER NOT NULL DEFAULT 0, origin TEXT,"
	" UNIQUE(pool, name));"
	"CREATE TABLE snapshots (pool INTEGER NOT NULL, name TEXT NOT NULL,"
	" volume TEXT NOT NULL, PRIMARY KEY(pool, name)) WITHOUT ROWID;"
	"CREATE TABLE options ("
	" volume INTEGER NOT NULL REFERENCES volumes(id), name TEXT NOT NULL,"
	" value TEXT NOT NULL, PRIMARY KEY(volume, name)) WITHOUT ROWID;"
	/* healing_until: wall time in ms until which others are healed from it. */
	"CREATE TABLE bricks ("
	" volume INTEGER NOT NULL REFERENCES volumes(id), n INTEGER NOT NULL,"
	" node INTEGER NOT NULL REFERENCES nodes(id), path TEXT NOT NULL,"
	" healing_until INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY(volume, n), UNIQUE(node, path)) WITHOUT ROWID;"

	/* Block volumes, which hosts export them, and the portals that still
	 * show less than there is.
	 */
	"CREATE TABLE blocks (id INTEGER PRIMARY KEY,"
	" volume INTEGER NOT NULL REFERENCES volumes(id), name TEXT NOT NULL,"
	" size_bytes INTEGER NOT NULL, hacount INTEGER NOT NULL,"
	" auth INTEGER NOT NULL, hosts TEXT NOT NULL, state TEXT NOT NULL,"
	" UNIQUE(volume, name));"
	"CREATE TABLE shortfalls ("
	" block INTEGER NOT NULL REFERENCES blocks(id),"
	" portal INTEGER NOT NULL, size_bytes INTEGER NOT NULL,"
	" PRIMARY KEY(block, portal)) WITHOUT ROWID;"

	"CREATE TABLE fences (id INTEGER PRIMARY KEY,"
	" node INTEGER NOT NULL REFERENCES nodes(id), operation TEXT NOT NULL,"
	" epoch INTEGER NOT NULL, UNIQUE(node, operation));";

#endif
