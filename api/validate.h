/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of request members with heketi's texts.  All that fail are collected
 * and reported together:
 *	validation failed: FIELD: WHY; FIELD: WHY.
 * A member gets one text at most, that of its first check that fails.
 */
#ifndef VALIDATE_H
#define VALIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/strs.h"

struct faults {
	struct kvs v;		/* member and text */
};

void faults_release(struct faults *);
/* Nothing failed? */
bool faults_none(const struct faults *);
/* "FIELD: WHY; FIELD: WHY." in order of fields. */
void faults_text(const struct faults *, struct buf *);

/* Each adds to the faults.  A string may be NULL: as if empty. */
void check_positive(struct faults *, const char *field, int64_t value);
void check_uuid(struct faults *, const char *field, const char *value);
void check_volume_name(struct faults *, const char *field, const char *value);
void check_device_name(struct faults *, const char *field, const char *value);
void check_state(struct faults *, const char *field, const char *value);
void check_admin_mode(struct faults *, const char *field, const char *value);
/* What clients may set: "locked" or nothing. */
void check_restriction(struct faults *, const char *field, const char *value);
void check_tags_change(struct faults *, const char *field, const char *value);
void check_heal(struct faults *, const char *field, const char *value);
/* kind: "manage" or "storage". */
void check_hosts(struct faults *, const char *kind, const struct strs *);
void check_tags(struct faults *, const char *field, const struct kvs *);
/* A list of ids, which may be empty. */
void check_ids(struct faults *, const char *field, const struct strs *);
/* What failed in an object inside: "FIELD: (…)." */
void check_nested(struct faults *, const char *field, const struct faults *);

/* An IP address, or a DNS name as heketi's validator sees them. */
bool host_is_valid(const char *host);

#endif
