/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An observer of the mirror: it runs under the mirror's lock, and what it learns
 * can be asked for at any time without one.
 */
#include <config.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "switches.h"
#include "util/log.h"
#include "util/xalloc.h"

struct switches {
	enum admin_mode default_mode;
	enum log_level default_level;
	_Atomic enum admin_mode mode;
};

static const char *const mode_names[] = {
	[MODE_NORMAL] = "normal",
	[MODE_READ_ONLY] = "read-only",
	[MODE_LOCAL_CLIENT] = "local-client",
};

const char *
admin_mode_name(enum admin_mode mode)
{
	return mode_names[mode];
}

bool
admin_mode_parse(const char *name, enum admin_mode *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(mode_names); i++) {
		if (strcmp(mode_names[i], name) == 0) {
			*ret = (enum admin_mode)i;
			return true;
		}
	}
	return false;
}

void
switches_set_mode(struct switches *s, enum admin_mode mode)
{
	if (atomic_exchange(&s->mode, mode) != mode)
		log_notice("admin mode: %s", admin_mode_name(mode));
}

/* value NULL: the key is gone.  A word that we don't know was written by a newer
 * version: go on as it was.
 */
static void
set_mode(struct switches *s, const char *value)
{
	enum admin_mode mode = s->default_mode;

	if (value != NULL && !admin_mode_parse(value, &mode)) {
		log_warning("admin mode '%s' is not known, ignoring", value);
		return;
	}
	switches_set_mode(s, mode);
}

static void
set_level(struct switches *s, const char *value)
{
	enum log_level level = s->default_level;

	if (value != NULL && !log_level_parse(value, &level)) {
		log_warning("log level '%s' is not known, ignoring", value);
		return;
	}
	log_set_level(level);
}

static void
changed(void *arg, const struct record *was, const struct record *now)
{
	const struct record *r = now != NULL ? now : was;
	const char *value = now != NULL ?
		((const struct index_entry *)now)->value : NULL;

	if (r->kind != RECORD_ADMIN)
		return;
	if (strcmp(r->key, "admin/" SWITCH_MODE) == 0)
		set_mode(arg, value);
	else if (strcmp(r->key, "admin/" SWITCH_LOGLEVEL) == 0)
		set_level(arg, value);
}

static void
reset(void *arg)
{
	set_mode(arg, NULL);
	set_level(arg, NULL);
}

struct switches *
switches_new(const struct config *c, struct mirror *mirror)
{
	static const struct mirror_observer observer = {
		.reset = reset,
		.changed = changed,
	};
	struct switches *s = XNEW(struct switches);
	const char *name = config_str(c, "default_state");

	/* config_check has seen to it that it is one. */
	(void)admin_mode_parse(name, &s->default_mode);
	s->mode = s->default_mode;
	s->default_level = log_get_level();
	mirror_observe(mirror, &observer, s);
	return s;
}

void
switches_free(struct switches *s)
{
	free(s);
}

enum admin_mode
switches_mode(const struct switches *s)
{
	return atomic_load(&s->mode);
}
