/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include <inttypes.h>

#include "block.h"
#include "util/xalloc.h"

uint64_t
block_usable_bytes(uint64_t size_bytes)
{
	uint64_t gib = size_bytes >> 30;

	/* floor(gib * 98 / 100), of any number */
	return (gib / 100 * 98 + gib % 100 * 98 / 100) << 30;
}

void
block_grow(struct volume *v, uint64_t add_bytes)
{
	uint64_t usable = block_usable_bytes(add_bytes);

	v->block_free_bytes += usable;
	v->block_reserved_bytes += add_bytes - usable;
}

bool
block_can_host(const struct volume *v, uint64_t bytes)
{
	return v->block && v->doing != VOLUME_CREATING &&
	       v->doing != VOLUME_DELETING &&
	       v->restriction == RESTRICTION_NONE &&
	       v->block_free_bytes >= bytes;
}

size_t
block_choose(size_t n, uint64_t seed)
{
	/* splitmix64: neighbouring seeds give unrelated numbers */
	uint64_t x = seed + UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (size_t)((x ^ x >> 31) % n);
}

/* What should be in reserve, of a volume that has none. */
static uint64_t
missing_reserve(const struct volume *v)
{
	return v->block_reserved_bytes > 0 ? 0 :
	       v->size_bytes - block_usable_bytes(v->size_bytes);
}

enum err
block_check_restriction(const struct volume *v, enum restriction to,
			struct error *err)
{
	uint64_t wanted = missing_reserve(v);

	if (!v->block)
		return fail(err, ERR_REFUSED, "Block restrictions can only be "
			    "set on block hosting volumes");
	if (v->restriction == to ||
	    v->restriction != RESTRICTION_LOCKED_BY_UPDATE ||
	    v->block_free_bytes >= wanted)
		return ERR_OK;
	return fail(err, ERR_REFUSED, "Can not unlock volume. %" PRIu64
		    "GiB free space is required, but found %" PRIu64 "GiB",
		    wanted >> 30, v->block_free_bytes >> 30);
}

static void
set_aside(struct volume *v, uint64_t bytes)
{
	v->block_free_bytes -= bytes;
	v->block_reserved_bytes += bytes;
}

void
block_restrict(struct volume *v, enum restriction to)
{
	uint64_t wanted = missing_reserve(v);

	if (v->restriction == RESTRICTION_LOCKED_BY_UPDATE &&
	    to == RESTRICTION_NONE && v->block_free_bytes >= wanted)
		set_aside(v, wanted);
	v->restriction = to;
}

bool
block_repair(struct volume *v, uint64_t hosted_bytes)
{
	uint64_t taken = v->block_reserved_bytes + hosted_bytes;
	bool never = taken == 0 && v->block_free_bytes == 0;
	uint64_t had = v->block_free_bytes, wanted;
	enum restriction was = v->restriction;

	if (had + taken != v->size_bytes) {
		v->block_free_bytes =
			taken < v->size_bytes ? v->size_bytes - taken : 0;
		/* Never had accounts: made before there were any. */
		if (!never)
			v->restriction = RESTRICTION_LOCKED_BY_UPDATE;
	}
	wanted = missing_reserve(v);
	/* Then it is set aside when an admin unlocks it, as heketi does. */
	if (v->restriction == RESTRICTION_LOCKED_BY_UPDATE)
		wanted = 0;
	if (v->block_free_bytes >= wanted)
		set_aside(v, wanted);
	else if (v->restriction == RESTRICTION_NONE)
		v->restriction = RESTRICTION_LOCKED_BY_UPDATE;
	return v->block_free_bytes != had || v->restriction != was;
}

char *
block_name_key(const char *hosting, const char *name)
{
	return xasprintf("index/block-names/%s/%s", hosting, name);
}
