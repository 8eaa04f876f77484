/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices collected for a reply.  Runs on the workers of the API. */
#include <config.h>

#include <string.h>

#include "api/views.h"
#include "util/xalloc.h"

void
device_views_add(struct service *s, struct device *d, struct device_views *l)
{
	struct device_view *v = VEC_PUSH(l);

	v->device = d;
	v->bricks = service_device_bricks(s, d->id, &v->nbricks);
}

void
device_views_of_node(struct service *s, const char *node,
		     struct device_views *l)
{
	CLEANUP(strs_release) struct strs ids = { 0 };

	service_node_devices(s, node, &ids);
	for (size_t i = 0; i < ids.n; i++) {
		struct device *d = service_device(s, ids.v[i]);

		/* It may have gone since the list was made. */
		if (d != NULL)
			device_views_add(s, d, l);
	}
}

void
device_views_release(struct device_views *l)
{
	for (size_t i = 0; i < l->n; i++) {
		service_device_bricks_free(l->v[i].bricks, l->v[i].nbricks);
		record_unref(&l->v[i].device->r);
	}
	free(l->v);
	memset(l, 0, sizeof(*l));
}
