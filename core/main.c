/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyardd: options and start order only.  The one file that knows all
 * rooms, because it puts them together.
 */
#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "api/api.h"
#include "executor-config.h"
#include "executors/script/script.h"
#include "main.h"
#include "store/copy.h"
#include "store/jsonfile.h"
#include "util/log.h"
#include "util/xalloc.h"
#include "volume-type.h"

#define DRAIN_MS 5000		/* for balancers to see that we are to stop */
#define SHAPE_PATIENCE_MS 10000	/* with a volume type, which only computes */

static const char usage_text[] =
"Usage: brickyardd [OPTION]...\n"
"Manage GlusterFS volumes on storage nodes; serve heketi's API over HTTP.\n"
"\n"
"      --config FILE         read the configuration from FILE (brickyard.json\n"
"                            or a plain heketi.json)\n"
"      --store SPEC          keep state in sqlite:PATH or etcd:URL[,URL...]\n"
"      --listen ADDR:PORT    serve there (:PORT for all addresses; port 0: any)\n"
"      --disable-auth        serve without asking for tokens\n"
"      --check-config        print the effective configuration and exit\n"
"      --list-plugins        print the plug-ins that are found and exit\n"
"      --dump-plugin NAME    print all about one plug-in and exit\n"
"      --copy-store FROM TO  copy all from the store FROM to the empty store TO\n"
"                            and exit\n"
"  -v, --version             print the version and exit\n"
"  -h, --help                print this help and exit\n";

/* ---- options ---- */

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "store", required_argument, NULL, 's' },
	{ "listen", required_argument, NULL, 'l' },
	{ "disable-auth", no_argument, NULL, 'a' },
	{ "check-config", no_argument, NULL, 'C' },
	{ "list-plugins", no_argument, NULL, 'L' },
	{ "dump-plugin", required_argument, NULL, 'D' },
	{ "copy-store", required_argument, NULL, 'M' },
	{ "version", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void
parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "vh", long_options, NULL)) != -1) {
		switch (c) {
		case 'c': o->config = *optarg != '\0' ? optarg : NULL; break;
		case 's': o->store = optarg; break;
		case 'l': o->listen = optarg; break;
		case 'a': o->disable_auth = true; break;
		case 'C': o->mode = CHECK_CONFIG; break;
		case 'L': o->mode = LIST_PLUGINS; break;
		case 'D': o->mode = DUMP_PLUGIN; o->plugin = optarg; break;
		case 'M': o->mode = COPY_STORE; o->copy_from = optarg; break;
		case 'v':
			puts("brickyardd " PACKAGE_VERSION);
			exit(EXIT_SUCCESS);
		case 'h':
			fputs(usage_text, stdout);
			exit(EXIT_SUCCESS);
		default:
			fputs("Try 'brickyardd --help'.\n", stderr);
			exit(EXIT_USAGE);
		}
	}
	if (o->mode == COPY_STORE && optind < argc)
		o->copy_to = argv[optind++];
	if (o->mode == COPY_STORE && o->copy_to == NULL) {
		fputs("brickyardd: --copy-store: copy to where?\n"
		      "Try 'brickyardd --help'.\n", stderr);
		exit(EXIT_USAGE);
	}
	if (optind < argc) {
		fprintf(stderr, "brickyardd: unexpected argument '%s'\n"
			"Try 'brickyardd --help'.\n", argv[optind]);
		exit(EXIT_USAGE);
	}
}

/* ---- configuration ---- */

struct file_source {
	struct config *config;
	char *name;
};

static enum err
take_from_file(void *arg, const char *key, const char *value, char type,
	       int line, struct error *err)
{
	const struct file_source *f = arg;
	CLEANUP_FREE char *name = xasprintf("%s:%d", f->name, line);

	if (type == 'n')		/* null: as if it were not there */
		return ERR_OK;
	return config_set(f->config, key, value,
			  type == 'i' || type == 'r' ? CONFIG_INT :
			  type == 'b' ? CONFIG_BOOL : CONFIG_STRING,
			  name, err);
}

