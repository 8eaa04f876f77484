/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard-plugin-check: for authors of plug-ins.  Loads one shared object in
 * child processes and tries the contract of brickyard-plugin(3) on it.  The
 * parent only reads verdicts, so whatever the plug-in does is one, too.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "plugin-check/check.h"
#include "plugin-check/lent.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

enum format { FORMAT_TAP, FORMAT_TEXT, FORMAT_JSON };
enum { EXIT_GOOD, EXIT_BAD, EXIT_USAGE };

/* ---- verdicts: a child writes "KIND name\twhy", the parent keeps them ---- */

struct verdict {
	char kind;		/* 'p'assed, 'f'ailed, 's'kipped */
	char *group, *name, *why;
};

static FILE *verdicts_out;	/* of a child */

static char *
one_line(const char *s)
{
	char *t = xstrdup(s);

	for (char *p = t; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = ' ';
	return t;
}

static void
say(char kind, const char *name, const char *why)
{
	CLEANUP_FREE char *n = one_line(name);
	CLEANUP_FREE char *w = one_line(why);

	fprintf(verdicts_out, "%c %s\t%s\n", kind, n, w);
	fflush(verdicts_out);
}

void
check_begin(const char *name)
{
	say('b', name, "");
}

bool
check_ok(bool ok, const char *name, const char *why, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list ap;

	va_start(ap, why);
	text = xvasprintf(why, ap);
	va_end(ap);
	say(ok ? 'p' : 'f', name, ok ? "" : text);
	return ok;
}

void
check_skip(const char *name, const char *why, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list ap;

	va_start(ap, why);
	text = xvasprintf(why, ap);
	va_end(ap);
	say('s', name, text);
}

/* ---- printing ---- */

struct printer {
	enum format format;
	uint32_t kind;			/* of the plug-in; 0: not usable */
	int timeout_s;			/* of a group; 0: its own */
	size_t n, failed, skipped;
};

static void
print_json_string(const char *s)
{
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('"');
}

static void
print_json(const struct printer *p, const struct verdict *v)
{
	printf("%s\n  {\"result\":\"%s\",\"group\":", p->n > 1 ? "," : "",
	       v->kind == 'p' ? "pass" : v->kind == 'f' ? "fail" : "skip");
	print_json_string(v->group);
	printf(",\"name\":");
	print_json_string(v->name);
	if (v->kind != 'p') {
		printf(",\"why\":");
		print_json_string(v->why);
	}
	putchar('}');
}

static void
print_tap(const struct printer *p, const struct verdict *v)
{
	printf("%s %zu - %s: %s%s%s\n", v->kind == 'f' ? "not ok" : "ok", p->n,
	       v->group, v->name, v->kind == 's' ? " # SKIP " : "",
	       v->kind == 's' ? v->why : "");
	if (v->kind == 'f')
		printf("# %s\n", v->why);
}

static void
print_text(const struct verdict *v)
{
	const char *word = v->kind == 'p' ? "ok" : v->kind == 'f' ? "FAILED" :
			   "skipped";

	printf("%-8s %s: %s%s%s\n", word, v->group, v->name,
	       v->why[0] != '\0' ? "\n         " : "", v->why);
}

static void
print(struct printer *p, const struct verdict *v)
{
	p->n++;
	p->failed += v->kind == 'f';
	p->skipped += v->kind == 's';
	if (p->format == FORMAT_JSON)
		print_json(p, v);
	else if (p->format == FORMAT_TAP)
		print_tap(p, v);
	else
		print_text(v);
	fflush(stdout);
}

static void
print_end(const struct printer *p)
{
	if (p->format == FORMAT_JSON)
		printf("%s],\n \"passed\":%zu,\"failed\":%zu,\"skipped\":%zu}\n",
		       p->n > 0 ? "\n " : "", p->n - p->failed - p->skipped,
		       p->failed, p->skipped);
	else if (p->format == FORMAT_TAP)
		printf("1..%zu\n", p->n);
	else
		printf("%zu passed, %zu failed, %zu skipped\n",
		       p->n - p->failed - p->skipped, p->failed, p->skipped);
}

/* ---- a group in a child ---- */

#define BOTH 0u
static const struct group {
	const char *name;
	uint32_t kind;			/* BRICKYARD_KIND_*, BOTH */
	check_group_fn *run;
	int timeout_s;
	const char *tool;		/* valgrind's, to run it under once more */
} groups[] = {
	{ "object", BOTH, check_object, 30, NULL },
	{ "options", BOTH, check_options, 30, NULL },
	{ "laws", BRICKYARD_KIND_VOLUME_TYPE, check_type_laws, 60, "memcheck" },
	{ "input", BRICKYARD_KIND_VOLUME_TYPE, check_type_input, 60, "memcheck" },
	{ "threads", BRICKYARD_KIND_VOLUME_TYPE, check_type_threads, 60,
	  "helgrind" },
	{ "life", BRICKYARD_KIND_EXECUTOR, check_life, 60, "memcheck" },
	{ "config", BRICKYARD_KIND_EXECUTOR, check_config, 180, "memcheck" },
	{ "run", BRICKYARD_KIND_EXECUTOR, check_run, 180, "memcheck" },
	{ "limits", BRICKYARD_KIND_EXECUTOR, check_run_limits, 120, NULL },
	{ "calls", BRICKYARD_KIND_EXECUTOR, check_run_threads, 180, "helgrind" },
	{ "steps", BRICKYARD_KIND_EXECUTOR, check_steps, 600, NULL },
	{ "cancelled", BRICKYARD_KIND_EXECUTOR, check_cancelled_steps, 600, NULL },
	{ "volumes", BRICKYARD_KIND_EXECUTOR, check_volume_steps, 600, NULL },
	{ "killed", BRICKYARD_KIND_EXECUTOR, check_killed_steps, 1200, NULL },
	{ "offers", BRICKYARD_KIND_EXECUTOR, check_offers, 1200, NULL },
	{ "deaths", BRICKYARD_KIND_EXECUTOR, check_deaths, 1200, NULL },
	{ "faults", BRICKYARD_KIND_EXECUTOR, check_faults, 1200, "memcheck" },
};

struct run {
	const struct group *group;
	struct printer *printer;
	char *prefix;			/* of the group's name in print */
	int timeout_s;
	char *begun;			/* what was at work last */
	bool is_valgrind, ended;
	struct buf line;
	bool passed;			/* at least something */
};

static void
take_line(struct run *r, char *line)
{
	char *tab = strchr(line, '\t');
	struct verdict v = { .kind = line[0], .group = r->prefix };

	if (tab == NULL || line[0] == '\0' || line[1] != ' ')
		return;
	*tab = '\0';
	if (v.kind == 'b') {
		free(r->begun);
		r->begun = xstrdup(line + 2);
		return;
	}
	if (v.kind == 'e') {
		r->ended = true;
		return;
	}
	if (v.kind == 'k') {
		r->printer->kind = (uint32_t)strtoul(line + 2, NULL, 10);
		return;
	}
	v.name = line + 2;
	v.why = tab + 1;
	r->passed |= v.kind == 'p';
	print(r->printer, &v);
}

/* False: the other end is closed. */
static bool
take_some(struct run *r, int fd)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] != '\n') {
			buf_add(&r->line, &bytes[i], 1);
			continue;
		}
		CLEANUP_FREE char *line = buf_steal(&r->line);

		take_line(r, line);
	}
	return n > 0;
}

