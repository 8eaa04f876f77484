/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gluster volumes of simulated nodes, with glusterd's reasons to refuse one.
 *
 * A volume belongs to the trusted pool of the node that it was made from.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulated.h"

#define UUID_SIZE	37

struct volume_args {
	const struct brickyard_gluster_volume *v;
	struct volume_row row;
	size_t to;			/* volume_create: up to this brick */
	size_t set;			/* volume_expand: from this set on */
	struct volume_shape shape;
};

int
sim_find_volume(struct step *s, const char *name, struct volume_row *ret)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT id, set_size, nbricks,"
		" uuid, status, kind, words FROM volumes WHERE pool=? AND"
		" name=?", "is", s->pool, name);
	int r = q_next(s, st);

	if (r != 1)
		return r;
	ret->id = q_int(st, 0);
	ret->set_size = q_int(st, 1);
	ret->nbricks = q_int(st, 2);
	snprintf(ret->uuid, sizeof(ret->uuid), "%s", q_text(st, 3));
	snprintf(ret->status, sizeof(ret->status), "%s", q_text(st, 4));
	snprintf(ret->kind, sizeof(ret->kind), "%s", q_text(st, 5));
	snprintf(ret->words, sizeof(ret->words), "%s", q_text(st, 6));
	return 1;
}

/* ---- bricks of a volume ---- */

int
sim_find_peer(struct step *s, const char *cmd, const char *host, int64_t *ret)
{
	Q_SCOPE sqlite3_stmt *st = NULL;
	int r = sim_adopt_peer(s, host);

	if (r < 0)
		return -1;
	st = q_start(s, "SELECT id, pool, manage FROM nodes WHERE host=?", "s",
		     host);
	r = q_next(s, st);
	if (r < 0)
		return -1;
	if (r == 0 || q_int(st, 1) != s->pool)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "%s: failed:"
				   " Host %s is not in 'Peer in Cluster' state",
				   cmd, host);
	if (sim_is_down(s, host, q_text(st, 2)))
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "%s: failed:"
				   " Host %s not connected", cmd, host);
	*ret = q_int(st, 0);
	return 0;
}

/* The file system that a path is on: of what is mounted there (which *ret_point
 * says) or above.
 */
static int
find_mount(struct step *s, int64_t node, const char *path, int64_t *ret_lv,
	   bool *ret_point)
{
	char point[1024];
	char *slash;
	int r = 0;

	if (strlen(path) >= sizeof(point))
		return 0;
	strcpy(point, path);
	while (r == 0 && point[0] != '\0') {
		r = q_number(s, ret_lv, "SELECT lv FROM mounts WHERE node=?"
			     " AND point=?", "is", node, point);
		*ret_point = strcmp(point, path) == 0;
		slash = strrchr(point, '/');
		if (slash == NULL)
			break;
		*slash = '\0';
	}
	return r;
}

/* glusterd marks the directory with the volume's id, and the mark stays when
 * the volume goes: only a new file system is free of it.
 */
static int
mark_brick(struct step *s, const char *cmd, const char *path, int64_t lv,
	   const char *uuid)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT marked, dir FROM lvs"
					   " WHERE id=?", "i", lv);
	int r = q_next(s, st);

	if (r != 1)
		return -1;
	if (q_text(st, 0)[0] != '\0' && strcmp(q_text(st, 0), uuid) != 0)
		return step_refuse(s, BRICKYARD_ERR_EXISTS, "%s: failed: %s is"
				   " already part of a volume", cmd, path);
	/* It makes the directory where there is none. */
	return q_run(s, "UPDATE lvs SET marked=?, dir=ifnull(dir, ?)"
		     " WHERE id=?", "ssi", uuid, path, lv);
}

