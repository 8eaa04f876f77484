/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bricks on block devices: a thin pool and its one thin volume in the device's
 * volume group, made with heketi's arguments in one command.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lvm.h"

/* lvcreate rounds sizes up to extents; no extent is bigger than this. */
#define EXTENT_MAX (UINT64_C(16) << 30)
/* What is removed for its size alone must fit better. */
#define STRAY_SLACK (UINT64_C(32) << 20)

struct lv_facts {
	uint64_t size_bytes;
	char pool[128];
	bool is_pool, active, tagged;
	bool this_operation;	/* a tag says so, or there is none to ask for */
	unsigned thin_count;
};

static bool
is_of(const struct step *st, const char *tags)
{
	char want[160];

	snprintf(want, sizeof(want), "brickyard.operation=%s",
		 st->call->operation_id != NULL ? st->call->operation_id : "");
	return st->call->operation_id == NULL || strstr(tags, want) != NULL;
}

/* 1 there, 0 not, -1 */
static int
lv_look(struct step *st, const struct node_lock *l, const char *vg,
	const char *lv, struct lv_facts *f)
{
	CLEANUP_LVM struct lvm_result r = {0};
	char name[300], *v[7];
	int n;

	snprintf(name, sizeof(name), "%s/%s", vg, lv);
	n = lvm_report(st, l, &r, "lvs", "lv_name,lv_size,pool_lv,segtype,"
		       "lv_live_table,thin_count,lv_tags", name, v, 7);
	if (n <= 0)
		return n;
	memset(f, 0, sizeof(*f));
	f->size_bytes = strtoull(v[1], NULL, 10);
	snprintf(f->pool, sizeof(f->pool), "%s", v[2]);
	f->is_pool = strcmp(v[3], "thin-pool") == 0;
	/* Left by one that died, a device whose table is not live is active to LVM. */
	f->active = strncmp(v[4], "live", 4) == 0;
	f->thin_count = (unsigned)strtoul(v[5], NULL, 10);
	f->tagged = strstr(v[6], "brickyard.brick=") != NULL;
	f->this_operation = is_of(st, v[6]);
	return 1;
}

static const char *
autobackup(struct step *st)
{
	return opt_bool(st->in, OPT_BACKUP_LVM_METADATA) ? "y" : "n";
}

static unsigned long long
kib(uint64_t bytes)
{
	return (unsigned long long)((bytes + 1023) / 1024);
}

/* Tags tell who made it, so that records can be rebuilt from the nodes. */
static void
tags(struct step *st, const struct brickyard_brick *b, char *s, size_t n)
{
	const char *op = st->call->operation_id;

	snprintf(s, n, "--addtag brickyard --addtag brickyard.brick=%s "
		 "--addtag brickyard.volume=%s%s%s", b->id, b->volume_id,
		 op != NULL ? " --addtag brickyard.operation=" : "",
		 op != NULL ? op : "");
}

/* One that is there, but not from us. */
static int
tag_lv(struct step *st, const struct node_lock *l,
       const struct brickyard_brick *b)
{
	char t[600];

	tags(st, b, t, sizeof(t));
	return lvm_do(st, l, "lvchange -qq --autobackup=%s %s %s/%s",
		      autobackup(st), t, b->device->vg, b->lv);
}

/* lvcreate of both gives the tags to the pool, which is the brick's own. */
static int
make_both(struct step *st, const struct node_lock *l,
	  const struct brickyard_brick *b)
{
	char t[600];

	tags(st, b, t, sizeof(t));
	/* heketi: an arbiter's chunks are small, whatever is configured */
	return lvm_do(st, l, "lvcreate -qq --autobackup=%s "
		      "--poolmetadatasize %lluK --chunksize %s --size %lluK "
		      "--thin %s/%s --virtualsize %lluK --name %s %s",
		      autobackup(st), kib(b->metadata_bytes),
		      b->role == 2 ? "256K" : opt_str(st->in, OPT_LV_CHUNKSIZE),
		      kib(b->thin_pool_bytes), b->device->vg, b->thin_pool,
		      kib(b->size_bytes), b->lv, t);
}

static int
make_thin(struct step *st, const struct node_lock *l,
	  const struct brickyard_brick *b)
{
	char t[600];

	tags(st, b, t, sizeof(t));
	return lvm_do(st, l, "lvcreate -qq --autobackup=%s --thin "
		      "--virtualsize %lluK --name %s --thinpool %s/%s %s",
		      autobackup(st), kib(b->size_bytes), b->lv, b->device->vg,
		      b->thin_pool, t);
}

