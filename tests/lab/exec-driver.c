/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drives an executor plug-in by hand, with a host of its own: no daemon.
 *
 *   exec-driver PLUGIN.so [-l] [-p] [-v] [-o KEY=VALUE]... COMMAND [KEY=VALUE]...
 *		[-- COMMAND ...]...
 *	exec-driver PLUGIN.so -i [-v] [-o KEY=VALUE]...
 *
 * All commands run in one instance, one after the other, or with -p each on a
 * thread of its own; with -l nothing of the plug-in is used but .run, the steps
 * are executors/script's.  With -i they are read from stdin, one a line, its words
 * separated by tabs, each on a thread of its own as soon as it is read; the end
 * of stdin closes the instance when all are over.  Prints for each "N ok" or "N fail CLASS TEXT", and before
 * it its results, "N =RECORD KEY VALUE"; line ends in them as \n, and "N ms TIME",
 * how long it took.  A script is the word script, or in the file scriptfile.  The exit
 * status is 0 when all are ok.  Keys of every command: host (manage host), op,
 * epoch, timeout (ms), cancel (ms).  The commands are the table below.
 */
#include <config.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <brickyard/executor.h>

#include "executors/script/script.h"

#define MAX_WORDS 256
#define MIB (UINT64_C(1) << 20)

struct brickyard_error {
	int err_class;
	char text[4096];
};

struct brickyard_result {
	int n;			/* of the command */
	int record;
	struct ran *ran;	/* a script's; NULL: print it */
};

/* What a script printed. */
struct ran {
	uint64_t exit_status;
	char *out, *err;
};

struct command {
	int n;
	const char *verb;
	const char *words[MAX_WORDS];
	size_t nwords;
	int64_t cancel_at;
	int failed;
};

/* What the commands go to; below: the plug-in, when that is the lowering. */
static const struct brickyard_executor *ex;
static struct brickyard_executor_instance *in;
static const struct brickyard_executor *below;
static struct brickyard_executor_instance *below_in;
static pthread_mutex_t out = PTHREAD_MUTEX_INITIALIZER;
static bool verbose;
static __thread struct command *current;

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
put_escaped(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '\n')
			fputs("\\n", stdout);
		else
			putchar(*s);
}

/* ---- the host ---- */

BRICKYARD_PRINTF(2, 3) static void
host_log(int level, const char *fmt, ...)
{
	va_list ap;

	if (!verbose)
		return;
	pthread_mutex_lock(&out);
	va_start(ap, fmt);
	fprintf(stderr, "<%d> ", level);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	pthread_mutex_unlock(&out);
}

BRICKYARD_PRINTF(3, 4) static void
host_fail(struct brickyard_error *err, int err_class, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err->err_class = err_class;
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
}

static void
host_next(struct brickyard_result *r)
{
	r->record++;
}

static void
host_str(struct brickyard_result *r, const char *key, const char *value)
{
	if (r->ran != NULL) {
		char **to = strcmp(key, "stdout") == 0 ? &r->ran->out :
			strcmp(key, "stderr") == 0 ? &r->ran->err : NULL;

		if (to != NULL)
			*to = strdup(value);
		else
			r->ran->exit_status = strtoull(value, NULL, 10);
		return;
	}
	pthread_mutex_lock(&out);
	printf("%d =%d %s ", r->n, r->record, key);
	put_escaped(value);
	putchar('\n');
	pthread_mutex_unlock(&out);
}

static void
host_u64(struct brickyard_result *r, const char *key, uint64_t value)
{
	char s[32];

	snprintf(s, sizeof(s), "%llu", (unsigned long long)value);
	host_str(r, key, s);
}

static const struct brickyard_host host = {
	.size = sizeof(host),
	.abi_major = BRICKYARD_ABI_MAJOR,
	.abi_minor = BRICKYARD_ABI_MINOR,
	.log = host_log,
	.fail = host_fail,
	.result_next = host_next,
	.result_str = host_str,
	.result_u64 = host_u64,
};

/* ---- words of a command ---- */

/* The i-th value of a key, or NULL. */
static const char *
nth(const struct command *c, const char *key, size_t i)
{
	size_t n = strlen(key);

	for (size_t w = 0; w < c->nwords; w++)
		if (strncmp(c->words[w], key, n) == 0 &&
		    c->words[w][n] == '=' && i-- == 0)
			return c->words[w] + n + 1;
	return NULL;
}

static const char *
get(const struct command *c, const char *key, const char *dflt)
{
	const char *v = nth(c, key, 0);

	return v != NULL ? v : dflt;
}