/* 0 and the LV that the brick would be on. */
static int
check_mount(struct step *s, const char *cmd, int64_t node,
	    const struct brickyard_brick_ref *ref, int64_t *ret_lv)
{
	bool point = false;
	int r = find_mount(s, node, ref->path, ret_lv, &point);

	if (r == 0)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "%s: failed: The"
				   " brick %s:%s is being created in the root"
				   " partition. It is recommended that you"
				   " don't use the system's root partition for"
				   " storage backend. Or use 'force' at the end of"
				   " the command if you want to override this"
				   " behavior.", cmd, ref->host, ref->path);
	if (r == 1 && point)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "%s: failed: The"
				   " brick %s:%s is a mount point. Please"
				   " create a sub-directory under the mount point"
				   " and use that as the brick directory. Or use"
				   " 'force' at the end of the command if you"
				   " want to override this behavior.", cmd,
				   ref->host, ref->path);
	return r < 0 ? -1 : 0;
}

int
sim_claim_brick(struct step *s, const char *cmd, const struct volume_row *row,
		const struct brickyard_brick_ref *ref, int64_t *ret_node)
{
	int64_t lv = 0, found;
	bool point = false;
	int r;

	if (sim_find_peer(s, cmd, ref->host, ret_node) < 0)
		return -1;
	r = q_number(s, &found, "SELECT 1 FROM bricks WHERE node=? AND path=?",
		     "is", *ret_node, ref->path);
	if (r == 1)
		return step_refuse(s, BRICKYARD_ERR_EXISTS, "%s: failed: %s is"
				   " already part of a volume", cmd, ref->path);
	if (r < 0)
		return -1;
	/* One that has always been there, with its volume. */
	if (s->sim->adopt &&
	    find_mount(s, *ret_node, ref->path, &lv, &point) == 0)
		return 0;
	if (check_mount(s, cmd, *ret_node, ref, &lv) < 0)
		return -1;
	return mark_brick(s, cmd, ref->path, lv, row->uuid);
}

static int
add_brick(struct step *s, const char *cmd, const struct volume_row *row,
	  int64_t n, const struct brickyard_brick_ref *ref)
{
	int64_t node = 0;

	if (sim_claim_brick(s, cmd, row, ref, &node) < 0)
		return -1;
	return q_run(s, "INSERT INTO bricks(volume, n, node, path)"
		     " VALUES(?,?,?,?)", "iiis", row->id, n, node, ref->path);
}

static int
refuse_same_host(struct step *s, const char *cmd, const char *kind)
{
	return step_refuse(s, BRICKYARD_ERR_PERMANENT, "%s: failed: Multiple"
			   " bricks of a %s volume are present on the same"
			   " server. This setup is not optimal. Bricks should"
			   " be on different nodes to have best fault tolerant"
			   " configuration. Use 'force' at the end of the"
			   " command if you want to override this behavior.",
			   cmd, kind);
}

static int
check_hosts(struct step *s, const char *cmd, const struct volume_args *a,
	    size_t from, size_t to)
{
	size_t set = (size_t)a->row.set_size;

	/* A dump of heketi's does not tell which bricks are a set. */
	if (s->sim->adopt)
		return 0;
	for (size_t i = from; i < to; i++) {
		for (size_t j = i - i % set; j < i; j++) {
			if (strcmp(a->v->bricks[i]->host,
				   a->v->bricks[j]->host) == 0)
				return refuse_same_host(s, cmd, a->row.kind);
		}
	}
	return 0;
}

/* One command's worth of bricks, whole sets: [from, to) of ours come after
 * those that the volume has.
 */
static int
add_bricks(struct step *s, const char *cmd, struct volume_args *a, size_t from,
	   size_t to)
{
	if (check_hosts(s, cmd, a, from, to) < 0)
		return -1;
	for (size_t i = from; i < to; i++) {
		if (add_brick(s, cmd, &a->row, a->row.nbricks,
			      a->v->bricks[i]) < 0)
			return -1;
		a->row.nbricks++;
	}
	return q_run(s, "UPDATE volumes SET nbricks=? WHERE id=?", "ii",
		     a->row.nbricks, a->row.id);
}

static size_t
chunk_size(const struct brickyard_gluster_volume *v)
{
	size_t sets = v->sets_per_command > 0 ? v->sets_per_command : 1;

	return sets * v->bricks_per_set;
}

