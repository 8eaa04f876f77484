/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is there: the replicas, what they own, and the figures of this one. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "service-private.h"
#include "util/xalloc.h"

static struct replica_view *
find_view(struct replica_view *l, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(l[i].replica->id, id) == 0)
			return &l[i];
	return NULL;
}

/* Under the mirror's lock. */
static void
count_open(struct service *s, struct replica_view *l, size_t n)
{
	const struct strs *ids = relation_of(s->model->open_ops, "");

	for (size_t i = 0; i < ids->n; i++) {
		const struct operation *op =
			(const void *)mirror_peek(s->mirror, RECORD_OPERATION,
						  ids->v[i]);
		struct replica_view *v =
			op != NULL ? find_view(l, n, op->owner) : NULL;

		if (v != NULL)
			v->open_operations++;
	}
}

static void
list_duties(struct service *s, struct replica_view *l, size_t n)
{
	size_t nduties, skip = strlen(record_prefix(RECORD_DUTY));
	struct record **duties = mirror_list(s->mirror, RECORD_DUTY, &nduties);

	for (size_t i = 0; i < nduties; i++) {
		const struct index_entry *e = (const void *)duties[i];
		struct replica_view *v = find_view(l, n, e->value);

		if (v != NULL)
			strs_add(&v->duties, e->r.key + skip);
	}
	mirror_list_free(duties, nduties);
}

struct replica_view *
service_replicas(struct service *s, size_t *ret_n)
{
	size_t n;
	struct record **records = mirror_list(s->mirror, RECORD_REPLICA, &n);
	struct replica_view *l = xcalloc(n, sizeof(*l));

	for (size_t i = 0; i < n; i++) {
		l[i].replica = (void *)record_ref(records[i]);
		l[i].is_self = strcmp(l[i].replica->id, s->replica_id) == 0;
	}
	mirror_list_free(records, n);
	mirror_rdlock(s->mirror);
	count_open(s, l, n);
	mirror_unlock(s->mirror);
	list_duties(s, l, n);
	*ret_n = n;
	return l;
}

void
service_replicas_free(struct replica_view *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		record_unref(&l[i].replica->r);
		strs_release(&l[i].duties);
	}
	free(l);
}

struct record **
service_unhealthy(struct service *s, size_t *ret_n)
{
	return mirror_list(s->mirror, RECORD_HEALTH, ret_n);
}

size_t
service_figures(struct service *s, struct figure ret[SERVICE_FIGURES_MAX])
{
	const struct counters *c = engine_counters(s->engine);
	size_t running, waiting, n = 0;

	_Static_assert(COUNTERS + 2 <= SERVICE_FIGURES_MAX, "figures");
	for (int i = 0; i < COUNTERS; i++)
		ret[n++] = (struct figure){ counter_name((enum counter)i),
					    atomic_load(&c->v[i]) };
	engine_load(s->engine, &running, &waiting);
	ret[n++] = (struct figure){ "running", running };
	ret[n++] = (struct figure){ "waiting", waiting };
	return n;
}