static enum err
set_from_option(struct config *c, const char *key, const char *value,
		struct error *err)
{
	if (value == NULL)
		return ERR_OK;
	return config_set(c, key, value, CONFIG_STRING, "command line", err);
}

/* Keys of heketi that are another key of ours, where that is not set. */
static enum err
take_over(struct config *c, struct error *err)
{
	const char *size = config_str(c, "mock_device_size_gb");
	enum err r = ERR_OK;

	if (config_is_set(c, "mock_device_size_gb") &&
	    !config_is_set(c, "executors.simulated.device_size_gb"))
		r = config_set(c, "executors.simulated.device_size_gb", size,
			       CONFIG_INT, "mock_device_size_gb", err);
	if (r == ERR_OK && config_bool(c, "glusterfs.db_read_only") &&
	    !config_is_set(c, "default_state"))
		r = config_set(c, "default_state", "read-only", CONFIG_STRING,
			       "glusterfs.db_read_only", err);
	return r;
}

enum err
load_config(struct daemon *d, struct error *err)
{
	enum err r = ERR_OK;

	d->config = config_new();
	if (d->opt.config != NULL) {
		CLEANUP_FREE char *name = xasprintf("file %s", d->opt.config);
		struct file_source f = { d->config, name };

		r = jsonfile_walk(d->opt.config, take_from_file, &f, err);
		if (r == ERR_PARSE && strncmp(err->text, "Unable to", 9) != 0)
			fail_prefix(err, "Unable to parse configuration");
	}
	if (r == ERR_OK)
		r = config_read_environment(d->config, err);
	if (r == ERR_OK)
		r = set_from_option(d->config, "store", d->opt.store, err);
	if (r == ERR_OK)
		r = set_from_option(d->config, "listen", d->opt.listen, err);
	if (r == ERR_OK)
		r = take_over(d->config, err);
	if (r == ERR_OK)
		r = config_check(d->config, err);
	return r;
}

void
set_log_level(const struct config *c)
{
	const char *name = config_str(c, "loglevel");
	enum log_level level;

	if (name[0] == '\0')
		name = config_str(c, "glusterfs.loglevel");
	if (name[0] == '\0')
		return;
	if (log_level_parse(name, &level))
		log_set_level(level);
	else
		log_warning("log level '%s' is not known, ignoring", name);
}

/* ---- plug-ins ---- */

/* Beside us, if we run from a build tree; else where they were installed. */
static char *
default_plugin_path(void)
{
	char exe[4096];
	CLEANUP_FREE char *probe = NULL;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	struct stat st;
	char *slash;

	if (n > 0) {
		exe[n] = '\0';
		slash = strrchr(exe, '/');
		*slash = '\0';
		probe = xasprintf("%s/plugins/replicate/.libs", exe);
		if (stat(probe, &st) == 0)
			return xstrdup(exe);
	}
	return xstrdup(PKGLIBDIR);
}

void
load_plugins(struct daemon *d)
{
	const char *path = config_str(d->config, "plugin_path");
	CLEANUP_FREE char *dflt = default_plugin_path();

	d->plugins = plugin_host_new(path[0] != '\0' ? path : dflt);
}

/* The steps of executors that have nothing but .run. */
static const struct lowering scripts = {
	.options = script_options,
	.steps = &script_steps,
	.attach = script_attach,
	.detach = script_detach,
};

enum err
open_executor(struct daemon *d, struct error *err)
{
	const char *name = executor_config_name(d->config);
	CLEANUP(kvs_release) struct kvs given = { 0 };
	const struct plugin *p;
	enum err r = plugin_find(d->plugins, BRICKYARD_KIND_EXECUTOR, name, &p,
				 err);

	if (r != ERR_OK)
		return r;
	executor_config_options(d->config, p, &scripts, &given);
	r = executor_open_lowered(p, &scripts, &given, &d->executor, err);
	if (r != ERR_OK)
		return r;
	executor_set_node_limit(d->executor, (size_t)config_int(
		d->config, "node_concurrency"));
	executor_set_step_limit(d->executor, 1000 * (int)config_int(
		d->config, "step_timeout_s"));
	executor_set_grace(d->executor, 1000 * (int)config_int(
		d->config, "step_grace_s"));
	return ERR_OK;
}