static size_t
nchunks(const struct brickyard_gluster_volume *v)
{
	size_t chunk = chunk_size(v);

	return chunk > 0 ? (v->nbricks + chunk - 1) / chunk : 1;
}

static int
check_counts(struct step *s, const struct brickyard_gluster_volume *v,
	     int64_t set_size, const char *kind)
{
	if (v->nbricks > 0 && v->bricks_per_set > 0 &&
	    v->nbricks % (size_t)set_size == 0 &&
	    v->nbricks % v->bricks_per_set == 0 &&
	    v->bricks_per_set % (size_t)set_size == 0)
		return 0;
	return step_refuse(s, BRICKYARD_ERR_INVALID, "number of bricks is not a"
			   " multiple of %s count (%zu bricks, %lld a set)",
			   kind[0] == 'r' ? "replica" : kind, v->nbricks,
			   (long long)set_size);
}

/* ---- volume_create ---- */

static void
create_words(const struct volume_args *a, char *ret, size_t size)
{
	snprintf(ret, size, "volume create: %s", a->v->name);
}

/* gluster's volume ids are random UUIDs. */
static void
new_uuid(char ret[UUID_SIZE])
{
	unsigned char b[16];
	char *p = ret;

	sqlite3_randomness(sizeof(b), b);
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		p += snprintf(p, 3, "%02x", b[i]);
	}
}

static int
add_volume(struct step *s, struct volume_args *a)
{
	char uuid[UUID_SIZE], cmd[VOLUME_NAME_MAX + 32];

	new_uuid(uuid);
	if (q_run(s, "INSERT INTO volumes(pool, name, uuid, status, kind,"
		  " words, set_size) VALUES(?,?,?,'created',?,?,?)", "issssi",
		  s->pool, a->v->name, uuid, a->shape.kind, a->shape.words,
		  a->shape.set_size) < 0 ||
	    sim_find_volume(s, a->v->name, &a->row) != 1)
		return -1;
	create_words(a, cmd, sizeof(cmd));
	return add_bricks(s, cmd, a, 0, a->to);
}

/* Is the i-th brick of the volume in the database the i-th of ours, as far as
 * there are any?  1 or 0, or -1.
 */
static int
same_bricks(struct step *s, const struct volume_args *a)
{
	const struct brickyard_gluster_volume *v = a->v;
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT n.host, b.path FROM"
		" bricks b JOIN nodes n ON n.id = b.node WHERE b.volume=?"
		" ORDER BY b.n", "i", a->row.id);
	size_t i = 0;
	int r;

	for (i = 0; (r = q_next(s, st)) == 1; i++) {
		if (i >= v->nbricks ||
		    strcmp(q_text(st, 0), v->bricks[i]->host) != 0 ||
		    strcmp(q_text(st, 1), v->bricks[i]->path) != 0)
			return 0;
	}
	return r < 0 ? -1 : 1;
}

/* Before the options are set a volume has no id of ours. */
static int
same_id(struct step *s, const struct volume_args *a)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT value FROM options WHERE"
		" volume=? AND name='user.heketi.id'", "i", a->row.id);
	int r = q_next(s, st);

	return r == 1 ? strcmp(q_text(st, 0), a->v->id) == 0
		      : r == 0 ? 1 : -1;
}

static int
refuse_taken(struct step *s, const struct volume_args *a)
{
	return step_refuse(s, BRICKYARD_ERR_EXISTS, "volume create: %s: failed:"
			   " Volume %s already exists", a->v->name, a->v->name);
}

static int
recognise(struct step *s, struct volume_args *a)
{
	int r = same_id(s, a);

	if (r == 1)
		r = same_bricks(s, a);
	if (r < 0)
		return -1;
	if (r == 0 || strcmp(a->row.words, a->shape.words) != 0)
		return refuse_taken(s, a);
	return 0;
}

static int
begin_volume(struct step *s, void *arg)
{
	struct volume_args *a = arg;
	int r;

	if (step_need_glusterd(s) < 0)
		return -1;
	r = sim_find_volume(s, a->v->name, &a->row);
	if (r < 0)
		return -1;
	return r == 0 ? add_volume(s, a) : recognise(s, a);
}

