/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removing a device, or a node with all its devices: one brick after the other is
 * replaced.  How far it came is in the records: a brick that was moved is not on
 * the device any more, a device without bricks is marked failed at once, so that
 * none can come back, and who carries on looks what is left.
 */
#include <config.h>

#include <string.h>

#include "op-evict.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define BUSY_WAIT_MS	60000	/* for other operations on a volume to end */
#define BUSY_POLL_MS	250
#define DEVICES_AT_ONCE 50

/* ---- stage: choose ---- */

struct choice {
	struct op_run *run;
	char device[ID_SIZE], volume[ID_SIZE], brick[ID_SIZE];
	bool busy;		/* some volume is being changed by others */
	size_t nfailed;		/* devices found empty in this transaction */
};

/* Under the mirror's lock.  A volume that is marked as ours was chosen before we
 * (or who had the operation then) could write that down: first of all that one.
 */
static const struct volume *
choose_on(struct choice *c, const struct strs *bricks)
{
	struct mirror *m = c->run->deps->mirror;
	const struct volume *free_one = NULL;

	for (size_t i = 0; i < bricks->n; i++) {
		const char *volume = strchr(bricks->v[i], ' ') + 1;
		const struct volume *v =
			(const void *)mirror_peek(m, RECORD_VOLUME, volume);
		bool ours = v != NULL && strcmp(v->pending, c->run->op->id) == 0;

		if (v == NULL || (v->pending[0] != '\0' && !ours)) {
			c->busy = true;
			continue;
		}
		if (!ours && free_one != NULL)
			continue;
		free_one = v;
		snprintf(c->brick, sizeof(c->brick), "%s", bricks->v[i]);
		snprintf(c->volume, sizeof(c->volume), "%s", volume);
		if (ours)
			break;
	}
	return free_one;
}

static void
mark_failed(struct choice *c, const struct device *d, struct txn *t)
{
	RECORD_SCOPE struct device *copy = device_copy(d);

	copy->state = STATE_FAILED;
	txn_put(t, &copy->r);
	c->nfailed++;
}

static void
mark_volume(struct choice *c, const struct volume *v, struct txn *t)
{
	RECORD_SCOPE struct volume *copy = volume_copy(v);

	memcpy(copy->pending, c->run->op->id, ID_SIZE);
	copy->doing = VOLUME_EVICTING;
	txn_put(t, &copy->r);
}

/* true: a brick was chosen. */
static bool
look_at(struct choice *c, const char *device, struct txn *t)
{
	struct mirror *m = c->run->deps->mirror;
	const struct strs *bricks =
		relation_of(c->run->deps->model->bricks, device);
	const struct device *d =
		(const void *)mirror_peek(m, RECORD_DEVICE, device);
	const struct volume *v;

	if (d == NULL)
		return false;
	if (bricks->n == 0) {
		if (d->state != STATE_FAILED && !d->adding &&
		    c->nfailed < DEVICES_AT_ONCE)
			mark_failed(c, d, t);
		return false;
	}
	v = choose_on(c, bricks);
	if (v == NULL)
		return false;
	snprintf(c->device, sizeof(c->device), "%s", device);
	if (strcmp(v->pending, c->run->op->id) != 0)
		mark_volume(c, v, t);
	return true;
}

static enum err
choose_build(void *arg, struct txn *t, struct error *err)
{
	struct choice *c = arg;
	const struct operation *op = c->run->op;
	const struct engine_deps *deps = c->run->deps;
	const struct strs *devices;

	c->brick[0] = '\0';
	c->busy = false;
	c->nfailed = 0;
	mirror_rdlock(deps->mirror);
	devices = relation_of(deps->model->devices, op->target);
	if (op->kind == OP_DEVICE_REMOVE)
		(void)look_at(c, op->target, t);
	else
		for (size_t i = 0; i < devices->n; i++)
			if (look_at(c, devices->v[i], t))
				break;
	mirror_unlock(deps->mirror);
	return ERR_OK;
}

