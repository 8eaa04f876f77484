/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unknown keys of the configuration: heketi ignores them, and so do we, but a
 * slip of the pen in one is a night's search, so they are named, with what was
 * probably meant.
 */
#include <config.h>

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "configuration-hint.h"
#include "util/buf.h"
#include "util/distance.h"
#include "util/xalloc.h"

#define HINTS_MAX 32

/* Documented once, read never; not by heketi either. */
static const char *const dead[] = {
	"glusterfs.kubeexec.host", "glusterfs.kubeexec.cert",
	"glusterfs.kubeexec.insecure", "glusterfs.kubeexec.user",
	"glusterfs.kubeexec.password",
};

static bool
is_comment(const char *key)
{
	return key[0] == '_' || strstr(key, "._") != NULL;
}

static bool
is_dead(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(dead); i++)
		if (strcasecmp(dead[i], key) == 0)
			return true;
	return false;
}

static const char *
last_part(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot != NULL ? dot + 1 : key;
}

/* The right name in the wrong place, or nearly the right one; NULL: neither. */
static const char *
suggestion(const char *key, const char *const *names, size_t n)
{
	unsigned best = (unsigned)strlen(last_part(key)) / 4 + 2, d;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		d = strcasecmp(last_part(names[i]), last_part(key)) == 0 ? 1 :
		    word_distance(key, names[i]);
		if (d < best) {
			best = d;
			found = names[i];
		}
	}
	return found;
}

void
config_hint(const char *key, const char *source, const char *const *names,
	    size_t nnames, struct strs *ret)
{
	const char *meant;

	if (is_comment(key) || ret->n > HINTS_MAX)
		return;
	if (ret->n == HINTS_MAX) {
		strs_add(ret, "... and more keys that are not known");
		return;
	}
	if (is_dead(key)) {
		*VEC_PUSH(ret) = xasprintf(
			"%s: '%s' has no effect, nor had it in heketi: the pod's "
			"service account counts", source, key);
		return;
	}
	meant = suggestion(key, names, nnames);
	*VEC_PUSH(ret) = xasprintf(
		"%s: '%s' is not known, ignoring%s%s%s", source, key,
		meant != NULL ? "; did you mean '" : "",
		meant != NULL ? meant : "", meant != NULL ? "'?" : "");
}