int
sim_need_volume(struct step *s, const char *cmd, const char *name,
		struct volume_row *ret)
{
	int r = sim_find_volume(s, name, ret);

	if (r == 0)
		return step_refuse(s, BRICKYARD_ERR_NOTFOUND, "%s: failed:"
				   " Volume %s does not exist", cmd, name);
	return r < 0 ? -1 : 0;
}

/* Add bricks up to a->to, if they are not there. */
static int
continue_volume(struct step *s, void *arg)
{
	struct volume_args *a = arg;

	if (step_need_glusterd(s) < 0 ||
	    sim_need_volume(s, "volume add-brick", a->v->name, &a->row) < 0)
		return -1;
	if ((size_t)a->row.nbricks >= a->to)
		return 0;
	return add_bricks(s, "volume add-brick", a, (size_t)a->row.nbricks,
			  a->to);
}

/* What glusterd has options of; the rest of a name is believed. */
static const char *const option_domains[] = {
	"auth.", "changelog.", "client.", "cloudsync.", "cluster.", "config.",
	"ctime.", "debug.", "delay-gen.", "dht.", "diagnostics.", "disperse.",
	"feature.", "features.", "ganesha.", "geo-replication.", "glusterd.",
	"locks.", "network.", "nfs.", "nfs-ganesha.", "performance.",
	"rebalance.", "server.", "ssl.", "storage.", "transport.", "user.",
};

static bool
is_option(const char *name)
{
	if (strcmp(name, "group") == 0)
		return true;
	for (size_t i = 0;
	     i < sizeof(option_domains) / sizeof(option_domains[0]); i++) {
		size_t n = strlen(option_domains[i]);

		if (strncmp(name, option_domains[i], n) == 0 &&
		    name[n] != '\0')
			return true;
	}
	return false;
}

static int
set_option(struct step *s, const struct volume_args *a, const char *name,
	   const char *value)
{
	bool any = s->sim->any_option;

	if (value[0] == '\0' && !any)
		return step_refuse(s, BRICKYARD_ERR_INVALID, "volume set:"
				   " failed: option %s has no value", name);
	if (!any && !is_option(name))
		return step_refuse(s, BRICKYARD_ERR_INVALID, "volume set:"
				   " failed: option : %s does not exist", name);
	return q_run(s, "INSERT INTO options(volume, name, value)"
		     " VALUES(?1,?2,?3) ON CONFLICT(volume, name)"
		     " DO UPDATE SET value=?3", "iss", a->row.id, name, value);
}

static int
set_option_words(struct step *s, const struct volume_args *a, const char *text)
{
	size_t start = strspn(text, " \t");
	size_t n = strcspn(text + start, " \t");
	const char *value = text + start + n;
	char name[256];

	if (n == 0)
		return 0;
	if (n >= sizeof(name))
		return step_refuse(s, BRICKYARD_ERR_INVALID, "volume set:"
				   " failed: option : %.64s… does not exist",
				   text + start);
	memcpy(name, text + start, n);
	name[n] = '\0';
	return set_option(s, a, name, value + strspn(value, " \t"));
}

static int
set_options(struct step *s, void *arg)
{
	struct volume_args *a = arg;

	if (step_need_glusterd(s) < 0 ||
	    sim_need_volume(s, "volume set", a->v->name, &a->row) < 0)
		return -1;
	for (size_t i = 0; i < a->v->noptions; i++) {
		if (set_option_words(s, a, a->v->options[i]) < 0)
			return -1;
	}
	if (a->v->id[0] == '\0')
		return 0;
	return set_option(s, a, "user.heketi.id", a->v->id);
}

static int
start_volume(struct step *s, void *arg)
{
	struct volume_args *a = arg;

	if (step_need_glusterd(s) < 0 ||
	    sim_need_volume(s, "volume start", a->v->name, &a->row) < 0)
		return -1;
	return q_run(s, "UPDATE volumes SET status='started' WHERE id=?"
		     " AND status<>'started'", "i", a->row.id);
}

