/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A core for tests of the API alone: a cluster, and one operation whose end the
 * test decides.  Only what those tests call does anything.
 */
#ifndef FAKE_SERVICE_H
#define FAKE_SERVICE_H

#include "service.h"

#define FAKE_CLUSTER	"c0000000000000000000000000000001"
#define FAKE_OPERATION	"0a000000000000000000000000000001"

struct service *fake_service(void);	/* there is one */

/* The operation starts anew, running. */
void fake_operation_start(void);
/* It ends and, if told, whoever wants to know is told. */
void fake_operation_end(const char *location, const char *error, bool tell);
void fake_tell_all(void);		/* look at everything again */
/* The next look at a running operation sees it run; then it ends, untold. */
void fake_operation_end_after_next_look(void);
void fake_store_is_down(bool);
/* Who syncs waits until it doesn't any more; so many do. */
void fake_store_hangs(bool);
int fake_syncs_inside(void);
/* Adding a node stays inside unless released; how many are inside? */
void fake_nodes_release(bool);
int fake_nodes_inside(void);
int fake_max_inside(void);

#endif
