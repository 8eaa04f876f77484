/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each step that an executor offers, with good arguments and odd ones, twice, with
 * an older epoch, too late, and cancelled.  What it does not offer is named.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "plugin-check/lent.h"
#include "plugin-check/scenario.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define CALL_MS 20000
#define SOON_MS 1500
/* The name of a file that a shell would make, were it to see this. */
#define MARK "brickyard-plugin-check.mark"

static char *
name_of(const struct stop *s, const char *what)
{
	return xasprintf("%s: %s", stop_name(s), what);
}

/* ---- good arguments ---- */

/* The keys that a result has, record by record. */
static char *
keys_of(const struct brickyard_result *r)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < r->records.n; i++) {
		for (size_t k = 0; k < r->records.v[i].n; k++)
			buf_addf(&b, "%s ", r->records.v[i].v[k].key);
		buf_adds(&b, "; ");
	}
	return buf_steal(&b);
}

static void
compare(const struct stop *s, const struct answer *a, const struct answer *b)
{
	CLEANUP_FREE char *name = name_of(s, "done twice, the answer is the same");
	CLEANUP_FREE char *first = keys_of(&a->result);
	CLEANUP_FREE char *second = keys_of(&b->result);

	if (!check_ok(a->r == b->r, name, "the second time it %s: %s",
		      b->r == 0 ? "succeeded" : "failed", b->why.text))
		return;
	/* What is on a node may be more or less a moment later. */
	if (a->r == 0 && s->id != X_NODE_PROBE && s->id != X_NODE_EXAMINE)
		check_ok(strcmp(first, second) == 0, name, "it gave '%.100s', "
			 "then '%.100s'", first, second);
}

static void
check_law(const struct world *w, const struct stop *s, const struct answer *a)
{
	CLEANUP_FREE char *name = name_of(s, "its results are those of executor.h");
	CLEANUP_FREE char *why = NULL;

	if (a->r != 0 || s->law == NULL)
		return;
	why = s->law(w, &a->result);
	check_ok(why == NULL, name, "%s", why != NULL ? why : "");
	check_ok(!a->result.overflow, name, "they are more than fit");
}

/* True: it can do it here. */
static bool
try_good(struct world *w, const struct stop *s)
{
	CLEANUP_FREE char *answers = name_of(s, "answers, or says why not");
	CLEANUP_FREE char *unasked = name_of(s, "fails for a reason that there is");
	struct answer first, second;
	bool good;

	stop_do(w, s, &first);
	good = check_failure(answers, &first) && first.r == 0;
	check_law(w, s, &first);
	if (first.r != 0)
		check_ok(first.why.err_class != BRICKYARD_ERR_FENCED &&
			 first.why.err_class != BRICKYARD_ERR_CANCELLED,
			 unasked, "it was neither fenced nor cancelled: %s",
			 first.why.text);
	stop_do(w, s, &second);
	compare(s, &first, &second);
	check_law(w, s, &second);
	answer_release(&first);
	answer_release(&second);
	return good;
}

/* ---- odd arguments ---- */

static char long_name[5001];

/* None of them is a name that gluster, LVM or a resolver takes. */
static const struct {
	const char *what, *name;
} odd_names[] = {
	{ "no name", "" }, { "an option", "-x" }, { "a blank", "a b" },
	{ "a quote", "it's" }, { "two quotes", "\"" },
	{ "a substitution", "$(touch /tmp/" MARK ")" },
	{ "an old substitution", "`touch /tmp/" MARK "`" },
	{ "a second command", "; touch /tmp/" MARK },
	{ "a second line", "x\ntouch /tmp/" MARK "\n" },
	{ "no UTF-8", "\377\376" }, { "a format", "%s%n%s" },
	{ "a pattern", "*" }, { "5000 letters", long_name },
};

/* Everything with a name that a step may be told of, called `odd`. */
struct odd {
	struct step_args args;
	struct brickyard_device device;
	struct brickyard_gluster_volume volume;
	struct brickyard_block block;
	struct brickyard_brick_ref refs[2];
	struct brickyard_brick brick;
	const struct brickyard_brick *bricks[1];
};

static void
make_odd(struct world *w, const struct stop *s, const char *odd, struct odd *o)
{
	struct step_args *a = &o->args;

	memset(o, 0, sizeof(*o));
	s->args(w, a);
	for (size_t i = 0; i < ARRAY_SIZE(a->text); i++)
		if (a->text[i] != NULL)
			a->text[i] = odd;
	for (size_t i = 0; i < ARRAY_SIZE(a->refs); i++)
		if (a->refs[i] != NULL) {
			o->refs[i] = *a->refs[i];
			o->refs[i].host = o->refs[i].path = odd;
			a->refs[i] = &o->refs[i];
		}
	if (a->device != NULL) {
		o->device = *a->device;
		o->device.name = o->device.vg = odd;
		a->device = &o->device;
	}
	if (a->volume != NULL) {
		o->volume = *a->volume;
		o->volume.name = odd;
		a->volume = &o->volume;
	}
	if (a->block != NULL) {
		o->block = *a->block;
		o->block.volume = o->block.name = odd;
		a->block = &o->block;
	}
	if (a->nbricks > 0) {
		o->brick = *a->bricks[0];
		o->brick.lv = o->brick.thin_pool = odd;
		o->brick.mount = o->brick.path = odd;
		o->bricks[0] = &o->brick;
		a->bricks = o->bricks;
		a->nbricks = 1;
	}
}

static bool
has_names(const struct step_args *a)
{
	return a->text[0] != NULL || a->device != NULL || a->volume != NULL ||
	       a->block != NULL || a->nbricks > 0;
}

