/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option adopt: nodes that believe.  What a step names and they have never heard of
 * is as if it had always been there: heketi's mock keeps no accounts at all, so that
 * a database from elsewhere, or a restart, is nothing to it.
 *
 * Only what others stand on is made up (volume groups, peers, volumes, block
 * volumes), empty; never a brick.
 */
#include <config.h>

#include "simulated.h"

int
sim_adopt_volume(struct step *s, const char *name, int64_t set_size)
{
	if (!s->sim->adopt)
		return 0;
	return q_run(s, "INSERT OR IGNORE INTO volumes(pool, name, uuid, status,"
		     " kind, words, set_size) VALUES(?,?,lower(hex(randomblob(4)))"
		     " || '-' || lower(hex(randomblob(2))) || '-4000-8000-' ||"
		     " lower(hex(randomblob(6))),'started',?,'',?)", "issi",
		     s->pool, name, set_size > 1 ? "replicate" : "distribute",
		     set_size);
}

int
sim_adopt_block(struct step *s, int64_t volume, const char *name,
		int64_t hacount)
{
	if (!s->sim->adopt)
		return 0;
	return q_run(s, "INSERT OR IGNORE INTO blocks(volume, name, size_bytes,"
		     " hacount, auth, hosts, state) VALUES(?,?,0,?,0,'',"
		     "'whole')", "isi", volume, name, hacount);
}

/* Whoever trusts the newcomer is trusted with him. */
static int
join_pools(struct step *s, int64_t other)
{
	if (q_run(s, "UPDATE OR IGNORE volumes SET pool=? WHERE pool=?", "ii",
		  s->pool, other) < 0 ||
	    q_run(s, "UPDATE OR IGNORE snapshots SET pool=? WHERE pool=?", "ii",
		  s->pool, other) < 0)
		return -1;
	return q_run(s, "UPDATE nodes SET pool=? WHERE pool=?", "ii", s->pool,
		     other);
}

int
sim_adopt_peer(struct step *s, const char *host)
{
	int64_t pool = 0;
	int r;

	if (!s->sim->adopt)
		return 0;
	r = q_number(s, &pool, "SELECT pool FROM nodes WHERE host=?", "s", host);
	if (r == 0)
		return q_run(s, "INSERT INTO nodes(host, manage, pool)"
			     " VALUES(?,?,?)", "ssi", host, host, s->pool);
	return r == 1 && pool != s->pool ? join_pools(s, pool) : r < 0 ? -1 : 0;
}