/* Who died while LVM brought a pool up has left its hidden parts active, and
 * LVM then refuses everything.  Parts that are in use can't be switched off.
 */
static int
free_pool_parts(struct step *st, const struct node_lock *l,
		const struct brickyard_brick *b)
{
	static const char *const parts[] = { "tmeta", "tdata" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		CLEANUP_LVM struct lvm_result r = {0};

		if (lvm_try(st, l, &r, "lvchange -qq -an -y %s/%s_%s",
			    b->device->vg, b->thin_pool, parts[i]) < 0)
			return -1;
	}
	return 0;
}

static int
activate(struct step *st, const struct node_lock *l,
	 const struct brickyard_brick *b)
{
	const char *vg = b->device->vg;

	if (lvm_do(st, l, "lvchange -qq -ay -K %s/%s", vg, b->lv) == 0)
		return 0;
	if (step_check(st) < 0 || free_pool_parts(st, l, b) < 0)
		return -1;
	return lvm_do(st, l, "lvchange -qq -ay -K %s/%s", vg, b->lv);
}

static int
remove_once(struct step *st, const struct node_lock *l, const char *vg,
	    const char *lv)
{
	CLEANUP_LVM struct lvm_result r = {0};

	if (lvm_try(st, l, &r, "lvremove --autobackup=%s -f %s/%s",
		    autobackup(st), vg, lv) < 0)
		return -1;
	if (r.ok || lvm_says_missing(&r))
		return 0;
	text_make_utf8(&r.err);
	return step_fail(st, BRICKYARD_ERR_PERMANENT, "lvremove %s/%s: %s", vg,
			 lv, text_str(&r.err));
}

/* Who died while LVM took a pool down has left it active below a device that is
 * gone: LVM takes it for down then, and its parts for somebody's.
 */
static int
bring_pool_up(struct step *st, const struct node_lock *l,
	      const struct brickyard_brick *b)
{
	CLEANUP_LVM struct lvm_result r = {0};

	return lvm_try(st, l, &r, "lvchange -qq -ay %s/%s", b->device->vg,
		       b->thin_pool);
}

static int
remove_lv(struct step *st, const struct node_lock *l,
	  const struct brickyard_brick *b, const char *lv)
{
	if (remove_once(st, l, b->device->vg, lv) == 0)
		return 0;
	if (step_check(st) < 0 || free_pool_parts(st, l, b) < 0)
		return -1;
	if (remove_once(st, l, b->device->vg, lv) == 0)
		return 0;
	if (step_check(st) < 0 || bring_pool_up(st, l, b) < 0)
		return -1;
	return remove_once(st, l, b->device->vg, lv);
}

/* Remove the volume, and its pool when nothing else is in that. */
static int
remove_both(struct step *st, const struct node_lock *l,
	    const struct brickyard_brick *b)
{
	struct lv_facts f;
	int r;

	if (remove_lv(st, l, b, b->lv) < 0)
		return -1;
	r = lv_look(st, l, b->device->vg, b->thin_pool, &f);
	if (r <= 0 || f.thin_count > 0)
		return r < 0 ? -1 : 0;
	return remove_lv(st, l, b, b->thin_pool);
}

/* A pool's metadata is made as a volume with a name of LVM's choice, and renamed
 * when it becomes part of the pool.  Who died in between has left it, without
 * tags: it is known by its name and by the brick's own size of metadata, and
 * nobody makes volumes here now, as the node lock is ours.
 */
static bool
is_stray(const struct brickyard_brick *b, const char *line, char *name, size_t n)
{
	unsigned long long bytes = 0;
	unsigned number = 0;

	line += strspn(line, " ");
	if (sscanf(line, "lvol%u^linear^%llu", &number, &bytes) != 2 ||
	    bytes < b->metadata_bytes ||
	    bytes - b->metadata_bytes > STRAY_SLACK)
		return false;
	snprintf(name, n, "lvol%u", number);
	return true;
}