/* heketi's words, and what there is instead. */
static enum err
check_executor(struct daemon *d, struct error *err)
{
	const struct plugin *p;

	if (plugin_find(d->plugins, BRICKYARD_KIND_EXECUTOR,
			executor_config_name(d->config), &p, err) == ERR_OK)
		return ERR_OK;
	return fail_prefix(err, "invalid executor: %s",
			   config_str(d->config, "glusterfs.executor"));
}

/* ---- modes that print and exit ---- */

static char *listen_address(const struct config *c);

/* What it comes to, after the keys one by one. */
static void
print_config(struct daemon *d, struct buf *b)
{
	CLEANUP_FREE char *store = store_spec(d->config);
	CLEANUP_FREE char *listen = listen_address(d->config);
	const struct strs *w = config_warnings(d->config);
	struct error err;

	config_print(d->config, b);
	buf_addf(b, "# state: %s\n# serving on: %s, %s tokens\n"
		 "# nodes are reached by: %s\n", store, listen,
		 d->opt.disable_auth ? "without asking for" : "asking for",
		 executor_config_name(d->config));
	if (check_executor(d, &err) != ERR_OK)
		buf_addf(b, "# warning: %s\n", err.text);
	for (size_t i = 0; i < w->n; i++)
		buf_addf(b, "# warning: %s\n", w->v[i]);
}

static int
print_mode(struct daemon *d)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	size_t n;
	const struct plugin *const *l;

	if (d->opt.mode == CHECK_CONFIG) {
		print_config(d, &b);
	} else if (d->opt.mode == LIST_PLUGINS) {
		plugin_print_list(d->plugins, &b);
	} else {
		l = plugin_list(d->plugins, &n);
		for (size_t i = 0; i < n; i++)
			if (strcmp(l[i]->name, d->opt.plugin) == 0) {
				plugin_print(l[i], &b);
				lowering_print(&scripts, l[i], &b);
			}
		if (b.len == 0) {
			fprintf(stderr, "brickyardd: no plug-in is called '%s'; "
				"see --list-plugins\n", d->opt.plugin);
			return EXIT_FAILURE;
		}
	}
	fputs(buf_str(&b), stdout);
	return EXIT_SUCCESS;
}

/* ---- serving ---- */

/* Tell systemd, if it listens (sd_notify(3) speaks of the protocol). */
static void
notify_systemd(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	CLEANUP_CLOSE int fd = -1;
	size_t len = path != NULL ? strlen(path) : 0;

	if (len == 0 || len >= sizeof(a.sun_path))
		return;
	memcpy(a.sun_path, path, len);
	if (a.sun_path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			     (void *)&a, (socklen_t)(offsetof(struct sockaddr_un,
						     sun_path) + len)) < 0)
		log_warning("systemd: notify: %m, ignoring");
}

static enum err
check_keys(struct daemon *d, struct error *err)
{
	if (d->opt.disable_auth) {
		fputs("WARNING: Brickyard started with --disable-auth\n", stderr);
		return ERR_OK;
	}
	if (config_str(d->config, "jwt.admin.key")[0] == '\0' ||
	    config_str(d->config, "jwt.user.key")[0] == '\0')
		return fail(err, ERR_BADREQ, "Missing JWT information in config "
			    "file: jwt.admin.key and jwt.user.key are needed, or "
			    "--disable-auth");
	return ERR_OK;
}

char *
store_spec(const struct config *c)
{
	const char *spec = config_str(c, "store");
	const char *db = config_str(c, "glusterfs.db");

	if (spec[0] != '\0')
		return xstrdup(spec);
	return xasprintf("sqlite:%s", db[0] != '\0' ? db : "brickyard.db");
}

/* Points into section. */
static const char **
store_options(const struct config *c, struct kvs *section)
{
	const char **options;

	config_section(c, "store_options.", section);
	options = xcalloc(2 * section->n + 1, sizeof(*options));
	for (size_t i = 0; i < section->n; i++) {
		options[2 * i] = section->v[i].key;
		options[2 * i + 1] = section->v[i].value;
	}
	return options;
}

