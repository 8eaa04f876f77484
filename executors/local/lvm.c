/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that owns liblvm2cmd, and its queue; see lvm.h.  The thread
 * starts with the first command (a machine with directory devices never starts
 * it) and lives as long as the process: the library does not like to be
 * initialised twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <lvm2cmd.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lvm.h"

#define OUT_MAX (4 * MIB)
#define ERR_MAX 8192

/* Without a udev daemon LVM would wait for one: it makes its nodes itself. */
#define NO_UDEV_CONFIG "activation{udev_sync=0 udev_rules=0 " \
	"verify_udev_operations=0 monitoring=0} " \
	"devices{obtain_device_list_from_udev=0}"

struct lvm_job {
	struct lvm_job *next;
	unsigned refs;			/* the caller's and the queue's */
	bool done, abandoned, init_failed;
	int lock_fd;			/* shares the node lock, or -1 */
	char *cmd;
	struct lvm_result result;
};

static struct {
	pthread_mutex_t lock;		/* guards all here, and every job */
	pthread_cond_t work, done;
	struct lvm_job *head, **tail;
	bool configured, started;
	char *system_dir, *config;
} lvm = { .lock = PTHREAD_MUTEX_INITIALIZER,
	  .work = PTHREAD_COND_INITIALIZER };

/* The owning thread's alone: where the library's words go now. */
static struct lvm_result *collecting;

static void
collect(int level, const char *file, int line, int dm_errno, const char *msg)
{
	if (collecting == NULL || level > LVM2_LOG_PRINT)
		return;
	if (level == LVM2_LOG_PRINT && strncmp(msg, "WARNING", 7) != 0) {
		if (collecting->out.len < OUT_MAX)
			text_addf(&collecting->out, "%s\n", msg);
	} else if (collecting->err.len < ERR_MAX) {
		text_addf(&collecting->err, "%s%s",
			  collecting->err.len > 0 ? "; " : "", msg);
	}
}

static void *
lvm_start_library(void)
{
	CLEANUP_FREE char *old = NULL;
	const char *now = setlocale(LC_ALL, NULL);
	void *handle;

	old = strdup(now != NULL ? now : "C");
	lvm2_log_fn(collect);
	handle = lvm2_init_threaded();
	/* It sets the locale of the whole process: put it back, or the daemon
	 * would begin to write its numbers with commas.
	 */
	if (old != NULL)
		setlocale(LC_ALL, old);
	return handle;
}

/* With the lock held. */
static void
job_unref(struct lvm_job *j)
{
	if (--j->refs > 0)
		return;
	lvm_result_free(&j->result);
	free(j->cmd);
	free(j);
}

static struct lvm_job *
job_next(void)
{
	struct lvm_job *j;

	while (lvm.head == NULL)
		pthread_cond_wait(&lvm.work, &lvm.lock);
	j = lvm.head;
	lvm.head = j->next;
	if (lvm.head == NULL)
		lvm.tail = &lvm.head;
	return j;
}

static void
job_run(void *handle, struct lvm_job *j)
{
	collecting = &j->result;
	if (handle == NULL)
		j->init_failed = true;
	else
		j->result.ok = lvm2_run(handle, j->cmd) ==
			LVM2_COMMAND_SUCCEEDED;
	collecting = NULL;
}

static void *
lvm_thread(void *arg)
{
	void *handle;

	/* LVM changes the umask for a moment: let it be this thread's own. */
	(void)unshare(CLONE_FS);
	handle = lvm_start_library();
	pthread_mutex_lock(&lvm.lock);
	for (;;) {
		struct lvm_job *j = job_next();

		if (!j->abandoned) {
			pthread_mutex_unlock(&lvm.lock);
			job_run(handle, j);
			pthread_mutex_lock(&lvm.lock);
		}
		cleanup_close(&j->lock_fd);
		j->done = true;
		pthread_cond_broadcast(&lvm.done);
		job_unref(j);
	}
	return NULL;
}

/* With the lock held.  The thread takes no signals: they are the daemon's. */
static int
lvm_start_thread(void)
{
	pthread_condattr_t mono;
	sigset_t all, old;
	pthread_t thread;
	int r;

	if (lvm.started)
		return 0;
	lvm.tail = &lvm.head;
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&lvm.done, &mono);
	pthread_condattr_destroy(&mono);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&thread, NULL, lvm_thread, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		return -1;
	pthread_detach(thread);
	lvm.started = true;
	return 0;
}

/* With the lock held. */
static int
lvm_configure_locked(const char *system_dir, const char *config)
{
	if (lvm.configured)
		return strcmp(lvm.system_dir, system_dir) == 0 &&
		       strcmp(lvm.config, config) == 0 ? 0 : -1;
	lvm.system_dir = strdup(system_dir);
	lvm.config = strdup(config);
	if (lvm.system_dir == NULL || lvm.config == NULL)
		return -1;
	if (system_dir[0] != '\0' &&
	    setenv("LVM_SYSTEM_DIR", system_dir, 1) < 0)
		return -1;
	lvm.configured = true;
	return 0;
}

int
lvm_configure(const char *system_dir, const char *config)
{
	int r;

	pthread_mutex_lock(&lvm.lock);
	r = lvm_configure_locked(system_dir, config);
	pthread_mutex_unlock(&lvm.lock);
	return r;
}