static int
remove_strays(struct step *st, const struct node_lock *l,
	      const struct brickyard_brick *b)
{
	CLEANUP_LVM struct lvm_result r = {0};
	char *save = NULL, *line, name[32];

	if (lvm_try(st, l, &r, "lvs --noheadings --separator ^ --units b "
		    "--nosuffix -o lv_name,segtype,lv_size %s",
		    b->device->vg) < 0)
		return -1;
	if (!r.ok || r.out.len == 0)
		return 0;
	for (line = strtok_r(r.out.s, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		if (is_stray(b, line, name, sizeof(name)) &&
		    remove_once(st, l, b->device->vg, name) < 0)
			return -1;
	return 0;
}

static int
check_lv(struct step *st, const struct brickyard_brick *b,
	 const struct lv_facts *f)
{
	if (f->size_bytes >= b->size_bytes &&
	    f->size_bytes - b->size_bytes < EXTENT_MAX &&
	    strcmp(f->pool, b->thin_pool) == 0)
		return 0;
	return step_fail(st, BRICKYARD_ERR_EXISTS,
			 "%s/%s is in the way: it has %llu bytes in pool '%s', "
			 "not %llu in '%s'", b->device->vg, b->lv,
			 (unsigned long long)f->size_bytes, f->pool,
			 (unsigned long long)b->size_bytes, b->thin_pool);
}

/* Is it from an lvcreate of this operation that did not end?  The pool tells
 * whose it is, and before its first mount a brick gets a line in fstab: without
 * that it never held anything.
 */
static bool
is_half_made(struct step *st, const struct node_lock *l,
	     const struct brickyard_brick *b, const struct lv_facts *f)
{
	struct fault why = st->fault;
	struct lv_facts pool;
	bool half = !f->tagged && step_check(st) == 0 &&
		lv_look(st, l, b->device->vg, b->thin_pool, &pool) > 0 &&
		pool.tagged && pool.this_operation &&
		fstab_has(st, b->mount) == 0;

	st->fault = why;
	return half;
}

/* Tags of the pair: on the pool, or on a volume in a pool that was there. */
static int
ensure_tags(struct step *st, const struct node_lock *l,
	    const struct brickyard_brick *b, const struct lv_facts *f)
{
	struct lv_facts pool;
	int r;

	if (f->tagged)
		return 0;
	r = lv_look(st, l, b->device->vg, b->thin_pool, &pool);
	if (r < 0)
		return -1;
	return r > 0 && pool.tagged ? 0 : tag_lv(st, l, b);
}

static int
take_lv(struct step *st, const struct node_lock *l,
	const struct brickyard_brick *b, const struct lv_facts *f)
{
	if (check_lv(st, b, f) < 0)
		return -1;
	if (!f->active && activate(st, l, b) < 0) {
		if (!is_half_made(st, l, b, f) || remove_both(st, l, b) < 0)
			return -1;
		return make_both(st, l, b);
	}
	return ensure_tags(st, l, b, f);
}

static int
lv_make(struct step *st, const struct node_lock *l,
	const struct brickyard_brick *b)
{
	struct lv_facts f;
	int r = lv_look(st, l, b->device->vg, b->lv, &f);

	if (r != 0)
		return r < 0 ? -1 : take_lv(st, l, b, &f);
	r = lv_look(st, l, b->device->vg, b->thin_pool, &f);
	if (r < 0)
		return -1;
	if (r > 0 && f.thin_count > 0)
		return make_thin(st, l, b);
	/* An empty pool, or what should have become one: somebody died. */
	if (r > 0 && remove_lv(st, l, b, b->thin_pool) < 0)
		return -1;
	if (remove_strays(st, l, b) < 0)
		return -1;
	return make_both(st, l, b);
}

int
lv_create(struct step *st, struct node_lock *l,
	  const struct brickyard_brick *b)
{
	CLEANUP_TEXT struct text dev = {0};

	if (lv_make(st, l, b) < 0 || brick_source(st, b, &dev) < 0)
		return -1;
	return brick_mkfs(st, l, b, dev.s);
}

static int
vg_is_there(struct step *st, const struct node_lock *l, const char *vg)
{
	CLEANUP_LVM struct lvm_result r = {0};
	char *v[2];

	return lvm_report(st, l, &r, "vgs", "vg_name,vg_uuid", vg, v, 2);
}

int
lv_destroy(struct step *st, struct node_lock *l,
	   const struct brickyard_brick *b)
{
	int r = vg_is_there(st, l, b->device->vg);

	if (r <= 0)
		return r;
	if (remove_both(st, l, b) < 0)
		return -1;
	return remove_strays(st, l, b);
}
