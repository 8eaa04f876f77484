/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes whose volume type is not loaded: they are shown, and nothing is done to
 * them, since nobody knows any more how they are built.
 */
#include <config.h>

#include <stdio.h>

#include "service-private.h"
#include "util/log.h"

enum err
service_check_type(struct service *s, const struct volume *v, struct error *err)
{
	if (plugin_for_request(s->deps.plugins, v->type) != NULL)
		return ERR_OK;
	return fail(err, ERR_REFUSED, "Volume %s needs the volume type '%s', "
		    "which is not loaded: nothing is done to it until the "
		    "plug-in is there (see brickyardd --list-plugins)", v->id,
		    v->type);
}

void
service_volume_types(struct service *s, struct kvs *ret)
{
	mirror_rdlock(s->mirror);
	for (size_t i = 0; i < s->model->types.n; i++) {
		const struct type_count *c = &s->model->types.v[i];
		char count[24];

		snprintf(count, sizeof(count), "%zu", c->volumes);
		if (c->volumes > 0)
			kvs_set(ret, c->type, count);
	}
	mirror_unlock(s->mirror);
}

void
service_missing_types(struct service *s, struct kvs *ret)
{
	CLEANUP(kvs_release) struct kvs all = { 0 };

	service_volume_types(s, &all);
	for (size_t i = 0; i < all.n; i++)
		if (plugin_for_request(s->deps.plugins, all.v[i].key) == NULL)
			kvs_set(ret, all.v[i].key, all.v[i].value);
}

void
service_tell_missing_types(struct service *s)
{
	CLEANUP(kvs_release) struct kvs missing = { 0 };

	service_missing_types(s, &missing);
	for (size_t i = 0; i < missing.n; i++)
		log_warning("volume type '%s' is not loaded, but %s volumes need "
			    "it: they are shown only", missing.v[i].key,
			    missing.v[i].value);
}
