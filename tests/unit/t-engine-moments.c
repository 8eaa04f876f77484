/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Evicting, removing and cloning survive the death of their replica at every moment
 * there is: before each commit and each step on a node.  That is some 140 deaths,
 * so it is a program of its own; the world is t-engine's.
 */
#define main engine_main
#include "t-engine.c"
#undef main

static atomic_int moment, moments;

/* Replica 0 is dead to the others from this moment on, and learns of it.  At every
 * second moment it is back so soon that nobody takes over.
 */
static void
strike(void)
{
	if (++moments != moment)
		return;
	hub_fail_grants(w.store[0], moment % 2);
	hub_lose_lease(w.store[0], true);
}

static void
strike_commit(const struct store_write *writes, size_t n)
{
	strike();
}

static enum err
strike_step(const struct fake_call *c, struct error *err)
{
	strike();
	return ERR_OK;
}

/* Fails where there is a way back, and where there is none. */
static enum err
strike_and_fail(const struct fake_call *c, struct error *err)
{
	strike();
	return strcmp(c->step, hook_step) == 0 ?
	       fail(err, ERR_EXEC, "fails as told") : ERR_OK;
}

/* What comes now counts. */
static int armed_at;
static fake_hook_fn *armed_hook;

static void
arm(void)
{
	moments = 0;
	moment = armed_at;
	fake_hook = armed_hook;
	hub_before_commit(w.hub, strike_commit);
}

typedef enum err begin_fn(const char *volume, char op[ID_SIZE], struct error *);

static enum err
begin_evict(const char *volume, char op[ID_SIZE], struct error *err)
{
	RECORD_SCOPE struct volume *v = service_volume(w.s[0], volume);

	arm();
	return service_brick_evict(w.s[0], v->bricks[0].id, true, op, err);
}

/* The device has a brick of another volume, too. */
static enum err
begin_remove(const char *volume, char op[ID_SIZE], struct error *err)
{
	RECORD_SCOPE struct volume *v = service_volume(w.s[0], volume);
	char other[ID_SIZE] = "";
	enum err r = create_with(0, "", "2", other);

	if (r == ERR_OK)
		r = wait_end(0, other);
	if (r == ERR_OK)
		r = service_device_set_state(w.s[0], v->bricks[0].device,
					     STATE_OFFLINE, true, op, err);
	arm();
	return r != ERR_OK ? r :
	       service_device_set_state(w.s[0], v->bricks[0].device,
					STATE_FAILED, true, op, err);
}

static enum err
begin_clone(const char *volume, char op[ID_SIZE], struct error *err)
{
	arm();
	return service_volume_clone(w.s[0], volume, "copy", op, err);
}

static enum err
begin_create(const char *volume, char op[ID_SIZE], struct error *err)
{
	arm();
	return create_with(0, "", "2", op);
}

static enum err
begin_large_create(const char *volume, char op[ID_SIZE], struct error *err)
{
	arm();
	return create(0, "", op);
}

static enum err
begin_expand(const char *volume, char op[ID_SIZE], struct error *err)
{
	arm();
	return service_volume_expand(w.s[0], volume, 3, op, err);
}

static enum err
begin_delete(const char *volume, char op[ID_SIZE], struct error *err)
{
	arm();
	return service_volume_delete(w.s[0], volume, op, err);
}

/* A node is lost, not only the replica. */
static enum err
strike_and_lose(const struct fake_call *c, struct error *err)
{
	strike();
	return hook_lose(c, err);
}

/* Records, nodes and gluster agree; nothing is pending, no slot is taken. */
static bool
is_well(size_t nvolumes, size_t nmade, size_t neach)
{
	size_t n, bad = 0;
	CLEANUP(strs_release) struct strs ids = { 0 };

	service_list_volumes(w.s[1], &ids);
	for (size_t i = 0; i < ids.n; i++) {
		RECORD_SCOPE struct volume *v =
			service_volume(w.s[1], ids.v[i]);

		bad += v->doing != VOLUME_SETTLED || v->nbricks != neach ||
		       v->pending[0] != '\0' ||
		       strcmp(v->bricks[0].node, v->bricks[1].node) == 0;
		for (size_t k = 0; k < v->nbricks; k++)
			bad += v->bricks[k].pending[0] != '\0' ||
			       v->bricks[k].path[0] == '\0';
	}
	n = hub_count(w.hub, "volumes/");
	if (bad == 0 && n == nvolumes && fake_volumes() == nvolumes &&
	    fake_bricks() == nmade && hub_count(w.hub, "slots/") == 0)
		return true;
	printf("# %zu bad, %zu volumes, %zu in gluster, %zu bricks, %zu slots\n",
	       bad, n, fake_volumes(), fake_bricks(),
	       hub_count(w.hub, "slots/"));
	return false;
}