static int
create_body(struct step *s, void *arg)
{
	struct volume_args *a = arg;
	size_t chunk = chunk_size(a->v), n = a->v->nbricks;

	if (sim_check_volume_name(s, a->v->name) < 0 ||
	    sim_read_shape(s, a->v, &a->shape) < 0 ||
	    check_counts(s, a->v, a->shape.set_size, a->shape.kind) < 0)
		return -1;
	a->to = chunk < n ? chunk : n;
	if (step_txn(s, begin_volume, a) < 0)
		return -1;
	while (a->to < n) {
		a->to = a->to + chunk < n ? a->to + chunk : n;
		if (step_txn(s, continue_volume, a) < 0)
			return -1;
	}
	if (step_txn(s, set_options, a) < 0)
		return -1;
	return step_txn(s, start_volume, a);
}

int
sim_volume_create(struct brickyard_executor_instance *sim,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node,
		  const struct brickyard_gluster_volume *v,
		  struct brickyard_error *err)
{
	struct step s = STEP(STEP_VOLUME_CREATE, sim, call, node, err);
	struct volume_args a = { .v = v };

	return step_perform(&s, nchunks(v) + 2, create_body, &a);
}

/* ---- volume_expand ---- */

/* How many bricks of a set of ours the volume has; -1. */
static int
count_present(struct step *s, const struct volume_args *a, size_t set)
{
	const struct brickyard_gluster_volume *v = a->v;
	int n = 0;

	for (size_t i = 0; i < v->bricks_per_set; i++) {
		const struct brickyard_brick_ref *ref =
			v->bricks[set * v->bricks_per_set + i];
		int64_t volume = 0;
		int r = q_number(s, &volume, "SELECT b.volume FROM bricks b"
				 " JOIN nodes n ON n.id = b.node"
				 " WHERE n.host=? AND b.path=?", "ss",
				 ref->host, ref->path);

		if (r < 0)
			return -1;
		if (r == 1 && volume == a->row.id)
			n++;
	}
	return n;
}

/* From set a->set on, the next missing ones, as many as go into a command. */
static int
expand_volume(struct step *s, void *arg)
{
	struct volume_args *a = arg;
	const struct brickyard_gluster_volume *v = a->v;
	size_t per_set = v->bricks_per_set, left = chunk_size(v) / per_set;
	int r;

	for (; a->set < v->nbricks / per_set && left > 0; a->set++) {
		size_t from = a->set * per_set;

		r = count_present(s, a, a->set);
		if (r < 0)
			return -1;
		if ((size_t)r == per_set)
			continue;
		if (r > 0)
			return step_refuse(s, BRICKYARD_ERR_EXISTS,
					   "volume add-brick: failed: only %d"
					   " of the %zu bricks of a set are in"
					   " volume %s", r, per_set, v->name);
		if (add_bricks(s, "volume add-brick", a, from,
			       from + per_set) < 0)
			return -1;
		left--;
	}
	return 0;
}

/* A clone that has bricks of ours already?  1 or 0, or -1. */
static int
is_clone_with(struct step *s, const struct volume_args *a)
{
	int64_t found;
	int r = q_number(s, &found, "SELECT 1 FROM volumes WHERE id=?"
			 " AND origin IS NOT NULL", "i", a->row.id);

	if (r == 1)
		r = count_present(s, a, 0);
	return r < 0 ? -1 : r > 0;
}

static int
expand_txn(struct step *s, void *arg)
{
	struct volume_args *a = arg;
	size_t set = a->set;
	int r;

	if (step_need_glusterd(s) < 0 ||
	    sim_adopt_volume(s, a->v->name, a->v->bricks_per_set) < 0 ||
	    sim_need_volume(s, "volume add-brick", a->v->name, &a->row) < 0 ||
	    check_counts(s, a->v, a->row.set_size, a->row.kind) < 0)
		return -1;
	r = same_id(s, a);
	/* A clone has its source's. */
	if (r == 0)
		r = is_clone_with(s, a);
	if (r == 0)
		return refuse_taken(s, a);
	if (r == 1)
		r = expand_volume(s, a);
	if (r < 0)
		a->set = set;
	return r;
}

