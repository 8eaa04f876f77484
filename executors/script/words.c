/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of tools and words for tools; see words.h. */
#include <string.h>

#include "words.h"

static const char *const busy[] = {
	"another transaction is in progress",
	"another transaction could be in progress",
	"locking failed",
	"failed to get the lock",
	"please try again",
	"not in 'peer in cluster' state",
};

static bool
has(const char *s, const char *part)
{
	return strcasestr(s, part) != NULL;
}

bool
gluster_is_busy(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(busy); i++)
		if (has(s, busy[i]))
			return true;
	return false;
}

void
gluster_busy_pattern(struct text *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(busy); i++)
		text_addf(t, "%s%s", i > 0 ? "|" : "", busy[i]);
}

int
gluster_class(const char *s)
{
	if (gluster_is_busy(s) || has(s, "connection failed") ||
	    has(s, "peers are down") || has(s, "is down") ||
	    has(s, "not connected") || has(s, "request timed out"))
		return BRICKYARD_ERR_TRANSIENT;
	return BRICKYARD_ERR_PERMANENT;
}

int
lvm_class(const char *s)
{
	if (has(s, "insufficient free") || has(s, "insufficient suitable"))
		return BRICKYARD_ERR_NOSPACE;
	return BRICKYARD_ERR_PERMANENT;
}

static bool
starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

int
tool_class(const char *label, const char *words, unsigned status)
{
	if (status == 127 || status == 126)
		return BRICKYARD_ERR_PERMANENT;	/* it can't be run at all */
	if (status > 128)
		return BRICKYARD_ERR_TRANSIENT;	/* somebody killed it */
	if (has(words, "no space left on device") ||
	    has(words, "disk quota exceeded"))
		return BRICKYARD_ERR_NOSPACE;
	if (starts(label, "gluster") || starts(label, "peer ") ||
	    starts(label, "snapshot ")) {
		if (has(words, "already exists"))
			return BRICKYARD_ERR_EXISTS;
		return gluster_class(words);
	}
	if (starts(label, "lv") || starts(label, "vg") || starts(label, "pv")) {
		if (has(words, "already exists"))
			return BRICKYARD_ERR_EXISTS;
		if (has(words, "volume group") && has(words, "not found"))
			return BRICKYARD_ERR_NOTFOUND;
		return lvm_class(words);
	}
	if (starts(label, "umount") && has(words, "busy"))
		return BRICKYARD_ERR_TRANSIENT;
	return BRICKYARD_ERR_PERMANENT;
}

/* ---- words for tools ---- */

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

bool
is_plain_name(const char *s)
{
	return s != NULL && s[0] != '\0' && s[0] != '-' && s[0] != '.' &&
	       strlen(s) < 128 && strspn(s, ALNUM "_+.-") == strlen(s);
}

bool
is_plain_path(const char *s)
{
	return s != NULL && s[0] == '/' && s[1] != '\0' && strlen(s) < 400 &&
	       strspn(s, ALNUM "_.:/+-") == strlen(s) &&
	       strstr(s, "/../") == NULL &&
	       (strlen(s) < 3 || strcmp(s + strlen(s) - 3, "/..") != 0);
}

bool
is_lvm_size(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n < 16 &&
	       (s[n] == '\0' || (strchr("bBsSkKmMgG", s[n]) != NULL &&
				 s[n + 1] == '\0'));
}

bool
is_mount_options(const char *s)
{
	return s[0] != '\0' && s[0] != '-' &&
	       strspn(s, ALNUM "_=,.:/+-") == strlen(s);
}