static void
give_verdict(struct run *r, char kind, const char *name, const char *fmt, ...)
	PRINTF(4, 5);
static void
give_verdict(struct run *r, char kind, const char *name, const char *fmt, ...)
{
	CLEANUP_FREE char *why = NULL;
	struct verdict v = { .kind = kind, .group = r->prefix,
			     .name = (char *)name };
	va_list ap;

	va_start(ap, fmt);
	why = xvasprintf(fmt, ap);
	va_end(ap);
	v.why = why;
	print(r->printer, &v);
}

static void
judge_end(struct run *r, int status, bool late)
{
	const char *at = r->begun != NULL ? r->begun : "start";

	if (late)
		give_verdict(r, 'f', at, "it did not come back within %d s",
			     r->timeout_s);
	else if (WIFSIGNALED(status))
		give_verdict(r, 'f', at, "it crashed: %s",
			     strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == 99)
		give_verdict(r, 'f', "clean under valgrind", "it is not: run "
			     "this program with --inner %s under valgrind",
			     r->group->name);
	else if (WEXITSTATUS(status) != 0 || (!r->ended && !r->is_valgrind))
		give_verdict(r, 'f', at, "it ended the process with status %d",
			     WEXITSTATUS(status));
	else if (r->is_valgrind)
		give_verdict(r, 'p', "clean under valgrind", "%s", "");
}

