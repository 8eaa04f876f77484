/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules that a device must keep to get a brick, and the words for why it
 * did not.  One function decides (attempt_refusal), for the random draw, the
 * complete search and the explanation alike, so they can't disagree.
 *
 * No state but the attempt's, which belongs to the thread that plans.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "placement-rule.h"
#include "util/buf.h"
#include "util/xalloc.h"

#define REASONS_MAX 1000

/* ---- tag rules ---- */

/* heketi's class [a-zA-Z0-9.-_] is letters, digits, and by mistake all that
 * lies between '.' and '_': also / : ; < = > ? @ [ \ ] ^ but neither '-' nor
 * '!'.  Rules are stored with volumes, so the mistake must be kept.
 */
static bool
is_tag_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '.' && c <= '_');
}

static bool
is_tag_word(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_tag_char(s[i]))
			return false;
	return len > 0;
}

/* Where the operator is, as the greedy expression finds it: a '!' can only be
 * its beginning; otherwise it is the last '=' with something after it.
 */
static const char *
tag_operator(const char *rule)
{
	const char *bang = strchr(rule, '!');
	size_t len = strlen(rule);

	if (bang != NULL)
		return bang[1] == '=' ? bang : NULL;
	return len > 1 ? memrchr(rule, '=', len - 1) : NULL;
}

bool
tag_rule_parse(const char *rule, struct tag_rule *ret)
{
	const char *op = tag_operator(rule);
	const char *value;

	if (op == NULL)
		return false;
	value = op + (*op == '!' ? 2 : 1);
	if (!is_tag_word(rule, (size_t)(op - rule)) ||
	    !is_tag_word(value, strlen(value)))
		return false;
	ret->differs = *op == '!';
	ret->key = xstrdup(rule);
	ret->key[op - rule] = '\0';
	ret->value = ret->key + (value - rule);
	return true;
}

void
tag_rule_release(struct tag_rule *r)
{
	free(r->key);
	memset(r, 0, sizeof(*r));
}

static bool
tag_matches(const struct tag_rule *r, const struct topology_device *d)
{
	if (r->key == NULL)
		return true;
	return (strcmp(topology_tag(d, r->key), r->value) != 0) == r->differs;
}

/* ---- what a brick needs, what a device has ---- */

uint32_t
attempt_role(const struct attempt *a, uint32_t brick)
{
	const uint32_t *roles = a->request->roles;

	return roles != NULL ? roles[brick] : BRICKYARD_ROLE_DATA;
}

unsigned
attempt_pools(const struct attempt *a, uint32_t brick)
{
	unsigned supported = 1u << ARBITER_SUPPORTED;

	if (!a->has_arbiter)
		return (1u << ARBITER_TAGS) - 1;
	if (attempt_role(a, brick) == BRICKYARD_ROLE_ARBITER)
		return supported | 1u << ARBITER_REQUIRED;
	return supported | 1u << ARBITER_DISABLED;
}

struct need
attempt_need(const struct attempt *a, uint32_t brick, uint64_t extent_bytes)
{
	struct need n;

	placement_pool_bytes(a->brick_bytes[brick],
			     a->request->snapshot_factor, extent_bytes,
			     &n.pool_bytes, &n.metadata_bytes);
	if (__builtin_add_overflow(n.pool_bytes, n.metadata_bytes,
				   &n.total_bytes))
		n.total_bytes = UINT64_MAX;
	return n;
}

uint64_t
attempt_free(const struct attempt *a, const struct topology_device *d)
{
	uint64_t bytes = topology_free_bytes(d->device);
	struct taken *t = NULL;

	HASH_FIND_PTR(a->taken, &d, t);
	return t != NULL ? bytes - t->bytes : bytes;
}

void
attempt_take(struct attempt *a, const struct topology_device *d,
	     uint64_t bytes)
{
	struct taken *t = NULL;

	HASH_FIND_PTR(a->taken, &d, t);
	if (t == NULL) {
		t = XNEW(struct taken);
		t->device = d;
		HASH_ADD_PTR(a->taken, device, t);
	}
	t->bytes += bytes;
}

void
attempt_forget(struct attempt *a)
{
	struct taken *t, *next;

	HASH_ITER(hh, a->taken, t, next) {
		HASH_DEL(a->taken, t);
		free(t);
	}
	a->bricks.n = 0;
}