static uint64_t
get_u64(const struct command *c, const char *key, uint64_t dflt)
{
	const char *v = nth(c, key, 0);

	return v != NULL ? strtoull(v, NULL, 10) : dflt;
}

/* Arguments live as long as the process; leak checkers see them here. */
static void *
keep(void *p)
{
	static struct kept {
		struct kept *next;
		void *p;
	} *all;
	struct kept *k = malloc(sizeof(*k));

	if (p == NULL || k == NULL)
		abort();
	k->p = p;
	pthread_mutex_lock(&out);
	k->next = all;
	all = k;
	pthread_mutex_unlock(&out);
	return p;
}

static char *
format(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	return keep(s);
}

/* ---- arguments ---- */

static int
cancelled(const struct brickyard_call *call)
{
	return current->cancel_at != 0 && now_ms() >= current->cancel_at;
}

static struct brickyard_device *
device(const struct command *c)
{
	struct brickyard_device *d = keep(calloc(1, sizeof(*d)));

	d->size = sizeof(*d);
	d->id = get(c, "id", "");
	d->name = get(c, "name", "");
	d->pv_uuid = get(c, "pv_uuid", "");
	d->vg = get(c, "vg", format("vg_%s", d->id));
	d->kind = (uint32_t)get_u64(c, "kind", 0);
	d->destroy_data = (uint32_t)get_u64(c, "destroy", 0);
	d->destroy_pv = get(c, "destroy_pv", "");
	return d;
}

static uint64_t
round_up(uint64_t x)
{
	return (x + 4 * MIB - 1) / (4 * MIB) * (4 * MIB);
}

/* brick=ID:MIB[:GID[:ROLE]] */
static struct brickyard_brick *
brick(const struct command *c, const char *spec,
      const struct brickyard_device *d)
{
	struct brickyard_brick *b = keep(calloc(1, sizeof(*b)));
	unsigned long long mib = 0, gid = 0, role = 1;
	char id[64] = "";

	sscanf(spec, "%63[^:]:%llu:%llu:%llu", id, &mib, &gid, &role);
	b->size = sizeof(*b);
	b->id = format("%s", id);
	b->volume_id = get(c, "volume", "00000000000000000000000000000000");
	b->device = d;
	b->lv = format("brick_%s", id);
	b->thin_pool = format("tp_%s", id);
	b->mount = format("%s/%s/%s", get(c, "mounts",
			  "/var/lib/heketi/mounts"), d->vg, b->lv);
	b->path = format("%s/brick", b->mount);
	b->size_bytes = mib * MIB;
	b->thin_pool_bytes = round_up(b->size_bytes);
	b->metadata_bytes = round_up(b->thin_pool_bytes / 200);
	b->gid = gid;
	b->role = (uint32_t)role;
	return b;
}

/* host:path words, or plain words */
static struct brickyard_gluster_volume *
gluster_volume(const struct command *c)
{
	struct brickyard_gluster_volume *v = keep(calloc(1, sizeof(*v)));
	const char **words = keep(calloc(MAX_WORDS, sizeof(*words)));
	const char **options = keep(calloc(MAX_WORDS, sizeof(*options)));
	struct brickyard_brick_ref *refs =
		keep(calloc(MAX_WORDS, sizeof(*refs)));
	const struct brickyard_brick_ref **ptrs =
		keep(calloc(MAX_WORDS, sizeof(*ptrs)));
	const char *s;

	v->size = sizeof(*v);
	v->name = get(c, "name", "");
	v->id = get(c, "id", "");
	while ((s = nth(c, "word", v->nwords)) != NULL)
		words[v->nwords++] = s;
	while ((s = nth(c, "option", v->noptions)) != NULL)
		options[v->noptions++] = s;
	while ((s = nth(c, "brick", v->nbricks)) != NULL) {
		struct brickyard_brick_ref *r = &refs[v->nbricks];
		const char *at = strstr(s, ":/");

		r->size = sizeof(*r);
		r->host = format("%.*s", at != NULL ? (int)(at - s) : 0, s);
		r->path = at != NULL ? at + 1 : s;
		ptrs[v->nbricks++] = r;
	}
	v->words = words;
	v->options = options;
	v->bricks = ptrs;
	v->bricks_per_set = (uint32_t)get_u64(c, "set", 1);
	v->sets_per_command = (uint32_t)get_u64(c, "sets", 15);
	return v;
}

/* ---- commands ---- */

