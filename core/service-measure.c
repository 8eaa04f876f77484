/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is measured.  Nothing here walks over volumes or results: their numbers are
 * kept up to date by the model.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "service-private.h"
#include "util/clock.h"
#include "util/xalloc.h"

/* ---- the replica and its operations ---- */

static enum measured_status
measured(const struct operation *op)
{
	return op->status == OP_STUCK ? MEASURED_STUCK :
	       op->status == OP_UNDOING ? MEASURED_UNDOING : MEASURED_RUNNING;
}

/* Under the mirror's lock. */
static void
measure_operations(struct service *s, struct measures *ret)
{
	const struct strs *ids = relation_of(s->model->open_ops, "");

	for (size_t i = 0; i < ids->n; i++) {
		const struct operation *op = (const void *)mirror_peek(
			s->mirror, RECORD_OPERATION, ids->v[i]);

		if (op != NULL && (unsigned)op->kind < OP_KINDS)
			ret->operations[op->kind][measured(op)]++;
	}
}

static void
measure_lease(struct service *s, struct measures *ret)
{
	int64_t left = store_lease_deadline_ms(s->deps.store) - clock_mono_ms();
	LOCK_FOR_SCOPE(&s->lock);

	ret->has_lease = s->listed;
	ret->lease_left_ms = left > 0 ? left : 0;
}

static void
measure_duties(struct service *s, struct measures *ret)
{
	size_t n, skip = strlen(record_prefix(RECORD_DUTY));
	struct record **l = mirror_list(s->mirror, RECORD_DUTY, &n);

	for (size_t i = 0; i < n; i++) {
		const struct index_entry *e = (const void *)l[i];

		if (e->value != NULL && strcmp(e->value, s->replica_id) == 0)
			strs_add(&ret->duties, e->r.key + skip);
	}
	mirror_list_free(l, n);
}

void
service_measure(struct service *s, struct measures *ret)
{
	CLEANUP(strs_release) struct strs bad = { 0 };

	memset(ret, 0, sizeof(*ret));
	mirror_rdlock(s->mirror);
	measure_operations(s, ret);
	mirror_unlock(s->mirror);
	for (int kind = 0; kind < RECORD_KINDS; kind++)
		ret->records[kind] = mirror_count(s->mirror,
						  (enum record_kind)kind);
	mirror_quarantined(s->mirror, &bad);
	ret->unreadable = bad.n;
	ret->revision = mirror_revision(s->mirror);
	ret->store = mirror_stats(s->mirror);
	ret->steps = executor_stats(s->deps.executor);
	measure_lease(s, ret);
	measure_duties(s, ret);
}

void
measures_release(struct measures *m)
{
	strs_release(&m->duties);
}

/* ---- the topology; under the mirror's lock ---- */

static void
measure_device(struct service *s, const char *id, size_t node,
	       struct topology_measures *ret)
{
	struct device *d = (void *)mirror_peek(s->mirror, RECORD_DEVICE, id);
	struct device_measure *m;

	if (d == NULL || d->adding)
		return;
	m = VEC_PUSH(&ret->devices);
	m->device = (void *)record_ref(&d->r);
	m->node = node;
	m->bricks = relation_count(s->model->bricks, id);
	ret->nodes.v[node].devices++;
}

static bool
measure_node(struct service *s, const char *id, struct topology_measures *ret)
{
	struct node *n = (void *)mirror_peek(s->mirror, RECORD_NODE, id);
	const struct strs *devices = relation_of(s->model->devices, id);
	struct node_measure *m;

	if (n == NULL || n->adding)
		return false;
	m = VEC_PUSH(&ret->nodes);
	m->node = (void *)record_ref(&n->r);
	m->devices = 0;
	for (size_t i = 0; i < devices->n; i++)
		measure_device(s, devices->v[i], ret->nodes.n - 1, ret);
	return true;
}

static void
measure_cluster(struct service *s, const char *id,
		struct topology_measures *ret)
{
	const struct model *m = s->model;
	const struct strs *nodes = relation_of(m->nodes, id);
	struct cluster_measure *c = VEC_PUSH(&ret->clusters);

	memset(c, 0, sizeof(*c));
	memcpy(c->id, id, strnlen(id, ID_SIZE - 1));
	c->volumes = relation_count(m->volumes, id) -
		     relation_count(m->hidden_volumes, id);
	c->blockvolumes = relation_count(m->blockvolumes, id) -
			  relation_count(m->hidden_blockvolumes, id);
	for (size_t i = 0; i < nodes->n; i++)
		c->nodes += measure_node(s, nodes->v[i], ret);
}

void
service_measure_topology(struct service *s, struct topology_measures *ret)
{
	CLEANUP(strs_release) struct strs clusters = { 0 };

	memset(ret, 0, sizeof(*ret));
	service_list_clusters(s, &clusters);
	mirror_rdlock(s->mirror);
	for (size_t i = 0; i < clusters.n; i++)
		measure_cluster(s, clusters.v[i], ret);
	mirror_unlock(s->mirror);
}

void
topology_measures_release(struct topology_measures *t)
{
	for (size_t i = 0; i < t->nodes.n; i++)
		record_unref(&t->nodes.v[i].node->r);
	for (size_t i = 0; i < t->devices.n; i++)
		record_unref(&t->devices.v[i].device->r);
	free(t->clusters.v);
	free(t->nodes.v);
	free(t->devices.v);
	memset(t, 0, sizeof(*t));
}