struct dying {
	const char *what;
	begin_fn *begin;
	const char *fails;	/* step, or NULL */
	enum err end, other;	/* how it may end */
	size_t volumes, bricks;
	size_t each;		/* bricks a volume */
	bool loses;		/* the first node asked for the step is lost */
};

static fake_hook_fn *
hook_of(const struct dying *d)
{
	return d->loses ? strike_and_lose :
	       d->fails != NULL ? strike_and_fail : strike_step;
}

/* true: the moment came before the end. */
static bool
die_at(const struct dying *d, int at)
{
	char id[ID_SIZE], op[ID_SIZE] = "";
	struct error err;
	enum err r;
	bool struck;

	begin_with(d->what, "glusterfs.max_inflight_operations", "8");
	start(1);
	is_int(create_with(0, "", "2", op), ERR_OK, "a create begins");
	is_int(wait_end(0, op), ERR_OK, "and ends well");
	target_of(op, id);
	armed_at = at;
	hook_step = d->fails;
	hook_code = ERR_TIMEOUT;
	lost_node[0] = '\0';
	armed_hook = hook_of(d);
	is_int(d->begin(id, op, &err), ERR_OK, "it is accepted");
	r = wait_end(1, op);
	struck = moments >= at;
	hub_before_commit(w.hub, NULL);
	fake_hook = NULL;
	ok(r == d->end || r == d->other, "moment %d: it ends with %d", at, r);
	ok(is_well(d->volumes, d->bricks, d->each), "moment %d: all agree", at);
	is_int(hub_count(w.hub, "admin/leftovers/"), d->loses, "moment %d: what "
	       "is left over", at);
	if (d->begin != begin_clone)
		check_sums(1);
	end();
	return struck;
}

static void
test_dying(void)
{
	static const struct dying all[] = {
		{ "evict", begin_evict, NULL, ERR_OK, ERR_OK, 1, 2, 2, false },
		{ "evict that fails", begin_evict, "brick_replace", ERR_EXEC,
		  ERR_EXEC, 1, 2, 2, false },
		{ "evict that seems to fail", begin_evict, "brick_replace_done",
		  ERR_OK, ERR_OK, 1, 2, 2, false },
		{ "remove", begin_remove, NULL, ERR_OK, ERR_OK, 2, 4, 2, false },
		{ "clone", begin_clone, NULL, ERR_OK, ERR_OK, 2, 2, 2, false },
		{ "clone that fails", begin_clone, "volume_clone_done", ERR_EXEC,
		  ERR_EXEC, 1, 2, 2, false },
		{ "create that loses a node", begin_create, "bricks_create",
		  ERR_OK, ERR_OK, 2, 4, 2, true },
		{ "create that loses a node it needs", begin_large_create,
		  "bricks_create", ERR_TIMEOUT, ERR_TIMEOUT, 1, 2, 2, true },
		{ "expand that loses a node", begin_expand, "bricks_create",
		  ERR_OK, ERR_OK, 1, 4, 4, true },
		{ "delete that loses a node", begin_delete, "bricks_destroy",
		  ERR_OK, ERR_OK, 0, 1, 2, true },
		{ "evict that loses a node", begin_evict, "bricks_create",
		  ERR_TIMEOUT, ERR_TIMEOUT, 1, 2, 2, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (int at = 1; at < 60 && die_at(&all[i], at); at++)
			;
}

int
main(void)
{
	log_set_level(LOG_LVL_ERR);
	test_dying();
	return tap_done();
}