struct args {
	const struct command *c;
	struct brickyard_call call;
	struct brickyard_node node;
	struct brickyard_result *res;
	struct brickyard_error *err;
};

static const char *
read_script(const char *path)
{
	FILE *f = fopen(path, "r");
	char *s = NULL;
	size_t size = 0;

	if (f == NULL || getdelim(&s, &size, '\0', f) < 0) {
		perror(path);
		abort();
	}
	fclose(f);
	return keep(s);
}

static int
do_run(struct args *a)
{
	const char *path = nth(a->c, "scriptfile", 0);

	return below->run(below_in, &a->call, &a->node, path != NULL ?
			  read_script(path) : get(a->c, "script", ""), a->res,
		       a->err);
}

static int
do_check(struct args *a)
{
	return ex->node_check(in, &a->call, &a->node, a->err);
}

static int
do_probe(struct args *a)
{
	return ex->peer_probe(in, &a->call, &a->node, get(a->c, "peer", ""),
			      a->err);
}

static int
do_detach(struct args *a)
{
	return ex->peer_detach(in, &a->call, &a->node, get(a->c, "peer", ""),
			       a->err);
}

static int
do_prepare(struct args *a)
{
	return ex->device_prepare(in, &a->call, &a->node, device(a->c), a->res,
				  a->err);
}

static int
do_info(struct args *a)
{
	return ex->device_info(in, &a->call, &a->node, device(a->c), a->res,
			       a->err);
}

static int
do_teardown(struct args *a)
{
	return ex->device_teardown(in, &a->call, &a->node, device(a->c),
				   a->err);
}

static int
bricks(struct args *a, bool create)
{
	const struct brickyard_brick *b[MAX_WORDS];
	struct brickyard_device *d = device(a->c);
	const char *s;
	size_t n = 0;

	while ((s = nth(a->c, "brick", n)) != NULL)
		b[n++] = brick(a->c, s, d);
	return create ?
		ex->bricks_create(in, &a->call, &a->node, b, n, a->err) :
		ex->bricks_destroy(in, &a->call, &a->node, b, n, a->err);
}

static int
do_create(struct args *a)
{
	return bricks(a, true);
}

static int
do_destroy(struct args *a)
{
	return bricks(a, false);
}

static int
do_volume_create(struct args *a)
{
	return ex->volume_create(in, &a->call, &a->node,
				 gluster_volume(a->c), a->err);
}

static int
do_volume_expand(struct args *a)
{
	return ex->volume_expand(in, &a->call, &a->node, gluster_volume(a->c),
				 (uint32_t)get_u64(a->c, "rebalance", 0),
				 a->err);
}

static int
do_volume_destroy(struct args *a)
{
	return ex->volume_destroy(in, &a->call, &a->node,
				  get(a->c, "name", ""), a->err);
}

static int
do_volume_info(struct args *a)
{
	return ex->volume_info(in, &a->call, &a->node, get(a->c, "name", ""),
			       a->res, a->err);
}

static int
do_forget(struct args *a)
{
	return ex->device_forget(in, &a->call, &a->node, device(a->c), a->err);
}

static int
do_node_probe(struct args *a)
{
	return ex->node_probe(in, &a->call, &a->node, a->res, a->err);
}

static int
do_examine(struct args *a)
{
	return ex->node_examine(in, &a->call, &a->node, a->res, a->err);
}

static int
do_heal(struct args *a)
{
	return ex->heal_info(in, &a->call, &a->node, get(a->c, "name", ""),
			     a->res, a->err);
}

/* brick=OLD brick=NEW */
static int
do_replace(struct args *a)
{
	struct brickyard_gluster_volume *v = gluster_volume(a->c);

	return ex->brick_replace(in, &a->call, &a->node, v->name, v->bricks[0],
				 v->bricks[1], a->err);
}

static int
do_clone(struct args *a)
{
	return ex->volume_clone(in, &a->call, &a->node, get(a->c, "name", ""),
				get(a->c, "clone", ""), get(a->c, "snapshot", ""),
				a->res, a->err);
}

static struct brickyard_block *
block(const struct command *c)
{
	struct brickyard_block *b = keep(calloc(1, sizeof(*b)));
	const char **hosts = keep(calloc(MAX_WORDS, sizeof(*hosts)));
	const char *s;

	b->size = sizeof(*b);
	b->volume = get(c, "volume", "");
	b->name = get(c, "name", "");
	b->size_bytes = get_u64(c, "gib", 1) << 30;
	b->hacount = (uint32_t)get_u64(c, "ha", 0);
	b->auth = (uint32_t)get_u64(c, "auth", 0);
	b->prealloc = get(c, "prealloc", "");
	while ((s = nth(c, "peer", b->nhosts)) != NULL)
		hosts[b->nhosts++] = s;
	b->hosts = hosts;
	return b;
}

