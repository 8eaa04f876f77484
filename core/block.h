/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of block volumes and of those that host them (heketi-behaviour 3.8):
 * pure, on records.  Of a hosting volume, always
 *	size = free + reserved + what its block volumes have (or will have).
 */
#ifndef BLOCK_H
#define BLOCK_H

#include "store/record.h"

/* 98 %, in whole GiB; the rest is for what gluster-block keeps itself. */
uint64_t block_usable_bytes(uint64_t size_bytes);
/* A hosting volume is made of, or grows by, so much: split that. */
void block_grow(struct volume *, uint64_t add_bytes);

/* Has it room, and is it open to new ones? */
bool block_can_host(const struct volume *, uint64_t bytes);
/* Which one of n, each as probable as the others. */
size_t block_choose(size_t n, uint64_t seed);

/* May the restriction become this?  The errors are heketi's. */
enum err MUST_CHECK block_check_restriction(const struct volume *,
					    enum restriction to, struct error *);
void block_restrict(struct volume *, enum restriction to);

/* heketi's start-up fixes, for what comes from elsewhere: accounts that don't
 * add up, which locks it, and volumes without a reserve (a locked one gets it
 * when it is unlocked).  hosted_bytes: of its block volumes, none of which may be
 * on its way.  True: changed.
 */
bool block_repair(struct volume *, uint64_t hosted_bytes);

/* index/block-names/HOSTING/NAME; caller frees. */
char *block_name_key(const char *hosting, const char *name);
/* Who is making a hosting volume: for one at a time, on all replicas. */
#define BLOCK_MAKING_KEY "index/block-hosting-in-the-making"

#endif
