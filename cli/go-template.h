/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Go templates, as far as people use them on a topology: fields by the names
 * that Go clients know (.ClusterList, .Mount.GlusterFS.MountPoint), variables,
 * if, range, with, define, template, comments, trimming, pipes, and the
 * functions and or not eq ne lt le gt ge len index print printf println join
 * kibToGib entryStateString.
 */
#ifndef CLI_GO_TEMPLATE_H
#define CLI_GO_TEMPLATE_H

#include <jansson.h>

#include "util/buf.h"
#include "util/error.h"

struct go_template;

enum err MUST_CHECK go_template_parse(const char *text,
				      struct go_template **ret, struct error *);
void go_template_free(struct go_template *);	/* accepts NULL */
/* What was written before an error stays in ret. */
enum err MUST_CHECK go_template_run(const struct go_template *,
				    const json_t *topology, struct buf *ret,
				    struct error *);

#endif
