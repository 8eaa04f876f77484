/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes whose volume type is not loaded: they are shown, and nothing is done to
 * them, since nobody knows any more how they are built.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "service-private.h"
#include "util/log.h"

static bool
is_missing(struct service *s, const struct volume *v)
{
	return plugin_for_request(s->deps.plugins, v->type) == NULL;
}

enum err
service_check_type(struct service *s, const struct volume *v, struct error *err)
{
	if (!is_missing(s, v))
		return ERR_OK;
	return fail(err, ERR_REFUSED, "Volume %s needs the volume type '%s', "
		    "which is not loaded: nothing is done to it until the "
		    "plug-in is there (see brickyardd --list-plugins)", v->id,
		    v->type);
}

void
service_missing_types(struct service *s, struct kvs *ret)
{
	size_t n;
	struct record **l = mirror_list(s->mirror, RECORD_VOLUME, &n);

	for (size_t i = 0; i < n; i++) {
		const struct volume *v = (const void *)l[i];
		const char *was;
		uint64_t so_far = 0;
		char count[24];

		if (!is_missing(s, v))
			continue;
		was = kvs_get(ret, v->type);
		if (was != NULL)
			so_far = strtoull(was, NULL, 10);
		snprintf(count, sizeof(count), "%" PRIu64, so_far + 1);
		kvs_set(ret, v->type, count);
	}
	mirror_list_free(l, n);
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
