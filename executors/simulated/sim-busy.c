/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option transaction_conflicts: glusterd refuses a command while another
 * one is at work in its trusted pool, whoever gave it.
 *
 * Who is at work holds a lock on the byte of a file whose offset is the number
 * of the pool.  Such locks belong to an open file, not to a process, so that
 * threads get into each other's way, too; and they go with whoever dies.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "simulated.h"

#define SUFFIX ".glusterd"

static int
refuse_open(const char *path, struct brickyard_error *err)
{
	sim_host->fail(err, BRICKYARD_ERR_PERMANENT, "'%s': %s", path,
		       strerror(errno));
	return -1;
}

int
busy_open(struct sim_busy *b, const char *state_file,
	  struct brickyard_error *err)
{
	int n;

	if (state_file != NULL && state_file[0] != '\0') {
		n = asprintf(&b->path, "%s" SUFFIX, state_file);
		if (n < 0)
			return refuse_open(state_file, err);
		b->fd = open(b->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		return b->fd < 0 ? refuse_open(b->path, err) : 0;
	}
	b->fd = memfd_create("glusterd", MFD_CLOEXEC);
	if (b->fd < 0)
		return refuse_open("memfd", err);
	n = asprintf(&b->path, "/proc/self/fd/%d", b->fd);
	return n < 0 ? refuse_open("memfd", err) : 0;
}

void
busy_close(struct sim_busy *b)
{
	if (b->path != NULL && b->fd >= 0)
		close(b->fd);
	free(b->path);
	b->path = NULL;
}

/* info, status and the like take no lock in glusterd either. */
static bool
changes_gluster(enum step_id id)
{
	return id == STEP_PEER_PROBE || id == STEP_PEER_DETACH ||
	       id == STEP_VOLUME_CREATE || id == STEP_VOLUME_EXPAND ||
	       id == STEP_VOLUME_DESTROY || id == STEP_BRICK_REPLACE ||
	       id == STEP_VOLUME_CLONE;
}

static int
lock_pool(struct step *s, int fd)
{
	struct flock l = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = s->pool,
		.l_len = 1,
	};

	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return step_refuse(s, BRICKYARD_ERR_TRANSIENT, "Another"
				   " transaction is in progress. Please try"
				   " again after some time.");
	return step_refuse(s, BRICKYARD_ERR_PERMANENT, "'%s': %s",
			   s->sim->busy.path, strerror(errno));
}

int
busy_begin(struct step *s, int *ret_fd)
{
	int fd;

	*ret_fd = -1;
	if (s->sim->busy.path == NULL || !changes_gluster(s->id))
		return 0;
	if (step_learn_pool(s) < 0)
		return -1;
	fd = open(s->sim->busy.path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return step_refuse(s, BRICKYARD_ERR_PERMANENT, "'%s': %s",
				   s->sim->busy.path, strerror(errno));
	*ret_fd = fd;
	return lock_pool(s, fd);
}

void
busy_end(int fd)
{
	if (fd >= 0)
		close(fd);
}
