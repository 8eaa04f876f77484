/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store in memory that several replicas of one process share, as they would
 * an etcd: each has a front of its own with a lease of its own, and what goes
 * wrong with it is told by the test.
 */
#ifndef HUB_STORE_H
#define HUB_STORE_H

#include <stdbool.h>

#include "store/store.h"

#define HUB_FRONTS 4

struct hub;

struct hub *hub_new(void);
/* All fronts are closed. */
void hub_free(struct hub *);
/* A new front, for service_start, which closes it. */
struct store *hub_open(struct hub *);

/* ---- what goes wrong ---- */

/* The store can't be reached, by anybody. */
void hub_set_away(struct hub *, bool);
/* Barriers of this front are never reached. */
void hub_set_late(struct store *, bool);
/* The lease of this front is certain to live for so long from now; 0: is
 * renewed as ever.
 */
void hub_set_lease_left(struct store *, int ms);
/* The lease of this front ends now, and its keys go.  Told: its owner learns
 * of it (else it goes by the deadline alone).
 */
void hub_lose_lease(struct store *, bool told);
/* The next so many grants of this front fail; and the next so many commits of
 * leased keys, which does not end the lease.
 */
void hub_fail_grants(struct store *, int n);
void hub_fail_leased(struct store *, int n);
/* The next grant is lost again before it returns. */
void hub_lose_next_grant(struct store *);

/* ---- looking, and being somebody else ---- */

/* Called before each commit through a front, with no lock held. */
void hub_before_commit(struct hub *, void (*fn)(const struct store_write *,
						size_t n));
/* The document, or NULL; caller frees. */
char *hub_get(struct hub *, const char *key);
size_t hub_count(struct hub *, const char *prefix);
/* Write as if another replica did; value NULL deletes. */
void hub_put(struct hub *, const char *key, const char *value);

#endif