static bool
watch(struct run *r, int fd, pid_t pid)
{
	int64_t end = clock_mono_ms() + r->timeout_s * INT64_C(1000), left;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while ((left = end - clock_mono_ms()) > 0)
		if (poll(&p, 1, (int)left) > 0 && !take_some(r, fd))
			return true;
	kill(-pid, SIGKILL);
	return false;
}

/* True: at least something in it passed. */
static bool
run_group(const struct group *g, struct printer *p, bool is_valgrind,
	  void (*child)(const struct group *, void *), void *arg)
{
	struct run r = { .group = g, .printer = p, .is_valgrind = is_valgrind,
			 .timeout_s = p->timeout_s != 0 ? p->timeout_s :
				      g->timeout_s,
			 .prefix = xasprintf("%s%s", is_valgrind ? "valgrind " :
					     "", g->name) };
	int pipefd[2], status = 0;
	bool in_time;
	pid_t pid;

	fflush(NULL);		/* or the child would print it, too */
	if (pipe(pipefd) != 0 || (pid = fork()) < 0) {
		perror("brickyard-plugin-check");
		exit(EXIT_BAD);
	}
	if (pid == 0) {
		setpgid(0, 0);
		close(pipefd[0]);
		verdicts_out = fdopen(pipefd[1], "w");
		child(g, arg);
		exit(0);
	}
	setpgid(pid, pid);
	close(pipefd[1]);
	in_time = watch(&r, pipefd[0], pid);
	close(pipefd[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	judge_end(&r, status, !in_time);
	free(r.prefix);
	free(r.begun);
	buf_release(&r.line);
	return r.passed;
}

/* ---- the object, in a directory that the host trusts ---- */

static char *scratch_dir;

static void
remove_scratch(void)
{
	CLEANUP_FREE char *name = xasprintf("rm -rf -- '%s'", scratch_dir);

	if (system(name) != 0)
		fprintf(stderr, "%s is left\n", scratch_dir);
}

static bool
copy_file(const char *from, const char *to)
{
	CLEANUP_FCLOSE FILE *in = fopen(from, "re");
	CLEANUP_FCLOSE FILE *out = NULL;
	char bytes[65536];
	size_t n;

	if (in == NULL)
		return false;
	out = fopen(to, "we");
	while (out != NULL && (n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		if (fwrite(bytes, 1, n, out) != n)
			return false;
	return out != NULL && fflush(out) == 0 && fchmod(fileno(out), 0644) == 0;
}

static bool
make_scratch(const char *file)
{
	CLEANUP_FREE char *own = xstrdup(file);
	const char *tmp = getenv("TMPDIR");
	CLEANUP_FREE char *to = NULL;

	scratch_dir = xasprintf("%s/brickyard-plugin-check.XXXXXX",
				tmp != NULL && strchr(tmp, '\'') == NULL ?
				tmp : "/tmp");
	if (mkdtemp(scratch_dir) == NULL)
		return false;
	to = xasprintf("%s/%s", scratch_dir, basename(own));
	return copy_file(file, to);
}

/* What was given for a secret option must not be seen again. */
static void
watch_secrets(const struct plugin *p, const struct kvs *given)
{
	const struct brickyard_option *o =
		p->kind == BRICKYARD_KIND_EXECUTOR ? p->executor.head.options :
		NULL;

	for (; o != NULL && o->key != NULL; o++)
		if ((o->flags & BRICKYARD_OPT_SECRET) != 0 &&
		    kvs_get(given, o->key) != NULL)
			lent_watch_secret(kvs_get(given, o->key));
}

static void
load(struct subject *s, const struct check_args *args)
{
	const struct plugin *const *all;
	size_t n;

	check_begin("loading");
	s->args = args;
	s->scratch_dir = scratch_dir;
	s->host = plugin_host_new_lending(scratch_dir, &lent_services);
	all = plugin_list(s->host, &n);
	if (n != 1) {
		check_ok(false, "there is one plug-in", "the file's name must "
			 "end in .so");
		say('e', "", "");
		exit(0);
	}
	s->plugin = all[0];
	if (s->plugin->refused == NULL) {
		char kind[16];

		watch_secrets(s->plugin, &args->options);
		snprintf(kind, sizeof(kind), "%" PRIu32, s->plugin->kind);
		say('k', kind, "");
	}
}

struct work {
	const struct check_args *args;
	char **argv;
};

/* Take what is printed from here on; returns where it goes. */
static FILE *
take_output(void)
{
	FILE *f = tmpfile();

	fflush(NULL);
	if (f == NULL || dup2(fileno(f), STDOUT_FILENO) < 0 ||
	    dup2(fileno(f), STDERR_FILENO) < 0)
		abort();
	return f;
}

static void
judge_output(FILE *f)
{
	char text[200] = "";
	size_t n;

	fflush(NULL);
	rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	check_ok(n == 0, "prints nothing to stdout or stderr", "'%s'", text);
}

/* What no check has told of yet. */
static void
judge_misuse(void)
{
	char text[256];
	const char *why = lent_misuse(text, sizeof(text));

	if (why != NULL)
		check_ok(false, "uses the host's services as it may", "%s", why);
}

static void
run_plain(const struct group *g, void *arg)
{
	const struct work *w = arg;
	bool quiet = log_get_level() == LOG_LVL_NONE;
	FILE *output = quiet ? take_output() : NULL;
	struct subject s;

	load(&s, w->args);
	g->run(&s);
	judge_misuse();
	plugin_host_free(s.host);
	if (output != NULL)
		judge_output(output);
	say('e', "", "");
}

/* The same once more, under valgrind, whose exit status is the verdict. */
static void
run_valgrind(const struct group *g, void *arg)
{
	const struct work *w = arg;
	char tool[64], self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *head[] = {
		(char *)"valgrind", (char *)"-q", tool,
		(char *)"--error-exitcode=99", (char *)"--log-file=/dev/null",
		(char *)(strcmp(g->tool, "memcheck") == 0 ?
			 "--leak-check=full" : "--history-level=none"),
		self, (char *)"--inner", (char *)g->name, NULL,
	};
	CLEANUP_FREE char **argv = NULL;
	size_t argc = 0;

	self[n > 0 ? n : 0] = '\0';
	snprintf(tool, sizeof(tool), "--tool=%s", g->tool);
	while (w->argv[argc] != NULL)
		argc++;
	argv = xcalloc(argc + ARRAY_SIZE(head), sizeof(*argv));
	memcpy(argv, head, sizeof(head));
	memcpy(argv + ARRAY_SIZE(head) - 1, w->argv + 1, argc * sizeof(*argv));
	fcntl(fileno(verdicts_out), F_SETFD, FD_CLOEXEC);
	execvp("valgrind", argv);
	_exit(127);
}

static bool
have_valgrind(void)
{
	return system("valgrind --version >/dev/null 2>&1") == 0;
}

/* ---- the command line ---- */

static const struct option long_options[] = {
	{ "format", required_argument, NULL, 'f' },
	{ "option", required_argument, NULL, 'o' },
	{ "param", required_argument, NULL, 'p' },
	{ "volume-option", required_argument, NULL, 'O' },
	{ "node", required_argument, NULL, 'n' },
	{ "peer", required_argument, NULL, 'P' },
	{ "device", required_argument, NULL, 'd' },
	{ "volumes", no_argument, NULL, 'g' },
	{ "brick-size", required_argument, NULL, 'b' },
	{ "timeout", required_argument, NULL, 't' },
	{ "group", required_argument, NULL, 'G' },
	{ "no-valgrind", no_argument, NULL, 'V' },
	{ "inner", required_argument, NULL, 'i' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 1 },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"Usage: brickyard-plugin-check [OPTION]... FILE.so\n"
	"Try the contract of brickyard-plugin(3) on an executor or a volume type.\n"
	"\n"
	"  -f, --format FORMAT          tap, text (default) or json\n"
	"  -o, --option KEY=VALUE       an option of the plug-in; may be repeated\n"
	"  -p, --param KEY=VALUE        a parameter of the volumes that a type is\n"
	"                               asked for; may be repeated\n"
	"  -O, --volume-option \"K V\"    a GlusterFS option of these volumes\n"
	"  -n, --node HOST              a node for an executor to run scripts on\n"
	"  -d, --device NAME            a device on it, WHOSE DATA ARE DESTROYED, for\n"
	"                               steps that the executor does itself\n"
	"  -g, --volumes                glusterd runs there: make volumes, too\n"
	"  -P, --peer HOST              another such node, with the same DEVICE\n"
	"  -b, --brick-size MIB         size of the bricks made on it (default 1024)\n"
	"  -t, --timeout SECONDS        how long each group of checks may take\n"
	"  -G, --group GROUP            only this group of checks; may be repeated\n"
	"      --no-valgrind            don't repeat groups under valgrind\n"
	"      --inner GROUP            run one group in this very process\n"
	"  -v, --verbose                show what the plug-in logs\n"
	"  -h, --help                   print this and exit\n"
	"      --version                print the version and exit\n"
	"\n"
	"Exit status: 0 all is well, 1 something failed, 2 wrong usage.\n";

struct command {
	struct check_args args;
	enum format format;
	int timeout_s;
	const struct group *inner;
	bool only[ARRAY_SIZE(groups)];	/* these groups; none: all */
	bool is_some;
};

static void
usage(const char *fmt, const char *what)
{
	fprintf(stderr, "brickyard-plugin-check: ");
	fprintf(stderr, "%s: '%s'; see --help\n", fmt, what);
	exit(EXIT_USAGE);
}

static void
add_pair(struct kvs *to, char *pair)
{
	char *eq = strchr(pair, '=');
	CLEANUP_FREE char *key = NULL;

	if (eq == NULL || eq == pair)
		usage("not KEY=VALUE", pair);
	key = xstrndup(pair, (size_t)(eq - pair));
	kvs_set(to, key, eq + 1);
}

static enum format
format_of(const char *name)
{
	static const char *const names[] = { "tap", "text", "json" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum format)i;
	usage("no such format", name);
	return FORMAT_TEXT;
}

static const struct group *
group_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (strcmp(groups[i].name, name) == 0)
			return &groups[i];
	usage("no such group", name);
	return NULL;
}

static uint64_t
mib_of(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (*end != '\0' || n < 16 || n > (1u << 30))
		usage("not a size in MiB from 16 on", text);
	return (uint64_t)n << 20;
}

static int
seconds_of(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end != '\0' || n < 1 || n > 86400)
		usage("not a number of seconds", text);
	return (int)n;
}

static void
take_option(struct command *c, int o)
{
	switch (o) {
	case 'f': c->format = format_of(optarg); break;
	case 'o': add_pair(&c->args.options, optarg); break;
	case 'p': add_pair(&c->args.params, optarg); break;
	case 'O': strs_add(&c->args.volume_options, optarg); break;
	case 'n': c->args.node = optarg; break;
	case 'P': c->args.peer = optarg; break;
	case 'd': c->args.device = optarg; break;
	case 'g': c->args.volumes = true; break;
	case 'b': c->args.brick_bytes = mib_of(optarg); break;
	case 't': c->timeout_s = seconds_of(optarg); break;
	case 'G':
		c->only[group_of(optarg) - groups] = c->is_some = true;
		break;
	case 'V': c->args.valgrind = false; break;
	case 'i': c->inner = group_of(optarg); break;
	case 'v': log_set_level(LOG_LVL_DEBUG); break;
	case 'h': fputs(help, stdout); exit(EXIT_GOOD);
	case 1: puts(PACKAGE_STRING); exit(EXIT_GOOD);
	default: exit(EXIT_USAGE);
	}
}

static void
parse(struct command *c, int argc, char **argv)
{
	int o;

	while ((o = getopt_long(argc, argv, "f:o:p:O:n:P:d:gb:t:G:vh", long_options,
				NULL)) != -1)
		take_option(c, o);
	if (optind + 1 != argc)
		usage("one FILE.so is wanted", optind == argc ? "" :
		      argv[optind + 1]);
	c->args.file = argv[optind];
	if (access(c->args.file, R_OK) != 0)
		usage("can't be read", c->args.file);
}

static int
run_inner(const struct command *c, struct work *w)
{
	verdicts_out = fopen("/dev/null", "we");
	run_plain(c->inner, w);
	fclose(verdicts_out);
	return 0;
}

static int
run_all(const struct command *c, struct work *w)
{
	struct printer p = { .format = c->format, .timeout_s = c->timeout_s };
	bool valgrind = c->args.valgrind && have_valgrind();
	bool passed[ARRAY_SIZE(groups)] = { false };

	if (p.format == FORMAT_JSON)
		printf("{\"results\":[");
	/* The first one tells of what kind it is, if it is of any. */
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (i == 0 || (p.kind != 0 && (!c->is_some || c->only[i]) &&
			       (groups[i].kind == BOTH ||
				groups[i].kind == p.kind)))
			passed[i] = run_group(&groups[i], &p, false, run_plain,
					      w);
	for (size_t i = 0; valgrind && i < ARRAY_SIZE(groups); i++)
		if (groups[i].tool != NULL && passed[i])
			(void)run_group(&groups[i], &p, true, run_valgrind, w);
	if (!valgrind) {
		struct verdict v = {
			's', (char *)"valgrind", (char *)"leaks and races",
			(char *)(c->args.valgrind ? "there is no valgrind" :
				 "--no-valgrind"),
		};

		print(&p, &v);
	}
	print_end(&p);
	return p.failed == 0 ? EXIT_GOOD : EXIT_BAD;
}

int
main(int argc, char **argv)
{
	struct command c = { .format = FORMAT_TEXT };
	struct work w = { &c.args, argv };
	int status;

	c.args.brick_bytes = UINT64_C(1) << 30;
	c.args.valgrind = true;
	log_set_level(LOG_LVL_NONE);
	signal(SIGPIPE, SIG_IGN);
	parse(&c, argc, argv);
	if (!make_scratch(c.args.file)) {
		fprintf(stderr, "brickyard-plugin-check: %s: %s\n", scratch_dir,
			strerror(errno));
		return EXIT_BAD;
	}
	status = c.inner != NULL ? run_inner(&c, &w) : run_all(&c, &w);
	remove_scratch();
	kvs_release(&c.args.options);
	kvs_release(&c.args.params);
	strs_release(&c.args.volume_options);
	free(scratch_dir);
	return status;
}
