/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One script: put together, sent, and its answer read.  What a script prints is
 * believed only in frames that carry the nonce of the call (prologue.sh); one
 * that does not end with "done" has not succeeded, whatever else it said.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lower.h"
#include "words.h"

/* An answer that comes in time is worth more than one that is killed. */
#define MARGIN_MS	1500
#define WORDS_MAX	2800	/* of a tool, in an error */

/* ---- making it ---- */

static void
make_nonce(char ret[33])
{
	unsigned char raw[16];

	/* It guards against accidents and forgers alike, so no weaker source. */
	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		abort();
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(ret + 2 * i, 3, "%02x", raw[i]);
}

void
step_init(struct step *st, struct brickyard_executor_instance *in,
	  const struct brickyard_call *call, const struct brickyard_node *node,
	  struct brickyard_error *err)
{
	memset(st, 0, sizeof(*st));
	st->in = in;
	st->call = call;
	st->node = node;
	st->error = err;
	make_nonce(st->nonce);
	step_part(st, part_prologue);
}

void
step_release(struct step *st)
{
	text_free(&st->values);
	text_free(&st->body);
}

int
step_fail(struct step *st, int err_class, const char *fmt, ...)
{
	CLEANUP_TEXT struct text t = {0};
	char words[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	text_add(&t, words, strlen(words));
	text_make_utf8(&t);
	st->in->host->fail(st->error, err_class, "%s", text_str(&t));
	return -1;
}

int64_t
step_left_ms(const struct step *st)
{
	struct timespec ts;
	int64_t left;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	left = st->call->deadline_ms -
		((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
	return left > 0 ? left : 0;
}

void
quote(struct text *t, const char *s)
{
	text_add(t, "'", 1);
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			text_add(t, "'\\''", 4);
		else
			text_add(t, s, 1);
	}
	text_add(t, "'", 1);
}

static void
assign(struct text *t, const char *name, const char *value)
{
	text_addf(t, "%s=", name);
	quote(t, value);
	text_add(t, "\n", 1);
}

void
step_set(struct step *st, const char *name, const char *value)
{
	assign(&st->values, name, value);
}

void
step_setf(struct step *st, const char *name, const char *fmt, ...)
{
	CLEANUP_TEXT struct text t = {0};
	char value[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	assign(&st->values, name, value);
}

void
step_part(struct step *st, const struct chunk *part)
{
	for (size_t i = 0; i < st->nparts; i++)
		if (st->parts[i] == part)
			return;
	if (st->nparts == ARRAY_SIZE(st->parts))
		abort();	/* a bug of ours: there are not so many */
	st->parts[st->nparts++] = part;
}

void
step_word(struct step *st, const char *s)
{
	text_add(&st->body, " ", 1);
	quote(&st->body, s);
}

void
step_do(struct step *st, const char *function, ...)
{
	const char *s;
	va_list ap;

	text_addf(&st->body, "%s", function);
	va_start(ap, function);
	while ((s = va_arg(ap, const char *)) != NULL)
		step_word(st, s);
	va_end(ap);
	text_add(&st->body, "\n", 1);
}

/* by_exec runs its arguments, behind the wrapper if there is one. */
static void
add_wrapper(struct step *st)
{
	CLEANUP_FREE char *words = strdup(opt_str(st->in, OPT_LVM_WRAPPER));
	char *save = NULL;

	if (words == NULL) {
		st->values.failed = true;
		return;
	}
	text_addf(&st->values, "by_exec() { ");
	for (char *w = strtok_r(words, " \t", &save); w != NULL;
	     w = strtok_r(NULL, " \t", &save)) {
		quote(&st->values, w);
		text_addf(&st->values, " ");
	}
	text_addf(&st->values, "\"$@\"; }\n");
}

void
step_use_lvm(struct step *st)
{
	struct brickyard_executor_instance *in = st->in;
	bool wrapped = opt_str(in, OPT_LVM_WRAPPER)[0] != '\0';
	bool backup = strcmp(opt_str(in, OPT_BACKUP_LVM_METADATA), "true") == 0;

	/* A wrapper goes to another root, where PATH is of no use. */
	step_set(st, "BY_LVM", wrapped ? "/usr/sbin/lvm" : "lvm");
	step_set(st, "BY_UDEVADM", wrapped ? "/usr/bin/udevadm" : "udevadm");
	step_set(st, "BY_LVM_WRAPPED", wrapped ? "1" : "");
	step_set(st, "BY_LVM_CONFIG", opt_str(in, OPT_LVM_CONFIG));
	step_set(st, "BY_LVM_DIR", opt_str(in, OPT_LVM_SYSTEM_DIR));
	step_set(st, "BY_AUTOBACKUP", backup ? "y" : "n");
	step_set(st, "BY_CHUNKSIZE", opt_str(in, OPT_LV_CHUNKSIZE));
	step_set(st, "BY_ALIGNMENT", opt_str(in, OPT_PV_DATA_ALIGNMENT));
	step_set(st, "BY_EXTENTSIZE", opt_str(in, OPT_VG_PHYSICALEXTENTSIZE));
	add_wrapper(st);
	step_part(st, part_lvm);
}

void
step_use_gluster(struct step *st)
{
	CLEANUP_TEXT struct text busy = {0};
	uint64_t s = opt_u64(st->in, OPT_GLUSTER_CLI_TIMEOUT);
	uint64_t left = (uint64_t)step_left_ms(st) / 1000;

	if (left < s)
		s = left > 0 ? left : 1;
	gluster_busy_pattern(&busy);
	step_setf(st, "G_TIMEOUT", "%llu", (unsigned long long)s);
	step_set(st, "G_BUSY", text_str(&busy));
	step_set(st, "G_SNAPSHOTS", opt_str(st->in, OPT_SNAPSHOT_LIMIT));
	step_part(st, part_gluster);
}

static void
add_head(struct step *st, struct text *t)
{
	const struct brickyard_call *call = st->call;
	int64_t left = (step_left_ms(st) - MARGIN_MS) / 1000;
	char n[32];

	text_addf(t, "set -u\n");
	assign(t, "PATH", opt_str(st->in, OPT_SEARCH_PATH));
	assign(t, "BY_NONCE", st->nonce);
	assign(t, "BY_OP", call->operation_id != NULL ? call->operation_id : "");
	snprintf(n, sizeof(n), "%llu", (unsigned long long)call->epoch);
	assign(t, "BY_EPOCH", n);
	snprintf(n, sizeof(n), "%lld", (long long)(left > 1 ? left : 1));
	assign(t, "BY_SECONDS", n);
	assign(t, "BY_STATE", opt_str(st->in, OPT_STATE_DIR));
	assign(t, "BY_LOCK", opt_str(st->in, OPT_LOCK_DIR));
	assign(t, "BY_FSTAB", opt_str(st->in, OPT_FSTAB));
	assign(t, "BY_MOUNTOPTS", opt_str(st->in, OPT_MOUNTOPTS));
	assign(t, "BY_SPARSE", opt_str(st->in, OPT_SPARSE));
	snprintf(n, sizeof(n), "%llu", (unsigned long long)(MIB *
		 opt_u64(st->in, OPT_DIRECTORY_RESERVE_MB)));
	assign(t, "BY_RESERVE", n);
	assign(t, "BY_XFS_SU", opt_str(st->in, OPT_XFS_SU));
	assign(t, "BY_XFS_SW", opt_str(st->in, OPT_XFS_SW));
	assign(t, "BY_DEBUG_UMOUNT",
	       opt_str(st->in, OPT_DEBUG_UMOUNT_FAILURES));
}

static int
make_script(struct step *st, struct text *t)
{
	CLEANUP_TEXT struct text main = {0};

	if (st->call->operation_id != NULL &&
	    !is_plain_name(st->call->operation_id))
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "operation id '%.100s' is not one",
				 st->call->operation_id);
	add_head(st, t);
	text_add(t, text_str(&st->values), st->values.len);
	text_addf(&main, "by_main() {\nby_start\n");
	text_add(&main, text_str(&st->body), st->body.len);
	/* The last line: what did not arrive whole does nothing. */
	text_addf(&main, "by_end\n}\nby_main </dev/null\n");
	add_parts(t, st->parts, st->nparts, text_str(&main));
	text_add(t, text_str(&main), main.len);
	if (t->failed || main.failed || st->values.failed || st->body.failed)
		return step_fail(st, BRICKYARD_ERR_TRANSIENT, "out of memory");
	return 0;
}

/* ---- the answer ---- */

struct answer {
	struct text out, err;
	uint64_t status;
	bool came;
	/* What was read of it. */
	char at[512];		/* the last thing that was begun */
	bool framed, done, failed;
	unsigned others;	/* failures past the first */
};

static void
answer_free(struct answer *a)
{
	text_free(&a->out);
	text_free(&a->err);
}

static void
take_output(void *to, uint64_t status, const char *out, const char *err)
{
	struct answer *a = to;

	a->came = true;
	a->status = status;
	text_add(&a->out, out, strlen(out));
	text_add(&a->err, err, strlen(err));
}

/* The line at *s, which it ends; *s moves behind it. */
static char *
next_line(char **s)
{
	char *line = *s, *end;

	if (*line == '\0')
		return NULL;
	end = strchr(line, '\n');
	*s = end != NULL ? end + 1 : line + strlen(line);
	if (end != NULL)
		*end = '\0';
	return line;
}

/* The words of a frame, or NULL: a line without our nonce is none. */
static char *
frame_of(const struct step *st, char *line)
{
	if (strncmp(line, "@BY ", 4) != 0 ||
	    strncmp(line + 4, st->nonce, 32) != 0 || line[36] != ' ')
		return NULL;
	return line + 37;
}

/* The lines up to the end of the block, as one string; NULL: it has no end. */
static char *
take_block(const struct step *st, char **s)
{
	char *text = *s, *at = *s;

	while (*at != '\0') {
		char *line = at, *end = strchr(at, '\n'), *frame;

		if (end != NULL)
			*end = '\0';
		at = end != NULL ? end + 1 : line + strlen(line);
		frame = frame_of(st, line);
		if (frame != NULL && strcmp(frame, ".") == 0) {
			*(line > text ? line - 1 : line) = '\0';
			*s = at;
			return text;
		}
		if (end != NULL)
			*end = '\n';
	}
	return NULL;
}

static const char *
host_of(const struct step *st)
{
	return st->node->manage_host != NULL ? st->node->manage_host : "";
}

/* "fail CLASS STATUS LABEL", and what was said. */
static int
take_failure(struct step *st, struct answer *a, const char *head, char *words)
{
	unsigned err_class = 0, status = 0;
	int n = 0;
	const char *label;

	if (sscanf(head, "%u %u %n", &err_class, &status, &n) != 2 || n == 0)
		return step_fail(st, BRICKYARD_ERR_TRANSIENT,
				 "%s: a frame that can't be read", host_of(st));
	label = head + n;
	if (strlen(words) > WORDS_MAX)
		words += strlen(words) - WORDS_MAX;
	words += strspn(words, " \t\r\n");
	for (size_t len = strlen(words); len > 0 &&
	     strchr(" \t\r\n", words[len - 1]) != NULL; len--)
		words[len - 1] = '\0';
	if (a->failed) {
		a->others++;
		st->in->host->log(BRICKYARD_LOG_WARNING, "%s: %s: %s",
				  host_of(st), label, words);
		return -1;
	}
	a->failed = true;
	if (err_class == 0)
		err_class = (unsigned)tool_class(label, words, status);
	if (strcmp(label, "-") == 0)
		return step_fail(st, (int)err_class, "%s", words);
	return step_fail(st, (int)err_class, "%s on %s: exit %u: %s", label,
			 host_of(st), status,
			 words[0] != '\0' ? words : "it said nothing");
}

static int
take_data(struct step *st, const char *key, char *text)
{
	if (st->data != NULL)
		return st->data(st, key, text);
	if (st->result != NULL)
		st->in->host->result_str(st->result, key, text);
	return 0;
}

static void
take_result(struct step *st, char *pair)
{
	char *value = strchr(pair, ' ');

	if (value == NULL || st->result == NULL)
		return;
	*value++ = '\0';
	st->in->host->result_str(st->result, pair, value);
}

/* 0 go on, 1 the answer breaks off, -1 failed */
static int
take_frame(struct step *st, struct answer *a, char *frame, char **rest)
{
	char *text;

	if (strncmp(frame, "at ", 3) == 0) {
		snprintf(a->at, sizeof(a->at), "%s", frame + 3);
		return 0;
	}
	if (strncmp(frame, "= ", 2) == 0) {
		take_result(st, frame + 2);
		return 0;
	}
	if (strcmp(frame, "next") == 0) {
		if (st->result != NULL)
			st->in->host->result_next(st->result);
		return 0;
	}
	a->done = strcmp(frame, "done") == 0;
	if (a->done)
		return 0;
	text = take_block(st, rest);
	if (text == NULL)
		return 1;
	if (strncmp(frame, "fail ", 5) == 0)
		return take_failure(st, a, frame + 5, text);
	if (strncmp(frame, "data ", 5) == 0)
		return take_data(st, frame + 5, text);
	if (strcmp(frame, "note") == 0)
		st->in->host->log(BRICKYARD_LOG_WARNING, "%s: %s", host_of(st),
				  text);
	return 0;
}

/* The script did not come to its end: what is known? */
static int
broke_off(struct step *st, struct answer *a)
{
	text_keep_tail(&a->err, WORDS_MAX);
	text_make_utf8(&a->err);
	text_trim(&a->err);
	if (a->framed && a->at[0] != '\0')
		return step_fail(st, BRICKYARD_ERR_TRANSIENT, "%s: the script "
				 "ended in the middle of '%s' (exit %llu)%s%s: "
				 "whether that was done is not known",
				 host_of(st), a->at,
				 (unsigned long long)a->status,
				 a->err.len > 0 ? ": " : "", text_str(&a->err));
	if (a->out.len >= 200 * 1024)
		return step_fail(st, BRICKYARD_ERR_PERMANENT, "%s: the answer "
				 "is longer than the executor can take",
				 host_of(st));
	return step_fail(st, a->status == 0 || a->status > 128 ?
			 BRICKYARD_ERR_TRANSIENT : BRICKYARD_ERR_PERMANENT,
			 "%s: the script did not run (exit %llu): %s",
			 host_of(st), (unsigned long long)a->status,
			 a->err.len > 0 ? a->err.s : "it said nothing");
}

static int
read_answer(struct step *st, struct answer *a)
{
	char *rest = a->out.s != NULL ? a->out.s : (char[]){ "" };
	char *line, *frame;
	bool bad = false;

	while ((line = next_line(&rest)) != NULL) {
		int r;

		frame = frame_of(st, line);
		if (frame == NULL)
			continue;
		a->framed = true;
		r = take_frame(st, a, frame, &rest);
		if (r > 0)
			break;
		bad = bad || r < 0;
	}
	if (bad)
		return -1;
	return a->done ? 0 : broke_off(st, a);
}

int
step_run(struct step *st)
{
	CLEANUP(answer_free) struct answer a = {0};
	CLEANUP_TEXT struct text script = {0};
	struct brickyard_executor_instance *in = st->in;

	if (make_script(st, &script) < 0 ||
	    in->run(in->below, st->call, st->node, script.s, take_output, &a,
		    st->error) != 0)
		return -1;
	if (!a.came || a.out.failed || a.err.failed)
		return step_fail(st, BRICKYARD_ERR_TRANSIENT,
				 "%s: the executor gave no answer",
				 host_of(st));
	return read_answer(st, &a);
}