enum err
open_store(struct daemon *d, struct store **ret, struct error *err)
{
	CLEANUP(kvs_release) struct kvs section = { 0 };
	CLEANUP_FREE const char **options = store_options(d->config, &section);
	CLEANUP_FREE char *spec = store_spec(d->config);

	return store_open(spec, options, ret, err);
}

static char *
listen_address(const struct config *c)
{
	const char *port = config_str(c, "port");

	if (config_str(c, "listen")[0] != '\0')
		return xstrdup(config_str(c, "listen"));
	return xasprintf(":%s", port[0] != '\0' ? port : "8080");
}

/* With the port that port 0 became. */
static char *
served_address(struct daemon *d, const char *listen)
{
	const char *colon = strrchr(listen, ':');
	int n = colon != NULL ? (int)(colon - listen) : 0;

	return xasprintf("%.*s:%u", n, listen, api_port(d->api));
}

/* Everything that can go wrong at the start goes wrong in here. */
static enum err
start(struct daemon *d, const char *listen, struct error *err)
{
	struct service_deps deps = {
		.config = d->config,
		.plugins = d->plugins,
	};
	enum err r = check_keys(d, err);

	shape_set_patience(SHAPE_PATIENCE_MS);
	if (r == ERR_OK)
		r = check_executor(d, err);
	if (r == ERR_OK)
		r = open_executor(d, err);
	if (r == ERR_OK)
		r = executor_inject(d->config, &d->executor, err);
	deps.executor = d->executor;
	if (r == ERR_OK)
		r = api_start(d->config, listen, d->opt.disable_auth, &d->api,
			      err);
	if (r == ERR_OK)
		deps.listen = d->address = served_address(d, listen);
	if (r == ERR_OK)
		r = open_store(d, &deps.store, err);
	if (r == ERR_OK) {
		d->is_shared = store_is_shared(deps.store);
		r = service_start(&deps, &d->service, err);
	}
	if (r == ERR_OK)
		api_attach(d->api, d->service);
	return r;
}

static void
say_ready(struct daemon *d)
{
	printf("brickyardd: ready on %s%s\n", d->address,
	       api_has_tls(d->api) ? " with TLS enabled" : "");
	fflush(stdout);
	notify_systemd("READY=1");
}

void
release(struct daemon *d)
{
	service_free(d->service);
	executor_close(d->executor);
	plugin_host_free(d->plugins);
	config_free(d->config);
	free(d->address);
}

static void
stop(struct daemon *d)
{
	if (d->api != NULL)
		api_stop(d->api, GRACE_MS);
	if (d->service != NULL)
		service_stop(d->service, GRACE_MS);
	release(d);
}

/* Serve on until balancers have seen that we don't want to; a second signal
 * ends that.
 */
static void
drain(struct daemon *d, const sigset_t *set)
{
	int64_t ms = config_int(d->config, "shutdown_delay_ms");
	struct timespec ts;

	if (ms < 0)
		ms = d->is_shared ? DRAIN_MS : 0;
	ts.tv_sec = ms / 1000;
	ts.tv_nsec = ms % 1000 * 1000000;
	api_drain(d->api);
	if (ms > 0)
		(void)sigtimedwait(set, NULL, &ts);
}

/* The way out of read-only mode, in which nothing else can be changed. */
static void
reset_admin_mode(struct daemon *d)
{
	struct error err;

	if (service_set_admin_mode(d->service, MODE_NORMAL, &err) != ERR_OK)
		log_err("SIGUSR2: admin mode: %s", err.text);
}

/* What may be changed while we run: the certificate. */
static void
reload(struct daemon *d)
{
	struct error err;

	notify_systemd("RELOADING=1");
	if (!api_has_tls(d->api))
		log_notice("SIGHUP: nothing to read anew: TLS is not enabled");
	else if (api_reload(d->api, &err) == ERR_OK)
		log_notice("SIGHUP: the certificate was read anew");
	else
		log_err("SIGHUP: %s; going on with the certificate that was "
			"read before", err.text);
	notify_systemd("READY=1");
}