static int
do_block_create(struct args *a)
{
	return ex->block_create(in, &a->call, &a->node, block(a->c), a->res,
				a->err);
}

static int
do_block_info(struct args *a)
{
	return ex->block_info(in, &a->call, &a->node, get(a->c, "volume", ""),
			      get(a->c, "name", ""), a->res, a->err);
}

static int
do_block_expand(struct args *a)
{
	return ex->block_expand(in, &a->call, &a->node, block(a->c), a->err);
}

static int
do_block_destroy(struct args *a)
{
	return ex->block_destroy(in, &a->call, &a->node,
				 get(a->c, "volume", ""), get(a->c, "name", ""),
				 a->err);
}

static const struct {
	const char *verb;
	int (*fn)(struct args *);
} commands[] = {
	{ "run", do_run },
	{ "check", do_check },
	{ "probe", do_probe },
	{ "detach", do_detach },
	{ "prepare", do_prepare },
	{ "info", do_info },
	{ "teardown", do_teardown },
	{ "create", do_create },
	{ "destroy", do_destroy },
	{ "volume-create", do_volume_create },
	{ "volume-expand", do_volume_expand },
	{ "volume-destroy", do_volume_destroy },
	{ "volume-info", do_volume_info },
	{ "forget", do_forget },
	{ "node-probe", do_node_probe },
	{ "examine", do_examine },
	{ "heal", do_heal },
	{ "replace", do_replace },
	{ "clone", do_clone },
	{ "block-create", do_block_create },
	{ "block-info", do_block_info },
	{ "block-expand", do_block_expand },
	{ "block-destroy", do_block_destroy },
};

static int
dispatch(struct args *a)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].verb, a->c->verb) == 0)
			return commands[i].fn(a);
	host_fail(a->err, BRICKYARD_ERR_INVALID, "no command '%s'",
		  a->c->verb);
	return -1;
}

static void *
command_thread(void *arg)
{
	struct command *c = arg;
	struct brickyard_error err = {0};
	struct brickyard_result res = { .n = c->n };
	struct args a = { .c = c, .res = &res, .err = &err };
	uint64_t cancel = get_u64(c, "cancel", 0);
	int64_t start = now_ms();

	current = c;
	c->cancel_at = cancel != 0 ? now_ms() + (int64_t)cancel : 0;
	a.call.size = sizeof(a.call);
	a.call.operation_id = nth(c, "op", 0);
	a.call.epoch = get_u64(c, "epoch", 1);
	a.call.deadline_ms = now_ms() + (int64_t)get_u64(c, "timeout", 60000);
	a.call.cancelled = cancelled;
	a.node.size = sizeof(a.node);
	a.node.id = "";
	a.node.manage_host = a.node.storage_host = get(c, "host", "localhost");
	c->failed = dispatch(&a) != 0;
	pthread_mutex_lock(&out);
	printf("%d ms %lld\n", c->n, (long long)(now_ms() - start));
	if (c->failed) {
		printf("%d fail %d ", c->n, err.err_class);
		put_escaped(err.text);
		putchar('\n');
	} else {
		printf("%d ok\n", c->n);
	}
	fflush(stdout);
	pthread_mutex_unlock(&out);
	return NULL;
}

/* ---- the lowering ---- */

static int
run_below(void *arg, const struct brickyard_call *call,
	  const struct brickyard_node *node, const char *script,
	  script_give_fn *give, void *to, struct brickyard_error *err)
{
	struct ran ran = {0};
	struct brickyard_result res = { .ran = &ran };
	int r = below->run(below_in, call, node, script, &res, err);

	if (r == 0)
		give(to, ran.exit_status, ran.out != NULL ? ran.out : "",
		     ran.err != NULL ? ran.err : "");
	free(ran.out);
	free(ran.err);
	return r;
}

static bool
has_option(const struct brickyard_option *o, const char *key)
{
	for (; o != NULL && o->key != NULL; o++)
		if (strcmp(o->key, key) == 0)
			return true;
	return false;
}

static int
attach(const struct brickyard_kv *given, size_t n)
{
	struct brickyard_error err = {0};

	ex = &script_steps;
	if (script_attach(&host, run_below, NULL, given, n, &in, &err) == 0)
		return 0;
	printf("open fail %d %s\n", err.err_class, err.text);
	return -1;
}

