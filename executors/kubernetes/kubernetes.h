/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this executor share.
 *
 *	call --> gate --> pod (REST) --> exec --> service thread (WebSocket)
 *
 * A call waits at the gate for its turn, finds the pod of its node on its own
 * thread with libcurl, and hands an exec to the service thread, the only one that
 * touches libwebsockets.  It comes back in time whatever becomes of that: it
 * leaves its exec behind.
 *
 * Locks: the instance's (nodes, gate), the access's, the pool's of curl handles,
 * the service's (its queue, states of execs); none is taken under another.
 * Nobody waits for a node or calls the host with one of them held.
 */
#ifndef KUBERNETES_H
#define KUBERNETES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <brickyard/executor.h>

#include "../common/fault.h"
#include "../common/options.h"
#include "../script/text.h"

#define CLEANUP_CLOSE CLEANUP(cleanup_close)

#define OUTPUT_MAX (256 * 1024)		/* of each stream; executor.h says so */
#define NAME_MAX_BYTES 254		/* of pods, hosts, namespaces and NUL */

extern const struct brickyard_host *kube_host;

static inline void
cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* ---- tools.c ---- */

void nap_ms(int64_t);
/* Whole file, at most max bytes; -1 and errno. */
int slurp(const char *path, size_t max, struct text *ret);
/* Never NULL; the last words of a long text, without blanks around. */
const char *last_words(struct text *, size_t max);
/* A text that others wrote, fit for a message. */
void copy_words(char *ret, size_t size, const char *s);

/* ---- options (the table is in options.c) ---- */

enum opt {
	OPT_COMMAND_TIMEOUT_S,
	OPT_CONNECT_TIMEOUT_S,
	OPT_CONTAINER,
	OPT_CONTEXT,
	OPT_DISABLE_TIMEOUT_PREFIX,
	OPT_EXECS_PER_NODE,
	OPT_GLUSTER_DAEMONSET,
	OPT_KEEPALIVE_S,
	OPT_KUBECONFIG,
	OPT_MAX_CONNECTIONS,
	OPT_NAMESPACE,
	OPT_POD_CACHE_S,
	OPT_SEARCH_PATH,
	OPT_SERVICE_ACCOUNT_DIR,
	OPT_USE_POD_NAMES,
	OPT_COUNT
};

extern const struct brickyard_option kube_options[];

struct node;
struct turn;
struct service;
struct handle;
struct access;

struct brickyard_executor_instance {
	char *opt[OPT_COUNT];		/* never NULL after open */
	size_t max_connections;

	pthread_mutex_t lock;		/* guards these */
	struct node *nodes;
	size_t nnodes;
	struct turn *turns, **turns_end;
	size_t running;

	pthread_mutex_t access_lock;	/* guards this */
	struct access *access;

	pthread_mutex_t pool_lock;	/* guards this */
	struct handle *idle;

	struct service *service;
};

int options_read(struct brickyard_executor_instance *,
		 const struct brickyard_kv *, size_t n, struct fault *)
	MUST_CHECK;
void options_free(struct brickyard_executor_instance *);

/* One call: until when, and whether it was cancelled. */
struct limit {
	const struct brickyard_call *call;
	int64_t deadline_ms;
};

bool limit_cancelled(const struct limit *);
/* 0, or -1: it is over; doing: what is said to be interrupted. */
int limit_check(const struct limit *, const char *where, const char *doing,
		struct fault *) MUST_CHECK;

/* ---- access.c: which API server, and how to log in ---- */

#define WATCHED_MAX 5

struct stamp {
	char *path;
	int64_t v[4];
};

/* Never changed after it was loaded, except for its users. */
struct access {
	atomic_size_t users;
	char *origin;			/* a file, or "the service account" */
	char *server;			/* URL, as it was written */
	bool is_tls, is_insecure;
	char *host;			/* without brackets */
	unsigned port;
	char *prefix;			/* of paths: "" or /... */
	char *server_name;		/* in its certificate; else the host */
	struct text ca, cert, key;	/* PEM; may be empty */
	char *token, *token_file;	/* either, or none */
	char *namespace;		/* "": it says nothing of that */
	SSL_CTX *ssl;			/* NULL without TLS */
	struct stamp watched[WATCHED_MAX];
	size_t nwatched;
};

/* The one in force: read again when one of its files has changed. */
struct access *access_get(struct brickyard_executor_instance *, struct fault *);
struct access *access_use(struct access *);
void access_put(struct access *);
/* "Bearer ...", or empty; from its file, since tokens are rotated. */
int access_authorization(const struct access *, struct text *ret,
			 struct fault *) MUST_CHECK;
int access_watch(struct access *, const char *path, struct text *ret,
		 struct fault *) MUST_CHECK;	/* ret may be NULL */
int access_split_url(struct access *, struct fault *) MUST_CHECK;
int tls_prepare(struct access *, struct fault *) MUST_CHECK;	/* tls.c */

/* ---- kubeconfig.c ---- */

int kubeconfig_read(struct access *, const char *path, const char *context,
		    struct fault *) MUST_CHECK;

/* ---- rest.c ---- */

struct answer {
	long status;
	long retry_after_s;
	struct text body;
	char address[64];		/* that was connected to */
};

/* GET; 0: there is an answer, whatever its status. */
int rest_get(struct brickyard_executor_instance *, const struct access *,
	     const char *path, const struct limit *, struct answer *ret,
	     struct fault *) MUST_CHECK;
void answer_free(struct answer *);
void rest_close(struct brickyard_executor_instance *);
/* %-encode what is not unreserved. */
void text_add_encoded(struct text *, const char *);

/* ---- reply.c: the JSON of the API server ---- */

