/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM in this process, through liblvm2cmd.  The library keeps state for the
 * whole process, so one thread owns it and runs one command after the other.
 * A command can't be interrupted: a call whose time is over stops waiting for
 * it, and the node lock stays taken until it ends.
 */
#ifndef LVM_H
#define LVM_H

#include "local.h"

struct lvm_result {
	bool ok;
	struct text out;		/* report lines */
	struct text err;		/* errors and warnings */
};

/* Tell the thread how to start; call it before the first command.  The first
 * instance decides: -1 when another one wants another system_dir.
 */
int lvm_configure(const char *system_dir, const char *config);

/* Run one command line (words apart by blanks, "…" quotes).  0: it ran; see
 * ret->ok.  -1: it could not be run, or the call's time was over.
 */
int lvm_try(struct step *, const struct node_lock *, struct lvm_result *ret,
	    const char *fmt, ...) MUST_CHECK BRICKYARD_PRINTF(4, 5);
/* The same; that it fails is a failure of the step, in LVM's words. */
int lvm_do(struct step *, const struct node_lock *, const char *fmt, ...)
	MUST_CHECK BRICKYARD_PRINTF(3, 4);
void lvm_result_free(struct lvm_result *);
#define CLEANUP_LVM CLEANUP(lvm_result_free)

/* Did it fail because the object is not there? */
bool lvm_says_missing(const struct lvm_result *);

/* A report: "CMD --noheadings --separator ^ --units b --nosuffix -o FIELDS
 * REST".  Splits the first line with n fields into v (pointers into r->out).
 * 1: a line, 0: no object (or no line), -1.
 */
int lvm_report(struct step *, const struct node_lock *, struct lvm_result *,
	       const char *cmd, const char *fields, const char *rest,
	       char **v, size_t n) MUST_CHECK;

#endif
