/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this executor share.
 *
 *	call --> job --> node's queue --> session's thread --> channel
 *
 * A call makes a job and waits for it.  Each ssh connection (session) has a
 * thread of its own, the only one that touches its libssh objects; it takes
 * jobs from the queue of its node, as many at a time as the connection may have
 * channels.  So nothing of libssh is locked, and a call comes back in time
 * whatever libssh, a resolver or an agent do: it leaves its job behind.
 *
 * Locks: the instance's (list of nodes), the key's, each node's (queue, list of
 * sessions, states of jobs); none is taken under another.  Nobody waits for a
 * node, or calls the host, with one of them held.
 */
#ifndef SSH_H
#define SSH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <libssh/libssh.h>

#include <brickyard/executor.h>

#include "../common/fault.h"
#include "../common/options.h"
#include "../script/text.h"

#define CLEANUP_CLOSE CLEANUP(cleanup_close)

#define OUTPUT_MAX (256 * 1024)		/* of each stream; executor.h says so */

extern const struct brickyard_host *ssh_host;

static inline void
cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* ---- tools.c ---- */

/* What a stream said: its end, as much as counts. */
void stream_add(struct text *, const void *p, size_t n);
/* At most max bytes of its end, valid UTF-8; never NULL, the text's. */
const char *stream_end(struct text *, size_t max);
/* The last line that says something, for messages; at most max bytes. */
const char *last_words(struct text *, size_t max);

/* Whole file, NUL-terminated, at most max bytes; NULL and errno. */
char *slurp(const char *path, size_t max, size_t *ret_len);

/* ---- options (the table is in options.c) ---- */

enum opt {
	OPT_ACCEPTED_HOSTS_FILE,
	OPT_AGENT,
	OPT_AGENT_SOCKET,
	OPT_AUTH_TIMEOUT_S,
	OPT_CHANNELS_PER_NODE,
	OPT_CHANNELS_PER_SESSION,
	OPT_COMMAND_TIMEOUT_S,
	OPT_CONNECT_TIMEOUT_S,
	OPT_HOST_KEY_MODE,
	OPT_IDLE_S,
	OPT_KEEPALIVE_S,
	OPT_KEYFILE,
	OPT_KNOWN_HOSTS,
	OPT_PASSPHRASE_FILE,
	OPT_PORT,
	OPT_SEARCH_PATH,
	OPT_SUDO,
	OPT_USER,
	OPT_COUNT
};

enum host_key_mode { HOST_KEY_STRICT, HOST_KEY_ACCEPT_NEW, HOST_KEY_INSECURE };

extern const struct brickyard_option ssh_options[];

struct node;
struct session;

struct brickyard_executor_instance {
	char *opt[OPT_COUNT];		/* never NULL after open */
	enum host_key_mode mode;

	pthread_mutex_t lock;		/* guards these */
	struct node *nodes;
	size_t nnodes;
	struct session *ended;		/* threads to be joined */

	pthread_mutex_t key_lock;	/* guards these */
	ssh_key key;			/* as of key_stamp; NULL: not read yet */
	int64_t key_stamp[4];
};

int options_read(struct brickyard_executor_instance *,
		 const struct brickyard_kv *, size_t n, struct fault *)
	MUST_CHECK;
void options_free(struct brickyard_executor_instance *);

/* ---- private-key.c ---- */

/* The private key, read again when its file has changed. The caller frees. */
int key_get(struct brickyard_executor_instance *, ssh_key *ret, struct fault *)
	MUST_CHECK;
void key_forget(struct brickyard_executor_instance *);

/* ---- known-hosts.c ---- */

/* Is the file that takes new host keys there, or can it be made? */
int hosts_prepare(const struct brickyard_executor_instance *, struct fault *)
	MUST_CHECK;
/* Algorithms for the handshake, those of recorded keys first; the caller frees,
 * NULL: no memory.
 */
char *hosts_algorithms(const struct brickyard_executor_instance *,
		       const struct node *);
/* May this key be the node's?  Records it, if new ones are accepted. */
int hosts_check(const struct brickyard_executor_instance *,
		const struct node *, ssh_key, struct fault *) MUST_CHECK;

/* ---- pool.c: nodes and their jobs ---- */

enum job_state { JOB_QUEUED, JOB_TAKEN, JOB_DONE };

/* Its caller's, but a session's while it is taken; who finds it abandoned
 * frees it.
 */
struct job {
	struct job *next;		/* in the queue */
	enum job_state state;		/* guarded by the node's lock */
	bool abandoned;			/* by its caller; guarded, too */
	pthread_cond_t wake;
	struct session *session;	/* that has it */