static int
rebalance_txn(struct step *s, void *arg)
{
	struct volume_args *a = arg;
	const char *name = a->v->name;

	if (step_need_glusterd(s) < 0 ||
	    sim_need_volume(s, "volume rebalance", name, &a->row) < 0)
		return -1;
	if (strcmp(a->row.status, "started") != 0)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "volume"
				   " rebalance: %s: failed: Volume %s needs to"
				   " be started to perform rebalance", name,
				   name);
	if (a->row.nbricks == a->row.set_size)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "volume"
				   " rebalance: %s: failed: Volume %s is not a"
				   " distribute volume or contains only 1"
				   " brick.\nNot performing rebalance", name,
				   name);
	return q_run(s, "UPDATE volumes SET rebalanced=nbricks WHERE id=?", "i",
		     a->row.id);
}

static bool
is_only_logged(const struct step *s)
{
	return !s->suffered && (s->err_class == BRICKYARD_ERR_PERMANENT ||
				s->err_class == BRICKYARD_ERR_NOTFOUND);
}

struct expand_args {
	struct volume_args volume;
	uint32_t rebalance;
};

static int
expand_body(struct step *s, void *arg)
{
	struct expand_args *e = arg;
	struct volume_args *a = &e->volume;
	size_t per_set = a->v->bricks_per_set;
	size_t nsets = per_set > 0 ? a->v->nbricks / per_set : 0;

	if (check_counts(s, a->v, 1, "set") < 0)
		return -1;
	do {
		if (step_txn(s, expand_txn, a) < 0)
			return -1;
	} while (a->set < nsets);
	if (!e->rebalance || step_txn(s, rebalance_txn, a) == 0)
		return 0;
	if (!is_only_logged(s))
		return -1;
	sim_host->log(BRICKYARD_LOG_WARNING, "%s, ignoring", s->text);
	s->err_class = 0;
	return 0;
}

int
sim_volume_expand(struct brickyard_executor_instance *sim,
		  const struct brickyard_call *call,
		  const struct brickyard_node *node,
		  const struct brickyard_gluster_volume *v, uint32_t rebalance,
		  struct brickyard_error *err)
{
	struct step s = STEP(STEP_VOLUME_EXPAND, sim, call, node, err);
	struct expand_args e = { .volume = { .v = v }, .rebalance = rebalance };

	return step_perform(&s, nchunks(v) + (rebalance != 0), expand_body, &e);
}

/* ---- volume_destroy ---- */

struct name_args {
	const char *name;
	struct volume_row row;
	struct brickyard_result *result;
};

static int
stop_volume(struct step *s, void *arg)
{
	struct name_args *a = arg;
	int r;

	if (step_need_glusterd(s) < 0)
		return -1;
	r = sim_find_volume(s, a->name, &a->row);
	if (r <= 0)
		return r;
	return q_run(s, "UPDATE volumes SET status='stopped' WHERE id=? AND"
		     " status='started'", "i", a->row.id);
}

/* All of the pool have to forget the volume, so all have to be there. */
static int
need_all_peers(struct step *s, const char *name)
{
	Q_SCOPE sqlite3_stmt *st = NULL;
	int r;

	if (s->sim->down.n == 0 &&
	    faults_state(&s->sim->faults, FAULT_DOWN, NULL, NULL) == 0)
		return 0;
	st = q_start(s, "SELECT host, manage FROM nodes WHERE pool=?", "i",
		     s->pool);
	while ((r = q_next(s, st)) == 1) {
		if (sim_is_down(s, q_text(st, 0), q_text(st, 1)))
			return step_refuse(s, BRICKYARD_ERR_PERMANENT,
					   "volume delete: %s: failed: Some of"
					   " the peers are down", name);
	}
	return r;
}

/* gluster does not know what its files are. */
static int
drop_blocks(struct step *s, const struct name_args *a)
{
	if (q_run(s, "DELETE FROM shortfalls WHERE block IN (SELECT id FROM"
		  " blocks WHERE volume=?)", "i", a->row.id) < 0)
		return -1;
	return q_run(s, "DELETE FROM blocks WHERE volume=?", "i", a->row.id);
}