enum refusal
attempt_refusal(const struct attempt *a, uint32_t brick,
		const struct topology_device *d, double *ret_left)
{
	const struct strs *avoid = a->request->avoid;
	uint64_t free_bytes, needs;

	if ((attempt_pools(a, brick) & 1u << d->arbiter) == 0)
		return REFUSAL_ARBITER_TAG;
	if (!tag_matches(&a->tag, d))
		return REFUSAL_TAG;
	if (avoid != NULL && strs_has(avoid, d->id))
		return REFUSAL_AVOIDED;
	if (a->replaced != NULL && strcmp(a->replaced, d->id) == 0)
		return REFUSAL_REPLACED;
	free_bytes = attempt_free(a, d);
	needs = attempt_need(a, brick, d->device->extent_bytes).total_bytes;
	/* Strictly more, and in KiB, as heketi compares. */
	if (free_bytes / 1024 <= needs / 1024)
		return REFUSAL_SPACE;
	*ret_left = (double)(free_bytes - needs) /
		    (double)d->device->total_bytes;
	return REFUSAL_NONE;
}

/* ---- explanation ---- */

static void
why_offline(struct buf *b, const struct topology_device *d)
{
	const struct node *n = d->on->node;

	if (n->state != STATE_ONLINE)
		buf_addf(b, "node is %s", state_name(n->state));
	else if (n->adding || n->pending[0] != '\0')
		buf_adds(b, "node is being added or deleted");
	else if (d->on->unhealthy)
		buf_adds(b, "node is not healthy");
	else if (d->device->state != STATE_ONLINE)
		buf_addf(b, "device is %s", state_name(d->device->state));
	else
		buf_adds(b, "device is being added or deleted");
}

static void
why_arbiter(struct buf *b, const struct attempt *a)
{
	bool arbiter = attempt_role(a, a->failed_brick) ==
		       BRICKYARD_ROLE_ARBITER;

	buf_addf(b, "tag arbiter=%s allows no %s brick",
		 arbiter ? "disabled" : "required",
		 arbiter ? "arbiter" : "data");
}

static void
why_space(struct buf *b, const struct attempt *a,
	  const struct topology_device *d)
{
	uint64_t now = topology_free_bytes(d->device);
	uint64_t left = attempt_free(a, d);

	buf_addf(b, "free %" PRIu64 " bytes", left);
	if (left != now)
		buf_addf(b, " (%" PRIu64 " without earlier bricks of this "
			    "volume)", now);
	buf_addf(b, ", needs more than %" PRIu64,
		 attempt_need(a, a->failed_brick,
			      d->device->extent_bytes).total_bytes);
}

static void
why_refused(struct buf *b, const struct attempt *a,
	    const struct topology_device *d)
{
	double left;

	switch (attempt_refusal(a, a->failed_brick, d, &left)) {
	case REFUSAL_ARBITER_TAG:
		why_arbiter(b, a);
		return;
	case REFUSAL_TAG:
		buf_addf(b, "tag %s is '%s', rule is %s", a->tag.key,
			 topology_tag(d, a->tag.key), a->request->tag_match);
		return;
	case REFUSAL_AVOIDED:
		buf_adds(b, "avoided: failed in an earlier attempt");
		return;
	case REFUSAL_REPLACED:
		buf_adds(b, "the brick is to leave it");
		return;
	case REFUSAL_SPACE:
		why_space(b, a, d);
		return;
	case REFUSAL_NONE:
		/* The search was complete: what fits is where others are. */
		buf_adds(b, a->request->strict_zones ?
				    "zone already used in the brick set" :
				    "node already used in the brick set");
		return;
	}
}

static void
reason(const struct attempt *a, const struct topology_device *d,
       struct strs *reasons)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	buf_addf(&b, "device %s (%s) on node %s: ", d->id,
		 d->device->name != NULL ? d->device->name : "?", d->on->id);
	if (d->eligible)
		why_refused(&b, a, d);
	else
		why_offline(&b, d);
	strs_add(reasons, buf_str(&b));
}

void
attempt_reasons(const struct attempt *a, struct strs *reasons)
{
	const struct topology_nodes *nodes = &a->cluster->nodes;

	for (size_t i = 0; i < nodes->n; i++)
		for (size_t j = 0; j < nodes->v[i]->devices.n; j++) {
			if (reasons->n >= REASONS_MAX)
				return;
			reason(a, nodes->v[i]->devices.v[j], reasons);
		}
}