/* ---- main ---- */

static size_t
parse_commands(char **argv, struct command *c, size_t max)
{
	size_t n = 0;

	while (*argv != NULL && n < max) {
		c[n].n = (int)n;
		c[n].verb = *argv++;
		while (*argv != NULL && strcmp(*argv, "--") != 0 &&
		       c[n].nwords < MAX_WORDS)
			c[n].words[c[n].nwords++] = *argv++;
		if (*argv != NULL)
			argv++;
		n++;
	}
	return n;
}

static int
open_plugin(const char *path, const struct brickyard_kv *given, size_t n,
	    bool lowered)
{
	struct brickyard_kv config[MAX_WORDS];
	struct brickyard_error err = {0};
	size_t nconfig = 0;
	brickyard_plugin_init_fn *init;
	void *dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (dl == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return -1;
	}
	*(void **)&init = dlsym(dl, "brickyard_plugin_init");
	if (init == NULL)
		return -1;
	ex = (const struct brickyard_executor *)(const void *)init(&host);
	/* As the host does it: the defaults, then what was given. */
	for (const struct brickyard_option *o = ex->head.options;
	     o != NULL && o->key != NULL; o++)
		if (o->default_value != NULL)
			config[nconfig++] = (struct brickyard_kv){
				o->key, o->default_value };
	for (size_t i = 0; i < n; i++)
		if (!lowered || has_option(ex->head.options, given[i].key))
			config[nconfig++] = given[i];
	if (ex->open(config, nconfig, &in, &err) == 0) {
		below = ex;
		below_in = in;
		return lowered ? attach(given, n) : 0;
	}
	printf("open fail %d %s\n", err.err_class, err.text);
	return -1;
}

static void
run_all(struct command *c, size_t n, bool parallel)
{
	pthread_t *t = calloc(n + 1, sizeof(*t));

	if (t == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (!parallel)
			command_thread(&c[i]);
		else if (pthread_create(&t[i], NULL, command_thread, &c[i]))
			abort();
	}
	for (size_t i = 0; parallel && i < n; i++)
		pthread_join(t[i], NULL);
	free(t);
}

static void
parse_line(char *line, struct command *c)
{
	char *save = NULL, *word = strtok_r(line, "\t\n", &save);

	c->verb = word != NULL ? word : "";
	while ((word = strtok_r(NULL, "\t\n", &save)) != NULL &&
	       c->nwords < MAX_WORDS)
		c->words[c->nwords++] = word;
}

static int
serve_stdin(struct command *c, size_t max)
{
	pthread_t *t = keep(calloc(max, sizeof(*t)));
	size_t n = 0;
	int bad = 0;

	while (n < max) {
		char *line = NULL;
		size_t size = 0;

		if (getline(&line, &size, stdin) < 0) {
			free(line);
			break;
		}
		c[n].n = (int)n;
		parse_line(keep(line), &c[n]);
		if (pthread_create(&t[n], NULL, command_thread, &c[n]) != 0)
			abort();
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		pthread_join(t[i], NULL);
		bad |= c[i].failed;
	}
	return bad;
}

int
main(int argc, char **argv)
{
	struct brickyard_kv given[MAX_WORDS / 2];
	struct command *c = keep(calloc(MAX_WORDS, sizeof(*c)));
	size_t ngiven = 0, n;
	bool parallel = false, lowered = false, interactive = false;
	int bad = 0, i = 2;

	for (; i < argc && argv[i][0] == '-'; i++) {
		char *eq;

		if (strcmp(argv[i], "-p") == 0) {
			parallel = true;
		} else if (strcmp(argv[i], "-l") == 0) {
			lowered = true;
		} else if (strcmp(argv[i], "-i") == 0) {
			interactive = true;
		} else if (strcmp(argv[i], "-v") == 0) {
			verbose = true;
		} else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc &&
			   (eq = strchr(argv[i + 1], '=')) != NULL) {
			*eq = '\0';
			given[ngiven].key = argv[++i];
			given[ngiven++].value = eq + 1;
		}
	}
	if (argc < 3 || open_plugin(argv[1], given, ngiven, lowered) < 0)
		return 2;
	if (interactive)
		bad = serve_stdin(c, MAX_WORDS);
	n = parse_commands(argv + i, c, interactive ? 0 : MAX_WORDS);
	run_all(c, n, parallel);
	for (size_t k = 0; k < n; k++)
		bad |= c[k].failed;
	if (lowered)
		script_detach(in);
	below->close(below_in);
	return bad;
}