static void
note_choice(const struct choice *c)
{
	struct kvs *args = &c->run->op->args;

	kvs_del(args, "leftover");
	kvs_del(args, "lost");
	if (c->brick[0] == '\0') {
		kvs_del(args, "brick");
		kvs_del(args, "volume");
		kvs_del(args, "device");
		return;
	}
	kvs_set(args, "brick", c->brick);
	kvs_set(args, "volume", c->volume);
	kvs_set(args, "device", c->device);
}

static enum err
choose(struct op_run *run, const struct brickyard_call *call, struct error *err)
{
	struct choice c = { .run = run };
	int64_t until = clock_mono_ms() + BUSY_WAIT_MS;

	for (;;) {
		enum err r;

		{
			LOCK_FOR_SCOPE(engine_turn(run->engine));
			r = engine_commit_op(run, choose_build, &c, err);
		}
		if (r != ERR_OK)
			return r;
		note_choice(&c);
		if (c.brick[0] != '\0' || (!c.busy && c.nfailed < DEVICES_AT_ONCE))
			return ERR_OK;
		if (!c.busy)
			continue;
		if (clock_mono_ms() >= until || !call_sleep(call, BUSY_POLL_MS))
			break;
	}
	return call->cancelled(call) ? fail(err, ERR_CANCELLED, "cancelled") :
	       fail(err, ERR_REFUSED, CONFLICT_TEXT);
}

/* ---- stage: swap ---- */

static enum err
swap_build(void *arg, struct txn *t, struct error *err)
{
	struct ledger l = { 0 };
	enum err r = evict_settle(arg, t, &l, true, err);

	ledger_close(&l, t);
	return r;
}

static enum err
swap(struct op_run *run, const struct brickyard_call *call, struct error *err)
{
	const char *brick = kvs_get(&run->op->args, "brick");
	enum err r;

	if (brick == NULL)
		return ERR_OK;
	{
		LOCK_FOR_SCOPE(engine_turn(run->engine));
		r = engine_commit_op(run, swap_build, run, err);
	}
	if (r != ERR_OK)
		return r;
	log_info("brick %s was moved from device %s", brick,
		 kvs_get(&run->op->args, "device"));
	run->again = true;
	return ERR_OK;
}

/* ---- the end ---- */

/* The device, or node, may be changed again. */
static void
let_go(struct op_run *run, struct txn *t, struct ledger *l, bool removed)
{
	const struct operation *op = run->op;
	RECORD_SCOPE struct node *n = NULL;
	struct device *d = NULL;

	if (op->kind == OP_DEVICE_REMOVE) {
		mirror_rdlock(run->deps->mirror);
		d = ledger_device(l, run->deps->mirror, op->target);
		mirror_unlock(run->deps->mirror);
		if (d != NULL)
			d->pending[0] = '\0';
		return;
	}
	n = (void *)mirror_get(run->deps->mirror, RECORD_NODE, op->target);
	if (n != NULL) {
		RECORD_SCOPE struct node *copy = node_copy(n);

		copy->pending[0] = '\0';
		if (removed)
			copy->state = STATE_FAILED;
		txn_put(t, &copy->r);
	}
}

static enum err
finish(struct op_run *run, struct txn *t, struct error *err)
{
	struct ledger l = { 0 };

	let_go(run, t, &l, true);
	ledger_close(&l, t);
	return ERR_OK;
}

static enum err
undone(struct op_run *run, struct txn *t, struct error *err)
{
	struct ledger l = { 0 };
	enum err r = evict_settle_failed(run, t, &l, err);

	let_go(run, t, &l, false);
	ledger_close(&l, t);
	return r;
}

static const struct op_stage stages[] = {
	{ "choose", 120, choose, NULL },
	EVICT_STAGES,
	{ "swap", 60, swap, NULL },
};

const struct op_rules op_rules_device_remove = {
	.kind = OP_DEVICE_REMOVE,
	.throttled = true,
	.stages = stages,
	.nstages = ARRAY_SIZE(stages),
	.finish = finish,
	.undone = undone,
	.replan = evict_replan,
};

const struct op_rules op_rules_node_remove = {
	.kind = OP_NODE_REMOVE,
	.throttled = true,
	.stages = stages,
	.nstages = ARRAY_SIZE(stages),
	.finish = finish,
	.undone = undone,
	.replan = evict_replan,
};