	char *script;
	size_t script_len;
	int64_t deadline_ms;
	bool was_reopened;		/* its first session was dead */

	/* done */
	struct fault fault;		/* err_class 0: it ran */
	unsigned exit_status;
	struct text out, err;
};

struct node {
	struct node *next;
	struct brickyard_executor_instance *in;
	char *host;			/* manage host, lower case */
	char *name;			/* HOST, or [HOST]:PORT: in known_hosts */
	char *target;			/* HOST:PORT: in messages */

	atomic_size_t users;		/* calls and sessions; it becomes used
					 * under the instance's lock only */

	pthread_mutex_t lock;		/* guards the rest */
	struct job *queue, **queue_end;
	struct session *sessions;
	size_t taken;			/* jobs that sessions have */
	int64_t alone_until_ms;		/* open no other session before */
	int64_t silent_until_ms;	/* nor ask it at all: it was waited for */
	struct fault silence;		/* in vain, just now */
	bool was_warned;		/* that its host key isn't checked */
};

struct node *node_get(struct brickyard_executor_instance *, const char *host,
		      struct fault *) MUST_CHECK;
void node_use(struct node *);
void node_put(struct node *);
void pool_close(struct brickyard_executor_instance *);

/* Have the script run there; 0, and the job holds what came of it. */
int pool_run(struct node *, const struct brickyard_call *, struct job *,
	     struct fault *) MUST_CHECK;
struct job *job_new(const char *script, int64_t deadline_ms);
void job_free(struct job *);

/* For session threads. */
struct job *pool_take(struct session *);	/* NULL: none for it now */
void pool_done(struct node *, struct job *);	/* gives it up */
void pool_again(struct node *, struct job *);	/* back to the queue's head */
bool pool_abandoned(struct node *, const struct job *);
void pool_session_ready(struct session *);
/* Its connection could not be made: so for all who wait, if it is alone. */
void pool_session_failed(struct session *, const struct fault *);
/* It takes no more jobs than it has, less one; none if it is lost. */
void pool_session_limit(struct session *, bool is_lost);
/* No more jobs for it; false: one came in this moment, so not now. */
bool pool_session_retire(struct session *, bool force);

/* ---- session.c ---- */

struct channel;

struct session {
	struct session *next;		/* the node's list; or those ended */
	struct node *node;
	pthread_t thread;
	int wake_fd;

	/* guarded by the node's lock */
	bool is_ready, is_retired, must_stop;
	size_t limit;			/* channels it may have */
	size_t njobs;			/* that it has taken */
	int agent_fd;			/* shut down to free its thread, */
	int64_t agent_until_ms;		/* after this */

	/* its thread's */
	ssh_session ssh;
	struct channel *channels;
	size_t nopened;			/* channels, ever */
	bool has_news;			/* something for a channel came in */
	bool is_lost;
	bool was_silent;		/* nobody answered, not even with a no */
	struct fault why_lost;
	int64_t ping_sent_ms;		/* 0: none is under way */
	int64_t next_ping_ms;
	int64_t idle_since_ms;
};

/* With the node's lock held. */
int session_start(struct node *, struct fault *) MUST_CHECK;
void session_wake(struct session *);
void session_free(struct session *);	/* joins its thread */

/* ---- connect.c (session's thread) ---- */

/* Connect, check the host key, log in. */
int session_connect(struct session *, struct fault *) MUST_CHECK;
bool session_must_stop(struct session *);

/* ---- channel.c (session's thread) ---- */

enum verdict {
	CHANNEL_BUSY,		/* nothing to do before something comes in */
	CHANNEL_REFUSED,	/* the server has no more of them */
	CHANNEL_OVER,		/* free it */
};

struct channel *chan_new(struct session *, struct job *);
enum verdict chan_step(struct channel *);
/* When it has to be asked again, though nothing came in. */
int64_t chan_due_ms(const struct channel *);
/* The server refused it: its job goes elsewhere; or it fails. */
void chan_requeue(struct channel *);
void chan_refused(struct channel *);
/* The session is lost: so is its job, or that begins anew on another one. */
void chan_lost(struct channel *);
void chan_free(struct channel *);
struct channel **chan_next(struct channel *);

/* ---- command.c ---- */

struct command {
	char marker[40];		/* written to both streams at the start */
	int64_t seconds;		/* until the node ends it by itself */
	char *line;
};

/* What to have the server run, then to be fed with the script. */
int command_make(const struct brickyard_executor_instance *,
		 const struct job *, struct command *ret) MUST_CHECK;

#endif