static char *
command_line(const char *fmt, va_list ap)
{
	const char *config = lvm.config != NULL ? lvm.config : "";
	char *words = NULL, *cmd = NULL, *rest;

	if (vasprintf(&words, fmt, ap) < 0)
		return NULL;
	if (config[0] == '\0' && access("/run/udev/control", F_OK) < 0)
		config = NO_UDEV_CONFIG;
	rest = words + strcspn(words, " ");
	if (config[0] == '\0')
		return words;
	if (asprintf(&cmd, "%.*s --config '%s'%s", (int)(rest - words), words,
		     config, rest) < 0)
		cmd = NULL;
	free(words);
	return cmd;
}

static struct lvm_job *
job_new(const struct node_lock *l, const char *fmt, va_list ap)
{
	struct lvm_job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->refs = 2;
	j->lock_fd = -1;
	j->cmd = command_line(fmt, ap);
	if (l != NULL && l->fd >= 0)
		j->lock_fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 3);
	if (j->cmd != NULL && (l == NULL || l->fd < 0 || j->lock_fd >= 0))
		return j;
	cleanup_close(&j->lock_fd);
	free(j->cmd);
	free(j);
	return NULL;
}

/* With the lock held: until it is done, or the call is over. */
static int
job_wait(struct step *st, struct lvm_job *j)
{
	while (!j->done) {
		int64_t ms = step_left_ms(st);
		int64_t at = now_ms() + (ms < 100 ? ms : 100);
		struct timespec ts = { .tv_sec = at / 1000,
				       .tv_nsec = at % 1000 * 1000000 };

		if (ms == 0 || step_cancelled(st)) {
			j->abandoned = true;
			return step_check(st) < 0 ?
				step_prefix(st, "LVM: %.200s: ", j->cmd) :
				step_fail(st, BRICKYARD_ERR_TIMEOUT,
					  "LVM: %.200s: no answer", j->cmd);
		}
		pthread_cond_timedwait(&lvm.done, &lvm.lock, &ts);
	}
	if (j->init_failed)
		return step_fail(st, BRICKYARD_ERR_PERMANENT,
				 "LVM: the library can't be initialised");
	return 0;
}

static int
job_submit(struct step *st, struct lvm_job *j, struct lvm_result *ret)
{
	int r;

	pthread_mutex_lock(&lvm.lock);
	if (lvm_start_thread() < 0) {
		cleanup_close(&j->lock_fd);
		j->refs = 1;
		job_unref(j);
		pthread_mutex_unlock(&lvm.lock);
		return step_fail(st, BRICKYARD_ERR_TRANSIENT,
				 "LVM: no thread can be started");
	}
	*lvm.tail = j;
	lvm.tail = &j->next;
	pthread_cond_signal(&lvm.work);
	r = job_wait(st, j);
	if (r == 0) {
		*ret = j->result;
		memset(&j->result, 0, sizeof(j->result));
	}
	job_unref(j);
	pthread_mutex_unlock(&lvm.lock);
	if (r == 0 && (ret->out.failed || ret->err.failed))
		return step_nomem(st);
	return r;
}

void
lvm_result_free(struct lvm_result *r)
{
	text_free(&r->out);
	text_free(&r->err);
}

static int
lvm_vtry(struct step *st, const struct node_lock *l, struct lvm_result *ret,
	 const char *fmt, va_list ap)
{
	struct lvm_job *j;

	memset(ret, 0, sizeof(*ret));
	if (step_check(st) < 0)
		return -1;
	j = job_new(l, fmt, ap);
	if (j == NULL)
		return step_nomem(st);
	return job_submit(st, j, ret);
}

int
lvm_try(struct step *st, const struct node_lock *l, struct lvm_result *ret,
	const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = lvm_vtry(st, l, ret, fmt, ap);
	va_end(ap);
	return r;
}

int
lvm_do(struct step *st, const struct node_lock *l, const char *fmt, ...)
{
	CLEANUP_LVM struct lvm_result res = {0};
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = lvm_vtry(st, l, &res, fmt, ap);
	va_end(ap);
	if (r < 0 || res.ok)
		return r;
	text_make_utf8(&res.err);
	return step_fail(st, lvm_class(text_str(&res.err)), "%.*s: %s",
			 (int)strcspn(fmt, " "), fmt, res.err.len > 0 ?
			 res.err.s : "LVM said nothing");
}

bool
lvm_says_missing(const struct lvm_result *r)
{
	return strcasestr(text_str(&r->err), "not found") != NULL ||
	       strcasestr(text_str(&r->err), "failed to find") != NULL;
}

/* Split one line at '^'; false unless there are n fields exactly. */
static bool
split_fields(char *line, char **v, size_t n)
{
	size_t seps = 0;

	for (char *p = line; *p != '\0'; p++)
		seps += *p == '^';
	if (seps + 1 != n)
		return false;
	line += strspn(line, " ");
	for (size_t i = 0; i < n; i++) {
		v[i] = line;
		line += strcspn(line, "^");
		if (*line != '\0')
			*line++ = '\0';
		v[i][strcspn(v[i], " ")] = '\0';
	}
	return true;
}

int
lvm_report(struct step *st, const struct node_lock *l, struct lvm_result *r,
	   const char *cmd, const char *fields, const char *rest, char **v,
	   size_t n)
{
	char *save = NULL;

	if (lvm_try(st, l, r, "%s --noheadings --separator ^ --units b "
		    "--nosuffix -o %s %s", cmd, fields, rest) < 0)
		return -1;
	if (!r->ok && !lvm_says_missing(r))
		return step_fail(st, BRICKYARD_ERR_PERMANENT, "%s: %s", cmd,
				 r->err.len > 0 ? r->err.s :
				 "LVM said nothing");
	if (!r->ok || r->out.len == 0)
		return 0;
	for (char *line = strtok_r(r->out.s, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		if (split_fields(line, v, n))
			return 1;
	return 0;
}