static int
delete_volume(struct step *s, void *arg)
{
	struct name_args *a = arg;
	int r;

	if (step_need_glusterd(s) < 0)
		return -1;
	r = sim_find_volume(s, a->name, &a->row);
	if (r <= 0)
		return r;
	if (strcmp(a->row.status, "started") == 0)
		return step_refuse(s, BRICKYARD_ERR_TRANSIENT, "volume delete:"
				   " %s: failed: Volume %s has been started."
				   "Volume needs to be stopped before"
				   " deletion.", a->name, a->name);
	if (need_all_peers(s, a->name) < 0 || drop_blocks(s, a) < 0 ||
	    /* left over of clones: there are no others */
	    q_run(s, "DELETE FROM snapshots WHERE pool=? AND volume=?", "is",
		  s->pool, a->name) < 0 ||
	    q_run(s, "DELETE FROM options WHERE volume=?", "i",
		  a->row.id) < 0 ||
	    q_run(s, "DELETE FROM bricks WHERE volume=?", "i", a->row.id) < 0)
		return -1;
	return q_run(s, "DELETE FROM volumes WHERE id=?", "i", a->row.id);
}

static int
destroy_body(struct step *s, void *arg)
{
	if (step_txn(s, stop_volume, arg) < 0)
		return -1;
	return step_txn(s, delete_volume, arg);
}

int
sim_volume_destroy(struct brickyard_executor_instance *sim,
		   const struct brickyard_call *call,
		   const struct brickyard_node *node, const char *name,
		   struct brickyard_error *err)
{
	struct step s = STEP(STEP_VOLUME_DESTROY, sim, call, node, err);
	struct name_args a = { .name = name };

	return step_perform(&s, 2, destroy_body, &a);
}

/* ---- volume_info ---- */

const char *
sim_type_words(const struct volume_row *row)
{
	bool one_set = row->nbricks <= row->set_size;

	if (strcmp(row->kind, "replicate") == 0)
		return one_set ? "Replicate" : "Distributed-Replicate";
	if (strcmp(row->kind, "disperse") == 0)
		return one_set ? "Disperse" : "Distributed-Disperse";
	return "Distribute";
}

static int
give_bricks(struct step *s, const struct name_args *a)
{
	Q_SCOPE sqlite3_stmt *st = q_start(s, "SELECT n.host, b.path FROM"
		" bricks b JOIN nodes n ON n.id = b.node WHERE b.volume=?"
		" ORDER BY b.n", "i", a->row.id);
	int r;

	while ((r = q_next(s, st)) == 1) {
		sim_host->result_next(a->result);
		sim_host->result_str(a->result, "host", q_text(st, 0));
		sim_host->result_str(a->result, "path", q_text(st, 1));
	}
	return r;
}

int
sim_give_info(struct step *s, const char *name, struct brickyard_result *result)
{
	struct name_args a = { .name = name, .result = result };

	if (step_need_glusterd(s) < 0 ||
	    sim_need_volume(s, "volume info", name, &a.row) < 0)
		return -1;
	sim_host->result_str(result, "status", a.row.status);
	sim_host->result_str(result, "type", sim_type_words(&a.row));
	sim_host->result_str(result, "id", a.row.uuid);
	return give_bricks(s, &a);
}

static int
info_look(struct step *s, void *arg)
{
	const struct name_args *a = arg;

	return sim_give_info(s, a->name, a->result);
}

static int
info_body(struct step *s, void *arg)
{
	return step_look(s, info_look, arg);
}

int
sim_volume_info(struct brickyard_executor_instance *sim,
		const struct brickyard_call *call,
		const struct brickyard_node *node, const char *name,
		struct brickyard_result *result, struct brickyard_error *err)
{
	struct step s = STEP(STEP_VOLUME_INFO, sim, call, node, err);
	struct name_args a = { .name = name, .result = result };

	return step_perform(&s, 1, info_body, &a);
}
