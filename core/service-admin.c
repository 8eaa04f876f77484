/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cluster-wide switches, as they are changed and asked for. */
#include <config.h>

#include "service-private.h"
#include "util/log.h"

struct setting {
	struct service *service;
	const char *key, *value;
};

static enum err
build_setting(void *arg, struct txn *t, struct error *err)
{
	const struct setting *a = arg;
	RECORD_SCOPE struct record *old =
		mirror_get(a->service->mirror, RECORD_ADMIN, a->key);
	struct index_entry *e = index_new(RECORD_ADMIN, a->key, a->value);

	e->r.revision = old != NULL ? old->revision : 0;
	txn_put(t, &e->r);
	record_unref(&e->r);
	return ERR_OK;
}

static enum err
set(struct service *s, const char *key, const char *value, struct error *err)
{
	struct setting a = { s, key, value };

	return engine_commit(s->engine, build_setting, &a, err);
}

enum admin_mode
service_admin_mode(struct service *s)
{
	return switches_mode(s->switches);
}

enum err
service_set_admin_mode(struct service *s, enum admin_mode mode,
		       struct error *err)
{
	return set(s, SWITCH_MODE, admin_mode_name(mode), err);
}

const char *
service_log_level(struct service *s)
{
	return log_level_name(log_get_level());
}

enum err
service_set_log_level(struct service *s, const char *name, struct error *err)
{
	enum log_level level;

	/* That one is ours, for the configuration. */
	if (!log_level_parse(name, &level) || level == LOG_LVL_NOTICE)
		return fail(err, ERR_PARSE, "invalid log level: %s", name);
	return set(s, SWITCH_LOGLEVEL, name, err);
}