static void
ask_odd(struct world *w, const struct stop *s, const struct step_args *args,
	const char *odd)
{
	CLEANUP_FREE char *name = xasprintf("%s of %s is refused in "
					    "words%s", stop_name(s), odd,
					    s->nature == REMOVES ?
					    ", or nothing to do" : "");
	struct answer a;
	struct trial t;

	check_begin(name);
	trial_init(&t, w->k.operation, 2, CALL_MS);
	stop_ask(w, s, args, &t, &a);
	if (a.r == 0 && s->nature != REMOVES)
		check_ok(false, name, "it says that it did it");
	else
		check_failure(name, &a);
	answer_release(&a);
}

static void
try_odd_block(struct world *w, const struct stop *s)
{
	static const struct {
		const char *what;
		uint64_t size;
		size_t nhosts;
	} odd[] = {
		{ "no size", 0, 1 }, { "2^64 - 1 bytes", UINT64_MAX, 1 },
		{ "no host", UINT64_C(1) << 30, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		struct step_args a = { .nbricks = 0 };
		struct brickyard_block b;

		s->args(w, &a);
		if (a.block == NULL || s->id == X_BLOCK_DESTROY)
			return;
		b = *a.block;
		b.size_bytes = odd[i].size;
		b.nhosts = odd[i].nhosts;
		a.block = &b;
		ask_odd(w, s, &a, odd[i].what);
	}
}

/* Also on the node, if it has a shell. */
static void
check_mark(struct world *w, const struct stop *s)
{
	CLEANUP_FREE char *name = name_of(s, "no argument was run as a command");
	static const char look[] = "if [ -e /tmp/" MARK " ]; then rm -f /tmp/"
				   MARK "; echo made; fi\n";
	struct bench *b = &w->k.bench;
	struct brickyard_result res;
	const char *out = NULL;
	struct trial t;

	result_init(&res);
	trial_init(&t, NULL, 0, CALL_MS);
	if (b->ops->run(b->x, &t.call, &b->node, look, &res, &t.error) == 0)
		out = result_get(&res, 0, "stdout");
	check_ok(access("/tmp/" MARK, F_OK) != 0 &&
		 (out == NULL || out[0] == '\0'), name, "a shell made /tmp/"
		 MARK);
	(void)unlink("/tmp/" MARK);
	result_release(&res);
}

static void
try_odd(struct world *w, const struct stop *s)
{
	CLEANUP_FREE char *unhurt = name_of(s, "as before after odd arguments");
	struct answer before, after;

	stop_do(w, s, &before);
	memset(long_name, 'o', sizeof(long_name) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(odd_names); i++) {
		struct odd o;

		make_odd(w, s, odd_names[i].name, &o);
		if (!has_names(&o.args))
			break;
		ask_odd(w, s, &o.args, odd_names[i].what);
	}
	try_odd_block(w, s);
	check_mark(w, s);
	stop_do(w, s, &after);
	check_ok(before.r == after.r, unhurt, "it %s: %s", after.r == 0 ?
		 "succeeds" : "fails", after.why.text);
	answer_release(&before);
	answer_release(&after);
}

/* ---- fence, deadline, cancelling ---- */

static void
try_older_epoch(struct world *w, const struct stop *s)
{
	CLEANUP_FREE char *name = name_of(s, "an older epoch is fenced");
	struct answer a;
	struct trial t;

	check_begin(name);
	trial_init(&t, w->k.operation, 1, CALL_MS);
	stop_ask(w, s, NULL, &t, &a);
	check_ok(a.r != 0 && a.why.err_class == BRICKYARD_ERR_FENCED, name,
		 "it %s, class %d: %s", a.r == 0 ? "succeeded" : "failed",
		 a.why.err_class, a.why.text);
	answer_release(&a);
}

/* Too late or cancelled before it began: back soon, and for that reason. */
static void
try_ended(struct world *w, const struct stop *s, bool cancelled)
{
	CLEANUP_FREE char *name = name_of(s, cancelled ?
		"cancelled before it began, it comes back soon" :
		"begun after its deadline, it comes back soon");
	CLEANUP_FREE char *reason = name_of(s, cancelled ?
		"and if it failed, says cancelled" :
		"and if it failed, says timeout");
	int want = cancelled ? BRICKYARD_ERR_CANCELLED : BRICKYARD_ERR_TIMEOUT;
	struct answer a;
	struct trial t;

	check_begin(name);
	trial_init(&t, w->k.operation, 2, cancelled ? CALL_MS : -1000);
	t.cancel_at = cancelled;
	stop_ask(w, s, NULL, &t, &a);
	check_ok(a.took_ms < SOON_MS, name, "after %" PRId64 " ms", a.took_ms);
	check_ok(a.r == 0 || a.why.err_class == want, reason, "class %d: %s",
		 a.why.err_class, a.why.text);
	answer_release(&a);
}

/* ---- all of it ---- */

static void
visit(struct world *w, const struct stop *s)
{
	CLEANUP_FREE char *polite = name_of(s, "uses the host's services as it may");
	CLEANUP_FREE char *provable = name_of(s, "what it does");
	bool good = try_good(w, s);

	if (good) {
		try_ended(w, s, false);
		try_ended(w, s, true);
		if (s->nature != LOOKS)
			try_older_epoch(w, s);
	}
	try_odd(w, s);
	check_misuse(polite);
	if (!good)
		(void)stop_is_provable(w, s);
	else
		check_ok(true, provable, "-");
}

static void
untried(const char *step, const char *why)
{
	check_skip(step, "%s", why);
}

void
check_offers(struct subject *s)
{
	scenario_walk(s, visit, untried);
}