/* Until one of them says that it is the end. */
static int
wait_for_signal(struct daemon *d, const sigset_t *set)
{
	int sig = 0;

	for (;;) {
		if (sigwait(set, &sig) != 0)
			continue;
		if (sig == SIGUSR2)
			reset_admin_mode(d);
		else if (sig == SIGHUP)
			reload(d);
		else
			return sig;
	}
}

static int
serve(struct daemon *d)
{
	CLEANUP_FREE char *listen = listen_address(d->config);
	struct error err;
	const struct strs *warnings = config_warnings(d->config);
	sigset_t set;
	int sig;

	for (size_t i = 0; i < warnings->n; i++)
		log_warning("configuration: %s", warnings->v[i]);
	/* Threads inherit the mask: this one alone takes signals. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (start(d, listen, &err) != ERR_OK) {
		fprintf(stderr, "ERROR: %s\n", err.text);
		stop(d);
		return EXIT_FAILURE;
	}
	/* ---- from here on nothing may fail ---- */
	say_ready(d);
	sig = wait_for_signal(d, &set);
	log_notice("%s: stopping", strsignal(sig));
	notify_systemd("STOPPING=1");
	sigdelset(&set, SIGUSR2);
	sigdelset(&set, SIGHUP);
	drain(d, &set);
	stop(d);
	return EXIT_SUCCESS;
}

/* ---- copying ---- */

static void
print_report(const struct copy_report *r)
{
	for (int i = 0; i <= RECORD_KINDS; i++)
		if (r->of_kind[i] > 0)
			printf("%8zu %s\n", r->of_kind[i], i < RECORD_KINDS ?
			       record_prefix((enum record_kind)i) : "other");
	printf("brickyardd: copied %zu keys, %" PRIu64 " bytes, from %s to %s, "
	       "and compared them; left out %zu that were leased\n", r->keys,
	       r->bytes, r->from, r->to, r->left_out);
}

static int
copy_and_exit(struct daemon *d)
{
	CLEANUP(kvs_release) struct kvs section = { 0 };
	CLEANUP_FREE const char **options = store_options(d->config, &section);
	CLEANUP(copy_report_release) struct copy_report report = { 0 };
	struct error err;

	if (store_copy(d->opt.copy_from, d->opt.copy_to, options, &report,
		       &err) != ERR_OK) {
		fprintf(stderr, "ERROR: %s\n", err.text);
		return EXIT_FAILURE;
	}
	print_report(&report);
	return EXIT_SUCCESS;
}

/* heketi needs a file; we can do with the command line and the environment, but
 * not with nothing at all.
 */
bool
is_unconfigured(const struct daemon *d)
{
	static const char *const any[] = {
		"store", "listen", "port", "glusterfs.db", "glusterfs.executor",
	};

	for (size_t i = 0; i < ARRAY_SIZE(any); i++)
		if (config_is_set(d->config, any[i]))
			return false;
	return d->opt.config == NULL;
}

int
main(int argc, char **argv)
{
	struct daemon d = { .opt = { .mode = SERVE } };
	struct error err;
	int status;

	if (argc > 1 && strcmp(argv[1], "help") == 0) {
		fputs(usage_text, stdout);
		return EXIT_SUCCESS;
	}
	if (argc > 1 && (strcmp(argv[1], "db") == 0 ||
			 strcmp(argv[1], "offline") == 0))
		return run_offline(&d, argc - 1, argv + 1);
	parse_options(argc, argv, &d.opt);
	if (load_config(&d, &err) != ERR_OK) {
		fprintf(stderr, "ERROR: %s\n", err.text);
		config_free(d.config);
		return EXIT_FAILURE;
	}
	set_log_level(d.config);
	if (d.opt.mode == SERVE && is_unconfigured(&d)) {
		fputs("Please provide configuration file\n", stderr);
		config_free(d.config);
		return EXIT_FAILURE;
	}
	if (d.opt.mode == COPY_STORE) {
		status = copy_and_exit(&d);
		config_free(d.config);
		return status;
	}
	load_plugins(&d);
	if (d.opt.mode == SERVE)
		return serve(&d);
	status = print_mode(&d);
	release(&d);
	return status;
}