#define CONTAINERS_MAX 32

struct container {
	char name[64];
	bool is_running;
	char why_not[600];
};

struct pod {
	char name[NAME_MAX_BYTES], node[NAME_MAX_BYTES];
	char phase[32];
	char why[600];			/* of its phase, if it says so */
	bool is_dying;			/* being deleted */
	struct container containers[CONTAINERS_MAX];
	size_t ncontainers;
};

/* A list of them, or one; the caller frees. */
int reply_pods(const struct text *, struct pod **ret, size_t *ret_n,
	       struct fault *) MUST_CHECK;
/* The words of a Status, or of what came instead; cut to size. */
void reply_message(const struct text *, char *ret, size_t size);

struct exec_status {
	bool is_success;
	bool has_code;			/* an exit status was named */
	unsigned code;
	char message[1024];
};

int reply_exec_status(const struct text *, struct exec_status *ret) MUST_CHECK;

/* ---- pods.c: nodes, and which pod is theirs ---- */

struct target {
	char namespace[NAME_MAX_BYTES];
	char pod[NAME_MAX_BYTES];
	char container[64];
	char address[64];		/* of the API server */
	bool is_cached;
};

struct node {
	struct node *next;
	char *host;
	char *where;			/* "kubernetes HOST": in messages */
	size_t users;			/* calls */
	size_t running;			/* of these, past the gate */
	struct target target;		/* pod "": not known */
	int64_t target_until_ms;
};

struct node *node_get(struct brickyard_executor_instance *, const char *host,
		      struct fault *) MUST_CHECK;
void node_put(struct brickyard_executor_instance *, struct node *);
void nodes_free(struct brickyard_executor_instance *);
int pod_find(struct brickyard_executor_instance *, const struct access *,
	     struct node *, const struct limit *, struct target *ret,
	     struct fault *) MUST_CHECK;
void pod_forget(struct brickyard_executor_instance *, struct node *);

/* ---- refusal.c: what the API server means ---- */

struct request {
	const char *where;		/* "kubernetes HOST" */
	const char *what;		/* "listing pods ..." */
	const char *verbs, *resource;	/* of the rule that it needs */
	const char *namespace;
};

/* Always -1. */
int refusal(const struct access *, const struct request *, long status,
	    const char *message, struct fault *);
bool refusal_may_pass(long status);	/* worth another try */

/* ---- gate.c ---- */

/* Wait for one's turn on that node. */
int gate_enter(struct brickyard_executor_instance *, struct node *,
	       const struct limit *, struct fault *) MUST_CHECK;
void gate_leave(struct brickyard_executor_instance *, struct node *);

/* ---- exec.c: one script in one container ---- */

enum exec_state { EXEC_QUEUED, EXEC_TAKEN, EXEC_DONE };
enum outcome {
	OUTCOME_RAN,		/* status and output are there */
	OUTCOME_FAILED,		/* the fault says it */
	OUTCOME_REFUSED,	/* the API server answered http_status */
	OUTCOME_NOT_STARTED,	/* the connection was lost before that */
};

struct stream {
	struct text t;
	bool has_started, has_ended;	/* its marks were there */
	unsigned status;		/* in the latter */
};

/* Its caller's, but the service thread's while it is taken; who finds it
 * abandoned frees it.
 */
struct exec {
	struct exec *next;
	enum exec_state state;		/* guarded by the service's lock */
	bool is_abandoned;		/* by its caller; guarded, too, */
	bool is_open;			/* as is this: it is being sent */
	pthread_cond_t wake;

	struct access *access;
	char *where;			/* HOST (pod NAMESPACE/POD) */
	char address[64];
	struct text authorization, path, payload;
	char marker[40];
	int64_t seconds;		/* until the node ends it by itself */
	bool has_prefix;		/* timeout(1) */

	/* the service thread's */
	int64_t asked_ms, heard_ms;
	size_t sent;
	bool is_closed;
	struct stream out, err;
	struct text status_json;	/* channel 3 */
	bool has_status;

	/* done */
	enum outcome outcome;
	struct fault fault;
	long http_status;
	unsigned exit_status;
};

struct exec *exec_new(const struct brickyard_executor_instance *,
		      struct access *, const char *host, const struct target *,
		      const char *script, const struct limit *, struct fault *);
void exec_free(struct exec *);
/* Service thread: what came in on a channel. */
void exec_data(struct exec *, unsigned channel, const void *p, size_t n);
bool exec_is_over(const struct exec *);
/* When to look at it though nothing came in; INT64_MAX: never. */
int64_t exec_due_ms(const struct exec *);
void exec_finish(struct exec *);
/* Its connection could not be made (http_status 0) or was refused. */
void exec_not_connected(struct exec *, long http_status, const char *why);

/* ---- command.c ---- */

int command_make(const struct brickyard_executor_instance *, struct exec *,
		 const struct target *, const char *script, int64_t deadline_ms)
	MUST_CHECK;
/* The same request with another command, to hear why it is refused. */
void command_path(const struct access *, const struct target *,
		  const char *const *words, struct text *ret);

/* ---- socket.c: the service thread ---- */

int service_start(struct brickyard_executor_instance *, struct fault *)
	MUST_CHECK;
void service_stop(struct brickyard_executor_instance *);
/* 0: it is done, and still the caller's. */
int service_run(struct service *, struct exec *, const struct limit *,
		struct fault *) MUST_CHECK;

/* ---- run.c ---- */

/* 0, and the caller frees the exec. */
int run_script(struct brickyard_executor_instance *, struct node *,
	       const char *script, const struct limit *, struct exec **ret,
	       struct fault *) MUST_CHECK;

#endif
